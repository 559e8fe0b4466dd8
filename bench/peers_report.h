/* What the rounds of `peers` have found out, and how it is shown: tables, and JSON. */
#ifndef BENCH_PEERS_REPORT_H
#define BENCH_PEERS_REPORT_H

#include "bench/peers_run.h"

#include <stdio.h>

#define PEERS_ROUNDS_MAX 99u

/* One figure over the rounds; NaN where there is none. */
struct peers_figure {
    double of_round[PEERS_ROUNDS_MAX];
};

enum peers_figure_kind {
    PEERS_PER_SECOND, /* life cycles */
    PEERS_CPU,        /* server's microseconds a life cycle */
    PEERS_BENCH_CPU,  /* of this program, as a share of one core */
    PEERS_P50,        /* microseconds from due to handed out, at a rate */
    PEERS_P99,
    PEERS_OPEN_CPU, /* as PEERS_CPU, at that rate */
    PEERS_BYTES,    /* resident, a waiting contact */
    PEERS_BESIDE,   /* the same without the bytes of its body and ids */
    PEERS_FIGURES,
};

/* One peer, in memory or durable, at one window. */
struct peers_row {
    const struct peer *peer;
    bool durable;
    uint32_t window;
    struct peers_figure figures[PEERS_FIGURES];
    uint64_t contacts; /* submitted, and completed once each, over all rounds */
    char failed[400];  /* the first thing that went wrong */
};

struct peers_report {
    struct peers_row *rows;
    uint32_t row_count;
    uint32_t rounds;
    uint32_t producers, consumers;
    double seconds, rate;
    uint32_t waiting;
};

struct peers_spread {
    double median, least, most; /* NaN when there is nothing */
};

struct peers_spread peers_report_spread(const struct peers_figure *figure, uint32_t rounds);

/* How many times as much as the row it is compared with, round by round. */
struct peers_figure peers_report_ratio(const struct peers_figure *figure,
                                       const struct peers_figure *base, uint32_t rounds);

/* The row of a peer in the same mode and at the same window, or NULL. */
const struct peers_row *peers_report_base(const struct peers_report *r, const struct peers_row *row,
                                          const struct peer *peer);

/* Is row `number` the first one of its mode and window? */
bool peers_report_first(const struct peers_report *r, uint32_t number);

void peers_report_print(const struct peers_report *r, FILE *to);

/* A new reference. */
struct json_t *peers_report_json(const struct peers_report *r);

#endif
