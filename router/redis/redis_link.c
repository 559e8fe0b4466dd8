#include "router/redis/redis_link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"

#define LINK_CONNECT_MS       1000u
#define LINK_REPLY_MS         2000u
#define LINK_PING_MS          1000u
#define LINK_BYTES_MAX        ((size_t)64 << 20)
#define LINK_BUFFER_KEPT      ((size_t)1 << 20) /* a larger one is given back when it is empty */
#define LINK_PIECE_BYTES      ((size_t)1 << 20)
#define LINK_ARGUMENTS_INLINE 32u

/* A command that waits for its answer. */
struct link_pending {
    redis_answered answered;
    void *context;
    size_t size;
    uint64_t due; /* milliseconds of the loop; never less than its predecessor's */
};

enum link_state {
    LINK_OPENING,  /* the stream is not there yet */
    LINK_GREETING, /* AUTH and the name are on their way */
    LINK_UP,
    LINK_CLOSING, /* the stream is being closed; what waits will be LOST */
};

struct redis_link {
    enum link_state state;
    uv_loop_t *loop;
    struct redis_endpoint to;
    struct redis_link_options options;
    const struct redis_link_events *events;
    void *context;

    struct redis_stream *stream;
    redisReader *reader;
    redisReplyObjectFunctions makers; /* hiredis' own, but for arrays */
    redisReplyObjectFunctions default_makers;
    size_t reply_bytes; /* of the reply that is not complete yet */

    char *output; /* commands; those before output_left have left */
    size_t output_left, output_size, output_room;

    struct link_pending *pending; /* a ring, a power of two of them */
    uint32_t pending_first, pending_count, pending_room;
    size_t unanswered;
    bool full; /* somebody was refused, and waits for `room` */
    bool finishing;

    uv_idle_t leave; /* runs while there is output, and so keeps the loop from sleeping on it */
    uv_timer_t timer;
    uint64_t heard; /* when something came last */
    bool late;      /* the time was up once, and nothing has been read since */
    uint32_t open_handles;
    bool stream_closed;
    enum redis_end end;
    char words[REDIS_PROBLEM_BYTES];
};

static void redis_link_arm(struct redis_link *l);

/* ---- the end ---- */

static void redis_link_release(struct redis_link *l)
{
    if (!l->stream_closed || l->open_handles > 0) {
        return;
    }
    while (l->pending_count > 0) {
        struct link_pending p = l->pending[l->pending_first];
        struct redis_answer lost = {REDIS_LOST, NULL, NULL, l->words};

        l->pending_first = (l->pending_first + 1) & (l->pending_room - 1);
        l->pending_count--;
        if (p.answered != NULL) {
            p.answered(p.context, &lost);
        }
    }
    l->events->ended(l->context, l->end, l->words);
    redisReaderFree(l->reader);
    memory_give(l->pending);
    memory_give(l->output);
    memory_give(l);
}

static void redis_link_handle_closed(uv_handle_t *handle)
{
    struct redis_link *l = handle->data;

    l->open_handles--;
    redis_link_release(l);
}

static void redis_link_stream_closed(void *context)
{
    struct redis_link *l = context;

    l->stream_closed = true;
    redis_link_release(l);
}

/* The first reason is the one kept. */
static void redis_link_end(struct redis_link *l, enum redis_end why, const char *words)
{
    char endpoint[REDIS_ENDPOINT_BYTES];

    if (l->state == LINK_CLOSING) {
        return;
    }
    l->state = LINK_CLOSING;
    l->end = why;
    redis_endpoint_shown(&l->to, endpoint);
    snprintf(l->words, sizeof(l->words), "%.120s: %s%s%.100s", endpoint, redis_end_words(why),
             words[0] != '\0' ? ": " : "", words);
    uv_close((uv_handle_t *)&l->leave, redis_link_handle_closed);
    uv_close((uv_handle_t *)&l->timer, redis_link_handle_closed);
    redis_stream_close(l->stream);
}

static void redis_link_stream_ended(void *context, enum redis_end why, const char *words)
{
    redis_link_end(context, why, words);
}

void redis_link_close(struct redis_link *l)
{
    redis_link_end(l, REDIS_END_CLOSED, "");
}

