#include "router/recovery.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "router/replay.h"

struct recovery_pass {
    struct recovery *recovery;
    struct replay replay;
    char *problem;
    size_t problem_size;
    bool failed;
};

void recovery_init(struct recovery *r, struct engine *(*create)(void *context, struct text name),
                   void *context)
{
    list_init(&r->workspaces);
    r->create = create;
    r->context = context;
}

void recovery_close(struct recovery *r)
{
    struct list_node *n;

    while ((n = list_first(&r->workspaces)) != NULL) {
        struct recovered *w = record_of(n, struct recovered, in_list);

        list_remove(n);
        if (w->engine != NULL) {
            engine_destroy(w->engine);
        }
        memory_give((void *)(uintptr_t)w->name.bytes);
        memory_give(w);
    }
}

static struct recovered *recovery_find(struct recovery *r, struct text name, journal_position at)
{
    struct recovered *w;

    for (struct list_node *n = list_first(&r->workspaces); n != NULL;
         n = list_next(&r->workspaces, n)) {
        w = record_of(n, struct recovered, in_list);
        if (text_equal(w->name, name)) {
            return w;
        }
    }
    w = memory_take(sizeof(*w));
    w->name = (struct text){memory_copy(name.bytes, name.length), name.length};
    w->keep_from = at;
    w->engine = r->create(r->context, w->name);
    list_append(&r->workspaces, &w->in_list);
    return w;
}

static bool recovery_fail(struct recovery_pass *p, const struct recovered *w, const char *what,
                          uint64_t seq)
{
    p->failed = true;
    snprintf(p->problem, p->problem_size, "workspace \"" TEXT_FORMAT "\", fact %llu: %s",
             TEXT_ARGS(w->name), (unsigned long long)seq, what);
    return false;
}

/* ---- first reading: which checkpoints are whole ---- */

static bool recovery_look(void *context, const struct journal_entry *entry, journal_position at)
{
    struct recovery_pass *p = context;
    struct recovered *w = recovery_find(p->recovery, entry->workspace, at);

    if (entry->kind != ENTRY_CHECKPOINT) {
        return true;
    }
    if ((entry->flags & ENTRY_FIRST) != 0) {
        w->slice_first = at;
        w->slice_seq = entry->seq;
        w->loading = true;
    }
    /* Slices whose first was trimmed, or that a crash ended, are of no use. */
    if ((entry->flags & ENTRY_LAST) != 0 && w->loading && entry->seq == w->slice_seq) {
        w->has_checkpoint = true;
        w->keep_from = w->slice_first;
        w->checkpoint_seq = entry->seq;
        w->loading = false;
    }
    return true;
}

/* ---- second reading: the checkpoints ---- */

static bool recovery_load(void *context, const struct journal_entry *entry, journal_position at)
{
    struct recovery_pass *p = context;
    struct recovered *w = recovery_find(p->recovery, entry->workspace, at);
    uint64_t before;

    if (entry->kind != ENTRY_CHECKPOINT || !w->has_checkpoint || at < w->keep_from ||
        engine_checkpoint_loaded(w->engine)) {
        return true;
    }
    if (at == w->keep_from) {
        w->loading = true;
    }
    if (!w->loading) {
        return true;
    }
    w->checkpoint_bytes += entry->size;
    before = p->replay.records;
    if (!replay_slice(&p->replay, w->engine, entry->seq, entry->bytes, entry->size)) {
        return recovery_fail(p, w, p->replay.problem, p->replay.problem_seq);
    }
    w->records += p->replay.records - before;
    if ((entry->flags & ENTRY_LAST) != 0) {
        w->loading = false;
        if (!engine_checkpoint_loaded(w->engine)) {
            return recovery_fail(p, w, "count and digest of the checkpoint do not agree",
                                 entry->seq);
        }
    }
    return true;
}

/* ---- third reading: the facts ---- */

static bool recovery_apply(void *context, const struct journal_entry *entry, journal_position at)
{
    struct recovery_pass *p = context;
    struct recovered *w = recovery_find(p->recovery, entry->workspace, at);
    uint64_t before = p->replay.facts;

    if (entry->kind != ENTRY_FACTS) {
        return true;
    }
    if (!replay_facts(&p->replay, w->engine, entry->seq, w->checkpoint_seq, entry->bytes,
                      entry->size)) {
        return recovery_fail(p, w, p->replay.problem, p->replay.problem_seq);
    }
    w->facts += p->replay.facts - before;
    w->entries += p->replay.facts > before;
    return true;
}

static journal_position recovery_first_needed(const struct recovery *r)
{
    journal_position first = UINT64_MAX;

    for (struct list_node *n = list_first(&r->workspaces); n != NULL;
         n = list_next(&r->workspaces, n)) {
        struct recovered *w = record_of(n, struct recovered, in_list);

        first = w->keep_from < first ? w->keep_from : first;
        w->loading = false;
    }
    return first == UINT64_MAX ? 0 : first;
}

static bool recovery_any_checkpoint(const struct recovery *r)
{
    for (struct list_node *n = list_first(&r->workspaces); n != NULL;
         n = list_next(&r->workspaces, n)) {
        if (record_of(n, struct recovered, in_list)->has_checkpoint) {
            return true;
        }
    }
    return false;
}

enum journal_status recovery_run(struct recovery *r, struct journal *j, char *problem, size_t size)
{
    struct recovery_pass p = {.recovery = r, .problem = problem, .problem_size = size};
    enum journal_status status = journal_read(j, 0, recovery_look, &p, problem, size);
    journal_position first = recovery_first_needed(r);

    if (status == JOURNAL_OK && recovery_any_checkpoint(r)) {
        status = journal_read(j, first, recovery_load, &p, problem, size);
    }
    if (status == JOURNAL_OK && !p.failed) {
        status = journal_read(j, first, recovery_apply, &p, problem, size);
    }
    replay_close(&p.replay);
    return status == JOURNAL_OK && p.failed ? JOURNAL_CORRUPT : status;
}
