/* MessagePack's bytes, written forward where there is room: the caller has made sure of it.
 *
 * Each function writes one object, in its shortest form, and answers where the next one goes. An
 * object takes its own bytes and PUT_HEAD_MAX at most. packer.h is what looks for room. */
#ifndef PROTO_PUT_H
#define PROTO_PUT_H

#include <assert.h>
#include <endian.h>

#include "proto/bytes.h"
#include "queue/base/rare.h"
#include "queue/base/text.h"

#define PUT_HEAD_MAX 9 /* a type byte and a number of 64 bits */

/* Heads and numbers of more than one byte; put_long_int takes any. */
CALLED uint8_t *put_long_uint(uint8_t *to, uint64_t value); /* from 0x80 */
CALLED uint8_t *put_long_int(uint8_t *to, int64_t value);
CALLED uint8_t *put_text_of(uint8_t *to, const char *bytes, size_t length);
uint8_t *put_double(uint8_t *to, double value);
uint8_t *put_bin(uint8_t *to, const void *bytes, size_t size);
uint8_t *put_long_map(uint8_t *to, uint32_t count);
uint8_t *put_long_array(uint8_t *to, uint32_t count);

static inline uint8_t *put_byte(uint8_t *to, unsigned byte)
{
    *to = (uint8_t)byte;
    return to + 1;
}

static inline uint8_t *put_nil(uint8_t *to)
{
    return put_byte(to, 0xc0);
}

static inline uint8_t *put_bool(uint8_t *to, bool value)
{
    return put_byte(to, value ? 0xc3 : 0xc2);
}

/* Small ones are written here, all others by a call. */
static inline uint8_t *put_uint(uint8_t *to, uint64_t value)
{
    return value < 0x80 ? put_byte(to, (unsigned)value) : put_long_uint(to, value);
}

static inline uint8_t *put_int(uint8_t *to, int64_t value)
{
    return (uint64_t)value < 0x80 ? put_byte(to, (unsigned)value) : put_long_int(to, value);
}

/* A number of 64 bits that is known to need so many. */
#define PUT_WIDE_BYTES 9

static inline bool put_is_wide(int64_t value)
{
    return value > UINT32_MAX;
}

static inline uint8_t *put_wide(uint8_t *to, int64_t value)
{
    uint64_t turned = htobe64((uint64_t)value);

    to[0] = 0xcf;
    memcpy(to + 1, &turned, sizeof(turned));
    return to + PUT_WIDE_BYTES;
}

/* As put_int, for what is nearly always an instant of these years. */
static inline uint8_t *put_time(uint8_t *to, int64_t at)
{
    return __builtin_expect(put_is_wide(at), 1) ? put_wide(to, at) : put_long_int(to, at);
}

static inline uint8_t *put_map(uint8_t *to, uint32_t count)
{
    return count < 16 ? put_byte(to, 0x80 | count) : put_long_map(to, count);
}

static inline uint8_t *put_array(uint8_t *to, uint32_t count)
{
    return count < 16 ? put_byte(to, 0x90 | count) : put_long_array(to, count);
}

/* A text; an absent one is nil. */
static inline uint8_t *put_text(uint8_t *to, struct text t)
{
    return text_is_none(t) ? put_nil(to) : put_text_of(to, t.bytes, t.length);
}

/* A string literal below 32 bytes, such as a key: head and bytes are known to the compiler, and
 * become a store or two. */
#define PUT_LITERAL(to, literal) put_literal_of((to), "" literal, sizeof(literal) - 1)

static inline __attribute__((always_inline)) uint8_t *put_literal_of(uint8_t *to, const char *bytes,
                                                                     size_t length)
{
    assert(length < 32);
    *to = (uint8_t)(0xa0 | length);
    memcpy(to + 1, bytes, length);
    return to + 1 + length;
}

#endif
