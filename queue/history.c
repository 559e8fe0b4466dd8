#include "queue/history.h"

#include "queue/base/rare.h"
#include "queue/state.h"

/* A block: how much of it is used, how much there is, then the lines, each as long as it says. A
 * story that begins with the contact's submission has no line for it: the base says its seq and
 * time. */
struct history {
    uint32_t used; /* bytes of lines */
    uint32_t room;
    queue_index queue; /* of the submission */
    uint8_t kind;      /* of the submission; its line is told while `told` */
    bool told;
    uint8_t count; /* of lines */
    uint8_t lines[];
};

/* What every line begins with; in the order of the flags what few have follows. */
struct line_head {
    uint8_t kind;
    uint8_t word; /* of the reason; 0: none, or letters */
    queue_index queue;
    uint32_t seq; /* distances; where one is longer, both stand in eight bytes each */
    uint32_t at;
    uint8_t flags;
};

enum {
    LINE_FAR = 1,
    LINE_AGENT = 2,
    LINE_REASON = 4, /* length and letters */
    LINE_ACTOR = 8,  /* length and letters */
};

#define HEAD_BYTES 13 /* without what the compiler puts behind it */

/* Room for what most go through: at risk and overdue, or offered, accepted and done with. */
#define ROOM_WAITING 27
#define ROOM_WORKED  67

static size_t block_size(uint32_t room)
{
    return offsetof(struct history, lines) + room;
}

/* ---- lines ---- */

static uint64_t time_distance(struct history_base base, const struct history_entry *e)
{
    return (uint64_t)e->at - (uint64_t)base.at;
}

static inline uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static const uint8_t *take(const uint8_t *at, void *bytes, size_t size)
{
    memcpy(bytes, at, size);
    return at + size;
}

static uint8_t *put_text(uint8_t *at, struct text t)
{
    at = put(at, &t.length, sizeof(t.length));
    return put(at, t.bytes, t.length);
}

static const uint8_t *take_text(const uint8_t *at, struct text *t)
{
    at = take(at, &t->length, sizeof(t->length));
    t->bytes = (const char *)at;
    return at + t->length;
}

/* What an entry's line begins with, and the bytes of the whole line. */
static inline size_t head_of(const struct history_entry *e, struct history_base base,
                             struct line_head *head)
{
    uint64_t seq = e->seq - base.seq;
    uint64_t at = time_distance(base, e);
    size_t size = HEAD_BYTES;
    unsigned flags = 0;

    head->word = word_number(e->reason);
    if ((seq | at) > UINT32_MAX) {
        flags |= LINE_FAR;
        size += 2 * sizeof(uint64_t);
    }
    if (e->agent != NULL) {
        flags |= LINE_AGENT;
        size += sizeof(e->agent);
    }
    if (head->word == 0 && e->reason.bytes != NULL) {
        flags |= LINE_REASON;
        size += sizeof(e->reason.length) + e->reason.length;
    }
    if (e->actor.bytes != NULL) {
        flags |= LINE_ACTOR;
        size += sizeof(e->actor.length) + e->actor.length;
    }
    head->kind = e->kind;
    head->queue = e->queue;
    head->seq = (uint32_t)seq;
    head->at = (uint32_t)at;
    head->flags = (uint8_t)flags;
    return size;
}

/* Member by member: so a head that is nowhere but in registers need not be put together first. */
static inline uint8_t *put_head(uint8_t *at, const struct line_head *head)
{
    at[offsetof(struct line_head, kind)] = head->kind;
    at[offsetof(struct line_head, word)] = head->word;
    put(at + offsetof(struct line_head, queue), &head->queue, sizeof(head->queue));
    put(at + offsetof(struct line_head, seq), &head->seq, sizeof(head->seq));
    put(at + offsetof(struct line_head, at), &head->at, sizeof(head->at));
    at[offsetof(struct line_head, flags)] = head->flags;
    return at + HEAD_BYTES;
}

