#include "router/redis/redis_locator_inside.h"

#include <assert.h>

#include "queue/base/memory.h"

#define LOCATOR_HEDGE_MS        100u
#define LOCATOR_LISTEN_AGAIN_MS 500u

/* ---- one Redis: it is where it is ---- */

struct locator_single {
    struct redis_locator *locator;
    struct redis_location location;
};

static void *redis_locator_single_create(struct redis_locator *l)
{
    struct locator_single *s = memory_take(sizeof(*s));

    s->locator = l;
    s->location.primary = l->address.seeds[0];
    return s;
}

static void redis_locator_single_destroy(void *kind)
{
    struct locator_single *s = kind;
    struct redis_locator *l = s->locator;

    memory_give(s);
    redis_locator_kind_closed(l);
}

static const struct redis_location *redis_locator_single_known(const void *kind, uint16_t slot)
{
    (void)slot;
    return &((const struct locator_single *)kind)->location;
}

static const struct redis_locator_kind redis_single_kind = {
    .create = redis_locator_single_create,
    .destroy = redis_locator_single_destroy,
    .known = redis_locator_single_known,
};

static const struct redis_locator_kind *const redis_locator_kinds[] = {
    [REDIS_SINGLE] = &redis_single_kind,
    [REDIS_SENTINEL] = &redis_sentinel_kind,
    [REDIS_CLUSTER] = &redis_cluster_kind,
};

/* ---- searches and rounds ---- */

static void redis_locator_tell(struct redis_locator *l)
{
    struct list_node *next;

    for (struct list_node *n = list_first(&l->watches); n != NULL; n = next) {
        struct redis_watch *w = record_of(n, struct redis_watch, node);

        next = list_next(&l->watches, n);
        w->changed(w->context);
    }
}

/* Answer those who wait now; who searches again from inside an answer waits for the next time. */
static void redis_locator_answer(struct redis_locator *l, const char *problem)
{
    struct list waiting;

    list_init(&waiting);
    while (!list_empty(&l->searches)) {
        struct list_node *n = list_first(&l->searches);

        list_remove(n);
        list_append(&waiting, n);
    }
    while (!list_empty(&waiting)) {
        struct redis_search *s = record_of(list_first(&waiting), struct redis_search, node);
        const struct redis_location *known = l->kind->known(l->state, s->slot);

        list_remove(&s->node);
        if (problem == NULL && known != NULL) {
            s->found(s->context, known);
        } else {
            s->failed(s->context, problem == NULL ? "nobody serves this slot" : problem);
        }
    }
}

static void redis_locator_heard(void *context, uint32_t candidate, uint32_t question,
                                const struct redisReply *reply)
{
    struct redis_locator *l = context;

    l->kind->heard(l->state, candidate, question, reply);
}

static bool redis_locator_judge(void *context, uint32_t candidate)
{
    struct redis_locator *l = context;

    return l->kind->judge(l->state, candidate);
}

static void redis_locator_over(void *context, bool good, const char *problem)
{
    struct redis_locator *l = context;

    l->round = NULL;
    if (!good && !l->kind->settle(l->state)) {
        redis_locator_answer(l, problem);
        return;
    }
    l->doubted = false;
    redis_locator_answer(l, NULL);
    redis_locator_tell(l);
}

void redis_locator_refresh(struct redis_locator *l)
{
    static const struct redis_round_events events = {redis_locator_heard, redis_locator_judge,
                                                     redis_locator_over};

    l->doubted = true;
    if (l->round != NULL || l->kind->plan == NULL || !l->kind_open || !l->timer_open) {
        return;
    }
    memset(&l->plan, 0, sizeof(l->plan));
    l->plan.hedge_ms = l->options.hedge_ms;
    l->plan.link = l->options.link;
    l->kind->plan(l->state, &l->plan);
    l->round = redis_round_start(l->loop, &l->plan, &events, l);
}

