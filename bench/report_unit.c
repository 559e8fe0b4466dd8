#include "bench/report_unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A step of a ladder of units, the largest first. */
struct report_step {
    double size;
    const char *words;
};

static const struct report_step report_spans[] = {
    {1e9, " s"}, {1e6, " ms"}, {1e3, " µs"}, {0, " ns"}};
static const struct report_step report_sizes[] = {
    {1073741824, " GiB"}, {1048576, " MiB"}, {1024, " KiB"}, {0, " B"}};

/* 1234567 as 1,234,567. */
static void report_grouped(char out[REPORT_NUMBER_BYTES], double value)
{
    char digits[REPORT_NUMBER_BYTES];
    int length = snprintf(digits, sizeof(digits), "%.0f", fabs(value));
    int to = 0;

    if (value <= -0.5) {
        out[to++] = '-';
    }
    for (int i = 0; i < length && to < REPORT_NUMBER_BYTES - 2; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[to++] = ',';
        }
        out[to++] = digits[i];
    }
    out[to] = '\0';
}

/* Three significant digits without zeros that say nothing: 1.5 and not 1.50. */
static void report_short(char out[REPORT_NUMBER_BYTES], double value)
{
    double size = fabs(value);
    char *end;

    if (size >= 100 || size < 1e-9) {
        report_grouped(out, value);
        return;
    }
    snprintf(out, REPORT_NUMBER_BYTES, "%.*f",
             size >= 10      ? 1
             : size >= 1     ? 2
             : size >= 0.1   ? 3
             : size >= 0.01  ? 4
             : size >= 0.001 ? 5
                             : 9,
             value);
    end = out + strlen(out);
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
}

static void report_stepped(char out[REPORT_NUMBER_BYTES], double value,
                           const struct report_step *steps)
{
    size_t length;

    while (fabs(value) < steps->size) {
        steps++;
    }
    report_short(out, steps->size > 0 ? value / steps->size : value);
    length = strlen(out);
    snprintf(out + length, REPORT_NUMBER_BYTES - length, "%s", steps->words);
}

const char *report_number(char out[REPORT_NUMBER_BYTES], double value, enum report_unit unit)
{
    const char *behind = "";

    if (!isfinite(value) || fabs(value) > 1e18) {
        return strcpy(out, "-");
    }
    if (value == 0 && unit != REPORT_PERCENTILE) {
        return strcpy(out, "0"); /* of whatever unit */
    }
    switch (unit) {
    case REPORT_NANOSECONDS:
        report_stepped(out, value, report_spans);
        return out;
    case REPORT_MICROSECONDS:
        report_stepped(out, value * 1e3, report_spans);
        return out;
    case REPORT_BYTES:
        report_stepped(out, value, report_sizes);
        return out;
    case REPORT_PER_SECOND:
        behind = "/s";
        break;
    case REPORT_SECONDS:
        behind = " s";
        break;
    case REPORT_PERCENT:
    case REPORT_PERCENTILE:
        behind = " %";
        break;
    case REPORT_PLAIN:
        break;
    }
    if (unit == REPORT_PERCENTILE) {
        snprintf(out, REPORT_NUMBER_BYTES - 3, "%.6g", value);
    } else {
        report_short(out, value);
    }
    snprintf(out + strlen(out), REPORT_NUMBER_BYTES - strlen(out), "%s", behind);
    return out;
}
