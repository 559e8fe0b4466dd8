#include "router/dispatch.h"

#include <assert.h>

#include "proto/walk.h"
#include "queue/base/rare.h"

void dispatch_init(struct dispatch *d)
{
    memset(d, 0, sizeof(*d));
    d->scratch = classify_scratch_create();
    d->own = parcel_create();
}

void dispatch_close(struct dispatch *d)
{
    classify_scratch_destroy(d->scratch);
    parcel_destroy(d->own);
}

/* All that a request is made into a command with. */
struct dispatch_job {
    struct dispatch *dispatch;
    const struct request *request;
    const struct dispatch_snapshot *snapshot;
    struct parcel *parcel; /* of everything that is made here */
    bool far;              /* what the scratch holds must go along */
    struct work *work;
    struct command *command;
    struct response_error *error;
};

static RARE bool dispatch_refuse(struct dispatch_job *j, enum error_code code, struct text field,
                                 struct text message)
{
    *j->error = response_error_of(code);
    j->error->field = field;
    j->error->message = message;
    return false;
}

static struct raw dispatch_raw(struct text bytes)
{
    return (struct raw){(const uint8_t *)bytes.bytes, bytes.length};
}

static bool dispatch_skills(struct dispatch_job *j, struct skill_list *out)
{
    struct text given = request_text(j->request, FIELD_SKILLS);
    struct skill_level *skills;
    struct walk w;
    struct walk_skill skill;
    uint32_t count = 0;

    *out = (struct skill_list){NULL, 0};
    if (text_is_none(given)) {
        return true;
    }
    skills = parcel_take(j->parcel, SKILLS_PER_SET * sizeof(*skills));
    walk_start(&w, given);
    while (walk_skill(&w, &skill)) {
        if (count == SKILLS_PER_SET) {
            return dispatch_refuse(j, ERROR_TOO_LARGE, TEXT("skills"),
                                   TEXT("more skills than a contact or an agent can have"));
        }
        skills[count++] = (struct skill_level){skill.skill, skill.level};
    }
    *out = (struct skill_list){skills, count};
    return true;
}

struct classified dispatch_classified(const struct classification *found, uint64_t version)
{
    return (struct classified){.version = version,
                               .tier = found->tier,
                               .issue = found->issue,
                               .language = found->language,
                               .queue = found->queue,
                               .why_tier = found->why_tier,
                               .why_issue = found->why_issue,
                               .why_queue = found->why_queue,
                               .why_language = found->why_language};
}

/* "received_at (...) `why` says so": the engine bounds it, and this says that it did. */
static __attribute__((noinline)) void dispatch_explain_received(struct dispatch_job *j,
                                                                struct submit_command *s)
{
    const struct settings *settings = j->snapshot->config->settings;
    struct text words, why = s->classified.why_queue;
    char *joined;

    if (s->received_at > j->command->time) {
        words = TEXT("; received_at lies in the future and counts as now");
    } else if (settings->received_bound >= 0 &&
               s->received_at < j->command->time - settings->received_bound) {
        words = TEXT("; received_at lies too far back and counts as the oldest that is allowed");
    } else {
        return;
    }
    joined = parcel_take(j->parcel, (size_t)why.length + words.length);
    memcpy(joined, why.bytes, why.length);
    memcpy(joined + why.length, words.bytes, words.length);
    s->classified.why_queue = (struct text){joined, why.length + words.length};
}

/* The scratch of classification stays here. */
static __attribute__((noinline)) void dispatch_take_along(struct dispatch_job *j,
                                                          struct classified *c)
{
    c->why_tier = parcel_text(j->parcel, c->why_tier);
    c->why_issue = parcel_text(j->parcel, c->why_issue);
    c->why_queue = parcel_text(j->parcel, c->why_queue);
    c->why_language = parcel_text(j->parcel, c->why_language);
}

/* What nearly every submission brings; the rest is looked for when there is anything else. */
#define DISPATCH_USUAL                                                                             \
    (UINT64_C(1) << FIELD_ID | UINT64_C(1) << FIELD_CHANNEL | UINT64_C(1) << FIELD_CUSTOMER |      \
     UINT64_C(1) << FIELD_QUEUE | UINT64_C(1) << FIELD_TEXT)

