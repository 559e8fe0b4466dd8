/* Facts to state: live and in replay, the same code. What is not in the tables of moves cannot
 * happen; a fact from outside is checked against them before, so that a journal that is not ours is
 * an error with words and not an assertion. */
#include "queue/base/defect.h"
#include "queue/state.h"

/* ---- the workspace ---- */

static void offers_move_clocks(struct engine *e, struct agent *a, duration_ms by)
{
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        if ((o->state == OFFER_SENT || o->state == OFFER_SHOWN) && o->until != TIME_NEVER) {
            checkpoint_before_contact(e, o->contact);
            o->until += by;
            timer_wheel_arm(&e->clocks, &o->timer, o->until);
        }
    }
}

/* Sessions are lost from now, grace counts from now; offers that nobody may have seen stay for one
 * delivery clock, in which their agents can come back and find them. */
static void agent_after_start(struct engine *e, struct agent *a)
{
    pulls_end(e, a);
    agent_session_set(e, a, 0);
    if (a->state != AGENT_SIGNED_OUT) {
        a->grace_until = e->now + e->settings->grace;
    }
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        if (o->state == OFFER_SENT || o->state == OFFER_SHOWN) {
            o->delivered = false;
            offer_enter(e, o, OFFER_SENT,
                        DEFECT(LOSES_OFFER_CLOCK)
                            ? TIME_NEVER
                            : e->now +
                                  e->settings->queues[contact_queue(o->contact)].delivery_clock);
        }
    }
    agent_arm(e, a);
    agent_refresh(e, a);
}

static void apply_owner_started(struct engine *e, const struct fact *f)
{
    e->epoch = f->owner_started.epoch;
    if (e->settings == NULL) {
        return;
    }
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        agent_after_start(e, a);
    }
    owners_after_start(e);
}

static void apply_config(struct engine *e, const struct fact *f)
{
    text_discard(e->config_text);
    e->config_text = text_duplicate(f->config.text);
    e->config_version = f->config.version;
    e->config_digest = f->config.digest;
    apply_settings(e, f->settings);
}

static void apply_workspace(struct engine *e, const struct fact *f)
{
    if (f->kind == FACT_OWNER_STARTED) {
        apply_owner_started(e, f);
    } else if (f->kind == FACT_OWNER_CONTINUED) {
        e->epoch = f->owner_started.epoch;
    } else if (f->kind == FACT_CONFIG_APPLIED) {
        apply_config(e, f);
    } else if (f->kind == FACT_JOURNAL_STALLED) {
        for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
            offers_move_clocks(e, a, f->stalled.duration);
        }
    }
}

static void apply_connector(struct engine *e, const struct fact *f)
{
    struct owner *o = owner_intern(e, f->subject);

    owner_set_lost_since(e, o, f->kind == FACT_CONNECTOR_LOST ? f->at : TIME_NEVER);
    owner_arm_contacts(e, o);
}

typedef void (*apply_function)(struct engine *e, const struct fact *f);

void apply(struct engine *e, const struct fact *f)
{
    static const apply_function of[] = {
        [SUBJECT_CONTACT] = apply_contact,
        [SUBJECT_AGENT] = apply_agent,
        [SUBJECT_CONNECTOR] = apply_connector,
        [SUBJECT_WORKSPACE] = apply_workspace,
    };

    e->seq = f->seq;
    e->last_at = f->at;
    if (f->at > e->now) {
        e->now = f->at;
    }
    if (FACT_VERSION > FACT_VERSION_FIRST && fact_kind_row(f->kind)->version > e->facts_version) {
        e->facts_version = fact_kind_row(f->kind)->version;
    }
    of[fact_kind_row(f->kind)->subject](e, f);
}

/* ---- facts from outside ---- */

static struct offer *offer_meant(const struct fact *f, uint64_t number, struct agent *a)
{
    const struct contact *c = f->contact;

    if (f->kind == FACT_WRAP_UP_ENDED) {
        return a == NULL ? NULL : offer_find(a, number);
    }
    return contact_offer(c) != NULL && contact_offer(c)->number == number &&
                   contact_offer(c)->agent == a
               ? contact_offer(c)
               : NULL;
}

static const char *check_offer(const struct fact *f)
{
    uint64_t number;
    struct agent *a;
    const struct offer *o;

    switch ((int)f->kind) {
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
        number = f->offer.offer;
        a = f->offer.agent;
        break;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        number = f->offer_ended.offer;
        a = f->offer_ended.agent;
        break;
    case FACT_WRAP_UP_STARTED:
        number = f->wrap_up_started.offer;
        a = f->wrap_up_started.agent;
        break;
    case FACT_WRAP_UP_ENDED:
        number = f->wrap_up_ended.offer;
        a = f->wrap_up_ended.agent;
        break;
    default:
        return NULL;
    }
    o = a == NULL ? NULL : offer_meant(f, number, a);
    if (o == NULL) {
        return "the fact is about an offer that does not run";
    }
    return offer_may(o, f->kind) ? NULL : "the offer's state does not allow the fact";
}

static const char *check_contact(const struct engine *e, const struct fact *f)
{
    if (f->kind == FACT_CONTACT_QUEUED || f->kind == FACT_CONTACT_SCHEDULED) {
        const struct fact_NEW_CONTACT *n = &f->new_contact;
        if (f->contact != NULL || engine_find_contact(e, f->subject) != NULL) {
            return "a new contact has the id of a live one";
        }
        if (n->queue == INDEX_NONE16 || n->tier == INDEX_NONE8 || n->channel == INDEX_NONE8 ||
            n->number < e->next_contact) {
            return "a new contact without queue, tier, channel or a number of its own";
        }
        return NULL;
    }
    if (f->kind == FACT_CONTACT_RATED) {
        return f->contact != NULL || engine_find_tombstone(e, f->subject) != NULL
                   ? NULL
                   : "a rating of an unknown contact";
    }
    if (f->kind == FACT_WRAP_UP_ENDED) {
        return check_offer(f);
    }
    if (f->contact == NULL) {
        return "the fact is about an unknown contact";
    }
    if (!contact_may(f->contact, f->kind)) {
        return "the contact's state does not allow the fact";
    }
    if (f->kind == FACT_CONTACT_OFFERED &&
        (f->offered.agent == NULL || f->offered.offer < e->next_offer)) {
        return "an offer without agent or number of its own";
    }
    return check_offer(f);
}

const char *engine_apply(struct engine *e, const struct fact *f)
{
    const char *wrong = NULL;

    if (f->seq != e->seq + 1) {
        return "a fact is missing: seq does not follow";
    }
    if (f->at < e->last_at) {
        return "time runs backwards";
    }
    if (e->settings == NULL && f->kind != FACT_CONFIG_APPLIED && f->kind != FACT_OWNER_STARTED &&
        f->kind != FACT_OWNER_CONTINUED) {
        return "a fact before the first configuration";
    }
    switch (fact_kind_row(f->kind)->subject) {
    case SUBJECT_CONTACT:
        wrong = check_contact(e, f);
        break;
    case SUBJECT_AGENT:
        wrong = f->agent == NULL && f->kind != FACT_AGENT_PUT ? "the fact is about an unknown agent"
                                                              : NULL;
        break;
    case SUBJECT_WORKSPACE:
        wrong = f->kind == FACT_CONFIG_APPLIED && f->settings == NULL
                    ? "a configuration without settings"
                    : NULL;
        break;
    case SUBJECT_CONNECTOR:
        break;
    }
    if (wrong == NULL) {
        apply(e, f);
        skill_queues_place(e);
    }
    return wrong;
}
