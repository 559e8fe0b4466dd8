/* Contacts as the walk over the durable state sees them, while they live and when they have ended.
 */
#include "queue/visit_field.h"

static void visit_cool_downs(struct visitor *v, struct contact *c)
{
    struct engine *e = v->engine;
    const struct list *cool_downs = &contact_extras(c)->cool_downs;
    uint32_t count = 0;
    struct list_node *n;
    /* A record of a checkpoint is as of its beginning, whenever it is written. */
    engine_time as_of = v->mode == VISIT_SAVE ? e->checkpoint_at : e->last_at;

    /* One that has ended says nothing any more, whether it was swept or not. */
    for (n = list_first(cool_downs); n != NULL; n = list_next(cool_downs, n)) {
        count += record_of(n, struct cool_down, of_contact)->until > as_of;
    }
    count = visit_count(v, count, 12);
    n = list_first(cool_downs);
    for (uint32_t i = 0; i < count && !v->bad; i++) {
        struct agent *a = NULL;
        int64_t until = 0;
        if (v->mode != VISIT_LOAD) {
            while (record_of(n, struct cool_down, of_contact)->until <= as_of) {
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
VISIT_FIELD uint32_t field_history(struct visitor *v, struct history_entry history[HISTORY_KEPT],
                                   uint32_t count)
{
    count = field_count(v, count, ENTRY_BYTES_LEAST);
    if (v->bad || count > HISTORY_KEPT) {
        v->bad = true;
        return 0;
    }
    if (v->mode == VISIT_LOAD) {
        memset(history, 0, count * sizeof(history[0]));
    }
    for (uint32_t i = 0; i < count; i++) {
        struct history_entry *h = &history[i];
        field_u64(v, &h->seq);
        field_i64(v, &h->at);
        field_u8(v, &h->kind);
        field_u16(v, &h->queue);
        field_agent_ref(v, &h->agent);
        field_text(v, &h->reason);
        field_text(v, &h->actor);
        v->bad = v->bad || h->kind >= FACT_KIND_COUNT || h->queue >= v->engine->queue_count;
    }
    return count;
}

static uint32_t visit_history(struct visitor *v, struct history_entry history[HISTORY_KEPT],
                              uint32_t count)
{
    return field_history(v, history, count);
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
VISIT_FIELD void field_classes(struct visitor *v, uint16_t *queue, uint8_t *tier, uint8_t *channel,
                               uint16_t *issue, uint16_t *language)
{
    const struct settings *s = v->engine->settings;

    field_u16(v, queue);
    field_u8(v, tier);
    field_u8(v, channel);
    field_u16(v, issue);
    field_u16(v, language);
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
    bool keeps_place;

    if (v->mode != VISIT_LOAD) {
        contact_visit_init(&x, c);
        if (v->mode == VISIT_SAVE) {
            x.lost_since = owner_lost_as_of_checkpoint(v->engine, contact_owner(c));
        }
    } else {
        memset(&x, 0, sizeof(x));
    }
    keeps_place = x.terms.keeps_place != 0;
    visit_text(v, &x.id);
    visit_u64(v, &c->place.minor);
    visit_u8(v, &x.state);
    field_classes(v, &x.terms.queue, &x.terms.tier, &x.terms.channel, &x.terms.issue,
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
    visit_bool(v, &keeps_place);
    x.terms.keeps_place = keeps_place;
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

/* ---- ended ones ---- */

/* What a tombstone says, with its story. */
VISIT_FIELD void field_ending(struct visitor *v, struct ending *x, struct text *owner,
                              struct history_entry history[HISTORY_KEPT], uint32_t *count)
{
    field_text(v, &x->id);
    field_text(v, &x->customer);
    field_text(v, &x->disposition);
    for (int p = 0; p < PROMISE_COUNT; p++) {
        field_i64(v, &x->times[TOMBSTONE_DUE + p]);
    }
    field_u64(v, &x->number);
    field_u64(v, &x->seq);
    field_i64(v, &x->times[TOMBSTONE_CREATED]);
    field_i64(v, &x->times[TOMBSTONE_START]);
    field_i64(v, &x->ended_at);
    field_text(v, owner);
    field_text(v, &x->reason);
    field_agent_ref(v, &x->agent);
    field_classes(v, &x->queue, &x->tier, &x->channel, &x->issue, &x->language);
    field_u8(v, &x->state);
    field_u8(v, &x->rating);
    field_u8(v, &x->overdue);
    *count = field_history(v, history, *count);
}

/* The walk for one mode. */
VISIT_FIELD void visit_ending_in(struct visitor *v, enum visit_mode mode, struct ending *x,
                                 struct text *owner, struct history_entry history[HISTORY_KEPT],
                                 uint32_t *count)
{
    struct visitor own = *v;

    assert(v->mode == mode);
    own.mode = mode;
    field_ending(&own, x, owner, history, count);
    *v = own;
}

void visit_tombstone(struct visitor *v, const struct tombstone *t)
{
    struct history_entry story[HISTORY_KEPT];
    uint32_t count = engine_story(v->engine, t, story);
    struct ending x;

    tombstone_read(t, &x);
    if (v->mode == VISIT_SAVE) {
        visit_ending_in(v, VISIT_SAVE, &x, &x.owner->name, story, &count);
    } else {
        visit_ending_in(v, VISIT_DIGEST, &x, &x.owner->name, story, &count);
    }
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

    visit_ending_in(v, VISIT_LOAD, &x, &owner, history, &count);
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
