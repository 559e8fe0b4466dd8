/* The number of an ownership: a counter, and the number of the node that chose it, so that two
 * nodes never choose the same (design, section 8). Who hands over chooses his heir's epoch, and the
 * number in it is his own: the heir, who may just be taking what he thinks is nobody's, cannot have
 * chosen the same.
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

#endif
