#include "router/ownership/lease.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/memory.h"
#include "router/ownership/digits.h"
#include "router/redis/redis_script.h"

#define LEASE_MS          750u
#define LEASE_POLL_MS_MIN 20u

/* A renewal, or the last one, which lets go. Epochs are below 2^53, which is what Lua's numbers can
 * tell apart: a counter of 37 bits and a node's number of 16. */
static const char lease_renew_text[] =
    "#!lua flags=\n"
    "local top = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]\n"
    "local highest = redis.call('HGET', KEYS[1], 'epoch') or '0'\n"
    "if not top then return {'empty', ARGV[1]} end\n"
    "top = string.match(top[1], '^%d+')\n"
    "if tonumber(top) > tonumber(highest) then highest = top end\n"
    "if tonumber(highest) > tonumber(ARGV[1]) then return {'lost', highest} end\n"
    "redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', ARGV[2], 'address', ARGV[3],\n"
    "  'count', ARGV[4], 'now_at', ARGV[5], 'state', ARGV[6])\n"
    "local wanted = redis.call('HGET', KEYS[1], 'wanted_by')\n"
    "if wanted then redis.call('HDEL', KEYS[1], 'wanted_by') end\n"
    "return {'renewed', ARGV[1], wanted or ''}\n";

static struct redis_script lease_renew_script;

void lease_scripts_init(void)
{
    redis_script_init(&lease_renew_script, text_from(lease_renew_text));
}

/* A command that is not answered. */
struct lease_call {
    struct list_node in_book;
    struct lease_book *book;
    struct lease *lease; /* NULL: of a WAIT, or nobody asks any more */
    uint64_t volley;     /* of renewals and their WAIT */
    uint64_t epoch;      /* of a renewal */
    boot_ms sent_at;
};

/* A connection of the book, and a timer that brings work to it. */
struct lease_line {
    struct lease_book *book;
    struct redis_path *path;
    uv_timer_t timer;
    uint32_t open; /* commands that are not answered */
    bool up;
    char problem[256];
};

struct lease_book {
    struct lease_options options;
    struct lease_events events;
    struct lease_line reads, renewals;
    struct redis_script_queue *scripts; /* of the renewals' link that is up */
    struct list leases;
    struct list calls;
    uint64_t volley;
    uint32_t releases; /* that are not answered */
    bool due;          /* it was time for renewals, and the last ones were not answered yet */
    bool closing;
    uint32_t closed; /* timers */
    struct lease_stats stats;
};

static boot_ms lease_book_now(const struct lease_book *b)
{
    return b->options.clock->source();
}

static struct lease *lease_of(struct list_node *n)
{
    return n == NULL ? NULL : record_of(n, struct lease, in_book);
}

static struct text lease_text_copy(struct text t)
{
    return (struct text){memory_copy(t.bytes, t.length), t.length};
}

static void lease_text_give(struct text *t)
{
    memory_give((void *)(uintptr_t)t->bytes);
    *t = TEXT_NONE;
}

static struct text lease_key(struct text workspace, const char *what)
{
    size_t room = workspace.length + strlen(what) + sizeof("switchboard:{}:");
    char *key = memory_take(room);
    int size = snprintf(key, room, "switchboard:{" TEXT_FORMAT "}:%s", TEXT_ARGS(workspace), what);

    return (struct text){key, (uint32_t)size};
}

/* ---- calls ---- */

static struct lease_call *lease_call_begin(struct lease_line *line, struct lease *l)
{
    struct lease_book *b = line->book;
    struct lease_call *c = memory_take(sizeof(*c));

    c->book = b;
    c->lease = l;
    c->sent_at = lease_book_now(b);
    list_append(&b->calls, &c->in_book);
    line->open++;
    return c;
}

static void lease_timer_closed(uv_handle_t *timer)
{
    struct lease_book *b = timer->data;

    if (++b->closed < 2) {
        return;
    }
    if (b->scripts != NULL) {
        redis_script_queue_destroy(b->scripts);
    }
    lease_text_give(&b->options.node);
    lease_text_give(&b->options.address);
    memory_give(b);
}

