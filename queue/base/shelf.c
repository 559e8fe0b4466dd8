#include "queue/base/shelf.h"

#include "queue/base/memory.h"

/* NULL for long ones. */
static struct pool *pool_for(struct shelf *s, size_t size)
{
    return size == 0 || size > SHELF_BYTES_MAX ? NULL : &s->pools[(size - 1) / STORE_UNIT];
}

void shelf_init(struct shelf *s, struct store *store)
{
    for (size_t i = 0; i < SHELF_BYTES_MAX / STORE_UNIT; i++) {
        pool_init(&s->pools[i], store, (i + 1) * STORE_UNIT);
    }
}

void shelf_close(struct shelf *s)
{
    for (size_t i = 0; i < SHELF_BYTES_MAX / STORE_UNIT; i++) {
        pool_close(&s->pools[i]);
    }
}

block shelf_take(struct shelf *s, size_t size)
{
    struct pool *p = pool_for(s, size);
    void **place;

    if (p != NULL) {
        return near_of(pool_take_raw(p));
    }
    place = pool_take_raw(&s->pools[0]);
    *place = memory_take(size);
    return near_of(place) | BLOCK_LONG;
}

void shelf_give(struct shelf *s, block b, size_t size)
{
    struct pool *p = pool_for(s, size);

    if (p == NULL) {
        memory_give(shelf_at(s, b));
        p = &s->pools[0];
    }
    pool_give(p, store_at_known(p->store, b & ~BLOCK_LONG));
}
