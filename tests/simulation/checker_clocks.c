/* Nothing is forgotten (invariant 1, in time): a scheduled contact wakes, one that waited as long
 * as it was to wait ends, a preferred agent is waited for no longer than told, a promise that is
 * missed is said to be; a lost agent's grace ends, and who was put away for a time comes back. Each
 * clock is taken from the fact that set it, and when a step is over none may have run out. */
#include "queue/base/memory.h"
#include "tests/simulation/watch.h"

#include <inttypes.h>

enum clock {
    CLOCK_WAKE,
    CLOCK_EXPIRY,
    CLOCK_HOLD,
    CLOCK_PROMISE, /* one for each promise */
    CLOCK_KINDS = CLOCK_PROMISE + PROMISE_COUNT,
};

static const char *const clock_words[CLOCK_KINDS] = {
    "scheduled",          "to wait no longer", "held for an agent",
    "promised an answer", "promised progress", "promised to be resolved"};

struct clocks { /* of a contact; TIME_NEVER: does not run */
    engine_time at[CLOCK_KINDS];
    enum contact_state state;
    engine_time entered_at;
    bool live;
    uint8_t settled; /* a bit for each promise that was kept or missed: until there is a new one */
};

struct alarm {
    engine_time at;
    uint32_t contact;
};

struct leave { /* of an agent */
    bool signed_in;
    engine_time until; /* its grace ends; TIME_NEVER: it is connected */
};

struct clocks_checker {
    struct watch *watch;
    struct clocks *contacts;
    size_t capacity;
    struct alarm *alarms; /* a heap by time; what was set otherwise since is passed over */
    size_t alarm_count, alarm_capacity;
    struct leave *agents;
    size_t agent_capacity, agent_count;
    uint64_t checked;
};

static void *create(struct watch *w)
{
    struct clocks_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    return c;
}

static void destroy(void *self)
{
    struct clocks_checker *c = self;

    memory_give(c->contacts);
    memory_give(c->alarms);
    memory_give(c->agents);
    memory_give(c);
}

/* ---- alarms ---- */

