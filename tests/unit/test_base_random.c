#include "queue/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The first numbers of splitmix64 from 1234567, and of xoshiro256** from the state 1, 2, 3, 4, as
 * its authors' programs print them: a seed in a bug report means the same everywhere and in years.
 */
static void test_numbers_are_the_published_ones(void **state)
{
    static const uint64_t expanded[4] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    static const uint64_t numbers[4] = {11520, 0, 1509978240, UINT64_C(1215971899390074240)};
    struct random r;

    (void)state;
    random_init(&r, 1234567);
    assert_memory_equal(r.state, expanded, sizeof(expanded));
    r = (struct random){{1, 2, 3, 4}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(random_next(&r), numbers[i]);
    }
}

static void test_same_seed_same_numbers(void **state)
{
    struct random a, b, other;
    int different = 0;

    (void)state;
    random_init(&a, 7);
    random_init(&b, 7);
    random_init(&other, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t number = random_next(&a);

        assert_int_equal(number, random_next(&b));
        different += number != random_next(&other);
    }
    assert_true(different > 990);
}

/* Chi-squared with 9 degrees of freedom: 27.9 is exceeded once in a thousand seeds. */
static void test_below_is_even(void **state)
{
    uint64_t seen[10] = {0};
    double chi = 0;
    struct random r;

    (void)state;
    random_init(&r, 3);
    for (int i = 0; i < 100000; i++) {
        seen[random_below(&r, 10)]++; /* out of bounds is for the sanitizer to see */
    }
    for (int i = 0; i < 10; i++) {
        double off = (double)seen[i] - 10000;

        chi += off * off / 10000;
    }
    assert_true(chi < 27.9);
    assert_int_equal(random_below(&r, 1), 0);
}

/* A remainder alone would give the lower half twice as often as the upper for this bound. */
static void test_below_has_no_bias_for_large_bounds(void **state)
{
    uint64_t bound = UINT64_MAX / 3 * 2;
    int lower = 0;
    struct random r;

    (void)state;
    random_init(&r, 4);
    for (int i = 0; i < 10000; i++) {
        uint64_t number = random_below(&r, bound);

        assert_true(number < bound);
        lower += number < bound / 2;
    }
    assert_in_range(lower, 4800, 5200);
}

static void test_between_reaches_both_ends(void **state)
{
    int low = 0, high = 0, negative = 0;
    struct random r;

    (void)state;
    random_init(&r, 5);
    for (int i = 0; i < 1000; i++) {
        int64_t number = random_between(&r, -2, 2);

        assert_true(number >= -2 && number <= 2);
        low += number == -2;
        high += number == 2;
        negative += random_between(&r, INT64_MIN, INT64_MAX) < 0;
    }
    assert_true(low > 100 && high > 100);
    assert_in_range(negative, 400, 600);
    assert_int_equal(random_between(&r, INT64_MAX, INT64_MAX), INT64_MAX);
    assert_int_equal(random_between(&r, INT64_MIN, INT64_MIN), INT64_MIN);
}

static void test_percent_is_a_share(void **state)
{
    int hits = 0;
    struct random r;

    (void)state;
    random_init(&r, 6);
    for (int i = 0; i < 10000; i++) {
        hits += random_percent(&r, 30);
        assert_false(random_percent(&r, 0));
        assert_true(random_percent(&r, 100));
    }
    assert_in_range(hits, 2800, 3200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_the_published_ones),
        cmocka_unit_test(test_same_seed_same_numbers),
        cmocka_unit_test(test_below_is_even),
        cmocka_unit_test(test_below_has_no_bias_for_large_bounds),
        cmocka_unit_test(test_between_reaches_both_ends),
        cmocka_unit_test(test_percent_is_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
