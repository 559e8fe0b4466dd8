/* An offer's life cycle and words, and what it occupies. */
#include "queue/base/clear.h"
#include "queue/state.h"

static const struct offer_move {
    enum offer_state from;
    enum fact_kind by;
    enum offer_state to; /* OFFER_STATE_COUNT: over */
} offer_moves[] = {
    {OFFER_SENT, FACT_OFFER_RECEIVED, OFFER_SHOWN},
    {OFFER_SENT, FACT_OFFER_ACCEPTED, OFFER_ACTIVE},
    {OFFER_SENT, FACT_OFFER_DECLINED, OFFER_STATE_COUNT},
    {OFFER_SENT, FACT_OFFER_WITHDRAWN, OFFER_STATE_COUNT},
    {OFFER_SHOWN, FACT_OFFER_ACCEPTED, OFFER_ACTIVE},
    {OFFER_SHOWN, FACT_OFFER_DECLINED, OFFER_STATE_COUNT},
    {OFFER_SHOWN, FACT_OFFER_TIMED_OUT, OFFER_STATE_COUNT},
    {OFFER_SHOWN, FACT_OFFER_WITHDRAWN, OFFER_STATE_COUNT},
    {OFFER_ACTIVE, FACT_WRAP_UP_STARTED, OFFER_WRAPPING},
    {OFFER_ACTIVE, FACT_CONTACT_COMPLETED, OFFER_STATE_COUNT},
    {OFFER_ACTIVE, FACT_CONTACT_TRANSFERRED,
     OFFER_STATE_COUNT}, /* or wrapping, when the giver wraps up */
    {OFFER_ACTIVE, FACT_CONTACT_REQUEUED, OFFER_STATE_COUNT},
    {OFFER_WRAPPING, FACT_CONTACT_COMPLETED, OFFER_STATE_COUNT},
    {OFFER_WRAPPING, FACT_WRAP_UP_ENDED, OFFER_STATE_COUNT},
};

bool offer_may(const struct offer *o, enum fact_kind by)
{
    for (size_t i = 0; i < sizeof(offer_moves) / sizeof(offer_moves[0]); i++) {
        if (offer_moves[i].from == o->state && offer_moves[i].by == by) {
            return true;
        }
    }
    return false;
}

struct offer *offer_create(struct engine *e, uint64_t number, struct contact *c, struct agent *a)
{
    struct offer *o = pool_take_raw(&e->offer_pool);

    CLEAR(o);
    o->number = number;
    o->contact = c;
    o->agent = a;
    o->channel = contact_terms(c)->channel;
    o->made_at = e->now;
    o->accepted_at = o->until = TIME_NEVER;
    contact_own_extras(e, c)->references++;
    list_append(&a->held, &o->of_agent);
    a->held_count++;
    a->holds[o->channel]++;
    a->used += e->settings->channels[o->channel].units;
    return o;
}

/* The only place that writes offer->state: state and clock change together. */
void offer_enter(struct engine *e, struct offer *o, enum offer_state to, engine_time until)
{
    o->state = to;
    o->state_since = e->now;
    o->until = until;
    timer_wheel_arm(&e->clocks, &o->timer, until);
}

void offer_remove(struct engine *e, struct offer *o, enum offer_end how)
{
    struct contact *c = o->contact;
    struct contact_extras *x = contact_own_extras(e, c);
    struct agent *a = o->agent;

    e->ended_offers[o->number % ENDED_OFFERS_KEPT] =
        (struct ended_offer){o->number, contact_arrival(c), a->number, (uint8_t)how};
    timer_wheel_disarm(&e->clocks, &o->timer);
    if (a->found == &o->of_agent) {
        a->found = list_previous(&a->held, a->found);
    }
    list_remove(&o->of_agent);
    a->held_count--;
    a->holds[o->channel]--;
    a->used -= e->settings->channels[o->channel].units;
    if (o->state == OFFER_ACTIVE || o->state == OFFER_WRAPPING) {
        a->idle_since = ++e->touch; /* it worked: idle from now */
    }
    if (x->offer == o) {
        x->offer = NULL;
    }
    x->references--;
    if (x->references == 0 && c->state >= CONTACT_LIVE_STATES) {
        contact_destroy(e, c);
    }
    pool_give(&e->offer_pool, o);
    agent_refresh(e, a);
}

static struct offer *offer_at(struct list_node *n)
{
    return record_of(n, struct offer, of_agent);
}

/* An agent takes its offers in their order: so it is mostly the one behind the last. Else from the
 * newest. */
struct offer *offer_find(struct agent *a, uint64_t number)
{
    struct list_node *n = a->found == NULL ? list_first(&a->held) : list_next(&a->held, a->found);

    if (n == NULL || offer_at(n)->number != number) {
        n = list_last(&a->held);
        while (n != NULL && offer_at(n)->number != number) {
            n = list_previous(&a->held, n);
        }
    }
    if (n == NULL) {
        return NULL;
    }
    a->found = n;
    return offer_at(n);
}

const struct ended_offer *ended_offer_find(const struct engine *e, uint64_t number)
{
    const struct ended_offer *ended = &e->ended_offers[number % ENDED_OFFERS_KEPT];

    return number != 0 && ended->number == number ? ended : NULL;
}

/* ---- words ---- */

struct text offer_state_word(enum offer_state state)
{
    static const struct text words[OFFER_STATE_COUNT] = {
        [OFFER_SENT] = TEXT("offered"),
        [OFFER_SHOWN] = TEXT("offered"),
        [OFFER_ACTIVE] = TEXT("active"),
        [OFFER_WRAPPING] = TEXT("wrapping"),
    };
    return words[state];
}

struct text offer_end_word(enum offer_end how)
{
    static const struct text words[OFFER_END_COUNT] = {
        [OFFER_END_DECLINED] = WORD(declined),
        [OFFER_END_TIMED_OUT] = WORD(timed_out),
        [OFFER_END_UNDELIVERED] = WORD(undelivered),
        [OFFER_END_CANCELLED] = WORD(cancelled),
        [OFFER_END_EXPIRED] = WORD(expired),
        [OFFER_END_AWAY] = WORD(away),
        [OFFER_END_SIGNED_OUT] = WORD(signed_out),
        [OFFER_END_AGENT_LOST] = WORD(agent_lost),
        [OFFER_END_MOVED] = WORD(moved),
        [OFFER_END_REMOVED] = WORD(agent_removed),
        [OFFER_END_TRANSFERRED] = WORD(transferred),
        [OFFER_END_REQUEUED] = WORD(requeued),
        [OFFER_END_COMPLETED] = WORD(completed),
    };
    return words[how];
}
