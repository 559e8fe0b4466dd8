/* What a run of `load` plays: phases of pace one after another, and what contacts are like.
 *
 * A scenario comes from the options of the command line (one phase, one kind of contact) or from a
 * YAML file, which is checked completely before anything starts: every mistake in one go, with line
 * and column. Keys, bounds and helps of the file are listed once, in scenario_table.h. */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/workload.h"
#include "router/config.h"

/* One kind of contact. Lists are comma-separated: each contact gets one of them by chance; NULL:
 * none is named. */
struct scenario_kind {
    const char *name;
    uint32_t weight; /* so many of the sum of all weights are of this kind */
    const char *channel;
    const char *tiers, *queues, *issues, *languages;
    const char *skills; /* NAME:LEVEL, or several with a + between them */
    uint32_t text_bytes;
    int64_t wrap_up_ms;
    struct workload_span handle;   /* from its acceptance to its completion */
    struct workload_span patience; /* until the customer leaves; without mean: never */
};

/* Which connections a storm drops. */
enum scenario_who { SCENARIO_EVERYONE, SCENARIO_AGENTS, SCENARIO_CONNECTORS };

struct scenario_phase {
    const char *name;
    double seconds;
    /* Open loop: contacts a second over all connectors at the beginning and at the end. Both 0:
     * closed loop, or with a window of 0 nothing but bursts. */
    double rate_from, rate_to;
    uint32_t window; /* closed loop: submissions without an answer, of each connector */
    uint32_t burst;  /* so many contacts due in one instant */
    double burst_every_s;
    uint32_t storm_percent; /* of the connections drop and come back; 0: no storm */
    double storm_after_s;   /* of the beginning of the phase */
    enum scenario_who storm_who;
};

struct scenario {
    struct scenario_kind *kinds;
    uint32_t kind_count;
    struct scenario_phase *phases;
    uint32_t phase_count;
    uint32_t miss_percent;    /* offers that nobody answers */
    uint32_t decline_percent; /* offers that are declined */
    struct arena arena;       /* of a scenario from a file: all of the above */
};

/* NULL when there is any problem; the caller closes `problems` in either case, and destroys the
 * scenario. */
struct scenario *scenario_read(struct text yaml, struct config_problems *problems);
struct scenario *scenario_read_file(const char *path, struct config_problems *problems);
void scenario_destroy(struct scenario *s); /* NULL is fine */

/* How long all phases take. */
double scenario_seconds(const struct scenario *s);

/* The rate that a phase wants at so many seconds of it, without bursts; 0 in a closed loop. */
double scenario_rate(const struct scenario_phase *p, double at_s);

/* "1000", or "500..4000": contacts a second at the beginning and at the end. False for anything
 * else, and when both are 0. */
bool scenario_rates(const char *words, double *from, double *to);

/* Every key that a file may have, for `load --scenario-help`. */
void scenario_print_manual(FILE *out);

#endif
