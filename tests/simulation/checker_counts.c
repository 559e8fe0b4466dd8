/* Counters are what the facts add up to: how many contacts wait, are offered, worked and wrapped up
 * in each queue. Counted from facts, compared with what the engine says of its queues. */
#include "queue/base/memory.h"
#include "tests/simulation/watch.h"

#include <inttypes.h>

struct counted { /* a contact */
    queue_index queue;
    uint8_t state; /* + 1; 0: not alive */
};

struct counts_checker {
    struct watch *watch;
    struct settings *settings;
    struct counted *contacts;
    size_t capacity;
    uint64_t (*counts)[CONTACT_LIVE_STATES]; /* by queue */
    uint64_t compared;
};

static void *create(struct watch *w)
{
    struct counts_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    return c;
}

static void destroy(void *self)
{
    struct counts_checker *c = self;

    if (c->settings != NULL) {
        settings_release(c->settings);
    }
    memory_give(c->contacts);
    memory_give(c->counts);
    memory_give(c);
}

static void take_out(struct counts_checker *c, const struct counted *k)
{
    if (k->state != 0) {
        c->counts[k->queue][k->state - 1]--;
    }
}

/* A contact is in this state and queue from now; CONTACT_COMPLETED stands for every end. */
static void put_in(struct counts_checker *c, struct counted *k, queue_index queue, int state)
{
    take_out(c, k);
    k->queue = queue == INDEX_NONE16 ? k->queue : queue;
    k->state = state < CONTACT_LIVE_STATES ? (uint8_t)(state + 1) : 0;
    if (k->state != 0) {
        c->counts[k->queue][state]++;
    }
}

static void contact_fact(struct counts_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;
    struct counted *k;

    c->contacts = room_for(c->contacts, &c->capacity, (size_t)s->contact + 1, sizeof(*c->contacts));
    k = &c->contacts[s->contact];
    switch ((int)f->kind) {
    case FACT_CONTACT_QUEUED:
    case FACT_CONTACT_SCHEDULED:
        put_in(c, k, f->new_contact.queue,
               f->kind == FACT_CONTACT_QUEUED ? CONTACT_WAITING : CONTACT_SCHEDULED);
        break;
    case FACT_CONTACT_WOKEN:
        put_in(c, k, INDEX_NONE16, CONTACT_WAITING);
        break;
    case FACT_CONTACT_UPDATED:
        put_in(c, k, f->updated.queue, k->state - 1);
        break;
    case FACT_CONTACT_MOVED:
    case FACT_CONTACT_ESCALATED:
        put_in(c, k, f->moved.queue, k->state - 1);
        break;
    case FACT_CONTACT_OFFERED:
        put_in(c, k, INDEX_NONE16, CONTACT_OFFERED);
        break;
    case FACT_OFFER_ACCEPTED:
        put_in(c, k, INDEX_NONE16, CONTACT_ACTIVE);
        break;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        put_in(c, k, INDEX_NONE16, CONTACT_WAITING);
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        put_in(c, k, f->given_back.queue,
               f->given_back.not_before_at == TIME_NEVER ? CONTACT_WAITING : CONTACT_SCHEDULED);
        break;
    case FACT_WRAP_UP_STARTED:
        put_in(c, k, INDEX_NONE16, CONTACT_WRAPPING);
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        put_in(c, k, INDEX_NONE16, CONTACT_COMPLETED);
        break;
    default:
        break;
    }
}

/* Queues are counted by name: with a new configuration all is counted anew. */
static void configured(struct counts_checker *c, struct settings *settings)
{
    queue_index *map = c->settings == NULL ? NULL : watch_queue_map(c->settings, settings);

    memory_give(c->counts);
    c->counts = memory_take(settings->queue_count * sizeof(*c->counts));
    for (size_t i = 0; map != NULL && i < c->capacity; i++) {
        struct counted *k = &c->contacts[i];

        if (k->state != 0) {
            k->queue = map[k->queue];
            c->counts[k->queue][k->state - 1]++;
        }
    }
    memory_give(map);
    settings_retain(settings);
    if (c->settings != NULL) {
        settings_release(c->settings);
    }
    c->settings = settings;
}

static void fact(void *self, const struct sighting *s)
{
    struct counts_checker *c = self;

    if (s->fact->kind == FACT_CONFIG_APPLIED) {
        configured(c, s->settings);
    } else if (s->contact != NOBODY) {
        contact_fact(c, s);
    }
}

static void figures(void *self, queue_index queue, const struct queue_row *row)
{
    struct counts_checker *c = self;
    const uint64_t *counts = c->counts[queue];

    c->compared++;
    if (row->waiting != counts[CONTACT_WAITING] || row->offered != counts[CONTACT_OFFERED] ||
        row->active != counts[CONTACT_ACTIVE] || row->wrapping != counts[CONTACT_WRAPPING]) {
        watch_found(c->watch, &checker_counts,
                    TEXT_FORMAT ": waiting %" PRIu64 ", offered %" PRIu64 ", active %" PRIu64
                                ", wrapping %" PRIu64 "; counted %" PRIu64 ", %" PRIu64 ", %" PRIu64
                                ", %" PRIu64,
                    TEXT_ARGS(c->settings->queues[queue].name), row->waiting, row->offered,
                    row->active, row->wrapping, counts[CONTACT_WAITING], counts[CONTACT_OFFERED],
                    counts[CONTACT_ACTIVE], counts[CONTACT_WRAPPING]);
    }
    if ((row->oldest_wait == DURATION_NONE) != (row->waiting == 0)) {
        watch_found(c->watch, &checker_counts,
                    TEXT_FORMAT ": %" PRIu64 " wait, the oldest for %" PRId64,
                    TEXT_ARGS(c->settings->queues[queue].name), row->waiting, row->oldest_wait);
    }
}

static void report(void *self, FILE *out)
{
    const struct counts_checker *c = self;

    fprintf(out, "figures of queues recounted: %" PRIu64 "\n", c->compared);
}

const struct checker checker_counts = {
    .name = "counts",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .report = report,
    .figures = figures,
};
