#include "router/journal_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/journal_file_directory.h"
#include "router/journal_file_format.h"
#include "router/journal_file_port.h"
#include "router/journal_file_recovery.h"
#include "router/journal_file_writer.h"

static struct journal_file_faults no_faults;

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

static void journal_file_free(struct journal_file *f)
{
    journal_file_directory_close(&f->directory);
    free(f);
}

void journal_file_close(struct journal_file *f)
{
    journal_file_writer_join(&f->writer);
    journal_file_free(f);
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
    f->writer.directory = &f->directory;
    f->writer.set = journal_file_directory_find(&f->directory, set);
    f->writer.faults = options->faults != NULL ? options->faults : &no_faults;
    f->writer.segment_bytes =
        options->segment_bytes != 0 ? options->segment_bytes : JOURNAL_FILE_SEGMENT_BYTES_DEFAULT;
    f->writer.opening = f->opening;
    error = journal_file_writer_start(&f->writer);
    if (error != 0) {
        snprintf(problem, problem_size, "%s: cannot begin to write: %s", path, strerror(error));
        status = JOURNAL_FAILED;
        goto err_after_directory;
    }
    status = journal_file_port_create(f, loop, out, problem, problem_size);
    if (status != JOURNAL_OK) {
        journal_file_writer_stop(&f->writer);
        journal_file_close(f);
    }
    return status;

err_after_directory:
    if (f->writer.fd >= 0) {
        close(f->writer.fd);
    }
    journal_file_free(f);
    return status;
}
