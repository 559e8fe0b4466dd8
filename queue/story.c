#include "queue/story.h"

#include "queue/state.h"

struct story_line {
    uint64_t seq;
    engine_time at;
    struct agent *agent;
    queue_index queue;
    uint8_t kind;
    uint8_t reason_word; /* word_number; 0: its letters stand behind the lines */
    /* Each is one more than the length; 0: absent. Their letters follow the lines, line by line. */
    uint16_t reason, actor;
};

struct story {
    struct log_record in_log;
    uint32_t tombstone; /* 0: told no more */
    uint32_t count;
    struct story_line lines[];
};

static uint16_t spelled_length(struct text t)
{
    assert(t.length < UINT16_MAX);
    return (uint16_t)(t.bytes == NULL ? 0 : t.length + 1);
}

static struct text text_at(const char **at, uint16_t spelled)
{
    struct text t = {*at, spelled - 1u};

    if (spelled == 0) {
        return TEXT_NONE;
    }
    *at += t.length;
    return t;
}

static char *put(char *at, struct text t)
{
    if (t.length > 0) {
        memcpy(at, t.bytes, t.length);
    }
    return at + t.length;
}

uint32_t story_append(struct stories *s, const struct tombstone *t,
                      const struct history_entry *history, uint32_t count)
{
    size_t size = sizeof(struct story) + count * sizeof(struct story_line);
    uint8_t words[HISTORY_KEPT];
    struct story *story;
    char *at;

    if (count == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        words[i] = word_number(history[i].reason);
        size += (words[i] != 0 ? 0 : history[i].reason.length) + history[i].actor.length;
    }
    story = (struct story *)record_log_append(&s->log, size);
    story->tombstone = t->in_log.reference;
    story->count = count;
    at = (char *)&story->lines[count];
    for (uint32_t i = 0; i < count; i++) {
        const struct history_entry *h = &history[i];
        struct story_line *l = &story->lines[i];

        l->seq = h->seq;
        l->at = h->at;
        l->agent = h->agent;
        l->queue = h->queue;
        l->kind = h->kind;
        l->reason_word = words[i];
        l->reason = 0;
        if (l->reason_word == 0) {
            l->reason = spelled_length(h->reason);
            at = put(at, h->reason);
        }
        l->actor = spelled_length(h->actor);
        at = put(at, h->actor);
    }
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

/* The entries of a story; their texts lie in it. */
static uint32_t unpack(const struct story *told, struct history_entry out[HISTORY_KEPT])
{
    const char *at = (const char *)&told->lines[told->count];

    for (uint32_t i = 0; i < told->count; i++) {
        const struct story_line *l = &told->lines[i];

        out[i] = (struct history_entry){
            .seq = l->seq, .at = l->at, .kind = l->kind, .queue = l->queue, .agent = l->agent};
        out[i].reason = l->reason_word != 0 ? word_text(l->reason_word) : text_at(&at, l->reason);
        out[i].actor = text_at(&at, l->actor);
    }
    return told->count;
}

uint32_t engine_story(const struct engine *e, const struct tombstone *t,
                      struct history_entry out[HISTORY_KEPT])
{
    const struct story *told = story_of(e, t);

    return told == NULL ? 0 : unpack(told, out);
}

uint32_t story_copy(struct stories *s, const struct tombstone *t, const struct stories *from,
                    const struct tombstone *old)
{
    struct history_entry history[HISTORY_KEPT];

    if (old->story == 0) {
        return 0;
    }
    return story_append(
        s, t, history,
        unpack((const struct story *)record_log_at(&from->log, old->story), history));
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
        struct story *story = (struct story *)r;

        for (uint32_t i = 0; i < story->count; i++) {
            story->lines[i].queue = queues[story->lines[i].queue];
        }
    }
}
