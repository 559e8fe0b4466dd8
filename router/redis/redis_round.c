#include "router/redis/redis_round.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/memory.h"

struct round_candidate {
    struct redis_round *round;
    struct redis_link *link; /* NULL: not asked yet, or its end was told */
    uint32_t answered;       /* how many questions, with whatever */
    uint32_t good;           /* how many with a reply */
    bool failed;
};

struct redis_round {
    uv_loop_t *loop;
    struct redis_round_plan plan;
    const struct redis_round_events *events;
    void *context;
    struct round_candidate candidates[REDIS_CANDIDATES_MAX];
    uint32_t asked, failed, links;
    uv_timer_t hedge;
    bool timer_open;
    bool over; /* `over` was told, or nobody wants to hear it */
    char problem[REDIS_PROBLEM_BYTES];
};

static void redis_round_ask_next(struct redis_round *r);

static void redis_round_release(struct redis_round *r)
{
    if (r->over && r->links == 0 && !r->timer_open) {
        memory_give(r);
    }
}

static void redis_round_timer_closed(uv_handle_t *handle)
{
    struct redis_round *r = handle->data;

    r->timer_open = false;
    redis_round_release(r);
}

void redis_round_stop(struct redis_round *r)
{
    assert(!r->over);
    r->over = true;
    uv_close((uv_handle_t *)&r->hedge, redis_round_timer_closed);
    for (uint32_t i = 0; i < r->plan.candidate_count; i++) {
        if (r->candidates[i].link != NULL) {
            redis_link_close(r->candidates[i].link);
        }
    }
}

static void redis_round_finish(struct redis_round *r, bool good)
{
    redis_round_stop(r);
    r->events->over(r->context, good, good ? "" : r->problem);
}

static void redis_round_fail(struct round_candidate *c, const char *problem)
{
    struct redis_round *r = c->round;

    if (r->over || c->failed) {
        return;
    }
    c->failed = true;
    r->failed++;
    snprintf(r->problem, sizeof(r->problem), "%s", problem);
    if (r->failed == r->plan.candidate_count) {
        redis_round_finish(r, false);
    } else {
        redis_round_ask_next(r);
    }
}

static void redis_round_answered(void *context, const struct redis_answer *a)
{
    struct round_candidate *c = context;
    struct redis_round *r = c->round;
    uint32_t index = (uint32_t)(c - r->candidates);
    uint32_t question = c->answered;
    char problem[REDIS_PROBLEM_BYTES], endpoint[REDIS_ENDPOINT_BYTES];

    if (r->over || a->outcome == REDIS_LOST) {
        return; /* `ended` has the reason */
    }
    c->answered++;
    redis_endpoint_shown(&r->plan.candidates[index], endpoint);
    if (a->outcome == REDIS_ANSWER) {
        c->good++;
        r->events->heard(r->context, index, question, a->reply);
    } else if (!c->failed) {
        snprintf(problem, sizeof(problem), "%.120s: " TEXT_FORMAT, endpoint,
                 a->error->words.length < 100 ? (int)a->error->words.length : 100,
                 a->error->words.bytes);
        redis_round_fail(c, problem);
    }
    if (r->over || c->failed || c->answered < r->plan.question_count) {
        return;
    }
    if (r->events->judge(r->context, index)) {
        redis_round_finish(r, true);
        return;
    }
    snprintf(problem, sizeof(problem), "%.120s: does not know", endpoint);
    redis_round_fail(c, problem);
}

static void redis_round_ended(void *context, enum redis_end why, const char *words)
{
    struct round_candidate *c = context;
    struct redis_round *r = c->round;

    (void)why;
    c->link = NULL;
    r->links--;
    redis_round_fail(c, words);
    redis_round_release(r);
}

static void redis_round_hedge(uv_timer_t *timer)
{
    redis_round_ask_next(timer->data);
}

static void redis_round_ask_next(struct redis_round *r)
{
    static const struct redis_link_events events = {.ended = redis_round_ended};
    struct redis_round_plan *plan = &r->plan;
    uint32_t index = (plan->first + r->asked) % plan->candidate_count;
    struct round_candidate *c = &r->candidates[index];

    if (r->asked == plan->candidate_count) {
        return;
    }
    r->asked++;
    r->links++;
    c->round = r;
    c->link = redis_link_open(r->loop, &plan->candidates[index], &plan->link, &events, c);
    for (uint32_t i = 0; i < plan->question_count; i++) {
        struct redis_command command = {plan->questions[i].count, plan->questions[i].words,
                                        redis_round_answered, c, 0};

        redis_link_send(c->link, &command);
    }
    uv_timer_start(&r->hedge, redis_round_hedge, plan->hedge_ms, 0);
}

struct redis_round *redis_round_start(uv_loop_t *loop, const struct redis_round_plan *plan,
                                      const struct redis_round_events *events, void *context)
{
    struct redis_round *r = memory_take(sizeof(*r));

    assert(plan->candidate_count > 0 && plan->candidate_count <= REDIS_CANDIDATES_MAX);
    r->loop = loop;
    r->plan = *plan;
    r->events = events;
    r->context = context;
    uv_timer_init(loop, &r->hedge);
    r->hedge.data = r;
    r->timer_open = true;
    redis_round_ask_next(r);
    return r;
}
