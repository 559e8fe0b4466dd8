/* `ring`: what it costs to hand something to another thread through a single-producer
 * single-consumer ring, one by one and in batches. A batch is one pointer in the ring to so many
 * messages; the consumer reads every one of them. Beside it the product's mailbox, whose two ends
 * are loops that sleep and wake one another.
 *
 * Wall-clock time, as two threads are at it: it takes two free cores to mean something. */
#include <argp.h>
#include <ck_ring.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/command.h"
#include "bench/micro_mailbox.h"
#include "bench/micro_ring.h"
#include "queue/base/memory.h"
#include "router/tsan.h"

#define RING_PLACES 64  /* as a mailbox has */
#define RING_SPINS  200 /* looks at a ring that is full or empty before the core is given away */
struct ring_run {
    ck_ring_t ring;
    ck_ring_buffer_t places[RING_PLACES];
    struct ring_batch batches[2 * RING_PLACES]; /* more than can be in the ring at a time */
    uint64_t operations;
    uint32_t batch;
    uint64_t sum; /* of what the consumer read */
};

struct ring_options {
    uint64_t operations;
    const char *json;
};

/* Somebody has to run for this to go on. */
static void ring_wait(unsigned *spins)
{
    if (++*spins < RING_SPINS) {
        ck_pr_stall();
    } else {
        *spins = 0;
        (void)sched_yield();
    }
}

static void *ring_consume(void *context)
{
    struct ring_run *run = context;
    uint64_t taken = 0, sum = 0;
    unsigned spins = 0;
    void *item;

    while (taken < run->operations) {
        const struct ring_batch *batch;

        if (!ck_ring_dequeue_spsc(&run->ring, run->places, &item)) {
            ring_wait(&spins);
            continue;
        }
        tsan_acquire(&run->ring);
        batch = item;
        sum += ring_batch_sum(batch);
        taken += batch->count;
        tsan_release(run->batches); /* that it is read, the ring's room will tell */
    }
    run->sum = sum;
    return NULL;
}

static void ring_produce(struct ring_run *run)
{
    uint64_t sent = 0;
    unsigned spins = 0;

    for (uint32_t next = 0; sent < run->operations; next = (next + 1) % (2 * RING_PLACES)) {
        struct ring_batch *batch = &run->batches[next];

        tsan_acquire(run->batches);
        ring_batch_fill(batch, run->batch, sent, run->operations);
        sent += batch->count;
        tsan_release(&run->ring);
        while (!ck_ring_enqueue_spsc(&run->ring, run->places, batch)) {
            ring_wait(&spins);
        }
    }
}

static double ring_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a message; negative when something was lost. */
static double ring_measure(uint64_t operations, uint32_t batch)
{
    struct ring_run *run = memory_take(sizeof(*run));
    pthread_t consumer;
    double began, ns = -1;

    run->operations = operations;
    run->batch = batch;
    ck_ring_init(&run->ring, RING_PLACES);
    began = ring_now_ns();
    if (pthread_create(&consumer, NULL, ring_consume, run) == 0) {
        ring_produce(run);
        (void)pthread_join(consumer, NULL);
        ns = (ring_now_ns() - began) / (double)operations;
        if (run->sum != ring_sum_expected(operations)) {
            ns = -1;
        }
    }
    memory_give(run);
    return ns;
}

enum { RING_KEY_OPERATIONS = 256, RING_KEY_JSON };

static const struct argp_option ring_argp_options[] = {
    {"operations", RING_KEY_OPERATIONS, "N", 0, "messages to hand over (5000000)", 0},
    {"json", RING_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t ring_parse(int key, char *text, struct argp_state *state)
{
    struct ring_options *o = state->input;

    switch (key) {
    case RING_KEY_OPERATIONS:
        o->operations = command_whole(state, text, "--operations", 1, UINT64_C(1) << 31);
        break;
    case RING_KEY_JSON:
        o->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_ring(int argc, char **argv)
{
    static const struct argp argp = {
        .options = ring_argp_options,
        .parser = ring_parse,
        .doc = "What it costs to hand a message to another thread, one by one and in batches: "
               "wall-clock ns a message.",
    };
    static const uint32_t sizes[] = {1, 4, 16, 64, RING_BATCH_MAX};
    struct ring_options o = {.operations = 5000000};
    json_t *rows = json_array();
    int status = BENCH_OK;

    argp_parse(&argp, argc, argv, 0, NULL, &o);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        double ns = ring_measure(o.operations, sizes[i]);
        struct micro_mailbox_result m = micro_mailbox_measure(o.operations, sizes[i]);

        if (ns < 0 || m.ns < 0) {
            fputs("switchboard-bench ring: messages were lost\n", stderr);
            status = BENCH_BAD;
        }
        if (o.json == NULL || strcmp(o.json, "-") != 0) {
            printf("%3u a batch: ring %8.2f ns, mailbox %8.2f ns a message (%llu bells, %llu times "
                   "full)\n",
                   sizes[i], ns, m.ns, (unsigned long long)m.bells, (unsigned long long)m.full);
        }
        json_array_append_new(rows,
                              json_pack("{s:I, s:f, s:f, s:I, s:I}", "batch", (json_int_t)sizes[i],
                                        "ns_per_message", ns, "mailbox_ns_per_message", m.ns,
                                        "bells", (json_int_t)m.bells, "full", (json_int_t)m.full));
    }
    rows = json_pack("{s:I, s:o}", "operations", (json_int_t)o.operations, "rows", rows);
    if (o.json == NULL) {
        json_decref(rows);
    } else if (!command_write_json(rows, o.json)) {
        return BENCH_UNABLE;
    }
    return status;
}
