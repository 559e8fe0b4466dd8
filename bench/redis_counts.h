/* What a Redis has been asked so far, by its own counters, and what a workspace's stream in it has.
 * Blocking; one thread. */
#ifndef BENCH_REDIS_COUNTS_H
#define BENCH_REDIS_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct redis_counts {
    int64_t commands; /* those that scripts call among them */
    int64_t bytes_in; /* over its connections */
    int64_t file_bytes;
    int64_t entries; /* ever added to the stream of the workspace "default" */
    int64_t facts;   /* in them: the seq of the last entry's first */
};

/* Of the one at this port of 127.0.0.1. False: it does not answer. */
bool redis_counts_read(uint16_t port, struct redis_counts *out);

/* How much more it is now. */
struct redis_counts redis_counts_since(const struct redis_counts *now,
                                       const struct redis_counts *before);

#endif
