/* Facts about contacts, and the life cycle's table. */
#include "queue/state.h"

/* Everything that may happen to a contact. `to` CONTACT_STATE_COUNT: the state stays. */
static const struct contact_move {
    enum contact_state from;
    enum fact_kind by;
    enum contact_state to;
} contact_moves[] = {
    {CONTACT_SCHEDULED, FACT_CONTACT_WOKEN, CONTACT_WAITING},
    {CONTACT_SCHEDULED, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT},
    {CONTACT_SCHEDULED, FACT_CONTACT_MOVED, CONTACT_STATE_COUNT},
    {CONTACT_SCHEDULED, FACT_CONTACT_CANCELLED, CONTACT_CANCELLED},
    {CONTACT_WAITING, FACT_CONTACT_OFFERED, CONTACT_OFFERED},
    {CONTACT_WAITING, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT},
    {CONTACT_WAITING, FACT_CONTACT_MOVED, CONTACT_STATE_COUNT},
    {CONTACT_WAITING, FACT_CONTACT_ESCALATED, CONTACT_STATE_COUNT},
    {CONTACT_WAITING, FACT_CONTACT_OPENED, CONTACT_STATE_COUNT},
    {CONTACT_WAITING, FACT_CONTACT_CANCELLED, CONTACT_CANCELLED},
    {CONTACT_WAITING, FACT_CONTACT_EXPIRED, CONTACT_EXPIRED},
    {CONTACT_OFFERED, FACT_OFFER_RECEIVED, CONTACT_STATE_COUNT},
    {CONTACT_OFFERED, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT},
    {CONTACT_OFFERED, FACT_OFFER_ACCEPTED, CONTACT_ACTIVE},
    {CONTACT_OFFERED, FACT_OFFER_DECLINED, CONTACT_WAITING},
    {CONTACT_OFFERED, FACT_OFFER_TIMED_OUT, CONTACT_WAITING},
    {CONTACT_OFFERED, FACT_OFFER_WITHDRAWN, CONTACT_WAITING},
    {CONTACT_ACTIVE, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT},
    {CONTACT_ACTIVE, FACT_WRAP_UP_STARTED, CONTACT_WRAPPING},
    {CONTACT_ACTIVE, FACT_CONTACT_COMPLETED, CONTACT_COMPLETED},
    {CONTACT_ACTIVE, FACT_CONTACT_TRANSFERRED, CONTACT_WAITING},
    {CONTACT_ACTIVE, FACT_CONTACT_REQUEUED, CONTACT_WAITING}, /* or scheduled, when for later */
    {CONTACT_WRAPPING, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT},
    {CONTACT_WRAPPING, FACT_CONTACT_RATED, CONTACT_STATE_COUNT},
    {CONTACT_WRAPPING, FACT_CONTACT_COMPLETED, CONTACT_COMPLETED},
};

static bool is_promise(enum fact_kind by)
{
    return by == FACT_CONTACT_AT_RISK || by == FACT_CONTACT_OVERDUE || by == FACT_PROMISE_KEPT;
}

bool contact_may(const struct contact *c, enum fact_kind by)
{
    if (is_promise(by)) {
        return c->state < CONTACT_LIVE_STATES;
    }
    for (size_t i = 0; i < sizeof(contact_moves) / sizeof(contact_moves[0]); i++) {
        if (contact_moves[i].from == c->state && contact_moves[i].by == by) {
            return true;
        }
    }
    return false;
}

/* ---- the body: one block of memory behind the id ---- */

#define BODY_TEXTS(EACH)                                                                           \
    EACH(customer)                                                                                 \
    EACH(subject)                                                                                  \
    EACH(text)                                                                                     \
    EACH(payload)                                                                                  \
    EACH(parent)                                                                                   \
    EACH(reopens)                                                                                  \
    EACH(why_tier)                                                                                 \
    EACH(why_issue)                                                                                \
    EACH(why_queue)                                                                                \
    EACH(why_language)                                                                             \
    EACH(note)                                                                                     \
    EACH(from_reason)                                                                              \
    EACH(disposition)                                                                              \
    EACH(end_reason)

