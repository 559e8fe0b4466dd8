#include "router/stream/journal_stream.h"

#include <assert.h>

#include "queue/base/defect.h"
#include "queue/base/id_map.h"
#include "queue/base/memory.h"
#include "router/journal_store.h"

/* Positions begin far enough from 0 for what was there before we came. */
#define JOURNAL_STREAM_BEGIN (UINT64_C(1) << 48)
/* About what an entry takes in Redis beside its bytes. */
#define JOURNAL_STREAM_ENTRY_OVERHEAD 64u

/* A batch: what one turn of the loop handed over, to however many streams. */
struct stream_commit {
    struct list_node in_journal;
    uint32_t parts_left; /* streams that have not confirmed theirs */
    journal_done done;
    void *context;
};

/* One workspace's stream. */
struct stream_part {
    struct stream_tail *tail;
    struct stream_desk *desk;
    struct list_node in_filled;     /* it has something that is not handed over */
    struct stream_id slice_first;   /* of the checkpoint that is being written */
    bool slice_last;                /* its last slice is being filled */
    struct stream_batch *trim_when; /* has it, and is not confirmed; then trim to: */
    struct stream_id trim_to;
};

struct journal_stream {
    struct journal journal;
    struct journal_stream_rules rules;
    uv_idle_t frame; /* never active: it only calls `closed` from the loop */
    struct id_map parts;
    struct list filled;
    struct list commits;
    struct stream_commit *next; /* the one that is being filled */
    uint64_t filled_bytes, filled_entries;
    journal_position position;
    struct journal_stats stats;
    bool closing, settling;
    void (*closed)(void *context);
    void *closed_context;
};

static struct journal_stream *journal_stream_of(struct journal *j)
{
    return (struct journal_stream *)j;
}

static struct text stream_part_name(const void *item)
{
    return ((const struct stream_part *)item)->tail->workspace;
}

static struct stream_part *stream_part_find(const struct journal_stream *s, struct text workspace)
{
    struct stream_part *p = id_map_find(&s->parts, workspace);

    assert(p != NULL); /* nobody appends for a workspace that this node does not own */
    return p;
}

/* ---- answering ---- */

void journal_stream_settle(struct journal *j)
{
    struct journal_stream *s = journal_stream_of(j);
    struct list_node *n;

    if (s->settling) {
        return; /* an answer has made a commit */
    }
    s->settling = true;
    while ((n = list_first(&s->commits)) != NULL) {
        struct stream_commit *c = record_of(n, struct stream_commit, in_journal);

        if (c->parts_left > 0 || !s->rules.in_force(s->rules.context)) {
            break;
        }
        list_remove(n);
        s->stats.in_flight--;
        c->done(c->context, JOURNAL_OK);
        memory_give(c);
    }
    s->settling = false;
}

static void stream_commit_confirmed(struct stream_commit *c)
{
    if (!DEFECT(ANSWERS_BEFORE_JOURNAL)) {
        assert(c->parts_left > 0);
        c->parts_left--;
    }
}

void journal_stream_confirmed(struct journal *j, struct stream_batch *b, void *owner)
{
    struct stream_part *p = stream_part_find(journal_stream_of(j), b->tail->workspace);

    stream_commit_confirmed(owner);
    if (p->trim_when == b) {
        p->trim_when = NULL;
        stream_desk_trim(p->desk, p->tail, p->trim_to);
    }
    journal_stream_settle(j);
}

/* ---- workspaces come and go ---- */

journal_position journal_stream_take(struct journal *j, struct stream_tail *t,
                                     struct stream_desk *d, uint64_t grown)
{
    struct journal_stream *s = journal_stream_of(j);
    struct stream_part *p = memory_take(sizeof(*p));

    p->tail = t;
    p->desk = d;
    id_map_insert(&s->parts, p);
    return s->position - (grown < JOURNAL_STREAM_BEGIN ? grown : JOURNAL_STREAM_BEGIN);
}