void redis_link_finish(struct redis_link *l)
{
    l->finishing = true;
    if (l->pending_count == 0) {
        redis_link_close(l);
    }
}

/* ---- sending ---- */

void redis_link_flush(struct redis_link *l)
{
    uv_idle_stop(&l->leave);
    if (l->state != LINK_GREETING && l->state != LINK_UP) {
        return; /* a link that is not open yet sends when it is */
    }
    /* In pieces, so that the stream never keeps a copy of much; `sent` brings us back to the rest.
     */
    while (l->output_left < l->output_size && redis_stream_unsent(l->stream) == 0) {
        size_t size = l->output_size - l->output_left;

        size = size < LINK_PIECE_BYTES ? size : LINK_PIECE_BYTES;
        redis_stream_write(l->stream, l->output + l->output_left, size);
        l->output_left += size;
    }
    if (l->output_left < l->output_size) {
        return;
    }
    if (l->state == LINK_GREETING && l->output_size > 0) {
        explicit_bzero(l->output, l->output_size); /* the password was among it */
    }
    l->output_left = l->output_size = 0;
    if (l->output_room > LINK_BUFFER_KEPT) {
        memory_give(l->output);
        l->output = NULL;
        l->output_room = 0;
    }
}

static void redis_link_leave(uv_idle_t *handle)
{
    redis_link_flush(handle->data);
}

static void redis_link_stream_sent(void *context)
{
    redis_link_flush(context);
}

static void redis_link_put(struct redis_link *l, const char *bytes, size_t size)
{
    if (l->output_left > l->output_size / 2) {
        l->output_size -= l->output_left;
        memmove(l->output, l->output + l->output_left, l->output_size);
        l->output_left = 0;
    }
    if (l->output_room - l->output_size < size) {
        size_t room = l->output_room == 0 ? 4096 : l->output_room;

        while (room - l->output_size < size) {
            room *= 2;
        }
        l->output = memory_resize(l->output, room);
        l->output_room = room;
    }
    memcpy(l->output + l->output_size, bytes, size);
    l->output_size += size;
    uv_idle_start(&l->leave, redis_link_leave);
}

static struct link_pending *redis_link_pending_add(struct redis_link *l)
{
    if (l->pending_count == l->pending_room) {
        uint32_t room = l->pending_room == 0 ? 16 : l->pending_room * 2;
        struct link_pending *grown = memory_take(room * sizeof(*grown));

        for (uint32_t i = 0; i < l->pending_count; i++) {
            grown[i] = l->pending[(l->pending_first + i) & (l->pending_room - 1)];
        }
        memory_give(l->pending);
        l->pending = grown;
        l->pending_room = room;
        l->pending_first = 0;
    }
    l->pending_count++;
    return &l->pending[(l->pending_first + l->pending_count - 1) & (l->pending_room - 1)];
}

static void redis_link_queue(struct redis_link *l, const char *bytes, size_t size,
                             uint32_t patience_ms, redis_answered answered, void *context)
{
    bool first = l->pending_count == 0;
    uint64_t before =
        first ? 0
              : l->pending[(l->pending_first + l->pending_count - 1) & (l->pending_room - 1)].due;
    struct link_pending *p = redis_link_pending_add(l);
    uint64_t due = uv_now(l->loop) + l->options.reply_ms;

    *p =
        (struct link_pending){answered, context, size, (due > before ? due : before) + patience_ms};
    l->unanswered += size;
    redis_link_put(l, bytes, size);
    if (first) {
        redis_link_arm(l);
    }
}

enum redis_sent redis_link_may_send(struct redis_link *l, size_t size)
{
    if (l->state == LINK_CLOSING || l->finishing) {
        return REDIS_NOT_OPEN;
    }
    if (size > l->options.bytes_max) {
        return REDIS_TOO_LARGE;
    }
    if (l->unanswered + size > l->options.bytes_max) {
        l->full = true;
        return REDIS_FULL;
    }
    return REDIS_SENT;
}

enum redis_sent redis_link_send_formatted(struct redis_link *l, const char *bytes, size_t size,
                                          bool beyond, uint32_t patience_ms,
                                          redis_answered answered, void *context)
{
    enum redis_sent sent = redis_link_may_send(l, size);

    if (sent == REDIS_SENT || (sent == REDIS_FULL && beyond)) {
        redis_link_queue(l, bytes, size, patience_ms, answered, context);
        return REDIS_SENT;
    }
    return sent;
}

