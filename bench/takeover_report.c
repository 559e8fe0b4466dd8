#include "bench/takeover_report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* One figure of a series: the samples in order. */
struct report_figure {
    double values[TAKEOVER_ROUNDS_MAX];
    uint32_t count;
};

static int report_compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void report_figure_init(struct report_figure *f, const struct takeover_series *s,
                               double (*figure)(const struct takeover_sample *sample))
{
    f->count = s->count;
    for (uint32_t i = 0; i < s->count; i++) {
        f->values[i] = figure(&s->samples[i]);
    }
    qsort(f->values, f->count, sizeof(f->values[0]), report_compare);
}

/* The smallest value that so many percent do not exceed. */
static double report_percentile(const struct report_figure *f, uint32_t percent)
{
    uint32_t at = (f->count * percent + 99) / 100;

    return f->count == 0 ? 0 : f->values[at == 0 ? 0 : at - 1];
}

static double report_first(const struct takeover_sample *s)
{
    return s->first_ms;
}

static double report_gap(const struct takeover_sample *s)
{
    return s->gap_ms;
}

static double report_usual(const struct takeover_sample *s)
{
    return s->usual_ms;
}

static const struct {
    const char *word;
    double (*figure)(const struct takeover_sample *sample);
} report_figures[] = {
    {"first_offer_ms", report_first}, {"gap_ms", report_gap}, {"usual_gap_ms", report_usual}};

#define REPORT_FIGURES (sizeof(report_figures) / sizeof(report_figures[0]))

void takeover_report_add(struct takeover_report *r, enum takeover_kind kind,
                         const struct takeover_sample *sample)
{
    struct takeover_series *s = &r->series[kind];

    s->samples[s->count++] = *sample;
}

static uint64_t report_errors(const struct takeover_series *s)
{
    uint64_t errors = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        errors += s->samples[i].errors;
    }
    return errors;
}

/* What a limit is compared with: planned ends are judged by what anybody misses, others by how long
 * the new owner takes. */
static double report_judged(const struct takeover_report *r, enum takeover_kind kind)
{
    struct report_figure f;

    report_figure_init(&f, &r->series[kind],
                       kind == TAKEOVER_HAND_OVER ? report_gap : report_first);
    return report_percentile(&f, 100);
}

bool takeover_report_accounts(const struct takeover_report *r)
{
    uint64_t sure = r->completed + r->found;

    return sure <= r->kept && sure + r->unsure >= r->kept;
}

bool takeover_report_is_good(const struct takeover_report *r)
{
    const struct takeover_options *o = r->options;

    for (int kind = 0; kind < TAKEOVER_KINDS; kind++) {
        if (o->max_ms[kind] > 0 && report_judged(r, (enum takeover_kind)kind) > o->max_ms[kind]) {
            return false;
        }
    }
    return r->failed[0] == '\0' && takeover_report_accounts(r) &&
           report_errors(&r->series[TAKEOVER_HAND_OVER]) == 0;
}

static void report_print_series(const struct takeover_kind_row *row,
                                const struct takeover_series *s)
{
    struct report_figure f;

    printf("%-10s%7u", row->word, s->count);
    for (size_t i = 0; i < REPORT_FIGURES; i++) {
        report_figure_init(&f, s, report_figures[i].figure);
        printf("%10.1f%8.1f%8.1f", report_percentile(&f, 50), report_percentile(&f, 90),
               report_percentile(&f, 100));
    }
    printf("%8llu\n", (unsigned long long)report_errors(s));
}

void takeover_report_print(const struct takeover_report *r)
{
    const struct takeover_options *o = r->options;

    printf("%u contacts wait, %u agents, %g completions a second, %s; milliseconds\n\n",
           o->contacts, o->agents, o->rate,
           o->sentinel ? "Redis with two replicas and three Sentinels" : "one Redis");
    printf("%-10s%7s%26s%26s%26s%8s\n", "", "", "act to first new offer", "longest gap after it",
           "longest gap before", "client");
    printf("%-10s%7s", "", "rounds");
    for (size_t i = 0; i < REPORT_FIGURES; i++) {
        printf("%10s%8s%8s", "median", "p90", "max");
    }
    printf("%8s\n", "errors");
    for (int kind = 0; kind < TAKEOVER_KINDS; kind++) {
        if (r->series[kind].count > 0) {
            report_print_series(&takeover_kinds[kind], &r->series[kind]);
        }
    }
    printf("\naccounted for: %llu of %llu contacts%s\n",
           (unsigned long long)(r->completed + r->found), (unsigned long long)r->kept,
           takeover_report_accounts(r) ? "" : "  CONTACTS ARE MISSING, OR THERE TWICE");
    if (r->error[0] != '\0') {
        printf("the first error of a hand-over: %s\n", r->error);
    }
}

static json_t *report_figure_json(const struct report_figure *f)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < f->count; i++) {
        json_array_append_new(all, json_real(f->values[i]));
    }
    return json_pack("{s:f, s:f, s:f, s:o}", "median", report_percentile(f, 50), "p90",
                     report_percentile(f, 90), "max", report_percentile(f, 100), "sorted", all);
}

json_t *takeover_report_json(const struct takeover_report *r)
{
    const struct takeover_options *o = r->options;
    json_t *kinds = json_object();

    for (int kind = 0; kind < TAKEOVER_KINDS; kind++) {
        const struct takeover_series *s = &r->series[kind];
        json_t *one;

        if (s->count == 0) {
            continue;
        }
        one = json_pack("{s:i, s:I}", "rounds", (int)s->count, "errors",
                        (json_int_t)report_errors(s));
        for (size_t i = 0; i < REPORT_FIGURES; i++) {
            struct report_figure f;

            report_figure_init(&f, s, report_figures[i].figure);
            json_object_set_new(one, report_figures[i].word, report_figure_json(&f));
        }
        json_object_set_new(kinds, takeover_kinds[kind].word, one);
    }
    return json_pack("{s:i, s:i, s:f, s:b, s:o, s:I, s:I, s:I, s:I, s:s, s:b}", "agents",
                     (int)o->agents, "contacts", (int)o->contacts, "rate", o->rate, "sentinel",
                     (int)o->sentinel, "kinds", kinds, "kept", (json_int_t)r->kept, "completed",
                     (json_int_t)r->completed, "found", (json_int_t)r->found, "unsure",
                     (json_int_t)r->unsure, "failed", r->failed, "good",
                     (int)takeover_report_is_good(r));
}
