#include "bench/peers_run.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "bench/workload.h"
#include "queue/base/memory.h"

#define PEERS_EVENTS        128
#define PEERS_READY_NS      (30 * UINT64_C(1000000000))
#define PEERS_DRAIN_NS      (20 * UINT64_C(1000000000))
#define PEERS_COUNT_NS      (300 * UINT64_C(1000000000))
#define PEERS_WAITING_NS    (300 * UINT64_C(1000000000))
#define PEERS_UNDER_WAY_MAX (1u << 20) /* of open loops */

enum peers_phase {
    PEERS_WARMING_UP,
    PEERS_MEASURING,
    PEERS_DRAINING,
    PEERS_OVER,
};

struct peers_state {
    const struct peers_plan *plan;
    struct peers_result *result;
    const volatile int *interrupted;
    struct peer_server server;
    struct peer_traffic traffic;
    struct peer_client *clients; /* producers, then consumers */
    uint32_t client_count, opened, ready;
    uint32_t next_producer;
    struct peer_client **dirty; /* with something to write; each once */
    uint32_t dirty_count;
    int epoll;
    uint64_t now_ns;
    enum peers_phase phase;
    uint64_t start_ns, phase_ends_ns, began_ns;
    uint64_t under_way_max, submit_max;
    uint64_t completed_before;
    double bench_cpu_before;
    struct redis_counts store_before;
    struct peer_use use_before;
    struct arrivals arrivals;
};

static bool peers_failed(const struct peers_state *p)
{
    return p->result->failed[0] != '\0';
}

static void peers_fail(struct peers_state *p, const char *what, const char *why)
{
    if (!peers_failed(p)) {
        snprintf(p->result->failed, sizeof(p->result->failed), "%.100s%.250s", what, why);
    }
}

static double peers_bench_cpu_us(void)
{
    struct timespec cpu;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3;
}

/* Connections. */

static void peers_touch(struct peers_state *p, struct peer_client *c)
{
    if (!c->dirty) {
        c->dirty = true;
        p->dirty[p->dirty_count++] = c;
    }
}

static void peers_client_over(struct peers_state *p, const struct peer_client *c)
{
    peers_fail(p, c->consumer ? "a consumer: " : "a producer: ", c->failed);
}

static void peers_watch(struct peers_state *p, struct peer_client *c, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (c->waits_for_room ? EPOLLOUT : 0u),
                                .data.ptr = c};

    if (epoll_ctl(p->epoll, operation, c->fd, &event) != 0) {
        peers_fail(p, "epoll_ctl: ", strerror(errno));
    }
}

static void peers_flush(struct peers_state *p)
{
    for (uint32_t i = 0; i < p->dirty_count; i++) {
        struct peer_client *c = p->dirty[i];
        bool waited = c->waits_for_room;

        c->dirty = false;
        if (!peer_client_flush(c)) {
            peers_client_over(p, c);
        } else if (waited != c->waits_for_room) {
            peers_watch(p, c, EPOLL_CTL_MOD);
        }
    }
    p->dirty_count = 0;
}

static void peers_became_ready(struct peers_state *p, struct peer_client *c)
{
    p->ready++;
    if (c->consumer && c->peer->turn != NULL) {
        c->peer->turn(c);
    }
}

static void peers_open(struct peers_state *p)
{
    struct peer_client *c = &p->clients[p->opened++];

    if (!peer_client_connect(c, p->server.port)) {
        peers_client_over(p, c);
        return;
    }
    peers_watch(p, c, EPOLL_CTL_ADD);
    c->peer->open(c);
    peers_touch(p, c);
    if (c->ready) {
        peers_became_ready(p, c);
    }
}

static void peers_take(struct peers_state *p, struct peer_client *c)
{
    bool was_ready = c->ready;

    if (!peer_client_read(c)) {
        peers_client_over(p, c);
        return;
    }
    if (!was_ready && c->ready) {
        peers_became_ready(p, c);
    } else if (c->ready && c->consumer && c->peer->turn != NULL) {
        c->peer->turn(c);
    }
    peers_touch(p, c);
}

/* One turn: wait until `until_ns` at most, take what has come. */
static void peers_wait(struct peers_state *p, uint64_t until_ns)
{
    struct epoll_event events[PEERS_EVENTS];
    uint64_t now = uv_hrtime(), left = until_ns > now ? until_ns - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000),
                               .tv_nsec = (long)(left % 1000000000)};
    int count = epoll_pwait2(p->epoll, events, PEERS_EVENTS, &timeout, NULL);

    for (int i = 0; i < count && !peers_failed(p); i++) {
        struct peer_client *c = events[i].data.ptr;

        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
            peers_take(p, c);
        } else {
            peers_touch(p, c);
        }
    }
    p->now_ns = uv_hrtime();
    if (*p->interrupted) {
        peers_fail(p, "interrupted", "");
    }
}