static char *put(char *at, const void *bytes, uint32_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

/* Copies id and body into one new block; what they pointed at before may be the old one. */
void contact_set_body(struct contact *c, struct text id, const struct contact_body *body)
{
    size_t size = id.length + 1u + body->customer_attributes.length + body->attributes.length;
    struct contact_body copy;
    char *block;
    char *at;

#define SIZE(name) size += body->name.length;
    BODY_TEXTS(SIZE)
#undef SIZE
    block = memory_take(size);
    at = put(block, id.bytes, id.length);
#define COPY(name)                                                                                 \
    copy.name = (struct text){body->name.bytes == NULL ? NULL : at, body->name.length};            \
    if (body->name.length > 0) {                                                                   \
        at = put(at, body->name.bytes, body->name.length);                                         \
    }
    BODY_TEXTS(COPY)
#undef COPY
    copy.customer_attributes = (struct raw){(const uint8_t *)at, body->customer_attributes.length};
    if (body->customer_attributes.length > 0) {
        at = put(at, body->customer_attributes.bytes, body->customer_attributes.length);
    }
    copy.attributes = (struct raw){(const uint8_t *)at, body->attributes.length};
    if (body->attributes.length > 0) {
        put(at, body->attributes.bytes, body->attributes.length);
    }
    memory_give((void *)(uintptr_t)c->id.bytes);
    c->id = (struct text){block, id.length};
    c->body = copy;
}

/* ---- history ---- */

#define HISTORY_FIRST 4

void history_keep(struct engine *e, struct history_entry **history, uint16_t *count, uint16_t *room,
                  const struct history_entry *entry)
{
    struct history_entry *h = *history;

    if (h == NULL) {
        h = pool_take(&e->history_pool);
        *room = HISTORY_FIRST;
    } else if (*count == *room && *room < HISTORY_KEPT) {
        uint16_t larger = (uint16_t)(*room * 2);
        struct history_entry *copy = memory_take(larger * sizeof(*copy));
        memcpy(copy, h, *count * sizeof(*h));
        if (*room == HISTORY_FIRST) {
            pool_give(&e->history_pool, h);
        } else {
            memory_give(h);
        }
        h = copy;
        *room = larger;
    } else if (*count == HISTORY_KEPT) {
        text_discard(h[0].reason);
        text_discard(h[0].actor);
        memmove(h, h + 1, (HISTORY_KEPT - 1) * sizeof(*h));
        --*count;
    }
    *history = h;
    h[(*count)++] = *entry;
}

void history_discard(struct engine *e, struct history_entry *history, uint16_t count, uint16_t room)
{
    for (uint32_t i = 0; i < count; i++) {
        text_discard(history[i].reason);
        text_discard(history[i].actor);
    }
    if (history != NULL && room == HISTORY_FIRST) {
        pool_give(&e->history_pool, history);
    } else {
        memory_give(history);
    }
}

static void remember(struct engine *e, struct contact *c, const struct fact *f, struct agent *agent,
                     struct text reason, struct text actor)
{
    struct history_entry entry = {.seq = f->seq,
                                  .at = f->at,
                                  .kind = (uint8_t)f->kind,
                                  .queue = c->queue,
                                  .agent = agent,
                                  .reason = text_duplicate(reason),
                                  .actor = text_duplicate(actor)};
    history_keep(e, &c->history, &c->history_count, &c->history_room, &entry);
}

/* ---- clocks ---- */

static engine_time earlier(engine_time a, engine_time b)
{
    return a < b ? a : b;
}

static engine_time promise_clock(const struct engine *e, const struct contact *c)
{
    engine_time next = TIME_NEVER;

    for (int p = 0; p < PROMISE_COUNT; p++) {
        engine_time due = c->due[p];
        if (due == TIME_NEVER || ((c->kept | c->overdue) >> p & 1) != 0) {
            continue;
        }
        if (e->settings->at_risk != DURATION_NONE && (c->at_risk >> p & 1) == 0) {
            due -= e->settings->at_risk;
        }
        next = earlier(next, due);
    }
    return next;
}

/* The first clock of a contact to run out; cool-downs that ended by `after` count no more. */
engine_time contact_next_clock(const struct engine *e, const struct contact *c, engine_time after)
{
    engine_time next = TIME_NEVER;

    if (c->state >= CONTACT_WRAPPING) {
        return TIME_NEVER;
    }
    if (c->lost != DURATION_NONE && c->owner->lost_since != TIME_NEVER) {
        next = earlier(next, c->owner->lost_since + c->lost);
    }
    if (c->state == CONTACT_SCHEDULED) {
        return earlier(next, c->not_before_at);
    }
    next = earlier(next, promise_clock(e, c));
    if (c->state == CONTACT_ACTIVE) {
        return next;
    }
    next = earlier(next, c->expires_at);
    if (c->state == CONTACT_WAITING) {
        next = earlier(next, c->hold_until);
        for (struct list_node *n = list_first(&c->cool_downs); n != NULL;
             n = list_next(&c->cool_downs, n)) {
            engine_time until = record_of(n, struct cool_down, of_contact)->until;
            if (until > after) {
                next = earlier(next, until);
            }
        }
    }
    return next;
}

void contact_arm(struct engine *e, struct contact *c)
{
    timer_wheel_arm(&e->clocks, &c->timer, contact_next_clock(e, c, e->now),
                    CLOCK_ORDER(CLOCK_CONTACT, c->number));
}

/* ---- cool-downs ---- */

void cool_down_end(struct engine *e, struct cool_down *d)
{
    list_remove(&d->of_contact);
    list_remove(&d->of_agent);
    pool_give(&e->cool_down_pool, d);
}

static void cool_down(struct engine *e, struct contact *c, struct agent *a, engine_time until)
{
    struct list_node *n = list_first(&c->cool_downs);

    /* What has ended is swept here, so that the list stays as long as what runs. */
    while (n != NULL) {
        struct cool_down *d = record_of(n, struct cool_down, of_contact);
        n = list_next(&c->cool_downs, n);
        if (d->until <= e->now || d->agent == a) {
            cool_down_end(e, d);
        }
    }
    if (until != TIME_NEVER) {
        struct cool_down *d = pool_take(&e->cool_down_pool);
        d->contact = c;
        d->agent = a;
        d->until = until;
        list_append(&c->cool_downs, &d->of_contact);
        list_append(&a->cool_downs, &d->of_agent);
    }
}

static void cool_downs_clear(struct engine *e, struct contact *c)
{
    struct list_node *n;

    while ((n = list_first(&c->cool_downs)) != NULL) {
        cool_down_end(e, record_of(n, struct cool_down, of_contact));
    }
}

/* ---- states ---- */

static void leave_line(struct engine *e, struct contact *c)
{
    if (c->state == CONTACT_WAITING) {
        skill_queue_remove(e, c);
    }
}

/* The only place that writes contact->state: state, counts and line change together. The contact's
 * old line has been left. */
static void enter(struct engine *e, struct contact *c, enum contact_state to)
{
    struct skill_queue *q = &e->queues[c->queue];

    e->live[c->state]--;
    q->count[c->state]--;
    c->state = to;
    c->state_since = e->now;
    if (to < CONTACT_LIVE_STATES) {
        e->live[to]++;
        q->count[to]++;
    }
    if (to == CONTACT_WAITING) {
        if (q->count[CONTACT_WAITING] == 1) {
            pace_waiting_began(&q->pace, e->now);
        }
        skill_queue_push(e, c);
    }
}

static void change_queue(struct engine *e, struct contact *c, queue_index to)
{
    e->queues[c->queue].count[c->state]--;
    c->queue = to;
    e->queues[to].count[c->state]++;
    c->visits++;
    c->visit_since = e->now;
    c->attempts = 0;
    c->answered_in_visit = false;
    series_now(e, e->queues[to].series)->submitted++;
}

static void set_own_skills(struct engine *e, struct contact *c, struct skill_list skills)
{
    requirement_release(&e->skills, c->own_skills);
    c->own_skills = requirement_take(&e->skills, skills);
}

/* ---- new contacts ---- */

static void apply_new(struct engine *e, const struct fact *f)
{
    const struct fact_NEW_CONTACT *n = &f->new_contact;
    struct contact *c = pool_take(&e->contact_pool);
    struct tombstone *old = engine_find_tombstone(e, f->subject);
    struct contact_body body = {
        .customer = n->customer,
        .subject = n->subject,
        .text = n->text,
        .payload = n->payload,
        .customer_attributes = n->customer_attributes,
        .attributes = n->attributes,
        .parent = n->parent,
        .reopens = n->reopens,
        .why_tier = n->why_tier,
        .why_issue = n->why_issue,
        .why_queue = n->why_queue,
        .why_language = n->why_language,
    };

    if (old != NULL) {
        tombstone_forget(e, old); /* its time is over: step saw to that */
    }
    contact_set_body(c, f->subject, &body);
    c->number = n->number;
    e->next_contact = n->number + 1;
    c->channel = n->channel;
    c->queue = n->queue;
    c->tier = n->tier;
    c->issue = n->issue;
    c->language = n->language;
    c->owner = owner_intern(e, n->owner);
    c->owner->contact_count++;
    c->owner->watchful += n->lost != DURATION_NONE;
    list_append(&c->owner->contacts, &c->of_owner);
    list_append(&e->arrival, &c->in_arrival);
    list_init(&c->cool_downs);
    id_map_insert(&e->contacts, c);
    c->own_skills = requirement_take(&e->skills, n->skills);
    c->preferred = n->preferred;
    c->hold_until = n->hold_until;
    c->boost = n->boost == DURATION_NONE ? 0 : n->boost;
    c->created_at = f->at;
    c->start_at = n->start_at;
    c->visit_since = n->start_at;
    c->not_before_at = n->not_before_at;
    c->keeps_place = n->keeps_place;
    c->expires_at = n->expires_at;
    c->expires = n->expires;
    c->lost = n->lost;
    c->due[PROMISE_ANSWER] = n->answer_at;
    c->due[PROMISE_PROGRESS] = n->progress_at;
    c->due[PROMISE_RESOLVE] = n->resolve_at;
    c->repeat = n->reopens.length > 0;
    c->from_queue = INDEX_NONE16;
    c->visits = 1;
    c->config_version = n->config_version;
    c->state = f->kind == FACT_CONTACT_SCHEDULED ? CONTACT_SCHEDULED : CONTACT_WAITING;
    e->live[c->state]++;
    e->queues[c->queue].count[c->state]++;
    checkpoint_skip_contact(e, c);
    TALLY_EACH(e, c, NULL, tally->submitted++);
    enter(e, c, c->state);
    contact_arm(e, c);
    remember(e, c, f, NULL, TEXT_NONE, n->actor);
}

/* ---- updates ---- */

static void apply_updated(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_CONTACT_UPDATED *u = &f->updated;
    struct contact_body body = c->body;
    bool waits = c->state == CONTACT_WAITING;

    leave_line(e, c);
    if (u->queue != INDEX_NONE16 && u->queue != c->queue) {
        change_queue(e, c, u->queue);
    }
    c->tier = u->tier != INDEX_NONE8 ? u->tier : c->tier;
    c->issue = u->issue != INDEX_NONE16 ? u->issue : c->issue;
    c->language = u->language != INDEX_NONE16 ? u->language : c->language;
    if (u->skills_given) {
        set_own_skills(e, c, u->skills);
    }
    c->boost = u->boost != DURATION_NONE ? u->boost : c->boost;
    c->not_before_at = u->not_before_at != TIME_NEVER ? u->not_before_at : c->not_before_at;
    c->due[PROMISE_ANSWER] = u->answer_at != TIME_NEVER ? u->answer_at : c->due[PROMISE_ANSWER];
    c->due[PROMISE_PROGRESS] =
        u->progress_at != TIME_NEVER ? u->progress_at : c->due[PROMISE_PROGRESS];
    c->due[PROMISE_RESOLVE] = u->resolve_at != TIME_NEVER ? u->resolve_at : c->due[PROMISE_RESOLVE];
#define REPLACE(name)                                                                              \
    if (u->name.bytes != NULL) {                                                                   \
        body.name = u->name;                                                                       \
    }
    REPLACE(customer)
    REPLACE(customer_attributes)
    REPLACE(attributes)
    REPLACE(subject)
    REPLACE(text)
    REPLACE(payload)
    REPLACE(why_tier)
    REPLACE(why_issue)
    REPLACE(why_queue)
    REPLACE(why_language)
#undef REPLACE
    contact_set_body(c, c->id, &body);
    if (waits) {
        skill_queue_push(e, c);
    }
    contact_arm(e, c);
    remember(e, c, f, NULL, TEXT_NONE, u->actor);
}

static void apply_moved(struct engine *e, struct contact *c, const struct fact *f)
{
    bool waits = c->state == CONTACT_WAITING;

    leave_line(e, c);
    change_queue(e, c, f->moved.queue);
    cool_downs_clear(e, c); /* other people there */
    c->hold_until = TIME_NEVER;
    if (waits) {
        skill_queue_push(e, c);
    }
    contact_arm(e, c);
    remember(e, c, f, NULL, f->moved.reason, f->moved.actor);
}

static void apply_woken(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_CONTACT_WOKEN *w = &f->woken;

    c->start_at = w->start_at;
    c->visit_since = w->start_at;
    c->expires_at = w->expires_at;
    c->due[PROMISE_ANSWER] = w->answer_at;
    c->due[PROMISE_PROGRESS] = w->progress_at;
    c->due[PROMISE_RESOLVE] = w->resolve_at;
    c->hold_until = w->hold_until;
    c->not_before_at = TIME_NEVER;
    enter(e, c, CONTACT_WAITING);
    contact_arm(e, c);
    remember(e, c, f, NULL, TEXT_NONE, TEXT_NONE);
}

static void apply_opened(struct engine *e, struct contact *c, const struct fact *f)
{
    leave_line(e, c);
    c->hold_until = TIME_NEVER;
    skill_queue_push(e, c);
    contact_arm(e, c);
    remember(e, c, f, NULL, TEXT_NONE, TEXT_NONE);
}

/* ---- offers ---- */

static void apply_offered(struct engine *e, struct contact *c, const struct fact *f)
{
    struct agent *a = f->offered.agent;
    struct offer *o;

    leave_line(e, c);
    o = offer_create(e, f->offered.offer, c, a);
    o->named = f->offered.named;
    c->offer = o;
    c->why_agent = word_keep(f->offered.why);
    e->next_offer = f->offered.offer + 1;
    offer_enter(e, o, f->offered.shown ? OFFER_SHOWN : OFFER_SENT, f->offered.until);
    c->attempts++;
    a->offered_at_touch = ++e->touch;
    if (text_equal(f->offered.why, TEXT("fewest_contacts")) && a->fair_key > e->fair_floor) {
        e->fair_floor = a->fair_key;
    }
    agent_refresh(e, a);
    enter(e, c, CONTACT_OFFERED);
    contact_arm(e, c);
    remember(e, c, f, a, c->why_agent, TEXT_NONE);
}

static bool answered_in_time(const struct engine *e, const struct contact *c)
{
    duration_ms target;

    if (!c->ever_answered) {
        return c->due[PROMISE_ANSWER] == TIME_NEVER || e->now <= c->due[PROMISE_ANSWER];
    }
    target = settings_targets(e->settings, c->queue, c->tier, c->issue).answer;
    return target == DURATION_NONE || e->now <= c->visit_since + target;
}

static void apply_accepted(struct engine *e, struct contact *c, const struct fact *f)
{
    struct offer *o = c->offer;
    struct agent *a = o->agent;
    struct skill_queue *q = &e->queues[c->queue];

    pace_accepted(&q->pace, e->now, o->made_at, q->count[CONTACT_WAITING] > 0);
    if (!c->answered_in_visit) {
        uint64_t wait = (uint64_t)(e->now > c->visit_since ? e->now - c->visit_since : 0);
        uint64_t in_time = answered_in_time(e, c);
        TALLY_EACH(
            e, c, a,
            (tally->answered++, tally->answered_in_time += in_time, tally->wait_sum += wait));
    }
    c->answered_in_visit = true;
    c->ever_answered = true;
    c->kept |= 1u << PROMISE_ANSWER;
    c->last_agent = a;
    o->accepted_at = e->now;
    a->misses = 0;
    if ((e->idle_orders_used >> IDLE_FEWEST & 1) != 0) {
        agent_accepted(e, a);
    }
    offer_enter(e, o, OFFER_ACTIVE, TIME_NEVER);
    agent_refresh(e, a);
    enter(e, c, CONTACT_ACTIVE);
    cool_downs_clear(e, c);
    contact_arm(e, c);
    remember(e, c, f, a, TEXT_NONE, TEXT_NONE);
}

static enum offer_end end_of(const struct fact *f)
{
    if (f->kind == FACT_OFFER_DECLINED) {
        return OFFER_END_DECLINED;
    }
    if (f->kind == FACT_OFFER_TIMED_OUT) {
        return OFFER_END_TIMED_OUT;
    }
    for (int how = 0; how < OFFER_END_COUNT; how++) {
        if (text_equal(offer_end_word((enum offer_end)how), f->offer_ended.reason)) {
            return (enum offer_end)how;
        }
    }
    return OFFER_END_MOVED;
}

static void apply_offer_ended(struct engine *e, struct contact *c, const struct fact *f)
{
    struct agent *a = c->offer->agent;

    if (f->kind == FACT_OFFER_TIMED_OUT) {
        a->misses = (uint32_t)f->offer_ended.misses;
    } else if (f->kind == FACT_OFFER_DECLINED) {
        a->misses = 0; /* it is there, and says no */
    } else {
        c->attempts--; /* withdrawn is nobody's attempt */
    }
    offer_remove(e, c->offer, end_of(f));
    c->hold_until = TIME_NEVER; /* who was waited for has had its turn */
    cool_down(e, c, a, f->offer_ended.cool_until);
    enter(e, c, CONTACT_WAITING);
    contact_arm(e, c);
    remember(e, c, f, a, f->offer_ended.reason, TEXT_NONE);
}

/* ---- the work and its end ---- */

static void tally_handled(struct engine *e, const struct offer *o)
{
    const struct contact *c = o->contact;
    uint64_t handled = (uint64_t)(e->now - o->accepted_at);

    TALLY_EACH(e, c, o->agent, (tally->handled++, tally->handle_sum += handled));
}

static void work_is_done(struct contact *c, struct text reason, struct text disposition,
                         bool unresolved)
{
    struct contact_body body = c->body;

    c->unresolved = unresolved;
    if (!unresolved) {
        c->kept |= 1u << PROMISE_RESOLVE;
    }
    if (reason.bytes != NULL || disposition.bytes != NULL) {
        body.end_reason = reason;
        body.disposition = disposition;
        contact_set_body(c, c->id, &body);
    }
}

static void apply_wrap_up_started(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_WRAP_UP_STARTED *w = &f->wrap_up_started;

    offer_enter(e, c->offer, OFFER_WRAPPING, w->until);
    work_is_done(c, w->reason, w->disposition, w->unresolved);
    enter(e, c, CONTACT_WRAPPING);
    contact_arm(e, c);
    remember(e, c, f, c->offer->agent, w->reason, w->actor);
}

static void apply_given_back(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_CONTACT_GIVEN_BACK *g = &f->given_back;
    struct offer *o = c->offer;
    struct contact_body body = c->body;

    c->from_agent = o->agent;
    c->from_queue = c->queue;
    body.note = g->note;
    body.from_reason = g->reason;
    contact_set_body(c, c->id, &body);
    if (g->wrap_up_until != TIME_NEVER) {
        o->passed_on = true;
        c->offer = NULL;
        offer_enter(e, o, OFFER_WRAPPING, g->wrap_up_until);
        agent_refresh(e, o->agent);
    } else {
        tally_handled(e, o);
        offer_remove(
            e, o, f->kind == FACT_CONTACT_TRANSFERRED ? OFFER_END_TRANSFERRED : OFFER_END_REQUEUED);
    }
    if (g->queue != INDEX_NONE16 && g->queue != c->queue) {
        change_queue(e, c, g->queue);
    } else {
        c->attempts = 0; /* a new attempt in the same visit */
    }
    c->issue = g->issue != INDEX_NONE16 ? g->issue : c->issue;
    if (g->skills_given) {
        set_own_skills(e, c, g->skills);
    }
    c->preferred = g->preferred;
    c->hold_until = g->hold_until;
    c->not_before_at = g->not_before_at;
    enter(e, c, g->not_before_at != TIME_NEVER ? CONTACT_SCHEDULED : CONTACT_WAITING);
    contact_arm(e, c);
    remember(e, c, f, c->from_agent, g->reason, g->actor);
}

/* ---- ends ---- */

engine_time tombstone_kept_until(const struct engine *e, const struct tombstone *t)
{
    duration_ms kept = e->settings->id_kept > e->settings->rating_kept ? e->settings->id_kept
                                                                       : e->settings->rating_kept;
    return t->ended_at + kept;
}

void tombstone_forget(struct engine *e, struct tombstone *t)
{
    struct owner *o = t->owner;

    checkpoint_before_tombstone(e, t);
    tombstone_drop_history(e, t);
    id_map_remove(&e->tombstones, t);
    list_remove(&t->in_order);
    list_remove(&t->of_owner);
    o->ended_count--;
    owner_release_if_unused(e, o);
    text_discard(t->reason);
    memory_give((void *)(uintptr_t)t->id.bytes);
    pool_give(&e->tombstone_pool, t);
}

/* The story of an ended contact, and of none before it, is told no more. */
void tombstone_drop_history(struct engine *e, struct tombstone *t)
{
    if (t->history == NULL) {
        return;
    }
    if (e->oldest_history == &t->in_order) {
        e->oldest_history = list_next(&e->ended, &t->in_order);
    }
    history_discard(e, t->history, t->history_count, t->history_room);
    t->history = NULL;
    t->history_count = t->history_room = 0;
    e->histories--;
}

/* The story goes with what is remembered. */
static void bury_history(struct engine *e, struct tombstone *t, struct contact *c)
{
    t->history = c->history;
    t->history_count = c->history_count;
    t->history_room = c->history_room;
    c->history = NULL;
    c->history_count = c->history_room = 0;
    e->histories++;
    if (e->oldest_history == NULL) {
        e->oldest_history = &t->in_order;
    }
    if (e->histories > ENDED_HISTORIES_KEPT) {
        struct tombstone *oldest = record_of(e->oldest_history, struct tombstone, in_order);
        checkpoint_before_tombstone_change(e, oldest);
        tombstone_drop_history(e, oldest);
    }
}

/* What is too old or too many goes, a few at a time: what came with one end goes with a later one.
 */
static void sweep_tombstones(struct engine *e)
{
    for (int i = 0; i < 4; i++) {
        struct list_node *n = list_first(&e->ended);
        struct tombstone *t;
        if (n == NULL) {
            return;
        }
        t = record_of(n, struct tombstone, in_order);
        if (id_map_count(&e->tombstones) <= e->settings->tombstones_max &&
            tombstone_kept_until(e, t) > e->now) {
            return;
        }
        tombstone_forget(e, t);
    }
}

static void bury(struct engine *e, struct contact *c, const struct fact *f,
                 enum contact_state state, struct agent *agent)
{
    struct tombstone *t = pool_take(&e->tombstone_pool);
    char *id = memory_take(c->id.length + 1u);

    memcpy(id, c->id.bytes, c->id.length);
    t->id = (struct text){id, c->id.length};
    t->owner = c->owner;
    t->number = c->number;
    t->seq = f->seq;
    t->created_at = c->created_at;
    t->start_at = c->start_at;
    t->ended_at = f->at;
    t->reason = text_duplicate(f->ended.reason);
    t->agent = agent;
    t->queue = c->queue;
    t->tier = c->tier;
    t->channel = c->channel;
    t->issue = c->issue;
    t->language = c->language;
    t->state = (uint8_t)state;
    t->rating = c->rating;
    list_append(&e->ended, &t->in_order);
    list_append(&t->owner->ended, &t->of_owner);
    t->owner->ended_count++;
    id_map_insert(&e->tombstones, t);
    remember(e, c, f, agent, f->ended.reason, f->ended.actor);
    bury_history(e, t, c);
}

static void tally_end(struct engine *e, const struct contact *c, enum contact_state state)
{
    if (state == CONTACT_COMPLETED) {
        TALLY_EACH(e, c, c->last_agent, tally->completed++);
    } else if (state == CONTACT_CANCELLED && c->state == CONTACT_WAITING) {
        uint64_t is_short = e->now - c->visit_since <= e->settings->queues[c->queue].short_abandon;
        TALLY_EACH(e, c, NULL, (tally->abandoned++, tally->abandoned_short += is_short));
    }
}

static void apply_ended(struct engine *e, struct contact *c, const struct fact *f)
{
    enum contact_state state = f->kind == FACT_CONTACT_COMPLETED   ? CONTACT_COMPLETED
                               : f->kind == FACT_CONTACT_CANCELLED ? CONTACT_CANCELLED
                                                                   : CONTACT_EXPIRED;
    struct owner *owner = c->owner;
    struct offer *o = c->offer;

    leave_line(e, c);
    tally_end(e, c, state);
    bury(e, c, f, state, o != NULL ? o->agent : c->last_agent);
    enter(e, c, state);
    timer_wheel_disarm(&e->clocks, &c->timer);
    cool_downs_clear(e, c);
    checkpoint_contact_leaves(e, c);
    id_map_remove(&e->contacts, c);
    list_remove(&c->in_arrival);
    list_remove(&c->of_owner);
    owner->contact_count--;
    owner->watchful -= c->lost != DURATION_NONE;
    if (owner->watchful == 0) {
        owner->lost_since = TIME_NEVER; /* nobody minds any more */
    }
    if (list_linked(&c->in_dirty)) {
        list_remove(&c->in_dirty);
    }
    c->references++; /* so that it lives until here */
    if (o != NULL) {
        tally_handled(e, o);
        offer_remove(e, o, OFFER_END_COMPLETED);
    }
    c->references--;
    if (c->references == 0) {
        contact_destroy(e, c);
    } else {
        list_append(&e->lingering, &c->in_arrival); /* somebody still wraps it up */
    }
    sweep_tombstones(e);
    owner_release_if_unused(e, owner);
}

void contact_destroy(struct engine *e, struct contact *c)
{
    if (list_linked(&c->in_arrival)) {
        list_remove(&c->in_arrival);
    }
    history_discard(e, c->history, c->history_count, c->history_room);
    requirement_release(&e->skills, c->own_skills);
    memory_give((void *)(uintptr_t)c->id.bytes);
    pool_give(&e->contact_pool, c);
}

static void apply_wrap_up_ended(struct engine *e, const struct fact *f)
{
    struct offer *o = offer_find(e, f->wrap_up_ended.agent, f->wrap_up_ended.offer);

    checkpoint_before_contact(e, o->contact);
    tally_handled(e, o);
    offer_remove(e, o, OFFER_END_TRANSFERRED);
}

/* ---- promises and ratings ---- */

static void apply_promise(struct engine *e, struct contact *c, const struct fact *f)
{
    uint8_t bit = (uint8_t)(1u << f->promise.promise);

    if (f->kind == FACT_CONTACT_AT_RISK) {
        c->at_risk |= bit;
    } else if (f->kind == FACT_CONTACT_OVERDUE) {
        c->overdue |= bit;
        TALLY_EACH(e, c, NULL, tally->overdue++);
    } else {
        c->kept |= bit;
    }
    contact_arm(e, c);
    remember(e, c, f, NULL, promise_word(f->promise.promise), f->promise.actor);
}

static void apply_rated(struct engine *e, const struct fact *f)
{
    struct tombstone *t = f->contact == NULL ? engine_find_tombstone(e, f->subject) : NULL;
    uint8_t *rating = f->contact != NULL ? &f->contact->rating : &t->rating;
    struct contact as_was;
    const struct contact *c = f->contact;
    uint64_t score = f->rated.score;
    uint64_t before = *rating;

    if (t != NULL) {
        checkpoint_before_tombstone(e, t);
        memset(&as_was, 0, sizeof(as_was));
        as_was.queue = t->queue;
        as_was.tier = t->tier;
        as_was.issue = t->issue;
        as_was.channel = t->channel;
        as_was.last_agent = t->agent;
        c = &as_was;
    }
    *rating = (uint8_t)score;
    /* The last judgement counts, once. */
    TALLY_EACH(e, c, c->last_agent,
               (tally->ratings += before == 0, tally->rating_sum += score - before));
    if (f->contact != NULL) {
        remember(e, f->contact, f, NULL, f->rated.rating, f->rated.actor);
    }
}

void apply_contact(struct engine *e, const struct fact *f)
{
    struct contact *c = f->contact;

    if (c != NULL) {
        assert(f->kind == FACT_WRAP_UP_ENDED || contact_may(c, f->kind));
        checkpoint_before_contact(e, c);
    }
    switch ((int)f->kind) {
    case FACT_CONTACT_QUEUED:
    case FACT_CONTACT_SCHEDULED:
        apply_new(e, f);
        break;
    case FACT_CONTACT_WOKEN:
        apply_woken(e, c, f);
        break;
    case FACT_CONTACT_UPDATED:
        apply_updated(e, c, f);
        break;
    case FACT_CONTACT_MOVED:
    case FACT_CONTACT_ESCALATED:
        apply_moved(e, c, f);
        break;
    case FACT_CONTACT_OPENED:
        apply_opened(e, c, f);
        break;
    case FACT_CONTACT_OFFERED:
        apply_offered(e, c, f);
        break;
    case FACT_OFFER_RECEIVED:
        offer_enter(e, c->offer, OFFER_SHOWN, f->offer.until);
        break;
    case FACT_OFFER_ACCEPTED:
        apply_accepted(e, c, f);
        break;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        apply_offer_ended(e, c, f);
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        apply_given_back(e, c, f);
        break;
    case FACT_WRAP_UP_STARTED:
        apply_wrap_up_started(e, c, f);
        break;
    case FACT_WRAP_UP_ENDED:
        apply_wrap_up_ended(e, f);
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        apply_ended(e, c, f);
        break;
    case FACT_CONTACT_AT_RISK:
    case FACT_CONTACT_OVERDUE:
    case FACT_PROMISE_KEPT:
        apply_promise(e, c, f);
        break;
    case FACT_CONTACT_RATED:
        apply_rated(e, f);
        break;
    default:
        break;
    }
}
