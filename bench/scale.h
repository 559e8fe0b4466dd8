/* `switchboard-bench scale`: what a life cycle costs, how long an offer takes, and what memory is
 * used as one thing grows and all else stays.
 *
 * Each thing that grows is an axis, each of its sizes a step: a server of its own with a
 * configuration made for it, filled as the step says, and traffic in a closed loop (cost) and in an
 * open loop (latency). One thread. */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load.h"

struct json_t;

#define SCALE_SIZES_MAX 8
#define SCALE_AXES      8

struct scale_options {
    const char *server;    /* the program */
    const char *address;   /* of a server that runs already, or NULL: then axes that need no
                            * configuration of their own only */
    const char *workspace; /* there */
    long server_pid;       /* of it */
    const char *only;      /* names of axes, comma-separated; NULL: all */
    bool quick;            /* fewer sizes, shorter steps */
    uint32_t reactors;     /* of the servers that are started */
    double rate;           /* of the open loop */
    double duration_s;     /* of each loop */
    uint64_t seed;
    bool quiet;
};

/* One step's server and traffic, to be set by the axis. */
struct scale_step {
    struct load_options load;
    uint32_t queues;
    uint32_t reactors;      /* of the server */
    uint32_t fill;          /* contacts that wait before the traffic begins, and fit nobody */
    const char *fill_queue; /* where */
    char *skills;           /* memory of `load.contact_skills`; given back by the run */
    bool closed;            /* whether there is a closed loop, too */
};

struct scale_axis {
    const char *name;
    const char *title;
    const char *unit;                /* what is counted */
    const char *words;               /* what the axis shows */
    const char *each;                /* what memory is told of for each one, or NULL */
    bool anywhere;                   /* needs no configuration of its own */
    uint32_t sizes[SCALE_SIZES_MAX]; /* rising; 0 ends them, but may begin them */
    uint32_t quick_most;             /* the largest size of a quick run */
    void (*set)(struct scale_step *step, uint32_t size);
};

extern const struct scale_axis scale_axes[SCALE_AXES];

/* NAN for what a step did not measure. */
struct scale_point {
    uint32_t size;
    uint32_t wanted; /* the size that was to be; more than `size` where the machine forbids it */
    double cpu_us;   /* server CPU a life cycle, closed loop */
    double rate;     /* life cycles a second in it */
    double open_cpu_us;
    double p50_ns, p99_ns; /* submission (due) to offer, open loop */
    double resident;       /* at the end */
    double bytes_each;     /* of what the axis counts */
    uint64_t errors;
};

struct scale_series {
    const struct scale_axis *axis;
    struct scale_point points[SCALE_SIZES_MAX];
    uint32_t count;
};

struct scale_result {
    char failed[384]; /* "" or why it ended before its time */
    struct scale_series series[SCALE_AXES];
    uint32_t count;
};

/* False when it came to no result at all; what was measured before stands in `result` all the
 * same. */
bool scale_run(const struct scale_options *options, struct scale_result *result);

/* The configuration of a step's server; the caller frees it. */
char *scale_configuration(const struct scale_step *step);

/* scale_fill.c: submit contacts that wait for somebody with a skill that nobody has. NULL, or what
 * went wrong, in words that live as long as the program. */
#define SCALE_SKILL "nobody:5"
const char *scale_fill(const char *address, const char *workspace, const char *queue,
                       uint32_t count, uint64_t seed);

/* scale_result.c */
void scale_result_print(const struct scale_result *r);
struct json_t *scale_result_json(const struct scale_result *r);
bool scale_result_html(const struct scale_result *r, const char *path);

#endif
