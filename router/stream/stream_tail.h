/* The end of one workspace's stream, as the node that may append to it knows it: what is being
 * filled, what was handed over and is not confirmed, and the last minute of what was.
 *
 *     kept (confirmed) ──▶ open (handed over) ──▶ filling
 *
 * A node that may not append, but may have to one day, *follows*: it keeps what it reads. Then it
 * raises the epoch and goes on behind it, and can repair what its predecessor's Redis has lost.
 *
 * Each batch knows the id behind which it stands. So whatever a Redis has lost, or says twice, the
 * batch to go on with is found by the id at which its stream ends.
 *
 * No I/O, no clock; times are the milliseconds of the loop (uv_now), as the desk has them. A batch
 * belongs to its tail until it is forgotten. One thread. */
#ifndef ROUTER_STREAM_TAIL_H
#define ROUTER_STREAM_TAIL_H

#include "proto/packer.h"
#include "queue/base/list.h"
#include "router/journal.h"
#include "router/stream/stream_id.h"
#include "router/stream/stream_reader.h"

#define STREAM_KEPT_MS    60000u
#define STREAM_KEPT_BYTES (256u << 20)

enum stream_batch_state {
    STREAM_WAITS,     /* to be sent, or sent again */
    STREAM_SENT,      /* and not answered */
    STREAM_WRITTEN,   /* Redis has it; how many replicas do is not known */
    STREAM_CONFIRMED, /* enough of them do */
};

struct stream_entry {
    struct stream_id id;
    char field[2]; /* "b": facts, "c": a slice of a checkpoint, both in capitals when their value is
                      packed (stream_value.h); "e": an epoch */
    size_t at, size;
};

struct stream_batch {
    struct list_node in_tail;
    struct stream_tail *tail;
    enum stream_batch_state state;
    struct stream_id before, last;
    struct packer bytes; /* the entries' values as they are sent, one behind the other */
    struct stream_entry *entries;
    uint32_t count, capacity;
    uint64_t volley;       /* with which it was sent last; the desk's */
    uint64_t sent_at;      /* ms; the first time, of a raise; 0: not yet */
    uint64_t confirmed_at; /* ms */
    void *owner;           /* who handed it over, and was not told yet; else NULL */
};

/* It is no part of the journal, but takes the workspace into the next epoch. */
static inline bool stream_batch_is_raise(const struct stream_batch *b)
{
    return b->entries[0].field[0] == 'e';
}

struct stream_tail {
    struct list_node in_desk; /* the desk's */
    struct text workspace;    /* owned, as is the key */
    struct text key;
    uint64_t epoch;       /* ours to append with; while it follows, that of what was read */
    struct stream_id end; /* behind everything that was added */
    struct stream_batch *filling;
    struct list open, kept;
    size_t filled, last_filled; /* bytes of values before they are packed */
    size_t kept_bytes;
    size_t kept_most; /* [STREAM_KEPT_BYTES] where many share the memory: its part */
};

/* Its stream ends at `end`, and `epoch` is ours to append with (0 for one that follows).
 * `workspace` and `key` are copied. */
struct stream_tail *stream_tail_create(struct text workspace, struct text key, uint64_t epoch,
                                       struct stream_id end);
void stream_tail_destroy(struct stream_tail *t);

void stream_tail_add(struct stream_tail *t, const struct journal_entry *entry);

/* What stands in the stream behind `end`, written by somebody else: kept, as a batch by itself.
 * Nothing is filled or open. */
void stream_tail_follow(struct stream_tail *t, const struct stream_read_entry *e, uint64_t now);

/* Begin a batch with an entry that raises the epoch, to one above all others; `value` is its text.
 * Nothing is being filled: a batch has entries of one epoch. */
void stream_tail_raise(struct stream_tail *t, uint64_t epoch, struct text value);

/* What was handed over and not confirmed is taken back: the stream ends at `end`, and did not take
 * it. */
void stream_tail_retract(struct stream_tail *t, struct stream_id end);

/* Behind the last batch that was confirmed; `otherwise` when none is kept. */
struct stream_id stream_tail_confirmed_end(const struct stream_tail *t, struct stream_id otherwise);

/* What was filled becomes the last of the open ones; NULL when there is none. */
struct stream_batch *stream_tail_hand_over(struct stream_tail *t);

/* Confirmed: the oldest of the open ones becomes the newest of those kept. */
void stream_tail_confirm(struct stream_tail *t, struct stream_batch *b, uint64_t now);

/* What is older, or too much, is given back. */
void stream_tail_forget(struct stream_tail *t, uint64_t now);

/* The batch, kept or open, that stands directly behind an id; NULL when none does. */
struct stream_batch *stream_tail_behind(const struct stream_tail *t, struct stream_id id);

/* Everything from `b` on is to be sent again. */
void stream_tail_rewind(struct stream_tail *t, struct stream_batch *b);

/* The next to be sent; NULL when all is. */
struct stream_batch *stream_tail_next_waiting(const struct stream_tail *t);

#endif
