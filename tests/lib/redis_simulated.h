/* Streams whose other end is the test: what a link writes is kept, and what it reads is what the
 * test says, byte by byte when that is the point.
 *
 * One stream at a time, the last one dialled. Events come from inside these functions, as they come
 * from the loop otherwise; `opened` comes in the loop's next turn. */
#ifndef TESTS_LIB_REDIS_SIMULATED_H
#define TESTS_LIB_REDIS_SIMULATED_H

#include "router/redis/redis_stream.h"

struct simulated_stream;

struct redis_simulated {
    struct redis_dialer dialer;
    struct simulated_stream *stream; /* NULL: none is open */
    uint32_t dialled;
    uint32_t writes;
    bool hold;     /* take nothing more off the link's hands: all is unsent */
    bool never;    /* do not open */
    char *written; /* all that was written since the start or redis_simulated_forget */
    size_t written_size;
};

void redis_simulated_init(struct redis_simulated *s);
void redis_simulated_close(struct redis_simulated *s);

void redis_simulated_feed(struct redis_simulated *s, const char *bytes, size_t size);
void redis_simulated_end(struct redis_simulated *s, enum redis_end why);
/* What was held is sent. */
void redis_simulated_release(struct redis_simulated *s);
void redis_simulated_forget(struct redis_simulated *s);

#endif
