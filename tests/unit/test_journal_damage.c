/* What a crash may leave is cut off; what no crash of ours can leave is refused, with file and
 * byte; and never is anything read that was not written. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue/base/random.h"
#include "router/journal_file_blocks.h"
#include "router/journal_file_format.h"
#include "router/journal_file_recovery.h"
#include "test_journal_fixture.h"

#define BATCHES 3
#define EACH    4 /* entries of a batch */

/* A small journal as it stands on the disk: where its records begin, and which of them form a
 * batch. */
struct small_journal {
    struct journal_fixture_file file;
    size_t
        at[BATCHES * EACH + 2]; /* bytes in the file; then that of the close's mark; then the end */
    bool closed;
};

/* Write it in one segment; with `closed`, close it orderly, or else take the file as it was just
 * before, up to the end of its records. */
static struct small_journal make_small(struct journal_fixture *f, bool closed)
{
    struct small_journal small = {.closed = closed};
    int next = 0;

    fixture_empty(f);
    f->appended = 0;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < EACH; i++) {
            small.at[next++] = JOURNAL_FORMAT_SEGMENT_HEAD + journal_next_position(f->journal);
            fixture_append(f, 1);
        }
        fixture_commit(f);
        fixture_wait(f);
    }
    small.at[next] = JOURNAL_FORMAT_SEGMENT_HEAD + journal_next_position(f->journal);
    if (!closed) {
        small.file = fixture_load(f, fixture_segment(1));
        assert_true(small.file.size >= small.at[next]);
        small.file.size = small.at[next];
    }
    fixture_close(f);
    if (closed) {
        small.file = fixture_load(f, fixture_segment(1));
    }
    small.at[next + 1] = small.file.size;
    return small;
}

/* How many records are whole in front of a byte. */
static uint64_t records_before(const struct small_journal *small, size_t byte)
{
    uint64_t count = 0;

    while (count < BATCHES * EACH && small->at[count + 1] <= byte) {
        count++;
    }
    return count;
}

/* The journal with these bytes opens, gives its first `entries` entries, and has lost the rest of
 * `size`; then it goes on, and is whole. */
static void expect_torn(struct journal_fixture *f, const struct small_journal *small,
                        const uint8_t *bytes, size_t size, uint64_t entries)
{
    struct journal_fixture_reading reading;
    struct journal_fixture_file file;

    fixture_store(f, fixture_segment(1), bytes, size);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    file = fixture_load(
        f, fixture_segment(1)); /* already cut off, should we die before the next write */
    assert_int_equal(file.size, small->at[entries]);
    free(file.bytes);
    reading = fixture_read(f, 0);
    assert_int_equal(reading.status, JOURNAL_OK);
    assert_int_equal(reading.entries, entries);
    assert_int_equal(reading.torn_bytes, size - small->at[entries]);
    f->appended = entries;
    fixture_append(f, 2);
    fixture_commit(f);
    fixture_close(f);
    assert_int_equal(f->last_status, JOURNAL_OK);
    reading = fixture_look(f);
    assert_int_equal(reading.status, JOURNAL_OK);
    assert_int_equal(reading.entries, entries + 2);
    assert_int_equal(reading.torn_bytes, 0);
}

static void expect_corrupt(struct journal_fixture *f, const uint8_t *bytes, size_t size,
                           size_t at_byte)
{
    char where[96];
    struct journal_fixture_file after;

    fixture_store(f, fixture_segment(1), bytes, size);
    assert_int_equal(fixture_open(f), JOURNAL_CORRUPT);
    snprintf(where, sizeof(where), "%s: damaged at byte %zu:", fixture_segment(1), at_byte);
    if (strstr(f->problem, where) == NULL) {
        fail_msg("\"%s\" should say \"%s\"", f->problem, where);
    }
    after = fixture_load(f, fixture_segment(1));
    assert_int_equal(after.size, size);
    assert_memory_equal(after.bytes, bytes, size);
    free(after.bytes);
}

enum tail { TAIL_NOTHING, TAIL_ZEROS, TAIL_GARBAGE, TAIL_LONGER, TAILS };

/* The power goes while the last batch is written: whatever byte the disk came to, and whatever
 * stands behind it, the batches before are whole, and of the last one its first records. */
