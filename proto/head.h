/* The first bytes of a MessagePack object: what it is and what follows. Private to proto/.
 *
 * The one place that knows the format's table; scanner and reader are both made of it. */
#ifndef PROTO_HEAD_H
#define PROTO_HEAD_H

#include <endian.h>

#include "proto/cursor.h"

struct head {
    enum cursor_type type;
    uint32_t size; /* of the head itself: the type byte and the length field; set also when short */
    uint64_t payload;  /* bytes behind the head that belong to this object alone */
    uint64_t children; /* objects that follow inside this one */
};

enum head_status { HEAD_OK, HEAD_SHORT, HEAD_BAD };

/* A number of 0, 1, 2, 4 or 8 bytes, the highest first. */
static inline uint64_t head_number(const uint8_t *at, uint32_t bytes)
{
    uint64_t wide;
    uint32_t half;

    switch (bytes) {
    case 0:
        return 0;
    case 1:
        return at[0];
    case 2:
        return (uint64_t)at[0] << 8 | at[1];
    case 4:
        memcpy(&half, at, 4);
        return be32toh(half);
    default:
        memcpy(&wide, at, 8);
        return be64toh(wide);
    }
}

/* Heads of more than one byte, and those whose payload has a fixed size. */
enum head_status head_read_long(const uint8_t *at, size_t left, struct head *out);

/* `left` is at least 1. */
static inline enum head_status head_read(const uint8_t *at, size_t left, struct head *out)
{
    uint8_t first = *at;

    *out = (struct head){.type = CURSOR_INT, .size = 1};
    if (first < 0x80 || first >= 0xe0) {
        return HEAD_OK;
    }
    if (first < 0x90) {
        out->type = CURSOR_MAP;
        out->children = 2u * (first & 15u);
        return HEAD_OK;
    }
    if (first < 0xa0) {
        out->type = CURSOR_ARRAY;
        out->children = first & 15u;
        return HEAD_OK;
    }
    if (first < 0xc0) {
        out->type = CURSOR_TEXT;
        out->payload = first & 31u;
        return HEAD_OK;
    }
    return head_read_long(at, left, out);
}

#endif
