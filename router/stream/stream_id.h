/* The id of an entry in a workspace's stream: `EPOCH-PLACE`, two numbers of 64 bits.
 *
 * Redis takes only ids that are greater than the last one. So the epoch in front is the fence
 * itself: behind an entry of a higher epoch, nothing of a lower one can be appended, by whatever
 * program. The place is the seq of the entry's first fact, shifted, and below it a count of the
 * slices of a checkpoint that stand behind that entry; an entry that raises the epoch stands at the
 * place of the one before it.
 *
 * Values; any thread. */
#ifndef ROUTER_STREAM_ID_H
#define ROUTER_STREAM_ID_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/text.h"

#define STREAM_SLICE_BITS 14
#define STREAM_ID_BYTES   44 /* two numbers of twenty digits, a dash, the end */

struct stream_id {
    uint64_t epoch;
    uint64_t place;
};

#define STREAM_START ((struct stream_id){0, 0}) /* before the first entry */

static inline struct stream_id stream_id_of_facts(uint64_t epoch, uint64_t first_seq)
{
    return (struct stream_id){epoch, first_seq << STREAM_SLICE_BITS};
}

static inline struct stream_id stream_id_of_slice(uint64_t epoch, struct stream_id before)
{
    return (struct stream_id){epoch, before.place + 1};
}

static inline bool stream_id_equal(struct stream_id a, struct stream_id b)
{
    return a.epoch == b.epoch && a.place == b.place;
}

static inline bool stream_id_less(struct stream_id a, struct stream_id b)
{
    return a.epoch < b.epoch || (a.epoch == b.epoch && a.place < b.place);
}

static inline struct text stream_id_write(struct stream_id id, char buffer[STREAM_ID_BYTES])
{
    int size = snprintf(buffer, STREAM_ID_BYTES, "%" PRIu64 "-%" PRIu64, id.epoch, id.place);

    return (struct text){buffer, (uint32_t)size};
}

static inline struct text stream_epoch_write(uint64_t epoch, char buffer[STREAM_ID_BYTES])
{
    int size = snprintf(buffer, STREAM_ID_BYTES, "%" PRIu64, epoch);

    return (struct text){buffer, (uint32_t)size};
}

/* False: these words are no id. */
static inline bool stream_id_read(struct text words, struct stream_id *out)
{
    char buffer[STREAM_ID_BYTES], *end;

    if (words.length == 0 || words.length >= sizeof(buffer) || words.bytes[0] < '0' ||
        words.bytes[0] > '9') {
        return false;
    }
    memcpy(buffer, words.bytes, words.length);
    buffer[words.length] = '\0';
    out->epoch = strtoull(buffer, &end, 10);
    if (*end != '-' || end[1] < '0' || end[1] > '9') {
        return false;
    }
    out->place = strtoull(end + 1, &end, 10);
    return *end == '\0';
}

#endif
