/* The last error of the server, as terminated strings that live in the client. Private to the
 * client. */
#ifndef PROTO_CLIENT_ERROR_H
#define PROTO_CLIENT_ERROR_H

#include "proto/error_table.h"
#include "proto/include/switchboard/client.h"
#include "queue/base/text.h"

struct client_error {
    char code[32];
    char message[256];
    char field[64];
    char state[32];
    char reason[512];
    char address[256];
    struct switchboard_error said; /* points to the above */
};

/* From an error map; whatever is missing or too long is empty or cut. */
void client_error_read(struct client_error *e, struct text map);

/* An error of our own, in the clothes of the server's. */
void client_error_make(struct client_error *e, const char *code, const char *message);

/* ERROR_NONE for a code of a later version. */
enum error_code client_error_code(const struct client_error *e);

#endif
