/* Reads MessagePack forward over bytes with an end.
 *
 * The bytes have normally been scanned (frame.h), but nothing here relies on it: every read checks
 * the end, and a reader of garbage gets `false`, never bytes that are not there. A read that fails
 * leaves the cursor where it was. Texts and bytes point into what is being read. */
#ifndef PROTO_CURSOR_H
#define PROTO_CURSOR_H

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

/* What the next object is; looks at its first byte only. */
enum cursor_type cursor_type(const struct cursor *c);

bool cursor_nil(struct cursor *c);
bool cursor_bool(struct cursor *c, bool *out);
bool cursor_int(struct cursor *c, int64_t *out);       /* false also beyond int64 */
bool cursor_uint(struct cursor *c, uint64_t *out);     /* false also for negative ones */
bool cursor_double(struct cursor *c, double *out);     /* float 32 and float 64 */
bool cursor_bytes(struct cursor *c, struct text *out); /* bin or str */
bool cursor_map(struct cursor *c, uint32_t *pairs);
bool cursor_array(struct cursor *c, uint32_t *items);

/* What cursor_text and cursor_skip leave to them: all but the short forms. */
bool cursor_long_text(struct cursor *c, struct text *out);
bool cursor_long_skip(struct cursor *c);

/* Bytes of an object that its first byte describes whole: small integers, nil, bools, strings below
 * 32 bytes. 0 for the others. Nearly all keys and most values are of this kind. */
static inline size_t cursor_short_size(uint8_t first)
{
    if (first < 0x80 || first >= 0xe0 || first == 0xc0 || (first & 0xfe) == 0xc2) {
        return 1;
    }
    return (first & 0xe0) == 0xa0 ? 1 + (first & 31u) : 0;
}

/* A str, whatever its bytes. */
static inline bool cursor_text(struct cursor *c, struct text *out)
{
    uint32_t length;

    if (c->at == c->end || (*c->at & 0xe0) != 0xa0) {
        return cursor_long_text(c, out);
    }
    length = *c->at & 31u;
    if (cursor_left(c) <= length) {
        return false;
    }
    *out = (struct text){(const char *)c->at + 1, length};
    c->at += 1 + length;
    return true;
}

/* Over one whole object with all that is in it. O(its bytes), no recursion. */
static inline bool cursor_skip(struct cursor *c)
{
    size_t size = c->at == c->end ? 0 : cursor_short_size(*c->at);

    if (size == 0) {
        return cursor_long_skip(c);
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
