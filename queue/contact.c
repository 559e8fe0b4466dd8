/* A contact's life cycle, words, parts, times and clocks. */
#include "queue/base/clear.h"
#include "queue/state.h"

/* ---- the life cycle ---- */

/* Everything that may happen to a contact: MOVE(from, by, to). `to` CONTACT_STATE_COUNT: the state
 * stays. */
#define CONTACT_MOVES(MOVE)                                                                        \
    MOVE(CONTACT_SCHEDULED, FACT_CONTACT_WOKEN, CONTACT_WAITING)                                   \
    MOVE(CONTACT_SCHEDULED, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT)                             \
    MOVE(CONTACT_SCHEDULED, FACT_CONTACT_MOVED, CONTACT_STATE_COUNT)                               \
    MOVE(CONTACT_SCHEDULED, FACT_CONTACT_CANCELLED, CONTACT_CANCELLED)                             \
    MOVE(CONTACT_WAITING, FACT_CONTACT_OFFERED, CONTACT_OFFERED)                                   \
    MOVE(CONTACT_WAITING, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT)                               \
    MOVE(CONTACT_WAITING, FACT_CONTACT_MOVED, CONTACT_STATE_COUNT)                                 \
    MOVE(CONTACT_WAITING, FACT_CONTACT_ESCALATED, CONTACT_STATE_COUNT)                             \
    MOVE(CONTACT_WAITING, FACT_CONTACT_OPENED, CONTACT_STATE_COUNT)                                \
    MOVE(CONTACT_WAITING, FACT_CONTACT_CANCELLED, CONTACT_CANCELLED)                               \
    MOVE(CONTACT_WAITING, FACT_CONTACT_EXPIRED, CONTACT_EXPIRED)                                   \
    MOVE(CONTACT_OFFERED, FACT_OFFER_RECEIVED, CONTACT_STATE_COUNT)                                \
    MOVE(CONTACT_OFFERED, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT)                               \
    MOVE(CONTACT_OFFERED, FACT_OFFER_ACCEPTED, CONTACT_ACTIVE)                                     \
    MOVE(CONTACT_OFFERED, FACT_OFFER_DECLINED, CONTACT_WAITING)                                    \
    MOVE(CONTACT_OFFERED, FACT_OFFER_TIMED_OUT, CONTACT_WAITING)                                   \
    MOVE(CONTACT_OFFERED, FACT_OFFER_WITHDRAWN, CONTACT_WAITING)                                   \
    MOVE(CONTACT_ACTIVE, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT)                                \
    MOVE(CONTACT_ACTIVE, FACT_WRAP_UP_STARTED, CONTACT_WRAPPING)                                   \
    MOVE(CONTACT_ACTIVE, FACT_CONTACT_COMPLETED, CONTACT_COMPLETED)                                \
    MOVE(CONTACT_ACTIVE, FACT_CONTACT_TRANSFERRED, CONTACT_WAITING)                                \
    MOVE(CONTACT_ACTIVE, FACT_CONTACT_REQUEUED,                                                    \
         CONTACT_WAITING) /* or scheduled, when for later */                                       \
    MOVE(CONTACT_WRAPPING, FACT_CONTACT_UPDATED, CONTACT_STATE_COUNT)                              \
    MOVE(CONTACT_WRAPPING, FACT_CONTACT_RATED, CONTACT_STATE_COUNT)                                \
    MOVE(CONTACT_WRAPPING, FACT_CONTACT_COMPLETED, CONTACT_COMPLETED)

#define MOVE_MAY(from, by, to) [from][by] = true,
static const bool moves[CONTACT_STATE_COUNT][FACT_KIND_COUNT] = {CONTACT_MOVES(MOVE_MAY)};

static bool is_promise(enum fact_kind by)
{
    return by == FACT_CONTACT_AT_RISK || by == FACT_CONTACT_OVERDUE || by == FACT_PROMISE_KEPT;
}

bool contact_may(const struct contact *c, enum fact_kind by)
{
    return moves[c->state][by] || (is_promise(by) && c->state < CONTACT_LIVE_STATES);
}

/* ---- words ---- */

#define CONTACT_WORD(symbol, word) [CONTACT_##symbol] = TEXT(word),
static const struct text contact_words[CONTACT_STATE_COUNT] = {CONTACT_STATE_WORDS(CONTACT_WORD)};

struct text contact_state_word(enum contact_state state)
{
    return contact_words[state];
}

struct text contact_why_agent(const struct contact *c)
{
    return word_text(contact_extras(c)->why_agent);
}

/* ---- its parts ---- */

