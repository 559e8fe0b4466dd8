#include "bench/peers.h"

const struct peer *const peers_all[] = {
    &peer_switchboard,
    &peer_switchboard_auto,
    &peer_switchboard_all,
    &peer_switchboard_text,
    &peer_switchboard_redis,
    &peer_floor,
    &peer_beanstalkd,
    &peer_redis_stream,
    &peer_redis_stream_all,
    &peer_redis_list,
    &peer_redis_sorted_set,
    &peer_gearmand,
    &peer_gearmand_pipelined,
    &peer_rabbitmq_classic,
    &peer_rabbitmq_quorum,
    &peer_nats,
    NULL,
};

const struct peer *peers_find(struct text name)
{
    for (const struct peer *const *peer = peers_all; *peer != NULL; peer++) {
        if (text_equal(text_from((*peer)->name), name)) {
            return *peer;
        }
    }
    return NULL;
}
