/* The file journal as its users see it: what was answered is read back, in order, whatever happens
 * around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/crash_point.h"
#include "router/journal_file.h"
#include "router/journal_file_format.h"
#include "test_journal_fixture.h"

/* Entries of all sizes, up to the largest, in batches of all sizes, come back as they were. */
static void test_reads_back_what_was_appended(void **state)
{
    struct journal_fixture *f = *state;
    const uint64_t sizes[] = {0, 1, 200, 5000, JOURNAL_ENTRY_BYTES_MAX};
    struct journal_fixture_reading reading;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fixture_empty(f);
        f->appended = 0;
        f->size_max = sizes[i];
        f->options.segment_bytes = 1u << 20;
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        for (uint64_t batch = 0; batch < 30; batch++) {
            fixture_append(f, batch * 7 % 11);
            fixture_commit(f);
            if (batch % 4 == 0) {
                fixture_wait(f);
            }
        }
        fixture_wait(f);
        assert_int_equal(f->last_status, JOURNAL_OK);
        fixture_close(f);
        reading = fixture_look(f);
        assert_int_equal(reading.status, JOURNAL_OK);
        assert_int_equal(reading.entries, f->appended);
        assert_int_equal(reading.torn_bytes, 0);
    }
}

/* An entry of exactly the largest size with the longest workspace fits. */
static void test_takes_the_largest_entry(void **state)
{
    struct journal_fixture *f = *state;
    static uint8_t bytes[JOURNAL_ENTRY_BYTES_MAX];
    char workspace[JOURNAL_WORKSPACE_BYTES_MAX];
    const struct journal_entry entry = {.workspace = {workspace, sizeof(workspace)},
                                        .kind = ENTRY_FACTS,
                                        .bytes = bytes,
                                        .size = sizeof(bytes)};

    memset(workspace, 'w', sizeof(workspace));
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    journal_append(f->journal, &entry);
    assert_int_equal(journal_filled(f->journal), journal_next_position(f->journal));
    fixture_commit(f);
    fixture_wait(f);
    fixture_close(f);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_true(journal_next_position(f->journal) >
                JOURNAL_ENTRY_BYTES_MAX + JOURNAL_WORKSPACE_BYTES_MAX);
}

/* A journal that goes on over many openings has one order of positions, and reading can begin at
 * any of them. */
static void test_positions_grow_over_segments_and_openings(void **state)
{
    struct journal_fixture *f = *state;
    journal_position at[200];
    uint64_t count = 0;
    struct journal_fixture_reading reading;

    f->options.segment_bytes = 700;
    for (int opening = 0; opening < 10; opening++) {
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        for (int i = 0; i < 20; i++) {
            at[count++] = journal_next_position(f->journal);
            fixture_append(f, 1);
            fixture_commit(f);
            fixture_wait(f);
        }
        fixture_close(f);
    }
    assert_true(fixture_exists(f, fixture_segment(10)));
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    for (uint64_t i = 0; i < count; i++) {
        reading = fixture_read(f, at[i]);
        assert_int_equal(reading.status, JOURNAL_OK);
        assert_int_equal(reading.first, i);
        assert_int_equal(reading.entries, count - i);
        assert_int_equal(reading.last_at, at[count - 1]);
    }
    reading = fixture_read(f, at[count - 1] + 1);
    assert_int_equal(reading.entries, 0);
}

static bool stop_at_third(void *context, const struct journal_entry *entry, journal_position at)
{
    int *visited = context;

    (void)entry;
    (void)at;
    return ++*visited < 3;
}

/* Who reads may stop. */
static void test_reading_stops_when_told(void **state)
{
    struct journal_fixture *f = *state;
    int visited = 0;

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    fixture_append(f, 9);
    fixture_commit(f);
    fixture_close(f);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_int_equal(journal_read(f->journal, 0, stop_at_third, &visited, NULL, 0), JOURNAL_OK);
    assert_int_equal(visited, 3);
}

/* What is kept begins with the segment that holds `keep_from`; the rest of the disk is free again.
 */
