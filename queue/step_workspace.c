/* Commands about the workspace itself: agents that exist, the configuration, ownership, outages. */
#include "queue/state.h"

/* ---- agents ---- */

void emit_agent_put(struct engine *e, const struct agent_settings *put, struct text actor)
{
    struct agent *a = id_map_find(&e->agents, put->id);
    struct fact f;

    fact_init(&f, FACT_AGENT_PUT);
    f.subject = put->id;
    f.agent = a;
    f.agent_put.name = put->name;
    f.agent_put.address = put->address;
    f.agent_put.skills = (struct skill_list){put->skills, put->skill_count};
    f.agent_put.units = put->units;
    f.agent_put.max = (struct maxima_list){put->max, put->max_count};
    f.agent_put.queues = (struct agent_queue_list){put->queues, put->queue_count};
    f.agent_put.all_queues = put->all_queues;
    f.agent_put.digest = put->digest;
    f.agent_put.actor = actor;
    engine_emit(e, &f);
    /* Contacts held for it may no longer be for it. */
    a = id_map_find(&e->agents, put->id);
    release_reserved(e, a);
    agent_is_dirty(e, a);
}

enum refusal_kind step_agent_put(struct engine *e)
{
    struct delivery d = {.kind = ANSWER_AGENT};

    for (uint32_t i = 0; i < e->command->agent_put.queue_count; i++) {
        if (settings_find_queue(e->settings, e->command->agent_put.queues[i].queue) ==
            INDEX_NONE16) {
            return refuse(e, REFUSED_INVALID, TEXT("queues"), TEXT("no such queue"));
        }
    }
    for (uint32_t i = 0; i < e->command->agent_put.max_count; i++) {
        if (settings_find_channel(e->settings, e->command->agent_put.max[i].channel) ==
            INDEX_NONE8) {
            return refuse(e, REFUSED_INVALID, TEXT("capacity"), TEXT("no such channel"));
        }
    }
    emit_agent_put(e, &e->command->agent_put, actor_of(e));
    d.agent = engine_find_agent(e, e->command->agent_put.id);
    answer(e, &d);
    return REFUSED_NOT;
}

static void remove_agent(struct engine *e, struct agent *a)
{
    struct delivery d = {
        .kind = NOTICE_SIGNED_OUT, .agent = a, .reason = TEXT("agent_removed"), .closes = true};
    struct fact f;

    if (a->session != 0) {
        tell_agent(e, a, &d);
    }
    if (a->state != AGENT_SIGNED_OUT) {
        sign_out_agent(e, a, TEXT("agent_removed"), OFFER_END_REMOVED, &e->command->caller);
    }
    fact_about_agent(&f, FACT_AGENT_REMOVED, a);
    f.actor.actor = actor_of(e);
    engine_emit(e, &f);
    if (list_linked(&a->in_dirty)) {
        list_remove(&a->in_dirty);
    }
}

enum refusal_kind step_agent_remove(struct engine *e)
{
    struct agent *a = engine_find_agent(e, e->command->agent_remove);
    struct delivery d = {.kind = ANSWER_DONE};

    if (a == NULL) {
        return refuse(e, REFUSED_NOT_FOUND, TEXT("agent"), TEXT("no such agent"));
    }
    remove_agent(e, a);
    answer(e, &d);
    return REFUSED_NOT;
}

/* ---- configuration ---- */

/* A channel that live contacts came by cannot go: what they occupy would be unknown. */
static bool channels_stay(const struct engine *e, const struct settings *new)
{
    const struct near_list *const lists[2] = {&e->arrival, &e->lingering};

    for (int i = 0; e->settings != NULL && i < 2; i++) {
        for (struct near_node *n = near_list_first(lists[i]); n != NULL; n = near_list_next(n)) {
            const struct contact *c = record_of(n, struct contact, in_arrival);
            if (settings_find_channel(new, e->settings->channels[contact_terms(c)->channel].name) ==
                INDEX_NONE8) {
                return false;
            }
        }
    }
    return true;
}

/* Contacts of queues that are no more wait in the default queue; each is told so by a fact of its
 * own. */
