#include "router/journal_file_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "router/crash_point.h"

/* Bounds of one write: so many batches (the kernel takes 1,024), and no new one once it has so many
 * bytes. */
#define TURN_BATCHES_MAX 512
#define TURN_BYTES_MAX   (16u << 20)

/* Room is taken so far ahead. */
#define ALLOCATE_BYTES (4u << 20)

/* How long a turn waits for more to come, see writer_gather. */
#define GATHER_TURN_NS     500000u  /* from one turn's beginning to the next one's */
#define GATHER_PART        8u       /* of what the last turn took, from its end */
#define GATHER_NS_MAX      1000000u /* from its end at the most */
#define GATHER_BYTES_LEAST 1024u    /* in the last turn, or whoever commits is alone */

static void writer_push(struct journal_batch_list *list, struct journal_batch *batch)
{
    batch->next = NULL;
    if (list->first == NULL) {
        list->first = batch;
    } else {
        list->last->next = batch;
    }
    list->last = batch;
}

static void writer_begin_blocks(struct journal_file_writer *w)
{
    if (w->takes_blocks) {
        journal_file_blocks_begin(&w->blocks, w->fd, w->end.file_bytes);
        w->takes_blocks = journal_file_blocks_are_used(&w->blocks);
    }
}

/* A failure of the disk, in words that name the last segment. */
static enum journal_status writer_fail(struct journal_file_writer *w, enum journal_status status,
                                       const char *what, int error)
{
    char name[JOURNAL_FILE_NAME_BYTES], problem[JOURNAL_FILE_PROBLEM_BYTES];

    journal_file_directory_name(name, w->set->number,
                                w->set->segments[w->set->count - 1].head.number);
    snprintf(problem, sizeof(problem), "%s/%s: cannot %s: %s", w->directory->path, name, what,
             strerror(error));
    journal_file_writer_refuse(w, status, problem);
    return status;
}

static int writer_sync(struct journal_file_writer *w)
{
    int error = 0;

    if (w->faults->before_sync != NULL) {
        uv_sem_wait(w->faults->before_sync);
    }
    if (journal_file_fault_strikes(&w->faults->sync, &error)) {
        return error;
    }
    atomic_fetch_add(&w->syncs, 1);
    return fdatasync(w->fd) == 0 ? 0 : errno;
}

/* Back to where the last good turn ended, and without the room taken in advance. */
static int writer_take_back(struct journal_file_writer *w)
{
    int error = 0;

    if (journal_file_fault_strikes(&w->faults->truncate, &error)) {
        return error;
    }
    w->allocated = w->end.file_bytes;
    return ftruncate(w->fd, (off_t)w->end.file_bytes) == 0 && fsync(w->fd) == 0 ? 0 : errno;
}

/* No room is one thing, every other error another. */
static enum journal_status writer_give_up(struct journal_file_writer *w, const char *what,
                                          int error)
{
    int again;

    if (!journal_file_directory_is_full(error)) {
        return writer_fail(w, JOURNAL_FAILED, what, error);
    }
    again = writer_take_back(w);
    if (again != 0) {
        return writer_fail(w, JOURNAL_FAILED, "take back what found no room", again);
    }
    return writer_fail(w, JOURNAL_FULL, what, error);
}

/* Make sure that the segment can take `size` more bytes, and what fills up its last block. The
 * file's size stays: it says where the data ends, up to that. */
static int writer_allocate(struct journal_file_writer *w, size_t size)
{
    uint64_t end = w->end.file_bytes + size;
    int error = 0;

    if (journal_file_fault_strikes(&w->faults->allocate, &error)) {
        return error;
    }
    if (journal_file_blocks_are_used(&w->blocks)) {
        size += JOURNAL_FILE_BLOCK_BYTES - 1 - (end - 1) % JOURNAL_FILE_BLOCK_BYTES;
        end = w->end.file_bytes + size;
    }
    if (!w->allocates || end <= w->allocated) {
        return 0;
    }
    if (fallocate(w->fd, FALLOC_FL_KEEP_SIZE, (off_t)w->end.file_bytes,
                  (off_t)(size + ALLOCATE_BYTES)) == 0) {
        w->allocated = end + ALLOCATE_BYTES;
        return 0;
    }
    /* Nearly full may still be enough. */
    if (fallocate(w->fd, FALLOC_FL_KEEP_SIZE, (off_t)w->end.file_bytes, (off_t)size) == 0) {
        w->allocated = end;
        return 0;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) {
        w->allocates = false;
        return 0;
    }
    return errno;
}

