/* An owner whose stream is an array: an engine under random commands, whose facts, checkpoints and
 * epochs become entries as they would in Redis, for tests of whoever reads them.
 *
 * Everything it does is decided by the seed and by the calls. Engines that it makes differ in their
 * hash seeds. One thread. */
#ifndef TESTS_UNIT_TEST_STREAM_OWNER_H
#define TESTS_UNIT_TEST_STREAM_OWNER_H

#include "queue/engine.h"
#include "router/stream/stream_tail.h"
#include "tests/simulation/random_commands.h"

#define STREAM_OWNER_EPOCH 65537u

struct stream_owner {
    struct engine *engine;
    struct random random;
    struct random_commands *commands;
    const struct profile_of_run *profile;
    engine_time now;
    uint64_t engines, configs;
    struct stream_tail *tail;
    struct packer facts;
    uint32_t fact_count;
    uint64_t first_seq;
    /* The checkpoint being written. */
    bool checkpointing, first;
    uint64_t seq;
    struct packer slice;
    uint32_t records;
    /* What stands in the stream; `at` is where the bytes are in `values`. */
    struct stream_owner_entry {
        struct stream_id id;
        char field;
        size_t at, size;
    } * entries;
    size_t count, capacity;
    struct packer values;
    struct packer room; /* for one that is unpacked */
};

/* The workspace is configured, its agents are put, and fact 1 is in the stream. */
void stream_owner_init(struct stream_owner *o, uint64_t seed, const char *profile);
void stream_owner_close(struct stream_owner *o);

/* An engine for whoever reads; what it says becomes facts here once it is the owner's. */
struct engine *stream_owner_create_engine(void *owner);

/* An entry, until the next is written. */
struct stream_read_entry stream_owner_entry(const struct stream_owner *o, size_t index);

/* So many commands; their facts are one entry, if there are any. */
void stream_owner_turn(struct stream_owner *o, uint32_t commands);

void stream_owner_raise(struct stream_owner *o, uint64_t epoch);

/* The first slice, in which is what is written at once. A checkpoint that is not over is given up.
 */
void stream_owner_begin_checkpoint(struct stream_owner *o);
/* Another slice, with so many records more. False: it was the last. */
bool stream_owner_continue_checkpoint(struct stream_owner *o, size_t records);

/* The process is gone, and another takes over with this engine. */
void stream_owner_taken_over(struct stream_owner *o, struct engine *engine);

#endif