void journal_stream_drop(struct journal *j, struct stream_tail *t)
{
    struct journal_stream *s = journal_stream_of(j);
    struct stream_part *p = stream_part_find(s, t->workspace);

    if (list_linked(&t->in_desk)) {
        stream_desk_remove(p->desk, t);
    }
    if (list_linked(&p->in_filled)) {
        list_remove(&p->in_filled);
        s->filled_bytes -= t->filled;
    }
    for (struct list_node *n = list_first(&t->open); n != NULL; n = list_next(&t->open, n)) {
        struct stream_batch *b = record_of(n, struct stream_batch, in_tail);

        if (b->owner != NULL && !stream_batch_is_raise(b)) {
            stream_commit_confirmed(b->owner);
        }
        b->owner = NULL;
    }
    id_map_remove(&s->parts, p);
    memory_give(p);
    journal_stream_settle(j);
}

/* ---- appending ---- */

static void journal_stream_append(struct journal *j, const struct journal_entry *entry)
{
    struct journal_stream *s = journal_stream_of(j);
    struct stream_part *p = stream_part_find(s, entry->workspace);
    size_t before = p->tail->filled;
    uint64_t size;

    assert(!s->closing);
    stream_tail_add(p->tail, entry);
    if (!list_linked(&p->in_filled)) {
        list_append(&s->filled, &p->in_filled);
    }
    if (entry->kind == ENTRY_CHECKPOINT && (entry->flags & ENTRY_FIRST) != 0) {
        p->slice_first = p->tail->end;
    }
    if (entry->kind == ENTRY_CHECKPOINT && (entry->flags & ENTRY_LAST) != 0) {
        p->slice_last = true;
    }
    size = p->tail->filled - before;
    s->filled_bytes += size;
    s->filled_entries++;
    s->position += size + JOURNAL_STREAM_ENTRY_OVERHEAD;
}

static size_t journal_stream_filled(const struct journal *j)
{
    return (size_t)((const struct journal_stream *)j)->filled_bytes;
}

static void stream_part_hand_over(struct journal_stream *s, struct stream_part *p)
{
    struct stream_batch *b;

    list_remove(&p->in_filled);
    s->filled_bytes -= p->tail->filled;
    b = stream_tail_hand_over(p->tail);
    s->stats.bytes += b->bytes.size;
    b->owner = s->next;
    s->next->parts_left += !DEFECT(ANSWERS_BEFORE_JOURNAL);
    if (p->slice_last) {
        p->slice_last = false;
        p->trim_when = b;
        p->trim_to = p->slice_first;
    }
}

bool journal_stream_hand_over(struct journal *j, struct stream_tail *t)
{
    struct journal_stream *s = journal_stream_of(j);
    struct stream_part *p = stream_part_find(s, t->workspace);

    if (list_linked(&p->in_filled)) {
        stream_part_hand_over(s, p);
    }
    return !list_empty(&t->open);
}

/* One send for each desk, when all streams behind it have handed over. */
static void journal_stream_send(struct list *handed)
{
    struct stream_desk *sent = NULL;
    struct list_node *n;

    while ((n = list_first(handed)) != NULL) {
        struct stream_part *p = record_of(n, struct stream_part, in_filled);

        list_remove(n);
        if (p->desk != sent) {
            sent = p->desk;
            stream_desk_send(sent);
        }
    }
}

static void journal_stream_commit(struct journal *j, journal_done done, void *context)
{
    struct journal_stream *s = journal_stream_of(j);
    struct stream_commit *c = s->next;
    struct list handed;
    struct list_node *n;

    assert(!s->closing);
    list_init(&handed);
    c->done = done;
    c->context = context;
    list_append(&s->commits, &c->in_journal);
    s->stats.batches++;
    s->stats.entries += s->filled_entries;
    s->stats.in_flight++;
    s->filled_entries = 0;
    while ((n = list_first(&s->filled)) != NULL) {
        struct stream_part *p = record_of(n, struct stream_part, in_filled);

        stream_part_hand_over(s, p);
        list_append(&handed, n);
    }
    s->next = memory_take(sizeof(*s->next));
    journal_stream_send(&handed);
    journal_stream_settle(j);
}

