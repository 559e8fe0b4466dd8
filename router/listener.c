#include "router/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "queue/base/memory.h"
#include "router/log.h"

#define LISTENER_BACKLOG 1024

static bool listener_fail(char *problem, size_t size, struct text url, const char *words)
{
    snprintf(problem, size, "\"" TEXT_FORMAT "\": %s", TEXT_ARGS(url), words);
    return false;
}

static bool listener_begins(struct text url, struct text scheme)
{
    return url.length > scheme.length && memcmp(url.bytes, scheme.bytes, scheme.length) == 0;
}

static bool listener_parse_port(const char *digits, const char *end, uint16_t *out)
{
    unsigned long port = 0;

    if (digits == end) {
        return false;
    }
    for (; digits < end; digits++) {
        if (*digits < '0' || *digits > '9') {
            return false;
        }
        port = port * 10 + (unsigned long)(*digits - '0');
        if (port > UINT16_MAX) {
            return false;
        }
    }
    *out = (uint16_t)port;
    return true;
}

static bool listener_parse_tcp(struct text rest, struct listener_address *out)
{
    const char *end = rest.bytes + rest.length;
    const char *host = rest.bytes;
    const char *host_end = end;
    const char *colon;

    if (rest.length > 0 && rest.bytes[0] == '[') { /* IPv6: [::1]:7700 */
        host++;
        host_end = memchr(host, ']', rest.length - 1);
        if (host_end == NULL || host_end + 1 == end || host_end[1] != ':') {
            return false;
        }
        colon = host_end + 1;
    } else {
        colon = memchr(host, ':', rest.length);
        if (colon == NULL) {
            return false;
        }
        host_end = colon;
    }
    if (host == host_end || (size_t)(host_end - host) >= sizeof(out->host) ||
        !listener_parse_port(colon + 1, end, &out->port)) {
        return false;
    }
    memcpy(out->host, host, (size_t)(host_end - host));
    return true;
}

bool listener_parse(struct text url, struct listener_address *out, char *problem, size_t size)
{
    static const struct text tcp = {"tcp://", 6};
    static const struct text unix_scheme = {"unix://", 7};
    struct sockaddr_un un;

    memset(out, 0, sizeof(*out));
    if (listener_begins(url, unix_scheme)) {
        struct text path = {url.bytes + unix_scheme.length, url.length - unix_scheme.length};

        out->pipe = true;
        if (path.length >= sizeof(un.sun_path) || memchr(path.bytes, '\0', path.length) != NULL) {
            return listener_fail(problem, size, url,
                                 "the path of a Unix socket has 107 bytes at most");
        }
        memcpy(out->host, path.bytes, path.length);
        return true;
    }
    if (listener_begins(url, tcp)) {
        struct text rest = {url.bytes + tcp.length, url.length - tcp.length};

        return listener_parse_tcp(rest, out) ||
               listener_fail(problem, size, url, "a TCP address is tcp://HOST:PORT");
    }
    return listener_fail(problem, size, url, "an address is tcp://HOST:PORT or unix://PATH");
}

bool listener_resolve(uv_loop_t *loop, const struct listener_address *a,
                      struct sockaddr_storage *out, char *problem, size_t size)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    uv_getaddrinfo_t request;
    char port[8];
    int status;

    snprintf(port, sizeof(port), "%u", (unsigned)a->port);
    status = uv_getaddrinfo(loop, &request, NULL, a->host, port, &hints);
    if (status < 0) {
        snprintf(problem, size, "\"%s\" cannot be looked up: %s", a->host, uv_strerror(status));
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out, request.addrinfo->ai_addr, request.addrinfo->ai_addrlen);
    uv_freeaddrinfo(request.addrinfo);
    return true;
}

bool listener_is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    }
    return a->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static void listener_connection(uv_stream_t *server, int status)
{
    static struct log_limit limit = {.most = 5};
    struct listener *l = server->data;

    if (status < 0) {
        /* Out of descriptors: libuv has a spare one, with which it closed the connection, so that
         * the loop does not spin on it. */
        log_event_limited(&limit, LOG_LEVEL_WARNING, "accept_failed", LOG_WORDS("address", l->url),
                          LOG_WORDS("words", uv_strerror(status)));
        return;
    }
    session_table_accept(l->sessions, server);
}

static void listener_closed(uv_handle_t *handle)
{
    memory_give(handle->data);
}

void listener_close(struct listener *l)
{
    uv_close(&l->uv.handle, listener_closed);
}

