/* Writes MessagePack by hand into a buffer that grows.
 *
 * Everything is written in its shortest form, except maps and arrays that were opened before their
 * count was known: those take the 16 and 32 bit heads, which every reader accepts. Nothing checks
 * that as many objects follow a head as it announces; the caller counts.
 *
 * The packer owns its bytes. They move when it grows: keep offsets, not pointers. Memory that
 * cannot be had ends the process (queue/base/memory.h). One thread. */
#ifndef PROTO_PACKER_H
#define PROTO_PACKER_H

#include "queue/base/text.h"

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

/* Heads of strings that are too long for one byte, and what else is not worth inlining. */
void packer_long_text(struct packer *p, const char *bytes, size_t length);
void packer_bin(struct packer *p, const void *bytes, size_t size);
void packer_long_uint(struct packer *p, uint64_t value);
void packer_negative(struct packer *p, int64_t value);
void packer_long_map(struct packer *p, uint32_t count);
void packer_long_array(struct packer *p, uint32_t count);
void packer_double(struct packer *p, double value);

/* Forget what was written, keep the memory. */
static inline void packer_reset(struct packer *p)
{
    p->size = 0;
}

/* `more` bytes to be written by the caller, counted as written at once. */
static inline uint8_t *packer_room(struct packer *p, size_t more)
{
    if (p->capacity - p->size < more) {
        packer_grow(p, more);
    }
    p->size += more;
    return p->bytes + p->size - more;
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
    if (value < 0x80) {
        packer_byte(p, (uint8_t)value);
    } else {
        packer_long_uint(p, value);
    }
}

static inline void packer_int(struct packer *p, int64_t value)
{
    if (value >= 0) {
        packer_uint(p, (uint64_t)value);
    } else {
        packer_negative(p, value);
    }
}

static inline void packer_text_of(struct packer *p, const char *bytes, size_t length)
{
    if (length < 32) {
        uint8_t *to = packer_room(p, 1 + length);
        to[0] = (uint8_t)(0xa0 | length);
        if (length != 0) {
            memcpy(to + 1, bytes, length);
        }
    } else {
        packer_long_text(p, bytes, length);
    }
}

/* A text; an absent one is nil. */
static inline void packer_text(struct packer *p, struct text t)
{
    if (text_is_none(t)) {
        packer_nil(p);
    } else {
        packer_text_of(p, t.bytes, t.length);
    }
}

/* A string literal: its length is known to the compiler. */
#define packer_literal(p, literal) packer_text_of((p), "" literal, sizeof(literal) - 1)

static inline void packer_map(struct packer *p, uint32_t count)
{
    if (count < 16) {
        packer_byte(p, (uint8_t)(0x80 | count));
    } else {
        packer_long_map(p, count);
    }
}

static inline void packer_array(struct packer *p, uint32_t count)
{
    if (count < 16) {
        packer_byte(p, (uint8_t)(0x90 | count));
    } else {
        packer_long_array(p, count);
    }
}

/* Bytes that are MessagePack already. */
static inline void packer_raw(struct packer *p, const void *bytes, size_t size)
{
    uint8_t *to = packer_room(p, size);
    if (size != 0) {
        memcpy(to, bytes, size);
    }
}

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