static void test_trimming_removes_whole_segments_before(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture_reading reading;
    struct journal_stats before, after;
    journal_position keep_from = 0;

    f->options.segment_bytes = 500;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    for (int i = 0; i < 100; i++) {
        if (i == 60) {
            keep_from = journal_next_position(f->journal);
        }
        fixture_append(f, 1);
        fixture_commit(f);
        fixture_wait(f);
    }
    journal_get_stats(f->journal, &before);
    journal_trim(f->journal, keep_from);
    fixture_close(f);
    assert_false(fixture_exists(f, fixture_segment(1)));

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    journal_get_stats(f->journal, &after);
    assert_true(after.bytes_kept < before.bytes_kept);
    reading = fixture_read(f, 0);
    assert_int_equal(reading.status, JOURNAL_OK);
    assert_in_range(reading.first, 50, 60);
    assert_int_equal(reading.first + reading.entries, 100);
    reading = fixture_read(f, keep_from);
    assert_int_equal(reading.first, 60);

    fixture_append(f, 5);
    fixture_commit(f);
    fixture_wait(f);
    fixture_close(f);
    reading = fixture_look(f);
    assert_int_equal(reading.first + reading.entries, 105);
}

/* The journal can be trimmed of everything but its last segment, and then still knows who and where
 * it is. */
static void test_trimming_everything_keeps_the_last_segment(void **state)
{
    struct journal_fixture *f = *state;
    journal_position end;

    f->options.segment_bytes = 500;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    for (int i = 0; i < 50; i++) {
        fixture_append(f, 1);
        fixture_commit(f);
        fixture_wait(f);
    }
    end = journal_next_position(f->journal);
    journal_trim(f->journal, end);
    fixture_close(f);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_true(journal_next_position(f->journal) >= end);
}

/* Wait until the writer stands between a write and its sync for the n-th time. */
static void wait_for_write(struct journal_fixture *f, uint64_t count)
{
    while (crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC) < count) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
}

/* Batches that come while one is being synced become durable together, with one write and one sync
 * more. */
static void test_batches_gather_while_one_is_synced(void **state)
{
    struct journal_fixture *f = *state;
    uint64_t writes = crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC);
    struct journal_fixture_reading reading;
    struct journal_stats stats;
    uv_sem_t gate;

    uv_sem_init(&gate, 0);
    f->faults.before_sync = &gate;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    fixture_append(f, 1);
    fixture_commit(f);
    wait_for_write(f, writes + 1);
    for (int i = 0; i < 99; i++) {
        fixture_append(f, 2);
        fixture_commit(f);
    }
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->answered, 0);
    journal_get_stats(f->journal, &stats);
    assert_int_equal(stats.in_flight, 100);
    uv_sem_post(&gate);
    uv_sem_post(&gate);
    fixture_wait(f);
    journal_get_stats(f->journal, &stats);
    assert_int_equal(stats.syncs, 2);
    assert_int_equal(stats.batches, 100);
    assert_int_equal(stats.entries, 199);
    assert_int_equal(stats.crash_points[CRASH_BETWEEN_WRITE_AND_SYNC], writes + 2);
    uv_sem_post(&gate); /* for the mark of the close */
    fixture_close(f);
    f->faults.before_sync = NULL;
    uv_sem_destroy(&gate);
    reading = fixture_look(f);
    assert_int_equal(reading.entries, 199);
}

/* An empty batch is durable when all before it are, and not earlier. */
static void test_an_empty_batch_waits_for_those_before(void **state)
{
    struct journal_fixture *f = *state;
    uint64_t writes = crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC);
    uv_sem_t gate;

    uv_sem_init(&gate, 0);
    f->faults.before_sync = &gate;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    fixture_commit(f); /* nothing before it: needs no sync */
    fixture_wait(f);
    fixture_append(f, 1);
    fixture_commit(f);
    wait_for_write(f, writes + 1);
    fixture_commit(f);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->answered, 1);
    uv_sem_post(&gate);
    fixture_wait(f);
    assert_int_equal(f->answered_well, 3);
    uv_sem_post(&gate);
    fixture_close(f);
    f->faults.before_sync = NULL;
    uv_sem_destroy(&gate);
}

