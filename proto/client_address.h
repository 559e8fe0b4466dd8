/* Addresses of servers, as URLs. Private to the client. */
#ifndef PROTO_CLIENT_ADDRESS_H
#define PROTO_CLIENT_ADDRESS_H

#include <stdbool.h>

#include "queue/base/text.h"

struct client_address {
    bool local;     /* a Unix socket */
    char host[256]; /* or the path */
    char port[8];
};

/* tcp://HOST:PORT, tcp://[V6]:PORT, unix://PATH. False for anything else; `out` may be NULL. */
bool client_address_read(const char *url, struct client_address *out);

/* The first of several that are separated by commas, taken off `list`; TEXT_NONE at the end. A
 * comma separates where a scheme follows, so that a path may have commas. */
struct text client_address_next(struct text *list);

#endif
