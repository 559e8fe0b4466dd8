/* What the files of the client share; nobody else includes this. */
#ifndef PROTO_CLIENT_INSIDE_H
#define PROTO_CLIENT_INSIDE_H

#include "proto/client.h"

/* Before hello has told better. */
#define CLIENT_IN_FLIGHT   1024
#define CLIENT_FRAME_BYTES 1048576

static inline struct client_line *client_main(struct client *c)
{
    return &c->lines[c->main];
}

static inline struct client_line *client_other(struct client *c)
{
    return &c->lines[1 - c->main];
}

/* ---- client.c ---- */

/* Takes a record out of its list, answers it and gives it back. */
void client_answer(struct client *c, struct client_request *r,
                   const struct switchboard_answer *answer);

/* What waits goes out as far as the server's limit of requests in flight allows. */
void client_send_waiting(struct client *c, int64_t now);

/* What was to be tried again later need not wait any longer. */
void client_hurry(struct client *c);

/* "clients keep the highest epoch seen and drop what carries a lower one": false for that. */
bool client_note_epoch(struct client *c, struct text map);

/* Text out of a map into the client's room for addresses; "" when there is none. */
const char *client_read_address(struct client *c, struct text map);

/* ---- client_session.c ---- */

/* How long an attempt that begins now may take, hello included. */
int64_t client_session_until(const struct client *c, int64_t now);

void client_session_hello(struct client *c, struct client_line *l, bool standby, int64_t now);
void client_session_greeted(struct client *c, const struct switchboard_answer *answer, int64_t now);
void client_session_signed_in(struct client *c, const struct switchboard_answer *answer,
                              int64_t now);
void client_session_lost(struct client *c, int64_t now);

/* A server says that another node is the owner ("": some other one). Goes there. */
void client_session_follow(struct client *c, enum client_hop why, const char *address, int64_t now);

/* The owner is at `address` now: by the standby session if there is one, else by a new connection.
 */
void client_session_moved(struct client *c, const char *address, int64_t now);

#endif