/* A submission of the usual parameters alone. */
static inline void dispatch_submit_usual(struct submit_command *s, struct classify_input *in)
{
    in->issue = TEXT_NONE;
    in->language = TEXT_NONE;
    in->subject = TEXT_NONE;
    in->attributes = TEXT_NONE;

    s->skills = (struct skill_list){NULL, 0};
    s->attributes = dispatch_raw(TEXT_NONE);
    s->subject = TEXT_NONE;
    s->payload = TEXT_NONE;
    s->preferred_agent = TEXT_NONE;
    s->reopens = TEXT_NONE;
    s->parent = TEXT_NONE;
    s->boost = 0;
    s->received_at = TIME_NEVER;
    s->not_before_at = SCHEDULE_NONE;
    s->keeps_place = false;
    s->expires = DURATION_NONE;
    s->lost = DURATION_NONE;
}

/* One with others: they are in the command then, and in `in`. False: it is refused. */
static __attribute__((noinline)) bool
dispatch_submit_more(struct dispatch_job *j, struct submit_command *s, struct classify_input *in)
{
    const struct request *r = j->request;

    in->issue = request_text(r, FIELD_ISSUE);
    in->language = request_text(r, FIELD_LANGUAGE);
    in->subject = request_text(r, FIELD_SUBJECT);
    in->attributes = request_text(r, FIELD_ATTRIBUTES);

    s->attributes = dispatch_raw(in->attributes);
    s->subject = in->subject;
    s->payload = request_text(r, FIELD_PAYLOAD);
    s->preferred_agent = request_text(r, FIELD_PREFERRED_AGENT);
    s->reopens = request_text(r, FIELD_REOPENS);
    s->parent = request_text(r, FIELD_PARENT);
    s->boost = request_number(r, FIELD_BOOST_MS, 0);
    s->received_at = request_number(r, FIELD_RECEIVED_AT, TIME_NEVER);
    s->not_before_at = request_number(r, FIELD_NOT_BEFORE_AT, SCHEDULE_NONE);
    s->keeps_place = request_flag(r, FIELD_KEEPS_PLACE, false);
    s->expires = request_number(r, FIELD_EXPIRES_MS, DURATION_NONE);
    s->lost = request_number(r, FIELD_LOST_MS, DURATION_NONE);
    return dispatch_skills(j, &s->skills);
}

static bool dispatch_submit(struct dispatch_job *j)
{
    const struct request *r = j->request;
    const struct ruleset *ruleset = j->snapshot->config->ruleset;
    struct submit_command *s = &j->command->submit;
    struct walk_customer customer = request_customer(r);
    struct classify_input in; /* each of its members is set: clearing it costs more */
    struct classification found;

    in.channel = ruleset_channel(ruleset, request_text(r, FIELD_CHANNEL));
    if (in.channel == INDEX_NONE8) {
        return dispatch_refuse(j, ERROR_INVALID, TEXT("channel"),
                               TEXT("the configuration has no such channel"));
    }
    in.customer_id = customer.id;
    in.tier = customer.tier;
    in.customer_attributes = customer.attributes;
    in.queue = request_text(r, FIELD_QUEUE);
    in.text = request_text(r, FIELD_TEXT);
    dispatch_submit_usual(s, &in);
    if ((r->present & ~DISPATCH_USUAL) != 0 && !dispatch_submit_more(j, s, &in)) {
        return false;
    }
    classify(ruleset, j->dispatch->scratch, &in, &found);
    if (!text_is_none(in.queue) && !found.queue_named) {
        return dispatch_refuse(j, ERROR_NOT_FOUND, TEXT("queue"),
                               TEXT("the configuration has no such queue"));
    }

    s->id = request_text(r, FIELD_ID);
    j->work->wants_id = text_is_none(s->id);
    s->channel = in.channel;
    s->classified = dispatch_classified(&found, j->snapshot->version);
    if (j->far) {
        dispatch_take_along(j, &s->classified);
    }
    s->customer = customer.id;
    s->customer_attributes = dispatch_raw(customer.attributes);
    s->text = in.text;
    if (s->received_at != TIME_NEVER) {
        dispatch_explain_received(j, s);
    }
    j->command->kind = COMMAND_SUBMIT;
    return true;
}

