#include "bench/load_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/load.h"
#include "bench/progress.h"

void load_result_close(struct load_result *r)
{
    load_series_close(&r->series);
}

void load_latency_rows(const struct load_result *r, struct load_latency_row out[LOAD_LATENCIES])
{
    const struct load_latencies *l = &r->latencies;

    out[0] = (struct load_latency_row){"submit_answer", "due to answer", &l->submit_answer};
    out[1] = (struct load_latency_row){"submit_offer", "due to offer", &l->submit_offer};
    out[2] = (struct load_latency_row){"accept_answer", "accept to answer", &l->accept_answer};
    out[3] = (struct load_latency_row){"life", "due to completed", &l->life};
    out[4] = (struct load_latency_row){"reconnect", "dropped to back", &l->reconnect};
}

static const struct {
    const char *key;
    double percent;
} load_percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

#define LOAD_PERCENTILES (sizeof(load_percentiles) / sizeof(load_percentiles[0]))

uint64_t load_result_errors(const struct load_result *r)
{
    uint64_t errors = 0;

    for (enum error_code e = ERROR_NONE + 1; e < ERROR_COUNT; e++) {
        errors += r->counts.errors[e];
    }
    return errors;
}

static double load_p99_ms(const struct load_result *r)
{
    return (double)histogram_percentile(&r->latencies.submit_offer, 99) / 1e6;
}

double load_result_rate(const struct load_result *r)
{
    return r->seconds > 0 ? (double)r->measured / r->seconds : 0;
}

const char *load_result_verdict(struct load_result *r, const struct load_options *options)
{
    if (r->failed[0] != '\0') {
        return r->failed;
    }
    if (r->unaccounted > 0) {
        return "contacts were acknowledged and are not accounted for";
    }
    if (r->two_agents > 0) {
        return "contacts were offered to an agent while another one had them";
    }
    if (r->unanswered > 0) {
        return "submissions were never answered";
    }
    if (r->counts.completed == 0) {
        return "no contact was completed";
    }
    if (load_result_errors(r) > options->max_errors) {
        snprintf(r->failed, sizeof(r->failed), "%" PRIu64 " errors, at most %" PRIu64 " allowed",
                 load_result_errors(r), options->max_errors);
        return r->failed;
    }
    if (options->max_p99_ms > 0 && load_p99_ms(r) > options->max_p99_ms) {
        snprintf(r->failed, sizeof(r->failed),
                 "p99 from due to offer is %.3f ms, at most %.3f allowed", load_p99_ms(r),
                 options->max_p99_ms);
        return r->failed;
    }
    return NULL;
}

static void load_print_latencies(const struct load_result *r)
{
    struct load_latency_row rows[LOAD_LATENCIES];
    char span[PROGRESS_SPAN_BYTES];

    load_latency_rows(r, rows);
    printf("\n%-18s", "latency");
    for (size_t i = 0; i < LOAD_PERCENTILES; i++) {
        printf("%10s", load_percentiles[i].key);
    }
    printf("%10s%10s\n", "max", "mean");
    for (size_t row = 0; row < LOAD_LATENCIES; row++) {
        const struct histogram *h = rows[row].histogram;

        if (h->count == 0) {
            continue;
        }
        printf("%-18s", rows[row].words);
        for (size_t i = 0; i < LOAD_PERCENTILES; i++) {
            printf("%10s",
                   progress_span(span, histogram_percentile(h, load_percentiles[i].percent)));
        }
        printf("%10s", progress_span(span, h->largest));
        printf("%10s\n", progress_span(span, (uint64_t)histogram_mean(h)));
    }
}

static void load_pace_words(char *out, size_t size, const struct load_options *o)
{
    const char *arrivals = o->arrivals == ARRIVAL_POISSON ? "Poisson" : "even";
    int length;

    if (o->scenario != NULL) {
        snprintf(out, size, "%u phases in %.0f s, %u kinds of contacts, %s arrivals",
                 o->scenario->phase_count, scenario_seconds(o->scenario), o->scenario->kind_count,
                 arrivals);
        return;
    }
    if (o->rate_to > 0 && (o->rate_to > o->rate || o->rate_to < o->rate)) {
        length = snprintf(out, size, "open loop, %g to %g contacts a second, %s arrivals", o->rate,
                          o->rate_to, arrivals);
    } else if (o->rate > 0) {
        length =
            snprintf(out, size, "open loop, %g contacts a second, %s arrivals", o->rate, arrivals);
    } else if (o->window > 0) {
        length = snprintf(out, size,
                          "closed loop, %u unanswered at each connector, %u contacts under way in "
                          "all",
                          o->window, load_backlog(o));
    } else {
        length = snprintf(out, size, "bursts only");
    }
    if (o->burst > 0) {
        snprintf(out + length, size - (size_t)length, ", bursts of %u every %g s", o->burst,
                 o->burst_every_s);
    }
}

