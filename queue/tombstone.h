/* What is remembered of an ended contact, for a time and up to a number; of the newest
 * ENDED_HISTORIES_KEPT also the story.
 *
 * Tombstones lie in the order of the ends, packed, in a log of their own, and stories in another.
 * So burying a contact writes where the last one was written, and forgetting the oldest reads where
 * the one before it was read, however many there are. A tombstone keeps its place until it is
 * forgotten; one that is forgotten out of turn, because its id was given to a new contact, stays as
 * an empty place until it is the oldest.
 *
 * Outside the engine it is read only, on the thread that steps the engine, and not kept across a
 * step. */
#ifndef QUEUE_TOMBSTONE_H
#define QUEUE_TOMBSTONE_H

#include "queue/base/record_log.h"
#include "queue/contact.h"
#include "queue/types.h"

/* Times that nearly always lie close to the end, and are told as a distance from it. */
enum tombstone_time {
    TOMBSTONE_CREATED,
    TOMBSTONE_START,
    TOMBSTONE_DUE,
    TOMBSTONE_TIMES = TOMBSTONE_DUE + PROMISE_COUNT
};

struct tombstone {
    struct log_record in_log;
    uint32_t hash;             /* of the id */
    uint32_t earlier_of_owner; /* the one before it of the same owner; 0: none that stands */
    struct owner *owner;       /* NULL: forgotten */
    struct agent *agent;       /* who worked it last; may be NULL */
    uint64_t number;
    uint64_t seq; /* of its end */
    engine_time ended_at;
    uint32_t checkpoint; /* the checkpoint it was last written for, as far as this counts */
    uint32_t story;      /* its reference; it may have gone */
    queue_index queue;
    issue_index issue;
    language_index language;
    tier_index tier;
    channel_index channel;
    uint8_t state; /* enum contact_state, an ended one */
    uint8_t rating;
    uint8_t overdue; /* a bit for each promise missed */
    bool far;        /* its times stand in eight bytes each, since one is too far from the end */
    uint8_t reason_word; /* word_number; 0: its letters are here */
    /* Each is one more than the length; 0: absent. In this order they follow the times. */
    uint16_t id, customer, disposition, reason;
    unsigned char packed[]; /* times, then letters */
};

struct text tombstone_id(const struct tombstone *t);
struct text tombstone_customer(const struct tombstone *t);
struct text tombstone_disposition(const struct tombstone *t);
struct text tombstone_reason(const struct tombstone *t);

engine_time tombstone_created_at(const struct tombstone *t);
void tombstone_due(const struct tombstone *t, engine_time due[PROMISE_COUNT]);

#endif
