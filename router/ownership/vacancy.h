/* Questions about a workspace that this node follows: whether anybody serves it, and whether this
 * node is the one that should. They change nothing; ownership_consider acts on the answers, in the
 * order of the nodes that want it (keeper_rank).
 *
 * Times are the boot clock's, milliseconds. Belong to the keeper's thread. */
#ifndef ROUTER_OWNERSHIP_VACANCY_H
#define ROUTER_OWNERSHIP_VACANCY_H

#include "router/ownership/ownership.h"

/* Why nobody serves it, in words for the log; NULL: somebody does, or may. */
const char *vacancy_of(const struct ownership *o, boot_ms now);

/* It is left to somebody else: who was there before us may know more of its stream. */
bool vacancy_is_for_elders(const struct ownership *o, boot_ms now);

/* False, and logged once: nobody's clock was seen to run, and this machine's is set wrong. */
bool vacancy_knows_the_time(const struct ownership *o, boot_ms now);

/* What its owner's clock would say by now; 0 when we did not see it run. */
engine_time vacancy_resumed_time(const struct ownership *o);

#endif
