/* `switchboard-server --check ADDRESS`: does that server serve?
 *
 * Connects, says hello as a supervisor, and pings: what a health check of a container or a load
 * balancer runs. Blocks for five seconds at most, and where it does not serve some more: then it is
 * asked whether its journal is away, and since when. */
#ifndef ROUTER_CHECK_CLIENT_H
#define ROUTER_CHECK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* False: `problem` says why not. True also of a node that is in order and stands by, because
 * another one owns the workspace: `problem` says that; else it is "". */
bool check_client_run(const char *address, const char *workspace, char *problem, size_t size);

#endif
