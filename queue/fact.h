/* Facts: durable things that happened. The engine's state changes by nothing else.
 *
 * A fact in memory is resolved: it points at the agent and uses the indexes of the settings in
 * force, so that applying it looks up nothing. In the journal it is names (router/fact_codec).
 * Texts, skills and records it points at belong to whoever made it and live during the call it is
 * passed to.
 *
 * A workspace's facts are numbered without a gap from 1: `seq`. */
#ifndef QUEUE_FACT_H
#define QUEUE_FACT_H

#include <stddef.h>
#include <string.h>

#include "queue/fact_table.h"
#include "queue/settings.h"
#include "queue/types.h"

struct agent;
struct contact;

struct raw { /* one MessagePack value, or nothing */
    const uint8_t *bytes;
    uint32_t length;
};

static inline struct text raw_text(struct raw r)
{
    return (struct text){r.length == 0 ? NULL : (const char *)r.bytes, r.length};
}

static inline struct raw text_raw(struct text t)
{
    return (struct raw){(const uint8_t *)t.bytes, t.length};
}

struct skill_list {
    const struct skill_level *items;
    uint32_t count;
};

struct maxima_list {
    const struct agent_channel_max *items;
    uint32_t count;
};

struct agent_queue_list {
    const struct agent_queue *items;
    uint32_t count;
};

enum promise { PROMISE_ANSWER, PROMISE_PROGRESS, PROMISE_RESOLVE, PROMISE_COUNT };

#define FACT_TYPE_TEXT     struct text
#define FACT_TYPE_BIN      struct text
#define FACT_TYPE_RAW      struct raw
#define FACT_TYPE_TIME     engine_time
#define FACT_TYPE_SPAN     duration_ms
#define FACT_TYPE_NUMBER   uint64_t
#define FACT_TYPE_FLAG     bool
#define FACT_TYPE_QUEUE    queue_index
#define FACT_TYPE_TIER     tier_index
#define FACT_TYPE_CHANNEL  channel_index
#define FACT_TYPE_ISSUE    issue_index
#define FACT_TYPE_LANGUAGE language_index
#define FACT_TYPE_AGENT    struct agent *
#define FACT_TYPE_SKILLS   struct skill_list
#define FACT_TYPE_MAXIMA   struct maxima_list
#define FACT_TYPE_QUEUES   struct agent_queue_list
#define FACT_TYPE_PROMISE  enum promise

#define FACT_MEMBER(type, name, help) FACT_TYPE_##type name;
#define FACT_STRUCT(fields)                                                                        \
    struct fact_##fields {                                                                         \
        FACT_FIELDS_##fields(FACT_MEMBER)                                                          \
    };

/* One struct for each list of fields of the table. */
FACT_STRUCT(NEW_CONTACT)
FACT_STRUCT(CONTACT_WOKEN)
FACT_STRUCT(CONTACT_UPDATED)
FACT_STRUCT(CONTACT_MOVED)
FACT_STRUCT(CONTACT_OFFERED)
FACT_STRUCT(OFFER)
FACT_STRUCT(OFFER_ENDED)
FACT_STRUCT(WRAP_UP_STARTED)
FACT_STRUCT(WRAP_UP_ENDED)
FACT_STRUCT(CONTACT_ENDED)
FACT_STRUCT(CONTACT_GIVEN_BACK)
FACT_STRUCT(PROMISE)
FACT_STRUCT(CONTACT_RATED)
FACT_STRUCT(AGENT_PUT)
FACT_STRUCT(ACTOR)
FACT_STRUCT(AGENT_SIGNED_IN)
FACT_STRUCT(AGENT_STATE)
FACT_STRUCT(OWNER_STARTED)
FACT_STRUCT(JOURNAL_STALLED)
FACT_STRUCT(CONFIG_APPLIED)
#undef FACT_STRUCT

struct fact_NONE { /* of kinds that say no more than what they are about */
    char nothing;
};
#undef FACT_MEMBER

#define FACT_ENUM(symbol, word, subject, fields, help) FACT_##symbol,
enum fact_kind { FACT_TABLE(FACT_ENUM) FACT_KIND_COUNT };
#undef FACT_ENUM

enum fact_subject { SUBJECT_CONTACT, SUBJECT_AGENT, SUBJECT_CONNECTOR, SUBJECT_WORKSPACE };

