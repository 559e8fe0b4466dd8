#include "tests/lib/center.h"

#include "queue/base/memory.h"
#include "tests/lib/words.h"

#include <stdio.h>
#include <stdlib.h>

/* A host ticks once a deadline; an engine that asks for the same instant for ever is broken. */
#define TICKS_AT_ONCE_MAX 100

/* ---- the engine and its sink ---- */

static bool belongs_to_stage(enum fact_kind kind)
{
    return kind == FACT_AGENT_PUT || kind == FACT_AGENT_SIGNED_IN || kind == FACT_AGENT_AVAILABLE ||
           kind == FACT_CONFIG_APPLIED;
}

static void take_fact(void *context, const struct fact *fact)
{
    struct center *f = context;

    fact_store_append(&f->facts, fact);
    if (!f->quiet || !belongs_to_stage(fact->kind)) {
        transcript_fact(&f->said, fact, f->facts.in_force, CENTER_START);
    }
}

static const char *name_of_session(const struct center *f, uint64_t session)
{
    for (size_t i = 0; i < f->people_count; i++) {
        if (f->people[i].session == session) {
            return f->people[i].name;
        }
    }
    return "a connection that is over";
}

static void take_delivery(void *context, const struct delivery *d)
{
    struct center *f = context;
    bool answers = d->kind <= ANSWER_CONFIG;

    if (answers && d->request == f->next_request) {
        transcript_answer(&f->answer, d, f->engine);
    } else if (answers) {
        transcript_say(&f->noticed, "answer to %s: ", name_of_session(f, d->session));
        transcript_answer(&f->noticed, d, f->engine);
        transcript_say(&f->noticed, "\n");
    } else if (d->kind == NOTICE_CONTACT_CHANGED) {
        char name[NAME_BYTES_MAX];

        snprintf(name, sizeof(name), TEXT_FORMAT, TEXT_ARGS(d->owner->name));
        transcript_notice(&f->noticed, d, name);
    } else {
        transcript_notice(&f->noticed, d, name_of_session(f, d->session));
    }
}

/* Engines of one center differ in their hash seeds: nothing may depend on them. */
static struct engine *new_engine(struct center *f, bool speaks)
{
    struct engine_options options = {.workspace = TEXT("default")};

    f->engines++;
    options.hash_seed[0] = f->engines * UINT64_C(0x9e3779b97f4a7c15);
    options.hash_seed[1] = ~f->engines;
    if (speaks) {
        options.sink = (struct engine_sink){f, take_fact, take_delivery};
    }
    return engine_create(&options);
}

struct center *center_create(void)
{
    struct center *f = memory_take(sizeof(*f));

    f->plan = plan_create();
    f->plan_changed = true;
    f->now = CENTER_START;
    fact_store_init(&f->facts);
    f->engine = new_engine(f, true);
    return f;
}

void center_destroy(struct center *f)
{
    engine_destroy(f->engine);
    fact_store_close(&f->facts);
    plan_destroy(f->plan);
    transcript_close(&f->said);
    transcript_close(&f->noticed);
    transcript_close(&f->answer);
    memory_give(f);
}

/* ---- people ---- */

static struct person *person(struct center *f, enum caller_role role, const char *name)
{
    struct person *p;

    for (size_t i = 0; i < f->people_count; i++) {
        if (f->people[i].role == role && strcmp(f->people[i].name, name) == 0) {
            return &f->people[i];
        }
    }
    if (f->people_count == CENTER_PEOPLE_MAX || strlen(name) >= NAME_BYTES_MAX) {
        words_unknown("one person more", text_from(name));
    }
    p = &f->people[f->people_count++];
    memcpy(p->name, name, strlen(name) + 1);
    p->role = role;
    return p;
}

void center_as(struct center *f, enum caller_role role, const char *name)
{
    f->next_caller = person(f, role, name);
}

/* ---- commands ---- */

