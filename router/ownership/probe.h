/* Is the process behind an address dead? A connection to it is kept open, and idle. When it ends
 * another one is opened at once, and only a machine that refuses that one proves anything: it is
 * there, and nobody listens. What is silent, unreachable, reset or unknown may be a broken network,
 * and proves nothing.
 *
 *     looking up -> connecting -> stands
 *         ^             |            |
 *         +-- waiting <-+------------+
 *
 * `refused` comes once, and again only after a connection stood. A server cuts connections that say
 * nothing; that is no more than a reason to open the next.
 *
 * No callback comes from inside a call; the probe may be closed in them. Belongs to its loop, and
 * its thread. */
#ifndef ROUTER_OWNERSHIP_PROBE_H
#define ROUTER_OWNERSHIP_PROBE_H

#include <uv.h>

#include "queue/base/text.h"

struct probe_events {
    void *context;
    void (*refused)(void *context);
    void (*stands)(void *context); /* a connection was taken. May be NULL */
};

struct probe;

/* `address` is tcp://HOST:PORT or unix://PATH, and copied. NULL: it is neither. */
struct probe *probe_open(uv_loop_t *loop, struct text address, const struct probe_events *events);
/* No callback comes any more. It frees itself some time later, for which the loop must run. */
void probe_close(struct probe *p);

#endif
