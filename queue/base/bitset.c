#include "queue/base/bitset.h"

#include "queue/base/memory.h"

#include <string.h>

#define WORD_BITS 64

void bitset_init(struct bitset *s)
{
    s->words = NULL;
    s->count = 0;
}

void bitset_close(struct bitset *s)
{
    memory_give(s->words);
    bitset_init(s);
}

/* At least doubles, so that bits set in ascending order cost O(1) each. */
void bitset_grow(struct bitset *s, size_t bit)
{
    size_t count = bit / WORD_BITS + 1;

    if (count < s->count * 2) {
        count = s->count * 2;
    }
    s->words =
        memory_resize_zeroed(s->words, s->count * sizeof(*s->words), count * sizeof(*s->words));
    s->count = count;
}

void bitset_clear(struct bitset *s, size_t bit)
{
    if (bit / WORD_BITS < s->count) {
        s->words[bit / WORD_BITS] &= ~(UINT64_C(1) << (bit % WORD_BITS));
    }
}

void bitset_clear_all(struct bitset *s)
{
    if (s->count != 0) {
        memset(s->words, 0, s->count * sizeof(*s->words));
    }
}
