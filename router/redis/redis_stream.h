/* The bytes under a link: TCP, TLS over TCP, or a test's own.
 *
 * Life: a dialer makes a stream, which then reports `opened` and `bytes`, or `ended` with why; the
 * owner closes it at any time (also after `ended`), hears nothing more but `closed`, and `closed`
 * is the last: the stream frees itself behind it. No event comes from inside a call.
 *
 * Writing never blocks and never refuses: what the socket does not take at once is copied and kept,
 * and counts as unsent until `sent` says that nothing is. Whoever writes looks at
 * redis_stream_unsent and so bounds it.
 *
 * A stream belongs to its loop's thread. */
#ifndef ROUTER_REDIS_REDIS_STREAM_H
#define ROUTER_REDIS_REDIS_STREAM_H

#include <uv.h>

#include "router/redis/redis_address.h"

/* Why a connection ended; redis_end_word and redis_end_words have one row for each. */
enum redis_end {
    REDIS_END_CLOSED,    /* by ourselves */
    REDIS_END_RESOLVE,   /* the host's name is not known */
    REDIS_END_CONNECT,   /* refused, or no way there */
    REDIS_END_TIMEOUT,   /* not open in time */
    REDIS_END_TLS,       /* certificate or handshake */
    REDIS_END_REFUSED,   /* user or password */
    REDIS_END_SILENT,    /* a command stayed unanswered for too long */
    REDIS_END_PEER,      /* the other side closed */
    REDIS_END_IO,        /* reset, or broken on the way */
    REDIS_END_PROTOCOL,  /* what came is no Redis */
    REDIS_END_TOO_LARGE, /* a reply beyond the bound */
    REDIS_END_COUNT,
};

const char *redis_end_word(enum redis_end end);  /* for logs */
const char *redis_end_words(enum redis_end end); /* for people */

struct redis_stream_events {
    void (*opened)(void *context);
    void (*bytes)(void *context, const char *bytes,
                  size_t size); /* the stream's, during the call */
    void (*sent)(void *context);
    void (*ended)(void *context, enum redis_end why, const char *words);
    void (*closed)(void *context);
};

struct redis_stream;

struct redis_stream_methods {
    void (*write)(struct redis_stream *s, const char *bytes, size_t size);
    size_t (*unsent)(const struct redis_stream *s);
    void (*close)(struct redis_stream *s);
};

/* The beginning of every kind's own record. */
struct redis_stream {
    const struct redis_stream_methods *methods;
    const struct redis_stream_events *events;
    void *context;
};

/* Makes streams; outlives them. `to` is copied. */
struct redis_dialer {
    struct redis_stream *(*dial)(struct redis_dialer *d, uv_loop_t *loop,
                                 const struct redis_endpoint *to,
                                 const struct redis_stream_events *events, void *context);
};

static inline void redis_stream_write(struct redis_stream *s, const char *bytes, size_t size)
{
    s->methods->write(s, bytes, size);
}

static inline size_t redis_stream_unsent(const struct redis_stream *s)
{
    return s->methods->unsent(s);
}

static inline void redis_stream_close(struct redis_stream *s)
{
    s->methods->close(s);
}

/* Plain TCP. Names are looked up on libuv's threads; the addresses found are tried in turn. Shared
 * by all, any thread. */
struct redis_dialer *redis_stream_tcp(void);

#endif
