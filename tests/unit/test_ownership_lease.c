/* Leases in a real Redis: who may believe what, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "router/ownership/lease.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define LEASE_MS 300
#define KEY      "switchboard:{shop}:lease"
#define JOURNAL  "switchboard:{shop}:journal"

/* A node with one lease. */
struct node {
    struct place *place;
    const char *name;
    struct lease_book *book;
    struct lease lease;
    uint32_t changed, lost, empty, wanted, primaries;
    uint64_t lost_to;
    boot_ms lost_at;
};

struct place {
    struct test_loop t;
    struct redis_process redis, replica;
    struct redis_locator *locator;
    struct node a, b;
};

static int64_t skipped_ms; /* by which the test's clock is ahead */
static int64_t slower;     /* so many times, where a busy machine must not let a lease run out */
static engine_time shop_time;

static boot_ms test_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return ((boot_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000) / slower + skipped_ms;
}

static struct clock test_time = {.source = test_clock};

static engine_time time_of_shop(void *context)
{
    assert_non_null(context);
    return shop_time;
}

static void on_changed(void *context, struct lease *l)
{
    struct node *n = context;

    assert_ptr_equal(l, &n->lease);
    assert_ptr_equal(l->context, n);
    n->changed++;
}

static void on_lost(void *context, struct lease *l, uint64_t epoch)
{
    struct node *n = context;

    assert_ptr_equal(l, &n->lease);
    assert_int_equal(l->held, 0);
    n->lost++;
    n->lost_to = epoch;
    n->lost_at = test_clock();
}

static void on_empty(void *context, struct lease *l)
{
    struct node *n = context;

    assert_ptr_equal(l, &n->lease);
    n->empty++;
}

static void on_wanted(void *context, struct lease *l, struct text node)
{
    struct node *n = context;

    assert_ptr_equal(l, &n->lease);
    assert_true(text_equal(node, TEXT("bert")));
    n->wanted++;
}

