/* Runs the engines of the workspaces that this thread owns, one turn of the loop at a time.
 *
 *      STARTING ──durable──▶ SERVING ──▶ DRAINING
 *          ▲                  │
 *          │  replayed        │ the journal failed
 *          ├────────────── REOPENING ──no room──▶ REFUSING
 *          └────────────────────────────────────────┘ tries again every few seconds
 *
 * A turn: commands are stepped as they come; their facts go into one entry of the journal for each
 * workspace, all entries into one batch; what the engines say is written into the sessions' packers
 * at once and released when the batch is durable. Reads are answered from the engine as it is and
 * wait in the same way. So nothing that a client sees can be undone by a crash.
 *
 * While a batch is not confirmed for longer than `stall_after`, no engine is stepped: the gate
 * tells sessions to wait, and they stop reading; those that have waited for most of
 * `request_timeout` are told `unavailable`. When it goes on, the engines first hear how long it
 * was, so that no agent pays for our outage.
 *
 * When the journal fails, the engines know more than the journal: they are thrown away, all
 * connections are closed without an answer (the outcome of what they asked is unknown), and
 * everything is built anew by replay. When there was no room, what is durable is still served to
 * readers, and every change is refused until there is room again.
 *
 * Sessions and engines meet in this file's functions, through plain structs. One host belongs to
 * one loop. */
#ifndef ROUTER_ENGINE_HOST_H
#define ROUTER_ENGINE_HOST_H

#include "router/checkpointer.h"
#include "router/dispatch.h"
#include "router/reads.h"
#include "router/recovery.h"
#include "router/session.h"
#include "router/update.h"
#include "router/workspace.h"

enum host_state {
    HOST_STARTING,
    HOST_SERVING,
    HOST_REOPENING,
    HOST_REFUSING,
    HOST_DRAINING,
};

enum host_gate {
    GATE_OPEN,
    GATE_WAIT,        /* not now; ask again later */
    GATE_UNAVAILABLE, /* not now, and whoever waits has waited long enough */
    GATE_DRAINING,
};

struct engine_host_options {
    char journal[4096]; /* its address */
    uint64_t segment_bytes;
    uint32_t node; /* the number of this node, for epochs */
    duration_ms stall_after;
    duration_ms request_timeout;
    struct limits limits;
};

struct engine_host_events {
    void *context;
    void (*serving)(void *context); /* clients may come: everything that a start says is durable, or
                                       there is no room and only readers are served */
    void (*broken)(void *context);  /* the journal cannot be brought back; logged already */
};

struct host_batch {
    struct session_marks marks;
    boot_ms committed_at;
    bool has_checkpoint; /* its last slice */
};

struct engine_host {
    uv_loop_t *loop;
    struct clock *clock;
    struct session_table *sessions;
    struct engine_host_options options;
    struct engine_host_events events;
    enum host_state state;
    boot_ms state_since;
    uint64_t generation; /* of engines: how often they were built */
    uint32_t failures;   /* in a row */
    bool failed;         /* a batch came back with an error, which the next turn acts on */
    enum journal_status failure;

    struct journal *journal;
    const struct config *file; /* the file's workspaces; whoever reloads it changes it */
    struct workspace **workspaces;
    uint32_t workspace_count;
    struct list dirty;
    struct ranked_tree deadlines;
    uv_timer_t alarm, retry;
    uint64_t alarm_at; /* boot time; UINT64_MAX: not armed */
    struct checkpointer checkpointer;

    struct host_batch *batches; /* a ring; handed over and not confirmed */
    uint32_t batch_capacity;    /* a power of two */
    uint64_t batch_head, batch_tail;
    uint64_t serving_after; /* the number of the batch with what a start says */
    struct session_marks spare_marks;

    bool stalled;
    boot_ms stalled_from;

    struct list departed; /* sessions that are CLOSED and whose engine does not know it */
    struct dispatch dispatch;
    struct updater updater;
    const struct delivery_given *given; /* of the update that is being stepped */
    struct packer copied;
};

void engine_host_init(struct engine_host *h, uv_loop_t *loop, struct clock *clock,
                      struct session_table *sessions, const struct engine_host_options *options,
                      const struct engine_host_events *events);

/* Open the journal, replay, and begin to serve `file`'s workspaces and those that the journal
 * knows. Blocks; afterwards `serving` comes from the loop. On an error `problem` says what is
 * wrong. */
bool engine_host_start(struct engine_host *h, const struct config *file, char *problem,
                       size_t size);

struct workspace *engine_host_find(struct engine_host *h, struct text name);

/* May a request go to the engines now? */
enum host_gate engine_host_gate(struct engine_host *h, enum method_kind kind);

/* What requests of a workspace are read by. */
struct dispatch_snapshot engine_host_snapshot(const struct workspace *w);

/* ---- what sessions want; only with the gate open ---- */

/* Do the work; its answer, errors included, goes to the session that `work->command.caller` names.
 * False: it was made under another configuration: make it again. */
bool engine_host_work(struct engine_host *h, struct workspace *w, struct work *work);

/* Answer a read into the session's packer. */
void engine_host_read(struct engine_host *h, struct session *s, const struct request *r);

/* The session bears this connector's name from now on. */
void engine_host_attach(struct engine_host *h, struct session *s, struct text name);

/* The session is CLOSED; its engine hears of it when it can. At any time. */
void engine_host_departed(struct engine_host *h, struct session *s);

/* Step a new configuration. `caller` is the host for a file's. False: `error` says why not, and
 * nothing was answered. `digest` is that of the file last seen. */
bool engine_host_apply_config(struct engine_host *h, struct workspace *w,
                              struct workspace_config *config, uint64_t digest,
                              const struct caller *caller, struct response_error *error);

/* Look at `file` and apply what is new in it; also new workspaces. With the gate open. */
void engine_host_reload(struct engine_host *h, const struct config *file);

/* ---- turns ---- */

/* The end of a turn. True when there is more to do at once. */
bool engine_host_turn(struct engine_host *h);

/* Writing to sessions may end some, or give them room for more requests: then the turn has another
 * end. */
bool engine_host_has_news(const struct engine_host *h);

/* Take no more work. What was taken is finished: quiet says when. */
void engine_host_drain(struct engine_host *h);
bool engine_host_is_quiet(const struct engine_host *h);

/* Close the journal, then call `closed`. The host's timers are closed, too. */
void engine_host_stop(struct engine_host *h, void (*closed)(void *context), void *context);
void engine_host_close(struct engine_host *h);

#endif
