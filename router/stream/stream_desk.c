#include "router/stream/stream_desk.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/defect.h"
#include "queue/base/memory.h"
#include "router/redis/redis_transaction.h"
#include "router/stream/stream_script.h"
#include "router/stream/stream_words.h"

#define STREAM_WAIT_MS      100u
#define STREAM_RAISE_MS     750u
#define STREAM_AGAIN_MS     20u
#define STREAM_AGAIN_MS_MAX 1000u
/* From here on Lua's copies of the entries cost more than a guard and a transaction do. */
#define STREAM_GUARDED_BYTES 2048u
/* A WAIT for all replicas, which facts that come meanwhile stand behind, has this part of the time.
 */
#define STREAM_RAISE_WAITS 5

/* A command that is not answered. */
struct stream_call {
    struct list_node in_desk;
    struct stream_desk *desk;
    struct stream_batch *batch; /* that is appended; NULL: a WAIT, or its tail has left */
    uint64_t volley;
};

struct stream_desk {
    uv_loop_t *loop;
    struct stream_desk_options options;
    struct stream_desk_events events;
    struct redis_locator *locator;
    struct redis_path *path;
    struct redis_script_queue *scripts; /* of the link that is up */
    struct list tails;
    struct stream_tail *told; /* about which something is being told, */
    struct list_node *next;   /* and the tail behind it */
    struct list calls;
    uint64_t volley;   /* the last one that was sent */
    uint64_t awaited;  /* the last one that has a WAIT behind it */
    uint64_t careful;  /* up to this one things may stand there already: by script. 0: none */
    uint32_t waits;    /* not answered */
    uint32_t raises;   /* handed over and not confirmed */
    bool greeted;      /* the owner wants to go on with this connection */
    bool faltered;     /* something was refused: all must be answered before anything is sent */
    bool scripts_only; /* this user may not do without */
    bool closing, closed;
    uint32_t again_ms;
    uv_timer_t again;
    struct stream_words words;
    char problem[256];
    struct stream_desk_stats stats;
};

/* ---- what has come of it ---- */

/* How many replicas may become primary, as far as the primary or anybody else knows. */
static uint32_t stream_desk_census(const struct stream_desk *d)
{
    const struct redis_greeting *g = redis_path_greeting(d->path);
    const struct redis_location *l = redis_locator_known(d->locator, redis_path_slot(d->path));
    uint32_t promotable = l == NULL ? 0 : l->promotable;

    return promotable > g->replicas ? promotable : g->replicas;
}

/* Where there are replicas, a raise that only some of them have may be undone by the failover that
 * makes another one primary, and the owner before would go on as if nothing had been. After a lease
 * time he does not. */
static bool stream_raise_counts(const struct stream_desk *d, const struct stream_batch *b,
                                uint32_t replicas, uint64_t now)
{
    return d->options.replicas == 0 || replicas >= stream_desk_census(d) ||
           now - b->sent_at >= d->options.raise_ms;
}

/* What is told may take the tail off the desk. */
static void stream_desk_confirm_tail(struct stream_desk *d, struct stream_tail *t, uint64_t volley,
                                     uint32_t replicas, uint64_t now)
{
    struct list_node *first;

    d->told = t;
    while (d->told == t && (first = list_first(&t->open)) != NULL) {
        struct stream_batch *b = record_of(first, struct stream_batch, in_tail);
        void *owner = b->owner;

        if (b->state != STREAM_WRITTEN || b->volley > volley) {
            break;
        }
        if (stream_batch_is_raise(b) && owner != NULL) {
            if (!stream_raise_counts(d, b, replicas, now)) {
                break;
            }
            d->raises--;
        }
        b->owner = NULL;
        stream_tail_confirm(t, b, now);
        if (owner != NULL) {
            d->events.confirmed(d->events.context, b, owner);
        }
    }
    if (d->told == t) {
        stream_tail_forget(t, now);
    }
    d->told = NULL;
}

static void stream_desk_confirm(struct stream_desk *d, uint64_t volley, uint32_t replicas)
{
    uint64_t now = uv_now(d->loop);
    struct list_node *n = list_first(&d->tails);

    while (n != NULL) {
        d->next = list_next(&d->tails, n);
        stream_desk_confirm_tail(d, record_of(n, struct stream_tail, in_desk), volley, replicas,
                                 now);
        n = d->next;
    }
    d->next = NULL;
    d->again_ms = 0;
    d->problem[0] = '\0';
    d->careful = volley < d->careful ? d->careful : 0;
}

