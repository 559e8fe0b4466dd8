#include "router/stream/stream_reader.h"

#include <stdio.h>

#include "queue/base/memory.h"

#define STREAM_READ_WAIT_MS 100u
#define STREAM_READ_LEAST   4u   /* entries; one may have a MiB */
#define STREAM_READ_MOST    128u /* slices of a checkpoint, behind small ones, are 32 MiB */
/* Of a reply: with fewer bytes, more entries are asked for the next time, with more, fewer are. So
 * it stays in the processor's caches on its way from the socket into the engine, and is large
 * enough for Redis to be at the next one meanwhile. */
#define STREAM_READ_FEW_BYTES  (512u << 10)
#define STREAM_READ_MANY_BYTES (2u << 20)

struct stream_reader {
    uv_loop_t *loop;
    struct stream_reader_options options;
    struct redis_path *path;
    struct list views;
    struct list_node *visited; /* the view that is being told, and the one after it; see */
    struct list_node *next;    /* stream_view_close */
    uint32_t count;            /* entries to ask for */
    bool up, reading, behind, closing, closed;
    uv_timer_t again; /* after a reading that was refused */
    struct text *words;
    char (*ids)[STREAM_ID_BYTES];
    uint32_t word_capacity;
    char problem[256];
};

static struct stream_view *stream_view_of(struct list_node *n)
{
    return n == NULL ? NULL : record_of(n, struct stream_view, in_reader);
}

/* ---- what came ---- */

static bool stream_read_fields(const struct redisReply *row, struct stream_read_entry *e)
{
    const struct redisReply *fields = redis_reply_at(row, 1);
    struct text field = redis_reply_text(redis_reply_at(fields, 0));

    e->value = redis_reply_text(redis_reply_at(fields, 1));
    e->field = field.length == 1 ? field.bytes[0] : '\0';
    return stream_id_read(redis_reply_text(redis_reply_at(row, 0)), &e->id) && e->field != '\0' &&
           redis_reply_count(fields) == 2;
}

/* Entries of one stream. The view may be closed by what it hears; then the rest is nobody's. */
static void stream_read_rows(struct stream_reader *r, struct stream_view *v,
                             const struct redisReply *rows)
{
    struct list_node *self = &v->in_reader;

    r->visited = self;
    for (size_t i = 0; i < redis_reply_count(rows) && r->visited == self; i++) {
        struct stream_read_entry e;

        if (!stream_read_fields(redis_reply_at(rows, i), &e)) {
            v->broken = true;
            v->events.broken(v->events.context, "an entry has not one field of ours");
            break;
        }
        v->events.entry(v->events.context, &e);
    }
    r->visited = NULL;
}

/* Streams come in the order in which the views stand, so each is looked for behind the last. */
static struct stream_view *stream_reader_find(struct stream_reader *r, struct list_node *from,
                                              struct text key)
{
    for (struct list_node *n = from; n != NULL; n = list_next(&r->views, n)) {
        struct stream_view *v = stream_view_of(n);

        if (v->asked && !v->broken && text_equal(v->key, key)) {
            return v;
        }
    }
    return NULL; /* closed meanwhile */
}

/* Where the views are when they have heard this: so that the next reading can be asked for before
 * they have, and Redis and its reader work at the same time. */
static void stream_reader_look_ahead(struct stream_reader *r, const struct redisReply *reply)
{
    struct list_node *from = list_first(&r->views);

    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redisReply *stream = redis_reply_at(reply, i);
        const struct redisReply *rows = redis_reply_at(stream, 1);
        size_t count = redis_reply_count(rows);
        struct stream_view *v =
            stream_reader_find(r, from, redis_reply_text(redis_reply_at(stream, 0)));
        struct stream_read_entry last;

        if (v != NULL) {
            v->rows = rows;
            if (count > 0 && stream_read_fields(redis_reply_at(rows, count - 1), &last)) {
                v->at = last.id;
            }
            from = list_next(&r->views, &v->in_reader);
        }
    }
    for (struct list_node *n = list_first(&r->views); n != NULL; n = list_next(&r->views, n)) {
        struct stream_view *v = stream_view_of(n);

        v->ended = v->asked && v->rows == NULL;
        v->asked = false;
    }
}

