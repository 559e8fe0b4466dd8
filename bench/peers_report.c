#include "bench/peers_report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "bench/peers.h"

/* Figures, in the order of their kinds. */
static const struct {
    const char *json, *head;
    int decimals;
} peers_figures[PEERS_FIGURES] = {
    [PEERS_PER_SECOND] = {"life_cycles_per_second", "life cycles/s", 0},
    [PEERS_CPU] = {"server_cpu_us", "server CPU us each", 2},
    [PEERS_BENCH_CPU] = {"bench_cpu_share", "bench CPU, cores", 2},
    [PEERS_P50] = {"handed_out_p50_us", "p50 us", 0},
    [PEERS_P99] = {"handed_out_p99_us", "p99 us", 0},
    [PEERS_OPEN_CPU] = {"server_cpu_at_rate_us", "server CPU us each", 1},
    [PEERS_BYTES] = {"bytes_waiting", "bytes each", 0},
    [PEERS_BESIDE] = {"bytes_waiting_beside", "beside body and ids", 0},
};

/* What every row is compared with, where it was measured. */
static const struct {
    const struct peer *peer;
    const char *json;
} peers_bases[] = {
    {&peer_switchboard, "times_switchboard"},
    {&peer_floor, "times_floor"},
};

#define PEERS_BASES (sizeof(peers_bases) / sizeof(peers_bases[0]))

static int peers_report_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct peers_spread peers_report_spread(const struct peers_figure *figure, uint32_t rounds)
{
    struct peers_figure sorted;
    uint32_t count = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        if (!isnan(figure->of_round[i])) {
            sorted.of_round[count++] = figure->of_round[i];
        }
    }
    if (count == 0) {
        return (struct peers_spread){NAN, NAN, NAN};
    }
    qsort(sorted.of_round, count, sizeof(double), peers_report_compare);
    return (struct peers_spread){(sorted.of_round[(count - 1) / 2] + sorted.of_round[count / 2]) /
                                     2,
                                 sorted.of_round[0], sorted.of_round[count - 1]};
}

struct peers_figure peers_report_ratio(const struct peers_figure *figure,
                                       const struct peers_figure *base, uint32_t rounds)
{
    struct peers_figure ratio;

    for (uint32_t i = 0; i < rounds; i++) {
        ratio.of_round[i] = figure->of_round[i] / base->of_round[i];
    }
    return ratio;
}

const struct peers_row *peers_report_base(const struct peers_report *r, const struct peers_row *row,
                                          const struct peer *peer)
{
    for (uint32_t i = 0; i < r->row_count; i++) {
        if (r->rows[i].peer == peer && r->rows[i].durable == row->durable &&
            r->rows[i].window == row->window) {
            return &r->rows[i];
        }
    }
    return NULL;
}

/* Tables. */

static void peers_report_cell(FILE *to, struct peers_spread s, int decimals, uint32_t rounds)
{
    char range[48] = "";

    if (isnan(s.median)) {
        fprintf(to, "  %9s %-15s", "-", "");
        return;
    }
    if (rounds > 1) {
        snprintf(range, sizeof(range), "(%.*f-%.*f)", decimals, s.least, decimals, s.most);
    }
    fprintf(to, "  %9.*f %-15s", decimals, s.median, range);
}

/* One table: figures, and how many times as much as others the last of them is. */
struct peers_section {
    enum peers_figure_kind kinds[4];
    uint32_t count;
    enum peers_figure_kind compared;
};

static void peers_report_head(const struct peers_report *r, const struct peers_row *like,
                              const struct peers_section *section, FILE *to)
{
    char words[64];

    fprintf(to, "%-18s", "");
    for (uint32_t i = 0; i < section->count; i++) {
        fprintf(to, "  %-25s", peers_figures[section->kinds[i]].head);
    }
    for (size_t i = 0; i < PEERS_BASES; i++) {
        if (peers_report_base(r, like, peers_bases[i].peer) != NULL) {
            snprintf(words, sizeof(words), "%s, times %s",
                     section->compared == PEERS_CPU   ? "CPU"
                     : section->compared == PEERS_P50 ? "p50"
                                                      : "bytes",
                     peers_bases[i].peer->name);
            fprintf(to, "  %-25s", words);
        }
    }
    fputc('\n', to);
}

