/* One run of an engine under random commands, watched by the checkers.
 *
 * A second engine follows by applying each step's facts, as a standby does; at intervals the two
 * are compared, audited, and compared with a third that is made of a checkpoint and what followed
 * it. Restarts let the follower, or that third one, take over. The same options give the same run.
 */
#ifndef TESTS_SIMULATION_RANDOM_RUN_H
#define TESTS_SIMULATION_RANDOM_RUN_H

#include "tests/simulation/random_commands.h"
#include "tests/simulation/watch.h"

/* Stands between an engine and the checkers and alters what they see, to prove that they look.
 * Hands on the fact, or another, or none, or several. */
struct stream_filter {
    const char *name;
    void (*fact)(void *state, const struct fact *fact,
                 void (*hand_on)(void *context, const struct fact *fact), void *context);
    void *state;
};

struct run_options {
    uint64_t seed;
    uint64_t steps;
    const struct profile_of_run *profile;
    const struct stream_filter *filter; /* NULL: the checkers see what happened */
    const struct checker *only;         /* this checker alone looks; NULL: all */
    bool unwatched;                     /* no checkers, no follower: for digests alone */
    bool rows_must_be_taken;            /* a row of a life cycle never taken fails */
    uint64_t compare_each;              /* steps between comparisons; 0: never */
    FILE *report;                       /* NULL: say nothing */
    FILE *trace;                        /* every command and fact as a line; NULL: none */
};

struct run_result {
    bool failed;
    const char *finder; /* checker, or what else saw it */
    char finding[4600];
    uint64_t step;
    uint64_t digest; /* of the engine at the end */
    uint64_t facts;
};

void random_run(const struct run_options *options, struct run_result *result);

#endif
