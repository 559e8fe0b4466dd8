/* From an id (bytes) to a record, without copying the id.
 *
 * Open addressing over (hash, record) pairs; the record's own id is read through
 * `id_of` to compare. The hash is keyed by a seed, so that nobody outside can choose ids that
 * collide; no decision and no order may depend on it. Growth moves a few
 * entries with each insertion: no call ever rehashes a large map at once.
 *
 * The map owns its table, never the records. */
#ifndef QUEUE_BASE_ID_MAP_H
#define QUEUE_BASE_ID_MAP_H

#include "queue/base/text.h"

struct id_map_entry {
    void *item;
    uint32_t hash;
};

struct id_map_table {
    struct id_map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t used;
};

typedef struct text (*id_map_id_of)(const void *item);

struct id_map {
    struct id_map_table now;
    struct id_map_table before; /* still being moved over */
    size_t moved;               /* entries of `before` already looked at */
    id_map_id_of id_of;
    uint64_t seed[2];
};

/* The keyed hash (SipHash-1-3 or of its strength) of an id. */
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
