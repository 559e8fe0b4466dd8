#include "queue/base/memory.h"
#include "queue/base/random.h"
#include "queue/base/timer_wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define YEAR   (365 * 24 * HOUR)
#define NODES  300
#define STEPS  40000

/* The timers of a test stand behind each other; their orders apart, by place. */
static struct timer_node *nodes;
static uint64_t orders[3000];

static uint64_t order_of(const struct timer_node *n)
{
    return orders[n - nodes];
}

/* The naive wheel: looks at every timer, sorts what is due. */
struct model {
    struct timer_node *due[NODES];
    size_t due_count;
    bool is_due[NODES];
    bool armed[NODES];
};

static int by_firing_order(const void *a, const void *b)
{
    const struct timer_node *left = *(struct timer_node *const *)a;
    const struct timer_node *right = *(struct timer_node *const *)b;

    if (left->at != right->at) {
        return left->at < right->at ? -1 : 1;
    }
    return (order_of(left) > order_of(right)) - (order_of(left) < order_of(right));
}

static void model_advance(struct model *m, int64_t now)
{
    size_t collected = m->due_count;

    for (size_t i = 0; i < NODES; i++) {
        if (m->armed[i] && !m->is_due[i] && nodes[i].at <= now) {
            m->is_due[i] = true;
            m->due[m->due_count++] = &nodes[i];
        }
    }
    qsort(m->due + collected, m->due_count - collected, sizeof(m->due[0]), by_firing_order);
}

static void model_disarm(struct model *m, size_t i)
{
    size_t at = 0;

    if (m->is_due[i]) {
        while (m->due[at] != &nodes[i]) {
            at++;
        }
        m->due_count--;
        memmove(&m->due[at], &m->due[at + 1], (m->due_count - at) * sizeof(m->due[0]));
    }
    m->armed[i] = m->is_due[i] = false;
}

/* No timer that is not due yet fires before this instant. */
static int64_t model_earliest(const struct model *m, int64_t now)
{
    int64_t earliest = TIMER_NEVER;

    for (size_t i = 0; i < NODES; i++) {
        if (m->armed[i] && nodes[i].at < earliest) {
            earliest = nodes[i].at;
        }
    }
    return earliest < now ? now : earliest;
}

/* Spans as different as the clocks of a contact centre, and a few that only a test has. */
static int64_t random_span(struct random *r)
{
    static const int64_t spans[] = {1, 3, 70, 5000, 15 * SECOND, HOUR, 100 * HOUR, 5 * YEAR};

    return random_between(r, 0, spans[random_below(r, sizeof(spans) / sizeof(spans[0]))]);
}

static int64_t random_instant(struct random *r, int64_t now)
{
    if (random_percent(r, 5)) {
        return now - random_between(r, 0, now < 2000 ? now : 2000);
    }
    if (random_percent(r, 1)) {
        return TIMER_NEVER - random_between(r, 0, 2000);
    }
    return now + random_span(r);
}

static void check_next(const struct timer_wheel *w, const struct model *m)
{
    int64_t next = timer_wheel_next(w);

    if (m->due_count > 0) {
        assert_int_equal(next, w->now);
    } else if (w->armed == 0) {
        assert_int_equal(next, TIMER_NEVER);
    } else {
        assert_true(next >= w->now);
        assert_true(next <= model_earliest(m, w->now));
    }
}

