/* Commands at random: what connectors, agents, supervisors, admins and hosts may send, sensible
 * most of the time and hostile some of it. Deterministic: the seed and the facts seen decide. */
#ifndef TESTS_SIMULATION_RANDOM_COMMANDS_H
#define TESTS_SIMULATION_RANDOM_COMMANDS_H

#include "queue/base/random.h"
#include "queue/command.h"

/* How a run is loaded. */
struct profile_of_run {
    const char *name;
    const char *help;
    uint32_t agents;
    uint32_t ids;        /* contacts take turns with so many ids */
    uint32_t live_most;  /* contacts alive at a time, about */
    unsigned hostile;    /* percent of parameters that make no sense */
    unsigned pullers;    /* percent of sign-ins */
    duration_ms pause;   /* between commands, on average */
    unsigned long_pause; /* per ten thousand: minutes or hours go by */
    unsigned lost;       /* per thousand commands: a connection ends */
    unsigned restarts;   /* per hundred thousand: a new process */
    unsigned configs;    /* per ten thousand: a new configuration */
    uint8_t weights[COMMAND_KIND_COUNT];
};

extern const struct profile_of_run profiles_of_run[];
const struct profile_of_run *profile_of_run_find(const char *name); /* NULL: no such */

struct random_commands;

struct random_commands *random_commands_create(struct random *random,
                                               const struct profile_of_run *profile);
void random_commands_destroy(struct random_commands *c);

/* What it knows of the world, so that commands make sense: the names in the facts. */
void random_commands_fact(struct random_commands *c, const struct fact *fact);

/* Everybody's connection is over: a new process. */
void random_commands_restarted(struct random_commands *c);

/* A command other than those of the host. Everything it points at lives until the next call. */
void random_commands_next(struct random_commands *c, engine_time now, uint64_t config_version,
                          struct command *out);

/* An agent is put, or put anew. */
void random_commands_put(struct random_commands *c, uint32_t agent, struct command *out);

/* A configuration, valid as any, different from the last. One reference. */
struct settings *random_settings(struct random *random);

#endif
