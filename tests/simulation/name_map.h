/* Names to small numbers: 0, 1, 2, ... in the order in which they were first seen. */
#ifndef TESTS_SIMULATION_NAME_MAP_H
#define TESTS_SIMULATION_NAME_MAP_H

#include "queue/base/text.h"

#define NOBODY UINT32_MAX

struct name_map {
    uint32_t *slots; /* number + 1; 0: empty */
    size_t slot_count;
    struct text *names; /* owned */
    size_t count;
    size_t capacity;
};

void name_map_init(struct name_map *m);
void name_map_close(struct name_map *m);
uint32_t name_map_find(const struct name_map *m, struct text name); /* NOBODY: never seen */
uint32_t name_map_number(struct name_map *m, struct text name);     /* seen from now on */

/* Room for `wanted` records of `size` bytes, new ones zeroed. */
void *room_for(void *records, size_t *capacity, size_t wanted, size_t size);

#endif
