/* The thread that writes one set of a file journal, for all its ports.
 *
 * Turn by turn it takes all batches that wait, whatever port they came by, writes them at once,
 * syncs once, and hands each back to its port with the status of the turn; then it removes
 * at most one segment that no port needs any longer. Batches that come while it writes wait for the
 * next turn: that is the group commit. When there is much to do it also waits a little between two
 * turns, at most a millisecond, so that more come along with fewer syncs.
 *
 * Only here a record gets its place: its position, its neighbour, and what was durable before it.
 *
 * Room is taken in advance, some MiB at a time, so that a full disk is met before anything is
 * written. Where a file system cannot do that and a write fails half-way for want of room, the file
 * is cut back to where it was, durably; then the answer is JOURNAL_FULL and nothing of the turn
 * will ever be read. When even that fails, and after any other error, it is JOURNAL_FAILED. Either
 * way the writer takes nothing more: it answers every port with the same status for ever.
 *
 * A segment that has reached its size is followed by a new one before the next write; so it may be
 * larger by one turn.
 *
 * A port is known here from journal_file_writer_add to journal_file_writer_remove. In between it
 * *leaves*: it hands over nothing more and only waits for what is in flight. With the last one that
 * leaves the writer stops; that port hears of it when all others are removed, so that it can close
 * everything behind itself.
 *
 * Thread: the functions are called on any port's thread, those that take a port on its own. The
 * writer wakes a port by uv_async_send, with the mutex held: so a port that has taken its last
 * batch is never touched again. */
#ifndef ROUTER_JOURNAL_FILE_WRITER_H
#define ROUTER_JOURNAL_FILE_WRITER_H

#include <stdatomic.h>
#include <uv.h>

#include "router/journal_file_blocks.h"
#include "router/journal_file_directory.h"
#include "router/journal_file_faults.h"
#include "router/journal_file_recovery.h"

/* Records as journal_file_format_put_record leaves them. Owned by the port until handed over and
 * from when taken back. */
struct journal_batch {
    struct journal_batch *next;
    struct journal_writer_port *port;
    uint8_t *bytes;
    size_t size, capacity;
    uint64_t entries;
    journal_done done;
    void *context;
    enum journal_status status;
};

struct journal_batch_list {
    struct journal_batch *first, *last;
};

/* What the writer knows of a port; all of it is the writer's, under its mutex. */
struct journal_writer_port {
    struct journal_writer_port *next;
    uv_async_t *async; /* fires when batches are finished, or when it is the last and all is done */
    struct journal_batch_list finished;
    journal_position keep_from; /* what stands before, the port does not need */
};

#define JOURNAL_FILE_PROBLEM_BYTES 512

struct journal_file_writer {
    /* The thread's own from start to join. */
    struct journal_file_directory *directory;
    struct journal_file_set *set;
    struct journal_file_faults *faults; /* never NULL */
    uint64_t segment_bytes;
    int fd;                      /* of the last segment */
    struct journal_file_end end; /* of what is durable */
    uint64_t allocated;          /* the file has room up to this byte */
    bool allocates;              /* until the file system says that it cannot */
    bool takes_blocks;           /* likewise */
    struct journal_file_blocks blocks;
    uint32_t opening;
    journal_position opened_at; /* the first position of this opening */
    struct journal_batch_list turn;

    uv_thread_t thread;

    /* Shared. */
    uv_mutex_t mutex; /* held for a few instructions by any side, never while the disk works */
    uv_cond_t wake;
    struct journal_batch_list pending;
    struct journal_writer_port *ports; /* those that left, too, until they are removed */
    uint32_t staying;                  /* ports that have not left */
    struct journal_writer_port *last;  /* the one that left last, once all have */
    journal_position left_keep_from;   /* the least that any port needed when it left */
    journal_position keep_from;        /* the least of all */
    enum journal_status status;        /* once not JOURNAL_OK, never again */
    char problem[JOURNAL_FILE_PROBLEM_BYTES];
    bool used; /* something was handed over or trimmed: the table of sets is the thread's */
    bool idle, stop, stopped;
    _Atomic uint64_t handed; /* where what is handed over next will stand, if nothing fails */
    _Atomic uint64_t syncs, bytes_kept;
};

/* Begin. The caller has set directory, set, faults, segment_bytes, fd, end and opening; the first
 * two belong to the thread until journal_file_writer_join. Returns 0 or an errno. */
int journal_file_writer_start(struct journal_file_writer *w);

/* A new port, of which only `async` is set, and which needs everything. */
void journal_file_writer_add(struct journal_file_writer *w, struct journal_writer_port *port);

/* Give a batch away; an empty one, too, waits for all before it. */
void journal_file_writer_hand_over(struct journal_file_writer *w, struct journal_writer_port *port,
                                   struct journal_batch *batch);

/* The port's batches that are done, in order. The loop calls it when `async` fires. Answers whether
 * all is over: the port is the only one left, and the thread has stopped. */
bool journal_file_writer_take_finished(struct journal_file_writer *w,
                                       struct journal_writer_port *port,
                                       struct journal_batch_list *out);

/* What the port needs from now on. */
void journal_file_writer_trim(struct journal_file_writer *w, struct journal_writer_port *port,
                              journal_position keep_from);

/* Where what is handed over next will stand at the least: other ports may be quicker, and nothing
 * here is durable yet. */
journal_position journal_file_writer_handed(const struct journal_file_writer *w);

/* Has any port handed over or trimmed anything? */
bool journal_file_writer_is_used(struct journal_file_writer *w);

/* From now on take nothing and answer with `status`. The first refusal stays. */
void journal_file_writer_refuse(struct journal_file_writer *w, enum journal_status status,
                                const char *problem);

/* Why it takes nothing: copies the words ("" while it takes). */
void journal_file_writer_get_problem(struct journal_file_writer *w,
                                     char out[JOURNAL_FILE_PROBLEM_BYTES]);

/* The port hands over nothing more. Answers whether it is the last to leave: then the thread
 * finishes what was handed over, leaves the mark of an orderly close, and ends; and
 * journal_file_writer_take_finished says when. */
bool journal_file_writer_leave(struct journal_file_writer *w, struct journal_writer_port *port);

/* Forget a port that has left, is not the last, and has taken all its batches. */
void journal_file_writer_remove(struct journal_file_writer *w, struct journal_writer_port *port);

/* Stop a thread that never had a port. */
void journal_file_writer_stop(struct journal_file_writer *w);

/* Wait for the thread, which has stopped or is about to, and close the segment. */
void journal_file_writer_join(struct journal_file_writer *w);

#endif
