/* Which node should have a workspace: rendezvous hashing. Every node scores the same for the same
 * pair of names, so all agree without a word; when a node comes or goes, only the workspaces that
 * it gets or had move.
 *
 * Pure; any thread. The order is part of what nodes of different versions agree on: it never
 * changes. */
#ifndef ROUTER_OWNERSHIP_SPREAD_H
#define ROUTER_OWNERSHIP_SPREAD_H

#include "queue/base/text.h"

/* How much this node wants that workspace. */
uint64_t spread_score(struct text workspace, struct text node);

/* The places of `nodes` in the order in which they should have the workspace: the highest score
 * first, then the lesser name. `order` has room for `count`. */
void spread_rank(struct text workspace, const struct text *nodes, uint32_t count, uint32_t *order);

#endif
