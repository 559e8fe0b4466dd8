#include "router/redis/redis_stream.h"

#include <stdio.h>

#include "queue/base/memory.h"

#define STREAM_READ_BYTES 65536

static const struct {
    const char *word, *words;
} redis_ends[REDIS_END_COUNT] = {
    [REDIS_END_CLOSED] = {"closed", "closed by ourselves"},
    [REDIS_END_RESOLVE] = {"unknown_host", "the host's name is not known"},
    [REDIS_END_CONNECT] = {"not_connected", "cannot be connected to"},
    [REDIS_END_TIMEOUT] = {"connect_timeout", "did not open in time"},
    [REDIS_END_TLS] = {"tls", "TLS failed"},
    [REDIS_END_REFUSED] = {"refused", "user or password is refused"},
    [REDIS_END_SILENT] = {"silent", "a command stayed unanswered for too long"},
    [REDIS_END_PEER] = {"closed_by_redis", "closed by the other side"},
    [REDIS_END_IO] = {"broken", "the connection broke"},
    [REDIS_END_PROTOCOL] = {"protocol", "what came is not Redis' protocol"},
    [REDIS_END_TOO_LARGE] = {"too_large", "a reply is larger than the bound"},
};

const char *redis_end_word(enum redis_end end)
{
    return redis_ends[end].word;
}

const char *redis_end_words(enum redis_end end)
{
    return redis_ends[end].words;
}

/* A TCP stream. Its handle is there once an address is known; a look-up that is under way cannot
 * always be cancelled, so closing waits for it. */
struct stream_tcp {
    struct redis_stream stream;
    uv_loop_t *loop;
    uv_tcp_t tcp;
    uv_getaddrinfo_t look_up;
    uv_connect_t connect;
    uv_idle_t soon; /* carries what is known at once out of the call */
    struct addrinfo *found, *trying;
    struct sockaddr_storage number; /* the host, when it is no name */
    bool is_number, looking, handle_open, connecting, closing, ended;
    uint32_t open_handles;
    struct redis_endpoint to;
    char buffer[STREAM_READ_BYTES];
};

struct stream_write {
    uv_write_t request;
    struct stream_tcp *t;
    char bytes[];
};

static void redis_stream_tcp_try(struct stream_tcp *t);

static void redis_stream_tcp_release(struct stream_tcp *t)
{
    void *context = t->stream.context;
    const struct redis_stream_events *events = t->stream.events;

    if (!t->closing || t->looking || t->open_handles > 0) {
        return;
    }
    if (t->found != NULL) {
        uv_freeaddrinfo(t->found);
    }
    memory_give(t);
    events->closed(context);
}

static void redis_stream_tcp_end(struct stream_tcp *t, enum redis_end why, int status)
{
    if (t->closing || t->ended) {
        return;
    }
    t->ended = true;
    t->stream.events->ended(t->stream.context, why, status == 0 ? "" : uv_strerror(status));
}

static void redis_stream_tcp_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct stream_tcp *t = handle->data;

    (void)suggested;
    *out = uv_buf_init(t->buffer, sizeof(t->buffer));
}

static void redis_stream_tcp_read(uv_stream_t *handle, ssize_t size, const uv_buf_t *buffer)
{
    struct stream_tcp *t = handle->data;

    if (size > 0 && !t->closing && !t->ended) {
        t->stream.events->bytes(t->stream.context, buffer->base, (size_t)size);
    } else if (size == UV_EOF) {
        redis_stream_tcp_end(t, REDIS_END_PEER, 0);
    } else if (size < 0) {
        redis_stream_tcp_end(t, REDIS_END_IO, (int)size);
    }
}

static void redis_stream_tcp_handle_closed(uv_handle_t *handle)
{
    struct stream_tcp *t = handle->data;

    t->open_handles--;
    if (handle == (uv_handle_t *)&t->tcp) {
        t->handle_open = false;
        if (!t->closing && !t->ended) { /* this address did not answer; the next one may */
            redis_stream_tcp_try(t);
            return;
        }
    }
    redis_stream_tcp_release(t);
}

static void redis_stream_tcp_connected(uv_connect_t *request, int status)
{
    struct stream_tcp *t = request->data;

    t->connecting = false;
    if (t->closing) {
        return;
    }
    if (status == 0) {
        status =
            uv_read_start((uv_stream_t *)&t->tcp, redis_stream_tcp_room, redis_stream_tcp_read);
    }
    if (status == 0) {
        (void)uv_tcp_nodelay(&t->tcp, 1);
        t->stream.events->opened(t->stream.context);
        return;
    }
    if (t->trying == NULL) {
        redis_stream_tcp_end(t, REDIS_END_CONNECT, status);
        return;
    }
    uv_close((uv_handle_t *)&t->tcp, redis_stream_tcp_handle_closed);
}

