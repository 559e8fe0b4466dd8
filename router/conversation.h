/* What clients and this server say to each other: hello, roles, requests, goodbye.
 *
 * Sessions hand up whole frames; here it is decided what each is: an order of checks that
 * PROTOCOL.md fixes (hello first, a method that exists, the role, the state of the node, the
 * parameters), then an answer by the session itself, a read, or a command for the workspace's
 * engine. One conversation serves all sessions of a loop. */
#ifndef ROUTER_CONVERSATION_H
#define ROUTER_CONVERSATION_H

#include "router/config_job.h"
#include "router/engine_host.h"

struct conversation_options {
    struct limits limits;
    duration_ms heartbeat;
    duration_ms id_kept; /* told by hello before a workspace has a configuration */
    char node[256];
};

struct conversation {
    uv_loop_t *loop;
    struct clock *clock;
    struct engine_host *host;
    struct conversation_options options;
    struct text *addresses; /* of this node, as clients write them; the server's */
    uint32_t address_count;
    struct request request; /* of the frame being looked at; too large to be made anew each time */
    struct work work;
    struct list finished; /* config jobs that wait for the gate */
    uint32_t jobs;        /* under way */
};

void conversation_init(struct conversation *c, uv_loop_t *loop, struct clock *clock,
                       struct engine_host *host, const struct conversation_options *options);

/* A session_handler's functions; the context is the conversation. */
enum session_verdict conversation_frame(void *context, struct session *s, const uint8_t *bytes,
                                        size_t size);
void conversation_ended(void *context, struct session *s);

/* Once a turn, before the host's: what came back from other threads. */
void conversation_turn(struct conversation *c);

/* Tell everybody that this node stops, and end all sessions behind it. */
void conversation_drain(struct conversation *c, struct session_table *sessions);

/* Nothing is under way on other threads. */
static inline bool conversation_is_quiet(const struct conversation *c)
{
    return c->jobs == 0;
}

#endif
