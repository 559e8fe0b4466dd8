/* Journals with the facts of whole days, written by earlier versions, are recovered by this one:
 * every fact is understood, and the state that they make is the one that they made then.
 *
 * They are kept in tests/journals, one folder each, with a page `expected.txt` that says what they
 * hold. "test_journal_facts FOLDER" writes that page into a new one. */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "queue/base/memory.h"
#include "router/fact_codec.h"
#include "router/recovery.h"
#include "test_journal_fixture.h"

#define WORKSPACES_MAX 4
#define FIELDS_MAX     64

static const char *const kept_folders[] = {"version-1-facts"};

/* One workspace, read by the test itself, beside what recovery makes of it. */
struct reader {
    const struct recovered *recovered;
    struct engine *engine;
    uint64_t kinds[FACT_KIND_COUNT];              /* facts read */
    bool fields[FACT_KIND_COUNT][FIELDS_MAX];     /* seen at least once */
    uint64_t checkpoint_records, covered_entries; /* by the checkpoint */
};

struct reading {
    struct reader readers[WORKSPACES_MAX];
    unsigned count;
    struct fact_decoder decoder;
    struct packer again;
};

static void no_fact(void *context, const struct fact *fact)
{
    (void)context;
    (void)fact;
    fail_msg("an engine that only applies facts made one");
}

static void no_delivery(void *context, const struct delivery *delivery)
{
    (void)context;
    (void)delivery;
    fail_msg("an engine that only applies facts told somebody");
}

static struct engine *make_engine(void *context, struct text name)
{
    struct engine_options options = {.workspace = name, .sink = {NULL, no_fact, no_delivery}};

    (void)context;
    return engine_create(&options);
}

static struct reader *reader_of(struct reading *r, struct text workspace)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (text_equal(r->readers[i].recovered->name, workspace)) {
            return &r->readers[i];
        }
    }
    fail_msg("a workspace that recovery did not find");
    return NULL;
}

static bool load_checkpoint(void *context, const struct journal_entry *entry, journal_position at)
{
    struct reader *w = reader_of(context, entry->workspace);
    struct cursor c = cursor_over(entry->bytes, entry->size);
    struct text record;
    uint32_t count = 0;

    if (entry->kind != ENTRY_CHECKPOINT || !w->recovered->has_checkpoint ||
        at < w->recovered->keep_from || entry->seq != w->recovered->checkpoint_seq) {
        return true;
    }
    assert_true(cursor_array(&c, &count));
    w->checkpoint_records += count;
    while (count-- > 0) {
        assert_true(cursor_bytes(&c, &record));
        assert_null(
            engine_checkpoint_load(w->engine, (const uint8_t *)record.bytes, record.length));
    }
    assert_int_equal(cursor_left(&c), 0);
    return true;
}

/* Which of its fields a fact had: a field that says nothing is not written. */
static void note_fields(struct reader *w, enum fact_kind kind, struct cursor c)
{
    const struct fact_kind_row *row = fact_kind_row(kind);
    uint32_t items = 0, pairs = 0;

    assert_true(cursor_array(&c, &items) && items == 5);
    for (int i = 0; i < 4; i++) {
        assert_true(cursor_skip(&c));
    }
    assert_true(cursor_map(&c, &pairs));
    assert_true(row->field_count <= FIELDS_MAX);
    while (pairs-- > 0) {
        struct text key = TEXT_NONE;
        uint32_t i = 0;

        assert_true(cursor_text(&c, &key) && cursor_skip(&c));
        while (i < row->field_count && !text_equal(row->fields[i].name, key)) {
            i++;
        }
        assert_true(i < row->field_count); /* what was once written is known for ever */
        w->fields[kind][i] = true;
    }
    w->kinds[kind]++;
}