/* End the last segment where its records end: without the room taken in advance, and without what
 * fills up its last block, which the next opening would not understand there. */
static int writer_cut(struct journal_file_writer *w)
{
    bool filled = journal_file_blocks_are_used(&w->blocks);

    if (ftruncate(w->fd, (off_t)w->end.file_bytes) != 0) {
        return filled ? errno : 0; /* that loses room and nothing else */
    }
    return !filled || fsync(w->fd) == 0 ? 0 : errno;
}

/* Begin the next segment. All before it is durable: this is between two turns. */
static enum journal_status writer_rotate(struct journal_file_writer *w)
{
    struct journal_segment_head head = w->set->segments[w->set->count - 1].head;
    int fd, error;

    head.number++;
    head.base = w->end.position;
    head.previous = w->end.previous;
    head.opening = w->opening;
    error = writer_cut(w);
    if (error != 0) {
        return writer_fail(w, JOURNAL_FAILED, "end it where its records end", error);
    }
    if (!journal_file_set_reserve(w->set)) {
        return writer_fail(w, JOURNAL_FAILED, "begin a new segment behind it", ENOMEM);
    }
    error = journal_file_directory_create(w->directory, &head, &fd);
    if (error != 0) {
        return writer_fail(w, journal_file_directory_is_full(error) ? JOURNAL_FULL : JOURNAL_FAILED,
                           "begin a new segment behind it", error);
    }
    journal_file_set_push(w->set, &head, JOURNAL_FORMAT_SEGMENT_HEAD);
    close(w->fd);
    w->fd = fd;
    w->end.file_bytes = JOURNAL_FORMAT_SEGMENT_HEAD;
    w->allocated = w->end.file_bytes;
    writer_begin_blocks(w);
    atomic_fetch_add(&w->bytes_kept, JOURNAL_FORMAT_SEGMENT_HEAD);
    crash_point_reached(CRASH_BETWEEN_SEGMENTS);
    return JOURNAL_OK;
}

/* Write what the vectors hold, at most `limit` bytes of it. 0 or an errno. */
static int writer_write_vectors(struct journal_file_writer *w, struct iovec *vectors, int count,
                                size_t limit)
{
    uint64_t offset = w->end.file_bytes;

    while (limit > 0 && count > 0) {
        ssize_t n;

        if (vectors[0].iov_len > limit) {
            vectors[0].iov_len = limit;
        }
        /* Only a limited write needs to go vector by vector. */
        n = pwritev(w->fd, vectors, limit == SIZE_MAX ? count : 1, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? EIO : errno;
        }
        offset += (uint64_t)n;
        limit -= limit == SIZE_MAX ? 0 : (size_t)n;
        while (count > 0 && (size_t)n >= vectors[0].iov_len) {
            n -= (ssize_t)vectors[0].iov_len;
            vectors++;
            count--;
        }
        if (count > 0) {
            vectors[0].iov_base = (uint8_t *)vectors[0].iov_base + n;
            vectors[0].iov_len -= (size_t)n;
        }
    }
    return 0;
}

/* Some first bytes of it: what a test wants to be found behind a failure. */
static void writer_write_some(struct journal_file_writer *w, struct iovec *vectors, int count,
                              size_t limit)
{
    int ignored;

    journal_file_blocks_end(&w->blocks, w->fd); /* which know whole blocks only */
    ignored = writer_write_vectors(w, vectors, count, limit);
    (void)ignored;
}

