/* A workspace's engine, made from its stream, entry after entry, and kept up to date as the stream
 * grows: what a start, a takeover and a standby have in common.
 *
 *     empty ──an epoch, fact 1──────────▶ whole ──▶ taken
 *       └────a checkpoint's first slice──▶ loading ──its last──┘
 *
 * A stream begins with its first fact, or an epoch before that; or, when it was trimmed, with the
 * first slice of a checkpoint that is complete. Facts that stand between the slices are kept until
 * the last one has come, and then applied.
 *
 * A checkpoint that passes by when the state is whole is not loaded: it is a proof. The engine here
 * is asked for one of its own, as of the same fact, whose records nobody keeps; count and digest
 * must be those that the owner wrote, or the two have gone different ways. An owner that gives up
 * its checkpoint (it begins another, or an epoch is raised) takes the proof with it.
 *
 * Whoever gets any other verdict than STREAM_TAKEN throws the replay away: the engine may hold half
 * an entry. Belongs to one thread; nothing here waits. */
#ifndef ROUTER_STREAM_STREAM_REPLAY_H
#define ROUTER_STREAM_STREAM_REPLAY_H

#include "router/replay.h"
#include "router/stream/stream_id.h"
#include "router/stream/stream_reader.h"

#define STREAM_REPLAY_PROBLEM_BYTES 256

enum stream_verdict {
    STREAM_TAKEN,
    /* What was read last is not the way to this entry: a failover took it back, or the stream was
     * trimmed beyond it. Begin anew, at the start of the stream. Twice in a row at the same entry,
     * it is damage. */
    STREAM_DIVERGED,
    STREAM_UNKNOWN_KIND, /* a newer version writes what this one does not know */
    STREAM_DAMAGED,      /* anything else: a fact is missing, a digest does not agree, ... */
};

enum stream_replay_state {
    STREAM_REPLAY_EMPTY,   /* nothing was read yet */
    STREAM_REPLAY_LOADING, /* a checkpoint of which slices are missing */
    STREAM_REPLAY_WHOLE,   /* the state as of the last entry */
    STREAM_REPLAY_OVER,    /* the engine was taken, or is of no use */
};

struct stream_replay_events {
    void *context;
    /* An empty engine of the workspace; its sink must bear not being called. */
    struct engine *(*create)(void *context);
};

/* The checkpoint whose slices are passing by. */
struct stream_replay_checkpoint {
    bool open; /* its first slice has come, and its last has not */
    struct stream_id first;
    uint64_t seq;
    uint64_t bytes;        /* of its slices so far */
    uint64_t bytes_before; /* since the complete one before it */
    bool proving;          /* the engine writes one of its own, */
    bool written;          /* or has done so, and it closed with */
    struct checkpoint_closing own;
};

/* An entry of facts that waits for the end of a checkpoint. */
struct stream_replay_kept {
    uint64_t seq; /* of its first fact */
    size_t at, size;
};

struct stream_replay {
    struct text workspace; /* the caller's */
    struct stream_replay_events events;
    enum stream_replay_state state;
    struct engine *engine; /* NULL while empty, and when it was taken */
    struct stream_id end;  /* of the last entry taken */
    uint64_t epoch;        /* the highest */
    struct replay replay;  /* counts facts and records */
    uint64_t proofs;       /* how often owner and engine were found to be the same */

    /* For whoever is to write the next checkpoint. */
    /* Of values as they are unpacked, from the last complete one's first slice on. */
    uint64_t bytes_since_checkpoint;
    uint64_t checkpoint_bytes;         /* of that one's slices; 0: there is none */
    struct stream_id checkpoint_first; /* the id of its first slice */

    struct stream_replay_checkpoint passing;
    uint64_t next_seq; /* while loading: of the fact that must come next */
    struct packer kept_bytes;
    struct stream_replay_kept *kept;
    size_t kept_count, kept_capacity;
    char problem[STREAM_REPLAY_PROBLEM_BYTES]; /* which entry, and what is wrong with it */
};

/* `workspace` outlives the replay. */
void stream_replay_init(struct stream_replay *r, struct text workspace,
                        const struct stream_replay_events *events);
/* An engine that nobody took is destroyed. */
void stream_replay_close(struct stream_replay *r);

/* The stream's next entry, each once and in order. */
enum stream_verdict stream_replay_entry(struct stream_replay *r, const struct stream_read_entry *e);

/* Go on with the engine's own checkpoint by so many records, between entries, so that the last
 * slice need not wait for all of it. True: there is more to do. */
bool stream_replay_continue(struct stream_replay *r, size_t records);

/* Is the engine what the entries read so far have made? Not before the first of them. */
bool stream_replay_is_whole(const struct stream_replay *r);

/* The engine is the caller's now; the replay takes nothing more. It must be whole; or nothing was
 * read, because the stream is empty, and then the engine is, too. */
struct engine *stream_replay_take_engine(struct stream_replay *r);

#endif
