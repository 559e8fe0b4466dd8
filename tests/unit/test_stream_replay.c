/* Streams become engines: from every beginning, with epochs and checkpoints in between, and not a
 * step further than what stands there allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_stream_play.h"

static int setup(void **state)
{
    struct stream_play *p = calloc(1, sizeof(*p));

    stream_play_init(p, 1, "calm");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct stream_play *p = *state;

    stream_play_close(p);
    free(p);
    return 0;
}

static void turns(struct stream_play *p, unsigned count)
{
    for (; count > 0; count--) {
        stream_owner_turn(&p->owner, 5);
    }
}

/* A checkpoint with turns between its slices. Returns the index of its first one. */
static size_t checkpoint(struct stream_play *p)
{
    size_t first = p->owner.count;

    stream_owner_begin_checkpoint(&p->owner);
    do {
        turns(p, 2);
    } while (stream_owner_continue_checkpoint(&p->owner, STREAM_PLAY_SLICE));
    return first;
}

static void expect(struct stream_play *p, enum stream_verdict verdict, struct stream_read_entry e,
                   const char *words)
{
    assert_int_equal(stream_play_give(p, e), verdict);
    if (strstr(p->replay.problem, words) == NULL) {
        fail_msg("\"%s\" and not: %s", p->replay.problem, words);
    }
    assert_false(stream_replay_is_whole(&p->replay));
}

/* ---- beginnings ---- */

static void test_from_the_first_fact(void **state)
{
    struct stream_play *p = *state;

    turns(p, 300);
    assert_false(stream_replay_is_whole(&p->replay));
    stream_play_between(p, 0, 1);
    assert_true(stream_replay_is_whole(&p->replay));
    stream_play_all(p, 1);
    stream_play_same(p);
    assert_int_equal(p->replay.replay.facts, engine_seq(p->owner.engine));
    assert_int_equal(p->replay.replay.records, 0);
}

static void test_from_an_epoch_before_it(void **state)
{
    struct stream_play *p = *state;

    expect(p, STREAM_DAMAGED, (struct stream_read_entry){{65536, 5}, 'e', TEXT("me")},
           "begins with neither");
    stream_play_again(p);
    assert_int_equal(stream_play_give(p, (struct stream_read_entry){{65537, 0}, 'e', TEXT("me")}),
                     STREAM_TAKEN);
    assert_true(stream_replay_is_whole(&p->replay));
    assert_int_equal(engine_seq(p->replay.engine), 0);
    stream_play_all(p, 0);
    stream_play_same(p);
}

static void test_an_empty_stream_is_an_empty_engine(void **state)
{
    struct stream_play *p = *state;
    struct engine *e;

    assert_false(stream_replay_is_whole(&p->replay));
    e = stream_replay_take_engine(&p->replay);
    assert_int_equal(engine_seq(e), 0);
    engine_destroy(e);
}

/* Trimmed: nothing is whole before the last slice, and then everything is, with the facts between.
 */
static void test_from_a_checkpoint(void **state)
{
    struct stream_play *p = *state;
    size_t first, last;
    uint64_t seq;

    turns(p, 400);
    seq = engine_seq(p->owner.engine);
    first = checkpoint(p);
    last = p->owner.count - 1;
    turns(p, 20);
    assert_true(last - first > 10);
    stream_play_between(p, first, last);
    assert_false(stream_replay_is_whole(&p->replay));
    assert_int_equal(p->replay.replay.facts, 0);
    stream_play_between(p, last, last + 1);
    assert_true(stream_replay_is_whole(&p->replay));
    assert_true(p->replay.replay.records > 20 && p->replay.replay.facts > 20);
    stream_play_all(p, last + 1);
    stream_play_same(p);
    assert_int_equal(p->replay.replay.facts, engine_seq(p->owner.engine) - seq);
    assert_int_equal(p->replay.proofs, 0);
}

/* The checkpoint that it begins with was given up; the one behind it counts. */
static void test_from_a_checkpoint_that_was_given_up(void **state)
{
    struct stream_play *p = *state;
    size_t first = p->owner.count;

    turns(p, 200);
    first = p->owner.count;
    stream_owner_begin_checkpoint(&p->owner);
    turns(p, 3);
    stream_owner_continue_checkpoint(&p->owner, 1);
    turns(p, 3);
    stream_owner_raise(&p->owner, 131074);
    checkpoint(p);
    stream_play_all(p, first);
    stream_play_same(p);
}

