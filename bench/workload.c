#include "bench/workload.h"

#include <assert.h>
#include <math.h>

double workload_chance(struct random *r)
{
    return ((double)(random_next(r) >> 11) + 1.0) / 9007199254740993.0; /* 2^53 + 1 */
}

static double workload_interval(struct arrivals *a)
{
    return a->kind == ARRIVAL_EVEN ? a->interval_ns
                                   : -log(workload_chance(&a->random)) * a->interval_ns;
}

void arrivals_init(struct arrivals *a, enum arrival_kind kind, double per_second, uint64_t seed)
{
    assert(per_second > 0);
    a->kind = kind;
    a->interval_ns = 1e9 / per_second;
    random_init(&a->random, seed);
    a->at_ns = 0;
    a->at_ns = workload_interval(a);
}

uint64_t arrivals_take(struct arrivals *a)
{
    uint64_t at = arrivals_next(a);

    a->at_ns += workload_interval(a);
    return at;
}

int64_t workload_duration(struct random *r, int64_t mean)
{
    double drawn = -log(workload_chance(r)) * (double)mean;

    if (drawn < (double)mean / 10) {
        drawn = (double)mean / 10;
    } else if (drawn > (double)mean * 4) {
        drawn = (double)mean * 4;
    }
    return (int64_t)drawn;
}
