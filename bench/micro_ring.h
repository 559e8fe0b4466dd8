/* What is handed over in the benchmarks of ring and mailbox: messages that are numbers. */
#ifndef BENCH_MICRO_RING_H
#define BENCH_MICRO_RING_H

#include <stdint.h>

#define RING_BATCH_MAX 256

struct ring_batch {
    uint32_t count;
    uint64_t messages[RING_BATCH_MAX];
};

/* The next messages behind the first `sent` of `all`: `size` of them, or what is left. */
static inline void ring_batch_fill(struct ring_batch *b, uint32_t size, uint64_t sent, uint64_t all)
{
    b->count = all - sent < size ? (uint32_t)(all - sent) : size;
    for (uint32_t i = 0; i < b->count; i++) {
        b->messages[i] = ++sent;
    }
}

static inline uint64_t ring_batch_sum(const struct ring_batch *b)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < b->count; i++) {
        sum += b->messages[i];
    }
    return sum;
}

/* Of all messages, when each came once. */
static inline uint64_t ring_sum_expected(uint64_t all)
{
    return all * (all + 1) / 2;
}

#endif
