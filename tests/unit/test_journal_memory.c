/* The journal that keeps nothing answers like one that does, in order and once; only at once. */
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
    assert_non_null(batch);
    *batch = (struct memory_batch){f, f->committed++};
    journal_append(f->journal, &entry);
    assert_true(journal_filled(f->journal) > 5);
    assert_int_equal(f->answered, batch->number);
    journal_commit(f->journal, memory_answer, batch);
}

/* A batch is answered from inside its commit; what an answer commits, too. The loop has nothing to
 * do with it, and nothing to wake up for. */
static void test_answers_inside_the_commit(void **state)
{
    struct memory_fixture *f = *state;
    struct journal_stats stats;

    memory_commit(f);
    assert_int_equal(f->answered, 1);
    assert_int_equal(journal_filled(f->journal), 0);
    f->again = 5;
    memory_commit(f);
    assert_int_equal(f->answered, 7);
    assert_int_equal(f->committed, 7);
    assert_false(uv_loop_alive(&f->loop));
    journal_get_stats(f->journal, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.batches, 7);
    assert_int_equal(stats.entries, 7);
    assert_int_equal(stats.bytes, journal_next_position(f->journal));
}

/* An answer may destroy the journal; that it is closed is heard from the loop, and never from
 * inside. */
static void test_an_answer_may_destroy(void **state)
{
    struct memory_fixture *f = *state;

    f->destroys = true;
    memory_commit(f);
    assert_int_equal(f->answered, 1);
    assert_false(f->closed);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
}

/* A port of another loop shares nothing with the first, and outlives it. */
static void test_ports_share_nothing(void **state)
{
    struct memory_fixture *f = *state;
    struct memory_fixture other = {0};

    assert_int_equal(uv_loop_init(&other.loop), 0);
    assert_int_equal(journal_join(f->journal, &other.loop, &other.journal, NULL, 0), JOURNAL_OK);
    assert_false(journal_keeps(other.journal));
    memory_commit(f);
    journal_destroy(f->journal, memory_closed, f);
    f->journal = NULL;
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    memory_commit(&other);
    assert_int_equal(other.answered, 1);
    journal_destroy(other.journal, memory_closed, &other);
    uv_run(&other.loop, UV_RUN_DEFAULT);
    assert_true(other.closed);
    assert_int_equal(uv_loop_close(&other.loop), 0);
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

    assert_false(journal_keeps(f->journal));
    memory_commit(f);
    assert_true(journal_next_position(f->journal) > before);
    assert_int_equal(journal_read(f->journal, 0, never_visited, NULL, NULL, 0), JOURNAL_OK);
    journal_trim(f->journal, journal_next_position(f->journal));
    assert_string_equal(journal_problem(f->journal), "");
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, memory_create, memory_free)
    const struct CMUnitTest tests[] = {
        ROW(test_answers_inside_the_commit),
        ROW(test_an_answer_may_destroy),
        ROW(test_ports_share_nothing),
        ROW(test_keeps_nothing),
    };
#undef ROW

    return cmocka_run_group_tests(tests, NULL, NULL);
}
