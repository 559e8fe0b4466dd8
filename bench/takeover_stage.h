/* The processes of `takeover`: one Redis, or a primary, two replicas and three Sentinels; and two
 * routers on them. Each has a folder and a port of its own, and goes when the bench goes.
 *
 * Starting waits; what happens in a round does not, for clients are being served: it is begun here
 * and asked for later. */
#ifndef BENCH_TAKEOVER_STAGE_H
#define BENCH_TAKEOVER_STAGE_H

#include "bench/peer_server.h"
#include "bench/takeover.h"
#include "bench/takeover_network.h"

#include <jansson.h>

#define TAKEOVER_STORES  3u
#define TAKEOVER_ROUTERS 2u

struct takeover_router {
    struct peer_server server;
    const char *name;  /* "a", "b" */
    char address[64];  /* for clients */
    long log_from;     /* where its log stood when it was started or went on */
    uint64_t back_ns;  /* when that was; uv_hrtime */
    bool joined_again; /* it was started, and did not just go on */
    bool gone;         /* it was killed, or has ended */
};

struct takeover_stage {
    const struct takeover_options *options;
    struct takeover_network network;
    bool networked;
    struct peer_server stores[TAKEOVER_STORES], sentinels[TAKEOVER_STORES];
    uint32_t store_count, sentinel_count, primary;
    struct takeover_router routers[TAKEOVER_ROUTERS];
    char journal[160];
    char failed[400]; /* "" while nothing has */
};

/* Redis and Sentinels, and a configuration for both routers. False, and words in `failed`. */
bool takeover_stage_start(struct takeover_stage *s, const struct takeover_options *o,
                          const volatile int *interrupted);
void takeover_stage_stop(struct takeover_stage *s);

/* A router's process. */
bool takeover_router_start(struct takeover_stage *s, uint32_t router);
/* The last event of that name in its log since it was started or went on: a new reference, or NULL.
 */
json_t *takeover_router_event(const struct takeover_router *r, const char *event);
/* What its log said last of the workspace: "following", "owning", ... */
bool takeover_router_is(const struct takeover_router *r, const char *state);
bool takeover_router_joined(const struct takeover_router *r);
/* SIGCONT, or its cable is in again: what it says counts from here. */
void takeover_router_goes_on(struct takeover_router *r);
/* The router of that name. */
uint32_t takeover_router_of(const struct takeover_stage *s, const char *name);
/* The one that the workspace is given to when both have been there for a while. */
uint32_t takeover_router_preferred(const struct takeover_stage *s);

/* The primary that was killed comes back as a replica of the one that there is now; false: there is
 * none yet. */
bool takeover_primary_return(struct takeover_stage *s);
/* All replicas follow, and all Sentinels know it. */
bool takeover_stage_is_whole(struct takeover_stage *s);

#endif
