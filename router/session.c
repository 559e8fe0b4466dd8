#include "router/session_inside.h"

#include <assert.h>

#include "queue/base/memory.h"
#include "router/log.h"

/* All slots are looked at in so many parts, one a tick: many connections shall not be one pause. */
#define SESSION_SWEEP_MS      20
#define SESSION_SWEEP_PARTS   8
#define SESSION_HALF_FRAME_MS 10000
#define SESSION_QUIET_MS      500

struct session_end_row {
    const char *word;
    enum log_level level;
    const char *words;
};

static const struct session_end_row session_end_rows[] = {
#define SESSION_END_ROW(symbol, word, level, words) {word, LOG_LEVEL_##level, words},
    SESSION_END_TABLE(SESSION_END_ROW)
#undef SESSION_END_ROW
};

const char *session_end_word(enum session_end_reason reason)
{
    return session_end_rows[reason].word;
}

/* ---- the table ---- */

static void session_sweep(uv_timer_t *timer);

void session_table_init(struct session_table *t, uv_loop_t *loop, struct clock *clock,
                        const struct session_options *options,
                        const struct session_handler *handler)
{
    memset(t, 0, sizeof(*t));
    t->loop = loop;
    t->clock = clock;
    t->options = *options;
    t->handler = *handler;
    t->read_buffer = memory_take(SESSION_READ_BYTES);
    list_init(&t->waiting);
    list_init(&t->to_flush);
    uv_timer_init(loop, &t->sweep);
    t->sweep.data = t;
    uv_timer_start(&t->sweep, session_sweep, SESSION_SWEEP_MS, SESSION_SWEEP_MS);
}

void session_table_stop(struct session_table *t)
{
    if (!uv_is_closing((uv_handle_t *)&t->sweep)) {
        uv_close((uv_handle_t *)&t->sweep, NULL);
    }
}

void session_table_close(struct session_table *t)
{
    assert(t->live == 0);
    session_marks_close(&t->touched);
    memory_give(t->slots);
    memory_give(t->free_slots);
    memory_give(t->read_buffer);
}

struct session *session_find(const struct session_table *t, uint64_t id)
{
    struct session *s = session_of(t, id);

    return s != NULL && s->state <= SESSION_OPEN ? s : NULL;
}

static uint32_t session_table_take_slot(struct session_table *t)
{
    if (t->free_count > 0) {
        return t->free_slots[--t->free_count];
    }
    if (t->slot_count == t->slot_capacity) {
        t->slot_capacity = t->slot_capacity == 0 ? 64 : t->slot_capacity * 2;
        t->slots = memory_resize(t->slots, t->slot_capacity * sizeof(*t->slots));
        t->free_slots = memory_resize(t->free_slots, t->slot_capacity * sizeof(*t->free_slots));
    }
    assert(t->slot_count < 1u << SESSION_SLOT_BITS);
    t->slots[t->slot_count] = NULL;
    return t->slot_count++;
}

void session_table_each(struct session_table *t, void (*visit)(void *context, struct session *s),
                        void *context)
{
    for (uint32_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i] != NULL && t->slots[i]->state != SESSION_CLOSED) {
            visit(context, t->slots[i]);
        }
    }
}

uint32_t session_table_some(struct session_table *t, uint32_t from,
                            bool (*visit)(void *context, struct session *s), void *context)
{
    for (uint32_t i = from; i < t->slot_count; i++) {
        if (t->slots[i] != NULL && t->slots[i]->state != SESSION_CLOSED &&
            !visit(context, t->slots[i])) {
            return i + 1;
        }
    }
    return 0;
}

/* ---- the end ---- */

static void session_handle_closed(uv_handle_t *handle)
{
    struct session *s = handle->data;
    struct session_table *t = s->table;

    t->slots[session_slot(s->id)] = NULL;
    t->free_slots[t->free_count++] = session_slot(s->id);
    packer_close(&s->in);
    packer_close(&s->out);
    packer_close(&s->urgent);
    packer_close(&s->sending);
    memory_give(s);
}

static void session_log_end(const struct session *s, enum session_end_reason reason)
{
#define SESSION_END_LIMIT(symbol, word, level, words) {.most = 20},
    static struct log_limit limits[] = {SESSION_END_TABLE(SESSION_END_LIMIT)};
#undef SESSION_END_LIMIT

    log_event_limited(&limits[reason], session_end_rows[reason].level, "session_ended",
                      LOG_NUMBER("session", s->id),
                      LOG_WORDS("reason", session_end_rows[reason].word),
                      LOG_WORDS("words", session_end_rows[reason].words));
}

void session_end(struct session *s, enum session_end_reason reason)
{
    struct session_table *t = s->table;

    if (s->state == SESSION_CLOSED) {
        return;
    }
    s->state = SESSION_CLOSED;
    t->ended[reason]++;
    t->live--;
    atomic_fetch_sub(t->options.connections, 1);
    session_log_end(s, reason);
    session_unlink(&s->in_waiting);
    session_unlink(&s->in_flush);
    t->handler.ended(t->handler.context, s);
    uv_close(&s->uv.handle, session_handle_closed);
}

