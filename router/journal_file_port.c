#include "router/journal_file_port.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/crash_point.h"
#include "router/journal_file_format.h"
#include "router/journal_file_replay.h"
#include "router/journal_store.h"

/* A batch that grew larger than this is freed and not used again: one flood shall not be held for
 * ever. */
#define BATCH_KEPT_BYTES  (1u << 20)
#define BATCH_FIRST_BYTES (16u << 10)

/* What the loop's thread knows; the other half is the writer's. */
struct journal_file_port {
    struct journal journal;
    struct journal_file *file;
    struct journal_writer_port at_writer;
    uv_async_t finished; /* fires when batches are done, or when all is over */
    struct journal_batch *filling;
    struct journal_batch *spare; /* answered, with their memory */
    bool closing;
    bool is_last; /* all others left before: it closes the file */
    struct journal_stats stats;
    char problem[JOURNAL_FILE_PROBLEM_BYTES];
    void (*closed)(void *context);
    void *closed_context;
};

static struct journal_file_port *port_of(struct journal *j)
{
    return (struct journal_file_port *)j;
}

static struct journal_batch *port_take_batch(struct journal_file_port *p)
{
    struct journal_batch *b = p->spare;

    if (b != NULL) {
        p->spare = b->next;
    } else {
        b = calloc(1, sizeof(*b));
        if (b == NULL) {
            abort(); /* what cannot be journalled must not happen */
        }
    }
    b->size = 0;
    b->entries = 0;
    return b;
}

static void port_free_batch(struct journal_batch *b)
{
    if (b != NULL) {
        free(b->bytes);
        free(b);
    }
}

static void port_keep_batch(struct journal_file_port *p, struct journal_batch *b)
{
    if (b->capacity > BATCH_KEPT_BYTES) {
        free(b->bytes);
        b->bytes = NULL;
        b->capacity = 0;
    }
    b->next = p->spare;
    p->spare = b;
}

/* Room for `size` more bytes at the end of the batch. */
static uint8_t *port_extend(struct journal_batch *b, size_t size)
{
    if (b->size + size > b->capacity) {
        size_t capacity = b->capacity == 0 ? BATCH_FIRST_BYTES : b->capacity;

        while (capacity < b->size + size) {
            capacity *= 2;
        }
        b->bytes = realloc(b->bytes, capacity);
        if (b->bytes == NULL) {
            abort();
        }
        b->capacity = capacity;
    }
    b->size += size;
    return b->bytes + b->size - size;
}

static void port_append(struct journal *j, const struct journal_entry *entry)
{
    struct journal_file_port *p = port_of(j);
    size_t size = journal_file_format_record_size(entry->workspace.length, entry->size);

    assert(!p->closing);
    journal_file_format_put_record(port_extend(p->filling, size), entry, (uint16_t)entry->kind,
                                   p->file->opening);
    p->filling->entries++;
}

static size_t port_filled(const struct journal *j)
{
    return ((const struct journal_file_port *)j)->filling->size;
}

static void port_commit(struct journal *j, journal_done done, void *context)
{
    struct journal_file_port *p = port_of(j);
    struct journal_batch *b = p->filling;

    assert(!p->closing);
    b->done = done;
    b->context = context;
    p->filling = port_take_batch(p);
    p->stats.in_flight++;
    journal_file_writer_hand_over(&p->file->writer, &p->at_writer, b);
}

static journal_position port_next_position(const struct journal *j)
{
    const struct journal_file_port *p = (const struct journal_file_port *)j;

    return journal_file_writer_handed(&p->file->writer) + p->filling->size;
}

static void port_trim(struct journal *j, journal_position keep_from)
{
    struct journal_file_port *p = port_of(j);

    assert(!p->closing);
    journal_file_writer_trim(&p->file->writer, &p->at_writer, keep_from);
}

static enum journal_status port_read(struct journal *j, journal_position from, journal_visit visit,
                                     void *context, char *problem, size_t problem_size)
{
    struct journal_file_port *p = port_of(j);
    struct journal_file *f = p->file;
    enum journal_status status;

    assert(!p->closing && !journal_file_writer_is_used(&f->writer));
    status =
        journal_file_replay_run(&f->directory, f->set, from, visit, context, problem, problem_size);
    if (status != JOURNAL_OK) {
        journal_file_writer_refuse(&f->writer, status, problem_size > 0 ? problem : "");
    }
    return status;
}

static uint64_t port_piece_bytes(const struct journal *j)
{
    return ((const struct journal_file_port *)j)->file->writer.segment_bytes;
}

