#include "tests/lib/transcript.h"

#include "queue/base/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void transcript_clear(struct transcript *t)
{
    t->size = 0;
    if (t->text != NULL) {
        t->text[0] = '\0';
    }
}

void transcript_close(struct transcript *t)
{
    memory_give(t->text);
    memset(t, 0, sizeof(*t));
}

const char *transcript_text(const struct transcript *t)
{
    return t->text == NULL ? "" : t->text;
}

void transcript_say(struct transcript *t, const char *format, ...)
{
    va_list arguments, again;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (t->size + (size_t)length + 1 > t->capacity) {
        t->capacity = (t->size + (size_t)length + 1) * 2 + 256;
        t->text = memory_resize(t->text, t->capacity);
    }
    vsnprintf(t->text + t->size, t->capacity - t->size, format, again);
    va_end(again);
    t->size += (size_t)length;
}

/* ---- parts of a line ---- */

static void say_text(struct transcript *t, const char *before, struct text text)
{
    if (!text_is_none(text)) {
        transcript_say(t, "%s" TEXT_FORMAT, before, TEXT_ARGS(text));
    }
}

static void say_agent(struct transcript *t, const char *before, const struct agent *agent)
{
    if (agent != NULL) {
        say_text(t, before, agent->id);
    }
}

static void say_skills(struct transcript *t, const char *before, struct skill_list skills)
{
    for (uint32_t i = 0; i < skills.count; i++) {
        transcript_say(t, "%s" TEXT_FORMAT ":%u", i == 0 ? before : ",",
                       TEXT_ARGS(skills.items[i].skill), skills.items[i].level);
    }
}

static void say_queue(struct transcript *t, const char *before, const struct settings *names,
                      queue_index queue)
{
    if (queue != INDEX_NONE16) {
        say_text(t, before, names->queues[queue].name);
    }
}

/* ---- what a kind says of itself ---- */

struct line {
    struct transcript *to;
    const struct fact *fact;
    const struct settings *names;
    engine_time start;
};

static void say_time(const struct line *l, const char *before, engine_time at)
{
    if (at != TIME_NEVER) {
        transcript_say(l->to, "%s%" PRId64, before, at - l->start);
    }
}

static void say_new(const struct line *l, const char *verb)
{
    const struct fact_NEW_CONTACT *n = &l->fact->new_contact;

    transcript_say(l->to, " %s", verb);
    say_queue(l->to, " in ", l->names, n->queue);
    say_time(l, " until ", n->not_before_at);
    say_skills(l->to, ", needs ", n->skills);
    say_agent(l->to, ", held for ", n->hold_until == TIME_NEVER ? NULL : n->preferred);
    say_time(l, " until ", n->hold_until);
}

static void say_updated(const struct line *l)
{
    const struct fact_CONTACT_UPDATED *u = &l->fact->updated;

    transcript_say(l->to, " updated");
    say_queue(l->to, ", queue ", l->names, u->queue);
    if (u->tier != INDEX_NONE8) {
        say_text(l->to, ", tier ", l->names->tiers[u->tier].name);
    }
    if (u->issue != INDEX_NONE16) {
        say_text(l->to, ", issue ", l->names->issues[u->issue].name);
    }
    if (u->language != INDEX_NONE16) {
        say_text(l->to, ", language ", l->names->languages[u->language]);
    }
    say_text(l->to, ", subject ", u->subject);
    say_text(l->to, ", text ", u->text);
    if (u->skills_given) {
        transcript_say(l->to, ", %s", u->skills.count == 0 ? "needs nothing" : "needs ");
        say_skills(l->to, "", u->skills);
    }
    if (u->boost != DURATION_NONE) {
        transcript_say(l->to, ", boost %" PRId64, u->boost);
    }
    say_time(l, ", not before ", u->not_before_at);
    say_time(l, ", due ", u->answer_at);
}

static void say_offer_ended(const struct line *l, const char *verb)
{
    const struct fact_OFFER_ENDED *o = &l->fact->offer_ended;

    transcript_say(l->to, " offer to ");
    say_agent(l->to, "", o->agent);
    transcript_say(l->to, " %s", verb);
    if (l->fact->kind != FACT_OFFER_TIMED_OUT) {
        say_text(l->to, ": ", o->reason);
    } else {
        transcript_say(l->to, ", miss %" PRIu64, o->misses);
    }
    say_time(l, ", cools until ", o->cool_until);
}

