#include "queue/base/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

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

struct pool_chunk {
    struct pool *pool;
    struct pool_chunk *next; /* in its ring */
    struct pool_chunk *previous;
    void *free;
    uint32_t taken;
    uint32_t fresh; /* records at the end never taken yet */
    unsigned char records[];
};

/* What a record that was given back holds. */
struct pool_free {
    struct pool_free *next;
};

static void ring_add(struct pool_chunk **ring, struct pool_chunk *c)
{
    if (*ring == NULL) {
        c->next = c->previous = c;
        *ring = c;
        return;
    }
    c->next = *ring;
    c->previous = (*ring)->previous;
    c->previous->next = c;
    c->next->previous = c;
}

static void ring_remove(struct pool_chunk **ring, struct pool_chunk *c)
{
    if (c->next == c) {
        *ring = NULL;
        return;
    }
    c->next->previous = c->previous;
    c->previous->next = c->next;
    if (*ring == c) {
        *ring = c->next;
    }
}

void pool_init(struct pool *p, struct store *store, size_t record_size)
{
    static_assert(sizeof(struct pool_free) <= STORE_UNIT, "the link fits any record");
    static_assert(sizeof(struct pool_chunk) % STORE_UNIT == 0, "records are aligned");
    assert(record_size != 0 && record_size <= POOL_RECORD_BYTES_MAX);
    memset(p, 0, sizeof(*p));
    p->store = store;
    p->record_size = (uint32_t)((record_size + STORE_UNIT - 1) / STORE_UNIT * STORE_UNIT);
    p->per_chunk = (uint32_t)((STORE_CHUNK_BYTES - sizeof(struct pool_chunk)) / p->record_size);
}

static void chunk_give(struct pool *p, struct pool_chunk **ring, struct pool_chunk *c)
{
    ring_remove(ring, c);
    POOL_UNPOISON(c->records, (size_t)p->record_size * p->per_chunk);
    store_give(p->store, c);
}

void pool_close(struct pool *p)
{
    while (p->filling != NULL) {
        chunk_give(p, &p->filling, p->filling);
    }
    while (p->full != NULL) {
        chunk_give(p, &p->full, p->full);
    }
    p->taken = 0;
    p->empty = 0;
}

static struct pool_chunk *pool_grow(struct pool *p)
{
    struct pool_chunk *c = store_take(p->store);

    c->pool = p;
    c->free = NULL;
    c->taken = 0;
    c->fresh = p->per_chunk;
    POOL_POISON(c->records, (size_t)p->record_size * p->per_chunk);
    ring_add(&p->filling, c);
    p->empty++;
    return c;
}

void *pool_take(struct pool *p)
{
    return memset(pool_take_raw(p), 0, p->record_size);
}

void *pool_take_raw(struct pool *p)
{
    struct pool_chunk *c = p->filling != NULL ? p->filling : pool_grow(p);
    struct pool_free *given = c->free;
    void *record;

    if (given != NULL) {
        record = given;
        POOL_UNPOISON(record, p->record_size);
        c->free = given->next;
    } else {
        record = c->records + (size_t)(p->per_chunk - c->fresh) * p->record_size;
        c->fresh--;
        POOL_UNPOISON(record, p->record_size);
    }
    p->empty -= c->taken == 0;
    c->taken++;
    p->taken++;
    if (c->taken == p->per_chunk) {
        ring_remove(&p->filling, c);
        ring_add(&p->full, c);
    }
    return record;
}

void pool_give(struct pool *p, void *record)
{
    struct pool_chunk *c = store_chunk_of(record);
    struct pool_free *given = record;

    assert(c->taken != 0 && c->pool == p);
    given->next = c->free; /* a record given back twice is poisoned, and stops here */
    c->free = given;
    POOL_POISON(given, p->record_size);
    if (c->taken == p->per_chunk) {
        ring_remove(&p->full, c);
        ring_add(&p->filling, c);
    }
    c->taken--;
    p->taken--;
    if (c->taken > 0) {
        return;
    }
    if (p->empty > 0) {
        chunk_give(p, &p->filling, c);
    } else {
        p->empty = 1;
    }
}
