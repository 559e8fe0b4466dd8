/* A run second by second: what its plots are drawn from. */
#ifndef BENCH_LOAD_SERIES_H
#define BENCH_LOAD_SERIES_H

#include <stdint.h>

struct load_second {
    double at_s;    /* its end, since the first submission */
    double seconds; /* how long it really was */
    double wanted;  /* contacts due, a second; 0 in a closed loop */
    uint64_t submitted, completed, abandoned, errors; /* in it */
    uint64_t p50_ns, p90_ns, p99_ns, max_ns;          /* due to offer, of offers in it; 0: none */
    uint32_t under_way;                               /* at its end */
    double server_cpu;                                /* cores; negative: unknown */
    double server_resident;                           /* bytes */
};

struct load_series {
    struct load_second *seconds;
    uint32_t count, capacity;
};

/* The place of one more, zeroed. Zeroed storage is an empty series. */
struct load_second *load_series_add(struct load_series *s);
void load_series_close(struct load_series *s);

#endif