static int writer_write(struct journal_file_writer *w, struct iovec *vectors, int count,
                        size_t size)
{
    int error;

    if (journal_file_fault_strikes(&w->faults->write, &error)) {
        writer_write_some(w, vectors, count, (size_t)atomic_load(&w->faults->written_before));
        return error;
    }
    if (crash_point_is_next(CRASH_INSIDE_WRITE)) {
        writer_write_some(w, vectors, count, size / 2);
    }
    crash_point_reached(CRASH_INSIDE_WRITE);
    if (journal_file_blocks_are_used(&w->blocks)) {
        error = journal_file_blocks_write(&w->blocks, w->fd, w->end.file_bytes, vectors, count);
        if (error != EINVAL) {
            return error;
        }
        w->takes_blocks = false;
        journal_file_blocks_end(&w->blocks, w->fd);
    }
    return writer_write_vectors(w, vectors, count, SIZE_MAX);
}

/* Complete the records of the turn, which only now have a segment, neighbours and a durable end. */
static uint32_t writer_seal(struct journal_file_writer *w, struct iovec *vectors, int count)
{
    uint32_t segment_crc = w->set->segments[w->set->count - 1].head.crc;
    uint32_t previous = w->end.previous;
    journal_position position = w->end.position;

    for (int i = 0; i < count; i++) {
        size_t at = 0, size;

        while (at < vectors[i].iov_len) {
            previous = journal_file_format_seal((uint8_t *)vectors[i].iov_base + at, segment_crc,
                                                position, w->end.position, previous, &size);
            at += size;
            position += size;
        }
        assert(at == vectors[i].iov_len);
    }
    return previous;
}

/* One write and one sync. On JOURNAL_OK `end` has moved behind them. */
static enum journal_status writer_put(struct journal_file_writer *w, struct iovec *vectors,
                                      int count, size_t size)
{
    enum journal_status status;
    uint32_t previous;
    int error;

    if (w->end.file_bytes >= w->segment_bytes) {
        status = writer_rotate(w);
        if (status != JOURNAL_OK) {
            return status;
        }
    }
    error = writer_allocate(w, size);
    if (error != 0) {
        return writer_give_up(w, "take room in it", error);
    }
    previous = writer_seal(w, vectors, count);
    error = writer_write(w, vectors, count, size);
    if (error != 0) {
        return writer_give_up(w, "write to it", error);
    }
    crash_point_reached(CRASH_BETWEEN_WRITE_AND_SYNC);
    error = writer_sync(w);
    if (error != 0) {
        return writer_give_up(w, "sync it", error);
    }
    crash_point_reached(CRASH_BETWEEN_SYNC_AND_ANSWER);
    w->end.position += size;
    w->end.file_bytes += size;
    w->end.previous = previous;
    w->end.closed = false;
    w->set->segments[w->set->count - 1].file_bytes = w->end.file_bytes;
    atomic_fetch_add(&w->bytes_kept, size);
    return JOURNAL_OK;
}

/* Answers how many bytes it wrote, or tried to. */
static size_t writer_do_turn(struct journal_file_writer *w, enum journal_status status)
{
    struct iovec vectors[TURN_BATCHES_MAX];
    int count = 0;
    size_t size = 0;

    for (struct journal_batch *b = w->turn.first; b != NULL; b = b->next) {
        if (b->size > 0) {
            vectors[count++] = (struct iovec){b->bytes, b->size};
            size += b->size;
        }
    }
    if (status == JOURNAL_OK && count > 0) {
        status = writer_put(w, vectors, count, size);
    }
    for (struct journal_batch *b = w->turn.first; b != NULL; b = b->next) {
        b->status = status;
    }
    return size;
}

/* Remove the oldest segment of a set. False when the disk refuses: then the rest waits for a better
 * time. */
static bool writer_remove_first(struct journal_file_writer *w, struct journal_file_set *set)
{
    struct journal_file_segment *first = &set->segments[0];

    if (journal_file_directory_remove(w->directory, set->number, first->head.number) != 0) {
        return false;
    }
    atomic_fetch_sub(&w->bytes_kept, first->file_bytes);
    set->count--;
    memmove(first, first + 1, set->count * sizeof(*first));
    return true;
}

