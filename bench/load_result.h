/* What a run of `load` found: counts, latencies, and the verdict. */
#ifndef BENCH_LOAD_RESULT_H
#define BENCH_LOAD_RESULT_H

#include "bench/histogram.h"
#include "bench/load_series.h"
#include "proto/error_table.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct load_options;

/* Nanoseconds. */
struct load_latencies {
    struct histogram submit_answer; /* from due to the answer of contact.submit */
    struct histogram submit_offer;  /* from due to the first offer */
    struct histogram accept_answer; /* from offer.accept sent to its answer */
    struct histogram life;          /* from due to the answer of contact.complete */
    struct histogram reconnect;     /* from a storm's drop to signed in again */
};

struct load_counts {
    uint64_t submitted;  /* sent */
    uint64_t answered;   /* acknowledged by the server */
    uint64_t duplicates; /* of these, told that the contact was there already */
    uint64_t refused;    /* submissions answered with an error */
    uint64_t offers, withdrawn, missed;
    uint64_t accepted, completed;
    uint64_t declined;   /* by agents who were to */
    uint64_t abandoned;  /* customers who lost their patience */
    uint64_t crossed;    /* answers on their way while the other side changed its mind; no errors */
    uint64_t reconnects; /* connections that a storm dropped and that are back */
    uint64_t unsent;     /* due, and never sent: the connections were full until the end */
    uint64_t notices;    /* heard by connectors */
    uint64_t foreign;    /* offers of contacts that are not of this run; declined */
    uint64_t errors[ERROR_COUNT];
};

struct load_result {
    char failed[256]; /* "" or why the run ended before its time */
    struct load_counts counts;
    struct load_latencies latencies;
    struct load_series series; /* load_result_close gives it back */
    double seconds;            /* measured, after the warm-up */
    uint64_t measured;         /* life cycles completed in them */
    bool cpu_known;
    double server_cpu_us, bench_cpu_us; /* in the measured seconds */
    double server_resident;             /* bytes, at their end */
    double connected_resident;          /* bytes, when everybody was signed in */
    /* How the contacts ended that were acknowledged and that no agent of ours completed in time. */
    uint64_t left_cancelled; /* still there; taken back by us */
    uint64_t left_held;      /* still with an agent when time was up */
    uint64_t left_ended;     /* ended otherwise, as the server says with a reason */
    uint64_t unanswered;     /* submissions that were never answered */
    uint64_t unaccounted;    /* acknowledged, and the server knows nothing of them */
    uint64_t two_agents;     /* offered to one agent while another one had it */
};

/* What was measured of the contacts, a row each. */
struct load_latency_row {
    const char *key;
    const char *words;
    const struct histogram *histogram;
};

#define LOAD_LATENCIES 5

void load_latency_rows(const struct load_result *r, struct load_latency_row out[LOAD_LATENCIES]);

/* Life cycles a second, of the measured seconds. */
double load_result_rate(const struct load_result *r);

/* What was run, in a line of words. Returns `out`. */
#define LOAD_WORDS_BYTES 320
const char *load_result_words(char out[LOAD_WORDS_BYTES], const struct load_options *options);

void load_result_close(struct load_result *r);

uint64_t load_result_errors(const struct load_result *r);

/* NULL when the run is as it has to be, else what is not. The words live in `r`. */
const char *load_result_verdict(struct load_result *r, const struct load_options *options);

void load_result_print(const struct load_result *r, const struct load_options *options);

/* False, with a message on standard error, when the file could not be written. */
bool load_result_html(const struct load_result *r, const struct load_options *options,
                      const char *path);

/* The caller gives the reference back. */
json_t *load_result_json(const struct load_result *r, const struct load_options *options);

#endif