/* Destroying answers what is in flight, and what was answered well is there afterwards. What was
 * never committed is not. */
static void test_destroy_answers_what_is_in_flight(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture_reading reading;
    uint64_t committed;

    for (int round = 0; round < 20; round++) {
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        reading = fixture_read(f, 0);
        assert_int_equal(reading.entries, f->appended);
        for (int i = 0; i < round * 3; i++) {
            fixture_append(f, 3);
            fixture_commit(f);
        }
        committed = f->appended;
        fixture_append(f, 2);
        fixture_close(f); /* sees that every batch was answered */
        assert_int_equal(f->answered_well, f->committed);
        f->appended = committed;
    }
}

struct chain {
    struct journal_fixture *fixture;
    int left;
};

static void chain_closed(void *context)
{
    struct journal_fixture *f = context;

    f->closed = true;
}

static void chain_answer(void *context, enum journal_status status)
{
    struct chain *chain = context;
    struct journal_fixture *f = chain->fixture;

    assert_int_equal(status, JOURNAL_OK);
    if (chain->left-- > 0) {
        fixture_append(f, 1);
        journal_commit(f->journal, chain_answer, chain);
    } else {
        journal_destroy(f->journal, chain_closed, f);
        f->journal = NULL;
    }
}

/* An answer may append, commit and even destroy. */
static void test_an_answer_may_commit_the_next(void **state)
{
    struct journal_fixture *f = *state;
    struct chain chain = {f, 50};

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    journal_commit(f->journal, chain_answer, &chain);
    while (!f->closed) {
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    assert_int_equal(fixture_look(f).entries, 50);
}

/* One process at a time; the second one hears who has it. When the first is gone the lock is, too.
 */
static void test_a_second_opening_is_locked_out(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture other = *f;
    char owner[32];
    pid_t child;
    int result;

    snprintf(owner, sizeof(owner), "%ld", (long)getpid());
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    other.journal = NULL;
    assert_int_equal(fixture_open(&other), JOURNAL_LOCKED);
    assert_non_null(strstr(other.problem, owner));

    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit((int)fixture_open(&other));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), JOURNAL_LOCKED);

    fixture_close(f);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
}

/* Addresses that make no sense are answered with words. */
static void test_refuses_addresses_that_make_no_sense(void **state)
{
    struct journal_fixture *f = *state;
    static const char *const addresses[] = {"", "disk:here", "file:", "memory:", "file"};
    struct journal *journal;

    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        assert_int_equal(
            journal_open(&f->loop, addresses[i], NULL, &journal, f->problem, sizeof(f->problem)),
            JOURNAL_INVALID);
        assert_null(journal);
        assert_true(f->problem[0] != '\0');
    }
    fixture_empty(f);
    fixture_store(f, "plain", "x", 1);
    strcat(f->path, "/plain/deeper");
    assert_int_equal(fixture_open(f), JOURNAL_INVALID);
    f->path[strlen(f->path) - strlen("/plain/deeper")] = '\0';
}

/* A journal of a later version is refused, untouched; and says which version it is. */
static void test_refuses_another_version(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture_file file, after;
    struct journal_segment_head head;

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    fixture_append(f, 3);
    fixture_commit(f);
    fixture_close(f);
    file = fixture_load(f, fixture_segment(1));
    assert_int_equal(journal_file_format_get_segment(file.bytes, &head), JOURNAL_OK);
    head.version = 77;
    journal_file_format_put_segment(file.bytes, &head);
    file.bytes[file.size - 1] ^= 1; /* what a reader of this version would cut off */
    fixture_store(f, fixture_segment(1), file.bytes, file.size);
    assert_int_equal(fixture_open(f), JOURNAL_VERSION);
    assert_non_null(strstr(f->problem, "77"));
    assert_non_null(strstr(f->problem, fixture_segment(1)));
    after = fixture_load(f, fixture_segment(1));
    assert_int_equal(after.size, file.size);
    assert_memory_equal(after.bytes, file.bytes, file.size);
    free(file.bytes);
    free(after.bytes);
}

