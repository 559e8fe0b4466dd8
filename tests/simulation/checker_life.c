/* Invariants 1 and 7: an accepted contact is always in a known state, moves only as its life cycle
 * allows, and what has ended stays ended. The same for offers and agents. The tables here were
 * written from the design, not from the engine; each row counts how often it was taken, and a run
 * that leaves one out has not tested it. */
#include "tests/simulation/watch.h"

#include "queue/agent.h"
#include "queue/base/memory.h"
#include "queue/offer.h"

#include <inttypes.h>

#define NEW  (-1)
#define SAME (-2)

/* Offers that are over, and agents that do not exist. */
#define OVER OFFER_STATE_COUNT
enum agent_life { AGENT_NONE, AGENT_OUT, AGENT_HERE, AGENT_GONE_AWAY, AGENT_CUT_OFF };

struct row {
    int from;
    enum fact_kind by;
    int to;
};

static const struct row contact_rows[] = {
    {NEW, FACT_CONTACT_QUEUED, CONTACT_WAITING},
    {NEW, FACT_CONTACT_SCHEDULED, CONTACT_SCHEDULED},
    {CONTACT_SCHEDULED, FACT_CONTACT_WOKEN, CONTACT_WAITING},
    {CONTACT_SCHEDULED, FACT_CONTACT_UPDATED, SAME},
    {CONTACT_SCHEDULED, FACT_CONTACT_MOVED, SAME},
    {CONTACT_SCHEDULED, FACT_PROMISE_KEPT, SAME},
    {CONTACT_SCHEDULED, FACT_CONTACT_CANCELLED, CONTACT_CANCELLED},
    {CONTACT_WAITING, FACT_CONTACT_UPDATED, SAME},
    {CONTACT_WAITING, FACT_CONTACT_MOVED, SAME},
    {CONTACT_WAITING, FACT_CONTACT_ESCALATED, SAME},
    {CONTACT_WAITING, FACT_CONTACT_OPENED, SAME},
    {CONTACT_WAITING, FACT_CONTACT_OFFERED, CONTACT_OFFERED},
    {CONTACT_WAITING, FACT_CONTACT_AT_RISK, SAME},
    {CONTACT_WAITING, FACT_CONTACT_OVERDUE, SAME},
    {CONTACT_WAITING, FACT_PROMISE_KEPT, SAME},
    {CONTACT_WAITING, FACT_CONTACT_CANCELLED, CONTACT_CANCELLED},
    {CONTACT_WAITING, FACT_CONTACT_EXPIRED, CONTACT_EXPIRED},
    {CONTACT_OFFERED, FACT_CONTACT_UPDATED, SAME},
    {CONTACT_OFFERED, FACT_OFFER_RECEIVED, SAME},
    {CONTACT_OFFERED, FACT_OFFER_ACCEPTED, CONTACT_ACTIVE},
    {CONTACT_OFFERED, FACT_OFFER_DECLINED, CONTACT_WAITING},
    {CONTACT_OFFERED, FACT_OFFER_TIMED_OUT, CONTACT_WAITING},
    {CONTACT_OFFERED, FACT_OFFER_WITHDRAWN, CONTACT_WAITING},
    {CONTACT_OFFERED, FACT_CONTACT_AT_RISK, SAME},
    {CONTACT_OFFERED, FACT_CONTACT_OVERDUE, SAME},
    {CONTACT_OFFERED, FACT_PROMISE_KEPT, SAME},
    {CONTACT_ACTIVE, FACT_CONTACT_UPDATED, SAME},
    {CONTACT_ACTIVE, FACT_CONTACT_AT_RISK, SAME},
    {CONTACT_ACTIVE, FACT_CONTACT_OVERDUE, SAME},
    {CONTACT_ACTIVE, FACT_PROMISE_KEPT, SAME},
    {CONTACT_ACTIVE, FACT_WRAP_UP_STARTED, CONTACT_WRAPPING},
    {CONTACT_ACTIVE, FACT_CONTACT_COMPLETED, CONTACT_COMPLETED},
    {CONTACT_ACTIVE, FACT_CONTACT_TRANSFERRED, CONTACT_WAITING},
    {CONTACT_ACTIVE, FACT_CONTACT_REQUEUED, CONTACT_WAITING},
    {CONTACT_ACTIVE, FACT_CONTACT_REQUEUED, CONTACT_SCHEDULED},
    {CONTACT_WRAPPING, FACT_CONTACT_UPDATED, SAME},
    {CONTACT_WRAPPING, FACT_PROMISE_KEPT, SAME},
    {CONTACT_WRAPPING, FACT_CONTACT_RATED, SAME},
    {CONTACT_WRAPPING, FACT_CONTACT_COMPLETED, CONTACT_COMPLETED},
    {CONTACT_COMPLETED, FACT_CONTACT_RATED, SAME},
};

