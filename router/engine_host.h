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
 * Where several nodes share the journal, workspaces come and go while the host serves
 * (engine_host_take, _give, _lose; router/ownership says when): one without an engine is not
 * served here, and its door says so. What was read waits for the journal's word, too, because it
 * may be told only while this node owns the workspace.
 *
 * Sessions and engines meet in this file's functions, through plain structs: sessions of this
 * reactor by calls, those of others by letters (post.h), which are the same calls a moment later.
 * What the engines say goes into the packers of this reactor's sessions, or into mail, and leaves
 * when the batch is durable. A letter that has come is not taken while the gate is shut: it waits
 * in its ring.
 *
 * One host belongs to one reactor and its thread. Others read its `notice` only. */
#ifndef ROUTER_ENGINE_HOST_H
#define ROUTER_ENGINE_HOST_H

#include "router/checkpointer.h"
#include "router/config_job.h"
#include "router/directory.h"
#include "router/dispatch.h"
#include "router/guest.h"
#include "router/post.h"
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
    GATE_ELSEWHERE,   /* another node serves the workspace */
    GATE_DRAINING,
};

/* What a client that is told `unavailable` should wait. */
#define HOST_RETRY_AFTER_MS 1000
/* Names of connectors that begin so are ours: one without a name is called by its connection. */
#define HOST_UNNAMED "connection:"

struct engine_host_options {
    uint32_t node; /* the number of this node, for epochs */
    bool shared;   /* several nodes share the journal: workspaces come and go */
    duration_ms stall_after;
    duration_ms request_timeout;
    duration_ms heartbeat;
    duration_ms id_kept; /* told by hello before a workspace has a configuration */
    struct limits limits;
};

struct engine_host_events {
    void *context;
    void (*serving)(void *context); /* clients may come: everything that a start says is durable, or
                                       there is no room and only readers are served */
    void (*failed)(
        void *context); /* the journal failed: the engines are gone, its port is closing */
    void (*port_closed)(void *context); /* and is closed now */
    void (*broken)(void *context);      /* the journal cannot be brought back; logged already */
};

/* What all hosts of a process share, and what hello tells of this node. */
struct engine_host_place {
    uint32_t reactor;
    uv_loop_t *loop;
    struct clock *clock;
    struct session_table *sessions;
    struct post *post;
    struct directory *directory;
    struct visitor *visitor;
    const char *node;
    const struct text
        *addresses; /* of this node, as clients write them; may change before serving */
    const uint32_t *address_count;
};

struct host_batch {
    struct session_marks marks;
    struct mail_list mails;
    boot_ms committed_at;
    bool has_checkpoint; /* its last slice */
};

struct engine_host_peer {
    struct text name, address;
};

struct engine_host {
    struct engine_host_place place;
    struct clock *clock;
    struct session_table *sessions;
    struct post *post;
    struct visitor *visitor;
    struct engine_host_options options;
    struct engine_host_events events;
    enum host_state state;
    boot_ms state_since;
    _Atomic uint64_t notice; /* the gate, as other reactors read it */
    uint64_t generation;     /* of engines: how often they were built */
    uint32_t failures;       /* in a row */
    bool failed;             /* a batch came back with an error, which the next turn acts on */
    enum journal_status failure;

    struct journal *journal;   /* this host's port */
    bool keeps;                /* the journal can be read again: facts are written */
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
    uint32_t write_version; /* of facts; see engine_write_version */

    const struct engine_host_peer *peers; /* the other nodes, told by hello; somebody else's */
    uint32_t peer_count;

    bool continuing;         /* some workspace goes on under a higher epoch */
    struct engine **retired; /* of workspaces that were handed over; destroyed some time later */
    uint32_t retired_count;
    boot_ms retired_at; /* the last of them */

    struct list guests;
    struct list untold; /* guests of workspaces that were given away, who have not heard so yet */
    uint64_t commands;  /* of guests, stepped; how many came in letters: */
    uint64_t commands_from_far;
    struct list departed;       /* guests that left and whose engine does not know it */
    const struct guest *caller; /* of the command that is being stepped; NULL: the host itself */
    struct dispatch dispatch;
    struct request request; /* of a letter that is read again */
    struct work work;
    struct updater updater;
    char made_id[WORKSPACE_ID_BYTES];   /* of the submission that is being stepped */
    const struct delivery_given *given; /* of the update that is being stepped */
    struct packer copied;
};

void engine_host_init(struct engine_host *h, const struct engine_host_place *place,
                      const struct engine_host_options *options,
                      const struct engine_host_events *events);

/* ---- a start: the journal is open, the host has a port of it ---- */

/* The workspace behind a door that this host owns, made when there is none; without an engine. */
struct workspace *engine_host_workspace(struct engine_host *h, struct door *door);
struct engine *engine_host_create_engine(struct engine_host *h, struct workspace *w);

/* Begin to serve `file`'s workspaces and those that were recovered, whose engines are in place;
 * `checkpoint_bytes` is what their checkpoints take. `serving` comes from the loop. On an error
 * `problem` says what is wrong. */
bool engine_host_start(struct engine_host *h, struct journal *port, const struct config *file,
                       uint64_t checkpoint_bytes, char *problem, size_t size);
/* The same after the journal had no room: only readers are served, until there is room. */
void engine_host_start_refusing(struct engine_host *h, struct journal *port,
                                uint64_t checkpoint_bytes);

/* ---- the gate ---- */

/* The same for a workspace that is not served here, by how long that has been so. */
enum host_gate engine_host_gate_door(const struct engine_host *h, const struct door *door,
                                     struct clock *mine);

