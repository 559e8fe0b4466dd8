/* How offers, work and contacts end, with all that follows for those who hear of it. Commands and
 * clocks use the same few ways. */
#include "queue/state.h"

static struct text actor_in(const struct engine *e, const struct caller *by)
{
    return by == NULL ? TEXT_NONE : actor_of(e);
}

/* When an agent that did not take a contact may be asked again: never at once, so that others come
 * first. */
engine_time cooled_at(const struct engine *e, const struct contact *c)
{
    duration_ms cool_down = e->settings->queues[contact_queue(c)].cool_down;

    return e->now + (cool_down > 0 ? cool_down : 1);
}

/* Back into its place, through no fault of the agent. */
void withdraw_offer(struct engine *e, struct offer *o, enum offer_end how, bool cool)
{
    struct contact *c = o->contact;
    struct agent *a = o->agent;
    uint64_t number = o->number;
    bool seen = o->delivered;
    struct fact f;

    fact_about(&f, FACT_OFFER_WITHDRAWN, c);
    f.offer_ended.offer = number;
    f.offer_ended.agent = a;
    f.offer_ended.reason = offer_end_word(how);
    f.offer_ended.misses = a->misses;
    if (cool) {
        f.offer_ended.cool_until = cooled_at(e, c);
    }
    engine_emit(e, &f);
    if (seen) {
        tell_withdrawn(e, a, number, c, offer_end_word(how));
    }
    if (how != OFFER_END_CANCELLED && how != OFFER_END_EXPIRED) { /* else its end is told next */
        tell_owner(e, c, offer_end_word(how), TEXT_NONE);
    }
    contact_is_dirty(e, c);
    agent_is_dirty(e, a);
}

static enum contact_state end_state(enum fact_kind kind)
{
    return kind == FACT_CONTACT_COMPLETED   ? CONTACT_COMPLETED
           : kind == FACT_CONTACT_CANCELLED ? CONTACT_CANCELLED
                                            : CONTACT_EXPIRED;
}

static void end_with(struct engine *e, struct contact *c, enum fact_kind kind, struct text reason,
                     struct text disposition, bool unresolved, const struct caller *by)
{
    struct agent *worker = contact_offer(c) != NULL ? contact_offer(c)->agent : NULL;
    struct owner *owner = contact_owner(c);
    bool heard = owner_listens(owner); /* then the owner outlives its contact */
    char letters[ID_BYTES_MAX];
    struct text id = {letters, contact_id(c).length};
    struct fact f;

    text_write(letters, contact_id(c));
    fact_about(&f, FACT_CONTACT_COMPLETED, c);
    f.kind = kind; /* all ends have the same fields */
    f.ended.reason = reason;
    f.ended.agent = worker != NULL ? worker : contact_extras(c)->last_agent;
    f.ended.disposition = disposition;
    f.ended.unresolved = unresolved;
    f.ended.actor = actor_in(e, by);
    engine_emit(e, &f);
    answer_if_due(e, id, end_state(kind));
    if (heard) {
        struct delivery d;

        delivery_init(&d, NOTICE_CONTACT_CHANGED);
        d.seq = e->seq;
        d.owner = owner;
        d.agent = f.ended.agent;
        d.contact_id = id;
        d.state = end_state(kind);
        d.reason = reason;
        e->sink.deliver(e->sink.context, &d);
    }
    if (worker != NULL) {
        agent_is_dirty(e, worker);
    }
}

/* A contact that no agent works (waiting, scheduled), or whose wrap-up is over. The record may be
 * gone afterwards. */
void end_contact(struct engine *e, struct contact *c, enum fact_kind kind, struct text reason,
                 const struct caller *by)
{
    end_with(e, c, kind, reason, contact_body(c).disposition, c->unresolved, by);
}

/* The work on an active contact is over: wrap-up, or the end. */
void finish_work(struct engine *e, struct offer *o, struct text reason, duration_ms wrap_up,
                 struct text disposition, bool unresolved, const struct caller *by)
{
    struct contact *c = o->contact;
    struct fact f;

    if (wrap_up <= 0) {
        end_with(e, c, FACT_CONTACT_COMPLETED, reason, disposition, unresolved, by);
        return;
    }
    fact_about(&f, FACT_WRAP_UP_STARTED, c);
    f.wrap_up_started.offer = o->number;
    f.wrap_up_started.agent = o->agent;
    f.wrap_up_started.until = e->now + wrap_up;
    f.wrap_up_started.disposition = disposition;
    f.wrap_up_started.unresolved = unresolved;
    f.wrap_up_started.reason = reason;
    f.wrap_up_started.actor = actor_in(e, by);
    engine_emit(e, &f);
    tell_owner(e, c, reason, TEXT_NONE);
}

/* A contact's own reason for its end may stand in memory that goes with it. */
static struct text reason_copied(struct text reason, char kept[4096])
{
    struct text known = word_keep(reason);

    if (known.bytes != NULL) {
        return known;
    }
    if (reason.length > 4096) {
        reason.length = 4096;
    }
    memcpy(kept, reason.bytes, reason.length);
    return (struct text){kept, reason.length};
}

