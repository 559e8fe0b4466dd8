/* The disk is full, or fails: the journal says which, takes nothing more, and what it had promised
 * is there. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/crash_point.h"
#include "test_journal_fixture.h"

static void order_fault(struct journal_file_fault *fault, uint32_t countdown, int error)
{
    atomic_store(&fault->error, error);
    atomic_store(&fault->countdown, countdown);
}

/* Append and commit one batch, and wait for its answer. */
static enum journal_status put_batch(struct journal_fixture *f, uint64_t entries)
{
    fixture_append(f, entries);
    fixture_commit(f);
    fixture_wait(f);
    return f->last_status;
}

/* The journal answered `status` and takes nothing more; opened again it holds the first `entries`
 * and goes on. */
static void expect_refusing_then_well(struct journal_fixture *f, enum journal_status status,
                                      const char *words, uint64_t entries)
{
    struct journal_fixture_reading reading;

    assert_int_equal(f->last_status, status);
    assert_non_null(strstr(journal_problem(f->journal), words));
    assert_non_null(strstr(journal_problem(f->journal), fixture_segment(1)));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(put_batch(f, (uint64_t)i), status);
    }
    fixture_close(f);

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_string_equal(journal_problem(f->journal), "");
    reading = fixture_read(f, 0);
    assert_int_equal(reading.status, JOURNAL_OK);
    assert_int_equal(reading.entries, entries);
    f->appended = entries;
    assert_int_equal(put_batch(f, 3), JOURNAL_OK);
    fixture_close(f);
    reading = fixture_look(f);
    assert_int_equal(reading.entries, entries + 3);
    assert_int_equal(reading.torn_bytes, 0);
}

/* There is no room to take in advance: nothing was written. */
static void test_no_room_is_full(void **state)
{
    struct journal_fixture *f = *state;
    const int errors[] = {ENOSPC, EDQUOT, EFBIG};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fixture_empty(f);
        f->appended = 0;
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        order_fault(&f->faults.allocate, 3, errors[i]);
        assert_int_equal(put_batch(f, 5), JOURNAL_OK);
        assert_int_equal(put_batch(f, 5), JOURNAL_OK);
        assert_int_equal(put_batch(f, 5), JOURNAL_FULL);
        expect_refusing_then_well(f, JOURNAL_FULL, strerror(errors[i]), 10);
    }
}

/* A write finds no room after any number of bytes: also when whole records were written, none of
 * them will ever be read. */
static void test_a_write_without_room_leaves_nothing(void **state)
{
    struct journal_fixture *f = *state;
    uint64_t written = 0;
    size_t size;

    do {
        fixture_empty(f);
        f->appended = 0;
        assert_int_equal(fixture_open(f), JOURNAL_OK);
        order_fault(&f->faults.write, 2, ENOSPC);
        atomic_store(&f->faults.written_before, written);
        assert_int_equal(put_batch(f, 5), JOURNAL_OK);
        fixture_append(f, 3);
        size = journal_filled(f->journal);
        fixture_commit(f);
        fixture_wait(f);
        expect_refusing_then_well(f, JOURNAL_FULL, strerror(ENOSPC), 5);
        written += 4;
    } while (written <= size);
}

/* When what found no room cannot be taken back either, that is a failure: only a replay can tell
 * what is there. */
static void test_what_cannot_be_taken_back_has_failed(void **state)
{
    struct journal_fixture *f = *state;

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    order_fault(&f->faults.write, 2, ENOSPC);
    order_fault(&f->faults.truncate, 1, EIO);
    atomic_store(&f->faults.written_before, 60);
    assert_int_equal(put_batch(f, 5), JOURNAL_OK);
    assert_int_equal(put_batch(f, 1), JOURNAL_FAILED);
    expect_refusing_then_well(f, JOURNAL_FAILED, "take back", 5);
}

/* A write that fails half-way: the replay finds the torn tail and cuts it off. */
static void test_a_failed_write_has_failed(void **state)
{
    struct journal_fixture *f = *state;

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    order_fault(&f->faults.write, 2, EIO);
    atomic_store(&f->faults.written_before, 40);
    assert_int_equal(put_batch(f, 5), JOURNAL_OK);
    assert_int_equal(put_batch(f, 5), JOURNAL_FAILED);
    expect_refusing_then_well(f, JOURNAL_FAILED, strerror(EIO), 5);
}

/* After a sync that failed there is no second one that could be believed; what was written is
 * written again by the next opening, and only then counts. */
static void test_a_failed_sync_is_never_tried_again(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_stats before, after;

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    order_fault(&f->faults.sync, 2, EIO);
    assert_int_equal(put_batch(f, 5), JOURNAL_OK);
    journal_get_stats(f->journal, &before);
    assert_int_equal(put_batch(f, 2), JOURNAL_FAILED);
    assert_int_equal(put_batch(f, 2), JOURNAL_FAILED);
    journal_get_stats(f->journal, &after);
    assert_int_equal(after.syncs, before.syncs);
    assert_int_equal(after.entries, 5);
    expect_refusing_then_well(f, JOURNAL_FAILED, strerror(EIO), 7);
}

