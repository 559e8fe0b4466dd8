/* Records of one size, taken and given back in O(1), in chunks that are kept.
 *
 * A record comes zeroed. The last one given back is the first one taken, so a replay reuses
 * in the same order; nothing may depend on addresses all the same. Under a
 * sanitizer a record that was given back is poisoned. */
#ifndef QUEUE_BASE_POOL_H
#define QUEUE_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_chunk;

struct pool {
    size_t record_size;
    size_t per_chunk;
    size_t taken;
    size_t fresh; /* records of the newest chunk never taken yet */
    void *free;
    struct pool_chunk *chunks;
};

void pool_init(struct pool *p, size_t record_size, size_t per_chunk);
void pool_close(struct pool *p); /* whatever is still taken goes, too */
void *pool_take(struct pool *p);
void pool_give(struct pool *p, void *record);

#endif
