#include "router/redis/redis_path.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "queue/base/random.h"

#define PATH_BACKOFF_MS_MIN 25u
#define PATH_BACKOFF_MS_MAX 1000u
#define PATH_NEWS_MAX       4u

/* A link to where a key has gone ahead of its slot. */
struct path_aside {
    struct redis_path *path;
    struct redis_link *link;
    struct redis_endpoint to;
};

struct redis_path {
    struct redis_locator *locator;
    uv_loop_t *loop;
    struct redis_path_options options;
    const struct redis_path_events *events;
    void *context;
    uint16_t slot;
    enum redis_path_state state;
    uint64_t since; /* up, or not up, since then */
    struct redis_search search;
    struct redis_watch watch;
    struct redis_link *link;  /* NULL: none, or its end was told */
    struct path_aside *aside; /* where the last ASK sent us; NULL: none */
    struct redis_greeting greeting;
    struct redis_greeting asked; /* of the connection that is not up yet */
    uv_timer_t again;
    uint32_t failures; /* in a row */
    bool news;         /* came while there was no waiting to end: do not wait the next time */
    uint64_t ups;
    struct random chance;
    uint32_t open; /* links and handles that are not closed yet */
    bool closing;
    char problem[REDIS_PROBLEM_BYTES];
};

static const char *const redis_path_states[] = {
    [REDIS_PATH_SEARCHING] = "searching", [REDIS_PATH_CONNECTING] = "connecting",
    [REDIS_PATH_GREETING] = "greeting",   [REDIS_PATH_UP] = "up",
    [REDIS_PATH_WAITING] = "waiting",
};

static void redis_path_search(struct redis_path *p);

static void redis_path_release(struct redis_path *p)
{
    p->open--;
    if (p->closing && p->open == 0) {
        memory_give(p);
    }
}

/* ---- waiting ---- */

static void redis_path_again(uv_timer_t *timer)
{
    redis_path_search(timer->data);
}

/* The way failed: wait, the longer the more often it did, and each path for another while, so that
 * not all come back in the same moment. */
static void redis_path_wait(struct redis_path *p, const char *problem)
{
    uint64_t span = p->options.backoff_ms_min;

    snprintf(p->problem, sizeof(p->problem), "%s", problem);
    p->state = REDIS_PATH_WAITING;
    for (uint32_t i = 0; i < p->failures && span < p->options.backoff_ms_max; i++) {
        span *= 2;
    }
    span = span < p->options.backoff_ms_max ? span : p->options.backoff_ms_max;
    p->failures++;
    span -= random_below(&p->chance, span / 2 + 1);
    /* News that come again and again are two who name each other. */
    uv_timer_start(&p->again, redis_path_again, p->news && p->failures <= PATH_NEWS_MAX ? 0 : span,
                   0);
    p->news = false;
}

/* ---- the link ---- */

static void redis_path_give_up(struct redis_path *p, const char *problem)
{
    snprintf(p->problem, sizeof(p->problem), "%s", problem);
    redis_locator_doubt(p->locator, redis_link_endpoint(p->link));
    redis_link_close(p->link);
}

static void redis_path_link_ended(void *context, enum redis_end why, const char *words)
{
    struct redis_path *p = context;
    bool was_up = p->state == REDIS_PATH_UP;
    uint64_t now = uv_now(p->loop);
    char problem[REDIS_PROBLEM_BYTES];

    p->link = NULL;
    if (p->closing) {
        redis_path_release(p);
        return;
    }
    p->open--;
    if (why != REDIS_END_CLOSED) {
        redis_locator_doubt(p->locator, &p->asked.endpoint);
    }
    /* Whoever closed it on purpose has said why. */
    snprintf(problem, sizeof(problem), "%s", why == REDIS_END_CLOSED ? p->problem : words);
    if (was_up) {
        p->failures = now - p->since >= p->options.backoff_ms_max ? 0 : p->failures;
        p->since = now;
    }
    redis_path_wait(p, problem);
    if (was_up) {
        p->events->down(p->context, p, p->problem);
    }
}

static void redis_path_greeted(void *context, bool answered)
{
    static const struct text read_only = {"READONLY", 8};
    struct redis_path *p = context;
    char endpoint[REDIS_ENDPOINT_BYTES], problem[REDIS_PROBLEM_BYTES];

    if (!answered || p->closing || p->state != REDIS_PATH_GREETING) {
        return;
    }
    redis_endpoint_shown(&p->asked.endpoint, endpoint);
    if (p->asked.loading) {
        snprintf(problem, sizeof(problem), "%.200s: is still reading its data", endpoint);
        redis_path_give_up(p, problem);
        return;
    }
    if (p->asked.role != REDIS_ROLE_PRIMARY &&
        !(p->options.any_role && p->asked.role == REDIS_ROLE_REPLICA)) {
        snprintf(problem, sizeof(problem), "%.200s: is no primary (role: %s)", endpoint,
                 redis_role_word(p->asked.role));
        redis_path_give_up(p, problem);
        return;
    }
    if (p->asked.cluster && p->asked.role == REDIS_ROLE_REPLICA) {
        /* Else it would send every reader to its primary. */
        redis_link_send(p->link, &(struct redis_command){1, &read_only, NULL, NULL, 0});
    }
    p->greeting = p->asked;
    p->state = REDIS_PATH_UP;
    p->since = uv_now(p->loop);
    p->ups++;
    p->events->up(p->context, p, &p->greeting);
}