const char *load_result_words(char out[LOAD_WORDS_BYTES], const struct load_options *o)
{
    size_t length;

    load_pace_words(out, LOAD_WORDS_BYTES, o);
    length = strlen(out);
    snprintf(out + length, LOAD_WORDS_BYTES - length,
             "; %u connectors, %u agents (%s%s%s, %u at once), notify %s", o->connectors, o->agents,
             o->pull ? "pull" : "push", o->auto_accept ? ", auto-accept" : "",
             o->receipts ? ", receipts" : "", o->at_once, o->notify);
    length = strlen(out);
    if (o->scenario == NULL) {
        snprintf(out + length, LOAD_WORDS_BYTES - length, ", %u bytes of text", o->text_bytes);
    }
    return out;
}

void load_result_print(const struct load_result *r, const struct load_options *options)
{
    const struct load_counts *c = &r->counts;
    char words[LOAD_WORDS_BYTES];

    printf("%s\n\n", load_result_words(words, options));
    printf("life cycles        %.0f a second (%" PRIu64 " in %.2f s)\n", load_result_rate(r),
           r->measured, r->seconds);
    if (r->cpu_known && r->measured > 0) {
        printf("server CPU         %.3f us a life cycle (%.0f %% of a core), %.1f MiB resident\n",
               r->server_cpu_us / (double)r->measured, r->server_cpu_us / r->seconds / 1e4,
               r->server_resident / 1048576);
    }
    if (r->measured > 0) {
        printf("bench CPU          %.3f us a life cycle (%.0f %% of a core)\n",
               r->bench_cpu_us / (double)r->measured, r->bench_cpu_us / r->seconds / 1e4);
    }
    load_print_latencies(r);
    printf("\nsubmitted %" PRIu64 ", answered %" PRIu64 ", duplicates %" PRIu64 ", refused %" PRIu64
           ", offers %" PRIu64 ", withdrawn %" PRIu64 " (missed %" PRIu64 "), accepted %" PRIu64
           ", completed %" PRIu64 ", notices %" PRIu64 "\n",
           c->submitted, c->answered, c->duplicates, c->refused, c->offers, c->withdrawn, c->missed,
           c->accepted, c->completed, c->notices);
    if (c->declined + c->abandoned + c->crossed + c->reconnects + c->unsent > 0) {
        printf("declined %" PRIu64 ", abandoned %" PRIu64 ", crossed %" PRIu64
               ", reconnects %" PRIu64 ", due and never sent %" PRIu64 "\n",
               c->declined, c->abandoned, c->crossed, c->reconnects, c->unsent);
    }
    if (r->left_cancelled + r->left_held + r->left_ended + c->foreign > 0) {
        printf("when time was up: taken back %" PRIu64 ", with an agent %" PRIu64
               ", ended otherwise %" PRIu64 "; contacts of others declined %" PRIu64 "\n",
               r->left_cancelled, r->left_held, r->left_ended, c->foreign);
    }
    for (enum error_code e = ERROR_NONE + 1; e < ERROR_COUNT; e++) {
        if (c->errors[e] > 0) {
            printf("error %s: %" PRIu64 "\n", error_wire(e), c->errors[e]);
        }
    }
    printf("unanswered %" PRIu64 ", unaccounted for %" PRIu64 ", with two agents %" PRIu64 "\n",
           r->unanswered, r->unaccounted, r->two_agents);
}

/* JSON. */

static json_t *load_json_latencies(const struct load_result *r)
{
    struct load_latency_row rows[LOAD_LATENCIES];
    json_t *all = json_object();

    load_latency_rows(r, rows);
    for (size_t row = 0; row < LOAD_LATENCIES; row++) {
        const struct histogram *h = rows[row].histogram;
        json_t *one = json_pack("{s:I, s:f, s:f}", "count", (json_int_t)h->count, "mean_us",
                                histogram_mean(h) / 1e3, "max_us", (double)h->largest / 1e3);

        for (size_t i = 0; i < LOAD_PERCENTILES; i++) {
            char key[16];

            snprintf(key, sizeof(key), "%s_us", load_percentiles[i].key);
            json_object_set_new(
                one, key,
                json_real((double)histogram_percentile(h, load_percentiles[i].percent) / 1e3));
        }
        json_object_set_new(all, rows[row].key, one);
    }
    return all;
}

