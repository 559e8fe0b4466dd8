/* TLS to Redis: a dialer whose streams carry TLS 1.2 or later over TCP.
 *
 * The other side's certificate is checked against `ca` of the address (without one, what the system
 * believes), and its name against `server-name` (without one, the host that was dialled, a name or
 * a number). `cert` and `key` are shown to a Redis that asks who we are.
 *
 * A dialer may be shared by the streams of any thread and outlives them. */
#ifndef ROUTER_REDIS_REDIS_TLS_H
#define ROUTER_REDIS_REDIS_TLS_H

#include "router/redis/redis_stream.h"

/* For an address that says TLS. Reads the files, and so may block: before the loop runs. NULL, and
 * `problem` in words, when one cannot be used. */
struct redis_dialer *redis_tls_create(const struct redis_address *a, char *problem, size_t size);
void redis_tls_destroy(struct redis_dialer *d);

#endif
