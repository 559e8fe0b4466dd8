/* The journal over streams: batches of several workspaces in one order, leases that are not in
 * force, workspaces that go in the middle, and what a checkpoint frees. On a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/stream/journal_stream.h"
#include "router/stream/stream_script.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define EPOCH 65537u

enum { SHOP, HELP, WORKSPACES };
static const char *const names[WORKSPACES] = {"shop", "help"};

struct place {
    struct test_loop t;
    struct redis_process redis;
    struct redis_locator *locator;
    struct stream_desk *desk;
    struct stream_tail *tails[WORKSPACES];
    struct journal *journal;
    uint64_t next_seq[WORKSPACES];
    uint32_t committed, answered;
    enum journal_status last;
    bool in_force, closed;
    uint32_t lost;
};

static bool on_in_force(void *context)
{
    return ((struct place *)context)->in_force;
}

static void on_confirmed(void *context, struct stream_batch *b, void *owner)
{
    journal_stream_confirmed(((struct place *)context)->journal, b, owner);
}

static void on_lost(void *context, struct stream_tail *t, enum stream_loss why, struct stream_id at)
{
    struct place *p = context;

    (void)at;
    assert_int_equal(why, STREAM_LOST_EPOCH);
    p->lost++;
    journal_stream_drop(p->journal, t);
}

static bool on_greeted(void *context, const struct redis_greeting *g)
{
    (void)context;
    return g->role == REDIS_ROLE_PRIMARY;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    const struct stream_desk_options options = {.path = {.link = {.reply_ms = 500}}};
    const struct stream_desk_events events = {p, on_confirmed, on_lost, on_greeted};
    const struct journal_stream_rules rules = {p, on_in_force};
    char key[64];

    stream_scripts_init();
    test_loop_init(&p->t);
    redis_process_start(&p->redis, NULL);
    p->locator = redis_process_locate(&p->redis, &p->t.loop, NULL, NULL);
    p->desk = stream_desk_create(p->locator, &options, &events);
    p->journal = journal_stream_open(&p->t.loop, &rules);
    p->in_force = true;
    for (int w = 0; w < WORKSPACES; w++) {
        snprintf(key, sizeof(key), "{%s}:journal", names[w]);
        p->tails[w] = stream_tail_create(text_from(names[w]), text_from(key), EPOCH, STREAM_START);
        stream_desk_add(p->desk, p->tails[w]);
        journal_stream_take(p->journal, p->tails[w], p->desk, 0);
        p->next_seq[w] = 1;
    }
    *state = p;
    return 0;
}

static void on_closed(void *context)
{
    ((struct place *)context)->closed = true;
}

static int teardown(void **state)
{
    struct place *p = *state;

    for (int w = 0; w < WORKSPACES; w++) {
        if (p->tails[w] != NULL) {
            journal_stream_drop(p->journal, p->tails[w]);
            stream_tail_destroy(p->tails[w]);
        }
    }
    journal_destroy(p->journal, on_closed, p);
    stream_desk_destroy(p->desk);
    redis_locator_destroy(p->locator);
    test_loop_close(&p->t);
    assert_true(p->closed);
    assert_int_equal(p->answered, p->committed);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

static void put(struct place *p, int w, enum journal_entry_kind kind, uint32_t flags)
{
    struct journal_entry e = {.workspace = text_from(names[w]),
                              .kind = kind,
                              .flags = flags,
                              .seq = kind == ENTRY_FACTS ? p->next_seq[w]++ : p->next_seq[w] - 1,
                              .bytes = (const uint8_t *)"\x90",
                              .size = 1};

    journal_append(p->journal, &e);
}

struct answer {
    struct place *place;
    uint32_t number;
};

static void on_done(void *context, enum journal_status status)
{
    struct answer *a = context;

    assert_int_equal(a->number, a->place->answered); /* in order, each once */
    a->place->answered++;
    a->place->last = status;
    free(a);
}

static void commit(struct place *p)
{
    struct answer *a = calloc(1, sizeof(*a));

    a->place = p;
    a->number = p->committed++;
    journal_commit(p->journal, on_done, a);
}

static int64_t length(struct place *p, int w)
{
    redisReply *r = redis_process_ask(&p->redis, "XLEN {%s}:journal", names[w]);
    int64_t n = r == NULL ? -1 : r->integer;

    freeReplyObject(r);
    return n;
}

/* What somebody else does who takes the workspace. */
static void take_away(struct place *p, int w)
{
    redis_process_do(&p->redis, "XADD {%s}:journal %u-999999999 e x", names[w], 2 * EPOCH);
}

/* ---- tests ---- */

