#include "bench/histogram.h"

#include <math.h>
#include <string.h>

uint64_t histogram_low(unsigned bucket)
{
    unsigned exponent = bucket >> HISTOGRAM_SUB_BITS;
    uint64_t mantissa = bucket & ((1u << HISTOGRAM_SUB_BITS) - 1);

    return exponent == 0 ? mantissa : (mantissa | 1u << HISTOGRAM_SUB_BITS) << (exponent - 1);
}

uint64_t histogram_high(unsigned bucket)
{
    return bucket + 1 == HISTOGRAM_BUCKETS ? UINT64_MAX : histogram_low(bucket + 1) - 1;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    /* A millionth less, so that 99.9 % of 1,000 is the 999th and not, by rounding, the last. */
    double wanted = ceil((double)h->count * percent / 100.0 - 1e-6);
    uint64_t reach = wanted < 1 ? 1 : (uint64_t)wanted;
    uint64_t running = 0;

    if (h->count == 0) {
        return 0;
    }
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        running += h->buckets[i];
        if (running >= reach) {
            uint64_t high = histogram_high(i);
            return high < h->largest ? high : h->largest;
        }
    }
    return h->largest;
}

double histogram_mean(const struct histogram *h)
{
    return h->count == 0 ? 0 : (double)(h->sum / (long double)h->count);
}

void histogram_add(struct histogram *h, const struct histogram *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        h->buckets[i] += other->buckets[i];
    }
    h->count += other->count;
    h->sum += other->sum;
    if (other->largest > h->largest) {
        h->largest = other->largest;
    }
}

void histogram_reset(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}