static void on_primary(void *context, const struct redis_greeting *g)
{
    assert_int_equal(strlen(g->run_id), 40);
    ((struct node *)context)->primaries++;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    lease_scripts_init();
    test_loop_init(&p->t);
    skipped_ms = 0;
    slower = 1;
    shop_time = 1700000000000;
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    if (p->a.book != NULL) {
        lease_book_destroy(p->a.book);
    }
    if (p->b.book != NULL) {
        lease_book_destroy(p->b.book);
    }
    redis_locator_destroy(p->locator);
    test_loop_close(&p->t);
    redis_process_end(&p->replica);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

static void start(struct place *p, bool replica)
{

    redis_process_start(&p->redis, NULL);
    redis_process_do(&p->redis, "XADD " JOURNAL " 1-0 e x"); /* somebody owned it before */
    if (replica) {
        redis_process_start_replica(&p->replica, &p->redis);
    }
    p->locator = redis_process_locate(&p->redis, &p->t.loop, NULL, NULL);
}

static void open_node(struct place *p, struct node *n, const char *name, uint32_t replicas)
{
    const struct lease_events events = {
        .context = n,
        .changed = on_changed,
        .lost = on_lost,
        .empty = on_empty,
        .wanted = on_wanted,
        .primary = on_primary,
    };
    const struct lease_options options = {.lease_ms = LEASE_MS,
                                          .replicas = replicas,
                                          .node = text_from(name),
                                          .address = TEXT("tcp://127.0.0.1:1"),
                                          .clock = &test_time};

    n->place = p;
    n->name = name;
    n->book = lease_book_create(p->locator, &options, &events);
    lease_watch(n->book, &n->lease, TEXT("shop"), n);
}

static bool in_force(const struct node *n)
{
    return lease_is_in_force(&n->lease, test_clock());
}

static bool over(const struct node *n)
{
    return lease_is_over(&n->lease, test_clock());
}

static void turn_for(struct place *p, int64_t ms)
{
    int64_t until = test_clock() + ms;

    while (test_clock() < until) {
        test_loop_turn(&p->t);
    }
}

/* Held, seen by the other one, renewed in time again and again, and readable by people. */
static void test_held_and_seen(void **state)
{
    struct place *p = *state;
    redisReply *r;

    slower = 5;
    start(p, false);
    open_node(p, &p->a, "anna", 0);
    open_node(p, &p->b, "bert", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    assert_false(in_force(&p->a));
    WAIT_FOR(&p->t, in_force(&p->a));
    WAIT_FOR(&p->t, p->b.lease.observed.epoch == 65537);
    shop_time += 12345;
    while (p->b.lease.observed.count < 9) {
        test_loop_turn(&p->t);
        assert_true(in_force(&p->a));
        assert_false(over(&p->b));
    }
    assert_string_equal(p->b.lease.observed.node, "anna");
    assert_string_equal(p->b.lease.observed.address, "tcp://127.0.0.1:1");
    assert_false(p->b.lease.observed.released);
    assert_true(p->b.lease.observed.now_at == shop_time);
    assert_in_range(test_clock() - p->b.lease.observed.now_seen, 0, LEASE_MS);
    assert_in_range(p->b.changed, 1, 2); /* nobody there, perhaps, and then anna */
    assert_int_equal(p->a.primaries, 2);
    assert_string_equal(lease_book_problem(p->a.book), "");
    r = redis_process_ask(&p->redis, "HMGET " KEY " epoch node state");
    assert_true(redis_reply_is(redis_reply_at(r, 0), "65537"));
    assert_true(redis_reply_is(redis_reply_at(r, 1), "anna"));
    assert_true(redis_reply_is(redis_reply_at(r, 2), "held"));
    freeReplyObject(r);
}

/* A lease is in force until, counted from when its last good renewal was sent, a lease time is
 * nearly over; whoever watches waits for longer than that. */
static void test_owner_stops_first(void **state)
{
    struct place *p = *state;
    int64_t stopped;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    open_node(p, &p->b, "bert", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a) && p->b.lease.observed.epoch == 65537);
    turn_for(p, LEASE_MS);
    /* From now on nothing of anna's arrives, as if she had died. */
    stopped = p->a.lease.in_force_until;
    lease_unwatch(p->a.book, &p->a.lease);
    WAIT_FOR(&p->t, over(&p->b));
    assert_true(test_clock() > stopped);
    assert_true(p->b.lease.silence.lasts >= LEASE_MS);
    assert_true(test_clock() - p->b.lease.changed_at >= LEASE_MS);
    lease_watch(p->a.book, &p->a.lease, TEXT("shop"), &p->a);
}

/* The replica stands still: a renewal that only the primary has does not count. */
static void test_not_without_the_replica(void **state)
{
    struct place *p = *state;
    struct lease_stats s;

    start(p, true);
    open_node(p, &p->a, "anna", 1);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a));
    turn_for(p, 2 * LEASE_MS);
    WAIT_FOR(&p->t, in_force(&p->a));
    redis_process_signal(&p->replica, SIGSTOP);
    WAIT_FOR(&p->t, !in_force(&p->a));
    turn_for(p, 2 * LEASE_MS);
    assert_false(in_force(&p->a));
    lease_book_get_stats(p->a.book, &s);
    assert_true(s.short_waits > 1);
    assert_non_null(strstr(lease_book_problem(p->a.book), "0 of 1 replicas"));
    /* Another connection changes nothing about it. */
    redis_process_do(&p->redis, "CLIENT KILL TYPE normal SKIPME yes");
    WAIT_FOR(&p->t, p->a.primaries == 4);
    turn_for(p, 2 * LEASE_MS);
    assert_false(in_force(&p->a));
    redis_process_signal(&p->replica, SIGCONT);
    WAIT_FOR(&p->t, in_force(&p->a));
    assert_string_equal(lease_book_problem(p->a.book), "");
}

/* Its process stood still: when it wakes, its lease is not in force, before it has heard anything;
 * and it hears that somebody else is the owner. */
static void test_stood_still(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a));
    redis_process_do(&p->redis, "XADD " JOURNAL " 131074-5 e x");
    skipped_ms += 10000;
    assert_false(in_force(&p->a));
    WAIT_FOR(&p->t, p->a.lost == 1);
    assert_false(in_force(&p->a));
    assert_int_equal(p->a.lost_to, 131074);
}

/* An answer that was read late speaks of the moment at which it was asked for. */
static void test_late_answer(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    WAIT_FOR(&p->t, p->a.primaries == 2);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    skipped_ms += LEASE_MS; /* between sending and reading */
    WAIT_FOR(&p->t, p->a.lease.written_volley != 0);
    assert_false(in_force(&p->a));
    WAIT_FOR(&p->t, in_force(&p->a));
}

