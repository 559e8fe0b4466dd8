/* One thread with one loop: its sessions, the engines of its workspaces, and its part of the post.
 *
 * A turn, once before the loop sleeps in poll and once after: deliveries from other reactors first;
 * then what the server has to say (stop, drain, a new configuration, a journal that failed); then
 * letters, the engines, and the end of the turn: facts to the journal, bytes to sockets, parcels
 * and mail to their rings, bells. A loop that has more to do than one turn did does not sleep. */
#ifndef ROUTER_REACTOR_H
#define ROUTER_REACTOR_H

#include "router/conversation.h"
#include "router/engine_host.h"
#include "router/listener.h"
#include "router/ownership/keeper.h"
#include "router/post.h"

#define LISTENERS_MAX 16

struct server;

struct reactor {
    struct server *server;
    uint32_t index;
    uv_thread_t thread; /* of all but the first, which is the process's own */
    uv_loop_t loop;
    struct clock clock;
    struct session_table sessions;
    struct engine_host host;
    struct keeper keeper; /* where nodes share the journal, */
    bool keeps;           /* and then it is open */
    uint32_t stopping;    /* parts that have not closed yet */
    struct conversation conversation;
    struct post post;
    struct listener *listeners[LISTENERS_MAX];
    uint32_t listener_count;
    uv_prepare_t before_sleep;
    uv_check_t after_sleep;
    uv_idle_t again; /* active while there is more to do than one turn did */
    uv_timer_t tell; /* active while not everybody has heard that a workspace has moved */

    /* What of the server's words has been heeded. */
    bool served, listening, drained, quiet, stopped;
    uint64_t reloaded; /* the number of the last reload */
    uint64_t turns;
    bool gathering;          /* the turn has not ended: another poll comes first */
    uint64_t polled, turned; /* commands until the last poll, and the last turn, had ended */
};

/* Before its thread begins. */
void reactor_init(struct reactor *r, struct server *s, uint32_t index);
/* Runs until it is stopped; the thread's function is this. */
void reactor_run(struct reactor *r);
/* After all threads have ended. */
void reactor_close(struct reactor *r);

/* Close what it has; the loop ends behind it. */
void reactor_stop(struct reactor *r);

/* Take the letters that are left, when all threads have ended; true when there were any. */
bool reactor_settle(struct reactor *r);

#endif
