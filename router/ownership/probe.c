#include "router/ownership/probe.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "router/redis/redis_address.h"

#define PROBE_REFUSED_AGAIN_MS 50u
#define PROBE_AGAIN_MS_MIN     50u
#define PROBE_AGAIN_MS_MAX     500u
#define PROBE_CONNECT_MS       1000u
#define PROBE_BRIEF_MS         50u /* whoever cuts connections faster is not asked at once again */
#define PROBE_BYTES            256u

/* What has become of the addresses of one round. */
enum probe_verdict { PROBE_NOTHING, PROBE_REFUSED };

struct probe {
    uv_loop_t *loop;
    struct probe_events events;
    bool pipe;
    struct redis_endpoint to;
    char path[PROBE_BYTES];
    uv_getaddrinfo_t look_up;
    struct sockaddr_storage number; /* the host, when it is no name: then nothing is looked up */
    bool is_number;
    struct addrinfo *found, *trying; /* of this look-up; NULL: none, or all were tried */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connect;
    uv_timer_t timer; /* the next round, or the end of a connecting that takes too long */
    bool looking, handle_open, stands, closing, timer_closed;
    bool told;      /* refused, and no connection stood since */
    int status;     /* why the connection that is being closed ended */
    bool contested; /* some address of this round did not refuse */
    uint64_t stands_since;
    uint32_t failures; /* rounds in a row that proved nothing */
    char scratch[256]; /* what the other side says is not listened to */
};

static void probe_round(struct probe *p);
static void probe_try(struct probe *p);

static void probe_forget_addresses(struct probe *p)
{
    if (p->found != NULL) {
        uv_freeaddrinfo(p->found);
    }
    p->found = p->trying = NULL;
}

static void probe_free_if_over(struct probe *p)
{
    if (p->closing && p->timer_closed && !p->handle_open && !p->looking) {
        probe_forget_addresses(p);
        memory_give(p);
    }
}

/* ---- rounds ---- */

static void probe_timer_fired(uv_timer_t *timer)
{
    probe_round(timer->data);
}

static void probe_wait(struct probe *p, uint64_t ms)
{
    uv_timer_start(&p->timer, probe_timer_fired, ms, 0);
}

/* All addresses were tried, and none took a connection. */
static void probe_end_round(struct probe *p, enum probe_verdict verdict)
{
    uint64_t again_ms = PROBE_AGAIN_MS_MIN;

    probe_forget_addresses(p); /* a name may mean another machine by now */
    if (verdict == PROBE_REFUSED) {
        p->failures = 0;
        probe_wait(p, PROBE_REFUSED_AGAIN_MS);
        if (!p->told) {
            p->told = true;
            p->events.refused(p->events.context);
        }
        return;
    }
    for (uint32_t i = 0; i < p->failures && again_ms < PROBE_AGAIN_MS_MAX; i++) {
        again_ms *= 2;
    }
    p->failures++;
    probe_wait(p, again_ms < PROBE_AGAIN_MS_MAX ? again_ms : PROBE_AGAIN_MS_MAX);
}

/* ---- one connection ---- */

static bool probe_is_refusal(const struct probe *p, int status)
{
    return status == UV_ECONNREFUSED || (p->pipe && status == UV_ENOENT);
}

static void probe_next(struct probe *p)
{
    if (p->stands) {
        p->stands = false;
        if (uv_now(p->loop) - p->stands_since < PROBE_BRIEF_MS) {
            probe_wait(p, PROBE_BRIEF_MS);
        } else {
            probe_round(p);
        }
        return;
    }
    p->contested |= !probe_is_refusal(p, p->status);
    if (p->trying != NULL) {
        probe_try(p);
    } else {
        probe_end_round(p, p->contested ? PROBE_NOTHING : PROBE_REFUSED);
    }
}

static void probe_handle_closed(uv_handle_t *handle)
{
    struct probe *p = handle->data;

    p->handle_open = false;
    if (p->closing) {
        probe_free_if_over(p);
    } else {
        probe_next(p);
    }
}

static void probe_drop(struct probe *p, int status)
{
    if (!uv_is_closing(&p->uv.handle)) {
        p->status = status;
        uv_timer_stop(&p->timer);
        uv_close(&p->uv.handle, probe_handle_closed);
    }
}

static void probe_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct probe *p = handle->data;

    (void)suggested;
    *out = uv_buf_init(p->scratch, sizeof(p->scratch));
}

static void probe_heard(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void)buffer;
    if (size < 0) {
        probe_drop(stream->data, (int)size);
    }
}

/* On its own machine a connection to a port at which nobody listens can get that very port for its
 * own end, and then TCP connects it with itself. */
static bool probe_met_itself(const struct probe *p)
{
    struct sockaddr_storage here, there;
    int here_size = sizeof(here), there_size = sizeof(there);

    return !p->pipe && uv_tcp_getsockname(&p->uv.tcp, (struct sockaddr *)&here, &here_size) == 0 &&
           uv_tcp_getpeername(&p->uv.tcp, (struct sockaddr *)&there, &there_size) == 0 &&
           here_size == there_size && memcmp(&here, &there, (size_t)here_size) == 0;
}

