/* Blocks of bytes of any size, named by 32 bits, with nothing before each: who gives one back says
 * how long it is.
 *
 * Short ones come from pools, one for each multiple of eight bytes, and their name is a near
 * (store.h). Long ones come from the system, and their name leads to a word that says where they
 * are. Not zeroed, and aligned to eight bytes. */
#ifndef QUEUE_BASE_SHELF_H
#define QUEUE_BASE_SHELF_H

#include "queue/base/pool.h"

#define SHELF_BYTES_MAX 1024

typedef uint32_t block; /* 0 names none */

#define BLOCK_LONG NEAR_LIMIT /* a bit of the names of long ones */

struct shelf {
    struct pool pools[SHELF_BYTES_MAX / STORE_UNIT];
};

/* The store outlives the shelf. */
void shelf_init(struct shelf *s, struct store *store);

/* Every long block was given back. */
void shelf_close(struct shelf *s);

block shelf_take(struct shelf *s, size_t size);
void shelf_give(struct shelf *s, block b, size_t size);

/* Where a block is; `from` is any place in the store of its shelf. */
static inline void *block_at(const void *from, block b)
{
    void *place = near_at_known(from, b & ~BLOCK_LONG);

    return (b & BLOCK_LONG) == 0 ? place : *(void **)place;
}

static inline void *shelf_at(const struct shelf *s, block b)
{
    void *place = store_at_known(s->pools[0].store, b & ~BLOCK_LONG);

    return (b & BLOCK_LONG) == 0 ? place : *(void **)place;
}

#endif
