/* Reads the streams of workspaces, from any entry on, and goes on as they grow: what a start, a
 * takeover and a standby live by.
 *
 * One connection for all the streams that the same primary serves, read by one XREAD after the
 * other, which waits when there is nothing; the next is asked for before the views have heard what
 * came of the last. A *view* is the reading of one stream. Its entries come
 * in order, each once, also over broken connections; `end` says, once for each reading that found
 * nothing more, that the view has everything that Redis had when it was asked.
 *
 * How much is read at once follows from what came last, so that a reply stays below some MiB. One
 * that the connection finds too large is asked for again in small parts.
 *
 * What is read need not be confirmed: a failover may take it back, and then the stream goes on
 * elsewhere. Ids tell: an entry that raises the epoch stands at the place of the one before it.
 *
 * No callback comes from inside a call; a view may be closed in any of its own. Belongs to the loop
 * of its locator, and its thread. */
#ifndef ROUTER_STREAM_STREAM_READER_H
#define ROUTER_STREAM_STREAM_READER_H

#include "queue/base/list.h"
#include "router/redis/redis_path.h"
#include "router/stream/stream_id.h"

/* Lives during the call. */
struct stream_read_entry {
    struct stream_id id;
    char field; /* 'b' facts, 'c' a slice of a checkpoint, both in capitals when the value is packed
                   (stream_value.h); 'e' an epoch; what else stands there is handed up as it is */
    struct text value;
};

struct stream_view_events {
    void *context;
    void (*entry)(void *context, const struct stream_read_entry *e);
    void (*end)(void *context);
    void (*broken)(void *context, const char *why); /* what stands there was not written by us */
};

struct stream_reader;

struct stream_view {
    struct stream_reader *reader;
    struct list_node in_reader;
    struct stream_view_events events;
    struct text key;               /* owned */
    struct stream_id at;           /* behind which it reads on */
    bool asked;                    /* of the reading that is under way */
    bool broken;                   /* it has said so, and reads no more */
    bool ended;                    /* to be told so; or, to be told what has come: */
    const struct redisReply *rows; /* else NULL */
};

struct stream_reader_options {
    uint32_t
        wait_ms; /* [100] that one reading waits for news; a view that is opened waits for it */
    struct redis_path_options path;
};

struct stream_reader *stream_reader_create(struct redis_locator *l,
                                           const struct stream_reader_options *o);
/* No view is open. It frees itself some time later, for which the loop must run. */
void stream_reader_destroy(struct stream_reader *r);

/* Read what stands behind `behind`. The record is the caller's; the key is copied. */
void stream_view_open(struct stream_reader *r, struct stream_view *v, struct text key,
                      struct stream_id behind, const struct stream_view_events *events);
void stream_view_close(struct stream_view *v);

/* Why nothing is read, in words for a person; "" when it is. */
const char *stream_reader_problem(const struct stream_reader *r);

#endif
