/* `switchboard-bench floor`: how far the router is from what the kernel and the protocol alone
 * cost.
 *
 * The floor is a router that routes nothing: it speaks the protocol and sends the very messages
 * that the real one would send for the closed loop of `load`, and does nothing else. It has no
 * journal, queues, skills, clocks or checks; a contact goes to the next agent with room, or
 * waits in one line. What it needs a life cycle is what a router cannot go below; the real one's
 * CPU divided by that is the `ratio`.
 *
 * Both are processes of their own, started here, and take the same traffic in turn. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "bench/load.h"
#include "bench/load_result.h"

/* The workspace of both: so many queues, named q0, q1, ... */
#define FLOOR_QUEUES 16
/* And these tiers, the highest first. */
#define FLOOR_TIERS "vip,gold,standard"

#define FLOOR_ROUNDS_MAX 100

struct floor_options {
    struct load_options load; /* address, server_pid and json are set for each run */
    const char *server;       /* the program to compare; NULL: the one beside this program */
    uint32_t reactors;        /* of the real one */
    uint32_t rounds;
    const char *json;
    bool quiet;
};

/* What one round found of one of the two. */
struct floor_sample {
    double cpu_us;   /* of the server, a life cycle */
    double rate;     /* life cycles a second */
    double bench_us; /* of the traffic's own process, a life cycle */
};

struct floor_result {
    char failed[320]; /* "" or why it ended before its time */
    uint32_t rounds;
    struct floor_sample floor[FLOOR_ROUNDS_MAX], router[FLOOR_ROUNDS_MAX];
};

/* floor_run.c: the rounds. False when they could not be run; `result->failed` says why. */
bool floor_run(const struct floor_options *options, struct floor_result *result);
void floor_result_print(const struct floor_result *r);
/* The caller gives the reference back. */
json_t *floor_result_json(const struct floor_result *r, const struct floor_options *options);

/* floor_serve.c: be the floor, until SIGTERM. The exit status. */
int floor_serve(const char *listen);

#endif