/* The scripts' queue may be in use until the last answer's call is over: so by way of the loop. */
static void lease_book_free_if_over(struct lease_book *b)
{
    if (b->closing && list_empty(&b->calls)) {
        uv_close((uv_handle_t *)&b->reads.timer, lease_timer_closed);
        uv_close((uv_handle_t *)&b->renewals.timer, lease_timer_closed);
    }
}

static void lease_call_end(struct lease_call *c, struct lease_line *line)
{
    struct lease_book *b = c->book;

    list_remove(&c->in_book);
    memory_give(c);
    line->open--;
    lease_book_free_if_over(b);
}

/* What is on its way for this lease is nobody's any more. */
static void lease_forget_calls(struct lease_book *b, const struct lease *l)
{
    for (struct list_node *n = list_first(&b->calls); n != NULL; n = list_next(&b->calls, n)) {
        struct lease_call *c = record_of(n, struct lease_call, in_book);

        if (c->lease == l) {
            c->lease = NULL;
        }
    }
}

static void lease_line_say(struct lease_line *line, const struct redis_answer *a)
{
    if (a->outcome == REDIS_DENIED) {
        snprintf(line->problem, sizeof(line->problem), TEXT_FORMAT, TEXT_ARGS(a->error->words));
    }
}

/* ---- watching ---- */

static const char *const lease_fields[] = {"epoch", "node", "address", "count", "now_at", "state"};
enum {
    LEASE_EPOCH,
    LEASE_NODE,
    LEASE_ADDRESS,
    LEASE_COUNT,
    LEASE_NOW_AT,
    LEASE_STATE,
    LEASE_FIELDS
};

static void lease_sight_read(struct lease_sight *s, const struct redisReply *r)
{
    struct text field[LEASE_FIELDS];

    for (size_t i = 0; i < LEASE_FIELDS; i++) {
        field[i] = redis_reply_text(redis_reply_at(r, i));
    }
    memset(s, 0, sizeof(*s));
    s->epoch = digits_read(field[LEASE_EPOCH]);
    snprintf(s->node, sizeof(s->node), TEXT_FORMAT, TEXT_ARGS(field[LEASE_NODE]));
    snprintf(s->address, sizeof(s->address), TEXT_FORMAT, TEXT_ARGS(field[LEASE_ADDRESS]));
    s->count = digits_read(field[LEASE_COUNT]);
    s->now_at = (engine_time)digits_read(field[LEASE_NOW_AT]);
    s->released = text_equal(field[LEASE_STATE], TEXT("released"));
}

static void lease_see(struct lease *l, const struct redisReply *reply)
{
    struct lease_book *b = l->book;
    boot_ms now = lease_book_now(b);
    const struct lease_sight *was = &l->observed;
    struct lease_sight is;
    bool other, changed;

    lease_sight_read(&is, reply);
    other = !l->known || is.epoch != was->epoch || is.released != was->released ||
            strcmp(is.node, was->node) != 0 || strcmp(is.address, was->address) != 0;
    changed = other || is.count != was->count;
    is.now_seen = changed ? now : was->now_seen;
    l->changed_at = changed ? now : l->changed_at;
    silence_read(&l->silence, now, changed, b->options.lease_ms / 4);
    l->known = true;
    l->observed = is;
    if (other) {
        b->events.changed(b->events.context, l);
    }
}

static void lease_read(void *context, const struct redis_answer *a)
{
    struct lease_call *c = context;
    struct lease_book *b = c->book;
    struct lease *l = c->lease;

    if (a->outcome == REDIS_ANSWER && !b->closing) {
        b->stats.reads++;
        b->reads.problem[0] = '\0';
    }
    lease_line_say(&b->reads, a);
    lease_call_end(c, &b->reads);
    if (l != NULL && l->held == 0 && a->outcome == REDIS_ANSWER) {
        lease_see(l, a->reply);
    }
}

