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

/* A set met with itself is itself: one search serves both questions. */
size_t bitset_next_common(const struct bitset *a, const struct bitset *b, size_t from)
{
    size_t count = a->count < b->count ? a->count : b->count;
    size_t word = from / WORD_BITS;
    uint64_t wanted = UINT64_MAX << (from % WORD_BITS);

    for (; word < count; word++) {
        uint64_t found = a->words[word] & b->words[word] & wanted;

        if (found != 0) {
            return word * WORD_BITS + (size_t)__builtin_ctzll(found);
        }
        wanted = UINT64_MAX;
    }
    return BITSET_END;
}

size_t bitset_next(const struct bitset *s, size_t from)
{
    return bitset_next_common(s, s, from);
}
