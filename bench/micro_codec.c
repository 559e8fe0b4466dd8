/* `codec`: the frames of a life cycle, decoded and encoded as the router does it; beside it
 * msgpack-c, which decodes to a tree and encodes from one. The bytes are the same for both. */
#include <argp.h>
#include <assert.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>

#include "bench/command.h"
#include "bench/micro_center.h"
#include "bench/micro_frames.h"
#include "bench/micro_meter.h"
#include "proto/request_shape.h"
#include "queue/base/memory.h"
#include "router/delivery.h"
#include "router/view.h"

/* Requests come from a role; messages are deliveries of the engine. */
struct codec_row {
    const char *name;
    void (*pack)(struct packer *p); /* a request; NULL: a message */
    enum role role;
    enum delivery_kind kind;
    enum contact_state state;
};

/* In the order of a life cycle. */
static const struct codec_row codec_rows[] = {
    {"decode contact.submit", micro_frames_submit, ROLE_CONNECTOR, ANSWER_DONE, CONTACT_WAITING},
    {"decode offer.accept", micro_frames_accept, ROLE_AGENT, ANSWER_DONE, CONTACT_WAITING},
    {"decode contact.complete", micro_frames_complete, ROLE_AGENT, ANSWER_DONE, CONTACT_WAITING},
    {"encode answer of submit", NULL, ROLE_CONNECTOR, ANSWER_SUBMITTED, CONTACT_WAITING},
    {"encode offer", NULL, ROLE_AGENT, NOTICE_OFFER, CONTACT_OFFERED},
    {"encode answer of accept", NULL, ROLE_AGENT, ANSWER_CONTACT_STATE, CONTACT_ACTIVE},
    {"encode answer of complete", NULL, ROLE_AGENT, ANSWER_CONTACT_STATE, CONTACT_COMPLETED},
    {"encode contact.changed", NULL, ROLE_CONNECTOR, NOTICE_CONTACT_CHANGED, CONTACT_OFFERED},
};

#define CODEC_ROWS (sizeof(codec_rows) / sizeof(codec_rows[0]))

struct codec_result {
    uint32_t bytes;
    struct micro_cost ours, msgpack;
};

struct codec {
    uint64_t operations;
    bool only_ours;
    const char *only; /* a row's name; NULL: all */
    const char *json;
    struct micro_meter meter;
    struct engine *engine;
    struct micro_offer {
        uint64_t session, number;
    } offer;
    struct packer frames[CODEC_ROWS]; /* what is decoded, and what was encoded */
    struct codec_result results[CODEC_ROWS];
};

/* Apart and never inlined, so that a profiler can be told to look at these and nothing else. */

__attribute__((noinline)) static void
micro_codec_decode_measured(const struct packer *frame, enum role role, uint64_t operations)
{
    struct request request;
    struct request_shapes shapes;
    struct limits limits;

    limits_init(&limits);
    request_shapes_init(&shapes, &limits);
    for (uint64_t i = 0; i < operations; i++) {
        if (request_shape_decode(&shapes, &request, role, frame->bytes, frame->size) !=
            frame->size) {
            assert(false && "a request of the benchmark is refused");
        }
    }
}

__attribute__((noinline)) static void micro_codec_encode_measured(struct packer *p,
                                                                  const struct view *v,
                                                                  const struct delivery *d,
                                                                  uint64_t operations)
{
    for (uint64_t i = 0; i < operations; i++) {
        packer_reset(p);
        delivery_encode(p, v, d, NULL);
    }
}

/* msgpack-c: the same bytes to a tree, and from the tree to the same fields. */

static struct micro_cost codec_msgpack_decode(struct codec *c, const struct packer *frame)
{
    msgpack_unpacked tree;

    msgpack_unpacked_init(&tree);
    micro_meter_start(&c->meter);
    for (uint64_t i = 0; i < c->operations; i++) {
        size_t offset = 0;

        if (msgpack_unpack_next(&tree, (const char *)frame->bytes, frame->size, &offset) !=
            MSGPACK_UNPACK_SUCCESS) {
            assert(false && "msgpack-c cannot read a request");
        }
    }
    msgpack_unpacked_destroy(&tree);
    return micro_meter_stop(&c->meter, c->operations);
}

