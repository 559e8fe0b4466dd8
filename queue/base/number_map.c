#include "queue/base/number_map.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <string.h>

#define SLOTS_LEAST 16

void number_map_init(struct number_map *m)
{
    memset(m, 0, sizeof(*m));
}

void number_map_close(struct number_map *m)
{
    memory_give(m->slots);
    number_map_init(m);
}

static void put(struct number_map *m, struct number_slot slot)
{
    uint32_t at = number_map_home(m, slot.number);

    while (m->slots[at].item != NULL) {
        assert(m->slots[at].number != slot.number);
        at = (at + 1) & m->mask;
    }
    m->slots[at] = slot;
}

static void grow(struct number_map *m)
{
    struct number_slot *old = m->slots;
    uint32_t had = old == NULL ? 0 : m->mask + 1;
    uint32_t slots = had == 0 ? SLOTS_LEAST : had * 2;

    m->slots = memory_take(slots * sizeof(m->slots[0]));
    m->mask = slots - 1;
    for (uint32_t i = 0; i < had; i++) {
        if (old[i].item != NULL) {
            put(m, old[i]);
        }
    }
    memory_give(old);
}

void number_map_insert(struct number_map *m, uint64_t number, void *item)
{
    assert(item != NULL);
    if (m->slots == NULL || ((uint64_t)m->count + 1) * 4 > ((uint64_t)m->mask + 1) * 3) {
        grow(m);
    }
    put(m, (struct number_slot){number, item});
    m->count++;
}

/* Slots behind the gap that may stand there move up, so that no mark stays. */
void number_map_remove(struct number_map *m, uint64_t number)
{
    uint32_t gap = number_map_home(m, number);

    assert(number_map_find(m, number) != NULL);
    while (m->slots[gap].number != number || m->slots[gap].item == NULL) {
        gap = (gap + 1) & m->mask;
    }
    for (uint32_t at = (gap + 1) & m->mask; m->slots[at].item != NULL; at = (at + 1) & m->mask) {
        uint32_t from_home = (at - number_map_home(m, m->slots[at].number)) & m->mask;

        if (from_home >= ((at - gap) & m->mask)) {
            m->slots[gap] = m->slots[at];
            gap = at;
        }
    }
    m->slots[gap].item = NULL;
    m->count--;
}
