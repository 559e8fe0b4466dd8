/* An agent: a person (or a bot) who works contacts.
 *
 *      signed_out ──sign_in──▶ available ⇄ away(reason)
 *           ▲                      │          │
 *           └── sign_out, grace over, removed ┘
 *
 * Presence is stored, load is derived: an agent is busy because of what it holds. `connected` false
 * with a state other than signed_out is the grace time after a lost connection. Read only outside
 * the engine. */
#ifndef QUEUE_AGENT_H
#define QUEUE_AGENT_H

#include "queue/base/list.h"
#include "queue/base/ranked_tree.h"
#include "queue/base/timer_wheel.h"
#include "queue/fact.h"
#include "queue/settings.h"
#include "queue/types.h"

enum agent_state { AGENT_SIGNED_OUT, AGENT_AVAILABLE, AGENT_AWAY, AGENT_STATE_COUNT };

/* The orders in which idle agents stand; best_skilled uses the first within equal skill. */
enum idle_order { IDLE_LONGEST, IDLE_LEAST_OCCUPIED, IDLE_FEWEST, IDLE_ROUND, IDLE_ORDER_COUNT };

struct text agent_state_word(enum agent_state state);

struct profile;

/* A pull that waits for offers. It lives as long as its connection and is no fact. */
struct pull {
    struct list_node of_agent;
    uint64_t request;
    uint64_t number; /* of those that ever waited */
    uint32_t max;
    engine_time until;
    struct timer_node timer;
    struct agent *agent;
};

struct agent {
    struct text id;
    uint32_t number; /* in order of creation; never reused */
    enum agent_state state;
    struct text name;
    struct text address; /* in force: the sign-in's, else as put */
    struct text address_put;
    struct text reason; /* why away; as the agent or we said it */
    engine_time state_since;
    engine_time grace_until; /* not connected: signed out then; TIME_NEVER: connected */
    engine_time return_at;   /* away: available again by itself then; TIME_NEVER: not by itself */
    uint64_t session;        /* 0: not connected */
    bool pull, receipts, auto_accept;
    bool removed; /* exists only for what still points at it */
    uint32_t misses;

    struct series *series;   /* its statistics; made when first counted */
    struct profile *profile; /* skills, queues; shared by agents that are alike */
    const struct requirement *skills;
    struct agent_queue *queues; /* by name; owned */
    uint32_t queue_count;
    bool all_queues;
    bool ranked;                       /* its queues have ranks of its own that differ */
    uint32_t units_put;                /* 0: the workspace's */
    struct agent_channel_max *max_put; /* owned */
    uint32_t max_put_count;
    uint64_t digest;      /* of the file's entry that made it */
    uint64_t file_digest; /* of the file's entry last seen, whoever won */

    uint32_t units;               /* capacity in force */
    uint32_t max[CHANNELS_MAX];   /* contacts at a time in each channel; UINT32_MAX: no bound */
    uint16_t holds[CHANNELS_MAX]; /* offers, assignments and wrap-ups in each channel */
    uint32_t used;                /* units of all of them */
    uint32_t held_count;
    struct list held;          /* struct offer, oldest first */
    struct list_node *found;   /* of them, the one looked for last; NULL: none, or it has gone */
    uint64_t idle_since;       /* touch number: unique, so that there are no ties */
    uint64_t offered_at_touch; /* of the last offer made */
    uint64_t fair_key;         /* decayed count of accepted contacts, as a time; see matcher.c */
    /* While it can take something: among its profile's, and, where there are many profiles, all. */
    struct ranked_node idle[IDLE_ORDER_COUNT], idle_among_all[IDLE_ORDER_COUNT];
    struct ranked_tree reserved; /* lines of contacts that wait for it alone */
    struct list cool_downs;
    struct list pulls;
    uint32_t pull_credit; /* offers it may still be given */
    struct list_node in_dirty;
    struct list_node in_moved;  /* its place in the idle orders may be another one */
    struct list_node in_pulled; /* has offers to be delivered with a pull's answer */
    struct timer_node timer;    /* grace end or timed return */
    struct ranked_node by_number;
};

#endif
