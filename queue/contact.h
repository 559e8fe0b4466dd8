/* A contact: one customer interaction that needs an agent.
 *
 *      scheduled ─▶ waiting ◀─▶ offered ─▶ active ─▶ wrapping ─▶ completed
 *          │           ▲ │         │          │
 *          │           └─┼─────────┼──────────┤ transferred, requeued, agent lost past its grace
 *          └─────────────┴─────────┴─▶ cancelled | expired
 *
 * The table CONTACT_MOVES in contact.c is the law. Everything here changes in engine_apply and
 * nowhere else; outside the engine it is read only, on the thread that steps the engine, and not
 * kept across a step.
 *
 * A centre may have a million of them wait, so a contact is in parts:
 *
 *      contact ──▶ terms    how it was classified and what was promised; shared by all alike
 *              ├─▶ papers   its id and the customer's words
 *              ├─▶ history  what happened to it, once more did than its submission
 *              └─▶ extras   what few of those that wait have; or none of it */
#ifndef QUEUE_CONTACT_H
#define QUEUE_CONTACT_H

#include <assert.h>

#include "queue/base/list.h"
#include "queue/base/near_list.h"
#include "queue/base/ranked_tree.h"
#include "queue/base/timer_wheel.h"
#include "queue/fact.h"
#include "queue/history.h"
#include "queue/papers.h"
#include "queue/terms.h"
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
#define ENDED_HISTORIES_KEPT 10000

/* X(symbol, word): what the wire calls them. */
#define CONTACT_STATE_WORDS(X)                                                                     \
    X(SCHEDULED, "scheduled")                                                                      \
    X(WAITING, "waiting")                                                                          \
    X(OFFERED, "offered")                                                                          \
    X(ACTIVE, "active")                                                                            \
    X(WRAPPING, "wrapping")                                                                        \
    X(COMPLETED, "completed")                                                                      \
    X(CANCELLED, "cancelled")                                                                      \
    X(EXPIRED, "expired")                                                                          \
    X(DIVERTED, "diverted")                                                                        \
    X(REJECTED, "rejected")

struct text contact_state_word(enum contact_state state);

struct owner; /* a connector's identity, see owner.h */
struct line;

/* This contact is not offered to that agent before `until`. */
struct cool_down {
    struct list_node of_contact;
    struct list_node of_agent;
    struct contact *contact;
    struct agent *agent;
    engine_time until;
};

/* What few contacts have, and those that were ever offered. */
struct contact_extras {
    struct offer *offer; /* the live offer or assignment, else NULL */
    struct agent *preferred;
    struct agent *last_agent; /* who last accepted it */
    struct agent *from_agent; /* who last passed it on */
    queue_index from_queue;
    uint8_t why_agent; /* why its last offer went to that agent; a word's number */
    uint8_t rating;    /* 0: none */
    uint32_t attempts; /* offers in this visit that were declined or missed, and the running one */
    uint32_t visits;   /* of queues */
    uint32_t references; /* offers that still point here */
    bool own_times;      /* expires_at and due are other than the terms say */
    engine_time expires_at;
    engine_time due[PROMISE_COUNT];
    engine_time not_before_at;
    engine_time hold_until;
    engine_time visit_since; /* in this queue; TIME_NEVER: since its start */
    engine_time start_at;    /* where it is too far away for contact.start */
    engine_time state_since; /* likewise */
    struct list cool_downs;
};

struct contact {
    struct ranked_key place;     /* in its line; one that time never changes */
    struct timer_node timer;     /* the earliest of its clocks */
    struct near_node in_arrival; /* all live contacts, by number */
    struct near_node of_owner;
    near owner;  /* struct owner */
    near line;   /* struct line, where it stands while waiting */
    near terms;  /* struct terms */
    near extras; /* struct contact_extras; 0: none */
    block papers;
    block history;          /* struct history; 0: nothing but its submission */
    engine_time created_at; /* when it was submitted, on the workspace's clock */
    uint64_t submitted_seq; /* of the fact of its submission */
    uint32_t start;         /* targets and waits count from it; see contact_start_at */
    uint32_t since;         /* in its state; see contact_state_since */
    uint16_t checkpoint;    /* the checkpoint it was last written for, as far as this counts */
    uint8_t state;          /* enum contact_state */
    uint8_t kept;           /* a bit for each promise */
    uint8_t overdue;
    uint8_t at_risk;
    bool ever_answered : 1;
    bool answered_in_visit : 1;
    bool unresolved : 1;
    bool repeat : 1;        /* reopens another */
    bool was_scheduled : 1; /* it was submitted for later */
    bool looks : 1;         /* for an agent, at the end of this step */
};