/* Remove one segment of which nothing is needed. False when there is none. */
static bool writer_trim_one(struct journal_file_writer *w, journal_position keep_from)
{
    if (w->set->count > 1 && w->set->segments[1].head.base <= keep_from) {
        return writer_remove_first(w, w->set);
    }
    /* What others wrote is from before this opening. */
    for (size_t i = 0; i < w->directory->set_count && keep_from >= w->opened_at; i++) {
        struct journal_file_set *set = &w->directory->sets[i];

        if (set != w->set && set->count > 0) {
            return writer_remove_first(w, set);
        }
    }
    return false;
}

/* The record that lets the next opening tell damage from a torn tail, everywhere. */
static void writer_close_orderly(struct journal_file_writer *w)
{
    const struct journal_entry mark = {.workspace = TEXT(""), .bytes = (const uint8_t *)""};
    uint8_t record[JOURNAL_FORMAT_RECORD_HEAD];
    struct iovec vector = {record, sizeof(record)};
    int error;

    journal_file_format_put_record(record, &mark, JOURNAL_FORMAT_KIND_CLOSED, w->opening);
    if (writer_put(w, &vector, 1, sizeof(record)) == JOURNAL_OK) {
        error = writer_cut(w);
        (void)error; /* the next opening cuts it */
    }
}

/* Move the batches of one turn from `pending`. */
static void writer_take_turn(struct journal_file_writer *w)
{
    size_t bytes = 0;
    int batches = 0;

    while (w->pending.first != NULL && batches < TURN_BATCHES_MAX && bytes < TURN_BYTES_MAX) {
        struct journal_batch *b = w->pending.first;

        w->pending.first = b->next;
        writer_push(&w->turn, b);
        bytes += b->size;
        batches++;
    }
}

/* With the mutex held: every batch of the turn goes back to its port. A port that has not yet taken
 * what it got before need not be woken again. */
static void writer_give_back(struct journal_file_writer *w)
{
    struct journal_batch *b;

    while ((b = w->turn.first) != NULL) {
        bool sleeps = b->port->finished.first == NULL;

        w->turn.first = b->next;
        writer_push(&b->port->finished, b);
        if (sleeps) {
            uv_async_send(b->port->async);
        }
    }
}

/* What the thread knows of freeing. */
struct writer_trimming {
    journal_position keep_from;
    uint64_t segment; /* the last one's number */
    bool may_free;    /* there may be segments that nobody needs */
};

/* With the mutex held. There is something to free only after the need or the last segment changed.
 */
static void writer_look_at_trim(const struct journal_file_writer *w, struct writer_trimming *t)
{
    uint64_t segment = w->set->segments[w->set->count - 1].head.number;

    if (t->keep_from != w->keep_from || (t->segment != segment && w->keep_from > 0)) {
        t->keep_from = w->keep_from;
        t->segment = segment;
        t->may_free = true;
    }
}

/* The last turn, as far as the next one's beginning depends on it. */
struct writer_pace {
    uint64_t began, ended; /* as uv_hrtime tells */
    size_t bytes;
};

/* With the mutex held: leave others the time to come along.
 *
 * Whoever was answered by the last turn commits again a moment after it. A turn that begins at once
 * misses them all, and from then on two groups wait for one another's syncs: twice as many syncs,
 * and each waits for two. A small part of what a sync takes is enough to bring them together. And
 * where a sync takes next to no time, its cost for the processor is what counts: then turns begin
 * at a distance, which those who wait hardly feel.
 *
 * Who commits little, and alone, is not made to wait: nobody else would come. */
static void writer_gather(struct journal_file_writer *w, const struct writer_pace *last)
{
    uint64_t until = last->ended + (last->ended - last->began) / GATHER_PART;
    uint64_t now;

    if (last->bytes < GATHER_BYTES_LEAST) {
        return;
    }
    until = last->began + GATHER_TURN_NS > until ? last->began + GATHER_TURN_NS : until;
    until = last->ended + GATHER_NS_MAX < until ? last->ended + GATHER_NS_MAX : until;
    /* Not idle: what is handed over meanwhile signals nothing. */
    while (!w->stop && (now = uv_hrtime()) < until) {
        uv_cond_timedwait(&w->wake, &w->mutex, until - now);
    }
}

