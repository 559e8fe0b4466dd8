#include "router/journal_file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/crash_point.h"
#include "router/journal_file_directory.h"
#include "router/journal_file_format.h"
#include "router/journal_file_recovery.h"
#include "router/journal_file_replay.h"
#include "router/journal_file_writer.h"
#include "router/journal_store.h"

/* A batch that grew larger than this is freed and not used again: one flood shall not be held for
 * ever. */
#define BATCH_KEPT_BYTES  (1u << 20)
#define BATCH_FIRST_BYTES (16u << 10)

/* What the loop's thread knows; the other half is the writer. */
struct journal_file {
    struct journal journal;
    struct journal_file_directory directory;
    uint32_t set;
    uint32_t opening;
    struct journal_file_writer writer;
    uv_async_t finished; /* fires when batches are done or the writer has stopped */
    struct journal_batch *filling;
    struct journal_batch *spare; /* answered, with their memory */
    journal_position position;
    bool used; /* something was appended, committed or trimmed: the table of sets is the writer's */
    bool closing;
    struct journal_stats stats;
    uint64_t torn_bytes;
    char problem[JOURNAL_FILE_PROBLEM_BYTES];
    void (*closed)(void *context);
    void *closed_context;
};

static struct journal_file_faults no_faults;

static struct journal_file *journal_file_of(struct journal *j)
{
    return (struct journal_file *)j;
}

static struct journal_batch *journal_file_take_batch(struct journal_file *f)
{
    struct journal_batch *b = f->spare;

