/* Memory that 32 bits can address: what a million records link each other by.
 *
 * A store reserves a span of addresses that begins at a multiple of its length, and has memory only
 * where chunks are taken. So a `near`, which counts units of eight bytes from the beginning of the
 * span, names any place in it, records and their members alike, and one place finds another with a
 * mask and a shift. 0 is none.
 *
 * Where the system does not give so many addresses (ulimit -v), the span is shorter, half of what
 * it was each time, and less fits into the store; what is below STORE_LEAST_BYTES is of no use, and
 * the process ends.
 *
 * The store owns its chunks; pools take them from it and hand out records. The highest bit of a
 * near is clear, and free for whoever keeps one to say something more. */
#ifndef QUEUE_BASE_STORE_H
#define QUEUE_BASE_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_CHUNK_BYTES ((size_t)1 << 16)
#define STORE_UNIT        8 /* bytes between places that have a near */
#define STORE_SPAN_BYTES  ((uintptr_t)1 << 34)
#define STORE_LEAST_BYTES ((uintptr_t)1 << 26)

typedef uint32_t near;

#define NEAR_LIMIT ((uint32_t)(STORE_SPAN_BYTES / STORE_UNIT)) /* every near is below */

struct store {
    char *span;
    size_t length;     /* of the span */
    uint32_t count;    /* chunks from the beginning that were ever taken */
    uint32_t usable;   /* chunks from the beginning that may be written to */
    uint32_t for_good; /* of them, those that never come back */
    uint32_t *free_numbers;
    uint32_t free_count, free_room;
};

void store_init(struct store *s);
void store_close(struct store *s); /* every chunk was given back */

/* STORE_CHUNK_BYTES at a multiple of that, not zeroed. Its first unit must be no place that
 * anything links to: it may have the near 0. */
void *store_take(struct store *s);
void store_give(struct store *s, void *chunk);

/* Zeroed memory of any size that is there as long as the store. */
void *store_take_for_good(struct store *s, size_t size);

static inline void *store_chunk_of(const void *place)
{
    return (void *)((uintptr_t)place & ~(uintptr_t)(STORE_CHUNK_BYTES - 1));
}

/* The place that `n` names; it names one. */
static inline void *store_at_known(const struct store *s, near n)
{
    return s->span + (size_t)n * STORE_UNIT;
}

static inline void *store_at(const struct store *s, near n)
{
    return n == 0 ? NULL : store_at_known(s, n);
}

/* Of a place in any chunk. NULL is at the beginning of a span, too, and has 0. */
static inline near near_of(const void *place)
{
    return (near)((uintptr_t)place % STORE_SPAN_BYTES / STORE_UNIT);
}

/* The place that `n` names in the store where `from` is; `n` names one. */
static inline void *near_at_known(const void *from, near n)
{
    return (void *)(((uintptr_t)from & ~(STORE_SPAN_BYTES - 1)) + (uintptr_t)n * STORE_UNIT);
}

/* The same; NULL for 0. */
static inline void *near_at(const void *from, near n)
{
    return n == 0 ? NULL : near_at_known(from, n);
}

#endif