static enum refusal_kind step(struct center *f, struct command *command, struct person *who)
{
    command->time = f->now;
    transcript_clear(&f->answer);
    f->next_request++;
    if (who != NULL) {
        command->caller.session = who->session;
        command->caller.request = f->next_request;
        command->caller.role = who->role;
        command->caller.name = text_from(who->name);
    }
    return engine_step(f->engine, command);
}

static void connect(struct center *f, struct person *who)
{
    if (who->session != 0) {
        return;
    }
    who->session = ++f->next_session;
    if (who->role == CALLER_CONNECTOR) {
        struct command command = {.kind = COMMAND_CONNECTOR_ATTACHED};

        command.connector.name = text_from(who->name);
        command.connector.attachment = f;
        step(f, &command, who);
    }
}

static void apply_plan(struct center *f)
{
    struct command command = {.kind = COMMAND_CONFIG_APPLY};
    struct settings *s;

    if (!f->plan_changed) {
        return;
    }
    f->plan_changed = false;
    s = plan_settings(f->plan);
    command.config =
        (struct config_command){s, engine_config_version(f->engine) + 1, TEXT("the plan")};
    step(f, &command, NULL);
    settings_release(s);
}

enum refusal_kind center_step(struct center *f, struct command *command, enum caller_role role,
                              const char *name)
{
    struct person *who = f->next_caller != NULL ? f->next_caller : person(f, role, name);

    f->next_caller = NULL;
    if (f->plan_changed) {
        bool before = f->quiet;

        f->quiet = true;
        apply_plan(f);
        f->quiet = before;
    }
    connect(f, who);
    return step(f, command, who);
}

/* ---- the stage ---- */

void center_workspace(struct center *f, const char *words)
{
    plan_workspace(f->plan, words);
    f->plan_changed = true;
}

void center_tier(struct center *f, const char *name, const char *words)
{
    plan_tier(f->plan, name, words);
    f->plan_changed = true;
}

void center_issue(struct center *f, const char *name, const char *words)
{
    plan_issue(f->plan, name, words);
    f->plan_changed = true;
}

void center_channel(struct center *f, const char *name, const char *words)
{
    plan_channel(f->plan, name, words);
    f->plan_changed = true;
}

void center_queue(struct center *f, const char *name, const char *words)
{
    plan_queue(f->plan, name, words);
    f->plan_changed = true;
}

/* Words of a sign-in and of an agent may stand in one line; each goes where it belongs. */
void center_agent(struct center *f, const char *name, const char *words)
{
    static const char *const modes[] = {"away", "pull", "receipts", "auto_accept", "unsigned"};
    struct transcript put = {0}, mode = {0};
    bool signs_in = true, away = false;
    struct word w;

    while (words_next(&words, &w)) {
        bool is_mode = false;

        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
            is_mode = is_mode || words_is(w.key, modes[i]);
        }
        signs_in = signs_in && !words_is(w.key, "unsigned");
        away = away || words_is(w.key, "away");
        transcript_say(is_mode ? &mode : &put, TEXT_FORMAT "%s" TEXT_FORMAT " ", TEXT_ARGS(w.key),
                       text_is_none(w.value) ? "" : "=", TEXT_ARGS(w.value));
    }
    if (!away) {
        transcript_say(&mode, "available");
    }
    f->quiet = true;
    center_agent_put(f, name, transcript_text(&put));
    if (signs_in) {
        center_sign_in(f, name, transcript_text(&mode));
    }
    f->quiet = false;
    transcript_close(&put);
    transcript_close(&mode);
}

/* ---- connectors ---- */

static struct text text_of(const char *words)
{
    return words == NULL || *words == '\0' ? TEXT_NONE : text_from(words);
}

static tier_index tier_named(const struct settings *s, struct text name)
{
    tier_index tier = settings_find_tier(s, name);

    if (tier == INDEX_NONE8) {
        words_unknown("a tier", name);
    }
    return tier;
}

static queue_index queue_named(const struct settings *s, struct text name)
{
    queue_index queue = settings_find_queue(s, name);

    if (queue == INDEX_NONE16) {
        words_unknown("a queue", name);
    }
    return queue;
}

