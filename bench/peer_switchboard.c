/* Switchboard itself, in three rows: agents that accept each offer, agents that accept
 * automatically, and connectors that hear of every change. And the floor (floor.h), which speaks
 * the same protocol. */
#include "bench/peers.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lane.h"
#include "queue/base/memory.h"

#define SWITCHBOARD_FORMS      (PEER_QUEUES * PEER_PRIORITIES)
#define SWITCHBOARD_FORM_BYTES 192u
#define SWITCHBOARD_NUMBER_AT  3u /* of a request in its frame: behind 94 00 ce */
#define SWITCHBOARD_CUSTOMER   10u
#define SWITCHBOARD_ADMIN_MS   5000

/* A submission up to its text, for one queue and tier. */
struct switchboard_form {
    uint8_t bytes[SWITCHBOARD_FORM_BYTES];
    uint32_t size, id_at, customer_at;
};

struct switchboard_state {
    struct switchboard_form forms[SWITCHBOARD_FORMS]; /* of producers */
    uint32_t number;                                  /* of the last request */
};

/* Configuration: 16 queues, 3 tiers, and a channel of which an agent takes its window. */

static const char *const switchboard_tiers[PEER_PRIORITIES] = {"vip", "gold", "standard"};

static bool switchboard_configure(struct peer_server *s)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool written;

    fprintf(out, "workspaces:\n"
                 "  default:\n"
                 "    contacts: 0\n"
                 "    tiers:\n"
                 "      - {name: vip, answer: 20s}\n"
                 "      - {name: gold, answer: 60s}\n"
                 "      - {name: standard, answer: 120s}\n"
                 "    channels:\n"
                 "      - {name: email, units: 1}\n"
                 "    queues:\n");
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        fprintf(out, "      - {name: q%u}\n", i);
    }
    written = fclose(out) == 0 && peer_server_write(s, "config.yaml", text);
    free(text);
    return written;
}

/* An admin puts the agents in place. One conversation before the run, so it may wait for answers.
 */

static void switchboard_pair(struct packer *p, const char *key, const char *value)
{
    packer_text(p, text_from(key));
    packer_text(p, text_from(value));
}

static void switchboard_hello(struct packer *p, const char *role, uint32_t more)
{
    frames_head(p, frames_msgid(PURPOSE_HELLO, 0), "hello");
    packer_map(p, 4 + more);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    switchboard_pair(p, "workspace", "default");
    switchboard_pair(p, "client", "switchboard-bench/" SWITCHBOARD_VERSION);
    switchboard_pair(p, "role", role);
}

static void switchboard_agent_put(struct packer *p, uint32_t number, uint32_t window)
{
    char name[16];

    snprintf(name, sizeof(name), "a%u", number);
    frames_head(p, frames_msgid(PURPOSE_PING, 0), "agent.put");
    packer_map(p, 3);
    switchboard_pair(p, "agent", name);
    switchboard_pair(p, "name", name);
    packer_literal(p, "capacity");
    packer_map(p, 2);
    packer_literal(p, "units");
    packer_uint(p, window);
    packer_literal(p, "max");
    packer_map(p, 1);
    packer_literal(p, "email");
    packer_uint(p, window);
}

static ssize_t switchboard_admin_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct lane_frame frame;
    size_t taken = 0;
    ssize_t length;

    while ((length = lane_frame_read(&frame, bytes + taken, size - taken)) > 0) {
        taken += (size_t)length;
        if (!text_is_none(frame.error)) {
            peer_client_fail(c, "an agent was refused: " TEXT_FORMAT, TEXT_ARGS(frame.words));
        }
        c->submitted++; /* of the admin: answers */
    }
    return length < 0 ? -1 : (ssize_t)taken;
}

static bool switchboard_make_agents(struct peer_server *s)
{
    static const struct peer admin = {.take = switchboard_admin_take};
    struct peer_client *c = memory_take(sizeof(*c));
    bool good;

    c->peer = &admin;
    switchboard_hello(&c->output, "admin", 0);
    for (uint32_t i = 0; i < s->consumers; i++) {
        switchboard_agent_put(&c->output, i, s->window);
    }
    good = peer_client_connect(c, s->port) && peer_client_flush(c);
    while (good && c->submitted < s->consumers + 1) {
        struct pollfd ready = {.fd = c->fd, .events = POLLIN};

        good = poll(&ready, 1, SWITCHBOARD_ADMIN_MS) == 1 && peer_client_read(c) &&
               peer_client_flush(c);
    }
    if (!good) {
        snprintf(s->failed, sizeof(s->failed), "agents could not be made: %s", c->failed);
    }
    peer_client_close(c);
    memory_give(c);
    return good;
}

