#include "queue/contact_index.h"

#include <assert.h>

#include "queue/state.h"

#define ENDED NEAR_LIMIT

uint32_t contact_index_hash(const struct engine *e, struct text id)
{
    return (uint32_t)id_hash(e->hash_seed, id);
}

static uint32_t number_of(const struct contact *c)
{
    return near_of(c);
}

static uint32_t number_of_ended(const struct tombstone *t)
{
    return t->in_log.reference | ENDED;
}

struct contact_found contact_index_find_hashed(const struct engine *e, struct text id,
                                               uint32_t hash)
{
    struct contact_found found = {NULL, NULL};
    struct hash_probe p = hash_index_probe(&e->contacts.numbers, hash);
    uint32_t number;

    while ((number = hash_probe_next(&p)) != 0) {
        if ((number & ENDED) == 0) {
            found.contact = store_at(&e->store, number);
            if (text_equal(contact_id(found.contact), id)) {
                return found;
            }
            found.contact = NULL;
        } else {
            found.tombstone = (struct tombstone *)record_log_at(&e->ended, number & ~ENDED);
            if (text_equal(tombstone_id(found.tombstone), id)) {
                return found;
            }
            found.tombstone = NULL;
        }
    }
    return found;
}

struct contact_found contact_index_find(const struct engine *e, struct text id)
{
    return contact_index_find_hashed(e, id, contact_index_hash(e, id));
}

uint32_t contact_index_hash_of_command(const struct engine *e, struct text id)
{
    uint32_t known = e->command->contact_hash;

    assert(known == 0 || known == contact_index_hash(e, id));
    return known != 0 ? known : contact_index_hash(e, id);
}

struct contact_found contact_index_look_for(struct engine *e, struct text id)
{
    uint32_t hash = contact_index_hash_of_command(e, id);
    struct contact_found found = contact_index_find_hashed(e, id, hash);

    e->contacts.looked_for = found.contact;
    e->contacts.looked_for_hash = hash;
    return found;
}

void contact_index_add(struct engine *e, struct contact *c, uint32_t hash)
{
    hash_index_insert(&e->contacts.numbers, hash, number_of(c));
}

void contact_index_end(struct engine *e, const struct contact *c, struct tombstone *t)
{
    t->hash = e->contacts.looked_for == c ? e->contacts.looked_for_hash
                                          : contact_index_hash(e, contact_id(c));
    e->contacts.looked_for = NULL; /* its record will be another's */
    hash_index_replace(&e->contacts.numbers, t->hash, number_of(c), number_of_ended(t));
    e->contacts.ended++;
}

void contact_index_add_ended(struct engine *e, struct tombstone *t)
{
    t->hash = contact_index_hash(e, tombstone_id(t));
    hash_index_insert(&e->contacts.numbers, t->hash, number_of_ended(t));
    e->contacts.ended++;
}

void contact_index_remove_ended(struct engine *e, const struct tombstone *t)
{
    hash_index_remove(&e->contacts.numbers, t->hash, number_of_ended(t));
    e->contacts.ended--;
}

void contact_index_prefetch(const struct engine *e, uint32_t hash)
{
    hash_index_prefetch(&e->contacts.numbers, hash);
}

uint32_t engine_expect(const struct engine *e, struct text id)
{
    uint32_t hash;

    if (text_is_none(id)) {
        return 0;
    }
    hash = contact_index_hash(e, id);
    hash_index_prefetch(&e->contacts.numbers, hash);
    return hash;
}

struct contact *engine_find_contact(const struct engine *e, struct text id)
{
    return contact_index_find(e, id).contact;
}

struct tombstone *engine_find_tombstone(const struct engine *e, struct text id)
{
    return contact_index_find(e, id).tombstone;
}
