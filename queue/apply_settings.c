/* New settings: the indexes of the old ones are read in the new, and everything derived is made
 * anew. */
#include "queue/state.h"

/* How the indexes of the old settings read in the new ones. */
struct renumbering {
    queue_index *queue;
    tier_index tier[TIERS_MAX];
    channel_index channel[CHANNELS_MAX];
    issue_index *issue;
    language_index *language;
};

static void renumber_init(struct renumbering *r, const struct settings *old,
                          const struct settings *new)
{
    r->queue = memory_take((old->queue_count + 1u) * sizeof(r->queue[0]));
    r->issue = memory_take((old->issue_count + 1u) * sizeof(r->issue[0]));
    r->language = memory_take((old->language_count + 1u) * sizeof(r->language[0]));
    for (uint32_t i = 0; i < old->queue_count; i++) {
        r->queue[i] = settings_find_queue(new, old->queues[i].name);
        if (r->queue[i] == INDEX_NONE16) {
            r->queue[i] = new->default_queue; /* its contacts wait there from now */
        }
    }
    for (uint32_t i = 0; i < old->tier_count; i++) {
        r->tier[i] = settings_find_tier(new, old->tiers[i].name);
        if (r->tier[i] == INDEX_NONE8) {
            r->tier[i] = (tier_index)(new->tier_count - 1);
        }
    }
    for (uint32_t i = 0; i < old->channel_count; i++) {
        r->channel[i] = settings_find_channel(new, old->channels[i].name);
        if (r->channel[i] == INDEX_NONE8) {
            r->channel[i] = 0; /* only of what has ended: step refuses it for what lives */
        }
    }
    for (uint32_t i = 0; i < old->issue_count; i++) {
        r->issue[i] = settings_find_issue(new, old->issues[i].name);
    }
    for (uint32_t i = 0; i < old->language_count; i++) {
        r->language[i] = settings_find_language(new, old->languages[i]);
    }
}

static void renumber_terms(void *context, struct terms *t)
{
    const struct renumbering *r = context;

    t->queue = r->queue[t->queue];
    t->tier = r->tier[t->tier];
    t->channel = r->channel[t->channel];
    t->issue = t->issue != INDEX_NONE16 ? r->issue[t->issue] : INDEX_NONE16;
    t->language = t->language != INDEX_NONE16 ? r->language[t->language] : INDEX_NONE16;
}

static void renumber_contact(const struct renumbering *r, struct contact *c)
{
    if (c->extras != 0) {
        struct contact_extras *x = near_at_known(c, c->extras);
        x->from_queue = x->from_queue != INDEX_NONE16 ? r->queue[x->from_queue] : INDEX_NONE16;
    }
    if (c->history != 0) {
        history_renumber(block_at(c, c->history), r->queue);
    }
}

static void renumber_agent(const struct renumbering *r, struct agent *a)
{
    uint16_t holds[CHANNELS_MAX] = {0};

    for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
        holds[r->channel[i]] = (uint16_t)(holds[r->channel[i]] + a->holds[i]);
    }
    memcpy(a->holds, holds, sizeof(holds));
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        o->channel = r->channel[o->channel];
    }
}

static void renumber(struct engine *e, const struct settings *old, const struct settings *new)
{
    struct renumbering r;
    struct near_list *const lists[2] = {&e->arrival, &e->lingering};

    memset(&r, 0, sizeof(r));
    renumber_init(&r, old, new);
    terms_renumber(&e->terms, renumber_terms, &r);
    for (int i = 0; i < 2; i++) {
        for (struct near_node *n = near_list_first(lists[i]); n != NULL; n = near_list_next(n)) {
            renumber_contact(&r, record_of(n, struct contact, in_arrival));
        }
    }
    stories_renumber(&e->stories, r.queue);
    for (struct tombstone *t = tombstone_first(&e->ended); t != NULL;
         t = tombstone_next(&e->ended, t)) {
        t->queue = r.queue[t->queue];
        t->tier = r.tier[t->tier];
        t->channel = r.channel[t->channel];
        t->issue = t->issue != INDEX_NONE16 ? r.issue[t->issue] : INDEX_NONE16;
        t->language = t->language != INDEX_NONE16 ? r.language[t->language] : INDEX_NONE16;
    }
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        renumber_agent(&r, a);
    }
    memory_give(r.queue);
    memory_give(r.issue);
    memory_give(r.language);
}

/* Everything derived goes and is made anew, so rules that changed hold for who waits already. */
void apply_settings(struct engine *e, struct settings *settings)
{
    struct settings *old = e->settings;
    struct pace_kept *paces = NULL;

    checkpoint_before_all(e);
    settings_retain(settings);
    if (old != NULL) {
        for (struct near_node *n = near_list_first(&e->arrival); n != NULL; n = near_list_next(n)) {
            struct contact *c = record_of(n, struct contact, in_arrival);
            if (c->state == CONTACT_WAITING) {
                skill_queue_remove(e, c);
            }
        }
        for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
            profile_leave(e, a);
        }
        paces = paces_keep(e);
        skill_queues_close(e);
        renumber(e, old, settings);
    }
    e->settings = settings;
    service_level_settings(e);
    skill_queues_open(e);
    paces_restore(e, paces);
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        agent_serve(e, a);
    }
    for (struct near_node *n = near_list_first(&e->arrival); n != NULL; n = near_list_next(n)) {
        struct contact *c = record_of(n, struct contact, in_arrival);
        e->queues[contact_queue(c)].count[c->state]++;
        if (c->state == CONTACT_WAITING) {
            skill_queue_push(e, c);
        }
        contact_arm(e, c);
    }
    if (old != NULL) {
        settings_release(old);
    }
}
