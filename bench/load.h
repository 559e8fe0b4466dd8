/* `switchboard-bench load`: many connectors and agents against a server, and what came of it.
 *
 * Open loop (`rate`): contacts are due at instants that chance and the rate decide and nothing
 * else; latency counts from the moment a contact was due, so that a server that stalls is charged
 * with every contact that had to wait, also with those that could not even be sent. Closed loop
 * (`window`): each connector keeps so many submissions without an answer, as long as no more than
 * `backlog` contacts of the whole run are between submission and completion: agents have all they
 * can take, and somebody always waits.
 *
 * A run has one or more phases of pace, one or more kinds of contacts (scenario.h), and one or more
 * places: each workspace of each server. Connectors and agents are spread over the places in turn.
 *
 * One thread, one loop, whatever the number of connections. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/load_result.h"
#include "bench/scenario.h"
#include "bench/workload.h"

#include <stdbool.h>
#include <stdint.h>

/* Contacts under way at most: more wait, unsent, with the instant at which they were due. */
#define LOAD_BACKLOG_MAX ((1u << 20) - 4096)

/* Skills d0, d1, ... that make agents distinct: as many levels as a skill has, 5, to the power. */
#define LOAD_DISTINCT 8

struct load_options {
    const char *address;   /* of a server, or of several, comma-separated */
    const char *workspace; /* or several, comma-separated */
    uint32_t connectors, agents;
    const struct scenario *scenario; /* or NULL; it comes before all that it can say, too */
    double rate;                     /* contacts a second over all connectors; 0: closed loop */
    double rate_to;                  /* at the end; 0: the same */
    uint32_t burst; /* so many contacts more are due in one instant, again and again */
    double burst_every_s;
    enum arrival_kind arrivals;
    uint32_t window;   /* submissions without an answer, of each connector */
    uint32_t backlog;  /* contacts between submission and completion, of all; 0: load_backlog */
    double duration_s; /* 0: until `count` */
    uint64_t count;    /* 0: until `duration_s` */
    double warm_up_s;  /* before anything is measured */
    double drain_s;    /* how long what is under way may take to come to its end */
    const char *channel;
    const char *tiers, *queues; /* comma-separated, NULL: none */
    const char *contact_skills; /* likewise; NAME:LEVEL, or several with a + between them */
    uint32_t text_bytes;
    uint32_t variants;
    const char *notify;
    bool make_agents;
    const char *skills;      /* of the agents that are made: comma-separated NAME:LEVEL, or NULL */
    bool distinct;           /* no two of them alike: LOAD_DISTINCT skills more, in levels */
    const char *agent_names; /* comma-separated; NULL: load-01, load-02, ... */
    bool pull;
    uint32_t at_once; /* contacts an agent works at a time */
    bool auto_accept, receipts;
    uint32_t miss_percent, decline_percent; /* of the offers */
    uint32_t handle_ms;                     /* mean; 0: at once */
    uint32_t wrap_up_ms;                    /* 0: none */
    uint64_t seed;
    long server_pid;     /* 0: not watched */
    double max_p99_ms;   /* of submission (due) to offer; 0: any */
    uint64_t max_errors; /* UINT64_MAX: any */
    const char *json;    /* a file, "-" for standard output, or NULL */
    const char *html;    /* a file, or NULL */
    bool quiet;          /* no progress */
};

/* The backlog of a run that names none: as much as its agents can take, and a window of each
 * connector that waits. */
uint32_t load_backlog(const struct load_options *options);

/* Runs it. Returns false when it could not be run at all; then `result->failed` says why. */
bool load_run(const struct load_options *options, struct load_result *result);

#endif
