/* What happens when a clock runs out. Late or not, its facts are stamped with the time of the step:
 * nobody saw them earlier. */
#include "queue/state.h"

/* ---- contacts ---- */

static void wake(struct engine *e, struct contact *c)
{
    struct targets t = settings_targets(e->settings, contact_queue(c), contact_terms(c)->tier,
                                        contact_terms(c)->issue);
    engine_time start = contact_extras(c)->not_before_at;
    duration_ms hold = e->settings->queues[contact_queue(c)].preferred_hold;
    struct fact f;

    fact_about(&f, FACT_CONTACT_WOKEN, c);
    f.woken.start_at = start;
    f.woken.expires_at = contact_terms(c)->expires != DURATION_NONE
                             ? start + contact_terms(c)->expires
                             : contact_expires_at(c);
    f.woken.answer_at = t.answer != DURATION_NONE ? start + t.answer : TIME_NEVER;
    f.woken.progress_at = t.progress != DURATION_NONE ? start + t.progress : TIME_NEVER;
    f.woken.resolve_at = t.resolve != DURATION_NONE ? start + t.resolve : TIME_NEVER;
    if (hold > 0 && worth_waiting_for(e, contact_extras(c)->preferred, contact_queue(c),
                                      contact_terms(c)->own_skills)) {
        f.woken.hold_until = e->now + hold;
    }
    engine_emit(e, &f);
    tell_owner(e, c, TEXT_NONE, TEXT_NONE);
    contact_is_dirty(e, c);
}

static bool warn_about_promise(struct engine *e, struct contact *c, enum promise p)
{
    engine_time due = contact_due(c, p);
    struct fact f;

    if (due == TIME_NEVER || ((c->kept | c->overdue) >> p & 1) != 0) {
        return false;
    }
    if (due <= e->now) {
        fact_about(&f, FACT_CONTACT_OVERDUE, c);
        f.promise.promise = p;
        engine_emit(e, &f);
        tell_updated(e, c, TEXT("overdue"), NULL);
        return true;
    }
    if (e->settings->at_risk != DURATION_NONE && (c->at_risk >> p & 1) == 0 &&
        due - e->settings->at_risk <= e->now) {
        fact_about(&f, FACT_CONTACT_AT_RISK, c);
        f.promise.promise = p;
        engine_emit(e, &f);
        tell_updated(e, c, TEXT("at_risk"), NULL);
        return true;
    }
    return false;
}

enum clock_found { CLOCK_NONE, CLOCK_RAN_OUT, CLOCK_ENDED_IT };

/* One clock that has run out. */
static enum clock_found contact_clock(struct engine *e, struct contact *c)
{
    struct fact f;

    if (contact_terms(c)->lost != DURATION_NONE && contact_owner(c)->lost_since != TIME_NEVER &&
        contact_owner(c)->lost_since + contact_terms(c)->lost <= e->now) {
        customer_left(e, c, TEXT("connector_lost"), NULL);
        return CLOCK_ENDED_IT;
    }
    if (c->state == CONTACT_SCHEDULED) {
        if (contact_extras(c)->not_before_at <= e->now) {
            wake(e, c);
            return CLOCK_RAN_OUT;
        }
        return CLOCK_NONE;
    }
    if ((c->state == CONTACT_WAITING || c->state == CONTACT_OFFERED) &&
        contact_expires_at(c) <= e->now) {
        if (c->state == CONTACT_OFFERED) {
            withdraw_offer(e, contact_offer(c), OFFER_END_EXPIRED, false);
        }
        end_contact(e, c, FACT_CONTACT_EXPIRED, TEXT("expired"), NULL);
        return CLOCK_ENDED_IT;
    }
    if (c->state == CONTACT_WAITING && contact_extras(c)->hold_until <= e->now) {
        fact_about(&f, FACT_CONTACT_OPENED, c);
        engine_emit(e, &f);
        contact_is_dirty(e, c);
        return CLOCK_RAN_OUT;
    }
    for (int p = 0; p < PROMISE_COUNT; p++) {
        if (c->state < CONTACT_WRAPPING && warn_about_promise(e, c, (enum promise)p)) {
            return CLOCK_RAN_OUT;
        }
    }
    return CLOCK_NONE;
}

static void contact_clocks(struct engine *e, struct contact *c)
{
    enum clock_found found;

    if (c->state == CONTACT_WAITING && !list_empty(&contact_extras(c)->cool_downs)) {
        contact_is_dirty(e, c); /* somebody may have cooled down */
    }
    do {
        found = contact_clock(e, c);
    } while (found == CLOCK_RAN_OUT);
    if (found == CLOCK_NONE) {
        contact_arm(e, c);
    }
}

/* ---- offers ---- */

static void put_away_after_misses(struct engine *e, struct agent *a)
{
    struct fact f;

    if (e->settings->max_misses == 0 || a->misses < e->settings->max_misses ||
        a->state != AGENT_AVAILABLE) {
        return;
    }
    fact_about_agent(&f, FACT_AGENT_AWAY, a);
    f.agent_state.reason = TEXT("missed_offer");
    if (e->settings->missed_return != DURATION_NONE) {
        f.agent_state.until = e->now + e->settings->missed_return;
    }
    engine_emit(e, &f);
    tell_agent_changed(e, a);
    leave_agent(e, a, OFFER_END_AWAY);
    release_reserved(e, a);
}

