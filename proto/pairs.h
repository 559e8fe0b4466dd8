/* Pairs of a map, written forward into room that was made for all of them at once.
 *
 *     struct pairs w = pairs_begin(p, PAIRS_ROOM(2) + id.length);
 *     PAIRS_TEXT(&w, "contact", id);
 *     PAIRS_INT(&w, "at", at);
 *     pairs += pairs_end(p, &w);
 *
 * The room is what all pairs take at most: PAIRS_ROOM of their count, and the bytes of their texts,
 * bins and raw values. Between the two calls nothing else writes to the packer. */
#ifndef PROTO_PAIRS_H
#define PROTO_PAIRS_H

#include "proto/packer.h"

/* For each pair a key below 32 bytes with its head, and a number or another head. */
#define PAIRS_KEY_BYTES   32
#define PAIRS_ROOM(count) ((size_t)(count) * (PAIRS_KEY_BYTES + PUT_HEAD_MAX))

struct pairs {
    uint8_t *at;
    uint32_t count;
};

static inline struct pairs pairs_begin(struct packer *p, size_t room)
{
    return (struct pairs){packer_want(p, room), 0};
}

/* How many pairs were written. */
static inline uint32_t pairs_end(struct packer *p, const struct pairs *w)
{
    packer_written(p, w->at);
    assert(p->size <= p->capacity);
    return w->count;
}

/* The keys are string literals. A text that is absent, and a raw value of no bytes, are left out.
 */
#define PAIRS_KEY(w, key)              pairs_key((w), PAIRS_PACKED(key))
#define PAIRS_TEXT(w, key, value)      pairs_text((w), PAIRS_PACKED(key), (value))
#define PAIRS_UINT(w, key, value)      pairs_uint((w), PAIRS_PACKED(key), (value))
#define PAIRS_INT(w, key, value)       pairs_int((w), PAIRS_PACKED(key), (value))
#define PAIRS_TIME(w, key, value)      pairs_time((w), PAIRS_PACKED(key), (value))
#define PAIRS_RAW(w, key, bytes, size) pairs_raw((w), PAIRS_PACKED(key), (bytes), (size))

#define PAIRS_INLINE static inline __attribute__((always_inline)) void

/* A key as it is written, with its head; and behind it, as one more argument, how many bytes that
 * is. */
struct pairs_key {
    uint8_t head;
    char name[PAIRS_KEY_BYTES - 1];
};

#define PAIRS_PACKED(key)                                                                          \
    ((struct pairs_key){(uint8_t)(0xa0 | (sizeof("" key) - 1)), "" key}), sizeof("" key)

/* `size` bytes of a row of PAIRS_KEY_BYTES, and some more that do not count: copies of a fixed size
 * are one load and one store. */
static inline __attribute__((always_inline)) uint8_t *pairs_put_row(uint8_t *to, const void *row,
                                                                    size_t size)
{
    memcpy(to, row, size <= 8 ? 8 : size <= 16 ? 16 : PAIRS_KEY_BYTES);
    return to + size;
}

/* The key alone: a value is to follow. */
PAIRS_INLINE pairs_key(struct pairs *w, struct pairs_key key, size_t size)
{
    w->at = pairs_put_row(w->at, &key, size);
    w->count++;
}

PAIRS_INLINE pairs_text(struct pairs *w, struct pairs_key key, size_t size, struct text value)
{
    if (!text_is_none(value)) {
        pairs_key(w, key, size);
        w->at = put_text_of(w->at, value.bytes, value.length);
    }
}

PAIRS_INLINE pairs_uint(struct pairs *w, struct pairs_key key, size_t size, uint64_t value)
{
    pairs_key(w, key, size);
    w->at = put_uint(w->at, value);
}

PAIRS_INLINE pairs_int(struct pairs *w, struct pairs_key key, size_t size, int64_t value)
{
    pairs_key(w, key, size);
    w->at = put_int(w->at, value);
}

PAIRS_INLINE pairs_time(struct pairs *w, struct pairs_key key, size_t size, int64_t at)
{
    pairs_key(w, key, size);
    w->at = put_time(w->at, at);
}

PAIRS_INLINE pairs_raw(struct pairs *w, struct pairs_key key, size_t key_size, const void *bytes,
                       size_t size)
{
    if (size > 0) {
        pairs_key(w, key, key_size);
        bytes_copy(w->at, bytes, size);
        w->at += size;
    }
}

#undef PAIRS_INLINE

#endif
