/* An offer and what becomes of it: one record from the offer to the end of the wrap-up.
 *
 *                 receipt                 accept                  complete
 *      ── sent ────────────▶ shown ─────────────────▶ active ─────────────────▶ wrapping ──▶ over
 *          │                   │                        │
 *          │ delivery clock,   │ answer clock, decline, │ transfer, requeue,
 *          ▼ decline, ...      ▼ withdrawn              ▼ agent lost; or wrapping
 *
 * The table offer_moves in offer.c is the law: what is not in it cannot happen. While the record
 * exists it occupies its agent's capacity; that is all "busy" means here.
 *
 * Belongs to the engine; lives from contact_offered until its end. */
#ifndef QUEUE_OFFER_H
#define QUEUE_OFFER_H

#include "queue/base/list.h"
#include "queue/base/timer_wheel.h"
#include "queue/types.h"

struct agent;
struct contact;

enum offer_state { OFFER_SENT, OFFER_SHOWN, OFFER_ACTIVE, OFFER_WRAPPING, OFFER_STATE_COUNT };

struct offer {
    uint64_t number;         /* unique and growing within the workspace */
    struct contact *contact; /* kept alive by this record, even when it went on elsewhere */
    struct agent *agent;
    enum offer_state state;
    engine_time made_at;
    engine_time state_since;
    engine_time accepted_at; /* TIME_NEVER before */
    engine_time until;       /* end of the clock that runs in this state; TIME_NEVER: none */
    bool passed_on;          /* wrapping: the contact has left this agent and goes on, or ended */
    bool named;              /* for this agent by name: transfer, assignment */
    bool delivered;          /* it has left for its agent (pull: with an answer); not a fact */
    channel_index channel;   /* as of the offer: what it occupies does not change under it */
    struct timer_node timer;
    struct list_node of_agent;
};

/* What became of an offer that is over; the newest are kept, so that an agent that is late hears
 * precisely how. */
struct ended_offer {
    uint64_t number;
    uint64_t contact; /* arrival number */
    uint32_t agent;   /* agent number */
    uint8_t how;      /* enum offer_end */
};

enum offer_end {
    OFFER_END_DECLINED,
    OFFER_END_TIMED_OUT,
    OFFER_END_UNDELIVERED,
    OFFER_END_CANCELLED,
    OFFER_END_EXPIRED,
    OFFER_END_AWAY,
    OFFER_END_SIGNED_OUT,
    OFFER_END_AGENT_LOST,
    OFFER_END_MOVED,       /* the contact was moved, assigned or changed by somebody else */
    OFFER_END_REMOVED,     /* the agent was removed */
    OFFER_END_TRANSFERRED, /* an assignment passed on */
    OFFER_END_REQUEUED,    /* an assignment given back */
    OFFER_END_COMPLETED,   /* an assignment done */
    OFFER_END_COUNT
};

/* The wire's word: "timed_out", "undelivered", ... */
struct text offer_end_word(enum offer_end how);
struct text
offer_state_word(enum offer_state state); /* "offered", "offered", "active", "wrapping" */

#endif
