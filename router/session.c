#include "router/session.h"

#include <assert.h>

#include "proto/cursor.h"
#include "queue/base/memory.h"
#include "router/log.h"
#include "router/post.h"

#define SESSION_READ_BYTES 65536
/* All slots are looked at in so many parts, one a tick: many connections shall not be one pause. */
#define SESSION_SWEEP_MS      20
#define SESSION_SWEEP_PARTS   8
#define SESSION_HALF_FRAME_MS 10000
#define SESSION_FINISH_MS     10000
/* A stranger's first request is a hello; it needs no megabyte. */
#define SESSION_GREETING_BYTES 65536
/* With so much of its output unwritten a client is not read from: it asks faster than it listens,
 * or than the journal confirms. */
#define SESSION_OUTPUT_SOFT 262144
/* A client that takes nothing for so long while too much waits for it does not read. */
#define SESSION_PATIENCE_MS 250
/* Buffers larger than this are given back as soon as they are empty; smaller ones when the client
 * has been quiet for a while. */
#define SESSION_BUFFER_KEPT 16384
#define SESSION_QUIET_MS    500
#define SESSION_SEND_BYTES  262144

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

static uint64_t session_end_offset(const struct session *s)
{
    return s->out_base + s->out.size;
}

static boot_ms session_now(const struct session *s)
{
    return clock_now(s->table->clock);
}