static bool classified_word(const struct settings *s, struct classified *c, const struct word *w)
{
    if (words_is(w->key, "tier")) {
        c->tier = tier_named(s, w->value);
    } else if (words_is(w->key, "queue")) {
        c->queue = queue_named(s, w->value);
    } else if (words_is(w->key, "issue")) {
        c->issue = settings_find_issue(s, w->value);
    } else if (words_is(w->key, "language")) {
        c->language = settings_find_language(s, w->value);
    } else if (words_is(w->key, "version")) {
        c->version = words_number(w->value);
    } else {
        return false;
    }
    return true;
}

static void contact_word(struct center *f, struct submit_command *c, const struct word *w,
                         struct settings *scratch)
{
    if (words_is(w->key, "channel")) {
        c->channel = settings_find_channel(engine_settings(f->engine), w->value);
    } else if (words_is(w->key, "skills")) {
        c->skills.items = plan_skills(scratch, w->value, &c->skills.count);
    } else if (words_is(w->key, "prefers")) {
        c->preferred_agent = w->value;
    } else if (words_is(w->key, "reopens")) {
        c->reopens = w->value;
    } else if (words_is(w->key, "parent")) {
        c->parent = w->value;
    } else if (words_is(w->key, "boost")) {
        c->boost = words_duration(w->value);
    } else if (words_is(w->key, "received")) {
        c->received_at = f->now - words_duration(w->value);
    } else if (words_is(w->key, "not_before")) {
        c->not_before_at = f->now + words_duration(w->value);
    } else if (words_is(w->key, "keeps_place")) {
        c->keeps_place = true;
    } else if (words_is(w->key, "expires")) {
        c->expires = words_duration(w->value);
    } else if (words_is(w->key, "lost")) {
        c->lost = words_duration(w->value);
    } else if (words_is(w->key, "customer")) {
        c->customer = w->value;
    } else if (words_is(w->key, "subject")) {
        c->subject = w->value;
    } else if (words_is(w->key, "text")) {
        c->text = w->value;
    } else {
        words_unknown("a contact", w->key);
    }
}

/* The plan must be in force before words can be looked up in it. */
static void settle_plan(struct center *f)
{
    bool before = f->quiet;

    f->quiet = true;
    apply_plan(f);
    f->quiet = before;
}

enum refusal_kind center_contact(struct center *f, const char *id, const char *words)
{
    struct command command = {.kind = COMMAND_SUBMIT};
    struct submit_command *c = &command.submit;
    struct settings *scratch = settings_create();
    const struct settings *s;
    enum refusal_kind refused;
    struct word w;

    settle_plan(f);
    s = engine_settings(f->engine);
    c->id = text_from(id);
    c->classified = (struct classified){.version = engine_config_version(f->engine),
                                        .tier = (tier_index)(s->tier_count - 1),
                                        .issue = INDEX_NONE16,
                                        .language = INDEX_NONE16,
                                        .queue = s->default_queue};
    c->received_at = TIME_NEVER;
    c->not_before_at = SCHEDULE_NONE;
    c->expires = DURATION_NONE;
    c->lost = DURATION_NONE;
    if (words_next(&words, &w)) {
        c->classified.queue = queue_named(s, w.key);
    }
    while (words_next(&words, &w)) {
        if (!classified_word(s, &c->classified, &w)) {
            contact_word(f, c, &w, scratch);
        }
    }
    refused = center_step(f, &command, CALLER_CONNECTOR, "shop");
    settings_release(scratch);
    return refused;
}

static void update_word(struct center *f, struct update_command *u, const struct word *w,
                        struct settings *scratch)
{
    if (words_is(w->key, "skills")) {
        u->skills_given = true;
        u->skills.items = plan_skills(scratch, w->value, &u->skills.count);
    } else if (words_is(w->key, "boost")) {
        u->boost_given = true;
        u->boost = words_duration(w->value);
    } else if (words_is(w->key, "not_before")) {
        u->not_before_at = f->now + words_duration(w->value);
    } else if (words_is(w->key, "subject")) {
        u->subject = w->value;
    } else if (words_is(w->key, "text")) {
        u->text = w->value;
    } else if (words_is(w->key, "customer")) {
        u->customer = w->value;
    } else if (words_is(w->key, "kept")) {
        u->progress_kept = true;
    } else {
        words_unknown("an update", w->key);
    }
}