static void stream_desk_again(uv_timer_t *timer);

/* When nothing is on its way any more, everything unconfirmed is sent again, a little later. */
static void stream_desk_look_again(struct stream_desk *d)
{
    if (d->faltered && list_empty(&d->calls) && !d->closing &&
        !uv_is_active((uv_handle_t *)&d->again)) {
        d->again_ms = d->again_ms == 0                        ? d->options.again_ms
                      : d->again_ms * 2 > STREAM_AGAIN_MS_MAX ? STREAM_AGAIN_MS_MAX
                                                              : d->again_ms * 2;
        uv_timer_start(&d->again, stream_desk_again, d->again_ms, 0);
    }
}

static void stream_desk_falter(struct stream_desk *d, struct text why)
{
    d->faltered = true;
    d->careful = UINT64_MAX; /* until all is sent again */
    snprintf(d->problem, sizeof(d->problem), TEXT_FORMAT, TEXT_ARGS(why));
}

static void stream_desk_elsewhere(struct stream_desk *d, struct stream_batch *b,
                                  struct stream_id at)
{
    struct stream_tail *t = b->tail;
    struct stream_batch *from;

    b->state = STREAM_WAITS;
    if (at.epoch <= t->epoch) {
        if (d->faltered) {
            return; /* the one before it was refused */
        }
        from = stream_tail_behind(t, at);
        if (from != NULL) {
            stream_tail_rewind(t, from);
            d->stats.repairs++;
            stream_desk_falter(d, TEXT("a stream had lost its end; what is missing is sent again"));
            return;
        }
    }
    stream_desk_remove(d, t);
    d->events.lost(d->events.context, t,
                   at.epoch > t->epoch ? STREAM_LOST_EPOCH : STREAM_LOST_ELSEWHERE, at);
}

static void stream_desk_written(struct stream_desk *d, struct stream_batch *b)
{
    b->state = STREAM_WRITTEN;
    if (d->options.replicas == 0) {
        stream_desk_confirm(d, b->volley, 0);
    }
}

static void stream_desk_take_answer(struct stream_desk *d, struct stream_batch *b,
                                    const struct redisReply *reply)
{
    const struct redisReply *word = redis_reply_at(reply, 0);
    struct stream_id at;

    if (!stream_id_read(redis_reply_text(redis_reply_at(reply, 1)), &at)) {
        stream_desk_falter(d, TEXT("the script's answer makes no sense"));
    } else if (redis_reply_is(word, "elsewhere")) {
        stream_desk_elsewhere(d, b, at);
    } else {
        stream_desk_written(d, b);
    }
}

/* The guard let them pass; did Redis take each of them? */
static bool stream_desk_all_added(const struct stream_batch *b, const struct redisReply *reply)
{
    bool all = redis_reply_count(reply) == b->count + 1;

    for (uint32_t i = 1; i <= b->count && all; i++) {
        all = !text_is_none(redis_reply_text(redis_reply_at(reply, i)));
    }
    return all || DEFECT(NO_EPOCH_CHECK);
}

/* Only a higher epoch is certain. Whatever else a guard says, the script knows better. */
static void stream_desk_take_guarded(struct stream_desk *d, struct stream_batch *b,
                                     const struct redisReply *reply)
{
    const struct redisReply *guard = redis_reply_at(reply, 0);
    struct stream_id at;

    if (redis_reply_is(redis_reply_at(guard, 0), "appended") && stream_desk_all_added(b, reply)) {
        stream_desk_written(d, b);
    } else if (stream_id_read(redis_reply_text(redis_reply_at(guard, 1)), &at) &&
               at.epoch > b->tail->epoch) {
        stream_desk_elsewhere(d, b, at);
    } else {
        b->state = STREAM_WAITS;
        stream_desk_falter(d, TEXT("a stream does not end where it did; all is sent again"));
    }
}