static void lease_ask(struct lease_book *b, struct lease *l)
{
    struct text words[2 + LEASE_FIELDS] = {TEXT("HMGET"), l->key};
    struct redis_command c = {.count = 2 + LEASE_FIELDS, .words = words, .answered = lease_read};
    struct lease_call *call = lease_call_begin(&b->reads, l);

    for (size_t i = 0; i < LEASE_FIELDS; i++) {
        words[2 + i] = text_from(lease_fields[i]);
    }
    c.context = call;
    if (redis_path_send(b->reads.path, &c) != REDIS_SENT) {
        lease_call_end(call, &b->reads);
    }
}

/* The next reading waits for the answers of the last. */
static void lease_book_read(struct lease_book *b)
{
    if (!b->reads.up || b->reads.open > 0) {
        return;
    }
    for (struct list_node *n = list_first(&b->leases); n != NULL; n = list_next(&b->leases, n)) {
        if (lease_of(n)->held == 0) {
            lease_ask(b, lease_of(n));
        }
    }
    redis_link_flush(redis_path_link(b->reads.path));
}

/* It is to be seen as if for the first time. */
static void lease_look_anew(struct lease *l)
{
    l->held = 0;
    l->in_force_until = 0;
    l->written_volley = 0;
    l->known = false;
    l->silence = (struct silence){0};
    memset(&l->observed, 0, sizeof(l->observed));
}

bool lease_is_over(const struct lease *l, boot_ms now)
{
    duration_ms lease_ms = l->book->options.lease_ms;

    return l->held == 0 && l->known && now - l->silence.read_at < lease_ms &&
           (l->observed.released || l->silence.lasts >= lease_ms);
}

/* ---- holding ---- */

/* Enough replicas have what was written up to this volley. */
static void lease_book_confirm(struct lease_book *b, uint64_t volley)
{
    duration_ms lasts = b->options.lease_ms - b->options.lease_ms / 10;

    for (struct list_node *n = list_first(&b->leases); n != NULL; n = list_next(&b->leases, n)) {
        struct lease *l = lease_of(n);

        if (l->held != 0 && l->written_volley != 0 && l->written_volley <= volley &&
            l->written_sent_at + lasts > l->in_force_until) {
            l->in_force_until = l->written_sent_at + lasts;
        }
    }
    b->renewals.problem[0] = '\0';
    if (b->events.renewed != NULL) {
        b->events.renewed(b->events.context);
    }
}

static void lease_book_renew(struct lease_book *b);

static void lease_book_renew_if_due(struct lease_book *b)
{
    if (b->due && b->renewals.open == 0) {
        lease_book_renew(b);
    }
}

/* A renewal was written, and brought along what somebody has left there for us. */
static void lease_written(struct lease_book *b, struct lease *l, const struct lease_call *call,
                          const struct redisReply *reply)
{
    struct text wanted = redis_reply_text(redis_reply_at(reply, 2));

    b->stats.renewals++;
    l->written_volley = call->volley;
    l->written_sent_at = call->sent_at;
    if (b->options.replicas == 0) {
        lease_book_confirm(b, call->volley);
    }
    if (b->events.wanted != NULL && wanted.length > 0 && l->held == call->epoch) {
        b->events.wanted(b->events.context, l, wanted);
    }
}

static void lease_renewed(void *context, const struct redis_answer *a)
{
    struct lease_call call = *(struct lease_call *)context;
    struct lease_book *b = call.book;
    struct lease *l = call.lease;

    lease_line_say(&b->renewals, a);
    lease_call_end(context, &b->renewals);
    if (b->closing) {
        return;
    }
    if (l != NULL && l->held == call.epoch && a->outcome == REDIS_ANSWER) {
        if (redis_reply_is(redis_reply_at(a->reply, 0), "lost")) {
            lease_look_anew(l);
            b->events.lost(b->events.context, l,
                           digits_read(redis_reply_text(redis_reply_at(a->reply, 1))));
        } else if (redis_reply_is(redis_reply_at(a->reply, 0), "empty")) {
            if (b->events.empty != NULL) {
                b->events.empty(b->events.context, l);
            }
        } else {
            lease_written(b, l, &call, a->reply);
        }
    }
    lease_book_renew_if_due(b);
}