/* After-contact work is done, by word (`by`) or by time; then its agent is told. */
void end_wrap_up(struct engine *e, struct offer *o, struct text reason, const struct caller *by)
{
    struct delivery d = {.kind = NOTICE_CONTACT_ENDED, .reason = reason};
    struct agent *a = o->agent;
    struct contact *c = o->contact;
    char id[ID_BYTES_MAX];
    char kept[4096];
    struct fact f;

    memcpy(id, contact_id(c).bytes, contact_id(c).length);
    d.contact_id = (struct text){id, contact_id(c).length};
    if (!o->passed_on) {
        struct text why = contact_body(c).end_reason;
        why = why.length > 0 ? why : TEXT("completed");
        end_contact(e, c, FACT_CONTACT_COMPLETED, reason_copied(why, kept), by);
    } else {
        fact_about(&f, FACT_WRAP_UP_ENDED, c);
        f.wrap_up_ended.offer = o->number;
        f.wrap_up_ended.agent = a;
        f.wrap_up_ended.reason = reason;
        engine_emit(e, &f);
    }
    if (by == NULL) {
        tell_agent(e, a, &d);
    }
    agent_is_dirty(e, a);
}

/* The customer is no longer there, whatever the state. The record may be gone afterwards. */
void customer_left(struct engine *e, struct contact *c, struct text reason, const struct caller *by)
{
    switch (c->state) {
    case CONTACT_OFFERED:
        withdraw_offer(e, contact_offer(c), OFFER_END_CANCELLED, false);
        end_contact(e, c, FACT_CONTACT_CANCELLED, reason, by);
        break;
    case CONTACT_SCHEDULED:
    case CONTACT_WAITING:
        end_contact(e, c, FACT_CONTACT_CANCELLED, reason, by);
        break;
    case CONTACT_ACTIVE: {
        struct agent *a = contact_offer(c)->agent;
        duration_ms wrap_up = e->settings->queues[contact_queue(c)].wrap_up;
        char id[ID_BYTES_MAX];
        struct delivery d = {.kind = NOTICE_CONTACT_ENDED, .reason = reason};
        memcpy(id, contact_id(c).bytes, contact_id(c).length);
        d.contact_id = (struct text){id, contact_id(c).length};
        finish_work(e, contact_offer(c), reason, wrap_up, TEXT_NONE, false, by);
        if (wrap_up > 0) {
            tell_updated(e, c, reason, NULL);
        } else {
            tell_agent(e, a, &d);
        }
        break;
    }
    case CONTACT_WRAPPING:
    case CONTACT_COMPLETED:
    case CONTACT_CANCELLED:
    case CONTACT_EXPIRED:
    case CONTACT_DIVERTED:
    case CONTACT_REJECTED:
    case CONTACT_STATE_COUNT:
    default:
        break;
    }
}

/* It goes from its agent to where it waits. It was worked meanwhile: how long it may wait counts
 * anew. */
void fact_given_back(const struct engine *e, struct fact *f, enum fact_kind kind, struct contact *c)
{
    fact_about(f, kind, c);
    f->given_back.agent = contact_offer(c)->agent;
    f->given_back.queue = contact_queue(c);
    if (contact_terms(c)->expires != DURATION_NONE) {
        f->given_back.expires_at = e->now + contact_terms(c)->expires;
    }
}

/* Taken from its agent into its queue, with its key. */
void give_back(struct engine *e, struct offer *o, struct text reason, const struct caller *by)
{
    struct contact *c = o->contact;
    struct agent *a = o->agent;
    struct fact f;

    fact_given_back(e, &f, FACT_CONTACT_REQUEUED, c);
    f.given_back.reason = reason;
    f.given_back.note = contact_body(c).note;
    f.given_back.actor = actor_in(e, by);
    engine_emit(e, &f);
    tell_owner(e, c, reason, TEXT_NONE);
    contact_is_dirty(e, c);
    agent_is_dirty(e, a);
}

/* The first offer of an agent that it has not answered. */
static struct offer *open_offer(const struct agent *a)
{
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        if (o->state == OFFER_SENT || o->state == OFFER_SHOWN) {
            return o;
        }
    }
    return NULL;
}

void leave_agent(struct engine *e, struct agent *a, enum offer_end how)
{
    struct offer *o;

    while ((o = open_offer(a)) != NULL) {
        withdraw_offer(e, o, how, false);
    }
}

/* Contacts that wait for an agent who is not there wait for anyone. */
void release_reserved(struct engine *e, struct agent *a)
{
    struct ranked_node *n;

    skill_queues_place(e);
    while ((n = ranked_tree_first(&a->reserved)) != NULL) {
        struct contact *c = line_first(record_of(n, struct line, in_all));
        struct fact f;
        fact_about(&f, FACT_CONTACT_OPENED, c);
        engine_emit(e, &f);
        contact_is_dirty(e, c);
    }
}

/* All that it holds is let go: assignments go back with their key, wrap-ups end. */
void sign_out_agent(struct engine *e, struct agent *a, struct text reason, enum offer_end how,
                    const struct caller *by)
{
    struct list_node *n;
    struct fact f;

    leave_agent(e, a, how);
    while ((n = list_first(&a->held)) != NULL) {
        struct offer *o = record_of(n, struct offer, of_agent);
        if (o->state == OFFER_ACTIVE) {
            give_back(e, o, offer_end_word(how), by);
        } else {
            end_wrap_up(e, o, offer_end_word(how), by);
        }
    }
    fact_about_agent(&f, FACT_AGENT_SIGNED_OUT, a);
    f.agent_state.reason = reason;
    f.agent_state.actor = actor_in(e, by);
    engine_emit(e, &f);
    release_reserved(e, a);
}
