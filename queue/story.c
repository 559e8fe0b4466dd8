#include "queue/story.h"

#include "queue/state.h"

/* A contact's block of history as it was, for which these have room behind them. */
struct story {
    struct log_record in_log;
    uint32_t tombstone; /* 0: told no more */
    struct history_base base;
};

static struct history *told_in(const struct story *story)
{
    return (struct history *)(uintptr_t)(story + 1);
}

uint32_t story_append(struct stories *s, const struct tombstone *t, const struct history *history,
                      struct history_base base)
{
    struct story *story =
        (struct story *)record_log_append(&s->log, sizeof(*story) + history_size(history));

    story->tombstone = t->in_log.reference;
    story->base = base;
    history_copy(told_in(story), history);
    s->count++;
    return story->in_log.reference;
}

/* The story of a tombstone, NULL when it has gone. The oldest story tells from where on tombstones
 * have theirs. */
static struct story *story_of(const struct engine *e, const struct tombstone *t)
{
    const struct story *oldest = (const struct story *)e->stories.log.first;

    if (t->story == 0 || oldest == NULL ||
        record_log_is_before(&e->ended, t->in_log.reference, oldest->tombstone)) {
        return NULL;
    }
    return (struct story *)record_log_at(&e->stories.log, t->story);
}

uint32_t engine_story(const struct engine *e, const struct tombstone *t,
                      struct history_entry out[HISTORY_KEPT])
{
    const struct story *told = story_of(e, t);

    return told == NULL ? 0 : history_read(told_in(told), told->base, out);
}

uint32_t story_copy(struct stories *s, const struct tombstone *t, const struct stories *from,
                    const struct tombstone *old)
{
    const struct story *told;

    if (old->story == 0) {
        return 0;
    }
    told = (const struct story *)record_log_at(&from->log, old->story);
    return story_append(s, t, told_in(told), told->base);
}

static void drop(struct stories *s, struct story *told)
{
    told->tombstone = 0;
    s->count--;
    while (s->log.first != NULL && ((const struct story *)s->log.first)->tombstone == 0) {
        record_log_drop_first(&s->log);
    }
}

void story_drop(struct engine *e, const struct tombstone *t)
{
    struct story *told = story_of(e, t);

    if (told != NULL) {
        drop(&e->stories, told);
    }
}

/* The tombstones themselves are looked at only when a checkpoint must have them first. */
void stories_sweep(struct engine *e)
{
    while (e->stories.count > ENDED_HISTORIES_KEPT) {
        struct story *oldest = (struct story *)e->stories.log.first;

        checkpoint_before_tombstone_change(
            e, (struct tombstone *)record_log_at(&e->ended, oldest->tombstone));
        drop(&e->stories, oldest);
    }
}

void stories_renumber(struct stories *s, const queue_index *queues)
{
    for (struct log_record *r = s->log.first; r != NULL; r = record_log_next(&s->log, r)) {
        history_renumber(told_in((const struct story *)r), queues);
    }
}
