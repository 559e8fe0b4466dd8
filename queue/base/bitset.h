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

#define BITSET_END SIZE_MAX

/* The first bit at or behind `from` that is in the set, in both sets; BITSET_END when none is. */
size_t bitset_next(const struct bitset *s, size_t from);
size_t bitset_next_common(const struct bitset *a, const struct bitset *b, size_t from);

#endif