static void test_a_torn_last_batch_is_cut_off_at_every_byte(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, false);
    size_t batch_at = small.at[(BATCHES - 1) * EACH];
    struct random random;

    random_init(&random, 4711);
    for (size_t cut = batch_at; cut <= small.file.size; cut++) {
        for (int tail = 0; tail < TAILS; tail++) {
            uint8_t bytes[4096];
            size_t size = small.file.size;

            memcpy(bytes, small.file.bytes, size);
            switch ((enum tail)tail) {
            case TAIL_NOTHING:
                size = cut;
                break;
            case TAIL_ZEROS:
                memset(bytes + cut, 0, size - cut);
                break;
            case TAIL_LONGER:
                size += 1 + random_below(&random, 300);
                for (size_t i = cut; i < size; i++) {
                    bytes[i] = (uint8_t)random_below(&random, 256);
                }
                break;
            case TAIL_GARBAGE:
            case TAILS:
                for (size_t i = cut; i < size; i++) {
                    bytes[i] = (uint8_t)~bytes[i];
                }
                break;
            }
            /* Zeros can be what stood there: a record that ends in padding is whole a few bytes
             * earlier. */
            {
                size_t whole = cut;

                while (whole < size && whole < small.file.size &&
                       bytes[whole] == small.file.bytes[whole]) {
                    whole++;
                }
                expect_torn(f, &small, bytes, size, records_before(&small, whole));
            }
        }
    }
    free(small.file.bytes);
}

/* A disk may write the end of a batch before its middle: that is a torn tail, because nothing of
 * the batch was ever durable. */
static void test_a_good_record_behind_a_bad_one_of_the_same_write_is_torn(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, false);
    int first = (BATCHES - 1) * EACH;

    for (int bad = first; bad < BATCHES * EACH; bad++) {
        uint8_t bytes[4096];

        memcpy(bytes, small.file.bytes, small.file.size);
        memset(bytes + small.at[bad], 0, small.at[bad + 1] - small.at[bad]);
        expect_torn(f, &small, bytes, small.file.size, (uint64_t)bad);
    }
    free(small.file.bytes);
}

/* Every bit of a journal that was closed orderly: a change is found, is named with its record's
 * byte, and costs nothing but the mark when it is in the mark. */
static void test_every_flipped_bit_is_found(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, true);
    size_t mark_at = small.at[BATCHES * EACH];

    for (size_t bit = 0; bit < small.file.size * 8; bit++) {
        size_t byte = bit / 8;

        small.file.bytes[byte] ^= (uint8_t)(1u << bit % 8);
        if (byte < JOURNAL_FORMAT_SEGMENT_HEAD) {
            expect_corrupt(f, small.file.bytes, small.file.size, 0);
        } else if (byte < mark_at) {
            expect_corrupt(f, small.file.bytes, small.file.size,
                           small.at[records_before(&small, byte)]);
        } else if (bit % 3 == 0) {
            expect_torn(f, &small, small.file.bytes, small.file.size, BATCHES * EACH);
        }
        small.file.bytes[byte] ^= (uint8_t)(1u << bit % 8);
    }
    free(small.file.bytes);
}

/* After a crash, a bad byte in the last batch is a torn tail, and one before it is damage: the last
 * batch knows that those before it were durable. */
static void test_after_a_crash_only_the_last_batch_can_be_torn(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, false);

    for (size_t byte = JOURNAL_FORMAT_SEGMENT_HEAD; byte < small.file.size; byte++) {
        uint64_t record = records_before(&small, byte);

        small.file.bytes[byte] ^= 0x5a;
        if (record < (BATCHES - 1) * EACH) {
            expect_corrupt(f, small.file.bytes, small.file.size, small.at[record]);
        } else {
            expect_torn(f, &small, small.file.bytes, small.file.size, record);
        }
        small.file.bytes[byte] ^= 0x5a;
    }
    free(small.file.bytes);
}

/* Records of equal size that change places, or one that stands twice, are each good by themselves,
 * and found all the same. */
static void test_records_out_of_place_are_found(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, true);
    uint8_t bytes[4096];
    int found = 0;

    for (int a = 0; a < BATCHES * EACH; a++) {
        for (int b = a + 1; b < BATCHES * EACH; b++) {
            size_t size = small.at[a + 1] - small.at[a];

            if (small.at[b + 1] - small.at[b] != size) {
                continue;
            }
            found++;
            memcpy(bytes, small.file.bytes, small.file.size);
            memcpy(bytes + small.at[b], small.file.bytes + small.at[a], size);
            expect_corrupt(f, bytes, small.file.size, small.at[b]);
            memcpy(bytes + small.at[a], small.file.bytes + small.at[b], size);
            expect_corrupt(f, bytes, small.file.size, small.at[a]);
        }
    }
    assert_true(found > 3);
    free(small.file.bytes);
}