static const struct row offer_rows[] = {
    {NEW, FACT_CONTACT_OFFERED, OFFER_SENT},
    {NEW, FACT_CONTACT_OFFERED, OFFER_SHOWN},
    {OFFER_SENT, FACT_OFFER_RECEIVED, OFFER_SHOWN},
    {OFFER_SENT, FACT_OFFER_ACCEPTED, OFFER_ACTIVE},
    {OFFER_SENT, FACT_OFFER_DECLINED, OVER},
    {OFFER_SENT, FACT_OFFER_WITHDRAWN, OVER},
    {OFFER_SHOWN, FACT_OFFER_ACCEPTED, OFFER_ACTIVE},
    {OFFER_SHOWN, FACT_OFFER_DECLINED, OVER},
    {OFFER_SHOWN, FACT_OFFER_TIMED_OUT, OVER},
    {OFFER_SHOWN, FACT_OFFER_WITHDRAWN, OVER},
    {OFFER_SHOWN, FACT_OWNER_STARTED, OFFER_SENT},
    {OFFER_ACTIVE, FACT_WRAP_UP_STARTED, OFFER_WRAPPING},
    {OFFER_ACTIVE, FACT_CONTACT_COMPLETED, OVER},
    {OFFER_ACTIVE, FACT_CONTACT_TRANSFERRED, OVER},
    {OFFER_ACTIVE, FACT_CONTACT_TRANSFERRED, OFFER_WRAPPING},
    {OFFER_ACTIVE, FACT_CONTACT_REQUEUED, OVER},
    {OFFER_WRAPPING, FACT_CONTACT_COMPLETED, OVER},
    {OFFER_WRAPPING, FACT_WRAP_UP_ENDED, OVER},
};

