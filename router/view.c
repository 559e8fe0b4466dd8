#include "router/view.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "queue/skill.h"

uint32_t view_epoch(struct packer *p, const struct view *v, uint64_t seq)
{
    struct pairs w = pairs_begin(p, VIEW_EPOCH_ROOM);

    view_put_epoch(&w, v, seq);
    return pairs_end(p, &w);
}

uint8_t *view_put_offer_id(uint8_t *to, uint64_t number)
{
    char id[VIEW_OFFER_ID_BYTES];
    size_t at = sizeof(id);

    do {
        id[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    id[--at] = 'o';
    return put_text_of(to, id + at, sizeof(id) - at);
}

void view_offer_id(struct packer *p, uint64_t number)
{
    packer_written(p,
                   view_put_offer_id(packer_want(p, PUT_HEAD_MAX + VIEW_OFFER_ID_BYTES), number));
}

uint64_t view_offer_number(struct text id)
{
    uint64_t number = 0;

    if (id.length < 2 || id.length > 17 || id.bytes[0] != 'o' || id.bytes[1] == '0') {
        return 0;
    }
    for (uint32_t i = 1; i < id.length; i++) {
        if (id.bytes[i] < '0' || id.bytes[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(id.bytes[i] - '0');
    }
    return number;
}

/* ---- what contacts, live and ended, have in common ---- */

static uint32_t view_classes(struct packer *p, const struct view *v, queue_index queue,
                             tier_index tier, issue_index issue, language_index language)
{
    uint32_t pairs = 0;

    if (queue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "queue", v->settings->queues[queue].name);
    }
    if (tier != INDEX_NONE8) {
        pairs += VIEW_TEXT(p, "tier", v->settings->tiers[tier].name);
    }
    if (issue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "issue", v->settings->issues[issue].name);
    }
    if (language != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "language", v->settings->languages[language]);
    }
    return pairs;
}

static struct text view_channel(const struct view *v, channel_index channel)
{
    return channel == INDEX_NONE8 ? TEXT_NONE : v->settings->channels[channel].name;
}

/* The first of them, and all together. */
#define VIEW_DUE_PAIRS (2 + PROMISE_COUNT)

static inline void view_put_due(struct pairs *w, const engine_time due[PROMISE_COUNT])
{
    struct pairs map;

    if (due[PROMISE_ANSWER] != TIME_NEVER) {
        PAIRS_INT(w, "deadline_at", due[PROMISE_ANSWER]);
    }
    PAIRS_KEY(w, "due");
    map = (struct pairs){w->at + 1, 0};
    if (due[PROMISE_ANSWER] != TIME_NEVER) {
        PAIRS_INT(&map, "answer", due[PROMISE_ANSWER]);
    }
    if (due[PROMISE_PROGRESS] != TIME_NEVER) {
        PAIRS_INT(&map, "progress", due[PROMISE_PROGRESS]);
    }
    if (due[PROMISE_RESOLVE] != TIME_NEVER) {
        PAIRS_INT(&map, "resolve", due[PROMISE_RESOLVE]);
    }
    put_map(w->at, map.count);
    w->at = map.at;
}

static inline void view_put_contact_due(struct pairs *w, const struct contact *c)
{
    engine_time due[PROMISE_COUNT];

    for (int i = 0; i < PROMISE_COUNT; i++) {
        due[i] = contact_due(c, (enum promise)i);
    }
    view_put_due(w, due);
}

/* ---- what contacts with the same terms have in common ---- */

/* Terms that were written so often are worth a few bytes that they are written with from then. */
#define VIEW_TERMS_OFTEN 8

/* The pairs of the classes, and behind them those of `why`. */
struct view_terms {
    uint32_t classes_pairs, why_pairs;
    uint32_t classes_size, why_size;
    uint8_t bytes[];
};

static uint32_t view_terms_classes(struct packer *p, const struct view *v, const struct terms *t)
{
    return view_classes(p, v, t->queue, t->tier, t->issue, t->language);
}

static uint32_t view_terms_why(struct packer *p, const struct terms *t)
{
    uint32_t pairs = VIEW_TEXT(p, "tier", t->why_tier);

    pairs += VIEW_TEXT(p, "issue", t->why_issue);
    pairs += VIEW_TEXT(p, "queue", t->why_queue);
    pairs += VIEW_TEXT(p, "language", t->why_language);
    return pairs;
}

static const struct view_terms *view_terms_make(const struct view *v, const struct terms *t)
{
    struct view_terms head = {0}, *made;
    struct packer p = {0};

    head.classes_pairs = view_terms_classes(&p, v, t);
    head.classes_size = (uint32_t)p.size;
    head.why_pairs = view_terms_why(&p, t);
    head.why_size = (uint32_t)p.size - head.classes_size;
    made = memory_take(sizeof(*made) + p.size);
    *made = head;
    bytes_copy(made->bytes, p.bytes, p.size);
    packer_close(&p);
    terms_show(t, made);
    return made;
}

/* NULL where few contacts had them yet: these are written each time. */
static inline const struct view_terms *view_terms_of(const struct view *v, const struct terms *t)
{
    return t->shown != NULL                  ? t->shown
           : terms_ask(t) > VIEW_TERMS_OFTEN ? view_terms_make(v, t)
                                             : NULL;
}

/* What those two parts take in a record. */
static inline size_t view_terms_room(const struct view_terms *shown)
{
    return shown == NULL ? 0 : (size_t)shown->classes_size + shown->why_size;
}

/* Pairs that are not made yet are written by the packer, which may move; then the room is made
 * again. */
static struct pairs view_make_classes(struct packer *p, struct pairs w, size_t room,
                                      const struct view *v, const struct terms *t)
{
    packer_written(p, w.at);
    w.count += view_terms_classes(p, v, t);
    w.at = packer_want(p, room);
    return w;
}

static inline struct pairs view_put_classes(struct packer *p, struct pairs w, size_t room,
                                            const struct view *v, const struct contact *c,
                                            const struct view_terms *shown)
{
    if (shown == NULL) {
        return view_make_classes(p, w, room, v, contact_terms(c));
    }
    bytes_copy(w.at, shown->bytes, shown->classes_size);
    w.at += shown->classes_size;
    w.count += shown->classes_pairs;
    return w;
}

static struct pairs view_make_why(struct packer *p, struct pairs w, size_t room,
                                  const struct terms *t, struct text agent)
{
    size_t map;
    uint32_t pairs;

    packer_written(p, w.at);
    map = packer_short_map_open(p);
    pairs = view_terms_why(p, t);
    pairs += VIEW_TEXT(p, "agent", agent);
    packer_short_map_close(p, map, pairs);
    w.at = packer_want(p, room);
    return w;
}

static inline struct pairs view_put_why(struct packer *p, struct pairs w, size_t room,
                                        const struct contact *c, const struct view_terms *shown,
                                        struct text agent)
{
    struct pairs map;

    PAIRS_KEY(&w, "why");
    if (shown == NULL) {
        return view_make_why(p, w, room, contact_terms(c), agent);
    }
    map = (struct pairs){w.at + 1 + shown->why_size, shown->why_pairs};
    bytes_copy(w.at + 1, shown->bytes + shown->classes_size, shown->why_size);
    PAIRS_TEXT(&map, "agent", agent);
    put_map(w.at, map.count);
    w.at = map.at;
    return w;
}

/* ---- contacts ---- */

uint32_t view_contact(struct packer *p, const struct view *v, const struct contact *c)
{
    const struct view_terms *shown = view_terms_of(v, contact_terms(c));
    struct text id = contact_id(c), state = contact_state_word(c->state);
    struct text agent = contact_why_agent(c);
    bool waiting = c->state == CONTACT_WAITING;
    size_t position = waiting ? engine_position(v->engine, c) : 0;
    duration_ms estimate = waiting ? engine_estimated_wait(v->engine, c, position) : DURATION_NONE;
    size_t room = PAIRS_ROOM(6 + VIEW_DUE_PAIRS) + view_terms_room(shown) + id.length +
                  state.length + agent.length;
    struct pairs w = pairs_begin(p, room);

    PAIRS_TEXT(&w, "contact", id);
    PAIRS_TEXT(&w, "state", state);
    w = view_put_classes(p, w, room, v, c, shown);
    view_put_contact_due(&w, c);
    if (position > 0) {
        PAIRS_UINT(&w, "position", position);
    }
    PAIRS_KEY(&w, "estimated_wait_ms");
    w.at = estimate < 0 ? put_nil(w.at) : put_uint(w.at, (uint64_t)estimate);
    w = view_put_why(p, w, room, c, shown, agent);
    return pairs_end(p, &w);
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

    pairs += VIEW_TEXT(p, "channel", view_channel(v, contact_terms(c)->channel));
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
    struct pairs w;

    tombstone_due(t, due);
    pairs += VIEW_TEXT(p, "state", contact_state_word((enum contact_state)t->state));
    pairs += view_classes(p, v, t->queue, t->tier, t->issue, t->language);
    w = pairs_begin(p, PAIRS_ROOM(VIEW_DUE_PAIRS));
    view_put_due(&w, due);
    pairs += pairs_end(p, &w);
    pairs += VIEW_TEXT(p, "reason", tombstone_reason(t));
    return pairs;
}

uint32_t view_tombstone_row(struct packer *p, const struct view *v, const struct tombstone *t)
{
    uint32_t pairs = view_tombstone(p, v, t);

    pairs += VIEW_TEXT(p, "channel", view_channel(v, t->channel));
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

/* ---- offers ---- */

static struct pairs view_put_from(struct packer *p, struct pairs w, size_t room,
                                  const struct view *v, const struct contact *c)
{
    const struct contact_extras *x = contact_extras(c);
    size_t map;
    uint32_t pairs;

    PAIRS_KEY(&w, "from");
    packer_written(p, w.at);
    map = packer_short_map_open(p);
    pairs = VIEW_TEXT(p, "agent", x->from_agent->id);
    if (x->from_queue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "queue", v->settings->queues[x->from_queue].name);
    }
    pairs += VIEW_TEXT(p, "reason", contact_body(c).from_reason);
    packer_short_map_close(p, map, pairs);
    w.at = packer_want(p, room);
    return w;
}

static inline void view_put_customer(struct pairs *w, const struct contact_body *b)
{
    struct pairs map;

    if (text_is_none(b->customer) && b->customer_attributes.length == 0) {
        return;
    }
    PAIRS_KEY(w, "customer");
    map = (struct pairs){w->at + 1, 0};
    PAIRS_TEXT(&map, "id", b->customer);
    PAIRS_RAW(&map, "attributes", b->customer_attributes.bytes, b->customer_attributes.length);
    put_map(w->at, map.count);
    w->at = map.at;
}

/* The pairs of an offer, and all that they hold; of `from` the key alone. */
static inline size_t view_offer_room(const struct contact_body *b, struct text id,
                                     struct text channel, struct text agent)
{
    return PAIRS_ROOM(19 + VIEW_DUE_PAIRS) + VIEW_OFFER_ID_BYTES + id.length + channel.length +
           b->customer.length + b->customer_attributes.length + b->subject.length + b->text.length +
           b->attributes.length + b->payload.length + b->note.length + agent.length;
}

uint32_t view_offer(struct packer *p, const struct view *v, const struct offer *o)
{
    const struct contact *c = o->contact;
    const struct contact_extras *x = contact_extras(c);
    const struct view_terms *shown = view_terms_of(v, contact_terms(c));
    const struct contact_body b = contact_body(c);
    struct text id = contact_id(c), channel = view_channel(v, o->channel);
    struct text agent = contact_why_agent(c);
    engine_time start = contact_start_at(c);
    size_t room = view_offer_room(&b, id, channel, agent) + view_terms_room(shown);
    struct pairs w = pairs_begin(p, room);

    PAIRS_KEY(&w, "offer");
    w.at = view_put_offer_id(w.at, o->number);
    PAIRS_TEXT(&w, "contact", id);
    PAIRS_TEXT(&w, "channel", channel);
    w = view_put_classes(p, w, room, v, c, shown);
    view_put_customer(&w, &b);
    PAIRS_TEXT(&w, "subject", b.subject);
    PAIRS_TEXT(&w, "text", b.text);
    PAIRS_RAW(&w, "attributes", b.attributes.bytes, b.attributes.length);
    if (!text_is_none(b.payload)) {
        PAIRS_KEY(&w, "payload");
        w.at = put_bin(w.at, b.payload.bytes, b.payload.length);
    }
    PAIRS_INT(&w, "submitted_at", c->created_at);
    PAIRS_INT(&w, "waited_ms", o->made_at > start ? o->made_at - start : 0);
    view_put_contact_due(&w, c);
    if (o->state <= OFFER_SHOWN && o->until != TIME_NEVER) {
        PAIRS_INT(&w, "expires_ms", o->until > v->now ? o->until - v->now : 0);
    }
    PAIRS_UINT(&w, "attempt", x->attempts);
    PAIRS_UINT(&w, "visits", x->visits);
    PAIRS_TEXT(&w, "note", b.note);
    if (x->from_agent != NULL) {
        w = view_put_from(p, w, room, v, c);
    }
    w = view_put_why(p, w, room, c, shown, agent);
    return pairs_end(p, &w);
}

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

/* ---- agents ---- */

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