static struct micro_cost codec_msgpack_encode(struct codec *c, const struct packer *frame)
{
    struct micro_cost cost;
    msgpack_unpacked tree;
    msgpack_sbuffer out;
    msgpack_packer packer;
    size_t offset = 0;

    msgpack_unpacked_init(&tree);
    (void)msgpack_unpack_next(&tree, (const char *)frame->bytes, frame->size, &offset);
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
    micro_meter_start(&c->meter);
    for (uint64_t i = 0; i < c->operations; i++) {
        msgpack_sbuffer_clear(&out);
        (void)msgpack_pack_object(&packer, tree.data);
    }
    cost = micro_meter_stop(&c->meter, c->operations);
    msgpack_sbuffer_destroy(&out);
    msgpack_unpacked_destroy(&tree);
    return cost;
}

static bool codec_wants(const struct codec *c, size_t row)
{
    return c->only == NULL || strcmp(c->only, codec_rows[row].name) == 0;
}

static void codec_measure_msgpack(struct codec *c, size_t row)
{
    c->results[row].bytes = (uint32_t)c->frames[row].size;
    if (!c->only_ours) {
        c->results[row].msgpack = codec_rows[row].pack != NULL
                                      ? codec_msgpack_decode(c, &c->frames[row])
                                      : codec_msgpack_encode(c, &c->frames[row]);
    }
}

/* Messages: while the engine lives through one contact, each delivery is encoded so often. */

static void codec_on_fact(void *context, const struct fact *fact)
{
    (void)context;
    (void)fact;
}

static void codec_on_delivery(void *context, const struct delivery *d)
{
    struct codec *c = context;
    struct delivery said = *d;
    struct view view;

    assert(d->kind != ANSWER_REFUSED);
    if (d->kind == NOTICE_OFFER) {
        c->offer = (struct micro_offer){d->session, d->offer->number};
        said.state = CONTACT_OFFERED;
    } else if (d->kind == ANSWER_SUBMITTED) {
        said.state = CONTACT_WAITING;
    }
    for (size_t row = 0; row < CODEC_ROWS; row++) {
        const struct codec_row *r = &codec_rows[row];

        if (r->pack != NULL || r->kind != said.kind || r->state != said.state ||
            !codec_wants(c, row)) {
            continue;
        }
        view_init(&view, c->engine, MICRO_CENTER_START);
        micro_meter_start(&c->meter);
        micro_codec_encode_measured(&c->frames[row], &view, d, c->operations);
        c->results[row].ours = micro_meter_stop(&c->meter, c->operations);
        codec_measure_msgpack(c, row);
    }
}

static uint64_t codec_request(enum method method)
{
    return delivery_request_pack(
        (struct delivery_request){.msgid = MICRO_FRAMES_MSGID, .method = method});
}

static void codec_step(struct codec *c, struct command *command, uint64_t session,
                       enum method method)
{
    command->time = MICRO_CENTER_START;
    command->caller.session = session;
    command->caller.request = codec_request(method);
    (void)engine_step(c->engine, command);
}

static void codec_messages(struct codec *c)
{
    static const struct micro_center center = {
        .agents = 1, .queues = 16, .at_once = 32, .ended = 1};
    struct engine_options options = {
        .workspace = TEXT("bench"),
        .sink = {.context = c, .fact = codec_on_fact, .deliver = codec_on_delivery},
        .hash_seed = {1, 2}};
    const struct text id = TEXT(MICRO_FRAMES_ID);
    char text[MICRO_FRAMES_TEXT_BYTES];
    struct command command;

    c->engine = engine_create(&options);
    micro_center_open(c->engine, &center, MICRO_CENTER_START);
    memset(text, 'x', sizeof(text));
    command = micro_center_submission(c->engine, &center, 1, id, (struct text){text, sizeof(text)});
    command.submit.classified.why_tier = TEXT("named by the connector");
    command.submit.classified.why_issue = TEXT("no rule holds");
    command.submit.classified.why_queue = TEXT("named by the connector");
    command.submit.classified.why_language = TEXT("none");
    codec_step(c, &command, MICRO_CENTER_SHOP, METHOD_CONTACT_SUBMIT);
    command = (struct command){.kind = COMMAND_ACCEPT, .caller = {.role = CALLER_AGENT}};
    command.offer.offer = c->offer.number;
    codec_step(c, &command, c->offer.session, METHOD_OFFER_ACCEPT);
    command = (struct command){.kind = COMMAND_COMPLETE, .caller = {.role = CALLER_AGENT}};
    command.complete = (struct complete_command){.contact = id, .wrap_up = 0};
    codec_step(c, &command, c->offer.session, METHOD_CONTACT_COMPLETE);
    engine_destroy(c->engine);
}

