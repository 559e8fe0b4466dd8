/* How a batch is said to Redis: as the words of the script that appends it, or as entries behind a
 * guard (stream_script.h).
 *
 * What is handed out lives until the next call, and as long as the batch. One thread. */
#ifndef ROUTER_STREAM_STREAM_WORDS_H
#define ROUTER_STREAM_STREAM_WORDS_H

#include "router/redis/redis_link.h"
#include "router/stream/stream_tail.h"

/* Zeroed storage is an initialized one. */
struct stream_words {
    struct text *words;
    char (*ids)[STREAM_ID_BYTES];
    struct redis_command *commands;
    uint32_t capacity; /* entries for which there is room */
};

void stream_words_close(struct stream_words *w);

/* Behind the script's digest. */
struct redis_command stream_words_script(struct stream_words *w, const struct stream_batch *b);

/* The guard, then an XADD for each entry: a transaction of `b->count + 1` commands. */
const struct redis_command *stream_words_guarded(struct stream_words *w,
                                                 const struct stream_batch *b);

#endif
