#include "router/replay.h"

#include <string.h>

#include "router/crash_point.h"

void replay_init(struct replay *r)
{
    memset(r, 0, sizeof(*r));
}

void replay_close(struct replay *r)
{
    fact_decoder_close(&r->decoder);
}

static bool replay_fail(struct replay *r, const char *problem, uint64_t seq)
{
    r->problem = problem;
    r->problem_seq = seq;
    return false;
}

bool replay_slice(struct replay *r, struct engine *e, uint64_t seq, const uint8_t *bytes,
                  size_t size)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t count;

    crash_point_reached(CRASH_INSIDE_REPLAY);
    if (!cursor_array(&c, &count)) {
        return replay_fail(r, "a slice of a checkpoint is no array", seq);
    }
    for (; count > 0; count--) {
        struct text record;
        const char *wrong;

        if (!cursor_bytes(&c, &record)) {
            return replay_fail(r, "a slice of a checkpoint is cut short", seq);
        }
        wrong = engine_checkpoint_load(e, (const uint8_t *)record.bytes, record.length);
        if (wrong != NULL) {
            return replay_fail(r, wrong, seq);
        }
        r->records++;
    }
    return true;
}

static bool replay_fact(struct replay *r, struct engine *e, struct cursor *c)
{
    struct fact f;
    const char *wrong;
    uint64_t next = engine_seq(e) + 1;

    if (!fact_decode(&r->decoder, c, e, &f)) {
        r->unknown_kind = r->decoder.unknown_kind;
        return replay_fail(r, r->decoder.problem, next);
    }
    wrong = f.seq > next   ? "this fact is missing"
            : f.seq < next ? "a fact comes twice"
                           : engine_apply(e, &f);
    if (f.settings != NULL) {
        settings_release(f.settings);
    }
    if (wrong != NULL) {
        return replay_fail(r, wrong, next);
    }
    r->facts++;
    return true;
}

bool replay_facts(struct replay *r, struct engine *e, uint64_t seq, uint64_t covered,
                  const uint8_t *bytes, size_t size)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t count;

    if (!cursor_array(&c, &count)) {
        return replay_fail(r, "an entry of facts is no array", seq);
    }
    /* What a checkpoint covers is over and done; the numbers of an entry's facts follow one
     * another. */
    for (; count > 0 && seq <= covered; seq++, count--) {
        if (!cursor_skip(&c)) {
            return replay_fail(r, "an entry of facts is cut short", seq);
        }
    }
    if (count > 0) {
        crash_point_reached(CRASH_INSIDE_REPLAY);
    }
    for (; count > 0; count--) {
        if (!replay_fact(r, e, &c)) {
            return false;
        }
    }
    return true;
}
