/* The engine's door: a command comes in with its time, clocks that have run out fire first, the
 * command is decided, whoever is free finds work, and all that was said has gone to the sink. */
#include "queue/base/rare.h"
#include "queue/state.h"

const char *command_kind_word(enum command_kind kind)
{
    static const char *const words[COMMAND_KIND_COUNT] = {
        [COMMAND_SUBMIT] = "submit",
        [COMMAND_UPDATE] = "update",
        [COMMAND_CANCEL] = "cancel",
        [COMMAND_END] = "end",
        [COMMAND_RATE] = "rate",
        [COMMAND_CONNECTOR_ATTACHED] = "connector_attached",
        [COMMAND_CONNECTOR_DETACHED] = "connector_detached",
        [COMMAND_SIGN_IN] = "sign_in",
        [COMMAND_SET_STATE] = "set_state",
        [COMMAND_SIGN_OUT] = "sign_out",
        [COMMAND_PULL] = "pull",
        [COMMAND_OFFER_RECEIVED] = "offer_received",
        [COMMAND_ACCEPT] = "accept",
        [COMMAND_DECLINE] = "decline",
        [COMMAND_COMPLETE] = "complete",
        [COMMAND_WRAPPED_UP] = "wrapped_up",
        [COMMAND_TRANSFER] = "transfer",
        [COMMAND_REQUEUE] = "requeue",
        [COMMAND_SESSION_CLOSED] = "session_closed",
        [COMMAND_MOVE] = "move",
        [COMMAND_ASSIGN] = "assign",
        [COMMAND_AGENT_PUT] = "agent_put",
        [COMMAND_AGENT_REMOVE] = "agent_remove",
        [COMMAND_CONFIG_APPLY] = "config_apply",
        [COMMAND_OWNER_STARTED] = "owner_started",
        [COMMAND_OWNER_CONTINUED] = "owner_continued",
        [COMMAND_JOURNAL_STALLED] = "journal_stalled",
        [COMMAND_TICK] = "tick",
    };
    return words[kind];
}

/* ---- facts ---- */

void fact_about_agent(struct fact *f, enum fact_kind kind, struct agent *a)
{
    fact_init(f, kind);
    f->subject = a->id;
    f->agent = a;
}

/* The sink hears first: applying may free what the fact points at. */
void engine_emit(struct engine *e, struct fact *f)
{
    assert(engine_may_write(e, f->kind));
    f->seq = e->seq + 1;
    f->at = e->now;
    e->sink.fact(e->sink.context, f);
    apply(e, f);
}

/* ---- answers and notices ---- */

static void deliver(struct engine *e, struct delivery *d)
{
    d->seq = e->seq;
    e->sink.deliver(e->sink.context, d);
}

void answer(struct engine *e, struct delivery *d)
{
    if (e->command->caller.session == 0) {
        return;
    }
    d->session = e->command->caller.session;
    d->request = e->command->caller.request;
    deliver(e, d);
}

void answer_contact_state(struct engine *e, struct text contact, enum contact_state state)
{
    struct delivery d;

    delivery_init(&d, ANSWER_CONTACT_STATE);
    d.contact_id = contact;
    d.state = state;
    answer(e, &d);
}

void tell_listening_owner(struct engine *e, const struct contact *c, struct text reason,
                          struct text step)
{
    struct delivery d;

    delivery_init(&d, NOTICE_CONTACT_CHANGED);
    d.owner = contact_owner(c);
    d.contact = c;
    d.contact_id = contact_id(c);
    d.state = c->state;
    d.reason = reason;
    d.step = step;
    deliver(e, &d);
}

void tell_agent(struct engine *e, const struct agent *a, struct delivery *d)
{
    if (a->session == 0) {
        return;
    }
    d->session = a->session;
    d->agent = a;
    deliver(e, d);
}

void tell_agent_changed(struct engine *e, const struct agent *a)
{
    struct delivery d = {.kind = NOTICE_AGENT_CHANGED, .reason = a->reason};
    tell_agent(e, a, &d);
}

void tell_withdrawn(struct engine *e, const struct agent *a, uint64_t number,
                    const struct contact *c, struct text reason)
{
    struct delivery d = {.kind = NOTICE_OFFER_WITHDRAWN,
                         .number = number,
                         .contact = c,
                         .contact_id = contact_id(c),
                         .reason = reason};
    tell_agent(e, a, &d);
}

/* To whoever holds the contact, unless it is its own doing. */
void tell_updated(struct engine *e, const struct contact *c, struct text reason,
                  const struct update_command *changed)
{
    struct delivery d = {.kind = NOTICE_CONTACT_UPDATED,
                         .contact = c,
                         .contact_id = contact_id(c),
                         .state = c->state,
                         .reason = reason,
                         .changed = changed};

    if (contact_offer(c) != NULL && contact_offer(c)->agent->session != 0 &&
        !(e->command->caller.role == CALLER_AGENT &&
          contact_offer(c)->agent->session == e->command->caller.session)) {
        tell_agent(e, contact_offer(c)->agent, &d);
    }
}

/* ---- refusals ---- */