/* All connect; the first one before the others. */
static void peers_get_ready(struct peers_state *p)
{
    uint64_t give_up = uv_hrtime() + PEERS_READY_NS;

    peers_open(p);
    peers_flush(p);
    while (!peers_failed(p) && p->ready < p->client_count) {
        while (!peers_failed(p) && p->ready >= 1 && p->opened < p->client_count) {
            peers_open(p);
        }
        peers_flush(p);
        if (p->ready < p->client_count) {
            peers_wait(p, give_up);
        }
        if (p->now_ns >= give_up) {
            peers_fail(p, "not everyone got ready", "");
        }
    }
}

/* Submitting. */

static void peers_submit(struct peers_state *p, struct peer_client *c, uint64_t due_ns)
{
    struct peer_contact contact = peer_traffic_submit(&p->traffic, c->number, c->submitted, due_ns);

    c->submitted++;
    c->unanswered++;
    c->peer->submit(c, &contact);
    peers_touch(p, c);
}

static bool peers_may_submit(const struct peers_state *p)
{
    return p->traffic.under_way < p->under_way_max && p->traffic.submitted < p->submit_max;
}

static void peers_submit_closed(struct peers_state *p)
{
    for (uint32_t i = 0; i < p->plan->producers; i++) {
        struct peer_client *c = &p->clients[(p->next_producer + i) % p->plan->producers];

        if (c->unanswered > c->window / 2) {
            continue;
        }
        while (c->unanswered < c->window && peers_may_submit(p)) {
            peers_submit(p, c, p->now_ns);
        }
    }
    p->next_producer = (p->next_producer + 1) % p->plan->producers;
}

static void peers_submit_open(struct peers_state *p)
{
    while (p->start_ns + arrivals_next(&p->arrivals) <= p->now_ns && peers_may_submit(p)) {
        peers_submit(p, &p->clients[p->next_producer], p->start_ns + arrivals_take(&p->arrivals));
        p->next_producer = (p->next_producer + 1) % p->plan->producers;
    }
}

/* Phases. */

static void peers_count_store(struct peers_state *p, struct redis_counts *out)
{
    if (p->server.store_port != 0 && !redis_counts_read(p->server.store_port, out)) {
        peers_fail(p, "the journal's Redis does not answer", "");
    }
}

static void peers_begin_measuring(struct peers_state *p)
{
    p->phase = PEERS_MEASURING;
    p->began_ns = p->traffic.measure_ns = p->now_ns;
    p->phase_ends_ns =
        p->now_ns + (p->plan->count != 0 ? PEERS_COUNT_NS : (uint64_t)(p->plan->seconds * 1e9));
    p->completed_before = p->traffic.completed;
    peers_count_store(p, &p->store_before);
    p->use_before = peer_server_use(&p->server);
    p->bench_cpu_before = peers_bench_cpu_us();
}

static void peers_end_measuring(struct peers_state *p)
{
    struct peer_use use = peer_server_use(&p->server);
    struct peers_result *r = p->result;
    struct redis_counts store = {0};

    peers_count_store(p, &store);
    r->store = redis_counts_since(&store, &p->store_before);
    r->store_cpu_us = p->server.store_port == 0 ? 0 : use.cpu_us_of[0] - p->use_before.cpu_us_of[0];
    r->bench_cpu_us = peers_bench_cpu_us() - p->bench_cpu_before;
    r->server_cpu_us = use.cpu_us - p->use_before.cpu_us;
    r->processes = use.processes;
    r->completed = p->traffic.completed - p->completed_before;
    r->seconds = (double)(uv_hrtime() - p->began_ns) / 1e9;
    if (use.processes < p->use_before.processes) {
        peers_fail(p, "a process of the server has ended", "");
    }
    p->phase = PEERS_DRAINING;
    p->phase_ends_ns = p->now_ns + PEERS_DRAIN_NS;
}

/* True when nothing of what was submitted is left. */
static bool peers_drained(const struct peers_state *p)
{
    return p->traffic.under_way == 0 && p->traffic.answered == p->traffic.submitted;
}

static bool peers_measured(const struct peers_state *p)
{
    return p->now_ns >= p->phase_ends_ns ||
           (p->traffic.submitted >= p->submit_max && peers_drained(p));
}

static void peers_run_phase(struct peers_state *p)
{

    if (p->phase == PEERS_WARMING_UP && p->now_ns >= p->phase_ends_ns) {
        peers_begin_measuring(p);
    } else if (p->phase == PEERS_MEASURING && peers_measured(p)) {
        peers_end_measuring(p);
    }
    if (p->phase == PEERS_DRAINING) {
        if (peers_drained(p)) {
            p->phase = PEERS_OVER;
        } else if (p->now_ns >= p->phase_ends_ns) {
            peers_fail(p, "contacts were not completed", "");
        }
        return;
    }
    if (p->plan->traffic == PEERS_OPEN) {
        peers_submit_open(p);
    } else {
        peers_submit_closed(p);
    }
}