#define NO_COOL_DOWNS                                                                              \
    {                                                                                              \
        (struct list_node *)(uintptr_t)&contact_without_extras.cool_downs.head,                    \
            (struct list_node *)(uintptr_t)&contact_without_extras.cool_downs.head                 \
    }

const struct contact_extras contact_without_extras = {
    .from_queue = INDEX_NONE16,
    .visits = 1,
    .not_before_at = TIME_NEVER,
    .hold_until = TIME_NEVER,
    .visit_since = TIME_NEVER,
    .cool_downs = {NO_COOL_DOWNS},
};

struct contact_extras *contact_new_extras(struct engine *e, struct contact *c)
{
    struct contact_extras *x = pool_take_raw(&e->extras_pool);

    CLEAR(x);
    x->from_queue = contact_without_extras.from_queue;
    x->visits = contact_without_extras.visits;
    x->not_before_at = x->hold_until = x->visit_since = TIME_NEVER;
    list_init(&x->cool_downs);
    c->extras = near_of(x);
    return x;
}

void contact_set_papers(struct engine *e, struct contact *c, struct text id,
                        const struct contact_body *body)
{
    block old = c->papers;
    size_t size;

    c->papers = papers_write(&e->papers, id, body, &size);
    e->body_bytes += size;
    if (old != 0) {
        size = papers_size(shelf_at(&e->papers, old));
        e->body_bytes -= size;
        shelf_give(&e->papers, old, size);
    }
}

/* Its times are read by the terms; so they are read before and written after. */
void contact_set_terms(struct engine *e, struct contact *c, const struct terms *wanted)
{
    const struct terms *old;
    struct contact_times times;

    if (c->terms == 0) {
        c->terms = near_of(terms_take(&e->terms, wanted));
        return;
    }
    old = contact_terms(c);
    contact_get_times(c, &times);
    c->terms = near_of(terms_take(&e->terms, wanted));
    terms_release(&e->terms, old);
    contact_set_times(e, c, &times);
}

/* ---- times ---- */

engine_time contact_state_since(const struct contact *c)
{
    return c->since != CONTACT_NEAR_FAR ? contact_far_time(c, c->since)
                                        : contact_extras(c)->state_since;
}

void contact_set_state_since_far(struct engine *e, struct contact *c, engine_time at)
{
    contact_own_extras(e, c)->state_since = at;
}

/* By the terms: what may wait so long waits so long from its submission, or from its schedule. */
static engine_time expires_by_terms(const struct contact *c, const struct terms *t,
                                    engine_time start)
{
    return time_after_span(start > c->created_at ? start : c->created_at, t->expires);
}

void contact_get_times(const struct contact *c, struct contact_times *times)
{
    const struct contact_extras *x = contact_extras(c);
    const struct terms *t = contact_terms(c);

    times->start_at = c->start != CONTACT_NEAR_FAR ? contact_far_time(c, c->start) : x->start_at;
    if (x->own_times) {
        times->expires_at = x->expires_at;
        memcpy(times->due, x->due, sizeof(times->due));
        return;
    }
    times->expires_at = expires_by_terms(c, t, times->start_at);
    for (int p = 0; p < PROMISE_COUNT; p++) {
        times->due[p] = time_after_span(times->start_at, t->promised[p]);
    }
}

engine_time contact_expires_at(const struct contact *c)
{
    const struct contact_extras *x = contact_extras(c);

    return x->own_times ? x->expires_at
                        : expires_by_terms(c, contact_terms(c), contact_start_at(c));
}

static bool times_by_terms(const struct contact *c, const struct contact_times *times)
{
    const struct terms *t = contact_terms(c);
    bool same = times->expires_at == expires_by_terms(c, t, times->start_at);

    for (int p = 0; p < PROMISE_COUNT; p++) {
        same = same && times->due[p] == time_after_span(times->start_at, t->promised[p]);
    }
    return same;
}

void contact_set_times(struct engine *e, struct contact *c, const struct contact_times *times)
{
    bool own = !times_by_terms(c, times);

    c->start = contact_near_time(c, times->start_at);
    if (c->start == CONTACT_NEAR_FAR) {
        contact_own_extras(e, c)->start_at = times->start_at;
    }
    if (own) {
        struct contact_extras *x = contact_own_extras(e, c);
        x->expires_at = times->expires_at;
        memcpy(x->due, times->due, sizeof(x->due));
    }
    if (c->extras != 0) {
        contact_own_extras(e, c)->own_times = own;
    }
}

/* ---- clocks ---- */

