#include "router/view.h"

#include <stdio.h>

#include "queue/skill.h"
#include "router/view_terms.h"

uint32_t view_epoch(struct packer *p, const struct view *v, uint64_t seq)
{
    struct pairs w = pairs_begin(p, VIEW_EPOCH_ROOM);

    view_put_epoch(&w, v, seq);
    return pairs_end(p, &w);
}

/* ---- contacts ---- */

#define VIEW_STATE(symbol, name)                                                                   \
    [CONTACT_##symbol] = {.size = 6 + sizeof(name),                                                \
                          .key_head = 0xa5,                                                        \
                          .key = "state",                                                          \
                          .word_head = 0xa0 | (sizeof(name) - 1),                                  \
                          .word = name},

const struct view_state view_states[CONTACT_STATE_COUNT] = {CONTACT_STATE_WORDS(VIEW_STATE)};

uint32_t view_contact(struct packer *p, const struct view *v, const struct contact *c)
{
    bool waiting = c->state == CONTACT_WAITING;
    size_t position = waiting ? engine_position(v->engine, c) : 0;
    duration_ms estimate = waiting ? engine_estimated_wait(v->engine, c, position) : DURATION_NONE;
    struct text id = contact_id(c);
    struct pairs w = pairs_begin(p, PAIRS_ROOM(4) + id.length);
    uint32_t pairs;

    PAIRS_TEXT(&w, "contact", id);
    view_put_state(&w, (enum contact_state)c->state);
    if (position > 0) {
        PAIRS_UINT(&w, "position", position);
    }
    PAIRS_KEY(&w, "estimated_wait_ms");
    w.at = estimate < 0 ? put_nil(w.at) : put_uint(w.at, (uint64_t)estimate);
    pairs = pairs_end(p, &w);
    return pairs + view_terms(p, v, c, INDEX_NONE8);
}

static uint32_t view_contact_agent(struct packer *p, const struct contact *c)
{
    uint32_t pairs;

    if (contact_offer(c) == NULL) {
        return 0;
    }
    pairs = VIEW_TEXT(p, "agent", contact_offer(c)->agent->id);
    packer_literal(p, "offer");
    view_offer_id(p, contact_offer(c)->number);
    return pairs + 1;
}

uint32_t view_contact_row(struct packer *p, const struct view *v, const struct contact *c)
{
    uint32_t pairs = view_contact(p, v, c);
    const struct contact_body body = contact_body(c);

    pairs += view_channel(p, v, contact_terms(c)->channel);
    pairs += view_contact_agent(p, c);
    pairs += VIEW_TEXT(p, "customer", contact_customer(c));
    pairs += VIEW_INT(p, "submitted_at", c->created_at);
    pairs += VIEW_INT(p, "state_since_at", contact_state_since(c));
    if (c->state == CONTACT_SCHEDULED) {
        pairs += VIEW_TIME(p, "not_before_at", contact_extras(c)->not_before_at);
    }
    pairs += VIEW_TIME(p, "expires_at", contact_expires_at(c));
    pairs += VIEW_FLAG(p, "overdue", c->overdue != 0);
    pairs += VIEW_INT(p, "visits", contact_extras(c)->visits);
    pairs += VIEW_TEXT(p, "parent", body.parent);
    pairs += VIEW_TEXT(p, "reopens", body.reopens);
    if (contact_extras(c)->rating > 0) {
        pairs += VIEW_INT(p, "rating", contact_extras(c)->rating);
    }
    return pairs;
}

static void view_history_entry(struct packer *p, const struct view *v,
                               const struct history_entry *h)
{
    size_t map = packer_map_open(p);
    uint32_t pairs = VIEW_INT(p, "seq", (int64_t)h->seq);

    pairs += VIEW_INT(p, "at", h->at);
    pairs += VIEW_TEXT(p, "kind", fact_kind_row((enum fact_kind)h->kind)->word);
    if (h->agent != NULL) {
        pairs += VIEW_TEXT(p, "agent", h->agent->id);
    }
    if (h->queue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "queue", v->settings->queues[h->queue].name);
    }
    pairs += VIEW_TEXT(p, "reason", h->reason);
    pairs += VIEW_TEXT(p, "actor", h->actor);
    packer_map_close(p, map, pairs);
}

static void view_history(struct packer *p, const struct view *v,
                         const struct history_entry *history, uint32_t count)
{
    packer_literal(p, "history");
    packer_array(p, count);
    for (uint32_t i = 0; i < count; i++) {
        view_history_entry(p, v, &history[i]);
    }
}