/* Their entries to those who have some; the others have come to the end. */
static void stream_reader_tell(struct stream_reader *r)
{
    struct list_node *n = list_first(&r->views);

    while (n != NULL) {
        struct stream_view *v = stream_view_of(n);
        const struct redisReply *rows = v->rows;
        bool ended = v->ended;

        r->next = list_next(&r->views, n);
        v->rows = NULL;
        v->ended = false;
        if (rows != NULL) {
            stream_read_rows(r, v, rows);
        } else if (ended && !v->broken) {
            v->events.end(v->events.context);
        }
        n = r->next;
    }
    r->next = NULL;
}

static size_t stream_read_bytes(const struct redisReply *reply)
{
    size_t bytes = 0;

    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redisReply *rows = redis_reply_at(redis_reply_at(reply, i), 1);

        for (size_t k = 0; k < redis_reply_count(rows); k++) {
            const struct redisReply *fields = redis_reply_at(redis_reply_at(rows, k), 1);

            bytes += redis_reply_text(redis_reply_at(fields, 1)).length;
        }
    }
    return bytes;
}

static void stream_reader_go(struct stream_reader *r);

static void stream_reader_again(uv_timer_t *timer)
{
    stream_reader_go(timer->data);
}

static void stream_reader_closed(uv_handle_t *timer)
{
    struct stream_reader *r = timer->data;

    memory_give(r->words);
    memory_give(r->ids);
    memory_give(r);
}

static void stream_reader_close_if_over(struct stream_reader *r)
{
    if (r->closing && !r->reading && !r->closed) {
        r->closed = true;
        uv_close((uv_handle_t *)&r->again, stream_reader_closed);
    }
}

static void stream_reader_take(struct stream_reader *r, const struct redisReply *reply)
{
    size_t bytes = stream_read_bytes(reply);

    r->behind = redis_reply_count(reply) > 0;
    if (bytes > STREAM_READ_MANY_BYTES && r->count > STREAM_READ_LEAST) {
        r->count /= 2;
    } else if (bytes < STREAM_READ_FEW_BYTES && r->count < STREAM_READ_MOST) {
        r->count *= 2;
    }
    r->problem[0] = '\0';
    stream_reader_look_ahead(r, reply);
    stream_reader_go(r);
    stream_reader_tell(r);
}

static void stream_reader_answered(void *context, const struct redis_answer *a)
{
    struct stream_reader *r = context;

    r->reading = false;
    if (r->closing) {
        stream_reader_close_if_over(r);
        return;
    }
    if (a->outcome == REDIS_ANSWER) {
        stream_reader_take(r, a->reply);
    } else if (a->outcome == REDIS_DENIED) {
        snprintf(r->problem, sizeof(r->problem), TEXT_FORMAT, TEXT_ARGS(a->error->words));
        uv_timer_start(&r->again, stream_reader_again, r->options.wait_ms, 0);
    }
}

/* ---- asking ---- */

static uint32_t stream_reader_choose(struct stream_reader *r)
{
    uint32_t count = 0;

    for (struct list_node *n = list_first(&r->views); n != NULL; n = list_next(&r->views, n)) {
        stream_view_of(n)->asked = !stream_view_of(n)->broken;
        count += stream_view_of(n)->asked;
    }
    return count;
}

static void stream_reader_want_words(struct stream_reader *r, uint32_t views)
{
    if (r->word_capacity < views) {
        r->word_capacity = views * 2;
        r->words = memory_resize(r->words, (6 + 2 * r->word_capacity) * sizeof(*r->words));
        r->ids = memory_resize(r->ids, r->word_capacity * sizeof(*r->ids));
    }
}