static socklen_t listener_address_size(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* A shared port would be shared with another server, too, and neither would know. A socket that
 * does not share finds out whether somebody is there. */
static int listener_probe(const struct sockaddr_storage *a)
{
    int one = 1, status = 0;
    int probe = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (probe < 0) {
        return uv_translate_sys_error(errno);
    }
    if (setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(probe, (const struct sockaddr *)a, listener_address_size(a)) != 0) {
        status = uv_translate_sys_error(errno);
    }
    close(probe);
    return status;
}

static int listener_set_shared(struct listener *l)
{
    uv_os_fd_t descriptor;
    int one = 1;
    int status = uv_fileno(&l->uv.handle, &descriptor);

    if (status == 0 && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0) {
        status = uv_translate_sys_error(errno);
    }
    return status;
}

static int listener_bind_tcp(struct listener *l, uv_loop_t *loop, const struct sockaddr_storage *a,
                             bool shared)
{
    int status = uv_tcp_init_ex(loop, &l->uv.tcp, a->ss_family);

    l->uv.handle.data = l;
    if (status == 0 && shared) {
        status = listener_set_shared(l);
    }
    return status < 0 ? status : uv_tcp_bind(&l->uv.tcp, (const struct sockaddr *)a, 0);
}

/* A socket file on which nobody listens is what a crash leaves behind. Anything else is not ours to
 * remove. */
static void listener_remove_stale(const char *path)
{
    struct stat status;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int probe;

    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return;
    }
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return;
    }
    memcpy(un.sun_path, path, strlen(path) + 1);
    if (connect(probe, (const struct sockaddr *)&un, sizeof(un)) != 0 && errno == ECONNREFUSED) {
        unlink(path);
    }
    close(probe);
}

static int listener_bind_pipe(struct listener *l, uv_loop_t *loop, const char *path)
{
    int status = uv_pipe_init(loop, &l->uv.pipe, 0);
    mode_t old;

    l->uv.handle.data = l;
    if (status < 0) {
        return status;
    }
    listener_remove_stale(path);
    old = umask(0117); /* the file must at no moment be open to others */
    status = uv_pipe_bind(&l->uv.pipe, path);
    umask(old);
    return status;
}

static void listener_name_tcp(struct listener *l, const struct listener_address *a)
{
    struct sockaddr_storage bound;
    int length = sizeof(bound);
    unsigned port = a->port;

    if (uv_tcp_getsockname(&l->uv.tcp, (struct sockaddr *)&bound, &length) == 0) {
        port =
            ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&bound)->sin_port
                                             : ((struct sockaddr_in6 *)(void *)&bound)->sin6_port);
    }
    snprintf(l->url, sizeof(l->url), strchr(a->host, ':') != NULL ? "tcp://[%s]:%u" : "tcp://%s:%u",
             a->host, port);
}

static int listener_listen(struct listener *l)
{
    return uv_listen(&l->uv.stream, LISTENER_BACKLOG, listener_connection);
}

static struct listener *listener_give_up(struct listener *l, struct text url, int status,
                                         char *problem, size_t size)
{
    listener_fail(problem, size, url, uv_strerror(status));
    listener_close(l);
    return NULL;
}

struct listener *listener_open(uv_loop_t *loop, struct text url, bool insecure, bool shared,
                               struct session_table *sessions, char *problem, size_t size)
{
    struct listener_address a;
    struct sockaddr_storage socket_address;
    struct listener *l;
    int status;

    if (!listener_parse(url, &a, problem, size) ||
        (!a.pipe && !listener_resolve(loop, &a, &socket_address, problem, size))) {
        return NULL;
    }
    if (!a.pipe && !insecure && !listener_is_loopback(&socket_address)) {
        listener_fail(problem, size, url,
                      "nobody is authenticated, so only loopback addresses and Unix sockets are "
                      "listened on, unless --insecure is given");
        return NULL;
    }
    status = a.pipe || !shared ? 0 : listener_probe(&socket_address);
    if (status < 0) {
        listener_fail(problem, size, url, uv_strerror(status));
        return NULL;
    }
    l = memory_take(sizeof(*l));
    l->sessions = sessions;
    status = a.pipe ? listener_bind_pipe(l, loop, a.host)
                    : listener_bind_tcp(l, loop, &socket_address, shared);
    if (status == 0) {
        /* A port that is taken is told only here. */
        status = listener_listen(l);
    }
    if (status < 0) {
        return listener_give_up(l, url, status, problem, size);
    }
    if (a.pipe) {
        snprintf(l->url, sizeof(l->url), "unix://%s", a.host);
    } else {
        listener_name_tcp(l, &a);
    }
    return l;
}

static int listener_copy_pipe(struct listener *l, uv_loop_t *loop, const struct listener *first)
{
    uv_os_fd_t descriptor;
    int status = uv_pipe_init(loop, &l->uv.pipe, 0);
    int copy;

    l->uv.handle.data = l;
    if (status < 0) {
        return status;
    }
    status = uv_fileno(&first->uv.handle, &descriptor);
    if (status < 0) {
        return status;
    }
    copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return uv_translate_sys_error(errno);
    }
    status = uv_pipe_open(&l->uv.pipe, copy);
    if (status < 0) {
        close(copy);
    }
    return status;
}

struct listener *listener_join(uv_loop_t *loop, const struct listener *first,
                               struct session_table *sessions, char *problem, size_t size)
{
    struct text url = text_from(first->url);
    struct listener_address a;
    struct sockaddr_storage socket_address;
    struct listener *l;
    int status;

    if (!listener_parse(url, &a, problem, size) ||
        (!a.pipe && !listener_resolve(loop, &a, &socket_address, problem, size))) {
        return NULL;
    }
    l = memory_take(sizeof(*l));
    l->sessions = sessions;
    memcpy(l->url, first->url, sizeof(l->url));
    status = a.pipe ? listener_copy_pipe(l, loop, first)
                    : listener_bind_tcp(l, loop, &socket_address, true);
    if (status == 0) {
        status = listener_listen(l);
    }
    return status == 0 ? l : listener_give_up(l, url, status, problem, size);
}
