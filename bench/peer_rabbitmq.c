/* RabbitMQ: publisher confirms, prefetch, one acknowledgement for all of a turn.
 *
 * Two rows: classic queues, with priorities; and quorum queues, which are always durable and know
 * no priorities. A consumer subscribes to all 16 queues on one channel. Prefetch is a
 * subscription's own, a sixteenth of the window and at least one, because one for the whole channel
 * costs more and quorum queues do not have it. Nothing answers an acknowledgement, so a contact is
 * completed when that is written. */
#include "bench/peer_amqp.h"
#include "bench/peers.h"

#include <stdio.h>

#define RABBITMQ_CONFIRMS 65536u /* a power of two; so many submissions without an answer */

struct rabbitmq_state {
    uint32_t arranging;    /* answers that are missing before it is ready */
    uint64_t delivery_tag; /* of what is being delivered */
    uint64_t to_acknowledge;
    uint32_t delivered;                   /* since the last acknowledgement */
    uint64_t unconfirmed;                 /* the first submission that is not confirmed */
    uint8_t confirmed[RABBITMQ_CONFIRMS]; /* of later ones, by their number */
};

static bool rabbitmq_quorum(const struct peer_client *c)
{
    return c->peer == &peer_rabbitmq_quorum;
}

/* A node of its own: name, cookie, data, and a port mapper that ends with it. */
static bool rabbitmq_start(struct peer_server *s, const volatile int *interrupted)
{
    char mapper[256], server[256], port[8];
    char home[300], port_of_node[40], port_of_mapper[40], port_of_peers[48];
    char *environment[] = {home,
                           port_of_node,
                           port_of_mapper,
                           port_of_peers,
                           "ERL_EPMD_ADDRESS=127.0.0.1",
                           "RABBITMQ_NODENAME=bench@localhost",
                           "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
                           "RABBITMQ_MNESIA_BASE=mnesia",
                           "RABBITMQ_LOG_BASE=logs",
                           "RUNNING_UNDER_SYSTEMD=true",
                           "RABBITMQ_PID_FILE=pid",
                           "RABBITMQ_ENABLED_PLUGINS_FILE=plugins",
                           "RABBITMQ_CONFIG_FILE=config",
                           "RABBITMQ_CONF_ENV_FILE=./environment",
                           "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-start_epmd false",
                           NULL};
    uint16_t mapper_port = peer_server_free_port();

    snprintf(port, sizeof(port), "%u", mapper_port);
    snprintf(home, sizeof(home), "HOME=%s", s->folder);
    snprintf(port_of_node, sizeof(port_of_node), "RABBITMQ_NODE_PORT=%u", s->port);
    snprintf(port_of_mapper, sizeof(port_of_mapper), "ERL_EPMD_PORT=%u", mapper_port);
    snprintf(port_of_peers, sizeof(port_of_peers), "RABBITMQ_DIST_PORT=%u",
             peer_server_free_port());
    return peer_server_write(s, "plugins", "[].\n") && peer_server_write(s, "environment", "") &&
           peer_server_find("epmd", mapper) &&
           peer_server_run(s, (char *[]){mapper, "-port", port, "-address", "127.0.0.1", NULL},
                           environment) &&
           peer_server_await(s, mapper_port, 10, interrupted) &&
           peer_server_find(peer_rabbitmq_classic.program, server) &&
           peer_server_run(s, (char *[]){server, NULL}, environment) &&
           peer_server_await(s, s->port, 90, interrupted);
}

/* Getting ready. */

static void rabbitmq_open(struct peer_client *c)
{
    struct rabbitmq_state *r = c->state;

    r->unconfirmed = 1;
    peer_client_put_literal(c, "AMQP\0\0\x09\x01");
}

static void rabbitmq_start_ok(struct peer_client *c)
{
    static const char response[] = "\0guest\0guest";
    size_t place = amqp_begin_method(c, AMQP_CONNECTION_START_OK);

    amqp_put_number(c, 0, 4); /* no properties */
    amqp_put_short_text(c, "PLAIN");
    amqp_put_number(c, sizeof(response) - 1, 4);
    peer_client_put(c, response, sizeof(response) - 1);
    amqp_put_short_text(c, "en_US");
    amqp_end(c, place);
}

static void rabbitmq_tune_ok(struct peer_client *c, struct amqp_frame *tune)
{
    size_t place = amqp_begin_method(c, AMQP_CONNECTION_TUNE_OK);

    amqp_put_number(c, amqp_take_number(tune, 2), 2); /* channels */
    amqp_put_number(c, amqp_take_number(tune, 4), 4); /* bytes of a frame */
    amqp_put_number(c, 0, 2);                         /* no heartbeats */
    amqp_end(c, place);
    place = amqp_begin_method(c, AMQP_CONNECTION_OPEN);
    amqp_put_short_text(c, "/");
    amqp_put_short_text(c, "");
    amqp_put_number(c, 0, 1);
    amqp_end(c, place);
}

