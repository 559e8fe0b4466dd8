/* Commands about contacts: of connectors, and of supervisors. Each checks all it needs before its
 * first fact, so that it happens whole or not at all. */
#include "queue/base/defect.h"
#include "queue/base/rare.h"
#include "queue/state.h"

static engine_time promised(engine_time start, duration_ms target)
{
    return target == DURATION_NONE ? TIME_NEVER : start + target;
}

static bool forgotten(const struct engine *e, const struct tombstone *t)
{
    return t->ended_at + e->settings->id_kept <= e->now || DEFECT(FORGETS_IDS);
}

/* ---- submit ---- */

static enum refusal_kind answer_submitted(struct engine *e, const struct contact *c,
                                          const struct tombstone *t, bool duplicate)
{
    struct delivery d;

    delivery_init(&d, ANSWER_SUBMITTED);
    d.contact = c;
    d.tombstone = t;
    d.duplicate = duplicate;
    d.contact_id = c != NULL ? contact_id(c) : tombstone_id(t);
    d.state = c != NULL ? c->state : (enum contact_state)t->state;
    d.owner = c != NULL ? contact_owner(c) : t->owner;
    answer(e, &d);
    return REFUSED_NOT;
}

/* The same id again is the same contact, also when it has ended, as long as its id is kept. `c`, or
 * `t` that is not forgotten, has it. */
static RARE enum refusal_kind submit_again(struct engine *e, const struct contact *c,
                                           const struct tombstone *t)
{
    const struct owner *owner = c != NULL ? contact_owner(c) : t->owner;

    if (!text_equal(owner->name, e->command->caller.name)) {
        refuse(e, REFUSED_CONFLICT, TEXT("id"),
               TEXT("the id belongs to another connector's contact"));
        e->refusal.state = contact_state_word(c != NULL ? c->state : (enum contact_state)t->state);
        return REFUSED_CONFLICT;
    }
    return answer_submitted(e, c, t, true);
}

static bool queue_has_room(const struct engine *e, queue_index queue)
{
    uint32_t most = e->settings->queues[queue].waiting_max;

    return most == 0 || e->queues[queue].count[CONTACT_WAITING] < most;
}

/* The one that takes its overflow. INDEX_NONE16 when all are full. */
static RARE queue_index queue_of_overflow(const struct engine *e, queue_index queue)
{
    const struct settings *s = e->settings;

    /* A chain of overflows may be a ring; it is not followed further than there are queues. */
    for (uint32_t i = 0; i < s->queue_count && queue != INDEX_NONE16; i++) {
        if (queue_has_room(e, queue)) {
            return queue;
        }
        queue = s->queues[queue].overflow;
    }
    return INDEX_NONE16;
}

/* The queue that takes it: mostly its own. */
static queue_index queue_with_room(const struct engine *e, queue_index queue)
{
    return queue_has_room(e, queue) ? queue : queue_of_overflow(e, queue);
}

/* What all queues together may hold: memory is not without bound. */
static bool workspace_has_room(const struct engine *e)
{
    const struct settings *s = e->settings;

    return (s->contacts_max == 0 || contact_index_live(&e->contacts) < s->contacts_max) &&
           (s->bodies_bytes_max == 0 || e->body_bytes < s->bodies_bytes_max);
}

static RARE struct agent *last_agent_of(struct engine *e, struct text contact)
{
    const struct contact_found found = contact_index_find(e, contact);
    struct agent *a = found.contact != NULL     ? contact_extras(found.contact)->last_agent
                      : found.tombstone != NULL ? found.tombstone->agent
                                                : NULL;

    return a != NULL && !a->removed ? a : NULL;
}

static struct agent *agent_to_wait_for(struct engine *e, const struct submit_command *s)
{
    if (s->preferred_agent.length > 0) {
        return engine_find_agent(e, s->preferred_agent);
    }
    return s->reopens.length > 0 ? last_agent_of(e, s->reopens) : NULL;
}

/* A preference waits for somebody who is there; otherwise it would be a pin. */
bool worth_waiting_for(const struct engine *e, const struct agent *a, queue_index queue,
                       const struct requirement *own)
{
    return a != NULL && !a->removed && a->state == AGENT_AVAILABLE && a->session != 0 &&
           a->profile != NULL && profile_serves(a->profile, queue) &&
           requirement_met(e->queues[queue].required, a->skills) && requirement_met(own, a->skills);
}

