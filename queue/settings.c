#include "queue/settings.h"

#include "queue/base/memory.h"

#include <assert.h>
#include <stdalign.h>

#define CHUNK_BYTES 8192

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

/* What has a word for "none" starts with it: position 0 of an empty array would be no answer. */
struct settings *settings_create(void)
{
    struct settings *s = memory_take(sizeof(*s));

    s->references = 1;
    s->default_queue = INDEX_NONE16;
    s->missed_return = DURATION_NONE;
    s->at_risk = DURATION_NONE;
    return s;
}

/* Counted atomically: threads that classify read the same object as the one that runs the engine.
 */
void settings_retain(struct settings *s)
{
    __atomic_fetch_add(&s->references, 1, __ATOMIC_RELAXED);
}

void settings_release(struct settings *s)
{
    uint32_t before = __atomic_fetch_sub(&s->references, 1, __ATOMIC_ACQ_REL);

    assert(before != 0);
    if (before > 1) {
        return;
    }
    while (s->arena != NULL) {
        struct arena_chunk *chunk = s->arena;

        s->arena = chunk->next;
        memory_give(chunk);
    }
    memory_give(s);
}

void *settings_alloc(struct settings *s, size_t size)
{
    size_t unit = alignof(max_align_t);
    size_t rounded = (size + unit - 1) / unit * unit;
    struct arena_chunk *chunk = s->arena;
    void *allocated;

    assert(rounded >= size);
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        size_t bytes = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;

        chunk = memory_take(sizeof(*chunk) + bytes);
        chunk->size = bytes;
        chunk->next = s->arena;
        s->arena = chunk;
    }
    allocated = chunk->bytes + chunk->used;
    chunk->used += rounded;
    return allocated;
}

struct text settings_text(struct settings *s, struct text copied)
{
    char *bytes;

    if (text_is_none(copied)) {
        return TEXT_NONE;
    }
    bytes = settings_alloc(s, (size_t)copied.length + 1);
    memcpy(bytes, copied.bytes, copied.length);
    return (struct text){bytes, copied.length};
}

/* The position of a name in an array of records that begin with theirs, or `none`. */
static size_t find(const void *records, size_t record_size, size_t count, struct text name,
                   size_t none)
{
    const char *record = records;

    for (size_t i = 0; i < count; i++, record += record_size) {
        if (text_equal(*(const struct text *)(const void *)record, name)) {
            return i;
        }
    }
    return none;
}

static_assert(offsetof(struct queue_settings, name) == 0, "find reads the name there");
static_assert(offsetof(struct tier_settings, name) == 0, "find reads the name there");
static_assert(offsetof(struct channel_settings, name) == 0, "find reads the name there");
static_assert(offsetof(struct issue_settings, name) == 0, "find reads the name there");

queue_index settings_find_queue(const struct settings *s, struct text name)
{
    return (queue_index)find(s->queues, sizeof(*s->queues), s->queue_count, name, INDEX_NONE16);
}

tier_index settings_find_tier(const struct settings *s, struct text name)
{
    return (tier_index)find(s->tiers, sizeof(*s->tiers), s->tier_count, name, INDEX_NONE8);
}

channel_index settings_find_channel(const struct settings *s, struct text name)
{
    return (channel_index)find(s->channels, sizeof(*s->channels), s->channel_count, name,
                               INDEX_NONE8);
}

issue_index settings_find_issue(const struct settings *s, struct text name)
{
    return (issue_index)find(s->issues, sizeof(*s->issues), s->issue_count, name, INDEX_NONE16);
}

language_index settings_find_language(const struct settings *s, struct text name)
{
    return (language_index)find(s->languages, sizeof(*s->languages), s->language_count, name,
                                INDEX_NONE16);
}

/* Each of the three promises goes its own way: a queue may say when to answer and leave it to the
 * issue when to resolve. */
static void targets_fill(struct targets *t, const struct targets *from)
{
    if (t->answer == DURATION_NONE) {
        t->answer = from->answer;
    }
    if (t->progress == DURATION_NONE) {
        t->progress = from->progress;
    }
    if (t->resolve == DURATION_NONE) {
        t->resolve = from->resolve;
    }
}

struct targets settings_targets(const struct settings *s, queue_index queue, tier_index tier,
                                issue_index issue)
{
    struct targets t = {DURATION_NONE, DURATION_NONE, DURATION_NONE};

    if (queue < s->queue_count && tier < s->tier_count && s->queues[queue].by_tier != NULL) {
        targets_fill(&t, &s->queues[queue].by_tier[tier]);
    }
    if (issue < s->issue_count) {
        targets_fill(&t, &s->issues[issue].targets);
    }
    if (tier < s->tier_count) {
        targets_fill(&t, &s->tiers[tier].targets);
    }
    return t;
}
