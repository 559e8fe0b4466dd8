/* A Redis sorted set a queue: the score is the priority, then the order of coming.
 *
 * Taking one out and keeping it until it is completed has to be one step, so it is a function in
 * Lua (FUNCTION LOAD). A function cannot wait: a consumer that finds nothing leaves its name, the
 * next submission wakes it through a list of its own. */
#include "bench/peer_redis.h"

#include <stdio.h>

#define REDIS_SCORE_OF_PRIORITY UINT64_C(1000000000000)

struct redis_sorted_set_state {
    bool asking;  /* take or BLPOP is not answered */
    bool found;   /* the last take brought something */
    bool waiting; /* what is not answered is BLPOP */
};

/* submit: KEYS queue, idle consumers of it; ARGV score, body.
 * take: KEYS queue, idle, what the consumer holds, its wake-up list; ARGV how many at most. */
static const char redis_sorted_set_functions[] =
    "#!lua name=bench\n"
    "redis.register_function('submit', function(keys, args)\n"
    "  redis.call('ZADD', keys[1], args[1], args[2])\n"
    "  local idle = redis.call('SPOP', keys[2])\n"
    "  if idle then redis.call('RPUSH', idle, '1') end\n"
    "  return 1\n"
    "end)\n"
    "redis.register_function('take', function(keys, args)\n"
    "  local found = redis.call('ZPOPMIN', keys[1], args[1])\n"
    "  local bodies, held = {}, {}\n"
    "  for i = 1, #found, 2 do\n"
    "    bodies[#bodies + 1] = found[i]\n"
    "    held[#held + 1] = string.sub(found[i], 1, 26)\n"
    "    held[#held + 1] = found[i]\n"
    "  end\n"
    "  if #held == 0 then redis.call('SADD', keys[2], keys[4])\n"
    "  else redis.call('HSET', keys[3], unpack(held)) end\n"
    "  return bodies\n"
    "end)\n";

static void redis_sorted_set_open(struct peer_client *c)
{
    struct redis_sorted_set_state *r = c->state;

    r->found = true; /* the first request of a consumer is to take */
    if (c->consumer || c->number != 0) {
        peer_client_ready(c);
        return;
    }
    redis_put_array(c, 3);
    redis_put_text(c, TEXT("FUNCTION"));
    redis_put_text(c, TEXT("LOAD"));
    redis_put_text(c, text_from(redis_sorted_set_functions));
}

static void redis_sorted_set_submit(struct peer_client *c, const struct peer_contact *contact)
{
    char score[24];

    redis_put_array(c, 7);
    redis_put_text(c, TEXT("FCALL"));
    redis_put_text(c, TEXT("submit"));
    redis_put_text(c, TEXT("2"));
    redis_put_name(c, "q", contact->queue);
    redis_put_name(c, "idle", contact->queue);
    (void)snprintf(
        score, sizeof(score), "%llu",
        (unsigned long long)(contact->priority * REDIS_SCORE_OF_PRIORITY + c->traffic->submitted));
    redis_put_text(c, text_from(score));
    redis_put_text(c, (struct text){contact->body, PEER_BODY_BYTES});
}

/* A whole batch, taken; and the one request that completes it. */
static void redis_sorted_set_batch(struct peer_client *c, int64_t count, const uint8_t *at,
                                   const uint8_t *end)
{
    struct redis_reply body;

    redis_put_array(c, (uint64_t)count + 2);
    redis_put_text(c, TEXT("HDEL"));
    redis_put_name(c, "held", c->number);
    for (; count > 0; count--) {
        at += redis_reply_read(&body, at, (size_t)(end - at));
        peer_client_handed_out(c, body.text);
        redis_put_text(c, (struct text){body.text.bytes, FRAMES_ID_BYTES});
    }
}

static void redis_sorted_set_consumer_reply(struct peer_client *c, const struct redis_reply *reply,
                                            const uint8_t *at, const uint8_t *end)
{
    struct redis_sorted_set_state *r = c->state;

    if (reply->kind == ':') {
        peer_client_completed(c, (uint32_t)reply->number);
        return;
    }
    r->asking = false;
    r->found = r->waiting || reply->number > 0;
    if (!r->waiting && reply->number > 0) {
        redis_sorted_set_batch(c, reply->number, at, end);
    }
}

static ssize_t redis_sorted_set_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    size_t taken = 0;

    while (taken < size) {
        ssize_t whole = redis_reply_length(bytes + taken, size - taken), head;
        struct redis_reply reply;

        if (whole <= 0) {
            return whole < 0 ? -1 : (ssize_t)taken;
        }
        head = redis_reply_read(&reply, bytes + taken, size - taken);
        if (redis_is_error(c, &reply)) {
            break;
        }
        if (c->consumer) {
            redis_sorted_set_consumer_reply(c, &reply, bytes + taken + head, bytes + taken + whole);
        } else if (!c->ready) {
            peer_client_ready(c);
        } else {
            peer_client_answered(c, 1);
        }
        taken += (size_t)whole;
    }
    return (ssize_t)taken;
}

static void redis_sorted_set_turn(struct peer_client *c)
{
    struct redis_sorted_set_state *r = c->state;
    uint32_t queue = c->number % PEER_QUEUES;

    if (r->asking) {
        return;
    }
    r->asking = true;
    r->waiting = !r->found;
    if (r->waiting) {
        redis_put_array(c, 3);
        redis_put_text(c, TEXT("BLPOP"));
        redis_put_name(c, "wake", c->number);
        redis_put_text(c, TEXT("0"));
        return;
    }
    redis_put_array(c, 8);
    redis_put_text(c, TEXT("FCALL"));
    redis_put_text(c, TEXT("take"));
    redis_put_text(c, TEXT("4"));
    redis_put_name(c, "q", queue);
    redis_put_name(c, "idle", queue);
    redis_put_name(c, "held", c->number);
    redis_put_name(c, "wake", c->number);
    redis_put_number(c, c->window);
}

const struct peer peer_redis_sorted_set = {
    .name = "redis-sorted-set",
    .program = "redis-server",
    .package = "redis-server",
    .memory = REDIS_MEMORY,
    .durable = REDIS_DURABLE,
    .completed = "the answer to HDEL, a batch in one",
    .lacks = "consumers for several queues, " PEER_NO_ROUTING,
    .carried_bytes = PEER_BODY_BYTES,
    .state_bytes = sizeof(struct redis_sorted_set_state),
    .start = redis_start,
    .open = redis_sorted_set_open,
    .take = redis_sorted_set_take,
    .turn = redis_sorted_set_turn,
    .submit = redis_sorted_set_submit,
};
