#include <assert.h>

#include "queue/base/memory.h"
#include "queue/base/rare.h"
#include "router/post.h"
#include "router/session_inside.h"

/* A client that takes nothing for so long while too much waits for it does not read. */
#define SESSION_PATIENCE_MS 250
#define SESSION_SEND_BYTES  262144

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

/* What may leave and is not read. What waits for the journal is no fault of the client's, and is
 * bounded by the stall that stops the engines. */
static size_t session_unread(const struct session *s)
{
    return (size_t)(s->released > s->written ? s->released - s->written : 0) + s->urgent.size +
           s->sending.size;
}

/* Much at once is no fault: only when the socket has taken nothing for a while. */
static RARE bool session_reads_slowly(const struct session *s)
{
    size_t unread = session_unread(s);
    size_t bound = s->table->options.output_max;
    boot_ms patience = unread > 2 * bound ? SESSION_PATIENCE_MS / 5 : SESSION_PATIENCE_MS;

    return unread > bound && session_now(s) - s->progress_at > patience;
}

void session_wrote_notice(struct session *s)
{
    bool slow = s->sending.size > 0 && session_reads_slowly(s);

    session_wrote(s);
    if (slow) {
        session_end(s, SESSION_END_SLOW_READER);
    }
}

static inline void session_wrote_as(struct session *s, unsigned flags)
{
    if ((flags & MAIL_NOTICE) != 0) {
        session_wrote_notice(s);
    } else {
        session_wrote(s);
    }
}

/* What few messages ask for: those that pass the held bytes, or end a pull or a session. */
static CALLED void session_delivered_more(struct session *s, unsigned flags,
                                          enum session_end_reason reason)
{
    if ((flags & MAIL_LATE) != 0) {
        assert(s->in_flight > 0);
        s->in_flight--;
    }
    if ((flags & MAIL_URGENT) != 0) {
        session_ask_for_flush(s);
    } else {
        session_wrote_as(s, flags);
    }
    if ((flags & MAIL_FINISH) != 0) {
        session_finish(s, reason);
    }
}

void session_delivered(struct session *s, unsigned flags, enum session_end_reason reason)
{
    if ((flags & (MAIL_LATE | MAIL_URGENT | MAIL_FINISH)) != 0) {
        session_delivered_more(s, flags, reason);
    } else {
        session_wrote_as(s, flags);
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

/* Forget what is written. Who had much to hear will have so again, perhaps not in the next turn but
 * soon, and need not grow its buffer step by step: the sweep gives back what is too large. */
static void session_compact(struct session *s)
{
    size_t gone = (size_t)(s->written - s->out_base);

    if (gone == s->out.size) {
        s->out_base = s->written;
        packer_reset(&s->out);
        if (gone > SESSION_BUFFER_KEPT) {
            s->large_at = session_now(s);
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

/* All of it is written. */
static void session_finished(struct session *s)
{
    if (s->finish_reason == SESSION_END_MOVED) {
        s->finish_by = session_now(s) + SESSION_MOVED_MS; /* session_check_clocks ends it */
    } else {
        session_end(s, s->finish_reason);
    }
}

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
            session_finished(s);
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
