/* A report that is one HTML file: text, figures, tables and plots, with nothing to be fetched.
 *
 * Plots are SVG inside the page, drawn here; they follow the reader's light or dark colours, and
 * say their values under the pointer without a script. Parts appear in the order in which they are
 * added. All texts are escaped; the caller keeps its own, and may change them when a call returns.
 *
 *     struct report *r = report_create("switchboard-bench load", "open loop, 5,000/s");
 *     report_heading(r, "Latency");
 *     report_plot(r, &plot);
 *     written = report_write(r, "report.html");
 *
 * One thread. Memory that cannot be had ends the process, as everywhere. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/report_scale.h"
#include "bench/report_unit.h"

struct report;

/* `subtitle` may be NULL. */
struct report *report_create(const char *title, const char *subtitle);

/* Writes the page to a file and destroys the report in either case. False, with a message on
 * standard error, when it could not be written. */
bool report_write(struct report *r, const char *path);

void report_destroy(struct report *r);

void report_heading(struct report *r, const char *words);
void report_text(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tiles: what to look at first. */
struct report_figure {
    const char *words;
    double value;
    enum report_unit unit;
    const char *note; /* small, below; or NULL */
};
void report_figures(struct report *r, const struct report_figure *figures, size_t count);

/* A table: its columns, then its cells one by one, row after row. A column of numbers has a unit
 * for report_cell_number and stands to the right. */
struct report_column {
    const char *words;
    bool number;
    enum report_unit unit;
};
void report_table_open(struct report *r, const struct report_column *columns, size_t count);
void report_cell(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_cell_number(struct report *r, double value); /* a dash for NAN */
void report_table_close(struct report *r);               /* after a whole row */

/* Lines over an axis. */
struct report_series {
    const char *words;
    const double *x, *y; /* NAN in `y` interrupts the line */
    size_t count;
    const double *low, *high; /* a band around the line, or NULL */
    bool dashed;              /* what was wanted, beside what was measured */
};

struct report_axis {
    const char *words;
    enum report_unit unit;
    enum report_scale_kind kind;
};

/* A level drawn across: a limit. NAN: none. */
struct report_level {
    double value;
    const char *words;
};

#define REPORT_SERIES_MAX 8

struct report_plot {
    const char *title;
    const char *words; /* what to see in it, below the title; or NULL */
    struct report_axis x, y;
    const struct report_series *series; /* at most REPORT_SERIES_MAX */
    size_t series_count;
    const struct report_level *level; /* or NULL */
    bool marks;                       /* a dot at each point: few points, each measured by itself */
};
void report_plot(struct report *r, const struct report_plot *plot);

/* Bars to the right, one a row, each with the range in which its rounds lay. */
struct report_bar {
    const char *words;
    double value;
    double low, high; /* NAN: no range */
    bool ours;        /* in the colour that stands out */
};

struct report_bars {
    const char *title;
    const char *words;
    enum report_unit unit;
    bool log;
    const struct report_bar *bars;
    size_t count;
    const struct report_level *level; /* or NULL */
};
void report_bars(struct report *r, const struct report_bars *bars);

#endif
