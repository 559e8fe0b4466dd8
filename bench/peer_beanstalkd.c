/* beanstalkd: put, reserve, delete; a queue is a tube.
 *
 * While a connection waits in `reserve`, the server reads nothing else from it. So a consumer asks
 * for several with `reserve-with-timeout 0`, which answers at once, only while that brings
 * something, and says what it has to say when all are answered. */
#include "bench/peers.h"

#include <stdio.h>
#include <stdlib.h>

struct beanstalkd_state {
    uint32_t arranging;   /* answers to `watch` and `ignore` that are missing */
    uint32_t asked;       /* reserves without an answer */
    uint32_t got;         /* contacts of this batch */
    uint32_t batch;       /* how many to ask for next */
    uint32_t singles;     /* batches of one in a row */
    uint32_t tube;        /* that the producer uses, counted from 1; 0: none yet */
    uint32_t to_delete;   /* numbers in `numbers` */
    uint64_t numbers[64]; /* of jobs that the batch brought */
};

#define BEANSTALKD_BATCH_MAX 64u
#define BEANSTALKD_TRY_EVERY 16u

static bool beanstalkd_start(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], port[8];
    char *arguments[] = {path,      "-l",  "127.0.0.1", "-p", port, s->durable ? "-b" : NULL,
                         s->folder, "-f0", NULL};

    snprintf(port, sizeof(port), "%u", s->port);
    return peer_server_find("beanstalkd", path) && peer_server_run(s, arguments, NULL) &&
           peer_server_await(s, s->port, 10, interrupted);
}

static void beanstalkd_open(struct peer_client *c)
{
    struct beanstalkd_state *b = c->state;

    b->batch = 1;
    if (!c->consumer) {
        peer_client_ready(c);
        return;
    }
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        peer_client_print(c, "watch q%u\r\n", i);
    }
    peer_client_put_literal(c, "ignore default\r\n");
    b->arranging = PEER_QUEUES + 1;
}

static void beanstalkd_submit(struct peer_client *c, const struct peer_contact *contact)
{
    struct beanstalkd_state *b = c->state;

    if (b->tube != contact->queue + 1) {
        b->tube = contact->queue + 1;
        peer_client_print(c, "use q%u\r\n", contact->queue);
    }
    peer_client_put_literal(c, "put ");
    peer_client_put_number(c, contact->priority);
    peer_client_put_literal(c, " 0 120 200\r\n");
    peer_client_put(c, contact->body, PEER_BODY_BYTES);
    peer_client_put_literal(c, "\r\n");
}

static void beanstalkd_line(struct peer_client *c, struct text line)
{
    struct beanstalkd_state *b = c->state;

    if (peer_client_begins(line, "INSERTED ")) {
        peer_client_answered(c, 1);
    } else if (peer_client_begins(line, "DELETED")) {
        peer_client_completed(c, 1);
    } else if (peer_client_begins(line, "TIMED_OUT")) {
        b->asked--;
    } else if (peer_client_begins(line, "WATCHING ")) {
        if (--b->arranging == 0) {
            peer_client_ready(c);
        }
    } else if (!peer_client_begins(line, "USING ")) {
        peer_client_fail(c, "beanstalkd says " TEXT_FORMAT, TEXT_ARGS(line));
    }
}

static ssize_t beanstalkd_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct beanstalkd_state *b = c->state;
    size_t taken = 0, length;
    struct text line;

    while ((length = peer_client_line(&line, bytes + taken, size - taken)) > 0) {
        if (peer_client_begins(line, "RESERVED ")) {
            uint64_t body = peer_client_last_number(line);
            char *number_end;

            if (size - taken < length + body + 2) {
                break;
            }
            if (b->to_delete == BEANSTALKD_BATCH_MAX) {
                return -1;
            }
            b->numbers[b->to_delete++] =
                strtoull(line.bytes + sizeof("RESERVED ") - 1, &number_end, 10);
            peer_client_handed_out(c, (struct text){line.bytes + length, (uint32_t)body});
            b->asked--;
            b->got++;
            taken += length + body + 2;
            continue;
        }
        beanstalkd_line(c, line);
        taken += length;
    }
    return (ssize_t)taken;
}

/* How many to ask for at once: what does not wait for a job costs a request each, found or not. So
 * it asks for one and waits for it, tries every now and then whether there are more, and doubles
 * the batch for as long as it is filled. */
static uint32_t beanstalkd_next_batch(struct beanstalkd_state *b, uint32_t window)
{
    uint32_t next;

    if (b->batch == 1) {
        b->singles = (b->singles + 1) % BEANSTALKD_TRY_EVERY;
        next = b->singles == 0 ? 2 : 1;
    } else {
        next = b->got == b->batch ? 2 * b->batch : b->got == 0 ? 1 : b->got;
    }
    next = next < window ? next : window;
    return next < BEANSTALKD_BATCH_MAX ? next : BEANSTALKD_BATCH_MAX;
}

static void beanstalkd_turn(struct peer_client *c)
{
    struct beanstalkd_state *b = c->state;

    if (b->asked > 0) {
        return;
    }
    for (uint32_t i = 0; i < b->to_delete; i++) {
        peer_client_put_literal(c, "delete ");
        peer_client_put_number(c, b->numbers[i]);
        peer_client_put_literal(c, "\r\n");
    }
    b->to_delete = 0;
    b->batch = beanstalkd_next_batch(b, c->window);
    b->got = 0;
    b->asked = b->batch;
    if (b->batch == 1) {
        peer_client_put_literal(c, "reserve\r\n");
        return;
    }
    for (uint32_t i = 0; i < b->batch; i++) {
        peer_client_put_literal(c, "reserve-with-timeout 0\r\n");
    }
}

const struct peer peer_beanstalkd = {
    .name = "beanstalkd",
    .program = "beanstalkd",
    .package = "beanstalkd",
    .memory = "without -b",
    .durable = "-b DIR -f0: one fsync a record",
    .completed = "the answer to delete",
    .lacks = PEER_NO_ROUTING,
    .carried_bytes = PEER_BODY_BYTES,
    .state_bytes = sizeof(struct beanstalkd_state),
    .start = beanstalkd_start,
    .open = beanstalkd_open,
    .take = beanstalkd_take,
    .turn = beanstalkd_turn,
    .submit = beanstalkd_submit,
};
