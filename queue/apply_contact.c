/* Facts about contacts. */
#include "queue/base/clear.h"
#include "queue/base/rare.h"
#include "queue/state.h"

/* A line of a story that is open: apply_contact saw to that. */
static RARE void remember_actor(struct engine *e, struct contact *c, const struct fact *f,
                                struct agent *agent, struct text reason, struct text actor)
{
    const struct history_entry entry = {.seq = f->seq,
                                        .at = f->at,
                                        .kind = (uint8_t)f->kind,
                                        .queue = contact_queue(c),
                                        .agent = agent,
                                        .reason = reason,
                                        .actor = actor};

    contact_remember(e, c, &entry);
}

/* Mostly nobody but the agent had a hand in it. */
static void remember_by(struct engine *e, struct contact *c, const struct fact *f,
                        struct agent *agent, struct text reason, struct text actor)
{
    if (actor.bytes == NULL) {
        contact_note(e, c, f, agent, reason);
    } else {
        remember_actor(e, c, f, agent, reason, actor);
    }
}

/* ---- states ---- */

static void leave_line(struct engine *e, struct contact *c)
{
    if (c->state == CONTACT_WAITING) {
        skill_queue_remove(e, c);
    }
}

static void wait_in_line(struct engine *e, struct skill_queue *q, struct contact *c)
{
    if (q->count[CONTACT_WAITING] == 1) {
        pace_waiting_began(&q->pace, e->now);
    }
    skill_queue_push(e, c);
}

/* The only place that writes contact->state: state, counts and line change together. The contact
 * is in no other state any more. */
static void begin(struct engine *e, struct skill_queue *q, struct contact *c, enum contact_state to)
{
    c->state = (uint8_t)to;
    contact_set_state_since(e, c, e->now);
    if (to < CONTACT_LIVE_STATES) {
        e->live[to]++;
        q->count[to]++;
    }
    if (to == CONTACT_WAITING) {
        wait_in_line(e, q, c);
    }
}

/* The contact's old line has been left. */
static void enter(struct engine *e, struct contact *c, enum contact_state to)
{
    struct skill_queue *q = &e->queues[contact_queue(c)];

    e->live[c->state]--;
    q->count[c->state]--;
    begin(e, q, c, to);
}

/* It visits another queue; the terms that say so are in force already. */
static void visit_queue(struct engine *e, struct contact *c, queue_index from)
{
    struct contact_extras *x = contact_own_extras(e, c);
    queue_index to = contact_queue(c);

    e->queues[from].count[c->state]--;
    e->queues[to].count[c->state]++;
    x->visits++;
    x->visit_since = e->now;
    x->attempts = 0;
    c->answered_in_visit = false;
    series_now(e, e->queues[to].series)->submitted++;
}

static void change_queue(struct engine *e, struct contact *c, queue_index to)
{
    struct terms terms = *contact_terms(c);
    queue_index from = terms.queue;

    terms.queue = to;
    contact_set_terms(e, c, &terms);
    visit_queue(e, c, from);
}

/* ---- new contacts ---- */

/* Each of its texts in turn: nothing is written twice. */
static block new_papers(struct engine *e, const struct fact *f)
{
    const struct fact_NEW_CONTACT *n = &f->new_contact;
    struct contact_body body;
    size_t size;
    block papers;

    body.customer = n->customer;
    body.subject = n->subject;
    body.text = n->text;
    body.payload = n->payload;
    body.customer_attributes = raw_text(n->customer_attributes);
    body.attributes = raw_text(n->attributes);
    body.parent = n->parent;
    body.reopens = n->reopens;
    body.note = body.from_reason = body.disposition = body.end_reason = TEXT_NONE;
    static_assert(sizeof(body) == 12 * sizeof(struct text), "a text that came is set here, too");
    papers = papers_write(&e->papers, f->subject, &body, &size);
    e->body_bytes += size;
    return papers;
}

