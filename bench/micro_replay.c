/* `replay`: how fast an engine comes of a stream: facts of life cycles, and contacts that wait, in
 * a checkpoint or partly in the facts behind it; the latter as they lie in memory, and as they are
 * read from a Redis on this machine. */
#include "bench/micro_replay.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "bench/command.h"
#include "bench/frames.h"
#include "bench/micro_center.h"
#include "queue/base/memory.h"
#include "router/fact_codec.h"
#include "router/stream/stream_replay.h"

#define REPLAY_EPOCH         65537u
#define REPLAY_PER_MS        500 /* contacts in a millisecond of the engine's time */
#define REPLAY_SLICE_BYTES   262144
#define REPLAY_SLICE_RECORDS 256

struct replay_options {
    uint64_t operations, contacts, behind;
    uint32_t entry_facts, text_bytes;
    const char *folder, *json;
};

/* The owner, who writes the stream. */
struct replay_owner {
    const struct replay_options *options;
    struct micro_center center;
    struct engine *engine;
    struct stream_tail *tail;
    struct packer facts, slice;
    uint32_t fact_count, records;
    uint64_t first_seq, submitted;
    bool silent; /* facts are not written: the checkpoint will say it all */
    bool first;  /* no slice was written */
    uint64_t offer, session;
    char contact[FRAMES_ID_BYTES]; /* that was offered last */
    char *text;
};

/* ---- writing ---- */

static void replay_owner_write(struct replay_owner *o, const struct journal_entry *entry)
{
    stream_tail_add(o->tail, entry);
    (void)stream_tail_hand_over(o->tail);
}

static void replay_owner_flush(struct replay_owner *o)
{
    struct journal_entry entry = {.kind = ENTRY_FACTS, .seq = o->first_seq};

    if (o->fact_count > 0) {
        packer_array_close(&o->facts, 0, o->fact_count);
        entry.bytes = o->facts.bytes;
        entry.size = o->facts.size;
        o->fact_count = 0;
        replay_owner_write(o, &entry);
    }
}

static void replay_owner_on_fact(void *context, const struct fact *fact)
{
    struct replay_owner *o = context;

    if (o->silent) {
        return;
    }
    if (o->fact_count == 0) {
        packer_reset(&o->facts);
        packer_array_open(&o->facts);
        o->first_seq = fact->seq;
    }
    fact_encode(&o->facts, fact, engine_settings(o->engine));
    if (++o->fact_count == o->options->entry_facts) {
        replay_owner_flush(o);
    }
}

static void replay_owner_on_delivery(void *context, const struct delivery *d)
{
    struct replay_owner *o = context;

    if (d->kind == NOTICE_OFFER) {
        o->offer = d->offer->number;
        o->session = d->session;
        memcpy(o->contact, contact_id(d->offer->contact).bytes, FRAMES_ID_BYTES);
    }
}

static void replay_owner_slice(struct replay_owner *o, uint32_t flags)
{
    struct journal_entry entry = {.kind = ENTRY_CHECKPOINT,
                                  .flags = flags | (o->first ? ENTRY_FIRST : 0),
                                  .seq = engine_seq(o->engine)};

    packer_array_close(&o->slice, 0, o->records);
    entry.bytes = o->slice.bytes;
    entry.size = o->slice.size;
    o->first = false;
    o->records = 0;
    replay_owner_write(o, &entry);
}

static void replay_owner_on_record(void *context, const uint8_t *bytes, size_t size)
{
    struct replay_owner *o = context;

    if (o->records == 0) {
        packer_reset(&o->slice);
        packer_array_open(&o->slice);
    }
    packer_bin(&o->slice, bytes, size);
    o->records++;
}

static void replay_owner_checkpoint(struct replay_owner *o)
{
    o->first = true;
    engine_checkpoint_begin(o->engine, replay_owner_on_record, o);
    while (engine_checkpoint_continue(o->engine, REPLAY_SLICE_RECORDS)) {
        if (o->slice.size > REPLAY_SLICE_BYTES) {
            replay_owner_slice(o, 0);
        }
    }
    replay_owner_slice(o, ENTRY_LAST);
}

