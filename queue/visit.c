#include "queue/visit.h"

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash ^= word * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash << 27 | hash >> 37) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 31;
}

/* A number in little-endian order, and back. */
static uint64_t little(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return x;
#else
    return __builtin_bswap64(x);
#endif
}

/* The word at some bytes of which `size` are there, 8 at most. */
static uint64_t word_of(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;

    memcpy(&word, bytes, size);
    return little(word);
}

uint64_t visit_hash(uint64_t hash, const uint8_t *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        hash = mix(hash, word_of(bytes, 8));
    }
    return size > 0 ? mix(hash, word_of(bytes, size)) : hash;
}

/* One mixing waits for the other; four chains need not wait for one another. */
uint64_t visit_hash_record(const uint8_t *bytes, size_t size)
{
    uint64_t chains[4] = {size, 1, 2, 3};

    for (; size >= 32; bytes += 32, size -= 32) {
        for (unsigned i = 0; i < 4; i++) {
            chains[i] = mix(chains[i], word_of(bytes + (size_t)8 * i, 8));
        }
    }
    for (unsigned i = 1; i < 4; i++) {
        chains[0] = mix(chains[0], chains[i]);
    }
    return visit_hash(chains[0], bytes, size);
}

/* Where so many bytes more are written. */
static uint8_t *visit_room(struct visitor *v, size_t size)
{
    uint8_t *at;

    if (v->room - v->size < size) {
        v->room = (v->room + size) * 2;
        v->bytes = memory_resize(v->bytes, v->room);
    }
    at = v->bytes + v->size;
    v->size += size;
    return at;
}

/* Of a span, written or digested; loaded, it is pointed at. */
static void visit_bytes(struct visitor *v, const uint8_t *bytes, size_t size)
{
    if (v->mode == VISIT_DIGEST) {
        v->hash = visit_hash(v->hash, bytes, size);
    } else if (size > 0) {
        memcpy(visit_room(v, size), bytes, size);
    }
}

/* A number of so many bytes, which the compiler knows: a start loads some dozens of them for each
 * of a million contacts. */
static inline __attribute__((always_inline)) uint64_t visit_number(struct visitor *v, uint64_t x,
                                                                   size_t size)
{
    uint64_t spelled = little(x);

    switch (v->mode) {
    case VISIT_DIGEST:
        v->hash = mix(v->hash, x);
        break;
    case VISIT_SAVE:
        memcpy(visit_room(v, size), &spelled, size);
        break;
    case VISIT_LOAD:
        if (v->bad || (size_t)(v->end - v->at) < size) {
            v->bad = true;
            return 0;
        }
        spelled = 0;
        memcpy(&spelled, v->at, size);
        v->at += size;
        return little(spelled);
    }
    return x;
}

#define VISIT_NUMBER(name, type)                                                                   \
    void visit_##name(struct visitor *v, type *x)                                                  \
    {                                                                                              \
        type n = (type)visit_number(v, (uint64_t)*x, sizeof(type));                                \
                                                                                                   \
        if (v->mode == VISIT_LOAD) {                                                               \
            *x = n;                                                                                \
        }                                                                                          \
    }
VISIT_NUMBER(u64, uint64_t)
VISIT_NUMBER(i64, int64_t)
VISIT_NUMBER(u32, uint32_t)
VISIT_NUMBER(u16, uint16_t)
VISIT_NUMBER(u8, uint8_t)

void visit_bool(struct visitor *v, bool *x)
{
    uint8_t n = *x;

    visit_u8(v, &n);
    *x = n != 0;
}

uint32_t visit_count(struct visitor *v, uint32_t count, size_t least_bytes_each)
{
    visit_u32(v, &count);
    if (v->mode == VISIT_LOAD && count > (size_t)(v->end - v->at) / least_bytes_each) {
        v->bad = true;
        return 0;
    }
    return count;
}

static inline __attribute__((always_inline)) void
visit_span(struct visitor *v, const uint8_t **bytes, uint32_t *length)
{
    uint32_t spelled = *bytes == NULL ? 0 : *length + 1; /* 0 is absent, and not empty */

    spelled = (uint32_t)visit_number(v, spelled, sizeof(spelled));
    if (v->mode != VISIT_LOAD) {
        visit_bytes(v, *bytes, *bytes == NULL ? 0 : *length);
        return;
    }
    if (spelled == 0 || v->bad || (size_t)(v->end - v->at) < spelled - 1) {
        v->bad = v->bad || spelled != 0;
        *bytes = NULL;
        *length = 0;
        return;
    }
    *bytes = v->at;
    *length = spelled - 1;
    v->at += *length;
}

