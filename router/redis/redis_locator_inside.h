/* What the kinds of locators share, and nobody else includes.
 *
 * A kind makes the plan of a round and reads its answers into what is known; redis_locator runs the
 * rounds, answers the searches and tells the watchers. */
#ifndef ROUTER_REDIS_REDIS_LOCATOR_INSIDE_H
#define ROUTER_REDIS_REDIS_LOCATOR_INSIDE_H

#include "router/redis/redis_locator.h"
#include "router/redis/redis_round.h"

struct redis_locator_kind {
    void *(*create)(struct redis_locator *l);
    /* No more callbacks; calls redis_locator_kind_closed when nothing is open any more. */
    void (*destroy)(void *kind);
    /* Candidates and questions. NULL: this kind asks nobody. */
    void (*plan)(void *kind, struct redis_round_plan *plan);
    void (*heard)(void *kind, uint32_t candidate, uint32_t question, const struct redisReply *r);
    bool (*judge)(void *kind, uint32_t candidate);
    /* No candidate was good: make do with what was heard, when there is something. */
    bool (*settle)(void *kind);
    const struct redis_location *(*known)(const void *kind, uint16_t slot);
    void (*moved)(void *kind, uint16_t slot, const struct redis_endpoint *e);
};

struct redis_locator {
    uv_loop_t *loop;
    struct redis_address address;
    struct redis_locator_options options;
    const struct redis_locator_kind *kind;
    void *state;
    struct list searches, watches;
    struct redis_round *round; /* NULL: nobody is being asked */
    struct redis_round_plan plan;
    bool doubted; /* what is known is not to be told again before somebody was asked */
    uv_timer_t soon;
    bool timer_open, kind_open;
};

extern const struct redis_locator_kind redis_sentinel_kind;
extern const struct redis_locator_kind redis_cluster_kind;

void redis_locator_kind_closed(struct redis_locator *l);

/* Ask anew now, whoever waits for it or not. */
void redis_locator_refresh(struct redis_locator *l);

#endif
