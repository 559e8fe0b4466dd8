/* The report of a run of `load` as a page with plots. */
#include <inttypes.h>
#include <math.h>

#include "bench/load.h"
#include "bench/progress.h"
#include "bench/report.h"
#include "queue/base/memory.h"

/* Plots of more seconds than this have several of them in a point. */
#define LOAD_POINTS_MAX 600u

/* Columns of the series, each an array of its own, as plots take them. */
enum load_column {
    COLUMN_AT,
    COLUMN_WANTED,
    COLUMN_SUBMITTED,
    COLUMN_COMPLETED,
    COLUMN_ABANDONED,
    COLUMN_ERRORS,
    COLUMN_P50,
    COLUMN_P90,
    COLUMN_P99,
    COLUMN_MAX,
    COLUMN_UNDER_WAY,
    COLUMN_CPU,
    COLUMN_RESIDENT,
    COLUMN_COUNT,
};

struct load_columns {
    double *of[COLUMN_COUNT];
    size_t count;
};

/* One point of `size` seconds: rates are their mean, latencies their worst. */
static void load_columns_point(struct load_columns *c, const struct load_second *seconds,
                               uint32_t size)
{
    double sums[COLUMN_COUNT] = {0}, length = 0;

    for (uint32_t i = 0; i < size; i++) {
        const struct load_second *s = &seconds[i];

        length += s->seconds;
        sums[COLUMN_WANTED] += s->wanted * s->seconds;
        sums[COLUMN_SUBMITTED] += (double)s->submitted;
        sums[COLUMN_COMPLETED] += (double)s->completed;
        sums[COLUMN_ABANDONED] += (double)s->abandoned;
        sums[COLUMN_ERRORS] += (double)s->errors;
        sums[COLUMN_CPU] += s->server_cpu * s->seconds * 100;
        sums[COLUMN_P50] = fmax(sums[COLUMN_P50], (double)s->p50_ns);
        sums[COLUMN_P90] = fmax(sums[COLUMN_P90], (double)s->p90_ns);
        sums[COLUMN_P99] = fmax(sums[COLUMN_P99], (double)s->p99_ns);
        sums[COLUMN_MAX] = fmax(sums[COLUMN_MAX], (double)s->max_ns);
    }
    for (int column = COLUMN_WANTED; column < COLUMN_COUNT; column++) {
        bool latency = column >= COLUMN_P50 && column <= COLUMN_MAX;

        c->of[column][c->count] = latency ? sums[column] : sums[column] / length;
    }
    c->of[COLUMN_AT][c->count] = seconds[size - 1].at_s;
    c->of[COLUMN_UNDER_WAY][c->count] = seconds[size - 1].under_way;
    c->of[COLUMN_RESIDENT][c->count] = seconds[size - 1].server_resident;
    c->count++;
}

static void load_columns_init(struct load_columns *c, const struct load_series *series)
{
    uint32_t size = series->count / LOAD_POINTS_MAX + 1;

    *c = (struct load_columns){0};
    for (int column = 0; column < COLUMN_COUNT; column++) {
        c->of[column] = memory_take((series->count + 1) * sizeof(double));
    }
    for (uint32_t i = 0; i < series->count; i += size) {
        load_columns_point(c, &series->seconds[i],
                           series->count - i < size ? series->count - i : size);
    }
}

static void load_columns_close(struct load_columns *c)
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        memory_give(c->of[column]);
    }
}

/* A line of a plot over time. */
struct load_line {
    enum load_column column;
    const char *words;
    bool dashed;
};

static void load_report_time(struct report *r, const struct load_columns *c, const char *title,
                             const char *words, struct report_axis axis,
                             const struct load_line *lines, size_t count,
                             const struct report_level *level)
{
    struct report_series series[REPORT_SERIES_MAX];

    for (size_t i = 0; i < count; i++) {
        series[i] = (struct report_series){.words = lines[i].words,
                                           .x = c->of[COLUMN_AT],
                                           .y = c->of[lines[i].column],
                                           .count = c->count,
                                           .dashed = lines[i].dashed};
    }
    report_plot(r, &(struct report_plot){.title = title,
                                         .words = words,
                                         .x = {"since the start", REPORT_SECONDS, REPORT_EXACT},
                                         .y = axis,
                                         .series = series,
                                         .series_count = count,
                                         .level = level});
}

static bool load_report_is_open(const struct load_series *series)
{
    for (uint32_t i = 0; i < series->count; i++) {
        if (series->seconds[i].wanted > 0) {
            return true;
        }
    }
    return false;
}