static RARE void hold_new(struct engine *e, duration_ms hold, struct fact_NEW_CONTACT *n)
{
    const struct requirement *own = requirement_take(&e->skills, n->skills);

    if (hold > 0 && worth_waiting_for(e, n->preferred, n->queue, own)) {
        n->hold_until = e->now + hold;
    }
    requirement_release(&e->skills, own);
}

/* When its connector received it, as far back as that is believed; else now. */
static engine_time start_of(const struct engine *e, const struct submit_command *s)
{
    engine_time oldest = e->now - e->settings->received_bound;

    if (s->received_at == TIME_NEVER || s->received_at >= e->now) {
        return e->now;
    }
    return s->received_at < oldest ? oldest : s->received_at;
}

#define ONE_FIELD(type, name, help) +1

/* Every field in turn: nothing is written twice. */
static void fill_new(struct engine *e, const struct submit_command *s, queue_index queue,
                     bool later, struct fact_NEW_CONTACT *n)
{
    const struct queue_settings *q = &e->settings->queues[queue];
    struct targets t =
        settings_targets(e->settings, queue, s->classified.tier, s->classified.issue);
    engine_time start = later ? s->not_before_at : start_of(e, s);
    duration_ms expires = s->expires != DURATION_NONE ? s->expires : q->expires;

    static_assert(FACT_FIELDS_NEW_CONTACT(ONE_FIELD) == 34, "a field that came is set here, too");
    n->number = e->next_contact;
    n->owner = e->command->caller.name;
    n->channel = s->channel;
    n->queue = queue;
    n->tier = s->classified.tier;
    n->issue = s->classified.issue;
    n->language = s->classified.language;
    n->customer = s->customer;
    n->customer_attributes = s->customer_attributes;
    n->attributes = s->attributes;
    n->subject = s->subject;
    n->text = s->text;
    n->payload = s->payload;
    n->skills = s->skills;
    n->preferred = agent_to_wait_for(e, s);
    n->hold_until = TIME_NEVER;
    n->boost = s->boost != 0 ? s->boost : DURATION_NONE;
    n->start_at = start;
    n->not_before_at = later ? s->not_before_at : TIME_NEVER;
    n->keeps_place = s->keeps_place && later;
    n->expires_at =
        expires != DURATION_NONE ? (later ? s->not_before_at : e->now) + expires : TIME_NEVER;
    n->expires = expires;
    n->lost = s->lost;
    n->parent = s->parent;
    n->reopens = s->reopens;
    n->answer_at = promised(start, t.answer);
    n->progress_at = promised(start, t.progress);
    n->resolve_at = promised(start, t.resolve);
    n->why_tier = s->classified.why_tier;
    n->why_issue = s->classified.why_issue;
    n->why_queue =
        queue == s->classified.queue ? s->classified.why_queue : TEXT("overflow of a full queue");
    n->why_language = s->classified.why_language;
    n->config_version = e->config_version;
    n->actor = TEXT_NONE;
    if (n->preferred != NULL && !later) {
        hold_new(e, q->preferred_hold, n);
    }
}

static RARE enum refusal_kind refuse_full(struct engine *e, queue_index queue)
{
    refuse(e, REFUSED_QUEUE_FULL, TEXT_NONE,
           workspace_has_room(e) ? TEXT("the queue has no room")
                                 : TEXT("the workspace has as many contacts as it may hold"));
    e->refusal.reason = e->settings->queues[queue].name;
    e->refusal.retry_after = service_level_wait(e, queue, 1);
    return REFUSED_QUEUE_FULL;
}

enum refusal_kind step_submit(struct engine *e)
{
    const struct submit_command *s = &e->command->submit;
    uint32_t hash = contact_index_hash_of_command(e, s->id);
    const struct contact_found found = contact_index_find_hashed(e, s->id, hash);
    bool later = s->not_before_at != SCHEDULE_NONE && s->not_before_at > e->now;
    queue_index queue;
    struct contact *c;
    struct fact f;

