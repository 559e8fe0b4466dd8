#include "router/redis/redis_locator_inside.h"

#include <stdlib.h>

#include "queue/base/memory.h"

/* What one Sentinel says in a round. */
struct sentinel_claim {
    struct redis_location location;
    uint64_t epoch;
    bool complete;
};

/* One Sentinel that is listened to. */
struct sentinel_ear {
    struct sentinel *owner;
    struct redis_endpoint endpoint;
    struct redis_link *link; /* NULL: between two tries */
    uv_timer_t again;
};

struct sentinel {
    struct redis_locator *locator;
    struct redis_location location;
    uint64_t epoch; /* of what is known */
    bool known, closing;
    uint32_t first; /* whom to ask first: who last had news, or answered */
    uint32_t ear_count, ears_open;
    struct sentinel_ear ears[REDIS_SEEDS_MAX];
    struct sentinel_claim claims[REDIS_SEEDS_MAX];
    struct sentinel_claim newest_refused;
    uint32_t refused; /* claims of an older epoch in this round */
};

/* ---- asking ---- */

enum sentinel_question { ASK_ADDRESS, ASK_EPOCH, ASK_REPLICAS };

static void redis_sentinel_plan(void *kind, struct redis_round_plan *plan)
{
    struct sentinel *s = kind;
    const struct redis_address *a = &s->locator->address;
    struct text name = text_from(a->name);

    memcpy(plan->candidates, a->seeds, a->seed_count * sizeof(a->seeds[0]));
    plan->candidate_count = a->seed_count;
    plan->first = s->first;
    plan->link.account = &a->sentinel_account;
    plan->questions[ASK_ADDRESS] = (struct redis_question){
        3, {TEXT("SENTINEL"), TEXT("GET-MASTER-ADDR-BY-NAME"), name, TEXT_NONE}};
    plan->questions[ASK_EPOCH] =
        (struct redis_question){3, {TEXT("SENTINEL"), TEXT("MASTER"), name, TEXT_NONE}};
    plan->questions[ASK_REPLICAS] =
        (struct redis_question){3, {TEXT("SENTINEL"), TEXT("REPLICAS"), name, TEXT_NONE}};
    plan->question_count = 3;
    memset(s->claims, 0, sizeof(s->claims));
    memset(&s->newest_refused, 0, sizeof(s->newest_refused));
    s->refused = 0;
}

/* Decimal digits of a text; 0 for what is none. */
static uint64_t redis_sentinel_number(struct text t)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < t.length && t.bytes[i] >= '0' && t.bytes[i] <= '9'; i++) {
        n = n * 10 + (uint64_t)(t.bytes[i] - '0');
    }
    return n;
}

static bool redis_sentinel_endpoint(struct text host, struct text port, struct redis_endpoint *out)
{
    uint64_t number = redis_sentinel_number(port);

    if (host.length == 0 || host.length >= sizeof(out->host) || number == 0 ||
        number > UINT16_MAX) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out->host, host.bytes, host.length);
    out->port = (uint16_t)number;
    return true;
}

/* The value of a name in a flat array of names and values. */
static struct text redis_sentinel_field(const struct redisReply *r, const char *name)
{
    for (size_t i = 0; i + 1 < redis_reply_count(r); i += 2) {
        if (redis_reply_is(redis_reply_at(r, i), name)) {
            return redis_reply_text(redis_reply_at(r, i + 1));
        }
    }
    return TEXT_NONE;
}

static bool redis_sentinel_has_flag(struct text flags, const char *flag)
{
    return flags.bytes != NULL && memmem(flags.bytes, flags.length, flag, strlen(flag)) != NULL;
}

static void redis_sentinel_replica(struct redis_location *l, const struct redisReply *r)
{
    struct text flags = redis_sentinel_field(r, "flags");
    struct redis_endpoint e;

    if (!redis_sentinel_endpoint(redis_sentinel_field(r, "ip"), redis_sentinel_field(r, "port"),
                                 &e) ||
        redis_sentinel_has_flag(flags, "down") || redis_sentinel_has_flag(flags, "disconnected")) {
        return;
    }
    if (l->replica_count < REDIS_REPLICAS_MAX) {
        l->replicas[l->replica_count++] = e;
    }
    /* Priority 0: never to be promoted. Older Sentinels do not tell, and mean 100. */
    l->promotable += !text_equal(redis_sentinel_field(r, "slave-priority"), TEXT("0"));
}

static void redis_sentinel_heard(void *kind, uint32_t candidate, uint32_t question,
                                 const struct redisReply *r)
{
    struct sentinel *s = kind;
    struct sentinel_claim *c = &s->claims[candidate];

    switch ((enum sentinel_question)question) {
    case ASK_ADDRESS:
        c->complete =
            redis_sentinel_endpoint(redis_reply_text(redis_reply_at(r, 0)),
                                    redis_reply_text(redis_reply_at(r, 1)), &c->location.primary);
        break;
    case ASK_EPOCH:
        c->epoch = redis_sentinel_number(redis_sentinel_field(r, "config-epoch"));
        break;
    case ASK_REPLICAS:
        for (size_t i = 0; i < redis_reply_count(r); i++) {
            redis_sentinel_replica(&c->location, redis_reply_at(r, i));
        }
        break;
    }
}

static void redis_sentinel_believe(struct sentinel *s, const struct sentinel_claim *c)
{
    s->location = c->location;
    s->epoch = c->epoch;
    s->known = true;
}

/* A Sentinel that was cut off knows the primary of its last epoch; who has heard of a later one
 * does not go back to it. */
