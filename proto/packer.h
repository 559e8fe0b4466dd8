/* Writes MessagePack by hand into a buffer that grows.
 *
 * Everything is written in its shortest form, except maps and arrays that were opened before their
 * count was known: those take the 16 and 32 bit heads, which every reader accepts. Nothing checks
 * that as many objects follow a head as it announces; the caller counts.
 *
 * Whoever writes several objects in a row looks for room once:
 *
 *     uint8_t *at = packer_want(p, 2 * (PUT_HEAD_MAX + sizeof("epoch")));
 *     at = PUT_LITERAL(at, "epoch");
 *     packer_written(p, put_uint(at, epoch));
 *
 * The packer owns its bytes. They move when it grows: keep offsets, not pointers. Memory that
 * cannot be had ends the process (queue/base/memory.h). One thread. */
#ifndef PROTO_PACKER_H
#define PROTO_PACKER_H

#include "proto/put.h"

struct packer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

/* Empty and without memory; zeroed storage is an initialized packer, too. */
void packer_init(struct packer *p);
void packer_close(struct packer *p);

/* Make room for `more` bytes behind `size`; what the inline functions below call when it is short.
 */
void packer_grow(struct packer *p, size_t more);

/* Give back what is beyond `size`, if that is a good part: for bytes that are kept. */
void packer_fit(struct packer *p);

/* Forget what was written, keep the memory. */
static inline void packer_reset(struct packer *p)
{
    p->size = 0;
}

/* Where to write `most` bytes at most. They count when packer_written says how far they came. */
static inline uint8_t *packer_want(struct packer *p, size_t most)
{
    if (__builtin_expect(p->capacity - p->size < most, 0)) {
        packer_grow(p, most);
    }
    return p->bytes + p->size;
}

static inline void packer_written(struct packer *p, const uint8_t *end)
{
    p->size = (size_t)(end - p->bytes);
}

/* `more` bytes to be written by the caller, counted as written at once. */
static inline uint8_t *packer_room(struct packer *p, size_t more)
{
    uint8_t *to = packer_want(p, more);

    p->size += more;
    return to;
}

static inline void packer_byte(struct packer *p, uint8_t byte)
{
    *packer_room(p, 1) = byte;
}

static inline void packer_nil(struct packer *p)
{
    packer_byte(p, 0xc0);
}

static inline void packer_bool(struct packer *p, bool value)
{
    packer_byte(p, value ? 0xc3 : 0xc2);
}

static inline void packer_uint(struct packer *p, uint64_t value)
{
    packer_written(p, put_uint(packer_want(p, PUT_HEAD_MAX), value));
}

static inline void packer_int(struct packer *p, int64_t value)
{
    packer_written(p, put_int(packer_want(p, PUT_HEAD_MAX), value));
}

static inline void packer_double(struct packer *p, double value)
{
    packer_written(p, put_double(packer_want(p, PUT_HEAD_MAX), value));
}

static inline void packer_text_of(struct packer *p, const char *bytes, size_t length)
{
    packer_written(p, put_text_of(packer_want(p, PUT_HEAD_MAX + length), bytes, length));
}

/* A text; an absent one is nil. */
static inline void packer_text(struct packer *p, struct text t)
{
    packer_written(p, put_text(packer_want(p, PUT_HEAD_MAX + t.length), t));
}

/* A string literal below 32 bytes: its length is known to the compiler. */
#define packer_literal(p, literal) packer_literal_of((p), "" literal, sizeof(literal) - 1)

static inline __attribute__((always_inline)) void packer_literal_of(struct packer *p,
                                                                    const char *bytes, size_t size)
{
    put_literal_of(packer_room(p, 1 + size), bytes, size);
}

static inline void packer_bin(struct packer *p, const void *bytes, size_t size)
{
    packer_written(p, put_bin(packer_want(p, PUT_HEAD_MAX + size), bytes, size));
}

static inline void packer_map(struct packer *p, uint32_t count)
{
    packer_written(p, put_map(packer_want(p, PUT_HEAD_MAX), count));
}

