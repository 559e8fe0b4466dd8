/* Mailboxes under load: reactors on threads of their own ask and answer one another through rings
 * that are full most of the time, and sleep in poll when there is nothing to do. Each question must
 * be answered once, in order; a wake-up that is lost shows as a test that does not end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/base/memory.h"
#include "queue/base/random.h"
#include "router/mailbox.h"

#define NODES     3
#define QUESTIONS 60000 /* from each to each */
#define BURST     40

struct batch {
    uint32_t from, number;
    struct batch *next;
};

/* What one node has with another. */
struct relation {
    uint32_t asked, answered; /* our questions */
    uint32_t heard;           /* theirs */
    struct batch *parked, *parked_last;
};

struct node {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    struct mailbox *box;
    struct relation with[NODES];
    struct random random;
    uint64_t slept;
    bool said_done;
};

struct place {
    struct exchange exchange;
    struct node nodes[NODES];
    _Atomic uint32_t done;
};

static struct place place;

static struct batch *batch_of(uint32_t from, uint32_t number)
{
    struct batch *b = memory_take(sizeof(*b));

    b->from = from;
    b->number = number;
    return b;
}

static void drop(enum mailbox_lane lane, void *batch)
{
    (void)lane;
    memory_give(batch);
}

static void park(struct relation *r, struct batch *b)
{
    if (r->parked == NULL) {
        r->parked = b;
    } else {
        r->parked_last->next = b;
    }
    r->parked_last = b;
}

static bool send_parked(struct node *n, uint32_t to)
{
    struct relation *r = &n->with[to];

    while (r->parked != NULL) {
        struct batch *b = r->parked, *next = b->next;

        if (!mailbox_send(n->box, to, LANE_DELIVERIES, b)) {
            return false;
        }
        r->parked = next;
    }
    return true;
}

static bool is_parked(const struct node *n)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (n->with[i].parked != NULL) {
            return true;
        }
    }
    return false;
}

static void take_answers(struct node *n, uint32_t from)
{
    struct batch *b;

    while ((b = mailbox_take(n->box, from, LANE_DELIVERIES)) != NULL) {
        assert_int_equal(b->from, from);
        assert_int_equal(b->number, n->with[from].answered);
        n->with[from].answered++;
        memory_give(b);
    }
}

static void take_questions(struct node *n, uint32_t from)
{
    struct batch *b;

    for (int i = 0;
         i < BURST && !is_parked(n) && (b = mailbox_take(n->box, from, LANE_COMMANDS)) != NULL;
         i++) {
        struct batch *answer = batch_of(n->box->index, b->number);

        assert_int_equal(b->from, from);
        assert_int_equal(b->number, n->with[from].heard);
        n->with[from].heard++;
        memory_give(b);
        if (!mailbox_send(n->box, from, LANE_DELIVERIES, answer)) {
            park(&n->with[from], answer);
        }
    }
}

static void ask(struct node *n, uint32_t whom)
{
    struct relation *r = &n->with[whom];
    uint64_t most = random_below(&n->random, BURST);

    for (uint64_t i = 0; i < most && r->asked < QUESTIONS; i++) {
        struct batch *b = batch_of(n->box->index, r->asked);

        if (!mailbox_send(n->box, whom, LANE_COMMANDS, b)) {
            memory_give(b);
            return;
        }
        r->asked++;
    }
}

static bool is_done(const struct node *n)
{
    for (uint32_t i = 0; i < NODES; i++) {
        const struct relation *r = &n->with[i];

        if (i != n->box->index &&
            (r->answered < QUESTIONS || r->heard < QUESTIONS || r->parked != NULL)) {
            return false;
        }
    }
    return true;
}

/* Something is left to be asked, and the ring was not full. */
static bool wants_turn(const struct node *n)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (i != n->box->index && n->with[i].asked < QUESTIONS &&
            (n->box->blocked[LANE_COMMANDS] & UINT64_C(1) << i) == 0) {
            return true;
        }
    }
    return false;
}

