#include "proto/put.h"

#include <endian.h>

static uint8_t *put_head_8(uint8_t *to, unsigned type, uint64_t value)
{
    to[0] = (uint8_t)type;
    to[1] = (uint8_t)value;
    return to + 2;
}

static uint8_t *put_head_16(uint8_t *to, unsigned type, uint64_t value)
{
    uint16_t turned = htobe16((uint16_t)value);

    to[0] = (uint8_t)type;
    memcpy(to + 1, &turned, sizeof(turned));
    return to + 3;
}

static uint8_t *put_head_32(uint8_t *to, unsigned type, uint64_t value)
{
    uint32_t turned = htobe32((uint32_t)value);

    to[0] = (uint8_t)type;
    memcpy(to + 1, &turned, sizeof(turned));
    return to + 5;
}

static uint8_t *put_head_64(uint8_t *to, unsigned type, uint64_t value)
{
    uint64_t turned = htobe64(value);

    to[0] = (uint8_t)type;
    memcpy(to + 1, &turned, sizeof(turned));
    return to + 9;
}

uint8_t *put_long_uint(uint8_t *to, uint64_t value)
{
    if (value > UINT32_MAX) {
        return put_head_64(to, 0xcf, value);
    }
    if (value > UINT16_MAX) {
        return put_head_32(to, 0xce, value);
    }
    return value > UINT8_MAX ? put_head_16(to, 0xcd, value) : put_head_8(to, 0xcc, value);
}

static uint8_t *put_negative(uint8_t *to, int64_t value)
{
    if (value >= -32) {
        return put_byte(to, (uint8_t)value);
    }
    if (value >= INT8_MIN) {
        return put_head_8(to, 0xd0, (uint64_t)value);
    }
    if (value >= INT16_MIN) {
        return put_head_16(to, 0xd1, (uint64_t)value);
    }
    return value >= INT32_MIN ? put_head_32(to, 0xd2, (uint64_t)value)
                              : put_head_64(to, 0xd3, (uint64_t)value);
}

uint8_t *put_long_int(uint8_t *to, int64_t value)
{
    return value < 0 ? put_negative(to, value) : put_uint(to, (uint64_t)value);
}

uint8_t *put_double(uint8_t *to, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return put_head_64(to, 0xcb, bits);
}

/* A length in 8, 16 or 32 bits, behind three type bytes in a row. */
static uint8_t *put_length(uint8_t *to, unsigned type, size_t length)
{
    if (length <= UINT8_MAX) {
        return put_head_8(to, type, length);
    }
    return length <= UINT16_MAX ? put_head_16(to, type + 1, length)
                                : put_head_32(to, type + 2, length);
}

static CALLED uint8_t *put_long_text(uint8_t *to, const char *bytes, size_t length)
{
    to = put_length(to, 0xd9, length);
    memcpy(to, bytes, length);
    return to + length;
}

uint8_t *put_text_of(uint8_t *to, const char *bytes, size_t length)
{
    if (length >= 32) {
        return put_long_text(to, bytes, length);
    }
    *to = (uint8_t)(0xa0 | length);
    bytes_copy(to + 1, bytes, length);
    return to + 1 + length;
}

uint8_t *put_bin(uint8_t *to, const void *bytes, size_t size)
{
    to = put_length(to, 0xc4, size);
    bytes_copy(to, bytes, size);
    return to + size;
}

uint8_t *put_long_map(uint8_t *to, uint32_t count)
{
    return count <= UINT16_MAX ? put_head_16(to, 0xde, count) : put_head_32(to, 0xdf, count);
}

uint8_t *put_long_array(uint8_t *to, uint32_t count)
{
    return count <= UINT16_MAX ? put_head_16(to, 0xdc, count) : put_head_32(to, 0xdd, count);
}
