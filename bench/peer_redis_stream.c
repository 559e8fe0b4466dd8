/* Redis streams: XADD, XREADGROUP, and XACK with XDEL in one request each for all of a batch.
 *
 * Two rows. `redis-stream` is the cheapest way: a stream a queue, and a consumer reads the stream
 * of one queue only. `redis-stream-all` does more of what routing needs: a stream for each queue
 * and priority, and a consumer reads all of them, the urgent ones first.
 *
 * While a connection waits in XREADGROUP the server takes nothing else from it, so whatever came is
 * acknowledged before the next read, in the same write. */
#include "bench/peer_redis.h"

struct redis_stream_state {
    bool reading;       /* XREADGROUP is not answered */
    bool acknowledged;  /* of XACK and XDEL, which follow each other, XACK is answered */
    uint32_t arranging; /* replies to XGROUP CREATE that are missing */
};

static bool redis_stream_all(const struct peer_client *c)
{
    return c->peer == &peer_redis_stream_all;
}

static void redis_stream_open(struct peer_client *c)
{
    struct redis_stream_state *r = c->state;

    if (c->consumer || c->number != 0) {
        peer_client_ready(c);
        return;
    }
    r->arranging = PEER_QUEUES * (redis_stream_all(c) ? PEER_PRIORITIES : 1);
    for (uint32_t i = 0; i < r->arranging; i++) {
        redis_put_words(c, "XGROUP CREATE q%u workers $ MKSTREAM", i);
    }
}

static void redis_stream_submit(struct peer_client *c, const struct peer_contact *contact)
{
    redis_put_array(c, 5);
    redis_put_text(c, TEXT("XADD"));
    redis_put_name(c, "q",
                   redis_stream_all(c) ? contact->priority * PEER_QUEUES + contact->queue
                                       : contact->queue);
    redis_put_text(c, TEXT("*"));
    redis_put_text(c, TEXT("b"));
    redis_put_text(c, (struct text){contact->body, PEER_BODY_BYTES});
}

/* The entries of one stream, behind the array's head: hand them out and acknowledge them, or say
 * that they may go. Returns the bytes behind them. The reply is whole. */
static const uint8_t *redis_stream_entries(struct peer_client *c, struct text key, int64_t count,
                                           const uint8_t *at, const uint8_t *end, bool acknowledge)
{
    struct redis_reply id, value, head;

    redis_put_array(c, (uint64_t)count + (acknowledge ? 3 : 2));
    redis_put_text(c, acknowledge ? TEXT("XACK") : TEXT("XDEL"));
    redis_put_text(c, key);
    if (acknowledge) {
        redis_put_text(c, TEXT("workers"));
    }
    for (; count > 0; count--) {
        at += redis_reply_read(&head, at, (size_t)(end - at)); /* id and fields */
        at += redis_reply_read(&id, at, (size_t)(end - at));
        at += redis_reply_read(&head, at, (size_t)(end - at)); /* one name, one value */
        at += redis_reply_read(&value, at, (size_t)(end - at));
        at += redis_reply_read(&value, at, (size_t)(end - at));
        redis_put_text(c, id.text);
        if (acknowledge) {
            peer_client_handed_out(c, value.text);
        }
    }
    return at;
}

/* Streams with entries; the reply is whole. */
static void redis_stream_deliveries(struct peer_client *c, int64_t streams, const uint8_t *at,
                                    const uint8_t *end)
{
    struct redis_reply key, head;

    for (; streams > 0; streams--) {
        at += redis_reply_read(&head, at, (size_t)(end - at));
        at += redis_reply_read(&key, at, (size_t)(end - at));
        at += redis_reply_read(&head, at, (size_t)(end - at));
        (void)redis_stream_entries(c, key.text, head.number, at, end, true);
        at = redis_stream_entries(c, key.text, head.number, at, end, false);
    }
}

static void redis_stream_reply(struct peer_client *c, const struct redis_reply *reply)
{
    struct redis_stream_state *r = c->state;

    if (r->arranging > 0) {
        if (--r->arranging == 0) {
            peer_client_ready(c);
        }
    } else if (!c->consumer) {
        peer_client_answered(c, 1);
    } else if (reply->kind == ':') {
        if (r->acknowledged) {
            peer_client_completed(c, (uint32_t)reply->number);
        }
        r->acknowledged = !r->acknowledged;
    }
}

static ssize_t redis_stream_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct redis_stream_state *r = c->state;
    size_t taken = 0;

    while (taken < size) {
        ssize_t whole = redis_reply_length(bytes + taken, size - taken);
        struct redis_reply reply;
        ssize_t head;

        if (whole <= 0) {
            return whole < 0 ? -1 : (ssize_t)taken;
        }
        head = redis_reply_read(&reply, bytes + taken, size - taken);
        if (redis_is_error(c, &reply)) {
            break;
        }
        if (reply.kind == '*') {
            redis_stream_deliveries(c, reply.number, bytes + taken + head, bytes + taken + whole);
            r->reading = false;
        } else {
            redis_stream_reply(c, &reply);
        }
        taken += (size_t)whole;
    }
    return (ssize_t)taken;
}

static void redis_stream_turn(struct peer_client *c)
{
    struct redis_stream_state *r = c->state;
    uint32_t streams = redis_stream_all(c) ? PEER_QUEUES * PEER_PRIORITIES : 1;

    if (r->reading) {
        return;
    }
    r->reading = true;
    redis_put_array(c, 9 + 2 * streams);
    redis_put_text(c, TEXT("XREADGROUP"));
    redis_put_text(c, TEXT("GROUP"));
    redis_put_text(c, TEXT("workers"));
    redis_put_name(c, "c", c->number);
    redis_put_text(c, TEXT("COUNT"));
    redis_put_number(c, c->window);
    redis_put_text(c, TEXT("BLOCK"));
    redis_put_text(c, TEXT("0"));
    redis_put_text(c, TEXT("STREAMS"));
    for (uint32_t i = 0; i < streams; i++) {
        redis_put_name(c, "q", redis_stream_all(c) ? i : c->number % PEER_QUEUES);
    }
    for (uint32_t i = 0; i < streams; i++) {
        redis_put_text(c, TEXT(">"));
    }
}

#define REDIS_STREAM_ROW                                                                           \
    .program = "redis-server", .package = "redis-server", .memory = REDIS_MEMORY,                  \
    .durable = REDIS_DURABLE, .completed = "the answers to XACK and XDEL, a batch in one",         \
    .carried_bytes = PEER_BODY_BYTES, .state_bytes = sizeof(struct redis_stream_state),            \
    .start = redis_start, .open = redis_stream_open, .take = redis_stream_take,                    \
    .turn = redis_stream_turn, .submit = redis_stream_submit

const struct peer peer_redis_stream = {
    .name = "redis-stream",
    .lacks = "priorities, consumers for several queues, " PEER_NO_ROUTING,
    REDIS_STREAM_ROW,
};

const struct peer peer_redis_stream_all = {
    .name = "redis-stream-all",
    .lacks = "bound of a consumer but for each stream, " PEER_NO_ROUTING,
    REDIS_STREAM_ROW,
};
