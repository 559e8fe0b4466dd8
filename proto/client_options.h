/* The options of a client with their defaults filled in and their strings copied. Private to the
 * client. */
#ifndef PROTO_CLIENT_OPTIONS_H
#define PROTO_CLIENT_OPTIONS_H

#include "proto/include/switchboard/client.h"

void client_options_take(struct switchboard_options *o, const struct switchboard_options *given);
void client_options_close(struct switchboard_options *o);

#endif