static void peers_run_traffic(struct peers_state *p)
{
    p->start_ns = p->now_ns = uv_hrtime();
    p->phase_ends_ns = p->start_ns + (uint64_t)(p->plan->warm_up_s * 1e9);
    p->traffic.measure_ns = UINT64_MAX;
    while (!peers_failed(p) && p->phase != PEERS_OVER) {
        uint64_t until;

        peers_run_phase(p);
        peers_flush(p);
        until = p->phase_ends_ns;
        if (p->plan->traffic == PEERS_OPEN && p->phase != PEERS_DRAINING &&
            p->start_ns + arrivals_next(&p->arrivals) < until) {
            until = p->start_ns + arrivals_next(&p->arrivals);
        }
        if (!peers_failed(p) && p->phase != PEERS_OVER) {
            peers_wait(p, until);
        }
    }
    if (!peers_failed(p) && p->traffic.strange > 0) {
        peers_fail(p, "contacts were handed out twice, or that nobody had submitted", "");
    }
    p->result->p50_ns = histogram_percentile(&p->traffic.to_hand_out, 50);
    p->result->p99_ns = histogram_percentile(&p->traffic.to_hand_out, 99);
}

/* Contacts that only wait. The first thousands are not counted: buffers and tables that a server
 * has anyhow grow with them. */
static void peers_run_waiting(struct peers_state *p)
{
    uint64_t give_up = uv_hrtime() + PEERS_WAITING_NS;
    uint64_t first = p->submit_max / 20;
    double resident = -1;

    p->now_ns = uv_hrtime();
    while (!peers_failed(p) && p->traffic.answered < p->submit_max) {
        peers_submit_closed(p);
        peers_flush(p);
        peers_wait(p, give_up);
        if (resident < 0 && p->traffic.answered >= first) {
            resident = peer_server_use(&p->server).resident;
            first = p->traffic.answered;
        }
        if (p->now_ns >= give_up) {
            peers_fail(p, "contacts were not accepted in time", "");
        }
    }
    p->result->bytes_each =
        (peer_server_use(&p->server).resident - resident) / (double)(p->submit_max - first);
}

/* Before and after. */

static void peers_init(struct peers_state *p)
{
    const struct peers_plan *plan = p->plan;
    uint32_t consumers = plan->traffic == PEERS_WAITING ? 0 : plan->consumers;

    p->under_way_max = plan->traffic == PEERS_CLOSED
                           ? (uint64_t)(plan->producers + plan->consumers) * plan->window
                           : PEERS_UNDER_WAY_MAX;
    p->submit_max = UINT64_MAX;
    if (plan->traffic == PEERS_WAITING) {
        p->under_way_max = p->submit_max = plan->waiting;
    } else if (plan->count != 0) {
        p->submit_max = plan->count;
    }
    if (plan->traffic == PEERS_OPEN) {
        arrivals_init(&p->arrivals, ARRIVAL_POISSON, plan->rate, plan->seed);
    }
    peer_traffic_init(&p->traffic, (uint32_t)p->under_way_max, plan->seed);
    p->client_count = plan->producers + consumers;
    p->clients = memory_take(p->client_count * sizeof(p->clients[0]));
    p->dirty = memory_take(p->client_count * sizeof(p->dirty[0]));
    for (uint32_t i = 0; i < p->client_count; i++) {
        struct peer_client *c = &p->clients[i];

        c->peer = plan->peer;
        c->server = &p->server;
        c->traffic = &p->traffic;
        c->consumer = i >= plan->producers;
        c->number = c->consumer ? i - plan->producers : i;
        c->window = plan->window;
        c->fd = -1;
    }
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)prctl(PR_SET_TIMERSLACK, 1000); /* contacts are due at instants, not some time later */
}

static void peers_close(struct peers_state *p)
{
    for (uint32_t i = 0; i < p->client_count; i++) {
        peer_client_close(&p->clients[i]);
    }
    (void)close(p->epoll);
    peer_traffic_close(&p->traffic);
    memory_give(p->clients);
    memory_give(p->dirty);
}

static bool peers_start(struct peers_state *p)
{
    struct peer_server *s = &p->server;
    bool started = peer_server_init(s, p->plan->folder);

    s->durable = p->plan->durable;
    s->window = p->plan->window;
    s->consumers = p->plan->consumers;
    s->reactors = p->plan->reactors;
    if (started && !p->plan->peer->start(s, p->interrupted)) {
        started = false;
    }
    if (!started) {
        peers_fail(p, "it could not be started: ", s->failed);
    }
    return started;
}

bool peers_run(const struct peers_plan *plan, struct peers_result *result,
               const volatile int *interrupted)
{
    struct peers_state *p = memory_take(sizeof(*p));

    memset(result, 0, sizeof(*result));
    p->plan = plan;
    p->result = result;
    p->interrupted = interrupted;
    peers_init(p);
    if (peers_start(p)) {
        peers_get_ready(p);
        if (plan->traffic == PEERS_WAITING) {
            peers_run_waiting(p);
        } else {
            peers_run_traffic(p);
        }
    }
    result->submitted = p->traffic.submitted;
    result->accounted = p->traffic.completed;
    peers_close(p);
    peer_server_stop(&p->server);
    memory_give(p);
    return result->failed[0] == '\0';
}
