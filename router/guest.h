/* Who is connected, as the reactor that owns the workspace knows it.
 *
 * The session, with its socket and its bytes, may live on another reactor. It makes the guest when
 * its client has said hello, and hands it to the owner; from then on it keeps the pointer as a
 * token only, to be named with every command and, at last, when the session is closed: then the
 * owner lets it go. What travels between the two keeps its order, so a guest is never named before
 * it came or after it left. */
#ifndef ROUTER_GUEST_H
#define ROUTER_GUEST_H

#include "proto/method.h"
#include "queue/base/list.h"
#include "queue/base/text.h"
#include "router/mailbox.h"

struct workspace;
struct connector;
struct door;

/* Ids of sessions: never used again in a process, and they say on which reactor the session is.
 *     serial 38 bits | reactor 6 | slot 20 */
#define SESSION_SLOT_BITS    20
#define SESSION_REACTOR_BITS 6
_Static_assert(REACTORS_MAX <= 1 << SESSION_REACTOR_BITS, "an id has room for every reactor");

static inline uint32_t session_id_reactor(uint64_t id)
{
    return (uint32_t)(id >> SESSION_SLOT_BITS) & (REACTORS_MAX - 1);
}

struct guest {
    uint64_t session;
    struct door *door;
    enum role role;
    enum notify notify;
    struct text actor; /* how history names it; owned; of an agent that signed in: the agent */

    /* The owner's. */
    struct workspace *workspace;
    struct list_node in_guests;  /* or among the untold or, when it has left, the departed */
    struct connector *connector; /* the identity that it bears; NULL for other roles */
    struct list_node of_connector;
    uint64_t attached_to; /* the generation of its engine that knows the connector's connection */
    bool signed_in;       /* as an agent */
    bool untold;          /* its workspace was given away, and it has not heard so yet */

    /* Of the session's reactor, until it has handed over that the guest left. */
    struct list_node leaving;
};

struct guest *guest_create(uint64_t session, struct door *door, enum role role, enum notify notify);
void guest_destroy(struct guest *g);
void guest_set_actor(struct guest *g, struct text actor);

#endif
