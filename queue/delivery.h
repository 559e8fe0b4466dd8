/* Deliveries: what the engine says to clients. They leave when the facts up to `seq` are durable.
 *
 * Everything a delivery points at is the engine's state at that moment and lives during the
 * call of the sink: whoever sends it encodes it there and then. The order of the calls is the order
 * in which a client must see them; an answer comes before every notice that its request causes. */
#ifndef QUEUE_DELIVERY_H
#define QUEUE_DELIVERY_H

#include "queue/agent.h"
#include "queue/base/clear.h"
#include "queue/contact.h"
#include "queue/offer.h"
#include "queue/owner.h"
#include "queue/refusal.h"
#include "queue/tombstone.h"

enum delivery_kind {
    /* answers: to `session`, for `request` */
    ANSWER_REFUSED,       /* refusal */
    ANSWER_DONE,          /* nothing more to say */
    ANSWER_SUBMITTED,     /* contact, or tombstone; duplicate */
    ANSWER_UPDATED,       /* contact */
    ANSWER_CONTACT_STATE, /* contact_id, state */
    ANSWER_SIGNED_IN,     /* agent, with all that it holds */
    ANSWER_AGENT,         /* agent (NULL once removed) */
    ANSWER_OFFERS,        /* agent; offers, offer_count */
    ANSWER_CONFIG,        /* number: the version */
    /* notices to the connector: to every connection of `owner` */
    NOTICE_CONTACT_CHANGED, /* contact_id, contact (NULL once ended), state, reason */
    /* notices to an agent: to `session` */
    NOTICE_OFFER,           /* offer */
    NOTICE_OFFER_WITHDRAWN, /* number, contact_id, reason */
    NOTICE_CONTACT_UPDATED, /* contact, state, reason; changed: what was given */
    NOTICE_CONTACT_ENDED,   /* contact_id, reason */
    NOTICE_AGENT_CHANGED,   /* agent: its state changed, and not by its own word */
    NOTICE_SIGNED_OUT, /* agent, reason; the connection is to be closed behind it when `closes` */
};

struct delivery {
    enum delivery_kind kind;
    uint64_t session;
    uint64_t request;
    uint64_t seq; /* the engine's last at this moment */
    const struct owner *owner;
    const struct contact *contact;
    const struct tombstone *tombstone;
    const struct agent *agent;
    const struct offer *offer;
    const struct offer *const *offers;
    uint32_t offer_count;
    struct text contact_id;
    enum contact_state state;
    struct text reason;
    struct text step; /* escalated, moved, ... where a contact's place changed */
    uint64_t number;
    bool duplicate;
    bool closes;
    const struct update_command *changed;
    const struct refusal *refusal;
};

/* One that says nothing yet. */
static inline void delivery_init(struct delivery *d, enum delivery_kind kind)
{
    CLEAR(d);
    d->kind = kind;
}

#endif