static void rabbitmq_channel_open(struct peer_client *c)
{
    size_t place = amqp_begin_method(c, AMQP_CHANNEL_OPEN);

    amqp_put_short_text(c, "");
    amqp_end(c, place);
}

static void rabbitmq_declare(struct peer_client *c, uint32_t queue)
{
    size_t place = amqp_begin_method(c, AMQP_QUEUE_DECLARE), table;
    char name[8];

    snprintf(name, sizeof(name), "q%u", queue);
    amqp_put_number(c, 0, 2);
    amqp_put_short_text(c, name);
    amqp_put_number(c, c->server->durable ? 2 : 0, 1); /* the bit of `durable` */
    table = c->output.size;
    amqp_put_number(c, 0, 4);
    if (rabbitmq_quorum(c)) {
        amqp_put_short_text(c, "x-queue-type");
        peer_client_put_literal(c, "S\0\0\0\6quorum");
    } else {
        amqp_put_short_text(c, "x-max-priority");
        peer_client_put_literal(c, "I\0\0\0\2");
    }
    c->output.bytes[table + 3] = (uint8_t)(c->output.size - table - 4);
    amqp_end(c, place);
}

static void rabbitmq_subscribe(struct peer_client *c)
{
    size_t place = amqp_begin_method(c, AMQP_BASIC_QOS);
    char name[8];

    amqp_put_number(c, 0, 4);
    amqp_put_number(c, c->window < PEER_QUEUES ? 1 : c->window / PEER_QUEUES, 2);
    amqp_put_number(c, 0, 1); /* for each subscription */
    amqp_end(c, place);
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        snprintf(name, sizeof(name), "q%u", i);
        place = amqp_begin_method(c, AMQP_BASIC_CONSUME);
        amqp_put_number(c, 0, 2);
        amqp_put_short_text(c, name);
        amqp_put_short_text(c, name); /* the subscription's own name */
        amqp_put_number(c, 0, 1);
        amqp_put_number(c, 0, 4);
        amqp_end(c, place);
    }
}

static void rabbitmq_channel_opened(struct peer_client *c)
{
    struct rabbitmq_state *r = c->state;
    size_t place;

    if (c->consumer) {
        r->arranging = 1 + PEER_QUEUES;
        rabbitmq_subscribe(c);
        return;
    }
    r->arranging = 1;
    place = amqp_begin_method(c, AMQP_CONFIRM_SELECT);
    amqp_put_number(c, 0, 1);
    amqp_end(c, place);
    for (uint32_t i = 0; c->number == 0 && i < PEER_QUEUES; i++) {
        r->arranging++;
        rabbitmq_declare(c, i);
    }
}

static void rabbitmq_arranged(struct peer_client *c)
{
    struct rabbitmq_state *r = c->state;

    if (--r->arranging == 0) {
        peer_client_ready(c);
    }
}

/* Traffic. */

static void rabbitmq_submit(struct peer_client *c, const struct peer_contact *contact)
{
    size_t place = amqp_begin_method(c, AMQP_BASIC_PUBLISH);
    char name[8];

    snprintf(name, sizeof(name), "q%u", contact->queue);
    amqp_put_number(c, 0, 2);
    amqp_put_short_text(c, ""); /* the exchange that knows every queue by its name */
    amqp_put_short_text(c, name);
    amqp_put_number(c, 0, 1);
    amqp_end(c, place);
    place = amqp_begin(c, AMQP_FRAME_HEADER, 1);
    amqp_put_number(c, 60, 2);
    amqp_put_number(c, 0, 2);
    amqp_put_number(c, PEER_BODY_BYTES, 8);
    amqp_put_number(c, 0x1800, 2); /* delivery mode and priority follow */
    amqp_put_number(c, c->server->durable ? 2 : 1, 1);
    amqp_put_number(c, PEER_PRIORITIES - 1 - contact->priority, 1); /* the highest is the first */
    amqp_end(c, place);
    place = amqp_begin(c, AMQP_FRAME_BODY, 1);
    peer_client_put(c, contact->body, PEER_BODY_BYTES);
    amqp_end(c, place);
}

