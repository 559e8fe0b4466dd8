/* Arrivals and durations: the right number of them, the right spread, the same again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/workload.h"

#include <math.h>

/* Even arrivals stand on the grid of the rate, without drift. */
static void even_arrivals_keep_the_rate(void **state)
{
    struct arrivals a;
    uint64_t last = 0;

    (void)state;
    arrivals_init(&a, ARRIVAL_EVEN, 3000, 1);
    for (int i = 1; i <= 3000; i++) {
        uint64_t announced = arrivals_next(&a);

        last = arrivals_take(&a);
        assert_true(last == announced);
        assert_true(fabs((double)last - i * 1e9 / 3000) < 1000);
    }
    assert_true(fabs((double)last - 1e9) < 1000);
}

/* Poisson arrivals: the mean of the rate, a deviation as large as the mean, and never backwards. */
static void poisson_arrivals_spread(void **state)
{
    enum { COUNT = 200000 };
    struct arrivals a;
    double sum = 0, squares = 0;
    uint64_t before = 0;

    (void)state;
    arrivals_init(&a, ARRIVAL_POISSON, 1000, 7);
    for (int i = 0; i < COUNT; i++) {
        uint64_t at = arrivals_take(&a);
        double gap = (double)(at - before);

        assert_true(at >= before);
        sum += gap;
        squares += gap * gap;
        before = at;
    }
    assert_true(fabs(sum / COUNT / 1e6 - 1) < 0.02);
    assert_true(fabs(sqrt(squares / COUNT - (sum / COUNT) * (sum / COUNT)) / 1e6 - 1) < 0.02);
}

/* What comes between two instants is the area below the rate, up or down. */
static void a_ramp_has_the_area_below_it(void **state)
{
    static const double rates[][2] = {{100, 900}, {900, 100}, {0, 1000}, {1000, 0}, {500, 500}};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct arrivals a;
        int all = 0, first_half = 0;

        arrivals_ramp(&a, ARRIVAL_EVEN, rates[i][0], rates[i][1], 2, 1);
        while (arrivals_next(&a) < UINT64_C(2000000000)) {
            first_half += arrivals_take(&a) < UINT64_C(1000000000);
            all++;
        }
        assert_true(fabs(all - (rates[i][0] + rates[i][1])) <= 1);
        assert_true(fabs(first_half - (rates[i][0] * 3 + rates[i][1]) / 4) <= 1);
    }
}

/* A rate that has come down to nothing brings nothing any more, for as long as anybody looks. */
static void a_ramp_may_end_at_nothing(void **state)
{
    struct arrivals a;
    uint64_t last = 0;

    (void)state;
    arrivals_ramp(&a, ARRIVAL_POISSON, 100, 0, 1, 3);
    for (int i = 0; i < 1000; i++) {
        uint64_t at = arrivals_take(&a);

        assert_true(at >= last);
        last = at;
    }
    assert_true(last > UINT64_C(1000000000000000000));
}

/* Each law has the mean that was asked for; a fixed one has no other value. */
static void spans_have_their_mean(void **state)
{
    static const struct workload_span spans[] = {
        {WORKLOAD_FIXED, 500, 0}, {WORKLOAD_EXPONENTIAL, 500, 0}, {WORKLOAD_LOGNORMAL, 500, 0.5}};
    enum { COUNT = 200000 };
    struct random random;

    (void)state;
    random_init(&random, 11);
    for (size_t i = 0; i < 3; i++) {
        double sum = 0, below = 0;

        for (int n = 0; n < COUNT; n++) {
            int64_t drawn = workload_span_draw(&random, &spans[i]);

            assert_in_range(drawn, 0, 50000);
            sum += (double)drawn;
            below += drawn < 500;
        }
        assert_true(fabs(sum / COUNT - 500) < 5);
        /* The median of a scattered span is below its mean: ln 2, and exp(-1/8), of it. */
        assert_true(spans[i].law == WORKLOAD_FIXED ? below <= 0
                                                   : below > 0.55 * COUNT && below < 0.66 * COUNT);
    }
}

/* The same seed, the same arrivals; another seed, others. */
static void a_seed_decides(void **state)
{
    struct arrivals a, b, c;
    int differ = 0;

    (void)state;
    arrivals_init(&a, ARRIVAL_POISSON, 1000, 7);
    arrivals_init(&b, ARRIVAL_POISSON, 1000, 7);
    arrivals_init(&c, ARRIVAL_POISSON, 1000, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t at = arrivals_take(&a);

        assert_true(at == arrivals_take(&b));
        differ += at != arrivals_take(&c);
    }
    assert_true(differ > 990);
}

/* Durations stay within their bounds and near their mean. */
static void durations_are_bounded(void **state)
{
    struct random random;
    double sum = 0;

    (void)state;
    random_init(&random, 5);
    for (int i = 0; i < 100000; i++) {
        int64_t drawn = workload_duration(&random, 1000);

        assert_in_range(drawn, 100, 4000);
        sum += (double)drawn;
    }
    assert_true(fabs(sum / 100000 - 987) < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_arrivals_keep_the_rate),  cmocka_unit_test(poisson_arrivals_spread),
        cmocka_unit_test(a_ramp_has_the_area_below_it), cmocka_unit_test(a_ramp_may_end_at_nothing),
        cmocka_unit_test(spans_have_their_mean),        cmocka_unit_test(a_seed_decides),
        cmocka_unit_test(durations_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
