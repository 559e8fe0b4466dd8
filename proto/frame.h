/* Finds where one MessagePack object ends, before anything decodes it.
 *
 * Resumable: give the bytes from the first one of the object on; FRAME_MORE means: come again with
 * more behind the same ones. What was looked at is not looked at again. Allocates nothing,
 * however much a head announces: whatever cannot come to its end within the limits is refused as
 * soon as the announcement is read, not when the bytes have come.
 *
 * Law: a frame that is FRAME_DONE decodes, with any correct reader, to one object of exactly
 * `position` bytes. Text is not checked for UTF-8 here; ext types are well-formed (no field takes
 * one). */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_NESTING_MAX 32 /* the deepest that frame_limits.nesting may allow */

enum frame_status {
    FRAME_MORE,     /* not all of it is here yet */
    FRAME_DONE,     /* whole: `position` bytes */
    FRAME_BAD,      /* no MessagePack */
    FRAME_TOO_DEEP, /* over the nesting */
    FRAME_TOO_BIG,  /* over the bytes or the items */
};

struct frame_limits {
    size_t bytes;     /* of a whole frame */
    uint32_t nesting; /* maps and arrays that are not empty, one in the other; the outermost is 1 */
    uint32_t items;   /* objects within objects, all together; 0: only the bytes bound them */
};

struct frame_scan {
    size_t position; /* bytes looked at */
    uint64_t items;  /* objects announced by heads so far */
    uint64_t
        pending;    /* not yet begun, of these and the object itself: each needs a byte at least */
    uint32_t depth; /* open maps and arrays */
    uint64_t
        left[FRAME_NESTING_MAX + 1]; /* not yet ended: the object itself, then of each open one */
};

/* To be done before the first byte of each object. */
void frame_scan_init(struct frame_scan *s);

enum frame_status frame_scan(struct frame_scan *s, const uint8_t *bytes, size_t size,
                             const struct frame_limits *limits);

#endif