/* Decode, encode, the same bytes; then apply. */
static void read_fact(struct reading *r, struct reader *w, struct cursor *c)
{
    const uint8_t *from = c->at;
    struct fact f;

    if (!fact_decode(&r->decoder, c, w->engine, &f)) {
        fail_msg("fact %" PRIu64 ": %s", engine_seq(w->engine) + 1, r->decoder.problem);
    }
    note_fields(w, f.kind, cursor_over(from, (size_t)(c->at - from)));
    packer_reset(&r->again);
    fact_encode(&r->again, &f, engine_settings(w->engine));
    assert_int_equal(r->again.size, c->at - from);
    assert_memory_equal(r->again.bytes, from, r->again.size);
    assert_null(engine_apply(w->engine, &f));
    if (f.settings != NULL) {
        settings_release(f.settings);
    }
}

static bool read_facts(void *context, const struct journal_entry *entry, journal_position at)
{
    struct reader *w = reader_of(context, entry->workspace);
    struct cursor c = cursor_over(entry->bytes, entry->size);
    uint32_t count = 0;

    (void)at;
    if (entry->kind != ENTRY_FACTS) {
        return true;
    }
    assert_true(cursor_array(&c, &count));
    if (entry->seq + count <= w->recovered->checkpoint_seq + 1) {
        w->covered_entries++; /* to resolve its names takes a state that is over */
        return true;
    }
    assert_int_equal(entry->seq, engine_seq(w->engine) + 1);
    while (count-- > 0) {
        read_fact(context, w, &c);
    }
    assert_int_equal(cursor_left(&c), 0);
    return true;
}

static void read_all(struct reading *r, struct journal_fixture *f, const struct recovery *recovery)
{
    for (struct list_node *n = list_first(&recovery->workspaces); n != NULL;
         n = list_next(&recovery->workspaces, n)) {
        struct reader *w = &r->readers[r->count++];

        assert_true(r->count <= WORKSPACES_MAX);
        w->recovered = record_of(n, struct recovered, in_list);
        w->engine = make_engine(NULL, w->recovered->name);
    }
    assert_int_equal(
        journal_read(f->journal, 0, load_checkpoint, r, f->problem, sizeof(f->problem)),
        JOURNAL_OK);
    assert_int_equal(journal_read(f->journal, 0, read_facts, r, f->problem, sizeof(f->problem)),
                     JOURNAL_OK);
}

static void close_reading(struct reading *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        engine_destroy(r->readers[i].engine);
    }
    fact_decoder_close(&r->decoder);
    packer_close(&r->again);
}

/* ---- the page ---- */

static void write_workspace(FILE *page, const struct reader *w)
{
    const struct engine *e = w->recovered->engine;
    struct engine_counts counts;

    engine_get_counts(e, &counts);
    fprintf(page, TEXT_FORMAT ": seq %" PRIu64 ", epoch %" PRIu64 ", digest %016" PRIx64 "\n",
            TEXT_ARGS(w->recovered->name), engine_seq(e), engine_epoch(e), engine_digest(e));
    fprintf(page, "  checkpoint: as of %" PRIu64 ", %" PRIu64 " records\n",
            w->recovered->checkpoint_seq, w->checkpoint_records);
    fprintf(page,
            "  contacts: %" PRIu64 " scheduled, %" PRIu64 " waiting, %" PRIu64 " offered, %" PRIu64
            " active, %" PRIu64 " wrapping, %" PRIu64 " ended\n",
            counts.live[CONTACT_SCHEDULED], counts.live[CONTACT_WAITING],
            counts.live[CONTACT_OFFERED], counts.live[CONTACT_ACTIVE],
            counts.live[CONTACT_WRAPPING], counts.tombstones);
    fprintf(page,
            "  agents: %" PRIu64 ", %" PRIu64 " connected; connectors: %" PRIu64
            "; configuration: version %" PRIu64 "\n",
            counts.agents, counts.agents_connected, counts.owners, engine_config_version(e));
    for (unsigned kind = 0; kind < FACT_KIND_COUNT; kind++) {
        const struct fact_kind_row *row = fact_kind_row((enum fact_kind)kind);

        if (w->kinds[kind] == 0) {
            continue;
        }
        fprintf(page, "  " TEXT_FORMAT " %" PRIu64 ":", TEXT_ARGS(row->word), w->kinds[kind]);
        for (uint32_t i = 0; i < row->field_count; i++) {
            if (w->fields[kind][i]) {
                fprintf(page, " " TEXT_FORMAT, TEXT_ARGS(row->fields[i].name));
            }
        }
        fputc('\n', page);
    }
}