void visit_text(struct visitor *v, struct text *t)
{
    const uint8_t *bytes = (const uint8_t *)t->bytes;

    visit_span(v, &bytes, &t->length);
    t->bytes = (const char *)bytes;
}

void visit_raw(struct visitor *v, struct raw *r)
{
    /* Absent attributes and empty ones are the same. */
    if (v->mode != VISIT_LOAD && r->length == 0) {
        r->bytes = NULL;
    }
    visit_span(v, &r->bytes, &r->length);
}

void visit_own_text(struct visitor *v, struct text *t)
{
    visit_text(v, t);
    if (v->mode == VISIT_LOAD) {
        *t = text_duplicate(*t);
    }
}

static struct agent *agent_by_number(const struct engine *e, uint64_t number)
{
    struct ranked_node *n =
        number == 0
            ? NULL
            : ranked_tree_next(&e->agents_by_number, (struct ranked_key){number - 1, UINT64_MAX});
    struct agent *a = n == NULL ? NULL : record_of(n, struct agent, by_number);

    return a != NULL && a->number == number ? a : NULL;
}

void visit_agent_ref(struct visitor *v, struct agent **a)
{
    uint32_t number = v->mode != VISIT_LOAD && *a != NULL ? (*a)->number : 0;

    visit_u32(v, &number);
    if (v->mode == VISIT_LOAD) {
        *a = agent_by_number(v->engine, number);
        v->bad = v->bad || (number != 0 && *a == NULL);
    }
}

/* ---- the workspace ---- */

static void visit_pace(struct visitor *v, struct pace *p)
{
    for (int i = 0; i < PACE_SAMPLES; i++) {
        visit_u32(v, &p->gaps[i]);
        visit_u32(v, &p->waits[i]);
    }
    visit_u64(v, &p->gap_count);
    visit_u64(v, &p->wait_count);
    visit_i64(v, &p->last);
}

static void visit_ended_offers(struct visitor *v, struct engine *e)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ENDED_OFFERS_KEPT; i++) {
        count += e->ended_offers[i].number != 0;
    }
    count = visit_count(v, count, 21);
    for (uint32_t i = 0, slot = 0; i < count; i++, slot++) {
        struct ended_offer o = {0};
        while (v->mode != VISIT_LOAD && e->ended_offers[slot].number == 0) {
            slot++;
        }
        if (v->mode != VISIT_LOAD) {
            o = e->ended_offers[slot];
        }
        visit_u64(v, &o.number);
        visit_u64(v, &o.contact);
        visit_u32(v, &o.agent);
        visit_u8(v, &o.how);
        v->bad = v->bad || o.how >= OFFER_END_COUNT;
        if (v->mode == VISIT_LOAD) {
            e->ended_offers[o.number % ENDED_OFFERS_KEPT] = o;
        }
    }
}

/* Everything of the engine but its records. */
void visit_head(struct visitor *v)
{
    struct engine *e = v->engine;
    struct settings *settings = e->settings;
    bool configured = settings != NULL;

    visit_u64(v, &e->seq);
    visit_i64(v, &e->last_at);
    visit_u64(v, &e->epoch);
    visit_u64(v, &e->config_version);
    visit_u64(v, &e->config_digest);
    visit_own_text(v, &e->config_text);
    visit_u64(v, &e->next_contact);
    visit_u64(v, &e->next_offer);
    visit_u32(v, &e->next_agent);
    visit_u64(v, &e->touch);
    visit_u64(v, &e->fair_floor);
    visit_ended_offers(v, e);
    visit_bool(v, &configured);
    if (!configured || v->bad) {
        return;
    }
    visit_settings(v, &settings);
    if (v->mode == VISIT_LOAD) {
        e->now = e->last_at;
        timer_wheel_advance(&e->clocks, e->now);
        if (v->bad || settings->queue_count == 0 || settings->tier_count == 0) {
            v->bad = true;
            settings_release(settings);
            return;
        }
        apply_settings(e, settings);
        settings_release(settings);
    }
    for (uint32_t i = 0; i < e->queue_count; i++) {
        visit_pace(v, &e->queues[i].pace);
    }
}

/* ---- statistics ---- */

void visit_series(struct visitor *v, uint8_t *by, struct series *s)
{
    visit_u8(v, by);
    visit_text(v, &s->name);
    s->count = visit_count(v, s->count, 8);
    if (v->mode == VISIT_LOAD) {
        s->capacity = s->count;
        s->intervals = s->count == 0 ? NULL : memory_take(s->count * sizeof(s->intervals[0]));
    }
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t *fields = (uint64_t *)(void *)&s->intervals[i].tally;
        visit_i64(v, &s->intervals[i].number);
        for (size_t k = 0; k < TALLY_FIELDS; k++) {
            visit_u64(v, &fields[k]);
        }
    }
}
