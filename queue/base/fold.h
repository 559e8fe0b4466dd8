/* Hashing of bytes by multiplications whose halves are folded into one another.
 *
 * Whoever does not know the seed cannot tell which bytes make a factor small or two products alike:
 * each factor of each product holds a word of the seed, or what a product made of it. Loads overlap
 * rather than go byte by byte; so the length has to be told apart (fold_text does not). The same on
 * every machine. */
#ifndef QUEUE_BASE_FOLD_H
#define QUEUE_BASE_FOLD_H

#include <endian.h>

#include "queue/base/text.h"

__extension__ typedef unsigned __int128 fold_product;

/* Both halves of the product matter, so every bit of the factors reaches every bit of the fold. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    fold_product p = (fold_product)a * b;

    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t fold_load(const char *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof(v));
    return le64toh(v);
}

static inline uint64_t fold_load_half(const char *bytes)
{
    uint32_t v;

    memcpy(&v, bytes, sizeof(v));
    return le32toh(v);
}

/* At most 16 bytes as two words. */
static inline void fold_load_rest(struct text t, uint64_t rest[2])
{
    const char *end = t.bytes + t.length;

    rest[0] = rest[1] = 0;
    if (t.length >= 8) {
        rest[0] = fold_load(t.bytes);
        rest[1] = fold_load(end - 8);
    } else if (t.length >= 4) {
        rest[0] = fold_load_half(t.bytes);
        rest[1] = fold_load_half(end - 4);
    } else if (t.length > 0) {
        rest[0] = (uint64_t)(unsigned char)t.bytes[0] << 16 |
                  (uint64_t)(unsigned char)t.bytes[t.length / 2] << 8 | (unsigned char)end[-1];
    }
}

/* `hash` with the bytes of a text; `key` is a word of the seed that `hash` does not begin with. */
static inline uint64_t fold_text(uint64_t hash, uint64_t key, struct text t)
{
    uint64_t rest[2];

    while (t.length > 16) {
        hash = fold(fold_load(t.bytes) ^ key, fold_load(t.bytes + 8) ^ hash);
        t.bytes += 16;
        t.length -= 16;
    }
    fold_load_rest(t, rest);
    return fold(rest[0] ^ key, rest[1] ^ hash);
}

#endif
