/* What a workspace is told about its routing: tiers, channels, issue types, languages, queues,
 * clocks.
 *
 * Made outside (from the configuration file), immutable once given to the engine, and part of the
 * journal: the fact config_applied carries it whole, so that yesterday's decisions can be replayed
 * without today's parser. Indexes are positions in these arrays and mean nothing outside this
 * object; facts and clients use names. All texts live as long as the object; it is one
 * reference-counted arena, see settings_create. Durations in milliseconds; DURATION_NONE = not
 * configured. */
#ifndef QUEUE_SETTINGS_H
#define QUEUE_SETTINGS_H

#include "queue/types.h"

enum queue_order { ORDER_DEADLINE, ORDER_STRICT, ORDER_FIFO };

enum strategy {
    STRATEGY_LONGEST_IDLE,
    STRATEGY_LEAST_OCCUPIED,
    STRATEGY_BEST_SKILLED,
    STRATEGY_FEWEST_CONTACTS,
    STRATEGY_ROUND_ROBIN,
};

/* Service targets: each promise counts from the contact's start. */
struct targets {
    duration_ms answer;
    duration_ms progress;
    duration_ms resolve;
};

struct tier_settings {
    struct text name;
    struct targets targets; /* used where neither queue nor issue says otherwise */
};

struct channel_settings {
    struct text name;
    uint32_t units;            /* capacity one contact takes */
    uint32_t max_per_agent;    /* contacts at a time; 0: bounded by units alone */
    uint32_t interruptible_by; /* a bit for each channel that may interrupt this one */
};

struct issue_settings {
    struct text name;
    struct targets targets; /* DURATION_NONE where it says nothing */
};

struct queue_settings {
    struct text name;
    enum queue_order order;
    enum strategy strategy;
    struct skill_level *required;
    uint32_t required_count;
    struct targets *by_tier;    /* one for each tier; DURATION_NONE where the queue says nothing */
    duration_ms wrap_up;        /* 0: none */
    duration_ms answer_clock;   /* how long an agent may look at an offer */
    duration_ms delivery_clock; /* how long a desktop may take to say that it has it */
    duration_ms preferred_hold; /* how long a preferred agent is waited for */
    duration_ms cool_down;      /* after a decline or a miss: not offered to that agent again */
    duration_ms expires;        /* give up after so long waiting; DURATION_NONE: never */
    duration_ms short_abandon;  /* an abandon within this is left out of the service level */
    uint32_t waiting_max;       /* 0: no limit */
    uint32_t attempts_max;      /* offers in one visit before it escalates; 0: no limit */
    queue_index escalation;     /* where it goes then; INDEX_NONE16: it stays and waits on */
    queue_index overflow;       /* takes what this queue has no room for; INDEX_NONE16: refused */
};

/* What an agent is: from the configuration's list, or from agent.put. */
struct agent_queue {
    struct text queue;
    uint32_t
        rank; /* its own order among its queues, lower first; equal ranks: the deadline decides */
    queue_index index; /* in the settings in force; kept by the engine */
};

struct agent_channel_max {
    struct text channel;
    uint32_t contacts;
};

struct agent_settings {
    struct text id;
    struct text name;
    struct text address;
    struct skill_level *skills;
    uint32_t skill_count;
    uint32_t units;                /* 0: the workspace's agent_units */
    struct agent_channel_max *max; /* on top of the channels' own */
    uint32_t max_count;
    struct agent_queue *queues;
    uint32_t queue_count;
    bool all_queues; /* serves every queue; then `queues` has only ranks */
    uint64_t digest; /* of the file's entry; 0 when it came by agent.put */
};

struct settings {
    uint32_t references;
    struct tier_settings *tiers; /* highest first: the index is the rank */
    struct channel_settings *channels;
    struct issue_settings *issues;
    struct text *languages;
    struct queue_settings *queues;
    struct agent_settings *agents;
    uint32_t agent_count;
    uint32_t tier_count, channel_count, issue_count, language_count, queue_count;
    queue_index default_queue;
    uint32_t agent_units; /* capacity of an agent that says nothing */
    uint32_t max_misses;  /* missed offers in a row that put an agent away */
    duration_ms
        missed_return;   /* then available again by itself; DURATION_NONE: when a person says so */
    duration_ms grace;   /* a lost agent keeps its assignments so long */
    duration_ms at_risk; /* warn so long before a promise is missed; DURATION_NONE: never */
    duration_ms id_kept; /* an ended contact's id is remembered so long */
    duration_ms rating_kept;         /* and may be rated so long */
    uint32_t contacts_max;           /* live ones; further ones are refused. 0: no limit */
    uint32_t bodies_bytes_max;       /* of all their words together; 0: no limit */
    uint32_t tombstones_max;         /* of at most so many */
    duration_ms received_bound;      /* received_at counts at most so far back */
    duration_ms fairness_window;     /* fewest_contacts looks back about so far */
    duration_ms statistics_window;   /* of the figures in queue rows */
    duration_ms statistics_interval; /* one bucket of statistics */
    duration_ms statistics_kept;
    struct arena_chunk *arena;
};

/* An empty object with one reference. Everything below is allocated with settings_alloc and lives
 * until the last settings_release. */
struct settings *settings_create(void);
void settings_retain(struct settings *s);
void settings_release(struct settings *s);
void *settings_alloc(struct settings *s, size_t size);             /* zeroed */
struct text settings_text(struct settings *s, struct text copied); /* a copy, also terminated */

/* INDEX_NONE when there is none; linear, for code off the contact's path. */
queue_index settings_find_queue(const struct settings *s, struct text name);
tier_index settings_find_tier(const struct settings *s, struct text name);
channel_index settings_find_channel(const struct settings *s, struct text name);
issue_index settings_find_issue(const struct settings *s, struct text name);
language_index settings_find_language(const struct settings *s, struct text name);

/* The targets of a contact: the queue's word for its tier, else the issue's, else the tier's. */
struct targets settings_targets(const struct settings *s, queue_index queue, tier_index tier,
                                issue_index issue);

#endif