static void load_report_over_time(struct report *r, const struct load_result *result,
                                  const struct load_options *o)
{
    static const struct load_line rates[] = {{COLUMN_COMPLETED, "completed", false},
                                             {COLUMN_SUBMITTED, "submitted", false},
                                             {COLUMN_WANTED, "due", true}};
    static const struct load_line latencies[] = {{COLUMN_P50, "p50", false},
                                                 {COLUMN_P90, "p90", false},
                                                 {COLUMN_P99, "p99", false},
                                                 {COLUMN_MAX, "max", false}};
    static const struct load_line states[] = {{COLUMN_UNDER_WAY, "under way", false}};
    static const struct load_line losses[] = {{COLUMN_ERRORS, "errors", false},
                                              {COLUMN_ABANDONED, "abandoned", false}};
    static const struct load_line cpu[] = {{COLUMN_CPU, "server CPU", false}};
    static const struct load_line memory[] = {{COLUMN_RESIDENT, "resident", false}};
    struct report_level level = {o->max_p99_ms * 1e6, "--max-p99-ms"};
    struct load_columns c;

    report_heading(r, "Over time");
    load_columns_init(&c, &result->series);
    load_report_time(r, &c, "Contacts a second", NULL,
                     (struct report_axis){"", REPORT_PER_SECOND, REPORT_LINEAR}, rates,
                     load_report_is_open(&result->series) ? 3 : 2, NULL);
    load_report_time(r, &c, "From due to offer", NULL,
                     (struct report_axis){"", REPORT_NANOSECONDS, REPORT_LOG}, latencies, 4,
                     o->max_p99_ms > 0 ? &level : NULL);
    load_report_time(r, &c, "Contacts under way", "between submission and completion",
                     (struct report_axis){"", REPORT_PLAIN, REPORT_LINEAR}, states, 1, NULL);
    load_report_time(r, &c, "Errors and abandoned contacts", NULL,
                     (struct report_axis){"", REPORT_PER_SECOND, REPORT_LINEAR}, losses, 2, NULL);
    if (result->cpu_known) {
        load_report_time(r, &c, "Server CPU", "of one core",
                         (struct report_axis){"", REPORT_PERCENT, REPORT_LINEAR}, cpu, 1, NULL);
        load_report_time(r, &c, "Server memory", "resident",
                         (struct report_axis){"", REPORT_BYTES, REPORT_LINEAR}, memory, 1, NULL);
    }
    load_columns_close(&c);
}

/* Percentiles, more of them where the interesting ones are. */

static const double load_percents[] = {0,  10,   25,   50,    75,    90,     95,     97.5,
                                       99, 99.5, 99.9, 99.95, 99.99, 99.995, 99.999, 99.9999};

#define LOAD_PERCENTS (sizeof(load_percents) / sizeof(load_percents[0]))

static void load_report_percentiles(struct report *r, const struct load_result *result)
{
    struct load_latency_row rows[LOAD_LATENCIES];
    struct report_series series[LOAD_LATENCIES];
    double values[LOAD_LATENCIES][LOAD_PERCENTS];
    size_t lines = 0;

    load_latency_rows(result, rows);
    for (size_t row = 0; row < LOAD_LATENCIES; row++) {
        const struct histogram *h = rows[row].histogram;
        size_t points = 0;

        /* A percentile of fewer measurements than it leaves out is the largest one, and no news. */
        while (points < LOAD_PERCENTS &&
               (double)h->count * (100 - load_percents[points]) >= 100 * 0.999) {
            values[lines][points] = (double)histogram_percentile(h, load_percents[points]);
            points++;
        }
        if (points > 0) {
            series[lines] = (struct report_series){
                .words = rows[row].words, .x = load_percents, .y = values[lines], .count = points};
            lines++;
        }
    }
    if (lines > 0) {
        report_plot(
            r, &(struct report_plot){.title = "Latency by percentile",
                                     .words = "of all that was measured",
                                     .x = {"percentile", REPORT_PERCENTILE, REPORT_PERCENTILES},
                                     .y = {"", REPORT_NANOSECONDS, REPORT_LOG},
                                     .series = series,
                                     .series_count = lines});
    }
}

