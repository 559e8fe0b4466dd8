#include "queue/visit.h"

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash ^= word * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash << 27 | hash >> 37) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 31;
}

void visit_bytes(struct visitor *v, void *bytes, size_t size)
{
    const uint8_t *from = bytes;

    switch (v->mode) {
    case VISIT_DIGEST:
        for (size_t i = 0; i < size; i += 8) {
            uint64_t word = 0;
            for (size_t k = i; k < size && k < i + 8; k++) {
                word |= (uint64_t)from[k] << 8 * (k - i);
            }
            v->hash = mix(v->hash, word);
        }
        break;
    case VISIT_SAVE:
        if (v->room - v->size < size) {
            v->room = (v->room + size) * 2;
            v->bytes = memory_resize(v->bytes, v->room);
        }
        if (size > 0) {
            memcpy(v->bytes + v->size, bytes, size);
        }
        v->size += size;
        break;
    case VISIT_LOAD:
        if (v->bad || (size_t)(v->end - v->at) < size) {
            v->bad = true;
            memset(bytes, 0, size);
        } else if (size > 0) {
            memcpy(bytes, v->at, size);
            v->at += size;
        }
        break;
    }
}

static void visit_number(struct visitor *v, uint64_t *x, size_t size)
{
    uint8_t spelled[8];

    if (v->mode == VISIT_DIGEST) {
        v->hash = mix(v->hash, *x);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        spelled[i] = (uint8_t)(*x >> 8 * i);
    }
    visit_bytes(v, spelled, size);
    if (v->mode == VISIT_LOAD) {
        *x = 0;
        for (size_t i = 0; i < size; i++) {
            *x |= (uint64_t)spelled[i] << 8 * i;
        }
    }
}

void visit_u64(struct visitor *v, uint64_t *x)
{
    visit_number(v, x, 8);
}

void visit_i64(struct visitor *v, int64_t *x)
{
    uint64_t n = (uint64_t)*x;

    visit_number(v, &n, 8);
    *x = (int64_t)n;
}

#define VISIT_SMALL(name, type)                                                                    \
    void visit_##name(struct visitor *v, type *x)                                                  \
    {                                                                                              \
        uint64_t n = *x;                                                                           \
        visit_number(v, &n, sizeof(type));                                                         \
        if (v->mode == VISIT_LOAD) {                                                               \
            *x = (type)n;                                                                          \
        }                                                                                          \
    }
VISIT_SMALL(u32, uint32_t)
VISIT_SMALL(u16, uint16_t)
VISIT_SMALL(u8, uint8_t)

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