/* Submissions are numbered from 1; a confirmation is of one, or of all up to one. */
static void rabbitmq_confirm(struct peer_client *c, struct amqp_frame *f)
{
    struct rabbitmq_state *r = c->state;
    uint64_t tag = amqp_take_number(f, 8), from = tag;
    uint32_t count = 0;

    if ((amqp_take_number(f, 1) & 1) != 0) {
        from = r->unconfirmed;
    }
    if (tag < r->unconfirmed || tag - r->unconfirmed >= RABBITMQ_CONFIRMS) {
        peer_client_fail(c, "a confirmation of number %llu", (unsigned long long)tag);
        return;
    }
    for (; from <= tag; from++) {
        uint8_t *confirmed = &r->confirmed[from % RABBITMQ_CONFIRMS];

        count += *confirmed == 0;
        *confirmed = 1;
    }
    for (; r->confirmed[r->unconfirmed % RABBITMQ_CONFIRMS] != 0; r->unconfirmed++) {
        r->confirmed[r->unconfirmed % RABBITMQ_CONFIRMS] = 0;
    }
    peer_client_answered(c, count);
}

static void rabbitmq_refused(struct peer_client *c, struct amqp_frame *f)
{
    uint64_t code = amqp_take_number(f, 2);
    struct text words = amqp_take_short_text(f);

    peer_client_fail(c, "RabbitMQ says %u " TEXT_FORMAT, (unsigned)code, TEXT_ARGS(words));
}

static bool rabbitmq_method(struct peer_client *c, struct amqp_frame *f)
{
    struct rabbitmq_state *r = c->state;

    switch (amqp_take_number(f, 4)) {
    case AMQP_BASIC_DELIVER:
        (void)amqp_take_short_text(f);
        r->delivery_tag = amqp_take_number(f, 8);
        break;
    case AMQP_BASIC_ACK:
        rabbitmq_confirm(c, f);
        break;
    case AMQP_CONNECTION_START:
        rabbitmq_start_ok(c);
        break;
    case AMQP_CONNECTION_TUNE:
        rabbitmq_tune_ok(c, f);
        break;
    case AMQP_CONNECTION_OPEN_OK:
        rabbitmq_channel_open(c);
        break;
    case AMQP_CHANNEL_OPEN_OK:
        rabbitmq_channel_opened(c);
        break;
    case AMQP_CONFIRM_SELECT_OK:
    case AMQP_QUEUE_DECLARE_OK:
    case AMQP_BASIC_QOS_OK:
    case AMQP_BASIC_CONSUME_OK:
        rabbitmq_arranged(c);
        break;
    case AMQP_CONNECTION_CLOSE:
    case AMQP_CHANNEL_CLOSE:
        rabbitmq_refused(c, f);
        break;
    default: /* a refused submission, too */
        return false;
    }
    return true;
}

static ssize_t rabbitmq_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct rabbitmq_state *r = c->state;
    struct amqp_frame frame;
    size_t taken = 0;
    ssize_t length;

    while ((length = amqp_frame_read(&frame, bytes + taken, size - taken)) > 0) {
        taken += (size_t)length;
        if (frame.type == AMQP_FRAME_METHOD && !rabbitmq_method(c, &frame)) {
            return -1;
        }
        /* 200 bytes are one frame. */
        if (frame.type == AMQP_FRAME_BODY) {
            peer_client_handed_out(
                c, (struct text){(const char *)frame.at, (uint32_t)(frame.end - frame.at)});
            r->to_acknowledge = r->delivery_tag;
            r->delivered++;
        }
    }
    return length < 0 ? -1 : (ssize_t)taken;
}

static void rabbitmq_turn(struct peer_client *c)
{
    struct rabbitmq_state *r = c->state;
    size_t place;

    if (r->delivered == 0) {
        return;
    }
    place = amqp_begin_method(c, AMQP_BASIC_ACK);
    amqp_put_number(c, r->to_acknowledge, 8);
    amqp_put_number(c, 1, 1); /* and all before it */
    amqp_end(c, place);
    peer_client_completed(c, r->delivered);
    r->delivered = 0;
}

#define RABBITMQ_ROW                                                                               \
    .program = "/usr/lib/rabbitmq/bin/rabbitmq-server", .package = "rabbitmq-server",              \
    .completed = "the acknowledgement is written: nothing answers it",                             \
    .carried_bytes = PEER_BODY_BYTES, .state_bytes = sizeof(struct rabbitmq_state),                \
    .start = rabbitmq_start, .open = rabbitmq_open, .take = rabbitmq_take, .turn = rabbitmq_turn,  \
    .submit = rabbitmq_submit

const struct peer peer_rabbitmq_classic = {
    .name = "rabbitmq-classic",
    .memory = "transient messages in classic queues, publisher confirms",
    .durable = "persistent messages in durable classic queues, publisher confirms",
    .lacks = "window below 16, " PEER_NO_ROUTING,
    RABBITMQ_ROW,
};

const struct peer peer_rabbitmq_quorum = {
    .name = "rabbitmq-quorum",
    .memory = NULL,
    .durable = "quorum queues of one node, publisher confirms",
    .lacks = "priorities, window below 16, " PEER_NO_ROUTING,
    RABBITMQ_ROW,
};
