#include "router/stream/stream_replay.h"

#include <assert.h>

#include "queue/base/memory.h"
#include "router/journal.h"
#include "router/stream/stream_value.h"

/* ---- the frame ---- */

void stream_replay_init(struct stream_replay *r, struct text workspace,
                        const struct stream_replay_events *events)
{
    memset(r, 0, sizeof(*r));
    r->workspace = workspace;
    r->events = *events;
    replay_init(&r->replay);
}

static void stream_replay_drop_engine(struct stream_replay *r)
{
    if (r->engine != NULL) {
        engine_destroy(r->engine);
        r->engine = NULL;
    }
}

static void stream_replay_drop_kept(struct stream_replay *r)
{
    packer_close(&r->kept_bytes);
    packer_init(&r->kept_bytes);
    memory_give(r->kept);
    r->kept = NULL;
    r->kept_count = r->kept_capacity = 0;
}

void stream_replay_close(struct stream_replay *r)
{
    stream_replay_drop_engine(r);
    stream_replay_drop_kept(r);
    replay_close(&r->replay);
    r->state = STREAM_REPLAY_OVER;
}

bool stream_replay_is_whole(const struct stream_replay *r)
{
    return r->state == STREAM_REPLAY_WHOLE;
}

/* ---- verdicts ---- */

static enum stream_verdict stream_replay_say(struct stream_replay *r, enum stream_verdict verdict,
                                             struct stream_id at, const char *what)
{
    char id[STREAM_ID_BYTES];

    stream_id_write(at, id);
    snprintf(r->problem, sizeof(r->problem), "workspace \"" TEXT_FORMAT "\", entry %s: %s",
             TEXT_ARGS(r->workspace), id, what);
    r->state = STREAM_REPLAY_OVER;
    return verdict;
}

static enum stream_verdict stream_replay_damaged(struct stream_replay *r, struct stream_id at,
                                                 const char *what)
{
    return stream_replay_say(r, STREAM_DAMAGED, at, what);
}

/* What the replay said of a fact or a slice. */
static enum stream_verdict stream_replay_refused(struct stream_replay *r, struct stream_id at)
{
    char what[160];

    snprintf(what, sizeof(what), "fact %" PRIu64 ": %s", r->replay.problem_seq, r->replay.problem);
    return stream_replay_say(r, r->replay.unknown_kind ? STREAM_UNKNOWN_KIND : STREAM_DAMAGED, at,
                             what);
}

/* ---- the proof: a checkpoint of our own, of which only the closing record is looked at ---- */

static void stream_replay_swallow(void *context, const uint8_t *bytes, size_t size)
{
    struct stream_replay *r = context;

    if (engine_checkpoint_read_closing(bytes, size, &r->passing.own)) {
        r->passing.written = true;
    }
}

static void stream_replay_abandon_proof(struct stream_replay *r)
{
    if (r->passing.proving && !r->passing.written) {
        engine_checkpoint_abandon(r->engine);
    }
    r->passing.proving = false;
}

bool stream_replay_continue(struct stream_replay *r, size_t records)
{
    return r->passing.proving && !r->passing.written &&
           engine_checkpoint_continue(r->engine, records);
}

/* The first record tells how the owner will count; a newer version may do so in another way, and
 * then there is nothing to compare. */
static void stream_replay_begin_proof(struct stream_replay *r, struct cursor records)
{
    struct text head;
    uint32_t count;

    if (cursor_array(&records, &count) && count > 0 && cursor_bytes(&records, &head) &&
        engine_checkpoint_is_comparable((const uint8_t *)head.bytes, head.length)) {
        r->passing.proving = true;
        engine_checkpoint_begin(r->engine, stream_replay_swallow, r);
    }
}

