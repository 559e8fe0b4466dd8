/* Runs of a few bytes without a call: ids, words, keys and their heads are that short, and a call
 * of memcpy or memcmp with a size that only the running program knows costs more than they do. */
#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t bytes_load8(const void *from)
{
    uint64_t word;

    memcpy(&word, from, 8);
    return word;
}

static inline uint32_t bytes_load4(const void *from)
{
    uint32_t word;

    memcpy(&word, from, 4);
    return word;
}

/* Two copies of a fixed size that overlap in the middle make any size between one and two of it. */
#define BYTES_COPY_ENDS(to, from, size, part)                                                      \
    do {                                                                                           \
        struct {                                                                                   \
            uint8_t bytes[part];                                                                   \
        } first, last;                                                                             \
        memcpy(&first, (from), (part));                                                            \
        memcpy(&last, (from) + (size) - (part), (part));                                           \
        memcpy((to), &first, (part));                                                              \
        memcpy((to) + (size) - (part), &last, (part));                                             \
    } while (0)

/* As memcpy; neither pointer is looked at when `size` is 0. */
static inline void bytes_copy(uint8_t *to, const void *source, size_t size)
{
    const uint8_t *from = source;

    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        BYTES_COPY_ENDS(to, from, size, 16);
    } else if (size >= 8) {
        BYTES_COPY_ENDS(to, from, size, 8);
    } else if (size >= 4) {
        BYTES_COPY_ENDS(to, from, size, 4);
    } else if (size > 0) {
        to[size >> 1] = from[size >> 1];
        to[size - 1] = from[size - 1];
        to[0] = from[0];
    }
}

/* Up to 16 bytes as two words: equal for two runs of one size exactly when their bytes are. Of more
 * than 16 bytes the words are the first eight and the last. */
struct bytes_words {
    uint64_t first, last;
};

static inline struct bytes_words bytes_words_of(const void *source, size_t size)
{
    const uint8_t *from = source;

    if (size >= 8) {
        return (struct bytes_words){bytes_load8(from), bytes_load8(from + size - 8)};
    }
    if (size >= 4) {
        return (struct bytes_words){bytes_load4(from), bytes_load4(from + size - 4)};
    }
    if (size > 0) {
        return (struct bytes_words){from[0], (uint64_t)from[size >> 1] << 8 | from[size - 1]};
    }
    return (struct bytes_words){0, 0};
}

static inline bool bytes_equal(const void *a, const void *b, size_t size)
{
    struct bytes_words x, y;

    if (size > 16) {
        return memcmp(a, b, size) == 0;
    }
    x = bytes_words_of(a, size);
    y = bytes_words_of(b, size);
    return x.first == y.first && x.last == y.last;
}

#endif