static bool switchboard_start(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], address[40];
    char *arguments[] = {path,
                         "--config",
                         "config.yaml",
                         "--listen",
                         address,
                         "--journal",
                         s->durable ? "file:journal" : "memory",
                         NULL};

    snprintf(address, sizeof(address), "tcp://127.0.0.1:%u", s->port);
    return switchboard_configure(s) && peer_server_find("switchboard-server", path) &&
           peer_server_run(s, arguments, NULL) && peer_server_await(s, s->port, 10, interrupted) &&
           switchboard_make_agents(s);
}

/* The floor: a router that routes nothing (floor.h). */
static bool switchboard_start_floor(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], address[40];
    char *arguments[] = {path, "floor", "--serve", "--listen", address, NULL};

    snprintf(address, sizeof(address), "tcp://127.0.0.1:%u", s->port);
    return peer_server_find("switchboard-bench", path) && peer_server_run(s, arguments, NULL) &&
           peer_server_await(s, s->port, 10, interrupted) && switchboard_make_agents(s);
}

/* Opening. */

static void switchboard_form_init(struct switchboard_form *f, uint32_t queue, uint32_t priority)
{
    char id[FRAMES_ID_BYTES], queue_name[8];
    struct packer p = {0};

    frames_id_write(id, 0, 0, 0);
    frames_head(&p, 0, "contact.submit");
    packer_map(&p, 5);
    packer_literal(&p, "id");
    f->id_at = (uint32_t)p.size + 1;
    packer_text_of(&p, id, sizeof(id));
    switchboard_pair(&p, "channel", "email");
    packer_literal(&p, "customer");
    packer_map(&p, 2);
    packer_literal(&p, "id");
    f->customer_at = (uint32_t)p.size + 1;
    packer_text_of(&p, id, SWITCHBOARD_CUSTOMER);
    switchboard_pair(&p, "tier", switchboard_tiers[priority]);
    snprintf(queue_name, sizeof(queue_name), "q%u", queue);
    switchboard_pair(&p, "queue", queue_name);
    packer_literal(&p, "text");
    packer_byte(&p, 0xd9); /* a str of up to 255 bytes: its length, then the bytes */
    packer_byte(&p, PEER_BODY_BYTES);
    f->size = (uint32_t)p.size;
    memcpy(f->bytes, p.bytes, p.size < sizeof(f->bytes) ? p.size : sizeof(f->bytes));
    packer_close(&p);
}

static void switchboard_open(struct peer_client *c)
{
    struct switchboard_state *b = c->state;
    struct packer *p = &c->output;
    char name[16];

    switchboard_hello(p, c->consumer ? "agent" : "connector", c->consumer ? 0 : 2);
    if (!c->consumer) {
        snprintf(name, sizeof(name), "p%u", c->number);
        switchboard_pair(p, "name", name);
        switchboard_pair(p, "notify", c->peer == &peer_switchboard_all ? "all" : "none");
        for (uint32_t i = 0; i < SWITCHBOARD_FORMS; i++) {
            switchboard_form_init(&b->forms[i], i / PEER_PRIORITIES, i % PEER_PRIORITIES);
        }
        return;
    }
    snprintf(name, sizeof(name), "a%u", c->number);
    frames_head(p, frames_msgid(PURPOSE_SIGN_IN, 0), "agent.sign_in");
    packer_map(p, 3);
    switchboard_pair(p, "agent", name);
    switchboard_pair(p, "state", "available");
    packer_literal(p, "auto_accept");
    packer_bool(p, c->peer == &peer_switchboard_auto);
}

/* Traffic. */

static uint32_t switchboard_number(struct peer_client *c, enum request_purpose purpose)
{
    struct switchboard_state *b = c->state;

    b->number = (b->number + 1) & (FRAMES_SLOTS_MAX - 1);
    return frames_msgid(purpose, b->number);
}

static void switchboard_submit(struct peer_client *c, const struct peer_contact *contact)
{
    struct switchboard_state *b = c->state;
    const struct switchboard_form *form =
        &b->forms[contact->queue * PEER_PRIORITIES + contact->priority];
    uint32_t number = switchboard_number(c, PURPOSE_SUBMIT);
    uint8_t *to = packer_room(&c->output, form->size + PEER_BODY_BYTES);

    memcpy(to, form->bytes, form->size);
    for (unsigned i = 0; i < 4; i++) {
        to[SWITCHBOARD_NUMBER_AT + i] = (uint8_t)(number >> (24 - 8 * i));
    }
    memcpy(to + form->id_at, contact->body, FRAMES_ID_BYTES);
    /* The customer is the contact's slot: as many customers as contacts wait. */
    memcpy(to + form->customer_at, contact->body + 9, SWITCHBOARD_CUSTOMER);
    memcpy(to + form->size, contact->body, PEER_BODY_BYTES);
}