/* Waits in Redis only when the last reading found nothing. */
static void stream_reader_go(struct stream_reader *r)
{
    struct redis_command c = {.answered = stream_reader_answered, .context = r};
    uint32_t views, i = 0;
    char count[12], wait[12];
    struct text *w;

    if (!r->up || r->reading || uv_is_active((uv_handle_t *)&r->again) ||
        (views = stream_reader_choose(r)) == 0) {
        return;
    }
    stream_reader_want_words(r, views);
    snprintf(count, sizeof(count), "%u", r->count);
    snprintf(wait, sizeof(wait), "%u", r->options.wait_ms);
    w = r->words;
    *w++ = TEXT("XREAD");
    *w++ = TEXT("COUNT");
    *w++ = text_from(count);
    if (!r->behind) {
        *w++ = TEXT("BLOCK");
        *w++ = text_from(wait);
        c.patience_ms = r->options.wait_ms;
    }
    *w++ = TEXT("STREAMS");
    for (struct list_node *n = list_first(&r->views); n != NULL; n = list_next(&r->views, n)) {
        if (stream_view_of(n)->asked) {
            w[i] = stream_view_of(n)->key;
            w[i + views] = stream_id_write(stream_view_of(n)->at, r->ids[i]);
            i++;
        }
    }
    c.words = r->words;
    c.count = (uint32_t)(w - r->words) + 2 * views;
    r->reading = redis_path_send(r->path, &c) == REDIS_SENT;
    if (r->reading) {
        redis_link_flush(redis_path_link(r->path));
    }
}

/* ---- the frame ---- */

static void stream_reader_up(void *context, struct redis_path *p, const struct redis_greeting *g)
{
    struct stream_reader *r = context;

    (void)p;
    (void)g;
    r->up = true;
    r->behind = true;
    r->problem[0] = '\0';
    stream_reader_go(r);
}

static void stream_reader_down(void *context, struct redis_path *p, const char *why)
{
    struct stream_reader *r = context;

    (void)p;
    r->up = false;
    r->count = STREAM_READ_LEAST; /* the reply was too large, perhaps, and would be so again */
    uv_timer_stop(&r->again);
    snprintf(r->problem, sizeof(r->problem), "%s", why);
}

struct stream_reader *stream_reader_create(struct redis_locator *l,
                                           const struct stream_reader_options *o)
{
    static const struct redis_path_events events = {.up = stream_reader_up,
                                                    .down = stream_reader_down};
    struct stream_reader *r = memory_take(sizeof(*r));

    r->loop = redis_locator_loop(l);
    r->options = *o;
    r->options.wait_ms = o->wait_ms == 0 ? STREAM_READ_WAIT_MS : o->wait_ms;
    r->count = STREAM_READ_LEAST;
    list_init(&r->views);
    uv_timer_init(r->loop, &r->again);
    r->again.data = r;
    r->path = redis_path_create(l, &o->path, &events, r);
    return r;
}

void stream_reader_destroy(struct stream_reader *r)
{
    r->closing = true;
    redis_path_destroy(r->path);
    stream_reader_close_if_over(r);
}

void stream_view_open(struct stream_reader *r, struct stream_view *v, struct text key,
                      struct stream_id behind, const struct stream_view_events *events)
{
    memset(v, 0, sizeof(*v));
    v->events = *events;
    v->key = (struct text){memory_copy(key.bytes, key.length), key.length};
    v->at = behind;
    v->reader = r;
    list_append(&r->views, &v->in_reader);
    r->behind = true;
    stream_reader_go(r);
}

void stream_view_close(struct stream_view *v)
{
    struct stream_reader *r = v->reader;

    if (r->visited == &v->in_reader) {
        r->visited = NULL;
    }
    if (r->next == &v->in_reader) {
        r->next = list_next(&r->views, &v->in_reader);
    }
    list_remove(&v->in_reader);
    memory_give((void *)(uintptr_t)v->key.bytes);
    v->key = TEXT_NONE;
}

const char *stream_reader_problem(const struct stream_reader *r)
{
    return r->problem;
}
