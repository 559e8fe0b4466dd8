/* Invariants 7 and 8: every offer ends, by its clock at the latest; nobody who is not there holds
 * one; and one that has ended cannot be accepted: whoever tries hears precisely how it ended. */
#include "queue/agent.h"
#include "queue/base/memory.h"
#include "queue/offer.h"
#include "tests/simulation/watch.h"

#include <inttypes.h>

/* An offer's fate is remembered by the engine for the newest few thousand offers. */
#define FATES_KEPT 4000

enum run_state { RUN_NOT, RUN_OFFERED, RUN_ACTIVE, RUN_WRAPPING, RUN_OVER };

struct run {
    uint8_t state;
    bool passed_on; /* its contact went on without it */
    uint32_t contact;
    uint32_t agent;
    engine_time until;
    char fate[24]; /* how it ended */
};

struct record {      /* of an agent */
    uint32_t misses; /* in a row */
    bool available;
};

struct ends_checker {
    struct watch *watch;
    struct settings *settings;
    struct run *runs; /* by offer number */
    size_t capacity;
    uint64_t last;
    uint64_t *live; /* numbers of those that are not over */
    size_t live_count, live_capacity;
    uint64_t *offer_of; /* of a contact */
    size_t offer_of_capacity;
    queue_index *queue_of; /* of a contact */
    size_t queue_capacity;
    bool *here; /* of an agent: available, or connected at all */
    size_t here_capacity;
    bool *out; /* of an agent: signed out or removed */
    size_t out_capacity;
    struct record *records; /* of agents */
    size_t record_capacity;
    uint32_t misser; /* missed as many as may be in this step; NOBODY */
    uint64_t late_accepts, ends[RUN_OVER + 1];
};

static void *create(struct watch *w)
{
    struct ends_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    c->misser = NOBODY;
    return c;
}

static void destroy(void *self)
{
    struct ends_checker *c = self;

    if (c->settings != NULL) {
        settings_release(c->settings);
    }
    memory_give(c->runs);
    memory_give(c->live);
    memory_give(c->offer_of);
    memory_give(c->queue_of);
    memory_give(c->here);
    memory_give(c->out);
    memory_give(c->records);
    memory_give(c);
}

static struct run *run_of(struct ends_checker *c, uint64_t number)
{
    return number != 0 && number <= c->last ? &c->runs[number] : NULL;
}

static void begin(struct ends_checker *c, const struct sighting *s)
{
    uint64_t number = s->fact->offered.offer;

    c->runs = room_for(c->runs, &c->capacity, number + 1, sizeof(*c->runs));
    c->last = number > c->last ? number : c->last;
    c->runs[number] = (struct run){.state = RUN_OFFERED,
                                   .contact = s->contact,
                                   .agent = s->agent,
                                   .until = s->fact->offered.until};
    c->live = room_for(c->live, &c->live_capacity, c->live_count + 1, sizeof(*c->live));
    c->live[c->live_count++] = number;
    c->offer_of[s->contact] = number;
    if (s->fact->offered.until <= s->fact->at || s->fact->offered.until == TIME_NEVER) {
        watch_found(c->watch, &checker_ends, TEXT_FORMAT ": an offer without a clock",
                    TEXT_ARGS(s->fact->subject));
    }
}

static void over(struct ends_checker *c, uint64_t number, struct text fate)
{
    struct run *r = run_of(c, number);

    if (r == NULL || r->state == RUN_OVER) {
        return;
    }
    r->state = RUN_OVER;
    snprintf(r->fate, sizeof(r->fate), TEXT_FORMAT, TEXT_ARGS(fate));
    for (size_t i = 0; i < c->live_count; i++) {
        if (c->live[i] == number) {
            c->live[i] = c->live[--c->live_count];
            return;
        }
    }
}

/* Misses in a row are counted, and as many as may be put the agent away. Whatever it says wipes
 * them out, and so does coming back; a connection lost in between does not. */