static engine_time replay_owner_now(const struct replay_owner *o)
{
    return MICRO_CENTER_START + (engine_time)(o->submitted / REPLAY_PER_MS);
}

static void replay_owner_submit(struct replay_owner *o)
{
    struct command c;
    char id[FRAMES_ID_BYTES];

    frames_id_write(id, 0, (uint32_t)(o->submitted >> 32), (uint32_t)o->submitted);
    o->submitted++;
    c = micro_center_submission(o->engine, &o->center, o->submitted, (struct text){id, sizeof(id)},
                                (struct text){o->text, o->options->text_bytes});
    c.time = replay_owner_now(o);
    (void)engine_step(o->engine, &c);
}

static void replay_owner_work(struct replay_owner *o)
{
    struct command c = {.kind = COMMAND_ACCEPT, .time = replay_owner_now(o)};

    c.caller = (struct caller){.session = o->session, .request = 2, .role = CALLER_AGENT};
    c.offer.offer = o->offer;
    (void)engine_step(o->engine, &c);
    c.kind = COMMAND_COMPLETE;
    c.complete = (struct complete_command){.contact = {o->contact, FRAMES_ID_BYTES}};
    (void)engine_step(o->engine, &c);
}

static void replay_owner_open(struct replay_owner *o, const struct replay_options *options,
                              uint32_t agents, bool silent)
{
    struct engine_options engine = {.workspace = TEXT("bench"),
                                    .sink = {o, replay_owner_on_fact, replay_owner_on_delivery},
                                    .hash_seed = {1, 2}};

    memset(o, 0, sizeof(*o));
    o->options = options;
    o->silent = silent;
    o->center =
        (struct micro_center){.agents = agents, .queues = 16, .at_once = 32, .ended = 200000};
    o->text = memory_take(options->text_bytes + 1u);
    memset(o->text, 'x', options->text_bytes);
    o->tail =
        stream_tail_create(TEXT("bench"), TEXT("{bench}:journal"), REPLAY_EPOCH, STREAM_START);
    o->engine = engine_create(&engine);
    micro_center_open(o->engine, &o->center, MICRO_CENTER_START);
}

static void replay_owner_close(struct replay_owner *o)
{
    stream_tail_destroy(o->tail);
    packer_close(&o->facts);
    packer_close(&o->slice);
    memory_give(o->text);
}

/* ---- reading ---- */

static void replay_bench_ignore_fact(void *context, const struct fact *fact)
{
    (void)context;
    (void)fact;
}

static void replay_bench_ignore_delivery(void *context, const struct delivery *d)
{
    (void)context;
    (void)d;
}

struct engine *replay_bench_create(void *context)
{
    struct engine_options options = {
        .workspace = TEXT("bench"),
        .sink = {context, replay_bench_ignore_fact, replay_bench_ignore_delivery},
        .hash_seed = {3, 4}};

    return engine_create(&options);
}

/* Apart and never inlined, so that a profiler can be told to look at this and nothing else. */
__attribute__((noinline)) static void
replay_bench_measured(const struct stream_tail *t, struct stream_replay *r, struct replay_row *row)
{
    for (struct list_node *n = list_first(&t->open); n != NULL; n = list_next(&t->open, n)) {
        const struct stream_batch *b = record_of(n, struct stream_batch, in_tail);
        const struct stream_entry *e = &b->entries[0];
        struct stream_read_entry read = {
            e->id, e->field[0], {(const char *)b->bytes.bytes + e->at, (uint32_t)e->size}};

        row->entries++;
        row->bytes += e->size;
        if (stream_replay_entry(r, &read) != STREAM_TAKEN) {
            snprintf(row->problem, sizeof(row->problem), "%s", r->problem);
            return;
        }
    }
}

