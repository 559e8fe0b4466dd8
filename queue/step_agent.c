/* Commands of agents: presence, offers, and the work on what they hold. */
#include "queue/base/defect.h"
#include "queue/state.h"

/* ---- presence ---- */

static enum refusal_kind answer_signed_in(struct engine *e, struct agent *a)
{
    struct delivery d = {.kind = ANSWER_SIGNED_IN, .agent = a};

    answer(e, &d);
    return REFUSED_NOT;
}

/* What its agent finds in `held` has arrived; without receipts the answer clock of an offer runs
 * from here. */
static void held_offers_arrive(struct engine *e, struct agent *a)
{
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        struct fact f;
        o->delivered = true;
        if (o->state == OFFER_SENT && !a->receipts && a->state == AGENT_AVAILABLE &&
            !DEFECT(LOSES_OFFER_CLOCK)) {
            fact_about(&f, FACT_OFFER_RECEIVED, o->contact);
            f.offer.offer = o->number;
            f.offer.agent = a;
            f.offer.until = e->now + e->settings->queues[contact_queue(o->contact)].answer_clock;
            engine_emit(e, &f);
        }
    }
}

enum refusal_kind step_sign_in(struct engine *e)
{
    const struct sign_in_command *s = &e->command->sign_in;
    uint64_t session = e->command->caller.session;
    struct agent *a = engine_find_agent(e, s->agent);
    struct agent *before = engine_agent_of_session(e, session);
    struct fact f;

    if (a == NULL) {
        return refuse(e, REFUSED_NOT_FOUND, TEXT("agent"), TEXT("no such agent"));
    }
    if (before != NULL && before != a) {
        return refuse_state(e, agent_state_word(before->state),
                            TEXT("this connection is another agent's"));
    }
    if (a->session != 0 && a->session != session) {
        struct delivery d = {
            .kind = NOTICE_SIGNED_OUT, .reason = TEXT("taken_over"), .closes = true};
        tell_agent(e, a, &d);
    }
    fact_about_agent(&f, FACT_AGENT_SIGNED_IN, a);
    f.signed_in.session = session;
    f.signed_in.pull = s->pull;
    f.signed_in.receipts = s->receipts;
    f.signed_in.auto_accept = s->auto_accept;
    f.signed_in.address = s->address;
    if (s->state_given) {
        f.signed_in.available = s->available;
        f.signed_in.reason = s->available ? TEXT_NONE : s->reason;
    } else if (a->state != AGENT_SIGNED_OUT) {
        /* Taken over, or back within the grace time: as it was. */
        f.signed_in.available = a->state == AGENT_AVAILABLE;
        f.signed_in.reason = a->reason;
    }
    engine_emit(e, &f);
    held_offers_arrive(e, a);
    answer_signed_in(e, a);
    if (a->state != AGENT_AVAILABLE) {
        leave_agent(e, a, OFFER_END_AWAY);
        release_reserved(e, a);
    }
    agent_is_dirty(e, a);
    return REFUSED_NOT;
}

static void set_state(struct engine *e, struct agent *a, bool available, struct text reason)
{
    struct fact f;

    if (available) {
        if (a->state != AGENT_AVAILABLE) {
            fact_about_agent(&f, FACT_AGENT_AVAILABLE, a);
            f.actor.actor = actor_of(e);
            engine_emit(e, &f);
        }
    } else if (a->state != AGENT_AWAY || !text_equal(a->reason, reason) ||
               a->return_at != TIME_NEVER) {
        fact_about_agent(&f, FACT_AGENT_AWAY, a);
        f.agent_state.reason = reason;
        f.agent_state.actor = actor_of(e);
        engine_emit(e, &f);
    }
}

enum refusal_kind step_set_state(struct engine *e)
{
    const struct set_state_command *s = &e->command->set_state;
    bool own = e->command->caller.role == CALLER_AGENT;
    struct agent *a = own ? caller_agent(e) : engine_find_agent(e, s->agent);
    struct delivery d = {.kind = ANSWER_AGENT};
    enum agent_state before;