static void stream_desk_closed(uv_handle_t *timer)
{
    struct stream_desk *d = timer->data;

    if (d->scripts != NULL) {
        redis_script_queue_destroy(d->scripts);
    }
    stream_words_close(&d->words);
    memory_give(d);
}

static void stream_call_end(struct stream_call *c)
{
    struct stream_desk *d = c->desk;

    list_remove(&c->in_desk);
    memory_give(c);
    if (d->closing && list_empty(&d->calls) && !d->closed) {
        d->closed = true;
        uv_close((uv_handle_t *)&d->again, stream_desk_closed);
    }
    stream_desk_look_again(d);
}

/* `take` what a script or a guard said of the batch. */
static void stream_desk_appended(struct stream_call *c, const struct redis_answer *a,
                                 void (*take)(struct stream_desk *d, struct stream_batch *b,
                                              const struct redisReply *reply))
{
    struct stream_desk *d = c->desk;

    if (c->batch == NULL || d->closing) {
        /* its tail has left */
    } else if (a->outcome == REDIS_ANSWER) {
        take(d, c->batch, a->reply);
    } else if (a->outcome == REDIS_DENIED) {
        c->batch->state = STREAM_WAITS;
        stream_desk_falter(d, a->error->words);
    }
    stream_call_end(c);
}

static void stream_desk_scripted(void *context, const struct redis_answer *a)
{
    stream_desk_appended(context, a, stream_desk_take_answer);
}

static void stream_desk_guarded(void *context, const struct redis_answer *a)
{
    struct stream_call *c = context;

    if (a->outcome == REDIS_DENIED && a->error->kind == REDIS_ERROR_NOPERM) {
        c->desk->scripts_only = true;
    }
    stream_desk_appended(c, a, stream_desk_take_guarded);
}

static void stream_desk_wait(struct stream_desk *d);

/* While a raise waits for replicas that may not even run, one WAIT at a time: what is sent stands
 * behind each of them until its time is over. */
static void stream_desk_wait_if_due(struct stream_desk *d)
{
    bool due = d->raises == 0 ? d->awaited < d->volley : d->waits == 0;

    if (due && d->scripts != NULL && !d->faltered) {
        stream_desk_wait(d);
    }
}

static void stream_desk_waited(void *context, const struct redis_answer *a)
{
    struct stream_call *c = context;
    struct stream_desk *d = c->desk;
    int64_t replicas;

    d->waits--;
    if (d->closing) {
        /* nobody hears it */
    } else if (a->outcome == REDIS_DENIED) {
        stream_desk_falter(d, a->error->words);
    } else if (a->outcome == REDIS_ANSWER && redis_reply_integer(a->reply, &replicas)) {
        if (replicas >= (int64_t)d->options.replicas) {
            stream_desk_confirm(d, c->volley, (uint32_t)replicas);
            stream_desk_wait_if_due(d);
        } else {
            d->stats.short_waits++;
            snprintf(d->problem, sizeof(d->problem), "%d of %u replicas have the last facts",
                     (int)replicas, d->options.replicas);
            if (d->waits == 0 && !d->faltered) {
                stream_desk_wait(d);
            }
        }
    }
    stream_call_end(c);
}

/* ---- sending ---- */

static struct stream_call *stream_call_begin(struct stream_desk *d, struct stream_batch *b)
{
    struct stream_call *c = memory_take(sizeof(*c));

    c->desk = d;
    c->batch = b;
    c->volley = d->volley;
    list_append(&d->calls, &c->in_desk);
    return c;
}

static void stream_desk_wait(struct stream_desk *d)
{
    char replicas[12], patience[12];
    uint32_t census = 0;
    struct stream_call *c;
    struct text words[3];
    struct redis_command wait = {.count = 3,
                                 .words = words,
                                 .answered = stream_desk_waited,
                                 .patience_ms = d->options.wait_ms};

    if (d->raises > 0) { /* and nothing else is lost by asking again soon */
        census = stream_desk_census(d);
        wait.patience_ms = d->options.wait_ms / STREAM_RAISE_WAITS;
    }
    snprintf(replicas, sizeof(replicas), "%u",
             census > d->options.replicas ? census : d->options.replicas);
    snprintf(patience, sizeof(patience), "%u", wait.patience_ms);
    words[0] = TEXT("WAIT");
    words[1] = text_from(replicas);
    words[2] = text_from(patience);
    wait.context = c = stream_call_begin(d, NULL);
    d->awaited = d->volley;
    d->waits++;
    d->stats.waits++;
    if (redis_script_send_behind(d->scripts, &wait) != REDIS_SENT) {
        /* The connection is at its end, or full: then its answers bring the next one. */
        d->waits--;
        stream_call_end(c);
    }
}

