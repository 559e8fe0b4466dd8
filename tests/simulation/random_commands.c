#include "tests/simulation/random_commands.h"

#include "queue/agent.h"
#include "queue/base/memory.h"
#include "tests/simulation/name_map.h"

#include <stdio.h>
#include <stdlib.h>

#define AGENTS_MAX      64
#define CONNECTORS      3
#define FILE_AGENTS     3
#define SUPERVISOR      10
#define ADMIN           11
#define FIRST_OF_AGENTS 100
#define OLD_OFFERS      64
#define SKILLS          4
#define ABSURD          (INT64_C(1) << 53) /* the largest number the wire lets through */

/* What most days are made of: submissions, work, and a little of everything else. */
#define WEIGHTS_COMMON                                                                             \
    [COMMAND_UPDATE] = 10, [COMMAND_CANCEL] = 6, [COMMAND_END] = 6, [COMMAND_RATE] = 5,            \
    [COMMAND_SET_STATE] = 12, [COMMAND_SIGN_OUT] = 2, [COMMAND_PULL] = 14,                         \
    [COMMAND_OFFER_RECEIVED] = 28, [COMMAND_DECLINE] = 12, [COMMAND_WRAPPED_UP] = 16,              \
    [COMMAND_TRANSFER] = 10, [COMMAND_REQUEUE] = 9, [COMMAND_MOVE] = 5, [COMMAND_ASSIGN] = 6,      \
    [COMMAND_AGENT_PUT] = 3, [COMMAND_AGENT_REMOVE] = 1, [COMMAND_CONNECTOR_ATTACHED] = 2,         \
    [COMMAND_CONNECTOR_DETACHED] = 1

const struct profile_of_run profiles_of_run[] = {
    {.name = "calm",
     .help = "more agents than contacts",
     .agents = 24,
     .ids = 60000,
     .live_most = 200,
     .hostile = 2,
     .pullers = 10,
     .pause = 40,
     .long_pause = 2,
     .lost = 3,
     .restarts = 20,
     .configs = 4,
     .weights = {WEIGHTS_COMMON, [COMMAND_SUBMIT] = 70, [COMMAND_SIGN_IN] = 12,
                 [COMMAND_ACCEPT] = 90, [COMMAND_COMPLETE] = 80}},
    {.name = "busy",
     .help = "thousands wait",
     .agents = 16,
     .ids = 200000,
     .live_most = 3000,
     .hostile = 1,
     .pullers = 15,
     .pause = 15,
     .long_pause = 1,
     .lost = 2,
     .restarts = 10,
     .configs = 1,
     .weights = {WEIGHTS_COMMON, [COMMAND_SUBMIT] = 120, [COMMAND_SIGN_IN] = 10,
                 [COMMAND_ACCEPT] = 100, [COMMAND_COMPLETE] = 100}},
    {.name = "storm",
     .help = "connections end, processes restart, configurations change",
     .agents = 20,
     .ids = 20000,
     .live_most = 300,
     .hostile = 3,
     .pullers = 25,
     .pause = 60,
     .long_pause = 20,
     .lost = 25,
     .restarts = 200,
     .configs = 30,
     .weights = {WEIGHTS_COMMON, [COMMAND_SUBMIT] = 70, [COMMAND_SIGN_IN] = 50,
                 [COMMAND_ACCEPT] = 70, [COMMAND_COMPLETE] = 50}},
    {.name = "hostile",
     .help = "clients that make no sense",
     .agents = 12,
     .ids = 500,
     .live_most = 150,
     .hostile = 25,
     .pullers = 20,
     .pause = 50,
     .long_pause = 5,
     .lost = 6,
     .restarts = 30,
     .configs = 8,
     .weights = {WEIGHTS_COMMON, [COMMAND_SUBMIT] = 80, [COMMAND_SIGN_IN] = 25,
                 [COMMAND_ACCEPT] = 70, [COMMAND_COMPLETE] = 60}},
    {.name = NULL},
};