/* All batches that stood behind the one that failed are answered, in order, with the same. */
static void test_a_failure_answers_all_that_wait(void **state)
{
    struct journal_fixture *f = *state;
    uv_sem_t gate;

    uv_sem_init(&gate, 0);
    f->faults.before_sync = &gate;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    order_fault(&f->faults.sync, 1, EIO);
    for (int i = 0; i < 50; i++) {
        fixture_append(f, 1);
        fixture_commit(f);
    }
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->answered, 0);
    uv_sem_post(&gate);
    fixture_wait(f);
    assert_int_equal(f->answered, 50);
    assert_int_equal(f->answered_well, 0);
    assert_int_equal(f->last_status, JOURNAL_FAILED);
    fixture_close(f);
    f->faults.before_sync = NULL;
    uv_sem_destroy(&gate);
}

/* Nothing is freed once the journal refuses: what it holds may be all there is. */
static void test_a_refusing_journal_is_not_trimmed(void **state)
{
    struct journal_fixture *f = *state;
    uint64_t writes;
    uv_sem_t gate;

    f->options.segment_bytes = 400;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(put_batch(f, 1), JOURNAL_OK);
    }
    order_fault(&f->faults.sync, 1, EIO);
    assert_int_equal(put_batch(f, 1), JOURNAL_FAILED);
    journal_trim(f->journal, journal_next_position(f->journal));
    fixture_close(f);
    assert_true(fixture_exists(f, fixture_segment(1)));
    assert_int_equal(fixture_look(f).entries, 31);

    /* Also not when it was allowed a moment before. */
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    uv_sem_init(&gate, 0);
    writes = crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC);
    f->faults.before_sync = &gate;
    order_fault(&f->faults.sync, 2, EIO);
    f->appended = 31;
    fixture_append(f, 1);
    fixture_commit(f);
    while (crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC) == writes) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    fixture_append(f, 1);
    fixture_commit(f);
    journal_trim(f->journal, journal_next_position(f->journal));
    uv_sem_post(&gate);
    uv_sem_post(&gate);
    fixture_wait(f);
    assert_int_equal(f->last_status, JOURNAL_FAILED);
    fixture_close(f);
    f->faults.before_sync = NULL;
    uv_sem_destroy(&gate);
    assert_true(fixture_exists(f, fixture_segment(1)));
}

/* Fill until it is full, with the real error of the kernel; answers how many entries were taken. */
static uint64_t fill(struct journal_fixture *f)
{
    uint64_t taken = f->appended;

    while (put_batch(f, 7) == JOURNAL_OK) {
        taken = f->appended;
        assert_true(taken < 100000);
    }
    assert_int_equal(f->last_status, JOURNAL_FULL);
    return taken;
}

/* The limit of a file's size is met in the middle of a write, and is no signal's business. */
static void test_a_limit_of_the_file_is_full(void **state)
{
    struct journal_fixture *f = *state;
    struct rlimit before, small;
    uint64_t taken;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10001;
    f->size_max = 300;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    taken = fill(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(taken > 20);
    expect_refusing_then_well(f, JOURNAL_FULL, strerror(EFBIG), taken);
}

/* A real file system without room: the journal stops, can still be opened and read, and goes on
 * when there is room. */
static void test_a_full_file_system(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture_reading reading;
    static uint8_t ballast[512 << 10];
    uint64_t taken;

    fixture_empty(f);
    if (mount("tmpfs", f->path, "tmpfs", 0, "size=1m") != 0) {
        skip(); /* only root may, and not everywhere */
    }
    f->size_max = 3000;
    f->options.segment_bytes = 100 << 10;
    fixture_store(f, "ballast", ballast, sizeof(ballast));
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    taken = fill(f);
    assert_true(fixture_exists(f, fixture_segment(3)));
    fixture_close(f);

    assert_int_equal(fixture_open(f), JOURNAL_OK);
    reading = fixture_read(f, 0);
    assert_int_equal(reading.status, JOURNAL_OK);
    assert_int_equal(reading.entries, taken);
    f->appended = taken;
    taken = fill(f);
    fixture_close(f);

    fixture_remove(f, "ballast");
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    reading = fixture_read(f, 0);
    assert_int_equal(reading.entries, taken);
    f->appended = taken;
    assert_int_equal(put_batch(f, 7), JOURNAL_OK);
    fixture_close(f);
    assert_int_equal(fixture_look(f).entries, taken + 7);

    /* A journal that does not exist yet cannot begin where there is no room. */
    assert_int_equal(umount2(f->path, MNT_DETACH), 0);
    assert_int_equal(mount("tmpfs", f->path, "tmpfs", 0, "size=8k"), 0);
    fixture_store(f, "ballast", ballast, 8192);
    assert_int_equal(fixture_open(f), JOURNAL_FULL);
    assert_int_equal(umount2(f->path, MNT_DETACH), 0);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_create, fixture_free)
    const struct CMUnitTest tests[] = {
        ROW(test_no_room_is_full),
        ROW(test_a_write_without_room_leaves_nothing),
        ROW(test_what_cannot_be_taken_back_has_failed),
        ROW(test_a_failed_write_has_failed),
        ROW(test_a_failed_sync_is_never_tried_again),
        ROW(test_a_failure_answers_all_that_wait),
        ROW(test_a_refusing_journal_is_not_trimmed),
        ROW(test_a_limit_of_the_file_is_full),
        ROW(test_a_full_file_system),
    };
#undef ROW

    return cmocka_run_group_tests(tests, NULL, NULL);
}
