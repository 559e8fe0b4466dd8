/* Switchboard itself: agents that accept each offer; agents that accept automatically; connectors
 * that hear of every change; contacts whose queue is found by what they say; and a journal in
 * Redis. And the floor (floor.h), which speaks the same protocol. */
#include "bench/peer_switchboard.h"

#include <stdio.h>

#include "bench/lane.h"
#include "bench/peer_redis.h"

#define SWITCHBOARD_FORMS      (PEER_QUEUES * PEER_PRIORITIES)
#define SWITCHBOARD_FORM_BYTES 192u
#define SWITCHBOARD_NUMBER_AT  3u /* of a request in its frame: behind 94 00 ce */
#define SWITCHBOARD_CUSTOMER   10u
#define SWITCHBOARD_PHRASE_AT  64u /* in the text */

/* A submission up to its text, for one queue and tier. */
struct switchboard_form {
    uint8_t bytes[SWITCHBOARD_FORM_BYTES];
    uint32_t size, id_at, customer_at;
};

struct switchboard_state {
    struct switchboard_form forms[SWITCHBOARD_FORMS]; /* of producers */
    uint32_t number;                                  /* of the last request */
};

/* Opening. */

/* A text whose queue is found by its words names none. */
static void switchboard_form_init(struct switchboard_form *f, uint32_t queue, uint32_t priority,
                                  bool named)
{
    static const char *const tiers[PEER_PRIORITIES] = {"vip", "gold", "standard"};
    char id[FRAMES_ID_BYTES], queue_name[8];
    struct packer p = {0};

    frames_id_write(id, 0, 0, 0);
    frames_head(&p, 0, "contact.submit");
    packer_map(&p, named ? 5 : 4);
    packer_literal(&p, "id");
    f->id_at = (uint32_t)p.size + 1;
    packer_text_of(&p, id, sizeof(id));
    switchboard_pair(&p, "channel", "email");
    packer_literal(&p, "customer");
    packer_map(&p, 2);
    packer_literal(&p, "id");
    f->customer_at = (uint32_t)p.size + 1;
    packer_text_of(&p, id, SWITCHBOARD_CUSTOMER);
    switchboard_pair(&p, "tier", tiers[priority]);
    if (named) {
        snprintf(queue_name, sizeof(queue_name), "q%u", queue);
        switchboard_pair(&p, "queue", queue_name);
    }
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
            switchboard_form_init(&b->forms[i], i / PEER_PRIORITIES, i % PEER_PRIORITIES,
                                  c->peer != &peer_switchboard_text);
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

/* One of the phrases of its queue, with spaces around. */
static void switchboard_put_phrase(char *to, const struct peer_contact *contact)
{
    uint32_t share = SWITCHBOARD_PHRASES / PEER_QUEUES;
    char phrase[SWITCHBOARD_PHRASE_BYTES];

    switchboard_phrase(phrase, contact->queue,
                       contact->queue + PEER_QUEUES * (contact->slot % share));
    *to++ = ' ';
    memcpy(to, phrase, strlen(phrase));
    to[strlen(phrase)] = ' ';
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
    if (c->peer == &peer_switchboard_text) {
        switchboard_put_phrase((char *)to + form->size + SWITCHBOARD_PHRASE_AT, contact);
    }
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
    .carried_bytes = PEER_BODY_BYTES + FRAMES_ID_BYTES + SWITCHBOARD_CUSTOMER,                     \
    .state_bytes = sizeof(struct switchboard_state), .open = switchboard_open,                     \
    .take = switchboard_take, .submit = switchboard_submit

#define SWITCHBOARD_SERVER                                                                         \
    .program = "switchboard-server", .memory = "--journal memory",                                 \
    .durable = "--journal file:DIR, one fdatasync a turn", SWITCHBOARD_ROW

const struct peer peer_switchboard = {
    .name = "switchboard",
    .lacks = "",
    .start = switchboard_start,
    SWITCHBOARD_SERVER,
};

const struct peer peer_switchboard_auto = {
    .name = "switchboard-auto",
    .lacks = "offer to be accepted",
    .start = switchboard_start,
    SWITCHBOARD_SERVER,
};

/* Facts go to a stream in Redis, from where another router could go on. */
const struct peer peer_switchboard_redis = {
    .name = "switchboard-redis",
    .program = "switchboard-server",
    .memory = NULL,
    .durable = "--journal redis://, in turn the Redis with " REDIS_DURABLE,
    .lacks = "",
    .start = switchboard_start_redis,
    SWITCHBOARD_ROW,
};

/* Connectors hear of every change. */
const struct peer peer_switchboard_all = {
    .name = "switchboard-all",
    .lacks = "",
    .start = switchboard_start,
    SWITCHBOARD_SERVER,
};

/* The queue is found by one of 1,000 phrases. */
const struct peer peer_switchboard_text = {
    .name = "switchboard-text",
    .lacks = "",
    .start = switchboard_start_phrases,
    SWITCHBOARD_SERVER,
};

const struct peer peer_floor = {
    .name = "floor",
    .program = "switchboard-bench",
    .memory = "a router that routes nothing",
    .durable = NULL,
    .lacks = "queues, priorities, skills, capacity by channel, checks, clocks, statistics",
    .start = switchboard_start_floor,
    SWITCHBOARD_ROW,
};