static struct contact_times new_times(const struct fact_NEW_CONTACT *n)
{
    return (struct contact_times){
        .start_at = n->start_at,
        .expires_at = n->expires_at,
        .due = {[PROMISE_ANSWER] = n->answer_at,
                [PROMISE_PROGRESS] = n->progress_at,
                [PROMISE_RESOLVE] = n->resolve_at},
    };
}

/* What a contact's terms are found by, in turn; the rest of them is the table's. */
static const struct terms *new_terms(struct engine *e, const struct fact_NEW_CONTACT *n)
{
    const struct terms *found;
    struct terms terms;

    terms.queue = n->queue;
    terms.issue = n->issue;
    terms.language = n->language;
    terms.tier = n->tier;
    terms.channel = n->channel;
    terms.keeps_place = n->keeps_place;
    terms.own_skills = requirement_take(&e->skills, n->skills);
    terms.boost = n->boost == DURATION_NONE ? 0 : n->boost;
    terms.expires = n->expires;
    terms.lost = n->lost;
    terms.promised[PROMISE_ANSWER] = terms_promise(n->start_at, n->answer_at);
    terms.promised[PROMISE_PROGRESS] = terms_promise(n->start_at, n->progress_at);
    terms.promised[PROMISE_RESOLVE] = terms_promise(n->start_at, n->resolve_at);
    terms.config_version = n->config_version;
    terms.why_tier = n->why_tier;
    terms.why_issue = n->why_issue;
    terms.why_queue = n->why_queue;
    terms.why_language = n->why_language;
    found = terms_take(&e->terms, &terms);
    requirement_release(&e->skills, terms.own_skills);
    return found;
}

/* What most contacts lack has no room in their records. */
static void set_new_extras(struct engine *e, struct contact *c, const struct fact_NEW_CONTACT *n)
{
    struct contact_extras *x;

    if (n->preferred == NULL && n->hold_until == TIME_NEVER && n->not_before_at == TIME_NEVER) {
        return;
    }
    x = contact_own_extras(e, c);
    x->preferred = n->preferred;
    x->hold_until = n->hold_until;
    x->not_before_at = n->not_before_at;
}

static void apply_new(struct engine *e, struct contact *none, const struct fact *f)
{
    const struct fact_NEW_CONTACT *n = &f->new_contact;
    const struct contact_times times = new_times(n);
    struct contact *c = pool_take_raw(&e->contact_pool);
    uint32_t hash = f->hash != 0 ? f->hash : contact_index_hash(e, f->subject);
    struct tombstone *old =
        f->hash != 0 ? f->before : contact_index_find_hashed(e, f->subject, hash).tombstone;
    struct owner *owner;

    (void)none;
    CLEAR(c);
    if (old != NULL) {
        tombstone_forget(e, old); /* its time is over: step saw to that */
    }
    c->papers = new_papers(e, f);
    c->place.minor = n->number;
    e->next_contact = n->number + 1;
    owner = owner_intern(e, n->owner);
    c->owner = near_of(owner);
    owner->contact_count++;
    owner->watchful += n->lost != DURATION_NONE;
    near_list_append(&owner->contacts, &c->of_owner);
    near_list_append(&e->arrival, &c->in_arrival);
    contact_index_add(e, c, hash);
    c->created_at = f->at;
    c->submitted_seq = f->seq;
    c->was_scheduled = f->kind == FACT_CONTACT_SCHEDULED;
    c->terms = near_of(new_terms(e, n));
    contact_set_times(e, c, &times);
    set_new_extras(e, c, n);
    c->repeat = n->reopens.length > 0;
    checkpoint_skip_contact(e, c);
    TALLY_EACH(e, contact_terms(c), NULL, tally->submitted++);
    begin(e, &e->queues[n->queue], c, c->was_scheduled ? CONTACT_SCHEDULED : CONTACT_WAITING);
    contact_arm_by(e, c, &times);
    if (n->actor.bytes != NULL) { /* else the record says all */
        remember_actor(e, c, f, NULL, TEXT_NONE, n->actor);
    }
}