/* Who reads in the hash that the epoch is higher has lost it, too; and sees the new owner. */
static void test_higher_epoch_in_the_hash(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    open_node(p, &p->b, "bert", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a));
    lease_hold(p->b.book, &p->b.lease, 131074, time_of_shop);
    WAIT_FOR(&p->t, p->a.lost == 1);
    assert_int_equal(p->a.lost_to, 131074);
    WAIT_FOR(&p->t, p->a.lease.known);
    assert_string_equal(p->a.lease.observed.node, "bert");
    WAIT_FOR(&p->t, in_force(&p->b));
    assert_int_equal(p->b.lost, 0);
    turn_for(p, LEASE_MS);
    assert_int_equal(p->a.lost, 1);
}

/* A planned end is seen with the next reading, long before a lease time is over. */
static void test_let_go(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    open_node(p, &p->b, "bert", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, p->b.lease.observed.epoch == 65537);
    lease_let_go(p->a.book, &p->a.lease);
    assert_false(in_force(&p->a));
    assert_false(lease_book_is_idle(p->a.book));
    WAIT_FOR(&p->t, over(&p->b));
    assert_true(p->b.lease.observed.released);
    assert_in_range(p->b.lease.silence.lasts, 0, LEASE_MS / 2);
    WAIT_FOR(&p->t, lease_book_is_idle(p->a.book));
    /* And another one can hold it. */
    lease_hold(p->b.book, &p->b.lease, 131074, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->b));
    WAIT_FOR(&p->t, p->a.lease.observed.epoch == 131074);
    assert_false(p->a.lease.observed.released);
}

/* An owner hears with his next renewal that another one would like to have it, and hears it once.
 */
static void test_asked_for(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    open_node(p, &p->b, "bert", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, p->b.lease.observed.epoch == 65537);
    lease_ask_for(p->b.book, &p->b.lease);
    WAIT_FOR(&p->t, p->a.wanted == 1);
    turn_for(p, LEASE_MS);
    assert_int_equal(p->a.wanted, 1);
    assert_int_equal(p->b.wanted, 0);
    assert_true(in_force(&p->a));
    assert_false(over(&p->b));
}

/* Nobody ever held it: over after a lease time of looking. */
static void test_nobody_there(void **state)
{
    struct place *p = *state;
    int64_t at = test_clock();

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    WAIT_FOR(&p->t, p->a.lease.known);
    assert_int_equal(p->a.lease.observed.epoch, 0);
    assert_int_equal(p->a.changed, 1);
    assert_false(over(&p->a));
    WAIT_FOR(&p->t, over(&p->a));
    assert_true(test_clock() - at >= LEASE_MS);
}

/* While Redis does not answer, no time passes for those who watch. */
static void test_redis_stood_still(void **state)
{
    struct place *p = *state;

    slower = 3;
    start(p, false);
    open_node(p, &p->a, "anna", 0);
    open_node(p, &p->b, "bert", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a) && p->b.lease.observed.epoch == 65537);
    redis_process_signal(&p->redis, SIGSTOP);
    turn_for(p, 3 * LEASE_MS);
    assert_false(in_force(&p->a));
    assert_false(over(&p->b));
    assert_true(p->b.lease.silence.lasts < LEASE_MS);
    redis_process_signal(&p->redis, SIGCONT);
    while (!in_force(&p->a)) {
        test_loop_turn(&p->t);
        assert_false(over(&p->b)); /* anna gets her time */
    }
    turn_for(p, 2 * LEASE_MS);
    assert_false(over(&p->b));
    assert_true(in_force(&p->a));
}

/* Nor does it while the one who watches stands still. */
static void test_watcher_stood_still(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->b, "bert", 0);
    redis_process_do(&p->redis, "HSET " KEY " epoch 65537 node anna count 7 state held");
    WAIT_FOR(&p->t, p->b.lease.observed.epoch == 65537);
    skipped_ms += 10000;
    assert_false(over(&p->b));
    WAIT_FOR(&p->t, test_clock() - p->b.lease.silence.read_at < LEASE_MS);
    assert_false(over(&p->b));
    assert_in_range(p->b.lease.silence.lasts, 0, LEASE_MS / 2);
    WAIT_FOR(&p->t, over(&p->b));
}

