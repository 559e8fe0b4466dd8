/* What a run says of itself every second, and remembers for its plots. */
#include "bench/load_state.h"

void load_second_start(struct load *l)
{
    struct server_use use = {0};

    l->second_ns = l->start_ns;
    if (l->options->server_pid != 0 && server_use_read(l->options->server_pid, &use)) {
        l->second_cpu_us = use.cpu_us;
    }
}

static void load_second_show(struct load *l, const struct load_second *s)
{
    char p50[PROGRESS_SPAN_BYTES], p99[PROGRESS_SPAN_BYTES], wanted[32] = "";

    if (s->wanted > 0) {
        snprintf(wanted, sizeof(wanted), "%.0f/s due  ", s->wanted);
    }
    progress_say(
        &l->progress,
        "%4.0f s  %s%s%s%7.0f/s submitted %7.0f/s completed  %6u under way  "
        "offer p50 %s p99 %s  %llu errors%s",
        s->at_s, l->options->scenario == NULL ? "" : l->scenario->phases[l->pace.phase].name,
        l->options->scenario == NULL ? "" : "  ", wanted, (double)s->submitted / s->seconds,
        (double)s->completed / s->seconds, s->under_way, progress_span(p50, s->p50_ns),
        progress_span(p99, s->p99_ns), (unsigned long long)load_result_errors(l->result),
        l->phase == LOAD_DRAINING ? "  (draining)" : "");
}

/* What the scenario wants of the second that ends now: of its middle. */
static double load_second_wanted(const struct load *l, double seconds)
{
    const struct scenario_phase *phase = &l->scenario->phases[l->pace.phase];
    double at_s = (double)(l->lanes.now_ns - l->pace.phase_ns) / 1e9 - seconds / 2;

    if (!l->pace.open || l->phase != LOAD_RUNNING) {
        return 0;
    }
    return phase->seconds > 0 ? scenario_rate(phase, at_s > 0 ? at_s : 0) : phase->rate_from;
}

void load_second_end(struct load *l)
{
    const struct load_counts *counts = &l->result->counts;
    uint64_t errors = load_result_errors(l->result), now = uv_hrtime();
    struct load_second *s = load_series_add(&l->result->series);
    struct server_use use = {0};

    l->lanes.now_ns = now;
    s->at_s = (double)(now - l->start_ns) / 1e9;
    s->seconds = (double)(now - l->second_ns) / 1e9;
    s->wanted = load_second_wanted(l, s->seconds);
    s->submitted = counts->submitted - l->so_far.submitted;
    s->completed = counts->completed - l->so_far.completed;
    s->abandoned = counts->abandoned - l->so_far.abandoned;
    s->errors = errors - l->so_far.errors;
    s->p50_ns = histogram_percentile(&l->second_offers, 50);
    s->p90_ns = histogram_percentile(&l->second_offers, 90);
    s->p99_ns = histogram_percentile(&l->second_offers, 99);
    s->max_ns = l->second_offers.largest;
    s->under_way = l->under_way;
    s->server_cpu = -1;
    if (l->options->server_pid != 0 && server_use_read(l->options->server_pid, &use)) {
        s->server_cpu = (use.cpu_us - l->second_cpu_us) / 1e6 / s->seconds;
        s->server_resident = use.resident;
    }
    l->second_cpu_us = use.cpu_us;
    l->second_ns = now;
    l->so_far.submitted = counts->submitted;
    l->so_far.completed = counts->completed;
    l->so_far.abandoned = counts->abandoned;
    l->so_far.errors = errors;
    histogram_reset(&l->second_offers);
    load_second_show(l, s);
}
