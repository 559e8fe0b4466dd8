/* A workspace's queues and agents, put onto the pages of presence.h while this node owns it.
 *
 * What stands there is counted anew about once a second, a few rows at a time between turns of the
 * loop. Belongs to a keeper and its thread. */
#ifndef ROUTER_OWNERSHIP_FIGURES_H
#define ROUTER_OWNERSHIP_FIGURES_H

#include "router/ownership/presence.h"
#include "router/workspace.h"

struct figures {
    struct presence_board board;
    struct presence *presence; /* NULL: nothing is shown */
    struct workspace *workspace;
    struct clock *clock;
    uint64_t agents;  /* on the last walk, */
    uint64_t counted; /* and on this one so far */
};

/* Show them, or (`ours` false) do not; it may be said again and again. */
void figures_look(struct figures *f, struct presence *p, struct workspace *w, struct clock *c,
                  bool ours);
/* Before the presence goes. */
void figures_hide(struct figures *f);

#endif
