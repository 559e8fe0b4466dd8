#include "queue/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)1 << 21)

static void (*told)(const char *why);

void memory_tell_end(void (*tell)(const char *why))
{
    told = tell;
}

void memory_end(const char *why)
{
    if (told != NULL) {
        told(why);
    }
    abort();
}

static void *memory_or_end(void *taken)
{
    if (taken == NULL) {
        memory_end("out of memory");
    }
    return taken;
}

void *memory_take(size_t size)
{
    return memory_or_end(calloc(1, size == 0 ? 1 : size));
}

void *memory_resize(void *old, size_t size)
{
    /* What realloc does with a size of 0 differs between libraries; so it is never asked. */
    return memory_or_end(realloc(old, size == 0 ? 1 : size));
}

void *memory_resize_zeroed(void *old, size_t old_size, size_t size)
{
    char *resized = memory_resize(old, size);

    if (size > old_size) {
        memset(resized + old_size, 0, size - old_size);
    }
    return resized;
}

void *memory_copy(const void *from, size_t size)
{
    void *copy;

    if (size == 0) {
        return NULL;
    }
    copy = memory_or_end(malloc(size));
    memcpy(copy, from, size);
    return copy;
}

void memory_give(void *memory)
{
    free(memory);
}

static void give_pages(char *from, char *to)
{
    if (from != to && munmap(from, (size_t)(to - from)) != 0) {
        memory_end("pages cannot be given back");
    }
}

void *memory_take_wide(size_t size)
{
    char *got, *begin;

    if (size < LARGE_PAGE) {
        return memory_take(size);
    }
    got = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    begin = memory_or_end(got == MAP_FAILED ? NULL : got);
    begin += -(uintptr_t)got % LARGE_PAGE;
    give_pages(got, begin);
    give_pages(begin + size, got + size + LARGE_PAGE);
    (void)madvise(begin, size, MADV_HUGEPAGE);
    return begin;
}

void memory_give_wide(void *memory, size_t size)
{
    if (size < LARGE_PAGE || memory == NULL) {
        memory_give(memory);
    } else {
        give_pages(memory, (char *)memory + size);
    }
}
