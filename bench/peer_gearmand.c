/* gearmand: background jobs of three priorities; a queue is a function.
 *
 * A packet is \0REQ or \0RES, its kind and the size of what follows, both in 32 bits, and texts
 * with a zero byte between them. A worker that was told that there is no job sleeps until it is
 * woken. Nothing answers WORK_COMPLETE, so a job is completed when that is written.
 *
 * Two rows: as Debian runs it and its own library works, a job at a time; and as cheap as it can be
 * had. */
#include "bench/peers.h"

#include <stdio.h>

#define GEARMAN_HEAD_BYTES 12u

enum gearman_kind {
    GEARMAN_CAN_DO = 1,
    GEARMAN_PRE_SLEEP = 4,
    GEARMAN_NOOP = 6,
    GEARMAN_JOB_CREATED = 8,
    GEARMAN_GRAB_JOB = 9,
    GEARMAN_NO_JOB = 10,
    GEARMAN_JOB_ASSIGN = 11,
    GEARMAN_WORK_COMPLETE = 13,
    GEARMAN_SUBMIT_NORMAL = 18,
    GEARMAN_ERROR = 19,
    GEARMAN_SUBMIT_HIGH = 32,
    GEARMAN_SUBMIT_LOW = 34,
};

struct gearman_state {
    uint32_t asked; /* GRAB_JOBs without an answer */
    uint32_t got;   /* jobs of this batch */
    uint32_t batch;
    bool asleep;
};

static bool gearman_run(struct peer_server *s, char *const arguments[],
                        const volatile int *interrupted)
{
    return peer_server_run(s, arguments, NULL) && peer_server_await(s, s->port, 10, interrupted);
}

static bool gearman_start(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], port[8];

    snprintf(port, sizeof(port), "%u", s->port);
    return peer_server_find("gearmand", path) &&
           gearman_run(s,
                       (char *[]){path, "--listen", "127.0.0.1", "--port", port, "--log-file",
                                  "stderr", "--pid-file", "pid", NULL},
                       interrupted);
}

static bool gearman_start_frugal(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], port[8];

    snprintf(port, sizeof(port), "%u", s->port);
    return peer_server_find("gearmand", path) &&
           gearman_run(s,
                       (char *[]){path, "--listen", "127.0.0.1", "--port", port, "--log-file",
                                  "stderr", "--pid-file", "pid", "--threads", "1",
                                  "--worker-wakeup", "1", NULL},
                       interrupted);
}

static void gearman_put32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static uint32_t gearman_get32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* A packet's head; so many bytes must follow. */
static void gearman_head(struct peer_client *c, enum gearman_kind kind, size_t size)
{
    uint8_t *to = packer_room(&c->output, GEARMAN_HEAD_BYTES);

    memcpy(to, "\0REQ", 4);
    gearman_put32(to + 4, (uint32_t)kind);
    gearman_put32(to + 8, (uint32_t)size);
}

static void gearman_open(struct peer_client *c)
{
    for (uint32_t i = 0; c->consumer && i < PEER_QUEUES; i++) {
        char function[8];
        int length = snprintf(function, sizeof(function), "q%u", i);

        gearman_head(c, GEARMAN_CAN_DO, (size_t)length);
        peer_client_put(c, function, (size_t)length);
    }
    peer_client_ready(c);
}

static void gearman_submit(struct peer_client *c, const struct peer_contact *contact)
{
    static const enum gearman_kind kinds[PEER_PRIORITIES] = {
        GEARMAN_SUBMIT_HIGH, GEARMAN_SUBMIT_NORMAL, GEARMAN_SUBMIT_LOW};
    char function[8];
    size_t length = (size_t)snprintf(function, sizeof(function), "q%u", contact->queue);

    gearman_head(c, kinds[contact->priority], length + 1 + 1 + PEER_BODY_BYTES);
    peer_client_put(c, function, length + 1);
    peer_client_put(c, "", 1); /* no key of its own: cheaper */
    peer_client_put(c, contact->body, PEER_BODY_BYTES);
}