static void test_epochs_stand_anywhere(void **state)
{
    struct stream_play *p = *state;
    size_t first;

    turns(p, 100);
    stream_owner_raise(&p->owner, 131074);
    stream_owner_raise(&p->owner, 131075);
    turns(p, 10);
    first = p->owner.count;
    stream_owner_begin_checkpoint(&p->owner);
    stream_owner_raise(&p->owner, 196609);
    turns(p, 3);
    stream_owner_continue_checkpoint(&p->owner, STREAM_PLAY_SLICE);
    stream_owner_raise(&p->owner, 262145);
    while (stream_owner_continue_checkpoint(&p->owner, STREAM_PLAY_SLICE)) {
    }
    turns(p, 3);
    stream_play_all(p, 0);
    stream_play_same(p);
    stream_play_again(p);
    stream_play_all(p, first);
    stream_play_same(p);
    assert_int_equal(p->replay.epoch, 262145);
}

/* ---- proofs ---- */

static void test_a_checkpoint_that_passes_by_is_a_proof(void **state)
{
    struct stream_play *p = *state;

    turns(p, 200);
    checkpoint(p);
    turns(p, 50);
    checkpoint(p);
    stream_play_all(p, 0);
    stream_play_same(p);
    assert_int_equal(p->replay.proofs, 2);
    assert_int_equal(p->replay.replay.records, 0);
}

/* In pieces between entries, and so in another order than the owner's. */
static void test_a_proof_in_pieces(void **state)
{
    struct stream_play *p = *state;
    unsigned more = 0;

    turns(p, 400);
    checkpoint(p);
    for (size_t i = 0; i < p->owner.count; i++) {
        stream_play_between(p, i, i + 1);
        more += stream_replay_continue(&p->replay, 7);
    }
    assert_true(more > 3);
    assert_false(stream_replay_continue(&p->replay, 7));
    assert_int_equal(p->replay.proofs, 1);
    stream_play_same(p);
}

static void test_a_checkpoint_given_up_is_no_proof(void **state)
{
    struct stream_play *p = *state;

    turns(p, 100);
    stream_owner_begin_checkpoint(&p->owner);
    stream_owner_continue_checkpoint(&p->owner, 1);
    checkpoint(p);
    stream_play_all(p, 0);
    assert_int_equal(p->replay.proofs, 1);
    stream_owner_begin_checkpoint(&p->owner);
    stream_owner_raise(&p->owner, 131074);
    while (stream_owner_continue_checkpoint(&p->owner, STREAM_PLAY_SLICE)) {
    }
    stream_play_again(p);
    stream_play_all(p, 0);
    assert_int_equal(p->replay.proofs, 1);
    assert_int_equal(p->replay.checkpoint_first.epoch, STREAM_OWNER_EPOCH);
    checkpoint(p);
    stream_play_again(p);
    stream_play_all(p, 0);
    assert_int_equal(p->replay.proofs, 2);
    assert_int_equal(p->replay.checkpoint_first.epoch, 131074);
}

/* Entries' bytes, altered: the owner's subjects get another spelling wherever a fact has one. */
static void alter_facts(struct stream_play *p, const char *from, const char *to)
{
    size_t length = strlen(from);
    unsigned altered = 0;

    for (size_t i = 0; i < p->owner.count; i++) {
        const struct stream_owner_entry *e = &p->owner.entries[i];
        uint8_t *at = p->owner.values.bytes + e->at;
        uint8_t *end = at + e->size;

        while (e->field == 'b' && (at = memmem(at, (size_t)(end - at), from, length)) != NULL) {
            memcpy(at, to, length);
            altered++;
        }
    }
    assert_true(altered > 10);
}

static void test_a_state_that_differs(void **state)
{
    struct stream_play *p = *state;
    size_t last;

    turns(p, 400);
    checkpoint(p);
    last = p->owner.count - 1;
    alter_facts(p, "a subject", "A subject");
    stream_play_between(p, 0, last);
    expect(p, STREAM_DAMAGED, stream_owner_entry(&p->owner, last),
           "the state differs from the owner's");
}

/* ---- what the next checkpoint is decided by ---- */

static uint64_t bytes_between(struct stream_play *p, size_t from, size_t to, const char *fields)
{
    uint64_t bytes = 0;

    for (; from < to; from++) {
        const struct stream_owner_entry *e = &p->owner.entries[from];

        bytes += strchr(fields, e->field) != NULL ? e->size : 0;
    }
    return bytes;
}