uint32_t view_contact_details(struct packer *p, const struct view *v, const struct contact *c)
{
    uint32_t pairs = view_contact_row(p, v, c);
    const struct contact_body body = contact_body(c);
    struct history_entry history[HISTORY_KEPT];

    pairs += VIEW_TEXT(p, "subject", body.subject);
    pairs += VIEW_TEXT(p, "text", body.text);
    pairs += VIEW_RAW(p, "attributes", text_raw(body.attributes));
    pairs += VIEW_RAW(p, "customer_attributes", text_raw(body.customer_attributes));
    pairs += VIEW_TEXT(p, "note", body.note);
    pairs += VIEW_TEXT(p, "disposition", body.disposition);
    view_history(p, v, history, contact_history(c, history));
    return pairs + 1;
}

uint32_t view_tombstone(struct packer *p, const struct view *v, const struct tombstone *t)
{
    uint32_t pairs = VIEW_TEXT(p, "contact", tombstone_id(t));
    engine_time due[PROMISE_COUNT];

    tombstone_due(t, due);
    pairs += VIEW_TEXT(p, "state", contact_state_word((enum contact_state)t->state));
    pairs += view_classes(p, v, t->queue, t->tier, t->issue, t->language);
    pairs += view_due(p, due);
    pairs += VIEW_TEXT(p, "reason", tombstone_reason(t));
    return pairs;
}

uint32_t view_tombstone_row(struct packer *p, const struct view *v, const struct tombstone *t)
{
    uint32_t pairs = view_tombstone(p, v, t);

    pairs += view_channel(p, v, t->channel);
    if (t->agent != NULL) {
        pairs += VIEW_TEXT(p, "agent", t->agent->id);
    }
    pairs += VIEW_TEXT(p, "customer", tombstone_customer(t));
    pairs += VIEW_TEXT(p, "disposition", tombstone_disposition(t));
    pairs += VIEW_FLAG(p, "overdue", t->overdue != 0);
    pairs += VIEW_INT(p, "submitted_at", tombstone_created_at(t));
    pairs += VIEW_INT(p, "ended_at", t->ended_at);
    if (t->rating > 0) {
        pairs += VIEW_INT(p, "rating", t->rating);
    }
    return pairs;
}

/* The story of the newest ended contacts is kept; of the others only the end, as far as that. */
uint32_t view_tombstone_details(struct packer *p, const struct view *v, const struct tombstone *t)
{
    static const enum fact_kind ends[] = {
        [CONTACT_COMPLETED] = FACT_CONTACT_COMPLETED,
        [CONTACT_CANCELLED] = FACT_CONTACT_CANCELLED,
        [CONTACT_EXPIRED] = FACT_CONTACT_EXPIRED,
    };
    uint32_t pairs = view_tombstone_row(p, v, t);
    struct history_entry story[HISTORY_KEPT];
    uint32_t count = engine_story(v->engine, t, story);

    if (count > 0 || t->state < CONTACT_COMPLETED || t->state > CONTACT_EXPIRED) {
        view_history(p, v, story, count);
    } else {
        struct history_entry end = {.seq = t->seq,
                                    .at = t->ended_at,
                                    .kind = (uint8_t)ends[t->state],
                                    .queue = t->queue,
                                    .agent = t->agent,
                                    .reason = tombstone_reason(t)};

        view_history(p, v, &end, 1);
    }
    return pairs + 1;
}

/* ---- agents ---- */

static void view_held(struct packer *p, const struct view *v, const struct offer *o)
{
    size_t map = packer_map_open(p);
    uint32_t pairs = view_offer(p, v, o);

    pairs += VIEW_TEXT(p, "state", offer_state_word(o->state));
    pairs += VIEW_INT(p, "state_since_at", o->state_since);
    if (o->state == OFFER_WRAPPING && o->until != TIME_NEVER) {
        pairs += VIEW_INT(p, "wrap_up_ms", o->until > v->now ? o->until - v->now : 0);
    }
    packer_map_close(p, map, pairs);
}

static uint32_t view_skills(struct packer *p, const struct requirement *skills)
{
    packer_literal(p, "skills");
    packer_map(p, skills == NULL ? 0 : skills->count);
    for (uint32_t i = 0; skills != NULL && i < skills->count; i++) {
        packer_text(p, skills->needs[i].skill->name);
        packer_uint(p, skills->needs[i].level);
    }
    return 1;
}

