/* Estimated waits, compared with how fast the queue then moved.
 *
 * An estimate says: so many are ahead, and the queue takes one each so often. Whether it was true
 * shows when so many contacts of the queue have been accepted. The wait of the contact itself does
 * not show it: many give up, expire or are moved before, and more often those who would wait long;
 * others are overtaken by dearer customers, or wait for a skill that nobody has. Who asks only
 * those that were accepted hears of short waits.
 *
 * A single one may be far off: agents come and go here as they like. But half of all must have been
 * too long and half too short, within a factor of three; an estimate that leans to one side was
 * invented. */
#include "queue/base/memory.h"
#include "queue/contact.h"
#include "tests/simulation/watch.h"

#include <inttypes.h>
#include <stdlib.h>

struct told {
    engine_time at;
    duration_ms estimate;
    uint64_t until; /* the queue has accepted so many */
};

/* What was told of one queue, and has not come true. */
struct told_queue {
    uint64_t accepted;
    struct told *told;
    size_t count, capacity;
};

struct estimate_checker {
    struct watch *watch;
    struct told_queue *queues;
    size_t queue_capacity;
    queue_index newest; /* the queue of the last contact that came */
    double *ratios;     /* time / estimate */
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

    for (size_t i = 0; i < c->queue_capacity; i++) {
        memory_give(c->queues[i].told);
    }
    memory_give(c->queues);
    memory_give(c->ratios);
    memory_give(c);
}

static struct told_queue *queue_at(struct estimate_checker *c, queue_index queue)
{
    c->queues = room_for(c->queues, &c->queue_capacity, (size_t)queue + 1, sizeof(*c->queues));
    return &c->queues[queue];
}

/* Nobody asks whether one second was two; and the first of a queue may be about to be offered. */
#define WORTH_TELLING    ((duration_ms)3000)
#define POSITION_TO_TELL 2

static void answer(void *self, const struct request_seen *r, const struct answer_seen *a)
{
    struct estimate_checker *c = self;
    struct told_queue *q;

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
    if (a->estimate < WORTH_TELLING || a->position < POSITION_TO_TELL) {
        return;
    }
    q = queue_at(c, c->newest);
    q->told = room_for(q->told, &q->capacity, q->count + 1, sizeof(*q->told));
    q->told[q->count++] = (struct told){r->now, a->estimate, q->accepted + a->position};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What takes long comes true last: a few tell of short times only. */
#define LOOKED_AT_FROM 1000
#define LOOKED_AT_EACH 500
#define FACTOR         3.0

static double share_below(const struct estimate_checker *c, double share)
{
    double *sorted = memory_copy(c->ratios, c->count * sizeof(*c->ratios));
    double ratio;

    qsort(sorted, c->count, sizeof(*sorted), by_size);
    ratio = sorted[(size_t)((double)c->count * share)];
    memory_give(sorted);
    return ratio;
}

static void came_true(struct estimate_checker *c, const struct told *t, engine_time now)
{
    c->ratios = room_for(c->ratios, &c->ratio_capacity, c->count + 1, sizeof(*c->ratios));
    c->ratios[c->count++] = (double)(now - t->at) / (double)t->estimate;
    if (c->count >= LOOKED_AT_FROM && c->count % LOOKED_AT_EACH == 0) {
        double middle = share_below(c, 0.5);
        if (middle < 1.0 / FACTOR || middle > FACTOR) {
            watch_found(c->watch, &checker_estimate,
                        "of %zu estimates the middle one was %.2f times too short", c->count,
                        middle);
        }
    }
}

static void accepted(struct estimate_checker *c, struct told_queue *q, engine_time now)
{
    size_t left = 0;

    q->accepted++;
    for (size_t i = 0; i < q->count; i++) {
        if (q->told[i].until <= q->accepted) {
            came_true(c, &q->told[i], now);
        } else {
            q->told[left++] = q->told[i];
        }
    }
    q->count = left;
}

/* Before it is applied: what it is about stands where it stood. */
static void fact(void *self, const struct sighting *s)
{
    struct estimate_checker *c = self;
    const struct fact *f = s->fact;

    if (f->kind == FACT_CONTACT_QUEUED) {
        c->newest = f->new_contact.queue;
    } else if (f->kind == FACT_OFFER_ACCEPTED) {
        accepted(c, queue_at(c, contact_queue(f->contact)), f->at);
    } else if (f->kind == FACT_CONFIG_APPLIED) {
        for (size_t i = 0; i < c->queue_capacity; i++) {
            c->queues[i].count = 0; /* other queues now */
        }
    }
}

static void report(void *self, FILE *out)
{
    struct estimate_checker *c = self;

    fprintf(out, "estimated waits: %" PRIu64 " told, %" PRIu64 " unknown, %zu compared", c->known,
            c->unknown, c->count);
    if (c->count > 0) {
        fprintf(out, "; time over estimate: 10%% %.2f, half %.2f, 90%% %.2f", share_below(c, 0.1),
                share_below(c, 0.5), share_below(c, 0.9));
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
