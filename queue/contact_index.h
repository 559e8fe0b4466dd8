/* From the id of a contact to its record, whether it lives or has ended: one search tells both.
 *
 * An id is a live contact's or a tombstone's, never both: when a contact ends, its tombstone takes
 * its place in the index, and a new contact with the id of a tombstone is made when that one is
 * forgotten. */
#ifndef QUEUE_CONTACT_INDEX_H
#define QUEUE_CONTACT_INDEX_H

#include "queue/base/hash_index.h"
#include "queue/base/text.h"

struct contact;
struct engine;
struct tombstone;

struct contact_index {
    struct hash_index numbers; /* a contact's near, or a tombstone's reference and a bit more */
    uint32_t ended;            /* tombstones among them */
    const struct contact *looked_for; /* by the last command; NULL: none, or it has ended */
    uint32_t looked_for_hash;
};

/* What an id names; at most one of both. */
struct contact_found {
    struct contact *contact;
    struct tombstone *tombstone;
};

struct contact_found contact_index_find(const struct engine *e, struct text id);

/* The same in two steps, for who looks for an id more than once. */
uint32_t contact_index_hash(const struct engine *e, struct text id);
struct contact_found contact_index_find_hashed(const struct engine *e, struct text id,
                                               uint32_t hash);

/* The hash of the contact that the command being stepped names; who sent it may have expected it.
 */
uint32_t contact_index_hash_of_command(const struct engine *e, struct text id);

/* Look for it, which the command may end: then its hash is not made again. */
struct contact_found contact_index_look_for(struct engine *e, struct text id);

/* A new contact, whose id names nothing. */
void contact_index_add(struct engine *e, struct contact *c, uint32_t hash);
/* A contact ends: its id names the tombstone from now, which remembers the hash. */
void contact_index_end(struct engine *e, const struct contact *c, struct tombstone *t);
/* A tombstone that was loaded. */
void contact_index_add_ended(struct engine *e, struct tombstone *t);
void contact_index_remove_ended(struct engine *e, const struct tombstone *t);

/* An id with this hash is soon to be looked for, added or removed. */
void contact_index_prefetch(const struct engine *e, uint32_t hash);

static inline uint32_t contact_index_live(const struct contact_index *x)
{
    return hash_index_count(&x->numbers) - x->ended;
}

#endif
