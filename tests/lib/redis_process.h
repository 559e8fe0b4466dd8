/* Real Redis for tests: servers, replicas, Sentinels and a Cluster, on free ports of loopback, with
 * a folder of their own each.
 *
 * Everything here blocks until it is so, or fails the test. A process dies with its test, however
 * that ends (PR_SET_PDEATHSIG); the folder goes in redis_process_end. */
#ifndef TESTS_LIB_REDIS_PROCESS_H
#define TESTS_LIB_REDIS_PROCESS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "router/redis/redis_locator.h"

#define REDIS_PROCESS_ARGUMENTS 24

struct redis_process {
    pid_t pid; /* 0: does not run */
    uint16_t port;
    bool sentinel;
    char folder[64];
    char user[32], password[32]; /* with which this fixture asks, when set */
    char arguments[REDIS_PROCESS_ARGUMENTS][96];
    uint32_t argument_count;
};

uint16_t redis_process_free_port(void);

/* A server without persistence, unless `arguments` (ended by NULL) say otherwise; ready when it
 * returns. */
void redis_process_start(struct redis_process *p, const char *const *arguments);
void redis_process_start_replica(struct redis_process *p, const struct redis_process *primary);
/* Watches `primary` under the name `main`, with down-after 500 ms. */
void redis_process_start_sentinel(struct redis_process *p, const struct redis_process *primary,
                                  unsigned quorum);
/* `count` primaries that share the slots evenly. */
void redis_process_start_cluster(struct redis_process *nodes, unsigned count);

void redis_process_kill(struct redis_process *p); /* as kill -9, and waits for its end */
void redis_process_signal(struct redis_process *p, int number);
void redis_process_restart(struct redis_process *p); /* with the same port and folder; ready */
void redis_process_revive(struct redis_process *p);  /* the same, without waiting */
void redis_process_end(struct redis_process *p);     /* also of one that never started */

/* A locator that knows the way to it, for what is tested; `options` may be NULL, and so may `user`,
 * else "NAME:PASSWORD". */
struct redis_locator *redis_process_locate(const struct redis_process *p, uv_loop_t *loop,
                                           const struct redis_locator_options *options,
                                           const char *user);

/* A command, formatted as redisCommand has it; the caller frees the reply. NULL: no connection. */
redisReply *redis_process_ask(const struct redis_process *p, const char *format, ...);
/* The same, where only the effect matters; it must not be an error. */
void redis_process_do(const struct redis_process *p, const char *format, ...);
/* Does the reply's text hold these words? */
bool redis_process_says(const struct redis_process *p, const char *command, const char *words);
/* Wait until it does. */
void redis_process_await(const struct redis_process *p, const char *command, const char *words);

#endif
