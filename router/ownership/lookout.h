/* Whose processes a keeper watches: one probe for each address, for however many workspaces the
 * node there owns.
 *
 * Belongs to a keeper and its thread. */
#ifndef ROUTER_OWNERSHIP_LOOKOUT_H
#define ROUTER_OWNERSHIP_LOOKOUT_H

#include "queue/base/list.h"
#include "router/ownership/lease.h"
#include "router/ownership/probe.h"

struct keeper;

struct lookout {
    struct list_node in_keeper;
    struct keeper *keeper;
    struct probe *probe; /* NULL: this is no address that can be tried */
    uint32_t users;
    char address[LEASE_ADDRESS_BYTES];
};

/* Whoever keeps what is returned here hears ownership_owner_refused. */
struct lookout *lookout_open(struct keeper *k, const char *address);
void lookout_close(struct lookout *l); /* by one of them; NULL: nothing */

#endif
