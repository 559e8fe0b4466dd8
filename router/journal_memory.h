/* The journal that keeps nothing: for benchmarks and tests, and for who accepts to lose everything.
 *
 * Every batch is "durable" as soon as it is committed: the answer comes from inside journal_commit.
 * Who commits from an answer calls itself. Nothing is allocated and the loop is not woken; ports
 * share nothing.
 *
 * Thread: each port its loop's. */
#ifndef ROUTER_JOURNAL_MEMORY_H
#define ROUTER_JOURNAL_MEMORY_H

#include "router/journal.h"

/* Errors: none but JOURNAL_FAILED when memory runs out. */
enum journal_status journal_memory_open(uv_loop_t *loop, struct journal **out, char *problem,
                                        size_t problem_size);

#endif
