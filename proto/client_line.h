/* One connection of a client: what came, what is to be sent, whether it lives. Private to the
 * client.
 *
 * A client has two of them, and either may be the main one: when the standby session's node becomes
 * the owner, its line is the main line from then on. What a line is for, client.c says. */
#ifndef PROTO_CLIENT_LINE_H
#define PROTO_CLIENT_LINE_H

#include "proto/frame.h"
#include "proto/packer.h"
#include "queue/base/text.h"

#define CLIENT_NEVER INT64_MAX

enum client_state {
    CLIENT_APART,    /* no connection; one is wanted from `connect_at` on */
    CLIENT_REACHING, /* the hands are connecting */
    CLIENT_GREETING, /* hello is under way */
    CLIENT_READY,
    CLIENT_REJECTED, /* hello was refused for good */
};

/* Numbers of the requests that are the client's own. */
enum client_own {
    CLIENT_MSGID_HELLO = 1,
    CLIENT_MSGID_PING,
    CLIENT_MSGID_SIGN_IN,
    CLIENT_MSGID_GOODBYE,
};

struct client_input {
    uint8_t *bytes;
    size_t start; /* of the frame being received */
    size_t size;
    size_t capacity;
    struct frame_scan scan;
};

struct client_line {
    enum client_state state;
    bool wants_close; /* the hands must end this connection */
    bool deaf;        /* and whatever still comes of it is not looked at */
    bool left;        /* for another one, and will be ended when that stands */
    bool curious;     /* what the answer to a ping says is wanted each heartbeat */
    int64_t connect_at;
    int64_t reach_until; /* of an attempt, hello included */
    int64_t ready_at;
    int64_t sent_at;
    int64_t received_at;
    int64_t pinged_at;
    int64_t heartbeat_ms;
    char node[128]; /* the name of the node at the other end; "" before hello is answered */
    struct packer output;
    struct client_input input;
};

void client_line_init(struct client_line *l, int64_t connect_at);
void client_line_close(struct client_line *l);

void client_line_reach(struct client_line *l, int64_t until);
void client_line_connected(struct client_line *l, int64_t now);
void client_line_disconnected(struct client_line *l, int64_t connect_at);

/* End the connection, and hear nothing more from it. */
void client_line_drop(struct client_line *l);

/* Hear nothing more from it; it is dropped when there is time. */
void client_line_leave(struct client_line *l);

/* Where to receive, at least one byte; then say how many came. */
uint8_t *client_line_room(struct client_line *l, size_t *room);
void client_line_received(struct client_line *l, size_t size, int64_t now);

/* The next whole frame: FRAME_DONE, or FRAME_MORE, or why there can be none. It stays where it is
 * until client_line_took. */
static inline enum frame_status
client_line_frame(struct client_line *l, const struct frame_limits *limits, struct text *frame)
{
    struct client_input *in = &l->input;
    const uint8_t *at = in->bytes + in->start;
    enum frame_status status = frame_scan(&in->scan, at, in->size - in->start, limits);

    *frame = (struct text){(const char *)at, (uint32_t)in->scan.position};
    return status;
}

static inline void client_line_took(struct client_line *l)
{
    l->input.start += l->input.scan.position;
    frame_scan_init(&l->input.scan);
}

/* A request of the client's own, without parameters. */
void client_line_say(struct client_line *l, enum client_own msgid, struct text method, int64_t now);

/* What the answer to hello says about the connection: heartbeat and node. */
void client_line_greeted(struct client_line *l, struct text answer);

/* When client_line_tick wants to be called. It pings, and drops a connection on which nothing
 * comes. */
int64_t client_line_next_tick(const struct client_line *l);
void client_line_tick(struct client_line *l, int64_t now);

#endif