enum refusal_kind center_update(struct center *f, const char *id, const char *words)
{
    struct command command = {.kind = COMMAND_UPDATE};
    struct update_command *u = &command.update;
    struct settings *scratch = settings_create();
    const struct contact *c;
    enum refusal_kind refused;
    struct word w;

    settle_plan(f);
    c = engine_find_contact(f->engine, text_from(id));
    u->contact = text_from(id);
    u->not_before_at = SCHEDULE_NONE;
    u->classified.version = engine_config_version(f->engine);
    u->classified.issue = c == NULL ? INDEX_NONE16 : contact_terms(c)->issue;
    u->classified.language = c == NULL ? INDEX_NONE16 : contact_terms(c)->language;
    u->classified.tier = c == NULL ? 0 : contact_terms(c)->tier;
    u->classified.queue = c == NULL ? 0 : contact_queue(c);
    while (words_next(&words, &w)) {
        if (classified_word(engine_settings(f->engine), &u->classified, &w)) {
            u->reclassified =
                u->reclassified || words_is(w.key, "tier") || words_is(w.key, "queue");
            u->issue_given = u->issue_given || words_is(w.key, "issue");
            u->language_given = u->language_given || words_is(w.key, "language");
        } else {
            update_word(f, u, &w, scratch);
        }
    }
    u->issue = u->classified.issue;
    u->language = u->classified.language;
    refused = center_step(f, &command, CALLER_CONNECTOR, "shop");
    settings_release(scratch);
    return refused;
}

static enum refusal_kind about_contact(struct center *f, enum command_kind kind, const char *id,
                                       const char *reason, enum caller_role role, const char *name)
{
    struct command command = {.kind = kind};

    command.contact.contact = text_from(id);
    command.contact.reason = text_of(reason);
    return center_step(f, &command, role, name);
}

enum refusal_kind center_cancel(struct center *f, const char *id, const char *reason)
{
    return about_contact(f, COMMAND_CANCEL, id, reason, CALLER_CONNECTOR, "shop");
}

enum refusal_kind center_end(struct center *f, const char *id, const char *reason)
{
    return about_contact(f, COMMAND_END, id, reason, CALLER_CONNECTOR, "shop");
}

enum refusal_kind center_rate(struct center *f, const char *id, uint32_t score)
{
    struct command command = {.kind = COMMAND_RATE};

    command.rate.contact = text_from(id);
    command.rate.score = score;
    return center_step(f, &command, CALLER_CONNECTOR, "shop");
}

void center_connector_comes(struct center *f, const char *name)
{
    settle_plan(f);
    connect(f, person(f, CALLER_CONNECTOR, name));
}

void center_connector_goes(struct center *f, const char *name)
{
    struct command command = {.kind = COMMAND_CONNECTOR_DETACHED};
    struct person *who = person(f, CALLER_CONNECTOR, name);

    command.connector.name = text_from(who->name);
    step(f, &command, who);
    who->session = 0;
}

/* ---- agents ---- */

enum refusal_kind center_sign_in(struct center *f, const char *agent, const char *words)
{
    struct command command = {.kind = COMMAND_SIGN_IN};
    struct person *who = person(f, CALLER_AGENT, agent);
    struct word w;

    command.sign_in.agent = text_from(agent);
    while (words_next(&words, &w)) {
        if (words_is(w.key, "available") || words_is(w.key, "away")) {
            command.sign_in.state_given = true;
            command.sign_in.available = words_is(w.key, "available");
            command.sign_in.reason = w.value;
        } else if (words_is(w.key, "pull")) {
            command.sign_in.pull = true;
        } else if (words_is(w.key, "receipts")) {
            command.sign_in.receipts = true;
        } else if (words_is(w.key, "auto_accept")) {
            command.sign_in.auto_accept = true;
        } else if (words_is(w.key, "address")) {
            command.sign_in.address = w.value;
        } else {
            words_unknown("a sign-in", w.key);
        }
    }
    who->session = ++f->next_session; /* a sign-in comes by a connection of its own */
    return center_step(f, &command, CALLER_AGENT, agent);
}

