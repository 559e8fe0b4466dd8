/* The conversation of a client with its servers, without sockets and clocks: bytes in, bytes out,
 * time passed in.
 *
 * It has two lines, of which one is the main one, where the session is; the other one may keep a
 * standby session at another node. Which is which changes, and is no matter for the hands
 * (client_uv.c, or a test): for each line they open a connection when client_wants_connection says
 * so, tell what happened, bring what was received and take away what is to be sent. Everything that
 * happens is one of five calls:
 *
 *     client_connected      a connection stands: hello goes out
 *     client_received       bytes came, in the room that client_receive_room gave
 *     client_disconnected   it ended, or could not be had
 *     client_tick           time has passed, see client_next_tick
 *     client_call           somebody wants something
 *
 * After each of them the hands look, for both lines, at client_wants_close (end this connection;
 * client_disconnected follows) and at client_has_output. Callbacks come from client_received,
 * client_disconnected, client_tick and client_fail_all, never from client_call; they may call
 * client_call.
 *
 * A call is in exactly one list: waiting (to be sent, in the order of the calls), sent (on this
 * connection), or delayed (to be tried again at a time). Records and their buffers are pooled: once
 * warm, a call allocates nothing.
 *
 *     client           calls, answers, notifications, time
 *     client_session   the main line: hello, signing in, going to another node
 *     client_standby   the other line
 *     client_resume    a connector's contacts, asked for after hello
 *     client_route     where to go next, and when
 *     client_line      one connection's bytes and its heartbeat
 *     client_request   the records of the calls
 *
 * Times are milliseconds of any clock that does not go back. One thread. */
#ifndef PROTO_CLIENT_H
#define PROTO_CLIENT_H

#include "proto/client_error.h"
#include "proto/client_line.h"
#include "proto/client_request.h"
#include "proto/client_resume.h"
#include "proto/client_route.h"
#include "proto/client_standby.h"
#include "queue/base/list.h"
#include "queue/base/random.h"

#define CLIENT_LINES 2

struct client {
    struct switchboard_options options; /* its strings are ours */
    struct client_route route;
    struct client_line lines[CLIENT_LINES];
    uint32_t main; /* which of them */
    bool followed; /* the main connection, or a standby, told us where to go */
    bool promoted; /* the main connection was a standby session before */
    bool closed;   /* client_fail_all was called: nothing more happens */
    bool stands;   /* SWITCHBOARD_READY was told, and not yet that the session is lost */
    bool signs_in; /* agent.sign_in was sent, and not refused only because hello was unanswered */
    bool greeted;  /* there was a session before this one */
    bool answered_any;      /* on the main connection, behind hello */
    int64_t follow_at;      /* when to go there */
    int64_t hello_after_ms; /* hello was refused, and so long a pause asked for */
    int64_t retry_at;       /* the first of the delayed */
    uint64_t connections;
    int64_t epoch, seq; /* the highest seen; -1 before */
    uint32_t in_flight_max;
    uint32_t frame_max; /* what the server takes */
    struct client_requests requests;
    struct list waiting, sent, delayed;
    size_t sent_count;
    struct packer sign_in; /* the params that sign the agent in again; empty: it is not signed in */
    struct client_standby standby;
    struct client_resume resume;
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

bool client_wants_connection(const struct client *c, uint32_t line, int64_t now);
const char *client_address(const struct client *c, uint32_t line);

void client_connecting(struct client *c, uint32_t line, int64_t now);
void client_connected(struct client *c, uint32_t line, int64_t now);
void client_disconnected(struct client *c, uint32_t line, int64_t now);

/* Where to receive, at least one byte; then say how many came. */
uint8_t *client_receive_room(struct client *c, uint32_t line, size_t *room);
void client_received(struct client *c, uint32_t line, size_t size, int64_t now);

/* When client_tick wants to be called, at the latest; calling it earlier does nothing. */
int64_t client_next_tick(const struct client *c);
void client_tick(struct client *c, int64_t now);

/* Swap the bytes to be sent with an empty packer. */
void client_take_output(struct client *c, uint32_t line, struct packer *empty);

static inline bool client_has_output(const struct client *c, uint32_t line)
{
    return c->lines[line].output.size != 0;
}

static inline bool client_wants_close(const struct client *c, uint32_t line)
{
    return c->lines[line].wants_close;
}

static inline enum client_state client_state(const struct client *c)
{
    return c->lines[c->main].state;
}

#endif