static void writer_run(void *argument)
{
    struct journal_file_writer *w = argument;
    struct writer_trimming trimming = {0};
    struct writer_pace pace = {0};

    writer_begin_blocks(w);
    uv_mutex_lock(&w->mutex);
    for (;;) {
        enum journal_status status = w->status;

        writer_look_at_trim(w, &trimming);
        if (w->pending.first == NULL && (!trimming.may_free || status != JOURNAL_OK)) {
            if (w->stop) {
                break;
            }
            w->idle = true;
            uv_cond_wait(&w->wake, &w->mutex);
            w->idle = false;
            continue;
        }
        if (w->pending.first != NULL) {
            writer_gather(w, &pace);
        }
        writer_take_turn(w);
        uv_mutex_unlock(&w->mutex);

        if (w->turn.first != NULL) {
            pace.began = uv_hrtime();
            pace.bytes = writer_do_turn(w, status);
            pace.ended = uv_hrtime();
            uv_mutex_lock(&w->mutex);
            status = w->status;
            writer_give_back(w);
            uv_mutex_unlock(&w->mutex);
        }
        if (status == JOURNAL_OK && trimming.may_free) {
            trimming.may_free = writer_trim_one(w, trimming.keep_from);
        }
        uv_mutex_lock(&w->mutex);
    }
    uv_mutex_unlock(&w->mutex);

    if (w->status == JOURNAL_OK && w->end.position > 0 && !w->end.closed) {
        writer_close_orderly(w);
    }
    journal_file_blocks_end(&w->blocks, w->fd);
    uv_mutex_lock(&w->mutex);
    w->stopped = true;
    if (w->last != NULL) {
        uv_async_send(w->last->async);
    }
    uv_mutex_unlock(&w->mutex);
}

int journal_file_writer_start(struct journal_file_writer *w)
{
    sigset_t all, before;
    int rv;

    w->opened_at = w->end.position;
    w->allocated = w->end.file_bytes;
    w->allocates = true;
    w->takes_blocks = true;
    w->left_keep_from = UINT64_MAX;
    atomic_store(&w->handed, w->end.position);
    for (size_t i = 0; i < w->directory->set_count; i++) {
        for (size_t k = 0; k < w->directory->sets[i].count; k++) {
            atomic_fetch_add(&w->bytes_kept, w->directory->sets[i].segments[k].file_bytes);
        }
    }
    rv = uv_mutex_init(&w->mutex);
    if (rv != 0) {
        return -rv;
    }
    rv = uv_cond_init(&w->wake);
    if (rv != 0) {
        goto err_after_mutex;
    }
    /* Signals are for the loop; and a write beyond a limit shall answer EFBIG instead of SIGXFSZ.
     */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = uv_thread_create(&w->thread, writer_run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != 0) {
        goto err_after_cond;
    }
    return 0;

err_after_cond:
    uv_cond_destroy(&w->wake);
err_after_mutex:
    uv_mutex_destroy(&w->mutex);
    return -rv;
}

/* With the mutex held: one signal for all that comes until the thread looks. */
static void writer_wake(struct journal_file_writer *w)
{
    if (w->idle) {
        w->idle = false;
        uv_cond_signal(&w->wake);
    }
}

/* With the mutex held: what all ports together still need. */
static void writer_set_keep_from(struct journal_file_writer *w)
{
    journal_position least = w->left_keep_from;

    for (const struct journal_writer_port *p = w->ports; p != NULL; p = p->next) {
        least = p->keep_from < least ? p->keep_from : least;
    }
    w->keep_from = least;
}

void journal_file_writer_add(struct journal_file_writer *w, struct journal_writer_port *port)
{
    uv_mutex_lock(&w->mutex);
    assert(!w->stop); /* a journal that all have left is closing */
    port->finished = (struct journal_batch_list){0};
    port->keep_from = 0;
    port->next = w->ports;
    w->ports = port;
    w->staying++;
    writer_set_keep_from(w);
    uv_mutex_unlock(&w->mutex);
}

