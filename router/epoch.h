/* The number of an ownership: a counter, and the number of the node that took it, so that two nodes
 * never choose the same (design, section 8).
 *
 * Pure; any thread. */
#ifndef ROUTER_EPOCH_H
#define ROUTER_EPOCH_H

#include <stdint.h>

#define EPOCH_NODES UINT64_C(65536)

/* The next one of that node, above every epoch up to `highest`. */
static inline uint64_t epoch_next(uint64_t highest, uint32_t node)
{
    return (highest / EPOCH_NODES + 1) * EPOCH_NODES + node % EPOCH_NODES;
}

/* The number of the node whose epoch this is. */
static inline uint32_t epoch_node(uint64_t epoch)
{
    return (uint32_t)(epoch % EPOCH_NODES);
}

#endif