/* ---- what else a journal is asked ---- */

static journal_position journal_stream_next_position(const struct journal *j)
{
    return ((const struct journal_stream *)j)->position;
}

static void journal_stream_trim(struct journal *j, journal_position keep_from)
{
    (void)j; /* each stream is trimmed when its checkpoint is confirmed */
    (void)keep_from;
}

static uint64_t journal_stream_piece_bytes(const struct journal *j)
{
    (void)j;
    return 1; /* it frees entry by entry */
}

static void journal_stream_get_stats(const struct journal *j, struct journal_stats *out)
{
    *out = ((const struct journal_stream *)j)->stats;
}

/* Nothing fails for good here: a desk goes on trying, and says itself why it must. */
static const char *journal_stream_problem(const struct journal *j)
{
    (void)j;
    return "";
}

/* Ports of it come with their reactors, and what streams hold is read by stream_reader. */
static enum journal_status journal_stream_join(struct journal *opened, uv_loop_t *loop,
                                               struct journal **out, char *problem, size_t size)
{
    (void)problem;
    (void)size;
    *out = journal_stream_open(loop, &journal_stream_of(opened)->rules);
    return JOURNAL_OK;
}

static enum journal_status journal_stream_read(struct journal *j, journal_position from,
                                               journal_visit visit, void *context, char *problem,
                                               size_t size)
{
    (void)j;
    (void)from;
    (void)visit;
    (void)context;
    snprintf(problem, size, "streams in Redis are read as they grow, by stream_reader");
    return JOURNAL_INVALID;
}

static void journal_stream_closed(uv_handle_t *handle)
{
    struct journal_stream *s = handle->data;
    void (*closed)(void *context) = s->closed;
    void *context = s->closed_context;

    id_map_close(&s->parts);
    memory_give(s->next);
    memory_give(s);
    if (closed != NULL) {
        closed(context);
    }
}

/* What was not confirmed by now never will be told. */
static void journal_stream_destroy(struct journal *j, void (*closed)(void *context), void *context)
{
    struct journal_stream *s = journal_stream_of(j);
    struct list_node *n;

    assert(!s->closing && id_map_count(&s->parts) == 0);
    s->closing = true;
    s->closed = closed;
    s->closed_context = context;
    while ((n = list_first(&s->commits)) != NULL) {
        struct stream_commit *c = record_of(n, struct stream_commit, in_journal);

        list_remove(n);
        c->done(c->context, JOURNAL_FAILED);
        memory_give(c);
    }
    uv_close((uv_handle_t *)&s->frame, journal_stream_closed);
}

static const struct journal_operations journal_stream_operations = {
    .join = journal_stream_join,
    .keeps = true,
    .piece_bytes = journal_stream_piece_bytes,
    .read = journal_stream_read,
    .append = journal_stream_append,
    .filled = journal_stream_filled,
    .commit = journal_stream_commit,
    .next_position = journal_stream_next_position,
    .trim = journal_stream_trim,
    .get_stats = journal_stream_get_stats,
    .problem = journal_stream_problem,
    .destroy = journal_stream_destroy,
};

struct journal *journal_stream_open(uv_loop_t *loop, const struct journal_stream_rules *rules)
{
    /* Names of workspaces come from our own configuration: nobody chooses them to collide. */
    static const uint64_t seed[2] = {UINT64_C(0x2545f4914f6cdd1d), UINT64_C(0x9e3779b97f4a7c15)};
    struct journal_stream *s = memory_take(sizeof(*s));

    s->journal.operations = &journal_stream_operations;
    s->rules = *rules;
    s->position = JOURNAL_STREAM_BEGIN;
    id_map_init(&s->parts, stream_part_name, seed);
    list_init(&s->filled);
    list_init(&s->commits);
    s->next = memory_take(sizeof(*s->next));
    uv_idle_init(loop, &s->frame);
    s->frame.data = s;
    return &s->journal;
}
