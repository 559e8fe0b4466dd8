#include "queue/base/store.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STORE_IS_SEARCHED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define STORE_IS_SEARCHED 1
#endif

/* A search for leaks looks into memory of the allocator's only, unless it is told of more. */
#ifdef STORE_IS_SEARCHED
#include <sanitizer/lsan_interface.h>
#define STORE_SEARCH(span) __lsan_register_root_region(span, STORE_SPAN_BYTES)
#define STORE_FORGET(span) __lsan_unregister_root_region(span, STORE_SPAN_BYTES)
#else
#define STORE_SEARCH(span) ((void)(span))
#define STORE_FORGET(span) ((void)(span))
#endif

#define CHUNKS_MAX         ((uint32_t)(STORE_SPAN_BYTES / STORE_CHUNK_BYTES))
#define CHUNKS_MADE_USABLE 16 /* at once; they take no memory before they are written to */

/* As in memory.c: there is no good answer left. */
static void or_end(bool done)
{
    if (!done) {
        abort();
    }
}

/* Addresses without memory; what is too much around the span goes back at once. */
void store_init(struct store *s)
{
    char *got = mmap(NULL, 2 * STORE_SPAN_BYTES, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;

    memset(s, 0, sizeof(*s));
    or_end(got != MAP_FAILED);
    before = (size_t)(-(uintptr_t)got % STORE_SPAN_BYTES);
    s->span = got + before;
    if (before > 0) {
        or_end(munmap(got, before) == 0);
    }
    or_end(munmap(s->span + STORE_SPAN_BYTES, STORE_SPAN_BYTES - before) == 0);
    STORE_SEARCH(s->span);
}

void store_close(struct store *s)
{
    assert(s->free_count + s->for_good == s->count);
    STORE_FORGET(s->span);
    or_end(munmap(s->span, STORE_SPAN_BYTES) == 0);
    memory_give(s->free_numbers);
    memset(s, 0, sizeof(*s));
}

static char *chunk_at(const struct store *s, uint32_t number)
{
    return s->span + number * STORE_CHUNK_BYTES;
}

/* The next that were never taken, behind each other. */
static char *fresh_chunks(struct store *s, uint32_t count)
{
    uint32_t first = s->count;

    or_end(count <= CHUNKS_MAX - first);
    s->count += count;
    if (s->count > s->usable) {
        uint32_t more = s->count - s->usable;
        more = (more + CHUNKS_MADE_USABLE - 1) / CHUNKS_MADE_USABLE * CHUNKS_MADE_USABLE;
        or_end(mprotect(chunk_at(s, s->usable), more * STORE_CHUNK_BYTES, PROT_READ | PROT_WRITE) ==
               0);
        s->usable += more;
    }
    return chunk_at(s, first);
}

void *store_take(struct store *s)
{
    if (s->free_count > 0) {
        return chunk_at(s, s->free_numbers[--s->free_count]);
    }
    return fresh_chunks(s, 1);
}

void *store_take_for_good(struct store *s, size_t size)
{
    size_t chunks = (size + STORE_UNIT + STORE_CHUNK_BYTES - 1) / STORE_CHUNK_BYTES;

    or_end(chunks <= CHUNKS_MAX);
    s->for_good += (uint32_t)chunks;
    return fresh_chunks(s, (uint32_t)chunks) + STORE_UNIT;
}

/* Its memory goes back to the system, its addresses stay. */
void store_give(struct store *s, void *chunk)
{
    if (s->free_count == s->free_room) {
        s->free_room = s->free_room == 0 ? 16 : s->free_room * 2;
        s->free_numbers = memory_resize(s->free_numbers, s->free_room * sizeof(s->free_numbers[0]));
    }
    s->free_numbers[s->free_count++] =
        (uint32_t)((size_t)((char *)chunk - s->span) / STORE_CHUNK_BYTES);
    or_end(madvise(chunk, STORE_CHUNK_BYTES, MADV_DONTNEED) == 0);
}