/* ---- updates ---- */

static void update_terms(struct engine *e, struct contact *c, const struct fact_CONTACT_UPDATED *u)
{
    struct terms terms = *contact_terms(c);
    queue_index from = terms.queue;
    struct contact_times times;

    contact_get_times(c, &times);
    times.due[PROMISE_ANSWER] =
        u->answer_at != TIME_NEVER ? u->answer_at : times.due[PROMISE_ANSWER];
    times.due[PROMISE_PROGRESS] =
        u->progress_at != TIME_NEVER ? u->progress_at : times.due[PROMISE_PROGRESS];
    times.due[PROMISE_RESOLVE] =
        u->resolve_at != TIME_NEVER ? u->resolve_at : times.due[PROMISE_RESOLVE];
    terms.queue = u->queue != INDEX_NONE16 ? u->queue : terms.queue;
    terms.tier = u->tier != INDEX_NONE8 ? u->tier : terms.tier;
    terms.issue = u->issue != INDEX_NONE16 ? u->issue : terms.issue;
    terms.language = u->language != INDEX_NONE16 ? u->language : terms.language;
    terms.boost = u->boost != DURATION_NONE ? u->boost : terms.boost;
    terms.own_skills = requirement_take(&e->skills, u->skills);
    if (!u->skills_given) {
        requirement_release(&e->skills, terms.own_skills);
        terms.own_skills = contact_terms(c)->own_skills;
        requirement_retain(terms.own_skills);
    }
    for (int p = 0; p < PROMISE_COUNT; p++) {
        terms.promised[p] = terms_promise(times.start_at, times.due[p]);
    }
#define REPLACE(name) terms.name = u->name.bytes != NULL ? u->name : terms.name;
    REPLACE(why_tier)
    REPLACE(why_issue)
    REPLACE(why_queue)
    REPLACE(why_language)
#undef REPLACE
    contact_set_terms(e, c, &terms);
    requirement_release(&e->skills, terms.own_skills);
    contact_set_times(e, c, &times);
    if (contact_queue(c) != from) {
        visit_queue(e, c, from);
    }
}

static void update_papers(struct engine *e, struct contact *c, const struct fact_CONTACT_UPDATED *u)
{
    struct contact_body body = contact_body(c);

#define REPLACE(name, given) body.name = (given).bytes != NULL ? (given) : body.name;
    REPLACE(customer, u->customer)
    REPLACE(subject, u->subject)
    REPLACE(text, u->text)
    REPLACE(payload, u->payload)
    REPLACE(customer_attributes, raw_text(u->customer_attributes))
    REPLACE(attributes, raw_text(u->attributes))
#undef REPLACE
    contact_set_papers(e, c, contact_id(c), &body);
}

static void apply_updated(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_CONTACT_UPDATED *u = &f->updated;
    bool waits = c->state == CONTACT_WAITING;

    leave_line(e, c);
    update_terms(e, c, u);
    if (u->not_before_at != TIME_NEVER) {
        contact_own_extras(e, c)->not_before_at = u->not_before_at;
    }
    update_papers(e, c, u);
    if (waits) {
        skill_queue_push(e, c);
    }
    contact_arm(e, c);
    remember_by(e, c, f, NULL, TEXT_NONE, u->actor);
}

static void apply_moved(struct engine *e, struct contact *c, const struct fact *f)
{
    bool waits = c->state == CONTACT_WAITING;

    leave_line(e, c);
    change_queue(e, c, f->moved.queue);
    contact_warm_up(e, c); /* other people there */
    contact_own_extras(e, c)->hold_until = TIME_NEVER;
    if (waits) {
        skill_queue_push(e, c);
    }
    contact_arm(e, c);
    remember_by(e, c, f, NULL, f->moved.reason, f->moved.actor);
}

