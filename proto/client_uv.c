/* The hands of the client on a libuv loop: connections, reading, writing, waking up. All that is
 * decided is decided in client.c. */
#include "proto/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "proto/client_address.h"
#include "queue/base/memory.h"

#define CLIENT_GOODBYE_MS 1000 /* so long a server that does not read may delay the closing */

/* One attempt and what became of it. Freed when its handle and its look-up are done. */
struct client_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct switchboard_client *owner; /* NULL once it was given up */
    uint32_t line;                    /* of the conversation */
    uv_connect_t connect;
    uv_getaddrinfo_t look_up;
    uv_write_t write;
    struct packer writing;
    bool looking_up;
    bool established;
    bool write_pending;
    bool handle_closed;
};

struct switchboard_client {
    struct client conversation;
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_prepare_t flush; /* runs before the loop waits: one write for all that a turn has to say */
    struct client_connection *connections[CLIENT_LINES];
    const char *problem; /* of the main connection before */
    int64_t timer_at;
    int handles; /* not closed yet */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static void client_uv_settle(struct switchboard_client *c);

static int64_t client_uv_now(const struct switchboard_client *c)
{
    return (int64_t)uv_now(c->loop);
}

/* The end of a connection. */

static void client_uv_free_connection(struct client_connection *n)
{
    if (n->handle_closed && !n->looking_up) {
        packer_close(&n->writing);
        memory_give(n);
    }
}

static void client_uv_on_socket_closed(uv_handle_t *handle)
{
    struct client_connection *n = handle->data;

    n->handle_closed = true;
    client_uv_free_connection(n);
}

static void client_uv_give_up(struct client_connection *n, const char *problem)
{
    struct switchboard_client *c = n->owner;

    if (c == NULL) {
        return;
    }
    if (n->line == c->conversation.main) {
        c->problem = problem;
    }
    n->owner = NULL;
    c->connections[n->line] = NULL;
    if (n->looking_up) {
        (void)uv_cancel((uv_req_t *)&n->look_up);
    }
    uv_close(&n->socket.handle, client_uv_on_socket_closed);
    client_disconnected(&c->conversation, n->line, client_uv_now(c));
    client_uv_settle(c);
}

/* Bytes. */

static void client_uv_on_written(uv_write_t *write, int status)
{
    struct client_connection *n = write->data;

    n->write_pending = false;
    packer_reset(&n->writing);
    if (status < 0) {
        client_uv_give_up(n, uv_strerror(status));
    } else if (n->owner != NULL) {
        client_uv_settle(n->owner);
    }
}

/* Writes what there is to write: at once as far as the socket takes it, the rest when it can. */
static void client_uv_write(struct client_connection *n)
{
    struct client *conversation = &n->owner->conversation;
    uv_buf_t buffer;
    int written;

    if (n->write_pending || !n->established || !client_has_output(conversation, n->line)) {
        return;
    }
    client_take_output(conversation, n->line, &n->writing);
    buffer = uv_buf_init((char *)n->writing.bytes, (unsigned)n->writing.size);
    written = uv_try_write(&n->socket.stream, &buffer, 1);
    if (written == (int)n->writing.size) {
        packer_reset(&n->writing);
        return;
    }
    if (written > 0) {
        buffer.base += written;
        buffer.len -= (size_t)written;
    }
    if (written >= 0 || written == UV_EAGAIN) {
        n->write.data = n;
        written = uv_write(&n->write, &n->socket.stream, &buffer, 1, client_uv_on_written);
        n->write_pending = written == 0;
    }
    if (!n->write_pending) {
        client_uv_give_up(n, uv_strerror(written));
    }
}

static void client_uv_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct client_connection *n = handle->data;
    size_t room = 0;

    (void)suggested;
    out->base = (char *)client_receive_room(&n->owner->conversation, n->line, &room);
    out->len = room;
}

static void client_uv_on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct client_connection *n = stream->data;
    struct switchboard_client *c = n->owner;

    (void)buffer;
    if (size < 0) {
        client_uv_give_up(n, uv_strerror((int)size));
    } else if (size > 0) {
        client_received(&c->conversation, n->line, (size_t)size, client_uv_now(c));
        client_uv_settle(c);
    }
}

/* Connecting. */

static void client_uv_on_connected(uv_connect_t *connect, int status)
{
    struct client_connection *n = connect->data;

    if (n->owner == NULL) {
        return; /* given up meanwhile; its handle is closing */
    }
    if (status == 0) {
        status = uv_read_start(&n->socket.stream, client_uv_on_room, client_uv_on_read);
    }
    if (status < 0) {
        client_uv_give_up(n, uv_strerror(status));
        return;
    }
    n->established = true;
    client_connected(&n->owner->conversation, n->line, client_uv_now(n->owner));
    client_uv_settle(n->owner);
}

