#include "router/redis/redis_locator_inside.h"

#include "queue/base/memory.h"

#define CLUSTER_SHARDS_MAX 1000u /* the most nodes that Redis itself recommends */
#define CLUSTER_NOBODY     UINT16_MAX

struct cluster_map {
    uint16_t shard_of[REDIS_SLOTS]; /* CLUSTER_NOBODY: not served */
    uint32_t shard_count;
    struct redis_location *shards;
    bool complete; /* it was read without a doubt */
};

struct cluster {
    struct redis_locator *locator;
    struct cluster_map map;     /* what is known */
    struct cluster_map heard;   /* what the candidate just said */
    struct redis_endpoint news; /* whom the last MOVED named: he knows that slot */
    uint32_t turn;              /* which candidate comes first in the next round, without news */
};

static void redis_cluster_clear(struct cluster_map *m)
{
    memory_give(m->shards);
    memset(m, 0, sizeof(*m));
    for (uint32_t i = 0; i < REDIS_SLOTS; i++) {
        m->shard_of[i] = CLUSTER_NOBODY;
    }
}

static void redis_cluster_add_candidate(struct redis_round_plan *plan,
                                        const struct redis_endpoint *e)
{
    for (uint32_t i = 0; i < plan->candidate_count; i++) {
        if (redis_endpoint_equal(&plan->candidates[i], e)) {
            return;
        }
    }
    if (plan->candidate_count < REDIS_CANDIDATES_MAX) {
        plan->candidates[plan->candidate_count++] = *e;
    }
}

/* Those of the address, and what the map knows beside: the nodes of the address may all be gone. */
static void redis_cluster_plan(void *kind, struct redis_round_plan *plan)
{
    struct cluster *c = kind;
    const struct redis_address *a = &c->locator->address;

    for (uint32_t i = 0; i < a->seed_count; i++) {
        redis_cluster_add_candidate(plan, &a->seeds[i]);
    }
    for (uint32_t i = 0; i < c->map.shard_count; i++) {
        redis_cluster_add_candidate(plan, &c->map.shards[i].primary);
        for (uint32_t j = 0; j < c->map.shards[i].replica_count; j++) {
            redis_cluster_add_candidate(plan, &c->map.shards[i].replicas[j]);
        }
    }
    plan->first = c->turn++ % plan->candidate_count;
    for (uint32_t i = 0; i < plan->candidate_count; i++) {
        if (redis_endpoint_equal(&plan->candidates[i], &c->news)) {
            plan->first = i;
        }
    }
    memset(&c->news, 0, sizeof(c->news));
    plan->link.account = &a->account;
    plan->questions[0] =
        (struct redis_question){2, {TEXT("CLUSTER"), TEXT("SLOTS"), TEXT_NONE, TEXT_NONE}};
    plan->question_count = 1;
}

/* [host, port, id, ...]; a host that the node does not know (empty, nil or '?') is the one that we
 * asked. */
static bool redis_cluster_node(const struct redisReply *r, const struct redis_endpoint *asked,
                               struct redis_endpoint *out)
{
    struct text host = redis_reply_text(redis_reply_at(r, 0));
    int64_t port;

    if (!redis_reply_integer(redis_reply_at(r, 1), &port) || port < 1 || port > UINT16_MAX ||
        host.length >= sizeof(out->host)) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    if (host.length == 0 || text_equal(host, TEXT("?"))) {
        memcpy(out->host, asked->host, sizeof(out->host));
    } else {
        memcpy(out->host, host.bytes, host.length);
    }
    out->port = (uint16_t)port;
    return true;
}

static uint32_t redis_cluster_shard(struct cluster_map *m, const struct redis_endpoint *primary)
{
    uint32_t i = 0;

    while (i < m->shard_count && !redis_endpoint_equal(&m->shards[i].primary, primary)) {
        i++;
    }
    if (i == m->shard_count && i < CLUSTER_SHARDS_MAX) {
        m->shards =
            memory_resize_zeroed(m->shards, i * sizeof(*m->shards), (i + 1) * sizeof(*m->shards));
        m->shards[i].primary = *primary;
        m->shard_count++;
    }
    return i;
}