    if (a == NULL) {
        return own ? refuse_state(e, TEXT("signed_out"), TEXT("sign in first"))
                   : refuse(e, REFUSED_NOT_FOUND, TEXT("agent"), TEXT("no such agent"));
    }
    if (a->state == AGENT_SIGNED_OUT) {
        return refuse_state(e, TEXT("signed_out"), TEXT("the agent is not signed in"));
    }
    before = a->state;
    set_state(e, a, s->available, s->reason);
    d.agent = a;
    answer(e, &d);
    if (!own) {
        tell_agent_changed(e, a);
    }
    if (!s->available && before == AGENT_AVAILABLE) {
        leave_agent(e, a, OFFER_END_AWAY);
        release_reserved(e, a);
    }
    agent_is_dirty(e, a);
    return REFUSED_NOT;
}

enum refusal_kind step_sign_out(struct engine *e)
{
    struct agent *a = caller_agent(e);
    struct delivery d = {.kind = ANSWER_AGENT};

    if (a == NULL) {
        return refuse_state(e, TEXT("signed_out"), TEXT("sign in first"));
    }
    /* It asked for it, so what it loses by that needs no telling. */
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        record_of(n, struct offer, of_agent)->delivered = false;
    }
    sign_out_agent(e, a, TEXT("signed_out"), OFFER_END_SIGNED_OUT, &e->command->caller);
    d.agent = a;
    answer(e, &d);
    return REFUSED_NOT;
}

/* The connection ended without a word: offers go back at once, assignments stay for the grace time.
 */
enum refusal_kind step_session_closed(struct engine *e)
{
    struct agent *a = caller_agent(e);
    struct fact f;

    if (a == NULL || e->settings == NULL) {
        return REFUSED_NOT;
    }
    fact_about_agent(&f, FACT_AGENT_LOST, a);
    f.agent_state.until = e->now + e->settings->grace;
    engine_emit(e, &f);
    leave_agent(e, a, OFFER_END_AGENT_LOST);
    release_reserved(e, a);
    return REFUSED_NOT;
}

/* ---- offers ---- */

enum refusal_kind step_pull(struct engine *e)
{
    const struct pull_command *p = &e->command->pull;
    struct agent *a = caller_agent(e);
    struct pull *pull;

    if (a == NULL) {
        return refuse_state(e, TEXT("signed_out"), TEXT("sign in first"));
    }
    if (!a->pull) {
        return refuse_state(e, TEXT("push"), TEXT("signed in to be pushed to"));
    }
    pull = pool_take(&e->pull_pool);
    pull->agent = a;
    pull->request = e->command->caller.request;
    pull->max = p->max < 1 ? 1 : p->max > PULL_MAX ? PULL_MAX : p->max;
    pull->until = e->now + p->wait;
    list_append(&a->pulls, &pull->of_agent);
    a->pull_credit += pull->max;
    agent_refresh(e, a);
    held_offers_first(e, a);
    agent_is_dirty(e, a);
    matcher_run(e);
    pulls_flush(e);
    /* Still here: it waits. Pulls of one instant end in the order of their arrival. */
    if (list_last(&a->pulls) == &pull->of_agent) {
        if (p->wait <= 0) {
            struct delivery d = {.kind = ANSWER_OFFERS, .agent = a};
            pull_end(e, pull);
            agent_refresh(e, a);
            answer(e, &d);
        } else {
            pull->number = ++e->pull_count;
            timer_wheel_arm(&e->clocks, &pull->timer, pull->until);
        }
    }
    return REFUSED_NOT;
}

/* The offer that the caller means: NULL and refused when it is not open to it. */
static struct offer *meant_offer(struct engine *e, struct agent **agent)
{
    uint64_t number = e->command->offer.offer;
    const struct ended_offer *ended;
    struct offer *o;

