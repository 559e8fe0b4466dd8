/* What the files of the engine host share; for nobody else.
 *
 *   engine_host.c         turns: stepping, delivering, batches, the gate
 *   engine_host_guests.c  guests come, ask and leave; letters
 *   engine_host_own.c     where nodes share the journal: workspaces come and go
 *   engine_host_start.c   how engines come to serve: configurations, a new epoch; and again after a
 *                         failure */
#ifndef ROUTER_ENGINE_HOST_INSIDE_H
#define ROUTER_ENGINE_HOST_INSIDE_H

#include "router/engine_host.h"

static inline boot_ms host_now(const struct engine_host *h)
{
    return clock_now(h->clock);
}

void host_enter(struct engine_host *h, enum host_state state);
/* What others read of the state has changed. */
void host_put_up_notice(struct engine_host *h);
/* When the workspace's engine wants to be stepped. */
void host_set_deadline(struct engine_host *h, struct workspace *w);

/* Step a command at this moment; its facts go into the turn's entry. `caller` is whose it is. */
enum refusal_kind host_step(struct engine_host *h, struct workspace *w, const struct guest *caller,
                            struct command *command);

/* The engines' sink; the context is the workspace. */
void host_fact(void *context, const struct fact *fact);
void host_deliver(void *context, const struct delivery *d);

/* ---- where a message goes ---- */

struct outlet {
    struct packer *packer;
    struct session *session; /* of this reactor; NULL: elsewhere */
    size_t mark;
    unsigned flags; /* enum mail_flags */
    enum session_end_reason reason;
};

/* The flags of an answer to a request. */
static inline unsigned host_answer_flags(struct delivery_request r)
{
    return r.late ? (unsigned)MAIL_LATE
                  : MAIL_ANSWER | (delivery_method_is_large(r.method) ? (unsigned)MAIL_LARGE : 0u);
}

/* Begin a message to a session; put it into the packer, then close the outlet. False: the session
 * is here and gone. */
bool host_open(struct engine_host *h, struct outlet *o, uint64_t session, unsigned flags,
               enum session_end_reason reason);
void host_close(struct outlet *o);

/* An error for the request that `caller` made. `urgently`: it waits for nothing. */
void host_refuse(struct engine_host *h, const struct caller *caller,
                 const struct response_error *error, bool urgently);

/* ---- guests ---- */

/* After a start with new engines: who bears a connector's name is attached again. */
void host_attach_guests(struct engine_host *h);
/* While the engines run they hear who left; engines that are gone need not. While they stand still,
 * it waits. */
void host_process_departed(struct engine_host *h);
/* All sessions of this host's workspaces end, here and elsewhere. */
void host_cut_guests(struct engine_host *h, enum session_end_reason reason);
void host_cut_guests_of(struct engine_host *h, const struct workspace *w,
                        enum session_end_reason reason);
void host_say_draining(struct engine_host *h);

/* Engines whose workspaces were handed over stay as they are for so long. */
#define HOST_RETIRED_MS 1000

void host_destroy_retired(struct engine_host *h);
/* Engines that go on under a higher epoch hear of it. */
void host_go_on(struct engine_host *h);

/* One workspace begins: a new epoch (0: the next), its configuration (which somebody may have
 * `compiled`; else NULL), and who is connected. */
bool host_begin_workspace(struct engine_host *h, struct workspace *w, uint64_t epoch,
                          struct workspace_config *compiled, char *problem, size_t size);

/* The journal's batch came back with an error: act on it. */
void host_fail(struct engine_host *h);
void host_drop_engines(struct engine_host *h);

#endif