static bool dispatch_update(struct dispatch_job *j)
{
    const struct request *r = j->request;
    struct update_command *u = &j->command->update;
    struct update_words *words = &j->work->update;
    struct walk_customer customer = request_customer(r);

    memset(u, 0, sizeof(*u));
    u->skills_given = request_has(r, FIELD_SKILLS);
    if (!dispatch_skills(j, &u->skills)) {
        return false;
    }
    *words = (struct update_words){
        .issue = request_text(r, FIELD_ISSUE),
        .language = request_text(r, FIELD_LANGUAGE),
        .tier = customer.tier,
        .customer_id = customer.id,
        .given = {.attributes = request_text(r, FIELD_ATTRIBUTES),
                  .customer = request_text(r, FIELD_CUSTOMER),
                  .skills = request_text(r, FIELD_SKILLS)},
    };
    u->contact = request_text(r, FIELD_CONTACT);
    u->issue = INDEX_NONE16;
    u->language = INDEX_NONE16;
    u->customer = customer.id;
    u->subject = request_text(r, FIELD_SUBJECT);
    u->text = request_text(r, FIELD_TEXT);
    u->payload = request_text(r, FIELD_PAYLOAD);
    u->boost_given = request_has(r, FIELD_BOOST_MS);
    u->boost = request_number(r, FIELD_BOOST_MS, 0);
    u->not_before_at = request_number(r, FIELD_NOT_BEFORE_AT, SCHEDULE_NONE);
    u->progress_kept = request_has(r, FIELD_KEPT);
    j->command->kind = COMMAND_UPDATE;
    return true;
}

static bool dispatch_contact(struct dispatch_job *j, enum command_kind kind)
{
    j->command->contact.contact = request_text(j->request, FIELD_CONTACT);
    j->command->contact.reason = request_text(j->request, FIELD_REASON);
    j->command->kind = kind;
    return true;
}

static bool dispatch_cancel(struct dispatch_job *j)
{
    return dispatch_contact(j, COMMAND_CANCEL);
}

static bool dispatch_end(struct dispatch_job *j)
{
    return dispatch_contact(j, COMMAND_END);
}

static bool dispatch_wrapped_up(struct dispatch_job *j)
{
    return dispatch_contact(j, COMMAND_WRAPPED_UP);
}

static bool dispatch_rate(struct dispatch_job *j)
{
    struct rate_command *c = &j->command->rate;

    c->contact = request_text(j->request, FIELD_CONTACT);
    c->score = (uint32_t)request_number(j->request, FIELD_SCORE, 0);
    c->kind = request_text(j->request, FIELD_KIND);
    c->comment = request_text(j->request, FIELD_COMMENT);
    j->command->kind = COMMAND_RATE;
    return true;
}

static bool dispatch_sign_in(struct dispatch_job *j)
{
    const struct request *r = j->request;
    struct sign_in_command *c = &j->command->sign_in;

    c->agent = request_text(r, FIELD_AGENT);
    c->pull = request_number(r, FIELD_MODE, MODE_PUSH) == MODE_PULL;
    c->receipts = request_flag(r, FIELD_RECEIPTS, false);
    c->auto_accept = request_flag(r, FIELD_AUTO_ACCEPT, false);
    c->state_given = request_has(r, FIELD_STATE);
    c->available = request_number(r, FIELD_STATE, SET_AWAY) == SET_AVAILABLE;
    c->reason = request_text(r, FIELD_REASON);
    c->address = request_text(r, FIELD_ADDRESS);
    j->command->kind = COMMAND_SIGN_IN;
    return true;
}

static bool dispatch_set_state(struct dispatch_job *j)
{
    const struct request *r = j->request;
    struct set_state_command *c = &j->command->set_state;

    c->agent = request_text(r, FIELD_AGENT);
    c->available = request_number(r, FIELD_STATE, SET_AWAY) == SET_AVAILABLE;
    c->reason = request_text(r, FIELD_REASON);
    j->command->kind = COMMAND_SET_STATE;
    return true;
}

static bool dispatch_sign_out(struct dispatch_job *j)
{
    j->command->kind = COMMAND_SIGN_OUT;
    return true;
}

static bool dispatch_pull(struct dispatch_job *j)
{
    int64_t max = request_number(j->request, FIELD_MAX, 1);

    j->command->pull.max = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
    j->command->pull.wait = request_number(j->request, FIELD_WAIT_MS, 0);
    j->command->kind = COMMAND_PULL;
    return true;
}

static bool dispatch_offer(struct dispatch_job *j, enum command_kind kind)
{
    j->command->offer.offer = view_offer_number(request_text(j->request, FIELD_OFFER));
    j->command->offer.reason = request_text(j->request, FIELD_REASON);
    j->command->kind = kind;
    return true;
}

static bool dispatch_offer_received(struct dispatch_job *j)
{
    return dispatch_offer(j, COMMAND_OFFER_RECEIVED);
}

static bool dispatch_accept(struct dispatch_job *j)
{
    return dispatch_offer(j, COMMAND_ACCEPT);
}

static bool dispatch_decline(struct dispatch_job *j)
{
    return dispatch_offer(j, COMMAND_DECLINE);
}

