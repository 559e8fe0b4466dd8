/* `journal`: the file journal alone. Batches of entries are appended and committed, so many of them
 * on their way at a time; what comes of it are entries a second and CPU time a batch. How long a
 * sync takes is the disk's affair; how many batches share one is ours. */
#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/micro_meter.h"
#include "bench/peer_server.h"
#include "queue/base/memory.h"
#include "router/journal.h"

struct journal_bench_options {
    uint64_t batches;
    uint32_t entries, bytes; /* of a batch, of an entry */
    const char *folder;
    const char *json;
};

struct journal_bench {
    const struct journal_bench_options *options;
    struct journal *journal;
    uint8_t *bytes;
    uint64_t begun, done, seq, syncs;
    enum journal_status status;
    bool ending;
};

struct journal_bench_row {
    uint32_t in_flight;
    double seconds;
    struct micro_cost cost; /* of a batch */
    uint64_t syncs;
    enum journal_status status;
    char problem[256];
};

static void journal_bench_commit(struct journal_bench *b);

static void journal_bench_end(struct journal_bench *b)
{
    struct journal_stats stats;

    if (!b->ending) {
        b->ending = true;
        journal_get_stats(b->journal, &stats);
        b->syncs = stats.syncs;
        journal_destroy(b->journal, NULL, NULL);
    }
}

static void journal_bench_done(void *context, enum journal_status status)
{
    struct journal_bench *b = context;

    b->done++;
    if (status != JOURNAL_OK) {
        b->status = status; /* all that are on their way come back so */
        journal_bench_end(b);
    } else if (b->begun < b->options->batches) {
        journal_bench_commit(b);
    } else if (b->done == b->begun) {
        journal_bench_end(b);
    }
}

static void journal_bench_commit(struct journal_bench *b)
{
    struct journal_entry entry = {.workspace = TEXT("bench"),
                                  .kind = ENTRY_FACTS,
                                  .bytes = b->bytes,
                                  .size = b->options->bytes};

    for (uint32_t i = 0; i < b->options->entries; i++) {
        entry.seq = ++b->seq;
        journal_append(b->journal, &entry);
    }
    b->begun++;
    journal_commit(b->journal, journal_bench_done, b);
}

static bool journal_bench_nothing(void *context, const struct journal_entry *entry,
                                  journal_position at)
{
    (void)context;
    (void)entry;
    (void)at;
    return true;
}

/* In a directory of its own, which goes when the row is done. */
static void journal_bench_measure(const struct journal_bench_options *o,
                                  struct journal_bench_row *row)
{
    struct peer_server place = {0};
    struct journal_bench b = {.options = o};
    struct micro_meter meter;
    char address[300];
    uv_loop_t loop;
    uint64_t began;

    if (!peer_server_init(&place, o->folder)) {
        snprintf(row->problem, sizeof(row->problem), "%s", place.failed);
        row->status = JOURNAL_FAILED;
        return;
    }
    (void)uv_loop_init(&loop);
    snprintf(address, sizeof(address), "file:%s/journal", place.folder);
    row->status =
        journal_open(&loop, address, NULL, &b.journal, row->problem, sizeof(row->problem));
    if (row->status == JOURNAL_OK) {
        row->status = journal_read(b.journal, 0, journal_bench_nothing, NULL, row->problem,
                                   sizeof(row->problem));
        b.bytes = memory_take(o->bytes);
        memset(b.bytes, 'x', o->bytes);
        micro_meter_open(&meter);
        micro_meter_start(&meter);
        began = uv_hrtime();
        for (uint32_t i = 0; i < row->in_flight && b.begun < o->batches; i++) {
            journal_bench_commit(&b);
        }
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        row->seconds = (double)(uv_hrtime() - began) / 1e9;
        row->cost = micro_meter_stop(&meter, b.done);
        /* The writer's thread is most of it, and the counter sees this thread only. */
        row->cost.instructions_known = false;
        row->syncs = b.syncs;
        row->status = b.status;
        micro_meter_close(&meter);
        memory_give(b.bytes);
    }
    (void)uv_loop_close(&loop);
    peer_server_stop(&place);
}

