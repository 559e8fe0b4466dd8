#include "queue/base/random.h"

#include <assert.h>

static uint64_t random_rotate(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

/* splitmix64: neighbouring seeds give states that have nothing in common, and never all zeros. */
void random_init(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z;

        seed += UINT64_C(0x9e3779b97f4a7c15);
        z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->state[i] = z ^ z >> 31;
    }
}

/* xoshiro256**, Blackman and Vigna 2018. */
uint64_t random_next(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t number = random_rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = random_rotate(s[3], 45);
    return number;
}

uint64_t random_below(struct random *r, uint64_t bound)
{
    uint64_t surplus;
    uint64_t number;

    assert(bound != 0);
    /* 2^64 mod bound: so many numbers are thrown away, and all remainders are equally likely. */
    surplus = (0 - bound) % bound;
    do {
        number = random_next(r);
    } while (number < surplus);
    return number % bound;
}

int64_t random_between(struct random *r, int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;

    assert(low <= high);
    /* A span of 2^64 does not fit and reads 0: then every number will do. */
    return (int64_t)((uint64_t)low + (span == 0 ? random_next(r) : random_below(r, span)));
}

int random_percent(struct random *r, unsigned percent)
{
    return random_below(r, 100) < percent;
}