/* Requests. */

static void codec_requests(struct codec *c)
{
    for (size_t row = 0; row < CODEC_ROWS; row++) {
        if (codec_rows[row].pack != NULL && codec_wants(c, row)) {
            codec_rows[row].pack(&c->frames[row]);
            micro_meter_start(&c->meter);
            micro_codec_decode_measured(&c->frames[row], codec_rows[row].role, c->operations);
            c->results[row].ours = micro_meter_stop(&c->meter, c->operations);
            codec_measure_msgpack(c, row);
        }
    }
}

/* The result. */

static void codec_print(const struct codec *c)
{
    printf("%-28s %6s   here, and with msgpack-c\n", "", "bytes");
    for (size_t row = 0; row < CODEC_ROWS; row++) {
        if (codec_wants(c, row)) {
            printf("%-28s %6u", codec_rows[row].name, c->results[row].bytes);
            micro_cost_print(c->results[row].ours);
            micro_cost_print(c->results[row].msgpack);
            putchar('\n');
        }
    }
    micro_meter_print_note(&c->meter);
}

static json_t *codec_json(const struct codec *c)
{
    json_t *rows = json_array();

    for (size_t row = 0; row < CODEC_ROWS; row++) {
        if (codec_wants(c, row)) {
            json_array_append_new(
                rows, json_pack("{s:s, s:I, s:o, s:o}", "operation", codec_rows[row].name, "bytes",
                                (json_int_t)c->results[row].bytes, "ours",
                                micro_cost_json(c->results[row].ours), "msgpack_c",
                                micro_cost_json(c->results[row].msgpack)));
        }
    }
    return json_pack("{s:I, s:o}", "operations", (json_int_t)c->operations, "rows", rows);
}

enum { CODEC_KEY_OPERATIONS = 256, CODEC_KEY_ONLY, CODEC_KEY_ONLY_OURS, CODEC_KEY_JSON };

static const struct argp_option codec_argp_options[] = {
    {"operations", CODEC_KEY_OPERATIONS, "N", 0, "of each kind (1000000)", 0},
    {"only", CODEC_KEY_ONLY, "NAME", 0, "one row, by its name", 0},
    {"only-ours", CODEC_KEY_ONLY_OURS, NULL, 0, "without msgpack-c", 0},
    {"json", CODEC_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t codec_parse(int key, char *text, struct argp_state *state)
{
    struct codec *c = state->input;
    bool known = false;

    switch (key) {
    case CODEC_KEY_OPERATIONS:
        c->operations = command_whole(state, text, "--operations", 1, UINT64_C(1) << 40);
        break;
    case CODEC_KEY_ONLY:
        for (size_t row = 0; row < CODEC_ROWS; row++) {
            known = known || strcmp(text, codec_rows[row].name) == 0;
        }
        if (!known) {
            argp_error(state, "there is no row '%s'", text);
        }
        c->only = text;
        break;
    case CODEC_KEY_ONLY_OURS:
        c->only_ours = true;
        break;
    case CODEC_KEY_JSON:
        c->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_codec(int argc, char **argv)
{
    static const struct argp argp = {
        .options = codec_argp_options,
        .parser = codec_parse,
        .doc = "The frames of a life cycle, decoded and encoded as the router does it, and with "
               "msgpack-c: CPU time and, where the machine counts them, instructions of each.",
    };
    struct codec c = {.operations = 1000000};
    int status = BENCH_OK;

    argp_parse(&argp, argc, argv, 0, NULL, &c);
    micro_meter_open(&c.meter);
    codec_requests(&c);
    codec_messages(&c);
    if (c.json == NULL || strcmp(c.json, "-") != 0) {
        codec_print(&c);
    }
    if (c.json != NULL && !command_write_json(codec_json(&c), c.json)) {
        status = BENCH_UNABLE;
    }
    micro_meter_close(&c.meter);
    for (size_t row = 0; row < CODEC_ROWS; row++) {
        packer_close(&c.frames[row]);
    }
    return status;
}