static void lease_released(void *context, const struct redis_answer *a)
{
    struct lease_call *c = context;

    lease_line_say(&c->book->renewals, a);
    c->book->releases--;
    lease_call_end(c, &c->book->renewals);
}

static void lease_waited(void *context, const struct redis_answer *a)
{
    struct lease_call call = *(struct lease_call *)context;
    struct lease_book *b = call.book;
    int64_t replicas;

    lease_line_say(&b->renewals, a);
    lease_call_end(context, &b->renewals);
    if (b->closing) {
        return;
    }
    if (a->outcome == REDIS_ANSWER && redis_reply_integer(a->reply, &replicas)) {
        if (replicas >= (int64_t)b->options.replicas) {
            lease_book_confirm(b, call.volley);
        } else {
            b->stats.short_waits++;
            snprintf(b->renewals.problem, sizeof(b->renewals.problem),
                     "%d of %u replicas have the last renewals", (int)replicas,
                     b->options.replicas);
        }
    }
    lease_book_renew_if_due(b);
}

static bool lease_send(struct lease_book *b, struct lease *l, struct text state,
                       redis_answered answered)
{
    char epoch[24], count[24], now_at[24];
    struct text words[] = {TEXT("2"),          l->key,     l->journal,  {epoch, 0}, b->options.node,
                           b->options.address, {count, 0}, {now_at, 0}, state};
    struct redis_command c = {
        .count = sizeof(words) / sizeof(*words), .words = words, .answered = answered};
    struct lease_call *call = lease_call_begin(&b->renewals, l);

    l->count++;
    words[3].length = (uint32_t)snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)l->held);
    words[6].length =
        (uint32_t)snprintf(count, sizeof(count), "%llu", (unsigned long long)l->count);
    words[7].length =
        (uint32_t)snprintf(now_at, sizeof(now_at), "%lld", (long long)l->now(l->context));
    call->volley = b->volley;
    call->epoch = l->held;
    c.context = call;
    if (redis_script_run(b->scripts, &lease_renew_script, &c) != REDIS_SENT) {
        lease_call_end(call, &b->renewals);
        return false;
    }
    return true;
}

/* Behind the renewals of this volley. */
static void lease_book_wait(struct lease_book *b)
{
    char replicas[12], patience[12];
    uint32_t patience_ms = b->options.lease_ms / 3;
    struct text words[3] = {TEXT("WAIT")};
    struct redis_command c = {
        .count = 3, .words = words, .answered = lease_waited, .patience_ms = patience_ms};
    struct lease_call *call = lease_call_begin(&b->renewals, NULL);

    snprintf(replicas, sizeof(replicas), "%u", b->options.replicas);
    snprintf(patience, sizeof(patience), "%u", patience_ms);
    words[1] = text_from(replicas);
    words[2] = text_from(patience);
    call->volley = b->volley;
    c.context = call;
    if (redis_script_send_behind(b->scripts, &c) != REDIS_SENT) {
        lease_call_end(call, &b->renewals);
    }
}

static void lease_book_leave(struct lease_book *b)
{
    if (b->options.replicas > 0) {
        lease_book_wait(b);
    }
    redis_link_flush(redis_path_link(b->renewals.path));
}

/* All that are held, unless the last volley is still on its way: then when it has arrived. */
static void lease_book_renew(struct lease_book *b)
{
    bool any = false;

    if (b->scripts == NULL) {
        return;
    }
    b->due = b->renewals.open > 0;
    if (b->due) {
        return;
    }
    b->volley++;
    for (struct list_node *n = list_first(&b->leases); n != NULL; n = list_next(&b->leases, n)) {
        if (lease_of(n)->held != 0) {
            any |= lease_send(b, lease_of(n), TEXT("held"), lease_renewed);
        }
    }
    if (any) {
        lease_book_leave(b);
    }
}

