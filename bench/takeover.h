/* How long contacts wait for a new owner: the failures that a deployment must survive, done to one.
 *
 * Two routers share a workspace over Redis. Agents hold all that they can and many more contacts
 * wait; a steady stream of completions makes new offers all the time. Then something is done to the
 * deployment, and the time counts from there to the first offer that any agent hears from an owner
 * who came after it (its epoch is higher). After each round what was broken is whole again, and
 * both nodes, and all clients, are prepared for the next one.
 *
 *     filling ──▶ preparing ──▶ steady ──act──▶ measuring ──▶ preparing ...
 *
 * One thread. */
#ifndef BENCH_TAKEOVER_H
#define BENCH_TAKEOVER_H

#include <stdbool.h>
#include <stdint.h>

#define TAKEOVER_ROUNDS_MAX 1000u

enum takeover_kind {
    TAKEOVER_KILL,      /* kill -9 of the owner */
    TAKEOVER_PAUSE,     /* SIGSTOP of the owner, SIGCONT after the measurement */
    TAKEOVER_CUT,       /* the owner's cable, pulled without a word */
    TAKEOVER_PRIMARY,   /* kill -9 of the Redis primary */
    TAKEOVER_HAND_OVER, /* SIGTERM of the owner */
    TAKEOVER_KINDS,
};

struct takeover_kind_row {
    const char *word;
    const char *help;
    bool needs_sentinel, needs_network;
};

extern const struct takeover_kind_row takeover_kinds[TAKEOVER_KINDS];

struct takeover_options {
    uint32_t agents, contacts, rounds;
    double rate; /* completions a second */
    bool kinds[TAKEOVER_KINDS];
    bool sentinel;          /* a primary, two replicas and three Sentinels instead of one Redis */
    uint32_t down_after_ms; /* of the Sentinels */
    const char *server;     /* the router's program */
    const char *folder;     /* where processes keep what they keep */
    bool keep;              /* it, with the logs, afterwards */
    double max_ms[TAKEOVER_KINDS]; /* exit status; 0: no limit */
    const char *json;
    bool quiet;
};

/* Returns the exit status (command.h). */
int takeover_run(const struct takeover_options *options);

/* A cold start: how long a router needs to read a workspace of so many waiting contacts. */
int takeover_cold(const struct takeover_options *options);

#endif
