#include "proto/frame.h"

#include <assert.h>

#include "proto/head.h"

void frame_scan_init(struct frame_scan *s)
{
    /* The levels are written before they are read, so they need no zeroes. */
    s->position = 0;
    s->items = 0;
    s->pending = 0;
    s->depth = 0;
}

/* True when the frame, with this head and all that is announced, cannot end within the limits. */
static bool frame_too_big(const struct frame_scan *s, const struct head *h,
                          const struct frame_limits *limits)
{
    uint64_t others = s->depth > 0 ? s->pending - 1 : 0;
    uint64_t least = s->position + h->size + h->payload + h->children + others;

    return least > limits->bytes || (limits->items != 0 && s->items + h->children > limits->items);
}

/* An object is complete, and so may be those around it; true when that was all. */
static bool frame_object_ended(struct frame_scan *s)
{
    while (s->depth > 0 && --s->left[s->depth - 1] == 0) {
        s->depth--;
    }
    return s->depth == 0;
}

enum frame_status frame_scan(struct frame_scan *s, const uint8_t *bytes, size_t size,
                             const struct frame_limits *limits)
{
    struct head h;
    enum head_status status;

    assert(limits->nesting <= FRAME_NESTING_MAX);
    while (s->position < size) {
        size_t left = size - s->position;
        size_t leaf = cursor_short_size(bytes[s->position]);

        /* Most objects are short and hold nothing: these take no more than this. */
        if (leaf != 0 && leaf <= left && s->depth > 0 &&
            s->position + leaf + s->pending - 1 <= limits->bytes) {
            s->position += leaf;
            s->pending--;
            if (frame_object_ended(s)) {
                return FRAME_DONE;
            }
            continue;
        }
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
        if (s->depth > 0) {
            s->pending--;
        }
        if (h.children > 0) {
            s->items += h.children;
            s->pending += h.children;
            s->left[s->depth++] = h.children;
            continue;
        }
        if (frame_object_ended(s)) {
            return FRAME_DONE;
        }
    }
    return FRAME_MORE;
}