const struct profile_of_run *profile_of_run_find(const char *name)
{
    for (const struct profile_of_run *p = profiles_of_run; p->name != NULL; p++) {
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

struct known_offer {
    uint64_t number;
    uint32_t agent;
    uint32_t id; /* of its contact */
    bool work;   /* accepted */
    bool wraps;
};

struct random_commands {
    struct random *random;
    const struct profile_of_run *profile;
    uint32_t weight_sum;
    uint32_t next_id;
    uint32_t *live; /* ids */
    size_t live_count, live_capacity;
    uint32_t *place; /* of an id among the live ones, + 1 */
    size_t place_capacity;
    struct known_offer *offers;
    size_t offer_count, offer_capacity;
    struct known_offer old[OLD_OFFERS];
    size_t old_count;
    uint64_t session[AGENTS_MAX + FILE_AGENTS];
    uint64_t past_session;
    uint64_t next_session;
    uint32_t attached[CONNECTORS];
    uint64_t request;
    /* what a command points at */
    char names[8][24];
    size_t name_count;
    struct skill_level skills[8];
    struct agent_queue queues[4];
    struct agent_channel_max max[2];
    char skill_names[8][8];
};

struct random_commands *random_commands_create(struct random *random,
                                               const struct profile_of_run *profile)
{
    struct random_commands *c = memory_take(sizeof(*c));

    c->random = random;
    c->profile = profile;
    c->next_session = FIRST_OF_AGENTS;
    for (int i = 0; i < COMMAND_KIND_COUNT; i++) {
        c->weight_sum += profile->weights[i];
    }
    for (int i = 0; i < 8; i++) {
        snprintf(c->skill_names[i], sizeof(c->skill_names[i]), "s%d", i);
    }
    return c;
}

void random_commands_destroy(struct random_commands *c)
{
    memory_give(c->live);
    memory_give(c->place);
    memory_give(c->offers);
    memory_give(c);
}

/* ---- chances ---- */

static uint32_t below(struct random_commands *c, uint64_t bound)
{
    return (uint32_t)random_below(c->random, bound);
}

static bool chance(struct random_commands *c, unsigned percent)
{
    return random_percent(c->random, percent) != 0;
}

static bool absurd(struct random_commands *c)
{
    return chance(c, c->profile->hostile);
}

static duration_ms span(struct random_commands *c, duration_ms most)
{
    return absurd(c) ? (duration_ms)random_below(c->random, (uint64_t)ABSURD)
                     : random_between(c->random, 0, most);
}

/* ---- names ---- */

static struct text spelled(struct random_commands *c, char letter, uint32_t number)
{
    char *name = c->names[c->name_count++ % 8];
    int length = snprintf(name, sizeof(c->names[0]), "%c%u", letter, number);

    return (struct text){name, (uint32_t)length};
}

static uint32_t number_in(struct text name)
{
    uint32_t n = 0;

    for (uint32_t i = 1; i < name.length; i++) {
        n = n * 10 + (uint32_t)(name.bytes[i] - '0');
    }
    return n;
}

/* Agents of admins are a0, a1, ...; those of the configuration f0, f1, ... */
static struct text agent_name(struct random_commands *c, uint32_t agent)
{
    return agent < AGENTS_MAX ? spelled(c, 'a', agent) : spelled(c, 'f', agent - AGENTS_MAX);
}

static uint32_t agent_in(struct text name)
{
    return number_in(name) + (name.bytes[0] == 'f' ? AGENTS_MAX : 0);
}

static uint32_t any_agent(struct random_commands *c)
{
    return chance(c, 12) ? AGENTS_MAX + below(c, FILE_AGENTS) : below(c, c->profile->agents);
}

static struct text some_agent(struct random_commands *c)
{
    return absurd(c) ? TEXT("nobody") : agent_name(c, any_agent(c));
}

static struct text some_contact(struct random_commands *c)
{
    if (absurd(c) || c->live_count == 0) {
        return chance(c, 20) ? TEXT("never was") : spelled(c, 'c', below(c, c->profile->ids));
    }
    return spelled(c, 'c', c->live[below(c, c->live_count)]);
}

/* ---- the world, from facts ---- */

static void live_add(struct random_commands *c, uint32_t id)
{
    c->place = room_for(c->place, &c->place_capacity, (size_t)id + 1, sizeof(*c->place));
    c->live = room_for(c->live, &c->live_capacity, c->live_count + 1, sizeof(*c->live));
    c->live[c->live_count++] = id;
    c->place[id] = (uint32_t)c->live_count;
}

static void live_remove(struct random_commands *c, uint32_t id)
{
    uint32_t at = c->place[id];
    uint32_t last;

    if (at == 0) {
        return;
    }
    last = c->live[--c->live_count];
    c->live[at - 1] = last;
    c->place[last] = at;
    c->place[id] = 0;
}

static void offer_over(struct random_commands *c, size_t i)
{
    c->old[c->old_count++ % OLD_OFFERS] = c->offers[i];
    c->offers[i] = c->offers[--c->offer_count];
}

static void offer_known(struct random_commands *c, const struct fact *f)
{
    c->offers = room_for(c->offers, &c->offer_capacity, c->offer_count + 1, sizeof(*c->offers));
    c->offers[c->offer_count++] = (struct known_offer){
        f->offered.offer, agent_in(f->offered.agent->id), number_in(f->subject), false, false};
}

static void offers_follow(struct random_commands *c, const struct fact *f)
{
    uint32_t id = number_in(f->subject);

    for (size_t i = 0; i < c->offer_count;) {
        struct known_offer *o = &c->offers[i];

        if (o->id != id || (f->kind == FACT_WRAP_UP_ENDED) != o->wraps) {
            i++;
        } else if (f->kind == FACT_OFFER_ACCEPTED) {
            o->work = true;
            i++;
        } else if ((f->kind == FACT_CONTACT_TRANSFERRED || f->kind == FACT_CONTACT_REQUEUED) &&
                   f->given_back.wrap_up_until != TIME_NEVER) {
            o->wraps = true;
            i++;
        } else {
            offer_over(c, i);
        }
    }
}

void random_commands_fact(struct random_commands *c, const struct fact *f)
{
    switch ((int)f->kind) {
    case FACT_CONTACT_QUEUED:
    case FACT_CONTACT_SCHEDULED:
        if (f->subject.bytes[0] == 'c') {
            live_add(c, number_in(f->subject));
        }
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        live_remove(c, number_in(f->subject));
        offers_follow(c, f);
        break;
    case FACT_CONTACT_OFFERED:
        offer_known(c, f);
        break;
    case FACT_OFFER_ACCEPTED:
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
    case FACT_WRAP_UP_ENDED:
        offers_follow(c, f);
        break;
    case FACT_AGENT_LOST:
    case FACT_AGENT_SIGNED_OUT:
    case FACT_AGENT_REMOVED:
        c->session[agent_in(f->subject)] = 0;
        break;
    default:
        break;
    }
}

void random_commands_restarted(struct random_commands *c)
{
    memset(c->session, 0, sizeof(c->session));
    memset(c->attached, 0, sizeof(c->attached));
}

/* ---- callers ---- */

static const struct text connectors[CONNECTORS] = {TEXT("shop"), TEXT("bank"), TEXT("web")};

static void by_connector(struct random_commands *c, struct command *out)
{
    uint32_t n = chance(c, 70) ? 0 : below(c, CONNECTORS);

    out->caller = (struct caller){n + 1, ++c->request, CALLER_CONNECTOR, connectors[n]};
}

/* A contact's own connector is the one that its id says, mostly. */
static void by_owner(struct random_commands *c, struct command *out, struct text contact)
{
    uint32_t n = absurd(c) ? below(c, CONNECTORS) : number_in(contact) % CONNECTORS;

    out->caller = (struct caller){n + 1, ++c->request, CALLER_CONNECTOR, connectors[n]};
}

static void by_supervisor(struct random_commands *c, struct command *out)
{
    out->caller = (struct caller){SUPERVISOR, ++c->request, CALLER_SUPERVISOR, TEXT("sue")};
}

static void by_admin(struct random_commands *c, struct command *out)
{
    out->caller = (struct caller){ADMIN, ++c->request, CALLER_ADMIN, TEXT("adam")};
}

static void by_agent(struct random_commands *c, struct command *out, uint32_t agent)
{
    uint64_t session = absurd(c) ? c->past_session : c->session[agent];

    out->caller = (struct caller){session == 0 ? FIRST_OF_AGENTS - 1 : session, ++c->request,
                                  CALLER_AGENT, agent_name(c, agent)};
}

/* ---- parameters ---- */

static struct skill_list some_skills(struct random_commands *c, uint32_t most, uint8_t highest)
{
    uint32_t count = most == 0 ? 0 : below(c, most + 1);

    for (uint32_t i = 0; i < count; i++) {
        c->skills[i].skill = text_from(c->skill_names[below(c, SKILLS)]);
        c->skills[i].level = (uint8_t)(1 + below(c, highest));
    }
    return (struct skill_list){c->skills, count};
}

/* One draw a statement, here and everywhere: what stands side by side in an initialiser or a call
 * is evaluated in whatever order a compiler likes. */
static struct classified some_class(struct random_commands *c, uint64_t version)
{
    struct classified found = {.version = version, .why_queue = TEXT("by chance")};

    if (absurd(c) && version > 1) {
        found.version--;
    }
    found.tier = (tier_index)below(c, 4);
    found.issue = chance(c, 50) ? INDEX_NONE16 : (issue_index)below(c, 3);
    found.language = chance(c, 70) ? INDEX_NONE16 : (language_index)below(c, 2);
    found.queue = (queue_index)below(c, 6);
    return found;
}

static void submit(struct random_commands *c, engine_time now, uint64_t version,
                   struct command *out)
{
    struct submit_command *s = &out->submit;

    /* A new id mostly; sometimes one that was there before. Who is over the bound sends no more. */
    if ((chance(c, 6) || c->live_count > c->profile->live_most) && c->live_count > 0) {
        s->id = spelled(c, 'c',
                        absurd(c) ? below(c, c->profile->ids) : c->live[below(c, c->live_count)]);
    } else {
        s->id = spelled(c, 'c', c->next_id++ % c->profile->ids);
    }
    by_owner(c, out, s->id);
    s->channel = (channel_index)(chance(c, 15) ? 0 : 1 + below(c, 3));
    s->classified = some_class(c, version);
    s->skills = chance(c, 75) ? (struct skill_list){NULL, 0} : some_skills(c, 2, 3);
    s->preferred_agent = chance(c, 90) ? TEXT_NONE : some_agent(c);
    s->reopens = chance(c, 95) ? TEXT_NONE : spelled(c, 'c', below(c, c->next_id + 1));
    s->parent = chance(c, 97) ? TEXT_NONE : some_contact(c);
    s->boost = chance(c, 85) ? 0 : span(c, 120000);
    s->received_at = chance(c, 90) ? TIME_NEVER
                     : absurd(c)   ? (engine_time)random_below(c->random, (uint64_t)ABSURD)
                                   : now - random_between(c->random, -1000, 600000);
    s->not_before_at = chance(c, 92) ? SCHEDULE_NONE
                       : absurd(c)   ? (engine_time)random_below(c->random, (uint64_t)ABSURD)
                                     : now + random_between(c->random, -1000, 120000);
    s->keeps_place = chance(c, 30);
    s->expires = chance(c, 80) ? DURATION_NONE : span(c, 300000);
    s->lost = chance(c, 85) ? DURATION_NONE : span(c, 20000);
    s->subject = chance(c, 80) ? TEXT_NONE : TEXT("a subject");
    s->text = chance(c, 80) ? TEXT_NONE : TEXT("a text");
    s->payload = chance(c, 90) ? TEXT_NONE : TEXT("a payload");
    s->customer = chance(c, 50) ? TEXT_NONE : TEXT("a customer");
}

static bool some_offer(struct random_commands *c, bool work, struct known_offer *out)
{
    if (c->offer_count == 0) {
        return false;
    }
    for (int tries = 0; tries < 8; tries++) {
        *out = c->offers[below(c, c->offer_count)];
        if (out->work == work) {
            return true;
        }
    }
    return false;
}

static void update(struct random_commands *c, engine_time now, uint64_t version,
                   struct command *out)
{
    struct update_command *u = &out->update;
    struct known_offer o;

    u->contact = some_contact(c);
    u->not_before_at = SCHEDULE_NONE;
    if (chance(c, 20) && some_offer(c, true, &o)) {
        u->contact = spelled(c, 'c', o.id);
        by_agent(c, out, o.agent);
    } else if (chance(c, 20)) {
        by_supervisor(c, out);
    } else {
        by_owner(c, out, u->contact);
    }
    u->progress_kept = chance(c, 20);
    u->issue_given = chance(c, 20);
    u->issue = u->issue_given ? (issue_index)below(c, 3) : INDEX_NONE16;
    u->language_given = false;
    u->language = INDEX_NONE16;
    u->subject = chance(c, 70) ? TEXT_NONE : TEXT("another subject");
    if (out->caller.role == CALLER_AGENT) {
        return; /* the wire lets agents change no more than this */
    }
    u->reclassified = chance(c, 40);
    u->classified = some_class(c, version);
    u->skills_given = chance(c, 20);
    u->skills = u->skills_given ? some_skills(c, 2, 3) : (struct skill_list){NULL, 0};
    u->boost_given = chance(c, 20);
    u->boost = u->boost_given ? span(c, 100000) : 0;
    if (chance(c, 15)) {
        u->not_before_at = now + random_between(c->random, -1000, 60000);
    }
}

static void about_contact(struct random_commands *c, struct command *out)
{
    out->contact.contact = some_contact(c);
    out->contact.reason = chance(c, 50) ? TEXT_NONE : TEXT("a reason");
    if (chance(c, 20)) {
        by_supervisor(c, out);
    } else {
        by_owner(c, out, out->contact.contact);
    }
}

static void sign_in(struct random_commands *c, struct command *out)
{
    uint32_t agent = any_agent(c);
    struct sign_in_command *s = &out->sign_in;

    for (int tries = 0; tries < 6 && c->session[agent] != 0; tries++) {
        agent = any_agent(c); /* rather one who is not there */
    }
    s->agent = agent_name(c, agent);
    s->pull = chance(c, c->profile->pullers);
    s->receipts = chance(c, 50);
    s->auto_accept = chance(c, 10);
    s->state_given = chance(c, 85);
    s->available = chance(c, 85);
    s->reason = s->available ? TEXT_NONE : TEXT("breakfast");
    out->caller = (struct caller){++c->next_session, ++c->request, CALLER_AGENT, s->agent};
    c->past_session = c->session[agent] != 0 ? c->session[agent] : c->past_session;
    c->session[agent] = c->next_session;
}

/* An agent answers an offer that it has, or had. */
static void answer_offer(struct random_commands *c, struct command *out)
{
    struct known_offer o = {0};

    if (absurd(c) || !some_offer(c, false, &o)) {
        if (c->old_count > 0) {
            o = c->old[below(c, c->old_count < OLD_OFFERS ? c->old_count : OLD_OFFERS)];
        }
        o.number = chance(c, 10) ? random_below(c->random, 1u << 30) : o.number;
        o.agent = chance(c, 10) ? any_agent(c) : o.agent;
    }
    out->offer.offer = o.number;
    out->offer.reason = chance(c, 70) ? TEXT_NONE : TEXT("no");
    by_agent(c, out, o.agent);
}

/* An agent says something about a contact that it works, or worked. */
static struct text own_work(struct random_commands *c, struct command *out)
{
    struct known_offer o = {0};

    if (absurd(c) || !some_offer(c, true, &o)) {
        if (c->old_count > 0) {
            o = c->old[below(c, c->old_count < OLD_OFFERS ? c->old_count : OLD_OFFERS)];
        }
    }
    by_agent(c, out, o.agent);
    return absurd(c) ? some_contact(c) : spelled(c, 'c', o.id);
}

static void transfer(struct random_commands *c, struct command *out)
{
    struct transfer_command *t = &out->transfer;

    t->contact = own_work(c, out);
    if (chance(c, 60)) {
        t->queue = absurd(c) ? TEXT("no queue") : spelled(c, 'q', below(c, 7));
    } else {
        t->agent = some_agent(c);
    }
    t->skills_given = chance(c, 20);
    t->skills = t->skills_given ? some_skills(c, 2, 3) : (struct skill_list){NULL, 0};
    t->issue = chance(c, 80) ? TEXT_NONE : absurd(c) ? TEXT("none") : TEXT("complaint");
    t->reason = TEXT("another can do it better");
    t->note = chance(c, 50) ? TEXT_NONE : TEXT("a note");
    t->wrap_up = chance(c, 50) ? DURATION_NONE : span(c, 10000);
}

static void requeue(struct random_commands *c, engine_time now, struct command *out)
{
    struct requeue_command *r = &out->requeue;

    r->contact = own_work(c, out);
    r->reason = TEXT("not now");
    r->not_before_at =
        chance(c, 50) ? SCHEDULE_NONE : now + random_between(c->random, -1000, 60000);
    r->preferred_agent = chance(c, 70) ? TEXT_NONE : some_agent(c);
}

void random_commands_put(struct random_commands *c, uint32_t agent, struct command *out)
{
    struct agent_settings *a = &out->agent_put;
    struct skill_list skills = some_skills(c, 4, 5);

    out->kind = COMMAND_AGENT_PUT;
    by_admin(c, out);
    a->id = agent_name(c, agent);
    a->skills = c->skills;
    a->skill_count = skills.count;
    a->units = chance(c, 60) ? 0 : 50 + below(c, 200);
    a->max = c->max;
    a->max_count = chance(c, 80) ? 0 : 1;
    c->max[0] = (struct agent_channel_max){TEXT("chat"), 1 + below(c, 3)};
    a->all_queues = chance(c, 60);
    a->queues = c->queues;
    a->queue_count = below(c, 4);
    for (uint32_t i = 0; i < a->queue_count; i++) {
        c->queues[i] = (struct agent_queue){.rank = below(c, 3)};
        c->queues[i].queue = spelled(c, 'q', (i * 2 + below(c, 2)) % 7);
    }
}

static void connector(struct random_commands *c, struct command *out)
{
    uint32_t n = below(c, CONNECTORS);

    if (out->kind == COMMAND_CONNECTOR_DETACHED && c->attached[n] == 0) {
        out->kind = COMMAND_CONNECTOR_ATTACHED;
    }
    c->attached[n] += out->kind == COMMAND_CONNECTOR_ATTACHED ? 1u : UINT32_MAX;
    out->connector.name = connectors[n];
    out->connector.attachment = c;
    out->caller = (struct caller){n + 1, 0, CALLER_CONNECTOR, connectors[n]};
}

static void set_state(struct random_commands *c, struct command *out)
{
    uint32_t agent = any_agent(c);

    if (chance(c, 25)) {
        by_supervisor(c, out);
        out->set_state.agent = some_agent(c);
    } else {
        by_agent(c, out, agent);
    }
    out->set_state.available = chance(c, 75);
    out->set_state.reason = out->set_state.available ? TEXT_NONE : TEXT("lunch");
}

static void move(struct random_commands *c, struct command *out)
{
    by_supervisor(c, out);
    out->move.contact = some_contact(c);
    if (out->kind == COMMAND_MOVE) {
        out->move.queue = absurd(c) ? TEXT("no queue") : spelled(c, 'q', below(c, 7));
    } else {
        out->move.agent = some_agent(c);
    }
}

static enum command_kind some_kind(struct random_commands *c)
{
    uint32_t n = below(c, c->weight_sum);
    int kind = 0;

    while (n >= c->profile->weights[kind]) {
        n -= c->profile->weights[kind++];
    }
    return (enum command_kind)kind;
}

void random_commands_next(struct random_commands *c, engine_time now, uint64_t version,
                          struct command *out)
{
    memset(out, 0, sizeof(*out));
    out->time = now;
    out->kind = below(c, 1000) < c->profile->lost ? COMMAND_SESSION_CLOSED : some_kind(c);
    switch ((int)out->kind) {
    case COMMAND_SUBMIT:
        submit(c, now, version, out);
        break;
    case COMMAND_UPDATE:
        update(c, now, version, out);
        break;
    case COMMAND_CANCEL:
    case COMMAND_END:
        about_contact(c, out);
        break;
    case COMMAND_RATE:
        out->rate.contact =
            chance(c, 60) && c->next_id > 0
                ? spelled(c, 'c',
                          (c->next_id - below(c, c->next_id < 300 ? c->next_id : 300)) %
                              c->profile->ids)
                : some_contact(c);
        out->rate.score = 1 + below(c, 5);
        by_owner(c, out, out->rate.contact);
        break;
    case COMMAND_CONNECTOR_ATTACHED:
    case COMMAND_CONNECTOR_DETACHED:
        connector(c, out);
        break;
    case COMMAND_SIGN_IN:
        sign_in(c, out);
        break;
    case COMMAND_SET_STATE:
        set_state(c, out);
        break;
    case COMMAND_SIGN_OUT:
        by_agent(c, out, any_agent(c));
        break;
    case COMMAND_PULL:
        by_agent(c, out, any_agent(c));
        out->pull.max = 1 + below(c, 4);
        out->pull.wait = chance(c, 30) ? 0 : span(c, 5000);
        break;
    case COMMAND_OFFER_RECEIVED:
    case COMMAND_ACCEPT:
    case COMMAND_DECLINE:
        answer_offer(c, out);
        break;
    case COMMAND_COMPLETE:
        out->complete.contact = own_work(c, out);
        out->complete.wrap_up = chance(c, 60) ? DURATION_NONE : span(c, 10000);
        out->complete.unresolved = chance(c, 20);
        out->complete.disposition = chance(c, 60) ? TEXT_NONE : TEXT("settled");
        break;
    case COMMAND_WRAPPED_UP:
        out->contact.contact = own_work(c, out);
        break;
    case COMMAND_TRANSFER:
        transfer(c, out);
        break;
    case COMMAND_REQUEUE:
        requeue(c, now, out);
        break;
    case COMMAND_SESSION_CLOSED: {
        uint32_t agent = any_agent(c);

        out->caller.session = chance(c, 20) ? c->past_session : c->session[agent];
        out->caller.role = CALLER_AGENT;
        break;
    }
    case COMMAND_MOVE:
    case COMMAND_ASSIGN:
        move(c, out);
        break;
    case COMMAND_AGENT_PUT:
        random_commands_put(c, any_agent(c), out);
        break;
    case COMMAND_AGENT_REMOVE:
        by_admin(c, out);
        out->agent_remove = some_agent(c);
        break;
    default:
        by_connector(c, out);
        break;
    }
}
