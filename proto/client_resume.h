/* A connector's contacts, asked for page by page after each hello and handed over row by row.
 * Private to the client.
 *
 * "Nothing is kept for a connector that is away: after `hello` it asks `contact.mine`." Those that
 * ended while there was no session are asked for, too. A session that is lost in the middle is
 * followed by another reading from the beginning, as what was read before may have changed since.
 *
 * The server's clock is known from hello; what ended is asked for from a minute before the session
 * was lost, because two nodes' clocks differ. */
#ifndef PROTO_CLIENT_RESUME_H
#define PROTO_CLIENT_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/base/text.h"

struct client;
struct client_request;

struct client_resume {
    struct client_request *call; /* the page that is asked for, or NULL */
    bool known;                  /* there was a session before */
    bool whole;                  /* the present session's reading has come to its end */
    int64_t ahead_ms;            /* the server's clock against ours */
    int64_t since_at;            /* what ended since then has not been told; the server's clock */
    int64_t asked_since_at;      /* what this reading asks for; 0: only for those that live */
};

/* Hello was answered. The first page goes before all other calls. */
void client_resume_begin(struct client *c, struct text hello, int64_t now);

/* The session ended; `heard_at`: when the last of it was received. */
void client_resume_lost(struct client *c, int64_t heard_at);

#endif