char *redis_link_format(uint32_t count, const struct text *words, size_t *size)
{
    const char *few[LINK_ARGUMENTS_INLINE];
    size_t few_sizes[LINK_ARGUMENTS_INLINE];
    const char **bytes = few;
    size_t *sizes = few_sizes;
    char *formatted = NULL;
    int length;

    assert(count > 0 && count <= INT32_MAX);
    if (count > LINK_ARGUMENTS_INLINE) {
        bytes = memory_take(count * sizeof(*bytes));
        sizes = memory_take(count * sizeof(*sizes));
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = words[i].bytes == NULL ? "" : words[i].bytes;
        sizes[i] = words[i].length;
    }
    length = redisFormatCommandArgv(&formatted, (int)count, bytes, sizes);
    if (length < 0) {
        abort(); /* no memory: as memory_take has it */
    }
    if (bytes != few) {
        memory_give(bytes);
        memory_give(sizes);
    }
    *size = (size_t)length;
    return formatted;
}

void redis_link_format_free(char *bytes)
{
    redisFreeCommand(bytes);
}

enum redis_sent redis_link_send(struct redis_link *l, const struct redis_command *c)
{
    size_t size;
    char *bytes = redis_link_format(c->count, c->words, &size);
    enum redis_sent sent =
        redis_link_send_formatted(l, bytes, size, false, c->patience_ms, c->answered, c->context);

    redis_link_format_free(bytes);
    return sent;
}

/* ---- replies ---- */

/* Hand over the answer of the command at the head. */
static void redis_link_answer(struct redis_link *l, const struct redisReply *reply)
{
    struct link_pending p = l->pending[l->pending_first];
    struct redis_answer a = {REDIS_ANSWER, reply, NULL, NULL};
    struct redis_error error;

    l->pending_first = (l->pending_first + 1) & (l->pending_room - 1);
    l->pending_count--;
    l->unanswered -= p.size;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_error_read((struct text){reply->str, (uint32_t)reply->len}, &error);
        if (error.to.port != 0 && error.to.host[0] == '\0') {
            memcpy(error.to.host, l->to.host, sizeof(error.to.host));
        }
        a = (struct redis_answer){REDIS_DENIED, NULL, &error, NULL};
        if (l->events->error != NULL) {
            l->events->error(l->context, l, &error);
        }
    }
    if (p.answered != NULL) {
        p.answered(p.context, &a);
    }
}

static bool redis_link_is_message(const struct redis_link *l, const struct redisReply *r)
{
    return l->events->message != NULL && redis_reply_count(r) == 3 &&
           redis_reply_is(redis_reply_at(r, 0), "message");
}

/* False when the link came to its end with this reply. */
static bool redis_link_take(struct redis_link *l, struct redisReply *reply)
{
    if (redis_link_is_message(l, reply)) {
        l->events->message(l->context, l, redis_reply_text(reply->element[1]),
                           redis_reply_text(reply->element[2]));
    } else if (l->pending_count == 0) {
        redis_link_end(l, REDIS_END_PROTOCOL, "a reply that nothing asked for");
    } else {
        redis_link_answer(l, reply);
    }
    freeReplyObject(reply);
    return l->state != LINK_CLOSING;
}

static void redis_link_after_replies(struct redis_link *l)
{
    if (l->full && l->unanswered <= l->options.bytes_max / 2) {
        l->full = false;
        if (l->events->room != NULL) {
            l->events->room(l->context, l);
        }
    }
    if (l->finishing && l->pending_count == 0) {
        redis_link_close(l);
    }
    if (l->state != LINK_CLOSING) {
        redis_link_arm(l);
    }
}