static void peers_report_row(const struct peers_report *r, const struct peers_row *row,
                             const struct peers_section *section, FILE *to)
{
    fprintf(to, "%-18s", row->peer->name);
    for (uint32_t i = 0; i < section->count; i++) {
        enum peers_figure_kind kind = section->kinds[i];

        peers_report_cell(to, peers_report_spread(&row->figures[kind], r->rounds),
                          peers_figures[kind].decimals, r->rounds);
    }
    for (size_t i = 0; i < PEERS_BASES; i++) {
        const struct peers_row *base = peers_report_base(r, row, peers_bases[i].peer);

        if (base != NULL) {
            struct peers_figure ratio = peers_report_ratio(
                &row->figures[section->compared], &base->figures[section->compared], r->rounds);

            peers_report_cell(to, peers_report_spread(&ratio, r->rounds), 2, r->rounds);
        }
    }
    fputc('\n', to);
}

static bool peers_report_has(const struct peers_report *r, const struct peers_row *like,
                             enum peers_figure_kind kind)
{
    for (uint32_t i = 0; i < r->row_count; i++) {
        if (r->rows[i].durable == like->durable && r->rows[i].window == like->window &&
            !isnan(peers_report_spread(&r->rows[i].figures[kind], r->rounds).median)) {
            return true;
        }
    }
    return false;
}

static void peers_report_section(const struct peers_report *r, const struct peers_row *like,
                                 const char *title, const struct peers_section *section, FILE *to)
{
    if (!peers_report_has(r, like, section->compared)) {
        return;
    }
    fprintf(to, "\n%s, window %u: %s\n", like->durable ? "durable" : "in memory", like->window,
            title);
    peers_report_head(r, like, section, to);
    for (uint32_t i = 0; i < r->row_count; i++) {
        const struct peers_row *row = &r->rows[i];

        if (row->durable == like->durable && row->window == like->window) {
            peers_report_row(r, row, section, to);
        }
    }
}

static void peers_report_sections(const struct peers_report *r, const struct peers_row *like,
                                  FILE *to)
{
    static const struct peers_section costs = {
        {PEERS_PER_SECOND, PEERS_BENCH_CPU, PEERS_CPU}, 3, PEERS_CPU};
    static const struct peers_section latencies = {
        {PEERS_OPEN_CPU, PEERS_P99, PEERS_P50}, 3, PEERS_P50};
    static const struct peers_section memory = {{PEERS_BESIDE, PEERS_BYTES}, 2, PEERS_BYTES};
    char title[160];

    snprintf(title, sizeof(title),
             "life cycles of %u producers and %u consumers, median of %u rounds of %g s (range)",
             r->producers, r->consumers, r->rounds, r->seconds);
    peers_report_section(r, like, title, &costs, to);
    snprintf(title, sizeof(title), "from due to handed out at %g/s, open loop", r->rate);
    peers_report_section(r, like, title, &latencies, to);
    snprintf(title, sizeof(title), "resident memory over %u waiting contacts of %u bytes",
             r->waiting, PEER_BODY_BYTES);
    peers_report_section(r, like, title, &memory, to);
}

bool peers_report_first(const struct peers_report *r, uint32_t number)
{
    for (uint32_t i = 0; i < number; i++) {
        if (r->rows[i].durable == r->rows[number].durable &&
            r->rows[i].window == r->rows[number].window) {
            return false;
        }
    }
    return true;
}

