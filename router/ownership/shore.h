/* What one reactor has at one primary: a desk to append by, a reader to follow by, and the book of
 * leases, each on a connection of its own; and what is shown to others.
 *
 * Where one Redis or the Sentinels' primary serves everything, a reactor has one shore; in a
 * Cluster it has one for each workspace, because slots move.
 *
 * Belongs to its keeper and its thread. */
#ifndef ROUTER_OWNERSHIP_SHORE_H
#define ROUTER_OWNERSHIP_SHORE_H

#include "router/ownership/lease.h"
#include "router/ownership/outage.h"
#include "router/ownership/presence.h"
#include "router/stream/stream_desk.h"
#include "router/stream/stream_reader.h"

struct keeper;

struct shore {
    struct list_node in_keeper;
    struct keeper *keeper;
    struct text tag; /* owned; in a Cluster: a key whose primary it is */
    struct stream_desk *desk;
    struct stream_reader *reader;
    struct lease_book *leases;
    struct presence *presence;
    char run_id[REDIS_ID_BYTES]; /* of the primary that the desk last reached */
    bool refused;                /* what the desk reached is not to be trusted with data */
    boot_ms refused_at;
    char unsafe[REDIS_PROBLEM_BYTES]; /* and why */
    struct outage outage;
    engine_time redis_time; /* what the primary's wall clock said, */
    boot_ms redis_time_at;  /* and when; 0: never */
};

struct shore_options {
    struct redis_locator *locator;
    struct text tag;
    uint32_t replicas;
    bool accept_loss;
    struct lease_options lease;
};

struct shore *shore_create(struct keeper *k, const struct shore_options *o);
/* No ownership uses it any more. */
void shore_destroy(struct shore *s);

/* By how much this machine's wall clock is ahead of the primary's, milliseconds; 0 while that is
 * not known. */
duration_ms shore_clock_ahead(const struct shore *s, boot_ms now);

/* Look again at a primary that was refused, and see whether anything is wrong. */
void shore_look_again(struct shore *s, boot_ms now);

#endif
