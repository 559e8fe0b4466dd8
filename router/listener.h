/* Where the server can be reached: tcp://HOST:PORT and unix://PATH.
 *
 * Nobody is authenticated yet. So TCP is bound to loopback addresses only, unless `insecure` says
 * that the network is trusted; a Unix socket is open to its owner and group (mode 0660).
 *
 * A port of 0 lets the system choose; listener_url tells the real one. The path of a Unix socket on
 * which nobody listens any more is taken over; one that lives, or a file that is no socket, is an
 * error.
 *
 * Several loops listen at one address: on a TCP port each has a socket of its own, and the system
 * spreads connections over them (SO_REUSEPORT); of a Unix socket each has a copy of the descriptor.
 *
 * Opening may block for the time of a name's look-up. Loop's thread. */
#ifndef ROUTER_LISTENER_H
#define ROUTER_LISTENER_H

#include "router/session.h"

#define LISTENER_URL_BYTES 256

struct listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct session_table *sessions;
    char url[LISTENER_URL_BYTES];
};

/* What an address says. */
struct listener_address {
    bool pipe;
    char host[128]; /* or the path of a pipe: at most 107 bytes, as the system has it */
    uint16_t port;
};

/* False when it is no address, and then `problem` says so. */
bool listener_parse(struct text url, struct listener_address *out, char *problem, size_t size);

/* The socket address of a TCP address; looks names up. */
bool listener_resolve(uv_loop_t *loop, const struct listener_address *a,
                      struct sockaddr_storage *out, char *problem, size_t size);

bool listener_is_loopback(const struct sockaddr_storage *a);

/* Connections go to `sessions`. `shared`: others will join. NULL, and `problem` in words, when it
 * cannot be; the loop must then run once more before it is closed. */
struct listener *listener_open(uv_loop_t *loop, struct text url, bool insecure, bool shared,
                               struct session_table *sessions, char *problem, size_t size);
/* Another loop listens where `first` does; `first` stays open meanwhile, on its own thread. */
struct listener *listener_join(uv_loop_t *loop, const struct listener *first,
                               struct session_table *sessions, char *problem, size_t size);

/* As clients write it, with the port that it really has. */
static inline const char *listener_url(const struct listener *l)
{
    return l->url;
}

/* Take no more connections; the memory goes in the close callback. A Unix socket's file is removed.
 */
void listener_close(struct listener *l);

#endif