static void probe_connected(uv_connect_t *request, int status)
{
    struct probe *p = request->data;

    if (p->closing || uv_is_closing(&p->uv.handle)) {
        return;
    }
    if (status == 0 && probe_met_itself(p)) {
        status = UV_ECONNREFUSED;
    }
    if (status == 0) {
        status = uv_read_start(&p->uv.stream, probe_room, probe_heard);
    }
    if (status != 0) {
        probe_drop(p, status);
        return;
    }
    uv_timer_stop(&p->timer);
    probe_forget_addresses(p);
    p->stands = true;
    p->stands_since = uv_now(p->loop);
    p->told = false;
    p->failures = 0;
    if (p->events.stands != NULL) {
        p->events.stands(p->events.context);
    }
}

static void probe_too_long(uv_timer_t *timer)
{
    probe_drop(timer->data, UV_ETIMEDOUT);
}

/* Connect to the next address of this round. */
static void probe_try(struct probe *p)
{
    int status;

    if (p->pipe) {
        status = uv_pipe_init(p->loop, &p->uv.pipe, 0);
    } else {
        status = uv_tcp_init(p->loop, &p->uv.tcp);
    }
    if (status != 0) {
        p->contested = true;
        probe_end_round(p, PROBE_NOTHING);
        return;
    }
    p->handle_open = true;
    p->uv.handle.data = p;
    p->connect.data = p;
    uv_timer_start(&p->timer, probe_too_long, PROBE_CONNECT_MS, 0);
    if (p->pipe) {
        uv_pipe_connect(&p->connect, &p->uv.pipe, p->path, probe_connected);
        return;
    }
    status = uv_tcp_connect(&p->connect, &p->uv.tcp,
                            p->is_number ? (const struct sockaddr *)&p->number : p->trying->ai_addr,
                            probe_connected);
    p->trying = p->is_number ? NULL : p->trying->ai_next;
    if (status != 0) {
        probe_drop(p, status);
    }
}

static void probe_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct probe *p = request->data;

    p->looking = false;
    p->found = p->trying = found;
    if (p->closing) {
        probe_free_if_over(p);
    } else if (status != 0 || found == NULL) {
        probe_end_round(p, PROBE_NOTHING);
    } else {
        probe_try(p);
    }
}

static void probe_round(struct probe *p)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];

    p->contested = false;
    if (p->pipe || p->is_number) {
        probe_try(p);
        return;
    }
    snprintf(port, sizeof(port), "%u", (unsigned)p->to.port);
    p->look_up.data = p;
    p->looking = uv_getaddrinfo(p->loop, &p->look_up, probe_found, p->to.host, port, &hints) == 0;
    if (!p->looking) {
        probe_end_round(p, PROBE_NOTHING);
    }
}

/* ---- life ---- */

static bool probe_parse(struct probe *p, struct text address)
{
    static const struct text tcp = {"tcp://", 6}, pipe = {"unix://", 7};
    struct text rest;

    if (address.length > pipe.length && memcmp(address.bytes, pipe.bytes, pipe.length) == 0) {
        p->pipe = true;
        return (size_t)snprintf(p->path, sizeof(p->path), "%.*s",
                                (int)(address.length - pipe.length),
                                address.bytes + pipe.length) < sizeof(p->path);
    }
    if (address.length <= tcp.length || memcmp(address.bytes, tcp.bytes, tcp.length) != 0) {
        return false;
    }
    rest = (struct text){address.bytes + tcp.length, address.length - tcp.length};
    if (!redis_endpoint_parse(rest, false, &p->to)) {
        return false;
    }
    p->is_number =
        uv_ip4_addr(p->to.host, p->to.port, (struct sockaddr_in *)(void *)&p->number) == 0 ||
        uv_ip6_addr(p->to.host, p->to.port, (struct sockaddr_in6 *)(void *)&p->number) == 0;
    return true;
}

struct probe *probe_open(uv_loop_t *loop, struct text address, const struct probe_events *events)
{
    struct probe *p = memory_take(sizeof(*p));

    if (!probe_parse(p, address)) {
        memory_give(p);
        return NULL;
    }
    p->loop = loop;
    p->events = *events;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    probe_wait(p, 0);
    return p;
}

static void probe_timer_closed(uv_handle_t *timer)
{
    struct probe *p = timer->data;

    p->timer_closed = true;
    probe_free_if_over(p);
}

void probe_close(struct probe *p)
{
    p->closing = true;
    if (p->looking) {
        (void)uv_cancel((uv_req_t *)&p->look_up); /* it answers all the same */
    }
    if (p->handle_open && !uv_is_closing(&p->uv.handle)) {
        uv_close(&p->uv.handle, probe_handle_closed);
    }
    uv_close((uv_handle_t *)&p->timer, probe_timer_closed);
}
