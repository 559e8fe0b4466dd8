#include "router/stream/stream_tail.h"

#include <assert.h>

#include "queue/base/memory.h"
#include "router/stream/stream_value.h"

#define STREAM_FILL_BYTES ((size_t)1 << 20) /* room that a batch has at the beginning, at most */

static struct text stream_copy(struct text t)
{
    return (struct text){memory_copy(t.bytes, t.length), t.length};
}

struct stream_tail *stream_tail_create(struct text workspace, struct text key, uint64_t epoch,
                                       struct stream_id end)
{
    struct stream_tail *t = memory_take(sizeof(*t));

    t->workspace = stream_copy(workspace);
    t->key = stream_copy(key);
    t->epoch = epoch;
    t->kept_most = STREAM_KEPT_BYTES;
    t->end = end;
    list_init(&t->open);
    list_init(&t->kept);
    return t;
}

static void stream_batch_destroy(struct stream_batch *b)
{
    if (b == NULL) {
        return;
    }
    if (list_linked(&b->in_tail)) {
        list_remove(&b->in_tail);
    }
    packer_close(&b->bytes);
    memory_give(b->entries);
    memory_give(b);
}

static struct stream_batch *stream_first(const struct list *l)
{
    struct list_node *n = list_first(l);

    return n == NULL ? NULL : record_of(n, struct stream_batch, in_tail);
}

static struct stream_batch *stream_next(const struct list *l, struct stream_batch *b)
{
    struct list_node *n = list_next(l, &b->in_tail);

    return n == NULL ? NULL : record_of(n, struct stream_batch, in_tail);
}

void stream_tail_destroy(struct stream_tail *t)
{
    struct stream_batch *b;

    while ((b = stream_first(&t->open)) != NULL || (b = stream_first(&t->kept)) != NULL) {
        stream_batch_destroy(b);
    }
    stream_batch_destroy(t->filling);
    memory_give((void *)(uintptr_t)t->workspace.bytes);
    memory_give((void *)(uintptr_t)t->key.bytes);
    memory_give(t);
}

/* What it takes of the memory that is bounded. */
static size_t stream_batch_bytes(const struct stream_batch *b)
{
    return sizeof(*b) + b->bytes.capacity + b->capacity * sizeof(*b->entries);
}

static struct stream_batch *stream_batch_create(struct stream_tail *t)
{
    struct stream_batch *b = memory_take(sizeof(*b));

    packer_init(&b->bytes);
    b->tail = t;
    b->before = t->end;
    return b;
}

/* Who is busy fills a batch as the last one was: it need not grow step by step, copied each time.
 */
static struct stream_batch *stream_batch_like_last(struct stream_tail *t)
{
    struct stream_batch *b = stream_batch_create(t);

    (void)packer_want(&b->bytes, t->last_filled);
    return b;
}

/* Another entry of the batch; its value follows. */
static struct stream_entry *stream_entry_open(struct stream_batch *b, char field)
{
    struct stream_entry *e;

    if (b->count == b->capacity) {
        b->capacity = b->capacity == 0 ? 1 : b->capacity * 2;
        b->entries = memory_resize(b->entries, b->capacity * sizeof(*b->entries));
    }
    e = &b->entries[b->count++];
    e->field[0] = field;
    e->field[1] = '\0';
    e->at = b->bytes.size;
    return e;
}

/* Its value is there; the stream goes on behind it. */
static void stream_entry_close(struct stream_batch *b, struct stream_entry *e, struct stream_id id)
{
    assert(stream_id_less(b->tail->end, id));
    e->id = id;
    e->size = b->bytes.size - e->at;
    b->tail->end = b->last = id;
}

static struct stream_batch *stream_tail_fill(struct stream_tail *t)
{
    if (t->filling == NULL) {
        t->filling = stream_batch_like_last(t);
    }
    return t->filling;
}

/* The entry's value is `value`, packed or not. */
static void stream_tail_write(struct stream_tail *t, char field, struct text value,
                              struct stream_id id)
{
    struct stream_batch *b = stream_tail_fill(t);
    struct stream_entry *e = stream_entry_open(b, field);

    e->field[0] = stream_value_write(&b->bytes, field, value);
    stream_entry_close(b, e, id);
    t->filled += value.length;
}

/* A slice says itself, in front of its records, of which checkpoint it is. */
static void stream_tail_write_slice(struct stream_tail *t, const struct journal_entry *entry)
{
    struct packer slice;

    packer_init(&slice);
    (void)packer_want(&slice, 3 * PUT_HEAD_MAX + entry->size);
    packer_array(&slice, 3);
    packer_uint(&slice, entry->flags);
    packer_uint(&slice, entry->seq);
    packer_raw(&slice, entry->bytes, entry->size);
    stream_tail_write(t, 'c', (struct text){(const char *)slice.bytes, (uint32_t)slice.size},
                      stream_id_of_slice(t->epoch, t->end));
    packer_close(&slice);
}