static void count_misses(struct ends_checker *c, const struct sighting *s)
{
    struct record *r;
    bool available;

    c->records =
        room_for(c->records, &c->record_capacity, (size_t)s->agent + 1, sizeof(*c->records));
    r = &c->records[s->agent];
    available = r->available;
    switch ((int)s->fact->kind) {
    case FACT_OFFER_TIMED_OUT:
        if (s->fact->offer_ended.misses != ++r->misses) {
            watch_found(c->watch, &checker_ends, TEXT_FORMAT ": miss %u told as %u",
                        TEXT_ARGS(watch_agent_name(c->watch, s->agent)), r->misses,
                        (unsigned)s->fact->offer_ended.misses);
        }
        if (c->settings->max_misses != 0 && r->misses >= c->settings->max_misses) {
            c->misser = s->agent;
        }
        break;
    case FACT_OFFER_ACCEPTED:
    case FACT_OFFER_DECLINED:
        r->misses = 0;
        break;
    case FACT_AGENT_SIGNED_IN:
        r->available = s->fact->signed_in.available;
        break;
    case FACT_AGENT_AVAILABLE:
        r->available = true;
        break;
    case FACT_AGENT_AWAY:
    case FACT_AGENT_SIGNED_OUT:
    case FACT_AGENT_REMOVED:
        r->available = false;
        c->misser = c->misser == s->agent ? NOBODY : c->misser;
        break;
    default:
        break;
    }
    if (r->available && !available) {
        r->misses = 0;
    }
}

static void given_back(struct ends_checker *c, const struct sighting *s)
{
    const struct fact_CONTACT_GIVEN_BACK *g = &s->fact->given_back;
    struct run *r = run_of(c, c->offer_of[s->contact]);

    c->queue_of[s->contact] = g->queue == INDEX_NONE16 ? c->queue_of[s->contact] : g->queue;
    if (r == NULL) {
        return;
    }
    if (g->wrap_up_until != TIME_NEVER) {
        r->state = RUN_WRAPPING;
        r->passed_on = true;
        r->until = g->wrap_up_until;
    } else {
        over(c, c->offer_of[s->contact], fact_kind_row(s->fact->kind)->word);
    }
    c->offer_of[s->contact] = 0;
}

static void contact_fact(struct ends_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;
    struct run *r;

    c->offer_of =
        room_for(c->offer_of, &c->offer_of_capacity, (size_t)s->contact + 1, sizeof(*c->offer_of));
    c->queue_of =
        room_for(c->queue_of, &c->queue_capacity, (size_t)s->contact + 1, sizeof(*c->queue_of));
    switch ((int)f->kind) {
    case FACT_CONTACT_QUEUED:
    case FACT_CONTACT_SCHEDULED:
        c->queue_of[s->contact] = f->new_contact.queue;
        break;
    case FACT_CONTACT_UPDATED:
        if (f->updated.queue != INDEX_NONE16) {
            c->queue_of[s->contact] = f->updated.queue;
        }
        break;
    case FACT_CONTACT_MOVED:
    case FACT_CONTACT_ESCALATED:
        c->queue_of[s->contact] = f->moved.queue;
        break;
    case FACT_CONTACT_OFFERED:
        begin(c, s);
        break;
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
        r = run_of(c, f->offer.offer);
        if (r == NULL) {
            break;
        }
        if (r->state != RUN_OFFERED) {
            watch_found(c->watch, &checker_ends, TEXT_FORMAT ": %s, but the offer was over (%s)",
                        TEXT_ARGS(f->subject), fact_kind_row(f->kind)->word.bytes, r->fate);
        }
        r->state = f->kind == FACT_OFFER_ACCEPTED ? RUN_ACTIVE : RUN_OFFERED;
        r->until = f->kind == FACT_OFFER_ACCEPTED ? TIME_NEVER : f->offer.until;
        break;
    case FACT_OFFER_DECLINED:
        over(c, f->offer_ended.offer, TEXT("declined"));
        break;
    case FACT_OFFER_TIMED_OUT:
        r = run_of(c, f->offer_ended.offer);
        if (r != NULL && r->until > f->at) {
            watch_found(c->watch, &checker_ends, TEXT_FORMAT ": timed out before its time",
                        TEXT_ARGS(f->subject));
        }
        over(c, f->offer_ended.offer, TEXT("timed_out"));
        break;
    case FACT_OFFER_WITHDRAWN:
        over(c, f->offer_ended.offer, f->offer_ended.reason);
        break;
    case FACT_WRAP_UP_STARTED:
        r = run_of(c, f->wrap_up_started.offer);
        if (r != NULL) {
            r->state = RUN_WRAPPING;
            r->until = f->wrap_up_started.until;
        }
        break;
    case FACT_WRAP_UP_ENDED:
        over(c, f->wrap_up_ended.offer, TEXT("wrapped_up"));
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        given_back(c, s);
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        over(c, c->offer_of[s->contact], f->ended.reason);
        break;
    default:
        break;
    }
}