static enum redis_sent stream_desk_send_script(struct stream_desk *d, const struct stream_batch *b,
                                               struct stream_call *c)
{
    struct redis_command command = stream_words_script(&d->words, b);

    command.answered = stream_desk_scripted;
    command.context = c;
    return redis_script_run(d->scripts, &stream_script_append, &command);
}

static enum redis_sent stream_desk_send_guarded(struct stream_desk *d, const struct stream_batch *b,
                                                struct stream_call *c)
{
    return redis_transaction_send(redis_path_link(d->path), stream_words_guarded(&d->words, b),
                                  b->count + 1, stream_desk_guarded, c);
}

static bool stream_desk_send_batch(struct stream_desk *d, struct stream_batch *b)
{
    bool guarded = d->careful == 0 && !d->scripts_only && b->bytes.size >= STREAM_GUARDED_BYTES;
    struct stream_call *c = stream_call_begin(d, b);

    if ((guarded ? stream_desk_send_guarded(d, b, c) : stream_desk_send_script(d, b, c)) !=
        REDIS_SENT) {
        stream_call_end(c);
        return false;
    }
    b->state = STREAM_SENT;
    if (stream_batch_is_raise(b) && b->owner != NULL && b->sent_at == 0) {
        b->sent_at = uv_now(d->loop);
        d->raises++;
    }
    b->volley = d->volley;
    d->stats.scripts += !guarded;
    d->stats.guarded += guarded;
    return true;
}

void stream_desk_send(struct stream_desk *d)
{
    bool any = false, room = true;

    if (d->scripts == NULL || !d->greeted || d->faltered) {
        return;
    }
    d->volley++;
    for (struct list_node *n = list_first(&d->tails); n != NULL && room;
         n = list_next(&d->tails, n)) {
        struct stream_tail *t = record_of(n, struct stream_tail, in_desk);
        struct stream_batch *b;

        while ((b = stream_tail_next_waiting(t)) != NULL && (room = stream_desk_send_batch(d, b))) {
            any = true;
        }
    }
    if (!any) {
        return;
    }
    d->stats.volleys++;
    if (d->options.replicas > 0) {
        stream_desk_wait_if_due(d);
    }
    redis_link_flush(redis_path_link(d->path));
}

void stream_desk_trim(struct stream_desk *d, const struct stream_tail *t, struct stream_id id)
{
    char buffer[STREAM_ID_BYTES];
    struct text words[4] = {TEXT("XTRIM"), t->key, TEXT("MINID"), stream_id_write(id, buffer)};
    struct redis_command c = {.count = 4, .words = words};

    if (d->scripts != NULL && d->greeted) {
        redis_link_send(redis_path_link(d->path), &c);
    }
}

/* Everything unconfirmed, from the beginning. */
static void stream_desk_start_over(struct stream_desk *d)
{
    bool any = false;

    d->faltered = false;
    for (struct list_node *n = list_first(&d->tails); n != NULL; n = list_next(&d->tails, n)) {
        struct stream_tail *t = record_of(n, struct stream_tail, in_desk);
        struct list_node *first = list_first(&t->open);

        if (first != NULL) {
            stream_tail_rewind(t, record_of(first, struct stream_batch, in_tail));
            any = true;
        }
    }
    d->stats.again += any;
    d->careful = UINT64_MAX;
    stream_desk_send(d);
    d->careful = d->volley;
}

static void stream_desk_again(uv_timer_t *timer)
{
    struct stream_desk *d = timer->data;

    if (d->scripts != NULL && d->greeted) {
        stream_desk_start_over(d);
    }
}

void stream_desk_go_on(struct stream_desk *d)
{
    if (d->scripts != NULL && !d->greeted) {
        d->greeted = true;
        if (stream_desk_is_idle(d)) {
            d->problem[0] = '\0'; /* else when it is confirmed */
        }
        stream_desk_start_over(d);
    }
}