void stream_tail_add(struct stream_tail *t, const struct journal_entry *entry)
{
    if (entry->kind == ENTRY_FACTS) {
        stream_tail_write(t, 'b', (struct text){(const char *)entry->bytes, (uint32_t)entry->size},
                          stream_id_of_facts(t->epoch, entry->seq));
    } else {
        stream_tail_write_slice(t, entry);
    }
}

void stream_tail_raise(struct stream_tail *t, uint64_t epoch, struct text value)
{
    struct stream_batch *b;
    struct stream_entry *e;

    assert(t->filling == NULL && epoch > t->epoch);
    b = stream_tail_fill(t);
    e = stream_entry_open(b, 'e');
    packer_raw(&b->bytes, value.bytes, value.length);
    t->epoch = epoch;
    stream_entry_close(b, e, (struct stream_id){epoch, t->end.place});
    t->filled += e->size;
}

static void stream_tail_keep(struct stream_tail *t, struct stream_batch *b, uint64_t now)
{
    b->state = STREAM_CONFIRMED;
    b->confirmed_at = now;
    list_append(&t->kept, &b->in_tail);
    t->kept_bytes += stream_batch_bytes(b);
}

void stream_tail_follow(struct stream_tail *t, const struct stream_read_entry *read, uint64_t now)
{
    struct stream_batch *b = stream_batch_create(t);
    struct stream_entry *e = stream_entry_open(b, read->field);

    assert(t->filling == NULL && list_empty(&t->open));
    packer_raw(&b->bytes, read->value.bytes, read->value.length);
    stream_entry_close(b, e, read->id);
    t->epoch = read->id.epoch;
    stream_tail_keep(t, b, now);
    stream_tail_forget(t, now);
}

struct stream_batch *stream_tail_hand_over(struct stream_tail *t)
{
    struct stream_batch *b = t->filling;

    if (b != NULL) {
        t->filling = NULL;
        t->last_filled = t->filled < STREAM_FILL_BYTES ? t->filled : STREAM_FILL_BYTES;
        t->filled = 0;
        packer_fit(&b->bytes); /* it may be kept for a minute */
        list_append(&t->open, &b->in_tail);
    }
    return b;
}

void stream_tail_retract(struct stream_tail *t, struct stream_id end)
{
    struct list_node *n;

    while ((n = list_first(&t->open)) != NULL) {
        stream_batch_destroy(record_of(n, struct stream_batch, in_tail));
    }
    t->end = end;
    t->epoch = end.epoch;
}

struct stream_id stream_tail_confirmed_end(const struct stream_tail *t, struct stream_id otherwise)
{
    struct list_node *n = list_last(&t->kept);
    struct stream_id end = otherwise;

    if (n != NULL) {
        end = record_of(n, struct stream_batch, in_tail)->last;
    }
    return stream_id_less(end, otherwise) ? otherwise : end;
}

void stream_tail_confirm(struct stream_tail *t, struct stream_batch *b, uint64_t now)
{
    assert(stream_first(&t->open) == b);
    list_remove(&b->in_tail);
    stream_tail_keep(t, b, now);
}

void stream_tail_forget(struct stream_tail *t, uint64_t now)
{
    struct stream_batch *b;

    while ((b = stream_first(&t->kept)) != NULL &&
           (b->confirmed_at + STREAM_KEPT_MS < now || t->kept_bytes > t->kept_most)) {
        t->kept_bytes -= stream_batch_bytes(b);
        stream_batch_destroy(b);
    }
}

struct stream_batch *stream_tail_behind(const struct stream_tail *t, struct stream_id id)
{
    const struct list *lists[] = {&t->open, &t->kept};

    for (int i = 0; i < 2; i++) {
        for (struct stream_batch *b = stream_first(lists[i]); b != NULL;
             b = stream_next(lists[i], b)) {
            if (stream_id_equal(b->before, id)) {
                return b;
            }
        }
    }
    return NULL;
}

void stream_tail_rewind(struct stream_tail *t, struct stream_batch *from)
{
    struct stream_batch *b = from;

    /* Those kept from here on are open again, before those that are. */
    if (from->state == STREAM_CONFIRMED) {
        struct list_node *first_open = t->open.head.next;

        while (b != NULL) {
            struct stream_batch *next = stream_next(&t->kept, b);

            list_remove(&b->in_tail);
            t->kept_bytes -= stream_batch_bytes(b);
            b->in_tail.next = first_open;
            b->in_tail.previous = first_open->previous;
            first_open->previous->next = &b->in_tail;
            first_open->previous = &b->in_tail;
            b = next;
        }
        b = from;
    }
    for (; b != NULL; b = stream_next(&t->open, b)) {
        b->state = STREAM_WAITS;
    }
}

struct stream_batch *stream_tail_next_waiting(const struct stream_tail *t)
{
    struct stream_batch *b = stream_first(&t->open);

    while (b != NULL && b->state != STREAM_WAITS) {
        b = stream_next(&t->open, b);
    }
    return b;
}