static void switchboard_request(struct peer_client *c, enum request_purpose purpose,
                                const char *method, const char *key, struct text value)
{
    struct packer *p = &c->output;

    frames_head(p, switchboard_number(c, purpose), method);
    packer_map(p, 1);
    packer_text(p, text_from(key));
    packer_text(p, value);
}

/* The text of a key in a map; absent when it is not there. */
static struct text switchboard_text_of(struct text map, struct text wanted)
{
    struct cursor at = cursor_over_text(map);
    struct text key, value;
    uint32_t pairs;

    if (!cursor_map(&at, &pairs)) {
        return TEXT_NONE;
    }
    for (; pairs > 0 && cursor_text(&at, &key); pairs--) {
        if (text_equal(key, wanted)) {
            return cursor_text(&at, &value) ? value : TEXT_NONE;
        }
        if (!cursor_skip(&at)) {
            break;
        }
    }
    return TEXT_NONE;
}

static void switchboard_complete(struct peer_client *c, struct text contact)
{
    switchboard_request(c, PURPOSE_COMPLETE, "contact.complete", "contact", contact);
}

static void switchboard_notice(struct peer_client *c, const struct lane_frame *frame)
{
    struct text contact;

    if (!c->consumer || !text_equal(frame->method, TEXT("offer"))) {
        return; /* what a connector hears of its contacts */
    }
    contact = switchboard_text_of(frame->map, TEXT("contact"));
    peer_client_handed_out(c, contact);
    if (c->peer == &peer_switchboard_auto) {
        switchboard_complete(c, contact);
    } else {
        switchboard_request(c, PURPOSE_ACCEPT, "offer.accept", "offer",
                            switchboard_text_of(frame->map, TEXT("offer")));
    }
}

static void switchboard_answer(struct peer_client *c, const struct lane_frame *frame)
{
    enum request_purpose purpose = frames_purpose(frame->msgid);

    if (!text_is_none(frame->error)) {
        peer_client_fail(c, "a request was refused: " TEXT_FORMAT ", " TEXT_FORMAT,
                         TEXT_ARGS(frame->error), TEXT_ARGS(frame->words));
    } else if (purpose == PURPOSE_SUBMIT) {
        peer_client_answered(c, 1);
    } else if (purpose == PURPOSE_ACCEPT) {
        switchboard_complete(c, switchboard_text_of(frame->map, TEXT("contact")));
    } else if (purpose == PURPOSE_COMPLETE) {
        peer_client_completed(c, 1);
    } else if (purpose == (c->consumer ? PURPOSE_SIGN_IN : PURPOSE_HELLO)) {
        peer_client_ready(c);
    }
}

static ssize_t switchboard_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct lane_frame frame;
    size_t taken = 0;

    while (taken < size) {
        ssize_t length = lane_frame_read(&frame, bytes + taken, size - taken);

        if (length < 0) {
            return -1;
        }
        if (length == 0) {
            break;
        }
        if (frame.notice) {
            switchboard_notice(c, &frame);
        } else {
            switchboard_answer(c, &frame);
        }
        taken += (size_t)length;
    }
    return (ssize_t)taken;
}

#define SWITCHBOARD_ROW                                                                            \
    .package = "", .completed = "the answer to contact.complete",                                  \
    .state_bytes = sizeof(struct switchboard_state), .open = switchboard_open,                     \
    .take = switchboard_take, .submit = switchboard_submit

#define SWITCHBOARD_SERVER                                                                         \
    .program = "switchboard-server", .memory = "--journal memory",                                 \
    .durable = "--journal file:DIR, one fdatasync a turn", .start = switchboard_start

const struct peer peer_switchboard = {
    .name = "switchboard", .lacks = "", SWITCHBOARD_SERVER, SWITCHBOARD_ROW};
const struct peer peer_switchboard_all = {
    .name = "switchboard-all", .lacks = "", SWITCHBOARD_SERVER, SWITCHBOARD_ROW};
const struct peer peer_switchboard_auto = {.name = "switchboard-auto",
                                           .lacks = "offer to be accepted",
                                           SWITCHBOARD_SERVER,
                                           SWITCHBOARD_ROW};
const struct peer peer_floor = {
    .name = "floor",
    .program = "switchboard-bench",
    .memory = "a router that routes nothing",
    .durable = NULL,
    .lacks = "queues, priorities, skills, capacity by channel, checks, clocks, statistics",
    .start = switchboard_start_floor,
    SWITCHBOARD_ROW,
};