static void put_rest(uint8_t *at, unsigned flags, const struct history_entry *e,
                     struct history_base base)
{
    if ((flags & LINE_FAR) != 0) {
        const uint64_t far[2] = {e->seq - base.seq, time_distance(base, e)};
        at = put(at, far, sizeof(far));
    }
    at = (flags & LINE_AGENT) != 0 ? put(at, &e->agent, sizeof(e->agent)) : at;
    at = (flags & LINE_REASON) != 0 ? put_text(at, e->reason) : at;
    if ((flags & LINE_ACTOR) != 0) {
        put_text(at, e->actor);
    }
}

static inline void put_line(uint8_t *at, const struct line_head *head,
                            const struct history_entry *e, struct history_base base)
{
    at = put_head(at, head);
    if (head->flags == LINE_AGENT) { /* as in most */
        put(at, &e->agent, sizeof(e->agent));
    } else if (head->flags != 0) {
        put_rest(at, head->flags, e, base);
    }
}

static const uint8_t *take_line(const uint8_t *at, struct history_entry *e,
                                struct history_base base)
{
    struct line_head head;
    uint64_t far[2];

    at = take(at, &head, HEAD_BYTES);
    far[0] = head.seq;
    far[1] = head.at;
    at = (head.flags & LINE_FAR) != 0 ? take(at, far, sizeof(far)) : at;
    *e = (struct history_entry){.seq = base.seq + far[0],
                                .at = (engine_time)((uint64_t)base.at + far[1]),
                                .kind = head.kind,
                                .queue = head.queue,
                                .reason = word_text(head.word)};
    at = (head.flags & LINE_AGENT) != 0 ? take(at, &e->agent, sizeof(e->agent)) : at;
    at = (head.flags & LINE_REASON) != 0 ? take_text(at, &e->reason) : at;
    return (head.flags & LINE_ACTOR) != 0 ? take_text(at, &e->actor) : at;
}

/* ---- blocks ---- */

uint32_t history_read(const struct history *history, struct history_base base,
                      struct history_entry out[HISTORY_KEPT])
{
    const uint8_t *at = history->lines;
    uint32_t count = 0;

    if (history->told) {
        out[count++] = (struct history_entry){
            .seq = base.seq, .at = base.at, .kind = history->kind, .queue = history->queue};
    }
    for (uint32_t i = 0; i < history->count; i++) {
        at = take_line(at, &out[count++], base);
    }
    return count;
}

size_t history_size(const struct history *history)
{
    return block_size(history->used);
}

void history_copy(struct history *to, const struct history *history)
{
    memcpy(to, history, block_size(history->used));
    to->room = history->used;
}

void history_renumber(struct history *history, const queue_index *queues)
{
    const struct history_base base = {0, 0};
    uint8_t *at = history->lines;

    history->queue = queues[history->queue];
    for (uint32_t i = 0; i < history->count; i++) {
        struct history_entry e;
        const uint8_t *next = take_line(at, &e, base);
        memcpy(at + offsetof(struct line_head, queue), &queues[e.queue], sizeof(e.queue));
        at = history->lines + (next - history->lines);
    }
}

void history_discard(struct shelf *shelf, block story)
{
    if (story != 0) {
        const struct history *h = shelf_at(shelf, story);
        shelf_give(shelf, story, block_size(h->room));
    }
}

block history_begin(struct shelf *shelf, const struct history_entry *submission, bool told,
                    bool worked)
{
    uint32_t room = worked ? ROOM_WORKED : ROOM_WAITING;
    block story = shelf_take(shelf, block_size(room));
    struct history *h = shelf_at(shelf, story);

    *h = (struct history){
        .room = room, .queue = submission->queue, .kind = submission->kind, .told = told};
    return story;
}

/* The lines in a block with room for `size` bytes more and some; the old one is gone. */
static block widened(struct shelf *shelf, block story, size_t size)
{
    const struct history *old = shelf_at(shelf, story);
    uint32_t room = old->used + (uint32_t)size;
    block wider;
    struct history *h;

    room = room <= ROOM_WORKED ? ROOM_WORKED : room + room / 2;
    wider = shelf_take(shelf, block_size(room));
    h = shelf_at(shelf, wider);
    memcpy(h, old, block_size(old->used));
    h->room = room;
    history_discard(shelf, story);
    return wider;
}