static uint32_t view_capacity(struct packer *p, const struct view *v, const struct agent *a)
{
    size_t map;
    uint32_t channels = 0;

    packer_literal(p, "capacity");
    packer_map(p, 2);
    packer_literal(p, "units");
    packer_uint(p, a->units);
    packer_literal(p, "max");
    map = packer_map_open(p);
    for (uint32_t i = 0; i < v->settings->channel_count; i++) {
        if (a->max[i] != UINT32_MAX) {
            packer_text(p, v->settings->channels[i].name);
            packer_uint(p, a->max[i]);
            channels++;
        }
    }
    packer_map_close(p, map, channels);
    return 1;
}

static uint32_t view_agent_queues(struct packer *p, const struct view *v, const struct agent *a)
{
    packer_literal(p, "queues");
    if (a->all_queues) {
        packer_array(p, v->settings->queue_count);
        for (uint32_t i = 0; i < v->settings->queue_count; i++) {
            packer_text(p, v->settings->queues[i].name);
        }
    } else {
        packer_array(p, a->queue_count);
        for (uint32_t i = 0; i < a->queue_count; i++) {
            packer_text(p, a->queues[i].queue);
        }
    }
    return 1;
}

static uint32_t view_agent_state(struct packer *p, const struct agent *a)
{
    uint32_t pairs = VIEW_TEXT(p, "agent", a->id);

    pairs += VIEW_TEXT(p, "name", a->name);
    pairs += VIEW_TEXT(p, "state", agent_state_word(a->state));
    pairs += VIEW_TEXT(p, "reason", a->reason);
    pairs += VIEW_INT(p, "state_since_at", a->state_since);
    pairs += VIEW_TEXT(p, "address", a->address);
    return pairs;
}

uint32_t view_agent_session(struct packer *p, const struct view *v, const struct agent *a)
{
    uint32_t pairs = view_agent_state(p, a);
    size_t list;
    uint32_t held = 0;

    pairs += view_skills(p, a->skills);
    pairs += view_capacity(p, v, a);
    pairs += view_agent_queues(p, v, a);
    packer_literal(p, "held");
    list = packer_array_open(p);
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        view_held(p, v, record_of(n, struct offer, of_agent));
        held++;
    }
    packer_array_close(p, list, held);
    return pairs + 1;
}

uint32_t view_agent(struct packer *p, const struct view *v, const struct agent *a)
{
    uint32_t pairs = view_agent_state(p, a);
    size_t map;
    uint32_t channels = 0;

    pairs += VIEW_FLAG(p, "connected", a->session != 0);
    pairs += view_skills(p, a->skills);
    pairs += VIEW_INT(p, "units", a->units);
    pairs += VIEW_INT(p, "used", a->used);
    packer_literal(p, "held");
    map = packer_map_open(p);
    for (uint32_t i = 0; i < v->settings->channel_count; i++) {
        if (a->holds[i] > 0) {
            packer_text(p, v->settings->channels[i].name);
            packer_uint(p, a->holds[i]);
            channels++;
        }
    }
    packer_map_close(p, map, channels);
    pairs++;
    pairs += view_agent_queues(p, v, a);
    return pairs;
}

/* ---- queues ---- */

uint32_t view_queue(struct packer *p, const struct view *v, queue_index queue)
{
    struct queue_row row;
    uint32_t pairs = VIEW_TEXT(p, "queue", v->settings->queues[queue].name);

    engine_get_queue_row(v->engine, queue, v->now, &row);
    pairs += VIEW_INT(p, "waiting", (int64_t)row.waiting);
    pairs += VIEW_INT(p, "offered", (int64_t)row.offered);
    pairs += VIEW_INT(p, "active", (int64_t)row.active);
    pairs += VIEW_INT(p, "wrapping", (int64_t)row.wrapping);
    pairs += VIEW_SPAN_OR_NIL(p, "oldest_wait_ms", row.oldest_wait);
    pairs += VIEW_INT(p, "agents_available", (int64_t)row.agents_available);
    pairs += VIEW_INT(p, "agents_signed_in", (int64_t)row.agents_signed_in);
    packer_literal(p, "service_level");
    if (row.service_level < 0) {
        packer_nil(p);
    } else {
        packer_double(p, row.service_level);
    }
    pairs++;
    pairs += VIEW_SPAN_OR_NIL(p, "average_speed_of_answer_ms", row.average_speed_of_answer);
    pairs += VIEW_INT(p, "abandoned", (int64_t)row.abandoned);
    pairs += VIEW_INT(p, "answered", (int64_t)row.answered);
    pairs += VIEW_INT(p, "overdue", (int64_t)row.overdue);
    pairs += VIEW_INT(p, "window_ms", row.window);
    return pairs;
}
