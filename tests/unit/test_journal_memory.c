/* The journal that keeps nothing answers like one that does: later, in order, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "router/journal.h"

struct memory_fixture {
    uv_loop_t loop;
    struct journal *journal;
    uint64_t committed, answered;
    int again; /* so many answers commit one more */
    bool destroys, closed;
};

static int memory_create(void **state)
{
    struct memory_fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(journal_open(&f->loop, "memory", NULL, &f->journal, NULL, 0), JOURNAL_OK);
    *state = f;
    return 0;
}

static void memory_closed(void *context)
{
    struct memory_fixture *f = context;

    assert_int_equal(f->answered, f->committed);
    f->closed = true;
}

static int memory_free(void **state)
{
    struct memory_fixture *f = *state;

    if (f->journal != NULL) {
        journal_destroy(f->journal, memory_closed, f);
    }
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

struct memory_batch {
    struct memory_fixture *fixture;
    uint64_t number;
};

static void memory_commit(struct memory_fixture *f);

static void memory_answer(void *context, enum journal_status status)
{
    struct memory_batch *batch = context;
    struct memory_fixture *f = batch->fixture;

    assert_int_equal(status, JOURNAL_OK);
    assert_int_equal(batch->number, f->answered);
    f->answered++;
    free(batch);
    if (f->again > 0) {
        f->again--;
        memory_commit(f);
    } else if (f->destroys) {
        f->destroys = false;
        journal_destroy(f->journal, memory_closed, f);
        f->journal = NULL;
    }
}

static void memory_commit(struct memory_fixture *f)
{
    const struct journal_entry entry = {.workspace = TEXT("shop"),
                                        .kind = ENTRY_FACTS,
                                        .bytes = (const uint8_t *)"facts",
                                        .size = 5};
    struct memory_batch *batch = malloc(sizeof(*batch));
    uint64_t answered = f->answered;

    assert_non_null(batch);
    *batch = (struct memory_batch){f, f->committed++};
    journal_append(f->journal, &entry);
    assert_true(journal_filled(f->journal) > 5);
    journal_commit(f->journal, memory_answer, batch);
    assert_int_equal(journal_filled(f->journal), 0);
    assert_int_equal(f->answered, answered);
}

/* More batches than it had room for are all answered in one go, and never inside the commit. */
static void test_answers_in_order_and_later(void **state)
{
    struct memory_fixture *f = *state;
    struct journal_stats stats;

    for (int round = 1; round <= 300; round++) {
        for (int i = 0; i < round; i++) {
            memory_commit(f);
        }
        journal_get_stats(f->journal, &stats);
        assert_int_equal(stats.in_flight, round);
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_int_equal(f->answered, f->committed);
    }
    journal_get_stats(f->journal, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.batches, f->committed);
    assert_int_equal(stats.entries, f->committed);
    assert_int_equal(stats.bytes, journal_next_position(f->journal));
}

/* What an answer commits is answered by a later turn, so that the loop comes to everything else in
 * between. */
static void test_an_answer_may_commit_the_next(void **state)
{
    struct memory_fixture *f = *state;

    f->again = 5;
    memory_commit(f);
    for (uint64_t turn = 1; turn <= 6; turn++) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        assert_int_equal(f->answered, turn);
    }
}

/* Nothing is lost or answered twice when the journal is destroyed with batches in flight, or from
 * an answer. */
static void test_destroy_answers_what_is_in_flight(void **state)
{
    struct memory_fixture *f = *state;

    memory_commit(f);
    memory_commit(f);
    f->destroys = true;
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(f->answered, 2);
}

static bool never_visited(void *context, const struct journal_entry *entry, journal_position at)
{
    (void)context;
    (void)entry;
    (void)at;
    fail();
    return false;
}

/* Nothing is kept, and positions grow all the same. */
static void test_keeps_nothing(void **state)
{
    struct memory_fixture *f = *state;
    journal_position before = journal_next_position(f->journal);

    memory_commit(f);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_true(journal_next_position(f->journal) > before);
    assert_int_equal(journal_read(f->journal, 0, never_visited, NULL, NULL, 0), JOURNAL_OK);
    journal_trim(f->journal, journal_next_position(f->journal));
    assert_string_equal(journal_problem(f->journal), "");
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, memory_create, memory_free)
    const struct CMUnitTest tests[] = {
        ROW(test_answers_in_order_and_later),
        ROW(test_an_answer_may_commit_the_next),
        ROW(test_destroy_answers_what_is_in_flight),
        ROW(test_keeps_nothing),
    };
#undef ROW

    return cmocka_run_group_tests(tests, NULL, NULL);
}
