/* The people of `takeover`: agents who hold all they can, over the client library with both
 * routers' addresses, and the connector whose contacts wait. It hears offers, and keeps the time.
 *
 * Completions come at an even pace, from anybody who works, by chance; each one is followed by
 * another contact, so that as many wait at the end as did at the beginning. While nobody serves,
 * they go on until no agent has anything left to complete.
 *
 * What must be so at any time, and is counted as an error when it is not: a call is answered well,
 * and an agent that signed in again still has the contact that was its own. */
#ifndef BENCH_TAKEOVER_CENTER_H
#define BENCH_TAKEOVER_CENTER_H

#include <stdbool.h>
#include <stdint.h>

#include <switchboard/client.h>
#include <uv.h>

#include "queue/base/random.h"

enum takeover_hand {
    HAND_EMPTY,
    HAND_ACCEPTING,
    HAND_WORKS,
    HAND_COMPLETING,
};

struct takeover_center;

struct takeover_agent {
    struct takeover_center *center;
    struct switchboard_client *client;
    enum takeover_hand hand;
    bool signed_in, is_working; /* is_working: stands among those */
    char contact[64];           /* what is in its hand */
};

struct takeover_center {
    uv_loop_t *loop;
    struct takeover_agent *agents;
    uint32_t agent_count, signed_in;
    struct switchboard_client *connector;
    uint32_t *working; /* agents, in no order: who is done next is chance, as in life */
    uint32_t working_count;
    struct random chance;
    uint64_t submissions;        /* not answered */
    uint64_t kept, completed;    /* contacts that were answered so */
    uint64_t unsure;             /* whose completion was answered with an error */
    uint64_t to_submit;          /* that are still to come */
    double rate;                 /* completions a second; 0: none yet */
    double owed;                 /* completions that are due, and parts of one */
    uint64_t paced_ns;           /* up to when they were counted */
    struct switchboard_map *map; /* for calls */

    /* What was heard; times are uv_hrtime. */
    uint64_t offers, losses, errors;
    uint64_t epoch;        /* the highest of an offer */
    uint64_t epoch_marked; /* that was, at the mark */
    uint64_t new_ns;       /* the first offer since the mark of a higher one; 0: none */
    uint64_t offer_ns;     /* the last offer, or the mark */
    uint64_t gap_ns;       /* the longest between two since the mark */
    char error[200];       /* the first */
    char node[32];         /* that serves the connector */
};

/* Connect agents and the connector; the agents sign in. `addresses` are those of the routers. */
void takeover_center_open(struct takeover_center *c, uv_loop_t *loop, const char *addresses,
                          uint32_t agents);
void takeover_center_close(struct takeover_center *c);

/* So many contacts more, as fast as they are taken. */
void takeover_center_fill(struct takeover_center *c, uint64_t contacts);

/* The completions that are due by now; every few milliseconds. */
void takeover_center_pace(struct takeover_center *c);

/* Everybody is connected, signed in and has a second session; nothing is being filled. */
bool takeover_center_is_prepared(const struct takeover_center *c);

/* Count gaps and losses anew from now; new offers are those of a higher epoch than any before. */
void takeover_center_mark(struct takeover_center *c);

/* The longest gap since the mark, the present one included. */
uint64_t takeover_center_gap(const struct takeover_center *c);

#endif