static void apply_woken(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_CONTACT_WOKEN *w = &f->woken;
    struct contact_extras *x = contact_own_extras(e, c);
    const struct contact_times times = {
        .start_at = w->start_at,
        .expires_at = w->expires_at,
        .due = {[PROMISE_ANSWER] = w->answer_at,
                [PROMISE_PROGRESS] = w->progress_at,
                [PROMISE_RESOLVE] = w->resolve_at},
    };

    contact_set_times(e, c, &times);
    x->visit_since = TIME_NEVER;
    x->hold_until = w->hold_until;
    x->not_before_at = TIME_NEVER;
    c->kept = c->overdue = c->at_risk = 0; /* new promises */
    enter(e, c, CONTACT_WAITING);
    contact_arm(e, c);
    contact_note(e, c, f, NULL, TEXT_NONE);
}

static void apply_opened(struct engine *e, struct contact *c, const struct fact *f)
{
    leave_line(e, c);
    contact_own_extras(e, c)->hold_until = TIME_NEVER;
    skill_queue_push(e, c);
    contact_arm(e, c);
    contact_note(e, c, f, NULL, TEXT_NONE);
}

/* ---- offers ---- */

static void apply_offered(struct engine *e, struct contact *c, const struct fact *f)
{
    struct contact_extras *x = contact_own_extras(e, c);
    struct agent *a = f->offered.agent;
    struct offer *o;

    leave_line(e, c);
    o = offer_create(e, f->offered.offer, c, a);
    o->named = f->offered.named;
    x->offer = o;
    x->why_agent = word_number(f->offered.why);
    e->next_offer = f->offered.offer + 1;
    offer_enter(e, o, f->offered.shown ? OFFER_SHOWN : OFFER_SENT, f->offered.until);
    x->attempts++;
    a->offered_at_touch = ++e->touch;
    if (text_equal(f->offered.why, TEXT("fewest_contacts")) && a->fair_key > e->fair_floor) {
        e->fair_floor = a->fair_key;
    }
    agent_refresh(e, a);
    enter(e, c, CONTACT_OFFERED);
    if (x->hold_until != TIME_NEVER || !list_empty(&x->cool_downs)) {
        contact_arm(e, c); /* else what ran while it waited runs on */
    }
    contact_note(e, c, f, a, word_text(x->why_agent));
}

static void apply_received(struct engine *e, struct contact *c, const struct fact *f)
{
    offer_enter(e, contact_offer(c), OFFER_SHOWN, f->offer.until);
}

static bool answered_in_time(const struct engine *e, const struct contact *c)
{
    const struct terms *terms = contact_terms(c);
    duration_ms target;

    if (!c->ever_answered) {
        return e->now <= contact_due(c, PROMISE_ANSWER); /* TIME_NEVER is never past */
    }
    target = settings_targets(e->settings, terms->queue, terms->tier, terms->issue).answer;
    return target == DURATION_NONE || e->now <= contact_visit_since(c) + target;
}