static void drop_oldest(struct history *h)
{
    const struct history_base base = {0, 0};
    struct history_entry e;
    size_t size;

    if (h->told) {
        h->told = false;
        return;
    }
    size = (size_t)(take_line(h->lines, &e, base) - h->lines);
    h->used -= (uint32_t)size;
    h->count--;
    memmove(h->lines, h->lines + size, h->used);
}

block history_add(struct shelf *shelf, block story, struct history_base base,
                  const struct history_entry *entry)
{
    struct history *h = shelf_at(shelf, story);
    struct line_head head;
    size_t size = head_of(entry, base, &head);

    if (h->count + h->told == HISTORY_KEPT) {
        drop_oldest(h);
    }
    if (h->room - h->used < size) {
        story = widened(shelf, story, size);
        h = shelf_at(shelf, story);
    }
    put_line(h->lines + h->used, &head, entry, base);
    h->used += (uint32_t)size;
    h->count++;
    return story;
}

/* ---- of contacts ---- */

struct history_base contact_history_base(const struct contact *c)
{
    return (struct history_base){c->submitted_seq, c->created_at};
}

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
    if (c->history != 0) {
        return history_read(block_at(c, c->history), contact_history_base(c), out);
    }
    out[0] = submission_of(c);
    return 1;
}

void contact_begin_history(struct engine *e, struct contact *c, bool worked)
{
    struct history_entry first = submission_of(c);

    c->history = history_begin(&e->papers, &first, true, worked);
}

/* Whether a line says no more of the submission than the record does. */
static bool is_submission(const struct contact *c, const struct history_entry *entry)
{
    return entry->seq == c->submitted_seq && entry->at == c->created_at &&
           entry->kind == submission_of(c).kind && entry->queue == contact_queue(c) &&
           entry->agent == NULL && entry->reason.bytes == NULL && entry->actor.bytes == NULL;
}

void contact_remember(struct engine *e, struct contact *c, const struct history_entry *entry)
{
    if (c->history == 0) {
        struct history_entry first = submission_of(c);
        if (is_submission(c, entry)) {
            return;
        }
        c->history = history_begin(&e->papers, &first, false, false);
    }
    c->history = history_add(&e->papers, c->history, contact_history_base(c), entry);
}

static RARE void note_long(struct engine *e, struct contact *c, const struct fact *f,
                           struct agent *agent, struct text reason)
{
    const struct history_entry entry = {.seq = f->seq,
                                        .at = f->at,
                                        .kind = (uint8_t)f->kind,
                                        .queue = contact_queue(c),
                                        .agent = agent,
                                        .reason = reason};

    contact_remember(e, c, &entry);
}

/* Most lines tell nothing but what all have and an agent; they are written in one go. */
void contact_note(struct engine *e, struct contact *c, const struct fact *f, struct agent *agent,
                  struct text reason)
{
    const uint32_t size = HEAD_BYTES + sizeof(agent);
    uint64_t seq = f->seq - c->submitted_seq;
    uint64_t at = (uint64_t)f->at - (uint64_t)c->created_at;
    struct history *h = block_at(c, c->history);
    struct line_head head = {.kind = (uint8_t)f->kind,
                             .word = word_at_hand(reason),
                             .queue = contact_queue(c),
                             .seq = (uint32_t)seq,
                             .at = (uint32_t)at,
                             .flags = LINE_AGENT};

    if (agent == NULL || head.word == WORD_COUNT || (seq | at) > UINT32_MAX ||
        h->room - h->used < size || h->count >= HISTORY_KEPT - 1) {
        note_long(e, c, f, agent, reason);
        return;
    }
    put(put_head(h->lines + h->used, &head), &agent, sizeof(agent));
    h->used += size;
    h->count++;
}
