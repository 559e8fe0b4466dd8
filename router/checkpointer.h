/* Checkpoints, so that a start need not read everything that ever happened.
 *
 * One at a time, in slices between ordinary turns: a slice is an entry of the journal that holds an
 * array of the engine's records (bin). One starts for the workspace whose part of the journal
 * reaches back farthest, when what the journal has grown since then exceeds three times what all
 * checkpoints take, and some MiB, and a piece of what the journal frees at once. Its own slices
 * are part of that growth: so at most a third of what is written are checkpoints, and a start reads
 * at most three times what it must.
 * When the last slice is durable, the journal may forget what no workspace needs.
 *
 * Belongs to the host; calls come at the end of its turns. */
#ifndef ROUTER_CHECKPOINTER_H
#define ROUTER_CHECKPOINTER_H

#include "router/workspace.h"

#define CHECKPOINTER_BYTES_MIN (8u << 20)

struct checkpointer {
    struct journal *journal;
    uint64_t least_bytes;        /* of the journal's growth; 0: no checkpoints */
    struct workspace *workspace; /* whose is being written; NULL: none */
    journal_position began;
    uint64_t seq; /* as of which it is exact */
    struct packer slice;
    uint32_t records;    /* in the slice */
    bool first;          /* no slice of it is in the journal yet */
    bool written;        /* its last slice is handed over, and not durable yet */
    uint64_t bytes;      /* of it so far */
    uint64_t last_bytes; /* of the complete ones, one a workspace, summed up */
    uint64_t completed;
};

void checkpointer_init(struct checkpointer *c, uint64_t least_bytes);
void checkpointer_close(struct checkpointer *c);

/* With another journal, or none, everything begins anew; the engines are not asked. `bytes` is what
 * the complete checkpoints in it take. */
void checkpointer_reset(struct checkpointer *c, struct journal *j, uint64_t bytes);

/* The workspace goes: if its checkpoint is being written, that one is abandoned. */
void checkpointer_forget(struct checkpointer *c, const struct workspace *w);

/* Write a slice, or begin, if it is time. After the facts of the turn have been flushed. True when
 * there is more to be written. */
bool checkpointer_turn(struct checkpointer *c, struct workspace *const *workspaces, uint32_t count);

/* The last slice is handed over; tell checkpointer_durable when its batch is durable. */
bool checkpointer_is_waiting(const struct checkpointer *c);
void checkpointer_durable(struct checkpointer *c, struct workspace *const *workspaces,
                          uint32_t count);

#endif
