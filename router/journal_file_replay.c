#include "router/journal_file_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/journal_file_reader.h"

/* Where the reading stands in one set. */
struct replay_cursor {
    const struct journal_file_set *set;
    size_t next_segment;
    int fd; /* of the segment being read, or -1 */
    struct journal_file_reader reader;
    bool has_record; /* `record` is read and not yet visited */
    struct journal_record_head record;
    const uint8_t *payload;
};

struct replay {
    const struct journal_file_directory *directory;
    char *problem;
    size_t problem_size;
};

static enum journal_status replay_fail(const struct replay *r, const struct replay_cursor *c,
                                       uint64_t number, int error)
{
    char name[JOURNAL_FILE_NAME_BYTES];

    journal_file_directory_name(name, c->set->number, number);
    snprintf(r->problem, r->problem_size, "%s/%s: cannot read it: %s", r->directory->path, name,
             strerror(error));
    return JOURNAL_FAILED;
}

static enum journal_status replay_damaged(const struct replay *r, const struct replay_cursor *c,
                                          uint64_t position)
{
    const struct journal_segment_head *head = &c->reader.head;
    char name[JOURNAL_FILE_NAME_BYTES];

    journal_file_directory_name(name, c->set->number, head->number);
    snprintf(r->problem, r->problem_size, "%s/%s: damaged at byte %" PRIu64, r->directory->path,
             name, position - head->base + JOURNAL_FORMAT_SEGMENT_HEAD);
    return JOURNAL_CORRUPT;
}

static void replay_leave_segment(struct replay_cursor *c)
{
    if (c->fd >= 0) {
        journal_file_reader_close(&c->reader);
        close(c->fd);
        c->fd = -1;
    }
}

static enum journal_status replay_enter_segment(const struct replay *r, struct replay_cursor *c)
{
    const struct journal_file_segment *segment = &c->set->segments[c->next_segment];

    c->fd = journal_file_directory_open_segment(r->directory, c->set->number, segment->head.number,
                                                false);
    if (c->fd < 0) {
        return replay_fail(r, c, segment->head.number, errno);
    }
    if (!journal_file_reader_init(&c->reader, c->fd, &segment->head, segment->file_bytes)) {
        close(c->fd);
        c->fd = -1;
        return replay_fail(r, c, segment->head.number, ENOMEM);
    }
    c->next_segment++;
    return JOURNAL_OK;
}

/* Have the set's next record at hand, or know that there is none. */
static enum journal_status replay_fetch(const struct replay *r, struct replay_cursor *c)
{
    enum journal_status status;

    while (!c->has_record) {
        if (c->fd < 0) {
            if (c->next_segment == c->set->count) {
                return JOURNAL_OK;
            }
            status = replay_enter_segment(r, c);
            if (status != JOURNAL_OK) {
                return status;
            }
        }
        switch (journal_file_reader_next(&c->reader, &c->record, &c->payload)) {
        case READING_RECORD:
            c->has_record = true;
            break;
        case READING_END:
            /* The segment after knows how this one ended. */
            if (c->next_segment < c->set->count &&
                c->set->segments[c->next_segment].head.previous != c->reader.previous) {
                return replay_damaged(r, c, c->reader.last);
            }
            replay_leave_segment(c);
            break;
        case READING_BAD:
            return replay_damaged(r, c, c->reader.suspect);
        case READING_ERROR:
            return replay_fail(r, c, c->reader.head.number, c->reader.error);
        }
    }
    return JOURNAL_OK;
}

static bool replay_visit(const struct replay_cursor *c, journal_position at, journal_visit visit,
                         void *context)
{
    struct journal_entry entry = {
        .workspace = {(const char *)c->payload, c->record.workspace_length},
        .kind = (enum journal_entry_kind)c->record.kind,
        .flags = c->record.flags,
        .seq = c->record.seq,
        .bytes = c->payload + c->record.workspace_length,
        .size = c->record.size,
    };

    return visit(context, &entry, at);
}

/* The lowest opening is next; the sets are by number, so the lowest number of equal ones. */
static struct replay_cursor *replay_first(struct replay_cursor *cursors, size_t count)
{
    struct replay_cursor *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct replay_cursor *c = &cursors[i];

        if (c->has_record && (first == NULL || c->record.opening < first->record.opening)) {
            first = c;
        }
    }
    return first;
}

enum journal_status journal_file_replay_run(const struct journal_file_directory *d, uint32_t own,
                                            journal_position from, journal_visit visit,
                                            void *context, char *problem, size_t problem_size)
{
    struct replay r = {d, problem, problem_size};
    struct replay_cursor *cursors = calloc(d->set_count, sizeof(*cursors));
    struct replay_cursor *c;
    enum journal_status status = JOURNAL_OK;
    journal_position reached = 0;

    if (cursors == NULL) {
        snprintf(problem, problem_size, "%s: no memory to read it", d->path);
        return JOURNAL_FAILED;
    }
    for (size_t i = 0; i < d->set_count; i++) {
        c = &cursors[i];
        c->set = &d->sets[i];
        c->fd = -1;
        /* Whole segments before `from` need not be opened. */
        while (c->set->number == own && c->next_segment + 1 < c->set->count &&
               c->set->segments[c->next_segment + 1].head.base <= from) {
            c->next_segment++;
        }
        if (c->set->number == own) {
            reached = c->set->segments[c->next_segment].head.base;
        }
    }
    for (size_t i = 0; i < d->set_count && status == JOURNAL_OK; i++) {
        status = replay_fetch(&r, &cursors[i]);
    }
    while (status == JOURNAL_OK && (c = replay_first(cursors, d->set_count)) != NULL) {
        bool is_own = c->set->number == own;

        reached = is_own ? c->record.position : reached;
        if (c->record.kind != JOURNAL_FORMAT_KIND_CLOSED && (!is_own || reached >= from) &&
            !replay_visit(c, reached, visit, context)) {
            break;
        }
        if (is_own) {
            reached = journal_file_reader_position(&c->reader);
        }
        c->has_record = false;
        status = replay_fetch(&r, c);
    }
    for (size_t i = 0; i < d->set_count; i++) {
        replay_leave_segment(&cursors[i]);
    }
    free(cursors);
    return status;
}