static void say_given_back(const struct line *l, const char *verb)
{
    const struct fact_CONTACT_GIVEN_BACK *g = &l->fact->given_back;

    transcript_say(l->to, " %s", verb);
    say_agent(l->to, " by ", g->agent);
    say_queue(l->to, " to ", l->names, g->queue);
    say_agent(l->to, " for ", g->to);
    say_time(l, " until ", g->not_before_at);
    say_skills(l->to, ", needs ", g->skills);
    say_agent(l->to, ", held for ", g->preferred);
    say_time(l, " until ", g->hold_until);
    say_time(l, ", wrap-up until ", g->wrap_up_until);
    say_text(l->to, ": ", g->reason);
}

static void say_state(const struct line *l, const char *verb)
{
    transcript_say(l->to, " %s", verb);
    say_time(l, " until ", l->fact->agent_state.until);
    say_text(l->to, ": ", l->fact->agent_state.reason);
}

static void say_promise(const struct line *l, const char *verb)
{
    say_text(l->to, " ", promise_word(l->fact->promise.promise));
    transcript_say(l->to, " %s", verb);
}

static void say_ended(const struct line *l, const char *verb)
{
    const struct fact_CONTACT_ENDED *n = &l->fact->ended;

    transcript_say(l->to, " %s", verb);
    say_agent(l->to, " by ", n->agent);
    say_text(l->to, ": ", n->reason);
    say_text(l->to, ", ", n->disposition);
    if (n->unresolved) {
        transcript_say(l->to, ", unresolved");
    }
}

static void say_offer(const struct line *l)
{
    const struct fact *f = l->fact;

    switch ((int)f->kind) {
    case FACT_CONTACT_OFFERED:
        say_agent(l->to, " offered to ", f->offered.agent);
        say_time(l, " until ", f->offered.until);
        transcript_say(l->to, "%s", f->offered.named ? ", by name" : "");
        break;
    case FACT_OFFER_RECEIVED:
        say_agent(l->to, " shown to ", f->offer.agent);
        say_time(l, " until ", f->offer.until);
        break;
    case FACT_OFFER_ACCEPTED:
        say_agent(l->to, " accepted by ", f->offer.agent);
        break;
    case FACT_OFFER_DECLINED:
        say_offer_ended(l, "declined");
        break;
    case FACT_OFFER_TIMED_OUT:
        say_offer_ended(l, "timed out");
        break;
    case FACT_OFFER_WITHDRAWN:
        say_offer_ended(l, "withdrawn");
        break;
    }
}

static void say_work(const struct line *l)
{
    const struct fact *f = l->fact;

    switch ((int)f->kind) {
    case FACT_CONTACT_TRANSFERRED:
        say_given_back(l, "transferred");
        break;
    case FACT_CONTACT_REQUEUED:
        say_given_back(l, "requeued");
        break;
    case FACT_WRAP_UP_STARTED:
        say_agent(l->to, " wrapped up by ", f->wrap_up_started.agent);
        say_time(l, " until ", f->wrap_up_started.until);
        say_text(l->to, ": ", f->wrap_up_started.reason);
        break;
    case FACT_WRAP_UP_ENDED:
        say_agent(l->to, " wrap-up ended by ", f->wrap_up_ended.agent);
        say_text(l->to, ": ", f->wrap_up_ended.reason);
        break;
    case FACT_CONTACT_COMPLETED:
        say_ended(l, "completed");
        break;
    case FACT_CONTACT_CANCELLED:
        say_ended(l, "cancelled");
        break;
    case FACT_CONTACT_EXPIRED:
        say_ended(l, "expired");
        break;
    }
}

static void say_agents(const struct line *l)
{
    const struct fact *f = l->fact;

    switch ((int)f->kind) {
    case FACT_AGENT_PUT:
        transcript_say(l->to, " put");
        say_skills(l->to, ", ", f->agent_put.skills);
        break;
    case FACT_AGENT_REMOVED:
        transcript_say(l->to, " removed");
        break;
    case FACT_AGENT_SIGNED_IN:
        transcript_say(l->to, " signed in, %s", f->signed_in.available ? "available" : "away");
        say_text(l->to, ": ", f->signed_in.reason);
        break;
    case FACT_AGENT_AVAILABLE:
        transcript_say(l->to, " available");
        break;
    case FACT_AGENT_AWAY:
        say_state(l, "away");
        break;
    case FACT_AGENT_LOST:
        say_state(l, "lost");
        break;
    case FACT_AGENT_SIGNED_OUT:
        say_state(l, "signed out");
        break;
    }
}

