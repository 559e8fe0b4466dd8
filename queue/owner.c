/* Connectors' identities. */
#include "queue/state.h"

struct owner *owner_intern(struct engine *e, struct text name)
{
    struct owner *o = e->recent_owner;

    if (o != NULL && text_equal(o->name, name)) {
        return o;
    }
    o = id_map_find(&e->owners, name);
    if (o == NULL) {
        o = pool_take(&e->owner_pool);
        char *copy = memory_take(name.length + 1u);
        memcpy(copy, name.bytes, name.length);
        o->name = (struct text){copy, name.length};
        o->number = e->next_owner++;
        o->lost_since = TIME_NEVER;
        id_map_insert(&e->owners, o);
    }
    e->recent_owner = o;
    return o;
}

void owner_release_if_unused(struct engine *e, struct owner *o)
{
    if (o->attached > 0 || o->contact_count > 0 || o->ended_count > 0) {
        return;
    }
    if (e->recent_owner == o) {
        e->recent_owner = NULL;
    }
    id_map_remove(&e->owners, o);
    memory_give((void *)(uintptr_t)o->name.bytes);
    pool_give(&e->owner_pool, o);
}

/* A checkpoint's records of its contacts say how it was when that began. */
void owner_set_lost_since(struct engine *e, struct owner *o, engine_time since)
{
    if (e->checkpoint != NULL && o->lost_checkpoint != e->checkpoint_count) {
        o->lost_checkpoint = e->checkpoint_count;
        o->lost_before = o->lost_since;
    }
    o->lost_since = since;
}

engine_time owner_lost_as_of_checkpoint(const struct engine *e, const struct owner *o)
{
    return o->lost_checkpoint == e->checkpoint_count ? o->lost_before : o->lost_since;
}

void owner_arm_contacts(struct engine *e, struct owner *o)
{
    for (struct near_node *n = near_list_first(&o->contacts); n != NULL; n = near_list_next(n)) {
        struct contact *c = record_of(n, struct contact, of_owner);
        if (contact_terms(c)->lost != DURATION_NONE) {
            contact_arm(e, c);
        }
    }
}

void owners_after_start(struct engine *e)
{
    /* Every owner that matters here has a live contact; so the contacts lead to all of them. */
    for (struct near_node *n = near_list_first(&e->arrival); n != NULL; n = near_list_next(n)) {
        struct contact *c = record_of(n, struct contact, in_arrival);
        if (contact_terms(c)->lost != DURATION_NONE) {
            owner_set_lost_since(e, contact_owner(c), e->now);
            contact_arm(e, c);
        }
    }
}
