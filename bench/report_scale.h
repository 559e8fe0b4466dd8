/* Where a value stands on an axis, and where its ticks are.
 *
 * A scale covers all values it was made for and ends on a tick wherever that costs little room. A
 * logarithmic one needs values above 0; the percentile scale is logarithmic in what is missing to
 * 100, so that 99 and 99.9 are as far from each other as 90 and 99. */
#ifndef BENCH_REPORT_SCALE_H
#define BENCH_REPORT_SCALE_H

#include <stdint.h>

enum report_scale_kind {
    REPORT_LINEAR, /* from 0, unless values are below it */
    REPORT_EXACT,  /* linear, from the lowest value to the highest: time */
    REPORT_LOG,
    REPORT_PERCENTILES,
};

#define REPORT_TICKS_MAX 24

struct report_scale {
    enum report_scale_kind kind;
    double low, high; /* values at the two ends */
    double from, to;  /* places of these */
    double ticks[REPORT_TICKS_MAX];
    uint32_t tick_count;
};

/* `step_base` is 10, or 2 for bytes: nice numbers of bytes are powers of two. About `wanted` ticks.
 */
void report_scale_init(struct report_scale *s, enum report_scale_kind kind, double low, double high,
                       double from, double to, uint32_t wanted, unsigned step_base);

/* The place of a value; of one beyond the ends, the end. */
double report_scale_place(const struct report_scale *s, double value);

#endif
