/* What `replay` measures: a stream as its owner would have written it, and how long an engine takes
 * to come of it. The stream is a tail whose batches are all open, so that it can be read where it
 * lies, or appended to a Redis. One thread. */
#ifndef BENCH_MICRO_REPLAY_H
#define BENCH_MICRO_REPLAY_H

#include "bench/micro_meter.h"
#include "queue/engine.h"
#include "router/stream/stream_tail.h"

struct replay_row {
    uint64_t facts, records, entries, bytes;
    struct micro_cost cost; /* of a fact, or of a record */
    double seconds;         /* from the first entry to the last */
    double redis_seconds;   /* of Redis's processor meanwhile */
    char problem[300];      /* why there is nothing of that; "" when there is */
};

/* An engine whose facts and deliveries go nowhere. */
struct engine *replay_bench_create(void *context);

/* From the tail's open batches. */
void replay_bench_read(const struct stream_tail *t, struct replay_row *row);

/* The same from a Redis of its own, below `folder`, into which the batches are written first. */
void replay_bench_read_from_redis(struct stream_tail *t, const char *folder,
                                  struct replay_row *row);

#endif