    if (found.contact != NULL || (found.tombstone != NULL && !forgotten(e, found.tombstone))) {
        return submit_again(e, found.contact, found.tombstone);
    }
    if (s->classified.version != e->config_version) {
        return REFUSED_OTHER_CONFIG;
    }
    queue = workspace_has_room(e) ? queue_with_room(e, s->classified.queue) : INDEX_NONE16;
    if (queue == INDEX_NONE16) {
        return refuse_full(e, s->classified.queue);
    }
    fact_begin(&f, later ? FACT_CONTACT_SCHEDULED : FACT_CONTACT_QUEUED);
    f.subject = s->id;
    f.hash = hash;
    f.before = found.tombstone;
    fill_new(e, s, queue, later, &f.new_contact);
    engine_emit(e, &f);
    c = record_of(near_list_last(&e->arrival), struct contact, in_arrival); /* the newest is last */
    answer_submitted(e, c, NULL, false);
    if (c->state == CONTACT_WAITING) {
        contact_is_dirty(e, c);
    }
    NEXT_VERSION_WRITE(e);
    return REFUSED_NOT;
}

/* ---- update ---- */

static engine_time sooner(engine_time a, engine_time b)
{
    return a < b ? a : b;
}

/* What the new tier, issue and queue mean for a contact that waits: each promise becomes the
 * earlier of old and new. */
static void update_order(struct engine *e, const struct contact *c, const struct update_command *u,
                         struct fact_CONTACT_UPDATED *n)
{
    struct targets t;
    engine_time start = contact_start_at(c);

    if (u->reclassified) {
        queue_index queue = u->classified.queue;
        if (queue != contact_queue(c) && queue_with_room(e, queue) != queue) {
            queue = contact_queue(c); /* no room there: it keeps the place it has */
        }
        n->queue = queue != contact_queue(c) ? queue : INDEX_NONE16;
        n->tier = u->classified.tier;
        n->issue = u->classified.issue;
        n->language = u->classified.language;
        n->why_tier = u->classified.why_tier;
        n->why_issue = u->classified.why_issue;
        n->why_queue = u->classified.why_queue;
        n->why_language = u->classified.why_language;
        t = settings_targets(e->settings, queue, n->tier, n->issue);
        if (c->state == CONTACT_SCHEDULED && u->not_before_at != TIME_NEVER) {
            start = u->not_before_at;
        }
        n->answer_at = sooner(contact_due(c, PROMISE_ANSWER), promised(start, t.answer));
        n->progress_at = sooner(contact_due(c, PROMISE_PROGRESS), promised(start, t.progress));
        n->resolve_at = sooner(contact_due(c, PROMISE_RESOLVE), promised(start, t.resolve));
    }
    n->skills_given = u->skills_given;
    n->skills = u->skills;
    n->boost = u->boost_given ? u->boost : DURATION_NONE;
    if (c->state == CONTACT_SCHEDULED) {
        n->not_before_at = u->not_before_at;
    }
}

enum refusal_kind step_update(struct engine *e)
{
    const struct update_command *u = &e->command->update;
    struct tombstone *ended;
    struct contact *c = visible_contact(e, u->contact, &ended);
    struct delivery d = {.kind = ANSWER_UPDATED};
    queue_index queue;
    struct fact f;

    if (ended != NULL) {
        return refuse_gone(e, TEXT("contact"),
                           contact_state_word((enum contact_state)ended->state));
    }
    if (c == NULL) {
        return e->refusal.kind;
    }
    if (e->command->caller.role == CALLER_AGENT &&
        (contact_offer(c) == NULL || contact_offer(c)->agent != caller_agent(e))) {
        return refuse(e, REFUSED_NOT_FOUND, TEXT("contact"), TEXT("no such contact"));
    }
    if (u->reclassified && u->classified.version != e->config_version) {
        return REFUSED_OTHER_CONFIG;
    }
    if (c->state == CONTACT_WAITING && contact_extras(c)->hold_until != TIME_NEVER &&
        (u->skills_given || (u->reclassified && u->classified.queue != contact_queue(c)))) {
        /* The agent it waits for may not be one for what it becomes. */
        fact_about(&f, FACT_CONTACT_OPENED, c);
        engine_emit(e, &f);
    }
    queue = contact_queue(c);
    fact_about(&f, FACT_CONTACT_UPDATED, c);
    f.updated.customer = u->customer;
    f.updated.customer_attributes = u->customer_attributes;
    f.updated.attributes = u->attributes;
    f.updated.subject = u->subject;
    f.updated.text = u->text;
    f.updated.payload = u->payload;
    f.updated.issue = u->issue_given ? u->issue : INDEX_NONE16;
    f.updated.language = u->language_given ? u->language : INDEX_NONE16;
    f.updated.actor = actor_of(e);
    if (c->state == CONTACT_WAITING || c->state == CONTACT_SCHEDULED) {
        update_order(e, c, u, &f.updated);
    }
    engine_emit(e, &f);
    if (u->progress_kept && contact_due(c, PROMISE_PROGRESS) != TIME_NEVER &&
        (c->kept >> PROMISE_PROGRESS & 1) == 0) {
        fact_about(&f, FACT_PROMISE_KEPT, c);
        f.promise.promise = PROMISE_PROGRESS;
        f.promise.actor = actor_of(e);
        engine_emit(e, &f);
    }
    d.contact = c;
    d.contact_id = contact_id(c);
    d.state = c->state;
    answer(e, &d);
    tell_updated(e, c, TEXT("updated"), u);
    if (contact_queue(c) != queue) {
        tell_owner(e, c, TEXT("updated"), TEXT("moved"));
    }
    if (c->state == CONTACT_WAITING) {
        contact_is_dirty(e, c);
    }
    return REFUSED_NOT;
}