/* What the fixture's journal holds, as a page; the caller frees it. */
static char *describe(struct journal_fixture *f)
{
    struct recovery recovery;
    struct reading r = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);

    assert_non_null(page);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    recovery_init(&recovery, make_engine, NULL);
    if (recovery_run(&recovery, f->journal, f->problem, sizeof(f->problem)) != JOURNAL_OK) {
        fail_msg("%s", f->problem);
    }
    read_all(&r, f, &recovery);
    for (unsigned i = 0; i < r.count; i++) {
        const struct reader *w = &r.readers[i];

        assert_null(engine_audit(w->recovered->engine));
        assert_int_equal(engine_digest(w->recovered->engine), engine_digest(w->engine));
        for (unsigned kind = 0; kind < FACT_KIND_COUNT; kind++) {
            /* An owner goes on only where nodes share the journal. */
            if (w->kinds[kind] == 0 && kind != FACT_OWNER_CONTINUED) {
                fail_msg("no fact of the kind " TEXT_FORMAT " in " TEXT_FORMAT,
                         TEXT_ARGS(fact_kind_row((enum fact_kind)kind)->word),
                         TEXT_ARGS(w->recovered->name));
            }
        }
        write_workspace(page, w);
    }
    fclose(page);
    close_reading(&r);
    recovery_close(&recovery);
    fixture_close(f);
    return text;
}

/* ---- the test ---- */

/* Reading changes the files: it is done with a copy. */
static void copy_journal(struct journal_fixture *f, const char *folder)
{
    struct journal_fixture source = {0};
    struct dirent *entry;
    DIR *listing;

    snprintf(source.path, sizeof(source.path), "%.200s", folder);
    listing = opendir(source.path);
    assert_non_null(listing);
    fixture_empty(f);
    while ((entry = readdir(listing)) != NULL) {
        if (strstr(entry->d_name, ".segment") != NULL) {
            struct journal_fixture_file file = fixture_load(&source, entry->d_name);

            fixture_store(f, entry->d_name, file.bytes, file.size);
            free(file.bytes);
        }
    }
    closedir(listing);
}

static char *load_page(const char *folder)
{
    struct journal_fixture source = {0};
    struct journal_fixture_file file;
    char *text;

    snprintf(source.path, sizeof(source.path), "%.200s", folder);
    file = fixture_load(&source, "expected.txt");
    text = calloc(1, file.size + 1);
    assert_non_null(text);
    memcpy(text, file.bytes, file.size);
    free(file.bytes);
    return text;
}

/* Whatever was acknowledged under an earlier version is there under this one. */
static void test_kept_facts_make_the_state_that_they_made(void **state)
{
    struct journal_fixture *f = *state;

    for (size_t i = 0; i < sizeof(kept_folders) / sizeof(kept_folders[0]); i++) {
        char folder[512];
        char *found, *expected;

        snprintf(folder, sizeof(folder), "%s/%s", KEPT_JOURNALS, kept_folders[i]);
        copy_journal(f, folder);
        found = describe(f);
        expected = load_page(folder);
        assert_string_equal(found, expected);
        free(found);
        free(expected);
    }
}

static const char *new_folder;

static void write_page(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture target = {0};
    char *found;

    copy_journal(f, new_folder);
    found = describe(f);
    snprintf(target.path, sizeof(target.path), "%.200s", new_folder);
    fixture_store(&target, "expected.txt", found, strlen(found));
    free(found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_facts_make_the_state_that_they_made,
                                        fixture_create, fixture_free),
    };
    const struct CMUnitTest write[] = {
        cmocka_unit_test_setup_teardown(write_page, fixture_create, fixture_free),
    };

    if (argc == 2) {
        new_folder = argv[1];
        return cmocka_run_group_tests(write, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
