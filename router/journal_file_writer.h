/* The thread that writes one set of a file journal.
 *
 * Turn by turn it takes all batches that wait, writes them with one pwritev, syncs once, and hands
 * them back with the status of their turn; then it removes at most one segment that is no longer
 * needed. Batches that come while it writes wait for the next turn: that is the group commit.
 *
 * Room is taken in advance, some MiB at a time, so that a full disk is met before anything is
 * written. Where a file system cannot do that and a write fails half-way for want of room, the file
 * is cut back to where it was, durably; then the answer is JOURNAL_FULL and nothing of the turn
 * will ever be read. When even that fails, and after any other error, it is JOURNAL_FAILED. Either
 * way the writer takes nothing more: it answers with the same status for ever.
 *
 * A segment that has reached its size is followed by a new one before the next write; so it may be
 * larger by one turn.
 *
 * Thread: the functions are called on the loop's thread. The writer wakes the loop by
 * uv_async_send. */
#ifndef ROUTER_JOURNAL_FILE_WRITER_H
#define ROUTER_JOURNAL_FILE_WRITER_H

#include <stdatomic.h>
#include <uv.h>

#include "router/journal_file_directory.h"
#include "router/journal_file_faults.h"
#include "router/journal_file_recovery.h"

/* Records as journal_file_format_put_record leaves them. Owned by the loop until handed over and
 * from when taken back. */
struct journal_batch {
    struct journal_batch *next;
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

void journal_batch_list_push(struct journal_batch_list *list, struct journal_batch *batch);

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
    uint32_t opening;
    journal_position opened_at; /* the first position of this opening */
    struct journal_batch_list turn;

    uv_thread_t thread;
    uv_async_t *async;

    /* Shared. */
    uv_mutex_t mutex; /* held for a few instructions by either side, never while the disk works */
    uv_cond_t wake;
    struct journal_batch_list pending, finished;
    journal_position keep_from;
    enum journal_status status; /* once not JOURNAL_OK, never again */
    char problem[JOURNAL_FILE_PROBLEM_BYTES];
    bool idle, stop, stopped;
    _Atomic uint64_t syncs, bytes_kept;
};

/* Begin. The caller has set directory, set, faults, segment_bytes, fd, end, opening and async; the
 * first two belong to the thread until journal_file_writer_join. Returns 0 or an errno. */
int journal_file_writer_start(struct journal_file_writer *w);

/* Give a batch away; an empty one, too, waits for all before it. */
void journal_file_writer_hand_over(struct journal_file_writer *w, struct journal_batch *batch);

/* The batches that are done, in order. The loop calls it when `async` fires. Answers whether the
 * thread has stopped: then there will be no more. */
bool journal_file_writer_take_finished(struct journal_file_writer *w,
                                       struct journal_batch_list *out);

void journal_file_writer_trim(struct journal_file_writer *w, journal_position keep_from);

/* From now on take nothing and answer with `status`. The first refusal stays. */
void journal_file_writer_refuse(struct journal_file_writer *w, enum journal_status status,
                                const char *problem);

/* Why it takes nothing: copies the words ("" while it takes). */
void journal_file_writer_get_problem(struct journal_file_writer *w,
                                     char out[JOURNAL_FILE_PROBLEM_BYTES]);

/* Ask the thread to finish what was handed over, to leave the mark of an orderly close, and to end.
 * `async` fires then. */
void journal_file_writer_stop(struct journal_file_writer *w);

/* Wait for the thread, which has stopped or is about to, and close the segment. */
void journal_file_writer_join(struct journal_file_writer *w);

#endif