static enum refusal_kind own_state(struct center *f, const char *agent, bool available,
                                   const char *reason)
{
    struct command command = {.kind = COMMAND_SET_STATE};

    command.set_state.available = available;
    command.set_state.reason = text_of(reason);
    return center_step(f, &command, CALLER_AGENT, agent);
}

enum refusal_kind center_available(struct center *f, const char *agent)
{
    return own_state(f, agent, true, NULL);
}

enum refusal_kind center_away(struct center *f, const char *agent, const char *reason)
{
    return own_state(f, agent, false, reason);
}

enum refusal_kind center_sign_out(struct center *f, const char *agent)
{
    struct command command = {.kind = COMMAND_SIGN_OUT};

    return center_step(f, &command, CALLER_AGENT, agent);
}

void center_connection_lost(struct center *f, const char *agent)
{
    struct command command = {.kind = COMMAND_SESSION_CLOSED};
    struct person *who = person(f, CALLER_AGENT, agent);

    center_step(f, &command, CALLER_AGENT, agent);
    who->session = 0;
}

enum refusal_kind center_pull(struct center *f, const char *agent, uint32_t max, duration_ms wait)
{
    struct command command = {.kind = COMMAND_PULL};

    command.pull = (struct pull_command){max, wait};
    return center_step(f, &command, CALLER_AGENT, agent);
}

/* Read from the journal: offers are told to agents, and agents remember. */
uint64_t center_offer(const struct center *f, const char *agent, const char *contact)
{
    uint64_t number = 0;

    for (size_t i = 0; i < f->facts.count; i++) {
        uint64_t offer = fact_store_offer(&f->facts, i, text_from(contact), text_from(agent));

        number = offer != 0 ? offer : number;
    }
    return number;
}

static enum refusal_kind about_offer(struct center *f, enum command_kind kind, const char *agent,
                                     const char *contact)
{
    struct command command = {.kind = kind};

    command.offer.offer = center_offer(f, agent, contact);
    return center_step(f, &command, CALLER_AGENT, agent);
}

enum refusal_kind center_received(struct center *f, const char *agent, const char *contact)
{
    return about_offer(f, COMMAND_OFFER_RECEIVED, agent, contact);
}

enum refusal_kind center_accept(struct center *f, const char *agent, const char *contact)
{
    return about_offer(f, COMMAND_ACCEPT, agent, contact);
}

enum refusal_kind center_decline(struct center *f, const char *agent, const char *contact)
{
    return about_offer(f, COMMAND_DECLINE, agent, contact);
}

enum refusal_kind center_complete(struct center *f, const char *agent, const char *contact,
                                  const char *words)
{
    struct command command = {.kind = COMMAND_COMPLETE};
    struct word w;

    command.complete.contact = text_from(contact);
    command.complete.wrap_up = DURATION_NONE;
    while (words_next(&words, &w)) {
        if (words_is(w.key, "wrap_up")) {
            command.complete.wrap_up = words_duration(w.value);
        } else if (words_is(w.key, "disposition")) {
            command.complete.disposition = w.value;
        } else if (words_is(w.key, "unresolved")) {
            command.complete.unresolved = true;
        } else {
            words_unknown("a completion", w.key);
        }
    }
    return center_step(f, &command, CALLER_AGENT, agent);
}

enum refusal_kind center_wrapped_up(struct center *f, const char *agent, const char *contact)
{
    return about_contact(f, COMMAND_WRAPPED_UP, contact, NULL, CALLER_AGENT, agent);
}