static void alarm_add(struct clocks_checker *c, engine_time at, uint32_t contact)
{
    size_t i = c->alarm_count++;

    c->alarms = room_for(c->alarms, &c->alarm_capacity, c->alarm_count, sizeof(*c->alarms));
    while (i > 0 && c->alarms[(i - 1) / 2].at > at) {
        c->alarms[i] = c->alarms[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c->alarms[i] = (struct alarm){at, contact};
}

static struct alarm alarm_take(struct clocks_checker *c)
{
    struct alarm first = c->alarms[0];
    struct alarm last = c->alarms[--c->alarm_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < c->alarm_count && c->alarms[child + 1].at < c->alarms[child].at) {
            child++;
        }
        if (child >= c->alarm_count || c->alarms[child].at >= last.at) {
            break;
        }
        c->alarms[i] = c->alarms[child];
        i = child;
    }
    c->alarms[i] = last;
    return first;
}

static void set(struct clocks_checker *c, uint32_t contact, int clock, engine_time at)
{
    c->contacts[contact].at[clock] = at;
    if (at != TIME_NEVER) {
        alarm_add(c, at, contact);
    }
}

/* Which clocks matter in a state: nobody is promised anything that is not there yet, and who is
 * served does not expire. */
static bool matters(const struct clocks *k, int clock)
{
    switch (k->state) {
    case CONTACT_SCHEDULED:
        return clock == CLOCK_WAKE;
    case CONTACT_WAITING:
        return clock != CLOCK_WAKE;
    case CONTACT_OFFERED:
        return clock == CLOCK_EXPIRY || clock >= CLOCK_PROMISE;
    case CONTACT_ACTIVE:
        return clock >= CLOCK_PROMISE;
    case CONTACT_WRAPPING:
    case CONTACT_COMPLETED:
    case CONTACT_CANCELLED:
    case CONTACT_EXPIRED:
    case CONTACT_DIVERTED:
    case CONTACT_REJECTED:
    case CONTACT_STATE_COUNT:
    default:
        return false;
    }
}

/* A state in which other clocks matter. What ran out meanwhile rings with the next step: the one
 * that put the contact there may have looked at its clocks before. */
static void enter(struct clocks_checker *c, const struct sighting *s, enum contact_state state)
{
    struct clocks *k = &c->contacts[s->contact];

    k->state = state;
    k->entered_at = s->fact->at;
    for (int clock = 0; clock < CLOCK_KINDS; clock++) {
        if (k->at[clock] != TIME_NEVER && matters(k, clock)) {
            alarm_add(c, k->at[clock] > s->fact->at ? k->at[clock] : s->fact->at + 1, s->contact);
        }
    }
}

/* ---- facts ---- */

static void promises(struct clocks_checker *c, uint32_t contact, engine_time answer,
                     engine_time progress, engine_time resolve)
{
    const engine_time due[PROMISE_COUNT] = {answer, progress, resolve};

    for (int p = 0; p < PROMISE_COUNT; p++) {
        if ((c->contacts[contact].settled >> p & 1) == 0) {
            set(c, contact, CLOCK_PROMISE + p, due[p]);
        }
    }
}

static void settle(struct clocks_checker *c, uint32_t contact, enum promise promise)
{
    c->contacts[contact].settled |= (uint8_t)(1u << promise);
    c->contacts[contact].at[CLOCK_PROMISE + (int)promise] = TIME_NEVER;
}

static void new_contact(struct clocks_checker *c, const struct sighting *s)
{
    const struct fact_NEW_CONTACT *n = &s->fact->new_contact;
    struct clocks *k;

    c->contacts = room_for(c->contacts, &c->capacity, (size_t)s->contact + 1, sizeof(*c->contacts));
    k = &c->contacts[s->contact];
    k->live = true;
    k->state = s->fact->kind == FACT_CONTACT_QUEUED ? CONTACT_WAITING : CONTACT_SCHEDULED;
    set(c, s->contact, CLOCK_WAKE, n->not_before_at);
    set(c, s->contact, CLOCK_EXPIRY, n->expires_at);
    set(c, s->contact, CLOCK_HOLD, n->hold_until);
    promises(c, s->contact, n->answer_at, n->progress_at, n->resolve_at);
}

static void updated(struct clocks_checker *c, uint32_t contact,
                    const struct fact_CONTACT_UPDATED *u)
{
    const engine_time due[PROMISE_COUNT] = {u->answer_at, u->progress_at, u->resolve_at};
    struct clocks *k = &c->contacts[contact];

    if (u->not_before_at != TIME_NEVER) {
        set(c, contact, CLOCK_WAKE, u->not_before_at);
    }
    for (int p = 0; p < PROMISE_COUNT; p++) {
        if (due[p] != TIME_NEVER && (k->settled >> p & 1) == 0) {
            set(c, contact, CLOCK_PROMISE + p, due[p]);
        }
    }
}

static void stops(struct clocks_checker *c, uint32_t contact, int clock)
{
    c->contacts[contact].at[clock] = TIME_NEVER;
}

static void contact_fact(struct clocks_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;

    switch ((int)f->kind) {
    case FACT_CONTACT_WOKEN:
        set(c, s->contact, CLOCK_EXPIRY, f->woken.expires_at);
        set(c, s->contact, CLOCK_HOLD, f->woken.hold_until);
        c->contacts[s->contact].settled = 0; /* new promises, whatever became of older ones */
        promises(c, s->contact, f->woken.answer_at, f->woken.progress_at, f->woken.resolve_at);
        stops(c, s->contact, CLOCK_WAKE);
        enter(c, s, CONTACT_WAITING);
        break;
    case FACT_CONTACT_UPDATED:
        updated(c, s->contact, &f->updated);
        break;
    case FACT_CONTACT_OPENED:
    case FACT_CONTACT_MOVED:
    case FACT_CONTACT_ESCALATED:
        stops(c, s->contact, CLOCK_HOLD);
        break;
    case FACT_CONTACT_OFFERED:
        enter(c, s, CONTACT_OFFERED);
        break;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        stops(c, s->contact, CLOCK_HOLD);
        enter(c, s, CONTACT_WAITING);
        break;
    case FACT_OFFER_ACCEPTED:
        settle(c, s->contact, PROMISE_ANSWER);
        enter(c, s, CONTACT_ACTIVE);
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        set(c, s->contact, CLOCK_WAKE, f->given_back.not_before_at);
        set(c, s->contact, CLOCK_HOLD, f->given_back.hold_until);
        set(c, s->contact, CLOCK_EXPIRY, f->given_back.expires_at);
        enter(c, s,
              f->given_back.not_before_at == TIME_NEVER ? CONTACT_WAITING : CONTACT_SCHEDULED);
        break;
    case FACT_CONTACT_OVERDUE:
    case FACT_PROMISE_KEPT:
        settle(c, s->contact, f->promise.promise);
        break;
    case FACT_WRAP_UP_STARTED:
        enter(c, s, CONTACT_WRAPPING);
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        c->contacts[s->contact].live = false;
        break;
    default:
        break;
    }
}

static void agent_fact(struct clocks_checker *c, const struct sighting *s)
{
    while (c->agent_count <= s->agent) {
        c->agents = room_for(c->agents, &c->agent_capacity, c->agent_count + 1, sizeof(*c->agents));
        c->agents[c->agent_count++] = (struct leave){false, TIME_NEVER};
    }
    switch ((int)s->fact->kind) {
    case FACT_AGENT_LOST:
        c->agents[s->agent].until = s->fact->agent_state.until;
        break;
    case FACT_AGENT_SIGNED_IN:
        c->agents[s->agent] = (struct leave){true, TIME_NEVER};
        break;
    case FACT_AGENT_SIGNED_OUT:
    case FACT_AGENT_REMOVED:
        c->agents[s->agent] = (struct leave){false, TIME_NEVER};
        break;
    default:
        break;
    }
}

/* All connections are lost from now, and all grace counts from now. */
static void owner_started(struct clocks_checker *c, const struct sighting *s)
{
    for (size_t i = 0; i < c->agent_count; i++) {
        if (c->agents[i].signed_in) {
            c->agents[i].until = s->fact->at + s->settings->grace;
        }
    }
}

static void fact(void *self, const struct sighting *s)
{
    struct clocks_checker *c = self;

    if (s->fact->kind == FACT_CONTACT_QUEUED || s->fact->kind == FACT_CONTACT_SCHEDULED) {
        new_contact(c, s);
    } else if (s->contact < c->capacity) {
        contact_fact(c, s);
    } else if (fact_kind_row(s->fact->kind)->subject == SUBJECT_AGENT) {
        agent_fact(c, s);
    } else if (s->fact->kind == FACT_OWNER_STARTED) {
        owner_started(c, s);
    }
}

/* ---- when a step is over ---- */

static void ring(struct clocks_checker *c, uint32_t contact, engine_time now)
{
    const struct clocks *k = &c->contacts[contact];

    if (k->entered_at == now) {
        return; /* rings once more, see enter */
    }
    c->checked++;
    for (int clock = 0; k->live && clock < CLOCK_KINDS; clock++) {
        if (k->at[clock] <= now && matters(k, clock)) {
            watch_found(c->watch, &checker_clocks,
                        TEXT_FORMAT ": %s until %" PRId64 ", it is %" PRId64,
                        TEXT_ARGS(watch_contact_name(c->watch, contact)), clock_words[clock],
                        k->at[clock], now);
        }
    }
}

static void step_over(void *self, engine_time now)
{
    struct clocks_checker *c = self;

    while (c->alarm_count > 0 && c->alarms[0].at <= now) {
        ring(c, alarm_take(c).contact, now);
    }
    for (size_t i = 0; i < c->agent_count; i++) {
        if (c->agents[i].until <= now) {
            watch_found(c->watch, &checker_clocks,
                        TEXT_FORMAT ": its grace is over, and it is not out",
                        TEXT_ARGS(watch_agent_name(c->watch, (uint32_t)i)));
        }
    }
}

static void report(void *self, FILE *out)
{
    const struct clocks_checker *c = self;

    fprintf(out, "clocks of contacts looked at: %" PRIu64 "\n", c->checked);
}

const struct checker checker_clocks = {
    .name = "clocks",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .step_over = step_over,
    .report = report,
};