/* The owner's closing record is the last one of the last slice. */
static bool stream_replay_owner_closed(struct cursor records, struct checkpoint_closing *out)
{
    struct text record = TEXT_NONE;
    uint32_t count;

    if (!cursor_array(&records, &count)) {
        return false;
    }
    for (; count > 0; count--) {
        if (!cursor_bytes(&records, &record)) {
            return false;
        }
    }
    return engine_checkpoint_read_closing((const uint8_t *)record.bytes, record.length, out);
}

static enum stream_verdict stream_replay_judge(struct stream_replay *r, struct stream_id at,
                                               struct cursor records)
{
    struct checkpoint_closing owners;

    while (stream_replay_continue(r, SIZE_MAX)) {
    }
    r->passing.proving = false;
    if (!stream_replay_owner_closed(records, &owners)) {
        return stream_replay_damaged(r, at, "the checkpoint has no closing record");
    }
    if (!checkpoint_closing_equal(owners, r->passing.own)) {
        return stream_replay_damaged(r, at, "the state differs from the owner's");
    }
    r->proofs++;
    return STREAM_TAKEN;
}

/* ---- facts ---- */

/* The number of the fact that must come next. */
static uint64_t stream_replay_next_seq(const struct stream_replay *r)
{
    return r->state == STREAM_REPLAY_LOADING ? r->next_seq : engine_seq(r->engine) + 1;
}

static enum stream_verdict stream_replay_keep(struct stream_replay *r,
                                              const struct stream_read_entry *e)
{
    struct cursor c = cursor_over_text(e->value);
    uint32_t count;

    if (!cursor_array(&c, &count)) {
        return stream_replay_damaged(r, e->id, "an entry of facts is no array");
    }
    if (r->kept_count == r->kept_capacity) {
        r->kept_capacity = r->kept_capacity == 0 ? 64 : r->kept_capacity * 2;
        r->kept = memory_resize(r->kept, r->kept_capacity * sizeof(*r->kept));
    }
    r->kept[r->kept_count++] =
        (struct stream_replay_kept){r->next_seq, r->kept_bytes.size, e->value.length};
    packer_raw(&r->kept_bytes, e->value.bytes, e->value.length);
    r->next_seq += count;
    return STREAM_TAKEN;
}

static enum stream_verdict stream_replay_facts(struct stream_replay *r,
                                               const struct stream_read_entry *e)
{
    uint64_t next = stream_replay_next_seq(r);

    /* By its place, an entry says which its first fact is. */
    if (e->id.place != stream_id_of_facts(r->epoch, next).place) {
        return stream_replay_damaged(r, e->id, "facts are missing before it, or come twice");
    }
    if (r->state == STREAM_REPLAY_LOADING) {
        return stream_replay_keep(r, e);
    }
    if (!replay_facts(&r->replay, r->engine, next, 0, (const uint8_t *)e->value.bytes,
                      e->value.length)) {
        return stream_replay_refused(r, e->id);
    }
    return STREAM_TAKEN;
}

static enum stream_verdict stream_replay_apply_kept(struct stream_replay *r, struct stream_id at)
{
    r->state = STREAM_REPLAY_WHOLE;
    for (size_t i = 0; i < r->kept_count; i++) {
        const struct stream_replay_kept *k = &r->kept[i];

        if (!replay_facts(&r->replay, r->engine, k->seq, r->passing.seq,
                          r->kept_bytes.bytes + k->at, k->size)) {
            return stream_replay_refused(r, at);
        }
    }
    stream_replay_drop_kept(r);
    return STREAM_TAKEN;
}

/* ---- slices ---- */

static void stream_replay_begin_loading(struct stream_replay *r, uint64_t seq)
{
    if (engine_seq(r->engine) > 0 || r->state == STREAM_REPLAY_LOADING) {
        stream_replay_drop_engine(r);
        stream_replay_drop_kept(r);
        r->engine = r->events.create(r->events.context);
    }
    r->state = STREAM_REPLAY_LOADING;
    r->next_seq = seq + 1;
}

