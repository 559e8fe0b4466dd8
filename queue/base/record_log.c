#include "queue/base/record_log.h"

#include "queue/base/memory.h"
#include "queue/base/rare.h"

#include <assert.h>
#include <string.h>

#define PLACES         RECORD_LOG_PLACES
#define REFERENCE_MASK (UINT32_MAX >> 1)
#define CHUNK_MASK     (REFERENCE_MASK / PLACES)
#define CHUNKS_MAX     (CHUNK_MASK / 2) /* half a circle: what is behind and what is ahead differ */

#define HEAD_PLACES ((uint32_t)(sizeof(struct log_chunk) / RECORD_LOG_UNIT))

void record_log_init(struct record_log *l)
{
    static_assert(sizeof(struct log_chunk) % RECORD_LOG_UNIT == 0, "records are aligned");
    memset(l, 0, sizeof(*l));
}

static struct log_chunk **chunk_slot(const struct record_log *l, uint32_t number)
{
    return &l->chunks[number & (l->room - 1)];
}

static uint32_t chunk_of(uint32_t reference)
{
    return reference / PLACES;
}

static struct log_record *record_at(struct log_chunk *c, uint32_t place)
{
    return (struct log_record *)(void *)((char *)c + (size_t)place * RECORD_LOG_UNIT);
}

static uint32_t chunks_standing(const struct record_log *l)
{
    return l->first == NULL ? 0 : ((l->newest - l->oldest) & CHUNK_MASK) + 1;
}

void record_log_close(struct record_log *l)
{
    uint32_t count = chunks_standing(l);

    for (uint32_t i = 0; i < count; i++) {
        memory_give(record_log_chunk(l, (l->oldest + i) & CHUNK_MASK));
    }
    memory_give(l->spare);
    memory_give(l->chunks);
    record_log_init(l);
}

size_t record_log_bytes(const struct record_log *l)
{
    uint32_t count = chunks_standing(l);
    size_t bytes = l->spare == NULL ? 0 : l->spare->bytes;

    for (uint32_t i = 0; i < count; i++) {
        bytes += record_log_chunk(l, (l->oldest + i) & CHUNK_MASK)->bytes;
    }
    return bytes;
}

static void make_room(struct record_log *l)
{
    uint32_t count = chunks_standing(l);
    struct record_log larger = *l;

    if (count < l->room) {
        return;
    }
    larger.room = l->room == 0 ? 8 : l->room * 2;
    larger.chunks = memory_take(larger.room * sizeof(struct log_chunk *));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = (l->oldest + i) & CHUNK_MASK;

        *chunk_slot(&larger, number) = record_log_chunk(l, number);
    }
    memory_give(l->chunks);
    *l = larger;
}

static RARE struct log_chunk *begin_chunk(struct record_log *l, size_t record_bytes)
{
    size_t bytes = sizeof(struct log_chunk) + record_bytes;
    struct log_chunk *c = l->spare;

    assert(chunks_standing(l) < CHUNKS_MAX);
    make_room(l);
    if (bytes > RECORD_LOG_CHUNK_BYTES || c == NULL) {
        bytes = bytes > RECORD_LOG_CHUNK_BYTES ? bytes : RECORD_LOG_CHUNK_BYTES;
        c = memory_resize(NULL, bytes);
        c->bytes = bytes;
    } else {
        l->spare = NULL;
    }
    c->used = HEAD_PLACES;
    c->last_at = 0;
    l->newest = (l->newest + 1) & CHUNK_MASK;
    if (l->first == NULL) {
        l->oldest = l->newest;
    }
    *chunk_slot(l, l->newest) = c;
    return c;
}

struct log_record *record_log_append(struct record_log *l, size_t size)
{
    uint32_t units = (uint32_t)((size + RECORD_LOG_UNIT - 1) / RECORD_LOG_UNIT);
    struct log_chunk *c = l->first == NULL ? NULL : record_log_chunk(l, l->newest);
    struct log_record *r;

    assert(size >= sizeof(*r));
    if (c == NULL || c->used + units > PLACES) {
        c = begin_chunk(l, (size_t)units * RECORD_LOG_UNIT);
    }
    r = record_at(c, c->used);
    r->reference = l->newest * PLACES + c->used;
    r->units = c->bytes > RECORD_LOG_CHUNK_BYTES ? 0 : (uint16_t)units;
    r->units_before = (uint16_t)(c->last_at == 0 ? 0 : c->used - c->last_at);
    c->last_at = c->used;
    c->used += units;
    l->last = r;
    if (l->first == NULL) {
        l->first = r;
    }
    return r;
}

static RARE void give_oldest_chunk(struct record_log *l)
{
    struct log_chunk *c = record_log_chunk(l, l->oldest);

    *chunk_slot(l, l->oldest) = NULL;
    if (l->spare == NULL && c->bytes == RECORD_LOG_CHUNK_BYTES) {
        l->spare = c;
    } else {
        memory_give(c);
    }
}

/* Nobody has looked at the oldest records for long: the one behind `r`, which mostly is as large as
 * the one before, is fetched while something else is done. */
static inline void fetch_behind(const struct log_record *r, uint32_t units)
{
    const char *next = (const char *)r + (size_t)units * RECORD_LOG_UNIT;

    __builtin_prefetch(next);
    __builtin_prefetch(next + 64);
}

void record_log_drop_first(struct record_log *l)
{
    const struct log_record *gone = l->first;
    struct log_chunk *c = record_log_chunk(l, l->oldest);
    uint32_t place = gone->reference % PLACES;

    if (gone == l->last) {
        give_oldest_chunk(l);
        l->first = l->last = NULL;
    } else if (place == c->last_at) {
        give_oldest_chunk(l);
        l->oldest = (l->oldest + 1) & CHUNK_MASK;
        l->first = record_at(record_log_chunk(l, l->oldest), HEAD_PLACES);
    } else {
        l->first = record_at(c, place + gone->units);
        fetch_behind(l->first, gone->units);
    }
}

struct log_record *record_log_next(const struct record_log *l, const struct log_record *r)
{
    uint32_t number = chunk_of(r->reference);
    struct log_chunk *c = record_log_chunk(l, number);
    uint32_t place = r->reference % PLACES;

    if (r == l->last) {
        return NULL;
    }
    if (place != c->last_at) {
        return record_at(c, place + r->units);
    }
    return record_at(record_log_chunk(l, (number + 1) & CHUNK_MASK), HEAD_PLACES);
}

struct log_record *record_log_previous(const struct record_log *l, const struct log_record *r)
{
    uint32_t number = chunk_of(r->reference);
    struct log_chunk *c = record_log_chunk(l, number);

    if (r == l->first) {
        return NULL;
    }
    if (r->units_before != 0) {
        return record_at(c, r->reference % PLACES - r->units_before);
    }
    c = record_log_chunk(l, (number - 1) & CHUNK_MASK);
    return record_at(c, c->last_at);
}
