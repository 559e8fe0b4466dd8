/* Where a reactor hands over what it wants appended: one connection to one primary, for the streams
 * of all its workspaces there.
 *
 * A *volley* is what one turn hands over: a script for each stream, or, where it is much, a guard
 * and the entries (stream_script.h), then one WAIT. Several are in flight; each is confirmed when
 * all is written and the WAIT behind it says that enough replicas have it. Until then nothing is,
 * however long it takes: when the WAIT says less, it is asked again, and when something was refused
 * or the connection ended, everything unconfirmed is sent again in order, by scripts, which know
 * from what is there already.
 * A stream that ends where one of the batches kept begins has lost its end in a failover: it is
 * repaired from there.
 *
 * Only a stream that somebody else continues, or that ends where we never were, is *lost*: it
 * leaves the desk.
 *
 * A new connection sends nothing until its owner has looked at who answered: `greeted`.
 *
 * No callback comes from inside a call. Belongs to the loop of its locator, and its thread. */
#ifndef ROUTER_STREAM_DESK_H
#define ROUTER_STREAM_DESK_H

#include "router/redis/redis_path.h"
#include "router/redis/redis_script.h"
#include "router/stream/stream_tail.h"

enum stream_loss {
    STREAM_LOST_EPOCH,    /* there is a higher epoch: another node is the owner */
    STREAM_LOST_ELSEWHERE /* it ends where we never were: emptied, trimmed or changed by hand */
};

struct stream_desk_events {
    void *context;
    /* In the order of each stream; who handed it over is told once. */
    void (*confirmed)(void *context, struct stream_batch *b, void *owner);
    /* The tail has left the desk, and is the owner's to destroy. */
    void (*lost)(void *context, struct stream_tail *t, enum stream_loss why, struct stream_id at);
    /* Another connection is up. True: go on; false: wait for stream_desk_go_on. */
    bool (*greeted)(void *context, const struct redis_greeting *g);
};

/* 0 stands for the value in brackets. */
struct stream_desk_options {
    uint32_t replicas; /* that must have it; 0: none */
    uint32_t raise_ms; /* [750] a raise counts when all replicas that may become primary have it; or
                          when `replicas` have it and so much time, a lease, has passed */
    uint32_t wait_ms;  /* [100] of one WAIT */
    uint32_t again_ms; /* [20] until what was refused is sent again, doubling up to a second */
    struct redis_path_options path;
};

struct stream_desk_stats {
    uint64_t volleys, waits;
    uint64_t scripts, guarded; /* batches, by the way in which they were appended */
    uint64_t short_waits;      /* fewer replicas than needed had it in time */
    uint64_t again;            /* how often everything unconfirmed was sent again */
    uint64_t repairs;          /* streams that had lost their end */
};

struct stream_desk;

struct stream_desk *stream_desk_create(struct redis_locator *l, const struct stream_desk_options *o,
                                       const struct stream_desk_events *events);
/* Its tails are taken off; no callback comes any more. It frees itself some time later, for which
 * the loop must run. */
void stream_desk_destroy(struct stream_desk *d);

void stream_desk_add(struct stream_desk *d, struct stream_tail *t);
void stream_desk_remove(struct stream_desk *d, struct stream_tail *t);

/* Send what the tails have handed over. */
void stream_desk_send(struct stream_desk *d);

/* What stands before `id` in a stream is not needed any more. Where it is lost on the way, the next
 * one does it. */
void stream_desk_trim(struct stream_desk *d, const struct stream_tail *t, struct stream_id id);

/* After `greeted` said no. */
void stream_desk_go_on(struct stream_desk *d);

/* End this connection, and look for the primary anew. */
void stream_desk_renew(struct stream_desk *d, const char *why);

/* Nothing is handed over and unconfirmed. */
bool stream_desk_is_idle(const struct stream_desk *d);

void stream_desk_get_stats(const struct stream_desk *d, struct stream_desk_stats *out);

/* Why nothing goes on, in words for a person; "" when it does. */
const char *stream_desk_problem(const struct stream_desk *d);

#endif