static bool redis_sentinel_judge(void *kind, uint32_t candidate)
{
    struct sentinel *s = kind;
    const struct sentinel_claim *c = &s->claims[candidate];

    if (!c->complete) {
        return false;
    }
    if (s->known && c->epoch < s->epoch) {
        s->refused++;
        if (!s->newest_refused.complete || c->epoch > s->newest_refused.epoch) {
            s->newest_refused = *c;
        }
        return false;
    }
    s->first = candidate;
    redis_sentinel_believe(s, c);
    return true;
}

/* When most of the Sentinels do not know of our epoch they were set up anew, and theirs is the
 * truth. A few that do not are those that were cut off. */
static bool redis_sentinel_settle(void *kind)
{
    struct sentinel *s = kind;

    s->first = (s->first + 1) % s->ear_count;
    if (s->refused * 2 <= s->ear_count) {
        return false;
    }
    redis_sentinel_believe(s, &s->newest_refused);
    return true;
}

static const struct redis_location *redis_sentinel_known(const void *kind, uint16_t slot)
{
    const struct sentinel *s = kind;

    (void)slot;
    return s->known ? &s->location : NULL;
}

/* ---- listening ---- */

static void redis_sentinel_listen(struct sentinel_ear *ear);

static void redis_sentinel_release(struct sentinel *s)
{
    struct redis_locator *l = s->locator;

    if (s->closing && s->ears_open == 0) {
        memory_give(s);
        redis_locator_kind_closed(l);
    }
}

static void redis_sentinel_ear_closed(uv_handle_t *handle)
{
    struct sentinel_ear *ear = handle->data;

    ear->owner->ears_open--;
    redis_sentinel_release(ear->owner);
}

static void redis_sentinel_again(uv_timer_t *timer)
{
    redis_sentinel_listen(timer->data);
}

/* "NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT". Who said it is asked first: he knows the new epoch,
 * while others may still name the old primary. */
static void redis_sentinel_message(void *context, struct redis_link *link, struct text channel,
                                   struct text payload)
{
    struct sentinel_ear *ear = context;
    struct sentinel *s = ear->owner;
    struct text name = text_from(s->locator->address.name);

    (void)link;
    (void)channel;
    if (s->closing || payload.length <= name.length ||
        memcmp(payload.bytes, name.bytes, name.length) != 0 || payload.bytes[name.length] != ' ') {
        return;
    }
    s->first = (uint32_t)(ear - s->ears);
    if (s->locator->round != NULL) {
        redis_round_stop(s->locator->round); /* its answers are those of before */
        s->locator->round = NULL;
    }
    redis_locator_refresh(s->locator);
}

static void redis_sentinel_ended(void *context, enum redis_end why, const char *words)
{
    struct sentinel_ear *ear = context;
    struct sentinel *s = ear->owner;

    (void)why;
    (void)words;
    ear->link = NULL;
    s->ears_open--;
    if (s->closing) {
        redis_sentinel_release(s);
        return;
    }
    uv_timer_start(&ear->again, redis_sentinel_again, s->locator->options.listen_again_ms, 0);
}

/* News may have passed while nobody listened: so ask, once the subscription stands. */
static void redis_sentinel_subscribed(void *context, const struct redis_answer *a)
{
    struct sentinel_ear *ear = context;
    struct sentinel *s = ear->owner;

    if (a->outcome == REDIS_ANSWER && !s->closing && s->known && s->locator->round == NULL) {
        s->first = (uint32_t)(ear - s->ears);
        redis_locator_refresh(s->locator);
    }
}

static void redis_sentinel_listen(struct sentinel_ear *ear)
{
    static const struct redis_link_events events = {.message = redis_sentinel_message,
                                                    .ended = redis_sentinel_ended};
    static const struct text words[] = {{"SUBSCRIBE", 9}, {"+switch-master", 14}};
    struct sentinel *s = ear->owner;
    struct redis_link_options options = s->locator->options.link;
    struct redis_command subscribe = {2, words, redis_sentinel_subscribed, ear, 0};

    options.account = &s->locator->address.sentinel_account;
    ear->link = redis_link_open(s->locator->loop, &ear->endpoint, &options, &events, ear);
    s->ears_open++;
    redis_link_send(ear->link, &subscribe);
}

static void *redis_sentinel_create(struct redis_locator *l)
{
    struct sentinel *s = memory_take(sizeof(*s));

    s->locator = l;
    s->ear_count = l->address.seed_count;
    for (uint32_t i = 0; i < s->ear_count; i++) {
        struct sentinel_ear *ear = &s->ears[i];

        ear->owner = s;
        ear->endpoint = l->address.seeds[i];
        uv_timer_init(l->loop, &ear->again);
        ear->again.data = ear;
        s->ears_open++;
        redis_sentinel_listen(ear);
    }
    return s;
}

static void redis_sentinel_destroy(void *kind)
{
    struct sentinel *s = kind;

    s->closing = true;
    for (uint32_t i = 0; i < s->ear_count; i++) {
        uv_close((uv_handle_t *)&s->ears[i].again, redis_sentinel_ear_closed);
        if (s->ears[i].link != NULL) {
            redis_link_close(s->ears[i].link);
        }
    }
}

const struct redis_locator_kind redis_sentinel_kind = {
    .create = redis_sentinel_create,
    .destroy = redis_sentinel_destroy,
    .plan = redis_sentinel_plan,
    .heard = redis_sentinel_heard,
    .judge = redis_sentinel_judge,
    .settle = redis_sentinel_settle,
    .known = redis_sentinel_known,
};