static void tell_moved_by_config(struct engine *e, uint64_t *numbers, size_t count)
{
    struct near_node *n = near_list_first(&e->arrival);

    for (size_t i = 0; i < count; i++) {
        struct contact *c;
        struct fact f;
        while (contact_arrival(record_of(n, struct contact, in_arrival)) < numbers[i]) {
            n = near_list_next(n);
        }
        c = record_of(n, struct contact, in_arrival);
        fact_about(&f, FACT_CONTACT_MOVED, c);
        f.moved.queue = contact_queue(c);
        f.moved.reason = TEXT("queue_removed");
        engine_emit(e, &f);
        tell_owner(e, c, TEXT("queue_removed"), TEXT("moved"));
    }
}

static size_t find_orphans(const struct engine *e, const struct settings *new, uint64_t **numbers)
{
    size_t count = 0;
    size_t room = 0;

    *numbers = NULL;
    for (struct near_node *n = near_list_first(&e->arrival); n != NULL; n = near_list_next(n)) {
        const struct contact *c = record_of(n, struct contact, in_arrival);
        if ((c->state != CONTACT_WAITING && c->state != CONTACT_SCHEDULED) ||
            settings_find_queue(new, e->settings->queues[contact_queue(c)].name) != INDEX_NONE16) {
            continue;
        }
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            *numbers = memory_resize(*numbers, room * sizeof(**numbers));
        }
        (*numbers)[count++] = contact_arrival(c);
    }
    return count;
}

/* The file's agents: those whose entry is new or changed are put, those whose entry went are
 * removed, all others stay as they are. */
static void apply_file_agents(struct engine *e, const struct settings *s)
{
    struct agent *a;

    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct agent_settings *entry = &s->agents[i];
        a = id_map_find(&e->agents, entry->id);
        if (a == NULL || a->file_digest != entry->digest) {
            emit_agent_put(e, entry, actor_of(e));
        }
    }
    for (a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        bool listed = false;
        for (uint32_t i = 0; !listed && i < s->agent_count; i++) {
            listed = text_equal(s->agents[i].id, a->id);
        }
        if (!listed && !a->removed && a->digest != 0) {
            remove_agent(e, a);
        }
    }
}

enum refusal_kind step_config_apply(struct engine *e)
{
    const struct config_command *c = &e->command->config;
    struct delivery d = {.kind = ANSWER_CONFIG};
    uint64_t *orphans = NULL;
    size_t orphan_count = 0;
    struct fact f;

    if (!channels_stay(e, c->settings)) {
        return refuse_state(e, TEXT("channel_in_use"),
                            TEXT("a channel that goes has live contacts"));
    }
    if (e->settings != NULL) {
        orphan_count = find_orphans(e, c->settings, &orphans);
    }
    fact_init(&f, FACT_CONFIG_APPLIED);
    f.settings = c->settings;
    f.config.version = e->config_version + 1;
    f.config.digest = c->digest;
    f.config.text = c->text;
    f.config.actor = actor_of(e);
    engine_emit(e, &f);
    d.number = e->config_version;
    answer(e, &d);
    tell_moved_by_config(e, orphans, orphan_count);
    memory_give(orphans);
    apply_file_agents(e, c->settings);
    /* Rules changed for those who wait and those who are free: all look again. */
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        release_reserved(e, a);
        if (!a->removed) {
            agent_is_dirty(e, a);
        }
    }
    return REFUSED_NOT;
}

/* ---- ownership and outages ---- */

enum refusal_kind step_owner_started(struct engine *e)
{
    struct fact f;

    fact_init(&f, FACT_OWNER_STARTED);
    f.owner_started.epoch = e->command->epoch;
    engine_emit(e, &f);
    if (e->settings == NULL) {
        return REFUSED_NOT;
    }
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        release_reserved(e, a);
    }
    return REFUSED_NOT;
}

enum refusal_kind step_owner_continued(struct engine *e)
{
    struct fact f;

    fact_init(&f, FACT_OWNER_CONTINUED);
    f.owner_started.epoch = e->command->epoch;
    engine_emit(e, &f);
    return REFUSED_NOT;
}

enum refusal_kind step_journal_stalled(struct engine *e)
{
    struct fact f;

    fact_init(&f, FACT_JOURNAL_STALLED);
    f.stalled.duration = e->command->stalled;
    engine_emit(e, &f);
    return REFUSED_NOT;
}
