#include "queue/service_level.h"

#include "queue/state.h"

/* ---- series ---- */

static struct text series_name(const void *item)
{
    return ((const struct series *)item)->name;
}

struct series *series_of(struct engine *e, int by, struct text name)
{
    struct series *s;

    if (e->series[by].id_of == NULL) {
        id_map_init(&e->series[by], series_name, e->hash_seed);
    }
    s = id_map_find(&e->series[by], name);
    if (s == NULL) {
        char *copy = memory_take(name.length + 1u);
        memcpy(copy, name.bytes, name.length);
        s = memory_take(sizeof(*s));
        s->name = (struct text){copy, name.length};
        id_map_insert(&e->series[by], s);
    }
    return s;
}

static duration_ms interval_of(const struct engine *e)
{
    duration_ms interval = e->settings->statistics_interval;

    return interval > 0 ? interval : 1;
}

static uint32_t intervals_kept(const struct engine *e)
{
    duration_ms kept = e->settings->statistics_kept / interval_of(e) + 1;

    return kept < 2 ? 2 : kept > 100000 ? 100000 : (uint32_t)kept;
}

/* The number of the interval that runs. Time is divided once an interval, and not for each count.
 */
static void interval_begin(struct engine *e)
{
    struct interval_clock *clock = &e->interval;

    clock->number = e->now / interval_of(e);
    clock->end = (clock->number + 1) * interval_of(e);
    clock->begun++;
}

static inline int64_t interval_now(struct engine *e)
{
    if (e->now >= e->interval.end) {
        interval_begin(e);
    }
    return e->interval.number;
}

/* The interval with this number, the last of a series; a new one, mostly. Those that are no longer
 * kept go. */
static struct tally *series_begin(const struct engine *e, struct series *s, int64_t number)
{
    uint32_t kept = intervals_kept(e);
    uint32_t stale = 0;

    if (s->count > 0 && s->intervals[s->count - 1].number == number) {
        s->last = &s->intervals[s->count - 1]; /* a loaded one goes on */
        return &s->last->tally;
    }
    while (stale < s->count &&
           (s->count - stale >= kept || s->intervals[stale].number <= number - (int64_t)kept)) {
        stale++;
    }
    if (stale > 0) {
        s->count -= stale;
        memmove(s->intervals, s->intervals + stale, s->count * sizeof(s->intervals[0]));
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 4 : s->capacity * 2;
        s->intervals = memory_resize(s->intervals, s->capacity * sizeof(s->intervals[0]));
    }
    s->last = &s->intervals[s->count++];
    *s->last = (struct interval){.number = number};
    return &s->last->tally;
}

static inline struct tally *series_in(const struct engine *e, struct series *s, int64_t number)
{
    if (s->last != NULL && s->last->number == number) {
        return &s->last->tally;
    }
    return series_begin(e, s, number);
}

struct tally *series_now(struct engine *e, struct series *s)
{
    return series_in(e, s, interval_now(e));
}

void series_add(const struct series *s, int64_t from, int64_t to, struct tally *sum)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const uint64_t *part = (const uint64_t *)(const void *)&s->intervals[i].tally;
        uint64_t *whole = (uint64_t *)(void *)sum;
        if (s->intervals[i].number < from || s->intervals[i].number > to) {
            continue;
        }
        for (size_t k = 0; k < TALLY_FIELDS; k++) {
            whole[k] += part[k];
        }
    }
}

double tally_service_level(const struct tally *t)
{
    uint64_t of = t->answered + t->abandoned - t->abandoned_short;

    return of == 0 ? -1.0 : (double)t->answered_in_time / (double)of;
}

/* The interval's tallies of all that have the same terms are looked for once. */
static void terms_begin(struct engine *e, struct terms *terms, int64_t number)
{
    uint32_t issue = terms->issue != INDEX_NONE16 ? terms->issue : e->settings->issue_count;

    terms->tallies[0] = series_in(e, e->queues[terms->queue].series, number);
    terms->tallies[1] = series_in(e, e->tier_series[terms->tier], number);
    terms->tallies[2] = series_in(e, e->channel_series[terms->channel], number);
    terms->tallies[3] = series_in(e, e->issue_series[issue], number);
    terms->counted_in = e->interval.begun;
}

/* Terms remember where they are counted. */
void service_level_begin(struct engine *e, const struct terms *terms)
{
    int64_t number = interval_now(e);

    if (terms->counted_in != e->interval.begun) {
        terms_begin(e, (struct terms *)(uintptr_t)terms, number);
    }
}