/* The disk forgets a write and shows what stood there before: an old record that is good, in its
 * place, and of this journal. Its successor misses its neighbour. */
static void test_an_old_record_that_comes_back_is_found(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, false);
    struct journal_fixture_file now;
    size_t last = small.at[BATCHES * EACH - 1];
    size_t size = small.at[BATCHES * EACH] - last;

    /* The last record is lost, and one of the same size takes its place, in another opening. */
    fixture_store(f, fixture_segment(1), small.file.bytes, last);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    f->appended = BATCHES * EACH - 1;
    fixture_append(f, 1);
    fixture_commit(f);
    fixture_wait(f);
    fixture_append(f, 3);
    fixture_commit(f);
    fixture_close(f);
    now = fixture_load(f, fixture_segment(1));
    assert_memory_not_equal(now.bytes + last, small.file.bytes + last, size);
    memcpy(now.bytes + last, small.file.bytes + last, size);
    expect_corrupt(f, now.bytes, now.size, last);
    free(small.file.bytes);
    free(now.bytes);
}

/* What reads well but is not proven to be durable is written once more before anyone may believe
 * it; a file that cannot be written shows it. An empty segment has nothing to prove. */
static void test_an_unproven_end_is_written_again(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, false);
    struct journal_segment_head head;
    struct journal_file_end end;
    char path[FIXTURE_PATH_BYTES * 2];
    int fd;

    assert_int_equal(journal_file_format_get_segment(small.file.bytes, &head), JOURNAL_OK);
    snprintf(path, sizeof(path), "%s/%s", f->path, fixture_segment(1));
    fixture_store(f, fixture_segment(1), small.file.bytes, small.file.size);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(journal_file_recovery_run(fd, "it", &head, small.file.size, &end, f->problem,
                                               sizeof(f->problem)),
                     JOURNAL_FAILED);
    assert_non_null(strstr(f->problem, "durable"));
    assert_int_equal(journal_file_recovery_run(fd, "it", &head, JOURNAL_FORMAT_SEGMENT_HEAD, &end,
                                               f->problem, sizeof(f->problem)),
                     JOURNAL_OK);
    assert_int_equal(end.position, 0);
    close(fd);
    free(small.file.bytes);
}

/* A journal of many segments: damage in one that is not the last is found when it is read, or when
 * it is opened where the segments no longer fit together. */
static void test_damage_in_an_earlier_segment_is_named(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture_file second, third;
    struct journal_fixture_reading reading;
    char where[96];

    f->options.segment_bytes = 400;
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    for (int i = 0; i < 30; i++) {
        fixture_append(f, 1);
        fixture_commit(f);
        fixture_wait(f);
    }
    fixture_close(f);
    second = fixture_load(f, fixture_segment(2));
    third = fixture_load(f, fixture_segment(3));

    for (size_t byte = JOURNAL_FORMAT_SEGMENT_HEAD; byte < second.size; byte++) {
        second.bytes[byte] ^= 0x81;
        fixture_store(f, fixture_segment(2), second.bytes, second.size);
        reading = fixture_look(f);
        assert_int_equal(reading.status, JOURNAL_CORRUPT);
        assert_true(reading.entries > 0 && reading.entries < 30);
        snprintf(where, sizeof(where), "%s: damaged at byte ", fixture_segment(2));
        assert_non_null(strstr(f->problem, where));
        second.bytes[byte] ^= 0x81;
    }

    /* A journal that cannot be read is not written either. */
    second.bytes[second.size - 1] ^= 1;
    fixture_store(f, fixture_segment(2), second.bytes, second.size);
    assert_int_equal(fixture_open(f), JOURNAL_OK);
    assert_int_equal(fixture_read(f, 0).status, JOURNAL_CORRUPT);
    fixture_append(f, 1);
    fixture_commit(f);
    fixture_wait(f);
    assert_int_equal(f->last_status, JOURNAL_CORRUPT);
    assert_non_null(strstr(journal_problem(f->journal), where));
    fixture_close(f);
    second.bytes[second.size - 1] ^= 1;

    fixture_store(f, fixture_segment(2), second.bytes, second.size - 8);
    assert_int_equal(fixture_open(f), JOURNAL_CORRUPT);
    assert_non_null(strstr(f->problem, fixture_segment(2)));
    fixture_store(f, fixture_segment(2), third.bytes, third.size);
    assert_int_equal(fixture_open(f), JOURNAL_CORRUPT);
    assert_non_null(strstr(f->problem, "renamed"));
    fixture_store(f, fixture_segment(2), second.bytes, 0);
    assert_int_equal(fixture_open(f), JOURNAL_CORRUPT);
    fixture_store(f, fixture_segment(2), second.bytes, second.size);
    assert_int_equal(fixture_look(f).entries, 30);
    free(second.bytes);
    free(third.bytes);
}

