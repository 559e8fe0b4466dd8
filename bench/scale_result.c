/* What `scale` found: as text, as JSON, and as a page with plots. */
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bench/report.h"
#include "bench/scale.h"

/* A figure of a point: a column of the tables, a key of the JSON. */
struct scale_figure {
    const char *key;
    const char *words;
    enum report_unit unit;
    size_t offset; /* of the member of a point, a double */
};

static const struct scale_figure scale_figures[] = {
    {"cpu_us_per_life_cycle", "CPU, closed loop", REPORT_MICROSECONDS,
     offsetof(struct scale_point, cpu_us)},
    {"life_cycles_per_second", "life cycles", REPORT_PER_SECOND,
     offsetof(struct scale_point, rate)},
    {"open_cpu_us_per_life_cycle", "CPU, open loop", REPORT_MICROSECONDS,
     offsetof(struct scale_point, open_cpu_us)},
    {"submit_offer_p50_ns", "due to offer p50", REPORT_NANOSECONDS,
     offsetof(struct scale_point, p50_ns)},
    {"submit_offer_p99_ns", "p99", REPORT_NANOSECONDS, offsetof(struct scale_point, p99_ns)},
    {"resident_bytes", "resident", REPORT_BYTES, offsetof(struct scale_point, resident)},
    {"bytes_each", "memory each", REPORT_BYTES, offsetof(struct scale_point, bytes_each)},
};

#define SCALE_FIGURES (sizeof(scale_figures) / sizeof(scale_figures[0]))

static double scale_figure_of(const struct scale_point *p, const struct scale_figure *f)
{
    return *(const double *)(const void *)((const char *)p + f->offset);
}

static bool scale_has_figure(const struct scale_series *s, const struct scale_figure *f)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (!isnan(scale_figure_of(&s->points[i], f))) {
            return true;
        }
    }
    return false;
}

/* Where the machine did not allow the size that was wanted. */
static const struct scale_point *scale_cut(const struct scale_series *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->points[i].size < s->points[i].wanted) {
            return &s->points[i];
        }
    }
    return NULL;
}

#define SCALE_CUT_FORMAT                                                                           \
    "%u instead of %u: no more files may be open (ulimit -Hn), and each connection is one"

void scale_result_print(const struct scale_result *r)
{
    char number[REPORT_NUMBER_BYTES];

    for (uint32_t k = 0; k < r->count; k++) {
        const struct scale_series *s = &r->series[k];
        const struct scale_point *cut = scale_cut(s);

        printf("%s%s\n%s\n\n%18s", k > 0 ? "\n" : "", s->axis->title, s->axis->words, "");
        for (size_t f = 0; f < SCALE_FIGURES; f++) {
            if (scale_has_figure(s, &scale_figures[f])) {
                printf("%18s", scale_figures[f].words);
            }
        }
        printf("\n");
        for (uint32_t i = 0; i < s->count; i++) {
            printf("%18s", report_number(number, s->points[i].size, REPORT_PLAIN));
            for (size_t f = 0; f < SCALE_FIGURES; f++) {
                if (scale_has_figure(s, &scale_figures[f])) {
                    report_number(number, scale_figure_of(&s->points[i], &scale_figures[f]),
                                  scale_figures[f].unit);
                    /* The sign of micro is two bytes and one place. */
                    printf("%*s", strstr(number, "µ") != NULL ? 19 : 18, number);
                }
            }
            printf("\n");
        }
        if (cut != NULL) {
            printf(SCALE_CUT_FORMAT "\n", cut->size, cut->wanted);
        }
    }
}

json_t *scale_result_json(const struct scale_result *r)
{
    json_t *all = json_object();

    for (uint32_t k = 0; k < r->count; k++) {
        const struct scale_series *s = &r->series[k];
        json_t *points = json_array();

        for (uint32_t i = 0; i < s->count; i++) {
            json_t *one = json_pack("{s:I, s:I, s:I}", "size", (json_int_t)s->points[i].size,
                                    "wanted", (json_int_t)s->points[i].wanted, "errors",
                                    (json_int_t)s->points[i].errors);

            for (size_t f = 0; f < SCALE_FIGURES; f++) {
                double value = scale_figure_of(&s->points[i], &scale_figures[f]);

                if (!isnan(value)) {
                    json_object_set_new(one, scale_figures[f].key, json_real(value));
                }
            }
            json_array_append_new(points, one);
        }
        json_object_set_new(all, s->axis->name, points);
    }
    return json_pack("{s:o, s:o}", "axes", all, "failed",
                     r->failed[0] == '\0' ? json_null() : json_string(r->failed));
}