struct tally *service_level_begin_agent(struct engine *e, const struct agent *a)
{
    struct agent *counted = (struct agent *)(uintptr_t)a; /* it remembers its series */

    if (a->series == NULL) {
        counted->series = series_of(e, BY_AGENT, a->id);
    }
    return series_in(e, a->series, interval_now(e));
}

void service_level_settings(struct engine *e)
{
    const struct settings *s = e->settings;

    e->interval.end = INT64_MIN; /* they may be of another length now */
    for (uint32_t i = 0; i < s->tier_count; i++) {
        e->tier_series[i] = series_of(e, BY_TIER, s->tiers[i].name);
    }
    for (uint32_t i = 0; i < s->channel_count; i++) {
        e->channel_series[i] = series_of(e, BY_CHANNEL, s->channels[i].name);
    }
    e->issue_series =
        memory_resize(e->issue_series, (s->issue_count + 1) * sizeof(e->issue_series[0]));
    for (uint32_t i = 0; i < s->issue_count; i++) {
        e->issue_series[i] = series_of(e, BY_ISSUE, s->issues[i].name);
    }
    e->issue_series[s->issue_count] = series_of(e, BY_ISSUE, TEXT("(none)"));
}

/* ---- the pace of a queue, and what it tells about waits ---- */

/* Fewer acceptances than this tell nothing. */
#define PACE_ENOUGH 4

struct pace_kept {
    struct text name;
    struct pace pace;
};

struct pace_kept *paces_keep(const struct engine *e)
{
    struct pace_kept *kept = memory_take((e->queue_count + 1) * sizeof(*kept));

    for (uint32_t i = 0; i < e->queue_count; i++) {
        kept[i].name = text_duplicate(e->settings->queues[i].name);
        kept[i].pace = e->queues[i].pace;
    }
    return kept; /* a name of none ends it */
}

void paces_restore(struct engine *e, struct pace_kept *kept)
{
    for (struct pace_kept *k = kept; k != NULL && k->name.bytes != NULL; k++) {
        queue_index q = settings_find_queue(e->settings, k->name);
        if (q != INDEX_NONE16) {
            e->queues[q].pace = k->pace;
        }
        text_discard(k->name);
    }
    memory_give(kept);
}

static uint32_t bounded_ms(duration_ms span)
{
    return span < 0 ? 0 : span > UINT32_MAX ? UINT32_MAX : (uint32_t)span;
}

void pace_waiting_began(struct pace *p, engine_time now)
{
    p->last = now;
}

/* The gap counts when somebody was waiting all through it: otherwise it tells when customers come,
 * and not how fast they are served. */
void pace_accepted(struct pace *p, engine_time now, engine_time offered_at, bool others_waited)
{
    p->waits[p->wait_count++ % PACE_SAMPLES] = bounded_ms(now - offered_at);
    if (others_waited) {
        p->gaps[p->gap_count++ % PACE_SAMPLES] = bounded_ms(now - p->last);
    }
    p->last = now;
}

static uint64_t samples_of(uint64_t count)
{
    return count < PACE_SAMPLES ? count : PACE_SAMPLES;
}

static uint64_t sum_of(const uint32_t *samples, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < samples_of(count); i++) {
        sum += samples[i];
    }
    return sum;
}

/* The longest gap is left out: nobody was there then, or nobody who could. One such hour would
 * speak for all that come after it until as many have been accepted as are remembered. */
static uint64_t usual_gap(const struct pace *p)
{
    uint64_t n = samples_of(p->gap_count);
    uint64_t longest = 0;

    for (uint64_t i = 0; i < n; i++) {
        longest = p->gaps[i] > longest ? p->gaps[i] : longest;
    }
    return (sum_of(p->gaps, p->gap_count) - longest) / (n - 1);
}

duration_ms service_level_wait(const struct engine *e, queue_index queue, size_t position)
{
    const struct pace *p = &e->queues[queue].pace;

    if (p->wait_count < PACE_ENOUGH || p->gap_count < PACE_ENOUGH) {
        return DURATION_NONE;
    }
    return (duration_ms)(usual_gap(p) * position);
}

duration_ms service_level_wait_at_once(const struct engine *e, queue_index queue)
{
    const struct pace *p = &e->queues[queue].pace;

    return p->wait_count < PACE_ENOUGH
               ? DURATION_NONE
               : (duration_ms)(sum_of(p->waits, p->wait_count) / samples_of(p->wait_count));
}
