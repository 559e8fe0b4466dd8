#include "queue/base/random.h"
#include "queue/base/record_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct line {
    struct log_record in_log;
    uint64_t number;
    size_t size;
    unsigned char rest[];
};

static struct line *add(struct record_log *l, uint64_t number, size_t size)
{
    struct line *line = (struct line *)record_log_append(l, size);

    assert_int_equal((uintptr_t)line % RECORD_LOG_UNIT, 0);
    line->number = number;
    line->size = size;
    memset(line->rest, (int)(number & 0xff), size - sizeof(*line));
    return line;
}

static void check_line(const struct log_record *r, uint64_t number)
{
    const struct line *line = (const struct line *)r;

    assert_non_null(r);
    assert_int_equal(line->number, number);
    for (size_t i = 0; i < line->size - sizeof(*line); i++) {
        assert_int_equal(line->rest[i], number & 0xff);
    }
}

/* Both ways, from end to end, the records are those from `first` on. */
static void check_walks(const struct record_log *l, uint64_t first, uint64_t end)
{
    struct log_record *r = l->first;
    uint64_t number;

    for (number = first; number < end; number++) {
        check_line(r, number);
        assert_ptr_equal(record_log_at(l, r->reference), r);
        assert_true(record_log_stands(l, r->reference));
        r = record_log_next(l, r);
    }
    assert_null(r);
    r = l->last;
    for (number = end; number > first; number--) {
        check_line(r, number - 1);
        r = record_log_previous(l, r);
    }
    assert_null(r);
}

static size_t random_size(struct random *r)
{
    return sizeof(struct line) + (random_percent(r, 1)   ? random_below(r, 200000)
                                  : random_percent(r, 5) ? random_below(r, 20000)
                                                         : random_below(r, 200));
}

/* Records of all sizes come and go; what stands is whole, in order, and has references of its own.
 * A reference tells whether its record still stands. */
static void test_the_oldest_go_first(void **state)
{
    enum { STEPS = 30000 };
    static uint32_t reference_of[STEPS];
    struct record_log l;
    struct random r;
    uint64_t first = 0;
    uint64_t end = 0;

    (void)state;
    random_init(&r, 7);
    record_log_init(&l);
    for (int step = 0; step < STEPS; step++) {
        if (random_percent(&r, step / 3000 % 2 == 0 ? 70 : 40)) {
            reference_of[end] = add(&l, end, random_size(&r))->in_log.reference;
            assert_int_not_equal(reference_of[end], 0);
            assert_true(reference_of[end] <= UINT32_MAX >> 1);
            end++;
        } else if (first < end) {
            check_line(l.first, first);
            record_log_drop_first(&l);
            first++;
        }
        if (first > 0) {
            assert_false(record_log_stands(&l, reference_of[first - 1]));
        }
        if (first < end) {
            assert_true(record_log_stands(&l, reference_of[first + (end - first) / 2]));
        }
        if (step % 1000 == 0) {
            check_walks(&l, first, end);
        }
    }
    check_walks(&l, first, end);
    while (first < end) {
        record_log_drop_first(&l);
        first++;
    }
    assert_null(l.first);
    assert_true(record_log_bytes(&l) <= RECORD_LOG_CHUNK_BYTES);
    record_log_close(&l);
}

/* References begin anew after 32 GiB; nothing that stands is lost or taken for another. */
static void test_references_go_round(void **state)
{
    struct record_log l;
    uint64_t first = 0;
    uint64_t end = 0;
    uint32_t before = 0;
    unsigned rounds = 0;

    (void)state;
    record_log_init(&l);
    while (rounds < 2) {
        /* Nearly a chunk each, and never written in full. */
        struct line *line = (struct line *)record_log_append(&l, RECORD_LOG_CHUNK_BYTES - 64);

        line->number = end++;
        line->size = sizeof(*line);
        rounds += line->in_log.reference < before;
        before = line->in_log.reference;
        if (end - first > 5) {
            uint32_t gone = l.first->reference;

            record_log_drop_first(&l);
            first++;
            assert_false(record_log_stands(&l, gone));
            assert_true(record_log_stands(&l, l.first->reference));
            assert_true(record_log_stands(&l, before));
            assert_true(record_log_is_before(&l, l.first->reference, before));
            assert_false(record_log_is_before(&l, before, l.first->reference));
            assert_false(record_log_is_before(&l, before, before));
        }
        if (end % 10000 == 0) {
            check_walks(&l, first, end);
        }
    }
    check_walks(&l, first, end);
    record_log_close(&l);
}

static void test_an_empty_log(void **state)
{
    struct record_log l;

    (void)state;
    record_log_init(&l);
    assert_false(record_log_stands(&l, 0));
    assert_false(record_log_stands(&l, 1));
    assert_int_equal(record_log_bytes(&l), 0);
    add(&l, 1, sizeof(struct line));
    check_walks(&l, 1, 2);
    record_log_drop_first(&l);
    assert_null(l.last);
    add(&l, 2, 300000);
    check_walks(&l, 2, 3);
    record_log_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_go_first),
        cmocka_unit_test(test_references_go_round),
        cmocka_unit_test(test_an_empty_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