static void apply_accepted(struct engine *e, struct contact *c, const struct fact *f)
{
    struct contact_extras *x = contact_own_extras(e, c);
    struct offer *o = x->offer;
    struct agent *a = o->agent;
    struct skill_queue *q = &e->queues[contact_queue(c)];

    pace_accepted(&q->pace, e->now, o->made_at, q->count[CONTACT_WAITING] > 0);
    if (!c->answered_in_visit) {
        engine_time since = x->visit_since != TIME_NEVER ? x->visit_since : contact_start_at(c);
        uint64_t wait = (uint64_t)(e->now > since ? e->now - since : 0);
        uint64_t in_time = answered_in_time(e, c);
        TALLY_EACH(
            e, contact_terms(c), a,
            (tally->answered++, tally->answered_in_time += in_time, tally->wait_sum += wait));
    }
    c->answered_in_visit = true;
    c->ever_answered = true;
    c->kept |= 1u << PROMISE_ANSWER;
    x->last_agent = a;
    o->accepted_at = e->now;
    a->misses = 0;
    if ((e->idle_orders_used >> IDLE_FEWEST & 1) != 0) {
        agent_accepted(e, a);
        agent_refresh(e, a);
    }
    offer_enter(e, o, OFFER_ACTIVE, TIME_NEVER);
    enter(e, c, CONTACT_ACTIVE); /* no clock begins, and what is no longer due finds that out */
    contact_warm_up(e, c);
    contact_note(e, c, f, a, TEXT_NONE);
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
    struct agent *a = contact_offer(c)->agent;

    if (f->kind == FACT_OFFER_TIMED_OUT) {
        a->misses = (uint32_t)f->offer_ended.misses;
    } else if (f->kind == FACT_OFFER_DECLINED) {
        a->misses = 0; /* it is there, and says no */
    } else {
        contact_own_extras(e, c)->attempts--; /* withdrawn is nobody's attempt */
    }
    offer_remove(e, contact_offer(c), end_of(f));
    contact_own_extras(e, c)->hold_until = TIME_NEVER; /* who was waited for has had its turn */
    contact_cool_down(e, c, a, f->offer_ended.cool_until);
    enter(e, c, CONTACT_WAITING);
    contact_arm(e, c);
    contact_note(e, c, f, a, f->offer_ended.reason);
}

/* ---- the work and its end ---- */

static void tally_handled(struct engine *e, const struct offer *o)
{
    const struct contact *c = o->contact;
    uint64_t handled = (uint64_t)(e->now - o->accepted_at);

    TALLY_EACH(e, contact_terms(c), o->agent, (tally->handled++, tally->handle_sum += handled));
}

static void work_is_done(struct engine *e, struct contact *c, struct text reason,
                         struct text disposition, bool unresolved)
{
    c->unresolved = unresolved;
    if (!unresolved) {
        c->kept |= 1u << PROMISE_RESOLVE;
    }
    if (reason.bytes != NULL || disposition.bytes != NULL) {
        struct contact_body body = contact_body(c);
        body.end_reason = reason;
        body.disposition = disposition;
        contact_set_papers(e, c, contact_id(c), &body);
    }
}

static void apply_wrap_up_started(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_WRAP_UP_STARTED *w = &f->wrap_up_started;

    offer_enter(e, contact_offer(c), OFFER_WRAPPING, w->until);
    work_is_done(e, c, w->reason, w->disposition, w->unresolved);
    enter(e, c, CONTACT_WRAPPING);
    contact_arm(e, c);
    remember_by(e, c, f, contact_offer(c)->agent, w->reason, w->actor);
}

/* It goes on under other terms where the giver said so. */
static void given_back_terms(struct engine *e, struct contact *c,
                             const struct fact_CONTACT_GIVEN_BACK *g)
{
    struct terms terms = *contact_terms(c);
    queue_index from = terms.queue;
    const struct requirement *given = requirement_take(&e->skills, g->skills);

    terms.queue = g->queue != INDEX_NONE16 ? g->queue : terms.queue;
    terms.issue = g->issue != INDEX_NONE16 ? g->issue : terms.issue;
    terms.own_skills = g->skills_given ? given : terms.own_skills;
    contact_set_terms(e, c, &terms);
    requirement_release(&e->skills, given);
    if (contact_queue(c) != from) {
        visit_queue(e, c, from);
    } else {
        contact_own_extras(e, c)->attempts = 0; /* a new attempt in the same visit */
    }
}

