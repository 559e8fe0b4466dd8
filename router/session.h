/* Connections: one session is one connection's life.
 *
 *      accepted ──▶ GREETING ──hello──▶ OPEN ──▶ FINISHING ──all written──▶ CLOSED
 *                      │                 │            │                        ▲
 *                      └─────────────────┴────────────┴── broken, late, silent ┘
 *
 * A session knows bytes: it finds whole frames and hands them up one by one, and it sends what
 * others put into its packer. It knows neither methods nor engines.
 *
 * In: what a client sends is looked at where libuv put it; only what does not yet make a whole
 * frame is kept, and memory for that grows as bytes arrive, never as they are announced. When the
 * handler says "later", or when the client's answers pile up, the session stops reading: then TCP
 * tells the client.
 *
 * Out: bytes go into the packer as they are made, and are *held* until the journal has what they
 * speak of (session_table_seal and _release), then *released*, and written with one write a turn.
 * Answers are never dropped. A client that does not take them is not read from any more, and is cut
 * off when it takes nothing for three heartbeats, or when notifications would make it hold more
 * than `output_max`.
 *
 * A session whose workspace is on another reactor is *far*: what it gets from there was held there,
 * and is released as it comes (session_delivered).
 *
 * Ids of sessions are never used again. One table belongs to one loop and its thread. */
#ifndef ROUTER_SESSION_H
#define ROUTER_SESSION_H

#include <uv.h>

#include "proto/frame.h"
#include "proto/packer.h"
#include "proto/response.h"
#include "queue/base/list.h"
#include "queue/base/rare.h"
#include "router/clock.h"
#include "router/guest.h"

/* X(symbol, word in the log, log level, words for a person) */
#define SESSION_END_TABLE(X)                                                                       \
    X(CLIENT_CLOSED, "client_closed", DEBUG, "the client closed the connection")                   \
    X(GOODBYE, "goodbye", DEBUG, "the client said goodbye")                                        \
    X(DRAINED, "drained", DEBUG, "this server stops")                                              \
    X(TAKEN_OVER, "taken_over", INFO, "the agent's session ended; it may be elsewhere now")        \
    X(AGENT_REMOVED, "agent_removed", INFO, "the agent exists no longer")                          \
    X(HELLO_TIMEOUT, "hello_timeout", INFO, "no hello came in time")                               \
    X(NOTHING_SAID, "nothing_said", DEBUG,                                                         \
      "not a byte came in time: somebody looked whether we live")                                  \
    X(SILENT, "silent", INFO, "nothing was heard for three heartbeats")                            \
    X(HALF_FRAME, "half_frame", INFO, "a frame was begun and not ended in time")                   \
    X(SLOW_READER, "slow_reader", INFO, "the client did not take what was sent to it")             \
    X(BAD_BYTES, "bad_bytes", INFO, "what came was no MessagePack-RPC")                            \
    X(TOO_LARGE, "too_large", INFO, "a frame was over the limit of bytes")                         \
    X(TOO_DEEP, "too_deep", INFO, "a frame was over the limit of nesting")                         \
    X(TOO_MANY, "too_many", INFO, "too many requests in flight")                                   \
    X(READ_FAILED, "read_failed", DEBUG, "reading from the connection failed")                     \
    X(WRITE_FAILED, "write_failed", DEBUG, "writing to the connection failed")                     \
    X(MOVED, "moved", DEBUG, "another node owns the workspace now")                                \
    X(OUTCOME_UNKNOWN, "outcome_unknown", WARNING,                                                 \
      "the journal failed, and nobody can say what became of its requests")

enum session_end_reason {
#define SESSION_END_SYMBOL(symbol, word, level, words) SESSION_END_##symbol,
    SESSION_END_TABLE(SESSION_END_SYMBOL)
#undef SESSION_END_SYMBOL
        SESSION_END_REASONS,
};