void peers_report_print(const struct peers_report *r, FILE *to)
{
    for (uint32_t i = 0; i < r->row_count; i++) {
        if (peers_report_first(r, i)) {
            peers_report_sections(r, &r->rows[i], to);
        }
    }
    fputc('\n', to);
    for (uint32_t i = 0; i < r->row_count; i++) {
        const struct peers_row *row = &r->rows[i];

        if (row->failed[0] != '\0') {
            fprintf(to, "FAILED: %s, %s, window %u: %s\n", row->peer->name,
                    row->durable ? "durable" : "in memory", row->window, row->failed);
        }
    }
    fputs("What a life cycle ends with, and what a row does not do:\n", to);
    for (const struct peer *const *peer = peers_all; *peer != NULL; peer++) {
        for (uint32_t i = 0; i < r->row_count; i++) {
            if (r->rows[i].peer == *peer) {
                fprintf(to, "  %-18s %s%s%s\n", (*peer)->name, (*peer)->completed,
                        (*peer)->lacks[0] == '\0' ? "" : "; no ", (*peer)->lacks);
                break;
            }
        }
    }
}

/* JSON. */

static json_t *peers_report_json_figure(const struct peers_figure *figure, uint32_t rounds)
{
    struct peers_spread s = peers_report_spread(figure, rounds);
    json_t *values;

    if (isnan(s.median)) {
        return json_null();
    }
    values = json_array();
    for (uint32_t i = 0; i < rounds; i++) {
        json_array_append_new(values, isnan(figure->of_round[i]) ? json_null()
                                                                 : json_real(figure->of_round[i]));
    }
    return json_pack("{s:f, s:f, s:f, s:o}", "median", s.median, "least", s.least, "most", s.most,
                     "rounds", values);
}

/* Every figure of a row, divided by the same of another. */
static json_t *peers_report_json_ratios(const struct peers_row *row, const struct peers_row *base,
                                        uint32_t rounds)
{
    json_t *json = json_object();

    for (int kind = 0; kind < PEERS_FIGURES; kind++) {
        struct peers_figure ratio =
            peers_report_ratio(&row->figures[kind], &base->figures[kind], rounds);

        json_object_set_new(json, peers_figures[kind].json,
                            peers_report_json_figure(&ratio, rounds));
    }
    return json;
}

static json_t *peers_report_json_row(const struct peers_report *r, const struct peers_row *row)
{
    const struct peer *peer = row->peer;
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:s*}", "peer", peer->name, "mode",
                  row->durable ? "durable" : "memory", "window", (int)row->window, "how",
                  row->durable ? peer->durable : peer->memory, "completed", peer->completed,
                  "lacks", peer->lacks, "contacts", (json_int_t)row->contacts, "failed",
                  row->failed[0] == '\0' ? NULL : row->failed);

    for (int kind = 0; kind < PEERS_FIGURES; kind++) {
        json_object_set_new(json, peers_figures[kind].json,
                            peers_report_json_figure(&row->figures[kind], r->rounds));
    }
    for (size_t i = 0; i < PEERS_BASES; i++) {
        const struct peers_row *base = peers_report_base(r, row, peers_bases[i].peer);

        if (base != NULL) {
            json_object_set_new(json, peers_bases[i].json,
                                peers_report_json_ratios(row, base, r->rounds));
        }
    }
    return json;
}

json_t *peers_report_json(const struct peers_report *r)
{
    json_t *rows = json_array();

    for (uint32_t i = 0; i < r->row_count; i++) {
        json_array_append_new(rows, peers_report_json_row(r, &r->rows[i]));
    }
    return json_pack("{s:i, s:i, s:i, s:f, s:f, s:i, s:i, s:i, s:o}", "rounds", (int)r->rounds,
                     "producers", (int)r->producers, "consumers", (int)r->consumers, "seconds",
                     r->seconds, "rate", r->rate, "waiting", (int)r->waiting, "queues",
                     (int)PEER_QUEUES, "body_bytes", (int)PEER_BODY_BYTES, "rows", rows);
}
