#include "queue/visit_field.h"

/* The word at some bytes of which `size` are there, 8 at most. */
static uint64_t word_of(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;

    memcpy(&word, bytes, size);
    return visit_little(word);
}

uint64_t visit_hash(uint64_t hash, const uint8_t *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        hash = visit_mix(hash, word_of(bytes, 8));
    }
    return size > 0 ? visit_mix(hash, word_of(bytes, size)) : hash;
}

/* One mixing waits for the other; four chains need not wait for one another. */
uint64_t visit_hash_record(const uint8_t *bytes, size_t size)
{
    uint64_t chains[4] = {size, 1, 2, 3};

    for (; size >= 32; bytes += 32, size -= 32) {
        for (unsigned i = 0; i < 4; i++) {
            chains[i] = visit_mix(chains[i], word_of(bytes + (size_t)8 * i, 8));
        }
    }
    for (unsigned i = 1; i < 4; i++) {
        chains[0] = visit_mix(chains[0], chains[i]);
    }
    return visit_hash(chains[0], bytes, size);
}

#define VISIT_NUMBER(name, type)                                                                   \
    void visit_##name(struct visitor *v, type *x)                                                  \
    {                                                                                              \
        field_##name(v, x);                                                                        \
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
    return field_count(v, count, least_bytes_each);
}

void visit_text(struct visitor *v, struct text *t)
{
    field_text(v, t);
}

void visit_raw(struct visitor *v, struct raw *r)
{
    /* Absent attributes and empty ones are the same. */
    if (v->mode != VISIT_LOAD && r->length == 0) {
        r->bytes = NULL;
    }
    field_span(v, &r->bytes, &r->length);
}

void visit_own_text(struct visitor *v, struct text *t)
{
    visit_text(v, t);
    if (v->mode == VISIT_LOAD) {
        *t = text_duplicate(*t);
    }
}

struct agent *visit_agent_numbered(const struct engine *e, uint32_t number)
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
    field_agent_ref(v, a);
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
