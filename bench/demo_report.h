/* What became of the contacts of a demonstration, counted, compared with the server's own figures,
 * and told. Knows no connection: facts go in, tables come out. */
#ifndef BENCH_DEMO_REPORT_H
#define BENCH_DEMO_REPORT_H

#include "bench/histogram.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As the server calls them; UNKNOWN: it has not said. */
enum demo_state {
    DEMO_STATE_UNKNOWN,
    DEMO_STATE_SCHEDULED,
    DEMO_STATE_WAITING,
    DEMO_STATE_OFFERED,
    DEMO_STATE_ACTIVE,
    DEMO_STATE_WRAPPING,
    DEMO_STATE_COMPLETED, /* from here on: ended */
    DEMO_STATE_CANCELLED,
    DEMO_STATE_EXPIRED,
    DEMO_STATE_DIVERTED,
    DEMO_STATE_REJECTED,
    DEMO_STATE_REFUSED, /* never taken; the connector knows */
    DEMO_STATE_COUNT,
};

const char *demo_state_word(enum demo_state state);
enum demo_state demo_state_of(const char *word, size_t length); /* UNKNOWN: no such */

#define DEMO_NAME_BYTES 65

/* One contact. */
struct demo_fate {
    enum demo_state state;
    bool acknowledged; /* the submission was answered */
    bool accounted;    /* the server said at the end what became of it */
    bool answered;     /* an agent's acceptance was confirmed */
    bool within;       /* before its deadline */
    uint64_t wait_ms;  /* from submission to that */
    int64_t deadline_at;
    char tier[DEMO_NAME_BYTES], issue[DEMO_NAME_BYTES];
    char queue[DEMO_NAME_BYTES];          /* where it was put first */
    char queue_answered[DEMO_NAME_BYTES]; /* where it was answered */
    char queue_ended[DEMO_NAME_BYTES];    /* where it is, or ended */
    char refusal[32];                     /* the error's code */
    const char *expected_issue;           /* NULL: nobody could know */
};

/* One row of the server's `stats`. */
struct demo_stats_row {
    char key[DEMO_NAME_BYTES];
    int64_t submitted, answered, abandoned, completed;
    double service_level; /* negative: no data */
};

struct demo_stats {
    struct demo_stats_row *queues, *tiers;
    uint32_t queue_count, tier_count;
};

struct demo_stats_row *demo_stats_add(struct demo_stats_row **rows, uint32_t *count,
                                      const char *key);
void demo_stats_close(struct demo_stats *s);

/* What we saw, of one queue or tier. */
struct demo_tally {
    char key[DEMO_NAME_BYTES];
    int64_t submitted, answered, abandoned, completed, within;
    struct histogram *waits;      /* milliseconds */
    struct demo_stats_row server; /* of the run alone */
    bool server_known;
    bool agrees;
};

struct demo_report {
    uint32_t submitted, accounted, unaccounted, open;
    uint32_t states[DEMO_STATE_COUNT];
    struct demo_tally *queues, *tiers;
    uint32_t queue_count, tier_count;
    uint32_t expected, hits; /* classification */
    bool agrees;             /* the server counted everything that we saw */
    uint64_t declined, missed, left, losses;
    double seconds;
};

/* Count. Whoever else uses the workspace adds to the server's figures, so the server must have
 * counted at least what we saw: less is a disagreement. `fates` are those that were submitted. */
void demo_report_init(struct demo_report *r, const struct demo_fate *const *fates, uint32_t count,
                      const struct demo_stats *before, const struct demo_stats *after);
void demo_report_close(struct demo_report *r);

void demo_report_print(const struct demo_report *r);

/* The caller gives the reference back. */
json_t *demo_report_json(const struct demo_report *r);

#endif
