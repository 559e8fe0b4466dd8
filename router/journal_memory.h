/* The journal that keeps nothing: for benchmarks and tests, and for who accepts to lose everything.
 *
 * Every batch is "durable" when the loop next comes by, never inside the commit, so that whoever
 * uses it meets the same order of events as with a disk behind it. Costs one callback a commit;
 * allocates only while the number of batches in flight grows beyond what it has ever been.
 *
 * Thread: the loop's. */
#ifndef ROUTER_JOURNAL_MEMORY_H
#define ROUTER_JOURNAL_MEMORY_H

#include "router/journal.h"

/* Errors: none but JOURNAL_FAILED when memory runs out. */
enum journal_status journal_memory_open(uv_loop_t *loop, struct journal **out, char *problem,
                                        size_t problem_size);

#endif
