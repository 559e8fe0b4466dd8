/* Commands: everything that can be asked of the engine of a workspace, with its time.
 *
 * Whoever makes a command has checked its form (types, sizes, UTF-8, the role); the engine checks
 * what depends on its state. Everything a command points at lives during engine_step only. */
#ifndef QUEUE_COMMAND_H
#define QUEUE_COMMAND_H

#include "queue/fact.h"
#include "queue/settings.h"
#include "queue/types.h"

enum command_kind {
    /* connectors */
    COMMAND_SUBMIT,
    COMMAND_UPDATE,
    COMMAND_CANCEL,
    COMMAND_END,
    COMMAND_RATE,
    COMMAND_CONNECTOR_ATTACHED,
    COMMAND_CONNECTOR_DETACHED,
    /* agents */
    COMMAND_SIGN_IN,
    COMMAND_SET_STATE,
    COMMAND_SIGN_OUT,
    COMMAND_PULL,
    COMMAND_OFFER_RECEIVED,
    COMMAND_ACCEPT,
    COMMAND_DECLINE,
    COMMAND_COMPLETE,
    COMMAND_WRAPPED_UP,
    COMMAND_TRANSFER,
    COMMAND_REQUEUE,
    COMMAND_SESSION_CLOSED,
    /* supervisors and admins */
    COMMAND_MOVE,
    COMMAND_ASSIGN,
    COMMAND_AGENT_PUT,
    COMMAND_AGENT_REMOVE,
    COMMAND_CONFIG_APPLY,
    /* the host */
    COMMAND_OWNER_STARTED,
    COMMAND_OWNER_CONTINUED, /* under a higher epoch, with all its sessions */
    COMMAND_JOURNAL_STALLED,
    COMMAND_TICK,
    COMMAND_KIND_COUNT
};

const char *command_kind_word(enum command_kind kind);

enum caller_role { CALLER_HOST, CALLER_CONNECTOR, CALLER_AGENT, CALLER_SUPERVISOR, CALLER_ADMIN };

/* Who asks, and where the answer goes. */
struct caller {
    uint64_t session; /* the connection; 0: the host itself, which gets no answer */
    uint64_t request; /* handed back with the answer; the engine does not look at it */
    enum caller_role role;
    struct text name; /* identity of the connector; what history shows as the actor of the others */
};

/* What classification found; indexes of the settings with `version`. */
struct classified {
    uint64_t version;
    tier_index tier;
    issue_index issue;       /* INDEX_NONE16: none */
    language_index language; /* INDEX_NONE16: none */
    queue_index queue;
    struct text why_tier, why_issue, why_queue, why_language;
};

#define SCHEDULE_NONE TIME_NEVER

struct submit_command {
    struct text id; /* never absent: the host makes one where the connector gave none */
    channel_index channel;
    struct classified classified;
    struct text customer;
    struct raw customer_attributes;
    struct raw attributes;
    struct text subject, text, payload;
    struct skill_list skills;
    struct text preferred_agent;
    struct text reopens, parent;
    duration_ms boost; /* 0: none */
    engine_time
        received_at; /* TIME_NEVER: now. Already on the workspace's clock, bounded by the engine */
    engine_time not_before_at; /* SCHEDULE_NONE: now */
    bool keeps_place;
    duration_ms expires; /* DURATION_NONE: the queue's */
    duration_ms lost;    /* DURATION_NONE: never */
};

/* A text that is absent changes nothing. Merging of attributes and classification of what results
 * happen outside: what stands here replaces. */
struct update_command {
    struct text contact;
    bool reclassified;
    struct classified classified;     /* when reclassified */
    bool issue_given, language_given; /* data only: not reclassified */
    issue_index issue;
    language_index language;
    struct text customer;
    struct raw customer_attributes;
    struct raw attributes;
    struct text subject, text, payload;
    bool skills_given;
    struct skill_list skills;
    bool boost_given;
    duration_ms boost;
    engine_time not_before_at;
    bool progress_kept;
};

struct contact_command { /* cancel, end, wrapped_up */
    struct text contact;
    struct text reason;
};

struct rate_command {
    struct text contact;
    uint32_t score;
    struct text kind;
    struct text comment;
};

struct sign_in_command {
    struct text agent;
    bool pull, receipts, auto_accept;
    bool state_given, available;
    struct text reason;
    struct text address;
};

struct set_state_command {
    struct text agent; /* a supervisor's; absent: the caller's own */
    bool available;
    struct text reason;
};

struct pull_command {
    uint32_t max;
    duration_ms wait;
};

struct offer_command { /* offer_received, accept, decline */
    uint64_t offer;    /* 0: the caller's word was no offer of ours */
    struct text reason;
};

struct complete_command {
    struct text contact;
    struct text disposition;
    bool unresolved;
    duration_ms wrap_up; /* DURATION_NONE: the queue's */
};

struct transfer_command {
    struct text contact;
    struct text queue; /* one of queue and agent */
    struct text agent;
    bool skills_given;
    struct skill_list skills;
    struct text issue;
    struct text reason, note;
    duration_ms wrap_up; /* DURATION_NONE: none */
};

struct requeue_command {
    struct text contact;
    struct text reason, note;
    engine_time not_before_at;
    struct text preferred_agent;
};

struct move_command { /* move, assign */
    struct text contact;
    struct text queue;
    struct text agent;
};

struct config_command {
    struct settings *settings; /* the engine keeps a reference */
    uint64_t digest;
    struct text text;
};

struct command {
    enum command_kind kind;
    engine_time time;
    struct caller caller;
    uint32_t contact_hash; /* what engine_expect said of the contact's id; 0: it was not asked */
    union {
        struct submit_command submit;
        struct update_command update;
        struct contact_command contact;
        struct rate_command rate;
        struct sign_in_command sign_in;
        struct set_state_command set_state;
        struct pull_command pull;
        struct offer_command offer;
        struct complete_command complete;
        struct transfer_command transfer;
        struct requeue_command requeue;
        struct move_command move;
        struct agent_settings agent_put;
        struct text agent_remove;
        struct config_command config;
        struct {
            struct text name;
            void *attachment; /* becomes owner->attachment */
            bool silent;      /* a connection that hears no notices; the same when it goes */
        } connector;
        uint64_t epoch;      /* owner_started, owner_continued */
        duration_ms stalled; /* journal_stalled */
    };
};

#endif