/* handle \0 function \0 body */
static bool gearman_assigned(struct peer_client *c, struct text packet)
{
    struct gearman_state *g = c->state;
    const char *handle_end = memchr(packet.bytes, '\0', packet.length), *function_end, *end;

    if (handle_end == NULL) {
        return false;
    }
    end = packet.bytes + packet.length;
    function_end = memchr(handle_end + 1, '\0', (size_t)(end - handle_end) - 1);
    if (function_end == NULL) {
        return false;
    }
    peer_client_handed_out(c, (struct text){function_end + 1, (uint32_t)(end - function_end) - 1});
    gearman_head(c, GEARMAN_WORK_COMPLETE, (size_t)(handle_end - packet.bytes) + 1);
    peer_client_put(c, packet.bytes, (size_t)(handle_end - packet.bytes) + 1);
    peer_client_completed(c, 1);
    g->asked--;
    g->got++;
    return true;
}

static bool gearman_packet(struct peer_client *c, uint32_t kind, struct text packet)
{
    struct gearman_state *g = c->state;

    if (kind == GEARMAN_JOB_ASSIGN) {
        return gearman_assigned(c, packet);
    }
    if (kind == GEARMAN_JOB_CREATED) {
        peer_client_answered(c, 1);
    } else if (kind == GEARMAN_NO_JOB) {
        g->asked--;
    } else if (kind == GEARMAN_NOOP) {
        g->asleep = false;
    } else if (kind == GEARMAN_ERROR) {
        peer_client_fail(c, "gearmand says " TEXT_FORMAT, TEXT_ARGS(packet));
    } else {
        return false;
    }
    return true;
}

static ssize_t gearman_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    size_t taken = 0;

    while (size - taken >= GEARMAN_HEAD_BYTES) {
        const uint8_t *at = bytes + taken;
        uint32_t follows = gearman_get32(at + 8);
        struct text packet = {(const char *)at + GEARMAN_HEAD_BYTES, follows};

        if (memcmp(at, "\0RES", 4) != 0) {
            return -1;
        }
        if (size - taken - GEARMAN_HEAD_BYTES < follows) {
            break;
        }
        if (!gearman_packet(c, gearman_get32(at + 4), packet)) {
            return -1;
        }
        taken += GEARMAN_HEAD_BYTES + follows;
    }
    return (ssize_t)taken;
}

/* Jobs are asked for in batches that grow while they are filled, and no job means sleep. */
static void gearman_turn(struct peer_client *c)
{
    struct gearman_state *g = c->state;
    uint32_t most = c->peer == &peer_gearmand_pipelined ? c->window : 1, next;

    if (g->asked > 0 || g->asleep) {
        return;
    }
    if (g->got < g->batch) {
        g->batch = g->got = 0;
        g->asleep = true;
        gearman_head(c, GEARMAN_PRE_SLEEP, 0);
        return;
    }
    next = g->batch == 0 ? 1 : 2 * g->batch;
    g->batch = next < most ? next : most;
    g->asked = g->batch;
    g->got = 0;
    for (uint32_t i = 0; i < g->batch; i++) {
        gearman_head(c, GEARMAN_GRAB_JOB, 0);
    }
}

/* No durable rows: with its SQLite queue, the one database that needs no other server, it takes
 * some 20 jobs a second. */
#define GEARMAN_ROW                                                                                \
    .program = "gearmand", .package = "gearman-job-server", .durable = NULL,                       \
    .completed = "WORK_COMPLETE is written: nothing answers it", .carried_bytes = PEER_BODY_BYTES, \
    .state_bytes = sizeof(struct gearman_state), .open = gearman_open, .take = gearman_take,       \
    .turn = gearman_turn, .submit = gearman_submit

const struct peer peer_gearmand = {
    .name = "gearmand",
    .memory = "background jobs; a worker grabs one at a time, as its own library does",
    .lacks = "workers with several jobs, " PEER_NO_ROUTING,
    .start = gearman_start,
    GEARMAN_ROW,
};

const struct peer peer_gearmand_pipelined = {
    .name = "gearmand-pipelined",
    .memory = "background jobs, grabbed in batches; --threads 1 --worker-wakeup 1",
    .lacks = PEER_NO_ROUTING,
    .start = gearman_start_frugal,
    GEARMAN_ROW,
};