static void test_growth_is_counted_from_the_last_checkpoint(void **state)
{
    struct stream_play *p = *state;
    size_t first, last, end;

    turns(p, 100);
    stream_play_all(p, 0);
    assert_int_equal(p->replay.bytes_since_checkpoint, bytes_between(p, 0, p->owner.count, "bce"));
    assert_int_equal(p->replay.checkpoint_bytes, 0);
    end = p->owner.count;
    first = checkpoint(p);
    last = p->owner.count;
    turns(p, 5);
    stream_owner_begin_checkpoint(&p->owner); /* one that is not over counts as growth */
    turns(p, 5);
    stream_play_all(p, end);
    assert_int_equal(p->replay.bytes_since_checkpoint,
                     bytes_between(p, first, p->owner.count, "bce"));
    assert_int_equal(p->replay.checkpoint_bytes, bytes_between(p, first, last, "c"));
    assert_true(stream_id_equal(p->replay.checkpoint_first, p->owner.entries[first].id));
    stream_play_again(p);
    stream_play_all(p, first);
    assert_int_equal(p->replay.bytes_since_checkpoint,
                     bytes_between(p, first, p->owner.count, "bce"));
    assert_int_equal(p->replay.checkpoint_bytes, bytes_between(p, first, last, "c"));
}

/* ---- begin anew ---- */

static void test_an_epoch_raised_elsewhere(void **state)
{
    struct stream_play *p = *state;

    turns(p, 10);
    stream_play_all(p, 0);
    expect(p, STREAM_DIVERGED,
           (struct stream_read_entry){
               {131074, p->owner.entries[p->owner.count - 2].id.place}, 'e', TEXT("another")},
           "another place");
}

static void test_trimmed_beyond_what_was_read(void **state)
{
    struct stream_play *p = *state;
    size_t first;

    turns(p, 50);
    first = checkpoint(p);
    stream_play_between(p, 0, first - 1);
    expect(p, STREAM_DIVERGED, stream_owner_entry(&p->owner, first), "trimmed");
    stream_play_again(p);
    stream_play_all(p, first);
    stream_play_same(p);
    first = checkpoint(p);
    stream_play_again(p);
    stream_play_between(p, first, first + 2);
    turns(p, 2);
    first = checkpoint(p);
    expect(p, STREAM_DIVERGED, stream_owner_entry(&p->owner, first), "trimmed");
}

/* ---- what a newer version writes ---- */

/* An entry of one fact behind all that the owner has written. */
static struct stream_read_entry one_fact(struct stream_play *p, struct packer *value,
                                         const char *kind)
{
    uint64_t seq = engine_seq(p->owner.engine) + 1;

    packer_init(value);
    packer_array(value, 1);
    packer_array(value, 5);
    packer_uint(value, seq);
    packer_int(value, p->owner.now);
    packer_text(value, text_from(kind));
    packer_text(value, TEXT("c1"));
    packer_map(value, 0);
    return (struct stream_read_entry){stream_id_of_facts(STREAM_OWNER_EPOCH, seq),
                                      'b',
                                      {(const char *)value->bytes, (uint32_t)value->size}};
}

static void test_a_fact_of_an_unknown_kind(void **state)
{
    struct stream_play *p = *state;
    struct stream_read_entry e;
    struct packer value;
    size_t first;

    e = one_fact(p, &value, "contact_dreamt");
    stream_play_all(p, 0);
    expect(p, STREAM_UNKNOWN_KIND, e, "a kind that this version does not know");
    stream_play_again(p);
    packer_close(&value);
    first = p->owner.count;
    stream_owner_begin_checkpoint(&p->owner);
    stream_play_all(p, first);
    e = one_fact(p, &value, "contact_dreamt"); /* between two slices: seen when it is applied */
    assert_int_equal(stream_play_give(p, e), STREAM_TAKEN);
    stream_owner_continue_checkpoint(&p->owner, SIZE_MAX);
    e = stream_owner_entry(&p->owner, first + 1);
    e.id.place = p->replay.end.place + 1;
    expect(p, STREAM_UNKNOWN_KIND, e, "a kind that this version does not know");
    packer_close(&value);
}

static void test_an_entry_of_an_unknown_kind(void **state)
{
    struct stream_play *p = *state;

    stream_play_all(p, 0);
    expect(p, STREAM_UNKNOWN_KIND,
           (struct stream_read_entry){stream_id_of_slice(65537, p->replay.end), 'z', TEXT("?")},
           "an entry of a kind");
}

