#include "queue/base/pool.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <stdalign.h>
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
    struct pool_chunk *next;
    alignas(max_align_t) unsigned char records[];
};

/* What a record that was given back holds. */
struct pool_free {
    struct pool_free *next;
};

void pool_init(struct pool *p, size_t record_size, size_t per_chunk)
{
    size_t unit = alignof(max_align_t);

    static_assert(sizeof(struct pool_free) <= alignof(max_align_t), "the link fits any record");
    assert(record_size != 0 && per_chunk != 0);
    memset(p, 0, sizeof(*p));
    p->record_size = (record_size + unit - 1) / unit * unit;
    p->per_chunk = per_chunk;
}

void pool_close(struct pool *p)
{
    while (p->chunks != NULL) {
        struct pool_chunk *chunk = p->chunks;

        p->chunks = chunk->next;
        POOL_UNPOISON(chunk->records, p->record_size * p->per_chunk);
        memory_give(chunk);
    }
    p->free = NULL;
    p->fresh = 0;
    p->taken = 0;
}

static void pool_grow(struct pool *p)
{
    size_t bytes = p->record_size * p->per_chunk;
    struct pool_chunk *chunk = memory_take(sizeof(*chunk) + bytes);

    POOL_POISON(chunk->records, bytes);
    chunk->next = p->chunks;
    p->chunks = chunk;
    p->fresh = p->per_chunk;
}

void *pool_take(struct pool *p)
{
    struct pool_free *again = p->free;
    void *fresh;

    p->taken++;
    if (again != NULL) {
        POOL_UNPOISON(again, p->record_size);
        p->free = again->next;
        memset(again, 0, p->record_size);
        return again;
    }
    if (p->fresh == 0) {
        pool_grow(p);
    }
    /* Fresh records are zero already: they come zeroed with their chunk. */
    fresh = p->chunks->records + (p->per_chunk - p->fresh) * p->record_size;
    p->fresh--;
    POOL_UNPOISON(fresh, p->record_size);
    return fresh;
}

void pool_give(struct pool *p, void *record)
{
    struct pool_free *given = record;

    assert(p->taken != 0);
    p->taken--;
    given->next = p->free; /* a record given back twice is poisoned, and stops here */
    p->free = given;
    POOL_POISON(given, p->record_size);
}
