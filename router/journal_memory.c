#include "router/journal_memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/journal_store.h"

struct journal_memory {
    struct journal journal;
    uv_idle_t frame; /* never active: it only calls `closed` from the loop */
    uint64_t filled, filled_entries;
    journal_position position;
    struct journal_stats stats;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

/* About what an entry takes beside its bytes: positions and sizes look as they do on a disk. */
#define JOURNAL_MEMORY_ENTRY_OVERHEAD 64u

static struct journal_memory *journal_memory_of(struct journal *j)
{
    return (struct journal_memory *)j;
}

static enum journal_status journal_memory_join(struct journal *j, uv_loop_t *loop,
                                               struct journal **out, char *problem,
                                               size_t problem_size)
{
    (void)j;
    return journal_memory_open(loop, out, problem, problem_size);
}

static enum journal_status journal_memory_read(struct journal *j, journal_position from,
                                               journal_visit visit, void *context, char *problem,
                                               size_t problem_size)
{
    (void)j;
    (void)from;
    (void)visit;
    (void)context;
    (void)problem;
    (void)problem_size;
    return JOURNAL_OK;
}

static void journal_memory_append(struct journal *j, const struct journal_entry *entry)
{
    struct journal_memory *m = journal_memory_of(j);
    uint64_t size = entry->size + entry->workspace.length + JOURNAL_MEMORY_ENTRY_OVERHEAD;

    assert(!m->closing);
    m->filled += size;
    m->filled_entries++;
    m->position += size;
}

static size_t journal_memory_filled(const struct journal *j)
{
    return (size_t)((const struct journal_memory *)j)->filled;
}

static void journal_memory_closed(uv_handle_t *handle)
{
    struct journal_memory *m = handle->data;
    void (*closed)(void *context) = m->closed;
    void *context = m->closed_context;

    free(m);
    if (closed != NULL) {
        closed(context);
    }
}

static void journal_memory_commit(struct journal *j, journal_done done, void *context)
{
    struct journal_memory *m = journal_memory_of(j);

    assert(!m->closing);
    m->stats.batches++;
    m->stats.entries += m->filled_entries;
    m->stats.bytes += m->filled;
    m->filled = 0;
    m->filled_entries = 0;
    done(context, JOURNAL_OK);
}

static journal_position journal_memory_next_position(const struct journal *j)
{
    return ((const struct journal_memory *)j)->position;
}

static void journal_memory_trim(struct journal *j, journal_position keep_from)
{
    (void)j;
    (void)keep_from;
}

static uint64_t journal_memory_piece_bytes(const struct journal *j)
{
    (void)j;
    return 0;
}

static void journal_memory_get_stats(const struct journal *j, struct journal_stats *out)
{
    const struct journal_memory *m = (const struct journal_memory *)j;

    *out = m->stats;
}

static const char *journal_memory_problem(const struct journal *j)
{
    (void)j;
    return "";
}

static void journal_memory_destroy(struct journal *j, void (*closed)(void *context), void *context)
{
    struct journal_memory *m = journal_memory_of(j);

    assert(!m->closing);
    m->closing = true;
    m->closed = closed;
    m->closed_context = context;
    uv_close((uv_handle_t *)&m->frame, journal_memory_closed);
}

static const struct journal_operations journal_memory_operations = {
    .join = journal_memory_join,
    .keeps = false,
    .piece_bytes = journal_memory_piece_bytes,
    .read = journal_memory_read,
    .append = journal_memory_append,
    .filled = journal_memory_filled,
    .commit = journal_memory_commit,
    .next_position = journal_memory_next_position,
    .trim = journal_memory_trim,
    .get_stats = journal_memory_get_stats,
    .problem = journal_memory_problem,
    .destroy = journal_memory_destroy,
};

enum journal_status journal_memory_open(uv_loop_t *loop, struct journal **out, char *problem,
                                        size_t problem_size)
{
    struct journal_memory *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        snprintf(problem, problem_size, "no memory for a journal");
        return JOURNAL_FAILED;
    }
    m->journal.operations = &journal_memory_operations;
    uv_idle_init(loop, &m->frame);
    m->frame.data = m;
    *out = &m->journal;
    return JOURNAL_OK;
}
