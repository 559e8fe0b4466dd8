/* From an id (bytes) to a record, without copying the id.
 *
 * The record's own id is read through `id_of` to compare. The hash is keyed by a seed, so that
 * nobody outside can choose ids that collide; no decision and no order may depend on it. No call
 * ever rehashes a large map at once.
 *
 * For records that are few beside contacts; those stand in contact_index. The map owns its tables,
 * never the records. */
#ifndef QUEUE_BASE_ID_MAP_H
#define QUEUE_BASE_ID_MAP_H

#include "queue/base/hash_index.h"
#include "queue/base/text.h"

typedef struct text (*id_map_id_of)(const void *item);

struct id_map {
    struct hash_index index; /* numbers are places in `items`, plus one */
    void **items;            /* a place that is free is a link of the list of free ones */
    uint32_t places, room;
    uint32_t free; /* the first free place, plus one; 0: none */
    id_map_id_of id_of;
    uint64_t seed[2];
};

/* The keyed hash of an id: multiplications whose both factors hold bytes of the seed, folded. */
uint64_t id_hash(const uint64_t seed[2], struct text id);

void id_map_init(struct id_map *m, id_map_id_of id_of, const uint64_t seed[2]);
void id_map_close(struct id_map *m);

/* NULL when there is none. */
void *id_map_find(const struct id_map *m, struct text id);

/* Put in a record whose id is not in the map. */
void id_map_insert(struct id_map *m, void *item);

/* Take out a record that is in the map. */
void id_map_remove(struct id_map *m, void *item);

size_t id_map_count(const struct id_map *m);

/* To visit all: the record in one place, or NULL; places run from 0 to id_map_places. The order
 * means nothing, and the map must not change meanwhile. */
void *id_map_at(const struct id_map *m, size_t place);
size_t id_map_places(const struct id_map *m);

#endif