static bool dispatch_complete(struct dispatch_job *j)
{
    struct complete_command *c = &j->command->complete;

    c->contact = request_text(j->request, FIELD_CONTACT);
    c->disposition = request_text(j->request, FIELD_DISPOSITION);
    c->unresolved = !request_flag(j->request, FIELD_RESOLVED, true);
    c->wrap_up = request_number(j->request, FIELD_WRAP_UP_MS, DURATION_NONE);
    j->command->kind = COMMAND_COMPLETE;
    return true;
}

static bool dispatch_transfer(struct dispatch_job *j)
{
    const struct request *r = j->request;
    struct transfer_command *c = &j->command->transfer;

    if (request_has(r, FIELD_QUEUE) == request_has(r, FIELD_AGENT)) {
        return dispatch_refuse(j, ERROR_INVALID, TEXT("queue"),
                               TEXT("a transfer goes to a queue or to an agent: one of the two"));
    }
    c->contact = request_text(r, FIELD_CONTACT);
    c->queue = request_text(r, FIELD_QUEUE);
    c->agent = request_text(r, FIELD_AGENT);
    c->skills_given = request_has(r, FIELD_SKILLS);
    c->issue = request_text(r, FIELD_ISSUE);
    c->reason = request_text(r, FIELD_REASON);
    c->note = request_text(r, FIELD_NOTE);
    c->wrap_up = request_number(r, FIELD_WRAP_UP_MS, DURATION_NONE);
    j->command->kind = COMMAND_TRANSFER;
    return dispatch_skills(j, &c->skills);
}

static bool dispatch_requeue(struct dispatch_job *j)
{
    const struct request *r = j->request;
    struct requeue_command *c = &j->command->requeue;

    c->contact = request_text(r, FIELD_CONTACT);
    c->reason = request_text(r, FIELD_REASON);
    c->note = request_text(r, FIELD_NOTE);
    c->not_before_at = request_number(r, FIELD_NOT_BEFORE_AT, SCHEDULE_NONE);
    c->preferred_agent = request_text(r, FIELD_PREFERRED_AGENT);
    j->command->kind = COMMAND_REQUEUE;
    return true;
}

static bool dispatch_place(struct dispatch_job *j, enum command_kind kind)
{
    struct move_command *c = &j->command->move;

    c->contact = request_text(j->request, FIELD_CONTACT);
    c->queue = request_text(j->request, FIELD_QUEUE);
    c->agent = request_text(j->request, FIELD_AGENT);
    j->command->kind = kind;
    return true;
}

static bool dispatch_move(struct dispatch_job *j)
{
    return dispatch_place(j, COMMAND_MOVE);
}

static bool dispatch_assign(struct dispatch_job *j)
{
    return dispatch_place(j, COMMAND_ASSIGN);
}

static uint32_t dispatch_count_queues(struct text given)
{
    struct walk w;
    struct walk_queue queue;
    uint32_t count = 0;

    walk_start(&w, given);
    while (walk_queue(&w, &queue)) {
        count++;
    }
    return count;
}

static void dispatch_agent_queues(struct dispatch_job *j, struct agent_settings *a)
{
    struct text given = request_text(j->request, FIELD_QUEUES);
    uint32_t count = dispatch_count_queues(given);
    struct agent_queue *queues = parcel_take(j->parcel, count * sizeof(*queues));
    struct walk w;
    struct walk_queue queue;

    a->all_queues = !request_has(j->request, FIELD_QUEUES);
    walk_start(&w, given);
    while (walk_queue(&w, &queue)) {
        memset(&queues[a->queue_count], 0, sizeof(*queues));
        queues[a->queue_count].queue = queue.queue;
        queues[a->queue_count].rank = queue.rank;
        a->queue_count++;
    }
    a->queues = queues;
}

static bool dispatch_agent_put(struct dispatch_job *j)
{
    const struct request *r = j->request;
    const struct settings *settings = j->snapshot->config->settings;
    struct agent_settings *a = &j->command->agent_put;
    struct walk_capacity capacity = {.has_units = false, .max = TEXT_NONE};
    struct skill_list skills;
    struct walk w;
    struct walk_channel channel;
    struct agent_channel_max *maxima;

    if (!dispatch_skills(j, &skills)) {
        return false;
    }
    if (request_has(r, FIELD_CAPACITY)) {
        walk_capacity(request_text(r, FIELD_CAPACITY), &capacity);
    }
    memset(a, 0, sizeof(*a));
    a->id = request_text(r, FIELD_AGENT);
    a->name = request_text(r, FIELD_NAME);
    a->address = request_text(r, FIELD_ADDRESS);
    a->skills = (struct skill_level *)(uintptr_t)skills.items;
    a->skill_count = skills.count;
    a->units = capacity.has_units ? capacity.units : 0;
    maxima = parcel_take(j->parcel, CHANNELS_MAX * sizeof(*maxima));
    a->max = maxima;
    walk_start(&w, capacity.max);
    while (walk_channel(&w, &channel)) {
        if (settings_find_channel(settings, channel.channel) == INDEX_NONE8 ||
            a->max_count == CHANNELS_MAX) {
            return dispatch_refuse(j, ERROR_INVALID, TEXT("capacity"),
                                   TEXT("the configuration has no such channel"));
        }
        maxima[a->max_count++] = (struct agent_channel_max){channel.channel, channel.contacts};
    }
    dispatch_agent_queues(j, a);
    for (uint32_t i = 0; i < a->queue_count; i++) {
        if (settings_find_queue(settings, a->queues[i].queue) == INDEX_NONE16) {
            return dispatch_refuse(j, ERROR_NOT_FOUND, TEXT("queues"),
                                   TEXT("the configuration has no such queue"));
        }
    }
    j->command->kind = COMMAND_AGENT_PUT;
    return true;
}