struct fact {
    uint64_t seq;
    engine_time at;
    enum fact_kind kind;
    uint32_t
        hash; /* of a new contact's id, where it was looked for; else 0; not part of the fact */
    struct tombstone *before; /* what was found then: the ended contact that had the id, or NULL */
    struct text subject; /* id of the contact or agent, name of the connector; empty: workspace */
    struct contact *contact;   /* resolved subject; NULL for a new contact */
    struct agent *agent;       /* resolved subject; NULL for a new agent */
    struct settings *settings; /* of config_applied: the compiled form; the engine retains it */
    union {
        struct fact_NEW_CONTACT new_contact;
        struct fact_CONTACT_WOKEN woken;
        struct fact_CONTACT_UPDATED updated;
        struct fact_CONTACT_MOVED moved;
        struct fact_CONTACT_OFFERED offered;
        struct fact_OFFER offer;
        struct fact_OFFER_ENDED offer_ended;
        struct fact_WRAP_UP_STARTED wrap_up_started;
        struct fact_WRAP_UP_ENDED wrap_up_ended;
        struct fact_CONTACT_ENDED ended;
        struct fact_CONTACT_GIVEN_BACK given_back;
        struct fact_PROMISE promise;
        struct fact_CONTACT_RATED rated;
        struct fact_AGENT_PUT agent_put;
        struct fact_ACTOR actor;
        struct fact_AGENT_SIGNED_IN signed_in;
        struct fact_AGENT_STATE agent_state;
        struct fact_OWNER_STARTED owner_started;
        struct fact_JOURNAL_STALLED stalled;
        struct fact_CONFIG_APPLIED config;
    };
};

enum fact_field_type {
    FACT_FIELD_TEXT,
    FACT_FIELD_BIN,
    FACT_FIELD_RAW,
    FACT_FIELD_TIME,
    FACT_FIELD_SPAN,
    FACT_FIELD_NUMBER,
    FACT_FIELD_FLAG,
    FACT_FIELD_QUEUE,
    FACT_FIELD_TIER,
    FACT_FIELD_CHANNEL,
    FACT_FIELD_ISSUE,
    FACT_FIELD_LANGUAGE,
    FACT_FIELD_AGENT,
    FACT_FIELD_SKILLS,
    FACT_FIELD_MAXIMA,
    FACT_FIELD_QUEUES,
    FACT_FIELD_PROMISE,
};

/* The table at run time: what a codec, a manual or a transcript walks. `offset` counts from the
 * fact. */
struct fact_field {
    enum fact_field_type type;
    uint16_t offset;
    struct text name;
    const char *help;
};

struct fact_kind_row {
    struct text word;
    uint32_t version; /* of the table, with which it came */
    enum fact_subject subject;
    const struct fact_field *fields;
    uint32_t field_count;
    const void *absent; /* the fields with no value each; NULL where a kind has none */
    size_t absent_size;
    const char *help;
};

extern const struct fact_kind_row fact_kinds[FACT_KIND_COUNT];

static inline const struct fact_kind_row *fact_kind_row(enum fact_kind kind)
{
    return &fact_kinds[kind];
}

/* FACT_KIND_COUNT when no kind has this word. */
enum fact_kind fact_kind_from_word(struct text word);

struct text promise_word(enum promise promise);

/* Each list of fields with no value in any. */
#define FACT_ABSENT(fields) extern const struct fact_##fields fact_absent_##fields;
FACT_ABSENT(NONE)
FACT_ABSENT(NEW_CONTACT)
FACT_ABSENT(CONTACT_WOKEN)
FACT_ABSENT(CONTACT_UPDATED)
FACT_ABSENT(CONTACT_MOVED)
FACT_ABSENT(CONTACT_OFFERED)
FACT_ABSENT(OFFER)
FACT_ABSENT(OFFER_ENDED)
FACT_ABSENT(WRAP_UP_STARTED)
FACT_ABSENT(WRAP_UP_ENDED)
FACT_ABSENT(CONTACT_ENDED)
FACT_ABSENT(CONTACT_GIVEN_BACK)
FACT_ABSENT(PROMISE)
FACT_ABSENT(CONTACT_RATED)
FACT_ABSENT(AGENT_PUT)
FACT_ABSENT(ACTOR)
FACT_ABSENT(AGENT_SIGNED_IN)
FACT_ABSENT(AGENT_STATE)
FACT_ABSENT(OWNER_STARTED)
FACT_ABSENT(JOURNAL_STALLED)
FACT_ABSENT(CONFIG_APPLIED)
#undef FACT_ABSENT

/* Kind set; all that is not a field of it zero. The caller sets every field. */
static inline void fact_begin(struct fact *f, enum fact_kind kind)
{
    memset(f, 0, offsetof(struct fact, new_contact));
    f->kind = kind;
}

/* The same, and all fields absent, as each type's absence is. Inline: who names the kind writes
 * that kind's fields and no table is asked. */
static inline void fact_init(struct fact *f, enum fact_kind kind)
{
    fact_begin(f, kind);
    switch (kind) {
#define FACT_CASE(symbol, word, subject, fields, help)                                             \
    case FACT_##symbol:                                                                            \
        memcpy(&f->new_contact, &fact_absent_##fields, sizeof(fact_absent_##fields));              \
        break;
        FACT_TABLE(FACT_CASE)
#undef FACT_CASE
    case FACT_KIND_COUNT:
        break;
    }
}

#endif