static void journal_bench_print(const struct journal_bench_options *o,
                                const struct journal_bench_row *row)
{
    double entries = (double)o->batches * o->entries;

    printf(
        "journal: %2u batches on their way %10.0f entries/s %9.1f us of CPU a batch of %u, %6.2f "
        "batches a sync\n",
        row->in_flight, entries / row->seconds, row->cost.ns / 1e3, o->entries,
        (double)o->batches / (double)row->syncs);
}

static json_t *journal_bench_json(const struct journal_bench_options *o,
                                  const struct journal_bench_row *row)
{
    return json_pack("{s:I, s:f, s:f, s:I}", "in_flight", (json_int_t)row->in_flight,
                     "entries_per_second", (double)o->batches * o->entries / row->seconds,
                     "cpu_us_per_batch", row->cost.ns / 1e3, "syncs", (json_int_t)row->syncs);
}

enum {
    JOURNAL_KEY_OPERATIONS = 256,
    JOURNAL_KEY_ENTRIES,
    JOURNAL_KEY_BYTES,
    JOURNAL_KEY_FOLDER,
    JOURNAL_KEY_JSON
};

static const struct argp_option journal_argp_options[] = {
    {"operations", JOURNAL_KEY_OPERATIONS, "N", 0, "batches to commit in each run (2000)", 0},
    {"entries", JOURNAL_KEY_ENTRIES, "N", 0, "entries of a batch (1)", 0},
    {"bytes", JOURNAL_KEY_BYTES, "N", 0, "of an entry (16384)", 0},
    {"folder", JOURNAL_KEY_FOLDER, "FOLDER", 0,
     "where to make the journal (.): on the disk that is to be measured", 0},
    {"json", JOURNAL_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output",
     0},
    {0},
};

static error_t journal_parse(int key, char *text, struct argp_state *state)
{
    struct journal_bench_options *o = state->input;

    switch (key) {
    case JOURNAL_KEY_OPERATIONS:
        o->batches = command_whole(state, text, "--operations", 1, UINT64_C(1) << 40);
        break;
    case JOURNAL_KEY_ENTRIES:
        o->entries = (uint32_t)command_whole(state, text, "--entries", 1, 100000);
        break;
    case JOURNAL_KEY_BYTES:
        o->bytes = (uint32_t)command_whole(state, text, "--bytes", 1, JOURNAL_ENTRY_BYTES_MAX);
        break;
    case JOURNAL_KEY_FOLDER:
        o->folder = text;
        break;
    case JOURNAL_KEY_JSON:
        o->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_journal(int argc, char **argv)
{
    static const struct argp argp = {
        .options = journal_argp_options,
        .parser = journal_parse,
        .doc = "The file journal alone: entries a second, and CPU time a batch, with 1 and with 16 "
               "batches on their way.",
    };
    struct journal_bench_options o = {.batches = 2000, .entries = 1, .bytes = 16384, .folder = "."};
    struct journal_bench_row rows[] = {{.in_flight = 1}, {.in_flight = 16}};
    json_t *found = json_array();

    argp_parse(&argp, argc, argv, 0, NULL, &o);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        journal_bench_measure(&o, &rows[i]);
        if (rows[i].status != JOURNAL_OK) {
            fprintf(stderr, "switchboard-bench journal: %s %s\n",
                    journal_status_text(rows[i].status), rows[i].problem);
            json_decref(found);
            return BENCH_UNABLE;
        }
        if (o.json == NULL || strcmp(o.json, "-") != 0) {
            journal_bench_print(&o, &rows[i]);
        }
        json_array_append_new(found, journal_bench_json(&o, &rows[i]));
    }
    found = json_pack("{s:I, s:I, s:I, s:o}", "batches", (json_int_t)o.batches, "entries",
                      (json_int_t)o.entries, "bytes", (json_int_t)o.bytes, "rows", found);
    if (o.json == NULL) {
        json_decref(found);
        return BENCH_OK;
    }
    return command_write_json(found, o.json) ? BENCH_OK : BENCH_UNABLE;
}
