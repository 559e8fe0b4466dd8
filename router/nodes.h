/* What admins ask of nodes: who there is and what each owns, and to hand over or take over.
 *
 * It is the node that answers, whoever owns a workspace, on the reactor that has the connection: of
 * workspaces of other reactors it reads what their owners report at their doors, and leaves its
 * wishes there. A wish has been accepted when it is answered, and comes true a moment later, which
 * node.list shows.
 *
 * Thread: the reactor's. */
#ifndef ROUTER_NODES_H
#define ROUTER_NODES_H

#include "proto/request.h"
#include "proto/response.h"
#include "router/engine_host.h"
#include "router/ownership/keeper.h"

/* Write the whole answer to a request of node.*: a result or an error. `keeper` is this reactor's;
 * NULL: no node shares the journal. */
void nodes_answer(struct packer *p, const struct engine_host *host, struct keeper *keeper,
                  const struct request *r);

#endif
