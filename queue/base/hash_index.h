/* From a hash to numbers: the table beneath id_map and contact_index.
 *
 * Open addressing over slots of eight bytes: 32 bits of the hash and a number that means something
 * to the user alone. Several numbers may stand under one hash; the user tells which one it seeks,
 * by looking at what it names. A number that is taken out leaves no mark behind.
 *
 * Growth moves a few slots with each insertion: no call ever rehashes a large table at once. The
 * index owns its table and knows nothing of what the numbers name. */
#ifndef QUEUE_BASE_HASH_INDEX_H
#define QUEUE_BASE_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/base/rare.h"

#define HASH_INDEX_NUMBER_MAX (UINT32_MAX - 1) /* numbers run from 1 to this */

struct hash_slot {
    uint32_t hash;
    uint32_t number; /* 0: the slot is empty */
};

struct hash_table {
    struct hash_slot *slots;
    uint32_t mask; /* slots - 1; a power of two of them */
    uint32_t used;
};

struct hash_index {
    struct hash_table now;
    struct hash_table before; /* still being moved over; no slots when nothing is */
    uint32_t moved;           /* slots of `before` already looked at */
};

/* A walk over the numbers under one hash; the index must not change meanwhile. */
struct hash_probe {
    const struct hash_index *index;
    uint32_t hash;
    uint32_t at; /* the slot to look at next, in `now`, then in `before` */
    bool in_before;
};

void hash_index_init(struct hash_index *x);
void hash_index_close(struct hash_index *x);

/* The number is not in the index under this hash. */
void hash_index_insert(struct hash_index *x, uint32_t hash, uint32_t number);

/* The number is in the index under this hash. */
void hash_index_remove(struct hash_index *x, uint32_t hash, uint32_t number);

/* The number `was` is in the index under this hash; `is` stands there now. Moves nothing. */
void hash_index_replace(struct hash_index *x, uint32_t hash, uint32_t was, uint32_t is);

static inline uint32_t hash_index_count(const struct hash_index *x)
{
    return x->now.used + x->before.used;
}

/* Bytes of the tables. */
size_t hash_index_bytes(const struct hash_index *x);

/* Have the slots of this hash at hand soon. */
static inline void hash_index_prefetch(const struct hash_index *x, uint32_t hash)
{
    if (x->now.slots != NULL) {
        __builtin_prefetch(&x->now.slots[hash & x->now.mask], 1);
    }
}

static inline struct hash_probe hash_index_probe(const struct hash_index *x, uint32_t hash)
{
    return (struct hash_probe){x, hash, hash & x->now.mask, x->now.slots == NULL};
}

RARE uint32_t hash_probe_before(struct hash_probe *p); /* of hash_probe_next alone */

/* The next number under the hash, 0 after the last. */
static inline uint32_t hash_probe_next(struct hash_probe *p)
{
    const struct hash_table *t = &p->index->now;

    while (!p->in_before) {
        struct hash_slot slot = t->slots[p->at];
        if (slot.number == 0) {
            break;
        }
        p->at = (p->at + 1) & t->mask;
        if (slot.hash == p->hash) {
            return slot.number;
        }
    }
    return p->index->before.used == 0 ? 0 : hash_probe_before(p);
}

#endif
