/* A Redis list a queue: LPUSH; LMOVE to a list of the consumer's own, where a contact stays until
 * LREM takes it out.
 *
 * BLMOVE waits, and meanwhile the server takes nothing else from that connection; so as with
 * beanstalkd several are asked for with LMOVE only while that brings something. BLMOVE knows one
 * list only: a consumer serves one queue. */
#include "bench/peer_redis.h"

#define REDIS_LIST_TRY_EVERY 16u

struct redis_list_state {
    uint32_t asked; /* moves without an answer */
    uint32_t got;   /* contacts of this batch */
    uint32_t batch;
    uint32_t singles;
};

static void redis_list_open(struct peer_client *c)
{
    struct redis_list_state *r = c->state;

    r->batch = 1;
    peer_client_ready(c);
}

static void redis_list_submit(struct peer_client *c, const struct peer_contact *contact)
{
    redis_put_array(c, 3);
    redis_put_text(c, TEXT("LPUSH"));
    redis_put_name(c, "q", contact->queue);
    redis_put_text(c, (struct text){contact->body, PEER_BODY_BYTES});
}

/* What came is at the left end of the consumer's own list, the oldest at the right. */
static void redis_list_complete(struct peer_client *c, struct text body)
{
    redis_put_array(c, 4);
    redis_put_text(c, TEXT("LREM"));
    redis_put_name(c, "c", c->number);
    redis_put_text(c, TEXT("-1"));
    redis_put_text(c, body);
}

static ssize_t redis_list_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct redis_list_state *r = c->state;
    struct redis_reply reply;
    size_t taken = 0;
    ssize_t length;

    while (taken < size && (length = redis_reply_read(&reply, bytes + taken, size - taken)) != 0) {
        if (length < 0) {
            return -1;
        }
        taken += (size_t)length;
        if (redis_is_error(c, &reply)) {
            break;
        }
        if (!c->consumer) {
            peer_client_answered(c, 1);
        } else if (reply.kind == ':') {
            peer_client_completed(c, (uint32_t)reply.number);
        } else {
            r->asked--;
            if (reply.kind == '$') {
                r->got++;
                peer_client_handed_out(c, reply.text);
                redis_list_complete(c, reply.text);
            }
        }
    }
    return (ssize_t)taken;
}

static void redis_list_turn(struct peer_client *c)
{
    struct redis_list_state *r = c->state;

    if (r->asked > 0) {
        return;
    }
    if (r->batch == 1) {
        r->singles = (r->singles + 1) % REDIS_LIST_TRY_EVERY;
        r->batch = r->singles == 0 ? 2 : 1;
    } else {
        r->batch = r->got == r->batch ? 2 * r->batch : r->got == 0 ? 1 : r->got;
    }
    if (r->batch > c->window) {
        r->batch = c->window;
    }
    r->got = 0;
    for (; r->asked < r->batch; r->asked++) {
        redis_put_array(c, r->batch == 1 ? 6 : 5);
        redis_put_text(c, r->batch == 1 ? TEXT("BLMOVE") : TEXT("LMOVE"));
        redis_put_name(c, "q", c->number % PEER_QUEUES);
        redis_put_name(c, "c", c->number);
        redis_put_text(c, TEXT("RIGHT"));
        redis_put_text(c, TEXT("LEFT"));
        if (r->batch == 1) {
            redis_put_text(c, TEXT("0"));
        }
    }
}

const struct peer peer_redis_list = {
    .name = "redis-list",
    .program = "redis-server",
    .package = "redis-server",
    .memory = REDIS_MEMORY,
    .durable = REDIS_DURABLE,
    .completed = "the answer to LREM",
    .lacks = "priorities, consumers for several queues, " PEER_NO_ROUTING,
    .carried_bytes = PEER_BODY_BYTES,
    .state_bytes = sizeof(struct redis_list_state),
    .start = redis_start,
    .open = redis_list_open,
    .take = redis_list_take,
    .turn = redis_list_turn,
    .submit = redis_list_submit,
};