/* Where its format is not ours, there is nothing to compare, and nothing is wrong. */
static void test_a_checkpoint_of_another_format_is_no_proof(void **state)
{
    struct stream_play *p = *state;
    size_t first;

    turns(p, 10);
    first = checkpoint(p);
    /* [flags, seq, [record, ...]]: the version is the second byte of the first record */
    for (size_t i = first; i < p->owner.count; i++) {
        struct stream_owner_entry *e = &p->owner.entries[i];
        struct cursor c = cursor_over(p->owner.values.bytes + e->at, e->size);
        struct text record;
        uint32_t items;
        uint64_t n;

        if (i == first) {
            assert_true(cursor_array(&c, &items) && cursor_uint(&c, &n) && cursor_uint(&c, &n) &&
                        cursor_array(&c, &items) && cursor_bytes(&c, &record));
            ((uint8_t *)(uintptr_t)record.bytes)[1]++;
        }
    }
    stream_play_all(p, 0);
    assert_int_equal(p->replay.proofs, 0);
    stream_play_same(p);
    stream_play_again(p);
    expect(p, STREAM_DAMAGED, stream_owner_entry(&p->owner, first), "of another version");
}

/* ---- damage ---- */

static struct stream_read_entry with_value(struct stream_read_entry e, const char *bytes,
                                           uint32_t size)
{
    e.value = (struct text){bytes, size};
    return e;
}

static void test_a_stream_that_begins_in_the_middle(void **state)
{
    struct stream_play *p = *state;
    size_t first;

    turns(p, 20);
    first = checkpoint(p);
    for (size_t i = 1; i < p->owner.count; i++) {
        if (i != first) {
            expect(p, STREAM_DAMAGED, stream_owner_entry(&p->owner, i), "begins with neither");
            stream_play_again(p);
        }
    }
}

/* Any entry that is left out, or comes twice, is noticed at the next; also while loading. */
static void test_missing_and_repeated_entries(void **state)
{
    struct stream_play *p = *state;
    size_t first, begin;

    turns(p, 10);
    first = checkpoint(p);
    turns(p, 1);
    for (unsigned loading = 0; loading < 2; loading++) {
        begin = loading ? first : 0;
        for (size_t i = begin + 1; i + 1 < p->owner.count; i++) {
            bool trimmed = i + 1 == first; /* looks as if it had been */

            if (p->owner.entries[i].field == 'c' && p->owner.entries[i + 1].field == 'b') {
                continue; /* a slice leaves no hole among the facts; the digest tells */
            }
            stream_play_between(p, begin, i);
            expect(p, trimmed ? STREAM_DIVERGED : STREAM_DAMAGED,
                   stream_owner_entry(&p->owner, i + 1), trimmed ? "trimmed" : "missing before");
            stream_play_again(p);
            stream_play_between(p, begin, i);
            assert_int_not_equal(stream_play_give(p, stream_owner_entry(&p->owner, i - 1)),
                                 STREAM_TAKEN);
            stream_play_again(p);
        }
    }
}

static void test_epochs_that_nobody_raised(void **state)
{
    struct stream_play *p = *state;
    struct stream_read_entry e;

    turns(p, 3);
    for (unsigned higher = 0; higher < 2; higher++) {
        stream_play_between(p, 0, p->owner.count - 1);
        e = stream_owner_entry(&p->owner, p->owner.count - 1);
        e.id.epoch += higher ? 1 : (uint64_t)-1;
        expect(p, STREAM_DAMAGED, e, "its epoch");
        stream_play_again(p);
    }
    stream_play_all(p, 0);
    e = (struct stream_read_entry){{65536, p->replay.end.place}, 'e', TEXT("late")};
    expect(p, STREAM_DAMAGED, e, "lower");
}