static void say_kind(const struct line *l)
{
    const struct fact *f = l->fact;

    switch (f->kind) {
    case FACT_CONTACT_QUEUED:
        say_new(l, "queued");
        break;
    case FACT_CONTACT_SCHEDULED:
        say_new(l, "scheduled");
        break;
    case FACT_CONTACT_WOKEN:
        transcript_say(l->to, " woken");
        say_time(l, ", held until ", f->woken.hold_until);
        break;
    case FACT_CONTACT_UPDATED:
        say_updated(l);
        break;
    case FACT_CONTACT_MOVED:
    case FACT_CONTACT_ESCALATED:
        transcript_say(l->to, " %s", f->kind == FACT_CONTACT_MOVED ? "moved" : "escalated");
        say_queue(l->to, " to ", l->names, f->moved.queue);
        say_text(l->to, ": ", f->moved.reason);
        break;
    case FACT_CONTACT_OPENED:
        transcript_say(l->to, " opened");
        break;
    case FACT_CONTACT_OFFERED:
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        say_offer(l);
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
    case FACT_WRAP_UP_STARTED:
    case FACT_WRAP_UP_ENDED:
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        say_work(l);
        break;
    case FACT_CONTACT_AT_RISK:
        say_promise(l, "at risk");
        break;
    case FACT_CONTACT_OVERDUE:
        say_promise(l, "overdue");
        break;
    case FACT_PROMISE_KEPT:
        say_promise(l, "kept");
        break;
    case FACT_CONTACT_RATED:
        transcript_say(l->to, " rated %" PRIu64, f->rated.score);
        break;
    case FACT_AGENT_PUT:
    case FACT_AGENT_REMOVED:
    case FACT_AGENT_SIGNED_IN:
    case FACT_AGENT_AVAILABLE:
    case FACT_AGENT_AWAY:
    case FACT_AGENT_LOST:
    case FACT_AGENT_SIGNED_OUT:
        say_agents(l);
        break;
    case FACT_CONNECTOR_LOST:
        transcript_say(l->to, " lost");
        break;
    case FACT_CONNECTOR_RETURNED:
        transcript_say(l->to, " returned");
        break;
    case FACT_OWNER_STARTED:
        transcript_say(l->to, "owner %" PRIu64 " started", f->owner_started.epoch);
        break;
    case FACT_OWNER_CONTINUED:
        transcript_say(l->to, "owner goes on as %" PRIu64, f->owner_started.epoch);
        break;
    case FACT_JOURNAL_STALLED:
        transcript_say(l->to, "journal stalled for %" PRId64, f->stalled.duration);
        break;
    case FACT_CONFIG_APPLIED:
        transcript_say(l->to, "configuration %" PRIu64 " applied", f->config.version);
        break;
    case FACT_KIND_COUNT:
        break;
    }
}

void transcript_fact(struct transcript *t, const struct fact *f, const struct settings *names,
                     engine_time start)
{
    struct line l = {t, f, names, start};

    transcript_say(t, "[%5" PRId64 "] " TEXT_FORMAT, f->at - start, TEXT_ARGS(f->subject));
    say_kind(&l);
    transcript_say(t, "\n");
}

/* ---- deliveries ---- */

static const char *const refusal_words[] = {
    [REFUSED_NOT] = "done",
    [REFUSED_INVALID] = "invalid",
    [REFUSED_FORBIDDEN] = "forbidden",
    [REFUSED_NOT_FOUND] = "not found",
    [REFUSED_GONE] = "gone",
    [REFUSED_CONFLICT] = "conflict",
    [REFUSED_QUEUE_FULL] = "queue full",
    [REFUSED_OTHER_CONFIG] = "other configuration",
};

static void say_refusal(struct transcript *t, const struct refusal *r)
{
    transcript_say(t, "%s", refusal_words[r->kind]);
    if (r->kind == REFUSED_INVALID || r->kind == REFUSED_NOT_FOUND) {
        say_text(t, " ", r->field);
    }
    say_text(t, ": ", r->state);
    say_text(t, ": ", r->reason);
}

