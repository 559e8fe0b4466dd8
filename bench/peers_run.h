/* One measurement of one peer: start it, connect, let traffic through, account, end it.
 *
 * Three kinds of traffic, the same for all peers:
 *
 *     PEERS_CLOSED   producers keep their window of submissions unanswered, and the run as a whole
 *                    (producers + consumers) x window contacts under way: consumers are kept busy,
 *                    and nothing piles up. What it costs and how fast it can go.
 *     PEERS_OPEN     contacts are due at instants that chance decided before; latency counts from
 *                    there, so a server that stalls is charged with all that had to wait.
 *     PEERS_WAITING  nobody works; so many contacts are submitted. What one of them takes.
 *
 * After the first two everything under way must be completed, each contact once. */
#ifndef BENCH_PEERS_RUN_H
#define BENCH_PEERS_RUN_H

#include "bench/peer.h"
#include "bench/redis_counts.h"

enum peers_traffic {
    PEERS_CLOSED,
    PEERS_OPEN,
    PEERS_WAITING,
};

struct peers_plan {
    const struct peer *peer;
    enum peers_traffic traffic;
    const char *folder; /* where servers keep what they keep */
    bool durable;
    uint32_t producers, consumers, window;
    uint32_t reactors; /* of Switchboard */
    double warm_up_s, seconds;
    double rate;      /* PEERS_OPEN: contacts a second */
    uint32_t waiting; /* PEERS_WAITING: contacts */
    uint32_t count;   /* PEERS_CLOSED: so many contacts instead of a time; 0: a time */
    uint64_t seed;
};

struct peers_result {
    char failed[400]; /* "" when it went well */
    double seconds;
    uint64_t completed;            /* in that time */
    double server_cpu_us;          /* of all its processes, in that time */
    double store_cpu_us;           /* of them, the Redis that keeps its journal, */
    struct redis_counts store;     /* and what that was asked; nothing where there is none */
    double bench_cpu_us;           /* of this program */
    uint64_t p50_ns, p99_ns;       /* submission due to handed out */
    double bytes_each;             /* resident memory that a waiting contact takes */
    uint64_t submitted, accounted; /* contacts of the whole run; completed once each */
    uint32_t processes;
};

/* False, and words in `failed`, when it did not go well. The server is gone in any case.
 * `*interrupted` ends the run early. */
bool peers_run(const struct peers_plan *plan, struct peers_result *result,
               const volatile int *interrupted);

#endif
