/* Ask several Redis (or Sentinels) the same questions, and be content with the first good answers.
 *
 * They are asked in turn, beginning with `first`; when one has not answered within `hedge_ms` the
 * next is asked as well, and the former may still answer; when one fails the next is asked at once.
 * So several that are down cost a fraction of their time limits.
 *
 * `heard` comes for each answer that is no error, `judge` when a candidate has answered everything;
 * true makes the round good and ends it. `over` is the last, once, with the latest problem when no
 * candidate was good. Nothing comes from inside a call. A round frees itself behind `over`, or
 * after redis_round_stop, which silences it. Thread: the loop's. */
#ifndef ROUTER_REDIS_REDIS_ROUND_H
#define ROUTER_REDIS_REDIS_ROUND_H

#include "router/redis/redis_link.h"

#define REDIS_CANDIDATES_MAX 48
#define REDIS_QUESTIONS_MAX  3

struct redis_question {
    uint32_t count;
    struct text words[4]; /* must outlive the round */
};

struct redis_round_plan {
    uint32_t candidate_count, first, question_count;
    uint32_t hedge_ms;
    struct redis_endpoint candidates[REDIS_CANDIDATES_MAX];
    struct redis_question questions[REDIS_QUESTIONS_MAX];
    struct redis_link_options link; /* what it points to must outlive the round */
};

struct redis_round_events {
    void (*heard)(void *context, uint32_t candidate, uint32_t question,
                  const struct redisReply *reply);
    bool (*judge)(void *context, uint32_t candidate);
    void (*over)(void *context, bool good, const char *problem);
};

struct redis_round;

/* The plan is copied. It has one candidate at least. */
struct redis_round *redis_round_start(uv_loop_t *loop, const struct redis_round_plan *plan,
                                      const struct redis_round_events *events, void *context);
void redis_round_stop(struct redis_round *r);

#endif
