#include "router/checkpointer.h"

#include "router/crash_point.h"
#include "router/log.h"

#define CHECKPOINTER_RECORDS     256    /* a turn: some tens of microseconds */
#define CHECKPOINTER_SLICE_BYTES 262144 /* an entry is closed when it has so many */

/* Of the journal's growth since the last one began, to what they take: facts twice as large as a
 * checkpoint come before the next. */
#define CHECKPOINTER_GROWTH 3

/* The facts of one piece would already let the store free it. But a checkpoint writes all that is
 * remembered of ended contacts, however little has changed; so it waits for more of them, still
 * fewer than a start reads in a second. */
#define CHECKPOINTER_PIECES 2

void checkpointer_init(struct checkpointer *c, uint64_t least_bytes)
{
    memset(c, 0, sizeof(*c));
    c->least_bytes = least_bytes;
}

void checkpointer_close(struct checkpointer *c)
{
    packer_close(&c->slice);
}

void checkpointer_reset(struct checkpointer *c, struct journal *j, uint64_t bytes)
{
    c->journal = j;
    c->last_bytes = bytes;
    c->workspace = NULL;
    c->written = false;
    c->records = 0;
    packer_reset(&c->slice);
}

void checkpointer_forget(struct checkpointer *c, const struct workspace *w)
{
    if (c->workspace == w) {
        c->workspace = NULL;
        c->written = false;
        c->records = 0;
        packer_reset(&c->slice);
    }
}

static void checkpointer_append(struct checkpointer *c, uint32_t flags)
{
    struct journal_entry entry = {.workspace = c->workspace->name,
                                  .kind = ENTRY_CHECKPOINT,
                                  .flags = flags | (c->first ? ENTRY_FIRST : 0),
                                  .seq = c->seq,
                                  .bytes = c->slice.bytes,
                                  .size = c->slice.size};

    packer_array_close(&c->slice, 0, c->records);
    if (!c->first) {
        crash_point_reached(CRASH_INSIDE_CHECKPOINT);
    }
    if (c->first) {
        c->began = journal_next_position(c->journal);
    }
    journal_append(c->journal, &entry);
    c->bytes += c->slice.size;
    c->first = false;
    c->records = 0;
    packer_reset(&c->slice);
}

/* Comes while a checkpoint continues, and while the engine steps and is about to change what is not
 * written yet. */
static void checkpointer_record(void *context, const uint8_t *bytes, size_t size)
{
    struct checkpointer *c = context;

    if (c->records > 0 && c->slice.size + size + 16 > JOURNAL_ENTRY_BYTES_MAX) {
        checkpointer_append(c, 0);
    }
    if (c->records == 0) {
        packer_reset(&c->slice);
        packer_array_open(&c->slice);
    }
    packer_bin(&c->slice, bytes, size);
    c->records++;
}

/* The workspace that holds the journal back the most. */
static struct workspace *checkpointer_choose(const struct checkpointer *c,
                                             struct workspace *const *workspaces, uint32_t count)
{
    journal_position end = journal_next_position(c->journal);
    uint64_t pieces = CHECKPOINTER_PIECES * journal_piece_bytes(c->journal);
    uint64_t least = pieces > c->least_bytes ? pieces : c->least_bytes;
    uint64_t grown = CHECKPOINTER_GROWTH * c->last_bytes;
    uint64_t due = grown > least ? grown : least;
    struct workspace *chosen = NULL;

    for (uint32_t i = 0; i < count; i++) {
        struct workspace *w = workspaces[i];

        if (workspace_is_served(w) && engine_seq(w->engine) > 0 && end - w->keep_from > due &&
            (chosen == NULL || w->keep_from < chosen->keep_from)) {
            chosen = w;
        }
    }
    return chosen;
}

static void checkpointer_begin(struct checkpointer *c, struct workspace *w)
{
    c->workspace = w;
    c->seq = engine_seq(w->engine);
    c->first = true;
    c->bytes = 0;
    c->records = 0;
    engine_checkpoint_begin(w->engine, checkpointer_record, c);
}

bool checkpointer_turn(struct checkpointer *c, struct workspace *const *workspaces, uint32_t count)
{
    bool more;

    if (c->least_bytes == 0 || c->written) {
        return false;
    }
    if (c->workspace == NULL) {
        struct workspace *w = checkpointer_choose(c, workspaces, count);

        if (w == NULL) {
            return false;
        }
        checkpointer_begin(c, w);
    }
    more = engine_checkpoint_continue(c->workspace->engine, CHECKPOINTER_RECORDS);
    if (!more) {
        checkpointer_append(c, ENTRY_LAST);
        c->written = true;
    } else if (c->first || c->slice.size > CHECKPOINTER_SLICE_BYTES) {
        /* The first slice goes out in the turn in which the checkpoint began: recovery reads from
         * it on, so no fact that the checkpoint does not cover may stand before it. */
        checkpointer_append(c, 0);
    }
    return more;
}

bool checkpointer_is_waiting(const struct checkpointer *c)
{
    return c->written;
}

void checkpointer_durable(struct checkpointer *c, struct workspace *const *workspaces,
                          uint32_t count)
{
    struct workspace *w = c->workspace;
    journal_position keep_from = UINT64_MAX;

    w->keep_from = c->began;
    c->workspace = NULL;
    c->written = false;
    c->completed++;
    /* An estimate that forgets slowly is good enough to decide by. */
    c->last_bytes = c->last_bytes / count * (count - 1) + c->bytes;
    for (uint32_t i = 0; i < count; i++) {
        keep_from = workspaces[i]->keep_from < keep_from ? workspaces[i]->keep_from : keep_from;
    }
    journal_trim(c->journal, keep_from);
    log_event(LOG_LEVEL_INFO, "checkpoint", LOG_TEXT("workspace", w->name),
              LOG_NUMBER("seq", c->seq), LOG_NUMBER("bytes", c->bytes),
              LOG_NUMBER("journal_from", keep_from));
}
