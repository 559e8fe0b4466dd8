/* `engine`: the routing engine alone. Contacts are submitted, offered, accepted and completed in
 * one engine whose facts and deliveries go nowhere, so that what is measured is the engine. */
#include <argp.h>
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "bench/command.h"
#include "bench/frames.h"
#include "bench/micro_center.h"
#include "bench/micro_meter.h"
#include "queue/base/memory.h"

struct micro_options {
    uint64_t operations; /* life cycles that are measured */
    struct micro_center center;
    uint32_t backlog; /* contacts that wait all the time */
    uint32_t text_bytes;
    const char *json;
};

struct micro_offer {
    uint64_t session;
    uint64_t number;
    char contact[FRAMES_ID_BYTES];
};

struct micro {
    const struct micro_options *options;
    struct engine *engine;
    uint64_t facts, deliveries, refused;
    struct micro_offer *offers; /* made and not accepted yet */
    uint32_t offer_count, offer_room;
    uint64_t submitted, completed;
    engine_time now;
    char *text;
};

#define MICRO_PER_MS 500 /* life cycles in a millisecond of the engine's time */

static void micro_on_fact(void *context, const struct fact *fact)
{
    struct micro *m = context;

    (void)fact;
    m->facts++;
}

static void micro_on_delivery(void *context, const struct delivery *d)
{
    struct micro *m = context;
    const struct contact *contact;
    struct micro_offer *offer;

    m->deliveries++;
    m->refused += d->kind == ANSWER_REFUSED;
    if (d->kind != NOTICE_OFFER) {
        return;
    }
    contact = d->offer->contact;
    if (m->offer_count == m->offer_room) {
        m->offer_room = m->offer_room * 2 + 64;
        m->offers = memory_resize(m->offers, m->offer_room * sizeof(m->offers[0]));
    }
    offer = &m->offers[m->offer_count++];
    offer->session = d->session;
    offer->number = d->offer->number;
    assert(contact_id(contact).length == FRAMES_ID_BYTES);
    memcpy(offer->contact, contact_id(contact).bytes, FRAMES_ID_BYTES);
}

static void micro_step(struct micro *m, struct command *c)
{
    c->time = m->now;
    (void)engine_step(m->engine, c);
}

static void micro_submit(struct micro *m)
{
    struct command c;
    char id[FRAMES_ID_BYTES];

    if (m->submitted % MICRO_PER_MS == 0) {
        m->now++;
    }
    frames_id_write(id, 0, (uint32_t)(m->submitted >> 32), (uint32_t)m->submitted);
    c = micro_center_submission(m->engine, &m->options->center, m->submitted,
                                (struct text){id, sizeof(id)},
                                (struct text){m->text, m->options->text_bytes});
    m->submitted++;
    micro_step(m, &c);
}

/* Accept and complete whatever has been offered; that offers more, which waits for the next call.
 */
static void micro_work(struct micro *m)
{
    uint32_t count = m->offer_count;

    for (uint32_t i = 0; i < count; i++) {
        struct micro_offer offer = m->offers[i];
        struct command c = {.kind = COMMAND_ACCEPT};

        c.caller = (struct caller){.session = offer.session, .request = 2, .role = CALLER_AGENT};
        c.offer.offer = offer.number;
        micro_step(m, &c);
        c.kind = COMMAND_COMPLETE;
        c.complete =
            (struct complete_command){.contact = {offer.contact, FRAMES_ID_BYTES}, .wrap_up = 0};
        micro_step(m, &c);
        m->completed++;
    }
    memmove(m->offers, m->offers + count, (m->offer_count - count) * sizeof(m->offers[0]));
    m->offer_count -= count;
}

/* Keep so many contacts in the engine, and go round until `count` have ended. */
static void micro_run(struct micro *m, uint64_t count)
{
    uint64_t capacity = (uint64_t)m->options->center.agents * m->options->center.at_once;
    uint64_t until = m->completed + count, level = m->options->backlog + (capacity + 1) / 2;

    if (m->options->backlog > 0) {
        level = m->options->backlog + capacity;
    }
    while (m->completed < until) {
        while (m->submitted - m->completed < level) {
            micro_submit(m);
        }
        micro_work(m);
    }
}

static int micro_report(const struct micro *m, const struct micro_options *o,
                        struct micro_cost cost)
{
    const struct micro_center *c = &o->center;

