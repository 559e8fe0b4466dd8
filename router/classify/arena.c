#include "router/classify/arena.h"

#include <assert.h>
#include <stdalign.h>

#include "queue/base/memory.h"

#define BLOCK_BYTES 16384

struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

void *arena_take(struct arena *a, size_t size)
{
    const size_t step = alignof(max_align_t);
    size_t whole = (size + step - 1) / step * step;
    struct arena_block *block = a->blocks;
    void *piece;

    assert(whole >= size);
    if (block == NULL || block->size - block->used < whole) {
        size_t room = whole > BLOCK_BYTES ? whole : BLOCK_BYTES;
        block = memory_take(sizeof(*block) + room);
        block->size = room;
        block->older = a->blocks;
        a->blocks = block;
    }
    piece = block->bytes + block->used;
    block->used += whole;
    return piece;
}

void *arena_take_array(struct arena *a, size_t count, size_t size)
{
    assert(size == 0 || count <= SIZE_MAX / 2 / size);
    return count == 0 ? NULL : arena_take(a, count * size);
}

struct text arena_text(struct arena *a, struct text copied)
{
    char *bytes = arena_take(a, (size_t)copied.length + 1);

    if (copied.length > 0) {
        memcpy(bytes, copied.bytes, copied.length);
    }
    return (struct text){bytes, copied.length};
}

void arena_close(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *older = a->blocks->older;
        memory_give(a->blocks);
        a->blocks = older;
    }
}
