/* One journal for many loops: each port hears of its own batches, in its own order, on its own
 * loop; and what happens to the journal happens to all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue/base/list.h"
#include "router/crash_point.h"
#include "test_journal_fixture.h"

#define HANDS_MAX   4
#define ENTRIES_MAX 4000

/* Whoever holds a port. Some hands have threads, where cmocka's assertions must not be used: what
 * they find wrong they count, and the test looks at the end. */
struct hand {
    struct journal_fixture *fixture;
    unsigned number;
    uv_loop_t loop;
    uv_thread_t thread; /* the one that may call back */
    struct journal *port;
    uint64_t appended, committed, answered, answered_well, wrong;
    journal_position bounds[ENTRIES_MAX]; /* of the entries, as the port foretold */
    enum journal_status last_status;
    bool closed;
    uint64_t closed_as; /* the how manieth of all hands */
};

struct hands {
    struct journal_fixture fixture;
    struct hand all[HANDS_MAX];
    uint64_t closed;
};

static int hands_create(void **state)
{
    struct hands *h = calloc(1, sizeof(*h));

    assert_non_null(h);
    fixture_set_up(&h->fixture);
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        h->all[i].fixture = &h->fixture;
        h->all[i].number = i;
        h->all[i].thread = uv_thread_self();
        assert_int_equal(uv_loop_init(&h->all[i].loop), 0);
    }
    *state = h;
    return 0;
}

static void hand_run(struct hand *hand)
{
    uv_run(&hand->loop, UV_RUN_NOWAIT);
}

static void hands_run(struct hands *h)
{
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        hand_run(&h->all[i]);
    }
}

static void hand_closed(void *context)
{
    struct hand *hand = context;
    struct hands *h = record_of(hand->fixture, struct hands, fixture);

    hand->wrong += hand->answered == hand->committed ? 0 : 1;
    hand->closed = true;
    hand->closed_as = __atomic_add_fetch(&h->closed, 1, __ATOMIC_RELAXED);
}

static void hand_destroy(struct hand *hand)
{
    hand->closed = false;
    journal_destroy(hand->port, hand_closed, hand);
    hand->port = NULL;
}

static int hands_free(void **state)
{
    struct hands *h = *state;
    bool open = true;

    for (unsigned i = 0; i < HANDS_MAX; i++) {
        if (h->all[i].port != NULL) {
            hand_destroy(&h->all[i]);
        }
    }
    while (open) {
        hands_run(h);
        open = false;
        for (unsigned i = 0; i < HANDS_MAX; i++) {
            open = open || uv_loop_alive(&h->all[i].loop);
        }
    }
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        assert_int_equal(h->all[i].wrong, 0);
        assert_int_equal(uv_loop_close(&h->all[i].loop), 0);
    }
    fixture_tear_down(&h->fixture);
    free(h);
    return 0;
}

static enum journal_status hands_try_open(struct hands *h, struct journal **out)
{
    struct journal_fixture *f = &h->fixture;
    char address[FIXTURE_PATH_BYTES + 8];

    snprintf(address, sizeof(address), "file:%s", f->path);
    return journal_open(&h->all[0].loop, address, &f->options, out, f->problem, sizeof(f->problem));
}

/* The first `count` hands have a port each. */
static void hands_open(struct hands *h, unsigned count)
{
    char problem[256];

    assert_int_equal(hands_try_open(h, &h->all[0].port), JOURNAL_OK);
    for (unsigned i = 1; i < count; i++) {
        assert_int_equal(journal_join(h->all[0].port, &h->all[i].loop, &h->all[i].port, problem,
                                      sizeof(problem)),
                         JOURNAL_OK);
        assert_true(journal_keeps(h->all[i].port));
    }
}

static void hand_append(struct hand *hand)
{
    const char workspace[] = {'h', 'a', 'n', 'd', (char)('0' + hand->number)};
    uint8_t bytes[100] = {0};
    const struct journal_entry entry = {.workspace = {workspace, sizeof(workspace)},
                                        .kind = ENTRY_FACTS,
                                        .seq = hand->appended,
                                        .bytes = bytes,
                                        .size = (size_t)(hand->appended * 13 % sizeof(bytes))};

    hand->bounds[hand->appended++] = journal_next_position(hand->port);
    journal_append(hand->port, &entry);
}

struct hand_batch {
    struct hand *hand;
    uint64_t number;
};

static void hand_answer(void *context, enum journal_status status)
{
    struct hand_batch *batch = context;
    struct hand *hand = batch->hand;
    uv_thread_t self = uv_thread_self();

    hand->wrong += batch->number == hand->answered ? 0 : 1;
    hand->wrong += uv_thread_equal(&self, &hand->thread) ? 0 : 1;
    hand->answered++;
    hand->answered_well += status == JOURNAL_OK ? 1 : 0;
    hand->last_status = status;
    free(batch);
}

