/* What is remembered of ended contacts, for a time and up to a number. */
#include "queue/state.h"

engine_time tombstone_kept_until(const struct engine *e, const struct tombstone *t)
{
    duration_ms kept = e->settings->id_kept > e->settings->rating_kept ? e->settings->id_kept
                                                                       : e->settings->rating_kept;
    return t->ended_at + kept;
}

void tombstone_forget(struct engine *e, struct tombstone *t)
{
    struct owner *o = t->owner;

    checkpoint_before_tombstone(e, t);
    tombstone_drop_history(e, t);
    id_map_remove(&e->tombstones, t);
    list_remove(&t->in_order);
    list_remove(&t->of_owner);
    o->ended_count--;
    owner_release_if_unused(e, o);
    text_discard(t->reason);
    memory_give((void *)(uintptr_t)t->id.bytes);
    pool_give(&e->tombstone_pool, t);
}

/* The story of an ended contact, and of none before it, is told no more. */
void tombstone_drop_history(struct engine *e, struct tombstone *t)
{
    if (t->history == NULL) {
        return;
    }
    if (e->oldest_history == &t->in_order) {
        e->oldest_history = list_next(&e->ended, &t->in_order);
    }
    history_discard(e, t->history, t->history_count, t->history_room);
    t->history = NULL;
    t->history_count = t->history_room = 0;
    e->histories--;
}

/* The story goes with what is remembered. */
static void bury_history(struct engine *e, struct tombstone *t, struct contact *c)
{
    t->history = c->history;
    t->history_count = c->history_count;
    t->history_room = c->history_room;
    c->history = NULL;
    c->history_count = c->history_room = 0;
    e->histories++;
    if (e->oldest_history == NULL) {
        e->oldest_history = &t->in_order;
    }
    if (e->histories > ENDED_HISTORIES_KEPT) {
        struct tombstone *oldest = record_of(e->oldest_history, struct tombstone, in_order);
        checkpoint_before_tombstone_change(e, oldest);
        tombstone_drop_history(e, oldest);
    }
}

/* What is too old or too many goes, a few at a time: what came with one end goes with a later one.
 */
void tombstones_sweep(struct engine *e)
{
    for (int i = 0; i < 4; i++) {
        struct list_node *n = list_first(&e->ended);
        struct tombstone *t;
        if (n == NULL) {
            return;
        }
        t = record_of(n, struct tombstone, in_order);
        if (id_map_count(&e->tombstones) <= e->settings->tombstones_max &&
            tombstone_kept_until(e, t) > e->now) {
            return;
        }
        tombstone_forget(e, t);
    }
}

/* Copies of all three in one block, which goes with the id. */
void tombstone_set_texts(struct tombstone *t, struct text id, struct text customer,
                         struct text disposition)
{
    char *block = memory_take(id.length + customer.length + disposition.length + 1u);

    memcpy(block, id.bytes, id.length);
    t->id = (struct text){block, id.length};
    block += id.length;
    if (customer.bytes != NULL) {
        memcpy(block, customer.bytes, customer.length);
        t->customer = (struct text){block, customer.length};
        block += customer.length;
    }
    if (disposition.bytes != NULL) {
        memcpy(block, disposition.bytes, disposition.length);
        t->disposition = (struct text){block, disposition.length};
    }
}

void tombstone_bury(struct engine *e, struct contact *c, const struct fact *f,
                    enum contact_state state, struct agent *agent)
{
    struct tombstone *t = pool_take(&e->tombstone_pool);

    tombstone_set_texts(t, c->id, c->body.customer, f->ended.disposition);
    memcpy(t->due, c->due, sizeof(t->due));
    t->overdue = c->overdue;
    t->owner = c->owner;
    t->number = c->number;
    t->seq = f->seq;
    t->created_at = c->created_at;
    t->start_at = c->start_at;
    t->ended_at = f->at;
    t->reason = text_duplicate(f->ended.reason);
    t->agent = agent;
    t->queue = c->queue;
    t->tier = c->tier;
    t->channel = c->channel;
    t->issue = c->issue;
    t->language = c->language;
    t->state = (uint8_t)state;
    t->rating = c->rating;
    list_append(&e->ended, &t->in_order);
    list_append(&t->owner->ended, &t->of_owner);
    t->owner->ended_count++;
    id_map_insert(&e->tombstones, t);
    bury_history(e, t, c);
}