static enum stream_verdict stream_replay_load(struct stream_replay *r, struct stream_id at,
                                              uint32_t flags, struct cursor records)
{
    if (!replay_slice(&r->replay, r->engine, r->passing.seq, records.at, cursor_left(&records))) {
        return stream_replay_refused(r, at);
    }
    if ((flags & ENTRY_LAST) == 0) {
        return STREAM_TAKEN;
    }
    if (!engine_checkpoint_loaded(r->engine)) {
        return stream_replay_damaged(r, at, "count and digest of the checkpoint do not agree");
    }
    return stream_replay_apply_kept(r, at);
}

static void stream_replay_first_slice(struct stream_replay *r, const struct stream_read_entry *e,
                                      uint64_t seq, struct cursor records)
{
    stream_replay_abandon_proof(r);
    r->passing = (struct stream_replay_checkpoint){
        .open = true, .first = e->id, .seq = seq, .bytes_before = r->bytes_since_checkpoint};
    if (r->state == STREAM_REPLAY_WHOLE) {
        stream_replay_begin_proof(r, records);
    } else {
        stream_replay_begin_loading(r, seq);
    }
}

/* The last slice has passed: a start may begin at the first one. */
static void stream_replay_complete(struct stream_replay *r)
{
    r->passing.open = false;
    r->bytes_since_checkpoint -= r->passing.bytes_before;
    r->checkpoint_bytes = r->passing.bytes;
    r->checkpoint_first = r->passing.first;
}

static enum stream_verdict stream_replay_slice(struct stream_replay *r,
                                               const struct stream_read_entry *e)
{
    struct cursor c = cursor_over_text(e->value);
    enum stream_verdict verdict = STREAM_TAKEN;
    uint32_t items;
    uint64_t flags, seq;

    if (!cursor_array(&c, &items) || items != 3 || !cursor_uint(&c, &flags) ||
        !cursor_uint(&c, &seq)) {
        return stream_replay_damaged(r, e->id, "this is no slice: [flags, seq, [records]]");
    }
    if ((flags & ENTRY_FIRST) != 0) {
        if (r->state != STREAM_REPLAY_EMPTY && seq + 1 != stream_replay_next_seq(r)) {
            return stream_replay_damaged(r, e->id, "a checkpoint is not as of the last fact");
        }
        stream_replay_first_slice(r, e, seq, c);
    } else if (!r->passing.open || seq != r->passing.seq) {
        return stream_replay_damaged(r, e->id, "a slice of a checkpoint whose first is missing");
    }
    r->passing.bytes += e->value.length;
    r->bytes_since_checkpoint += e->value.length;
    if (r->state == STREAM_REPLAY_LOADING) {
        verdict = stream_replay_load(r, e->id, (uint32_t)flags, c);
    } else if (r->passing.proving && (flags & ENTRY_LAST) != 0) {
        verdict = stream_replay_judge(r, e->id, c);
    }
    if (verdict == STREAM_TAKEN && (flags & ENTRY_LAST) != 0) {
        stream_replay_complete(r);
    }
    return verdict;
}

/* ---- entries ---- */

static bool stream_replay_begins_checkpoint(const struct stream_read_entry *e)
{
    struct cursor c = cursor_over_text(e->value);
    uint32_t items;
    uint64_t flags;

    return e->field == 'c' && cursor_array(&c, &items) && cursor_uint(&c, &flags) &&
           (flags & ENTRY_FIRST) != 0;
}

/* With what a stream may begin: fact 1, an epoch before it, or, trimmed, a checkpoint. */
static enum stream_verdict stream_replay_begin(struct stream_replay *r,
                                               const struct stream_read_entry *e)
{
    bool checkpoint = stream_replay_begins_checkpoint(e);

    if (!checkpoint && !(e->field == 'e' && e->id.place == 0) &&
        !(e->field == 'b' && e->id.place == stream_id_of_facts(0, 1).place)) {
        return stream_replay_damaged(
            r, e->id, "the stream begins with neither its first fact nor a checkpoint");
    }
    r->engine = r->events.create(r->events.context);
    r->state = checkpoint ? STREAM_REPLAY_EMPTY : STREAM_REPLAY_WHOLE;
    r->epoch = e->field == 'e' ? 0 : e->id.epoch;
    return STREAM_TAKEN;
}