static void load_report_latencies(struct report *r, const struct load_result *result)
{
    static const double percents[] = {50, 90, 99, 99.9};
    static const struct report_column columns[] = {
        {"latency", false, REPORT_PLAIN},      {"measured", true, REPORT_PLAIN},
        {"p50", true, REPORT_NANOSECONDS},     {"p90", true, REPORT_NANOSECONDS},
        {"p99", true, REPORT_NANOSECONDS},     {"p99.9", true, REPORT_NANOSECONDS},
        {"largest", true, REPORT_NANOSECONDS}, {"mean", true, REPORT_NANOSECONDS}};
    struct load_latency_row rows[LOAD_LATENCIES];

    load_latency_rows(result, rows);
    report_table_open(r, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t row = 0; row < LOAD_LATENCIES; row++) {
        const struct histogram *h = rows[row].histogram;

        if (h->count == 0) {
            continue;
        }
        report_cell(r, "%s", rows[row].words);
        report_cell_number(r, (double)h->count);
        for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
            report_cell_number(r, (double)histogram_percentile(h, percents[i]));
        }
        report_cell_number(r, (double)h->largest);
        report_cell_number(r, histogram_mean(h));
    }
    report_table_close(r);
}

static void load_report_counts(struct report *r, const struct load_result *result)
{
    static const struct report_column columns[] = {{"what became of it", false, REPORT_PLAIN},
                                                   {"", true, REPORT_PLAIN}};
    const struct load_counts *c = &result->counts;
    const struct {
        const char *words;
        uint64_t count;
        bool always;
    } rows[] = {{"submitted", c->submitted, true},
                {"acknowledged", c->answered, true},
                {"submissions refused", c->refused, false},
                {"known already (submitted again after a reconnect)", c->duplicates, false},
                {"due and never sent", c->unsent, false},
                {"offers", c->offers, true},
                {"offers withdrawn", c->withdrawn, false},
                {"offers missed", c->missed, false},
                {"offers declined", c->declined, false},
                {"completed", c->completed, true},
                {"abandoned by customers", c->abandoned, false},
                {"still waiting when time was up, and taken back", result->left_cancelled, false},
                {"still with an agent when time was up", result->left_held, false},
                {"ended otherwise", result->left_ended, false},
                {"connections dropped and back", c->reconnects, false},
                {"submissions never answered", result->unanswered, true},
                {"acknowledged and unaccounted for", result->unaccounted, true},
                {"with two agents", result->two_agents, true}};

    report_table_open(r, columns, 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].always || rows[i].count > 0) {
            report_cell(r, "%s", rows[i].words);
            report_cell_number(r, (double)rows[i].count);
        }
    }
    for (enum error_code e = ERROR_NONE + 1; e < ERROR_COUNT; e++) {
        if (c->errors[e] > 0) {
            report_cell(r, "error %s", error_wire(e));
            report_cell_number(r, (double)c->errors[e]);
        }
    }
    report_table_close(r);
}

static void load_report_figures(struct report *r, const struct load_result *result)
{
    const struct histogram *offers = &result->latencies.submit_offer;
    char measured[64], p50[64], cpu[64], span[PROGRESS_SPAN_BYTES];
    struct report_figure figures[5];
    size_t count = 0;

    snprintf(measured, sizeof(measured), "%" PRIu64 " in %.1f s", result->measured,
             result->seconds);
    figures[count++] = (struct report_figure){"life cycles", load_result_rate(result),
                                              REPORT_PER_SECOND, measured};
    snprintf(p50, sizeof(p50), "p50 %s", progress_span(span, histogram_percentile(offers, 50)));
    figures[count++] = (struct report_figure){
        "due to offer, p99", (double)histogram_percentile(offers, 99), REPORT_NANOSECONDS, p50};
    figures[count++] = (struct report_figure){"errors", (double)load_result_errors(result),
                                              REPORT_PLAIN, "requests refused"};
    if (result->cpu_known && result->measured > 0) {
        snprintf(cpu, sizeof(cpu), "%.0f %% of a core",
                 result->server_cpu_us / result->seconds / 1e4);
        figures[count++] = (struct report_figure){"server CPU a life cycle",
                                                  result->server_cpu_us / (double)result->measured,
                                                  REPORT_MICROSECONDS, cpu};
        figures[count++] = (struct report_figure){"server memory", result->server_resident,
                                                  REPORT_BYTES, "resident at the end"};
    }
    report_figures(r, figures, count);
}

bool load_result_html(const struct load_result *result, const struct load_options *o,
                      const char *path)
{
    char words[LOAD_WORDS_BYTES];
    struct report *r = report_create("switchboard-bench load", load_result_words(words, o));

    if (result->failed[0] != '\0') {
        report_text(r, "Not as it has to be: %s.", result->failed);
    }
    load_report_figures(r, result);
    if (result->series.count > 0) {
        load_report_over_time(r, result, o);
    }
    report_heading(r, "Latency");
    load_report_percentiles(r, result);
    load_report_latencies(r, result);
    report_text(r, "From the instant at which a contact was due, which nothing that the server "
                   "does can move; in a closed loop from its submission.");
    report_heading(r, "Contacts");
    load_report_counts(r, result);
    return report_write(r, path);
}
