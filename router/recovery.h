/* From a journal to engines: what a start, and a start again after a failure, begins with.
 *
 * Three readings. The first finds each workspace's last complete checkpoint; the second loads
 * those; the third applies the facts behind them. Facts must follow one another without a gap: a
 * journal that lacks one is refused, loudly, never served as if nothing had been there.
 *
 * Blocking, on the loop's thread, before the first append. */
#ifndef ROUTER_RECOVERY_H
#define ROUTER_RECOVERY_H

#include "queue/base/list.h"
#include "queue/engine.h"
#include "router/journal.h"

struct recovered {
    struct list_node in_list;
    struct text name;           /* owned */
    struct engine *engine;      /* whoever takes it sets NULL here */
    journal_position keep_from; /* what stands before is not needed for it */
    bool has_checkpoint;
    uint64_t checkpoint_seq;
    uint64_t checkpoint_bytes;
    uint64_t entries, facts, records; /* applied */

    /* while reading */
    journal_position slice_first;
    uint64_t slice_seq;
    bool loading;
};

struct recovery {
    struct list workspaces; /* struct recovered, by first appearance */
    /* An empty engine for a workspace; its sink must bear not being called. */
    struct engine *(*create)(void *context, struct text name);
    void *context;
};

void recovery_init(struct recovery *r, struct engine *(*create)(void *context, struct text name),
                   void *context);

/* JOURNAL_OK, or what is wrong, in words in `problem`. */
enum journal_status recovery_run(struct recovery *r, struct journal *j, char *problem, size_t size);

/* Engines that nobody took are destroyed. */
void recovery_close(struct recovery *r);

#endif
