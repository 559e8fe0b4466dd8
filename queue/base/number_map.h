/* From a number to a record, for numbers that we give out ourselves: connections, say.
 *
 * Open addressing over (number, record) pairs. The numbers are spread by a fixed multiplication,
 * and not by a seed: who could choose them would choose what collides. Grows in one go; so it is
 * for thousands of records and not for millions.
 *
 * The map owns its table, never the records. */
#ifndef QUEUE_BASE_NUMBER_MAP_H
#define QUEUE_BASE_NUMBER_MAP_H

#include <stddef.h>
#include <stdint.h>

struct number_slot {
    uint64_t number;
    void *item; /* NULL: the slot is empty */
};

struct number_map {
    struct number_slot *slots;
    uint32_t mask; /* slots - 1; a power of two of them */
    uint32_t count;
};

void number_map_init(struct number_map *m);
void number_map_close(struct number_map *m);

/* Put in a record under a number that is not in the map. */
void number_map_insert(struct number_map *m, uint64_t number, void *item);

/* Take out what is under a number that is in the map. */
void number_map_remove(struct number_map *m, uint64_t number);

static inline uint32_t number_map_home(const struct number_map *m, uint64_t number)
{
    return (uint32_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & m->mask;
}

/* NULL when there is none. */
static inline void *number_map_find(const struct number_map *m, uint64_t number)
{
    uint32_t at = number_map_home(m, number);

    if (m->slots == NULL) {
        return NULL;
    }
    while (m->slots[at].item != NULL && m->slots[at].number != number) {
        at = (at + 1) & m->mask;
    }
    return m->slots[at].item;
}

#endif
