/* What the rows of Switchboard share: the servers, with their configuration and agents. */
#ifndef BENCH_PEER_SWITCHBOARD_H
#define BENCH_PEER_SWITCHBOARD_H

#include "bench/peers.h"

#define SWITCHBOARD_PHRASES      1000u
#define SWITCHBOARD_PHRASE_BYTES 24u

/* The router with 16 queues, 3 tiers, and agents a0, a1, ... that take their window at once. */
bool switchboard_start(struct peer_server *s, const volatile int *interrupted);

/* And with 1,000 phrases that texts are classified by; none of them stands in the prose. */
bool switchboard_start_phrases(struct peer_server *s, const volatile int *interrupted);

/* With a journal in a Redis that it starts, too: durable with `appendfsync always`, else with
 * `everysec`. */
bool switchboard_start_redis(struct peer_server *s, const volatile int *interrupted);

/* The floor: a router that routes nothing (floor.h), with the same agents. */
bool switchboard_start_floor(struct peer_server *s, const volatile int *interrupted);

/* Phrase `number`, which decides for queue `queue` = number % PEER_QUEUES. */
void switchboard_phrase(char out[SWITCHBOARD_PHRASE_BYTES], uint32_t queue, uint32_t number);

/* `hello` with room for `more` pairs, and a pair of texts. */
void switchboard_hello(struct packer *p, const char *role, uint32_t more);
void switchboard_pair(struct packer *p, const char *key, const char *value);

#endif
