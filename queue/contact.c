/* A contact's life cycle, words, story and clocks. */
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

#define MOVE_KEY(from, by)      ((unsigned)(from) << 8 | (unsigned)(by))
#define MOVE_CASE(from, by, to) case MOVE_KEY(from, by):

static bool is_promise(enum fact_kind by)
{
    return by == FACT_CONTACT_AT_RISK || by == FACT_CONTACT_OVERDUE || by == FACT_PROMISE_KEPT;
}

bool contact_may(const struct contact *c, enum fact_kind by)
{
    if (is_promise(by)) {
        return c->state < CONTACT_LIVE_STATES;
    }
    switch (MOVE_KEY(c->state, by)) {
        CONTACT_MOVES(MOVE_CASE)
        return true;
    default:
        return false;
    }
}

/* ---- words ---- */

static const struct text contact_words[CONTACT_STATE_COUNT] = {
    [CONTACT_SCHEDULED] = TEXT("scheduled"), [CONTACT_WAITING] = TEXT("waiting"),
    [CONTACT_OFFERED] = TEXT("offered"),     [CONTACT_ACTIVE] = TEXT("active"),
    [CONTACT_WRAPPING] = TEXT("wrapping"),   [CONTACT_COMPLETED] = TEXT("completed"),
    [CONTACT_CANCELLED] = TEXT("cancelled"), [CONTACT_EXPIRED] = TEXT("expired"),
    [CONTACT_DIVERTED] = TEXT("diverted"),   [CONTACT_REJECTED] = TEXT("rejected"),
};

struct text contact_state_word(enum contact_state state)
{
    return contact_words[state];
}

/* ---- the body: one block of memory behind the id ---- */

#define BODY_TEXTS(EACH)                                                                           \
    EACH(customer)                                                                                 \
    EACH(subject)                                                                                  \
    EACH(text)                                                                                     \
    EACH(payload)                                                                                  \
    EACH(parent)                                                                                   \
    EACH(reopens)                                                                                  \
    EACH(why_tier)                                                                                 \
    EACH(why_issue)                                                                                \
    EACH(why_queue)                                                                                \
    EACH(why_language)                                                                             \
    EACH(note)                                                                                     \
    EACH(from_reason)                                                                              \
    EACH(disposition)                                                                              \
    EACH(end_reason)