/* [first slot, last slot, primary, replica...] */
static bool redis_cluster_range(struct cluster_map *m, const struct redisReply *r,
                                const struct redis_endpoint *asked)
{
    struct redis_endpoint e;
    struct redis_location *l;
    int64_t first, last;
    uint32_t shard, before;

    if (!redis_reply_integer(redis_reply_at(r, 0), &first) ||
        !redis_reply_integer(redis_reply_at(r, 1), &last) || first < 0 || first > last ||
        last >= REDIS_SLOTS || !redis_cluster_node(redis_reply_at(r, 2), asked, &e)) {
        return false;
    }
    before = m->shard_count;
    shard = redis_cluster_shard(m, &e);
    if (shard >= CLUSTER_SHARDS_MAX) {
        return false;
    }
    l = &m->shards[shard];
    /* A shard with several ranges is told several times. */
    for (size_t i = 3; shard == before && i < redis_reply_count(r); i++) {
        if (!redis_cluster_node(redis_reply_at(r, i), asked, &e)) {
            return false;
        }
        if (l->replica_count < REDIS_REPLICAS_MAX) {
            l->replicas[l->replica_count++] = e;
        }
        l->promotable++;
    }
    for (int64_t i = first; i <= last; i++) {
        m->shard_of[i] = (uint16_t)shard;
    }
    return true;
}

static void redis_cluster_heard(void *kind, uint32_t candidate, uint32_t question,
                                const struct redisReply *r)
{
    struct cluster *c = kind;
    size_t count = redis_reply_count(r);

    (void)question;
    redis_cluster_clear(&c->heard);
    c->heard.complete = count > 0;
    for (size_t i = 0; i < count && c->heard.complete; i++) {
        c->heard.complete = redis_cluster_range(&c->heard, redis_reply_at(r, i),
                                                &c->locator->plan.candidates[candidate]);
    }
}

static bool redis_cluster_judge(void *kind, uint32_t candidate)
{
    struct cluster *c = kind;
    bool good = c->heard.complete;

    (void)candidate;
    if (good) {
        memory_give(c->map.shards);
        c->map = c->heard;
        c->heard.shards = NULL;
    }
    redis_cluster_clear(&c->heard);
    return good;
}

static bool redis_cluster_settle(void *kind)
{
    (void)kind;
    return false;
}

static const struct redis_location *redis_cluster_known(const void *kind, uint16_t slot)
{
    const struct cluster *c = kind;
    uint16_t shard = c->map.shard_of[slot % REDIS_SLOTS];

    return shard == CLUSTER_NOBODY ? NULL : &c->map.shards[shard];
}

static void redis_cluster_moved(void *kind, uint16_t slot, const struct redis_endpoint *e)
{
    struct cluster *c = kind;
    uint32_t shard = redis_cluster_shard(&c->map, e);

    if (slot < REDIS_SLOTS && shard < CLUSTER_SHARDS_MAX) {
        c->map.shard_of[slot] = (uint16_t)shard;
        c->news = *e;
    }
}

static void *redis_cluster_create(struct redis_locator *l)
{
    struct cluster *c = memory_take(sizeof(*c));

    c->locator = l;
    redis_cluster_clear(&c->map);
    redis_cluster_clear(&c->heard);
    return c;
}

static void redis_cluster_destroy(void *kind)
{
    struct cluster *c = kind;
    struct redis_locator *l = c->locator;

    memory_give(c->map.shards);
    memory_give(c->heard.shards);
    memory_give(c);
    redis_locator_kind_closed(l);
}

const struct redis_locator_kind redis_cluster_kind = {
    .create = redis_cluster_create,
    .destroy = redis_cluster_destroy,
    .plan = redis_cluster_plan,
    .heard = redis_cluster_heard,
    .judge = redis_cluster_judge,
    .settle = redis_cluster_settle,
    .known = redis_cluster_known,
    .moved = redis_cluster_moved,
};
