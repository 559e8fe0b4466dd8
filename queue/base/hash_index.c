#include "queue/base/hash_index.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <string.h>

#define SLOTS_LEAST 16

/* Old slots looked at with each insertion. A table of C slots is left when it holds 3/4 C; the next
 * one is left 3/4 C insertions later at the earliest. So two would do, and eight are done in a
 * sixth of the way, which keeps the time short in which finding looks into both and both take
 * memory. */
#define MOVED_AT_ONCE 8

/* Stands in `before` where a number was taken out that had not been moved yet, so that the way to
 * the slots behind it is not cut. `now` has none: it closes its gaps. */
#define REMOVED UINT32_MAX

void hash_index_init(struct hash_index *x)
{
    memset(x, 0, sizeof(*x));
}

static size_t table_bytes(const struct hash_table *t)
{
    return t->slots == NULL ? 0 : ((size_t)t->mask + 1) * sizeof(struct hash_slot);
}

static void table_close(struct hash_table *t)
{
    memory_give_wide(t->slots, table_bytes(t));
    *t = (struct hash_table){NULL, 0, 0};
}

void hash_index_close(struct hash_index *x)
{
    table_close(&x->now);
    table_close(&x->before);
    hash_index_init(x);
}

size_t hash_index_bytes(const struct hash_index *x)
{
    return table_bytes(&x->now) + table_bytes(&x->before);
}

static void table_put(struct hash_table *t, struct hash_slot slot)
{
    uint32_t at = slot.hash & t->mask;

    while (t->slots[at].number != 0) {
        at = (at + 1) & t->mask;
    }
    t->slots[at] = slot;
    t->used++;
}

/* The slot of a number, NULL when it is not in the table. */
static struct hash_slot *table_slot(const struct hash_table *t, uint32_t hash, uint32_t number)
{
    if (t->slots == NULL) {
        return NULL;
    }
    for (uint32_t at = hash & t->mask; t->slots[at].number != 0; at = (at + 1) & t->mask) {
        if (t->slots[at].number == number && t->slots[at].hash == hash) {
            return &t->slots[at];
        }
    }
    return NULL;
}

/* Close the gap at `gap`: each slot behind it that may stand there moves up, so the table never
 * fills with marks of what was removed and never needs to be cleaned of them. */
static void table_close_gap(struct hash_table *t, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & t->mask; t->slots[at].number != 0; at = (at + 1) & t->mask) {
        uint32_t from_home = (at - t->slots[at].hash) & t->mask;

        if (from_home >= ((at - gap) & t->mask)) {
            t->slots[gap] = t->slots[at];
            gap = at;
        }
    }
    t->slots[gap] = (struct hash_slot){0, 0};
    t->used--;
}

/* What was moved stays in `before` as a step on the way, and is found in `now`. */
uint32_t hash_probe_before(struct hash_probe *p)
{
    const struct hash_table *t = &p->index->before;

    if (!p->in_before) {
        p->in_before = true;
        p->at = p->hash & t->mask;
    }
    while (t->slots[p->at].number != 0) {
        uint32_t at = p->at;

        p->at = (at + 1) & t->mask;
        if (at >= p->index->moved && t->slots[at].hash == p->hash &&
            t->slots[at].number != REMOVED) {
            return t->slots[at].number;
        }
    }
    return 0;
}

static void move_some(struct hash_index *x)
{
    for (int i = 0; i < MOVED_AT_ONCE && x->moved <= x->before.mask; i++) {
        struct hash_slot slot = x->before.slots[x->moved++];

        if (slot.number != 0 && slot.number != REMOVED) {
            table_put(&x->now, slot);
            x->before.used--;
        }
    }
    if (x->moved > x->before.mask) {
        assert(x->before.used == 0);
        table_close(&x->before);
        x->moved = 0;
    }
}

static void grow(struct hash_index *x)
{
    uint32_t slots = x->now.slots == NULL ? SLOTS_LEAST : (x->now.mask + 1) * 2;

    assert(x->before.slots == NULL && slots != 0);
    x->before = x->now;
    x->moved = 0;
    x->now.slots = memory_take_wide(slots * sizeof(struct hash_slot));
    x->now.mask = slots - 1;
    x->now.used = 0;
}

void hash_index_insert(struct hash_index *x, uint32_t hash, uint32_t number)
{
    assert(number != 0 && number <= HASH_INDEX_NUMBER_MAX);
    if (x->before.slots != NULL) {
        move_some(x);
    }
    if (x->now.slots == NULL ||
        ((uint64_t)hash_index_count(x) + 1) * 4 > ((uint64_t)x->now.mask + 1) * 3) {
        grow(x);
    }
    table_put(&x->now, (struct hash_slot){hash, number});
}

/* The slot of `before` where a number still stands that was not moved. */
static struct hash_slot *slot_before(struct hash_index *x, uint32_t hash, uint32_t number)
{
    struct hash_slot *slot = table_slot(&x->before, hash, number);

    assert(slot != NULL && slot >= x->before.slots + x->moved);
    return slot;
}

void hash_index_remove(struct hash_index *x, uint32_t hash, uint32_t number)
{
    struct hash_slot *slot = table_slot(&x->now, hash, number);

    if (slot != NULL) {
        table_close_gap(&x->now, (uint32_t)(slot - x->now.slots));
        return;
    }
    slot_before(x, hash, number)->number = REMOVED;
    x->before.used--;
}

void hash_index_replace(struct hash_index *x, uint32_t hash, uint32_t was, uint32_t is)
{
    struct hash_slot *slot = table_slot(&x->now, hash, was);

    assert(is != 0 && is <= HASH_INDEX_NUMBER_MAX);
    if (slot == NULL) {
        slot = slot_before(x, hash, was);
    }
    slot->number = is;
}