static void say_contact(struct transcript *t, const struct delivery *d, const struct engine *e)
{
    const struct contact *c = d->contact;

    if (c == NULL) {
        const struct tombstone *stone = d->tombstone;

        transcript_say(t, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGS(tombstone_id(stone)),
                       TEXT_ARGS(contact_state_word((enum contact_state)stone->state)));
        say_text(t, ": ", tombstone_reason(stone));
    } else {
        size_t position = engine_position(e, c);

        transcript_say(t, TEXT_FORMAT " " TEXT_FORMAT " in " TEXT_FORMAT, TEXT_ARGS(contact_id(c)),
                       TEXT_ARGS(contact_state_word(c->state)),
                       TEXT_ARGS(engine_settings(e)->queues[contact_queue(c)].name));
        if (position > 0) {
            transcript_say(t, ", position %zu", position);
        }
    }
    transcript_say(t, "%s", d->duplicate ? ", duplicate" : "");
}

static void say_held(struct transcript *t, const struct agent *a)
{
    for (const struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        const struct offer *o =
            (const struct offer *)(const void *)((const char *)n -
                                                 offsetof(struct offer, of_agent));

        transcript_say(t, ", " TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGS(contact_id(o->contact)),
                       TEXT_ARGS(offer_state_word(o->state)));
    }
}

void transcript_answer(struct transcript *t, const struct delivery *d, const struct engine *e)
{
    switch ((int)d->kind) {
    case ANSWER_REFUSED:
        say_refusal(t, d->refusal);
        break;
    case ANSWER_DONE:
        transcript_say(t, "done");
        break;
    case ANSWER_SUBMITTED:
    case ANSWER_UPDATED:
        say_contact(t, d, e);
        break;
    case ANSWER_CONTACT_STATE:
        transcript_say(t, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGS(d->contact_id),
                       TEXT_ARGS(contact_state_word(d->state)));
        break;
    case ANSWER_SIGNED_IN:
    case ANSWER_AGENT:
        if (d->agent == NULL) {
            transcript_say(t, "no agent");
            break;
        }
        transcript_say(t, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGS(d->agent->id),
                       TEXT_ARGS(agent_state_word(d->agent->state)));
        if (d->kind == ANSWER_SIGNED_IN) {
            say_held(t, d->agent);
        }
        break;
    case ANSWER_OFFERS:
        transcript_say(t, "%s", d->offer_count == 0 ? "no offers" : "offers");
        for (uint32_t i = 0; i < d->offer_count; i++) {
            say_text(t, " ", contact_id(d->offers[i]->contact));
        }
        break;
    case ANSWER_CONFIG:
        transcript_say(t, "configuration %" PRIu64, d->number);
        break;
    default:
        transcript_say(t, "an answer of no known kind");
        break;
    }
}

void transcript_notice(struct transcript *t, const struct delivery *d, const char *to)
{
    transcript_say(t, "to %s: ", to);
    switch ((int)d->kind) {
    case NOTICE_CONTACT_CHANGED:
        transcript_say(t, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGS(d->contact_id),
                       TEXT_ARGS(contact_state_word(d->state)));
        break;
    case NOTICE_OFFER:
        transcript_say(t, "offer of " TEXT_FORMAT, TEXT_ARGS(contact_id(d->offer->contact)));
        break;
    case NOTICE_OFFER_WITHDRAWN:
        transcript_say(t, "offer of " TEXT_FORMAT " withdrawn", TEXT_ARGS(d->contact_id));
        break;
    case NOTICE_CONTACT_UPDATED:
        transcript_say(t, TEXT_FORMAT " updated, " TEXT_FORMAT, TEXT_ARGS(contact_id(d->contact)),
                       TEXT_ARGS(contact_state_word(d->state)));
        break;
    case NOTICE_CONTACT_ENDED:
        transcript_say(t, TEXT_FORMAT " ended", TEXT_ARGS(d->contact_id));
        break;
    case NOTICE_SIGNED_OUT:
        transcript_say(t, "signed out%s", d->closes ? ", closing" : "");
        break;
    default:
        transcript_say(t, "a notice of no known kind");
        break;
    }
    say_text(t, ": ", d->reason);
    say_text(t, ", step ", d->step);
    transcript_say(t, "\n");
}
