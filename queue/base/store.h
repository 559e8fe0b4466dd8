/* Memory in chunks that 32 bits can address: what a million records link each other by.
 *
 * A `near` names a place that is aligned to eight bytes in one of the store's chunks; 0 is none.
 * Any place in a chunk has one, records and their members alike, and finds the store it is in by
 * itself: chunks begin at multiples of their size, with a head that says whose they are.
 *
 * The store owns its chunks; pools take them from it and hand out records. At most 32 GiB. */
#ifndef QUEUE_BASE_STORE_H
#define QUEUE_BASE_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_CHUNK_BYTES ((size_t)1 << 16)
#define STORE_UNIT        8 /* bytes between places that have a near */

typedef uint32_t near;

struct store_chunk {
    struct store *store;
    uint32_t number; /* in the store's table */
};

struct store {
    struct store_chunk **chunks; /* by number; NULL where one was given back */
    uint32_t count, room;
    uint32_t *free_numbers;
    uint32_t free_count, free_room;
};

void store_init(struct store *s);
void store_close(struct store *s); /* every chunk was given back */

/* Memory of STORE_CHUNK_BYTES less what an allocator puts before it, that begins with the head; the
 * rest is not zeroed. */
struct store_chunk *store_take(struct store *s);
void store_give(struct store_chunk *chunk);

/* The bytes of a chunk that may be used, head included. */
#define STORE_CHUNK_USABLE (STORE_CHUNK_BYTES - 16)

static inline struct store_chunk *store_chunk_of(const void *place)
{
    return (struct store_chunk *)((uintptr_t)place & ~(uintptr_t)(STORE_CHUNK_BYTES - 1));
}

/* The place that `n` names; it names one. */
static inline void *store_at_known(const struct store *s, near n)
{
    const uint32_t places = STORE_CHUNK_BYTES / STORE_UNIT;

    return (char *)s->chunks[n / places] + (size_t)(n % places) * STORE_UNIT;
}

static inline void *store_at(const struct store *s, near n)
{
    return n == 0 ? NULL : store_at_known(s, n);
}

/* Of a place in any chunk; NULL has none. */
static inline near near_of(const void *place)
{
    const uint32_t places = STORE_CHUNK_BYTES / STORE_UNIT;

    return place == NULL ? 0
                         : store_chunk_of(place)->number * places +
                               (uint32_t)((uintptr_t)place % STORE_CHUNK_BYTES / STORE_UNIT);
}

/* The place that `n` names in the store where `from` is; `n` names one. */
static inline void *near_at_known(const void *from, near n)
{
    return store_at_known(store_chunk_of(from)->store, n);
}

/* The same; NULL for 0. */
static inline void *near_at(const void *from, near n)
{
    return n == 0 ? NULL : near_at_known(from, n);
}

#endif