static void redis_path_link_up(void *context, struct redis_link *l)
{
    struct redis_path *p = context;

    if (!p->closing && p->state == REDIS_PATH_CONNECTING) {
        p->state = REDIS_PATH_GREETING;
        redis_greeting_ask(l, &p->asked, redis_path_greeted, p);
    }
}

static void redis_path_link_room(void *context, struct redis_link *l)
{
    struct redis_path *p = context;

    (void)l;
    if (!p->closing && p->state == REDIS_PATH_UP && p->events->room != NULL) {
        p->events->room(p->context, p);
    }
}

static void redis_path_link_error(void *context, struct redis_link *l, const struct redis_error *e)
{
    struct redis_path *p = context;
    char problem[REDIS_PROBLEM_BYTES], endpoint[REDIS_ENDPOINT_BYTES];
    bool ours = true;

    if (p->closing || p->state != REDIS_PATH_UP) {
        return;
    }
    if (e->kind == REDIS_ERROR_MOVED) {
        redis_locator_moved(p->locator, e->slot, &e->to);
        ours = e->slot == p->slot;
    } else {
        ours = e->remedy == REMEDY_RELOCATE;
    }
    if (ours && p->link == l) {
        redis_endpoint_shown(redis_link_endpoint(l), endpoint);
        snprintf(problem, sizeof(problem), "%.120s: %s: %s", endpoint, redis_error_word(e->kind),
                 redis_error_meaning(e->kind));
        p->news = e->kind == REDIS_ERROR_MOVED;
        snprintf(p->problem, sizeof(p->problem), "%s", problem);
        if (e->kind != REDIS_ERROR_MOVED) {
            redis_locator_doubt(p->locator, redis_link_endpoint(l));
        }
        redis_link_close(l);
    }
}

/* Where to: the primary; for reads, in turn with its replicas when it does not come up. */
static void redis_path_found(void *context, const struct redis_location *l)
{
    static const struct redis_link_events events = {.up = redis_path_link_up,
                                                    .room = redis_path_link_room,
                                                    .error = redis_path_link_error,
                                                    .ended = redis_path_link_ended};
    struct redis_path *p = context;
    struct redis_link_options options = p->options.link;
    const struct redis_endpoint *to = &l->primary;

    if (p->options.any_role && p->failures > 0) {
        uint32_t turn = p->failures % (l->replica_count + 1);

        to = turn == 0 ? to : &l->replicas[turn - 1];
    }
    options.account = redis_locator_account(p->locator);
    p->state = REDIS_PATH_CONNECTING;
    memset(&p->asked, 0, sizeof(p->asked));
    p->asked.endpoint = *to;
    p->open++;
    p->link = redis_link_open(p->loop, to, &options, &events, p);
}

static void redis_path_not_found(void *context, const char *problem)
{
    redis_path_wait(context, problem);
}

static void redis_path_search(struct redis_path *p)
{
    p->state = REDIS_PATH_SEARCHING;
    redis_locator_find(p->locator, &p->search);
}

/* News: whoever waits need not, and whoever is up elsewhere is wrong there. */
static void redis_path_changed(void *context)
{
    struct redis_path *p = context;
    const struct redis_location *l = redis_locator_known(p->locator, p->slot);
    char endpoint[REDIS_ENDPOINT_BYTES];

    if (l == NULL) {
        return;
    }
    if (p->state == REDIS_PATH_WAITING) {
        if (!redis_endpoint_equal(&l->primary, &p->asked.endpoint)) {
            uv_timer_start(&p->again, redis_path_again, 0, 0);
        }
        return;
    }
    if (p->link != NULL && !p->options.any_role &&
        !redis_endpoint_equal(&l->primary, redis_link_endpoint(p->link))) {
        redis_endpoint_shown(&l->primary, endpoint);
        snprintf(p->problem, sizeof(p->problem), "the primary is %.200s now", endpoint);
        p->news = true;
        redis_link_close(p->link);
    }
}

/* ---- commands ---- */

enum redis_sent redis_path_send(struct redis_path *p, const struct redis_command *c)
{
    if (p->state != REDIS_PATH_UP) {
        return REDIS_NOT_OPEN;
    }
    return redis_link_send(p->link, c);
}

static void redis_path_aside_ended(void *context, enum redis_end why, const char *words)
{
    struct path_aside *aside = context;
    struct redis_path *p = aside->path;

    (void)why;
    (void)words;
    if (p->aside == aside) {
        p->aside = NULL;
    }
    memory_give(aside);
    redis_path_release(p);
}

