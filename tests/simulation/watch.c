#include "tests/simulation/watch.h"

#include "queue/agent.h"
#include "queue/base/memory.h"

#include <stdarg.h>

static const struct checker *const all_checkers[] = {
    &checker_life, &checker_one_agent, &checker_capacity, &checker_identity, &checker_order,
    &checker_ends, &checker_clocks,    &checker_counts,   &checker_estimate, NULL,
};

#define CHECKERS_MAX 10

struct watch {
    const struct checker *checkers[CHECKERS_MAX]; /* those that look; ends with NULL */
    void *selves[CHECKERS_MAX];
    struct name_map contact_ids;
    struct name_map agent_ids;
    uint32_t *newest; /* of a contact id: the number of its newest contact */
    size_t newest_capacity;
    uint32_t *id_of_contact;
    size_t id_capacity;
    uint32_t contacts;
    uint64_t *session_of_agent;
    size_t session_capacity;
    struct settings *settings;
    struct request_seen request;
    bool found;
    const char *finder;
    char finding[1024];
};

struct watch *watch_create(const struct checker *only)
{
    struct watch *w = memory_take(sizeof(*w));
    size_t count = 0;

    name_map_init(&w->contact_ids);
    name_map_init(&w->agent_ids);
    for (size_t i = 0; all_checkers[i] != NULL; i++) {
        if (only == NULL || only == all_checkers[i]) {
            w->checkers[count] = all_checkers[i];
            w->selves[count++] = all_checkers[i]->create(w);
        }
    }
    return w;
}

void watch_destroy(struct watch *w)
{
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        w->checkers[i]->destroy(w->selves[i]);
    }
    if (w->settings != NULL) {
        settings_release(w->settings);
    }
    name_map_close(&w->contact_ids);
    name_map_close(&w->agent_ids);
    memory_give(w->newest);
    memory_give(w->id_of_contact);
    memory_give(w->session_of_agent);
    memory_give(w);
}

void *watch_self(struct watch *w, const struct checker *checker)
{
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        if (w->checkers[i] == checker) {
            return w->selves[i];
        }
    }
    return NULL;
}

/* ---- names ---- */

static uint32_t contact_number(const struct watch *w, struct text id)
{
    uint32_t name = text_is_none(id) ? NOBODY : name_map_find(&w->contact_ids, id);

    return name == NOBODY ? NOBODY : w->newest[name];
}

static uint32_t new_contact(struct watch *w, struct text id)
{
    uint32_t name = name_map_number(&w->contact_ids, id);

    w->newest = room_for(w->newest, &w->newest_capacity, (size_t)name + 1, sizeof(*w->newest));
    w->id_of_contact =
        room_for(w->id_of_contact, &w->id_capacity, w->contacts + 1u, sizeof(*w->id_of_contact));
    w->newest[name] = w->contacts;
    w->id_of_contact[w->contacts] = name;
    return w->contacts++;
}

uint32_t watch_agent_number(struct watch *w, struct text name)
{
    return name_map_number(&w->agent_ids, name);
}

static uint32_t agent_number(struct watch *w, const struct agent *agent)
{
    return agent == NULL ? NOBODY : watch_agent_number(w, agent->id);
}

struct text watch_contact_name(const struct watch *w, uint32_t contact)
{
    return contact == NOBODY ? TEXT("nobody") : w->contact_ids.names[w->id_of_contact[contact]];
}

struct text watch_agent_name(const struct watch *w, uint32_t agent)
{
    return agent == NOBODY ? TEXT("nobody") : w->agent_ids.names[agent];
}

/* The agent that a contact's fact is about. */
static const struct agent *agent_in(const struct fact *f)
{
    switch ((int)f->kind) {
    case FACT_CONTACT_OFFERED:
        return f->offered.agent;
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
        return f->offer.agent;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        return f->offer_ended.agent;
    case FACT_WRAP_UP_STARTED:
        return f->wrap_up_started.agent;
    case FACT_WRAP_UP_ENDED:
        return f->wrap_up_ended.agent;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        return f->ended.agent;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        return f->given_back.agent;
    default:
        return NULL;
    }
}

static struct sighting sighting_of(struct watch *w, const struct fact *f)
{
    struct sighting s = {f, NOBODY, NOBODY, NOBODY, NOBODY, w->settings};

    switch (fact_kind_row(f->kind)->subject) {
    case SUBJECT_CONTACT:
        if (f->kind == FACT_CONTACT_QUEUED || f->kind == FACT_CONTACT_SCHEDULED) {
            s.contact = new_contact(w, f->subject);
            s.preferred = agent_number(w, f->new_contact.preferred);
        } else {
            s.contact = contact_number(w, f->subject);
            s.agent = agent_number(w, agent_in(f));
        }
        if (f->kind == FACT_CONTACT_TRANSFERRED || f->kind == FACT_CONTACT_REQUEUED) {
            s.preferred = agent_number(w, f->given_back.preferred);
            s.to = agent_number(w, f->given_back.to);
        }
        break;
    case SUBJECT_AGENT:
        s.agent = watch_agent_number(w, f->subject);
        break;
    case SUBJECT_CONNECTOR:
    case SUBJECT_WORKSPACE:
        break;
    }
    return s;
}

