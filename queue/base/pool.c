#include "queue/base/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

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

struct pool_chunk *pool_grow(struct pool *p)
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

void pool_is_full(struct pool *p, struct pool_chunk *c)
{
    ring_remove(&p->filling, c);
    ring_add(&p->full, c);
}

void pool_has_room(struct pool *p, struct pool_chunk *c)
{
    ring_remove(&p->full, c);
    ring_add(&p->filling, c);
}

void pool_is_empty(struct pool *p, struct pool_chunk *c)
{
    if (p->empty > 0) {
        chunk_give(p, &p->filling, c);
    } else {
        p->empty = 1;
    }
}