const char *session_end_word(enum session_end_reason reason);

enum session_state {
    SESSION_GREETING,
    SESSION_STANDBY, /* silent: it waits here in case this node becomes the owner; then it says
                        hello again */
    SESSION_OPEN,
    SESSION_FINISHING,
    SESSION_CLOSED,
};

/* Why nothing is read from a session at the moment. */
enum session_wait { WAIT_NOT, WAIT_FOR_READER, WAIT_FOR_HANDLER };

struct session_table;

struct session {
    uint64_t id;
    struct session_table *table;
    enum session_state state;

    /* What hello said; the conversation's. */
    enum role role;
    struct door *door;   /* of the workspace; NULL before hello */
    struct guest *guest; /* the owner's: a token, to be named with what the client wants */
    bool far;            /* the owner is another reactor */
    uint64_t told_where; /* of a standby: hash of the address that it knows as the owner's */
    uint32_t away;       /* of a far one: weight of the requests at its owner */
    uint32_t in_flight;  /* requests answered later than in their turn, other than by the journal */

    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    boot_ms opened_at, heard_at;
    boot_ms frame_since; /* the first byte of the frame that is not whole yet; 0: there is none */
    boot_ms progress_at; /* when the client last took something */
    boot_ms finish_by;
    enum session_end_reason finish_reason;

    struct packer in; /* what does not make a whole frame yet, or waits */
    struct frame_scan scan;
    size_t
        frame_size; /* of the frame at the front that waits for its handler; 0: not scanned yet */
    enum session_wait wait;
    bool reading;
    bool heard;       /* anything at all */
    bool half_closed; /* the client sends no more, and may still want its answers */
    bool leaving;     /* a far one: its owner was asked to end it behind the last answer */
    struct list_node in_waiting;

    struct packer out; /* from `out_base` on */
    uint64_t out_base; /* offsets count all bytes ever put into the packer */
    uint64_t written, released;
    boot_ms large_at;      /* when `out` last had more than is kept for long */
    bool touched;          /* has bytes that this turn's seal does not know yet */
    struct packer urgent;  /* whole answers that wait for nothing: they pass what is held */
    struct packer sending; /* copied out of `out` while libuv writes them */
    uv_write_t write;
    struct list_node in_flush;
};

/* Up to which byte the output of which session is released. */
struct session_mark {
    uint64_t session;
    uint64_t end;
};

struct session_marks {
    struct session_mark *items;
    uint32_t count, capacity;
};

void session_marks_close(struct session_marks *m);

enum session_verdict {
    FRAME_TAKEN,
    FRAME_LATER, /* cannot be taken now: the same frame comes again with session_table_resume */
};

struct session_handler {
    void *context;
    /* What came from an open session, from the first byte of a frame on, before
     * anybody looks for its end: takes the frame if it is whole and nothing is to be said against
     * it, and answers its bytes; 0: it comes again, as `frame`. */
    size_t (*whole)(void *context, struct session *s, const uint8_t *bytes, size_t size);
    /* One whole object. `bytes` live during the call. May end the session. */
    enum session_verdict (*frame)(void *context, struct session *s, const uint8_t *bytes,
                                  size_t size);
    /* The client of a far session sends no more. FRAME_TAKEN: the owner will end the session behind
     * the last answer. */
    enum session_verdict (*half_closed)(void *context, struct session *s);
    /* The session is CLOSED; its record goes after this call. */
    void (*ended)(void *context, struct session *s);
};

struct session_options {
    struct limits limits;
    duration_ms heartbeat;
    duration_ms hello_timeout;
    uint32_t connections_max;
    uint32_t output_max;
    uint32_t reactor;              /* whose sessions these are */
    _Atomic uint32_t *connections; /* of all reactors */
};

