/* Bars with ranges, as SVG. */
#include <math.h>
#include <string.h>

#include "bench/report_page.h"

#define BARS_WIDTH  560.0
#define BARS_ROW    26.0
#define BARS_TOP    6.0
#define BARS_BOTTOM 24.0
#define BARS_NUMBER 76.0 /* room for the value behind the longest bar */
#define BARS_LETTER 6.6  /* width of a letter of a name, about */

static struct report_scale report_bars_scale(const struct report_bars *b)
{
    double low = INFINITY, high = 0, names = 0;
    struct report_scale scale;

    for (size_t i = 0; i < b->count; i++) {
        const struct report_bar *bar = &b->bars[i];

        names = fmax(names, (double)strlen(bar->words) * BARS_LETTER + 14);
        if (isfinite(bar->value)) {
            low = fmin(low, isfinite(bar->low) ? bar->low : bar->value);
            high = fmax(high, isfinite(bar->high) ? bar->high : bar->value);
        }
    }
    if (b->level != NULL) {
        low = fmin(low, b->level->value);
        high = fmax(high, b->level->value);
    }
    if (!(high > 0)) {
        low = high = 1;
    }
    /* A bar on a logarithmic axis begins somewhere: well before the shortest ends. */
    low = b->log ? fmax(low, high * 1e-9) / 2 : 0;
    report_scale_init(&scale, b->log ? REPORT_LOG : REPORT_LINEAR, low, high,
                      fmin(names, BARS_WIDTH * 0.45), BARS_WIDTH - BARS_NUMBER, 5,
                      b->unit == REPORT_BYTES ? 2 : 10);
    return scale;
}

static void report_bars_axis(FILE *out, const struct report_bars *b,
                             const struct report_scale *scale, double bottom)
{
    char number[REPORT_NUMBER_BYTES];
    double last = -INFINITY;

    for (uint32_t i = 0; i < scale->tick_count; i++) {
        double x = report_scale_place(scale, scale->ticks[i]);

        fprintf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x,
                BARS_TOP, bottom);
        if (x - last < 48) {
            continue; /* no room for its words */
        }
        last = x;
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x, bottom + 16);
        report_escape(out, report_number(number, scale->ticks[i], b->unit));
        fputs("</text>\n", out);
    }
}

static void report_bars_row(FILE *out, const struct report_bars *b, const struct report_bar *bar,
                            const struct report_scale *scale, double y)
{
    char number[REPORT_NUMBER_BYTES];
    double middle = y + BARS_ROW / 2, end = scale->from;

    fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\"%s>",
            scale->from - 10, middle + 4, bar->ours ? " font-weight=\"600\"" : "");
    report_escape(out, bar->words);
    fputs("</text>", out);
    if (isfinite(bar->value)) {
        end = report_scale_place(scale, bar->value);
        fprintf(out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2.5\" "
                "fill=\"var(--s%d)\"%s/>",
                scale->from, y + 4, fmax(end - scale->from, 1), BARS_ROW - 8, bar->ours ? 0 : 7,
                bar->ours ? "" : " opacity=\".55\"");
    }
    if (isfinite(bar->low) && isfinite(bar->high)) {
        double low = report_scale_place(scale, bar->low);
        double high = report_scale_place(scale, bar->high);

        fprintf(out,
                "<path class=\"range\" fill=\"none\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f "
                "%.1fv8\"/>",
                low, middle, high, low, middle - 4, high, middle - 4);
        end = fmax(end, high);
    }
    fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", end + 7, middle + 4);
    report_escape(out, report_number(number, bar->value, b->unit));
    fputs("</text>\n", out);
}

void report_bars(struct report *r, const struct report_bars *b)
{
    struct report_scale scale = report_bars_scale(b);
    double bottom = BARS_TOP + BARS_ROW * (double)b->count;

    report_figure_open(r, b->title, b->words);
    fprintf(r->out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", BARS_WIDTH,
            bottom + BARS_BOTTOM);
    report_escape(r->out, b->title);
    fputs("\">\n", r->out);
    report_bars_axis(r->out, b, &scale, bottom);
    for (size_t i = 0; i < b->count; i++) {
        report_bars_row(r->out, b, &b->bars[i], &scale, BARS_TOP + BARS_ROW * (double)i);
    }
    if (b->level != NULL) {
        double x = report_scale_place(&scale, b->level->value);

        fprintf(r->out,
                "<line class=\"level\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\">"
                "<title>",
                x, x, BARS_TOP, bottom);
        report_escape(r->out, b->level->words);
        fputs("</title></line>\n", r->out);
    }
    fputs("</svg></figure>\n", r->out);
}
