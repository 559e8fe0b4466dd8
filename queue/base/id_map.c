#include "queue/base/id_map.h"

#include "queue/base/fold.h"
#include "queue/base/memory.h"

#include <assert.h>

uint64_t id_hash(const uint64_t seed[2], struct text id)
{
    uint64_t h = fold_text(seed[0], seed[1], id);

    return fold(h ^ seed[0], seed[1] ^ id.length);
}

static uint32_t id_map_hash(const struct id_map *m, struct text id)
{
    return (uint32_t)id_hash(m->seed, id);
}

void id_map_init(struct id_map *m, id_map_id_of id_of, const uint64_t seed[2])
{
    memset(m, 0, sizeof(*m));
    hash_index_init(&m->index);
    m->id_of = id_of;
    m->seed[0] = seed[0];
    m->seed[1] = seed[1];
}

void id_map_close(struct id_map *m)
{
    hash_index_close(&m->index);
    memory_give(m->items);
    m->items = NULL;
    m->places = m->room = m->free = 0;
}

size_t id_map_count(const struct id_map *m)
{
    return hash_index_count(&m->index);
}

void *id_map_find(const struct id_map *m, struct text id)
{
    struct hash_probe p;
    uint32_t number;

    if (hash_index_count(&m->index) == 0) {
        return NULL;
    }
    p = hash_index_probe(&m->index, id_map_hash(m, id));
    while ((number = hash_probe_next(&p)) != 0) {
        void *item = m->items[number - 1];

        if (text_equal(m->id_of(item), id)) {
            return item;
        }
    }
    return NULL;
}

/* A free place holds the next one's number, made odd, which no record's address is. */
static void *free_link(uint32_t next)
{
    return (void *)((uintptr_t)next << 1 | 1);
}

static bool is_free(const void *item)
{
    return ((uintptr_t)item & 1) != 0;
}

static uint32_t place_take(struct id_map *m)
{
    uint32_t number = m->free;

    if (number != 0) {
        m->free = (uint32_t)((uintptr_t)m->items[number - 1] >> 1);
        return number;
    }
    if (m->places == m->room) {
        m->room = m->room == 0 ? 8 : m->room * 2;
        m->items = memory_resize(m->items, m->room * sizeof(m->items[0]));
    }
    return ++m->places;
}

void id_map_insert(struct id_map *m, void *item)
{
    uint32_t number = place_take(m);

    assert(!is_free(item));
    m->items[number - 1] = item;
    hash_index_insert(&m->index, id_map_hash(m, m->id_of(item)), number);
}

void id_map_remove(struct id_map *m, void *item)
{
    uint32_t hash = id_map_hash(m, m->id_of(item));
    struct hash_probe p = hash_index_probe(&m->index, hash);
    uint32_t number;

    do {
        number = hash_probe_next(&p);
        assert(number != 0);
    } while (m->items[number - 1] != item);
    hash_index_remove(&m->index, hash, number);
    m->items[number - 1] = free_link(m->free);
    m->free = number;
}

size_t id_map_places(const struct id_map *m)
{
    return m->places;
}

void *id_map_at(const struct id_map *m, size_t place)
{
    void *item = m->items[place];

    return is_free(item) ? NULL : item;
}