static const struct row agent_rows[] = {
    {AGENT_NONE, FACT_AGENT_PUT, AGENT_OUT},
    {AGENT_OUT, FACT_AGENT_PUT, SAME},
    {AGENT_OUT, FACT_AGENT_SIGNED_IN, AGENT_HERE},
    {AGENT_OUT, FACT_AGENT_SIGNED_IN, AGENT_GONE_AWAY},
    {AGENT_OUT, FACT_AGENT_REMOVED, AGENT_NONE},
    {AGENT_HERE, FACT_AGENT_PUT, SAME},
    {AGENT_HERE, FACT_AGENT_AWAY, AGENT_GONE_AWAY},
    {AGENT_HERE, FACT_AGENT_LOST, AGENT_CUT_OFF},
    {AGENT_HERE, FACT_AGENT_SIGNED_IN, AGENT_HERE},
    {AGENT_HERE, FACT_AGENT_SIGNED_IN, AGENT_GONE_AWAY},
    {AGENT_HERE, FACT_AGENT_SIGNED_OUT, AGENT_OUT},
    {AGENT_HERE, FACT_OWNER_STARTED, AGENT_CUT_OFF},
    {AGENT_GONE_AWAY, FACT_AGENT_PUT, SAME},
    {AGENT_GONE_AWAY, FACT_AGENT_AWAY, SAME},
    {AGENT_GONE_AWAY, FACT_AGENT_AVAILABLE, AGENT_HERE},
    {AGENT_GONE_AWAY, FACT_AGENT_LOST, AGENT_CUT_OFF},
    {AGENT_GONE_AWAY, FACT_AGENT_SIGNED_IN, AGENT_HERE},
    {AGENT_GONE_AWAY, FACT_AGENT_SIGNED_IN, AGENT_GONE_AWAY},
    {AGENT_GONE_AWAY, FACT_AGENT_SIGNED_OUT, AGENT_OUT},
    {AGENT_GONE_AWAY, FACT_OWNER_STARTED, AGENT_CUT_OFF},
    {AGENT_CUT_OFF, FACT_AGENT_PUT, SAME},
    {AGENT_CUT_OFF, FACT_AGENT_AWAY, SAME},
    {AGENT_CUT_OFF, FACT_AGENT_AVAILABLE, SAME},
    {AGENT_CUT_OFF, FACT_AGENT_SIGNED_IN, AGENT_HERE},
    {AGENT_CUT_OFF, FACT_AGENT_SIGNED_IN, AGENT_GONE_AWAY},
    {AGENT_CUT_OFF, FACT_AGENT_SIGNED_OUT, AGENT_OUT},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const char *const contact_names[] = {"scheduled", "waiting",   "offered",   "active",
                                            "wrapping",  "completed", "cancelled", "expired",
                                            "diverted",  "rejected"};
static const char *const offer_names[] = {"sent", "shown", "active", "wrapping", "over"};
static const char *const agent_names[] = {"none", "signed_out", "available", "away", "cut off"};

static const struct life {
    const char *name;
    const struct row *rows;
    size_t count;
    const char *const *states;
} lives[] = {
    {"contact", contact_rows, ROWS(contact_rows), contact_names},
    {"offer", offer_rows, ROWS(offer_rows), offer_names},
    {"agent", agent_rows, ROWS(agent_rows), agent_names},
};

enum { CONTACT_LIFE, OFFER_LIFE, AGENT_LIFE, LIVES };
#define ROWS_MAX 64

struct life_checker {
    struct watch *watch;
    uint64_t taken[LIVES][ROWS_MAX];
    int8_t *contacts; /* state by number */
    size_t contact_capacity;
    size_t contact_count;
    uint8_t *offers; /* state + 1 by offer number */
    size_t offer_capacity;
    uint64_t *offer_of; /* of a contact: its live offer */
    size_t offer_of_capacity;
    uint64_t last_offer;
    uint64_t first_live_offer;
    uint8_t *agents;
    size_t agent_capacity;
    uint64_t last_arrival;
    uint64_t seq;
    engine_time at;
    uint64_t live;
    uint64_t passed_on; /* seq of the last wrap-up ended of a contact that went on */
};

static void *create(struct watch *w)
{
    struct life_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    c->first_live_offer = 1;
    return c;
}

static void destroy(void *self)
{
    struct life_checker *c = self;

    memory_give(c->contacts);
    memory_give(c->offers);
    memory_give(c->offer_of);
    memory_give(c->agents);
    memory_give(c);
}

/* Count the row and say where it leads; a move that has no row is a finding. `wanted` tells rows
 * apart that have several outcomes (SAME: whichever). */
static int take(struct life_checker *c, int which, int from, enum fact_kind by, int wanted,
                struct text subject)
{
    const struct life *life = &lives[which];

    for (size_t i = 0; i < life->count; i++) {
        const struct row *row = &life->rows[i];

        if (row->from == from && row->by == by && (wanted == SAME || row->to == wanted)) {
            c->taken[which][i]++;
            return row->to == SAME ? from : row->to;
        }
    }
    watch_found(c->watch, &checker_life, "%s " TEXT_FORMAT ": %s while %s", life->name,
                TEXT_ARGS(subject), fact_kind_row(by)->word.bytes,
                from == NEW ? "new" : life->states[from]);
    return from;
}

/* ---- offers ---- */

static void move_offer(struct life_checker *c, uint64_t number, enum fact_kind by, int wanted,
                       struct text subject)
{
    int from;

    if (number == 0 || number > c->last_offer || c->offers[number] == 0) {
        watch_found(c->watch, &checker_life, TEXT_FORMAT ": %s about an offer that never was",
                    TEXT_ARGS(subject), fact_kind_row(by)->word.bytes);
        return;
    }
    from = c->offers[number] - 1;
    c->offers[number] = (uint8_t)(take(c, OFFER_LIFE, from, by, wanted, subject) + 1);
}

static void new_offer(struct life_checker *c, const struct sighting *s)
{
    uint64_t number = s->fact->offered.offer;
    int state = s->fact->offered.shown ? OFFER_SHOWN : OFFER_SENT;

    if (number <= c->last_offer || number > c->last_offer + 1000000) {
        watch_found(c->watch, &checker_life, "offer %" PRIu64 " behind %" PRIu64, number,
                    c->last_offer);
        return;
    }
    c->offers = room_for(c->offers, &c->offer_capacity, number + 1, sizeof(*c->offers));
    c->last_offer = number;
    c->offers[number] =
        (uint8_t)(take(c, OFFER_LIFE, NEW, FACT_CONTACT_OFFERED, state, s->fact->subject) + 1);
    c->offer_of[s->contact] = number;
}

/* After a start nobody is known to have seen an offer: all that are shown are sent again. */
static void offers_after_start(struct life_checker *c)
{
    while (c->first_live_offer <= c->last_offer &&
           (c->offers[c->first_live_offer] == 0 || c->offers[c->first_live_offer] == OVER + 1)) {
        c->first_live_offer++;
    }
    for (uint64_t n = c->first_live_offer; n <= c->last_offer; n++) {
        if (c->offers[n] == OFFER_SHOWN + 1) {
            move_offer(c, n, FACT_OWNER_STARTED, OFFER_SENT, TEXT("offer"));
        }
    }
}

static void offer_fact(struct life_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;

    switch ((int)f->kind) {
    case FACT_CONTACT_OFFERED:
        new_offer(c, s);
        break;
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
        move_offer(c, f->offer.offer, f->kind, SAME, f->subject);
        break;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        move_offer(c, f->offer_ended.offer, f->kind, SAME, f->subject);
        break;
    case FACT_WRAP_UP_STARTED:
        move_offer(c, f->wrap_up_started.offer, f->kind, SAME, f->subject);
        break;
    case FACT_WRAP_UP_ENDED:
        move_offer(c, f->wrap_up_ended.offer, f->kind, SAME, f->subject);
        break;
    case FACT_CONTACT_COMPLETED:
        move_offer(c, c->offer_of[s->contact], f->kind, SAME, f->subject);
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        move_offer(c, c->offer_of[s->contact], f->kind,
                   f->given_back.wrap_up_until != TIME_NEVER ? OFFER_WRAPPING : (int)OVER,
                   f->subject);
        c->offer_of[s->contact] = 0;
        break;
    default:
        break;
    }
}

/* ---- contacts ---- */

static bool is_live(int state)
{
    return state < CONTACT_LIVE_STATES;
}

static void new_contact(struct life_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;
    size_t n = s->contact;

    if (f->new_contact.number <= c->last_arrival && c->last_arrival != 0) {
        watch_found(c->watch, &checker_life, TEXT_FORMAT ": arrival number used before",
                    TEXT_ARGS(f->subject));
    }
    c->last_arrival = f->new_contact.number;
    c->contacts = room_for(c->contacts, &c->contact_capacity, n + 1, sizeof(*c->contacts));
    c->offer_of = room_for(c->offer_of, &c->offer_of_capacity, n + 1, sizeof(*c->offer_of));
    c->contacts[n] = (int8_t)take(c, CONTACT_LIFE, NEW, f->kind, SAME, f->subject);
    c->contact_count = n + 1;
    c->live++;
}

static void contact_fact(struct life_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;
    int from, to, wanted = SAME;

    if (f->kind == FACT_CONTACT_QUEUED || f->kind == FACT_CONTACT_SCHEDULED) {
        new_contact(c, s);
        return;
    }
    if (s->contact == NOBODY || s->contact >= c->contact_count) {
        watch_found(c->watch, &checker_life, TEXT_FORMAT ": %s, and nobody knows it",
                    TEXT_ARGS(f->subject), fact_kind_row(f->kind)->word.bytes);
        return;
    }
    if (f->kind == FACT_WRAP_UP_ENDED) {
        c->passed_on = f->seq;
        return; /* of an agent that passed it on: the contact is elsewhere */
    }
    from = c->contacts[s->contact];
    if (f->kind == FACT_CONTACT_RATED && !is_live(from)) {
        from = CONTACT_COMPLETED; /* one row for every end */
        take(c, CONTACT_LIFE, from, f->kind, SAME, f->subject);
        return;
    }
    if (f->kind == FACT_CONTACT_REQUEUED) {
        wanted = f->given_back.not_before_at != TIME_NEVER ? CONTACT_SCHEDULED : CONTACT_WAITING;
    }
    to = take(c, CONTACT_LIFE, from, f->kind, wanted, f->subject);
    if (is_live(from) && !is_live(to)) {
        c->live--;
        if (text_is_none(f->ended.reason) || f->ended.reason.length == 0) {
            watch_found(c->watch, &checker_life, TEXT_FORMAT ": ended without a reason",
                        TEXT_ARGS(f->subject));
        }
    }
    c->contacts[s->contact] = (int8_t)to;
}

/* ---- agents ---- */

static void agent_fact(struct life_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;
    int wanted = SAME;
    int from, to;

    c->agents = room_for(c->agents, &c->agent_capacity, (size_t)s->agent + 1, sizeof(*c->agents));
    from = c->agents[s->agent];
    if (f->kind == FACT_AGENT_SIGNED_IN) {
        wanted = f->signed_in.available ? AGENT_HERE : AGENT_GONE_AWAY;
    }
    to = take(c, AGENT_LIFE, from, f->kind, wanted, f->subject);
    c->agents[s->agent] = (uint8_t)to;
}

static void agents_after_start(struct life_checker *c)
{
    for (size_t i = 0; i < c->agent_capacity; i++) {
        if (c->agents[i] == AGENT_HERE || c->agents[i] == AGENT_GONE_AWAY) {
            c->agents[i] = (uint8_t)take(c, AGENT_LIFE, c->agents[i], FACT_OWNER_STARTED,
                                         AGENT_CUT_OFF, TEXT("agent"));
        }
    }
}

/* ---- all facts ---- */

static void fact(void *self, const struct sighting *s)
{
    struct life_checker *c = self;
    const struct fact *f = s->fact;

    if (f->seq <= c->seq || f->at < c->at) {
        watch_found(c->watch, &checker_life, "fact %" PRIu64 " comes behind %" PRIu64, f->seq,
                    c->seq);
    }
    c->seq = f->seq;
    c->at = f->at;
    switch (fact_kind_row(f->kind)->subject) {
    case SUBJECT_CONTACT:
        contact_fact(c, s);
        if (s->contact != NOBODY && s->contact < c->contact_count) {
            offer_fact(c, s);
        }
        break;
    case SUBJECT_AGENT:
        agent_fact(c, s);
        break;
    case SUBJECT_WORKSPACE:
        if (f->kind == FACT_OWNER_STARTED) {
            offers_after_start(c);
            agents_after_start(c);
        }
        break;
    case SUBJECT_CONNECTOR:
        break;
    }
}

/* What clients are told of a contact is what the facts say. A success for a contact that no fact
 * made would be a promise that nobody keeps. */
static void answer(void *self, const struct request_seen *r, const struct answer_seen *a)
{
    struct life_checker *c = self;
    int state;

    if (a->kind != ANSWER_SUBMITTED && a->kind != ANSWER_UPDATED &&
        a->kind != ANSWER_CONTACT_STATE) {
        return;
    }
    if (r->contact == NOBODY && a->kind == ANSWER_CONTACT_STATE) {
        return; /* of an offer: checker_ends knows whose */
    }
    if (r->command->kind == COMMAND_WRAPPED_UP && c->passed_on == c->seq) {
        return; /* of a contact that may be over so long that its id is another's by now */
    }
    if (r->contact == NOBODY || r->contact >= c->contact_count) {
        watch_found(c->watch, &checker_life, TEXT_FORMAT ": acknowledged, and no fact made it",
                    TEXT_ARGS(a->contact));
        return;
    }
    state = c->contacts[r->contact];
    if (state != (int)a->state) {
        watch_found(c->watch, &checker_life, TEXT_FORMAT ": answered %s, but it is %s",
                    TEXT_ARGS(a->contact), contact_names[a->state], contact_names[state]);
    }
}

static void report(void *self, FILE *out)
{
    const struct life_checker *c = self;

    for (int which = 0; which < LIVES; which++) {
        const struct life *life = &lives[which];

        fprintf(out, "%s\n", life->name);
        for (size_t i = 0; i < life->count; i++) {
            const struct row *row = &life->rows[i];

            fprintf(out, "  %-11s %-20s %-11s %10" PRIu64 "\n",
                    row->from == NEW ? "new" : life->states[row->from],
                    fact_kind_row(row->by)->word.bytes,
                    row->to == SAME ? "" : life->states[row->to], c->taken[which][i]);
        }
    }
    fprintf(out, "contacts live at the end: %" PRIu64 "\n", c->live);
}

size_t checker_life_untaken(void *self)
{
    const struct life_checker *c = self;
    size_t untaken = 0;

    for (int which = 0; which < LIVES; which++) {
        for (size_t i = 0; i < lives[which].count; i++) {
            untaken += c->taken[which][i] == 0;
        }
    }
    return untaken;
}

const struct checker checker_life = {
    .name = "life",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .answer = answer,
    .report = report,
};
