/* The classification of a workspace: tier rules, issue rules, routes. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/config_table.h"
#include "router/config_workspace.h"

#define RULES_MAX           50000
#define ATTRIBUTE_BYTES_MAX 1024

static void config_read_tier_rules(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_issue_rules(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_routes(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_phrases(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_patterns(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_all(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_none(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_tier(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_issue(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_language(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_channel(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_customer_id(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_customer(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_when_attributes(struct config_reader *r, yaml_node_t *node, void *context);

#define SECTION_STRUCT struct rules
static const struct config_row classification_rows[] = {CONFIG_CLASSIFICATION_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part classification_parts[] = {CONFIG_CLASSIFICATION_PARTS(CONFIG_PART)};
const struct config_section config_classification_section = {
    "classification",
    "How a contact's language, tier, issue and queue are found, in this order. The connector's "
    "word comes first; a "
    "word that the workspace does not know is as if absent.",
    classification_rows,
    CONFIG_LENGTH(classification_rows),
    classification_parts,
    CONFIG_LENGTH(classification_parts),
};

#define SECTION_STRUCT struct tier_rule
static const struct config_row tier_rule_rows[] = {CONFIG_TIER_RULE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part tier_rule_parts[] = {CONFIG_CONDITION_PARTS(CONFIG_PART)};
const struct config_section config_tier_rule_section = {
    "tier_rules",
    "All conditions must hold. An attribute is compared with a value, a list of values, or a map "
    "of tests:",
    tier_rule_rows,
    CONFIG_LENGTH(tier_rule_rows),
    tier_rule_parts,
    CONFIG_LENGTH(tier_rule_parts),
};

#define SECTION_STRUCT struct issue_rule
static const struct config_row issue_rule_rows[] = {CONFIG_ISSUE_RULE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part issue_rule_parts[] = {CONFIG_ISSUE_RULE_PARTS(
    CONFIG_PART) CONFIG_CONDITION_TIER_PART(CONFIG_PART) CONFIG_CONDITION_PARTS(CONFIG_PART)};
const struct config_section config_issue_rule_section = {
    "issue_rules",
    "Points are summed up for each issue; the most win, and where they are equal the issue that "
    "`issues` names "
    "first. Text is compared in plain form: any case, full-width as half-width, white space as one "
    "space.",
    issue_rule_rows,
    CONFIG_LENGTH(issue_rule_rows),
    issue_rule_parts,
    CONFIG_LENGTH(issue_rule_parts),
};

#define SECTION_STRUCT struct route
static const struct config_row route_rows[] = {CONFIG_ROUTE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part route_parts[] = {CONFIG_CONDITION_TIER_PART(
    CONFIG_PART) CONFIG_CONDITION_ISSUE_PART(CONFIG_PART) CONFIG_CONDITION_PARTS(CONFIG_PART)};
const struct config_section config_route_section = {
    "routes",    "A route without conditions takes everything.",
    route_rows,  CONFIG_LENGTH(route_rows),
    route_parts, CONFIG_LENGTH(route_parts),
};

/* The context of the parts of one rule. */
struct rule_reader {
    struct workspace_draft *draft;
    struct conditions *when;
    struct issue_rule *issue_rule; /* NULL in other rules */
};

void config_rules_defaults(struct workspace_draft *draft)
{
    config_section_defaults(&config_classification_section, &draft->rules);
}

/* Phrases. */

static struct rule_words *read_words(struct config_reader *r, yaml_node_t *node,
                                     struct rule_reader *rule, uint32_t bytes_max, uint32_t *count)
{
    struct rule_words *words;

    *count = 0;
    if (!config_expect(r, node, YAML_SEQUENCE_NODE, "a list of texts")) {
        return NULL;
    }
    words = arena_take_array(&rule->draft->arena, config_item_count(node), sizeof(*words));
    for (uint32_t i = 0; i < config_item_count(node); i++) {
        const yaml_node_t *item = config_reader_node(r, node->data.sequence.items.start[i]);
        size_t before = config_reader_enter_item(r, i);
        if (config_read_text(r, item, 1, bytes_max, &words[*count].words)) {
            words[(*count)++].place = (struct rule_place){(uint32_t)item->start_mark.line + 1,
                                                          (uint32_t)item->start_mark.column + 1};
        }
        config_reader_leave(r, before);
    }
    return words;
}

static void config_read_phrases(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->issue_rule->phrases =
        read_words(r, node, rule, PHRASE_BYTES_MAX + 2, &rule->issue_rule->phrase_count);
}