static void port_get_stats(const struct journal *j, struct journal_stats *out)
{
    const struct journal_file_port *p = (const struct journal_file_port *)j;

    *out = p->stats;
    out->syncs = atomic_load(&p->file->writer.syncs);
    out->bytes_kept = atomic_load(&p->file->writer.bytes_kept);
    out->torn_bytes = p->file->torn_bytes;
    for (int i = 0; i < 4; i++) {
        out->crash_points[i] = crash_point_count((enum crash_point)i);
    }
}

static const char *port_problem(const struct journal *j)
{
    return ((const struct journal_file_port *)j)->problem;
}

static void port_free(struct journal_file_port *p)
{
    while (p->spare != NULL) {
        struct journal_batch *b = p->spare;

        p->spare = b->next;
        port_free_batch(b);
    }
    port_free_batch(p->filling);
    free(p);
}

/* The lock is given up before `closed` is called, so that whoever hears it may open the journal
 * again. */
static void port_closed(uv_handle_t *handle)
{
    struct journal_file_port *p = handle->data;
    void (*closed)(void *context) = p->closed;
    void *context = p->closed_context;

    if (p->is_last) {
        journal_file_close(p->file);
    } else {
        journal_file_writer_remove(&p->file->writer, &p->at_writer);
    }
    port_free(p);
    if (closed != NULL) {
        closed(context);
    }
}

/* A port that is destroyed goes when it has all its answers; the last one when everything is over.
 */
static void port_settle(struct journal_file_port *p, bool over)
{
    uv_handle_t *handle = (uv_handle_t *)&p->finished;

    if (p->closing && p->stats.in_flight == 0 && (over || !p->is_last) && !uv_is_closing(handle)) {
        uv_close(handle, port_closed);
    }
}

static void port_answer(uv_async_t *handle)
{
    struct journal_file_port *p = handle->data;
    struct journal_batch_list list;
    bool over = journal_file_writer_take_finished(&p->file->writer, &p->at_writer, &list);

    while (list.first != NULL) {
        struct journal_batch *b = list.first;
        enum journal_status status = b->status;
        journal_done done = b->done;
        void *context = b->context;

        list.first = b->next;
        p->stats.in_flight--;
        if (status == JOURNAL_OK) {
            p->stats.batches++;
            p->stats.entries += b->entries;
            p->stats.bytes += b->size;
        } else if (p->problem[0] == '\0') {
            journal_file_writer_get_problem(&p->file->writer, p->problem);
        }
        port_keep_batch(p, b);
        done(context, status);
    }
    port_settle(p, over);
}

static void port_destroy(struct journal *j, void (*closed)(void *context), void *context)
{
    struct journal_file_port *p = port_of(j);

    assert(!p->closing);
    p->closing = true;
    p->closed = closed;
    p->closed_context = context;
    p->is_last = journal_file_writer_leave(&p->file->writer, &p->at_writer);
    port_settle(p, false);
}

static enum journal_status port_join(struct journal *j, uv_loop_t *loop, struct journal **out,
                                     char *problem, size_t problem_size)
{
    assert(!port_of(j)->closing);
    return journal_file_port_create(port_of(j)->file, loop, out, problem, problem_size);
}

static const struct journal_operations port_operations = {
    .join = port_join,
    .keeps = true,
    .piece_bytes = port_piece_bytes,
    .read = port_read,
    .append = port_append,
    .filled = port_filled,
    .commit = port_commit,
    .next_position = port_next_position,
    .trim = port_trim,
    .get_stats = port_get_stats,
    .problem = port_problem,
    .destroy = port_destroy,
};

enum journal_status journal_file_port_create(struct journal_file *file, uv_loop_t *loop,
                                             struct journal **out, char *problem,
                                             size_t problem_size)
{
    struct journal_file_port *p = calloc(1, sizeof(*p));
    int error = p == NULL ? ENOMEM : -uv_async_init(loop, &p->finished, port_answer);

    if (error != 0) {
        snprintf(problem, problem_size, "%s: cannot hear its writer: %s", file->directory.path,
                 strerror(error));
        free(p);
        return JOURNAL_FAILED;
    }
    p->journal.operations = &port_operations;
    p->file = file;
    p->filling = port_take_batch(p);
    p->finished.data = p;
    p->at_writer.async = &p->finished;
    journal_file_writer_add(&file->writer, &p->at_writer);
    *out = &p->journal;
    return JOURNAL_OK;
}