struct session_table {
    uv_loop_t *loop;
    struct clock *clock;
    struct session_options options;
    struct session_handler handler;
    struct session **slots;
    uint32_t slot_count, slot_capacity;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t live;     /* not CLOSED */
    uint32_t swept_to; /* the sweep goes through the slots in parts */
    uint64_t serial;
    struct session_marks touched; /* of this turn */
    struct list waiting;          /* for the handler or the reader */
    struct list to_flush;
    uint8_t *read_buffer;
    uint64_t ended[SESSION_END_REASONS];
    uint64_t refused; /* connections beyond the most */
    uv_timer_t sweep;
};

void session_table_init(struct session_table *t, uv_loop_t *loop, struct clock *clock,
                        const struct session_options *options,
                        const struct session_handler *handler);
/* Every session must be CLOSED and the loop have run its close callbacks, and those of the table's
 * timer (session_table_stop). */
void session_table_close(struct session_table *t);
void session_table_stop(struct session_table *t);

/* Take the connection that waits at `server`; a pipe's or a TCP socket's. */
void session_table_accept(struct session_table *t, uv_stream_t *server);

/* NULL when there is none of that id that may be written to. O(1). */
struct session *session_find(const struct session_table *t, uint64_t id);

/* ---- output ---- */

/* Where to put bytes for the client; then say session_wrote. Only for sessions that session_find
 * found, or in their own handler. */
static inline struct packer *session_packer(struct session *s)
{
    return &s->out;
}

void session_wrote(struct session *s);

/* For answers that speak of nothing that the journal could lose (a ping's, "unavailable"): they
 * leave with the next flush, before what is held. */
struct packer *session_urgent_packer(struct session *s);

/* The same for a notification: it may be the one too many. */
void session_wrote_notice(struct session *s);

/* What a far session has at its owner is bounded: its answers are on their way and not yet counted
 * as output. An answer may be as large as a page of a list; those weigh more. */
#define SESSION_AWAY_MAX     64
#define SESSION_LARGE_WEIGHT 32

static inline bool session_may_ask(const struct session *s)
{
    return s->away < SESSION_AWAY_MAX;
}

/* One of them has its answer. */
static inline void session_answered(struct session *s, bool large)
{
    s->away -= large ? SESSION_LARGE_WEIGHT : 1;
}

/* A whole message stands in the session's packer (or, when it is urgent, in the other one); `flags`
 * are those of enum mail_flags. */
void session_delivered(struct session *s, unsigned flags, enum session_end_reason reason);

/* An error for one request, whole. */
RARE void session_refuse(struct session *s, uint32_t msgid, const struct response_error *error);
RARE void session_refuse_urgently(struct session *s, uint32_t msgid,
                                  const struct response_error *error);

/* Everything written in this turn, in `out` (emptied before): it is released by passing the marks
 * to session_table_release, in the order of the seals. */
void session_table_seal(struct session_table *t, struct session_marks *out);
void session_table_release(struct session_table *t, const struct session_marks *marks);

/* Write what is released: once for each session. */
void session_table_flush(struct session_table *t);

/* ---- life ---- */

/* Let sessions whose frames came too early try again. */
void session_table_resume(struct session_table *t);

/* Take no more from the client; close when all output is released and written, within ten seconds.
 */
void session_finish(struct session *s, enum session_end_reason reason);

/* Take no more from the client of a far session: its owner ends it behind the last answer, or we do
 * after ten seconds. */
void session_leave(struct session *s);

/* Close now. The one way in which every session ends; counts and logs the reason. */
void session_end(struct session *s, enum session_end_reason reason);

/* Call `visit` with every session that is not CLOSED; it may end it. */
void session_table_each(struct session_table *t, void (*visit)(void *context, struct session *s),
                        void *context);
/* The same in parts: from slot `from` on, until `visit` has enough and says false. Where to go on;
 * 0: that were all. */
uint32_t session_table_some(struct session_table *t, uint32_t from,
                            bool (*visit)(void *context, struct session *s), void *context);

#endif
