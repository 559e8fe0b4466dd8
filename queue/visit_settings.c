/* Settings as the walk over the durable state sees them. */
#include "queue/visit.h"

static void visit_targets(struct visitor *v, struct targets *t)
{
    visit_i64(v, &t->answer);
    visit_i64(v, &t->progress);
    visit_i64(v, &t->resolve);
}

static void settings_own(struct visitor *v, struct settings *s, struct text *t)
{
    visit_text(v, t);
    if (v->mode == VISIT_LOAD && t->bytes != NULL) {
        *t = settings_text(s, *t);
    }
}

static void *settings_array(struct visitor *v, struct settings *s, uint32_t *count, void *items,
                            size_t size)
{
    *count = visit_count(v, *count, 1);
    return v->mode == VISIT_LOAD ? settings_alloc(s, (*count + 1) * size) : items;
}

static void visit_queue_settings(struct visitor *v, struct settings *s, struct queue_settings *q)
{
    uint8_t order = (uint8_t)q->order;
    uint8_t strategy = (uint8_t)q->strategy;
    uint32_t tiers = s->tier_count;

    settings_own(v, s, &q->name);
    visit_u8(v, &order);
    visit_u8(v, &strategy);
    q->order = (enum queue_order)order;
    q->strategy = (enum strategy)strategy;
    q->required = settings_array(v, s, &q->required_count, q->required, sizeof(*q->required));
    for (uint32_t i = 0; i < q->required_count; i++) {
        settings_own(v, s, &q->required[i].skill);
        visit_u8(v, &q->required[i].level);
    }
    if (v->mode == VISIT_LOAD) {
        q->by_tier = settings_alloc(s, (tiers + 1) * sizeof(*q->by_tier));
    }
    for (uint32_t i = 0; i < tiers; i++) {
        struct targets none = {DURATION_NONE, DURATION_NONE, DURATION_NONE};
        visit_targets(v, q->by_tier != NULL ? &q->by_tier[i] : &none);
    }
    visit_i64(v, &q->wrap_up);
    visit_i64(v, &q->answer_clock);
    visit_i64(v, &q->delivery_clock);
    visit_i64(v, &q->preferred_hold);
    visit_i64(v, &q->cool_down);
    visit_i64(v, &q->expires);
    visit_i64(v, &q->short_abandon);
    visit_u32(v, &q->waiting_max);
    visit_u32(v, &q->attempts_max);
    visit_u16(v, &q->escalation);
    visit_u16(v, &q->overflow);
}

static void visit_lists(struct visitor *v, struct settings *s)
{
    s->tiers = settings_array(v, s, &s->tier_count, s->tiers, sizeof(*s->tiers));
    for (uint32_t i = 0; i < s->tier_count; i++) {
        settings_own(v, s, &s->tiers[i].name);
        visit_targets(v, &s->tiers[i].targets);
    }
    s->channels = settings_array(v, s, &s->channel_count, s->channels, sizeof(*s->channels));
    for (uint32_t i = 0; i < s->channel_count; i++) {
        settings_own(v, s, &s->channels[i].name);
        visit_u32(v, &s->channels[i].units);
        visit_u32(v, &s->channels[i].max_per_agent);
        visit_u32(v, &s->channels[i].interruptible_by);
    }
    s->issues = settings_array(v, s, &s->issue_count, s->issues, sizeof(*s->issues));
    for (uint32_t i = 0; i < s->issue_count; i++) {
        settings_own(v, s, &s->issues[i].name);
        visit_targets(v, &s->issues[i].targets);
    }
    s->languages = settings_array(v, s, &s->language_count, s->languages, sizeof(*s->languages));
    for (uint32_t i = 0; i < s->language_count; i++) {
        settings_own(v, s, &s->languages[i]);
    }
    v->bad = v->bad || s->tier_count > TIERS_MAX || s->channel_count > CHANNELS_MAX;
    s->queues = settings_array(v, s, &s->queue_count, s->queues, sizeof(*s->queues));
    for (uint32_t i = 0; !v->bad && i < s->queue_count; i++) {
        visit_queue_settings(v, s, &s->queues[i]);
    }
}

void visit_settings(struct visitor *v, struct settings **settings)
{
    struct settings *s = v->mode == VISIT_LOAD ? settings_create() : *settings;

    visit_lists(v, s);
    visit_u16(v, &s->default_queue);
    visit_u32(v, &s->agent_units);
    visit_u32(v, &s->max_misses);
    visit_i64(v, &s->missed_return);
    visit_i64(v, &s->grace);
    visit_i64(v, &s->at_risk);
    visit_i64(v, &s->id_kept);
    visit_i64(v, &s->rating_kept);
    visit_u32(v, &s->contacts_max);
    visit_u32(v, &s->bodies_bytes_max);
    visit_u32(v, &s->tombstones_max);
    visit_i64(v, &s->received_bound);
    visit_i64(v, &s->fairness_window);
    visit_i64(v, &s->statistics_window);
    visit_i64(v, &s->statistics_interval);
    visit_i64(v, &s->statistics_kept);
    *settings = s;
}