void replay_bench_read(const struct stream_tail *t, struct replay_row *row)
{
    const struct stream_replay_events events = {NULL, replay_bench_create};
    struct stream_replay r;
    struct micro_meter meter;

    stream_replay_init(&r, TEXT("bench"), &events);
    micro_meter_open(&meter);
    micro_meter_start(&meter);
    replay_bench_measured(t, &r, row);
    row->facts = r.replay.facts;
    row->records = r.replay.records;
    row->cost = micro_meter_stop(&meter, row->facts + row->records + 1);
    row->seconds = row->cost.ns * (double)(row->facts + row->records + 1) / 1e9;
    micro_meter_close(&meter);
    stream_replay_close(&r);
}

/* ---- the rows ---- */

enum {
    REPLAY_ROW_FACTS,
    REPLAY_ROW_CHECKPOINT,
    REPLAY_ROW_CHECKPOINT_REDIS,
    REPLAY_ROW_BEHIND,
    REPLAY_ROW_BEHIND_REDIS,
    REPLAY_ROWS
};

static const char *const replay_row_names[] = {"facts", "checkpoint", "checkpoint from Redis",
                                               "facts behind one", "the same from Redis"};

static void replay_measure_facts(const struct replay_options *o, struct replay_row *row)
{
    struct replay_owner owner;

    replay_owner_open(&owner, o, 32, false);
    for (uint64_t i = 0; i < o->operations; i++) {
        replay_owner_submit(&owner);
        replay_owner_work(&owner);
    }
    replay_owner_flush(&owner);
    engine_destroy(owner.engine);
    replay_bench_read(owner.tail, row);
    replay_owner_close(&owner);
}

/* Contacts that wait: `behind` of them were submitted after the checkpoint. */
static void replay_measure_waiting(const struct replay_options *o, uint64_t behind,
                                   struct replay_row *row, struct replay_row *from_redis)
{
    struct replay_owner owner;

    replay_owner_open(&owner, o, 0, true);
    while (owner.submitted < o->contacts - behind) {
        replay_owner_submit(&owner);
    }
    replay_owner_checkpoint(&owner);
    owner.silent = false;
    while (owner.submitted < o->contacts) {
        replay_owner_submit(&owner);
    }
    replay_owner_flush(&owner);
    engine_destroy(owner.engine);
    replay_bench_read(owner.tail, row);
    replay_bench_read_from_redis(owner.tail, o->folder, from_redis);
    replay_owner_close(&owner);
}

static void replay_print(const char *name, const struct replay_row *row)
{
    uint64_t count = row->facts + row->records;

    if (row->problem[0] != '\0') {
        printf("replay: %-21s %s\n", name, row->problem);
        return;
    }
    printf("replay: %-21s ", name);
    micro_cost_print(row->cost);
    printf(" a %s, %.2f million of %.0f bytes in %.2f s",
           row->facts > row->records ? "fact" : "record", (double)count / 1e6,
           (double)row->bytes / (double)count, row->seconds);
    if (row->redis_seconds > 0) {
        printf(", in which Redis used %.2f", row->redis_seconds);
    }
    printf("\n");
}

static json_t *replay_json(const char *name, const struct replay_row *row)
{
    if (row->problem[0] != '\0') {
        return json_pack("{s:s, s:s}", "name", name, "problem", row->problem);
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "name", name, "facts",
                     (json_int_t)row->facts, "records", (json_int_t)row->records, "entries",
                     (json_int_t)row->entries, "bytes", (json_int_t)row->bytes, "seconds",
                     row->seconds, "redis_cpu_seconds", row->redis_seconds, "cost",
                     micro_cost_json(row->cost));
}

