#include "queue/history.h"

#include "queue/state.h"

/* A block: how much of it is used, how much there is, then the lines.
 *
 * A line: kind, word of the reason, flags, queue; the distances of seq and time from the line
 * before (from zero in the first), seven bits a byte; then what the flags say is there. */
struct history {
    uint32_t used; /* bytes of lines */
    uint32_t room;
    uint8_t count;
    uint8_t lines[];
};

enum {
    LINE_AGENT = 1,  /* its address */
    LINE_REASON = 2, /* length and letters: no known word */
    LINE_ACTOR = 4,  /* length and letters */
};

#define LINE_HEAD      5
#define DISTANCE_BYTES 10
#define FIRST_BYTES    31 /* submitted, at risk, overdue; and the block is a multiple of eight */

static const struct history no_lines = {0};

static size_t block_size(uint32_t room)
{
    return offsetof(struct history, lines) + room;
}

/* ---- lines ---- */

static uint8_t *put_distance(uint8_t *at, uint64_t n)
{
    while (n >= 0x80) {
        *at++ = (uint8_t)(n | 0x80);
        n >>= 7;
    }
    *at++ = (uint8_t)n;
    return at;
}

static const uint8_t *take_distance(const uint8_t *at, uint64_t *n)
{
    unsigned shift = 0;

    *n = 0;
    while ((*at & 0x80) != 0) {
        *n |= (uint64_t)(*at++ & 0x7f) << shift;
        shift += 7;
    }
    *n |= (uint64_t)*at++ << shift;
    return at;
}

static uint8_t *put_text(uint8_t *at, struct text t)
{
    at = put_distance(at, t.length);
    memcpy(at, t.bytes, t.length);
    return at + t.length;
}

static const uint8_t *take_text(const uint8_t *at, struct text *t)
{
    uint64_t length;

    at = take_distance(at, &length);
    *t = (struct text){(const char *)at, (uint32_t)length};
    return at + length;
}

static size_t distance_size(uint64_t n)
{
    size_t size = 1;

    while (n >= 0x80) {
        n >>= 7;
        size++;
    }
    return size;
}

static size_t text_size(struct text t)
{
    return distance_size(t.length) + t.length;
}

static uint8_t flags_of(const struct history_entry *e)
{
    uint8_t flags = 0;

    flags |= e->agent != NULL ? LINE_AGENT : 0;
    flags |= e->reason.bytes != NULL && word_number(e->reason) == 0 ? LINE_REASON : 0;
    flags |= e->actor.bytes != NULL ? LINE_ACTOR : 0;
    return flags;
}

static size_t line_size(const struct history_entry *e, const struct history_entry *before)
{
    uint8_t flags = flags_of(e);

    return LINE_HEAD + distance_size(e->seq - before->seq) +
           distance_size((uint64_t)e->at - (uint64_t)before->at) +
           ((flags & LINE_AGENT) != 0 ? sizeof(e->agent) : 0) +
           ((flags & LINE_REASON) != 0 ? text_size(e->reason) : 0) +
           ((flags & LINE_ACTOR) != 0 ? text_size(e->actor) : 0);
}

/* Write a line behind one of this seq and time. */
static uint8_t *put_line(uint8_t *at, const struct history_entry *e,
                         const struct history_entry *before)
{
    uint8_t flags = flags_of(e);

    *at++ = e->kind;
    *at++ = word_number(e->reason);
    *at++ = flags;
    memcpy(at, &e->queue, sizeof(e->queue));
    at += sizeof(e->queue);
    at = put_distance(at, e->seq - before->seq);
    at = put_distance(at, (uint64_t)e->at - (uint64_t)before->at);
    if ((flags & LINE_AGENT) != 0) {
        memcpy(at, &e->agent, sizeof(e->agent));
        at += sizeof(e->agent);
    }
    at = (flags & LINE_REASON) != 0 ? put_text(at, e->reason) : at;
    return (flags & LINE_ACTOR) != 0 ? put_text(at, e->actor) : at;
}

/* Read a line; what was read before it is in `e`. */
static const uint8_t *take_line(const uint8_t *at, struct history_entry *e)
{
    uint8_t word = at[1];
    uint8_t flags = at[2];
    uint64_t distance;

    e->kind = at[0];
    memcpy(&e->queue, at + 3, sizeof(e->queue));
    at = take_distance(at + LINE_HEAD, &distance);
    e->seq += distance;
    at = take_distance(at, &distance);
    e->at = (engine_time)((uint64_t)e->at + distance);
    e->agent = NULL;
    e->reason = word_text(word);
    e->actor = TEXT_NONE;
    if ((flags & LINE_AGENT) != 0) {
        memcpy(&e->agent, at, sizeof(e->agent));
        at += sizeof(e->agent);
    }
    at = (flags & LINE_REASON) != 0 ? take_text(at, &e->reason) : at;
    return (flags & LINE_ACTOR) != 0 ? take_text(at, &e->actor) : at;
}

