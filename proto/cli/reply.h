/* What became of a call, kept after its callback: a result, or an error and the exit status it
 * means. */
#ifndef PROTO_CLI_REPLY_H
#define PROTO_CLI_REPLY_H

#include "proto/include/switchboard/client.h"
#include "proto/packer.h"

struct reply {
    int status;         /* CLI_DONE, or the exit status of the error */
    struct packer body; /* MessagePack: the result, or the error's map; own failures have a
                           `message` and no `code` */
};

void reply_take(struct reply *r, const struct switchboard_answer *answer);

/* Nothing came within `ms`. */
void reply_late(struct reply *r, const char *server, int64_t ms);

void reply_close(struct reply *r);
struct text reply_map(const struct reply *r); /* valid until the reply is taken again or closed */

/* Say on standard error what went wrong with `about`; returns the status. */
int reply_complain(const struct reply *r, const char *about);

/* The error in one line without control characters, for a terminal. Terminated. */
void reply_words(const struct reply *r, char *out, size_t size);

#endif
