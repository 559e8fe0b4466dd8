#include "proto/cursor.h"

#include "proto/head.h"

#define CURSOR_FIRST(type, leaf)                                                                   \
    {                                                                                              \
        CURSOR_##type, leaf                                                                        \
    }
#define CURSOR_SHORT(length) [0xa0 + (length)] = CURSOR_FIRST(TEXT, 1 + (length))
#define CURSOR_SHORT_FOUR(length)                                                                  \
    CURSOR_SHORT(length), CURSOR_SHORT((length) + 1), CURSOR_SHORT((length) + 2),                  \
        CURSOR_SHORT((length) + 3)

const struct cursor_first cursor_firsts[256] = {
    [0x00 ... 0x7f] = CURSOR_FIRST(INT, 1),
    [0x80] = CURSOR_FIRST(MAP, 1),
    [0x81 ... 0x8f] = CURSOR_FIRST(MAP, 0),
    [0x90] = CURSOR_FIRST(ARRAY, 1),
    [0x91 ... 0x9f] = CURSOR_FIRST(ARRAY, 0),
    CURSOR_SHORT_FOUR(0),
    CURSOR_SHORT_FOUR(4),
    CURSOR_SHORT_FOUR(8),
    CURSOR_SHORT_FOUR(12),
    CURSOR_SHORT_FOUR(16),
    CURSOR_SHORT_FOUR(20),
    CURSOR_SHORT_FOUR(24),
    CURSOR_SHORT_FOUR(28),
    [0xc0] = CURSOR_FIRST(NIL, 1),
    [0xc1] = CURSOR_FIRST(BAD, 0),
    [0xc2 ... 0xc3] = CURSOR_FIRST(BOOL, 1),
    [0xc4 ... 0xc6] = CURSOR_FIRST(BIN, 0),
    [0xc7 ... 0xc9] = CURSOR_FIRST(EXT, 0),
    [0xca] = CURSOR_FIRST(FLOAT, 5),
    [0xcb] = CURSOR_FIRST(FLOAT, 9),
    [0xcc] = CURSOR_FIRST(INT, 2),
    [0xcd] = CURSOR_FIRST(INT, 3),
    [0xce] = CURSOR_FIRST(INT, 5),
    [0xcf] = CURSOR_FIRST(INT, 9),
    [0xd0] = CURSOR_FIRST(INT, 2),
    [0xd1] = CURSOR_FIRST(INT, 3),
    [0xd2] = CURSOR_FIRST(INT, 5),
    [0xd3] = CURSOR_FIRST(INT, 9),
    [0xd4] = CURSOR_FIRST(EXT, 3),
    [0xd5] = CURSOR_FIRST(EXT, 4),
    [0xd6] = CURSOR_FIRST(EXT, 6),
    [0xd7] = CURSOR_FIRST(EXT, 10),
    [0xd8] = CURSOR_FIRST(EXT, 18),
    [0xd9 ... 0xdb] = CURSOR_FIRST(TEXT, 0),
    [0xdc ... 0xdd] = CURSOR_FIRST(ARRAY, 0),
    [0xde ... 0xdf] = CURSOR_FIRST(MAP, 0),
    [0xe0 ... 0xff] = CURSOR_FIRST(INT, 1),
};

/* Bytes of the length field behind the type bytes 0xc4 to 0xc9 and 0xd9 to 0xdf. */
static const uint8_t cursor_length_bytes[32] = {
    [0xc4 - 0xc0] = 1, [0xc5 - 0xc0] = 2, [0xc6 - 0xc0] = 4, [0xc7 - 0xc0] = 1, [0xc8 - 0xc0] = 2,
    [0xc9 - 0xc0] = 4, [0xd9 - 0xc0] = 1, [0xda - 0xc0] = 2, [0xdb - 0xc0] = 4, [0xdc - 0xc0] = 2,
    [0xdd - 0xc0] = 4, [0xde - 0xc0] = 2, [0xdf - 0xc0] = 4,
};

enum head_status head_read_long(const uint8_t *at, size_t left, struct head *out)
{
    uint32_t length = cursor_length_bytes[*at - 0xc0];
    uint32_t leaf = cursor_firsts[*at].leaf;
    uint64_t announced;

    out->type = (enum cursor_type)cursor_firsts[*at].type;
    out->size = 1 + length;
    if (out->type == CURSOR_BAD) {
        return HEAD_BAD;
    }
    if (left < out->size) {
        return HEAD_SHORT;
    }
    if (leaf > 0) {
        out->payload = leaf - 1;
        return HEAD_OK;
    }
    announced = head_number(at + 1, length);
    if (out->type == CURSOR_MAP) {
        out->children = 2 * announced;
    } else if (out->type == CURSOR_ARRAY) {
        out->children = announced;
    } else { /* an ext has one byte more, for its own type */
        out->payload = announced + (out->type == CURSOR_EXT);
    }
    return HEAD_OK;
}

