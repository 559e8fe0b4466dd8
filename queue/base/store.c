#include "queue/base/store.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <string.h>

#define NUMBERS_MAX (UINT32_MAX / (STORE_CHUNK_BYTES / STORE_UNIT))

void store_init(struct store *s)
{
    memset(s, 0, sizeof(*s));
}

void store_close(struct store *s)
{
    assert(s->free_count == s->count);
    memory_give(s->chunks);
    memory_give(s->free_numbers);
    memset(s, 0, sizeof(*s));
}

struct store_chunk *store_take(struct store *s)
{
    /* An allocator's own word before each chunk makes it as long as its alignment, so that one
     * begins where another ends. */
    struct store_chunk *chunk = memory_take_aligned(STORE_CHUNK_USABLE, STORE_CHUNK_BYTES);
    uint32_t number;

    if (s->free_count > 0) {
        number = s->free_numbers[--s->free_count];
    } else {
        if (s->count == s->room) {
            s->room = s->room == 0 ? 16 : s->room * 2;
            s->chunks = memory_resize(s->chunks, s->room * sizeof(s->chunks[0]));
        }
        assert(s->count < NUMBERS_MAX);
        number = s->count++;
    }
    s->chunks[number] = chunk;
    chunk->store = s;
    chunk->number = number;
    return chunk;
}

void store_give(struct store_chunk *chunk)
{
    struct store *s = chunk->store;

    if (s->free_count == s->free_room) {
        s->free_room = s->free_room == 0 ? 16 : s->free_room * 2;
        s->free_numbers = memory_resize(s->free_numbers, s->free_room * sizeof(s->free_numbers[0]));
    }
    s->free_numbers[s->free_count++] = chunk->number;
    s->chunks[chunk->number] = NULL;
    memory_give(chunk);
}