static bool dispatch_agent_remove(struct dispatch_job *j)
{
    j->command->agent_remove = request_text(j->request, FIELD_AGENT);
    j->command->kind = COMMAND_AGENT_REMOVE;
    return true;
}

/* Up to the end of that member of the command. */
#define WORK_UP_TO(member)                                                                         \
    (offsetof(struct work, command.member) + sizeof(((struct work *)0)->command.member))

static const struct dispatch_row {
    bool (*make)(struct dispatch_job *j);
    size_t size; /* of the work */
} dispatch_rows[METHOD_COUNT] = {
    [METHOD_CONTACT_SUBMIT] = {dispatch_submit, WORK_UP_TO(submit)},
    [METHOD_CONTACT_UPDATE] = {dispatch_update, sizeof(struct work)},
    [METHOD_CONTACT_CANCEL] = {dispatch_cancel, WORK_UP_TO(contact)},
    [METHOD_CONTACT_END] = {dispatch_end, WORK_UP_TO(contact)},
    [METHOD_CONTACT_RATE] = {dispatch_rate, WORK_UP_TO(rate)},
    [METHOD_AGENT_SIGN_IN] = {dispatch_sign_in, WORK_UP_TO(sign_in)},
    [METHOD_AGENT_SIGN_OUT] = {dispatch_sign_out, WORK_UP_TO(contact_hash)},
    [METHOD_AGENT_SET_STATE] = {dispatch_set_state, WORK_UP_TO(set_state)},
    [METHOD_AGENT_PULL] = {dispatch_pull, WORK_UP_TO(pull)},
    [METHOD_OFFER_RECEIVED] = {dispatch_offer_received, WORK_UP_TO(offer)},
    [METHOD_OFFER_ACCEPT] = {dispatch_accept, WORK_UP_TO(offer)},
    [METHOD_OFFER_DECLINE] = {dispatch_decline, WORK_UP_TO(offer)},
    [METHOD_CONTACT_COMPLETE] = {dispatch_complete, WORK_UP_TO(complete)},
    [METHOD_CONTACT_WRAPPED_UP] = {dispatch_wrapped_up, WORK_UP_TO(contact)},
    [METHOD_CONTACT_TRANSFER] = {dispatch_transfer, WORK_UP_TO(transfer)},
    [METHOD_CONTACT_REQUEUE] = {dispatch_requeue, WORK_UP_TO(requeue)},
    [METHOD_CONTACT_MOVE] = {dispatch_move, WORK_UP_TO(move)},
    [METHOD_CONTACT_ASSIGN] = {dispatch_assign, WORK_UP_TO(move)},
    [METHOD_AGENT_PUT] = {dispatch_agent_put, WORK_UP_TO(agent_put)},
    [METHOD_AGENT_REMOVE] = {dispatch_agent_remove, WORK_UP_TO(agent_remove)},
};

size_t dispatch_work_size(enum method m)
{
    return dispatch_rows[m].size;
}

bool dispatch_command(struct dispatch *d, const struct request *r,
                      const struct dispatch_snapshot *snapshot, struct parcel *parcel,
                      struct work *work, struct response_error *error)
{
    struct dispatch_job j = {
        .dispatch = d,
        .request = r,
        .snapshot = snapshot,
        .parcel = parcel != NULL ? parcel : d->own,
        .far = parcel != NULL,
        .work = work,
        .command = &work->command,
        .error = error,
    };

    assert(dispatch_rows[r->method].make != NULL);
    if (!j.far) {
        parcel_reset(d->own);
    }
    work->wants_id = false;
    return dispatch_rows[r->method].make(&j);
}