void lease_hold(struct lease_book *b, struct lease *l, uint64_t epoch,
                engine_time (*now)(void *context))
{
    assert(l->book == b && l->held < epoch);
    l->held = epoch;
    l->count = 0;
    l->now = now;
    l->in_force_until = 0;
    l->written_volley = 0;
    if (b->scripts != NULL) {
        b->volley++;
        if (lease_send(b, l, TEXT("held"), lease_renewed)) {
            lease_book_leave(b);
        }
    }
}

void lease_let_go(struct lease_book *b, struct lease *l)
{
    assert(l->book == b && l->held != 0);
    if (b->scripts != NULL && lease_send(b, l, TEXT("released"), lease_released)) {
        b->releases++;
        redis_link_flush(redis_path_link(b->renewals.path));
    }
    lease_forget_calls(b, l);
    lease_look_anew(l);
}

/* ---- asking its owner for it ---- */

/* He hears of it with his next renewal, or it is lost on the way. */
static void lease_asked_for(void *context, const struct redis_answer *a)
{
    struct lease_call *c = context;

    lease_line_say(&c->book->reads, a);
    lease_call_end(c, &c->book->reads);
}

void lease_ask_for(struct lease_book *b, struct lease *l)
{
    struct text words[] = {TEXT("HSET"), l->key, TEXT("wanted_by"), b->options.node};
    struct redis_command c = {
        .count = sizeof(words) / sizeof(*words), .words = words, .answered = lease_asked_for};
    struct lease_call *call;

    assert(l->book == b && l->held == 0);
    if (!b->reads.up) {
        return;
    }
    c.context = call = lease_call_begin(&b->reads, NULL);
    if (redis_path_send(b->reads.path, &c) != REDIS_SENT) {
        lease_call_end(call, &b->reads);
    }
    redis_link_flush(redis_path_link(b->reads.path));
}

/* ---- the connections ---- */

static void lease_line_rise(struct lease_line *line)
{
    line->up = true;
    line->problem[0] = '\0';
}

static void lease_line_fall(struct lease_line *line, const char *why)
{
    line->up = false;
    snprintf(line->problem, sizeof(line->problem), "%s", why);
}

static void lease_reads_up(void *context, struct redis_path *p, const struct redis_greeting *g)
{
    struct lease_book *b = context;

    (void)p;
    if (!b->closing) {
        lease_line_rise(&b->reads);
        b->events.primary(b->events.context, g);
        lease_book_read(b);
    }
}

static void lease_reads_down(void *context, struct redis_path *p, const char *why)
{
    struct lease_book *b = context;

    (void)p;
    lease_line_fall(&b->reads, why);
    for (struct list_node *n = list_first(&b->leases); n != NULL; n = list_next(&b->leases, n)) {
        silence_break(&lease_of(n)->silence);
    }
}

static void lease_renewals_up(void *context, struct redis_path *p, const struct redis_greeting *g)
{
    struct lease_book *b = context;

    if (!b->closing) {
        lease_line_rise(&b->renewals);
        b->scripts = redis_script_queue_create(redis_path_link(p));
        b->events.primary(b->events.context, g);
        lease_book_renew(b);
    }
}

/* What was written over the old connection is nothing that a WAIT over another one speaks of. */
static void lease_renewals_down(void *context, struct redis_path *p, const char *why)
{
    struct lease_book *b = context;

    (void)p;
    lease_line_fall(&b->renewals, why);
    if (b->scripts != NULL) {
        redis_script_queue_destroy(b->scripts);
        b->scripts = NULL;
    }
    b->due = false;
    for (struct list_node *n = list_first(&b->leases); n != NULL; n = list_next(&b->leases, n)) {
        lease_of(n)->written_volley = 0;
    }
}

static void lease_reads_tick(uv_timer_t *timer)
{
    lease_book_read(timer->data);
}

static void lease_renewals_tick(uv_timer_t *timer)
{
    lease_book_renew(timer->data);
}

/* ---- the frame ---- */