/* A missing segment and one of another journal are found when the journal is opened. */
static void test_segments_must_belong_together(void **state)
{
    struct journal_fixture *f = *state;
    struct journal_fixture other;
    struct journal_fixture_file mine, theirs;

    fixture_set_up(&other);
    f->options.segment_bytes = other.options.segment_bytes = 400;
    for (int i = 0; i < 30; i++) {
        for (int which = 0; which < 2; which++) {
            struct journal_fixture *it = which == 0 ? f : &other;

            if (i == 0) {
                assert_int_equal(fixture_open(it), JOURNAL_OK);
            }
            fixture_append(it, 1);
            fixture_commit(it);
            fixture_wait(it);
        }
    }
    fixture_close(f);
    fixture_close(&other);
    mine = fixture_load(f, fixture_segment(2));
    theirs = fixture_load(&other, fixture_segment(2));
    assert_int_equal(mine.size, theirs.size);

    fixture_store(f, fixture_segment(2), theirs.bytes, theirs.size);
    assert_int_equal(fixture_open(f), JOURNAL_CORRUPT);
    assert_non_null(strstr(f->problem, "another journal"));
    fixture_remove(f, fixture_segment(2));
    assert_int_equal(fixture_open(f), JOURNAL_CORRUPT);
    assert_non_null(strstr(f->problem, "missing"));

    /* Records of another journal under a header of ours: each is good, and none is of this journal.
     */
    memcpy(theirs.bytes, mine.bytes, JOURNAL_FORMAT_SEGMENT_HEAD);
    fixture_store(f, fixture_segment(2), theirs.bytes, theirs.size);
    assert_int_equal(fixture_look(f).status, JOURNAL_CORRUPT);
    fixture_tear_down(&other);
    free(mine.bytes);
    free(theirs.bytes);
}

/* Where whole blocks are written, zeros follow the last record up to the end of its block:
 * nothing was lost. A byte more or less of them, or one that is no zero, and something was. */
static void test_what_fills_up_the_last_block_is_not_torn(void **state)
{
    struct journal_fixture *f = *state;
    struct small_journal small = make_small(f, false);
    size_t size = small.file.size;
    uint8_t bytes[2 * JOURNAL_FILE_BLOCK_BYTES + 8] = {0};
    struct journal_fixture_reading reading;

    assert_true(size < JOURNAL_FILE_BLOCK_BYTES);
    memcpy(bytes, small.file.bytes, size);
    fixture_store(f, fixture_segment(1), bytes, JOURNAL_FILE_BLOCK_BYTES);
    reading = fixture_look(f);
    assert_int_equal(reading.status, JOURNAL_OK);
    assert_int_equal(reading.entries, BATCHES * EACH);
    assert_int_equal(reading.torn_bytes, 0);
    expect_torn(f, &small, bytes, JOURNAL_FILE_BLOCK_BYTES - 1, BATCHES * EACH);
    expect_torn(f, &small, bytes, JOURNAL_FILE_BLOCK_BYTES + 8, BATCHES * EACH);
    expect_torn(f, &small, bytes, 2 * JOURNAL_FILE_BLOCK_BYTES, BATCHES * EACH);
    bytes[JOURNAL_FILE_BLOCK_BYTES - 1] = 1;
    expect_torn(f, &small, bytes, JOURNAL_FILE_BLOCK_BYTES, BATCHES * EACH);
    free(small.file.bytes);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_create, fixture_free)
    const struct CMUnitTest tests[] = {
        ROW(test_a_torn_last_batch_is_cut_off_at_every_byte),
        ROW(test_what_fills_up_the_last_block_is_not_torn),
        ROW(test_a_good_record_behind_a_bad_one_of_the_same_write_is_torn),
        ROW(test_every_flipped_bit_is_found),
        ROW(test_after_a_crash_only_the_last_batch_can_be_torn),
        ROW(test_records_out_of_place_are_found),
        ROW(test_an_old_record_that_comes_back_is_found),
        ROW(test_an_unproven_end_is_written_again),
        ROW(test_damage_in_an_earlier_segment_is_named),
        ROW(test_segments_must_belong_together),
    };
#undef ROW

    return cmocka_run_group_tests(tests, NULL, NULL);
}