/* The head of the next object if all of its own bytes are there. */
static bool cursor_head(const struct cursor *c, struct head *h)
{
    return c->at != c->end && head_read(c->at, cursor_left(c), h) == HEAD_OK &&
           cursor_left(c) - h->size >= h->payload;
}

bool cursor_long_int(struct cursor *c, int64_t *out)
{
    struct head h;
    uint64_t bits;
    unsigned unused;

    if (!cursor_head(c, &h) || h.type != CURSOR_INT) {
        return false;
    }
    if (h.payload == 0) {
        *out = (int8_t)*c->at;
        c->at++;
        return true;
    }
    bits = head_number(c->at + 1, (uint32_t)h.payload);
    if (*c->at <= 0xcf) { /* uint 8 to uint 64 */
        if (bits > INT64_MAX) {
            return false;
        }
        *out = (int64_t)bits;
    } else { /* shifting up and down again carries the sign */
        unused = 64 - 8 * (unsigned)h.payload;
        *out = (int64_t)(bits << unused) >> unused;
    }
    c->at += 1 + h.payload;
    return true;
}

bool cursor_long_uint(struct cursor *c, uint64_t *out)
{
    struct cursor ahead = *c;
    int64_t value;

    if (c->at != c->end && *c->at >= 0xcc && *c->at <= 0xcf) { /* uint 8 to uint 64 */
        uint32_t size = 1u << (*c->at - 0xcc);

        if (cursor_left(c) <= size) {
            return false;
        }
        *out = head_number(c->at + 1, size);
        c->at += 1 + size;
        return true;
    }
    if (!cursor_int(&ahead, &value) || value < 0) {
        return false;
    }
    *out = (uint64_t)value;
    *c = ahead;
    return true;
}

bool cursor_double(struct cursor *c, double *out)
{
    struct head h;

    if (!cursor_head(c, &h) || h.type != CURSOR_FLOAT) {
        return false;
    }
    if (h.payload == 4) {
        uint32_t bits = (uint32_t)head_number(c->at + 1, 4);
        float narrow;
        memcpy(&narrow, &bits, sizeof(narrow));
        *out = (double)narrow;
    } else {
        uint64_t bits = head_number(c->at + 1, 8);
        memcpy(out, &bits, sizeof(*out));
    }
    c->at += 1 + h.payload;
    return true;
}

static bool cursor_take(struct cursor *c, const struct head *h, struct text *out)
{
    if (h->payload > UINT32_MAX) {
        return false;
    }
    *out = (struct text){(const char *)c->at + h->size, (uint32_t)h->payload};
    c->at += h->size + h->payload;
    return true;
}

bool cursor_long_text(struct cursor *c, struct text *out)
{
    struct head h;
    return cursor_head(c, &h) && h.type == CURSOR_TEXT && cursor_take(c, &h, out);
}

bool cursor_bytes(struct cursor *c, struct text *out)
{
    struct head h;
    return cursor_head(c, &h) && (h.type == CURSOR_TEXT || h.type == CURSOR_BIN) &&
           cursor_take(c, &h, out);
}

bool cursor_long_map(struct cursor *c, uint32_t *pairs)
{
    struct head h;

    if (!cursor_head(c, &h) || h.type != CURSOR_MAP) {
        return false;
    }
    *pairs = (uint32_t)(h.children / 2);
    c->at += h.size;
    return true;
}

bool cursor_long_array(struct cursor *c, uint32_t *items)
{
    struct head h;

    if (!cursor_head(c, &h) || h.type != CURSOR_ARRAY) {
        return false;
    }
    *items = (uint32_t)h.children;
    c->at += h.size;
    return true;
}

bool cursor_long_skip(struct cursor *c)
{
    struct cursor ahead = *c;
    struct head h;

    /* Each round takes a byte at least, so what heads announce cannot keep this going. */
    for (uint64_t left = 1; left > 0; left--) {
        size_t size = ahead.at == ahead.end ? 0 : cursor_firsts[*ahead.at].leaf;

        if (size != 0 && size <= cursor_left(&ahead)) {
            ahead.at += size;
            continue;
        }
        if (!cursor_head(&ahead, &h) || h.children > cursor_left(&ahead)) {
            return false;
        }
        ahead.at += h.size + h.payload;
        left += h.children;
    }
    *c = ahead;
    return true;
}

bool cursor_raw(struct cursor *c, struct text *out)
{
    const uint8_t *from = c->at;

    if (!cursor_skip(c)) {
        return false;
    }
    if ((size_t)(c->at - from) > UINT32_MAX) {
        c->at = from;
        return false;
    }
    *out = (struct text){(const char *)from, (uint32_t)(c->at - from)};
    return true;
}