static enum stream_verdict stream_replay_raise(struct stream_replay *r,
                                               const struct stream_read_entry *e)
{
    if (e->id.place != r->end.place) {
        return stream_replay_say(r, STREAM_DIVERGED, e->id,
                                 "an epoch was raised at another place than the last entry's");
    }
    if (e->id.epoch <= r->epoch) {
        return stream_replay_damaged(r, e->id, "an epoch was raised to a lower one");
    }
    stream_replay_abandon_proof(r);
    r->epoch = e->id.epoch;
    r->bytes_since_checkpoint += e->value.length;
    return STREAM_TAKEN;
}

/* Facts and slices stand behind what is known of the stream, in its epoch. */
static enum stream_verdict stream_replay_check_place(struct stream_replay *r,
                                                     const struct stream_read_entry *e)
{
    bool in_epoch = e->id.epoch == r->epoch;

    if (e->field == 'c' && r->state != STREAM_REPLAY_EMPTY &&
        (!in_epoch || e->id.place != r->end.place + 1)) {
        return stream_replay_begins_checkpoint(e)
                   ? stream_replay_say(r, STREAM_DIVERGED, e->id,
                                       "the stream was trimmed beyond what was read")
                   : stream_replay_damaged(r, e->id, "something is missing before this slice");
    }
    return in_epoch ? STREAM_TAKEN
                    : stream_replay_damaged(r, e->id, "its epoch is not the last that was raised");
}

static enum stream_verdict stream_replay_take(struct stream_replay *r,
                                              const struct stream_read_entry *e)
{
    enum stream_verdict verdict;

    if (e->field == 'e') {
        return stream_replay_raise(r, e);
    }
    if (e->field != 'b' && e->field != 'c') {
        return stream_replay_say(r, STREAM_UNKNOWN_KIND, e->id,
                                 "an entry of a kind that this version does not know");
    }
    verdict = stream_replay_check_place(r, e);
    if (verdict != STREAM_TAKEN) {
        return verdict;
    }
    if (e->field == 'c') {
        return stream_replay_slice(r, e);
    }
    r->bytes_since_checkpoint += e->value.length;
    return stream_replay_facts(r, e);
}

static enum stream_verdict stream_replay_plain(struct stream_replay *r,
                                               const struct stream_read_entry *e)
{
    enum stream_verdict verdict = STREAM_TAKEN;

    if (r->engine == NULL) {
        verdict = stream_replay_begin(r, e);
    }
    if (verdict == STREAM_TAKEN) {
        verdict = stream_replay_take(r, e);
    }
    if (verdict == STREAM_TAKEN) {
        r->end = e->id;
    }
    return verdict;
}

enum stream_verdict stream_replay_entry(struct stream_replay *r, const struct stream_read_entry *e)
{
    struct packer room; /* not kept: a standby has a replay for each of a thousand workspaces */
    struct stream_read_entry plain;
    enum stream_verdict verdict;
    const char *wrong;

    assert(r->state != STREAM_REPLAY_OVER);
    packer_init(&room);
    wrong = stream_value_read(e, &room, &plain);
    verdict =
        wrong == NULL ? stream_replay_plain(r, &plain) : stream_replay_damaged(r, e->id, wrong);
    packer_close(&room);
    return verdict;
}

struct engine *stream_replay_take_engine(struct stream_replay *r)
{
    struct engine *e = r->engine;

    assert(r->state == STREAM_REPLAY_WHOLE || r->state == STREAM_REPLAY_EMPTY);
    stream_replay_abandon_proof(r);
    r->engine = NULL;
    r->state = STREAM_REPLAY_OVER;
    return e != NULL ? e : r->events.create(r->events.context);
}
