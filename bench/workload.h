/* When contacts arrive and how long agents take: chance from a seed, so that two runs are alike.
 *
 * Arrivals are instants in nanoseconds from the start of a run, each no earlier than the one
 * before; nothing that happens in the run moves them. That is what makes a loop open: who measures
 * from these instants also counts the time that a request spent waiting to be sent. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "queue/base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum arrival_kind {
    ARRIVAL_POISSON, /* as customers come: independent of each other */
    ARRIVAL_EVEN,    /* one every 1/rate seconds */
};

struct arrivals {
    enum arrival_kind kind;
    double rate;    /* a second, at the start */
    double slope;   /* by so much more with every second */
    double counted; /* expected until the next one: the integral of the rate */
    double at_ns;   /* of the next */
    struct random random;
};

/* `per_second` above 0. The first arrival is one interval after the start. */
void arrivals_init(struct arrivals *a, enum arrival_kind kind, double per_second, uint64_t seed);

/* The same with a rate that goes from one to another in `seconds`, and on like that: whoever wants
 * an end stops there. One of the two is above 0. A rate that has come down to 0 has no arrivals any
 * more, which is an arrival in some centuries. */
void arrivals_ramp(struct arrivals *a, enum arrival_kind kind, double from, double to,
                   double seconds, uint64_t seed);

/* The next arrival without taking it. */
static inline uint64_t arrivals_next(const struct arrivals *a)
{
    return (uint64_t)a->at_ns;
}

/* The next arrival, and go on to the one behind it. */
uint64_t arrivals_take(struct arrivals *a);

/* A chance between 0 and 1, never 0 itself. */
double workload_chance(struct random *r);

/* How durations scatter. */
enum workload_law {
    WORKLOAD_FIXED,
    WORKLOAD_EXPONENTIAL, /* many short ones, few long ones: what waits for the next event */
    WORKLOAD_LOGNORMAL,   /* what people take for their work: rarely very short */
};

struct workload_span {
    enum workload_law law;
    double mean_ms; /* 0: none */
    double spread;  /* LOGNORMAL: the standard deviation of the logarithm, 0.5 is usual */
};

/* In milliseconds, 0 or more, at most a hundred times the mean. */
int64_t workload_span_draw(struct random *r, const struct workload_span *span);

/* A duration around a mean, as work takes: exponential, but at least a tenth and at most four times
 * the mean, so that one unlucky draw does not decide how long a run lasts. */
int64_t workload_duration(struct random *r, int64_t mean);

#endif