static void follow_session(struct watch *w, const struct sighting *s)
{
    uint64_t *session;

    if (s->fact->kind == FACT_OWNER_STARTED) {
        memset(w->session_of_agent, 0, w->session_capacity * sizeof(*w->session_of_agent));
        return;
    }
    if (fact_kind_row(s->fact->kind)->subject != SUBJECT_AGENT) {
        return;
    }
    w->session_of_agent = room_for(w->session_of_agent, &w->session_capacity, (size_t)s->agent + 1,
                                   sizeof(*w->session_of_agent));
    session = &w->session_of_agent[s->agent];
    if (s->fact->kind == FACT_AGENT_SIGNED_IN) {
        *session = s->fact->signed_in.session;
    } else if (s->fact->kind == FACT_AGENT_LOST || s->fact->kind == FACT_AGENT_SIGNED_OUT ||
               s->fact->kind == FACT_AGENT_REMOVED) {
        *session = 0;
    }
}

static uint32_t agent_of_session(const struct watch *w, uint64_t session)
{
    for (size_t i = 0; session != 0 && i < w->session_capacity; i++) {
        if (w->session_of_agent[i] == session) {
            return (uint32_t)i;
        }
    }
    return NOBODY;
}

static struct text contact_named(const struct command *c)
{
    switch ((int)c->kind) {
    case COMMAND_SUBMIT:
        return c->submit.id;
    case COMMAND_UPDATE:
        return c->update.contact;
    case COMMAND_CANCEL:
    case COMMAND_END:
    case COMMAND_WRAPPED_UP:
        return c->contact.contact;
    case COMMAND_RATE:
        return c->rate.contact;
    case COMMAND_COMPLETE:
        return c->complete.contact;
    case COMMAND_TRANSFER:
        return c->transfer.contact;
    case COMMAND_REQUEUE:
        return c->requeue.contact;
    case COMMAND_MOVE:
    case COMMAND_ASSIGN:
        return c->move.contact;
    default:
        return TEXT_NONE;
    }
}

/* ---- handing on ---- */

void watch_fact(struct watch *w, const struct fact *fact)
{
    struct sighting s;

    if (fact->kind == FACT_CONFIG_APPLIED) {
        if (w->settings != NULL) {
            settings_release(w->settings);
        }
        w->settings = fact->settings;
        settings_retain(w->settings);
    }
    s = sighting_of(w, fact);
    follow_session(w, &s);
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        if (w->checkers[i]->fact != NULL) {
            w->checkers[i]->fact(w->selves[i], &s);
        }
    }
}

void watch_request(struct watch *w, const struct command *command, engine_time now)
{
    w->request = (struct request_seen){command, now, NOBODY, NOBODY};
}

void watch_answer(struct watch *w, const struct answer_seen *answer)
{
    w->request.contact = contact_number(w, contact_named(w->request.command));
    w->request.agent = agent_of_session(w, w->request.command->caller.session);
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        if (w->checkers[i]->answer != NULL) {
            w->checkers[i]->answer(w->selves[i], &w->request, answer);
        }
    }
}

void watch_step_over(struct watch *w, engine_time now)
{
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        if (w->checkers[i]->step_over != NULL) {
            w->checkers[i]->step_over(w->selves[i], now);
        }
    }
}

void watch_figures(struct watch *w, queue_index queue, const struct queue_row *row)
{
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        if (w->checkers[i]->figures != NULL) {
            w->checkers[i]->figures(w->selves[i], queue, row);
        }
    }
}

void watch_report(struct watch *w, FILE *out)
{
    for (size_t i = 0; w->checkers[i] != NULL; i++) {
        if (w->checkers[i]->report != NULL) {
            w->checkers[i]->report(w->selves[i], out);
        }
    }
}

const char *watch_finding(const struct watch *w)
{
    return w->found ? w->finding : NULL;
}

const char *watch_finder(const struct watch *w)
{
    return w->finder;
}

void watch_found(struct watch *w, const struct checker *by, const char *format, ...)
{
    va_list arguments;

    if (w->found) {
        return;
    }
    w->found = true;
    w->finder = by->name;
    va_start(arguments, format);
    vsnprintf(w->finding, sizeof(w->finding), format, arguments);
    va_end(arguments);
}

queue_index *watch_queue_map(const struct settings *old, const struct settings *settings)
{
    queue_index *map = memory_take(old->queue_count * sizeof(*map));

    for (uint32_t i = 0; i < old->queue_count; i++) {
        map[i] = settings_find_queue(settings, old->queues[i].name);
        map[i] = map[i] == INDEX_NONE16 ? settings->default_queue : map[i];
    }
    return map;
}
