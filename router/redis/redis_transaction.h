/* Commands that one Redis does together or not at all (MULTI, EXEC): nobody else's come between
 * them, and where one is refused before they begin, none is done.
 *
 * Answered once, by redis_link's rules: with EXEC's array, which has a reply for each command and
 * in which single ones may still be errors; or DENIED, with what was refused first. A user who may
 * not say MULTI is DENIED, too, but then its commands were done one by one.
 *
 * Thread: the loop's. */
#ifndef ROUTER_REDIS_REDIS_TRANSACTION_H
#define ROUTER_REDIS_REDIS_TRANSACTION_H

#include "router/redis/redis_link.h"

/* `commands` are words alone; all are taken, or none. */
enum redis_sent redis_transaction_send(struct redis_link *l, const struct redis_command *commands,
                                       uint32_t count, redis_answered answered, void *context);

#endif