static engine_time earlier(engine_time a, engine_time b)
{
    return a < b ? a : b;
}

static engine_time promise_clock(const struct engine *e, const struct contact *c,
                                 const struct contact_times *times)
{
    unsigned settled = c->kept | c->overdue;
    engine_time next = TIME_NEVER;

    for (int p = 0; p < PROMISE_COUNT; p++) {
        engine_time due = times->due[p];
        if (due == TIME_NEVER || (settled >> p & 1) != 0) {
            continue;
        }
        if (e->settings->at_risk != DURATION_NONE && (c->at_risk >> p & 1) == 0) {
            due -= e->settings->at_risk;
        }
        next = earlier(next, due);
    }
    return next;
}

/* The first clock of a contact that has these times. */
static inline engine_time next_clock(const struct engine *e, const struct contact *c,
                                     const struct contact_times *times, engine_time after)
{
    engine_time next = TIME_NEVER;

    if (c->state >= CONTACT_WRAPPING) {
        return TIME_NEVER;
    }
    if (contact_terms(c)->lost != DURATION_NONE && contact_owner(c)->lost_since != TIME_NEVER) {
        next = earlier(next, contact_owner(c)->lost_since + contact_terms(c)->lost);
    }
    if (c->state == CONTACT_SCHEDULED) {
        return earlier(next, contact_extras(c)->not_before_at);
    }
    next = earlier(next, promise_clock(e, c, times));
    if (c->state == CONTACT_ACTIVE) {
        return next;
    }
    next = earlier(next, times->expires_at);
    if (c->state == CONTACT_WAITING) {
        const struct contact_extras *x = contact_extras(c);
        next = earlier(next, x->hold_until);
        for (struct list_node *n = list_first(&x->cool_downs); n != NULL;
             n = list_next(&x->cool_downs, n)) {
            engine_time until = record_of(n, struct cool_down, of_contact)->until;
            if (until > after) {
                next = earlier(next, until);
            }
        }
    }
    return next;
}

engine_time contact_next_clock(const struct engine *e, const struct contact *c, engine_time after)
{
    struct contact_times times;

    contact_get_times(c, &times);
    return next_clock(e, c, &times, after);
}

void contact_arm_by(struct engine *e, struct contact *c, const struct contact_times *times)
{
    timer_wheel_arm(&e->clocks, &c->timer, next_clock(e, c, times, e->now));
}

void contact_arm(struct engine *e, struct contact *c)
{
    struct contact_times times;

    contact_get_times(c, &times);
    contact_arm_by(e, c, &times);
}

/* ---- cool-downs ---- */

void cool_down_end(struct engine *e, struct cool_down *d)
{
    list_remove(&d->of_contact);
    list_remove(&d->of_agent);
    pool_give(&e->cool_down_pool, d);
}

void contact_cool_down(struct engine *e, struct contact *c, struct agent *a, engine_time until)
{
    struct list *cool_downs = &contact_own_extras(e, c)->cool_downs;
    struct list_node *n = list_first(cool_downs);

    /* What has ended is swept here, so that the list stays as long as what runs. */
    while (n != NULL) {
        struct cool_down *d = record_of(n, struct cool_down, of_contact);
        n = list_next(cool_downs, n);
        if (d->until <= e->now || d->agent == a) {
            cool_down_end(e, d);
        }
    }
    if (until != TIME_NEVER) {
        struct cool_down *d = pool_take(&e->cool_down_pool);
        d->contact = c;
        d->agent = a;
        d->until = until;
        list_append(cool_downs, &d->of_contact);
        list_append(&a->cool_downs, &d->of_agent);
    }
}

void contact_end_cool_downs(struct engine *e, struct contact *c)
{
    struct list_node *n;

    while ((n = list_first(&contact_extras(c)->cool_downs)) != NULL) {
        cool_down_end(e, record_of(n, struct cool_down, of_contact));
    }
}

/* It is among those that live no more. */
void contact_destroy(struct engine *e, struct contact *c)
{
    if (near_list_has(&e->lingering, &c->in_arrival)) {
        near_list_remove(&e->lingering, &c->in_arrival);
    }
    if (c->extras != 0) {
        pool_give(&e->extras_pool, contact_own_extras(e, c));
    }
    history_discard(&e->papers, c->history);
    if (c->terms != 0) {
        terms_release(&e->terms, contact_terms(c));
    }
    if (c->papers != 0) {
        size_t size = papers_size(contact_papers(c));
        e->body_bytes -= size;
        shelf_give(&e->papers, c->papers, size);
    }
    pool_give(&e->contact_pool, c);
}
