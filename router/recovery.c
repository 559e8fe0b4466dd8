#include "router/recovery.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "router/crash_point.h"
#include "router/fact_codec.h"

struct recovery_pass {
    struct recovery *recovery;
    struct fact_decoder decoder;
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

static bool recovery_load_records(struct recovery_pass *p, struct recovered *w,
                                  const struct journal_entry *entry)
{
    struct cursor c = cursor_over(entry->bytes, entry->size);
    uint32_t count;

    if (!cursor_array(&c, &count)) {
        return recovery_fail(p, w, "a slice of a checkpoint is no array", entry->seq);
    }
    for (; count > 0; count--) {
        struct text record;
        const char *wrong;

        if (!cursor_bytes(&c, &record)) {
            return recovery_fail(p, w, "a slice of a checkpoint is cut short", entry->seq);
        }
        wrong = engine_checkpoint_load(w->engine, (const uint8_t *)record.bytes, record.length);
        if (wrong != NULL) {
            return recovery_fail(p, w, wrong, entry->seq);
        }
        w->records++;
    }
    return true;
}

static bool recovery_load(void *context, const struct journal_entry *entry, journal_position at)
{
    struct recovery_pass *p = context;
    struct recovered *w = recovery_find(p->recovery, entry->workspace, at);

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
    crash_point_reached(CRASH_INSIDE_REPLAY);
    w->checkpoint_bytes += entry->size;
    if (!recovery_load_records(p, w, entry)) {
        return false;
    }
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

static bool recovery_apply_fact(struct recovery_pass *p, struct recovered *w, struct cursor *c)
{
    struct fact f;
    const char *wrong;
    uint64_t next = engine_seq(w->engine) + 1;

    if (!fact_decode(&p->decoder, c, w->engine, &f)) {
        return recovery_fail(p, w, p->decoder.problem, next);
    }
    wrong = f.seq > next   ? "this fact is missing"
            : f.seq < next ? "a fact comes twice"
                           : engine_apply(w->engine, &f);
    if (f.settings != NULL) {
        settings_release(f.settings);
    }
    if (wrong != NULL) {
        return recovery_fail(p, w, wrong, next);
    }
    w->facts++;
    return true;
}

static bool recovery_apply(void *context, const struct journal_entry *entry, journal_position at)
{
    struct recovery_pass *p = context;
    struct recovered *w = recovery_find(p->recovery, entry->workspace, at);
    struct cursor c = cursor_over(entry->bytes, entry->size);
    uint32_t count;

    if (entry->kind != ENTRY_FACTS) {
        return true;
    }
    if (!cursor_array(&c, &count)) {
        return recovery_fail(p, w, "an entry of facts is no array", entry->seq);
    }
    /* What a checkpoint covers is over and done; the numbers of an entry's facts follow one
     * another. */
    for (uint64_t seq = entry->seq; count > 0 && seq <= w->checkpoint_seq; seq++, count--) {
        if (!cursor_skip(&c)) {
            return recovery_fail(p, w, "an entry of facts is cut short", seq);
        }
    }
    if (count > 0) {
        crash_point_reached(CRASH_INSIDE_REPLAY);
        w->entries++;
    }
    for (; count > 0; count--) {
        if (!recovery_apply_fact(p, w, &c)) {
            return false;
        }
    }
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
    fact_decoder_close(&p.decoder);
    return status == JOURNAL_OK && p.failed ? JOURNAL_CORRUPT : status;
}
