/* The names of parameters as they stand in a request, told apart by two words. Private to proto/.
 *
 * A key is below 16 bytes, and with its head it is two words: its first eight bytes, fewer where it
 * has fewer, and its last eight where it has more. A table over these, filled by method.c before
 * main, finds its field without a look at single bytes. The names are ours, so nobody can choose
 * ones that collide; a quarter of the slots is taken at most. */
#ifndef PROTO_FIELD_KEY_H
#define PROTO_FIELD_KEY_H

#include <endian.h>

#include "proto/bytes.h"
#include "proto/method.h"

#define FIELD_KEY_BYTES 16 /* a key with its head, at most */
#define FIELD_KEY_SLOTS 256

static_assert(FIELD_COUNT <= FIELD_KEY_SLOTS / 4, "look-ups stay short");

struct field_key {
    uint64_t first, last;
};

struct field_slot {
    struct field_key key;
    uint32_t size; /* of the key, with its head; 0: the slot is free */
    enum field field;
};

extern struct field_slot field_slots[FIELD_KEY_SLOTS];

/* In a free slot: a head of 0 would have nothing behind it. */
#define FIELD_KEY_NONE ((struct field_key){0, 1})

/* Of whatever stands in the FIELD_KEY_BYTES from `at` on; no key's words if it is none. */
static inline struct field_key field_key_of(const uint8_t *at)
{
    unsigned length = *at & 31u;
    unsigned beyond = length < 7 ? 8 * (7 - length) : 0; /* bits that are not the key's */

    return (struct field_key){le64toh(bytes_load8(at)) << beyond >> beyond,
                              length - 8 < 8 ? bytes_load8(at + length - 7) : 0};
}

/* The factor was searched for: none of today's names share a slot. */
static inline unsigned field_key_hash(struct field_key key)
{
    return (unsigned)((key.first + key.last) * UINT64_C(0xf08360852789d059) >> 56);
}

/* The slot of the key in the FIELD_KEY_BYTES from `at` on. NULL: it is none of ours, or not where
 * its hash says. */
static inline const struct field_slot *field_key_find(const uint8_t *at)
{
    struct field_key key = field_key_of(at);
    const struct field_slot *slot = &field_slots[field_key_hash(key)];

    return slot->key.first == key.first && slot->key.last == key.last ? slot : NULL;
}

#endif
