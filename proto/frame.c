#include "proto/frame.h"

#include <assert.h>

#include "proto/head.h"

void frame_scan_init(struct frame_scan *s)
{
    /* Around the object itself stands a level that waits for nothing else. The other levels are
     * written before they are read, so they need no zeroes. */
    s->position = 0;
    s->items = 0;
    s->pending = 1;
    s->depth = 0;
    s->left[0] = 1;
}

/* An object is complete, and so may be those around it; true when that was all. */
static inline bool frame_object_ended(struct frame_scan *s)
{
    while (--s->left[s->depth] == 0) {
        if (s->depth == 0) {
            return true;
        }
        s->depth--;
    }
    return false;
}

/* Over what is short: leaves, strings below 256 bytes, containers of less than 16. Nearly all
 * objects of nearly all frames are. Stops before anything else, and, cautiously, before what may be
 * the last of the bytes, of the limit or of the nesting; whatever stands there is looked at with
 * more care. True when the whole object was passed. One byte at least is here. */
static bool frame_scan_short(struct frame_scan *s, const uint8_t *bytes, size_t size,
                             const struct frame_limits *limits)
{
    const uint8_t *at = bytes + s->position;
    uint64_t least = s->position + s->pending; /* bytes of the frame that there must be */
    uint64_t allowed = limits->bytes > least ? limits->bytes - least : 0;
    size_t here = size - s->position - 1;
    size_t room = here < allowed ? here : (size_t)allowed;
    uint64_t left = s->left[s->depth], announced = 0, passed = 0;
    bool done = false;

    for (;;) {
        uint8_t first = *at;
        size_t leaf = cursor_firsts[first].leaf;

        if (leaf - 1 >= room) { /* 0, which is no leaf, is not less */
            if ((first & 0xe0) == 0x80 && room > 32 && s->depth < limits->nesting &&
                limits->items == 0) {
                uint32_t children = (first & 15u) << (first < 0x90);

                at++;
                room -= 1 + children;
                announced += children;
                passed++;
                s->left[s->depth++] = left;
                left = children;
                continue;
            }
            if (first != 0xd9 || room < 2 + UINT8_MAX) {
                break;
            }
            leaf = 2u + at[1];
        }
        at += leaf;
        room -= leaf;
        passed++;
        if (--left == 0) {
            s->left[s->depth] = 1;
            done = frame_object_ended(s);
            if (done) {
                break;
            }
            left = s->left[s->depth];
        }
    }
    s->left[s->depth] = left;
    s->position = (size_t)(at - bytes);
    s->items += announced;
    s->pending += announced - passed;
    return done;
}

/* True when the frame, with this head and all that is announced, cannot end within the limits. */
static bool frame_too_big(const struct frame_scan *s, const struct head *h,
                          const struct frame_limits *limits)
{
    uint64_t least = s->position + h->size + h->payload + h->children + s->pending - 1;

    return least > limits->bytes || (limits->items != 0 && s->items + h->children > limits->items);
}

enum frame_status frame_scan(struct frame_scan *s, const uint8_t *bytes, size_t size,
                             const struct frame_limits *limits)
{
    struct head h;
    enum head_status status;

    assert(limits->nesting <= FRAME_NESTING_MAX);
    while (s->position < size) {
        size_t left;

        if (frame_scan_short(s, bytes, size, limits)) {
            return FRAME_DONE;
        }
        left = size - s->position; /* at least 1: what is short leaves a byte */
        status = head_read(bytes + s->position, left, &h);
        if (status == HEAD_BAD) {
            return FRAME_BAD;
        }
        if (frame_too_big(s, &h, limits)) {
            return FRAME_TOO_BIG;
        }
        if (h.children > 0 && s->depth == limits->nesting) {
            return FRAME_TOO_DEEP;
        }
        if (status == HEAD_SHORT || left - h.size < h.payload) {
            return FRAME_MORE; /* nothing of this object is counted yet: it is begun again */
        }
        s->position += h.size + (size_t)h.payload;
        s->pending += h.children - 1;
        if (h.children > 0) {
            s->items += h.children;
            s->left[++s->depth] = h.children;
        } else if (frame_object_ended(s)) {
            return FRAME_DONE;
        }
    }
    return FRAME_MORE;
}
