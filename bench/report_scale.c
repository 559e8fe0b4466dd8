#include "bench/report_scale.h"

#include <assert.h>
#include <math.h>

#define REPORT_PERCENTILE_MOST 99.9999

/* The position on a line that is even in what the kind compares. */
static double report_scale_even(enum report_scale_kind kind, double value)
{
    switch (kind) {
    case REPORT_LOG:
        return log10(value);
    case REPORT_PERCENTILES:
        return -log10(100 - fmin(value, REPORT_PERCENTILE_MOST));
    case REPORT_LINEAR:
    case REPORT_EXACT:
        break;
    }
    return value;
}

/* The smallest of 1, 2, 5 times a power of ten that is no smaller than `step`; or of powers of two.
 */
static double report_scale_nice(double step, unsigned base)
{
    double power;

    if (base == 2) {
        return exp2(ceil(log2(step) - 1e-9));
    }
    power = pow(10, floor(log10(step) + 1e-9));
    return step <= power * (1 + 1e-9) ? power
           : step <= power * 2        ? power * 2
           : step <= power * 5        ? power * 5
                                      : power * 10;
}

static void report_scale_tick(struct report_scale *s, double value)
{
    if (s->tick_count < REPORT_TICKS_MAX) {
        s->ticks[s->tick_count++] = value;
    }
}

static void report_scale_linear(struct report_scale *s, uint32_t wanted, unsigned base)
{
    double step;

    if (s->kind == REPORT_LINEAR && s->low > 0) {
        s->low = 0;
    }
    if (s->high <= s->low) {
        s->high = s->low + 1;
    }
    step = report_scale_nice((s->high - s->low) / wanted, base);
    if (s->kind == REPORT_LINEAR) {
        s->low = floor(s->low / step + 1e-9) * step;
        s->high = ceil(s->high / step - 1e-9) * step;
    }
    for (double i = ceil(s->low / step - 1e-9); i * step <= s->high + step * 1e-9; i++) {
        report_scale_tick(s, i * step);
    }
}

/* Over few decades 1, 2 and 5 have ticks; over many only every decade, or every second one. */
static void report_scale_logarithmic(struct report_scale *s, uint32_t wanted, unsigned base)
{
    static const double parts[] = {1, 2, 5};
    double by = base == 2 ? 4 : 10, first, last, stride;
    uint32_t inside;

    assert(s->low > 0);
    if (s->high < s->low * 2) {
        s->high = s->low * 2;
    }
    first = floor(log(s->low) / log(by) + 1e-9);
    last = ceil(log(s->high) / log(by) - 1e-9);
    inside = base == 10 && last - first <= 3 ? 3 : 1;
    stride = fmax(1, ceil((last - first) / wanted));
    for (double decade = first; decade <= last; decade += stride) {
        for (uint32_t i = 0; i < inside; i++) {
            double tick = pow(by, decade) * parts[i];

            if (tick >= s->low * 0.4 && tick <= s->high * 2.5) {
                report_scale_tick(s, tick);
            }
        }
    }
    /* Ends on the ticks next to the values, and not a decade away from them. */
    while (s->tick_count > 2 && s->ticks[s->tick_count - 2] >= s->high) {
        s->tick_count--;
    }
    for (uint32_t i = 0; i < s->tick_count; i++) {
        s->low = fmin(s->low, i == 0 && s->ticks[1] > s->low ? s->ticks[0] : s->low);
        s->high = fmax(s->high, s->ticks[i]);
    }
    while (s->tick_count > 0 && s->ticks[0] < s->low) {
        for (uint32_t i = 1; i < s->tick_count; i++) {
            s->ticks[i - 1] = s->ticks[i];
        }
        s->tick_count--;
    }
}

static void report_scale_percentiles(struct report_scale *s)
{
    static const double all[] = {0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999};

    s->high = fmin(s->high, REPORT_PERCENTILE_MOST);
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i] >= s->low - 1e-9 && all[i] <= s->high + 1e-9) {
            report_scale_tick(s, all[i]);
        }
    }
}

void report_scale_init(struct report_scale *s, enum report_scale_kind kind, double low, double high,
                       double from, double to, uint32_t wanted, unsigned step_base)
{
    *s = (struct report_scale){.kind = kind, .low = low, .high = high, .from = from, .to = to};
    switch (kind) {
    case REPORT_LINEAR:
    case REPORT_EXACT:
        report_scale_linear(s, wanted, step_base);
        break;
    case REPORT_LOG:
        report_scale_logarithmic(s, wanted, step_base);
        break;
    case REPORT_PERCENTILES:
        report_scale_percentiles(s);
        break;
    }
}

double report_scale_place(const struct report_scale *s, double value)
{
    double bounded = fmin(fmax(value, s->low), s->high);
    double first = report_scale_even(s->kind, s->low);
    double last = report_scale_even(s->kind, s->high);

    return s->from +
           (report_scale_even(s->kind, bounded) - first) / (last - first) * (s->to - s->from);
}