static enum journal_status open_set(struct journal_fixture *f, uint32_t set)
{
    return journal_file_open(&f->loop, f->path, set, &f->options, &f->journal, f->problem,
                             sizeof(f->problem));
}

static bool in_order(void *context, const struct journal_entry *entry, journal_position at)
{
    uint64_t *visited = context;

    assert_int_equal(entry->seq, visited[0]);
    assert_true(at >= visited[1]);
    visited[0]++;
    visited[1] = at;
    return true;
}

/* A process with other reactors than the last one reads all sets, opening by opening; and once it
 * needs only what it wrote itself, the sets of others go. */
static void test_reads_sets_of_other_reactors_in_the_order_of_openings(void **state)
{
    static const uint32_t sets[] = {0, 1, 0, 12, 1, 0};
    struct journal_fixture *f = *state;
    struct journal_fixture_reading reading;
    uint64_t visited[2] = {0, 0}; /* the next number, the last position */
    journal_position keep_from;

    f->options.segment_bytes = 300;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        f->problem[0] = '\0';
        assert_int_equal(open_set(f, sets[i]), JOURNAL_OK);
        for (int k = 0; k < 15; k++) {
            fixture_append(f, 1);
            fixture_commit(f);
            fixture_wait(f);
        }
        fixture_close(f);
    }
    assert_true(fixture_exists(f, "012-0000000001.segment"));

    /* Positions of other sets' entries are those of our own at their turn: not unique, but never
     * going back. */
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_int_equal(journal_read(f->journal, 0, in_order, visited, f->problem, sizeof(f->problem)),
                     JOURNAL_OK);
    assert_int_equal(visited[0], f->appended);
    keep_from = journal_next_position(f->journal);
    f->appended = 1000;
    fixture_append(f, 10);
    fixture_commit(f);
    fixture_wait(f);
    journal_trim(f->journal, keep_from);
    fixture_close(f);
    assert_false(fixture_exists(f, "012-0000000001.segment"));
    assert_false(fixture_exists(f, "001-0000000001.segment"));
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    reading = fixture_read(f, keep_from);
    assert_int_equal(reading.first, 1000);
    assert_int_equal(reading.entries, 10);
}

/* What a crash left half made, and files that are not ours, do no harm. */
static void test_strange_files_do_no_harm(void **state)
{
    struct journal_fixture *f = *state;

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    fixture_append(f, 3);
    fixture_commit(f);
    fixture_close(f);
    fixture_store(f, "000-0000000002.segment.new", "half", 4);
    fixture_store(f, "notes", "mine", 4);
    fixture_store(f, "0-1.segment", "not how we write it", 19);
    assert_int_equal(fixture_look(f).entries, 3);
    assert_false(fixture_exists(f, "000-0000000002.segment.new"));
    assert_true(fixture_exists(f, "notes"));
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_create, fixture_free)
    const struct CMUnitTest tests[] = {
        ROW(test_reads_back_what_was_appended),
        ROW(test_takes_the_largest_entry),
        ROW(test_positions_grow_over_segments_and_openings),
        ROW(test_reading_stops_when_told),
        ROW(test_trimming_removes_whole_segments_before),
        ROW(test_trimming_everything_keeps_the_last_segment),
        ROW(test_batches_gather_while_one_is_synced),
        ROW(test_an_empty_batch_waits_for_those_before),
        ROW(test_destroy_answers_what_is_in_flight),
        ROW(test_an_answer_may_commit_the_next),
        ROW(test_a_second_opening_is_locked_out),
        ROW(test_refuses_addresses_that_make_no_sense),
        ROW(test_refuses_another_version),
        ROW(test_reads_sets_of_other_reactors_in_the_order_of_openings),
        ROW(test_strange_files_do_no_harm),
    };
#undef ROW

    return cmocka_run_group_tests(tests, NULL, NULL);
}
