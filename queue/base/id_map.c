#include "queue/base/id_map.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <endian.h>

#define CAPACITY_LEAST 16

/* Old entries looked at with each insertion. A table of C entries is left when it holds 3/4 C; the
 * next one is left 3/4 C insertions later at the earliest. So two would do, and four are done in a
 * third of the way, which keeps the time short in which finding looks into both. */
#define MOVED_AT_ONCE 4

static uint64_t rotate(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

static uint64_t load(const char *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof(v));
    return le64toh(v);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* One round for each word. */
static inline void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* The bytes behind the last whole word, as a word. */
static inline uint64_t sip_rest(struct text id)
{
    uint32_t rest = id.length % 8;
    uint64_t word = 0;

    if (rest != 0 && id.length >= 8) {
        /* One load that begins within the word before is cheaper than a byte at a time. */
        return load(id.bytes + id.length - 8) >> (8 * (8 - rest));
    }
    for (uint32_t i = 0; i < rest; i++) {
        word |= (uint64_t)(unsigned char)id.bytes[i] << (8 * i);
    }
    return word;
}

/* SipHash-1-3 (Aumasson and Bernstein 2012): one round for each word, three at the end. */
uint64_t id_hash(const uint64_t seed[2], struct text id)
{
    uint64_t v[4] = {
        seed[0] ^ UINT64_C(0x736f6d6570736575),
        seed[1] ^ UINT64_C(0x646f72616e646f6d),
        seed[0] ^ UINT64_C(0x6c7967656e657261),
        seed[1] ^ UINT64_C(0x7465646279746573),
    };

    for (uint32_t i = 0; i + 8 <= id.length; i += 8) {
        sip_word(v, load(id.bytes + i));
    }
    sip_word(v, sip_rest(id) | (uint64_t)id.length << 56);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Stands in `before` where a record was removed that had not been moved yet, so that the way to the
 * entries behind it is not cut. `now` has none: it closes its gaps. */
static char removed;

static uint32_t id_map_hash(const struct id_map *m, struct text id)
{
    return (uint32_t)id_hash(m->seed, id);
}

static size_t table_after(const struct id_map_table *t, size_t at)
{
    return (at + 1) & (t->capacity - 1);
}

static size_t table_home(const struct id_map_table *t, uint32_t hash)
{
    return hash & (t->capacity - 1);
}

static void table_put(struct id_map_table *t, struct id_map_entry entry)
{
    size_t at = table_home(t, entry.hash);

    while (t->entries[at].item != NULL) {
        at = table_after(t, at);
    }
    t->entries[at] = entry;
    t->used++;
}

/* Close the gap at `gap`: each entry behind it that may stand there moves up, so the table never
 * fills with marks of what was removed and never needs to be cleaned of them. */
static void table_close_gap(struct id_map_table *t, size_t gap)
{
    size_t mask = t->capacity - 1;

    for (size_t at = table_after(t, gap); t->entries[at].item != NULL; at = table_after(t, at)) {
        size_t from_home = (at - table_home(t, t->entries[at].hash)) & mask;

        if (from_home >= ((at - gap) & mask)) {
            t->entries[gap] = t->entries[at];
            gap = at;
        }
    }
    t->entries[gap] = (struct id_map_entry){NULL, 0};
    t->used--;
}

void id_map_init(struct id_map *m, id_map_id_of id_of, const uint64_t seed[2])
{
    memset(m, 0, sizeof(*m));
    m->id_of = id_of;
    m->seed[0] = seed[0];
    m->seed[1] = seed[1];
}

void id_map_close(struct id_map *m)
{
    memory_give(m->now.entries);
    memory_give(m->before.entries);
    m->now = m->before = (struct id_map_table){NULL, 0, 0};
    m->moved = 0;
}

size_t id_map_count(const struct id_map *m)
{
    return m->now.used + m->before.used;
}

static bool entry_is(const struct id_map *m, const struct id_map_entry *entry, uint32_t hash,
                     struct text id)
{
    return entry->hash == hash && entry->item != &removed && text_equal(m->id_of(entry->item), id);
}

void *id_map_find(const struct id_map *m, struct text id)
{
    uint32_t hash;

    if (id_map_count(m) == 0) {
        return NULL;
    }
    hash = id_map_hash(m, id);
    for (size_t at = table_home(&m->now, hash); m->now.entries[at].item != NULL;
         at = table_after(&m->now, at)) {
        if (entry_is(m, &m->now.entries[at], hash, id)) {
            return m->now.entries[at].item;
        }
    }
    if (m->before.used == 0) {
        return NULL;
    }
    for (size_t at = table_home(&m->before, hash); m->before.entries[at].item != NULL;
         at = table_after(&m->before, at)) {
        /* What was moved is only a step on the way: its record may be gone by now. */
        if (at >= m->moved && entry_is(m, &m->before.entries[at], hash, id)) {
            return m->before.entries[at].item;
        }
    }
    return NULL;
}

static void id_map_move_some(struct id_map *m)
{
    for (int i = 0; i < MOVED_AT_ONCE && m->moved < m->before.capacity; i++) {
        struct id_map_entry entry = m->before.entries[m->moved++];

        if (entry.item != NULL && entry.item != &removed) {
            table_put(&m->now, entry);
            m->before.used--;
        }
    }
    if (m->moved == m->before.capacity) {
        assert(m->before.used == 0);
        memory_give(m->before.entries);
        m->before = (struct id_map_table){NULL, 0, 0};
        m->moved = 0;
    }
}

static void id_map_grow(struct id_map *m)
{
    size_t capacity = m->now.capacity == 0 ? CAPACITY_LEAST : m->now.capacity * 2;

    assert(m->before.capacity == 0);
    m->before = m->now;
    m->moved = 0;
    m->now.capacity = capacity;
    m->now.used = 0;
    m->now.entries = memory_take(capacity * sizeof(*m->now.entries));
}

void id_map_insert(struct id_map *m, void *item)
{
    if (m->before.capacity != 0) {
        id_map_move_some(m);
    }
    if ((id_map_count(m) + 1) * 4 > m->now.capacity * 3) {
        id_map_grow(m);
    }
    table_put(&m->now, (struct id_map_entry){item, id_map_hash(m, m->id_of(item))});
}

void id_map_remove(struct id_map *m, void *item)
{
    uint32_t hash = id_map_hash(m, m->id_of(item));
    size_t at;

    assert(id_map_count(m) != 0);
    for (at = table_home(&m->now, hash); m->now.entries[at].item != NULL;
         at = table_after(&m->now, at)) {
        if (m->now.entries[at].item == item) {
            table_close_gap(&m->now, at);
            return;
        }
    }
    assert(m->before.used != 0);
    /* What was moved is in `now`, so the record is not mistaken for a step on the way. */
    at = table_home(&m->before, hash);
    while (m->before.entries[at].item != item) {
        assert(m->before.entries[at].item != NULL);
        at = table_after(&m->before, at);
    }
    m->before.entries[at].item = &removed;
    m->before.used--;
}

size_t id_map_places(const struct id_map *m)
{
    return m->now.capacity + m->before.capacity;
}

void *id_map_at(const struct id_map *m, size_t place)
{
    void *item;

    if (place < m->now.capacity) {
        item = m->now.entries[place].item;
    } else {
        place -= m->now.capacity;
        item = place < m->moved ? NULL : m->before.entries[place].item;
    }
    return item == &removed ? NULL : item;
}