void session_finish(struct session *s, enum session_end_reason reason)
{
    if (s->state >= SESSION_FINISHING) {
        return;
    }
    s->state = SESSION_FINISHING;
    s->finish_reason = reason;
    s->finish_by = session_now(s) + SESSION_FINISH_MS;
    session_stop_reading(s);
    session_unlink(&s->in_waiting);
    session_ask_for_flush(s);
}

void session_leave(struct session *s)
{
    s->leaving = true;
    s->finish_by = session_now(s) + SESSION_FINISH_MS;
    session_stop_reading(s);
}

/* ---- clocks ---- */

static void session_check_clocks(struct session *s)
{
    const struct session_options *o = &s->table->options;
    boot_ms now = session_now(s);

    if (s->sending.size > 0 && now - s->progress_at > 3 * o->heartbeat) {
        session_end(s, SESSION_END_SLOW_READER);
    } else if (s->state == SESSION_FINISHING) {
        if (now > s->finish_by) {
            session_end(s, s->finish_reason);
        }
    } else if (s->leaving) {
        if (now > s->finish_by) {
            session_end(s, SESSION_END_CLIENT_CLOSED);
        }
    } else if (s->state == SESSION_GREETING && s->wait == WAIT_NOT &&
               now - s->opened_at > o->hello_timeout) {
        session_end(s, s->heard ? SESSION_END_HELLO_TIMEOUT : SESSION_END_NOTHING_SAID);
    } else if (s->wait == WAIT_NOT && s->frame_since != 0 &&
               now - s->frame_since > SESSION_HALF_FRAME_MS) {
        session_end(s, SESSION_END_HALF_FRAME);
    } else if (s->wait == WAIT_NOT && (s->state == SESSION_OPEN || s->state == SESSION_STANDBY) &&
               now - s->heard_at > 3 * o->heartbeat) {
        session_end(s, SESSION_END_SILENT);
    }
}

/* What a burst left behind is not kept for a client that says nothing. */
static void session_give_back(struct session *s)
{
    if (s->out.size == 0 && s->out.capacity > 0 && !s->touched) {
        packer_close(&s->out);
    }
    if (s->in.size == 0 && s->in.capacity > 0) {
        packer_close(&s->in);
    }
}

static void session_sweep(uv_timer_t *timer)
{
    struct session_table *t = timer->data;
    uint32_t end = t->swept_to + t->slot_count / SESSION_SWEEP_PARTS + 1;

    for (; t->swept_to < end && t->swept_to < t->slot_count; t->swept_to++) {
        struct session *s = t->slots[t->swept_to];

        if (s != NULL && s->state != SESSION_CLOSED) {
            if (session_now(s) - s->heard_at > SESSION_QUIET_MS ||
                (s->out.capacity > SESSION_BUFFER_KEPT &&
                 session_now(s) - s->large_at > SESSION_QUIET_MS)) {
                session_give_back(s);
            }
            session_check_clocks(s);
        }
    }
    if (t->swept_to >= t->slot_count) {
        t->swept_to = 0;
    }
}

/* ---- the beginning ---- */

static void session_refused_closed(uv_handle_t *handle)
{
    memory_give(handle->data);
}

void session_table_accept(struct session_table *t, uv_stream_t *server)
{
    static struct log_limit limit = {.most = 5};
    struct session *s = memory_take(sizeof(*s));
    bool pipe = server->type == UV_NAMED_PIPE;
    int status = pipe ? uv_pipe_init(t->loop, &s->uv.pipe, 0) : uv_tcp_init(t->loop, &s->uv.tcp);

    assert(status == 0);
    s->uv.handle.data = s;
    status = uv_accept(server, &s->uv.stream);
    if (status < 0 || atomic_load(t->options.connections) >= t->options.connections_max ||
        t->live >= 1u << SESSION_SLOT_BITS) {
        t->refused++;
        log_event_limited(&limit, LOG_LEVEL_WARNING, "connection_refused",
                          LOG_NUMBER("connections", t->live),
                          LOG_WORDS("words", status < 0 ? uv_strerror(status)
                                                        : "there are as many as are allowed"));
        uv_close(&s->uv.handle, session_refused_closed);
        return;
    }
    if (!pipe) {
        uv_tcp_nodelay(&s->uv.tcp, 1);
    }
    t->serial++;
    s->table = t;
    s->id = (t->serial << SESSION_REACTOR_BITS | t->options.reactor) << SESSION_SLOT_BITS |
            session_table_take_slot(t);
    t->slots[session_slot(s->id)] = s;
    t->live++;
    atomic_fetch_add(t->options.connections, 1);
    s->state = SESSION_GREETING;
    s->opened_at = s->heard_at = s->progress_at = session_now(s);
    frame_scan_init(&s->scan);
    session_start_reading(s);
}
