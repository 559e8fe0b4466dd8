/* Reports: numbers as people read them, scales that hold their values, pages without markup of
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void numbers_are_short(void **state)
{
    static const struct {
        double value;
        enum report_unit unit;
        const char *words;
    } rows[] = {
        {0, REPORT_PLAIN, "0"},
        {1234567, REPORT_PLAIN, "1,234,567"},
        {-1234, REPORT_PLAIN, "-1,234"},
        {999.7, REPORT_PLAIN, "1,000"},
        {12.34, REPORT_PLAIN, "12.3"},
        {1.5, REPORT_PLAIN, "1.5"},
        {0.05, REPORT_PLAIN, "0.05"},
        {12400, REPORT_PER_SECOND, "12,400/s"},
        {999, REPORT_NANOSECONDS, "999 ns"},
        {1500, REPORT_NANOSECONDS, "1.5 µs"},
        {2.5e6, REPORT_NANOSECONDS, "2.5 ms"},
        {6.21, REPORT_MICROSECONDS, "6.21 µs"},
        {3e6, REPORT_MICROSECONDS, "3 s"},
        {1023, REPORT_BYTES, "1,023 B"},
        {1536, REPORT_BYTES, "1.5 KiB"},
        {99.9, REPORT_PERCENTILE, "99.9 %"},
        {30, REPORT_SECONDS, "30 s"},
        {NAN, REPORT_BYTES, "-"},
        {INFINITY, REPORT_PLAIN, "-"},
    };
    char number[REPORT_NUMBER_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(report_number(number, rows[i].value, rows[i].unit), rows[i].words);
    }
}

/* Whatever the values: ends hold them, ticks rise, stand between the ends and are not too many. */
static void scales_hold_their_values(void **state)
{
    static const enum report_scale_kind kinds[] = {REPORT_LINEAR, REPORT_EXACT, REPORT_LOG};
    static const double values[] = {1e-6, 0.3, 1, 1.01, 7, 99, 100, 4096, 12345, 3e7, 8e11};
    enum { VALUES = sizeof(values) / sizeof(values[0]) };

    (void)state;
    for (size_t kind = 0; kind < 3 * 2; kind++) {
        for (size_t a = 0; a < VALUES; a++) {
            for (size_t b = a; b < VALUES; b++) {
                struct report_scale s;

                report_scale_init(&s, kinds[kind / 2], values[a], values[b], 300, 10, 5,
                                  kind % 2 == 0 ? 10 : 2);
                assert_true(s.low <= values[a] && s.high >= values[b]);
                assert_in_range(s.tick_count, 1, 12);
                for (uint32_t i = 0; i < s.tick_count; i++) {
                    double slack = (s.high - s.low) * 1e-6;

                    assert_true(s.ticks[i] >= s.low - slack && s.ticks[i] <= s.high + slack);
                    assert_true(i == 0 || s.ticks[i] > s.ticks[i - 1]);
                }
                assert_true(fabs(report_scale_place(&s, s.low) - 300) < 1e-6);
                assert_true(fabs(report_scale_place(&s, s.high) - 10) < 1e-6);
                assert_true(fabs(report_scale_place(&s, s.high * 2) - 10) < 1e-6);
            }
        }
    }
}

static void a_linear_scale_begins_at_zero(void **state)
{
    struct report_scale s;

    (void)state;
    report_scale_init(&s, REPORT_LINEAR, 42, 97, 0, 100, 5, 10);
    assert_true(s.low == 0 && s.high == 100 && s.tick_count == 6);
    assert_true(fabs(report_scale_place(&s, 25) - 25) < 1e-9);
}

/* Every nine more has the same room. */
static void percentiles_spread_towards_the_end(void **state)
{
    struct report_scale s;
    double nines[4];

    (void)state;
    report_scale_init(&s, REPORT_PERCENTILES, 0, 99.99, 0, 400, 5, 10);
    for (int i = 0; i < 4; i++) {
        nines[i] = report_scale_place(&s, 100 - pow(10, 1 - i));
    }
    assert_true(fabs(nines[1] - nines[0] - 100) < 1e-6);
    assert_true(fabs(nines[3] - nines[2] - 100) < 1e-6);
    assert_true(isfinite(report_scale_place(&s, 100)));
}

/* What a report says after it was written, and gives back; the caller frees. */
static char *written(struct report *r)
{
    char path[] = "/tmp/switchboard-test-report-XXXXXX";
    int fd = mkstemp(path);
    char *bytes = calloc(1, 1 << 20);
    FILE *file;

    assert_true(fd >= 0);
    close(fd);
    assert_true(report_write(r, path));
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(bytes, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    unlink(path);
    return bytes;
}

static unsigned times(const char *bytes, const char *word)
{
    unsigned count = 0;

    while ((bytes = strstr(bytes, word)) != NULL) {
        bytes += strlen(word);
        count++;
    }
    return count;
}

static void a_page_has_what_was_added(void **state)
{
    static const struct report_column columns[] = {{"who", false, REPORT_PLAIN},
                                                   {"cost", true, REPORT_MICROSECONDS}};
    static const double x[] = {1, 2, 3}, y[] = {10, NAN, 30};
    static const struct report_series series[] = {{.words = "a < b", .x = x, .y = y, .count = 3},
                                                  {.words = "none", .x = x, .y = y, .count = 0}};
    struct report *r = report_create("a title & more", "<script>");
    char *page;

    (void)state;
    report_table_open(r, columns, 2);
    report_cell(r, "\"%s\"", "us");
    report_cell_number(r, 1.25);
    report_table_close(r);
    report_plot(r, &(struct report_plot){.title = "a plot",
                                         .x = {"s", REPORT_SECONDS, REPORT_EXACT},
                                         .y = {"", REPORT_NANOSECONDS, REPORT_LOG},
                                         .series = series,
                                         .series_count = 2,
                                         .marks = true});
    report_bars(
        r, &(struct report_bars){.title = "bars",
                                 .bars = (struct report_bar[]){{"one", 1, 0.5, 2, true},
                                                               {"nothing", NAN, NAN, NAN, false}},
                                 .count = 2,
                                 .log = true});
    page = written(r);
    assert_null(strstr(page, "<script>"));
    assert_non_null(strstr(page, "a title &amp; more"));
    assert_non_null(strstr(page, "<td>&quot;us&quot;</td><td class=\"n\">1.25 µs</td></tr>"));
    assert_non_null(strstr(page, "a &lt; b"));
    assert_int_equal(times(page, "<svg "), 2);
    assert_int_equal(times(page, "</svg>"), 2);
    assert_int_equal(times(page, "<circle "), 2); /* the point that is no number has none */
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf\""));
    free(page);
}

static void a_report_that_cannot_be_written_says_so(void **state)
{
    (void)state;
    assert_false(report_write(report_create("nowhere", NULL), "/nonexistent/report.html"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_short),
        cmocka_unit_test(scales_hold_their_values),
        cmocka_unit_test(a_linear_scale_begins_at_zero),
        cmocka_unit_test(percentiles_spread_towards_the_end),
        cmocka_unit_test(a_page_has_what_was_added),
        cmocka_unit_test(a_report_that_cannot_be_written_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