static void agent_fact(struct ends_checker *c, const struct sighting *s)
{
    bool *here, *out;

    c->here = room_for(c->here, &c->here_capacity, (size_t)s->agent + 1, sizeof(*c->here));
    c->out = room_for(c->out, &c->out_capacity, (size_t)s->agent + 1, sizeof(*c->out));
    here = &c->here[s->agent];
    out = &c->out[s->agent];
    switch ((int)s->fact->kind) {
    case FACT_AGENT_SIGNED_IN:
        *here = s->fact->signed_in.available;
        *out = false;
        break;
    case FACT_AGENT_AVAILABLE:
        *here = true;
        break;
    case FACT_AGENT_AWAY:
    case FACT_AGENT_LOST:
        *here = false;
        break;
    case FACT_AGENT_SIGNED_OUT:
    case FACT_AGENT_REMOVED:
        *here = false;
        *out = true;
        break;
    default:
        break;
    }
}

/* An outage moves the clocks of offers; after a start all offers have one delivery clock. */
static void workspace_fact(struct ends_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;

    for (size_t i = 0; i < c->live_count; i++) {
        struct run *r = &c->runs[c->live[i]];

        if (r->state == RUN_OFFERED && f->kind == FACT_JOURNAL_STALLED) {
            r->until += f->stalled.duration;
        } else if (r->state == RUN_OFFERED && f->kind == FACT_OWNER_STARTED) {
            r->until = f->at + c->settings->queues[c->queue_of[r->contact]].delivery_clock;
        }
    }
    if (f->kind == FACT_CONFIG_APPLIED) {
        struct settings *old = c->settings;

        queue_index *map = old == NULL ? NULL : watch_queue_map(old, s->settings);

        for (size_t i = 0; map != NULL && i < c->queue_capacity; i++) {
            c->queue_of[i] = c->queue_of[i] < old->queue_count ? map[c->queue_of[i]] : 0;
        }
        memory_give(map);
        c->settings = s->settings;
        settings_retain(c->settings);
        if (old != NULL) {
            settings_release(old);
        }
    }
}

static void fact(void *self, const struct sighting *s)
{
    struct ends_checker *c = self;

    if (s->agent != NOBODY) {
        count_misses(c, s);
    }
    switch (fact_kind_row(s->fact->kind)->subject) {
    case SUBJECT_CONTACT:
        if (s->contact != NOBODY) {
            contact_fact(c, s);
        }
        break;
    case SUBJECT_AGENT:
        agent_fact(c, s);
        break;
    case SUBJECT_WORKSPACE:
        workspace_fact(c, s);
        break;
    case SUBJECT_CONNECTOR:
        break;
    }
}