static void lease_line_open(struct lease_book *b, struct lease_line *line, struct redis_locator *l,
                            const struct redis_path_events *events, uv_timer_cb tick,
                            uint32_t every_ms)
{
    line->book = b;
    uv_timer_init(redis_locator_loop(l), &line->timer);
    line->timer.data = b;
    uv_timer_start(&line->timer, tick, every_ms, every_ms);
    line->path = redis_path_create(l, &b->options.path, events, b);
}

/* A connection that is silent for a lease time is of no use for leases, and after an outage of
 * Redis an owner must be back before others have watched it for so long. */
static void lease_default_patience(struct redis_path_options *o, uint32_t lease_ms)
{
    o->link.reply_ms = o->link.reply_ms == 0 ? lease_ms : o->link.reply_ms;
    o->link.connect_ms = o->link.connect_ms == 0 ? lease_ms : o->link.connect_ms;
    o->backoff_ms_max = o->backoff_ms_max == 0 ? lease_ms / 4 : o->backoff_ms_max;
}

void lease_book_set_address(struct lease_book *b, struct text address)
{
    if (!text_equal(b->options.address, address)) {
        lease_text_give(&b->options.address);
        b->options.address = lease_text_copy(address);
    }
}

struct lease_book *lease_book_create(struct redis_locator *l, const struct lease_options *o,
                                     const struct lease_events *e)
{
    static const struct redis_path_events reads = {.up = lease_reads_up, .down = lease_reads_down};
    static const struct redis_path_events renewals = {.up = lease_renewals_up,
                                                      .down = lease_renewals_down};
    struct lease_book *b = memory_take(sizeof(*b));
    uint32_t poll_ms;

    b->options = *o;
    b->options.lease_ms = o->lease_ms == 0 ? LEASE_MS : o->lease_ms;
    b->options.node = lease_text_copy(o->node);
    b->options.address = lease_text_copy(o->address);
    lease_default_patience(&b->options.path, b->options.lease_ms);
    b->events = *e;
    list_init(&b->leases);
    list_init(&b->calls);
    poll_ms = b->options.lease_ms / 8;
    poll_ms = poll_ms < LEASE_POLL_MS_MIN ? LEASE_POLL_MS_MIN : poll_ms;
    lease_line_open(b, &b->reads, l, &reads, lease_reads_tick, poll_ms);
    lease_line_open(b, &b->renewals, l, &renewals, lease_renewals_tick, b->options.lease_ms / 3);
    return b;
}

void lease_book_destroy(struct lease_book *b)
{
    struct list_node *n;

    b->closing = true;
    while ((n = list_first(&b->leases)) != NULL) {
        lease_unwatch(b, lease_of(n));
    }
    redis_path_destroy(b->reads.path);
    redis_path_destroy(b->renewals.path);
    uv_timer_stop(&b->reads.timer);
    uv_timer_stop(&b->renewals.timer);
    lease_book_free_if_over(b);
}

void lease_watch(struct lease_book *b, struct lease *l, struct text workspace, void *context)
{
    memset(l, 0, sizeof(*l));
    l->book = b;
    l->context = context;
    l->workspace = lease_text_copy(workspace);
    l->key = lease_key(workspace, "lease");
    l->journal = lease_key(workspace, "journal");
    list_append(&b->leases, &l->in_book);
}

void lease_unwatch(struct lease_book *b, struct lease *l)
{
    assert(l->book == b);
    lease_forget_calls(b, l);
    list_remove(&l->in_book);
    lease_text_give(&l->workspace);
    lease_text_give(&l->key);
    lease_text_give(&l->journal);
    l->held = 0;
    l->known = false;
}

bool lease_book_is_idle(const struct lease_book *b)
{
    return b->releases == 0;
}

uint32_t lease_book_lease_ms(const struct lease_book *b)
{
    return b->options.lease_ms;
}

void lease_book_get_stats(const struct lease_book *b, struct lease_stats *out)
{
    *out = b->stats;
}

const char *lease_book_problem(const struct lease_book *b)
{
    return b->reads.problem[0] != '\0' ? b->reads.problem : b->renewals.problem;
}