static void test_batches_of_several_are_answered_in_order(void **state)
{
    struct place *p = *state;

    put(p, SHOP, ENTRY_FACTS, 0);
    commit(p);
    put(p, HELP, ENTRY_FACTS, 0);
    put(p, SHOP, ENTRY_FACTS, 0);
    commit(p);
    commit(p); /* nothing but what was read */
    assert_int_equal(p->answered, 0);
    WAIT_FOR(&p->t, p->answered == 3);
    assert_int_equal(p->last, JOURNAL_OK);
    assert_int_equal(length(p, SHOP), 2);
    assert_int_equal(length(p, HELP), 1);
    commit(p);
    assert_int_equal(p->answered, 4); /* nothing is under way: at once */
}

static void test_nothing_is_told_without_a_lease(void **state)
{
    struct place *p = *state;

    p->in_force = false;
    put(p, SHOP, ENTRY_FACTS, 0);
    commit(p);
    commit(p);
    WAIT_FOR(&p->t, length(p, SHOP) == 1);
    for (int i = 0; i < 20; i++) {
        test_loop_turn(&p->t);
    }
    assert_int_equal(p->answered, 0);
    p->in_force = true;
    journal_stream_settle(p->journal);
    assert_int_equal(p->answered, 2);
}

/* The other workspace's part of the same batch is told all the same. */
static void test_a_workspace_that_is_lost_holds_nobody_up(void **state)
{
    struct place *p = *state;

    put(p, SHOP, ENTRY_FACTS, 0);
    commit(p);
    WAIT_FOR(&p->t, p->answered == 1);
    take_away(p, SHOP);
    put(p, SHOP, ENTRY_FACTS, 0);
    put(p, HELP, ENTRY_FACTS, 0);
    commit(p);
    WAIT_FOR(&p->t, p->answered == 2);
    assert_int_equal(p->lost, 1);
    assert_int_equal(length(p, SHOP), 2); /* the fact, and the other's epoch */
    assert_int_equal(length(p, HELP), 1);
    stream_tail_destroy(p->tails[SHOP]);
    p->tails[SHOP] = NULL;
}

static void test_what_was_filled_for_one_that_goes_is_dropped(void **state)
{
    struct place *p = *state;

    put(p, SHOP, ENTRY_FACTS, 0);
    put(p, HELP, ENTRY_FACTS, 0);
    journal_stream_drop(p->journal, p->tails[SHOP]);
    stream_tail_destroy(p->tails[SHOP]);
    p->tails[SHOP] = NULL;
    assert_true(journal_filled(p->journal) > 0);
    commit(p);
    assert_int_equal(journal_filled(p->journal), 0);
    WAIT_FOR(&p->t, p->answered == 1);
    assert_int_equal(length(p, SHOP), 0);
    assert_int_equal(length(p, HELP), 1);
}

/* Facts that were handed over in the middle of a turn count for the turn's batch. */
static void test_handed_over_early_is_waited_for(void **state)
{
    struct place *p = *state;

    WAIT_FOR(&p->t, length(p, SHOP) == 0);
    put(p, SHOP, ENTRY_FACTS, 0);
    assert_true(journal_stream_hand_over(p->journal, p->tails[SHOP]));
    commit(p);
    assert_int_equal(p->answered, 0);
    stream_desk_send(p->desk);
    WAIT_FOR(&p->t, p->answered == 1);
    assert_int_equal(length(p, SHOP), 1);
    assert_false(journal_stream_hand_over(p->journal, p->tails[SHOP]));
}

static void test_a_whole_checkpoint_frees_what_is_older(void **state)
{
    struct place *p = *state;

    for (int i = 0; i < 5; i++) {
        put(p, SHOP, ENTRY_FACTS, 0);
        commit(p);
    }
    put(p, SHOP, ENTRY_CHECKPOINT, ENTRY_FIRST);
    commit(p);
    put(p, SHOP, ENTRY_FACTS, 0);
    put(p, SHOP, ENTRY_CHECKPOINT, 0);
    commit(p);
    WAIT_FOR(&p->t, p->answered == 7);
    assert_int_equal(length(p, SHOP), 8);
    put(p, SHOP, ENTRY_CHECKPOINT, ENTRY_LAST);
    commit(p);
    WAIT_FOR(&p->t, length(p, SHOP) == 4); /* three slices, and the fact between them */
    assert_int_equal(p->answered, 8);
}

static void test_positions_grow_and_reach_back(void **state)
{
    struct place *p = *state;
    journal_position before = journal_next_position(p->journal);
    struct stream_tail *t = p->tails[HELP];

    put(p, SHOP, ENTRY_FACTS, 0);
    assert_true(journal_next_position(p->journal) > before);
    journal_stream_drop(p->journal, t);
    stream_desk_add(p->desk, t);
    assert_int_equal(journal_stream_take(p->journal, t, p->desk, 1000),
                     journal_next_position(p->journal) - 1000);
    commit(p);
    WAIT_FOR(&p->t, p->answered == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_batches_of_several_are_answered_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_told_without_a_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_workspace_that_is_lost_holds_nobody_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_filled_for_one_that_goes_is_dropped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_handed_over_early_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_whole_checkpoint_frees_what_is_older, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_positions_grow_and_reach_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
