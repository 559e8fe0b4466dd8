#include "proto/cursor.h"

#include "proto/head.h"

/* The types 0xc0 to 0xdf. */
static const struct {
    enum cursor_type type;
    uint8_t length;  /* bytes of the length field behind the type byte */
    uint8_t payload; /* bytes of a fixed payload; of ext also its type byte */
} cursor_formats[32] = {
    {CURSOR_NIL, 0, 0},   {CURSOR_BAD, 0, 0},   {CURSOR_BOOL, 0, 0},  {CURSOR_BOOL, 0, 0},
    {CURSOR_BIN, 1, 0},   {CURSOR_BIN, 2, 0},   {CURSOR_BIN, 4, 0},   {CURSOR_EXT, 1, 1},
    {CURSOR_EXT, 2, 1},   {CURSOR_EXT, 4, 1},   {CURSOR_FLOAT, 0, 4}, {CURSOR_FLOAT, 0, 8},
    {CURSOR_INT, 0, 1},   {CURSOR_INT, 0, 2},   {CURSOR_INT, 0, 4},   {CURSOR_INT, 0, 8},
    {CURSOR_INT, 0, 1},   {CURSOR_INT, 0, 2},   {CURSOR_INT, 0, 4},   {CURSOR_INT, 0, 8},
    {CURSOR_EXT, 0, 2},   {CURSOR_EXT, 0, 3},   {CURSOR_EXT, 0, 5},   {CURSOR_EXT, 0, 9},
    {CURSOR_EXT, 0, 17},  {CURSOR_TEXT, 1, 0},  {CURSOR_TEXT, 2, 0},  {CURSOR_TEXT, 4, 0},
    {CURSOR_ARRAY, 2, 0}, {CURSOR_ARRAY, 4, 0}, {CURSOR_MAP, 2, 0},   {CURSOR_MAP, 4, 0},
};

enum head_status head_read_long(const uint8_t *at, size_t left, struct head *out)
{
    unsigned format = *at - 0xc0u;
    uint32_t length = cursor_formats[format].length;
    uint64_t announced;

    out->type = cursor_formats[format].type;
    out->size = 1 + length;
    if (out->type == CURSOR_BAD) {
        return HEAD_BAD;
    }
    if (left < out->size) {
        return HEAD_SHORT;
    }
    out->payload = cursor_formats[format].payload;
    announced = head_number(at + 1, length);
    if (out->type == CURSOR_MAP) {
        out->children = 2 * announced;
    } else if (out->type == CURSOR_ARRAY) {
        out->children = announced;
    } else {
        out->payload += announced;
    }
    return HEAD_OK;
}

enum cursor_type cursor_type(const struct cursor *c)
{
    uint8_t first;

    if (c->at == c->end) {
        return CURSOR_END;
    }
    first = *c->at;
    if (first < 0x80 || first >= 0xe0) {
        return CURSOR_INT;
    }
    if (first < 0xc0) {
        return first < 0x90 ? CURSOR_MAP : first < 0xa0 ? CURSOR_ARRAY : CURSOR_TEXT;
    }
    return cursor_formats[first - 0xc0].type;
}

/* The head of the next object if all of its own bytes are there. */
static bool cursor_head(const struct cursor *c, struct head *h)
{
    return c->at != c->end && head_read(c->at, cursor_left(c), h) == HEAD_OK &&
           cursor_left(c) - h->size >= h->payload;
}

bool cursor_nil(struct cursor *c)
{
    if (c->at == c->end || *c->at != 0xc0) {
        return false;
    }
    c->at++;
    return true;
}

bool cursor_bool(struct cursor *c, bool *out)
{
    if (c->at == c->end || (*c->at & 0xfe) != 0xc2) {
        return false;
    }
    *out = *c->at == 0xc3;
    c->at++;
    return true;
}

bool cursor_int(struct cursor *c, int64_t *out)
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

bool cursor_uint(struct cursor *c, uint64_t *out)
{
    struct cursor ahead = *c;
    int64_t value;

    if (c->at != c->end && *c->at == 0xcf && cursor_left(c) >= 9) {
        *out = head_number(c->at + 1, 8);
        c->at += 9;
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

bool cursor_map(struct cursor *c, uint32_t *pairs)
{
    struct head h;

    if (!cursor_head(c, &h) || h.type != CURSOR_MAP) {
        return false;
    }
    *pairs = (uint32_t)(h.children / 2);
    c->at += h.size;
    return true;
}

bool cursor_array(struct cursor *c, uint32_t *items)
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
        size_t size = ahead.at == ahead.end ? 0 : cursor_short_size(*ahead.at);
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
