/* The stories of the newest ended contacts, packed, in the order of the ends.
 *
 * A story belongs to a tombstone, which knows its reference; it goes with it, or when it is not
 * among the newest any more. */
#ifndef QUEUE_STORY_H
#define QUEUE_STORY_H

#include "queue/base/record_log.h"
#include "queue/tombstone.h"

struct engine;

struct stories {
    struct record_log log;
    uint64_t count; /* those whose tombstone stands */
};

/* The story of the newest tombstone; its own. The history is copied. Its reference. */
uint32_t story_append(struct stories *s, const struct tombstone *t, const struct history *history,
                      struct history_base base);

/* The same of what another tombstone has in other stories that have lost none. */
uint32_t story_copy(struct stories *s, const struct tombstone *t, const struct stories *from,
                    const struct tombstone *old);

/* Its story is told no more. */
void story_drop(struct engine *e, const struct tombstone *t);

/* Those that are not among the newest go. */
void stories_sweep(struct engine *e);

/* Queues have new indexes. */
void stories_renumber(struct stories *s, const queue_index *queues);

#endif
