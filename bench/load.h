/* `switchboard-bench load`: many connectors and agents against one server, and what came of it.
 *
 * Open loop (`rate`): contacts are due at instants that chance and the rate decide and nothing
 * else; latency counts from the moment a contact was due, so that a server that stalls is charged
 * with every contact that had to wait, also with those that could not even be sent. Closed loop
 * (`window`): each connector keeps so many submissions without an answer, as long as no more than
 * `backlog` contacts of the whole run are between submission and completion: agents have all they
 * can take, and somebody always waits.
 *
 * One thread, one loop, whatever the number of connections. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/load_result.h"
#include "bench/workload.h"

#include <stdbool.h>
#include <stdint.h>

/* Contacts under way at most: more wait, unsent, with the instant at which they were due. */
#define LOAD_BACKLOG_MAX (1u << 20)

struct load_options {
    const char *address;
    const char *workspace;
    uint32_t connectors, agents;
    double rate; /* contacts a second over all connectors; 0: closed loop */
    enum arrival_kind arrivals;
    uint32_t window;   /* submissions without an answer, of each connector */
    uint32_t backlog;  /* contacts between submission and completion, of all; 0: load_backlog */
    double duration_s; /* 0: until `count` */
    uint64_t count;    /* 0: until `duration_s` */
    double warm_up_s;  /* before anything is measured */
    double drain_s;    /* how long what is under way may take to come to its end */
    const char *channel;
    const char *tiers, *queues; /* comma-separated, NULL: none */
    uint32_t text_bytes;
    uint32_t variants;
    const char *notify;
    bool make_agents;
    const char *skills;      /* of the agents that are made: comma-separated NAME:LEVEL, or NULL */
    const char *agent_names; /* comma-separated; NULL: load-01, load-02, ... */
    bool pull;
    uint32_t at_once; /* contacts an agent works at a time */
    bool auto_accept, receipts;
    uint32_t handle_ms;  /* mean; 0: at once */
    uint32_t wrap_up_ms; /* 0: none */
    uint64_t seed;
    long server_pid;     /* 0: not watched */
    double max_p99_ms;   /* of submission (due) to offer; 0: any */
    uint64_t max_errors; /* UINT64_MAX: any */
    const char *json;    /* a file, "-" for standard output, or NULL */
    bool quiet;          /* no progress */
};

/* The backlog of a run that names none: as much as its agents can take, and a window of each
 * connector that waits. */
uint32_t load_backlog(const struct load_options *options);

/* Runs it. Returns false when it could not be run at all; then `result->failed` says why. */
bool load_run(const struct load_options *options, struct load_result *result);

#endif