/* The page. */

/* A plot of one or two figures over the sizes. */
static void scale_page_plot(struct report *r, const struct scale_series *s, const char *title,
                            const char *words, const size_t *figures, size_t count)
{
    double x[SCALE_SIZES_MAX], y[2][SCALE_SIZES_MAX];
    struct report_series series[2];

    for (size_t f = 0; f < count; f++) {
        for (uint32_t i = 0; i < s->count; i++) {
            /* A logarithmic axis has no 0: what begins with none begins a little before one. */
            x[i] = s->points[i].size > 0 ? s->points[i].size : s->axis->sizes[1] / 10.0;
            y[f][i] = scale_figure_of(&s->points[i], &scale_figures[figures[f]]);
        }
        series[f] = (struct report_series){
            .words = scale_figures[figures[f]].words, .x = x, .y = y[f], .count = s->count};
    }
    report_plot(r, &(struct report_plot){.title = title,
                                         .words = words,
                                         .x = {s->axis->unit, REPORT_PLAIN, REPORT_LOG},
                                         .y = {"", scale_figures[figures[0]].unit, REPORT_LINEAR},
                                         .series = series,
                                         .series_count = count,
                                         .marks = true});
}

static void scale_page_table(struct report *r, const struct scale_series *s)
{
    struct report_column columns[SCALE_FIGURES + 1] = {{s->axis->unit, true, REPORT_PLAIN}};
    const struct scale_figure *shown[SCALE_FIGURES];
    size_t count = 0;

    for (size_t f = 0; f < SCALE_FIGURES; f++) {
        if (scale_has_figure(s, &scale_figures[f])) {
            shown[count++] = &scale_figures[f];
            columns[count] =
                (struct report_column){scale_figures[f].words, true, scale_figures[f].unit};
        }
    }
    report_table_open(r, columns, count + 1);
    for (uint32_t i = 0; i < s->count; i++) {
        report_cell_number(r, s->points[i].size);
        for (size_t f = 0; f < count; f++) {
            report_cell_number(r, scale_figure_of(&s->points[i], shown[f]));
        }
    }
    report_table_close(r);
}

static void scale_page_axis(struct report *r, const struct scale_series *s)
{
    static const size_t closed[] = {0}, open[] = {2}, latency[] = {3, 4}, each[] = {6};
    const struct scale_point *cut = scale_cut(s);

    report_heading(r, s->axis->title);
    report_text(r, "%s", s->axis->words);
    if (cut != NULL) {
        report_text(r, SCALE_CUT_FORMAT ".", cut->size, cut->wanted);
    }
    if (s->count == 0) {
        return;
    }
    if (scale_has_figure(s, &scale_figures[0])) {
        scale_page_plot(r, s, "Server CPU a life cycle", "closed loop", closed, 1);
    } else {
        scale_page_plot(r, s, "Server CPU a life cycle", "open loop", open, 1);
    }
    scale_page_plot(r, s, "From due to offer", "open loop", latency, 2);
    if (s->axis->each != NULL && scale_has_figure(s, &scale_figures[6])) {
        scale_page_plot(r, s, "Server memory", s->axis->each, each, 1);
    }
    scale_page_table(r, s);
}

bool scale_result_html(const struct scale_result *r, const char *path)
{
    struct report *page =
        report_create("switchboard-bench scale",
                      "What a life cycle costs, how long an offer takes and what memory is used as "
                      "one thing grows and all else stays.");

    if (r->failed[0] != '\0') {
        report_text(page, "It ended before its time: %s.", r->failed);
    }
    for (uint32_t k = 0; k < r->count; k++) {
        scale_page_axis(page, &r->series[k]);
    }
    return report_write(page, path);
}
