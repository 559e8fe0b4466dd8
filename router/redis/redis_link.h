/* One connection to one Redis.
 *
 * Order: commands are answered in the order in which they were sent, each exactly once: with a
 * reply, with an error reply, or as LOST when the connection ended first. LOST means that nobody
 * knows whether Redis did it. No callback comes from inside redis_link_send or any other call.
 *
 * All commands that one turn of the loop sends leave in one write, at the beginning of the next
 * turn and before the loop sleeps, or at redis_link_flush. They may be sent from the start: they
 * then leave behind AUTH and CLIENT SETNAME, when the connection is open.
 *
 * Bounds: `bytes_max` of commands that are not answered yet (redis_link_send says FULL; the event
 * `room` comes when half of it is free), and `reply_bytes_max` of a reply (ends the connection).
 * Both count bytes on the wire; of memory it takes about three times as much.
 *
 * Time: a connection that is not open within `connect_ms` ends, from the look-up of the name to the
 * answer of AUTH; so does one with a command that is unanswered for `reply_ms`, counted from when
 * it was sent and not before its predecessor's time is up. A loop that stood still reads first what
 * has come meanwhile. When nothing is unanswered, a PING goes out after `ping_ms` at the latest, so
 * that a dead connection is noticed.
 *
 * A link is made by redis_link_open and frees itself behind its event `ended`, which is always the
 * last, and before which everything open is answered as LOST. Thread: the loop's. Times are
 * milliseconds of the loop's own clock. */
#ifndef ROUTER_REDIS_REDIS_LINK_H
#define ROUTER_REDIS_REDIS_LINK_H

#include "router/redis/redis_error.h"
#include "router/redis/redis_reply.h"
#include "router/redis/redis_stream.h"

struct redis_link;

enum redis_outcome {
    REDIS_ANSWER, /* `reply` */
    REDIS_DENIED, /* `error` */
    REDIS_LOST,   /* `words`: why the connection ended */
};

/* Lives during the call. */
struct redis_answer {
    enum redis_outcome outcome;
    const struct redisReply *reply;
    const struct redis_error *error;
    const char *words;
};

typedef void (*redis_answered)(void *context, const struct redis_answer *a);

struct redis_command {
    uint32_t count;
    const struct text *words; /* the command's name and its arguments; copied */
    redis_answered answered;  /* may be NULL */
    void *context;
    uint32_t patience_ms; /* of a command that may block: so much longer than `reply_ms` */
};

enum redis_sent {
    REDIS_SENT = 0,
    REDIS_FULL,      /* too much is unanswered: again at `room` */
    REDIS_TOO_LARGE, /* alone more than the bound: never */
    REDIS_NOT_OPEN,  /* the connection is ending or has ended */
};

/* 0 stands for the value in brackets. */
struct redis_link_options {
    struct redis_dialer *dialer;         /* NULL: TCP. Outlives the link */
    const struct redis_account *account; /* NULL: no AUTH. Copied */
    const char *name;    /* of this client, for CLIENT LIST; without spaces. NULL: none. Copied */
    uint32_t connect_ms; /* [1000] */
    uint32_t reply_ms;   /* [2000] */
    uint32_t ping_ms;    /* [1000] */
    size_t bytes_max;    /* [64 MiB] */
    size_t reply_bytes_max; /* [64 MiB] */
};

/* Any may be NULL, but `ended`. */
struct redis_link_events {
    void (*up)(void *context, struct redis_link *l); /* open, and the password was taken */
    void (*room)(void *context, struct redis_link *l);
    /* Before the answer of the command that got it, whoever sent that. */
    void (*error)(void *context, struct redis_link *l, const struct redis_error *e);
    /* A link with this event may SUBSCRIBE, one channel a command, and send nothing else then but
     * PING. */
    void (*message)(void *context, struct redis_link *l, struct text channel, struct text payload);
    void (*ended)(void *context, enum redis_end why, const char *words);
};

struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_endpoint *to,
                                   const struct redis_link_options *options,
                                   const struct redis_link_events *events, void *context);

enum redis_sent redis_link_send(struct redis_link *l, const struct redis_command *c);

/* Send bytes that are one command already, as redis_link_format made them. `beyond`: one that was
 * taken once, and is sent again: it is not refused for want of room. */
enum redis_sent redis_link_send_formatted(struct redis_link *l, const char *bytes, size_t size,
                                          bool beyond, uint32_t patience_ms,
                                          redis_answered answered, void *context);

/* Would `size` bytes more be taken now? As redis_link_send answers; FULL is followed by `room`. */
enum redis_sent redis_link_may_send(struct redis_link *l, size_t size);

/* The command as it goes over the wire; the caller gives it back with redis_link_format_free. */
char *redis_link_format(uint32_t count, const struct text *words, size_t *size);
void redis_link_format_free(char *bytes);

/* What was sent leaves now. */
void redis_link_flush(struct redis_link *l);

/* End it: everything unanswered becomes LOST, later. */
void redis_link_close(struct redis_link *l);

/* Take no more commands, and end when the last one is answered. */
void redis_link_finish(struct redis_link *l);

/* Bytes of commands that are not answered yet. */
size_t redis_link_unanswered(const struct redis_link *l);

const struct redis_endpoint *redis_link_endpoint(const struct redis_link *l);

#endif
