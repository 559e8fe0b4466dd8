/* Numbers as people read them: 12,400, 3.2 ms, 1.5 GiB. What a report's axes, tables and tiles
 * say. */
#ifndef BENCH_REPORT_UNIT_H
#define BENCH_REPORT_UNIT_H

enum report_unit {
    REPORT_PLAIN,      /* a count or a ratio */
    REPORT_PER_SECOND, /* things a second: 12,400/s */
    REPORT_SECONDS,    /* seconds since a run began */
    REPORT_NANOSECONDS,
    REPORT_MICROSECONDS,
    REPORT_BYTES,
    REPORT_PERCENT,    /* 0 to 100 */
    REPORT_PERCENTILE, /* of an axis that spreads what comes close to 100: 99.9 % */
};

#define REPORT_NUMBER_BYTES 32

/* Three significant digits, which is as exact as a measurement deserves; spans and bytes in the
 * unit that suits them. Writes "-" for what is no number. Returns `out`. */
const char *report_number(char out[REPORT_NUMBER_BYTES], double value, enum report_unit unit);

#endif