    if (o->json == NULL || strcmp(o->json, "-") != 0) {
        printf("engine: ");
        micro_cost_print(cost);
        printf(" a life cycle (submit, offer, accept, complete), %.2f million a second\n"
               "%u agents with %u at once, %u queues, %u waiting, %u ended; %.1f facts and %.1f "
               "deliveries a life cycle, %llu refused\n",
               1e3 / cost.ns, c->agents, c->at_once, c->queues, o->backlog, c->ended,
               (double)m->facts / (double)m->completed,
               (double)m->deliveries / (double)m->completed, (unsigned long long)m->refused);
    }
    if (o->json != NULL &&
        !command_write_json(
            json_pack("{s:f, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "ns_per_life_cycle", cost.ns,
                      "instructions_per_life_cycle",
                      cost.instructions_known ? json_real(cost.instructions) : json_null(), "count",
                      (json_int_t)o->operations, "agents", (json_int_t)c->agents, "queues",
                      (json_int_t)c->queues, "at_once", (json_int_t)c->at_once, "backlog",
                      (json_int_t)o->backlog, "ended", (json_int_t)c->ended),
            o->json)) {
        return BENCH_UNABLE;
    }
    return m->refused == 0 ? BENCH_OK : BENCH_BAD;
}

/* Apart and never inlined, so that a profiler can be told to look at this and nothing else. */
__attribute__((noinline)) static void micro_engine_measured(struct micro *m, uint64_t operations)
{
    micro_run(m, operations);
}

static int micro_measure(const struct micro_options *o)
{
    struct micro m = {.options = o, .now = MICRO_CENTER_START};
    struct engine_options options = {
        .workspace = TEXT("bench"),
        .sink = {.context = &m, .fact = micro_on_fact, .deliver = micro_on_delivery},
        .hash_seed = {1, 2}};
    struct micro_meter meter;
    struct micro_cost cost;
    int status;

    m.text = memory_take(o->text_bytes + 1u);
    memset(m.text, 'x', o->text_bytes);
    m.engine = engine_create(&options);
    micro_center_open(m.engine, &o->center, m.now);
    /* Pools and maps grow to their size, and as many have ended as are remembered. */
    micro_run(&m, o->operations / 10 > o->center.ended ? o->operations / 10 : o->center.ended + 1);
    micro_meter_open(&meter);
    micro_meter_start(&meter);
    micro_engine_measured(&m, o->operations);
    cost = micro_meter_stop(&meter, o->operations);
    micro_meter_close(&meter);
    status = micro_report(&m, o, cost);
    engine_destroy(m.engine);
    memory_give(m.offers);
    memory_give(m.text);
    return status;
}

enum {
    MICRO_KEY_OPERATIONS = 256,
    MICRO_KEY_AGENTS,
    MICRO_KEY_QUEUES,
    MICRO_KEY_AT_ONCE,
    MICRO_KEY_BACKLOG,
    MICRO_KEY_ENDED,
    MICRO_KEY_TEXT,
    MICRO_KEY_JSON
};

static const struct argp_option micro_argp_options[] = {
    {"operations", MICRO_KEY_OPERATIONS, "N", 0, "life cycles to measure (2000000)", 0},
    {"count", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"agents", MICRO_KEY_AGENTS, "N", 0, "agents (32)", 0},
    {"at-once", MICRO_KEY_AT_ONCE, "N", 0, "contacts an agent works at a time (32)", 0},
    {"queues", MICRO_KEY_QUEUES, "N", 0, "queues (16)", 0},
    {"backlog", MICRO_KEY_BACKLOG, "N", 0, "contacts that wait all the time (0)", 0},
    {"ended", MICRO_KEY_ENDED, "N", 0, "ended contacts that are remembered (200000)", 0},
    {"text-bytes", MICRO_KEY_TEXT, "N", 0, "bytes of text in a message (200)", 0},
    {"json", MICRO_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t micro_parse(int key, char *text, struct argp_state *state)
{
    struct micro_options *o = state->input;

    switch (key) {
    case MICRO_KEY_OPERATIONS:
        o->operations = command_whole(state, text, "--operations", 1, UINT64_C(1) << 40);
        break;
    case MICRO_KEY_AGENTS:
        o->center.agents = (uint32_t)command_whole(state, text, "--agents", 1, 1000000);
        break;
    case MICRO_KEY_AT_ONCE:
        o->center.at_once = (uint32_t)command_whole(state, text, "--at-once", 1, 10000);
        break;
    case MICRO_KEY_QUEUES:
        o->center.queues = (uint32_t)command_whole(state, text, "--queues", 1, 1000);
        break;
    case MICRO_KEY_BACKLOG:
        o->backlog = (uint32_t)command_whole(state, text, "--backlog", 0, 100000000);
        break;
    case MICRO_KEY_ENDED:
        o->center.ended = (uint32_t)command_whole(state, text, "--ended", 1, 100000000);
        break;
    case MICRO_KEY_TEXT:
        o->text_bytes = (uint32_t)command_whole(state, text, "--text-bytes", 0, 65536);
        break;
    case MICRO_KEY_JSON:
        o->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_engine(int argc, char **argv)
{
    static const struct argp argp = {
        .options = micro_argp_options,
        .parser = micro_parse,
        .doc = "The routing engine alone, without wire and journal: ns a life cycle.",
    };
    struct micro_options options = {
        .operations = 2000000,
        .center = {.agents = 32, .queues = 16, .at_once = 32, .ended = 200000},
        .text_bytes = 200};

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return micro_measure(&options);
}
