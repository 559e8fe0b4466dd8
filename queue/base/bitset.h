/* A set of small numbers that grows as needed; absent words are zero. */
#ifndef QUEUE_BASE_BITSET_H
#define QUEUE_BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bitset {
    uint64_t *words;
    size_t count; /* of words */
};

void bitset_init(struct bitset *s);
void bitset_close(struct bitset *s);
void bitset_grow(struct bitset *s, size_t bit); /* of bitset_set: have a word for it */
void bitset_clear(struct bitset *s, size_t bit);
void bitset_clear_all(struct bitset *s);

static inline bool bitset_test(const struct bitset *s, size_t bit)
{
    return bit / 64 < s->count && (s->words[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline void bitset_set(struct bitset *s, size_t bit)
{
    if (bit / 64 >= s->count) {
        bitset_grow(s, bit);
    }
    s->words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* To walk what two sets have in common, a word at a time: word w, of so many words, holds the bits
 * 64 w to 64 w + 63, the lowest first. A set met with itself is itself. */
static inline size_t bitset_words_common(const struct bitset *a, const struct bitset *b)
{
    return a->count < b->count ? a->count : b->count;
}

static inline uint64_t bitset_word_common(const struct bitset *a, const struct bitset *b, size_t w)
{
    return a->words[w] & b->words[w];
}

#endif