enum refusal_kind refuse(struct engine *e, enum refusal_kind kind, struct text field,
                         struct text message)
{
    e->refusal = (struct refusal){
        .kind = kind, .field = field, .message = message, .retry_after = DURATION_NONE};
    return kind;
}

enum refusal_kind refuse_state(struct engine *e, struct text state, struct text message)
{
    refuse(e, REFUSED_CONFLICT, TEXT_NONE, message);
    e->refusal.state = state;
    return REFUSED_CONFLICT;
}

enum refusal_kind refuse_gone(struct engine *e, struct text field, struct text reason)
{
    refuse(e, REFUSED_GONE, field, TEXT("it is over"));
    e->refusal.reason = reason;
    return REFUSED_GONE;
}

struct text actor_of(const struct engine *e)
{
    const struct caller *by = &e->command->caller;

    return by->role == CALLER_SUPERVISOR || by->role == CALLER_ADMIN ? by->name : TEXT_NONE;
}

struct agent *caller_agent(struct engine *e)
{
    return engine_agent_of_session(e, e->command->caller.session);
}

/* Whether an agent had a contact that others ended, as far back as ended offers are kept. */
static bool had_offer(const struct engine *e, const struct agent *a, uint64_t contact)
{
    for (uint32_t i = 0; i < ENDED_OFFERS_KEPT; i++) {
        const struct ended_offer *o = &e->ended_offers[i];
        if (o->contact == contact && o->agent == a->number && o->number != 0) {
            return true;
        }
    }
    return false;
}

/* The contact that the caller may see; a connector sees its own, an agent what it holds. NULL and
 * refused when there is none; *ended is set, and NULL returned without a refusal, when it has
 * ended. */
struct contact *visible_contact(struct engine *e, struct text id, struct tombstone **ended)
{
    const struct caller *by = &e->command->caller;
    struct contact_found found = contact_index_look_for(e, id);
    struct contact *c = found.contact;
    struct tombstone *t = found.tombstone;

    *ended = NULL;
    if (by->role == CALLER_CONNECTOR) {
        struct owner *o = engine_find_owner(e, by->name);
        c = c != NULL && contact_owner(c) == o ? c : NULL;
        t = t != NULL && t->owner == o ? t : NULL;
    } else if (by->role == CALLER_AGENT) {
        struct agent *a = caller_agent(e);
        /* What it no longer holds is as if it were not there; an end of its own work it may hear
         * of. */
        if (c != NULL &&
            (a == NULL ||
             ((contact_offer(c) == NULL || contact_offer(c)->agent != a) &&
              contact_extras(c)->from_agent != a && contact_extras(c)->last_agent != a))) {
            c = NULL;
        }
        t = t != NULL && a != NULL && (t->agent == a || had_offer(e, a, t->number)) ? t : NULL;
    }
    if (c == NULL && t == NULL) {
        refuse(e, REFUSED_NOT_FOUND, TEXT("contact"), TEXT("no such contact"));
    }
    *ended = t;
    return c;
}

/* ---- pulls ---- */

/* What the pulls that still wait may be given; nothing found is undelivered when this is called. */
void pull_end(struct engine *e, struct pull *p)
{
    struct agent *a = p->agent;

    timer_wheel_disarm(&e->clocks, &p->timer);
    list_remove(&p->of_agent);
    pool_give(&e->pull_pool, p);
    a->pull_credit = 0;
    for (struct list_node *n = list_first(&a->pulls); n != NULL; n = list_next(&a->pulls, n)) {
        a->pull_credit += record_of(n, struct pull, of_agent)->max;
    }
}

void pulls_end(struct engine *e, struct agent *a)
{
    struct list_node *n;

    while ((n = list_first(&a->pulls)) != NULL) {
        pull_end(e, record_of(n, struct pull, of_agent));
    }
    if (list_linked(&a->in_pulled)) {
        list_remove(&a->in_pulled);
    }
}

/* Offers made to it by name while it had no pull out: they have waited for this one. */
void held_offers_first(struct engine *e, struct agent *a)
{
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        struct fact f;
        if (o->delivered || a->pull_credit == 0 ||
            (o->state != OFFER_SENT && o->state != OFFER_SHOWN)) {
            continue;
        }
        a->pull_credit--;
        if (o->state == OFFER_SENT && !a->receipts) {
            fact_about(&f, FACT_OFFER_RECEIVED, o->contact);
            f.offer.offer = o->number;
            f.offer.agent = a;
            f.offer.until = e->now + e->settings->queues[contact_queue(o->contact)].answer_clock;
            engine_emit(e, &f);
        }
        if (!list_linked(&a->in_pulled)) {
            list_append(&e->pulled_agents, &a->in_pulled);
        }
    }
}

/* The oldest pull gets what was found for its agent in this step. */
static void pulls_answer(struct engine *e, struct agent *a)
{
    const struct offer *found[PULL_MAX];
    struct list_node *n = list_first(&a->held);

    while (!list_empty(&a->pulls)) {
        struct pull *p = record_of(list_first(&a->pulls), struct pull, of_agent);
        struct delivery d = {.kind = ANSWER_OFFERS, .agent = a, .offers = found};
        for (; n != NULL && d.offer_count < p->max; n = list_next(&a->held, n)) {
            struct offer *o = record_of(n, struct offer, of_agent);
            if (!o->delivered) {
                o->delivered = true;
                found[d.offer_count++] = o;
            }
        }
        if (d.offer_count == 0) {
            return;
        }
        d.session = a->session;
        d.request = p->request;
        pull_end(e, p);
        deliver(e, &d);
    }
}

