/* Reads MessagePack forward over bytes with an end.
 *
 * The bytes have normally been scanned (frame.h), but nothing here relies on it: every read checks
 * the end, and a reader of garbage gets `false`, never bytes that are not there. A read that fails
 * leaves the cursor where it was. Texts and bytes point into what is being read. */
#ifndef PROTO_CURSOR_H
#define PROTO_CURSOR_H

#include <endian.h>

#include "proto/bytes.h"
#include "queue/base/text.h"

enum cursor_type {
    CURSOR_END, /* no bytes are left */
    CURSOR_NIL,
    CURSOR_BOOL,
    CURSOR_INT, /* any integer format */
    CURSOR_FLOAT,
    CURSOR_TEXT,
    CURSOR_BIN,
    CURSOR_ARRAY,
    CURSOR_MAP,
    CURSOR_EXT,
    CURSOR_BAD, /* the byte that MessagePack never uses */
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct cursor cursor_over(const void *bytes, size_t size)
{
    return (struct cursor){bytes, (const uint8_t *)bytes + size};
}

static inline struct cursor cursor_over_text(struct text t)
{
    return cursor_over(t.bytes, t.length);
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* What a first byte says: the type, and the bytes of the whole object when that is settled by it:
 * numbers, nil, bools, short strings, empty containers, ext of fixed size. 0 for the others. */
struct cursor_first {
    uint8_t type; /* enum cursor_type */
    uint8_t leaf;
};

extern const struct cursor_first cursor_firsts[256];

/* What the next object is; looks at its first byte only. */
static inline enum cursor_type cursor_type(const struct cursor *c)
{
    return c->at == c->end ? CURSOR_END : (enum cursor_type)cursor_firsts[*c->at].type;
}

/* What the inline functions below leave to them: all but the short forms. They are given a copy, so
 * that a caller's cursor can stay in registers. */
bool cursor_long_int(struct cursor *c, int64_t *out);
bool cursor_long_uint(struct cursor *c, uint64_t *out);
bool cursor_long_text(struct cursor *c, struct text *out);
bool cursor_long_map(struct cursor *c, uint32_t *pairs);
bool cursor_long_array(struct cursor *c, uint32_t *items);
bool cursor_long_skip(struct cursor *c);

bool cursor_double(struct cursor *c, double *out);     /* float 32 and float 64 */
bool cursor_bytes(struct cursor *c, struct text *out); /* bin or str */

static inline bool cursor_nil(struct cursor *c)
{
    if (c->at == c->end || *c->at != 0xc0) {
        return false;
    }
    c->at++;
    return true;
}

static inline bool cursor_bool(struct cursor *c, bool *out)
{
    if (c->at == c->end || (*c->at & 0xfe) != 0xc2) {
        return false;
    }
    *out = *c->at == 0xc3;
    c->at++;
    return true;
}

/* False also beyond int64. */
static inline bool cursor_int(struct cursor *c, int64_t *out)
{
    if (c->at == c->end || *c->at >= 0x80) {
        struct cursor ahead = *c;
        int64_t found;

        if (!cursor_long_int(&ahead, &found)) {
            return false;
        }
        c->at = ahead.at;
        *out = found;
        return true;
    }
    *out = *c->at++;
    return true;
}

/* False also for negative ones. */
static inline bool cursor_uint(struct cursor *c, uint64_t *out)
{
    if (c->at == c->end || *c->at >= 0x80) {
        if (cursor_left(c) > 8 && *c->at >= 0xcc && *c->at <= 0xcf) { /* uint 8 to uint 64 */
            unsigned bytes = 1u << (*c->at - 0xcc);

            *out = be64toh(bytes_load8(c->at + 1)) >> (64 - 8 * bytes);
            c->at += 1 + bytes;
            return true;
        }
        struct cursor ahead = *c;
        uint64_t found;

        if (!cursor_long_uint(&ahead, &found)) {
            return false;
        }
        c->at = ahead.at;
        *out = found;
        return true;
    }
    *out = *c->at++;
    return true;
}

/* A str, whatever its bytes. */
static inline bool cursor_text(struct cursor *c, struct text *out)
{
    size_t left = cursor_left(c);
    uint32_t head = 1, length;

    if (left > 0 && (*c->at & 0xe0) == 0xa0) {
        length = *c->at & 31u;
    } else if (left > 1 && *c->at == 0xd9) { /* str 8 */
        length = c->at[1];
        head = 2;
    } else {
        struct cursor ahead = *c;
        struct text found;

        if (!cursor_long_text(&ahead, &found)) {
            return false;
        }
        c->at = ahead.at;
        *out = found;
        return true;
    }
    if (left < (size_t)head + length) {
        return false;
    }
    *out = (struct text){(const char *)c->at + head, length};
    c->at += head + length;
    return true;
}

static inline bool cursor_map(struct cursor *c, uint32_t *pairs)
{
    if (c->at == c->end || (*c->at & 0xf0) != 0x80) {
        struct cursor ahead = *c;
        uint32_t found;

        if (!cursor_long_map(&ahead, &found)) {
            return false;
        }
        c->at = ahead.at;
        *pairs = found;
        return true;
    }
    *pairs = *c->at++ & 15u;
    return true;
}

static inline bool cursor_array(struct cursor *c, uint32_t *items)
{
    if (c->at == c->end || (*c->at & 0xf0) != 0x90) {
        struct cursor ahead = *c;
        uint32_t found;

        if (!cursor_long_array(&ahead, &found)) {
            return false;
        }
        c->at = ahead.at;
        *items = found;
        return true;
    }
    *items = *c->at++ & 15u;
    return true;
}

/* Over one whole object with all that is in it. O(its bytes), no recursion. */
static inline bool cursor_skip(struct cursor *c)
{
    size_t size = c->at == c->end ? 0 : cursor_firsts[*c->at].leaf;

    if (size == 0) {
        struct cursor ahead = *c;
        bool whole = cursor_long_skip(&ahead);

        c->at = ahead.at; /* where it stood when the object is not whole */
        return whole;
    }
    if (cursor_left(c) < size) {
        return false;
    }
    c->at += size;
    return true;
}

/* The same, and say where it stood. */
bool cursor_raw(struct cursor *c, struct text *out);

#endif
