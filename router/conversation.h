/* What clients and this server say to each other: hello, roles, requests, goodbye.
 *
 * Sessions hand up whole frames; here it is decided what each is: an order of checks that
 * PROTOCOL.md fixes (hello first, a method that exists, the role, the state of the node, the
 * parameters), then an answer by the session itself, a read, or a command for the workspace's
 * engine: a call, when this reactor owns the workspace, else a letter. A letter is written where it
 * travels: the frame is copied into the parcel first, and all that comes of it stands beside it.
 *
 * One conversation serves all sessions of a loop. */
#ifndef ROUTER_CONVERSATION_H
#define ROUTER_CONVERSATION_H

#include "proto/request_shape.h"
#include "router/config_job.h"
#include "router/engine_host.h"

struct keeper;

struct conversation {
    uv_loop_t *loop;
    struct clock *clock;
    struct engine_host *host;         /* this reactor's */
    struct engine_host *const *hosts; /* of all, by reactor */
    struct keeper *keeper;            /* this reactor's, where nodes share the journal; else NULL */
    struct post *post;
    struct directory *directory;
    struct visitor *visitor;
    struct limits limits;
    struct request_shapes shapes; /* of the frames before */
    struct request request; /* of the frame being looked at; too large to be made anew each time */
    struct work work;
    struct parcel *parcel; /* in which that frame stands; NULL: it does not travel */
    struct list finished;  /* config jobs that wait for the gate */
    uint32_t jobs;         /* under way */
    uint64_t changes;      /* of the directory: seen so far */
    bool telling;          /* standbys of those changes, */
    uint32_t told_to;      /* from this slot on, */
    uint32_t tell_left;    /* and so many more in this millisecond */
};

/* What it works with belongs to its host's place. */
void conversation_init(struct conversation *c, struct engine_host *host,
                       struct engine_host *const *hosts, const struct limits *limits);

/* A session_handler's functions; the context is the conversation. */
size_t conversation_whole(void *context, struct session *s, const uint8_t *bytes, size_t size);
enum session_verdict conversation_frame(void *context, struct session *s, const uint8_t *bytes,
                                        size_t size);
enum session_verdict conversation_half_closed(void *context, struct session *s);
void conversation_ended(void *context, struct session *s);

/* Once a turn, before the host's: what came back from other threads. */
void conversation_turn(struct conversation *c);

/* Tell as many as `most` standby sessions who serves their workspace now, if that has changed. True
 * when some may be left. */
bool conversation_tell(struct conversation *c, uint32_t most);
static inline bool conversation_is_telling(const struct conversation *c)
{
    return c->telling;
}

/* End the sessions that have not said hello; the others' owners tell them that this node stops. */
void conversation_drain(struct session_table *sessions);

/* Nothing is under way on other threads. */
static inline bool conversation_is_quiet(const struct conversation *c)
{
    return c->jobs == 0;
}

#endif