    *agent = caller_agent(e);
    if (*agent == NULL) {
        refuse_state(e, TEXT("signed_out"), TEXT("sign in first"));
        return NULL;
    }
    o = offer_find(*agent, number);
    if (o != NULL) {
        return o;
    }
    ended = ended_offer_find(e, number);
    if (ended != NULL && ended->agent == (*agent)->number) {
        refuse_gone(e, TEXT("offer"), offer_end_word((enum offer_end)ended->how));
    } else {
        refuse(e, REFUSED_NOT_FOUND, TEXT("offer"), TEXT("no such offer"));
    }
    return NULL;
}

enum refusal_kind step_offer_received(struct engine *e)
{
    struct agent *a;
    struct offer *o = meant_offer(e, &a);
    struct fact f;

    if (o == NULL) {
        return e->refusal.kind;
    }
    if (o->state == OFFER_SENT) {
        fact_about(&f, FACT_OFFER_RECEIVED, o->contact);
        f.offer.offer = o->number;
        f.offer.agent = a;
        f.offer.until = e->now + e->settings->queues[contact_queue(o->contact)].answer_clock;
        engine_emit(e, &f);
    }
    answer_contact_state(e, contact_id(o->contact), o->contact->state);
    return REFUSED_NOT;
}

enum refusal_kind step_accept(struct engine *e)
{
    struct agent *a;
    struct offer *o = meant_offer(e, &a);
    struct contact *c;
    struct fact f;

    if (o == NULL) {
        return e->refusal.kind;
    }
    c = o->contact;
    if (o->passed_on) {
        return refuse_gone(e, TEXT("offer"), offer_end_word(OFFER_END_TRANSFERRED));
    }
    if (o->state == OFFER_ACTIVE || o->state == OFFER_WRAPPING) {
        answer_contact_state(e, contact_id(c), c->state); /* again: it holds it already */
        return REFUSED_NOT;
    }
    fact_about(&f, FACT_OFFER_ACCEPTED, c);
    f.offer.offer = o->number;
    f.offer.agent = a;
    engine_emit(e, &f);
    answer_contact_state(e, contact_id(c), c->state);
    tell_owner(e, c, TEXT_NONE, TEXT_NONE);
    return REFUSED_NOT;
}

static const struct contact *cooling_contact(const struct agent *a, uint64_t number)
{
    for (struct list_node *n = list_first(&a->cool_downs); n != NULL;
         n = list_next(&a->cool_downs, n)) {
        const struct cool_down *d = record_of(n, struct cool_down, of_agent);
        if (contact_arrival(d->contact) == number) {
            return d->contact;
        }
    }
    return NULL;
}

/* Among the newest ended contacts the one with this number, or NULL. */
static const struct tombstone *newest_ended(const struct engine *e, uint64_t number)
{
    const struct tombstone *t = engine_previous_tombstone(e, NULL);

    for (int looked = 0; t != NULL && looked < ENDED_OFFERS_KEPT; looked++) {
        if (t->number == number) {
            return t;
        }
        t = engine_previous_tombstone(e, t);
    }
    return NULL;
}

enum refusal_kind step_decline(struct engine *e)
{
    struct agent *a;
    struct offer *o = meant_offer(e, &a);
    struct contact *c;
    struct fact f;