static void session_unlink(struct list_node *n)
{
    if (list_linked(n)) {
        list_remove(n);
    }
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

void session_marks_close(struct session_marks *m)
{
    memory_give(m->items);
    memset(m, 0, sizeof(*m));
}

static void session_marks_add(struct session_marks *m, uint64_t session)
{
    if (m->count == m->capacity) {
        m->capacity = m->capacity == 0 ? 64 : m->capacity * 2;
        m->items = memory_resize(m->items, m->capacity * sizeof(*m->items));
    }
    m->items[m->count++] = (struct session_mark){session, 0};
}

static uint32_t session_slot(uint64_t id)
{
    return (uint32_t)(id & ((1u << SESSION_SLOT_BITS) - 1));
}

static struct session *session_of(const struct session_table *t, uint64_t id)
{
    uint32_t slot = session_slot(id);
    struct session *s = slot < t->slot_count ? t->slots[slot] : NULL;

    return s != NULL && s->id == id ? s : NULL;
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

static void session_stop_reading(struct session *s)
{
    if (s->reading) {
        uv_read_stop(&s->uv.stream);
        s->reading = false;
    }
}

static void session_ask_for_flush(struct session *s)
{
    if (!list_linked(&s->in_flush)) {
        list_append(&s->table->to_flush, &s->in_flush);
    }
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

/* ---- output ---- */

void session_wrote(struct session *s)
{
    if (s->far) {
        s->released = session_end_offset(s);
        session_ask_for_flush(s);
    } else if (!s->touched) {
        s->touched = true;
        session_marks_add(&s->table->touched, s->id);
    }
}

static size_t session_unwritten(const struct session *s)
{
    return (size_t)(session_end_offset(s) - s->written) + s->urgent.size + s->sending.size;
}

/* What may leave and is not read. What waits for the journal is no fault of the client's, and is
 * bounded by the stall that stops the engines. */
static size_t session_unread(const struct session *s)
{
    return (size_t)(s->released > s->written ? s->released - s->written : 0) + s->urgent.size +
           s->sending.size;
}

void session_wrote_notice(struct session *s)
{
    size_t unread = session_unread(s);
    size_t bound = s->table->options.output_max;
    boot_ms patience = unread > 2 * bound ? SESSION_PATIENCE_MS / 5 : SESSION_PATIENCE_MS;

    session_wrote(s);
    /* Much at once is no fault either: only when the socket has taken nothing for a while. */
    if (unread > bound && s->sending.size > 0 && session_now(s) - s->progress_at > patience) {
        session_end(s, SESSION_END_SLOW_READER);
    }
}

void session_delivered(struct session *s, unsigned flags, enum session_end_reason reason)
{
    if (s->far && (flags & MAIL_ANSWER) != 0) {
        s->away -= (flags & MAIL_LARGE) != 0 ? SESSION_LARGE_WEIGHT : 1;
    }
    if ((flags & MAIL_LATE) != 0) {
        assert(s->in_flight > 0);
        s->in_flight--;
    }
    if ((flags & MAIL_URGENT) != 0) {
        session_ask_for_flush(s);
    } else if ((flags & MAIL_NOTICE) != 0) {
        session_wrote_notice(s);
    } else {
        session_wrote(s);
    }
    if ((flags & MAIL_FINISH) != 0) {
        session_finish(s, reason);
    }
}

void session_refuse(struct session *s, uint32_t msgid, const struct response_error *error)
{
    response_error(&s->out, msgid, error);
    session_wrote(s);
}

struct packer *session_urgent_packer(struct session *s)
{
    session_ask_for_flush(s);
    return &s->urgent;
}

void session_refuse_urgently(struct session *s, uint32_t msgid, const struct response_error *error)
{
    response_error(session_urgent_packer(s), msgid, error);
}

void session_table_seal(struct session_table *t, struct session_marks *out)
{
    struct session_marks empty = *out;

    for (uint32_t i = 0; i < t->touched.count; i++) {
        struct session *s = session_of(t, t->touched.items[i].session);

        if (s != NULL) {
            s->touched = false;
            t->touched.items[i].end = session_end_offset(s);
        }
    }
    *out = t->touched;
    empty.count = 0;
    t->touched = empty;
}

void session_table_release(struct session_table *t, const struct session_marks *marks)
{
    for (uint32_t i = 0; i < marks->count; i++) {
        struct session *s = session_of(t, marks->items[i].session);

        if (s != NULL && s->state != SESSION_CLOSED && marks->items[i].end > s->released) {
            s->released = marks->items[i].end;
            session_ask_for_flush(s);
        }
    }
}

/* Forget what is written; keep little memory. */
static void session_compact(struct session *s)
{
    size_t gone = (size_t)(s->written - s->out_base);

    if (gone == s->out.size) {
        s->out_base = s->written;
        packer_reset(&s->out);
        if (s->out.capacity > SESSION_BUFFER_KEPT) {
            packer_close(&s->out);
        }
    } else if (gone > SESSION_BUFFER_KEPT) {
        memmove(s->out.bytes, s->out.bytes + gone, s->out.size - gone);
        s->out.size -= gone;
        s->out_base = s->written;
    }
}

static void session_flush(struct session *s);

static void session_write_done(uv_write_t *request, int status)
{
    struct session *s = request->data;

    packer_close(&s->sending);
    if (s->state == SESSION_CLOSED) {
        return;
    }
    if (status < 0) {
        session_end(s, SESSION_END_WRITE_FAILED);
        return;
    }
    s->progress_at = session_now(s);
    session_ask_for_flush(s);
}

/* The socket is full: libuv writes `size` bytes when it has room. It needs bytes that stay where
 * they are, and the packers' move. */
static void session_write_later(struct session *s, const uint8_t *bytes, size_t size)
{
    uv_buf_t buffer;
    int status;

    packer_raw(&s->sending, bytes, size);
    s->progress_at = session_now(s);
    s->write.data = s;
    buffer = uv_buf_init((char *)s->sending.bytes, (unsigned)size);
    status = uv_write(&s->write, &s->uv.stream, &buffer, 1, session_write_done);
    if (status < 0) {
        packer_close(&s->sending);
        session_end(s, SESSION_END_WRITE_FAILED);
    }
}

/* Returns how many of the bytes need no more care: they are written, or on their way. Of what the
 * socket does not take at once at most `most_later` are copied. */
static size_t session_send(struct session *s, const uint8_t *bytes, size_t size, size_t most_later)
{
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)size);
    int sent = uv_try_write(&s->uv.stream, &buffer, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;

    if (sent < 0 && sent != UV_EAGAIN) {
        session_end(s, SESSION_END_WRITE_FAILED);
    } else if (done < size) {
        size_t rest = size - done < most_later ? size - done : most_later;

        session_write_later(s, bytes + done, rest);
        done += rest;
    }
    return done;
}

/* What passes the held bytes goes between two answers, never into one. */
static void session_flush_urgent(struct session *s)
{
    size_t done;

    if (s->urgent.size == 0 || s->sending.size > 0 || s->written < s->released) {
        return;
    }
    done = session_send(s, s->urgent.bytes, s->urgent.size, SIZE_MAX);
    memmove(s->urgent.bytes, s->urgent.bytes + done, s->urgent.size - done);
    s->urgent.size -= done;
    if (s->urgent.size == 0) {
        packer_close(&s->urgent);
    }
}

static void session_process_kept(struct session *s);

static void session_flush(struct session *s)
{
    if (s->sending.size > 0) {
        return; /* session_write_done comes back */
    }
    if (s->released > s->written) {
        s->written += session_send(s, s->out.bytes + (s->written - s->out_base),
                                   (size_t)(s->released - s->written), SESSION_SEND_BYTES);
        session_compact(s);
    }
    if (s->state != SESSION_CLOSED) {
        session_flush_urgent(s);
    }
    if (s->state == SESSION_CLOSED) {
        return;
    }
    if (s->state == SESSION_FINISHING) {
        if (session_unwritten(s) == 0) {
            session_end(s, s->finish_reason);
        }
    } else if (s->wait == WAIT_FOR_READER && session_unwritten(s) <= SESSION_OUTPUT_SOFT) {
        session_process_kept(s);
    }
}

void session_table_flush(struct session_table *t)
{
    /* What is processed while flushing may ask for a flush again; that is for the next turn's seal.
     */
    size_t rounds = t->live;
    struct list_node *n;

    while (rounds-- > 0 && (n = list_first(&t->to_flush)) != NULL) {
        list_remove(n);
        session_flush(record_of(n, struct session, in_flush));
    }
}

/* ---- input ---- */

/* The msgid of a request that is not whole or not to be taken, as far as its bytes say. */
static uint32_t session_peek_msgid(const uint8_t *bytes, size_t size)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t items;
    uint64_t type, msgid;

    if (cursor_array(&c, &items) && cursor_uint(&c, &type) && type == 0 &&
        cursor_uint(&c, &msgid) && msgid <= UINT32_MAX) {
        return (uint32_t)msgid;
    }
    return 0;
}

static void session_reject(struct session *s, const uint8_t *bytes, size_t size,
                           enum frame_status status)
{
    bool deep = status == FRAME_TOO_DEEP;
    bool big = status == FRAME_TOO_BIG;
    struct response_error e = response_error_of(deep || big ? ERROR_TOO_LARGE : ERROR_INVALID);

    e.message = deep  ? TEXT("the request is nested too deep")
                : big ? TEXT("the request is larger than the limit of a frame")
                      : TEXT("this is no MessagePack-RPC");
    session_refuse(s, status == FRAME_BAD ? 0 : session_peek_msgid(bytes, size), &e);
    session_finish(s, deep  ? SESSION_END_TOO_DEEP
                      : big ? SESSION_END_TOO_LARGE
                            : SESSION_END_BAD_BYTES);
}

static enum frame_status session_scan(struct session *s, const uint8_t *bytes, size_t size)
{
    struct frame_limits limits = {.bytes = s->table->options.limits.of[LIMIT_FRAME],
                                  .nesting = s->table->options.limits.of[LIMIT_NESTING]};

    if (s->frame_size > 0) {
        return FRAME_DONE;
    }
    if (s->state == SESSION_GREETING && limits.bytes > SESSION_GREETING_BYTES) {
        limits.bytes = SESSION_GREETING_BYTES;
    }
    return frame_scan(&s->scan, bytes, size, &limits);
}

static void session_start_waiting(struct session *s, enum session_wait wait)
{
    s->wait = wait;
    session_stop_reading(s);
    if (!list_linked(&s->in_waiting)) {
        list_append(&s->table->waiting, &s->in_waiting);
    }
}

/* The usual frame is read once: its end is where its decoder stops. */
static size_t session_take_whole(struct session *s, const uint8_t *bytes, size_t size)
{
    const struct session_handler *h = &s->table->handler;

    return s->state != SESSION_OPEN || s->far || s->scan.position > 0
               ? 0
               : h->whole(h->context, s, bytes, size);
}

/* Hand up the whole frames at the front; returns how many bytes they took. */
static size_t session_process(struct session *s, const uint8_t *bytes, size_t size)
{
    size_t used = 0;

    while (used < size && s->state <= SESSION_OPEN && !s->leaving) {
        enum frame_status status;
        size_t whole;

        if (session_unwritten(s) > SESSION_OUTPUT_SOFT) {
            session_start_waiting(s, WAIT_FOR_READER);
            break;
        }
        whole = session_take_whole(s, bytes + used, size - used);
        if (whole > 0) {
            used += whole;
            s->frame_since = 0;
            continue;
        }
        status = session_scan(s, bytes + used, size - used);
        if (status == FRAME_MORE) {
            break;
        }
        if (status != FRAME_DONE) {
            session_reject(s, bytes + used, size - used, status);
            break;
        }
        s->frame_size = s->scan.position;
        if (s->table->handler.frame(s->table->handler.context, s, bytes + used, s->frame_size) ==
            FRAME_LATER) {
            session_start_waiting(s, WAIT_FOR_HANDLER);
            break;
        }
        used += s->frame_size;
        s->frame_size = 0;
        s->frame_since = 0;
        frame_scan_init(&s->scan);
    }
    return used;
}

/* What is left of a read: it is kept, and the clock of a half frame runs. */
static void session_keep(struct session *s, const uint8_t *bytes, size_t size)
{
    if (size > 0 && s->frame_since == 0) {
        s->frame_since = session_now(s);
    }
    if (size > 0 && bytes != NULL) {
        packer_raw(&s->in, bytes, size);
    }
}

static void session_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct session *s = handle->data;

    (void)suggested;
    *out = uv_buf_init((char *)s->table->read_buffer, SESSION_READ_BYTES);
}