/* Nobody took it as often as may be: it goes to the queue that takes such contacts, never to
 * nowhere. */
void escalate_after_attempts(struct engine *e, struct contact *c)
{
    const struct queue_settings *q = &e->settings->queues[contact_queue(c)];
    struct fact f;

    if (q->attempts_max == 0 || contact_extras(c)->attempts < q->attempts_max ||
        q->escalation == INDEX_NONE16 || q->escalation == contact_queue(c)) {
        return;
    }
    fact_about(&f, FACT_CONTACT_ESCALATED, c);
    f.moved.queue = q->escalation;
    f.moved.reason = TEXT("attempts");
    engine_emit(e, &f);
    tell_owner(e, c, TEXT("attempts"), TEXT("escalated"));
}

static void offer_timed_out(struct engine *e, struct offer *o)
{
    struct contact *c = o->contact;
    struct agent *a = o->agent;
    uint64_t number = o->number;
    struct fact f;

    fact_about(&f, FACT_OFFER_TIMED_OUT, c);
    f.offer_ended.offer = number;
    f.offer_ended.agent = a;
    f.offer_ended.reason = TEXT("timed_out");
    f.offer_ended.misses = a->misses + 1u;
    f.offer_ended.cool_until = cooled_at(e, c);
    engine_emit(e, &f);
    tell_withdrawn(e, a, number, c, TEXT("timed_out"));
    tell_owner(e, c, TEXT("timed_out"), TEXT_NONE);
    put_away_after_misses(e, a);
    escalate_after_attempts(e, c);
    contact_is_dirty(e, c);
    agent_is_dirty(e, a);
}

static void offer_clock(struct engine *e, struct offer *o)
{
    switch (o->state) {
    case OFFER_SENT:
        /* A desktop that is there and does not show it is asked again later; one that was cut off
         * by a start of ours is not to blame. */
        withdraw_offer(e, o, OFFER_END_UNDELIVERED, o->agent->session != 0);
        break;
    case OFFER_SHOWN:
        offer_timed_out(e, o);
        break;
    case OFFER_WRAPPING:
        end_wrap_up(e, o, TEXT("wrapped_up"), NULL);
        break;
    case OFFER_ACTIVE:
    case OFFER_STATE_COUNT:
        break;
    }
}

/* ---- agents ---- */

static void agent_clock(struct engine *e, struct agent *a)
{
    struct fact f;

    if (a->grace_until <= e->now) {
        sign_out_agent(e, a, TEXT("grace_over"), OFFER_END_AGENT_LOST, NULL);
    } else if (a->return_at <= e->now) {
        fact_about_agent(&f, FACT_AGENT_AVAILABLE, a);
        engine_emit(e, &f);
        tell_agent_changed(e, a);
        agent_is_dirty(e, a);
    }
    agent_arm(e, a);
}

static void pull_clock(struct engine *e, struct pull *p)
{
    struct agent *a = p->agent;
    struct delivery d = {
        .kind = ANSWER_OFFERS, .agent = a, .session = a->session, .request = p->request};

    pull_end(e, p);
    agent_refresh(e, a);
    d.seq = e->seq;
    e->sink.deliver(e->sink.context, &d);
}

static enum clock_kind clock_kind_of(const struct timer_node *n)
{
    return (enum clock_kind)pool_of(n)->kind;
}

static uint64_t clock_number_of(const struct timer_node *n)
{
    switch (clock_kind_of(n)) {
    case CLOCK_AGENT:
        return record_of(n, const struct agent, timer)->number;
    case CLOCK_OFFER:
        return record_of(n, const struct offer, timer)->number;
    case CLOCK_CONTACT:
        return contact_arrival(record_of(n, const struct contact, timer));
    case CLOCK_PULL:
    default:
        return record_of(n, const struct pull, timer)->number;
    }
}

static uint64_t clock_order_of(const struct timer_node *n)
{
    return (uint64_t)clock_kind_of(n) << 60 | clock_number_of(n);
}

/* The pools are there. */
void clocks_init(struct engine *e)
{
    e->agent_pool.kind = CLOCK_AGENT;
    e->offer_pool.kind = CLOCK_OFFER;
    e->contact_pool.kind = CLOCK_CONTACT;
    e->pull_pool.kind = CLOCK_PULL;
    timer_wheel_init(&e->clocks, &e->store, clock_order_of, 0);
}

static void clock_ran_out(struct engine *e, struct timer_node *n)
{
    switch (clock_kind_of(n)) {
    case CLOCK_AGENT:
        agent_clock(e, record_of(n, struct agent, timer));
        break;
    case CLOCK_OFFER:
        offer_clock(e, record_of(n, struct offer, timer));
        break;
    case CLOCK_CONTACT:
        contact_clocks(e, record_of(n, struct contact, timer));
        break;
    case CLOCK_PULL:
        pull_clock(e, record_of(n, struct pull, timer));
        break;
    }
}

/* A clock that is set again for an instant that has passed comes with the next advance; so there is
 * another one as long as something ran out. */
void clocks_run(struct engine *e)
{
    struct timer_node *n;
    bool any;

    do {
        any = false;
        timer_wheel_advance(&e->clocks, e->now);
        while ((n = timer_wheel_take_due(&e->clocks)) != NULL) {
            clock_ran_out(e, n);
            any = true;
        }
    } while (any);
}