static void redis_link_stream_bytes(void *context, const char *bytes, size_t size)
{
    struct redis_link *l = context;
    void *reply = NULL;
    int status;

    l->late = false;
    l->heard = uv_now(l->loop);
    if (redisReaderFeed(l->reader, bytes, size) != REDIS_OK) {
        redis_link_end(l, REDIS_END_PROTOCOL, l->reader->errstr);
        return;
    }
    l->reply_bytes += size;
    for (;;) {
        status = redisReaderGetReply(l->reader, &reply);
        if (status != REDIS_OK || reply == NULL) {
            break;
        }
        l->reply_bytes = l->reader->len - l->reader->pos;
        if (!redis_link_take(l, reply)) {
            return;
        }
    }
    if (status != REDIS_OK) {
        redis_link_end(l,
                       l->reader->err == REDIS_ERR_OOM ? REDIS_END_TOO_LARGE : REDIS_END_PROTOCOL,
                       l->reader->errstr);
        return;
    }
    if (l->reply_bytes > l->options.reply_bytes_max) {
        redis_link_end(l, REDIS_END_TOO_LARGE, "");
        return;
    }
    redis_link_after_replies(l);
}

/* An array takes its memory when its length is read, before any member has come: so the length of
 * one is bounded as the bytes are, with four bytes for the shortest member. */
static void *redis_link_make_array(const redisReadTask *task, int elements)
{
    const struct redis_link *l = task->privdata;

    if (elements > 0 && (size_t)elements > l->options.reply_bytes_max / 4) {
        return NULL;
    }
    return l->default_makers.createArray(task, elements);
}

/* ---- time ---- */

/* A time that is up is believed only when the loop has looked at the socket since: a process that
 * was stopped for a while would otherwise cut every connection it has. */
static bool redis_link_time_is_up(struct redis_link *l)
{
    if (!l->late) {
        l->late = true;
        return false;
    }
    return true;
}

static void redis_link_on_timer(uv_timer_t *timer);

static void redis_link_arm_at(struct redis_link *l, uint64_t due)
{
    uint64_t now = uv_now(l->loop);

    uv_timer_start(&l->timer, redis_link_on_timer, due > now ? due - now : 1, 0);
}

/* The timer stands at the oldest unanswered command's due time, or at the next PING. When there is
 * none to be armed later than it stands, it stays, so that a command costs no timer. */
static void redis_link_arm(struct redis_link *l)
{
    uint64_t due;

    if (l->state != LINK_UP) {
        return; /* the connect timeout runs */
    }
    due = l->pending_count > 0 ? l->pending[l->pending_first].due : l->heard + l->options.ping_ms;
    if (!uv_is_active((uv_handle_t *)&l->timer) ||
        due < uv_now(l->loop) + uv_timer_get_due_in(&l->timer)) {
        redis_link_arm_at(l, due);
    }
}

static void redis_link_ping(struct redis_link *l)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";

    redis_link_queue(l, ping, sizeof(ping) - 1, 0, NULL, NULL);
}

static void redis_link_on_timer(uv_timer_t *timer)
{
    struct redis_link *l = timer->data;
    uint64_t now = uv_now(l->loop);

    if (l->state != LINK_UP) {
        if (redis_link_time_is_up(l)) {
            redis_link_end(l, REDIS_END_TIMEOUT, "");
        } else {
            redis_link_arm_at(l, now + 1);
        }
        return;
    }
    if (l->pending_count == 0 && l->heard + l->options.ping_ms <= now) {
        redis_link_ping(l);
    }
    if (l->pending_count == 0 || l->pending[l->pending_first].due > now) {
        redis_link_arm(l);
        return;
    }
    if (redis_link_time_is_up(l)) {
        redis_link_end(l, REDIS_END_SILENT, "");
        return;
    }
    redis_link_arm_at(l, now + 1);
}

/* ---- the beginning ---- */

static void redis_link_is_up(struct redis_link *l)
{
    l->state = LINK_UP;
    l->late = false;
    uv_timer_stop(&l->timer);
    redis_link_arm(l);
    if (l->events->up != NULL) {
        l->events->up(l->context, l);
    }
}

/* The last command of the greeting is answered: any answer but an error of AUTH will do. A user who
 * may not set a name does without. */
static void redis_link_greeted(void *context, const struct redis_answer *a)
{
    struct redis_link *l = context;

    if (a->outcome == REDIS_DENIED && a->error->kind == REDIS_ERROR_NOAUTH) {
        redis_link_end(l, REDIS_END_REFUSED, "a password is needed");
    } else if (a->outcome != REDIS_LOST && l->state == LINK_GREETING) {
        redis_link_is_up(l);
    }
}

