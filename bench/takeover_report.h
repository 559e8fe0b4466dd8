/* What the rounds of `takeover` have found out, and how it is shown. Times are milliseconds. */
#ifndef BENCH_TAKEOVER_REPORT_H
#define BENCH_TAKEOVER_REPORT_H

#include "bench/takeover.h"

struct takeover_sample {
    double first_ms; /* from the act to the first offer of a new owner */
    double gap_ms;   /* the longest time between two offers, whoever made them */
    double usual_ms; /* the same, in as long a time before */
    uint64_t errors; /* that clients saw */
    uint64_t losses; /* connections that ended under a client */
};

/* All rounds of one kind. */
struct takeover_series {
    struct takeover_sample samples[TAKEOVER_ROUNDS_MAX];
    uint32_t count;
};

struct takeover_report {
    const struct takeover_options *options;
    struct takeover_series series[TAKEOVER_KINDS];
    uint64_t kept, completed, found; /* contacts: answered so, and open in the last read-out */
    uint64_t unsure;                 /* those whose completion was answered with an error */
    char error[200];                 /* the first that a client saw in a hand-over */
    char failed[400];                /* "" when all rounds went through */
};

void takeover_report_add(struct takeover_report *r, enum takeover_kind kind,
                         const struct takeover_sample *sample);
void takeover_report_print(const struct takeover_report *r);
/* A new reference. */
struct json_t *takeover_report_json(const struct takeover_report *r);
/* Every contact that was kept is completed or there. */
bool takeover_report_accounts(const struct takeover_report *r);
/* No limit of the options is exceeded, every contact was found, and no hand-over brought an error.
 */
bool takeover_report_is_good(const struct takeover_report *r);

#endif
