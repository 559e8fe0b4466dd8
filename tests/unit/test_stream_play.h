/* An owner that writes a stream, and who reads it: what the tests of reading have in common.
 *
 * Whatever is not as it has to be fails the test that runs. One thread. */
#ifndef TESTS_UNIT_TEST_STREAM_PLAY_H
#define TESTS_UNIT_TEST_STREAM_PLAY_H

#include "router/stream/stream_replay.h"
#include "test_stream_owner.h"

#define STREAM_PLAY_SLICE 25 /* records that an owner of these tests writes at a time */

struct stream_play {
    struct stream_owner owner;
    struct stream_replay replay;
};

void stream_play_init(struct stream_play *p, uint64_t seed, const char *profile);
void stream_play_close(struct stream_play *p);

/* Begin anew, with nothing read. */
void stream_play_again(struct stream_play *p);

/* The entry, its value packed as an owner would. */
enum stream_verdict stream_play_give(struct stream_play *p, struct stream_read_entry e);

/* The entries from `from` up to `to`, or to the end, are all taken. */
void stream_play_between(struct stream_play *p, size_t from, size_t to);
void stream_play_all(struct stream_play *p, size_t from);

/* What was read is what the owner has. */
void stream_play_same(const struct stream_play *p);

#endif
