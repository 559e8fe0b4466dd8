/* Service levels, statistics and estimates: counted from facts, in intervals that can be added up.
 *
 * service_level = answered within the target / (answered + abandoned - abandoned within the short
 * time): the form that leaves short abandons out (SL-3 of the usual list). A contact counts once
 * for each queue visit. */
#ifndef QUEUE_SERVICE_LEVEL_H
#define QUEUE_SERVICE_LEVEL_H

#include "queue/base/list.h"
#include "queue/base/rare.h"
#include "queue/terms.h"
#include "queue/types.h"

struct engine;
struct terms;
struct state_visitor;

struct tally {
    uint64_t submitted, answered, answered_in_time, abandoned, abandoned_short, completed, overdue;
    uint64_t ratings, rating_sum;
    uint64_t wait_sum;   /* ms, of the answered */
    uint64_t handled;    /* assignments that ended */
    uint64_t handle_sum; /* ms, accept to end of wrap-up */
};

#define TALLY_FIELDS (sizeof(struct tally) / sizeof(uint64_t))

struct interval {
    int64_t number; /* time / statistics_interval */
    struct tally tally;
};

/* The tallies of one queue, agent, tier, issue type or channel. */
struct series {
    struct text name;
    struct interval *intervals; /* by number; those without data are left out */
    uint32_t count, capacity;
    struct interval *last; /* of them, once something was counted in it; NULL: look for it */
};

/* The interval that runs, until time reaches its end. */
struct interval_clock {
    int64_t number;
    engine_time end;
    uint32_t begun; /* how many; 0: none yet */
};

#define PACE_SAMPLES 16

/* How a queue moved of late, while somebody waited: the gaps between acceptances. */
struct pace {
    uint32_t gaps[PACE_SAMPLES];  /* ms; a ring */
    uint32_t waits[PACE_SAMPLES]; /* ms from offer to acceptance; a ring */
    uint64_t gap_count, wait_count;
    engine_time last; /* acceptance, or when the queue last began to have somebody waiting */
};

struct series *series_of(struct engine *e, int by, struct text name);
struct tally *series_now(struct engine *e, struct series *s);
void series_add(const struct series *s, int64_t from, int64_t to, struct tally *sum);

double tally_service_level(const struct tally *t);

/* Count for every dimension of a contact's terms: queue, tier, issue type, channel, and the agent
 * if given.
 */
#define TALLY_EACH(e, terms, agent_or_null, statement)                                             \
    do {                                                                                           \
        struct tally *const *tallies_ = service_level_tallies((e), (terms));                       \
        const struct agent *counted_ = (agent_or_null);                                            \
        for (int tally_i_ = 0; tally_i_ < TERMS_TALLIES; tally_i_++) {                             \
            struct tally *tally = tallies_[tally_i_];                                              \
            statement;                                                                             \
        }                                                                                          \
        if (counted_ != NULL) {                                                                    \
            struct tally *tally = service_level_of_agent((e), counted_);                           \
            statement;                                                                             \
        }                                                                                          \
    } while (0)

struct agent;
RARE void service_level_begin(struct engine *e, const struct terms *terms);
RARE struct tally *service_level_begin_agent(struct engine *e, const struct agent *a);

/* What survives a new configuration: paces, by the names of their queues. */
struct pace_kept;
struct pace_kept *paces_keep(const struct engine *e);
void paces_restore(struct engine *e, struct pace_kept *kept); /* and let go; NULL is none */

/* The series of tiers, channels and issue types under the settings that are now in force. */
void service_level_settings(struct engine *e);

void pace_accepted(struct pace *p, engine_time now, engine_time offered_at, bool others_waited);
void pace_waiting_began(struct pace *p, engine_time now);

/* How long one would wait who is at this position of the queue, 1 the first; DURATION_NONE while
 * nothing is known. */
duration_ms service_level_wait(const struct engine *e, queue_index queue, size_t position);
/* The same for one who is offered to an agent now. */
duration_ms service_level_wait_at_once(const struct engine *e, queue_index queue);

#endif
