/* The agents of a workspace. */
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/config_table.h"
#include "router/config_workspace.h"

#define AGENTS_MAX 200000

static void config_read_skills(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_agent_max(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_agent_queues(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_agent_ranks(struct config_reader *r, yaml_node_t *node, void *context);

#define SECTION_STRUCT struct agent_settings
static const struct config_row agent_rows[] = {CONFIG_AGENT_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part agent_parts[] = {CONFIG_AGENT_PARTS(CONFIG_PART)};
const struct config_section config_agent_section = {
    "agents",    "Agents may also be made by `agent.put`.",
    agent_rows,  CONFIG_LENGTH(agent_rows),
    agent_parts, CONFIG_LENGTH(agent_parts),
};

static uint32_t pair_count(const yaml_node_t *map)
{
    return (uint32_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static void config_read_skills(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct agent_settings *agent = context;

    agent->skills = config_read_skill_levels(r, node, &agent->skill_count);
}

static void config_read_agent_max(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct agent_settings *agent = context;

    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map of channel to count")) {
        return;
    }
    agent->max = settings_alloc(r->settings, (pair_count(node) + 1) * sizeof(*agent->max));
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_reader_node(r, pair->key);
        size_t before = config_reader_enter(r, config_scalar_text(key));
        uint32_t channel = config_read_channel(r, key);
        int64_t contacts;
        if (config_read_integer(r, config_reader_node(r, pair->value), 0, 1000000, &contacts) &&
            channel != UINT32_MAX) {
            agent->max[agent->max_count++] =
                (struct agent_channel_max){r->settings->channels[channel].name, (uint32_t)contacts};
        }
        config_reader_leave(r, before);
    }
}

static struct agent_queue *find_queue(struct agent_settings *agent, struct text name)
{
    for (uint32_t i = 0; i < agent->queue_count; i++) {
        if (text_equal(agent->queues[i].queue, name)) {
            return &agent->queues[i];
        }
    }
    return NULL;
}

static void config_read_agent_queues(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct agent_settings *agent = context;

    if (config_scalar_is(node, "all")) {
        return;
    }
    if (!config_expect(r, node, YAML_SEQUENCE_NODE, "the word all, or a list of queues")) {
        return;
    }
    agent->all_queues = false;
    agent->queues =
        settings_alloc(r->settings, (config_item_count(node) + 1) * sizeof(*agent->queues));
    for (uint32_t i = 0; i < config_item_count(node); i++) {
        const yaml_node_t *item = config_reader_node(r, node->data.sequence.items.start[i]);
        size_t before = config_reader_enter_item(r, i);
        uint32_t queue = config_read_reference(r, item, CONFIG_QUEUE);
        if (queue != UINT32_MAX && find_queue(agent, r->settings->queues[queue].name) != NULL) {
            config_complain(r, item, "this queue is listed already");
        } else if (queue != UINT32_MAX) {
            agent->queues[agent->queue_count++].queue = r->settings->queues[queue].name;
        }
        config_reader_leave(r, before);
    }
}

/* Behind the queues: a rank is for a queue that it serves. */
static void config_read_agent_ranks(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct agent_settings *agent = context;

    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map of queue to number")) {
        return;
    }
    if (agent->all_queues) {
        agent->queues =
            settings_alloc(r->settings, (pair_count(node) + 1) * sizeof(*agent->queues));
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_reader_node(r, pair->key);
        size_t before = config_reader_enter(r, config_scalar_text(key));
        uint32_t queue = config_read_reference(r, key, CONFIG_QUEUE);
        struct agent_queue *served = NULL;
        int64_t rank;
        if (queue != UINT32_MAX) {
            struct text name = r->settings->queues[queue].name;
            if (agent->all_queues) {
                served = &agent->queues[agent->queue_count++];
                served->queue = name;
            } else {
                served = find_queue(agent, name);
            }
            if (served == NULL) {
                config_complain(r, key, "the agent does not serve this queue");
            }
        }
        if (config_read_integer(r, config_reader_node(r, pair->value), 0, 1000000, &rank) &&
            served != NULL) {
            served->rank = (uint32_t)rank;
        }
        config_reader_leave(r, before);
    }
}

static void read_agent(struct config_reader *r, yaml_node_t *item, void *into,
                       struct workspace_draft *draft)
{
    struct agent_settings *agent = into;
    const yaml_node_t *id;
    struct text words;
    struct text canonical;

    (void)draft;
    config_section_defaults(&config_agent_section, agent);
    agent->all_queues = true;
    if (!config_section_read(r, item, &config_agent_section, agent, agent)) {
        return;
    }
    id = config_reader_value(r, item, "id");
    if (id != NULL) {
        size_t before = config_reader_enter(r, TEXT("id"));
        if (config_read_text(r, id, 1, ID_BYTES_MAX, &words)) {
            agent->id = settings_text(r->settings, words);
        }
        config_reader_leave(r, before);
    }
    canonical = config_canonical(r, item);
    agent->digest = config_digest(canonical);
    memory_give((void *)(uintptr_t)canonical.bytes);
}

struct sorted_agent {
    struct text id;
    uint32_t item;
};

static int compare_agents(const void *left, const void *right)
{
    const struct sorted_agent *a = left;
    const struct sorted_agent *b = right;
    int order = text_compare(a->id, b->id);

    return order != 0 ? order : (a->item > b->item) - (a->item < b->item);
}

static void refuse_same_ids(struct config_reader *r, const yaml_node_t *list,
                            const struct settings *s)
{
    struct sorted_agent *sorted = memory_take((s->agent_count + 1) * sizeof(*sorted));

    for (uint32_t i = 0; i < s->agent_count; i++) {
        sorted[i] = (struct sorted_agent){s->agents[i].id, i};
    }
    qsort(sorted, s->agent_count, sizeof(*sorted), compare_agents);
    for (uint32_t i = 1; i < s->agent_count; i++) {
        if (sorted[i].id.length > 0 && text_equal(sorted[i].id, sorted[i - 1].id)) {
            const int *items = list->data.sequence.items.start;
            size_t before = config_reader_enter_item(r, sorted[i].item);
            config_complain(r, config_reader_node(r, items[sorted[i].item]),
                            "the agent \"" TEXT_FORMAT "\" is defined already, in line %zu",
                            TEXT_ARGS(sorted[i].id),
                            config_reader_node(r, items[sorted[i - 1].item])->start_mark.line + 1);
            config_reader_leave(r, before);
        }
    }
    memory_give(sorted);
}

void config_read_agents(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;
    struct settings *s = draft->settings;

    if (!config_expect(r, node, YAML_SEQUENCE_NODE, "a list of agents")) {
        return;
    }
    if (config_item_count(node) > AGENTS_MAX) {
        config_complain(r, node, "%u agents; at most %d are allowed", config_item_count(node),
                        AGENTS_MAX);
        return;
    }
    s->agent_count = config_item_count(node);
    if (s->agent_count > 0) {
        s->agents = settings_alloc(s, s->agent_count * sizeof(*s->agents));
        config_read_items(r, node, s->agents, sizeof(*s->agents), read_agent, draft);
        refuse_same_ids(r, node, s);
    }
}