static int replay_measure(const struct replay_options *o)
{
    struct replay_row rows[REPLAY_ROWS] = {0};
    json_t *found = json_array();
    int status = BENCH_OK;

    replay_measure_facts(o, &rows[REPLAY_ROW_FACTS]);
    replay_measure_waiting(o, 0, &rows[REPLAY_ROW_CHECKPOINT], &rows[REPLAY_ROW_CHECKPOINT_REDIS]);
    replay_measure_waiting(o, o->behind, &rows[REPLAY_ROW_BEHIND], &rows[REPLAY_ROW_BEHIND_REDIS]);
    for (unsigned i = 0; i < REPLAY_ROWS; i++) {
        status = rows[i].problem[0] != '\0' ? BENCH_UNABLE : status;
        if (o->json == NULL || strcmp(o->json, "-") != 0) {
            replay_print(replay_row_names[i], &rows[i]);
        }
        json_array_append_new(found, replay_json(replay_row_names[i], &rows[i]));
    }
    if (o->json == NULL) {
        json_decref(found);
    } else if (!command_write_json(json_pack("{s:o}", "rows", found), o->json)) {
        status = BENCH_UNABLE;
    }
    return status;
}

/* ---- arguments ---- */

enum {
    REPLAY_KEY_OPERATIONS = 256,
    REPLAY_KEY_CONTACTS,
    REPLAY_KEY_BEHIND,
    REPLAY_KEY_FACTS,
    REPLAY_KEY_TEXT,
    REPLAY_KEY_FOLDER,
    REPLAY_KEY_JSON
};

static const struct argp_option replay_argp_options[] = {
    {"operations", REPLAY_KEY_OPERATIONS, "N", 0, "life cycles whose facts are read (200000)", 0},
    {"contacts", REPLAY_KEY_CONTACTS, "N", 0, "that wait (1000000)", 0},
    {"behind", REPLAY_KEY_BEHIND, "N", 0,
     "of them, those that are in facts behind the checkpoint, in the last two rows (730000)", 0},
    {"entry-facts", REPLAY_KEY_FACTS, "N", 0, "facts of an entry (64)", 0},
    {"text-bytes", REPLAY_KEY_TEXT, "N", 0, "bytes of text in a message (200)", 0},
    {"folder", REPLAY_KEY_FOLDER, "FOLDER", 0, "where Redis may keep its own (/tmp)", 0},
    {"json", REPLAY_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t replay_parse(int key, char *text, struct argp_state *state)
{
    struct replay_options *o = state->input;

    switch (key) {
    case REPLAY_KEY_OPERATIONS:
        o->operations = command_whole(state, text, "--operations", 1, UINT64_C(1) << 32);
        break;
    case REPLAY_KEY_CONTACTS:
        o->contacts = command_whole(state, text, "--contacts", 1, 100000000);
        break;
    case REPLAY_KEY_BEHIND:
        o->behind = command_whole(state, text, "--behind", 0, 100000000);
        break;
    case REPLAY_KEY_FACTS:
        o->entry_facts = (uint32_t)command_whole(state, text, "--entry-facts", 1, 1000);
        break;
    case REPLAY_KEY_TEXT:
        o->text_bytes = (uint32_t)command_whole(state, text, "--text-bytes", 0, 65536);
        break;
    case REPLAY_KEY_FOLDER:
        o->folder = text;
        break;
    case REPLAY_KEY_JSON:
        o->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_replay(int argc, char **argv)
{
    static const struct argp argp = {
        .options = replay_argp_options,
        .parser = replay_parse,
        .doc = "How fast an engine comes of a stream: facts of life cycles; contacts that wait, in "
               "a checkpoint, or some of them in the facts behind it, as they lie in memory and as "
               "they are read from a Redis.",
    };
    struct replay_options o = {.operations = 200000,
                               .contacts = 1000000,
                               .behind = 730000,
                               .entry_facts = 64,
                               .text_bytes = 200,
                               .folder = "/tmp"};

    argp_parse(&argp, argc, argv, 0, NULL, &o);
    o.behind = o.behind < o.contacts ? o.behind : o.contacts;
    return replay_measure(&o);
}
