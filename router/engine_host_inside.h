/* What the two files of the engine host share; for nobody else.
 *
 *   engine_host.c        turns: stepping, delivering, batches, the gate
 *   engine_host_start.c  how engines come to be: recovery, configurations, a new epoch; and again
 * after a failure */
#ifndef ROUTER_ENGINE_HOST_INSIDE_H
#define ROUTER_ENGINE_HOST_INSIDE_H

#include "router/engine_host.h"

static inline boot_ms host_now(const struct engine_host *h)
{
    return clock_now(h->clock);
}

void host_enter(struct engine_host *h, enum host_state state);

/* Step a command at this moment; its facts go into the turn's entry. */
enum refusal_kind host_step(struct engine_host *h, struct workspace *w, struct command *command);

/* The engines' sink; the context is the workspace. */
void host_fact(void *context, const struct fact *fact);
void host_deliver(void *context, const struct delivery *d);

/* After a start with new engines: a session that bears a connector's name is attached again. */
void host_attach_again(void *context, struct session *s);

/* The journal's batch came back with an error: act on it. */
void host_fail(struct engine_host *h);
void host_drop_engines(struct engine_host *h);

#endif