static void config_read_patterns(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->issue_rule->patterns =
        read_words(r, node, rule, PATTERN_BYTES_MAX, &rule->issue_rule->pattern_count);
}

static void config_read_all(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->issue_rule->all =
        read_words(r, node, rule, PHRASE_BYTES_MAX + 2, &rule->issue_rule->all_count);
}

static void config_read_none(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->issue_rule->none =
        read_words(r, node, rule, PHRASE_BYTES_MAX + 2, &rule->issue_rule->none_count);
}

/* Conditions. */

/* One name or a list of them, as indexes of 8 or 16 bits. */
static void *read_indexes(struct config_reader *r, yaml_node_t *node, struct rule_reader *rule,
                          enum config_type type, size_t width, uint32_t *count)
{
    bool list = node->type == YAML_SEQUENCE_NODE;
    uint32_t items = list ? config_item_count(node) : 1;
    unsigned char *indexes = arena_take_array(&rule->draft->arena, items, width);

    *count = 0;
    if (items == 0) {
        config_complain(r, node, "an empty list never holds");
    }
    for (uint32_t i = 0; i < items; i++) {
        const yaml_node_t *item =
            list ? config_reader_node(r, node->data.sequence.items.start[i]) : node;
        size_t before = r->path_length;
        uint32_t index;
        if (list) {
            config_reader_enter_item(r, i);
        }
        index = type == CONFIG_WORD ? config_read_channel(r, item)
                                    : config_read_reference(r, item, type);
        if (index != UINT32_MAX) {
            if (width == 1) {
                indexes[*count] = (unsigned char)index;
            } else {
                ((uint16_t *)(void *)indexes)[*count] = (uint16_t)index;
            }
            ++*count;
        }
        config_reader_leave(r, before);
    }
    return indexes;
}

static void config_read_when_tier(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->when->tiers =
        read_indexes(r, node, rule, CONFIG_TIER, sizeof(tier_index), &rule->when->tier_count);
}

static void config_read_when_issue(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->when->issues =
        read_indexes(r, node, rule, CONFIG_ISSUE, sizeof(issue_index), &rule->when->issue_count);
}

static void config_read_when_language(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->when->languages = read_indexes(r, node, rule, CONFIG_LANGUAGE, sizeof(language_index),
                                         &rule->when->language_count);
}

/* Channels have no row that refers to them, and so no type of their own. */
static void config_read_when_channel(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    rule->when->channels =
        read_indexes(r, node, rule, CONFIG_WORD, sizeof(channel_index), &rule->when->channel_count);
}

static void config_read_when_customer_id(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct rule_reader *rule = context;

    config_read_text(r, node, 1, ID_BYTES_MAX, &rule->when->customer_prefix);
}

/* Tests of attributes. */

/* What a number may look like in YAML and in JSON; strtod alone takes more ("infinity", "0x1p3").
 */
static bool looks_like_number(struct text words)
{
    bool digit = false;

    for (uint32_t i = 0; i < words.length; i++) {
        char c = words.bytes[i];
        if (c >= '0' && c <= '9') {
            digit = true;
        } else if (strchr("+-.eE", c) == NULL || ((c == 'e' || c == 'E') && !digit)) {
            return false;
        }
    }
    return digit;
}

static bool read_scalar(struct config_reader *r, const yaml_node_t *node, struct scalar *out)
{
    struct text words;
    char *end;

    *out = (struct scalar){.kind = SCALAR_STRING};
    if (!config_expect(r, node, YAML_SCALAR_NODE, "a value")) {
        return false;
    }
    words = config_scalar_text(node);
    if (config_scalar_is(node, "null") || config_scalar_is(node, "~") ||
        config_scalar_is(node, "")) {
        out->kind = SCALAR_NIL;
    } else if (config_scalar_is(node, "true") || config_scalar_is(node, "false")) {
        out->kind = SCALAR_BOOL;
        out->boolean = config_scalar_is(node, "true");
    } else if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && looks_like_number(words)) {
        out->number = strtod(words.bytes, &end); /* libyaml ends its scalars with a zero */
        if (end == words.bytes + words.length && isfinite(out->number)) {
            out->kind = SCALAR_NUMBER;
        }
    }
    return out->kind != SCALAR_STRING ||
           config_read_text(r, node, 0, ATTRIBUTE_BYTES_MAX, &out->string);
}

static struct attribute_test *add_test(struct rule_reader *rule, uint32_t values)
{
    struct conditions *when = rule->when;
    struct attribute_test *more =
        arena_take_array(&rule->draft->arena, when->test_count + 1, sizeof(*more));
    struct attribute_test *added = &more[when->test_count];