static_assert(sizeof(struct contact) <= 104,
              "a million of them wait: what is added here is paid often");

/* ---- reading ---- */

/* In the order of arrival: unique, growing, never used again. */
static inline uint64_t contact_arrival(const struct contact *c)
{
    return c->place.minor;
}

static inline const uint8_t *contact_papers(const struct contact *c)
{
    return block_at(c, c->papers);
}

static inline struct text contact_id(const struct contact *c)
{
    return papers_id(contact_papers(c));
}

static inline struct text contact_customer(const struct contact *c)
{
    return papers_customer(contact_papers(c));
}

static inline struct contact_body contact_body(const struct contact *c)
{
    struct contact_body body;

    papers_read(contact_papers(c), &body);
    return body;
}

static inline const struct terms *contact_terms(const struct contact *c)
{
    return near_at_known(c, c->terms);
}

static inline queue_index contact_queue(const struct contact *c)
{
    return contact_terms(c)->queue;
}

extern const struct contact_extras contact_without_extras;

static inline const struct contact_extras *contact_extras(const struct contact *c)
{
    return c->extras == 0 ? &contact_without_extras : near_at_known(c, c->extras);
}

static inline struct offer *contact_offer(const struct contact *c)
{
    return contact_extras(c)->offer;
}

static inline struct owner *contact_owner(const struct contact *c)
{
    return near_at_known(c, c->owner);
}

static inline struct line *contact_line(const struct contact *c)
{
    return near_at(c, c->line);
}

/* An instant near its submission takes four bytes: the milliseconds from CONTACT_NEAR_BEFORE before
 * it, some three days. CONTACT_NEAR_FAR: it stands in the extras. */
#define CONTACT_NEAR_BEFORE ((uint64_t)1 << 28)
#define CONTACT_NEAR_FAR    UINT32_MAX

static inline uint32_t contact_near_time(const struct contact *c, engine_time at)
{
    uint64_t from = (uint64_t)at - (uint64_t)c->created_at + CONTACT_NEAR_BEFORE;

    return from < CONTACT_NEAR_FAR ? (uint32_t)from : CONTACT_NEAR_FAR;
}

static inline engine_time contact_far_time(const struct contact *c, uint32_t from)
{
    return (engine_time)((uint64_t)c->created_at + from - CONTACT_NEAR_BEFORE);
}

static inline engine_time time_after_span(engine_time from, duration_ms span)
{
    return span == DURATION_NONE ? TIME_NEVER : (engine_time)((uint64_t)from + (uint64_t)span);
}

static inline engine_time contact_start_at(const struct contact *c)
{
    return c->start != CONTACT_NEAR_FAR ? contact_far_time(c, c->start)
                                        : contact_extras(c)->start_at;
}

static inline engine_time contact_visit_since(const struct contact *c)
{
    engine_time since = contact_extras(c)->visit_since;

    return since != TIME_NEVER ? since : contact_start_at(c);
}

/* TIME_NEVER: none. */
static inline engine_time contact_due(const struct contact *c, enum promise promise)
{
    const struct contact_extras *x = contact_extras(c);

    return x->own_times ? x->due[promise]
                        : time_after_span(contact_start_at(c), contact_terms(c)->promised[promise]);
}

engine_time contact_state_since(const struct contact *c);
engine_time contact_expires_at(const struct contact *c); /* TIME_NEVER: not by itself */

struct text contact_why_agent(const struct contact *c); /* a known word */

/* What the lines of its history count from. */
struct history_base contact_history_base(const struct contact *c);

/* Its story, oldest first; its texts are in the record. How many lines. */
uint32_t contact_history(const struct contact *c, struct history_entry out[HISTORY_KEPT]);

#endif