void journal_file_writer_hand_over(struct journal_file_writer *w, struct journal_writer_port *port,
                                   struct journal_batch *batch)
{
    batch->port = port;
    uv_mutex_lock(&w->mutex);
    w->used = true;
    atomic_store_explicit(&w->handed, w->handed + batch->size, memory_order_relaxed);
    writer_push(&w->pending, batch);
    writer_wake(w);
    uv_mutex_unlock(&w->mutex);
}

bool journal_file_writer_take_finished(struct journal_file_writer *w,
                                       struct journal_writer_port *port,
                                       struct journal_batch_list *out)
{
    bool over;

    uv_mutex_lock(&w->mutex);
    *out = port->finished;
    port->finished = (struct journal_batch_list){0};
    over = w->stopped && w->last == port && w->ports == port && port->next == NULL;
    uv_mutex_unlock(&w->mutex);
    return over;
}

void journal_file_writer_trim(struct journal_file_writer *w, struct journal_writer_port *port,
                              journal_position keep_from)
{
    journal_position before;

    uv_mutex_lock(&w->mutex);
    w->used = true;
    port->keep_from = keep_from;
    before = w->keep_from;
    writer_set_keep_from(w);
    if (w->keep_from != before) {
        writer_wake(w);
    }
    uv_mutex_unlock(&w->mutex);
}

journal_position journal_file_writer_handed(const struct journal_file_writer *w)
{
    return atomic_load_explicit(&w->handed, memory_order_relaxed);
}

bool journal_file_writer_is_used(struct journal_file_writer *w)
{
    bool used;

    uv_mutex_lock(&w->mutex);
    used = w->used;
    uv_mutex_unlock(&w->mutex);
    return used;
}

void journal_file_writer_refuse(struct journal_file_writer *w, enum journal_status status,
                                const char *problem)
{
    uv_mutex_lock(&w->mutex);
    if (w->status == JOURNAL_OK) {
        w->status = status;
        snprintf(w->problem, sizeof(w->problem), "%s", problem);
    }
    uv_mutex_unlock(&w->mutex);
}

void journal_file_writer_get_problem(struct journal_file_writer *w,
                                     char out[JOURNAL_FILE_PROBLEM_BYTES])
{
    uv_mutex_lock(&w->mutex);
    memcpy(out, w->problem, JOURNAL_FILE_PROBLEM_BYTES);
    uv_mutex_unlock(&w->mutex);
}

bool journal_file_writer_leave(struct journal_file_writer *w, struct journal_writer_port *port)
{
    bool is_last;

    uv_mutex_lock(&w->mutex);
    /* What it needed, it needs still: for the next opening. */
    w->left_keep_from = port->keep_from < w->left_keep_from ? port->keep_from : w->left_keep_from;
    w->staying--;
    is_last = w->staying == 0;
    if (is_last) {
        w->last = port;
        w->stop = true;
        writer_wake(w);
    }
    uv_mutex_unlock(&w->mutex);
    return is_last;
}

void journal_file_writer_remove(struct journal_file_writer *w, struct journal_writer_port *port)
{
    struct journal_writer_port **link = &w->ports;

    uv_mutex_lock(&w->mutex);
    assert(port != w->last && port->finished.first == NULL);
    while (*link != port) {
        link = &(*link)->next;
    }
    *link = port->next;
    if (w->last != NULL) {
        uv_async_send(w->last->async); /* it may have waited for this one */
    }
    uv_mutex_unlock(&w->mutex);
}

void journal_file_writer_stop(struct journal_file_writer *w)
{
    uv_mutex_lock(&w->mutex);
    w->stop = true;
    writer_wake(w);
    uv_mutex_unlock(&w->mutex);
}

void journal_file_writer_join(struct journal_file_writer *w)
{
    uv_thread_join(&w->thread);
    uv_cond_destroy(&w->wake);
    uv_mutex_destroy(&w->mutex);
    close(w->fd);
}