    if (when->test_count > 0) {
        memcpy(more, when->tests, when->test_count * sizeof(*more));
    }
    when->tests = more;
    when->test_count++;
    added->values = arena_take_array(&rule->draft->arena, values, sizeof(*added->values));
    added->value_count = values;
    return added;
}

/* A value, or for `in` a list of them. */
static void read_operand(struct config_reader *r, yaml_node_t *node, struct rule_reader *rule,
                         enum attribute_owner owner, struct text key, enum test_operator op,
                         bool list)
{
    struct attribute_test *test;

    if (list && !config_expect(r, node, YAML_SEQUENCE_NODE, "a list of values")) {
        return;
    }
    if (list && config_item_count(node) == 0) {
        config_complain(r, node, "an empty list never holds");
        return;
    }
    test = add_test(rule, list ? config_item_count(node) : 1);
    test->owner = owner;
    test->key = key;
    test->op = op;
    for (uint32_t i = 0; i < test->value_count; i++) {
        const yaml_node_t *value =
            list ? config_reader_node(r, node->data.sequence.items.start[i]) : node;
        if (!read_scalar(r, value, &test->values[i])) {
            continue;
        }
        if (op == TEST_PREFIX && test->values[i].kind != SCALAR_STRING) {
            config_complain(r, value, "a text is wanted; put it in quotes");
        } else if (op == TEST_EXISTS && test->values[i].kind != SCALAR_BOOL) {
            config_complain(r, value, "true or false is wanted");
        } else if (op != TEST_IN && op != TEST_PREFIX && op != TEST_EXISTS &&
                   test->values[i].kind != SCALAR_NUMBER) {
            config_complain(r, value, "a number is wanted: numbers compare with numbers only");
        }
    }
}

struct test_word {
    const char *word;
    enum test_operator op;
};

static void read_operators(struct config_reader *r, yaml_node_t *node, struct rule_reader *rule,
                           enum attribute_owner owner, struct text key)
{
#define TEST_WORD(word, op, help) {word, op},
    static const struct test_word words[] = {CONFIG_TEST_TABLE(TEST_WORD)};
#undef TEST_WORD
    char hint[96];

    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = config_reader_node(r, pair->key);
        size_t before = config_reader_enter(r, config_scalar_text(name));
        struct config_nearest nearest;
        size_t at = 0;
        config_nearest_start(&nearest, config_scalar_text(name));
        while (at < CONFIG_LENGTH(words) &&
               !text_equal(config_scalar_text(name), text_from(words[at].word))) {
            config_nearest_offer(&nearest, text_from(words[at].word));
            at++;
        }
        if (at == CONFIG_LENGTH(words)) {
            config_complain(r, name, "unknown test \"" TEXT_FORMAT "\"%s",
                            TEXT_ARGS(config_scalar_text(name)),
                            config_nearest_hint(&nearest, hint, sizeof(hint)));
        } else {
            read_operand(r, config_reader_node(r, pair->value), rule, owner, key, words[at].op,
                         strcmp(words[at].word, "in") == 0);
        }
        config_reader_leave(r, before);
    }
}

static void read_tests(struct config_reader *r, yaml_node_t *node, struct rule_reader *rule,
                       enum attribute_owner owner)
{
    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map of attribute to test")) {
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = config_reader_node(r, pair->key);
        yaml_node_t *value = config_reader_node(r, pair->value);
        size_t before = config_reader_enter(r, config_scalar_text(name));
        struct text key;
        if (config_read_text(r, name, 1, ATTRIBUTE_BYTES_MAX, &key)) {
            if (value->type == YAML_MAPPING_NODE) {
                read_operators(r, value, rule, owner, key);
            } else {
                read_operand(r, value, rule, owner, key, TEST_IN,
                             value->type == YAML_SEQUENCE_NODE);
            }
        }
        config_reader_leave(r, before);
    }
}

static void config_read_when_customer(struct config_reader *r, yaml_node_t *node, void *context)
{
    read_tests(r, node, context, OF_CUSTOMER);
}

static void config_read_when_attributes(struct config_reader *r, yaml_node_t *node, void *context)
{
    read_tests(r, node, context, OF_CONTACT);
}

/* Rules. */

