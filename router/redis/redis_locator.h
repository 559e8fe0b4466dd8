/* Where is the primary now?
 *
 * One Redis: where the address says. Sentinel: what a Sentinel says whose word is not older (config
 * epoch) than the newest heard before, unless most of them say so; all Sentinels of the address are
 * listened to for
 * `+switch-master`, because the one on the machine that died says nothing. Cluster: the slot map
 * that a node says, corrected by each MOVED; nodes that the map names are asked beside those of the
 * address.
 *
 * What is found is a claim until whoever connects has asked ROLE (redis_path does): then
 * redis_locator_doubt tells what was not true, and the next search asks anew.
 *
 * Searches and watches are records of the caller's; a locator outlives both. It frees itself some
 * time after redis_locator_destroy, when its connections have ended, for which the loop must run.
 * Thread: the loop's. No callback comes from inside a call, but `changed` from redis_locator_moved.
 */
#ifndef ROUTER_REDIS_REDIS_LOCATOR_H
#define ROUTER_REDIS_REDIS_LOCATOR_H

#include "queue/base/list.h"
#include "router/redis/redis_link.h"
#include "router/redis/redis_slot.h"

#define REDIS_REPLICAS_MAX 8

struct redis_location {
    struct redis_endpoint primary;
    uint32_t replica_count;
    struct redis_endpoint replicas[REDIS_REPLICAS_MAX];
    /* Replicas that may become primary, as far as anybody but the primary knows; beyond
     * REDIS_REPLICAS_MAX they are counted, not listed. Of one Redis it is 0: its greeting tells. */
    uint32_t promotable;
};

struct redis_search {
    struct list_node node; /* zeroed: no search is under way */
    uint16_t slot;
    void (*found)(void *context, const struct redis_location *l); /* lives during the call */
    void (*failed)(void *context, const char *problem);
    void *context;
};

/* Told when something may have changed; redis_locator_known tells what it is. */
struct redis_watch {
    struct list_node node;
    void (*changed)(void *context);
    void *context;
};

/* 0 stands for the value in brackets. */
struct redis_locator_options {
    struct redis_link_options link; /* dialer, name and limits; accounts come from the address. What
                                       it points to outlives the locator */
    uint32_t hedge_ms;              /* [100] ask the next one when one is silent for so long */
    uint32_t listen_again_ms;       /* [500] between tries to listen to a Sentinel */
};

struct redis_locator;

/* An address that says TLS needs a dialer that speaks it (redis_tls.h). */
struct redis_locator *redis_locator_create(uv_loop_t *loop, const struct redis_address *address,
                                           const struct redis_locator_options *options);
/* No search and no watch is left. */
void redis_locator_destroy(struct redis_locator *l);

/* Answers once, later: from memory when what is known of this slot was not doubted, else by asking.
 */
void redis_locator_find(struct redis_locator *l, struct redis_search *s);
void redis_locator_cancel(struct redis_locator *l, struct redis_search *s); /* also of none */

void redis_locator_watch(struct redis_locator *l, struct redis_watch *w);
void redis_locator_unwatch(struct redis_locator *l, struct redis_watch *w);

/* NULL when nothing is. Lives until the loop turns. */
const struct redis_location *redis_locator_known(const struct redis_locator *l, uint16_t slot);

/* This was no primary, or does not answer. */
void redis_locator_doubt(struct redis_locator *l, const struct redis_endpoint *e);

/* A node of the cluster said so (MOVED). */
void redis_locator_moved(struct redis_locator *l, uint16_t slot, const struct redis_endpoint *e);

/* The account that Redis itself is to be told. */
const struct redis_account *redis_locator_account(const struct redis_locator *l);
/* With which it dials, and who follows it: NULL is TCP. */
struct redis_dialer *redis_locator_dialer(const struct redis_locator *l);
uv_loop_t *redis_locator_loop(const struct redis_locator *l);

#endif
