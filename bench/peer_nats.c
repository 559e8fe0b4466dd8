/* NATS JetStream: one work-queue stream, a subject for each queue and priority, and one durable
 * pull consumer that all workers fetch from in batches.
 *
 * Lines of text; a message's bytes follow its line. Nothing answers an acknowledgement, so a
 * contact is completed when that is written. */
#include "bench/peers.h"

#include <stdio.h>

struct nats_state {
    uint32_t arranging;   /* answers of JetStream that are missing before the first one is ready */
    uint32_t outstanding; /* messages that were asked for and have not come */
    bool greeted;         /* PONG has come */
};

static bool nats_start(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], port[8];
    char *arguments[] = {path, "--addr",   "127.0.0.1", "--port",
                         port, "--config", "nats.conf", NULL};

    snprintf(port, sizeof(port), "%u", s->port);
    return peer_server_write(s, "nats.conf", "jetstream { store_dir: \"store\" }\n") &&
           peer_server_find("nats-server", path) && peer_server_run(s, arguments, NULL) &&
           peer_server_await(s, s->port, 10, interrupted);
}

/* What a client is answered at: its own inbox. */
static void nats_inbox(struct peer_client *c, char inbox[24])
{
    snprintf(inbox, 24, "_INBOX.%c%u", c->consumer ? 'c' : 'p', c->number);
}

/* A request to JetStream with a body in JSON. */
static void nats_request(struct peer_client *c, const char *subject, const char *json)
{
    char inbox[24];

    nats_inbox(c, inbox);
    peer_client_print(c, "PUB $JS.API.%s %s %zu\r\n%s\r\n", subject, inbox, strlen(json), json);
}

static void nats_open(struct peer_client *c)
{
    char inbox[24];

    nats_inbox(c, inbox);
    peer_client_print(c,
                      "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,"
                      "\"no_responders\":true}\r\nSUB %s 1\r\nPING\r\n",
                      inbox);
}

/* The first producer makes the stream and its consumer. */
static void nats_greeted(struct peer_client *c)
{
    struct nats_state *n = c->state;
    char stream[256];

    n->greeted = true;
    if (c->consumer || c->number != 0) {
        peer_client_ready(c);
        return;
    }
    snprintf(stream, sizeof(stream),
             "{\"name\":\"work\",\"subjects\":[\"q.>\"],\"retention\":\"workqueue\","
             "\"storage\":\"%s\",\"num_replicas\":1,\"max_msgs\":-1,\"max_bytes\":-1,"
             "\"max_consumers\":-1,\"discard\":\"new\",\"max_age\":0,\"duplicate_window\":0}",
             c->server->durable ? "file" : "memory");
    nats_request(c, "STREAM.CREATE.work", stream);
    nats_request(c, "CONSUMER.DURABLE.CREATE.work.all",
                 "{\"stream_name\":\"work\",\"config\":{\"durable_name\":\"all\","
                 "\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\","
                 "\"ack_wait\":120000000000,\"max_ack_pending\":1000000,"
                 "\"replay_policy\":\"instant\",\"max_waiting\":4096}}");
    n->arranging = 2;
}

static void nats_submit(struct peer_client *c, const struct peer_contact *contact)
{
    peer_client_print(c, "PUB q.%u.%u _INBOX.p%u %u\r\n", contact->queue, contact->priority,
                      c->number, PEER_BODY_BYTES);
    peer_client_put(c, contact->body, PEER_BODY_BYTES);
    peer_client_put_literal(c, "\r\n");
}

/* A message to a producer: an answer of JetStream. */
static void nats_answer(struct peer_client *c, struct text body)
{
    struct nats_state *n = c->state;

    if (memmem(body.bytes, body.length, "\"error\"", 7) != NULL) {
        peer_client_fail(c, "JetStream says %.100s", body.bytes);
    } else if (n->arranging > 0) {
        if (--n->arranging == 0) {
            peer_client_ready(c);
        }
    } else {
        peer_client_answered(c, 1);
    }
}

/* MSG subject sid [reply] size: the words of the line from the end. */
static bool nats_message_line(struct text line, struct text *reply, size_t *size)
{
    const char *last = memrchr(line.bytes, ' ', line.length);
    const char *before =
        last == NULL ? NULL : memrchr(line.bytes, ' ', (size_t)(last - line.bytes));

    if (before == NULL) {
        return false;
    }
    *size = peer_client_last_number(line);
    *reply = (struct text){before + 1, (uint32_t)(last - before) - 1};
    return true;
}

static void nats_delivered(struct peer_client *c, struct text reply, struct text body)
{
    struct nats_state *n = c->state;

    n->outstanding -= n->outstanding > 0;
    peer_client_handed_out(c, body);
    peer_client_put_literal(c, "PUB ");
    peer_client_put(c, reply.bytes, reply.length);
    peer_client_put_literal(c, " 0\r\n\r\n"); /* no bytes mean +ACK */
    peer_client_completed(c, 1);
}

static ssize_t nats_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct nats_state *n = c->state;
    size_t taken = 0, length, body;
    struct text line, reply;

    while ((length = peer_client_line(&line, bytes + taken, size - taken)) > 0) {
        if (peer_client_begins(line, "MSG ")) {
            if (!nats_message_line(line, &reply, &body)) {
                return -1;
            }
            if (size - taken < length + body + 2) {
                break;
            }
            if (c->consumer) {
                nats_delivered(c, reply, (struct text){line.bytes + length, (uint32_t)body});
            } else {
                nats_answer(c, (struct text){line.bytes + length, (uint32_t)body});
            }
            length += body + 2;
        } else if (peer_client_begins(line, "PING")) {
            peer_client_put_literal(c, "PONG\r\n");
        } else if (peer_client_begins(line, "PONG")) {
            if (!n->greeted) {
                nats_greeted(c);
            }
        } else if (!peer_client_begins(line, "INFO ")) {
            peer_client_fail(c, "NATS says " TEXT_FORMAT, TEXT_ARGS(line));
        }
        taken += length;
    }
    return (ssize_t)taken;
}

/* Fetch more when half of the window has come. */
static void nats_turn(struct peer_client *c)
{
    struct nats_state *n = c->state;
    char batch[32];

    if (n->outstanding > c->window / 2) {
        return;
    }
    snprintf(batch, sizeof(batch), "{\"batch\":%u}", c->window - n->outstanding);
    n->outstanding = c->window;
    nats_request(c, "CONSUMER.MSG.NEXT.work.all", batch);
}

const struct peer peer_nats = {
    .name = "nats-jetstream",
    .program = "nats-server",
    .package = "nats-server",
    .memory = "storage memory, work queue, explicit acknowledgement",
    .durable = "storage file: acknowledged before it is synced, which this version does every two "
               "minutes",
    .completed = "the acknowledgement is written: nothing answers it",
    .lacks = "priorities, " PEER_NO_ROUTING,
    .carried_bytes = PEER_BODY_BYTES,
    .state_bytes = sizeof(struct nats_state),
    .start = nats_start,
    .open = nats_open,
    .take = nats_take,
    .turn = nats_turn,
    .submit = nats_submit,
};