/* The name of a rule that was given none: what it is, and its place in the list. */
static struct text numbered(struct workspace_draft *draft, struct text of, const char *what,
                            uint32_t at)
{
    char words[NAME_BYTES_MAX + 48];
    int length = snprintf(words, sizeof(words), TEXT_FORMAT "%s %u", TEXT_ARGS(of), what, at);

    return arena_text(&draft->arena, (struct text){words, (uint32_t)length});
}

static void *begin_rules(struct config_reader *r, yaml_node_t *node, struct workspace_draft *draft,
                         size_t size)
{
    if (!config_expect(r, node, YAML_SEQUENCE_NODE, "a list of rules")) {
        return NULL;
    }
    if (config_item_count(node) > RULES_MAX) {
        config_complain(r, node, "%u rules; at most %d are allowed", config_item_count(node),
                        RULES_MAX);
        return NULL;
    }
    return arena_take_array(&draft->arena, config_item_count(node), size);
}

/* True when the section is a map and names what the rule gives. */
static bool read_rule(struct config_reader *r, yaml_node_t *item,
                      const struct config_section *section, const char *gives, void *rule,
                      struct rule_reader *reader)
{
    config_section_defaults(section, rule);
    if (!config_section_read(r, item, section, rule, reader)) {
        return false;
    }
    if (config_reader_value(r, item, gives) == NULL) {
        config_complain(r, item, "the key \"%s\" is missing", gives);
        return false;
    }
    return true;
}

static void read_tier_rule(struct config_reader *r, yaml_node_t *item, void *into,
                           struct workspace_draft *draft)
{
    struct tier_rule *rule = into;
    struct rule_reader reader = {.draft = draft, .when = &rule->when};

    if (read_rule(r, item, &config_tier_rule_section, "tier", rule, &reader) &&
        rule->name.length == 0) {
        rule->name = numbered(draft, TEXT("tier rule"), "", draft->rules.tier_count + 1);
    }
    draft->rules.tier_count++;
}

static void config_read_tier_rules(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;

    draft->rules.tiers = begin_rules(r, node, draft, sizeof(*draft->rules.tiers));
    if (draft->rules.tiers != NULL) {
        config_read_items(r, node, draft->rules.tiers, sizeof(*draft->rules.tiers), read_tier_rule,
                          draft);
    }
}

static bool has_conditions(const struct conditions *when)
{
    return when->test_count + when->tier_count + when->issue_count + when->language_count +
                   when->channel_count >
               0 ||
           when->customer_prefix.length > 0;
}

static void read_issue_rule(struct config_reader *r, yaml_node_t *item, void *into,
                            struct workspace_draft *draft)
{
    struct issue_rule *rule = into;
    struct rule_reader reader = {.draft = draft, .when = &rule->when, .issue_rule = rule};
    bool whole = read_rule(r, item, &config_issue_rule_section, "issue", rule, &reader);

    draft->rules.issue_count++;
    if (!whole) {
        return;
    }
    if (rule->phrase_count + rule->pattern_count + rule->all_count == 0 &&
        !has_conditions(&rule->when)) {
        config_complain(r, item,
                        "the rule has no phrases, patterns or conditions: when should it hold?");
    }
    if (rule->points == 0) {
        config_complain(r, item, "a rule of 0 points decides nothing");
    }
    if (rule->issue != INDEX_NONE16 && rule->name.length == 0) {
        rule->name = numbered(draft, draft->settings->issues[rule->issue].name, " rule",
                              draft->rules.issue_count);
    }
}

static void config_read_issue_rules(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;

    draft->rules.issues = begin_rules(r, node, draft, sizeof(*draft->rules.issues));
    if (draft->rules.issues != NULL) {
        config_read_items(r, node, draft->rules.issues, sizeof(*draft->rules.issues),
                          read_issue_rule, draft);
    }
}

static void read_route(struct config_reader *r, yaml_node_t *item, void *into,
                       struct workspace_draft *draft)
{
    struct route *route = into;
    struct rule_reader reader = {.draft = draft, .when = &route->when};

    if (read_rule(r, item, &config_route_section, "queue", route, &reader) &&
        route->name.length == 0) {
        route->name = numbered(draft, TEXT("route"), "", draft->rules.route_count + 1);
    }
    draft->rules.route_count++;
}

static void config_read_routes(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;

    draft->rules.routes = begin_rules(r, node, draft, sizeof(*draft->rules.routes));
    if (draft->rules.routes != NULL) {
        config_read_items(r, node, draft->rules.routes, sizeof(*draft->rules.routes), read_route,
                          draft);
    }
}

void config_read_classification(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct workspace_draft *draft = context;

    config_section_read(r, node, &config_classification_section, &draft->rules, draft);
}
