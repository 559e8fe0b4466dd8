#include "proto/packer.h"

#include "queue/base/memory.h"

#define PACKER_FIRST 256

void packer_init(struct packer *p)
{
    *p = (struct packer){0};
}

void packer_close(struct packer *p)
{
    memory_give(p->bytes);
    packer_init(p);
}

void packer_grow(struct packer *p, size_t more)
{
    size_t wanted = p->size + more;
    size_t capacity = p->capacity < PACKER_FIRST ? PACKER_FIRST : p->capacity * 2;

    p->capacity = capacity < wanted ? wanted : capacity;
    p->bytes = memory_resize(p->bytes, p->capacity);
}

/* A type byte and `bytes` bytes of a number, the highest first. */
static void packer_head(struct packer *p, unsigned type, uint64_t value, unsigned bytes)
{
    uint8_t *to = packer_room(p, 1 + bytes);

    to[0] = (uint8_t)type;
    for (unsigned i = bytes; i > 0; i--) {
        to[i] = (uint8_t)value;
        value >>= 8;
    }
}

void packer_long_uint(struct packer *p, uint64_t value)
{
    if (value <= UINT8_MAX) {
        packer_head(p, 0xcc, value, 1);
    } else if (value <= UINT16_MAX) {
        packer_head(p, 0xcd, value, 2);
    } else if (value <= UINT32_MAX) {
        packer_head(p, 0xce, value, 4);
    } else {
        packer_head(p, 0xcf, value, 8);
    }
}

void packer_negative(struct packer *p, int64_t value)
{
    if (value >= -32) {
        packer_byte(p, (uint8_t)value);
    } else if (value >= INT8_MIN) {
        packer_head(p, 0xd0, (uint64_t)value, 1);
    } else if (value >= INT16_MIN) {
        packer_head(p, 0xd1, (uint64_t)value, 2);
    } else if (value >= INT32_MIN) {
        packer_head(p, 0xd2, (uint64_t)value, 4);
    } else {
        packer_head(p, 0xd3, (uint64_t)value, 8);
    }
}

void packer_double(struct packer *p, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    packer_head(p, 0xcb, bits, 8);
}

void packer_long_text(struct packer *p, const char *bytes, size_t length)
{
    if (length <= UINT8_MAX) {
        packer_head(p, 0xd9, length, 1);
    } else if (length <= UINT16_MAX) {
        packer_head(p, 0xda, length, 2);
    } else {
        packer_head(p, 0xdb, length, 4);
    }
    packer_raw(p, bytes, length);
}

void packer_bin(struct packer *p, const void *bytes, size_t size)
{
    if (size <= UINT8_MAX) {
        packer_head(p, 0xc4, size, 1);
    } else if (size <= UINT16_MAX) {
        packer_head(p, 0xc5, size, 2);
    } else {
        packer_head(p, 0xc6, size, 4);
    }
    packer_raw(p, bytes, size);
}

void packer_long_map(struct packer *p, uint32_t count)
{
    if (count <= UINT16_MAX) {
        packer_head(p, 0xde, count, 2);
    } else {
        packer_head(p, 0xdf, count, 4);
    }
}

void packer_long_array(struct packer *p, uint32_t count)
{
    if (count <= UINT16_MAX) {
        packer_head(p, 0xdc, count, 2);
    } else {
        packer_head(p, 0xdd, count, 4);
    }
}
