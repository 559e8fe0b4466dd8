#include "router/journal_file_recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/journal_file_blocks.h"
#include "router/journal_file_directory.h"
#include "router/journal_file_reader.h"

#define COPY_BYTES (256u << 10)

static enum journal_status recovery_fail(const char *name, const char *what, int error,
                                         char *problem, size_t problem_size)
{
    snprintf(problem, problem_size, "%s: cannot %s: %s", name, what, strerror(error));
    return journal_file_directory_is_full(error) ? JOURNAL_FULL : JOURNAL_FAILED;
}

/* Make the pages dirty again and sync them: the only sync to believe is one that follows a write.
 */
static int recovery_write_again(int fd, uint64_t from, uint64_t to)
{
    uint8_t *copy = malloc(COPY_BYTES);
    int error = copy == NULL ? ENOMEM : 0;

    while (error == 0 && from < to) {
        size_t size = to - from < COPY_BYTES ? (size_t)(to - from) : COPY_BYTES;

        error = journal_file_directory_read_all(fd, copy, size, from);
        if (error == 0) {
            error = journal_file_directory_write_all(fd, copy, size, from);
        }
        from += size;
    }
    free(copy);
    return error;
}

/* Is what stands behind the last record nothing but what fills up a block? 0 or an errno. */
static int recovery_look_behind(int fd, uint64_t from, uint64_t to, bool *is_filling)
{
    uint8_t behind[JOURNAL_FILE_BLOCK_BYTES];
    int error;

    *is_filling = to - from < sizeof(behind) && to % JOURNAL_FILE_BLOCK_BYTES == 0;
    if (!*is_filling) {
        return 0;
    }
    error = journal_file_directory_read_all(fd, behind, (size_t)(to - from), from);
    *is_filling = error == 0 && journal_file_blocks_is_filling(behind, (size_t)(to - from));
    return error;
}

enum journal_status journal_file_recovery_run(int fd, const char *name,
                                              const struct journal_segment_head *head,
                                              uint64_t file_bytes, struct journal_file_end *end,
                                              char *problem, size_t problem_size)
{
    struct journal_file_reader reader;
    struct journal_record_head record;
    const uint8_t *payload;
    enum journal_file_reading reading;
    uint64_t proven = head->base; /* all before it is durable for certain */
    bool is_filling = false;
    int error = 0;

    if (!journal_file_reader_init(&reader, fd, head, file_bytes)) {
        return recovery_fail(name, "read it", ENOMEM, problem, problem_size);
    }
    *end = (struct journal_file_end){0};
    while ((reading = journal_file_reader_next(&reader, &record, &payload)) == READING_RECORD) {
        proven = record.durable > proven ? record.durable : proven;
        end->closed = record.kind == JOURNAL_FORMAT_KIND_CLOSED;
    }
    end->position = journal_file_reader_position(&reader);
    end->file_bytes = reader.offset;
    end->previous = reader.previous;
    end->opening = reader.opening;
    if (reading == READING_BAD) {
        reading = journal_file_reader_finds_proof(&reader);
        if (reading == READING_RECORD) {
            snprintf(problem, problem_size,
                     "%s: damaged at byte %" PRIu64 ": what follows shows that it was whole once",
                     name, reader.suspect - head->base + JOURNAL_FORMAT_SEGMENT_HEAD);
            journal_file_reader_close(&reader);
            return JOURNAL_CORRUPT;
        }
    }
    error = reading == READING_ERROR
                ? reader.error
                : recovery_look_behind(fd, end->file_bytes, file_bytes, &is_filling);
    journal_file_reader_close(&reader);
    if (error != 0) {
        return recovery_fail(name, "read it", error, problem, problem_size);
    }

    end->torn_bytes = is_filling ? 0 : file_bytes - end->file_bytes;
    if (file_bytes > end->file_bytes && ftruncate(fd, (off_t)end->file_bytes) != 0) {
        return recovery_fail(name, "cut off its torn tail", errno, problem, problem_size);
    }
    if (proven < end->position) {
        error = recovery_write_again(fd, proven - head->base + JOURNAL_FORMAT_SEGMENT_HEAD,
                                     end->file_bytes);
    }
    if (error == 0 && (file_bytes > end->file_bytes || proven < end->position) && fsync(fd) != 0) {
        error = errno;
    }
    if (error != 0) {
        return recovery_fail(name, "make its end durable", error, problem, problem_size);
    }
    return JOURNAL_OK;
}
