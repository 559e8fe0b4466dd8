/* What the files of a report share: the page as it grows, and how text gets into it. */
#ifndef BENCH_REPORT_PAGE_H
#define BENCH_REPORT_PAGE_H

#include <stdio.h>

#include "bench/report.h"

struct report {
    FILE *out; /* a stream into `bytes` */
    char *bytes;
    size_t size;
    const struct report_column *columns; /* of the open table */
    size_t column_count, column;
};

/* The style sheet of every report, and the head of the page around it. */
extern const char report_style[];

/* Text in which nothing is markup any more. */
void report_escape(FILE *out, const char *words);

/* A <figure> with its title and words; closed by the caller with "</figure>". */
void report_figure_open(struct report *r, const char *title, const char *words);

#endif