static void client_uv_connect_tcp(struct client_connection *n, const struct sockaddr *to)
{
    int status = uv_tcp_connect(&n->connect, &n->socket.tcp, to, client_uv_on_connected);

    if (status != 0) {
        client_uv_give_up(n, uv_strerror(status));
        return;
    }
    (void)uv_tcp_nodelay(&n->socket.tcp,
                         1); /* what is written is whole: waiting for more is in vain */
}

static void client_uv_on_looked_up(uv_getaddrinfo_t *look_up, int status, struct addrinfo *found)
{
    struct client_connection *n = look_up->data;

    n->looking_up = false;
    if (n->owner == NULL) {
        client_uv_free_connection(n);
    } else if (status < 0) {
        client_uv_give_up(n, uv_strerror(status));
    } else {
        client_uv_connect_tcp(n, found->ai_addr);
    }
    uv_freeaddrinfo(found);
}

static void client_uv_reach(struct client_connection *n, const struct client_address *address)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct sockaddr_storage numeric;
    int port = atoi(address->port);
    int status;

    n->connect.data = n;
    n->look_up.data = n;
    if (address->local) {
        uv_pipe_connect(&n->connect, &n->socket.pipe, address->host, client_uv_on_connected);
    } else if (uv_ip4_addr(address->host, port, (struct sockaddr_in *)&numeric) == 0 ||
               uv_ip6_addr(address->host, port, (struct sockaddr_in6 *)&numeric) == 0) {
        client_uv_connect_tcp(n, (const struct sockaddr *)&numeric);
    } else {
        status = uv_getaddrinfo(n->owner->loop, &n->look_up, client_uv_on_looked_up, address->host,
                                address->port, &hints);
        n->looking_up = status == 0;
        if (status != 0) {
            client_uv_give_up(n, uv_strerror(status));
        }
    }
}

static void client_uv_start(struct switchboard_client *c, uint32_t line)
{
    struct client_address address = {0};
    struct client_connection *n;
    bool sensible = client_address_read(client_address(&c->conversation, line), &address);

    client_connecting(&c->conversation, line, client_uv_now(c));
    if (!sensible) {
        /* Only a redirection can be so: our own addresses were checked. */
        c->problem = "the server sent us to an address that makes no sense";
        client_disconnected(&c->conversation, line, client_uv_now(c));
        return;
    }
    n = memory_take(sizeof(*n));
    n->owner = c;
    n->line = line;
    c->connections[line] = n;
    if (address.local) {
        (void)uv_pipe_init(c->loop, &n->socket.pipe, 0);
    } else {
        (void)uv_tcp_init(c->loop, &n->socket.tcp);
    }
    n->socket.handle.data = n;
    client_uv_reach(n, &address);
}

/* After whatever happened: do what the conversation wants. */

static void client_uv_on_client_closed(uv_handle_t *handle)
{
    struct switchboard_client *c = handle->data;

    if (--c->handles > 0) {
        return;
    }
    client_close(&c->conversation);
    if (c->closed != NULL) {
        c->closed(c->closed_context);
    }
    memory_give(c);
}

static void client_uv_finish(struct switchboard_client *c)
{
    if (uv_is_closing((uv_handle_t *)&c->timer)) {
        return;
    }
    uv_close((uv_handle_t *)&c->timer, client_uv_on_client_closed);
    uv_close((uv_handle_t *)&c->flush, client_uv_on_client_closed);
}

static void client_uv_on_timer(uv_timer_t *timer);
static void client_uv_on_flush(uv_prepare_t *flush);

static void client_uv_arm(struct switchboard_client *c)
{
    int64_t at = client_next_tick(&c->conversation);
    int64_t now = client_uv_now(c);

    if (at >= c->timer_at) {
        return; /* it wakes up early enough, and looks again then */
    }
    c->timer_at = at;
    (void)uv_timer_start(&c->timer, client_uv_on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

/* What there is to say is said before the connection is closed. */
static void client_uv_leave(struct switchboard_client *c, struct client_connection *n)
{
    if (!n->established || (!n->write_pending && !client_has_output(&c->conversation, n->line))) {
        client_uv_give_up(n, "closed");
    } else if (!n->write_pending) {
        client_uv_write(n);
        if (c->connections[n->line] == n && !n->write_pending) {
            client_uv_give_up(n, "closed");
        }
    }
}

static void client_uv_settle_closing(struct switchboard_client *c)
{
    bool gone = true;

    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        if (c->connections[i] != NULL) {
            client_uv_leave(c, c->connections[i]);
        }
    }
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        gone = gone && c->connections[i] == NULL;
    }
    if (gone) {
        client_uv_finish(c);
    }
}

