/* The process is killed at each of the journal's crash points: what it had been told is durable is
 * there afterwards.
 *
 * This program starts itself again as the one that dies: a crash point is armed by the environment
 * and read once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/crash_point.h"
#include "test_journal_fixture.h"

#define ENTRIES_A_BATCH 3

/* In the process that dies: commit for ever, two batches at a time, and tell each answer through
 * `told`. */
static int commit_until_killed(const char *path, int told)
{
    struct journal_fixture f = {0};
    char byte = '.';
    uint64_t heard = 0;

    uv_loop_init(&f.loop);
    snprintf(f.path, sizeof(f.path), "%s", path);
    f.options.faults = &f.faults;
    f.options.segment_bytes = 1000;
    if (fixture_open(&f) != JOURNAL_OK || fixture_read(&f, 0).status != JOURNAL_OK) {
        return 1;
    }
    f.appended = strtoull(getenv("APPENDED"), NULL, 10);
    for (;;) {
        for (int i = 0; i < 2; i++) {
            fixture_append(&f, ENTRIES_A_BATCH);
            fixture_commit(&f);
        }
        fixture_wait(&f);
        for (; heard < f.answered_well; heard++) {
            if (write(told, &byte, 1) != 1) {
                return 1;
            }
        }
    }
}

/* Run this program with SWITCHBOARD_CRASH=`order` until it ends; answers how many batches it was
 * told are durable. */
static uint64_t run_until_killed(const struct journal_fixture *f, const char *order, int *result)
{
    char number[32], fd[16], bytes[64];
    uint64_t told = 0;
    int ends[2];
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)f->appended);
    snprintf(fd, sizeof(fd), "%d", ends[1]);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        setenv("SWITCHBOARD_CRASH", order, 1);
        setenv("APPENDED", number, 1);
        execl("/proc/self/exe", "test_journal_crash", f->path, fd, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    while ((n = read(ends[0], bytes, sizeof(bytes))) > 0) {
        told += (uint64_t)n;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, result, 0), child);
    return told;
}

/* One journal through many deaths: each opening finds all that any process was told, in order,
 * without a hole. */
static void test_nothing_told_is_lost(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture_reading reading;
    uint64_t torn = 0, told, before = 0;
    int result;

    for (int round = 1; round <= 5; round++) {
        for (int point = CRASH_BETWEEN_WRITE_AND_SYNC; point <= CRASH_BETWEEN_SEGMENTS; point++) {
            char order[64];

            snprintf(order, sizeof(order), "%s:%d", crash_point_name((enum crash_point)point),
                     round);
            told = run_until_killed(f, order, &result);
            assert_true(WIFSIGNALED(result));
            assert_int_equal(WTERMSIG(result), SIGKILL);

            assert_int_equal(fixture_open(f), JOURNAL_OK);
            reading = fixture_read(f, 0);
            assert_int_equal(reading.status, JOURNAL_OK);
            assert_true(reading.entries >= before + told * ENTRIES_A_BATCH);
            torn += reading.torn_bytes;
            before = f->appended = reading.entries;
            fixture_close(f);
        }
    }
    assert_true(torn > 0); /* some died inside a write */
    assert_true(before > 100);
}

/* A misspelt order is no survivor. */
static void test_an_order_that_makes_no_sense_ends_the_process(void **state)
{
    struct journal_fixture *f = *state;
    static const char *const orders[] = {
        "",  "between_write_and_sync", "between_write_and_sync:",  "between_write_and_sync:0",
        ":", "between_write_and:3",    "between_write_and_sync:3x"};
    int result;

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        run_until_killed(f, orders[i], &result);
        assert_true(WIFSIGNALED(result));
        assert_int_equal(WTERMSIG(result), SIGABRT);
    }
}

/* Without an order points are counted and nothing else happens. */
static void test_points_are_counted(void **state)
{
    uint64_t before = crash_point_count(CRASH_INSIDE_REPLAY);

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++) {
        assert_false(crash_point_is_next(CRASH_INSIDE_REPLAY));
        crash_point_reached(CRASH_INSIDE_REPLAY);
        assert_int_equal(crash_point_count(CRASH_INSIDE_REPLAY), before + i);
    }
    assert_string_equal(crash_point_name(CRASH_INSIDE_REPLAY), "inside_replay");
}

int main(int argc, char **argv)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_create, fixture_free)
    const struct CMUnitTest tests[] = {
        ROW(test_nothing_told_is_lost),
        ROW(test_an_order_that_makes_no_sense_ends_the_process),
        cmocka_unit_test(test_points_are_counted),
    };
#undef ROW

    if (argc == 3) {
        return commit_until_killed(argv[1], atoi(argv[2]));
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