/* Killed and restarted empty: `empty` and `primary` tell of it, and it is renewed again by itself
 * when somebody has put the stream back. */
static void test_restarted(void **state)
{
    struct place *p = *state;
    uint32_t primaries;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a));
    primaries = p->a.primaries;
    redis_process_kill(&p->redis);
    WAIT_FOR(&p->t, !in_force(&p->a));
    assert_string_not_equal(lease_book_problem(p->a.book), "");
    redis_process_restart(&p->redis);
    WAIT_FOR(&p->t, p->a.empty > 0);
    assert_false(in_force(&p->a));
    redis_process_do(&p->redis, "XADD " JOURNAL " 65537-0 e x");
    WAIT_FOR(&p->t, in_force(&p->a));
    WAIT_FOR(&p->t, p->a.primaries == primaries + 2);
    assert_int_equal(p->a.lost, 0);
}

/* Redis refuses to write: the lease runs out, and comes back. */
static void test_refused(void **state)
{
    struct place *p = *state;

    start(p, false);
    open_node(p, &p->a, "anna", 0);
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, in_force(&p->a));
    redis_process_do(&p->redis, "CONFIG SET min-replicas-to-write 1");
    WAIT_FOR(&p->t, !in_force(&p->a));
    assert_non_null(strstr(lease_book_problem(p->a.book), "NOREPLICAS"));
    redis_process_do(&p->redis, "CONFIG SET min-replicas-to-write 0");
    redis_process_do(&p->redis, "SCRIPT FLUSH");
    WAIT_FOR(&p->t, in_force(&p->a));
}

/* What stands there is no lease of ours: nobody is seen, and nothing is counted. */
static void test_something_else_stands_there(void **state)
{
    struct place *p = *state;

    start(p, false);
    redis_process_do(&p->redis, "SET " KEY " x");
    open_node(p, &p->a, "anna", 0);
    WAIT_FOR(&p->t, strstr(lease_book_problem(p->a.book), "WRONGTYPE") != NULL);
    turn_for(p, 2 * LEASE_MS);
    assert_false(p->a.lease.known);
    assert_false(over(&p->a));
    lease_hold(p->a.book, &p->a.lease, 65537, time_of_shop);
    turn_for(p, LEASE_MS);
    assert_false(in_force(&p->a));
    assert_int_equal(p->a.lost, 0);
}

/* Many leases are renewed by one volley, and watched together. */
static void test_many(void **state)
{
    static struct lease held[40];
    struct place *p = *state;
    struct lease_stats s;
    uint64_t renewals;

    start(p, true);
    open_node(p, &p->a, "anna", 1);
    WAIT_FOR(&p->t, p->a.primaries == 2);
    for (uint32_t i = 0; i < 40; i++) {
        char name[16];
        int size = snprintf(name, sizeof(name), "many-%u", i);

        redis_process_do(&p->redis, "XADD switchboard:{%s}:journal 1-0 e x", name);
        lease_watch(p->a.book, &held[i], (struct text){name, (uint32_t)size}, p);
        lease_hold(p->a.book, &held[i], 65537 + i * 65536, time_of_shop);
    }
    for (uint32_t i = 0; i < 40; i++) {
        WAIT_FOR(&p->t, lease_is_in_force(&held[i], test_clock()));
    }
    lease_book_get_stats(p->a.book, &s);
    renewals = s.renewals;
    turn_for(p, 2 * LEASE_MS);
    lease_book_get_stats(p->a.book, &s);
    assert_in_range(s.renewals - renewals, 40, 8 * 40);
    for (uint32_t i = 0; i < 40; i++) {
        WAIT_FOR(&p->t, lease_is_in_force(&held[i], test_clock()));
        lease_let_go(p->a.book, &held[i]);
    }
    WAIT_FOR(&p->t, lease_book_is_idle(p->a.book));
    assert_true(
        redis_process_says(&p->redis, "HGET switchboard:{many-39}:lease state", "released"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_held_and_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner_stops_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_without_the_replica, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stood_still, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_higher_epoch_in_the_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redis_stood_still, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watcher_stood_still, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restarted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_something_else_stands_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
