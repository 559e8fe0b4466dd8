/* A seeded generator (xoshiro256**), for tests and simulations: the same seed, the same numbers, on
 * every compiler and machine. Not for secrets. */
#ifndef QUEUE_BASE_RANDOM_H
#define QUEUE_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *r, uint64_t seed); /* expanded by splitmix64 */
uint64_t random_next(struct random *r);
uint64_t random_below(struct random *r, uint64_t bound);             /* 0 <= n < bound, unbiased */
int64_t random_between(struct random *r, int64_t low, int64_t high); /* both included */
/* True in `percent` of cases. */
int random_percent(struct random *r, unsigned percent);

#endif