/* Connect to the next address that is known. */
static void redis_stream_tcp_try(struct stream_tcp *t)
{
    const struct sockaddr *to = (const struct sockaddr *)&t->number;
    int status;

    if (t->trying != NULL) {
        to = t->trying->ai_addr;
        t->trying = t->trying->ai_next;
    }
    status = uv_tcp_init(t->loop, &t->tcp);
    if (status < 0) {
        redis_stream_tcp_end(t, REDIS_END_CONNECT, status);
        return;
    }
    t->tcp.data = t->connect.data = t;
    t->handle_open = true;
    t->open_handles++;
    status = uv_tcp_connect(&t->connect, &t->tcp, to, redis_stream_tcp_connected);
    if (status < 0) {
        redis_stream_tcp_connected(&t->connect, status);
        return;
    }
    t->connecting = true;
}

static void redis_stream_tcp_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct stream_tcp *t = request->data;

    t->looking = false;
    t->found = t->trying = found;
    if (t->closing) {
        redis_stream_tcp_release(t);
    } else if (status < 0) {
        redis_stream_tcp_end(t, REDIS_END_RESOLVE, status);
    } else {
        redis_stream_tcp_try(t);
    }
}

static void redis_stream_tcp_begin(uv_idle_t *soon)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct stream_tcp *t = soon->data;
    char port[8];
    int status;

    uv_idle_stop(soon);
    if (t->is_number) {
        redis_stream_tcp_try(t);
        return;
    }
    snprintf(port, sizeof(port), "%u", (unsigned)t->to.port);
    t->look_up.data = t;
    status = uv_getaddrinfo(t->loop, &t->look_up, redis_stream_tcp_found, t->to.host, port, &hints);
    t->looking = status == 0;
    if (status < 0) {
        redis_stream_tcp_end(t, REDIS_END_RESOLVE, status);
    }
}

static void redis_stream_tcp_written(uv_write_t *request, int status)
{
    struct stream_write *w = (struct stream_write *)request;
    struct stream_tcp *t = w->t;

    memory_give(w);
    if (t->closing) {
        return;
    }
    if (status < 0) {
        redis_stream_tcp_end(t, REDIS_END_IO, status);
    } else if (t->tcp.write_queue_size == 0 && !t->ended) {
        t->stream.events->sent(t->stream.context);
    }
}

static void redis_stream_tcp_write(struct redis_stream *s, const char *bytes, size_t size)
{
    struct stream_tcp *t = (struct stream_tcp *)s;
    uv_buf_t whole = uv_buf_init((char *)bytes, (unsigned)size);
    struct stream_write *w;
    int taken;

    if (t->closing || t->ended) {
        return; /* its end is reported, or is on the way */
    }
    /* What an error is, the read side hears as well, outside of this call. */
    taken = uv_try_write((uv_stream_t *)&t->tcp, &whole, 1);
    if (taken > 0) {
        bytes += taken;
        size -= (size_t)taken;
    }
    if (size == 0) {
        return;
    }
    w = memory_take(sizeof(*w) + size);
    w->t = t;
    memcpy(w->bytes, bytes, size);
    whole = uv_buf_init(w->bytes, (unsigned)size);
    if (uv_write(&w->request, (uv_stream_t *)&t->tcp, &whole, 1, redis_stream_tcp_written) < 0) {
        memory_give(w);
    }
}

static size_t redis_stream_tcp_unsent(const struct redis_stream *s)
{
    const struct stream_tcp *t = (const struct stream_tcp *)s;

    return t->handle_open ? t->tcp.write_queue_size : 0;
}

static void redis_stream_tcp_close(struct redis_stream *s)
{
    struct stream_tcp *t = (struct stream_tcp *)s;

    if (t->closing) {
        return;
    }
    t->closing = true;
    if (t->looking) {
        (void)uv_cancel((uv_req_t *)&t->look_up); /* when it cannot be, its end is waited for */
    }
    if (t->handle_open && !uv_is_closing((uv_handle_t *)&t->tcp)) {
        uv_close((uv_handle_t *)&t->tcp, redis_stream_tcp_handle_closed);
    }
    uv_close((uv_handle_t *)&t->soon, redis_stream_tcp_handle_closed);
}

static struct redis_stream *redis_stream_tcp_dial(struct redis_dialer *d, uv_loop_t *loop,
                                                  const struct redis_endpoint *to,
                                                  const struct redis_stream_events *events,
                                                  void *context)
{
    static const struct redis_stream_methods methods = {
        redis_stream_tcp_write, redis_stream_tcp_unsent, redis_stream_tcp_close};
    struct stream_tcp *t = memory_take(sizeof(*t));

    (void)d;
    t->stream = (struct redis_stream){&methods, events, context};
    t->loop = loop;
    t->to = *to;
    t->is_number = uv_ip4_addr(to->host, to->port, (struct sockaddr_in *)&t->number) == 0 ||
                   uv_ip6_addr(to->host, to->port, (struct sockaddr_in6 *)&t->number) == 0;
    t->soon.data = t;
    uv_idle_init(loop, &t->soon);
    uv_idle_start(&t->soon, redis_stream_tcp_begin);
    t->open_handles = 1;
    return &t->stream;
}

struct redis_dialer *redis_stream_tcp(void)
{
    static struct redis_dialer tcp = {redis_stream_tcp_dial};

    return &tcp;
}