static char *put(char *at, const void *bytes, uint32_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

/* Copies id and body into one new block; what they pointed at before may be the old one. */
void contact_set_body(struct engine *e, struct contact *c, struct text id,
                      const struct contact_body *body)
{
    size_t size = id.length + 1u + body->customer_attributes.length + body->attributes.length;
    struct contact_body copy;
    char *block;
    char *at;

#define SIZE(name) size += body->name.length;
    BODY_TEXTS(SIZE)
#undef SIZE
    block = memory_take(size);
    at = put(block, id.bytes, id.length);
#define COPY(name)                                                                                 \
    copy.name = (struct text){body->name.bytes == NULL ? NULL : at, body->name.length};            \
    if (body->name.length > 0) {                                                                   \
        at = put(at, body->name.bytes, body->name.length);                                         \
    }
    BODY_TEXTS(COPY)
#undef COPY
    copy.customer_attributes = (struct raw){(const uint8_t *)at, body->customer_attributes.length};
    if (body->customer_attributes.length > 0) {
        at = put(at, body->customer_attributes.bytes, body->customer_attributes.length);
    }
    copy.attributes = (struct raw){(const uint8_t *)at, body->attributes.length};
    if (body->attributes.length > 0) {
        put(at, body->attributes.bytes, body->attributes.length);
    }
    memory_give((void *)(uintptr_t)c->id.bytes);
    e->body_bytes += size - c->body_bytes;
    c->body_bytes = (uint32_t)size;
    c->id = (struct text){block, id.length};
    c->body = copy;
}

/* ---- history ---- */

#define HISTORY_FIRST 4

void history_keep(struct engine *e, struct history_entry **history, uint16_t *count, uint16_t *room,
                  const struct history_entry *entry)
{
    struct history_entry *h = *history;

    if (h == NULL) {
        h = pool_take(&e->history_pool);
        *room = HISTORY_FIRST;
    } else if (*count == *room && *room < HISTORY_KEPT) {
        uint16_t larger = (uint16_t)(*room * 2);
        struct history_entry *copy = memory_take(larger * sizeof(*copy));
        memcpy(copy, h, *count * sizeof(*h));
        if (*room == HISTORY_FIRST) {
            pool_give(&e->history_pool, h);
        } else {
            memory_give(h);
        }
        h = copy;
        *room = larger;
    } else if (*count == HISTORY_KEPT) {
        text_discard(h[0].reason);
        text_discard(h[0].actor);
        memmove(h, h + 1, (HISTORY_KEPT - 1) * sizeof(*h));
        --*count;
    }
    *history = h;
    h[(*count)++] = *entry;
}

void history_discard(struct engine *e, struct history_entry *history, uint16_t count, uint16_t room)
{
    for (uint32_t i = 0; i < count; i++) {
        text_discard(history[i].reason);
        text_discard(history[i].actor);
    }
    if (history != NULL && room == HISTORY_FIRST) {
        pool_give(&e->history_pool, history);
    } else {
        memory_give(history);
    }
}

/* ---- clocks ---- */

static engine_time earlier(engine_time a, engine_time b)
{
    return a < b ? a : b;
}

static engine_time promise_clock(const struct engine *e, const struct contact *c)
{
    engine_time next = TIME_NEVER;

    for (int p = 0; p < PROMISE_COUNT; p++) {
        engine_time due = c->due[p];
        if (due == TIME_NEVER || ((c->kept | c->overdue) >> p & 1) != 0) {
            continue;
        }
        if (e->settings->at_risk != DURATION_NONE && (c->at_risk >> p & 1) == 0) {
            due -= e->settings->at_risk;
        }
        next = earlier(next, due);
    }
    return next;
}

/* The first clock of a contact to run out; cool-downs that ended by `after` count no more. */
engine_time contact_next_clock(const struct engine *e, const struct contact *c, engine_time after)
{
    engine_time next = TIME_NEVER;

    if (c->state >= CONTACT_WRAPPING) {
        return TIME_NEVER;
    }
    if (c->lost != DURATION_NONE && c->owner->lost_since != TIME_NEVER) {
        next = earlier(next, c->owner->lost_since + c->lost);
    }
    if (c->state == CONTACT_SCHEDULED) {
        return earlier(next, c->not_before_at);
    }
    next = earlier(next, promise_clock(e, c));
    if (c->state == CONTACT_ACTIVE) {
        return next;
    }
    next = earlier(next, c->expires_at);
    if (c->state == CONTACT_WAITING) {
        next = earlier(next, c->hold_until);
        for (struct list_node *n = list_first(&c->cool_downs); n != NULL;
             n = list_next(&c->cool_downs, n)) {
            engine_time until = record_of(n, struct cool_down, of_contact)->until;
            if (until > after) {
                next = earlier(next, until);
            }
        }
    }
    return next;
}

void contact_arm(struct engine *e, struct contact *c)
{
    timer_wheel_arm(&e->clocks, &c->timer, contact_next_clock(e, c, e->now),
                    CLOCK_ORDER(CLOCK_CONTACT, c->number));
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
    struct list_node *n = list_first(&c->cool_downs);

    /* What has ended is swept here, so that the list stays as long as what runs. */
    while (n != NULL) {
        struct cool_down *d = record_of(n, struct cool_down, of_contact);
        n = list_next(&c->cool_downs, n);
        if (d->until <= e->now || d->agent == a) {
            cool_down_end(e, d);
        }
    }
    if (until != TIME_NEVER) {
        struct cool_down *d = pool_take(&e->cool_down_pool);
        d->contact = c;
        d->agent = a;
        d->until = until;
        list_append(&c->cool_downs, &d->of_contact);
        list_append(&a->cool_downs, &d->of_agent);
    }
}

void contact_warm_up(struct engine *e, struct contact *c)
{
    struct list_node *n;

    while ((n = list_first(&c->cool_downs)) != NULL) {
        cool_down_end(e, record_of(n, struct cool_down, of_contact));
    }
}

void contact_destroy(struct engine *e, struct contact *c)
{
    if (list_linked(&c->in_arrival)) {
        list_remove(&c->in_arrival);
    }
    history_discard(e, c->history, c->history_count, c->history_room);
    requirement_release(&e->skills, c->own_skills);
    e->body_bytes -= c->body_bytes;
    memory_give((void *)(uintptr_t)c->id.bytes);
    pool_give(&e->contact_pool, c);
}
