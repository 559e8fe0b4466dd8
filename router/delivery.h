/* What the engine says, as the bytes that clients get: answers and notifications of PROTOCOL.md.
 *
 * A delivery points at the engine's state of that moment, so it is written there and then, inside
 * the sink's call. Who gets it (a session, or all that bear an owner's name) is the host's
 * business. */
#ifndef ROUTER_DELIVERY_H
#define ROUTER_DELIVERY_H

#include "proto/response.h"
#include "queue/delivery.h"
#include "router/view.h"

/* What travels with a request through the engine and comes back with its answer. */
struct delivery_request {
    uint32_t msgid;
    enum method method;
    bool late; /* the answer comes when something happens, not in the request's turn: it counts as
                  in flight */
};

static inline uint64_t delivery_request_pack(struct delivery_request r)
{
    return (uint64_t)r.late << 40 | (uint64_t)r.method << 32 | r.msgid;
}

static inline struct delivery_request delivery_request_unpack(uint64_t packed)
{
    return (struct delivery_request){.msgid = (uint32_t)packed,
                                     .method = (enum method)(packed >> 32 & 0xff),
                                     .late = (packed >> 40 & 1) != 0};
}

/* The answer may be long: a page of a list, or all that an agent holds. */
static inline bool delivery_method_is_large(enum method m)
{
    return method_kind(m) == METHOD_READ || m == METHOD_AGENT_SIGN_IN;
}

/* Fields of the update that is being stepped, as its sender gave them: what the agent hears is
 * that, not the whole that came of it. */
struct delivery_given {
    struct text attributes; /* raw maps; TEXT_NONE when not given */
    struct text customer;
    struct text skills;
};

/* True for answers, which have a request. */
static inline bool delivery_is_answer(const struct delivery *d)
{
    return d->kind <= ANSWER_CONFIG;
}

/* One whole answer or notification. `given` may be NULL. */
void delivery_encode(struct packer *p, const struct view *v, const struct delivery *d,
                     const struct delivery_given *given);

/* The wire's error for a refusal. */
struct response_error delivery_error(const struct refusal *r);

#endif
