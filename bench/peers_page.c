/* For each mode and window bars with the range of the rounds, and a table of the ratios. */
#include "bench/peers_page.h"

#include <math.h>
#include <stdio.h>

#include "bench/peers.h"
#include "bench/report.h"
#include "queue/base/memory.h"

/* The bars of a mode and window, in this order. */
static const struct {
    enum peers_figure_kind kind;
    enum report_unit unit;
    bool log;
    const char *title, *words;
} peers_page_bars[] = {
    {PEERS_CPU, REPORT_MICROSECONDS, true, "Server CPU a life cycle",
     "User plus system time of all the server's processes; shorter is better."},
    {PEERS_PER_SECOND, REPORT_PER_SECOND, false, "Life cycles a second",
     "Of a closed loop on the machine that also makes the traffic; longer is better."},
    {PEERS_P50, REPORT_MICROSECONDS, true, "From due to handed out, median",
     "Open loop, from the instant at which a contact was due."},
    {PEERS_P99, REPORT_MICROSECONDS, true, "From due to handed out, 99 of 100", NULL},
    {PEERS_BYTES, REPORT_BYTES, false, "Resident memory of a waiting contact",
     "Its id and its 200 bytes of body included."},
};

static bool peers_page_alike(const struct peers_row *a, const struct peers_row *b)
{
    return a->durable == b->durable && a->window == b->window;
}

static void peers_page_one(const struct peers_report *r, const struct peers_row *like, size_t which,
                           struct report *page)
{
    struct report_bar *bars = memory_take(r->row_count * sizeof(bars[0]));
    struct report_bars plot = {.title = peers_page_bars[which].title,
                               .words = peers_page_bars[which].words,
                               .unit = peers_page_bars[which].unit,
                               .log = peers_page_bars[which].log,
                               .bars = bars};

    for (uint32_t i = 0; i < r->row_count; i++) {
        const struct peers_row *row = &r->rows[i];
        struct peers_spread s =
            peers_report_spread(&row->figures[peers_page_bars[which].kind], r->rounds);

        if (peers_page_alike(row, like) && !isnan(s.median)) {
            bars[plot.count++] = (struct report_bar){.words = row->peer->name,
                                                     .value = s.median,
                                                     .low = s.least,
                                                     .high = s.most,
                                                     .ours = row->peer->package[0] == '\0' &&
                                                             row->peer != &peer_floor};
        }
    }
    if (plot.count > 0) {
        report_bars(page, &plot);
    }
    memory_give(bars);
}

static void peers_page_ratios(const struct peers_report *r, const struct peers_row *like,
                              struct report *page)
{
    static const struct report_column columns[] = {
        {"", false, REPORT_PLAIN},
        {"CPU a life cycle, times Switchboard's", true, REPORT_PLAIN},
        {"least of the rounds", true, REPORT_PLAIN},
        {"most", true, REPORT_PLAIN},
    };
    const struct peers_row *base = peers_report_base(r, like, &peer_switchboard);

    if (base == NULL) {
        return;
    }
    report_table_open(page, columns, sizeof(columns) / sizeof(columns[0]));
    for (uint32_t i = 0; i < r->row_count; i++) {
        const struct peers_row *row = &r->rows[i];
        struct peers_figure ratio =
            peers_report_ratio(&row->figures[PEERS_CPU], &base->figures[PEERS_CPU], r->rounds);
        struct peers_spread s = peers_report_spread(&ratio, r->rounds);

        if (peers_page_alike(row, like)) {
            report_cell(page, "%s", row->peer->name);
            report_cell_number(page, s.median);
            report_cell_number(page, s.least);
            report_cell_number(page, s.most);
        }
    }
    report_table_close(page);
}

/* What each row is, and what it does not have. */
static void peers_page_words(const struct peers_report *r, struct report *page)
{
    report_heading(page, "What the rows are");
    for (uint32_t i = 0; i < r->row_count; i++) {
        const struct peers_row *row = &r->rows[i];
        const struct peer *peer = row->peer;

        if (row->window == r->rows[0].window) {
            report_text(page, "%s%s: %s. A life cycle ends with: %s.%s%s%s", peer->name,
                        row->durable ? ", durable" : "",
                        row->durable ? peer->durable : peer->memory, peer->completed,
                        peer->lacks[0] == '\0' ? "" : " It has no ", peer->lacks,
                        peer->lacks[0] == '\0' ? "" : ".");
        }
        if (row->failed[0] != '\0') {
            report_text(page, "%s, window %u, failed: %s", peer->name, row->window, row->failed);
        }
    }
}

bool peers_page_write(const struct peers_report *r, const char *path)
{
    char words[200];
    struct report *page;

    snprintf(words, sizeof(words),
             "%u producers, %u consumers, 16 queues, 3 priorities, 200 bytes; %u rounds of %g s in "
             "turn; latency at %g/s",
             r->producers, r->consumers, r->rounds, r->seconds, r->rate);
    page = report_create("switchboard-bench peers", words);
    for (uint32_t i = 0; i < r->row_count; i++) {
        if (!peers_report_first(r, i)) {
            continue;
        }
        snprintf(words, sizeof(words), "%s, window %u",
                 r->rows[i].durable ? "Durable" : "In memory", r->rows[i].window);
        report_heading(page, words);
        for (size_t which = 0; which < sizeof(peers_page_bars) / sizeof(peers_page_bars[0]);
             which++) {
            peers_page_one(r, &r->rows[i], which, page);
        }
        peers_page_ratios(r, &r->rows[i], page);
    }
    peers_page_words(r, page);
    return report_write(page, path);
}