/* ---- cancel, end, rate ---- */

/* What a repeated cancel or end finds: it took effect the first time, and is over. */
static enum refusal_kind gone_or_refused(struct engine *e, const struct tombstone *ended)
{
    return ended == NULL ? e->refusal.kind
                         : refuse_gone(e, TEXT("contact"),
                                       contact_state_word((enum contact_state)ended->state));
}

enum refusal_kind step_cancel(struct engine *e)
{
    struct tombstone *ended;
    struct contact *c = visible_contact(e, e->command->contact.contact, &ended);

    if (c == NULL) {
        return gone_or_refused(e, ended);
    }
    if (c->state == CONTACT_ACTIVE || c->state == CONTACT_WRAPPING) {
        return refuse_state(e, contact_state_word(c->state), TEXT("an agent has it"));
    }
    e->answer_due = true;
    customer_left(e, c,
                  e->command->contact.reason.length > 0 ? e->command->contact.reason
                                                        : TEXT("cancelled"),
                  &e->command->caller);
    assert(!e->answer_due);
    return REFUSED_NOT;
}

enum refusal_kind step_end(struct engine *e)
{
    struct tombstone *ended;
    struct contact *c = visible_contact(e, e->command->contact.contact, &ended);

    if (c == NULL) {
        return gone_or_refused(e, ended);
    }
    if (c->state == CONTACT_WRAPPING) {
        answer_contact_state(e, contact_id(c), c->state);
        return REFUSED_NOT;
    }
    e->answer_due = true;
    customer_left(e, c,
                  e->command->contact.reason.length > 0 ? e->command->contact.reason
                                                        : TEXT("customer_left"),
                  &e->command->caller);
    assert(!e->answer_due);
    return REFUSED_NOT;
}

enum refusal_kind step_rate(struct engine *e)
{
    const struct rate_command *r = &e->command->rate;
    struct tombstone *ended;
    struct contact *c = visible_contact(e, r->contact, &ended);
    struct fact f;

    if (c == NULL && ended == NULL) {
        return e->refusal.kind;
    }
    if (c != NULL && c->state != CONTACT_WRAPPING) {
        return refuse_state(e, contact_state_word(c->state), TEXT("its work is not over"));
    }
    if (ended != NULL && ended->ended_at + e->settings->rating_kept <= e->now) {
        return refuse_gone(e, TEXT("contact"),
                           contact_state_word((enum contact_state)ended->state));
    }
    fact_init(&f, FACT_CONTACT_RATED);
    f.subject = c != NULL ? contact_id(c) : tombstone_id(ended);
    f.contact = c;
    f.rated.score = r->score;
    f.rated.rating = r->kind;
    f.rated.comment = r->comment;
    f.rated.actor = actor_of(e);
    engine_emit(e, &f);
    answer_contact_state(e, f.subject, c != NULL ? c->state : (enum contact_state)ended->state);
    return REFUSED_NOT;
}

/* ---- supervisors ---- */

enum refusal_kind step_move(struct engine *e)
{
    const struct move_command *m = &e->command->move;
    queue_index queue = settings_find_queue(e->settings, m->queue);
    struct tombstone *ended;
    struct contact *c;
    struct fact f;