enum refusal_kind center_transfer(struct center *f, const char *agent, const char *contact,
                                  const char *words)
{
    struct command command = {.kind = COMMAND_TRANSFER};
    struct transfer_command *t = &command.transfer;
    struct settings *scratch = settings_create();
    enum refusal_kind refused;
    struct word w;

    t->contact = text_from(contact);
    t->wrap_up = DURATION_NONE;
    while (words_next(&words, &w)) {
        if (words_is(w.key, "queue")) {
            t->queue = w.value;
        } else if (words_is(w.key, "agent")) {
            t->agent = w.value;
        } else if (words_is(w.key, "skills")) {
            t->skills_given = true;
            t->skills.items = plan_skills(scratch, w.value, &t->skills.count);
        } else if (words_is(w.key, "issue")) {
            t->issue = w.value;
        } else if (words_is(w.key, "reason")) {
            t->reason = w.value;
        } else if (words_is(w.key, "note")) {
            t->note = w.value;
        } else if (words_is(w.key, "wrap_up")) {
            t->wrap_up = words_duration(w.value);
        } else {
            words_unknown("a transfer", w.key);
        }
    }
    refused = center_step(f, &command, CALLER_AGENT, agent);
    settings_release(scratch);
    return refused;
}

enum refusal_kind center_requeue(struct center *f, const char *agent, const char *contact,
                                 const char *words)
{
    struct command command = {.kind = COMMAND_REQUEUE};
    struct requeue_command *r = &command.requeue;
    struct word w;

    r->contact = text_from(contact);
    r->not_before_at = SCHEDULE_NONE;
    while (words_next(&words, &w)) {
        if (words_is(w.key, "reason")) {
            r->reason = w.value;
        } else if (words_is(w.key, "note")) {
            r->note = w.value;
        } else if (words_is(w.key, "not_before")) {
            r->not_before_at = f->now + words_duration(w.value);
        } else if (words_is(w.key, "prefers")) {
            r->preferred_agent = w.value;
        } else {
            words_unknown("a requeue", w.key);
        }
    }
    return center_step(f, &command, CALLER_AGENT, agent);
}

/* ---- supervisors and admins ---- */

enum refusal_kind center_move(struct center *f, const char *contact, const char *queue)
{
    struct command command = {.kind = COMMAND_MOVE};

    command.move.contact = text_from(contact);
    command.move.queue = text_from(queue);
    return center_step(f, &command, CALLER_SUPERVISOR, "sue");
}

enum refusal_kind center_assign(struct center *f, const char *contact, const char *agent)
{
    struct command command = {.kind = COMMAND_ASSIGN};

    command.move.contact = text_from(contact);
    command.move.agent = text_from(agent);
    return center_step(f, &command, CALLER_SUPERVISOR, "sue");
}

enum refusal_kind center_set_state(struct center *f, const char *agent, const char *words)
{
    struct command command = {.kind = COMMAND_SET_STATE};
    struct word w;

    command.set_state.agent = text_from(agent);
    while (words_next(&words, &w)) {
        command.set_state.available = words_is(w.key, "available");
        command.set_state.reason = w.value;
    }
    return center_step(f, &command, CALLER_SUPERVISOR, "sue");
}

enum refusal_kind center_agent_put(struct center *f, const char *agent, const char *words)
{
    struct command command = {.kind = COMMAND_AGENT_PUT};
    struct settings *scratch = settings_create();
    enum refusal_kind refused;

    command.agent_put = plan_agent_settings(scratch, agent, words);
    refused = center_step(f, &command, CALLER_ADMIN, "adam");
    settings_release(scratch);
    return refused;
}

enum refusal_kind center_agent_remove(struct center *f, const char *agent)
{
    struct command command = {.kind = COMMAND_AGENT_REMOVE};

    command.agent_remove = text_from(agent);
    return center_step(f, &command, CALLER_ADMIN, "adam");
}

enum refusal_kind center_config_apply(struct center *f)
{
    struct command command = {.kind = COMMAND_CONFIG_APPLY};
    struct settings *s = plan_settings(f->plan);
    enum refusal_kind refused;

    f->plan_changed = false;
    command.config =
        (struct config_command){s, engine_config_version(f->engine) + 1, TEXT("the plan")};
    refused = center_step(f, &command, CALLER_ADMIN, "adam");
    settings_release(s);
    return refused;
}

/* ---- the host ---- */