/* May a request go to the engines now? */
enum host_gate engine_host_gate(struct engine_host *h, enum method_kind kind);
/* The same from another reactor, by its own clock. */
enum host_gate engine_host_gate_far(const struct engine_host *h, struct clock *mine,
                                    enum method_kind kind);

/* ---- what guests want; from this reactor's sessions, with the gate open ---- */

/* A client said hello: becomes the host's. `name` is the connector's; what the client has seen goes
 * with it. */
void engine_host_hello(struct engine_host *h, struct guest *g, uint32_t msgid, struct text name,
                       uint64_t epoch, uint64_t seq);

/* Do the work; its answer, errors included, goes to the session that `work->command.caller` names.
 * False: it was made under another configuration: make it again. */
bool engine_host_work(struct engine_host *h, struct guest *g, struct work *work);

/* Answer a read, or a goodbye. */
void engine_host_read(struct engine_host *h, struct guest *g, const struct request *r);

/* config.apply, read and compiled; the job becomes the host's. */
void engine_host_config(struct engine_host *h, struct config_job *job);

/* The guest's session is CLOSED; its engine hears of it when it can. At any time. */
void engine_host_left(struct engine_host *h, struct guest *g);

/* Sessions on this reactor that came through the door of this number end now. */
void engine_host_cut_here(struct session_table *t, uint32_t door, enum session_end_reason reason);

/* A letter from another reactor whose turn comes soon: it has the engine look out for its contact.
 */
void engine_host_expect(struct letter *l);

/* One letter from another reactor. */
void engine_host_letter(struct engine_host *h, struct letter *l);
/* Are letters taken now? */
bool engine_host_takes_letters(struct engine_host *h);

/* Step a new configuration. `caller` is the host for a file's. False: `error` says why not, and
 * nothing was answered. `digest` is that of the file last seen. */
bool engine_host_apply_config(struct engine_host *h, struct workspace *w,
                              struct workspace_config *config, uint64_t digest,
                              const struct caller *caller, struct response_error *error);

/* Look at `file` and apply what is new in it to this host's workspaces; also new ones, whose doors
 * are there already. With the gate open. */
void engine_host_reload(struct engine_host *h, const struct config *file);

/* ---- where several nodes share the journal (engine_host_own.c) ---- */

struct engine_host_taken {
    struct engine *engine;      /* becomes the workspace's */
    uint64_t epoch;             /* as the journal has it already */
    journal_position keep_from; /* see struct workspace */
    uint64_t checkpoint_bytes;
    struct workspace_config *compiled; /* its configuration, where somebody has it; or NULL */
    engine_time now; /* what the owner's clock before us would say; 0: nobody knows */
};

/* Of what is owned, and will be: write no facts of a later version than this (engine.h). */
void engine_host_write_version(struct engine_host *h, uint32_t version);

/* This node owns it: serve it from now on. False: `problem` says what is wrong, and it is not
 * served. */
bool engine_host_take(struct engine_host *h, struct workspace *w,
                      const struct engine_host_taken *taken, char *problem, size_t size);

/* Another node owns it: its engine goes, and connections end without an answer. */
void engine_host_lose(struct engine_host *h, struct workspace *w);

/* It stays this node's, under a higher epoch; its engine hears of that when the outage is over that
 * came with it, and behind how long that was. */
void engine_host_continue(struct engine_host *h, struct workspace *w, uint64_t epoch);

/* Facts that wait for the end of the turn go to the journal's batch now. */
void engine_host_flush(struct engine_host *h, struct workspace *w);

/* It is handed over: nothing is stepped from now on, and requests wait. Then, when all of it is
 * durable, `gave`: everybody hears where it is now, in the pace of engine_host_tell. */
void engine_host_give(struct engine_host *h, struct workspace *w);
void engine_host_gave(struct engine_host *h, struct workspace *w, uint64_t epoch,
                      struct text address);

/* Tell as many as `most` guests where their workspace is now. True when some are left. */
bool engine_host_tell(struct engine_host *h, uint32_t most);
/* The same for one, out of turn: it has asked for something. */
void engine_host_tell_guest(struct engine_host *h, struct guest *g);
static inline bool engine_host_is_telling(const struct engine_host *h)
{
    return !list_empty(&h->untold);
}

/* `nodes`, key and value: the addresses under which the workspace can be served, ours first. */
void engine_host_pack_nodes(const struct engine_host *h, struct text workspace, struct packer *p);

/* The answer to the hello of a standby session, and what it hears when this node is the owner. */
void engine_host_hello_standby(struct engine_host *h, struct door *door, struct packer *p,
                               uint32_t msgid);
void engine_host_say_moved(struct door *door, struct text address, struct packer *p);
/* The address of the node that serves it; none when that is not known. */
struct text engine_host_where(struct engine_host *h, struct door *door,
                              char buffer[DOOR_ADDRESS_BYTES]);

/* Who serves it, when it is not this node. */
void engine_host_set_service(struct engine_host *h, struct workspace *w, enum door_service service,
                             struct text address);

/* ---- turns ---- */

/* The end of a turn. True when there is more to do at once. */
bool engine_host_turn(struct engine_host *h);

/* Writing to sessions may end some, or give them room for more requests: then the turn has another
 * end. */
bool engine_host_has_news(const struct engine_host *h);

/* Take no more work, and tell all guests. What was taken is finished: quiet says when. */
void engine_host_drain(struct engine_host *h);
bool engine_host_is_quiet(const struct engine_host *h);

/* The journal failed elsewhere: act as if it had failed here. */
void engine_host_fail(struct engine_host *h);

/* Close the journal's port, then call `closed`. The host's timers are closed, too. */
void engine_host_stop(struct engine_host *h, void (*closed)(void *context), void *context);
/* After that, and after every session is gone. */
void engine_host_close(struct engine_host *h);

#endif
