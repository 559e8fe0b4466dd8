/* Memory that is taken in small pieces and given back all at once: what is built once and then only
 * read.
 *
 * Pieces are zeroed and aligned for anything. One owner, one thread while building. */
#ifndef ROUTER_CLASSIFY_ARENA_H
#define ROUTER_CLASSIFY_ARENA_H

#include "queue/base/text.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first; zeroed means empty */
};

void *arena_take(struct arena *a, size_t size);
void *arena_take_array(struct arena *a, size_t count, size_t size); /* NULL for a count of 0 */
struct text arena_text(struct arena *a, struct text copied);        /* a copy, also terminated */
void arena_close(struct arena *a);

#endif