static void tick(struct center *f)
{
    struct command command = {.kind = COMMAND_TICK};

    step(f, &command, NULL);
}

void center_advance(struct center *f, duration_ms span)
{
    engine_time until = f->now + span;
    int at_once = 0;

    settle_plan(f);
    for (;;) {
        engine_time next = engine_next_deadline(f->engine);

        if (next > until) {
            break;
        }
        at_once = next > f->now ? 0 : at_once + 1;
        if (at_once > TICKS_AT_ONCE_MAX) {
            words_unknown("an end of ticks", TEXT("advance"));
        }
        f->now = next > f->now ? next : f->now;
        tick(f);
    }
    f->now = until;
}

void center_stall(struct center *f, duration_ms span)
{
    f->now += span;
    tick(f);
}

void center_wait(struct center *f, duration_ms span)
{
    f->now += span;
}

void center_journal_stalled(struct center *f, duration_ms span)
{
    struct command command = {.kind = COMMAND_JOURNAL_STALLED};

    f->now += span;
    command.stalled = span;
    step(f, &command, NULL);
}

static void start_with(struct center *f, struct engine *next)
{
    struct command command = {.kind = COMMAND_OWNER_STARTED};

    command.epoch = engine_epoch(f->engine) + 1;
    engine_destroy(f->engine);
    f->engine = next;
    for (size_t i = 0; i < f->people_count; i++) {
        f->people[i].session = 0;
    }
    step(f, &command, NULL);
}

static _Noreturn void broken(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    abort();
}

void center_restart(struct center *f)
{
    struct engine *next = new_engine(f, true);
    const char *wrong = fact_store_replay(&f->facts, next, fact_store_last(&f->facts));

    if (wrong != NULL) {
        broken("replay", wrong);
    }
    if (engine_digest(next) != engine_digest(f->engine)) {
        broken("replay", "another digest");
    }
    start_with(f, next);
}

/* ---- checkpoints ---- */

struct records {
    struct engine *into;
    const char *wrong;
};

static void load_record(void *context, const uint8_t *bytes, size_t size)
{
    struct records *r = context;

    if (r->wrong == NULL) {
        r->wrong = engine_checkpoint_load(r->into, bytes, size);
    }
}

/* A second engine made of a checkpoint of the first, written in slices of a few records. */
static const char *checkpoint_copy(struct center *f, struct engine *into)
{
    struct records r = {into, NULL};

    engine_checkpoint_begin(f->engine, load_record, &r);
    while (engine_checkpoint_continue(f->engine, 3)) {
    }
    if (r.wrong != NULL) {
        return r.wrong;
    }
    return engine_checkpoint_loaded(into) ? NULL : "the checkpoint is not whole";
}

void center_restart_from_checkpoint(struct center *f)
{
    struct engine *next = new_engine(f, true);
    const char *wrong = checkpoint_copy(f, next);

    if (wrong != NULL) {
        broken("checkpoint", wrong);
    }
    if (engine_digest(next) != engine_digest(f->engine)) {
        broken("checkpoint", "another digest");
    }
    start_with(f, next);
}

const char *center_check(struct center *f)
{
    const char *wrong = engine_audit(f->engine);
    struct engine *copy;

    if (wrong != NULL) {
        return wrong;
    }
    copy = new_engine(f, false);
    wrong = fact_store_replay(&f->facts, copy, fact_store_last(&f->facts));
    if (wrong == NULL) {
        wrong = engine_audit(copy);
    }
    if (wrong == NULL && engine_digest(copy) != engine_digest(f->engine)) {
        wrong = "a replay of the facts has another digest";
    }
    engine_destroy(copy);
    if (wrong != NULL || engine_seq(f->engine) == 0) {
        return wrong;
    }
    copy = new_engine(f, false);
    wrong = checkpoint_copy(f, copy);
    if (wrong == NULL) {
        wrong = engine_audit(copy);
    }
    if (wrong == NULL && engine_digest(copy) != engine_digest(f->engine)) {
        wrong = "a checkpoint has another digest";
    }
    engine_destroy(copy);
    return wrong;
}
