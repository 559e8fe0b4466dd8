/* Lists of a workspace: queues, agents, contacts, figures. */
#ifndef PROTO_CLI_LISTS_H
#define PROTO_CLI_LISTS_H

#include "proto/cli/link.h"
#include "proto/cli/table.h"

struct lists_kind; /* what is listed: method, key, columns */

extern const struct lists_kind lists_kind_queues;

/* Which rows. */
struct lists_wanted {
    const char *const *filters; /* pairs of key and text, ended by NULL */
    int64_t since_at;           /* 0: nothing said */
};

/* Ask for a whole list, page by page, into a table that this initializes; it is to be closed either
 * way. CLI_DONE, or the status of `reply`. */
int lists_fetch(struct link *l, const struct lists_kind *kind, const struct lists_wanted *wanted,
                struct table *table, struct reply *reply);

#endif