static void redis_path_open_aside(struct redis_path *p, const struct redis_endpoint *to)
{
    static const struct redis_link_events events = {.ended = redis_path_aside_ended};
    struct redis_link_options options = p->options.link;

    if (p->aside != NULL) {
        redis_link_finish(p->aside->link); /* frees itself behind its last answer */
    }
    options.account = redis_locator_account(p->locator);
    p->aside = memory_take(sizeof(*p->aside));
    p->aside->path = p;
    p->aside->to = *to;
    p->open++;
    p->aside->link = redis_link_open(p->loop, to, &options, &events, p->aside);
}

enum redis_sent redis_path_ask(struct redis_path *p, const struct redis_endpoint *to,
                               const struct redis_command *c)
{
    static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
    enum redis_sent sent = REDIS_NOT_OPEN;
    char *bytes;
    size_t size;

    if (p->closing) {
        return REDIS_NOT_OPEN;
    }
    if (p->aside != NULL && redis_endpoint_equal(&p->aside->to, to)) {
        sent = redis_link_send_formatted(p->aside->link, asking, sizeof(asking) - 1, false, 0, NULL,
                                         NULL);
    }
    if (sent == REDIS_NOT_OPEN) {
        redis_path_open_aside(p, to);
        sent = redis_link_send_formatted(p->aside->link, asking, sizeof(asking) - 1, false, 0, NULL,
                                         NULL);
    }
    if (sent != REDIS_SENT) {
        return sent;
    }
    /* Once ASKING has left the command must follow; were it too large, the next would be asked for,
     * too, which does no harm. */
    bytes = redis_link_format(c->count, c->words, &size);
    sent = redis_link_send_formatted(p->aside->link, bytes, size, true, c->patience_ms, c->answered,
                                     c->context);
    redis_link_format_free(bytes);
    return sent;
}

void redis_path_renew(struct redis_path *p, const char *why)
{
    if (p->link != NULL) {
        redis_path_give_up(p, why);
    }
}

/* ---- what it is like ---- */

struct redis_link *redis_path_link(struct redis_path *p)
{
    return p->state == REDIS_PATH_UP ? p->link : NULL;
}

const struct redis_greeting *redis_path_greeting(const struct redis_path *p)
{
    return &p->greeting;
}

enum redis_path_state redis_path_state(const struct redis_path *p)
{
    return p->state;
}

const char *redis_path_state_word(enum redis_path_state s)
{
    return redis_path_states[s];
}

uint64_t redis_path_age_ms(const struct redis_path *p)
{
    return uv_now(p->loop) - p->since;
}

const char *redis_path_problem(const struct redis_path *p)
{
    return p->problem;
}

uint64_t redis_path_ups(const struct redis_path *p)
{
    return p->ups;
}

uint16_t redis_path_slot(const struct redis_path *p)
{
    return p->slot;
}

bool redis_path_serves(const struct redis_path *p, uint16_t slot)
{
    const struct redis_location *l = redis_locator_known(p->locator, slot);

    return p->state == REDIS_PATH_UP && l != NULL &&
           redis_endpoint_equal(&l->primary, &p->greeting.endpoint);
}

/* ---- life ---- */

static void redis_path_timer_closed(uv_handle_t *handle)
{
    redis_path_release(handle->data);
}

struct redis_path *redis_path_create(struct redis_locator *l, const struct redis_path_options *o,
                                     const struct redis_path_events *events, void *context)
{
    struct redis_path *p = memory_take(sizeof(*p));

    p->locator = l;
    p->loop = redis_locator_loop(l);
    p->options = *o;
    p->options.backoff_ms_min = o->backoff_ms_min == 0 ? PATH_BACKOFF_MS_MIN : o->backoff_ms_min;
    p->options.backoff_ms_max = o->backoff_ms_max == 0 ? PATH_BACKOFF_MS_MAX : o->backoff_ms_max;
    if (o->link.dialer == NULL) {
        p->options.link.dialer = redis_locator_dialer(l);
    }
    p->events = events;
    p->context = context;
    p->slot = text_is_none(o->tag) ? 0 : redis_slot(o->tag);
    p->options.tag = TEXT_NONE;
    random_init(&p->chance, o->seed == 0 ? uv_hrtime() : o->seed);
    p->since = uv_now(p->loop);
    p->search.slot = p->slot;
    p->search.found = redis_path_found;
    p->search.failed = redis_path_not_found;
    p->watch.changed = redis_path_changed;
    p->search.context = p->watch.context = p;
    uv_timer_init(p->loop, &p->again);
    p->again.data = p;
    p->open = 1;
    redis_locator_watch(l, &p->watch);
    redis_path_search(p);
    return p;
}

void redis_path_destroy(struct redis_path *p)
{
    p->closing = true;
    redis_locator_cancel(p->locator, &p->search);
    redis_locator_unwatch(p->locator, &p->watch);
    p->state = REDIS_PATH_WAITING; /* nothing is sent any more */
    if (p->link != NULL) {
        redis_link_close(p->link);
    }
    if (p->aside != NULL) {
        redis_link_close(p->aside->link);
    }
    uv_close((uv_handle_t *)&p->again, redis_path_timer_closed);
}
