/* Facts about contacts. */
#include "queue/state.h"

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
    contact_set_body(e, c, f->subject, &body);
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
    contact_index_add(e, c);
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
    contact_set_body(e, c, c->id, &body);
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
    contact_warm_up(e, c); /* other people there */
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
    c->kept = c->overdue = c->at_risk = 0; /* new promises */
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
    contact_warm_up(e, c);
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
    contact_cool_down(e, c, a, f->offer_ended.cool_until);
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

static void work_is_done(struct engine *e, struct contact *c, struct text reason,
                         struct text disposition, bool unresolved)
{
    struct contact_body body = c->body;

    c->unresolved = unresolved;
    if (!unresolved) {
        c->kept |= 1u << PROMISE_RESOLVE;
    }
    if (reason.bytes != NULL || disposition.bytes != NULL) {
        body.end_reason = reason;
        body.disposition = disposition;
        contact_set_body(e, c, c->id, &body);
    }
}

static void apply_wrap_up_started(struct engine *e, struct contact *c, const struct fact *f)
{
    const struct fact_WRAP_UP_STARTED *w = &f->wrap_up_started;

    offer_enter(e, c->offer, OFFER_WRAPPING, w->until);
    work_is_done(e, c, w->reason, w->disposition, w->unresolved);
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
    contact_set_body(e, c, c->id, &body);
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
    c->expires_at = g->expires_at;
    enter(e, c, g->not_before_at != TIME_NEVER ? CONTACT_SCHEDULED : CONTACT_WAITING);
    contact_arm(e, c);
    remember(e, c, f, c->from_agent, g->reason, g->actor);
}

/* ---- ends ---- */

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
    remember(e, c, f, o != NULL ? o->agent : c->last_agent, f->ended.reason, f->ended.actor);
    tombstone_bury(e, c, f, state, o != NULL ? o->agent : c->last_agent);
    enter(e, c, state);
    timer_wheel_disarm(&e->clocks, &c->timer);
    contact_warm_up(e, c);
    checkpoint_contact_leaves(e, c);
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
    tombstones_sweep(e);
    owner_release_if_unused(e, owner);
}

static void apply_wrap_up_ended(struct engine *e, const struct fact *f)
{
    struct offer *o = offer_find(f->wrap_up_ended.agent, f->wrap_up_ended.offer);

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
