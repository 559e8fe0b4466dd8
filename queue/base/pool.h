/* Records of one size, taken and given back in O(1), in chunks of a store.
 *
 * A record comes zeroed, aligned to eight bytes, and has a near (store.h). The one given back last
 * is taken first, within the chunk that is being filled; nothing may depend on addresses all the
 * same. A chunk without any record in it goes back to the store, but for one that is kept for what
 * comes next. Under a sanitizer a record that was given back is poisoned. */
#ifndef QUEUE_BASE_POOL_H
#define QUEUE_BASE_POOL_H

#include <assert.h>
#include <string.h>

#include "queue/base/rare.h"
#include "queue/base/store.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POOL_POISONS 1
#endif

#ifdef POOL_POISONS
#include <sanitizer/asan_interface.h>
#define POOL_POISON(start, size)   ASAN_POISON_MEMORY_REGION(start, size)
#define POOL_UNPOISON(start, size) ASAN_UNPOISON_MEMORY_REGION(start, size)
#else
#define POOL_POISON(start, size)   ((void)(start), (void)(size))
#define POOL_UNPOISON(start, size) ((void)(start), (void)(size))
#endif

#define POOL_RECORD_BYTES_MAX 16384

/* What a record that was given back holds. */
struct pool_free {
    struct pool_free *next;
};

struct pool_chunk {
    struct pool *pool;
    struct pool_chunk *next; /* in its ring */
    struct pool_chunk *previous;
    struct pool_free *free;
    uint32_t taken;
    uint32_t fresh; /* records at the end never taken yet */
    unsigned char records[];
};

struct pool {
    struct store *store;
    uint32_t record_size;
    uint32_t per_chunk;
    size_t taken;
    struct pool_chunk *filling; /* a ring of the chunks with room; this one is used next */
    struct pool_chunk *full;    /* a ring of the others */
    uint32_t empty;             /* chunks with no record in them: 0 or 1 */
    uint32_t kind;              /* of its records; the user's alone */
};

/* The store outlives the pool. */
void pool_init(struct pool *p, struct store *store, size_t record_size);
void pool_close(struct pool *p); /* whatever is still taken goes, too */

/* What happens once a chunk, for the inline functions below alone: one more is begun, one is full,
 * one of the full ones has room again, and one has no record in it any more. */
RARE struct pool_chunk *pool_grow(struct pool *p);
RARE void pool_is_full(struct pool *p, struct pool_chunk *c);
RARE void pool_has_room(struct pool *p, struct pool_chunk *c);
RARE void pool_is_empty(struct pool *p, struct pool_chunk *c);

/* The pool that a record is of. */
static inline const struct pool *pool_of(const void *record)
{
    const struct pool_chunk *c = store_chunk_of(record);

    return c->pool;
}

/* Not zeroed. */
static inline void *pool_take_raw(struct pool *p)
{
    struct pool_chunk *c = p->filling != NULL ? p->filling : pool_grow(p);
    struct pool_free *given = c->free;
    void *record = given;

    if (given == NULL) {
        record = c->records + (size_t)(p->per_chunk - c->fresh) * p->record_size;
        c->fresh--;
    }
    POOL_UNPOISON(record, p->record_size);
    if (given != NULL) {
        c->free = given->next;
        __builtin_prefetch(c->free, 1); /* given back long ago, and the next to go */
    }
    p->empty -= c->taken == 0;
    c->taken++;
    p->taken++;
    if (c->taken == p->per_chunk) {
        pool_is_full(p, c);
    }
    return record;
}

static inline void *pool_take(struct pool *p)
{
    return memset(pool_take_raw(p), 0, p->record_size);
}

static inline void pool_give(struct pool *p, void *record)
{
    struct pool_chunk *c = store_chunk_of(record);
    struct pool_free *given = record;

    assert(c->taken != 0 && c->pool == p);
    given->next = c->free; /* a record given back twice is poisoned, and stops here */
    c->free = given;
    POOL_POISON(given, p->record_size);
    if (c->taken == p->per_chunk) {
        pool_has_room(p, c);
    }
    c->taken--;
    p->taken--;
    if (c->taken == 0) {
        pool_is_empty(p, c);
    }
}

#endif