static void test_random_changes_agree_with_sorting(void **state)
{
    static struct timer_wheel w;
    static struct model m;
    struct store store;

    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        size_t fired = 0, due_disarmed = 0;
        struct random r;

        print_message("seed %llu\n", (unsigned long long)seed);
        random_init(&r, seed);
        memset(&m, 0, sizeof(m));
        store_init(&store);
        nodes = store_take_for_good(&store, NODES * sizeof(nodes[0]));
        timer_wheel_init(&w, &store, order_of, seed == 1 ? 0 : random_between(&r, 0, 60 * YEAR));
        for (uint64_t step = 0; step < STEPS; step++) {
            size_t i = random_below(&r, NODES);
            uint64_t what = random_below(&r, 100);

            if (what < 50) { /* arm, or arm again */
                int64_t at = random_instant(&r, w.now);

                model_disarm(&m, i);
                orders[i] = random_next(&r);
                timer_wheel_arm(&w, &nodes[i], at);
                m.armed[i] = at != TIMER_NEVER;
            } else if (what < 60) {
                due_disarmed += m.is_due[i];
                model_disarm(&m, i);
                timer_wheel_disarm(&w, &nodes[i]);
            } else if (what < 70) {
                int64_t now = w.now + random_span(&r) / (step % 4 == 0 ? 1 : 50);
                int64_t next = timer_wheel_next(&w);

                if (step % 3 == 0 && next != TIMER_NEVER) {
                    now = next - (step % 2 == 0 && next > w.now);
                }
                model_advance(&m, now);
                timer_wheel_advance(&w, now);
            } else { /* some stay due while time goes on */
                struct timer_node *expected = m.due_count == 0 ? NULL : m.due[0];

                assert_ptr_equal(timer_wheel_take_due(&w), expected);
                if (expected != NULL) {
                    model_disarm(&m, (size_t)(expected - nodes));
                    assert_false(timer_armed(expected));
                    fired++;
                }
            }
            assert_int_equal(timer_armed(&nodes[i]), m.armed[i]);
            check_next(&w, &m);
        }
        assert_true(fired > 2000 && due_disarmed > 50);
        /* To the end of time: everything comes out. */
        model_advance(&m, INT64_MAX);
        timer_wheel_advance(&w, INT64_MAX);
        for (size_t k = 0; k < m.due_count; k++) {
            assert_ptr_equal(timer_wheel_take_due(&w), m.due[k]);
        }
        assert_null(timer_wheel_take_due(&w));
        assert_int_equal(w.armed, 0);
        store_close(&store);
    }
}

#define TIMERS 3000

/* Arm `TIMERS` timers in the given sequence, some while time passes, and write down how they fire.
 */
static void fire_all(const uint32_t *sequence, const int64_t *at, bool in_steps, uint64_t *fired)
{
    static struct timer_wheel w;
    struct store store;
    struct timer_node *n;
    size_t count = 0;

    store_init(&store);
    nodes = store_take_for_good(&store, TIMERS * sizeof(nodes[0]));
    timer_wheel_init(&w, &store, order_of, 5 * YEAR);
    for (size_t i = 0; i < TIMERS; i++) {
        uint32_t which = sequence[i];

        if (i == TIMERS / 2) {
            timer_wheel_advance(&w, 5 * YEAR + 10); /* before the first is due */
            assert_null(timer_wheel_take_due(&w));
        }
        orders[which] = which;
        timer_wheel_arm(&w, &nodes[which], at[which]);
    }
    while (count < TIMERS) {
        int64_t next = timer_wheel_next(&w);

        assert_true(next != TIMER_NEVER);
        timer_wheel_advance(&w, in_steps ? next : 50 * YEAR);
        while ((n = timer_wheel_take_due(&w)) != NULL) {
            fired[count++] = order_of(n);
        }
    }
    assert_int_equal(w.armed, 0);
    store_close(&store);
}

/* A wheel that was rebuilt from a journal is armed in another sequence, and wakes at other times.
 */
static void test_firing_order_does_not_depend_on_arming_order(void **state)
{
    static uint32_t sequence[TIMERS];
    static int64_t at[TIMERS];
    static uint64_t first[TIMERS], again[TIMERS];
    struct random r;

    (void)state;
    random_init(&r, 9);
    for (uint32_t i = 0; i < TIMERS; i++) {
        sequence[i] = i;
        /* Many share an instant. */
        at[i] = 5 * YEAR + 20 + (i % 3 == 0 ? random_between(&r, 0, 40) : random_span(&r));
    }
    fire_all(sequence, at, true, first);
    for (size_t i = 1; i < TIMERS; i++) {
        int64_t before = at[first[i - 1]];

        assert_true(before < at[first[i]] || (before == at[first[i]] && first[i - 1] < first[i]));
    }
    for (int round = 0; round < 6; round++) {
        for (size_t i = TIMERS - 1; i > 0; i--) {
            size_t other = random_below(&r, i + 1);
            uint32_t held = sequence[i];

            sequence[i] = sequence[other];
            sequence[other] = held;
        }
        fire_all(sequence, at, round % 2 == 0, again);
        assert_memory_equal(first, again, sizeof(first));
    }
}