static void turn(struct node *n)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (i != n->box->index) {
            take_answers(n, i);
            send_parked(n, i);
        }
    }
    for (uint32_t i = 0; i < NODES; i++) {
        if (i != n->box->index) {
            take_questions(n, i);
            ask(n, i);
        }
    }
    mailbox_ring_bells(n->box);
    if (!n->said_done && is_done(n)) {
        n->said_done = true;
        atomic_fetch_add(&place.done, 1);
        mailbox_ring_all(n->box);
    }
}

static void idle(uv_idle_t *handle)
{
    (void)handle;
}

static void stop(struct node *n)
{
    uv_close((uv_handle_t *)&n->prepare, NULL);
    uv_close((uv_handle_t *)&n->check, NULL);
    uv_close((uv_handle_t *)&n->idle, NULL);
}

static void before_sleep(uv_prepare_t *handle)
{
    struct node *n = handle->data;
    unsigned lanes;

    turn(n);
    if (atomic_load(&place.done) == NODES) {
        stop(n);
        return;
    }
    lanes = 1u << LANE_DELIVERIES | (is_parked(n) ? 0 : 1u << LANE_COMMANDS);
    if (wants_turn(n) || !mailbox_fall_asleep(n->box, lanes) || atomic_load(&place.done) == NODES) {
        mailbox_wake_up(n->box);
        uv_idle_start(&n->idle, idle);
    } else {
        n->slept++;
        uv_idle_stop(&n->idle);
    }
}

static void after_sleep(uv_check_t *handle)
{
    struct node *n = handle->data;

    mailbox_wake_up(n->box);
    if (!uv_is_closing((uv_handle_t *)handle)) {
        turn(n);
    }
}

static void run(void *argument)
{
    struct node *n = argument;

    uv_run(&n->loop, UV_RUN_DEFAULT);
}

static void test_each_question_is_answered_once_and_in_order(void **state)
{
    uint64_t bells = 0, full = 0, slept = 0;

    (void)state;
    exchange_init(&place.exchange, NODES);
    for (uint32_t i = 0; i < NODES; i++) {
        struct node *n = &place.nodes[i];

        uv_loop_init(&n->loop);
        n->box = &place.exchange.boxes[i];
        mailbox_open(n->box, &n->loop);
        random_init(&n->random, i + 1);
        uv_prepare_init(&n->loop, &n->prepare);
        uv_check_init(&n->loop, &n->check);
        uv_idle_init(&n->loop, &n->idle);
        n->prepare.data = n->check.data = n;
        uv_prepare_start(&n->prepare, before_sleep);
        uv_check_start(&n->check, after_sleep);
        uv_idle_start(&n->idle, idle);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        assert_int_equal(uv_thread_create(&place.nodes[i].thread, run, &place.nodes[i]), 0);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        uv_thread_join(&place.nodes[i].thread);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        struct node *n = &place.nodes[i];

        assert_int_equal(n->box->sent[LANE_COMMANDS], QUESTIONS * (NODES - 1));
        assert_int_equal(n->box->taken[LANE_COMMANDS], QUESTIONS * (NODES - 1));
        assert_int_equal(n->box->sent[LANE_DELIVERIES], QUESTIONS * (NODES - 1));
        assert_int_equal(n->box->taken[LANE_DELIVERIES], QUESTIONS * (NODES - 1));
        bells += n->box->bells;
        full += n->box->full[LANE_COMMANDS];
        slept += n->slept;
        mailbox_close(n->box);
        uv_run(&n->loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&n->loop), 0);
    }
    exchange_close(&place.exchange, drop);
    print_message("%llu sleeps, %llu bells, %llu times full\n", (unsigned long long)slept,
                  (unsigned long long)bells, (unsigned long long)full);
    /* Otherwise this has not tried what it is for. */
    assert_true(slept > 0);
    assert_true(bells > 0);
    assert_true(full > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_question_is_answered_once_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