/* ---- the connection ---- */

static void stream_desk_up(void *context, struct redis_path *p, const struct redis_greeting *g)
{
    struct stream_desk *d = context;

    if (d->closing) {
        return;
    }
    d->scripts = redis_script_queue_create(redis_path_link(p));
    d->faltered = false;
    d->greeted = false;
    d->scripts_only = false;
    if (d->events.greeted(d->events.context, g)) {
        stream_desk_go_on(d);
    }
}

static void stream_desk_down(void *context, struct redis_path *p, const char *why)
{
    struct stream_desk *d = context;

    (void)p;
    if (d->scripts != NULL) {
        redis_script_queue_destroy(d->scripts);
        d->scripts = NULL;
    }
    d->greeted = false;
    d->faltered = false;
    uv_timer_stop(&d->again);
    snprintf(d->problem, sizeof(d->problem), "%s", why);
}

static void stream_desk_room(void *context, struct redis_path *p)
{
    (void)p;
    stream_desk_send(context);
}

/* ---- the frame ---- */

struct stream_desk *stream_desk_create(struct redis_locator *l, const struct stream_desk_options *o,
                                       const struct stream_desk_events *events)
{
    static const struct redis_path_events path_events = {
        .up = stream_desk_up, .down = stream_desk_down, .room = stream_desk_room};
    struct stream_desk *d = memory_take(sizeof(*d));

    d->loop = redis_locator_loop(l);
    d->locator = l;
    d->options = *o;
    d->options.raise_ms = o->raise_ms == 0 ? STREAM_RAISE_MS : o->raise_ms;
    d->options.wait_ms = o->wait_ms == 0 ? STREAM_WAIT_MS : o->wait_ms;
    d->options.again_ms = o->again_ms == 0 ? STREAM_AGAIN_MS : o->again_ms;
    d->events = *events;
    list_init(&d->tails);
    list_init(&d->calls);
    uv_timer_init(d->loop, &d->again);
    d->again.data = d;
    d->path = redis_path_create(l, &o->path, &path_events, d);
    return d;
}

void stream_desk_destroy(struct stream_desk *d)
{
    struct list_node *n;

    d->closing = true;
    while ((n = list_first(&d->tails)) != NULL) {
        stream_desk_remove(d, record_of(n, struct stream_tail, in_desk));
    }
    redis_path_destroy(d->path);
    if (list_empty(&d->calls)) {
        d->closed = true;
        uv_close((uv_handle_t *)&d->again, stream_desk_closed);
    }
}

void stream_desk_add(struct stream_desk *d, struct stream_tail *t)
{
    list_append(&d->tails, &t->in_desk);
}

void stream_desk_remove(struct stream_desk *d, struct stream_tail *t)
{
    if (d->told == t) {
        d->told = NULL;
    }
    if (d->next == &t->in_desk) {
        d->next = list_next(&d->tails, &t->in_desk);
    }
    list_remove(&t->in_desk);
    for (struct list_node *n = list_first(&t->open); n != NULL; n = list_next(&t->open, n)) {
        const struct stream_batch *b = record_of(n, struct stream_batch, in_tail);

        d->raises -= stream_batch_is_raise(b) && b->owner != NULL && b->sent_at != 0;
    }
    for (struct list_node *n = list_first(&d->calls); n != NULL; n = list_next(&d->calls, n)) {
        struct stream_call *c = record_of(n, struct stream_call, in_desk);

        if (c->batch != NULL && c->batch->tail == t) {
            c->batch = NULL;
        }
    }
}

void stream_desk_renew(struct stream_desk *d, const char *why)
{
    redis_path_renew(d->path, why);
}

bool stream_desk_is_idle(const struct stream_desk *d)
{
    for (struct list_node *n = list_first(&d->tails); n != NULL; n = list_next(&d->tails, n)) {
        if (!list_empty(&record_of(n, struct stream_tail, in_desk)->open)) {
            return false;
        }
    }
    return true;
}

void stream_desk_get_stats(const struct stream_desk *d, struct stream_desk_stats *out)
{
    *out = d->stats;
}

const char *stream_desk_problem(const struct stream_desk *d)
{
    return d->problem;
}
