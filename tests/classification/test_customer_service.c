/* Real messages of customers, classified by rules alone.
 *
 * The rules stand in customer-service.yaml and were written looking at train.csv only; dev.csv is
 * read here and nowhere else. So that the figure means something, this program also checks that the
 * rules are rules and no copy of the messages: how many there are, how long they are, and that none
 * is a message. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "csv.h"
#include "queue/base/memory.h"
#include "router/classify/classify.h"
#include "router/classify/normalise.h"
#include "router/config.h"

#define RULES      SOURCE_DIR "/tests/classification/customer-service.yaml"
#define DATA       SOURCE_DIR "/../shared/data/bitext-customer-service/"
#define CATEGORIES 11
#define NONE       CATEGORIES /* the column of messages for which no rule held */
#define WORDS_MAX  6
#define RULES_MAX  300
#define PERCENT    95.0
#define SKIPPED    77

static int failures;

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("FAILED: ", stdout);
    vprintf(format, arguments);
    fputc('\n', stdout);
    va_end(arguments);
    failures++;
}

/* Every message of the training data in plain form, sorted. */
struct messages {
    struct text *list;
    size_t count;
    struct normaliser plain; /* their bytes are copied out of it */
};

static int compare_texts(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static struct text plain_copy(struct normaliser *n, struct text raw)
{
    n->length = 0;
    normalise_append(n, raw);
    return (struct text){n->length == 0 ? memory_take(1) : memory_copy(n->bytes, n->length),
                         n->length};
}

static void messages_read(struct messages *m, const char *path)
{
    struct csv csv;
    int column;

    *m = (struct messages){0};
    if (!csv_open(&csv, path) || !csv_next(&csv) || (column = csv_column(&csv, "utterance")) < 0) {
        fail("%s cannot be read", path);
        return;
    }
    while (csv_next(&csv)) {
        m->list = memory_resize(m->list, (m->count + 1) * sizeof(*m->list));
        m->list[m->count++] = plain_copy(&m->plain, csv.fields[column]);
    }
    qsort(m->list, m->count, sizeof(*m->list), compare_texts);
    csv_close(&csv);
}

static bool messages_have(struct messages *m, struct text words)
{
    struct text plain = plain_copy(&m->plain, words);
    bool found = bsearch(&plain, m->list, m->count, sizeof(*m->list), compare_texts) != NULL;

    memory_give((void *)(uintptr_t)plain.bytes);
    return found;
}

static void messages_close(struct messages *m)
{
    for (size_t i = 0; i < m->count; i++) {
        memory_give((void *)(uintptr_t)m->list[i].bytes);
    }
    memory_give(m->list);
    normaliser_close(&m->plain);
}

static unsigned count_words(struct text t)
{
    unsigned words = 0;
    bool inside = false;

    for (uint32_t i = 0; i < t.length; i++) {
        bool space = t.bytes[i] == ' ' || t.bytes[i] == '\t';
        words += !space && !inside;
        inside = !space;
    }
    return words;
}

static struct text without_stars(struct text t)
{
    if (t.length > 0 && t.bytes[0] == '*') {
        t.bytes++;
        t.length--;
    }
    if (t.length > 0 && t.bytes[t.length - 1] == '*') {
        t.length--;
    }
    return t;
}

static bool key_is(const yaml_node_t *key, const char *name)
{
    return strcmp((const char *)key->data.scalar.value, name) == 0;
}

/* Check one phrase or pattern; the file, not the program, is asked, so that nothing is counted
 * away. */
static void check_phrase(const yaml_node_t *item, struct messages *train)
{
    struct text words = {(const char *)item->data.scalar.value, (uint32_t)item->data.scalar.length};

    if (count_words(words) > WORDS_MAX) {
        fail("line %zu: over %d words: " TEXT_FORMAT, item->start_mark.line + 1, WORDS_MAX,
             TEXT_ARGS(words));
    }
    if (messages_have(train, words) || messages_have(train, without_stars(words))) {
        fail("line %zu: a whole message: " TEXT_FORMAT, item->start_mark.line + 1,
             TEXT_ARGS(words));
    }
}

struct counts {
    unsigned rules;
    unsigned phrases;
};

static void check_rule(yaml_document_t *document, const yaml_node_t *rule, struct messages *train,
                       struct counts *counts)
{
    counts->rules++;
    for (const yaml_node_pair_t *pair = rule->data.mapping.pairs.start;
         pair < rule->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        const yaml_node_t *list = yaml_document_get_node(document, pair->value);
        if (!key_is(key, "phrases") && !key_is(key, "patterns") && !key_is(key, "all") &&
            !key_is(key, "none")) {
            continue;
        }
        for (const yaml_node_item_t *item = list->data.sequence.items.start;
             item < list->data.sequence.items.top; item++) {
            counts->phrases++;
            check_phrase(yaml_document_get_node(document, *item), train);
        }
    }
}

/* Find every list called issue_rules, wherever it stands. */
static void walk(yaml_document_t *document, const yaml_node_t *node, struct messages *train,
                 struct counts *counts)
{
    if (node->type != YAML_MAPPING_NODE) {
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        if (!key_is(yaml_document_get_node(document, pair->key), "issue_rules")) {
            walk(document, value, train, counts);
            continue;
        }
        for (const yaml_node_item_t *item = value->data.sequence.items.start;
             item < value->data.sequence.items.top; item++) {
            check_rule(document, yaml_document_get_node(document, *item), train, counts);
        }
    }
}

static void check_rules(void)
{
    FILE *file = fopen(RULES, "rb");
    struct messages train;
    struct counts counts = {0, 0};
    yaml_parser_t parser;
    yaml_document_t document;

    if (file == NULL) {
        fail(RULES " cannot be read");
        return;
    }
    messages_read(&train, DATA "train.csv");
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    if (yaml_parser_load(&parser, &document) != 0) {
        walk(&document, yaml_document_get_root_node(&document), &train, &counts);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    printf("%u rules with %u phrases and patterns; %zu training messages\n", counts.rules,
           counts.phrases, train.count);
    if (counts.rules == 0 || counts.rules > RULES_MAX || counts.phrases == 0 ||
        counts.phrases > RULES_MAX) {
        fail("1 to %d rules with 1 to %d phrases and patterns are allowed", RULES_MAX, RULES_MAX);
    }
    messages_close(&train);
}

struct confusion {
    unsigned seen[CATEGORIES][CATEGORIES + 1]; /* category of the data, then ours */
    unsigned right;
    unsigned all;
};

static void print_table(const struct confusion *t, const struct settings *s)
{
    printf("%-17s", "right \\ ours");
    for (unsigned k = 0; k < CATEGORIES; k++) {
        printf(" %6.6s", s->issues[k].name.bytes);
    }
    puts("   none");
    for (unsigned i = 0; i < CATEGORIES; i++) {
        printf("%-17s", s->issues[i].name.bytes);
        for (unsigned k = 0; k <= CATEGORIES; k++) {
            printf(t->seen[i][k] == 0 ? "      ." : " %6u", t->seen[i][k]);
        }
        putchar('\n');
    }
}

static double classify_file(const struct workspace_config *w, const char *path, bool table)
{
    struct classify_scratch *scratch = classify_scratch_create();
    struct confusion t = {0};
    struct csv csv;
    int utterance;
    int category;
    double percent;

    if (!csv_open(&csv, path) || !csv_next(&csv)) {
        fail("%s cannot be read", path);
        classify_scratch_destroy(scratch);
        return 0;
    }
    utterance = csv_column(&csv, "utterance");
    category = csv_column(&csv, "category");
    while (utterance >= 0 && category >= 0 && csv_next(&csv)) {
        struct classify_input in = {.channel = 0, .text = csv.fields[utterance]};
        struct classification out;
        issue_index right = settings_find_issue(w->settings, csv.fields[category]);
        if (right == INDEX_NONE16) {
            fail("%s: the rules know no category " TEXT_FORMAT, path,
                 TEXT_ARGS(csv.fields[category]));
            continue;
        }
        classify(w->ruleset, scratch, &in, &out);
        t.seen[right][out.issue == INDEX_NONE16 ? NONE : out.issue]++;
        t.right += out.issue == right;
        t.all++;
    }
    percent = t.all == 0 ? 0 : 100.0 * t.right / t.all;
    if (table) {
        print_table(&t, w->settings);
    }
    printf("%s: %u of %u messages are classified right: %.2f %%\n", strrchr(path, '/') + 1, t.right,
           t.all, percent);
    csv_close(&csv);
    classify_scratch_destroy(scratch);
    return percent;
}

int main(void)
{
    struct config_problems problems = {0};
    struct config *config = config_read_file(RULES, &problems);
    FILE *data = fopen(DATA "dev.csv", "rb");
    double percent;

    if (config == NULL) {
        char *words = config_problems_text(&problems, RULES);
        fail("%s", words);
        memory_give(words);
        config_problems_close(&problems);
    }
    if (data == NULL) {
        puts("skipped: the messages are not here: " DATA);
        config_destroy(config);
        return failures == 0 ? SKIPPED : 1;
    }
    fclose(data);
    if (config != NULL && config->workspaces[0]->settings->issue_count != CATEGORIES) {
        fail("there are %d categories", CATEGORIES);
    } else if (config != NULL) {
        check_rules();
        classify_file(config->workspaces[0], DATA "train.csv", false);
        percent = classify_file(config->workspaces[0], DATA "dev.csv", true);
        if (percent < PERCENT) {
            fail("%.2f %% is below %.0f %%", percent, PERCENT);
        }
    }
    config_destroy(config);
    return failures == 0 ? 0 : 1;
}