static void session_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);

/* A client may close its half and still want its answers. Those of a far session are on their way.
 */
static void session_half_closed(struct session *s)
{
    struct session_table *t = s->table;

    s->half_closed = true;
    if (!s->far) {
        session_finish(s, SESSION_END_CLIENT_CLOSED);
    } else if (t->handler.half_closed(t->handler.context, s) == FRAME_LATER) {
        session_start_waiting(s, WAIT_FOR_HANDLER);
    } else {
        session_leave(s);
    }
}

static void session_process_kept(struct session *s)
{
    size_t used;

    s->wait = WAIT_NOT;
    session_unlink(&s->in_waiting);
    used = session_process(s, s->in.bytes, s->in.size);
    if (s->state > SESSION_OPEN) {
        return;
    }
    if (used > 0) {
        memmove(s->in.bytes, s->in.bytes + used, s->in.size - used);
        s->in.size -= used;
    }
    if (s->in.size == 0 && s->in.capacity > SESSION_BUFFER_KEPT) {
        packer_close(&s->in);
    }
    session_keep(s, NULL, s->in.size);
    if (s->leaving) {
        return;
    }
    if (s->wait == WAIT_NOT && s->half_closed) {
        session_half_closed(s);
    } else if (s->wait == WAIT_NOT && !s->reading) {
        s->heard_at = session_now(s); /* it could not be heard while nobody listened */
        s->reading = uv_read_start(&s->uv.stream, session_alloc, session_read) == 0;
        if (!s->reading) {
            session_end(s, SESSION_END_READ_FAILED);
        }
    }
}

