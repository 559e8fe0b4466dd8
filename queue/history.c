/* Stories: what happened to a contact, in the order in which it did. One to which nothing has
 * happened but its submission has none in memory: its record says as much. */
#include "queue/state.h"

#define HISTORY_FIRST 4

void history_keep(struct engine *e, struct history_entry **history, uint16_t *count, uint16_t *room,
                  const struct history_entry *entry)
{
    struct history_entry *h = *history;

    if (h == NULL) {
        h = pool_take(&e->history_pool);
        *room = HISTORY_FIRST;
    } else if (*count == *room && *room < HISTORY_KEPT) {
        uint16_t larger = (uint16_t)(*room * 2);
        struct history_entry *copy = memory_take(larger * sizeof(*copy));
        memcpy(copy, h, *count * sizeof(*h));
        if (*room == HISTORY_FIRST) {
            pool_give(&e->history_pool, h);
        } else {
            memory_give(h);
        }
        h = copy;
        *room = larger;
    } else if (*count == HISTORY_KEPT) {
        text_discard(h[0].reason);
        text_discard(h[0].actor);
        memmove(h, h + 1, (HISTORY_KEPT - 1) * sizeof(*h));
        --*count;
    }
    *history = h;
    h[(*count)++] = *entry;
}

void history_discard(struct engine *e, struct history_entry *history, uint16_t count, uint16_t room)
{
    for (uint32_t i = 0; i < count; i++) {
        text_discard(history[i].reason);
        text_discard(history[i].actor);
    }
    if (history != NULL && room == HISTORY_FIRST) {
        pool_give(&e->history_pool, history);
    } else {
        memory_give(history);
    }
}

/* ---- of contacts ---- */

static struct history_entry submission_of(const struct contact *c)
{
    return (struct history_entry){.seq = c->submitted_seq,
                                  .at = c->created_at,
                                  .kind = c->was_scheduled ? FACT_CONTACT_SCHEDULED
                                                           : FACT_CONTACT_QUEUED,
                                  .queue = contact_queue(c)};
}

const struct history_entry *contact_history(const struct contact *c, struct history_entry *first,
                                            uint32_t *count)
{
    if (c->extras != NULL && c->extras->history != NULL) {
        *count = c->extras->history_count;
        return c->extras->history;
    }
    *first = submission_of(c);
    *count = 1;
    return first;
}

static void keep(struct engine *e, struct contact *c, const struct history_entry *entry)
{
    struct contact_extras *x = contact_own_extras(e, c);

    history_keep(e, &x->history, &x->history_count, &x->history_room, entry);
}

void contact_open_history(struct engine *e, struct contact *c)
{
    if (c->extras == NULL || c->extras->history == NULL) {
        struct history_entry first = submission_of(c);
        keep(e, c, &first);
    }
}

void contact_remember(struct engine *e, struct contact *c, const struct history_entry *entry)
{
    struct history_entry said = submission_of(c);
    bool open = c->extras != NULL && c->extras->history != NULL;

    if (!open && entry->seq == said.seq && entry->at == said.at && entry->kind == said.kind &&
        entry->queue == said.queue && entry->agent == NULL && entry->reason.bytes == NULL &&
        entry->actor.bytes == NULL) {
        return; /* its record says so */
    }
    keep(e, c, entry);
}
