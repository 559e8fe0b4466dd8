/* Memory in which commands travel to another reactor: what a turn of the loop has for one receiver.
 *
 * Pieces are taken one behind the other and stay where they are, so that a command may point at its
 * own bytes on the way; all are given back at once, by the receiver. A piece that does not fit gets
 * a block of its own.
 *
 * The same serves a reactor for its own commands: then parcel_reset begins anew without giving the
 * memory back. One thread at a time. */
#ifndef ROUTER_PARCEL_H
#define ROUTER_PARCEL_H

#include <stddef.h>

#include "queue/base/text.h"

#define PARCEL_BYTES (64u * 1024 - 64)

struct parcel_extra {
    struct parcel_extra *next;
    size_t size; /* bytes behind this */
};

struct parcel {
    struct parcel *next; /* whoever holds it keeps lists with this */
    struct parcel_extra *extras;
    size_t used;
    size_t extra_bytes;
    void *first, *last; /* of what stands in it; see post.h */
    _Alignas(16) uint8_t bytes[];
};

struct parcel *parcel_create(void);
void parcel_destroy(struct parcel *p); /* NULL is fine */
void parcel_reset(struct parcel *p);

/* Aligned for anything; not cleared. Never NULL. */
void *parcel_take(struct parcel *p, size_t size);

/* A copy. TEXT_NONE stays that. */
struct text parcel_text(struct parcel *p, struct text t);

/* Back to where it was, unless something was added to its list meanwhile (`last`). */
struct parcel_mark {
    size_t used;
    const struct parcel_extra *extras;
    const void *last;
};

static inline struct parcel_mark parcel_mark(const struct parcel *p)
{
    return (struct parcel_mark){p->used, p->extras, p->last};
}

void parcel_back(struct parcel *p, const struct parcel_mark *mark);

/* How much stands in it; a parcel is sent when that is enough. */
static inline size_t parcel_filled(const struct parcel *p)
{
    return p->used + p->extra_bytes;
}

#endif