static void visit_span(struct visitor *v, const uint8_t **bytes, uint32_t *length)
{
    uint32_t spelled = *bytes == NULL ? 0 : *length + 1; /* 0 is absent, and not empty */

    visit_u32(v, &spelled);
    if (v->mode != VISIT_LOAD) {
        visit_bytes(v, (void *)(uintptr_t)*bytes, *bytes == NULL ? 0 : *length);
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

/* ---- settings ---- */

static void visit_targets(struct visitor *v, struct targets *t)
{
    visit_i64(v, &t->answer);
    visit_i64(v, &t->progress);
    visit_i64(v, &t->resolve);
}

static void settings_own(struct visitor *v, struct settings *s, struct text *t)
{
    visit_text(v, t);
    if (v->mode == VISIT_LOAD && t->bytes != NULL) {
        *t = settings_text(s, *t);
    }
}

static void *settings_array(struct visitor *v, struct settings *s, uint32_t *count, void *items,
                            size_t size)
{
    *count = visit_count(v, *count, 1);
    return v->mode == VISIT_LOAD ? settings_alloc(s, (*count + 1) * size) : items;
}

static void visit_queue_settings(struct visitor *v, struct settings *s, struct queue_settings *q)
{
    uint8_t order = (uint8_t)q->order;
    uint8_t strategy = (uint8_t)q->strategy;
    uint32_t tiers = s->tier_count;

    settings_own(v, s, &q->name);
    visit_u8(v, &order);
    visit_u8(v, &strategy);
    q->order = (enum queue_order)order;
    q->strategy = (enum strategy)strategy;
    q->required = settings_array(v, s, &q->required_count, q->required, sizeof(*q->required));
    for (uint32_t i = 0; i < q->required_count; i++) {
        settings_own(v, s, &q->required[i].skill);
        visit_u8(v, &q->required[i].level);
    }
    if (v->mode == VISIT_LOAD) {
        q->by_tier = settings_alloc(s, (tiers + 1) * sizeof(*q->by_tier));
    }
    for (uint32_t i = 0; i < tiers; i++) {
        struct targets none = {DURATION_NONE, DURATION_NONE, DURATION_NONE};
        visit_targets(v, q->by_tier != NULL ? &q->by_tier[i] : &none);
    }
    visit_i64(v, &q->wrap_up);
    visit_i64(v, &q->answer_clock);
    visit_i64(v, &q->delivery_clock);
    visit_i64(v, &q->preferred_hold);
    visit_i64(v, &q->cool_down);
    visit_i64(v, &q->expires);
    visit_i64(v, &q->short_abandon);
    visit_u32(v, &q->waiting_max);
    visit_u32(v, &q->attempts_max);
    visit_u16(v, &q->escalation);
    visit_u16(v, &q->overflow);
}

static void visit_lists(struct visitor *v, struct settings *s)
{
    s->tiers = settings_array(v, s, &s->tier_count, s->tiers, sizeof(*s->tiers));
    for (uint32_t i = 0; i < s->tier_count; i++) {
        settings_own(v, s, &s->tiers[i].name);
        visit_targets(v, &s->tiers[i].targets);
    }
    s->channels = settings_array(v, s, &s->channel_count, s->channels, sizeof(*s->channels));
    for (uint32_t i = 0; i < s->channel_count; i++) {
        settings_own(v, s, &s->channels[i].name);
        visit_u32(v, &s->channels[i].units);
        visit_u32(v, &s->channels[i].max_per_agent);
        visit_u32(v, &s->channels[i].interruptible_by);
    }
    s->issues = settings_array(v, s, &s->issue_count, s->issues, sizeof(*s->issues));
    for (uint32_t i = 0; i < s->issue_count; i++) {
        settings_own(v, s, &s->issues[i].name);
        visit_targets(v, &s->issues[i].targets);
    }
    s->languages = settings_array(v, s, &s->language_count, s->languages, sizeof(*s->languages));
    for (uint32_t i = 0; i < s->language_count; i++) {
        settings_own(v, s, &s->languages[i]);
    }
    v->bad = v->bad || s->tier_count > TIERS_MAX || s->channel_count > CHANNELS_MAX;
    s->queues = settings_array(v, s, &s->queue_count, s->queues, sizeof(*s->queues));
    for (uint32_t i = 0; !v->bad && i < s->queue_count; i++) {
        visit_queue_settings(v, s, &s->queues[i]);
    }
}

void visit_settings(struct visitor *v, struct settings **settings)
{
    struct settings *s = v->mode == VISIT_LOAD ? settings_create() : *settings;

    visit_lists(v, s);
    visit_u16(v, &s->default_queue);
    visit_u32(v, &s->agent_units);
    visit_u32(v, &s->max_misses);
    visit_i64(v, &s->missed_return);
    visit_i64(v, &s->grace);
    visit_i64(v, &s->at_risk);
    visit_i64(v, &s->id_kept);
    visit_i64(v, &s->rating_kept);
    visit_u32(v, &s->contacts_max);
    visit_u32(v, &s->bodies_bytes_max);
    visit_u32(v, &s->tombstones_max);
    visit_i64(v, &s->received_bound);
    visit_i64(v, &s->fairness_window);
    visit_i64(v, &s->statistics_window);
    visit_i64(v, &s->statistics_interval);
    visit_i64(v, &s->statistics_kept);
    *settings = s;
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

/* ---- agents and what they hold ---- */

static void visit_skills(struct visitor *v, const struct requirement **r)
{
    uint32_t count = visit_count(v, *r == NULL ? 0 : (*r)->count, 5);
    struct skill_level items[2 * SKILLS_PER_SET];

    if (count > 2 * SKILLS_PER_SET) {
        v->bad = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (v->mode != VISIT_LOAD) {
            items[i] = (struct skill_level){(*r)->needs[i].skill->name, (*r)->needs[i].level};
        }
        visit_text(v, &items[i].skill);
        visit_u8(v, &items[i].level);
        if (items[i].skill.bytes == NULL || items[i].skill.length > NAME_BYTES_MAX) {
            v->bad = true;
            return;
        }
    }
    if (v->mode == VISIT_LOAD && !v->bad) {
        *r = requirement_take(&v->engine->skills, (struct skill_list){items, count});
    }
}

static void visit_agent_put(struct visitor *v, struct agent *a)
{
    visit_own_text(v, &a->name);
    visit_own_text(v, &a->address_put);
    visit_skills(v, &a->skills);
    visit_u32(v, &a->units_put);
    visit_bool(v, &a->all_queues);
    visit_u64(v, &a->digest);
    visit_u64(v, &a->file_digest);
    a->max_put_count = visit_count(v, a->max_put_count, 8);
    if (v->mode == VISIT_LOAD) {
        a->max_put = memory_take((a->max_put_count + 1) * sizeof(*a->max_put));
    }
    for (uint32_t i = 0; i < a->max_put_count; i++) {
        visit_own_text(v, &a->max_put[i].channel);
        visit_u32(v, &a->max_put[i].contacts);
    }
    a->queue_count = visit_count(v, a->queue_count, 8);
    if (v->mode == VISIT_LOAD) {
        a->queues = memory_take((a->queue_count + 1) * sizeof(*a->queues));
    }
    for (uint32_t i = 0; i < a->queue_count; i++) {
        visit_own_text(v, &a->queues[i].queue);
        visit_u32(v, &a->queues[i].rank);
    }
}

static void visit_offer(struct visitor *v, struct agent *a, struct offer *o)
{
    uint64_t contact = v->mode == VISIT_LOAD ? 0 : contact_arrival(o->contact);
    uint8_t state = v->mode == VISIT_LOAD ? 0 : (uint8_t)o->state;

    visit_u64(v, &o->number);
    visit_u64(v, &contact);
    visit_u8(v, &state);
    visit_i64(v, &o->made_at);
    visit_i64(v, &o->state_since);
    visit_i64(v, &o->accepted_at);
    visit_i64(v, &o->until);
    visit_bool(v, &o->passed_on);
    visit_bool(v, &o->named);
    visit_u8(v, &o->channel);
    if (v->mode != VISIT_LOAD) {
        return;
    }
    v->bad =
        v->bad || state >= OFFER_STATE_COUNT || o->channel >= v->engine->settings->channel_count;
    o->state = (enum offer_state)state;
    o->delivered = !a->pull;
    o->agent = a;
    checkpoint_note_offer(v->engine, o, contact);
}

void visit_agent(struct visitor *v, struct agent *a)
{
    uint8_t state = (uint8_t)a->state;
    uint64_t session = a->session;
    struct list_node *n = list_first(&a->held);
    uint32_t held;

    visit_u8(v, &state);
    visit_own_text(v, &a->address);
    visit_own_text(v, &a->reason);
    visit_i64(v, &a->state_since);
    visit_i64(v, &a->grace_until);
    visit_i64(v, &a->return_at);
    visit_u64(v, &session);
    visit_bool(v, &a->pull);
    visit_bool(v, &a->receipts);
    visit_bool(v, &a->auto_accept);
    visit_bool(v, &a->removed);
    visit_u32(v, &a->misses);
    visit_u64(v, &a->idle_since);
    visit_u64(v, &a->offered_at_touch);
    visit_u64(v, &a->fair_key);
    visit_agent_put(v, a);
    held = visit_count(v, a->held_count, 50);
    for (uint32_t i = 0; i < held && !v->bad; i++) {
        struct offer *o = v->mode == VISIT_LOAD ? pool_take(&v->engine->offer_pool)
                                                : record_of(n, struct offer, of_agent);
        n = v->mode == VISIT_LOAD ? NULL : list_next(&a->held, n);
        visit_offer(v, a, o);
    }
    if (v->mode == VISIT_LOAD) {
        v->bad = v->bad || state >= AGENT_STATE_COUNT;
        a->state = (enum agent_state)(v->bad ? 0 : state);
        agent_session_set(v->engine, a, session);
    }
}

/* ---- contacts ---- */

static void visit_cool_downs(struct visitor *v, struct contact *c)
{
    struct engine *e = v->engine;
    const struct list *cool_downs = &contact_extras(c)->cool_downs;
    uint32_t count = 0;
    struct list_node *n;

    /* One that has ended says nothing any more, whether it was swept or not. */
    for (n = list_first(cool_downs); n != NULL; n = list_next(cool_downs, n)) {
        count += record_of(n, struct cool_down, of_contact)->until > e->last_at;
    }
    count = visit_count(v, count, 12);
    n = list_first(cool_downs);
    for (uint32_t i = 0; i < count && !v->bad; i++) {
        struct agent *a = NULL;
        int64_t until = 0;
        if (v->mode != VISIT_LOAD) {
            while (record_of(n, struct cool_down, of_contact)->until <= e->last_at) {
                n = list_next(cool_downs, n);
            }
            a = record_of(n, struct cool_down, of_contact)->agent;
            until = record_of(n, struct cool_down, of_contact)->until;
            n = list_next(cool_downs, n);
        }
        visit_agent_ref(v, &a);
        visit_i64(v, &until);
        if (v->mode == VISIT_LOAD && !v->bad && a != NULL) {
            struct cool_down *d = pool_take(&e->cool_down_pool);
            d->contact = c;
            d->agent = a;
            d->until = until;
            list_append(&contact_own_extras(e, c)->cool_downs, &d->of_contact);
            list_append(&a->cool_downs, &d->of_agent);
        }
    }
}

#define ENTRY_BYTES_LEAST 30

/* Texts that were loaded point into the input. */
static uint32_t visit_history(struct visitor *v, struct history_entry history[HISTORY_KEPT],
                              uint32_t count)
{
    count = visit_count(v, count, ENTRY_BYTES_LEAST);
    if (v->bad || count > HISTORY_KEPT) {
        v->bad = true;
        return 0;
    }
    if (v->mode == VISIT_LOAD) {
        memset(history, 0, count * sizeof(history[0]));
    }
    for (uint32_t i = 0; i < count; i++) {
        struct history_entry *h = &history[i];
        visit_u64(v, &h->seq);
        visit_i64(v, &h->at);
        visit_u8(v, &h->kind);
        visit_u16(v, &h->queue);
        visit_agent_ref(v, &h->agent);
        visit_text(v, &h->reason);
        visit_text(v, &h->actor);
        v->bad = v->bad || h->kind >= FACT_KIND_COUNT || h->queue >= v->engine->queue_count;
    }
    return count;
}

static void visit_raw_text(struct visitor *v, struct text *t)
{
    struct raw r = text_raw(*t);

    visit_raw(v, &r);
    *t = raw_text(r);
}

static void visit_body(struct visitor *v, struct contact_body *b, struct terms *t)
{
    visit_text(v, &b->customer);
    visit_text(v, &b->subject);
    visit_text(v, &b->text);
    visit_text(v, &b->payload);
    visit_raw_text(v, &b->customer_attributes);
    visit_raw_text(v, &b->attributes);
    visit_text(v, &b->parent);
    visit_text(v, &b->reopens);
    visit_text(v, &t->why_tier);
    visit_text(v, &t->why_issue);
    visit_text(v, &t->why_queue);
    visit_text(v, &t->why_language);
    visit_text(v, &b->note);
    visit_text(v, &b->from_reason);
    visit_text(v, &b->disposition);
    visit_text(v, &b->end_reason);
}

/* Words of settings that must exist. */
static void visit_classes(struct visitor *v, uint16_t *queue, uint8_t *tier, uint8_t *channel,
                          uint16_t *issue, uint16_t *language)
{
    const struct settings *s = v->engine->settings;

    visit_u16(v, queue);
    visit_u8(v, tier);
    visit_u8(v, channel);
    visit_u16(v, issue);
    visit_u16(v, language);
    v->bad = v->bad || *queue >= s->queue_count || *tier >= s->tier_count ||
             *channel >= s->channel_count || (*issue != INDEX_NONE16 && *issue >= s->issue_count) ||
             (*language != INDEX_NONE16 && *language >= s->language_count);
}

/* All that a contact is, in one place: what is saved, and what is loaded. */
struct contact_visit {
    struct text id;
    struct text owner;
    uint8_t state;
    engine_time state_since;
    struct terms terms;
    struct contact_extras extras;
    struct contact_times times;
    engine_time visit_since;
    bool ever_answered, answered_in_visit, unresolved, repeat;
    struct text why_agent;
    struct contact_body body;
    struct history_entry history[HISTORY_KEPT];
    uint32_t history_count;
    int64_t lost_since;
};

static void contact_visit_init(struct contact_visit *x, const struct contact *c)
{
    x->id = contact_id(c);
    x->owner = contact_owner(c)->name;
    x->state = c->state;
    x->state_since = contact_state_since(c);
    x->terms = *contact_terms(c);
    x->extras = *contact_extras(c);
    contact_get_times(c, &x->times);
    x->visit_since = contact_visit_since(c);
    x->ever_answered = c->ever_answered;
    x->answered_in_visit = c->answered_in_visit;
    x->unresolved = c->unresolved;
    x->repeat = c->repeat;
    x->why_agent = word_text(x->extras.why_agent);
    x->body = contact_body(c);
    x->history_count = contact_history(c, x->history);
    x->lost_since = contact_owner(c)->lost_since;
}

static bool extras_needed(const struct contact_visit *x)
{
    const struct contact_extras *none = &contact_without_extras;

    return x->extras.preferred != NULL || x->extras.last_agent != NULL ||
           x->extras.from_agent != NULL || x->extras.from_queue != none->from_queue ||
           x->extras.not_before_at != TIME_NEVER || x->extras.hold_until != TIME_NEVER ||
           x->extras.attempts != none->attempts || x->extras.visits != none->visits ||
           x->extras.rating != none->rating || x->why_agent.bytes != NULL ||
           x->visit_since != x->times.start_at;
}

static void contact_visit_loaded(struct visitor *v, struct contact *c, struct contact_visit *x)
{
    struct engine *e = v->engine;
    struct owner *owner;

    c->state = x->state;
    for (int p = 0; p < PROMISE_COUNT; p++) {
        x->terms.promised[p] = terms_promise(x->times.start_at, x->times.due[p]);
    }
    contact_set_papers(e, c, x->id, &x->body);
    contact_set_terms(e, c, &x->terms);
    contact_set_times(e, c, &x->times);
    contact_set_state_since(e, c, x->state_since);
    if (extras_needed(x)) {
        struct contact_extras *own = contact_own_extras(e, c);
        own->preferred = x->extras.preferred;
        own->last_agent = x->extras.last_agent;
        own->from_agent = x->extras.from_agent;
        own->from_queue = x->extras.from_queue;
        own->not_before_at = x->extras.not_before_at;
        own->hold_until = x->extras.hold_until;
        own->attempts = x->extras.attempts;
        own->visits = x->extras.visits;
        own->rating = x->extras.rating;
        own->why_agent = word_number(x->why_agent);
        own->visit_since = x->visit_since;
    }
    c->ever_answered = x->ever_answered;
    c->answered_in_visit = x->answered_in_visit;
    c->unresolved = x->unresolved;
    c->repeat = x->repeat;
    c->submitted_seq = x->history[0].seq;
    c->was_scheduled = x->history[0].kind == FACT_CONTACT_SCHEDULED;
    for (uint32_t i = 0; i < x->history_count; i++) {
        if (i > 0) {
            contact_open_history(e, c, false);
        }
        contact_remember(e, c, &x->history[i]);
    }
    owner = owner_intern(e, x->owner);
    owner->lost_since = x->terms.lost != DURATION_NONE ? x->lost_since : owner->lost_since;
    c->owner = near_of(owner);
}

void visit_contact(struct visitor *v, struct contact *c)
{
    struct contact_visit x;
    const struct requirement *skills;

    if (v->mode != VISIT_LOAD) {
        contact_visit_init(&x, c);
    } else {
        memset(&x, 0, sizeof(x));
    }
    visit_text(v, &x.id);
    visit_u64(v, &c->place.minor);
    visit_u8(v, &x.state);
    visit_classes(v, &x.terms.queue, &x.terms.tier, &x.terms.channel, &x.terms.issue,
                  &x.terms.language);
    visit_text(v, &x.owner);
    visit_agent_ref(v, &x.extras.preferred);
    visit_agent_ref(v, &x.extras.last_agent);
    visit_agent_ref(v, &x.extras.from_agent);
    visit_u16(v, &x.extras.from_queue);
    visit_skills(v, &x.terms.own_skills);
    visit_i64(v, &c->created_at);
    visit_i64(v, &x.times.start_at);
    visit_i64(v, &x.state_since);
    visit_i64(v, &x.visit_since);
    visit_i64(v, &x.extras.not_before_at);
    visit_i64(v, &x.times.expires_at);
    visit_i64(v, &x.extras.hold_until);
    for (int p = 0; p < PROMISE_COUNT; p++) {
        visit_i64(v, &x.times.due[p]);
    }
    visit_u8(v, &c->kept);
    visit_u8(v, &c->overdue);
    visit_u8(v, &c->at_risk);
    visit_bool(v, &x.terms.keeps_place);
    visit_bool(v, &x.ever_answered);
    visit_bool(v, &x.answered_in_visit);
    visit_bool(v, &x.unresolved);
    visit_bool(v, &x.repeat);
    visit_i64(v, &x.terms.boost);
    visit_i64(v, &x.terms.expires);
    visit_i64(v, &x.terms.lost);
    visit_u32(v, &x.extras.attempts);
    visit_u32(v, &x.extras.visits);
    visit_u64(v, &x.terms.config_version);
    visit_u8(v, &x.extras.rating);
    visit_text(v, &x.why_agent);
    visit_body(v, &x.body, &x.terms);
    x.history_count = visit_history(v, x.history, x.history_count);
    visit_cool_downs(v, c);
    if (x.terms.lost != DURATION_NONE) {
        visit_i64(v, &x.lost_since);
    }
    if (v->mode != VISIT_LOAD) {
        return;
    }
    skills = x.terms.own_skills;
    v->bad = v->bad || x.state >= CONTACT_STATE_COUNT || x.id.bytes == NULL ||
             x.owner.bytes == NULL || x.id.length > ID_BYTES_MAX || x.history_count == 0;
    if (!v->bad) {
        contact_visit_loaded(v, c, &x);
    }
    requirement_release(&v->engine->skills, skills);
}

/* What a tombstone says, with its story. */
static void visit_ending(struct visitor *v, struct ending *x, struct text *owner,
                         struct history_entry history[HISTORY_KEPT], uint32_t *count)
{
    visit_text(v, &x->id);
    visit_text(v, &x->customer);
    visit_text(v, &x->disposition);
    for (int p = 0; p < PROMISE_COUNT; p++) {
        visit_i64(v, &x->times[TOMBSTONE_DUE + p]);
    }
    visit_u64(v, &x->number);
    visit_u64(v, &x->seq);
    visit_i64(v, &x->times[TOMBSTONE_CREATED]);
    visit_i64(v, &x->times[TOMBSTONE_START]);
    visit_i64(v, &x->ended_at);
    visit_text(v, owner);
    visit_text(v, &x->reason);
    visit_agent_ref(v, &x->agent);
    visit_classes(v, &x->queue, &x->tier, &x->channel, &x->issue, &x->language);
    visit_u8(v, &x->state);
    visit_u8(v, &x->rating);
    visit_u8(v, &x->overdue);
    *count = visit_history(v, history, *count);
}

void visit_tombstone(struct visitor *v, const struct tombstone *t)
{
    struct history_entry story[HISTORY_KEPT];
    uint32_t count = engine_story(v->engine, t, story);
    struct ending x;

    assert(v->mode != VISIT_LOAD);
    tombstone_read(t, &x);
    visit_ending(v, &x, &x.owner->name, story, &count);
}

/* Texts of a tombstone and its story have lengths of two bytes. */
static bool is_long(struct text t)
{
    return t.length >= UINT16_MAX;
}

static uint32_t append_story(struct engine *e, struct stories *stories, const struct tombstone *t,
                             const struct history_entry *entries, uint32_t count)
{
    const struct history_base base = {entries[0].seq, entries[0].at};
    block history;
    uint32_t story;

    if (count == 0) {
        return 0;
    }
    history = history_begin(&e->papers, &entries[0], false, true);
    for (uint32_t i = 0; i < count; i++) {
        history = history_add(&e->papers, history, base, &entries[i]);
    }
    story = story_append(stories, t, shelf_at(&e->papers, history), base);
    history_discard(&e->papers, history);
    return story;
}

void visit_new_tombstone(struct visitor *v, struct record_log *tombstones, struct stories *stories)
{
    struct ending x = {.seq = 0};
    struct history_entry history[HISTORY_KEPT];
    struct text owner = TEXT_NONE;
    uint32_t count = 0;

    assert(v->mode == VISIT_LOAD);
    visit_ending(v, &x, &owner, history, &count);
    v->bad = v->bad || x.state >= CONTACT_STATE_COUNT || x.state < CONTACT_LIVE_STATES ||
             x.id.bytes == NULL || owner.bytes == NULL || is_long(x.id) || is_long(x.customer) ||
             is_long(x.disposition) || is_long(x.reason);
    for (uint32_t i = 0; i < count; i++) {
        v->bad = v->bad || is_long(history[i].reason) || is_long(history[i].actor);
    }
    if (!v->bad) {
        struct tombstone *t;
        x.owner = owner_intern(v->engine, owner);
        x.owner->ended_count++; /* so that it stays until all are linked */
        t = tombstone_append(tombstones, &x);
        t->story = append_story(v->engine, stories, t, history, count);
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
