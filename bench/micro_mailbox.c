#include "bench/micro_mailbox.h"

#include <pthread.h>

#include "bench/micro_ring.h"
#include "queue/base/memory.h"
#include "router/mailbox.h"
#include "router/tsan.h"

#define MAILBOX_BATCHES (2u * MAILBOX_PLACES) /* more than can be on their way at a time */
#define MAILBOX_A_TURN  16                    /* batches that a turn makes, as one of many */

enum { SENDER, RECEIVER, SIDES };

struct micro_reactor {
    uv_loop_t loop;
    uv_prepare_t before_sleep;
    uv_check_t after_sleep;
    uv_idle_t again; /* active: there is more to do at once */
    struct mailbox *box;
    uint64_t operations, done, sum;
    uint32_t batch, next;
    struct ring_batch *batches; /* the sender's */
};

static void micro_mailbox_idle(uv_idle_t *handle)
{
    (void)handle; /* an active one keeps the loop from sleeping */
}

/* True when there is more to send and room for it. */
static bool micro_mailbox_send(struct micro_reactor *r)
{
    for (int i = 0; i < MAILBOX_A_TURN && r->done < r->operations; i++) {
        struct ring_batch *batch = &r->batches[r->next];

        tsan_acquire(r->box->exchange);
        ring_batch_fill(batch, r->batch, r->done, r->operations);
        if (!mailbox_send(r->box, RECEIVER, LANE_COMMANDS, batch)) {
            return false;
        }
        r->done += batch->count;
        r->next = (r->next + 1) % MAILBOX_BATCHES;
    }
    return r->done < r->operations;
}

static bool micro_mailbox_receive(struct micro_reactor *r)
{
    struct ring_batch *batch;

    while ((batch = mailbox_take(r->box, SENDER, LANE_COMMANDS)) != NULL) {
        r->sum += ring_batch_sum(batch);
        r->done += batch->count;
        tsan_release(r->box->exchange); /* that it is read, the ring's room will tell */
    }
    return false;
}

static void micro_mailbox_before_sleep(uv_prepare_t *handle)
{
    struct micro_reactor *r = handle->data;
    bool more = r->box->index == SENDER ? micro_mailbox_send(r) : micro_mailbox_receive(r);

    mailbox_ring_bells(r->box);
    if (r->done == r->operations) {
        uv_stop(&r->loop);
        return;
    }
    if (!more && !mailbox_fall_asleep(r->box, 1u << LANE_COMMANDS)) {
        more = true;
    }
    if (more) {
        mailbox_wake_up(r->box);
        uv_idle_start(&r->again, micro_mailbox_idle);
    } else {
        uv_idle_stop(&r->again);
    }
}

static void micro_mailbox_after_sleep(uv_check_t *handle)
{
    struct micro_reactor *r = handle->data;

    mailbox_wake_up(r->box);
}

static void micro_mailbox_open(struct micro_reactor *r, struct mailbox *box)
{
    r->box = box;
    (void)uv_loop_init(&r->loop);
    mailbox_open(box, &r->loop);
    (void)uv_prepare_init(&r->loop, &r->before_sleep);
    (void)uv_check_init(&r->loop, &r->after_sleep);
    (void)uv_idle_init(&r->loop, &r->again);
    r->before_sleep.data = r->after_sleep.data = r;
    (void)uv_prepare_start(&r->before_sleep, micro_mailbox_before_sleep);
    (void)uv_check_start(&r->after_sleep, micro_mailbox_after_sleep);
}

/* When both threads are done: nobody rings any more. */
static void micro_mailbox_close(struct micro_reactor *r)
{
    mailbox_close(r->box);
    uv_close((uv_handle_t *)&r->before_sleep, NULL);
    uv_close((uv_handle_t *)&r->after_sleep, NULL);
    uv_close((uv_handle_t *)&r->again, NULL);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->loop);
}

static void *micro_mailbox_run(void *context)
{
    struct micro_reactor *r = context;

    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void micro_mailbox_drop(enum mailbox_lane lane, void *batch)
{
    (void)lane;
    (void)batch; /* the sender's array holds it */
}

struct micro_mailbox_result micro_mailbox_measure(uint64_t operations, uint32_t batch)
{
    struct micro_mailbox_result result = {.ns = -1};
    struct micro_reactor *sides = memory_take(SIDES * sizeof(*sides));
    struct exchange exchange;
    pthread_t receiver;
    uint64_t began;

    exchange_init(&exchange, SIDES);
    for (int i = 0; i < SIDES; i++) {
        sides[i].operations = operations;
        sides[i].batch = batch;
        micro_mailbox_open(&sides[i], &exchange.boxes[i]);
    }
    sides[SENDER].batches = memory_take(MAILBOX_BATCHES * sizeof(*sides[SENDER].batches));
    began = uv_hrtime();
    if (pthread_create(&receiver, NULL, micro_mailbox_run, &sides[RECEIVER]) == 0) {
        (void)micro_mailbox_run(&sides[SENDER]);
        (void)pthread_join(receiver, NULL);
        if (sides[RECEIVER].sum == ring_sum_expected(operations)) {
            result.ns = (double)(uv_hrtime() - began) / (double)operations;
        }
    }
    for (int i = 0; i < SIDES; i++) {
        result.bells += exchange.boxes[i].bells;
        result.full += exchange.boxes[i].full[LANE_COMMANDS];
        micro_mailbox_close(&sides[i]);
    }
    exchange_close(&exchange, micro_mailbox_drop);
    memory_give(sides[SENDER].batches);
    memory_give(sides);
    return result;
}
