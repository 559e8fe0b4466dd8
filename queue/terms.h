/* The terms of a contact: how it was classified and why, what was promised, what it requires.
 *
 * Most contacts share theirs with thousands of others, so equal terms are one object, counted by
 * its references. Terms never change, but for a new configuration, which numbers queues, tiers and
 * the like anew; a contact whose terms change gets others. Those that nobody has any more stay for
 * a while, as the next contact often brings the same.
 *
 * Belongs to one engine, and so to one thread. */
#ifndef QUEUE_TERMS_H
#define QUEUE_TERMS_H

#include "queue/base/hash_index.h"
#include "queue/base/list.h"
#include "queue/base/pool.h"
#include "queue/fact.h"
#include "queue/skill.h"
#include "queue/types.h"

struct tally;

#define TERMS_TALLIES 4   /* of queue, tier, channel and issue type */
#define TERMS_ROOM    136 /* bytes */

struct terms {
    queue_index queue;
    issue_index issue;
    language_index language;
    tier_index tier;
    channel_index channel;
    uint64_t keeps_place; /* 1: ordered as from its submission though scheduled; no gap behind it */
    const struct requirement *own_skills; /* in addition to the queue's */
    duration_ms boost;
    duration_ms expires;                 /* how long it may wait; DURATION_NONE: for ever */
    duration_ms lost;                    /* DURATION_NONE: not bound to its connector's presence */
    duration_ms promised[PROMISE_COUNT]; /* from its start; DURATION_NONE: none */
    uint64_t config_version;             /* that classified it */
    struct text why_tier;                /* all before it are compared as they lie there */
    struct text why_issue;
    struct text why_queue;
    struct text why_language; /* the last of what is compared */

    /* service_level's: where contacts with these terms are counted, in the interval that was the
     * `counted_in`th to begin; 0: in none */
    uint32_t counted_in;
    struct tally *tallies[TERMS_TALLIES];

    /* the table's */
    uint32_t references;
    uint32_t hash; /* of all of the above but where they are counted */
    char *letters; /* what the texts point into */
    struct list_node in_all;
    struct list_node in_idle; /* since nobody had them */

    /* The host's: one block of memory with what it made of these terms (terms_show), or NULL. Given
     * back with them, and when a new configuration numbers them anew. And how often it asked
     * whether that is worth the memory. */
    void *shown;
    uint32_t asked;

    char room[TERMS_ROOM]; /* for the letters of most, so that they are at hand with all the rest */
};

#define TERMS_IDLE 4096 /* kept though nobody has them; each phrase found makes some of its own */

struct terms_table {
    struct skill_table *skills;
    struct pool pool;
    struct hash_index by_hash; /* a number is a near */
    struct hash_index recent;  /* by classes and why_issue: which of those was seen last */
    uint64_t seed[2];
    struct list all;
    struct list idle; /* the longest so first; also those that somebody took since */
    uint32_t idle_count;
};

/* The skills outlive the table; so does the store. */
void terms_table_init(struct terms_table *t, struct store *store, struct skill_table *skills,
                      const uint64_t seed[2]);
void terms_table_close(struct terms_table *t);

/* The one object that is like `wanted` down to why_language, with one reference more; what else
 * `wanted` says is not looked at. It and what it points at stay the caller's. */
const struct terms *terms_take(struct terms_table *t, const struct terms *wanted);
void terms_release(struct terms_table *t, const struct terms *terms);

/* Let `change` number the members of each of them anew. */
void terms_renumber(struct terms_table *t, void (*change)(void *context, struct terms *terms),
                    void *context);

/* Ask once more; how often that was. */
uint32_t terms_ask(const struct terms *terms);

/* Leave `shown`, which comes from queue/base/memory.h, with the terms. */
void terms_show(const struct terms *terms, void *shown);

/* How far a promise lies from the start; DURATION_NONE for none. */
static inline duration_ms terms_promise(engine_time start, engine_time due)
{
    return due == TIME_NEVER ? DURATION_NONE : (duration_ms)((uint64_t)due - (uint64_t)start);
}

#endif
