#include "bench/workload.h"

#include <assert.h>
#include <math.h>

double workload_chance(struct random *r)
{
    return ((double)(random_next(r) >> 11) + 1.0) / 9007199254740993.0; /* 2^53 + 1 */
}

/* Centuries from now, and still no overflow when an instant is added. */
#define WORKLOAD_NEVER_NS 4e18

/* One more is expected, or by chance more or less than one. The instant is that at which the rate,
 * summed up from the start, has come to what is expected:
 *
 *     rate * t + slope * t * t / 2 = counted
 *
 * solved for t in the form that loses no digits when the slope is small or 0. */
static void arrivals_advance(struct arrivals *a)
{
    double under_root;

    a->counted += a->kind == ARRIVAL_EVEN ? 1 : -log(workload_chance(&a->random));
    under_root = a->rate * a->rate + 2 * a->slope * a->counted;
    a->at_ns = under_root <= 0
                   ? WORKLOAD_NEVER_NS
                   : fmin(2e9 * a->counted / (a->rate + sqrt(under_root)), WORKLOAD_NEVER_NS);
}

void arrivals_ramp(struct arrivals *a, enum arrival_kind kind, double from, double to,
                   double seconds, uint64_t seed)
{
    assert(from >= 0 && to >= 0 && from + to > 0 && seconds > 0);
    *a = (struct arrivals){.kind = kind, .rate = from, .slope = (to - from) / seconds};
    random_init(&a->random, seed);
    arrivals_advance(a);
}

void arrivals_init(struct arrivals *a, enum arrival_kind kind, double per_second, uint64_t seed)
{
    arrivals_ramp(a, kind, per_second, per_second, 1, seed);
}

uint64_t arrivals_take(struct arrivals *a)
{
    uint64_t at = arrivals_next(a);

    arrivals_advance(a);
    return at;
}

/* Two chances make one of the bell curve (Box and Muller). */
static double workload_bell(struct random *r)
{
    double size = sqrt(-2 * log(workload_chance(r)));

    return size * cos(2 * 3.14159265358979323846 * workload_chance(r));
}

int64_t workload_span_draw(struct random *r, const struct workload_span *span)
{
    double drawn = span->mean_ms;

    switch (span->law) {
    case WORKLOAD_FIXED:
        break;
    case WORKLOAD_EXPONENTIAL:
        drawn *= -log(workload_chance(r));
        break;
    case WORKLOAD_LOGNORMAL: /* the mean of exp(bell) is exp(1/2): taken out again */
        drawn *= exp(span->spread * workload_bell(r) - span->spread * span->spread / 2);
        break;
    }
    return (int64_t)fmin(drawn, span->mean_ms * 100);
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