static void apply_given_back(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_CONTACT_GIVEN_BACK *g = &f->given_back;
    struct contact_extras *x = contact_own_extras(e, c);
    struct offer *o = x->offer;
    struct contact_body body = contact_body(c);
    struct contact_times times;

    x->from_agent = o->agent;
    x->from_queue = contact_queue(c);
    body.note = g->note;
    body.from_reason = g->reason;
    contact_set_papers(e, c, contact_id(c), &body);
    if (g->wrap_up_until != TIME_NEVER) {
        o->passed_on = true;
        x->offer = NULL;
        offer_enter(e, o, OFFER_WRAPPING, g->wrap_up_until);
        agent_refresh(e, o->agent);
    } else {
        tally_handled(e, o);
        offer_remove(
            e, o, f->kind == FACT_CONTACT_TRANSFERRED ? OFFER_END_TRANSFERRED : OFFER_END_REQUEUED);
    }
    given_back_terms(e, c, g);
    contact_get_times(c, &times);
    times.expires_at = g->expires_at;
    contact_set_times(e, c, &times);
    x->preferred = g->preferred;
    x->hold_until = g->hold_until;
    x->not_before_at = g->not_before_at;
    enter(e, c, g->not_before_at != TIME_NEVER ? CONTACT_SCHEDULED : CONTACT_WAITING);
    contact_arm(e, c);
    remember_by(e, c, f, x->from_agent, g->reason, g->actor);
}

/* ---- ends ---- */

/* `o`: the work on it, which ends with it; NULL where nobody works it. */
static void tally_end(struct engine *e, const struct contact *c, const struct offer *o,
                      enum contact_state state)
{
    if (state == CONTACT_COMPLETED) {
        uint64_t handled = o != NULL;
        uint64_t took = o != NULL ? (uint64_t)(e->now - o->accepted_at) : 0;
        TALLY_EACH(e, contact_terms(c), contact_extras(c)->last_agent,
                   (tally->completed++, tally->handled += handled, tally->handle_sum += took));
    } else if (state == CONTACT_CANCELLED && c->state == CONTACT_WAITING) {
        const struct queue_settings *q = &e->settings->queues[contact_queue(c)];
        uint64_t is_short = e->now - contact_visit_since(c) <= q->short_abandon;
        TALLY_EACH(e, contact_terms(c), NULL,
                   (tally->abandoned++, tally->abandoned_short += is_short));
    }
}

static void apply_ended(struct engine *e, struct contact *c, const struct fact *f)
{
    enum contact_state state = f->kind == FACT_CONTACT_COMPLETED   ? CONTACT_COMPLETED
                               : f->kind == FACT_CONTACT_CANCELLED ? CONTACT_CANCELLED
                                                                   : CONTACT_EXPIRED;
    struct owner *owner = contact_owner(c);
    struct contact_extras *x = contact_own_extras(e, c);
    struct offer *o = x->offer;
    struct agent *agent = o != NULL ? o->agent : x->last_agent;

    leave_line(e, c);
    tally_end(e, c, o, state);
    remember_by(e, c, f, agent, f->ended.reason, f->ended.actor);
    tombstone_bury(e, c, f, state, agent);
    enter(e, c, state);
    timer_wheel_disarm(&e->clocks, &c->timer);
    contact_warm_up(e, c);
    checkpoint_contact_leaves(e, c);
    near_list_remove(&e->arrival, &c->in_arrival);
    near_list_remove(&owner->contacts, &c->of_owner);
    owner->contact_count--;
    owner->watchful -= contact_terms(c)->lost != DURATION_NONE;
    if (owner->watchful == 0) {
        owner_set_lost_since(e, owner, TIME_NEVER); /* nobody minds any more */
    }
    contact_looks_no_more(e, c);
    x->references++; /* so that it lives until here */
    if (o != NULL) {
        offer_remove(e, o, OFFER_END_COMPLETED);
    }
    x->references--;
    if (x->references == 0) {
        contact_destroy(e, c);
    } else {
        near_list_append(&e->lingering, &c->in_arrival); /* somebody still wraps it up */
    }
    tombstones_sweep(e);
    owner_release_if_unused(e, owner);
}

