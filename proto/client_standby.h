/* The client's second, silent session, at another node than its main one. Private to the client.
 *
 * It is opened once the main session stands, at the first of the known addresses that leads to
 * another node, and is pinged like any session. All that it is for is to hear `moved`. A standby
 * session that hears that its own node is the owner now becomes the main session: hello is said
 * once more, on the connection that is there, which takes one round trip instead of two and no
 * place in a listener's queue. Where it hears another address the main line goes there.
 *
 * While there is none, the main line pings each heartbeat, however busy it is, because the answer
 * names the nodes that there are now: a client that met a lone node finds its standby when one has
 * joined.
 *
 * It never hurries: its attempts come after the main line's and pause like those of a failure. A
 * node that refuses standby sessions, and an address that turns out to be the main node's under
 * another name, is not asked again until the next main session. */
#ifndef PROTO_CLIENT_STANDBY_H
#define PROTO_CLIENT_STANDBY_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/base/text.h"

struct client;
struct switchboard_answer;

struct client_standby {
    char *address;     /* where it is or goes; NULL: nowhere */
    uint32_t at;       /* its place among the known addresses */
    uint32_t failures; /* in a row */
    uint32_t refused;  /* addresses that take no standby session, since the main session began */
};

void client_standby_close(struct client_standby *s);

/* A main session stands: keep the standby session that there is, if it is elsewhere, or look for
 * one. */
void client_standby_seek(struct client *c, int64_t now);

/* A ping of the main line was answered: nodes may have come that hello did not name. */
void client_standby_told(struct client *c, struct text pong, int64_t now);

/* What happened on the other line: hello was answered, something was notified, it ended. */
void client_standby_answered(struct client *c, const struct switchboard_answer *answer,
                             int64_t now);
void client_standby_notified(struct client *c, struct text name, struct text params, int64_t now);
void client_standby_disconnected(struct client *c, int64_t now);

/* A standby session stands at that address. */
bool client_standby_is_at(const struct client *c, const char *address);

#endif
