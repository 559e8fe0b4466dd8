#include "bench/peers.h"

const struct peer *const peers_all[] = {
    &peer_switchboard, &peer_switchboard_all, &peer_switchboard_auto, &peer_floor,
    &peer_beanstalkd,  &peer_redis_stream,    &peer_redis_stream_all, NULL,
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
