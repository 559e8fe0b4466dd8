/* The histogram against sorted values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/histogram.h"
#include "queue/base/random.h"

#include <math.h>
#include <stdlib.h>

static int compare_values(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Every value is in the bucket whose bounds hold it, and the buckets leave no gap. */
static void buckets_hold_what_they_say(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 1);
    for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        assert_int_equal(histogram_bucket(histogram_low(i)), i);
        assert_int_equal(histogram_bucket(histogram_high(i)), i);
        assert_true(histogram_high(i) + 1 == histogram_low(i + 1));
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    assert_true(histogram_high(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
    for (int i = 0; i < 100000; i++) {
        uint64_t value = random_next(&random) >> random_below(&random, 64);
        unsigned bucket = histogram_bucket(value);

        assert_true(histogram_low(bucket) <= value && value <= histogram_high(bucket));
    }
}

/* A bucket is narrower than 0.8 % of its values. */
static void buckets_are_narrow(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double low = (double)histogram_low(i), high = (double)histogram_high(i);

        assert_true(high - low <= low * 0.008);
    }
}

/* Percentiles are never below the true ones, and never more than a bucket above. */
static void percentiles_agree_with_a_sort(void **state)
{
    enum { COUNT = 20000 };
    static const double wanted[] = {0, 1, 50, 90, 99, 99.9, 99.99, 100};
    static uint64_t values[COUNT];
    static struct histogram h;
    struct random random;

    (void)state;
    random_init(&random, 2);
    histogram_reset(&h);
    for (int i = 0; i < COUNT; i++) {
        values[i] = random_next(&random) >> (20 + random_below(&random, 40));
        histogram_record(&h, values[i]);
    }
    qsort(values, COUNT, sizeof(values[0]), compare_values);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        size_t rank = (size_t)ceil(COUNT * wanted[i] / 100.0 - 1e-6);
        uint64_t truth = values[rank == 0 ? 0 : rank - 1];
        uint64_t told = histogram_percentile(&h, wanted[i]);

        assert_true(told >= truth);
        assert_true((double)told <= (double)truth * 1.008);
    }
    assert_true(histogram_percentile(&h, 100) == values[COUNT - 1]);
}

/* 99.9 % of a thousand values are 999 of them. */
static void percentiles_round_as_people_count(void **state)
{
    static struct histogram h;

    (void)state;
    histogram_reset(&h);
    assert_int_equal(histogram_percentile(&h, 50), 0);
    for (int i = 0; i < 999; i++) {
        histogram_record(&h, 10);
    }
    histogram_record(&h, 100);
    assert_int_equal(histogram_percentile(&h, 99.9), 10);
    assert_int_equal(histogram_percentile(&h, 99.91), 100);
    assert_true(fabs(histogram_mean(&h) - 10.09) < 1e-9);
}

/* Two halves added are the whole. */
static void adding_is_recording(void **state)
{
    static struct histogram halves[2], whole;
    struct random random;

    (void)state;
    random_init(&random, 3);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_below(&random, 1000000000);

        histogram_record(&halves[i % 2], value);
        histogram_record(&whole, value);
    }
    histogram_add(&halves[0], &halves[1]);
    assert_memory_equal(halves[0].buckets, whole.buckets, sizeof(whole.buckets));
    assert_int_equal(halves[0].count, whole.count);
    assert_int_equal(halves[0].largest, whole.largest);
    assert_true(fabsl(halves[0].sum - whole.sum) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_hold_what_they_say),
        cmocka_unit_test(buckets_are_narrow),
        cmocka_unit_test(percentiles_agree_with_a_sort),
        cmocka_unit_test(percentiles_round_as_people_count),
        cmocka_unit_test(adding_is_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