/* ---- blocks ---- */

uint32_t history_read(const struct history *history, struct history_entry out[HISTORY_KEPT])
{
    struct history_entry e = {0};
    const uint8_t *at;

    if (history == NULL) {
        return 0;
    }
    at = history->lines;
    for (uint32_t i = 0; i < history->count; i++) {
        at = take_line(at, &e);
        out[i] = e;
    }
    return history->count;
}

void history_renumber(struct history *history, const queue_index *queues)
{
    struct history_entry e = {0};
    const uint8_t *at = history == NULL ? NULL : history->lines;

    for (uint32_t i = 0; history != NULL && i < history->count; i++) {
        uint8_t *line = history->lines + (at - history->lines);
        at = take_line(at, &e);
        memcpy(line + 3, &queues[e.queue], sizeof(e.queue));
    }
}

void history_discard(struct shelf *shelf, struct history *history)
{
    if (history != NULL) {
        shelf_give(shelf, history, block_size(history->room));
    }
}

/* A block with room for `size` bytes more than are used; the old one is gone. */
static struct history *widened(struct shelf *shelf, struct history *old, size_t size)
{
    uint32_t used = old == NULL ? 0 : old->used;
    uint32_t room = used + (uint32_t)size + used / 2;
    struct history *h;

    if (old == NULL && room < FIRST_BYTES) {
        room = FIRST_BYTES;
    }
    h = shelf_take(shelf, block_size(room));
    memcpy(h, old == NULL ? &no_lines : old, block_size(used));
    h->room = room;
    history_discard(shelf, old);
    return h;
}

/* The first line's distances are from zero; so all are written anew. */
static struct history *without_oldest(struct shelf *shelf, struct history *old)
{
    struct history_entry entries[HISTORY_KEPT];
    struct history_entry before = {0};
    uint32_t count = history_read(old, entries);
    struct history *h = widened(shelf, NULL, old->room + DISTANCE_BYTES);
    uint8_t *at = h->lines;

    for (uint32_t i = 1; i < count; i++) {
        at = put_line(at, &entries[i], &before);
        before = entries[i];
    }
    h->used = (uint32_t)(at - h->lines);
    h->count = (uint8_t)(count - 1);
    history_discard(shelf, old);
    return h;
}

void history_add(struct shelf *shelf, struct history **history, const struct history_entry *entry)
{
    struct history *h = *history;
    struct history_entry last = {0};
    const uint8_t *at;
    size_t size;

    if (h != NULL && h->count == HISTORY_KEPT) {
        h = without_oldest(shelf, h);
    }
    at = h == NULL ? NULL : h->lines;
    for (uint32_t i = 0; h != NULL && i < h->count; i++) {
        at = take_line(at, &last);
    }
    size = line_size(entry, &last);
    if (h == NULL || h->room - h->used < size) {
        h = widened(shelf, h, size);
    }
    put_line(h->lines + h->used, entry, &last);
    h->used += (uint32_t)size;
    h->count++;
    *history = h;
}

/* ---- of contacts ---- */

static struct history_entry submission_of(const struct contact *c)
{
    return (struct history_entry){.seq = c->submitted_seq,
                                  .at = c->created_at,
                                  .kind = c->was_scheduled ? FACT_CONTACT_SCHEDULED
                                                           : FACT_CONTACT_QUEUED,
                                  .queue = contact_queue(c)};
}

uint32_t contact_history(const struct contact *c, struct history_entry out[HISTORY_KEPT])
{
    if (c->history != NULL) {
        return history_read(c->history, out);
    }
    out[0] = submission_of(c);
    return 1;
}

void contact_open_history(struct engine *e, struct contact *c)
{
    if (c->history == NULL) {
        struct history_entry first = submission_of(c);
        history_add(&e->papers, &c->history, &first);
    }
}

void contact_remember(struct engine *e, struct contact *c, const struct history_entry *entry)
{
    struct history_entry told = submission_of(c);

    if (c->history == NULL && entry->seq == told.seq && entry->at == told.at &&
        entry->kind == told.kind && entry->queue == told.queue && entry->agent == NULL &&
        entry->reason.bytes == NULL && entry->actor.bytes == NULL) {
        return; /* its record says so */
    }
    history_add(&e->papers, &c->history, entry);
}
