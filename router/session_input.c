#include "proto/cursor.h"
#include "router/session_inside.h"

/* A stranger's first request is a hello; it needs no megabyte. */
#define SESSION_GREETING_BYTES 65536

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

    return s->state != SESSION_OPEN || s->scan.position > 0 ? 0
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

void session_process_kept(struct session *s)
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
        session_start_reading(s);
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
        s->heard = true;
        session_take(s, (const uint8_t *)buffer->base, (size_t)size);
    }
}

bool session_start_reading(struct session *s)
{
    s->reading = uv_read_start(&s->uv.stream, session_alloc, session_read) == 0;
    if (!s->reading) {
        session_end(s, SESSION_END_READ_FAILED);
    }
    return s->reading;
}

void session_stop_reading(struct session *s)
{
    if (s->reading) {
        uv_read_stop(&s->uv.stream);
        s->reading = false;
    }
}