static void test_values_that_make_no_sense(void **state)
{
    struct stream_play *p = *state;
    struct stream_read_entry facts, slice;
    size_t first;

    turns(p, 3);
    first = checkpoint(p);
    facts = stream_owner_entry(&p->owner, first - 1);
    slice = stream_owner_entry(&p->owner, first);
    const struct {
        struct stream_read_entry e;
        const char *words;
    } rows[] = {
        {with_value(facts, "\xa1x", 2), "an entry of facts is no array"},
        {with_value(facts, "\x91\x01", 2), "this is no fact"},
        {with_value(facts, facts.value.bytes, facts.value.length / 2), "fact"},
        {with_value(slice, "\x90", 1), "this is no slice"},
        {with_value(slice, "\x93\x01\xa1x\x90", 5), "this is no slice"},
        {with_value(slice, "\x93\x01\x01\x90", 4), "not as of the last fact"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        stream_play_between(p, 0, rows[i].e.field == 'b' ? first - 1 : first);
        expect(p, STREAM_DAMAGED, rows[i].e, rows[i].words);
        stream_play_again(p);
    }
    slice.value.length /= 2;
    expect(p, STREAM_DAMAGED, slice, "cut short");
    stream_play_again(p);
    expect(p, STREAM_DAMAGED, with_value(slice, "\x93\x01\x01\x01", 4), "no array");
    stream_play_again(p);
    stream_play_between(p, first, first + 1);
    assert_int_equal(p->owner.entries[first + 1].field, 'b');
    expect(p, STREAM_DAMAGED, with_value(stream_owner_entry(&p->owner, first + 1), "\x01", 1),
           "an entry of facts is no array");
    stream_play_again(p);
    slice.field = 'C';
    expect(p, STREAM_DAMAGED, with_value(slice, "\x02\0\0\0\xff", 5), "cannot be unpacked");
}

/* What comes of reading up to `last`, one entry left out; then begin anew. */
static enum stream_verdict read_without(struct stream_play *p, size_t first, size_t last,
                                        size_t missing)
{
    enum stream_verdict verdict = STREAM_TAKEN;

    for (size_t i = first; i <= last && verdict == STREAM_TAKEN; i++) {
        verdict =
            i == missing ? STREAM_TAKEN : stream_play_give(p, stream_owner_entry(&p->owner, i));
    }
    stream_play_again(p);
    return verdict;
}

/* One byte of any slice is another one, or a slice is missing: with the last of them, at the
 * latest, it is known. */
static void test_damaged_slices(void **state)
{
    struct stream_play *p = *state;
    size_t first, last;

    turns(p, 100);
    first = checkpoint(p);
    last = p->owner.count - 1;
    for (size_t i = first; i <= last; i++) {
        struct stream_owner_entry *e = &p->owner.entries[i];
        uint8_t *byte = p->owner.values.bytes + e->at + e->size - 1;

        if (e->field == 'c') {
            *byte ^= 1;
            assert_int_equal(read_without(p, first, last, SIZE_MAX), STREAM_DAMAGED);
            *byte ^= 1;
        }
        if (e->field == 'c' && i > first && i < last) {
            assert_int_equal(read_without(p, first, last, i), STREAM_DAMAGED);
        }
    }
    stream_play_all(p, first);
    stream_play_same(p);
}

/* ---- taking over ---- */

/* In the middle of a proof: the engine makes a checkpoint of its own at once. */
static void test_taken_in_the_middle_of_a_proof(void **state)
{
    struct stream_play *p = *state;

    turns(p, 100);
    stream_owner_begin_checkpoint(&p->owner);
    turns(p, 1);
    stream_play_all(p, 0);
    assert_true(stream_replay_continue(&p->replay, 1));
    stream_owner_taken_over(&p->owner, stream_replay_take_engine(&p->replay));
    checkpoint(p);
    stream_play_again(p);
    stream_play_all(p, 0);
    stream_play_same(p);
    assert_int_equal(p->replay.proofs, 1);
}

#define REPLAY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(test_from_the_first_fact),
        REPLAY_TEST(test_from_an_epoch_before_it),
        REPLAY_TEST(test_an_empty_stream_is_an_empty_engine),
        REPLAY_TEST(test_from_a_checkpoint),
        REPLAY_TEST(test_from_a_checkpoint_that_was_given_up),
        REPLAY_TEST(test_epochs_stand_anywhere),
        REPLAY_TEST(test_a_checkpoint_that_passes_by_is_a_proof),
        REPLAY_TEST(test_a_proof_in_pieces),
        REPLAY_TEST(test_a_checkpoint_given_up_is_no_proof),
        REPLAY_TEST(test_a_state_that_differs),
        REPLAY_TEST(test_growth_is_counted_from_the_last_checkpoint),
        REPLAY_TEST(test_an_epoch_raised_elsewhere),
        REPLAY_TEST(test_trimmed_beyond_what_was_read),
        REPLAY_TEST(test_a_fact_of_an_unknown_kind),
        REPLAY_TEST(test_an_entry_of_an_unknown_kind),
        REPLAY_TEST(test_a_checkpoint_of_another_format_is_no_proof),
        REPLAY_TEST(test_a_stream_that_begins_in_the_middle),
        REPLAY_TEST(test_missing_and_repeated_entries),
        REPLAY_TEST(test_epochs_that_nobody_raised),
        REPLAY_TEST(test_values_that_make_no_sense),
        REPLAY_TEST(test_damaged_slices),
        REPLAY_TEST(test_taken_in_the_middle_of_a_proof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
