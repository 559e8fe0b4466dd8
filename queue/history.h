/* The story of a contact: what happened to it, in the order in which it did.
 *
 * Most contacts that wait have lived through little: being submitted, being at risk, being overdue.
 * So a story is a few packed lines, and one of which nothing but the submission is to tell has
 * none: the contact's record says as much. Each line tells its seq and time by the distance from
 * the contact's submission; texts stand in it. */
#ifndef QUEUE_HISTORY_H
#define QUEUE_HISTORY_H

#include "queue/base/shelf.h"
#include "queue/fact.h"
#include "queue/types.h"

#define HISTORY_KEPT 32

struct agent;

/* One line of a story, as contact.get tells it. */
struct history_entry {
    uint64_t seq;
    engine_time at;
    uint8_t kind; /* enum fact_kind */
    queue_index queue;
    struct agent *agent; /* may be NULL */
    struct text reason;
    struct text actor;
};

struct history; /* what is in its block */

/* What its lines count from. */
struct history_base {
    uint64_t seq;
    engine_time at;
};

/* A story without lines, or, `told`, with the submission alone. `worked`: with room for what
 * happens to a contact that agents get. */
block history_begin(struct shelf *shelf, const struct history_entry *submission, bool told,
                    bool worked);

/* One line more, of which everything is copied; the oldest goes when there are HISTORY_KEPT.
 * Returns the block, which may be another one. */
block history_add(struct shelf *shelf, block story, struct history_base base,
                  const struct history_entry *entry);

void history_discard(struct shelf *shelf, block story); /* 0 is none */

/* The lines, oldest first; their texts are in the block. How many. */
uint32_t history_read(const struct history *history, struct history_base base,
                      struct history_entry out[HISTORY_KEPT]);

/* The bytes that a copy takes, which is as good for reading and renumbering; it must be aligned to
 * four bytes. */
size_t history_size(const struct history *history);
void history_copy(struct history *to, const struct history *history);

/* Queues have new indexes. */
void history_renumber(struct history *history, const queue_index *queues);

#endif