static void hand_commit(struct hand *hand, uint64_t entries)
{
    struct hand_batch *batch = malloc(sizeof(*batch));

    if (batch == NULL) {
        abort();
    }
    for (; entries > 0; entries--) {
        hand_append(hand);
    }
    *batch = (struct hand_batch){hand, hand->committed++};
    journal_commit(hand->port, hand_answer, batch);
}

static void hand_wait(struct hand *hand)
{
    while (hand->answered < hand->committed) {
        uv_run(&hand->loop, UV_RUN_ONCE);
    }
}

/* One entry, durable. */
static void hand_put(struct hand *hand)
{
    hand_commit(hand, 1);
    hand_wait(hand);
    assert_int_equal(hand->last_status, JOURNAL_OK);
}

static void hand_wait_closed(struct hand *hand)
{
    while (!hand->closed) {
        uv_run(&hand->loop, UV_RUN_ONCE);
    }
}

/* What reading gives: each hand's entries in its order, from the first that is kept. */
struct hands_reading {
    struct hands *hands;
    uint64_t first[HANDS_MAX], next[HANDS_MAX];
    journal_position at;
};

static bool hands_visit(void *context, const struct journal_entry *entry, journal_position at)
{
    struct hands_reading *r = context;
    unsigned number;
    uint64_t *next;

    assert_int_equal(entry->workspace.length, 5);
    number = (unsigned)(entry->workspace.bytes[4] - '0');
    assert_in_range(number, 0, HANDS_MAX - 1);
    next = &r->next[number];
    if (*next == 0) {
        r->first[number] = *next = entry->seq;
    }
    assert_int_equal(entry->seq, *next);
    assert_int_equal(entry->size, *next * 13 % 100);
    assert_true(at >= r->hands->all[number].bounds[*next]);
    assert_true(at >= r->at);
    r->at = at;
    ++*next;
    return true;
}

/* Open the journal that all have closed, read it all, close it. */
static struct hands_reading hands_read(struct hands *h)
{
    struct hands_reading r = {.hands = h};
    struct journal *j;

    assert_int_equal(hands_try_open(h, &j), JOURNAL_OK);
    assert_int_equal(
        journal_read(j, 0, hands_visit, &r, h->fixture.problem, sizeof(h->fixture.problem)),
        JOURNAL_OK);
    journal_destroy(j, NULL, NULL);
    uv_run(&h->all[0].loop, UV_RUN_DEFAULT);
    return r;
}

static void hand_work(void *argument)
{
    struct hand *hand = argument;

    hand->thread = uv_thread_self();
    for (uint64_t i = 0; i < 1000; i++) {
        hand_commit(hand, i % 4);
        while (hand->committed - hand->answered > 1 + i % 16) {
            uv_run(&hand->loop, UV_RUN_ONCE);
        }
    }
    hand_destroy(hand);
    uv_run(&hand->loop, UV_RUN_DEFAULT);
}

/* Four threads commit as they like. Each hears of its batches in its order and on its own thread,
 * and finds everything when the journal is read again; where an entry stands is never before where
 * its port said that it would. */
static void test_threads_commit_side_by_side(void **state)
{
    struct hands *h = *state;
    uv_thread_t threads[HANDS_MAX];
    struct hands_reading r;

    hands_open(h, HANDS_MAX);
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        assert_int_equal(uv_thread_create(&threads[i], hand_work, &h->all[i]), 0);
    }
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        assert_int_equal(uv_thread_join(&threads[i]), 0);
    }
    r = hands_read(h);
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        assert_true(h->all[i].closed);
        assert_int_equal(h->all[i].answered_well, h->all[i].committed);
        assert_int_equal(h->all[i].appended, 1500);
        assert_int_equal(r.next[i], 1500);
    }
}

static void hand_come_and_go(void *argument)
{
    struct hand *hand = argument;
    struct hands *h = record_of(hand->fixture, struct hands, fixture);
    char problem[256];

    hand->thread = uv_thread_self();
    for (uint64_t round = 0; round < 50; round++) {
        if (journal_join(h->all[0].port, &hand->loop, &hand->port, problem, sizeof(problem)) !=
            JOURNAL_OK) {
            abort();
        }
        for (uint64_t i = 0; i < round % 7; i++) {
            hand_commit(hand, 2);
        }
        hand_destroy(hand);
        uv_run(&hand->loop, UV_RUN_DEFAULT);
        hand->wrong += hand->closed ? 0 : 1;
    }
}

