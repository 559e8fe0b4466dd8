#include "router/config_workspace.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/config_table.h"

#define QUEUES_MAX    10000
#define ISSUES_MAX    10000
#define LANGUAGES_MAX 256

/* A queue as written: its promises for all tiers stand beside those of single tiers. */
struct queue_draft {
    struct queue_settings queue; /* first: rows of queue_settings read into it */
    struct targets targets;
};
static_assert(offsetof(struct queue_draft, queue) == 0, "rows count from the queue");

static const char *const words_order[] = {CONFIG_WORDS_ORDER, NULL};
static const char *const words_strategy[] = {CONFIG_WORDS_STRATEGY, NULL};

static void config_read_tiers(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_channels(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_interruptible(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_issues(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_languages(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_queue_defaults(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_queues(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_requires(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_queue_targets(struct config_reader *r, yaml_node_t *node, void *context);

#define SECTION_STRUCT struct settings
static const struct config_row workspace_rows[] = {CONFIG_WORKSPACE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part workspace_parts[] = {CONFIG_WORKSPACE_PARTS(CONFIG_PART)};
const struct config_section config_workspace_section = {
    "A workspace",   "One routing domain. `config.apply` takes exactly this.",
    workspace_rows,  CONFIG_LENGTH(workspace_rows),
    workspace_parts, CONFIG_LENGTH(workspace_parts),
};

#define SECTION_STRUCT struct tier_settings
static const struct config_row tier_rows[] = {CONFIG_TARGETS_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part tier_parts[] = {CONFIG_TIER_PARTS(CONFIG_PART)};
const struct config_section config_tier_section = {
    "tiers",
    "The highest first. Its targets are used where neither queue nor issue says otherwise.",
    tier_rows,
    CONFIG_LENGTH(tier_rows),
    tier_parts,
    CONFIG_LENGTH(tier_parts),
};

#define SECTION_STRUCT struct channel_settings
static const struct config_row channel_rows[] = {CONFIG_CHANNEL_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part channel_parts[] = {CONFIG_CHANNEL_PARTS(CONFIG_PART)};
const struct config_section config_channel_section = {
    "channels",    "At most 16.",
    channel_rows,  CONFIG_LENGTH(channel_rows),
    channel_parts, CONFIG_LENGTH(channel_parts),
};

#define SECTION_STRUCT struct issue_settings
static const struct config_row issue_rows[] = {CONFIG_TARGETS_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part issue_parts[] = {CONFIG_ISSUE_PARTS(CONFIG_PART)};
const struct config_section config_issue_section = {
    "issues",    "A single name stands for an issue without targets of its own.",
    issue_rows,  CONFIG_LENGTH(issue_rows),
    issue_parts, CONFIG_LENGTH(issue_parts),
};

static const struct config_row queue_rows[] = {
#define SECTION_STRUCT struct queue_settings
    CONFIG_QUEUE_ROWS(CONFIG_ROW)
#undef SECTION_STRUCT
#define SECTION_STRUCT struct queue_draft
        CONFIG_TARGETS_ROWS(CONFIG_ROW)
#undef SECTION_STRUCT
};
static const struct config_part queue_parts[] = {CONFIG_QUEUE_PARTS(CONFIG_PART)};
const struct config_section config_queue_section = {
    "queues",
    "`answer`, `progress` and `resolve` are promises for every tier; `targets` has those for "
    "single ones. "
    "What a queue does not promise, the issue does, else the tier.",
    queue_rows,
    CONFIG_LENGTH(queue_rows),
    queue_parts,
    CONFIG_LENGTH(queue_parts),
};

/* Only what can be the same for all queues: the first rows of a queue. */
#define SECTION_STRUCT struct queue_settings
static const struct config_row queue_default_rows[] = {CONFIG_QUEUE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
const struct config_section config_queue_defaults_section = {
    "queue_defaults", NULL, queue_default_rows, CONFIG_LENGTH(queue_default_rows), NULL, 0,
};

#define SECTION_STRUCT struct queue_draft
static const struct config_row targets_rows[] = {CONFIG_TARGETS_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
const struct config_section config_targets_section = {
    "targets", NULL, targets_rows, CONFIG_LENGTH(targets_rows), NULL, 0,
};

/* Lists. */

uint32_t config_item_count(const yaml_node_t *list)
{
    return (uint32_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item_at(struct config_reader *r, const yaml_node_t *list, uint32_t at)
{
    return config_reader_node(r, list->data.sequence.items.start[at]);
}

void config_read_items(struct config_reader *r, yaml_node_t *list, void *into, size_t size,
                       config_item_reader read, struct workspace_draft *draft)
{
    uint32_t count = config_item_count(list);

    for (uint32_t i = 0; i < count; i++) {
        size_t before = config_reader_enter_item(r, i);
        read(r, item_at(r, list, i), (char *)into + i * size, draft);
        config_reader_leave(r, before);
    }
}

/* Take room for a list of named things. Every struct of them begins with its name. NULL when it is
 * no list, or is empty or too long, and for an empty list that is allowed. */
static void *begin_list(struct config_reader *r, const yaml_node_t *node, const char *wanted,
                        uint32_t low, uint32_t high, size_t size, uint32_t *count)
{
    *count = 0;
    if (!config_expect(r, node, YAML_SEQUENCE_NODE, wanted)) {
        return NULL;
    }
    if (config_item_count(node) < low || config_item_count(node) > high) {
        config_complain(r, node, "%u items; %u to %u are allowed", config_item_count(node), low,
                        high);
        return NULL;
    }
    *count = config_item_count(node);
    return *count == 0 ? NULL : settings_alloc(r->settings, *count * size);
}

/* The name of an item: of a map its `name`, of a single word the word itself. */
static bool read_item_name(struct config_reader *r, yaml_node_t *item, struct text *out)
{
    yaml_node_t *name = item;
    struct text words;
    bool good;
    size_t before = r->path_length;

    if (item->type == YAML_MAPPING_NODE) {
        name = config_reader_value(r, item, "name");
        if (name == NULL) {
            return false; /* the section reader complains of it */
        }
        config_reader_enter(r, TEXT("name"));
    }
    good = config_read_name(r, name, &words);
    if (good) {
        *out = settings_text(r->settings, words);
    }
    config_reader_leave(r, before);
    return good;
}

struct sorted_name {
    struct text name;
    uint32_t item;
};

static int compare_sorted(const void *left, const void *right)
{
    const struct sorted_name *a = left;
    const struct sorted_name *b = right;
    int order = text_compare(a->name, b->name);

    return order != 0 ? order : (a->item > b->item) - (a->item < b->item);
}

/* Read the names first, so that everything behind may refer to them, and refuse one given twice. */
static void read_names(struct config_reader *r, const yaml_node_t *list, void *items, size_t size,
                       uint32_t count)
{
    struct sorted_name *names = memory_take((count + 1) * sizeof(*names));

    for (uint32_t i = 0; i < count; i++) {
        size_t before = config_reader_enter_item(r, i);
        struct text *name = (struct text *)(void *)((char *)items + i * size);
        if (!read_item_name(r, item_at(r, list, i), name)) {
            *name = TEXT("");
        }
        names[i] = (struct sorted_name){*name, i};
        config_reader_leave(r, before);
    }
    qsort(names, count, sizeof(*names), compare_sorted);
    for (uint32_t i = 1; i < count; i++) {
        if (names[i].name.length > 0 && text_equal(names[i - 1].name, names[i].name)) {
            size_t before = config_reader_enter_item(r, names[i].item);
            config_complain(r, item_at(r, list, names[i].item),
                            "\"" TEXT_FORMAT "\" is defined already, in line %zu",
                            TEXT_ARGS(names[i].name),
                            item_at(r, list, names[i - 1].item)->start_mark.line + 1);
            config_reader_leave(r, before);
        }
    }
    memory_give(names);
}

/* Tiers, issues, languages. */

static void read_tier(struct config_reader *r, yaml_node_t *item, void *into,
                      struct workspace_draft *draft)
{
    struct tier_settings *tier = into;
    const yaml_node_t *answer;

    config_section_defaults(&config_tier_section, tier);
    if (!config_section_read(r, item, &config_tier_section, tier, draft)) {
        return;
    }
    answer = config_reader_value(r, item, "answer");
    if (answer == NULL || config_scalar_is(answer, "never")) {
        config_complain(r, answer == NULL ? item : answer,
                        "a tier needs \"answer\": the promise that holds where nothing else does");
    }
}

static void config_read_tiers(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;
    struct settings *s = draft->settings;

    s->tiers = begin_list(r, node, "a list of tiers, the highest first", 1, TIERS_MAX,
                          sizeof(*s->tiers), &s->tier_count);
    if (s->tiers != NULL) {
        read_names(r, node, s->tiers, sizeof(*s->tiers), s->tier_count);
        config_read_items(r, node, s->tiers, sizeof(*s->tiers), read_tier, draft);
    }
}

static void read_issue(struct config_reader *r, yaml_node_t *item, void *into,
                       struct workspace_draft *draft)
{
    config_section_defaults(&config_issue_section, into);
    if (item->type != YAML_SCALAR_NODE) {
        config_section_read(r, item, &config_issue_section, into, draft);
    }
}

static void config_read_issues(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;
    struct settings *s = draft->settings;

    s->issues =
        begin_list(r, node, "a list of issues", 0, ISSUES_MAX, sizeof(*s->issues), &s->issue_count);
    if (s->issues != NULL) {
        read_names(r, node, s->issues, sizeof(*s->issues), s->issue_count);
        config_read_items(r, node, s->issues, sizeof(*s->issues), read_issue, draft);
    }
}

static void read_language(struct config_reader *r, yaml_node_t *item, void *into,
                          struct workspace_draft *draft)
{
    const struct text *tag = into;

    (void)draft;
    for (uint32_t i = 0; i < tag->length; i++) {
        char c = tag->bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c != '-' || i == 0 || i + 1 == tag->length)) {
            config_complain(r, item, "\"" TEXT_FORMAT "\" is no language tag (en, zh-Hans, pt-BR)",
                            TEXT_ARGS(*tag));
            return;
        }
    }
}

static void config_read_languages(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;
    struct settings *s = draft->settings;

    s->languages = begin_list(r, node, "a list of language tags", 0, LANGUAGES_MAX,
                              sizeof(*s->languages), &s->language_count);
    if (s->languages != NULL) {
        read_names(r, node, s->languages, sizeof(*s->languages), s->language_count);
        config_read_items(r, node, s->languages, sizeof(*s->languages), read_language, draft);
    }
}

/* Channels. */

static void config_read_interruptible(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct channel_settings *channel = context;
    uint32_t count;

    if (!config_expect(r, node, YAML_SEQUENCE_NODE, "a list of channels")) {
        return;
    }
    count = config_item_count(node);
    for (uint32_t i = 0; i < count; i++) {
        size_t before = config_reader_enter_item(r, i);
        uint32_t other = config_read_channel(r, item_at(r, node, i));
        if (other != UINT32_MAX) {
            channel->interruptible_by |= UINT32_C(1) << other;
        }
        config_reader_leave(r, before);
    }
}

static void read_channel(struct config_reader *r, yaml_node_t *item, void *into,
                         struct workspace_draft *draft)
{
    (void)draft;
    config_section_defaults(&config_channel_section, into);
    if (item->type != YAML_SCALAR_NODE) {
        config_section_read(r, item, &config_channel_section, into, into);
    }
}

static void config_read_channels(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;
    struct settings *s = draft->settings;

    s->channels = begin_list(r, node, "a list of channels", 1, CHANNELS_MAX, sizeof(*s->channels),
                             &s->channel_count);
    if (s->channels != NULL) {
        read_names(r, node, s->channels, sizeof(*s->channels), s->channel_count);
        config_read_items(r, node, s->channels, sizeof(*s->channels), read_channel, draft);
    }
}

/* Queues. */

struct skill_level *config_read_skill_levels(struct config_reader *r, yaml_node_t *node,
                                             uint32_t *count)
{
    struct skill_level *skills;
    uint32_t at = 0;

    *count = 0;
    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map of skill to level")) {
        return NULL;
    }
    at = (uint32_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    if (at > SKILLS_PER_SET) {
        config_complain(r, node, "%u skills; at most %d are allowed", at, SKILLS_PER_SET);
        return NULL;
    }
    if (at == 0) {
        return NULL;
    }
    skills = settings_alloc(r->settings, at * sizeof(*skills));
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_reader_node(r, pair->key);
        size_t before = config_reader_enter(r, config_scalar_text(key));
        struct text name;
        int64_t level;
        if (config_read_name(r, key, &name) &&
            config_read_integer(r, config_reader_node(r, pair->value), 1, SKILL_LEVEL_MAX,
                                &level)) {
            skills[*count].skill = settings_text(r->settings, name);
            skills[(*count)++].level = (uint8_t)level;
        }
        config_reader_leave(r, before);
    }
    return skills;
}

static void config_read_requires(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct queue_draft *q = context;

    q->queue.required = config_read_skill_levels(r, node, &q->queue.required_count);
}

static void config_read_queue_targets(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct queue_draft *q = context;

    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map of tier to targets")) {
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_reader_node(r, pair->key);
        size_t before = config_reader_enter(r, config_scalar_text(key));
        uint32_t tier = config_read_reference(r, key, CONFIG_TIER);
        struct queue_draft only;
        config_section_defaults(&config_targets_section, &only);
        config_section_read(r, config_reader_node(r, pair->value), &config_targets_section, &only,
                            NULL);
        if (tier != UINT32_MAX) {
            q->queue.by_tier[tier] = only.targets;
        }
        config_reader_leave(r, before);
    }
}

static duration_ms first_promise(duration_ms special, duration_ms general)
{
    return special != DURATION_NONE ? special : general;
}

static void read_queue(struct config_reader *r, yaml_node_t *item, void *into,
                       struct workspace_draft *draft)
{
    struct queue_settings *queue = into;
    struct queue_draft q;
    uint32_t tiers = draft->settings->tier_count;

    config_section_defaults(&config_queue_section, &q);
    q.queue = draft->queue_defaults;
    q.queue.name = queue->name;
    /* The queue that all others escalate to by default is not meant itself. */
    if (q.queue.escalation == queue - draft->settings->queues) {
        q.queue.escalation = INDEX_NONE16;
    }
    if (q.queue.overflow == queue - draft->settings->queues) {
        q.queue.overflow = INDEX_NONE16;
    }
    q.queue.by_tier = settings_alloc(draft->settings, (tiers + 1) * sizeof(*q.queue.by_tier));
    for (uint32_t i = 0; i < tiers; i++) {
        q.queue.by_tier[i] = (struct targets){DURATION_NONE, DURATION_NONE, DURATION_NONE};
    }
    if (item->type != YAML_SCALAR_NODE) {
        config_section_read(r, item, &config_queue_section, &q, &q);
    }
    for (uint32_t i = 0; i < tiers; i++) {
        struct targets *t = &q.queue.by_tier[i];
        t->answer = first_promise(t->answer, q.targets.answer);
        t->progress = first_promise(t->progress, q.targets.progress);
        t->resolve = first_promise(t->resolve, q.targets.resolve);
    }
    *queue = q.queue;
}

/* Defaults may name queues, so they are read when the names of the queues are known. */
static void config_read_queue_defaults(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;

    if (config_expect(r, node, YAML_MAPPING_NODE, "a map")) {
        draft->queue_defaults_node = node;
    }
}

static void read_noted_defaults(struct config_reader *r, struct workspace_draft *draft)
{
    config_reader_leave(r, draft->path_length);
    config_reader_enter(r, TEXT("queue_defaults"));
    config_section_read(r, draft->queue_defaults_node, &config_queue_defaults_section,
                        &draft->queue_defaults, draft);
    config_reader_leave(r, draft->path_length);
    config_reader_enter(r, TEXT("queues"));
}

/* A contact that goes round in a circle of full queues would never arrive. */
static void refuse_circles(struct config_reader *r, const yaml_node_t *list,
                           const struct settings *s)
{
    for (uint32_t i = 0; i < s->queue_count; i++) {
        queue_index at = s->queues[i].overflow;
        uint32_t steps = 0;
        size_t before = config_reader_enter_item(r, i);
        while (at != INDEX_NONE16 && at != i && steps++ <= s->queue_count) {
            at = s->queues[at].overflow;
        }
        if (at == i) {
            config_complain(r, item_at(r, list, i), "its overflow comes back to the queue itself");
        }
        if (s->queues[i].escalation == i) {
            config_complain(r, item_at(r, list, i), "it escalates to itself");
        }
        config_reader_leave(r, before);
    }
}

static void config_read_queues(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;
    struct settings *s = draft->settings;

    s->queues =
        begin_list(r, node, "a list of queues", 1, QUEUES_MAX, sizeof(*s->queues), &s->queue_count);
    if (s->queues == NULL) {
        return;
    }
    read_names(r, node, s->queues, sizeof(*s->queues), s->queue_count);
    if (draft->queue_defaults_node != NULL) {
        read_noted_defaults(r, draft);
    }
    config_read_items(r, node, s->queues, sizeof(*s->queues), read_queue, draft);
    refuse_circles(r, node, s);
}

/* The whole. */

static void complain_of_rule(void *context, const struct ruleset_problem *problem)
{
    config_complain_at(context, problem->place.line, problem->place.column, "%s", problem->words);
}

/* Compile as much as can be, even when something else is wrong already: all problems in one go. */
static struct ruleset *compile(struct config_reader *r, const struct workspace_draft *draft)
{
    size_t before = r->path_length;
    struct ruleset *ruleset;

    if (draft->settings->tier_count == 0 || draft->settings->queue_count == 0) {
        return NULL;
    }
    config_reader_enter(r, TEXT("classification"));
    config_reader_enter(r, TEXT("issue_rules"));
    ruleset = ruleset_compile(&draft->rules, draft->settings, complain_of_rule, r);
    config_reader_leave(r, before);
    return ruleset;
}

static void fill_in(struct workspace_draft *draft)
{
    struct settings *s = draft->settings;

    if (s->default_queue == INDEX_NONE16) {
        s->default_queue = 0;
    }
    if (draft->rules.default_tier == INDEX_NONE8 && s->tier_count > 0) {
        draft->rules.default_tier = (tier_index)(s->tier_count - 1);
    }
    if (draft->rules.default_language == INDEX_NONE16 && s->language_count > 0) {
        draft->rules.default_language = 0;
    }
}

struct workspace_config *config_workspace_read(struct config_reader *r, yaml_node_t *node,
                                               struct text name)
{
    struct workspace_draft draft = {.settings = settings_create(), .path_length = r->path_length};
    struct workspace_config *w = NULL;
    struct ruleset *ruleset;
    struct text document;

    r->settings = draft.settings;
    config_section_defaults(&config_workspace_section, draft.settings);
    config_section_defaults(&config_queue_defaults_section, &draft.queue_defaults);
    config_rules_defaults(&draft);
    config_section_read(r, node, &config_workspace_section, draft.settings, &draft);
    fill_in(&draft);
    ruleset = compile(r, &draft);
    if (!r->wrong) {
        assert(ruleset != NULL);
        document = config_canonical(r, node);
        w = memory_take(sizeof(*w));
        w->references = 1;
        w->settings = draft.settings;
        w->ruleset = ruleset;
        w->document = document;
        w->digest = config_digest(document);
        w->name = (struct text){
            memory_copy(name.length == 0 ? "" : name.bytes, name.length == 0 ? 1 : name.length),
            name.length};
    } else {
        ruleset_release(ruleset);
        settings_release(draft.settings);
    }
    r->settings = NULL;
    arena_close(&draft.arena);
    return w;
}
