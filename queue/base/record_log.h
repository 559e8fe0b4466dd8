/* Records of various sizes in the order in which they came; the oldest go first.
 *
 * They lie behind each other in chunks, so that adding one and letting the oldest go walk through
 * memory in one direction. A record begins with a log_record, keeps its place until it goes, and
 * has a reference of 31 bits by which other records can name it. References are given out in a
 * circle: one that was good when it was kept, within a record that still stands, tells ever after
 * whether what it names still stands.
 *
 * The log owns the records. At most 16 GiB stand at a time. */
#ifndef QUEUE_BASE_RECORD_LOG_H
#define QUEUE_BASE_RECORD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_LOG_CHUNK_BYTES ((size_t)1 << 16)
#define RECORD_LOG_UNIT        16 /* bytes; records are aligned to it */

/* What every record begins with. */
struct log_record {
    uint32_t reference;    /* its own; never 0 */
    uint16_t units;        /* its size; 0: it has its chunk for itself */
    uint16_t units_before; /* of the record before it in its chunk; 0: there is none */
};

/* The head of a chunk; it takes the first places, so that no record has the reference 0. */
struct log_chunk {
    size_t bytes;     /* RECORD_LOG_CHUNK_BYTES, or more for one record */
    uint32_t used;    /* places, the head's included */
    uint32_t last_at; /* the place of its last record */
};

/* A reference is the number of a chunk and a place in it; both begin anew when they are used up. */
#define RECORD_LOG_PLACES ((uint32_t)(RECORD_LOG_CHUNK_BYTES / RECORD_LOG_UNIT))

struct record_log {
    struct log_chunk **chunks; /* by number, in a circle */
    uint32_t room;             /* places for chunks; a power of two */
    uint32_t oldest, newest;   /* chunks; equal when all stands in one */
    struct log_chunk *spare;   /* the last one given back */
    struct log_record *first, *last;
};

void record_log_init(struct record_log *l);
void record_log_close(struct record_log *l); /* whatever still stands goes, too */

/* A new last record of `size` bytes, its log_record included; what follows that is not zeroed. */
struct log_record *record_log_append(struct record_log *l, size_t size);

/* Let the oldest record go; there is one. */
void record_log_drop_first(struct record_log *l);

/* In their order; NULL at the ends. */
struct log_record *record_log_next(const struct record_log *l, const struct log_record *r);
struct log_record *record_log_previous(const struct record_log *l, const struct log_record *r);

static inline struct log_chunk *record_log_chunk(const struct record_log *l, uint32_t number)
{
    return l->chunks[number & (l->room - 1)];
}

/* The record that a reference names; it stands. */
static inline struct log_record *record_log_at(const struct record_log *l, uint32_t reference)
{
    struct log_chunk *c = record_log_chunk(l, reference / RECORD_LOG_PLACES);

    return (struct log_record *)(void *)((char *)c +
                                         (size_t)(reference % RECORD_LOG_PLACES) * RECORD_LOG_UNIT);
}

/* How far behind the oldest record, on the circle of references. */
static inline uint32_t record_log_distance(const struct record_log *l, uint32_t reference)
{
    return (reference - l->first->reference) & (UINT32_MAX >> 1);
}

/* Whether what a reference names still stands; 0 names nothing. */
static inline bool record_log_stands(const struct record_log *l, uint32_t reference)
{
    return reference != 0 && l->first != NULL &&
           record_log_distance(l, reference) <= record_log_distance(l, l->last->reference);
}

/* Of two records that stand: whether the first reference names the older one. */
static inline bool record_log_is_before(const struct record_log *l, uint32_t one, uint32_t other)
{
    return record_log_distance(l, one) < record_log_distance(l, other);
}

/* Bytes of all chunks. */
size_t record_log_bytes(const struct record_log *l);

#endif
