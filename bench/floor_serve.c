/* The floor's sockets: epoll, one read for what has come, one write a connection and turn. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bench/address.h"
#include "bench/command.h"
#include "bench/floor.h"
#include "bench/floor_state.h"
#include "queue/base/memory.h"

/* Read at a time, and the longest request at that. */
#define FLOOR_INPUT_BYTES (1u << 20)
#define FLOOR_EVENTS      256
#define FLOOR_DENSE       32  /* requests that one poll brings: another poll follows */
#define FLOOR_GATHER      512 /* until there are so many */
#define FLOOR_MOMENT_NS   50000

struct floor_server {
    struct floor floor;
    struct list connections;
    int epoll, listener;
    uint64_t turned; /* requests when the turn began */
    uint8_t *shared; /* where everybody's bytes are read to */
};

static volatile sig_atomic_t floor_ended;

static void floor_on_signal(int number)
{
    (void)number;
    floor_ended = 1;
}

static int floor_listen(struct floor_server *s, const char *url)
{
    struct address address;
    const char *wrong = address_parse(&address, url);
    const int yes = 1;
    socklen_t size = address.tcp.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                       : sizeof(struct sockaddr_in);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    if (wrong != NULL || address.local) {
        fprintf(stderr, "switchboard-bench floor: %s: %s\n", url,
                wrong != NULL ? wrong : "it serves TCP only");
        return -1;
    }
    s->listener = socket(address.tcp.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address.tcp, size) != 0 ||
        listen(s->listener, SOMAXCONN) != 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &event) != 0) {
        fprintf(stderr, "switchboard-bench floor: cannot listen at %s: %s\n", url, strerror(errno));
        return -1;
    }
    return 0;
}

static void floor_accept_all(struct floor_server *s)
{
    const int yes = 1;
    int socket;

    while ((socket = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct floor_connection *c = memory_take(sizeof(*c));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

        c->socket = socket;
        list_append(&s->connections, &c->node);
        (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        (void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, socket, &event);
    }
}

/* The record stays: contacts point at it. */
static void floor_close(struct floor_server *s, struct floor_connection *c)
{
    floor_forget(&s->floor, c);
    if (c->socket >= 0) { /* something may have been said to it since it was */
        (void)close(c->socket);
    }
    c->ends = true;
    c->socket = -1;
    packer_close(&c->output);
    memory_give(c->input);
    c->input = NULL;
}

static void floor_read(struct floor_server *s, struct floor_connection *c)
{
    ssize_t size;
    size_t all = c->input_size, taken;

    if (all > 0) {
        memcpy(s->shared, c->input, all);
    }
    size = read(c->socket, s->shared + all, FLOOR_INPUT_BYTES - all);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) { /* also when a request is longer than there is room */
        floor_close(s, c);
        return;
    }
    all += (size_t)size;
    taken = floor_answer(&s->floor, c, s->shared, all);
    c->input_size = all - taken;
    if (c->input_size > 0) {
        c->input = memory_resize(c->input, c->input_size);
        memcpy(c->input, s->shared + taken, c->input_size);
    }
}

static void floor_listen_to(struct floor_server *s, struct floor_connection *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};

    (void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->socket, &event);
}

static void floor_write(struct floor_server *s, struct floor_connection *c)
{
    struct packer *p = &c->output;
    ssize_t size = send(c->socket, p->bytes + c->written, p->size - c->written, MSG_NOSIGNAL);

    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        floor_close(s, c);
        return;
    }
    c->written += size > 0 ? (size_t)size : 0;
    if (c->written < p->size) {
        if (!c->blocked) {
            c->blocked = true;
            floor_listen_to(s, c, EPOLLIN | EPOLLOUT);
        }
        return;
    }
    packer_reset(p);
    c->written = 0;
    if (c->blocked) {
        c->blocked = false;
        floor_listen_to(s, c, EPOLLIN);
    }
    if (c->ends) {
        floor_close(s, c);
    }
}

static void floor_write_all(struct floor_server *s)
{
    while (!list_empty(&s->floor.dirty)) {
        struct floor_connection *c =
            record_of(list_first(&s->floor.dirty), struct floor_connection, dirty_node);

        list_remove(&c->dirty_node);
        if (!c->blocked) {
            floor_write(s, c);
        }
    }
}

/* Much has come at once: then more comes meanwhile, and is answered in the same writes. As the
 * router does (router/reactor.c), which works for so long that there is more when it looks again.
 * The floor is done at once, and would find little: it gives the others a moment. */
static bool floor_gathers(struct floor_server *s, uint64_t before)
{
    return s->floor.requests - before >= FLOOR_DENSE &&
           s->floor.requests - s->turned < FLOOR_GATHER;
}

static void floor_poll(struct floor_server *s, struct epoll_event *events, int count)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    s->floor.now = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    for (int i = 0; i < count; i++) {
        struct floor_connection *c = events[i].data.ptr;

        if (c == NULL) {
            floor_accept_all(s);
            continue;
        }
        if ((events[i].events & EPOLLOUT) != 0 && c->socket >= 0) {
            floor_write(s, c);
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && c->socket >= 0 && !c->ends) {
            floor_read(s, c);
        }
    }
}

static int floor_look_again(struct floor_server *s, struct epoll_event *events)
{
    const struct timespec moment = {.tv_nsec = FLOOR_MOMENT_NS};

    (void)nanosleep(&moment, NULL);
    return epoll_wait(s->epoll, events, FLOOR_EVENTS, 0);
}

static void floor_turn(struct floor_server *s)
{
    struct epoll_event events[FLOOR_EVENTS];
    int count = epoll_wait(s->epoll, events, FLOOR_EVENTS, -1);
    uint64_t before;

    s->turned = s->floor.requests;
    do {
        before = s->floor.requests;
        floor_poll(s, events, count);
    } while (floor_gathers(s, before) && (count = floor_look_again(s, events)) > 0);
    floor_write_all(s);
}

static void floor_end(struct floor_server *s)
{
    while (!list_empty(&s->connections)) {
        struct floor_connection *c =
            record_of(list_first(&s->connections), struct floor_connection, node);

        floor_close(s, c);
        list_remove(&c->node);
        memory_give(c);
    }
    floor_free(&s->floor);
    memory_give(s->shared);
    (void)close(s->listener);
    (void)close(s->epoll);
}

int floor_serve(const char *listen)
{
    struct floor_server *s = memory_take(sizeof(*s));
    struct sigaction end = {.sa_handler = floor_on_signal};
    int status = BENCH_UNABLE;

    (void)sigaction(SIGTERM, &end, NULL);
    (void)sigaction(SIGINT, &end, NULL);
    (void)prctl(PR_SET_TIMERSLACK, 1000); /* a moment, and not two */
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->shared = memory_take(FLOOR_INPUT_BYTES);
    list_init(&s->connections);
    floor_init(&s->floor);
    s->floor.address = listen;
    if (floor_listen(s, listen) == 0) {
        while (!floor_ended) {
            floor_turn(s);
        }
        status = BENCH_OK;
    }
    floor_end(s);
    memory_give(s);
    return status;
}
