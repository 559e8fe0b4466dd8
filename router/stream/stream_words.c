#include "router/stream/stream_words.h"

#include "queue/base/memory.h"
#include "router/stream/stream_script.h"

#define STREAM_WORDS_GUARD 6u /* EVAL, its text, 1, the key, two ids */
#define STREAM_WORDS_ENTRY 6u /* XADD, the key, NOMKSTREAM, the id, the field, the value */

void stream_words_close(struct stream_words *w)
{
    memory_give(w->words);
    memory_give(w->ids);
    memory_give(w->commands);
    *w = (struct stream_words){0};
}

static void stream_words_want(struct stream_words *w, uint32_t entries)
{
    if (w->capacity < entries) {
        uint32_t capacity = entries * 2;

        w->words = memory_resize(w->words, (STREAM_WORDS_GUARD + STREAM_WORDS_ENTRY * capacity) *
                                               sizeof(*w->words));
        w->ids = memory_resize(w->ids, (2 + capacity) * sizeof(*w->ids));
        w->commands = memory_resize(w->commands, (1 + capacity) * sizeof(*w->commands));
        w->capacity = capacity;
    }
}

static struct text *stream_words_entry(struct text *at, const struct stream_batch *b,
                                       const struct stream_entry *e, char id[STREAM_ID_BYTES])
{
    *at++ = stream_id_write(e->id, id);
    *at++ = text_from(e->field);
    *at++ = (struct text){(const char *)b->bytes.bytes + e->at, (uint32_t)e->size};
    return at;
}

struct redis_command stream_words_script(struct stream_words *w, const struct stream_batch *b)
{
    struct text *at;

    stream_words_want(w, b->count);
    at = w->words;
    *at++ = TEXT("1");
    *at++ = b->tail->key;
    *at++ = stream_id_write(b->before, w->ids[0]);
    *at++ = stream_epoch_write(b->tail->epoch, w->ids[1]);
    for (uint32_t i = 0; i < b->count; i++) {
        at = stream_words_entry(at, b, &b->entries[i], w->ids[2 + i]);
    }
    return (struct redis_command){.count = (uint32_t)(at - w->words), .words = w->words};
}

static struct redis_command stream_words_since(const struct text *from, const struct text *to)
{
    return (struct redis_command){.count = (uint32_t)(to - from), .words = from};
}

const struct redis_command *stream_words_guarded(struct stream_words *w,
                                                 const struct stream_batch *b)
{
    bool begins = stream_id_equal(b->before, STREAM_START);
    struct text *at, *from;

    stream_words_want(w, b->count);
    at = from = w->words;
    *at++ = TEXT("EVAL");
    *at++ = stream_guard;
    *at++ = TEXT("1");
    *at++ = b->tail->key;
    *at++ = stream_id_write(b->before, w->ids[0]);
    *at++ = stream_id_write(b->last, w->ids[1]);
    w->commands[0] = stream_words_since(from, at);
    for (uint32_t i = 0; i < b->count; i++) {
        from = at;
        *at++ = TEXT("XADD");
        *at++ = b->tail->key;
        if (!begins) {
            *at++ = TEXT("NOMKSTREAM"); /* what is gone altogether is not begun in the middle */
        }
        at = stream_words_entry(at, b, &b->entries[i], w->ids[2 + i]);
        w->commands[1 + i] = stream_words_since(from, at);
    }
    return w->commands;
}