    if (o == NULL) {
        const struct ended_offer *ended = ended_offer_find(e, e->command->offer.offer);
        /* The same "no" again, while the contact still waits for somebody else, is answered as the
         * first time. */
        if (e->refusal.kind == REFUSED_GONE && ended->how == OFFER_END_DECLINED) {
            const struct contact *live = cooling_contact(a, ended->contact);
            const struct tombstone *over = live == NULL ? newest_ended(e, ended->contact) : NULL;
            if (live != NULL && live->state == CONTACT_WAITING) {
                answer_contact_state(e, contact_id(live), (enum contact_state)live->state);
                return REFUSED_NOT;
            }
            if (live != NULL) {
                return refuse_state(e, contact_state_word(live->state), TEXT("another has it now"));
            }
            if (over != NULL) {
                return refuse_gone(e, TEXT("offer"),
                                   contact_state_word((enum contact_state)over->state));
            }
        }
        return e->refusal.kind;
    }
    c = o->contact;
    if (o->state != OFFER_SENT && o->state != OFFER_SHOWN) {
        return refuse_state(e, offer_state_word(o->state), TEXT("it was accepted"));
    }
    fact_about(&f, FACT_OFFER_DECLINED, c);
    f.offer_ended.offer = o->number;
    f.offer_ended.agent = a;
    f.offer_ended.reason = e->command->offer.reason;
    f.offer_ended.cool_until = cooled_at(e, c);
    engine_emit(e, &f);
    answer_contact_state(e, contact_id(c), c->state);
    tell_owner(e, c, TEXT("declined"), TEXT_NONE);
    escalate_after_attempts(e, c);
    contact_is_dirty(e, c);
    agent_is_dirty(e, a);
    return REFUSED_NOT;
}

/* ---- work ---- */

/* Was it this agent's own word that it gave the contact back, the last time that anybody did? What
 * a supervisor moved, or a lost connection gave back, the agent did not. */
static bool gave_back(const struct contact *c, const struct agent *a, enum fact_kind kind)
{
    struct history_entry lines[HISTORY_KEPT];
    uint32_t count = contact_history(c, lines);

    while (count > 0) {
        const struct history_entry *line = &lines[--count];

        if (line->kind == FACT_CONTACT_TRANSFERRED || line->kind == FACT_CONTACT_REQUEUED) {
            return line->kind == kind && line->agent == a && text_is_none(line->actor) &&
                   !text_equal(line->reason, offer_end_word(OFFER_END_AGENT_LOST)) &&
                   !text_equal(line->reason, offer_end_word(OFFER_END_SIGNED_OUT));
        }
    }
    return false;
}

/* The running work of the caller on a contact; NULL and refused when it has none. *again: it had,
 * the contact still is where this caller put it, or somebody else. */
static struct offer *own_work(struct engine *e, struct text contact, struct contact **again)
{
    struct agent *a = caller_agent(e);
    struct tombstone *ended;
    struct contact *c;

    *again = NULL;
    if (a == NULL) {
        refuse_state(e, TEXT("signed_out"), TEXT("sign in first"));
        return NULL;
    }
    c = visible_contact(e, contact, &ended);
    if (c == NULL) {
        if (ended != NULL) {
            refuse_gone(e, TEXT("contact"),
                        ended->state == CONTACT_COMPLETED &&
                                text_equal(tombstone_reason(ended), TEXT("customer_left"))
                            ? tombstone_reason(ended)
                            : contact_state_word((enum contact_state)ended->state));
        }
        return NULL;
    }
    if (contact_offer(c) != NULL && contact_offer(c)->agent == a &&
        contact_offer(c)->state == OFFER_ACTIVE) {
        return contact_offer(c);
    }
    if (contact_offer(c) != NULL && contact_offer(c)->agent == a) {
        *again = contact_offer(c)->state == OFFER_WRAPPING ? c : NULL;
        refuse_state(e, contact_state_word(c->state), TEXT("it is not being worked"));
        return NULL;
    }
    if (contact_extras(c)->from_agent == a) {
        *again = c;
        refuse_state(e, contact_state_word(c->state), TEXT("another has it now"));
        return NULL;
    }
    refuse(e, REFUSED_NOT_FOUND, TEXT("contact"), TEXT("no such contact"));
    return NULL;
}

enum refusal_kind step_complete(struct engine *e)
{
    const struct complete_command *m = &e->command->complete;
    struct contact *again;
    struct offer *o = own_work(e, m->contact, &again);
    duration_ms wrap_up;

