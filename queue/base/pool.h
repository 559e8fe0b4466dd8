/* Records of one size, taken and given back in O(1), in chunks of a store.
 *
 * A record comes zeroed, aligned to eight bytes, and has a near (store.h). The one given back last
 * is taken first, within the chunk that is being filled; nothing may depend on addresses all the
 * same. A chunk without any record in it goes back to the store, but for one that is kept for what
 * comes next. Under a sanitizer a record that was given back is poisoned. */
#ifndef QUEUE_BASE_POOL_H
#define QUEUE_BASE_POOL_H

#include "queue/base/store.h"

#define POOL_RECORD_BYTES_MAX 16384

struct pool_chunk;

struct pool {
    struct store *store;
    uint32_t record_size;
    uint32_t per_chunk;
    size_t taken;
    struct pool_chunk *filling; /* a ring of the chunks with room; this one is used next */
    struct pool_chunk *full;    /* a ring of the others */
    uint32_t empty;             /* chunks with no record in them: 0 or 1 */
};

/* The store outlives the pool. */
void pool_init(struct pool *p, struct store *store, size_t record_size);
void pool_close(struct pool *p); /* whatever is still taken goes, too */
void *pool_take(struct pool *p);
void *pool_take_raw(struct pool *p); /* not zeroed */
void pool_give(struct pool *p, void *record);

#endif