static json_t *load_json_counts(const struct load_result *r)
{
    const struct load_counts *c = &r->counts;
    json_t *errors = json_object();

    for (enum error_code e = ERROR_NONE + 1; e < ERROR_COUNT; e++) {
        if (c->errors[e] > 0) {
            json_object_set_new(errors, error_wire(e), json_integer((json_int_t)c->errors[e]));
        }
    }
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
        "submitted", (json_int_t)c->submitted, "answered", (json_int_t)c->answered, "duplicates",
        (json_int_t)c->duplicates, "refused", (json_int_t)c->refused, "offers",
        (json_int_t)c->offers, "withdrawn", (json_int_t)c->withdrawn, "missed",
        (json_int_t)c->missed, "accepted", (json_int_t)c->accepted, "completed",
        (json_int_t)c->completed, "notices", (json_int_t)c->notices, "foreign",
        (json_int_t)c->foreign, "left_cancelled", (json_int_t)r->left_cancelled, "left_held",
        (json_int_t)r->left_held, "left_ended", (json_int_t)r->left_ended, "unanswered",
        (json_int_t)r->unanswered, "unaccounted", (json_int_t)r->unaccounted, "two_agents",
        (json_int_t)r->two_agents, "declined", (json_int_t)c->declined, "abandoned",
        (json_int_t)c->abandoned, "crossed", (json_int_t)c->crossed, "reconnects",
        (json_int_t)c->reconnects, "unsent", (json_int_t)c->unsent, "errors", errors);
}

static json_t *load_json_series(const struct load_result *r)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < r->series.count; i++) {
        const struct load_second *s = &r->series.seconds[i];
        json_t *one = json_pack(
            "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "at_s", s->at_s,
            "due_per_second", s->wanted, "submitted_per_second", (double)s->submitted / s->seconds,
            "completed_per_second", (double)s->completed / s->seconds, "errors_per_second",
            (double)s->errors / s->seconds, "abandoned_per_second",
            (double)s->abandoned / s->seconds, "submit_offer_p50_us", (double)s->p50_ns / 1e3,
            "submit_offer_p90_us", (double)s->p90_ns / 1e3, "submit_offer_p99_us",
            (double)s->p99_ns / 1e3, "submit_offer_max_us", (double)s->max_ns / 1e3, "under_way",
            (json_int_t)s->under_way);

        if (s->server_cpu >= 0) {
            json_object_set_new(one, "server_cores", json_real(s->server_cpu));
            json_object_set_new(one, "server_resident_bytes", json_real(s->server_resident));
        }
        json_array_append_new(all, one);
    }
    return all;
}

json_t *load_result_json(const struct load_result *r, const struct load_options *o)
{
    json_t *all = json_pack(
        "{s:{s:s, s:s, s:I, s:I, s:f, s:f, s:I, s:f, s:s, s:I, s:I, s:I, s:s, s:I, s:b, s:b, s:I, "
        "s:I, s:s, s:I}, "
        "s:f, "
        "s:I, s:f}",
        "options", "address", o->address, "workspace", o->workspace, "connectors",
        (json_int_t)o->connectors, "agents", (json_int_t)o->agents, "rate", o->rate, "rate_to",
        o->rate_to > 0 ? o->rate_to : o->rate, "burst", (json_int_t)o->burst, "burst_every_s",
        o->burst_every_s, "arrivals", o->arrivals == ARRIVAL_POISSON ? "poisson" : "even", "window",
        (json_int_t)o->window, "backlog", (json_int_t)load_backlog(o), "text_bytes",
        (json_int_t)o->text_bytes, "mode", o->pull ? "pull" : "push", "at_once",
        (json_int_t)o->at_once, "auto_accept", (int)o->auto_accept, "receipts", (int)o->receipts,
        "handle_ms", (json_int_t)o->handle_ms, "wrap_up_ms", (json_int_t)o->wrap_up_ms, "notify",
        o->notify, "seed", (json_int_t)o->seed, "seconds", r->seconds, "life_cycles",
        (json_int_t)r->measured, "life_cycles_per_second", load_result_rate(r));

    if (r->cpu_known && r->measured > 0) {
        json_object_set_new(all, "server_cpu_us_per_life_cycle",
                            json_real(r->server_cpu_us / (double)r->measured));
        json_object_set_new(all, "server_resident_bytes", json_real(r->server_resident));
    }
    if (r->measured > 0) {
        json_object_set_new(all, "bench_cpu_us_per_life_cycle",
                            json_real(r->bench_cpu_us / (double)r->measured));
    }
    json_object_set_new(all, "latency", load_json_latencies(r));
    json_object_set_new(all, "counts", load_json_counts(r));
    json_object_set_new(all, "series", load_json_series(r));
    json_object_set_new(all, "failed", r->failed[0] == '\0' ? json_null() : json_string(r->failed));
    return all;
}