void session_table_resume(struct session_table *t)
{
    size_t rounds = t->live;
    struct list_node *n;

    while (rounds-- > 0 && (n = list_first(&t->waiting)) != NULL) {
        struct session *s = record_of(n, struct session, in_waiting);

        list_remove(n);
        if (s->wait == WAIT_FOR_READER && session_unwritten(s) > SESSION_OUTPUT_SOFT) {
            list_append(&t->waiting, n);
        } else {
            session_process_kept(s);
        }
    }
}

static void session_take(struct session *s, const uint8_t *bytes, size_t size)
{
    size_t used;

    if (s->in.size > 0) {
        packer_raw(&s->in, bytes, size);
        session_process_kept(s);
        return;
    }
    used = session_process(s, bytes, size);
    if (s->state <= SESSION_OPEN) {
        session_keep(s, bytes + used, size - used);
    }
}

static void session_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct session *s = stream->data;

    if (s->state > SESSION_OPEN || size == 0) {
        return;
    }
    if (size == UV_EOF) {
        session_half_closed(s);
    } else if (size < 0) {
        session_end(s, SESSION_END_READ_FAILED);
    } else {
        s->heard_at = session_now(s);
        session_take(s, (const uint8_t *)buffer->base, (size_t)size);
    }
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
        session_end(s, SESSION_END_HELLO_TIMEOUT);
    } else if (s->wait == WAIT_NOT && s->frame_since != 0 &&
               now - s->frame_since > SESSION_HALF_FRAME_MS) {
        session_end(s, SESSION_END_HALF_FRAME);
    } else if (s->wait == WAIT_NOT && s->state == SESSION_OPEN &&
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
            if (session_now(s) - s->heard_at > SESSION_QUIET_MS) {
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
    s->reading = uv_read_start(&s->uv.stream, session_alloc, session_read) == 0;
    if (!s->reading) {
        session_end(s, SESSION_END_READ_FAILED);
    }
}