    if (o == NULL) {
        if (again != NULL && again->state == CONTACT_WRAPPING &&
            contact_offer(again)->agent == caller_agent(e)) {
            answer_contact_state(e, contact_id(again), (enum contact_state)again->state);
            return REFUSED_NOT;
        }
        return e->refusal.kind;
    }
    wrap_up = m->wrap_up != DURATION_NONE ? m->wrap_up
                                          : e->settings->queues[contact_queue(o->contact)].wrap_up;
    e->answer_due = true;
    finish_work(e, o, WORD(completed), wrap_up, m->disposition, m->unresolved, &e->command->caller);
    assert(!e->answer_due);
    return REFUSED_NOT;
}

static struct offer *own_wrap_up(const struct agent *a, struct text contact)
{
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        if (o->state == OFFER_WRAPPING && text_equal(contact_id(o->contact), contact)) {
            return o;
        }
    }
    return NULL;
}

enum refusal_kind step_wrapped_up(struct engine *e)
{
    struct agent *a = caller_agent(e);
    struct offer *o;
    struct contact *again;

    if (a == NULL) {
        return refuse_state(e, TEXT("signed_out"), TEXT("sign in first"));
    }
    o = own_wrap_up(a, e->command->contact.contact);
    if (o == NULL) {
        o = own_work(e, e->command->contact.contact, &again);
        return o != NULL ? refuse_state(e, TEXT("active"), TEXT("complete it first"))
                         : e->refusal.kind;
    }
    if (o->passed_on) {
        char id[ID_BYTES_MAX];
        const struct contact *c = o->contact;
        struct text copied = {id, contact_id(c).length};
        const struct contact *now =
            engine_find_contact(e, contact_id(c)); /* the id may be another's by now */
        enum contact_state state = now != NULL ? now->state : c->state;
        memcpy(id, contact_id(c).bytes, contact_id(c).length);
        end_wrap_up(e, o, TEXT("wrapped_up"), &e->command->caller);
        answer_contact_state(e, copied, state);
        return REFUSED_NOT;
    }
    e->answer_due = true;
    end_wrap_up(e, o, TEXT("wrapped_up"), &e->command->caller);
    assert(!e->answer_due);
    return REFUSED_NOT;
}

/* Where a transfer goes; refused when it cannot go there. */
static enum refusal_kind transfer_target(struct engine *e, const struct transfer_command *t,
                                         const struct offer *o, queue_index *queue,
                                         struct agent **to)
{
    *queue = contact_queue(o->contact);
    *to = NULL;
    if (t->agent.length > 0) {
        *to = engine_find_agent(e, t->agent);
        if (*to == NULL) {
            return refuse(e, REFUSED_NOT_FOUND, TEXT("agent"), TEXT("no such agent"));
        }
        if (*to == o->agent) {
            return refuse(e, REFUSED_INVALID, TEXT("agent"), TEXT("that is yourself"));
        }
        if ((*to)->state != AGENT_AVAILABLE || (*to)->session == 0) {
            return refuse_state(
                e, (*to)->state == AGENT_AVAILABLE ? TEXT("away") : agent_state_word((*to)->state),
                TEXT("the agent is not available"));
        }
        if (!agent_can_take(e, *to, o->channel)) {
            return refuse_state(e, TEXT("full"), TEXT("the agent has no capacity left"));
        }
        return REFUSED_NOT;
    }
    *queue = settings_find_queue(e->settings, t->queue);
    return *queue != INDEX_NONE16
               ? REFUSED_NOT
               : refuse(e, REFUSED_NOT_FOUND, TEXT("queue"), TEXT("no such queue"));
}

