#include "bench/micro_center.h"

#include <stdio.h>

static struct settings *micro_center_settings(const struct micro_center *c)
{
    static const duration_ms answer_within[] = {20000, 60000, 120000};
    static const char *const tiers[] = {"vip", "gold", "standard"};
    struct settings *s = settings_create();
    char name[16];

    s->tier_count = MICRO_CENTER_TIERS;
    s->tiers = settings_alloc(s, s->tier_count * sizeof(s->tiers[0]));
    for (uint32_t i = 0; i < s->tier_count; i++) {
        s->tiers[i].name = text_from(tiers[i]);
        s->tiers[i].targets = (struct targets){answer_within[i], DURATION_NONE, DURATION_NONE};
    }
    s->channel_count = 1;
    s->channels = settings_alloc(s, sizeof(s->channels[0]));
    s->channels[0] = (struct channel_settings){.name = TEXT("email"), .units = 1};
    s->queue_count = c->queues;
    s->queues = settings_alloc(s, s->queue_count * sizeof(s->queues[0]));
    for (uint32_t i = 0; i < s->queue_count; i++) {
        struct queue_settings *q = &s->queues[i];

        snprintf(name, sizeof(name), "q%u", i);
        q->name = settings_text(s, text_from(name));
        q->by_tier = settings_alloc(s, s->tier_count * sizeof(q->by_tier[0]));
        for (uint32_t t = 0; t < s->tier_count; t++) {
            q->by_tier[t] = (struct targets){DURATION_NONE, DURATION_NONE, DURATION_NONE};
        }
        q->answer_clock = 15000;
        q->delivery_clock = 3000;
        q->expires = DURATION_NONE;
        q->escalation = q->overflow = INDEX_NONE16;
    }
    s->default_queue = 0;
    s->agent_units = c->at_once;
    s->max_misses = 1;
    s->grace = 30000;
    s->id_kept = 86400000;
    s->rating_kept = 86400000;
    s->tombstones_max = c->ended;
    s->received_bound = 3600000;
    s->fairness_window = 3600000;
    s->statistics_window = 1800000;
    s->statistics_interval = 60000;
    s->statistics_kept = 86400000;
    return s;
}

static void micro_center_step(struct engine *e, struct command *c, engine_time now)
{
    c->time = now;
    (void)engine_step(e, c);
}

static void micro_center_hire(struct engine *e, uint32_t number, engine_time now)
{
    struct command c = {.kind = COMMAND_AGENT_PUT};
    char name[16];

    snprintf(name, sizeof(name), "a%u", number);
    c.agent_put.id = text_from(name);
    c.agent_put.all_queues = true;
    micro_center_step(e, &c, now);
    c = (struct command){.kind = COMMAND_SIGN_IN};
    c.caller = (struct caller){.session = number, .role = CALLER_AGENT, .request = 1};
    c.sign_in.agent = text_from(name);
    c.sign_in.state_given = c.sign_in.available = true;
    micro_center_step(e, &c, now);
}

void micro_center_open(struct engine *e, const struct micro_center *center, engine_time now)
{
    struct command c = {.kind = COMMAND_OWNER_STARTED};
    struct settings *settings = micro_center_settings(center);

    c.epoch = 1;
    micro_center_step(e, &c, now);
    c = (struct command){.kind = COMMAND_CONFIG_APPLY};
    c.config.settings = settings;
    c.config.digest = 1;
    c.config.text = TEXT("made by switchboard-bench");
    micro_center_step(e, &c, now);
    settings_release(settings);
    for (uint32_t i = 1; i <= center->agents; i++) {
        micro_center_hire(e, i, now);
    }
    c = (struct command){.kind = COMMAND_CONNECTOR_ATTACHED};
    c.connector.name = TEXT("bench");
    c.connector.attachment = e; /* anything: it is nobody's to look at */
    micro_center_step(e, &c, now);
}

struct command micro_center_submission(const struct engine *e, const struct micro_center *center,
                                       uint64_t number, struct text id, struct text text)
{
    struct command c = {.kind = COMMAND_SUBMIT};

    c.caller = (struct caller){.session = MICRO_CENTER_SHOP,
                               .request = number,
                               .role = CALLER_CONNECTOR,
                               .name = TEXT("bench")};
    c.submit.id = id;
    c.submit.classified.version = engine_config_version(e);
    c.submit.classified.tier = (tier_index)(number % MICRO_CENTER_TIERS);
    c.submit.classified.issue = INDEX_NONE16;
    c.submit.classified.language = INDEX_NONE16;
    c.submit.classified.queue = (queue_index)(number % center->queues);
    c.submit.customer = TEXT("c-00000001");
    c.submit.text = text;
    c.submit.received_at = TIME_NEVER;
    c.submit.not_before_at = SCHEDULE_NONE;
    c.submit.expires = DURATION_NONE;
    c.submit.lost = DURATION_NONE;
    return c;
}