/* `c`, if any, has the id now; the offer knows whom it was for. */
static void apply_wrap_up_ended(struct engine *e, struct contact *c, const struct fact *f)
{
    struct offer *o = offer_find(f->wrap_up_ended.agent, f->wrap_up_ended.offer);

    (void)c;
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
        TALLY_EACH(e, contact_terms(c), NULL, tally->overdue++);
    } else {
        c->kept |= bit;
    }
    contact_arm(e, c);
    remember_by(e, c, f, NULL, promise_word(f->promise.promise), f->promise.actor);
}

static void apply_rated(struct engine *e, struct contact *c, const struct fact *f)
{
    struct tombstone *t = c == NULL ? engine_find_tombstone(e, f->subject) : NULL;
    uint8_t *rating = c != NULL ? &contact_own_extras(e, c)->rating : &t->rating;
    const struct agent *agent = c != NULL ? contact_extras(c)->last_agent : t->agent;
    const struct terms *terms = c != NULL ? contact_terms(c) : NULL;
    struct terms as_was;
    uint64_t score = f->rated.score;
    uint64_t before = *rating;

    if (t != NULL) {
        checkpoint_before_tombstone(e, t);
        as_was = (struct terms){
            .queue = t->queue, .tier = t->tier, .issue = t->issue, .channel = t->channel};
        terms = &as_was;
    }
    *rating = (uint8_t)score;
    /* The last judgement counts, once. */
    TALLY_EACH(e, terms, agent,
               (tally->ratings += before == 0, tally->rating_sum += score - before));
    if (c != NULL) {
        remember_by(e, c, f, NULL, f->rated.rating, f->rated.actor);
    }
}

typedef void (*applier)(struct engine *e, struct contact *c, const struct fact *f);

static const applier appliers[FACT_KIND_COUNT] = {
    [FACT_CONTACT_QUEUED] = apply_new,          [FACT_CONTACT_SCHEDULED] = apply_new,
    [FACT_CONTACT_WOKEN] = apply_woken,         [FACT_CONTACT_UPDATED] = apply_updated,
    [FACT_CONTACT_MOVED] = apply_moved,         [FACT_CONTACT_ESCALATED] = apply_moved,
    [FACT_CONTACT_OPENED] = apply_opened,       [FACT_CONTACT_OFFERED] = apply_offered,
    [FACT_OFFER_RECEIVED] = apply_received,     [FACT_OFFER_ACCEPTED] = apply_accepted,
    [FACT_OFFER_DECLINED] = apply_offer_ended,  [FACT_OFFER_TIMED_OUT] = apply_offer_ended,
    [FACT_OFFER_WITHDRAWN] = apply_offer_ended, [FACT_CONTACT_TRANSFERRED] = apply_given_back,
    [FACT_CONTACT_REQUEUED] = apply_given_back, [FACT_WRAP_UP_STARTED] = apply_wrap_up_started,
    [FACT_WRAP_UP_ENDED] = apply_wrap_up_ended, [FACT_CONTACT_COMPLETED] = apply_ended,
    [FACT_CONTACT_CANCELLED] = apply_ended,     [FACT_CONTACT_EXPIRED] = apply_ended,
    [FACT_CONTACT_AT_RISK] = apply_promise,     [FACT_CONTACT_OVERDUE] = apply_promise,
    [FACT_PROMISE_KEPT] = apply_promise,        [FACT_CONTACT_RATED] = apply_rated,
};

void apply_contact(struct engine *e, const struct fact *f)
{
    struct contact *c = f->contact;

    if (c != NULL) {
        assert(f->kind == FACT_WRAP_UP_ENDED || contact_may(c, f->kind));
        checkpoint_before_contact(e, c);
        contact_open_history(e, c, f->kind == FACT_CONTACT_OFFERED);
    }
    appliers[f->kind](e, c, f);
}