#define FEW 4

/* Timers ordered by their places. */
static void few_nodes(struct store *store)
{
    store_init(store);
    nodes = store_take_for_good(store, FEW * sizeof(nodes[0]));
    for (uint64_t i = 0; i < FEW; i++) {
        orders[i] = i;
    }
}

/* However far away: a cascade for each level at most, then the instant itself. */
static void test_the_next_instant_is_reached_in_few_steps(void **state)
{
    static const int64_t instants[] = {
        1, 63, 64, 65, 4095, 4096, HOUR, YEAR, 100 * YEAR, INT64_C(1) << 60, TIMER_NEVER - 1,
    };
    static struct timer_wheel w;
    struct store store;

    (void)state;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        int steps = 0;

        few_nodes(&store);
        timer_wheel_init(&w, &store, order_of, 0);
        timer_wheel_arm(&w, &nodes[0], instants[i]);
        while (timer_wheel_take_due(&w) == NULL) {
            int64_t next = timer_wheel_next(&w);

            assert_true(next > w.now);
            timer_wheel_advance(&w, next);
            assert_true(++steps <= TIMER_WHEEL_LEVELS);
        }
        assert_int_equal(w.now, instants[i]);
        assert_int_equal(timer_wheel_next(&w), TIMER_NEVER);
        store_close(&store);
    }
}

/* A handler that arms for the past does not keep the loop that takes what is due from ending. */
static void test_the_past_comes_with_the_next_advance(void **state)
{
    static struct timer_wheel w;
    struct timer_node *first, *past, *present;
    struct store store;

    (void)state;
    few_nodes(&store);
    first = &nodes[1];
    present = &nodes[2];
    past = &nodes[3];
    timer_wheel_init(&w, &store, order_of, 1000);
    timer_wheel_arm(&w, first, 1500);
    timer_wheel_advance(&w, 2000);
    timer_wheel_arm(&w, present, 2000);
    timer_wheel_arm(&w, past, 1200);
    assert_ptr_equal(timer_wheel_take_due(&w), first);
    assert_null(timer_wheel_take_due(&w));
    assert_int_equal(timer_wheel_next(&w), 2000);
    timer_wheel_advance(&w, 2000);
    assert_ptr_equal(timer_wheel_take_due(&w), past);
    assert_ptr_equal(timer_wheel_take_due(&w), present);
    assert_null(timer_wheel_take_due(&w));
    store_close(&store);
}

static void test_what_is_due_can_be_disarmed_and_armed_again(void **state)
{
    static struct timer_wheel w;
    struct timer_node *a, *b, *c;
    struct store store;

    (void)state;
    few_nodes(&store);
    a = &nodes[1];
    b = &nodes[2];
    c = &nodes[3];
    timer_wheel_init(&w, &store, order_of, 0);
    timer_wheel_disarm(&w, a); /* harmless */
    timer_wheel_arm(&w, a, 10);
    timer_wheel_arm(&w, b, 10);
    timer_wheel_arm(&w, c, 10);
    timer_wheel_advance(&w, 10);
    timer_wheel_disarm(&w, a);
    timer_wheel_arm(&w, b, 20);
    assert_ptr_equal(timer_wheel_take_due(&w), c);
    assert_null(timer_wheel_take_due(&w));
    assert_int_equal(w.armed, 1);
    timer_wheel_arm(&w, b, TIMER_NEVER);
    assert_false(timer_armed(b));
    assert_int_equal(w.armed, 0);
    timer_wheel_advance(&w, YEAR);
    assert_null(timer_wheel_take_due(&w));
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes_agree_with_sorting),
        cmocka_unit_test(test_firing_order_does_not_depend_on_arming_order),
        cmocka_unit_test(test_the_next_instant_is_reached_in_few_steps),
        cmocka_unit_test(test_the_past_comes_with_the_next_advance),
        cmocka_unit_test(test_what_is_due_can_be_disarmed_and_armed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