static inline void packer_array(struct packer *p, uint32_t count)
{
    packer_written(p, put_array(packer_want(p, PUT_HEAD_MAX), count));
}

/* Bytes that are MessagePack already. */
static inline void packer_raw(struct packer *p, const void *bytes, size_t size)
{
    bytes_copy(packer_room(p, size), bytes, size);
}

/* A pair of a map: a key below 32 bytes that the compiler knows, with its value. Each answers how
 * many pairs that is: 1. */
#define PACKER_PAIR_TEXT(p, key, value) packer_pair_text((p), "" key, sizeof(key) - 1, (value))
#define PACKER_PAIR_UINT(p, key, value) packer_pair_uint((p), "" key, sizeof(key) - 1, (value))
#define PACKER_PAIR_INT(p, key, value)  packer_pair_int((p), "" key, sizeof(key) - 1, (value))
#define PACKER_PAIR_BOOL(p, key, value) packer_pair_bool((p), "" key, sizeof(key) - 1, (value))
#define PACKER_PAIR_RAW(p, key, bytes, size)                                                       \
    packer_pair_raw((p), "" key, sizeof(key) - 1, (bytes), (size))

#define PACKER_PAIR static inline __attribute__((always_inline)) uint32_t

PACKER_PAIR packer_pair_text(struct packer *p, const char *key, size_t key_size, struct text value)
{
    uint8_t *to = packer_want(p, 1 + key_size + PUT_HEAD_MAX + value.length);

    packer_written(p, put_text(put_literal_of(to, key, key_size), value));
    return 1;
}

PACKER_PAIR packer_pair_uint(struct packer *p, const char *key, size_t key_size, uint64_t value)
{
    uint8_t *to = packer_want(p, 1 + key_size + PUT_HEAD_MAX);

    packer_written(p, put_uint(put_literal_of(to, key, key_size), value));
    return 1;
}

PACKER_PAIR packer_pair_int(struct packer *p, const char *key, size_t key_size, int64_t value)
{
    uint8_t *to = packer_want(p, 1 + key_size + PUT_HEAD_MAX);

    packer_written(p, put_int(put_literal_of(to, key, key_size), value));
    return 1;
}

PACKER_PAIR packer_pair_bool(struct packer *p, const char *key, size_t key_size, bool value)
{
    put_bool(put_literal_of(packer_room(p, 2 + key_size), key, key_size), value);
    return 1;
}

PACKER_PAIR packer_pair_raw(struct packer *p, const char *key, size_t key_size, const void *bytes,
                            size_t size)
{
    bytes_copy(put_literal_of(packer_room(p, 1 + key_size + size), key, key_size), bytes, size);
    return 1;
}

#undef PACKER_PAIR

/* A map whose count comes later: open answers the place that close wants back. At most 65,535
 * pairs. */
static inline size_t packer_map_open(struct packer *p)
{
    size_t place = p->size;
    packer_room(p, 3)[0] = 0xde;
    return place;
}

static inline void packer_map_close(struct packer *p, size_t place, uint32_t count)
{
    p->bytes[place + 1] = (uint8_t)(count >> 8);
    p->bytes[place + 2] = (uint8_t)count;
}

/* The same for a map of less than 16 pairs, whose head is one byte. */
static inline size_t packer_short_map_open(struct packer *p)
{
    packer_room(p, 1);
    return p->size - 1;
}

static inline void packer_short_map_close(struct packer *p, size_t place, uint32_t count)
{
    p->bytes[place] = (uint8_t)(0x80 | count);
}

/* The same for an array, of any length. */
static inline size_t packer_array_open(struct packer *p)
{
    size_t place = p->size;
    packer_room(p, 5)[0] = 0xdd;
    return place;
}

static inline void packer_array_close(struct packer *p, size_t place, uint32_t count)
{
    p->bytes[place + 1] = (uint8_t)(count >> 24);
    p->bytes[place + 2] = (uint8_t)(count >> 16);
    p->bytes[place + 3] = (uint8_t)(count >> 8);
    p->bytes[place + 4] = (uint8_t)count;
}

#endif
