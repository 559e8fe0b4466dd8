/* The peers that there are. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "bench/peer.h"

extern const struct peer peer_switchboard, peer_switchboard_auto, peer_switchboard_all,
    peer_switchboard_text, peer_switchboard_redis, peer_floor;
extern const struct peer peer_beanstalkd;
extern const struct peer peer_redis_stream, peer_redis_stream_all, peer_redis_list,
    peer_redis_sorted_set;
extern const struct peer peer_gearmand, peer_gearmand_pipelined;
extern const struct peer peer_rabbitmq_classic, peer_rabbitmq_quorum;
extern const struct peer peer_nats;

/* In the order in which they are measured and shown; ends with NULL. */
extern const struct peer *const peers_all[];

/* The peer of a name, or NULL. */
const struct peer *peers_find(struct text name);

#endif
