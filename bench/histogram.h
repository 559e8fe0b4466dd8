/* Counts of values in buckets whose width grows with the value: any percentile of any number of
 * measurements, in a fixed amount of memory.
 *
 * Values below 128 have a bucket each; above, a bucket is narrower than 0.8 % of what it holds. A
 * percentile is the highest value of the bucket in which the running count reaches it, but never
 * more than the largest value seen: it may be a little too high and is never too low.
 *
 * Units are the caller's (bench uses nanoseconds). Zeroed storage is an empty histogram. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_BUCKETS  ((64u - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t largest;
    long double sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline unsigned histogram_bucket(uint64_t value)
{
    unsigned exponent;

    if (value < (1u << HISTOGRAM_SUB_BITS)) {
        return (unsigned)value;
    }
    exponent = 63u - (unsigned)__builtin_clzll(value);
    return ((exponent - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS) +
           (unsigned)((value >> (exponent - HISTOGRAM_SUB_BITS)) &
                      ((1u << HISTOGRAM_SUB_BITS) - 1));
}

static inline void histogram_record(struct histogram *h, uint64_t value)
{
    h->buckets[histogram_bucket(value)]++;
    h->count++;
    h->sum += (long double)value;
    if (value > h->largest) {
        h->largest = value;
    }
}

/* The lowest and the highest value of a bucket. */
uint64_t histogram_low(unsigned bucket);
uint64_t histogram_high(unsigned bucket);

/* The value that `percent` (0 to 100) of the measurements do not exceed; 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

double histogram_mean(const struct histogram *h);

/* Add the measurements of another one. */
void histogram_add(struct histogram *h, const struct histogram *other);

void histogram_reset(struct histogram *h);

#endif
