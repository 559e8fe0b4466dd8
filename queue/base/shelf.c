#include "queue/base/shelf.h"

#include "queue/base/memory.h"

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

void *shelf_take(struct shelf *s, size_t size)
{
    struct pool *p = pool_for(s, size);

    return p != NULL ? pool_take_raw(p) : memory_take(size);
}

void shelf_give(struct shelf *s, void *block, size_t size)
{
    struct pool *p = pool_for(s, size);

    if (p != NULL) {
        pool_give(p, block);
    } else {
        memory_give(block);
    }
}