void pulls_flush(struct engine *e)
{
    struct list_node *n;

    while ((n = list_first(&e->pulled_agents)) != NULL) {
        struct agent *a = record_of(n, struct agent, in_pulled);
        list_remove(&a->in_pulled);
        pulls_answer(e, a);
        agent_refresh(e, a);
        if (a->pull_credit > 0) {
            agent_is_dirty(e, a);
        }
    }
}

/* ---- the step ---- */

typedef enum refusal_kind (*step_function)(struct engine *e);

static enum refusal_kind step_tick(struct engine *e)
{
    (void)e;
    return REFUSED_NOT;
}

static const step_function steps[COMMAND_KIND_COUNT] = {
    [COMMAND_SUBMIT] = step_submit,
    [COMMAND_UPDATE] = step_update,
    [COMMAND_CANCEL] = step_cancel,
    [COMMAND_END] = step_end,
    [COMMAND_RATE] = step_rate,
    [COMMAND_CONNECTOR_ATTACHED] = step_connector_attached,
    [COMMAND_CONNECTOR_DETACHED] = step_connector_detached,
    [COMMAND_SIGN_IN] = step_sign_in,
    [COMMAND_SET_STATE] = step_set_state,
    [COMMAND_SIGN_OUT] = step_sign_out,
    [COMMAND_PULL] = step_pull,
    [COMMAND_OFFER_RECEIVED] = step_offer_received,
    [COMMAND_ACCEPT] = step_accept,
    [COMMAND_DECLINE] = step_decline,
    [COMMAND_COMPLETE] = step_complete,
    [COMMAND_WRAPPED_UP] = step_wrapped_up,
    [COMMAND_TRANSFER] = step_transfer,
    [COMMAND_REQUEUE] = step_requeue,
    [COMMAND_SESSION_CLOSED] = step_session_closed,
    [COMMAND_MOVE] = step_move,
    [COMMAND_ASSIGN] = step_assign,
    [COMMAND_AGENT_PUT] = step_agent_put,
    [COMMAND_AGENT_REMOVE] = step_agent_remove,
    [COMMAND_CONFIG_APPLY] = step_config_apply,
    [COMMAND_OWNER_STARTED] = step_owner_started,
    [COMMAND_OWNER_CONTINUED] = step_owner_continued,
    [COMMAND_JOURNAL_STALLED] = step_journal_stalled,
    [COMMAND_TICK] = step_tick,
};

/* Before the first configuration and before owner_started nothing can be decided. */
static bool may_step(const struct engine *e, enum command_kind kind)
{
    return e->settings != NULL || kind == COMMAND_CONFIG_APPLY || kind == COMMAND_OWNER_STARTED ||
           kind == COMMAND_OWNER_CONTINUED || kind == COMMAND_CONNECTOR_ATTACHED ||
           kind == COMMAND_CONNECTOR_DETACHED || kind == COMMAND_TICK ||
           kind == COMMAND_SESSION_CLOSED;
}

/* Clocks that have run out fire, whoever is free finds work, and pulls are answered with it: each
 * where there is anything to do. */
static inline void settle(struct engine *e)
{
    if (!timer_wheel_is_quiet(&e->clocks, e->now)) {
        clocks_run(e);
    }
    if (e->looking.count > 0 || !list_empty(&e->dirty_agents)) {
        matcher_run(e);
    }
    if (!list_empty(&e->pulled_agents)) {
        pulls_flush(e);
    }
}

static RARE void answer_refused(struct engine *e)
{
    struct delivery d = {.kind = ANSWER_REFUSED, .refusal = &e->refusal};

    answer(e, &d);
}

enum refusal_kind engine_step(struct engine *e, const struct command *command)
{
    enum refusal_kind refused;

    assert(!e->stepping);
    e->stepping = true;
    e->command = command;
    if (command->time > e->now) {
        e->now = command->time;
    }
    /* An outage is told first, and clocks fire only after they were moved by it. The same after a
     * start. */
    if (!timer_wheel_is_quiet(&e->clocks, e->now) && e->settings != NULL &&
        command->kind != COMMAND_JOURNAL_STALLED && command->kind != COMMAND_OWNER_STARTED) {
        settle(e); /* nothing else is left over from the step before */
    }
    refused = may_step(e, command->kind)
                  ? steps[command->kind](e)
                  : refuse_state(e, TEXT("unconfigured"), TEXT("no configuration yet"));
    if (refused != REFUSED_NOT && refused != REFUSED_OTHER_CONFIG) {
        answer_refused(e);
    }
    if (e->settings != NULL) {
        settle(e);
    }
    skill_queues_place(e);
    e->command = NULL;
    e->stepping = false;
    return refused;
}
