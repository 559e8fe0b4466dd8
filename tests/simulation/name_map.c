#include "tests/simulation/name_map.h"

#include "queue/base/memory.h"

void *room_for(void *records, size_t *capacity, size_t wanted, size_t size)
{
    size_t larger;

    if (wanted <= *capacity) {
        return records;
    }
    larger = wanted * 2 + 16;
    records = memory_resize_zeroed(records, *capacity * size, larger * size);
    *capacity = larger;
    return records;
}

static size_t hash_of(struct text name)
{
    uint64_t h = 14695981039346656037u;

    for (uint32_t i = 0; i < name.length; i++) {
        h = (h ^ (uint64_t)(unsigned char)name.bytes[i]) * 1099511628211u;
    }
    return (size_t)(h ^ h >> 29);
}

void name_map_init(struct name_map *m)
{
    memset(m, 0, sizeof(*m));
    m->slot_count = 64;
    m->slots = memory_take(m->slot_count * sizeof(*m->slots));
}

void name_map_close(struct name_map *m)
{
    for (size_t i = 0; i < m->count; i++) {
        memory_give((void *)(uintptr_t)m->names[i].bytes);
    }
    memory_give(m->names);
    memory_give(m->slots);
}

/* The slot where a name stands, or the empty one where it would. */
static size_t slot_of(const struct name_map *m, struct text name)
{
    size_t slot = hash_of(name) & (m->slot_count - 1);

    while (m->slots[slot] != 0 && !text_equal(m->names[m->slots[slot] - 1], name)) {
        slot = (slot + 1) & (m->slot_count - 1);
    }
    return slot;
}

uint32_t name_map_find(const struct name_map *m, struct text name)
{
    uint32_t number = m->slots[slot_of(m, name)];

    return number == 0 ? NOBODY : number - 1;
}

static void double_slots(struct name_map *m)
{
    memory_give(m->slots);
    m->slot_count *= 2;
    m->slots = memory_take(m->slot_count * sizeof(*m->slots));
    for (size_t i = 0; i < m->count; i++) {
        m->slots[slot_of(m, m->names[i])] = (uint32_t)i + 1;
    }
}

uint32_t name_map_number(struct name_map *m, struct text name)
{
    size_t slot = slot_of(m, name);
    char *copy;

    if (m->slots[slot] != 0) {
        return m->slots[slot] - 1;
    }
    copy = memory_take(name.length + 1u);
    if (name.length > 0) {
        memcpy(copy, name.bytes, name.length);
    }
    m->names = room_for(m->names, &m->capacity, m->count + 1, sizeof(*m->names));
    m->names[m->count++] = (struct text){copy, name.length};
    m->slots[slot] = (uint32_t)m->count;
    if (m->count * 2 > m->slot_count) {
        double_slots(m);
    }
    return (uint32_t)m->count - 1;
}