    if (queue == INDEX_NONE16) {
        return refuse(e, REFUSED_NOT_FOUND, TEXT("queue"), TEXT("no such queue"));
    }
    c = visible_contact(e, m->contact, &ended);
    if (c == NULL) {
        return gone_or_refused(e, ended);
    }
    if (c->state == CONTACT_WRAPPING) {
        return refuse_state(e, contact_state_word(c->state), TEXT("its work is over"));
    }
    if (contact_queue(c) == queue &&
        (c->state == CONTACT_WAITING || c->state == CONTACT_SCHEDULED)) {
        answer_contact_state(e, contact_id(c), c->state);
        return REFUSED_NOT;
    }
    if (c->state == CONTACT_ACTIVE) {
        struct agent *a = contact_offer(c)->agent;
        struct delivery d = {.kind = NOTICE_CONTACT_ENDED, .reason = TEXT("moved")};
        fact_given_back(e, &f, FACT_CONTACT_REQUEUED, c);
        f.given_back.queue = queue;
        f.given_back.reason = TEXT("moved");
        f.given_back.actor = actor_of(e);
        engine_emit(e, &f);
        answer_contact_state(e, contact_id(c), c->state);
        d.contact_id = contact_id(c);
        tell_agent(e, a, &d);
        agent_is_dirty(e, a);
    } else {
        if (c->state == CONTACT_OFFERED) {
            withdraw_offer(e, contact_offer(c), OFFER_END_MOVED, false);
        }
        fact_about(&f, FACT_CONTACT_MOVED, c);
        f.moved.queue = queue;
        f.moved.reason = TEXT("moved");
        f.moved.actor = actor_of(e);
        engine_emit(e, &f);
        answer_contact_state(e, contact_id(c), c->state);
    }
    tell_owner(e, c, TEXT("moved"), TEXT("moved"));
    if (c->state == CONTACT_WAITING) {
        contact_is_dirty(e, c);
    }
    return REFUSED_NOT;
}

enum refusal_kind step_assign(struct engine *e)
{
    const struct move_command *m = &e->command->move;
    struct agent *a = engine_find_agent(e, m->agent);
    struct tombstone *ended;
    struct contact *c;

    if (a == NULL) {
        return refuse(e, REFUSED_NOT_FOUND, TEXT("agent"), TEXT("no such agent"));
    }
    c = visible_contact(e, m->contact, &ended);
    if (c == NULL) {
        return gone_or_refused(e, ended);
    }
    if (c->state == CONTACT_OFFERED && contact_offer(c)->agent == a) {
        answer_contact_state(e, contact_id(c), c->state);
        return REFUSED_NOT;
    }
    if (c->state != CONTACT_WAITING && c->state != CONTACT_OFFERED) {
        return refuse_state(e, contact_state_word(c->state), TEXT("it does not wait"));
    }
    if (a->state != AGENT_AVAILABLE || a->session == 0) {
        return refuse_state(e,
                            agent_state_word(a->session == 0 && a->state != AGENT_SIGNED_OUT
                                                 ? AGENT_AWAY
                                                 : a->state),
                            TEXT("the agent is not available"));
    }
    if (!agent_can_take(e, a, contact_terms(c)->channel)) {
        return refuse_state(e, TEXT("full"), TEXT("the agent has no capacity left"));
    }
    if (c->state == CONTACT_OFFERED) {
        withdraw_offer(e, contact_offer(c), OFFER_END_MOVED, false);
    }
    contact_looks_no_more(e, c);
    e->answer_due = true;
    make_offer(e, c, a, TEXT("assigned"), true);
    answer_if_due(e, contact_id(c), c->state);
    return REFUSED_NOT;
}

/* ---- connectors come and go ---- */

enum refusal_kind step_connector_attached(struct engine *e)
{
    struct owner *o = owner_intern(e, e->command->connector.name);
    struct fact f;

    o->attached++;
    o->silent += e->command->connector.silent;
    o->attachment = e->command->connector.attachment;
    if (o->lost_since != TIME_NEVER && e->settings != NULL) {
        fact_init(&f, FACT_CONNECTOR_RETURNED);
        f.subject = o->name;
        engine_emit(e, &f);
    }
    return REFUSED_NOT;
}

enum refusal_kind step_connector_detached(struct engine *e)
{
    struct owner *o = engine_find_owner(e, e->command->connector.name);
    struct fact f;

    if (o == NULL || o->attached == 0) {
        return REFUSED_NOT;
    }
    o->attached--;
    o->silent -= e->command->connector.silent;
    if (o->attached == 0) {
        o->attachment = NULL;
        if (o->watchful > 0 && e->settings != NULL) {
            fact_init(&f, FACT_CONNECTOR_LOST);
            f.subject = o->name;
            engine_emit(e, &f);
        }
        owner_release_if_unused(e, o);
    }
    return REFUSED_NOT;
}
