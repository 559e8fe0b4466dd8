/* Journals written by earlier versions must be read by this one. They are kept in tests/journals,
 * one folder each, and are never written again: a version that changes the format adds a folder and
 * leaves these.
 *
 * "test_journal_kept FOLDER" writes what this version would keep. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/journal_file.h"
#include "test_journal_fixture.h"

/* What stands in each folder: entries as the fixture makes them, `in_opening` by each of `openings`
 * processes, which wrote sets 0 and 1 in turn; and the last of which died while it wrote
 * `torn_entries`. */
struct kept_journal {
    const char *folder;
    int openings;
    uint64_t in_opening;
    uint64_t size_max;
    uint64_t torn_entries;
};

static const struct kept_journal kept_journals[] = {
    {"version-1", 4, 20, 90, 1},
};

static void write_journal(struct journal_fixture *f, const struct kept_journal *kept)
{
    struct journal_fixture_file last = {0};

    f->size_max = kept->size_max;
    f->options.segment_bytes = 1500;
    for (int opening = 0; opening < kept->openings; opening++) {
        assert_int_equal(journal_file_open(&f->loop, f->path, (uint32_t)opening % 2, &f->options,
                                           &f->journal, f->problem, sizeof(f->problem)),
                         JOURNAL_OK);
        for (uint64_t i = 0; i < kept->in_opening; i++) {
            fixture_append(f, 1);
            if (i % 2 == 1) {
                fixture_commit(f);
                fixture_wait(f);
            }
        }
        if (opening == kept->openings - 1) {
            last = fixture_load(f, "001-0000000003.segment");
        }
        fixture_close(f);
    }
    fixture_store(f, "001-0000000003.segment", last.bytes, last.size - 5);
    free(last.bytes);
    fixture_remove(f, "lock");
}

/* Reading changes the files: it is done with a copy. */
static void copy_journal(struct journal_fixture *f, const char *folder)
{
    struct journal_fixture source;
    struct dirent *entry;
    DIR *listing;

    memset(&source, 0, sizeof(source));
    snprintf(source.path, sizeof(source.path), "%s/%s", KEPT_JOURNALS, folder);
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

struct kept_visiting {
    const struct journal_fixture *fixture;
    uint64_t next; /* the number of the entry that must come */
};

static bool visit_in_order(void *context, const struct journal_entry *entry, journal_position at)
{
    struct kept_visiting *visiting = context;

    (void)at;
    fixture_check_entry(visiting->fixture, visiting->next, entry);
    visiting->next++;
    return true;
}

/* Each kept journal gives all its entries, whoever wrote them, loses its torn tail, and can be gone
 * on with. */
static void test_kept_journals_are_read(void **state)
{
    struct journal_fixture *f = *state;

    for (size_t i = 0; i < sizeof(kept_journals) / sizeof(kept_journals[0]); i++) {
        const struct kept_journal *kept = &kept_journals[i];
        uint64_t entries = (uint64_t)kept->openings * kept->in_opening - kept->torn_entries;
        struct journal_stats stats;
        struct kept_visiting visiting = {f, 0};

        copy_journal(f, kept->folder);
        f->size_max = kept->size_max;
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        journal_get_stats(f->journal, &stats);
        assert_true(stats.torn_bytes > 0);
        assert_int_equal(
            journal_read(f->journal, 0, visit_in_order, &visiting, f->problem, sizeof(f->problem)),
            JOURNAL_OK);
        assert_int_equal(visiting.next, entries);
        f->appended = entries;
        fixture_append(f, 5);
        fixture_commit(f);
        fixture_close(f);

        visiting.next = 0;
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        assert_int_equal(
            journal_read(f->journal, 0, visit_in_order, &visiting, f->problem, sizeof(f->problem)),
            JOURNAL_OK);
        assert_int_equal(visiting.next, entries + 5);
        fixture_close(f);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_journals_are_read, fixture_create, fixture_free),
    };

    if (argc == 2) {
        struct journal_fixture f;

        fixture_set_up(&f);
        rmdir(f.root);
        snprintf(f.path, sizeof(f.path), "%s", argv[1]);
        write_journal(&f, &kept_journals[sizeof(kept_journals) / sizeof(kept_journals[0]) - 1]);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
