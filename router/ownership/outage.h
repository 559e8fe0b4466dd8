/* Since when something that we depend on is there, or is away, and why.
 *
 * It is looked at every few milliseconds; what has been away for a second is logged, once, and so
 * is its return, with how long it took. Both are limited for the whole process. */
#ifndef ROUTER_OWNERSHIP_OUTAGE_H
#define ROUTER_OWNERSHIP_OUTAGE_H

#include "router/clock.h"

#define OUTAGE_SAY_MS        1000
#define OUTAGE_PROBLEM_BYTES 256

struct outage {
    bool away;
    bool said;
    boot_ms changed_at; /* when it went away, or came back; 0: never looked at */
    char problem[OUTAGE_PROBLEM_BYTES];
};

/* `problem` is "" when it is there. `of` is the workspace that it is for; none: all of them. */
void outage_look(struct outage *o, const char *problem, struct text of, boot_ms now);

#endif
