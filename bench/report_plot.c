/* Lines over an axis, as SVG. */
#include <assert.h>
#include <math.h>

#include "bench/report_page.h"

#define PLOT_WIDTH  560.0
#define PLOT_HEIGHT 270.0
#define PLOT_LEFT   66.0
#define PLOT_RIGHT  26.0
#define PLOT_TOP    10.0
#define PLOT_BOTTOM 40.0

/* More places to point at than this are closer together than a pointer can tell. */
#define PLOT_HOVER_MAX 120u

struct report_plot_frame {
    const struct report_plot *plot;
    FILE *out;
    struct report_scale x, y;
};

static bool report_plot_shows(const struct report_axis *axis, double value)
{
    return isfinite(value) && (axis->kind != REPORT_LOG || value > 0);
}

static void report_plot_widen(const struct report_axis *axis, double value, double *low,
                              double *high)
{
    if (report_plot_shows(axis, value)) {
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
}

/* Scales that hold all points, their bands, and the level. */
static void report_plot_scales(struct report_plot_frame *f)
{
    const struct report_plot *p = f->plot;
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;

    for (size_t i = 0; i < p->series_count; i++) {
        const struct report_series *s = &p->series[i];

        for (size_t k = 0; k < s->count; k++) {
            report_plot_widen(&p->x, s->x[k], &low_x, &high_x);
            report_plot_widen(&p->y, s->y[k], &low_y, &high_y);
            if (s->low != NULL) {
                report_plot_widen(&p->y, s->low[k], &low_y, &high_y);
                report_plot_widen(&p->y, s->high[k], &low_y, &high_y);
            }
        }
    }
    if (p->level != NULL) {
        report_plot_widen(&p->y, p->level->value, &low_y, &high_y);
    }
    if (low_x > high_x) {
        low_x = high_x = 1;
    }
    if (low_y > high_y) {
        low_y = high_y = 1;
    }
    report_scale_init(&f->x, p->x.kind, low_x, high_x, PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, 7,
                      p->x.unit == REPORT_BYTES ? 2 : 10);
    report_scale_init(&f->y, p->y.kind, low_y, high_y, PLOT_HEIGHT - PLOT_BOTTOM, PLOT_TOP, 5,
                      p->y.unit == REPORT_BYTES ? 2 : 10);
}

static void report_plot_axes(const struct report_plot_frame *f)
{
    const struct report_plot *p = f->plot;
    double floor_y = PLOT_HEIGHT - PLOT_BOTTOM, end_x = PLOT_WIDTH - PLOT_RIGHT, last = -INFINITY;
    char number[REPORT_NUMBER_BYTES];

    for (uint32_t i = 0; i < f->y.tick_count; i++) {
        double y = report_scale_place(&f->y, f->y.ticks[i]);

        fprintf(f->out,
                "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
                PLOT_LEFT, end_x, y, y, PLOT_LEFT - 8, y + 4);
        report_escape(f->out, report_number(number, f->y.ticks[i], p->y.unit));
        fputs("</text>\n", f->out);
    }
    fprintf(f->out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
            PLOT_LEFT, end_x, floor_y, floor_y);
    for (uint32_t i = 0; i < f->x.tick_count; i++) {
        double x = report_scale_place(&f->x, f->x.ticks[i]);

        if (x - last < 44) {
            continue; /* no room for its words */
        }
        last = x;
        fprintf(f->out,
                "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                x, x, floor_y, floor_y + 4, x, floor_y + 17);
        report_escape(f->out, report_number(number, f->x.ticks[i], p->x.unit));
        fputs("</text>\n", f->out);
    }
    fprintf(f->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (PLOT_LEFT + end_x) / 2,
            PLOT_HEIGHT - 4);
    report_escape(f->out, p->x.words);
    fputs("</text>\n", f->out);
}

static void report_plot_level(const struct report_plot_frame *f)
{
    const struct report_level *level = f->plot->level;
    double y;

    if (level == NULL || !report_plot_shows(&f->plot->y, level->value)) {
        return;
    }
    y = report_scale_place(&f->y, level->value);
    fprintf(f->out,
            "<line class=\"level\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
            "<text class=\"level-words\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
            PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT, y, y, PLOT_WIDTH - PLOT_RIGHT, y - 5);
    report_escape(f->out, level->words);
    fputs("</text>\n", f->out);
}

static void report_plot_band(const struct report_plot_frame *f, const struct report_series *s,
                             size_t color)
{
    if (s->low == NULL || s->count < 2) {
        return;
    }
    fprintf(f->out, "<path class=\"band\" fill=\"var(--s%zu)\" d=\"", color);
    for (size_t k = 0; k < s->count; k++) {
        fprintf(f->out, "%c%.1f %.1f", k == 0 ? 'M' : 'L', report_scale_place(&f->x, s->x[k]),
                report_scale_place(&f->y, s->high[k]));
    }
    for (size_t k = s->count; k-- > 0;) {
        fprintf(f->out, "L%.1f %.1f", report_scale_place(&f->x, s->x[k]),
                report_scale_place(&f->y, s->low[k]));
    }
    fputs("Z\"/>\n", f->out);
}

static void report_plot_curve(const struct report_plot_frame *f, const struct report_series *s,
                              size_t color)
{
    const struct report_plot *p = f->plot;
    bool pen = false;

    fprintf(f->out, "<path class=\"curve%s\" stroke=\"var(--s%zu)\" d=\"",
            s->dashed ? " dashed" : "", color);
    for (size_t k = 0; k < s->count; k++) {
        bool shown = report_plot_shows(&p->x, s->x[k]) && report_plot_shows(&p->y, s->y[k]);

        if (shown) {
            fprintf(f->out, "%c%.1f %.1f", pen ? 'L' : 'M', report_scale_place(&f->x, s->x[k]),
                    report_scale_place(&f->y, s->y[k]));
        }
        pen = shown;
    }
    fputs("\"/>\n", f->out);
    for (size_t k = 0; p->marks && !s->dashed && k < s->count; k++) {
        if (report_plot_shows(&p->x, s->x[k]) && report_plot_shows(&p->y, s->y[k])) {
            fprintf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"var(--s%zu)\"/>",
                    report_scale_place(&f->x, s->x[k]), report_scale_place(&f->y, s->y[k]), color);
        }
    }
}

/* What all series have at the place of one point of the first. */
static void report_plot_hover_words(const struct report_plot_frame *f, size_t point)
{
    const struct report_plot *p = f->plot;
    char number[REPORT_NUMBER_BYTES];
    double x = p->series[0].x[point];

    report_escape(f->out, report_number(number, x, p->x.unit));
    for (size_t i = 0; i < p->series_count; i++) {
        const struct report_series *s = &p->series[i];
        size_t k = point < s->count && s->x[point] == x ? point : 0;

        while (k < s->count && s->x[k] != x) {
            k++;
        }
        if (k < s->count && report_plot_shows(&p->y, s->y[k])) {
            fputs("\n", f->out);
            report_escape(f->out, s->words);
            fputs(": ", f->out);
            report_escape(f->out, report_number(number, s->y[k], p->y.unit));
        }
    }
}

/* A strip for each point of the first series, from half-way to its neighbours. */
static void report_plot_hover(const struct report_plot_frame *f)
{
    const struct report_series *s = &f->plot->series[0];
    double before = PLOT_LEFT, height = PLOT_HEIGHT - PLOT_BOTTOM - PLOT_TOP;

    if (s->count == 0 || s->count > PLOT_HOVER_MAX) {
        return;
    }
    fputs("<g class=\"hover\">\n", f->out);
    for (size_t k = 0; k < s->count; k++) {
        double x = report_scale_place(&f->x, s->x[k]);
        double behind = k + 1 < s->count ? (x + report_scale_place(&f->x, s->x[k + 1])) / 2
                                         : PLOT_WIDTH - PLOT_RIGHT;

        fputs("<g><title>", f->out);
        report_plot_hover_words(f, k);
        fprintf(f->out,
                "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/></g>\n",
                before, PLOT_TOP, fmax(behind - before, 0), height, x, x, PLOT_TOP,
                PLOT_TOP + height);
        before = behind;
    }
    fputs("</g>\n", f->out);
}

static void report_plot_legend(const struct report_plot_frame *f)
{
    fputs("<ul class=\"legend\">", f->out);
    for (size_t i = 0; i < f->plot->series_count; i++) {
        fprintf(f->out, "<li><i%s style=\"border-color:var(--s%zu)\"></i>",
                f->plot->series[i].dashed ? " class=\"dashed\"" : "", i);
        report_escape(f->out, f->plot->series[i].words);
        fputs("</li>", f->out);
    }
    fputs("</ul>\n", f->out);
}

void report_plot(struct report *r, const struct report_plot *plot)
{
    struct report_plot_frame f = {.plot = plot, .out = r->out};

    assert(plot->series_count > 0 && plot->series_count <= REPORT_SERIES_MAX);
    report_plot_scales(&f);
    report_figure_open(r, plot->title, plot->words);
    if (plot->series_count > 1) {
        report_plot_legend(&f);
    }
    fprintf(f.out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", PLOT_WIDTH,
            PLOT_HEIGHT);
    report_escape(f.out, plot->title);
    fputs("\">\n", f.out);
    report_plot_axes(&f);
    for (size_t i = 0; i < plot->series_count; i++) {
        report_plot_band(&f, &plot->series[i], i);
    }
    for (size_t i = plot->series_count; i-- > 0;) {
        report_plot_curve(&f, &plot->series[i], i); /* the first on top */
    }
    report_plot_level(&f);
    report_plot_hover(&f);
    fputs("</svg></figure>\n", f.out);
}