    if (b != NULL) {
        f->spare = b->next;
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

static void journal_file_free_batch(struct journal_batch *b)
{
    if (b != NULL) {
        free(b->bytes);
        free(b);
    }
}

static void journal_file_keep_batch(struct journal_file *f, struct journal_batch *b)
{
    if (b->capacity > BATCH_KEPT_BYTES) {
        free(b->bytes);
        b->bytes = NULL;
        b->capacity = 0;
    }
    b->next = f->spare;
    f->spare = b;
}

/* Room for `size` more bytes at the end of the batch. */
static uint8_t *journal_file_extend(struct journal_batch *b, size_t size)
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

static void journal_file_append(struct journal *j, const struct journal_entry *entry)
{
    struct journal_file *f = journal_file_of(j);
    size_t size = journal_file_format_record_size(entry->workspace.length, entry->size);

    assert(!f->closing);
    f->used = true;
    journal_file_format_put_record(journal_file_extend(f->filling, size), entry,
                                   (uint16_t)entry->kind, f->opening, f->position);
    f->filling->entries++;
    f->position += size;
}

static size_t journal_file_filled(const struct journal *j)
{
    return ((const struct journal_file *)j)->filling->size;
}

static void journal_file_commit(struct journal *j, journal_done done, void *context)
{
    struct journal_file *f = journal_file_of(j);
    struct journal_batch *b = f->filling;

    assert(!f->closing);
    f->used = true;
    b->done = done;
    b->context = context;
    f->filling = journal_file_take_batch(f);
    f->stats.in_flight++;
    journal_file_writer_hand_over(&f->writer, b);
}

static journal_position journal_file_next_position(const struct journal *j)
{
    return ((const struct journal_file *)j)->position;
}

static void journal_file_trim(struct journal *j, journal_position keep_from)
{
    struct journal_file *f = journal_file_of(j);

    assert(!f->closing);
    f->used = true;
    journal_file_writer_trim(&f->writer, keep_from);
}

static enum journal_status journal_file_read(struct journal *j, journal_position from,
                                             journal_visit visit, void *context, char *problem,
                                             size_t problem_size)
{
    struct journal_file *f = journal_file_of(j);
    enum journal_status status;

    assert(!f->used && !f->closing);
    status =
        journal_file_replay_run(&f->directory, f->set, from, visit, context, problem, problem_size);
    if (status != JOURNAL_OK) {
        journal_file_writer_refuse(&f->writer, status, problem_size > 0 ? problem : "");
    }
    return status;
}

static void journal_file_get_stats(const struct journal *j, struct journal_stats *out)
{
    const struct journal_file *f = (const struct journal_file *)j;

    *out = f->stats;
    out->syncs = atomic_load(&f->writer.syncs);
    out->bytes_kept = atomic_load(&f->writer.bytes_kept);
    out->torn_bytes = f->torn_bytes;
    for (int i = 0; i < 4; i++) {
        out->crash_points[i] = crash_point_count((enum crash_point)i);
    }
}

static const char *journal_file_problem(const struct journal *j)
{
    return ((const struct journal_file *)j)->problem;
}

static void journal_file_free(struct journal_file *f)
{
    while (f->spare != NULL) {
        struct journal_batch *b = f->spare;

        f->spare = b->next;
        journal_file_free_batch(b);
    }
    journal_file_free_batch(f->filling);
    journal_file_directory_close(&f->directory);
    free(f);
}

/* The lock is given up before `closed` is called, so that whoever hears it may open the journal
 * again. */
static void journal_file_closed(uv_handle_t *handle)
{
    struct journal_file *f = handle->data;
    void (*closed)(void *context) = f->closed;
    void *context = f->closed_context;

    journal_file_free(f);
    if (closed != NULL) {
        closed(context);
    }
}

/* A journal that never was: nobody waits for it. */
static void journal_file_never_opened(uv_handle_t *handle)
{
    journal_file_free(handle->data);
}

static void journal_file_answer(uv_async_t *handle)
{
    struct journal_file *f = handle->data;
    struct journal_batch_list list;
    bool stopped = journal_file_writer_take_finished(&f->writer, &list);

    while (list.first != NULL) {
        struct journal_batch *b = list.first;
        enum journal_status status = b->status;
        journal_done done = b->done;
        void *context = b->context;

        list.first = b->next;
        f->stats.in_flight--;
        if (status == JOURNAL_OK) {
            f->stats.batches++;
            f->stats.entries += b->entries;
            f->stats.bytes += b->size;
        } else if (f->problem[0] == '\0') {
            journal_file_writer_get_problem(&f->writer, f->problem);
        }
        journal_file_keep_batch(f, b);
        done(context, status);
    }
    if (stopped) {
        journal_file_writer_join(&f->writer);
        uv_close((uv_handle_t *)&f->finished, journal_file_closed);
    }
}

static void journal_file_destroy(struct journal *j, void (*closed)(void *context), void *context)
{
    struct journal_file *f = journal_file_of(j);

    assert(!f->closing);
    f->closing = true;
    f->closed = closed;
    f->closed_context = context;
    journal_file_writer_stop(&f->writer);
}

static const struct journal_operations journal_file_operations = {
    .read = journal_file_read,
    .append = journal_file_append,
    .filled = journal_file_filled,
    .commit = journal_file_commit,
    .next_position = journal_file_next_position,
    .trim = journal_file_trim,
    .get_stats = journal_file_get_stats,
    .problem = journal_file_problem,
    .destroy = journal_file_destroy,
};

/* Recover every set; the own one stays open for the writer. */
static enum journal_status journal_file_recover(struct journal_file *f, char *problem,
                                                size_t problem_size)
{
    char name[JOURNAL_FILE_NAME_BYTES], path[JOURNAL_FILE_PROBLEM_BYTES];
    enum journal_status status = JOURNAL_OK;

    f->opening = f->directory.opening;
    for (size_t i = 0; i < f->directory.set_count && status == JOURNAL_OK; i++) {
        struct journal_file_set *set = &f->directory.sets[i];
        struct journal_file_segment *last = &set->segments[set->count - 1];
        struct journal_file_end end;
        int fd = journal_file_directory_open_segment(&f->directory, set->number, last->head.number,
                                                     true);

        journal_file_directory_name(name, set->number, last->head.number);
        snprintf(path, sizeof(path), "%s/%s", f->directory.path, name);
        if (fd < 0) {
            snprintf(problem, problem_size, "%s: cannot open it: %s", path, strerror(errno));
            return JOURNAL_FAILED;
        }
        status = journal_file_recovery_run(fd, path, &last->head, last->file_bytes, &end, problem,
                                           problem_size);
        if (status == JOURNAL_OK) {
            last->file_bytes = end.file_bytes;
            f->torn_bytes += end.torn_bytes;
            f->opening = end.opening > f->opening ? end.opening : f->opening;
        }
        if (status == JOURNAL_OK && set->number == f->set) {
            f->writer.fd = fd;
            f->writer.end = end;
        } else {
            close(fd);
        }
    }
    f->opening++;
    return status;
}

/* The first segment of a set that has none. */
static enum journal_status journal_file_begin_set(struct journal_file *f, char *problem,
                                                  size_t problem_size)
{
    struct journal_segment_head head = {
        .version = JOURNAL_FORMAT_VERSION, .set = f->set, .number = 1, .opening = f->opening};
    int error;

    memcpy(head.identity, f->directory.identity, sizeof(head.identity));
    if (!journal_file_directory_add_set(&f->directory, f->set) ||
        !journal_file_set_reserve(journal_file_directory_find(&f->directory, f->set))) {
        error = ENOMEM;
    } else {
        error = journal_file_directory_create(&f->directory, &head, &f->writer.fd);
    }
    if (error != 0) {
        snprintf(problem, problem_size, "%s: cannot begin a segment: %s", f->directory.path,
                 strerror(error));
        return journal_file_directory_is_full(error) ? JOURNAL_FULL : JOURNAL_FAILED;
    }
    journal_file_set_push(journal_file_directory_find(&f->directory, f->set), &head,
                          JOURNAL_FORMAT_SEGMENT_HEAD);
    f->writer.end =
        (struct journal_file_end){.file_bytes = JOURNAL_FORMAT_SEGMENT_HEAD, .opening = f->opening};
    return JOURNAL_OK;
}

enum journal_status journal_file_open(uv_loop_t *loop, const char *path, uint32_t set,
                                      const struct journal_options *options, struct journal **out,
                                      char *problem, size_t problem_size)
{
    struct journal_file *f = calloc(1, sizeof(*f));
    enum journal_status status;
    int error;

    *out = NULL;
    if (f == NULL) {
        snprintf(problem, problem_size, "no memory for a journal");
        return JOURNAL_FAILED;
    }
    f->journal.operations = &journal_file_operations;
    f->set = set;
    f->writer.fd = -1;
    status = journal_file_directory_open(&f->directory, path, problem, problem_size);
    if (status != JOURNAL_OK) {
        free(f);
        return status;
    }
    status = journal_file_recover(f, problem, problem_size);
    if (status == JOURNAL_OK && journal_file_directory_find(&f->directory, set) == NULL) {
        status = journal_file_begin_set(f, problem, problem_size);
    }
    if (status != JOURNAL_OK) {
        goto err_after_directory;
    }
    f->position = f->writer.end.position;
    f->filling = journal_file_take_batch(f);
    f->writer.directory = &f->directory;
    f->writer.set = journal_file_directory_find(&f->directory, set);
    f->writer.faults = options->faults != NULL ? options->faults : &no_faults;
    f->writer.segment_bytes =
        options->segment_bytes != 0 ? options->segment_bytes : JOURNAL_FILE_SEGMENT_BYTES_DEFAULT;
    f->writer.opening = f->opening;
    f->writer.async = &f->finished;
    error = -uv_async_init(loop, &f->finished, journal_file_answer);
    if (error != 0) {
        status = JOURNAL_FAILED;
        snprintf(problem, problem_size, "%s: cannot hear its writer: %s", path, strerror(error));
        goto err_after_directory;
    }
    f->finished.data = f;
    error = journal_file_writer_start(&f->writer);
    if (error != 0) {
        snprintf(problem, problem_size, "%s: cannot begin to write: %s", path, strerror(error));
        close(f->writer.fd);
        uv_close((uv_handle_t *)&f->finished, journal_file_never_opened);
        return JOURNAL_FAILED;
    }
    *out = &f->journal;
    return JOURNAL_OK;

err_after_directory:
    if (f->writer.fd >= 0) {
        close(f->writer.fd);
    }
    journal_file_free(f);
    return status;
}