/* Said again, with the contact still where the first transfer put it. */
static bool transferred_already(struct engine *e, const struct transfer_command *t,
                                const struct contact *c)
{
    if (c == NULL || (c->state != CONTACT_WAITING && c->state != CONTACT_OFFERED) ||
        !gave_back(c, caller_agent(e), FACT_CONTACT_TRANSFERRED)) {
        return false;
    }
    return t->agent.length > 0
               ? contact_offer(c) != NULL && text_equal(contact_offer(c)->agent->id, t->agent)
               : text_equal(e->settings->queues[contact_queue(c)].name, t->queue);
}

enum refusal_kind step_transfer(struct engine *e)
{
    const struct transfer_command *t = &e->command->transfer;
    struct contact *again;
    struct offer *o = own_work(e, t->contact, &again);
    struct agent *giver;
    struct agent *to;
    struct contact *c;
    queue_index queue;
    struct fact f;

    if (o == NULL) {
        if (transferred_already(e, t, again)) {
            answer_contact_state(e, contact_id(again), (enum contact_state)again->state);
            return REFUSED_NOT;
        }
        return e->refusal.kind;
    }
    if (transfer_target(e, t, o, &queue, &to) != REFUSED_NOT) {
        return e->refusal.kind;
    }
    c = o->contact;
    giver = o->agent;
    fact_given_back(e, &f, FACT_CONTACT_TRANSFERRED, c);
    f.given_back.queue = queue;
    f.given_back.to = to;
    f.given_back.issue = settings_find_issue(e->settings, t->issue);
    f.given_back.skills_given = t->skills_given;
    f.given_back.skills = t->skills;
    f.given_back.reason = t->reason;
    f.given_back.note = t->note;
    if (t->wrap_up != DURATION_NONE && t->wrap_up > 0) {
        f.given_back.wrap_up_until = e->now + t->wrap_up;
    }
    engine_emit(e, &f);
    answer_contact_state(e, contact_id(c), c->state);
    tell_owner(e, c, t->reason, TEXT("transferred"));
    if (to != NULL) {
        make_offer(e, c, to, TEXT("transfer"), true);
    } else {
        contact_is_dirty(e, c);
    }
    agent_is_dirty(e, giver);
    return REFUSED_NOT;
}

enum refusal_kind step_requeue(struct engine *e)
{
    const struct requeue_command *r = &e->command->requeue;
    bool later = r->not_before_at != SCHEDULE_NONE && r->not_before_at > e->now;
    struct agent *preferred = NULL;
    struct contact *again;
    struct offer *o = own_work(e, r->contact, &again);
    struct agent *giver;
    struct contact *c;
    struct fact f;

    if (o == NULL) {
        if (again != NULL &&
            (again->state == CONTACT_WAITING || again->state == CONTACT_SCHEDULED) &&
            gave_back(again, caller_agent(e), FACT_CONTACT_REQUEUED)) {
            answer_contact_state(e, contact_id(again), (enum contact_state)again->state);
            return REFUSED_NOT;
        }
        return e->refusal.kind;
    }
    c = o->contact;
    giver = o->agent;
    if (r->preferred_agent.length > 0) {
        preferred = engine_find_agent(e, r->preferred_agent);
    } else if (later) {
        preferred = giver;
    }
    fact_given_back(e, &f, FACT_CONTACT_REQUEUED, c);
    f.given_back.preferred = preferred;
    if (later) {
        f.given_back.not_before_at = r->not_before_at;
    } else if (preferred != giver &&
               worth_waiting_for(e, preferred, contact_queue(c), contact_terms(c)->own_skills) &&
               e->settings->queues[contact_queue(c)].preferred_hold > 0) {
        f.given_back.hold_until = e->now + e->settings->queues[contact_queue(c)].preferred_hold;
    }
    f.given_back.reason = r->reason;
    f.given_back.note = r->note;
    engine_emit(e, &f);
    answer_contact_state(e, contact_id(c), c->state);
    tell_owner(e, c, r->reason, TEXT("requeued"));
    if (c->state == CONTACT_WAITING) {
        contact_is_dirty(e, c);
    }
    agent_is_dirty(e, giver);
    return REFUSED_NOT;
}
