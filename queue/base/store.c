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
#define STORE_SEARCH(span, length) __lsan_register_root_region(span, length)
#define STORE_FORGET(span, length) __lsan_unregister_root_region(span, length)
#else
#define STORE_SEARCH(span, length) ((void)(span), (void)(length))
#define STORE_FORGET(span, length) ((void)(span), (void)(length))
#endif

#define CHUNKS_MADE_USABLE 32  /* at once; they take no memory before they are written to */
#define CHUNKS_SMALL       256 /* from the beginning, that take memory page by page */
#define PLACES_TRIED       64  /* for a span that is shorter */

static void or_end(bool done, const char *why)
{
    if (!done) {
        memory_end(why);
    }
}

/* Addresses without memory; NULL: there are not so many. `wished` may be given or not. */
static char *addresses(uintptr_t wished, size_t length)
{
    char *got =
        mmap((void *)wished, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return got == MAP_FAILED ? NULL : got;
}

static void give_addresses(char *first, size_t length)
{
    or_end(length == 0 || munmap(first, length) == 0, "addresses cannot be given back");
}

/* A whole span, anywhere: what is too much around it goes back at once. */
static char *whole_span(void)
{
    char *got = addresses(0, 2 * STORE_SPAN_BYTES);
    size_t before = (size_t)(-(uintptr_t)got % STORE_SPAN_BYTES);

    if (got == NULL) {
        return NULL;
    }
    give_addresses(got, before);
    give_addresses(got + before + STORE_SPAN_BYTES, STORE_SPAN_BYTES - before);
    return got + before;
}

/* The beginning of a span that could not be whole. There are too few addresses to look for a place
 * by taking more around it; so places are asked for. As much again must be there for the rest of
 * the process. */
static char *short_span(size_t length)
{
    for (uintptr_t place = 1; place <= PLACES_TRIED; place++) {
        char *got = addresses(place * STORE_SPAN_BYTES, 2 * length);
        if (got == NULL) {
            return NULL;
        }
        if ((uintptr_t)got % STORE_SPAN_BYTES == 0) {
            give_addresses(got + length, length);
            return got;
        }
        give_addresses(got, 2 * length); /* somebody is there */
    }
    return NULL;
}

void store_init(struct store *s)
{
    memset(s, 0, sizeof(*s));
    s->length = STORE_SPAN_BYTES;
    s->span = whole_span();
    while (s->span == NULL) {
        s->length /= 2;
        or_end(s->length >= STORE_LEAST_BYTES,
               "the system gives no 64 MiB of addresses to an engine (ulimit -v)");
        s->span = short_span(s->length);
    }
    STORE_SEARCH(s->span, s->length);
}

void store_close(struct store *s)
{
    assert(s->free_count + s->for_good == s->count);
    STORE_FORGET(s->span, s->length);
    give_addresses(s->span, s->length);
    memory_give(s->free_numbers);
    memset(s, 0, sizeof(*s));
}

static char *chunk_at(const struct store *s, uint32_t number)
{
    return s->span + number * STORE_CHUNK_BYTES;
}

/* Writing is allowed from here on. An engine that has become large takes its memory in pieces of
 * two MiB where the system has those: filling it takes fewer faults, and looking around in it
 * misses less. Where it has not, nothing is lost. */
static void make_usable(struct store *s, uint32_t count)
{
    char *first = chunk_at(s, s->usable);
    size_t size = count * STORE_CHUNK_BYTES;

    or_end(mprotect(first, size, PROT_READ | PROT_WRITE) == 0, "out of memory for an engine");
    if (s->usable >= CHUNKS_SMALL) {
        (void)madvise(first, size, MADV_HUGEPAGE);
    }
    s->usable += count;
}

/* The next that were never taken, behind each other. */
static char *fresh_chunks(struct store *s, uint32_t count)
{
    uint32_t first = s->count;

    or_end(count <= s->length / STORE_CHUNK_BYTES - first,
           "an engine has as much memory as its addresses reach");
    s->count += count;
    if (s->count > s->usable) {
        uint32_t more = s->count - s->usable;
        more = (more + CHUNKS_MADE_USABLE - 1) / CHUNKS_MADE_USABLE * CHUNKS_MADE_USABLE;
        make_usable(s, more);
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

    or_end(chunks <= s->length / STORE_CHUNK_BYTES,
           "an engine has as much memory as its addresses reach");
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
    or_end(madvise(chunk, STORE_CHUNK_BYTES, MADV_DONTNEED) == 0, "memory cannot be given back");
}
