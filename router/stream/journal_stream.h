/* The journal of one reactor over streams in Redis: what it appends goes to the stream of its
 * workspace, and a batch is durable when every stream has its part.
 *
 * Workspaces come (journal_stream_take) when their node begins to own them, each with its tail and
 * the desk that sends it, and go again when another node is the owner. What was appended for one
 * that goes is dropped, and the batches that it was part of wait for it no longer: whoever loses a
 * workspace must have cut off everybody who might be told of it *before*.
 *
 * A batch is answered when all before it are, and only while the leases are in force
 * (`in_force`): a batch without entries, too, because what was read may not be told when another
 * node may own the workspace by now.
 *
 * It trims by itself: a stream loses what stands before a checkpoint's first slice when its last
 * one is confirmed. Positions count bytes and tell nothing of where they stand in Redis.
 *
 * Belongs to its reactor's loop and thread. */
#ifndef ROUTER_STREAM_JOURNAL_STREAM_H
#define ROUTER_STREAM_JOURNAL_STREAM_H

#include "router/journal.h"
#include "router/stream/stream_desk.h"

struct journal_stream_rules {
    void *context;
    /* May what is durable be told now? */
    bool (*in_force)(void *context);
};

struct journal *journal_stream_open(uv_loop_t *loop, const struct journal_stream_rules *rules);

/* Append for this workspace from now on, by this desk, to which the tail is added; it is the
 * journal's until journal_stream_drop. `grown`: bytes behind its last checkpoint. Returns the
 * position to which its checkpoint reaches back. */
journal_position journal_stream_take(struct journal *j, struct stream_tail *t,
                                     struct stream_desk *d, uint64_t grown);

/* Nothing more is appended for it; the tail is the caller's again, and off its desk. */
void journal_stream_drop(struct journal *j, struct stream_tail *t);

/* What was filled for this workspace is handed over now, so that something may be put behind it
 * that is no entry of the journal; returns whether anything of it is not confirmed. */
bool journal_stream_hand_over(struct journal *j, struct stream_tail *t);

/* A desk has confirmed a batch; `owner` is whom it named. */
void journal_stream_confirmed(struct journal *j, struct stream_batch *b, void *owner);

/* Leases are in force again: answer what was held back. */
void journal_stream_settle(struct journal *j);

#endif
