#include "tests/lib/redis_simulated.h"

#include "queue/base/memory.h"

struct simulated_stream {
    struct redis_stream stream;
    struct redis_simulated *owner;
    uv_idle_t soon;
    size_t unsent;
    bool closing;
};

static void simulated_opened(uv_idle_t *idle)
{
    struct simulated_stream *x = idle->data;

    if (!x->owner->never) {
        uv_idle_stop(idle);
        x->stream.events->opened(x->stream.context);
    }
}

static void simulated_write(struct redis_stream *s, const char *bytes, size_t size)
{
    struct simulated_stream *x = (struct simulated_stream *)s;
    struct redis_simulated *o = x->owner;

    o->written = memory_resize(o->written, o->written_size + size);
    memcpy(o->written + o->written_size, bytes, size);
    o->written_size += size;
    o->writes++;
    x->unsent += o->hold ? size : 0;
}

static size_t simulated_unsent(const struct redis_stream *s)
{
    return ((const struct simulated_stream *)s)->unsent;
}

static void simulated_closed(uv_handle_t *handle)
{
    struct simulated_stream *x = handle->data;
    struct redis_stream stream = x->stream;

    if (x->owner->stream == x) {
        x->owner->stream = NULL;
    }
    memory_give(x);
    stream.events->closed(stream.context);
}

static void simulated_close(struct redis_stream *s)
{
    struct simulated_stream *x = (struct simulated_stream *)s;

    if (!x->closing) {
        x->closing = true;
        uv_close((uv_handle_t *)&x->soon, simulated_closed);
    }
}

static struct redis_stream *simulated_dial(struct redis_dialer *d, uv_loop_t *loop,
                                           const struct redis_endpoint *to,
                                           const struct redis_stream_events *events, void *context)
{
    static const struct redis_stream_methods methods = {simulated_write, simulated_unsent,
                                                        simulated_close};
    struct redis_simulated *s = (struct redis_simulated *)d;
    struct simulated_stream *x = memory_take(sizeof(*x));

    (void)to;
    x->stream = (struct redis_stream){&methods, events, context};
    x->owner = s;
    x->soon.data = x;
    uv_idle_init(loop, &x->soon);
    uv_idle_start(&x->soon, simulated_opened);
    s->stream = x;
    s->dialled++;
    return &x->stream;
}

void redis_simulated_init(struct redis_simulated *s)
{
    memset(s, 0, sizeof(*s));
    s->dialer.dial = simulated_dial;
}

void redis_simulated_close(struct redis_simulated *s)
{
    memory_give(s->written);
    memset(s, 0, sizeof(*s));
}

void redis_simulated_feed(struct redis_simulated *s, const char *bytes, size_t size)
{
    struct simulated_stream *x = s->stream;

    if (x != NULL && !x->closing) {
        x->stream.events->bytes(x->stream.context, bytes, size);
    }
}

void redis_simulated_end(struct redis_simulated *s, enum redis_end why)
{
    struct simulated_stream *x = s->stream;

    if (x != NULL && !x->closing) {
        x->stream.events->ended(x->stream.context, why, "");
    }
}

void redis_simulated_release(struct redis_simulated *s)
{
    struct simulated_stream *x = s->stream;

    s->hold = false;
    if (x != NULL && !x->closing) {
        x->unsent = 0;
        x->stream.events->sent(x->stream.context);
    }
}

void redis_simulated_forget(struct redis_simulated *s)
{
    s->written_size = 0;
    s->writes = 0;
}
