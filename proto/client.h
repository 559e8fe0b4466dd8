/* The conversation of a client with a server, without sockets and clocks: bytes in, bytes out, time
 * passed in.
 *
 * Its hands (client_uv.c, or a test) open connections when client_wants_connection says so, tell
 * what happened, bring what was received and take away what is to be sent. Everything that happens
 * is one of five calls:
 *
 *     client_connected      a connection stands: hello goes out
 *     client_received       bytes came, in the room that client_receive_room gave
 *     client_disconnected   it ended, or could not be had
 *     client_tick           time has passed, see client_next_tick
 *     client_call           somebody wants something
 *
 * After each of them the hands look at client_wants_close (end this connection; client_disconnected
 * follows) and at client_output. Callbacks come from client_received, client_disconnected,
 * client_tick and client_fail_all, never from client_call; they may call client_call.
 *
 * A call is in exactly one list: waiting (to be sent, in the order of the calls), sent (on this
 * connection), or delayed (to be tried again at a time). Records and their buffers are pooled: once
 * warm, a call allocates nothing.
 *
 * Times are milliseconds of any clock that does not go back. One thread. */
#ifndef PROTO_CLIENT_H
#define PROTO_CLIENT_H

#include "proto/client_error.h"
#include "proto/client_request.h"
#include "proto/frame.h"
#include "proto/packer.h"
#include "queue/base/list.h"
#include "queue/base/random.h"

#define CLIENT_NEVER INT64_MAX

enum client_state {
    CLIENT_APART,    /* no connection; one is wanted from `connect_at` on */
    CLIENT_REACHING, /* the hands are connecting */
    CLIENT_GREETING, /* hello is under way */
    CLIENT_READY,
    CLIENT_REJECTED, /* hello was refused for good */
};

struct client_input {
    uint8_t *bytes;
    size_t start; /* of the frame being received */
    size_t size;
    size_t capacity;
    struct frame_scan scan;
};

struct client {
    struct switchboard_options options; /* its strings are ours */
    char *redirect;                     /* where `not_owner` or `moved` sent us, or NULL */
    bool redirected;                    /* by the connection that stands, or stood last */
    enum client_state state;
    bool wants_close;  /* the hands must end this connection */
    bool closed;       /* client_fail_all was called: nothing more happens */
    bool answered_any; /* on this connection, behind hello */
    uint32_t failures; /* connections in a row that brought no answer */
    int64_t connect_at;
    int64_t reach_until;
    int64_t sent_at;
    int64_t received_at;
    int64_t pinged_at;
    int64_t heartbeat_ms;
    int64_t retry_at; /* the first of the delayed */
    uint64_t connections;
    int64_t epoch, seq; /* the highest seen; -1 before */
    uint32_t in_flight_max;
    uint32_t frame_max; /* what the server takes */
    struct client_requests requests;
    struct list waiting, sent, delayed;
    size_t sent_count;
    struct packer output;
    struct packer sign_in; /* the params that sign the agent in again; empty: it is not signed in */
    struct client_input input;
    struct client_error error;
    struct random random;
};

/* `seed` should be random bytes: made-up ids and jitter come from it. False: an option makes no
 * sense, and nothing has to be closed. The first connection is wanted at once. */
bool client_init(struct client *c, const struct switchboard_options *options,
                 const uint64_t seed[4], int64_t now);

/* Every call must have been answered (client_fail_all). */
void client_close(struct client *c);

enum switchboard_status client_call(struct client *c, const char *method, const void *params,
                                    size_t params_size, unsigned flags,
                                    switchboard_answered answered, void *context, int64_t now);

/* Answer everything with one status and take no more. Sends goodbye where somebody listens. */
void client_fail_all(struct client *c, enum switchboard_status status);

bool client_wants_connection(const struct client *c, int64_t now);
const char *client_address(const struct client *c);

void client_connecting(struct client *c, int64_t now);
void client_connected(struct client *c, int64_t now);
void client_disconnected(struct client *c, int64_t now);

/* Where to receive, at least one byte; then say how many came. */
uint8_t *client_receive_room(struct client *c, size_t *room);
void client_received(struct client *c, size_t size, int64_t now);

/* When client_tick wants to be called, at the latest; calling it earlier does nothing. */
int64_t client_next_tick(const struct client *c);
void client_tick(struct client *c, int64_t now);

/* Swap the bytes to be sent with an empty packer. */
void client_take_output(struct client *c, struct packer *empty);

static inline bool client_has_output(const struct client *c)
{
    return c->output.size != 0;
}

static inline bool client_wants_close(const struct client *c)
{
    return c->wants_close;
}

#endif
