/* `switchboard-server --check ADDRESS`: does that server serve?
 *
 * Connects, says hello as a supervisor, and pings: what a health check of a container or a load
 * balancer runs. Blocks for five seconds at most. */
#ifndef ROUTER_CHECK_CLIENT_H
#define ROUTER_CHECK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* False: `problem` says why not. */
bool check_client_run(const char *address, const char *workspace, char *problem, size_t size);

#endif