/* Somebody said accept: who may, gets it; who is late, hears how it ended. */
static void answer(void *self, const struct request_seen *r, const struct answer_seen *a)
{
    struct ends_checker *c = self;
    uint64_t number = r->command->offer.offer;
    const struct run *run;
    const char *wrong = NULL;

    if (r->command->kind != COMMAND_ACCEPT || r->agent == NOBODY) {
        return;
    }
    run = run_of(c, number);
    if (run == NULL || run->agent != r->agent) {
        wrong = a->kind == ANSWER_REFUSED ? NULL : "accepted what is not its own";
    } else if (run->state == RUN_ACTIVE || (run->state == RUN_WRAPPING && !run->passed_on)) {
        wrong = a->kind == ANSWER_CONTACT_STATE ? NULL : "refused what it holds";
    } else if (run->state == RUN_OFFERED) {
        wrong = "answered an accept, and it is only offered";
    } else {
        c->late_accepts++;
        if (a->kind != ANSWER_REFUSED) {
            wrong = "accepted what is over";
        } else if (a->refused != REFUSED_GONE && a->refused != REFUSED_CONFLICT &&
                   c->last - number < FATES_KEPT) {
            wrong = "not told that it is over";
        } else if (a->refused == REFUSED_GONE && a->reason.length == 0) {
            wrong = "not told how it ended";
        } else if (a->refused == REFUSED_GONE &&
                   (strcmp(run->fate, "timed_out") == 0 || strcmp(run->fate, "declined") == 0 ||
                    strcmp(run->fate, "undelivered") == 0 || strcmp(run->fate, "away") == 0) &&
                   !text_equal(a->reason, text_from(run->fate))) {
            wrong = "told that it ended in another way";
        }
    }
    if (wrong != NULL) {
        watch_found(c->watch, &checker_ends,
                    TEXT_FORMAT ", offer %" PRIu64 " (%s): %s; answer %d, refusal %d " TEXT_FORMAT,
                    TEXT_ARGS(watch_agent_name(c->watch, r->agent)), number,
                    run == NULL ? "none" : run->fate, wrong, (int)a->kind, (int)a->refused,
                    TEXT_ARGS(a->reason));
    }
}

static void step_over(void *self, engine_time now)
{
    struct ends_checker *c = self;

    if (c->misser != NOBODY) {
        watch_found(c->watch, &checker_ends,
                    TEXT_FORMAT ": missed as many as may be, and is not away",
                    TEXT_ARGS(watch_agent_name(c->watch, c->misser)));
    }
    c->misser = NOBODY;
    for (size_t i = 0; i < c->live_count; i++) {
        const struct run *r = &c->runs[c->live[i]];

        if (r->until <= now) {
            watch_found(c->watch, &checker_ends,
                        "offer %" PRIu64 " of " TEXT_FORMAT ": its clock is over and it is not",
                        c->live[i], TEXT_ARGS(watch_contact_name(c->watch, r->contact)));
        }
        if (r->agent < c->out_capacity && c->out[r->agent]) {
            watch_found(c->watch, &checker_ends,
                        "offer %" PRIu64 " of " TEXT_FORMAT ": its agent is gone", c->live[i],
                        TEXT_ARGS(watch_contact_name(c->watch, r->contact)));
        }
        if (r->state == RUN_OFFERED && r->agent < c->here_capacity && !c->here[r->agent]) {
            watch_found(c->watch, &checker_ends,
                        "offer %" PRIu64 " of " TEXT_FORMAT ": its agent is not there", c->live[i],
                        TEXT_ARGS(watch_contact_name(c->watch, r->contact)));
        }
    }
}

static void report(void *self, FILE *out)
{
    const struct ends_checker *c = self;

    fprintf(out, "offers made: %" PRIu64 ", accepts that came too late: %" PRIu64 "\n", c->last,
            c->late_accepts);
}

const struct checker checker_ends = {
    .name = "ends",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .answer = answer,
    .step_over = step_over,
    .report = report,
};
