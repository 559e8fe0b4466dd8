#include "router/journal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "router/journal_file.h"
#include "router/journal_memory.h"
#include "router/journal_store.h"

const char *journal_status_text(enum journal_status status)
{
    switch (status) {
    case JOURNAL_OK:
        return "everything is in order";
    case JOURNAL_FULL:
        return "there is no room left for the journal";
    case JOURNAL_FAILED:
        return "reading, writing or syncing the journal failed";
    case JOURNAL_CORRUPT:
        return "the journal is damaged";
    case JOURNAL_LOCKED:
        return "another process has the journal open";
    case JOURNAL_INVALID:
        return "this is not the address of a journal";
    case JOURNAL_VERSION:
        return "the journal was written by a version that this one cannot read";
    }
    return "unknown";
}

enum journal_status journal_open(uv_loop_t *loop, const char *address,
                                 const struct journal_options *options, struct journal **out,
                                 char *problem, size_t problem_size)
{
    static const struct journal_options none;
    static const char file_scheme[] = "file:";

    *out = NULL;
    if (options == NULL) {
        options = &none;
    }
    if (problem_size > 0) {
        problem[0] = '\0';
    }
    if (strcmp(address, "memory") == 0) {
        return journal_memory_open(loop, out, problem, problem_size);
    }
    if (strncmp(address, file_scheme, strlen(file_scheme)) == 0) {
        return journal_file_open(loop, address + strlen(file_scheme), 0, options, out, problem,
                                 problem_size);
    }
    snprintf(problem, problem_size, "\"%s\" is not a journal's address: memory or file:DIRECTORY",
             address);
    return JOURNAL_INVALID;
}

enum journal_status journal_join(struct journal *opened, uv_loop_t *loop, struct journal **out,
                                 char *problem, size_t problem_size)
{
    *out = NULL;
    if (problem_size > 0) {
        problem[0] = '\0';
    }
    return opened->operations->join(opened, loop, out, problem, problem_size);
}

bool journal_keeps(const struct journal *j)
{
    return j->operations->keeps;
}

uint64_t journal_piece_bytes(const struct journal *j)
{
    return j->operations->piece_bytes(j);
}

enum journal_status journal_read(struct journal *j, journal_position from, journal_visit visit,
                                 void *context, char *problem, size_t problem_size)
{
    if (problem_size > 0) {
        problem[0] = '\0';
    }
    return j->operations->read(j, from, visit, context, problem, problem_size);
}

void journal_append(struct journal *j, const struct journal_entry *entry)
{
    assert(entry->size <= JOURNAL_ENTRY_BYTES_MAX);
    assert(entry->workspace.length <= JOURNAL_WORKSPACE_BYTES_MAX);
    assert(entry->kind == ENTRY_FACTS || entry->kind == ENTRY_CHECKPOINT);
    j->operations->append(j, entry);
}

size_t journal_filled(const struct journal *j)
{
    return j->operations->filled(j);
}

void journal_commit(struct journal *j, journal_done done, void *context)
{
    j->operations->commit(j, done, context);
}

journal_position journal_next_position(const struct journal *j)
{
    return j->operations->next_position(j);
}

void journal_trim(struct journal *j, journal_position keep_from)
{
    j->operations->trim(j, keep_from);
}

void journal_get_stats(const struct journal *j, struct journal_stats *out)
{
    memset(out, 0, sizeof(*out));
    j->operations->get_stats(j, out);
}

const char *journal_problem(const struct journal *j)
{
    return j->operations->problem(j);
}

void journal_destroy(struct journal *j, void (*closed)(void *context), void *context)
{
    j->operations->destroy(j, closed, context);
}