/* Ports come and go on their threads while another one works. */
static void test_ports_come_and_go(void **state)
{
    struct hands *h = *state;
    uv_thread_t threads[HANDS_MAX];
    struct hands_reading r;

    hands_open(h, 1);
    for (unsigned i = 1; i < HANDS_MAX; i++) {
        assert_int_equal(uv_thread_create(&threads[i], hand_come_and_go, &h->all[i]), 0);
    }
    for (int i = 0; i < 200; i++) {
        hand_put(&h->all[0]);
    }
    for (unsigned i = 1; i < HANDS_MAX; i++) {
        assert_int_equal(uv_thread_join(&threads[i]), 0);
    }
    hand_destroy(&h->all[0]);
    hand_wait_closed(&h->all[0]);
    r = hands_read(h);
    for (unsigned i = 0; i < HANDS_MAX; i++) {
        assert_int_equal(h->all[i].answered_well, h->all[i].committed);
        assert_int_equal(r.next[i], h->all[i].appended);
    }
}

/* What all ports committed while a sync went on becomes durable with the next one; and an answer
 * comes when its own loop runs, not when another's does. */
static void test_one_sync_serves_all_ports(void **state)
{
    struct hands *h = *state;
    uint64_t writes = crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC);
    struct journal_stats stats;
    uv_sem_t gate;

    uv_sem_init(&gate, 0);
    h->fixture.faults.before_sync = &gate;
    hands_open(h, 3);
    hand_commit(&h->all[0], 1);
    while (crash_point_count(CRASH_BETWEEN_WRITE_AND_SYNC) == writes) {
        hands_run(h);
    }
    for (int i = 0; i < 10; i++) {
        hand_commit(&h->all[1], 2);
        hand_commit(&h->all[2], 3);
    }
    hands_run(h);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(h->all[i].answered, 0);
    }
    uv_sem_post(&gate);
    uv_sem_post(&gate);
    hand_wait(&h->all[2]);
    assert_int_equal(h->all[1].answered, 0);
    hand_wait(&h->all[1]);
    hand_wait(&h->all[0]);
    journal_get_stats(h->all[1].port, &stats);
    assert_int_equal(stats.syncs, 2);
    assert_int_equal(stats.batches, 10);
    assert_int_equal(stats.entries, 20);
    assert_int_equal(stats.in_flight, 0);
    journal_get_stats(h->all[0].port, &stats);
    assert_int_equal(stats.syncs, 2);
    assert_int_equal(stats.entries, 1);
    uv_sem_post(&gate); /* for the mark of the close */
    for (unsigned i = 0; i < 3; i++) {
        hand_destroy(&h->all[i]);
    }
    while (h->closed < 3) {
        hands_run(h);
    }
    h->fixture.faults.before_sync = NULL;
    uv_sem_destroy(&gate);
}

/* A port that joined and never said what it needs keeps everything; what nobody needs goes, also
 * when it is written later; and a port that needs something again only has to say so in time. */
static void test_frees_what_no_port_needs(void **state)
{
    struct hands *h = *state;
    struct hand *a = &h->all[0], *b = &h->all[1];
    journal_position bound;
    struct hands_reading r;
    uint64_t needed;

    h->fixture.options.segment_bytes = 500;
    hands_open(h, 2);
    for (int i = 0; i < 40; i++) {
        hand_put(a);
    }
    journal_trim(a->port, UINT64_MAX);
    hand_put(a);
    hand_put(a);
    assert_true(fixture_exists(&h->fixture, fixture_segment(1)));

    journal_trim(b->port, UINT64_MAX);
    while (fixture_exists(&h->fixture, fixture_segment(5))) {
        hands_run(h);
    }
    for (int i = 0; i < 40; i++) {
        hand_put(a);
    }
    while (fixture_exists(&h->fixture, fixture_segment(12))) {
        hands_run(h);
    }

    needed = b->appended;
    bound = journal_next_position(b->port);
    journal_trim(b->port, bound);
    for (int i = 0; i < 20; i++) {
        hand_put(b);
        hand_put(a);
    }
    hand_destroy(a);
    hand_destroy(b);
    hand_wait_closed(a);
    hand_wait_closed(b);
    r = hands_read(h);
    assert_int_equal(r.first[1], needed);
    assert_int_equal(r.next[1], b->appended);
    assert_in_range(r.first[0], 60, a->appended - 20);
}