static void redis_locator_soon(uv_timer_t *timer)
{
    struct redis_locator *l = timer->data;

    if (list_empty(&l->searches)) {
        return;
    }
    if (l->kind->plan == NULL || !l->doubted) {
        redis_locator_answer(l, NULL);
    } else {
        redis_locator_refresh(l);
    }
}

void redis_locator_find(struct redis_locator *l, struct redis_search *s)
{
    assert(!list_linked(&s->node));
    list_append(&l->searches, &s->node);
    uv_timer_start(&l->soon, redis_locator_soon, 0, 0);
}

void redis_locator_cancel(struct redis_locator *l, struct redis_search *s)
{
    (void)l;
    if (list_linked(&s->node)) {
        list_remove(&s->node);
    }
}

void redis_locator_watch(struct redis_locator *l, struct redis_watch *w)
{
    list_append(&l->watches, &w->node);
}

void redis_locator_unwatch(struct redis_locator *l, struct redis_watch *w)
{
    (void)l;
    if (list_linked(&w->node)) {
        list_remove(&w->node);
    }
}

const struct redis_location *redis_locator_known(const struct redis_locator *l, uint16_t slot)
{
    return l->kind->known(l->state, slot);
}

void redis_locator_doubt(struct redis_locator *l, const struct redis_endpoint *e)
{
    (void)e; /* whoever it was: the others' places have changed as likely */
    l->doubted = true;
}

void redis_locator_moved(struct redis_locator *l, uint16_t slot, const struct redis_endpoint *e)
{
    if (l->kind->moved != NULL) {
        l->kind->moved(l->state, slot, e);
        redis_locator_refresh(l);
        l->doubted = false; /* what was just said is the newest that there is */
        redis_locator_tell(l);
    }
}

const struct redis_account *redis_locator_account(const struct redis_locator *l)
{
    return &l->address.account;
}

struct redis_dialer *redis_locator_dialer(const struct redis_locator *l)
{
    return l->options.link.dialer;
}

uv_loop_t *redis_locator_loop(const struct redis_locator *l)
{
    return l->loop;
}

/* ---- life ---- */

static void redis_locator_release(struct redis_locator *l)
{
    if (!l->timer_open && !l->kind_open) {
        redis_address_forget(&l->address);
        memory_give(l);
    }
}

void redis_locator_kind_closed(struct redis_locator *l)
{
    l->kind_open = false;
    redis_locator_release(l);
}

static void redis_locator_timer_closed(uv_handle_t *handle)
{
    struct redis_locator *l = handle->data;

    l->timer_open = false;
    redis_locator_release(l);
}

struct redis_locator *redis_locator_create(uv_loop_t *loop, const struct redis_address *address,
                                           const struct redis_locator_options *options)
{
    struct redis_locator *l = memory_take(sizeof(*l));

    assert(!address->tls || options->link.dialer != NULL); /* never plain when TLS was asked for */
    l->loop = loop;
    l->address = *address;
    l->options = *options;
    l->options.hedge_ms = options->hedge_ms == 0 ? LOCATOR_HEDGE_MS : options->hedge_ms;
    l->options.listen_again_ms =
        options->listen_again_ms == 0 ? LOCATOR_LISTEN_AGAIN_MS : options->listen_again_ms;
    l->kind = redis_locator_kinds[address->deployment];
    list_init(&l->searches);
    list_init(&l->watches);
    uv_timer_init(loop, &l->soon);
    l->soon.data = l;
    l->timer_open = l->kind_open = true;
    l->doubted = true;
    l->state = l->kind->create(l);
    return l;
}

void redis_locator_destroy(struct redis_locator *l)
{
    assert(list_empty(&l->searches) && list_empty(&l->watches));
    if (l->round != NULL) {
        redis_round_stop(l->round);
        l->round = NULL;
    }
    uv_close((uv_handle_t *)&l->soon, redis_locator_timer_closed);
    l->kind->destroy(l->state);
}