static void client_uv_write_all(struct switchboard_client *c)
{
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        if (c->connections[i] != NULL) {
            client_uv_write(c->connections[i]);
        }
    }
}

static void client_uv_settle(struct switchboard_client *c)
{
    bool output = false;

    if (c->closing) {
        client_uv_settle_closing(c);
        return;
    }
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        struct client_connection *n = c->connections[i];

        if (n != NULL && client_wants_close(&c->conversation, i)) {
            client_uv_give_up(n, "the server was silent, spoke nonsense, refused us or sent us on");
            return; /* it has settled */
        }
        output = output || (n != NULL && n->established && client_has_output(&c->conversation, i));
    }
    if (output && client_state(&c->conversation) == CLIENT_GREETING) {
        /* Hello waits for nobody: where many clients share a loop, the first of them are served
         * while the last have not heard yet that they must move. */
        client_uv_write_all(c);
    } else if (output) {
        (void)uv_prepare_start(&c->flush, client_uv_on_flush);
    }
    client_uv_arm(c);
}

static void client_uv_on_flush(uv_prepare_t *flush)
{
    (void)uv_prepare_stop(flush);
    client_uv_write_all(flush->data);
}

static void client_uv_on_timer(uv_timer_t *timer)
{
    struct switchboard_client *c = timer->data;

    c->timer_at = CLIENT_NEVER;
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        if (c->closing && c->connections[i] != NULL) {
            client_uv_give_up(c->connections[i], "closed");
        } else if (!c->closing && c->connections[i] == NULL &&
                   client_wants_connection(&c->conversation, i, client_uv_now(c))) {
            client_uv_start(c, i);
        }
    }
    if (!c->closing) {
        client_tick(&c->conversation, client_uv_now(c));
        client_uv_settle(c);
    }
}

/* The interface. */

enum switchboard_status switchboard_client_create(struct uv_loop_s *loop,
                                                  const struct switchboard_options *options,
                                                  struct switchboard_client **out)
{
    struct switchboard_client *c = memory_take(sizeof(*c));
    uint64_t seed[4];

    *out = NULL;
    if (uv_random(NULL, NULL, seed, sizeof(seed), 0, NULL) != 0 ||
        !client_init(&c->conversation, options, seed, (int64_t)uv_now(loop))) {
        memory_give(c);
        return SWITCHBOARD_INVALID;
    }
    c->loop = loop;
    (void)uv_timer_init(loop, &c->timer);
    (void)uv_prepare_init(loop, &c->flush);
    c->timer.data = c;
    c->flush.data = c;
    c->handles = 2;
    c->timer_at = CLIENT_NEVER;
    c->problem = "";
    client_uv_arm(c);
    *out = c;
    return SWITCHBOARD_OK;
}

void switchboard_client_close(struct switchboard_client *c, void (*closed)(void *context),
                              void *context)
{
    if (c->closing) {
        return;
    }
    client_fail_all(&c->conversation, SWITCHBOARD_CLOSED);
    c->closing = true;
    c->closed = closed;
    c->closed_context = context;
    (void)uv_prepare_stop(&c->flush);
    (void)uv_timer_start(&c->timer, client_uv_on_timer, CLIENT_GOODBYE_MS, 0);
    client_uv_settle(c);
}

enum switchboard_status switchboard_call(struct switchboard_client *c, const char *method,
                                         const void *params, size_t params_size, unsigned flags,
                                         switchboard_answered answered, void *context)
{
    enum switchboard_status status = client_call(&c->conversation, method, params, params_size,
                                                 flags, answered, context, client_uv_now(c));

    if (status == SWITCHBOARD_OK) {
        client_uv_settle(c);
    }
    return status;
}

enum switchboard_state switchboard_client_state(const struct switchboard_client *c)
{
    switch (client_state(&c->conversation)) {
    case CLIENT_READY:
        return SWITCHBOARD_READY;
    case CLIENT_REJECTED:
        return SWITCHBOARD_REJECTED;
    case CLIENT_APART:
    case CLIENT_REACHING:
    case CLIENT_GREETING:
        break;
    }
    return SWITCHBOARD_CONNECTING;
}

size_t switchboard_client_unanswered(const struct switchboard_client *c)
{
    return c->conversation.requests.unanswered;
}

bool switchboard_client_has_standby(const struct switchboard_client *c)
{
    return c->conversation.lines[1 - c->conversation.main].state == CLIENT_READY;
}

const char *switchboard_client_problem(const struct switchboard_client *c)
{
    return c->problem;
}

uint64_t switchboard_client_connections(const struct switchboard_client *c)
{
    return c->conversation.connections;
}