/* What a port needed when it was destroyed, the next opening needs. */
static void test_keeps_what_a_destroyed_port_needs(void **state)
{
    struct hands *h = *state;
    struct hand *a = &h->all[0], *b = &h->all[1];
    struct hands_reading r;

    h->fixture.options.segment_bytes = 500;
    hands_open(h, 2);
    journal_trim(b->port, journal_next_position(b->port));
    hand_put(b);
    hand_destroy(b);
    hand_wait_closed(b);
    journal_trim(a->port, UINT64_MAX);
    for (int i = 0; i < 40; i++) {
        hand_put(a);
    }
    hand_destroy(a);
    hand_wait_closed(a);
    r = hands_read(h);
    assert_int_equal(r.next[1], 1);
    assert_int_equal(r.next[0], 40);
}

/* A sync fails: whoever waits for it hears it, whoever commits later hears it, and so does a port
 * that joins when it has happened. */
static void test_a_failure_reaches_every_port(void **state)
{
    struct hands *h = *state;
    char problem[256];

    hands_open(h, 3);
    hand_put(&h->all[0]);
    hand_put(&h->all[1]);
    atomic_store(&h->fixture.faults.sync.error, EIO);
    atomic_store(&h->fixture.faults.sync.countdown, 1);
    hand_commit(&h->all[0], 1);
    hand_wait(&h->all[0]);
    assert_int_equal(h->all[0].last_status, JOURNAL_FAILED);
    assert_int_equal(
        journal_join(h->all[0].port, &h->all[3].loop, &h->all[3].port, problem, sizeof(problem)),
        JOURNAL_OK);
    for (unsigned i = 1; i < HANDS_MAX; i++) {
        assert_string_equal(journal_problem(h->all[i].port), "");
        for (int k = 0; k < 3; k++) {
            hand_commit(&h->all[i], 1);
        }
        hand_wait(&h->all[i]);
        assert_int_equal(h->all[i].last_status, JOURNAL_FAILED);
        assert_int_equal(h->all[i].answered_well, i == 1 ? 1 : 0);
        assert_non_null(strstr(journal_problem(h->all[i].port), strerror(EIO)));
    }
}

static void expect_locked(struct hands *h)
{
    struct journal *j;

    assert_int_equal(hands_try_open(h, &j), JOURNAL_LOCKED);
    assert_null(j);
}

/* After a failure each port is destroyed in its own time. Until the last one is closed nobody can
 * open the journal; a port that is slow to hear its answers holds up the one that was destroyed
 * last. */
static void test_is_locked_until_the_last_port_is_closed(void **state)
{
    struct hands *h = *state;
    struct hand *a = &h->all[0], *b = &h->all[1], *c = &h->all[2];

    hands_open(h, 3);
    atomic_store(&h->fixture.faults.sync.error, EIO);
    atomic_store(&h->fixture.faults.sync.countdown, 1);
    hand_commit(a, 1);
    hand_wait(a);
    hand_commit(b, 1);
    hand_commit(c, 1);
    hand_destroy(a);
    hand_wait_closed(a);
    expect_locked(h);
    hand_destroy(b);
    hand_destroy(c);
    hand_wait(c);
    for (int i = 0; i < 100; i++) {
        hand_run(c);
        expect_locked(h);
    }
    assert_false(c->closed);
    hand_wait_closed(b);
    assert_false(c->closed);
    expect_locked(h);
    hand_wait_closed(c);
    assert_int_equal(c->closed_as, 3);
    assert_int_equal(hands_read(h).next[0], 1);
}

/* In whatever order ports are destroyed, with batches in flight at each: all are answered, and the
 * one destroyed last is closed last. */
static void test_destroyed_in_any_order(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct hands *h = *state;
    struct hands_reading r;

    for (unsigned o = 0; o < 6; o++) {
        h->closed = 0;
        hands_open(h, 3);
        for (uint64_t i = 0; i < 30; i++) {
            hand_commit(&h->all[i % 3], i % 5);
        }
        for (unsigned i = 0; i < 3; i++) {
            hand_destroy(&h->all[orders[o][i]]);
            if (o % 2 == 0) {
                hands_run(h);
            }
        }
        while (h->closed < 3) {
            hands_run(h);
        }
        assert_int_equal(h->all[orders[o][2]].closed_as, 3);
    }
    r = hands_read(h);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(h->all[i].answered_well, 60);
        assert_int_equal(r.next[i], h->all[i].appended);
    }
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, hands_create, hands_free)
    const struct CMUnitTest tests[] = {
        ROW(test_threads_commit_side_by_side),
        ROW(test_ports_come_and_go),
        ROW(test_one_sync_serves_all_ports),
        ROW(test_frees_what_no_port_needs),
        ROW(test_keeps_what_a_destroyed_port_needs),
        ROW(test_a_failure_reaches_every_port),
        ROW(test_is_locked_until_the_last_port_is_closed),
        ROW(test_destroyed_in_any_order),
    };
#undef ROW

    return cmocka_run_group_tests(tests, NULL, NULL);
}
