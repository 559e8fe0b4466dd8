/* Estimated waits, collected when they were told, and compared with the wait that then happened. A
 * single one may be far off: agents come and go here as they like. But half of all who were told
 * must have waited longer and half shorter, within a factor of two; an estimate that leans to one
 * side was invented. */
#include "queue/base/memory.h"
#include "tests/simulation/watch.h"

#include <inttypes.h>
#include <stdlib.h>

struct told {
    engine_time at; /* 0: nothing was told */
    duration_ms estimate;
};

struct estimate_checker {
    struct watch *watch;
    struct told *told; /* by contact */
    size_t capacity;
    double *ratios; /* wait / estimate */
    size_t count, ratio_capacity;
    uint64_t unknown, known;
};

static void *create(struct watch *w)
{
    struct estimate_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    return c;
}

static void destroy(void *self)
{
    struct estimate_checker *c = self;

    memory_give(c->told);
    memory_give(c->ratios);
    memory_give(c);
}

static void answer(void *self, const struct request_seen *r, const struct answer_seen *a)
{
    struct estimate_checker *c = self;

    if (a->kind != ANSWER_SUBMITTED || a->duplicate || a->position == 0 || r->contact == NOBODY) {
        return;
    }
    if (a->estimate == DURATION_NONE) {
        c->unknown++;
        return;
    }
    if (a->estimate < 0) {
        watch_found(c->watch, &checker_estimate, TEXT_FORMAT ": an estimate of %" PRId64,
                    TEXT_ARGS(a->contact), a->estimate);
    }
    c->known++;
    c->told = room_for(c->told, &c->capacity, (size_t)r->contact + 1, sizeof(*c->told));
    c->told[r->contact] = (struct told){r->now, a->estimate};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Those who wait long come true last: a few tell of short waits only. */
#define LOOKED_AT_FROM 3000
#define LOOKED_AT_EACH 1000
/* Nobody asks whether one second was two. */
#define WORTH_TELLING ((duration_ms)3000)

static void look_at_the_middle(struct estimate_checker *c)
{
    double *sorted = memory_copy(c->ratios, c->count * sizeof(*c->ratios));
    double middle;

    qsort(sorted, c->count, sizeof(*sorted), by_size);
    middle = sorted[c->count / 2];
    memory_give(sorted);
    if (middle < 0.5 || middle > 2.0) {
        watch_found(c->watch, &checker_estimate,
                    "of %zu estimates the middle one was %.2f times too short", c->count, middle);
    }
}

static void fact(void *self, const struct sighting *s)
{
    struct estimate_checker *c = self;
    struct told *t = s->contact < c->capacity ? &c->told[s->contact] : NULL;

    if (t == NULL || t->at == 0) {
        return;
    }
    if (s->fact->kind == FACT_OFFER_ACCEPTED) {
        duration_ms wait = s->fact->at - t->at;
        if (wait >= WORTH_TELLING || t->estimate >= WORTH_TELLING) {
            c->ratios = room_for(c->ratios, &c->ratio_capacity, c->count + 1, sizeof(*c->ratios));
            c->ratios[c->count++] = (double)(wait + 1) / ((double)t->estimate + 1);
            if (c->count >= LOOKED_AT_FROM && c->count % LOOKED_AT_EACH == 0) {
                look_at_the_middle(c);
            }
        }
        t->at = 0;
    } else if (s->fact->kind == FACT_CONTACT_UPDATED || s->fact->kind == FACT_CONTACT_MOVED) {
        t->at = 0; /* told of another queue */
    }
}

static void report(void *self, FILE *out)
{
    struct estimate_checker *c = self;

    fprintf(out, "estimated waits: %" PRIu64 " told, %" PRIu64 " unknown, %zu came true", c->known,
            c->unknown, c->count);
    if (c->count > 0) {
        qsort(c->ratios, c->count, sizeof(*c->ratios), by_size);
        fprintf(out, "; wait over estimate: 10%% %.2f, half %.2f, 90%% %.2f",
                c->ratios[c->count / 10], c->ratios[c->count / 2], c->ratios[c->count * 9 / 10]);
    }
    fprintf(out, "\n");
}

const struct checker checker_estimate = {
    .name = "estimate",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .answer = answer,
    .report = report,
};
