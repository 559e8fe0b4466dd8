/* A contact: one customer interaction that needs an agent.
 *
 *      scheduled ─▶ waiting ◀─▶ offered ─▶ active ─▶ wrapping ─▶ completed
 *          │           ▲ │         │          │
 *          │           └─┼─────────┼──────────┤ transferred, requeued, agent lost past its grace
 *          └─────────────┴─────────┴─▶ cancelled | expired
 *
 * The table CONTACT_MOVES in contact.c is the law. Everything here changes in engine_apply and
 * nowhere else; outside the engine it is read only, on the thread that steps the engine, and not
 * kept across a step. The words of the customer (body) stand apart, so that the record that routing
 * touches is small. */
#ifndef QUEUE_CONTACT_H
#define QUEUE_CONTACT_H

#include "queue/base/list.h"
#include "queue/base/ranked_tree.h"
#include "queue/base/timer_wheel.h"
#include "queue/fact.h"
#include "queue/types.h"

enum contact_state {
    CONTACT_SCHEDULED,
    CONTACT_WAITING,
    CONTACT_OFFERED,
    CONTACT_ACTIVE,
    CONTACT_WRAPPING,
    CONTACT_COMPLETED, /* from here on: ended */
    CONTACT_CANCELLED,
    CONTACT_EXPIRED,
    CONTACT_DIVERTED,
    CONTACT_REJECTED,
    CONTACT_STATE_COUNT
};

#define CONTACT_LIVE_STATES  CONTACT_COMPLETED
#define HISTORY_KEPT         32
#define ENDED_HISTORIES_KEPT 10000

struct text contact_state_word(enum contact_state state);

struct owner; /* a connector's identity, see owner.h */
struct line;

/* One line of a contact's story, as contact.get tells it. */
struct history_entry {
    uint64_t seq;
    engine_time at;
    uint8_t kind; /* enum fact_kind */
    queue_index queue;
    struct agent *agent; /* may be NULL */
    struct text reason;  /* owned by the contact */
    struct text actor;   /* owned by the contact */
};

/* This contact is not offered to that agent before `until`. */
struct cool_down {
    struct list_node of_contact;
    struct list_node of_agent;
    struct contact *contact;
    struct agent *agent;
    engine_time until;
};

struct contact_body {
    struct text customer;
    struct text subject;
    struct text text;
    struct text payload;
    struct raw customer_attributes;
    struct raw attributes;
    struct text parent;
    struct text reopens;
    struct text why_tier;
    struct text why_issue;
    struct text why_queue;
    struct text why_language;
    /* of the last hand-over */
    struct text note;
    struct text from_reason;
    struct text disposition;
    struct text end_reason; /* while wrapping: why the work ended */
};

struct contact {
    struct text id;
    uint64_t number; /* arrival: unique, growing, never reused */
    enum contact_state state;
    tier_index tier;
    channel_index channel;
    queue_index queue;
    issue_index issue;
    language_index language;

    struct owner *owner;
    struct line *line;        /* where it stands while waiting, else NULL */
    struct ranked_node place; /* its place there: the key that time never changes */
    struct offer *offer;      /* the live offer or assignment, else NULL */
    struct agent *preferred;
    struct agent *last_agent; /* who last accepted it */
    struct agent *from_agent; /* who last passed it on */
    queue_index from_queue;
    const struct requirement *own_skills; /* in addition to the queue's */

    engine_time created_at; /* when it was submitted, on the workspace's clock */
    engine_time start_at;   /* targets and waits count from it */
    engine_time state_since;
    engine_time visit_since; /* in this queue */
    engine_time not_before_at;
    engine_time expires_at;
    engine_time hold_until;
    engine_time due[PROMISE_COUNT]; /* TIME_NEVER: none */
    uint8_t kept;                   /* a bit for each promise */
    uint8_t overdue;
    uint8_t at_risk;
    bool keeps_place;
    bool ever_answered;
    bool answered_in_visit;
    bool unresolved;
    bool repeat; /* reopens another */
    duration_ms boost;
    duration_ms expires;
    duration_ms lost;  /* DURATION_NONE: not bound to its connector's presence */
    uint32_t attempts; /* offers in this visit that were declined or missed, and the running one */
    uint32_t visits;   /* of queues */
    uint32_t references;     /* offers that still point here */
    uint64_t config_version; /* that classified it */
    uint8_t rating;          /* 0: none */
    struct text why_agent;   /* why its last offer went to that agent; a known word */

    struct timer_node timer; /* the earliest of its clocks */
    struct list cool_downs;
    struct list_node of_owner;
    struct list_node in_arrival;   /* all live contacts, by number */
    struct list_node in_dirty;     /* looks for an agent at the end of this step */
    struct history_entry *history; /* the last HISTORY_KEPT, oldest first */
    uint16_t history_count;
    uint16_t history_room;
    struct contact_body body;
    uint32_t body_bytes; /* of the block with id and body */
    uint64_t checkpoint; /* the checkpoint it was last written for */
};

#endif