static void redis_link_authenticated(void *context, const struct redis_answer *a)
{
    struct redis_link *l = context;
    char words[80];

    if (a->outcome == REDIS_DENIED) {
        snprintf(words, sizeof(words), TEXT_FORMAT,
                 (int)(a->error->words.length < 79 ? a->error->words.length : 79),
                 a->error->words.bytes);
        /* A Redis that is not ready has not looked at the password. */
        redis_link_end(l, a->error->remedy == REMEDY_RETRY ? REDIS_END_CONNECT : REDIS_END_REFUSED,
                       words);
    }
}

static void redis_link_say(struct redis_link *l, uint32_t count, const struct text *words,
                           redis_answered answered)
{
    size_t size;
    char *bytes = redis_link_format(count, words, &size);

    redis_link_queue(l, bytes, size, 0, answered, l);
    explicit_bzero(bytes, size);
    redis_link_format_free(bytes);
}

/* The first commands of all; they wait with the others until the stream is open. */
static void redis_link_greet(struct redis_link *l)
{
    const struct redis_account *account = l->options.account;
    struct text words[3];
    uint32_t count = 0;

    if (account != NULL && account->password[0] != '\0') {
        words[count++] = TEXT("AUTH");
        if (account->user[0] != '\0') {
            words[count++] = text_from(account->user);
        }
        words[count++] = text_from(account->password);
        redis_link_say(l, count, words, redis_link_authenticated);
    }
    if (l->options.name != NULL) {
        words[0] = TEXT("CLIENT");
        words[1] = TEXT("SETNAME");
        words[2] = text_from(l->options.name);
        redis_link_say(l, 3, words, NULL);
    }
    /* Something must be answered before this is called a Redis that is up. */
    words[0] = TEXT("PING");
    redis_link_say(l, 1, words, redis_link_greeted);
}

static void redis_link_stream_opened(void *context)
{
    struct redis_link *l = context;

    l->state = LINK_GREETING;
    redis_link_flush(l);
}

struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_endpoint *to,
                                   const struct redis_link_options *options,
                                   const struct redis_link_events *events, void *context)
{
    static const struct redis_stream_events stream_events = {
        redis_link_stream_opened, redis_link_stream_bytes, redis_link_stream_sent,
        redis_link_stream_ended, redis_link_stream_closed};
    struct redis_link *l = memory_take(sizeof(*l));
    struct redis_link_options *o = &l->options;

    *o = *options;
    o->dialer = o->dialer == NULL ? redis_stream_tcp() : o->dialer;
    o->connect_ms = o->connect_ms == 0 ? LINK_CONNECT_MS : o->connect_ms;
    o->reply_ms = o->reply_ms == 0 ? LINK_REPLY_MS : o->reply_ms;
    o->ping_ms = o->ping_ms == 0 ? LINK_PING_MS : o->ping_ms;
    o->bytes_max = o->bytes_max == 0 ? LINK_BYTES_MAX : o->bytes_max;
    o->reply_bytes_max = o->reply_bytes_max == 0 ? LINK_BYTES_MAX : o->reply_bytes_max;
    l->loop = loop;
    l->to = *to;
    l->events = events;
    l->context = context;
    l->reader = redisReaderCreate();
    if (l->reader == NULL) {
        abort(); /* no memory: as memory_take has it */
    }
    l->reader->maxbuf = LINK_BUFFER_KEPT;
    l->default_makers = l->makers = *l->reader->fn;
    l->makers.createArray = redis_link_make_array;
    l->reader->fn = &l->makers;
    l->reader->privdata = l;
    uv_idle_init(loop, &l->leave);
    uv_timer_init(loop, &l->timer);
    l->leave.data = l->timer.data = l;
    l->open_handles = 2;
    redis_link_greet(l);
    o->account = NULL; /* is the caller's again, as is the name */
    o->name = NULL;
    uv_timer_start(&l->timer, redis_link_on_timer, o->connect_ms, 0);
    l->stream = o->dialer->dial(o->dialer, loop, to, &stream_events, l);
    return l;
}

size_t redis_link_unanswered(const struct redis_link *l)
{
    return l->unanswered;
}

const struct redis_endpoint *redis_link_endpoint(const struct redis_link *l)
{
    return &l->to;
}
