/* From a contact's words to tier, language, issue and queue, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "queue/base/memory.h"
#include "router/classify/classify.h"
#include "router/config.h"

struct fixture {
    struct workspace_config *workspace;
    struct classify_scratch *scratch;
    struct classification out;
};

static void fixture_open(struct fixture *f, const char *yaml)
{
    struct config_problems problems = {0};

    f->workspace = config_read_workspace(text_from(yaml), &problems);
    if (f->workspace == NULL) {
        char *words = config_problems_text(&problems, NULL);
        print_message("%s", words);
        memory_give(words);
        config_problems_close(&problems);
    }
    assert_non_null(f->workspace);
    f->scratch = classify_scratch_create();
}

static void fixture_close(struct fixture *f)
{
    classify_scratch_destroy(f->scratch);
    workspace_config_release(f->workspace);
}

static void decide(struct fixture *f, const struct classify_input *in)
{
    classify(f->workspace->ruleset, f->scratch, in, &f->out);
}

static void decide_text(struct fixture *f, const char *words)
{
    decide(f, &(struct classify_input){.text = text_from(words)});
}

static const char *issue_name(const struct fixture *f)
{
    return f->out.issue == INDEX_NONE16 ? "none"
                                        : f->workspace->settings->issues[f->out.issue].name.bytes;
}

static const char *tier_name(const struct fixture *f)
{
    return f->workspace->settings->tiers[f->out.tier].name.bytes;
}

static const char *queue_name(const struct fixture *f)
{
    return f->workspace->settings->queues[f->out.queue].name.bytes;
}

static const char *language_name(const struct fixture *f)
{
    return f->out.language == INDEX_NONE16
               ? "none"
               : f->workspace->settings->languages[f->out.language].bytes;
}

static void assert_why(struct text why, const char *expected)
{
    if (!text_equal(why, text_from(expected))) {
        print_message("expected: %s\nfound:    " TEXT_FORMAT "\n", expected, TEXT_ARGS(why));
    }
    assert_true(text_equal(why, text_from(expected)));
}

#define HEAD                                                                                       \
    "tiers: [{name: vip, answer: 10s}, {name: gold, answer: 30s}, {name: standard, answer: 2m}]\n" \
    "channels: [chat, voice, email]\n"                                                             \
    "issues: [refund, logistics, other]\n"                                                         \
    "languages: [en, zh]\n"                                                                        \
    "queues: [general, refunds, late]\n"                                                           \
    "classification:\n"

#define RULE(body) HEAD "  issue_rules: [{issue: refund, name: r, " body "}]\n"

struct found_row {
    const char *rule; /* a configuration of one rule */
    const char *text;
    bool found;
};

/* What a phrase finds, and what it does not. */
static const struct found_row found_rows[] = {
    {RULE("phrases: [order]"), "my order", true},
    {RULE("phrases: [order]"), "at the border", false},
    {RULE("phrases: [order]"), "orders", false},
    {RULE("phrases: [order]"), "reorder", false},
    {RULE("phrases: [order]"), "ORDER!", true},
    {RULE("phrases: [order]"), "(order)", true},
    {RULE("phrases: [order]"), "order2", false},
    {RULE("phrases: [order]"), "border order", true}, /* the first find is none, the second is */
    {RULE("phrases: [order]"), "我的order坏了", true},
    {RULE("phrases: [order]"), "ｍｙ　ＯＲＤＥＲ", true},
    {RULE("phrases: [ordér]"), "ORDE\xCC\x81R", true},
    {RULE("phrases: [ord]"), "ordé", false},
    {RULE("phrases: [order*]"), "orders", true},
    {RULE("phrases: [order*]"), "reorder", false},
    {RULE("phrases: [\"*order\"]"), "reorder", true},
    {RULE("phrases: [\"*order\"]"), "orders", false},
    {RULE("phrases: [\"*order*\"]"), "preordered", true},
    {RULE("phrases: [where is my parcel]"), "Hello, WHERE  is\nmy parcel?", true},
    {RULE("phrases: [where is my parcel]"), "where is my parcels", false},
    {RULE("phrases: [Where Is]"), "where is", true}, /* rules are normalised, too */
    {RULE("phrases: [ＶＩＰ]"), "vip", true},
    {RULE("phrases: [退款]"), "我要退款！", true},
    {RULE("phrases: [退款]"), "退 款", false},
    {RULE("phrases: [\"don't\"]"), "I don’t know", true},
    {RULE("phrases: [a, b]"), "b", true},
    {RULE("all: [a, b]"), "b", false},
    {RULE("all: [a, b]"), "b a", true},
    {RULE("phrases: [c], all: [a, b]"), "b a", false},
    {RULE("phrases: [c], all: [a, b]"), "b a c", true},
    {RULE("phrases: [a], none: [b]"), "a", true},
    {RULE("phrases: [a], none: [b]"), "a b", false},
    {RULE("patterns: ['par(cel|kage)s?']"), "Two PARCELS", true},
    {RULE("patterns: ['\\b\\d{8}\\b']"), "order 12345678", true},
    {RULE("patterns: ['\\b\\d{8}\\b']"), "order 123456789", false},
    {RULE("patterns: ['PAR+CEL']"), "a parcel",
     true}, /* patterns are not normalised, but any case will do */
    {RULE("patterns: ['^re:.*late']"), "Re: it is late", true},
    {RULE("patterns: ['退.款']"), "退 款", true},
    {RULE("phrases: [a], channel: chat"), "a", true},
    {RULE("phrases: [a], channel: [voice, email]"), "a", false},
    {RULE("phrases: [a], language: en"), "a", true},
    {RULE("phrases: [a], language: zh"), "a", false},
    {RULE("phrases: [a], tier: [gold, standard]"), "a", true},
    {RULE("phrases: [a], tier: vip"), "a", false},
    {RULE("phrases: [a], points: -5"), "a", false},
};

static void phrases_find_what_they_mean(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(found_rows) / sizeof(found_rows[0]); i++) {
        struct fixture f;
        fixture_open(&f, found_rows[i].rule);
        decide_text(&f, found_rows[i].text);
        if ((f.out.issue == 0) != found_rows[i].found) {
            print_message("%s\"%s\": %s\n", found_rows[i].rule, found_rows[i].text, issue_name(&f));
            wrong++;
        }
        fixture_close(&f);
    }
    assert_int_equal(wrong, 0);
}

/* Each phrase gives its rule's points once; the sum decides, then the order of the issues. */
static void the_most_points_win(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, HEAD
                 "  issue_rules:\n"
                 "    - {name: late, issue: logistics, points: 3, phrases: [late, parcel, 快递]}\n"
                 "    - {name: money, issue: refund, points: 5, phrases: [refund, money]}\n"
                 "    - {name: not now, issue: refund, points: -4, phrases: [later]}\n"
                 "    - {name: thing, issue: other, points: 5, phrases: [thing]}\n");
    decide_text(&f, "my parcel parcel parcel");
    assert_string_equal(issue_name(&f), "logistics");
    assert_why(f.out.why_issue, "rule \"late\": phrase \"parcel\"; 3 points");
    decide_text(&f, "a refund for the late parcel");
    assert_string_equal(issue_name(&f), "logistics");
    assert_why(f.out.why_issue,
               "rule \"late\": phrase \"late\" and 1 more; 6 points, next refund with 5");
    decide_text(&f, "refund, my money, the late parcel");
    assert_string_equal(issue_name(&f), "refund");
    assert_why(f.out.why_issue,
               "rule \"money\": phrase \"refund\" and 1 more; 10 points, next logistics with 6");
    decide_text(&f, "refund later, the parcel");
    assert_string_equal(issue_name(&f), "logistics");
    decide_text(&f, "a thing and a refund"); /* 5 to 5 */
    assert_string_equal(issue_name(&f), "refund");
    decide_text(&f, "later"); /* below zero is not found */
    assert_string_equal(issue_name(&f), "none");
    assert_why(f.out.why_issue, "no rule holds");
    fixture_close(&f);
}

/* No phrase is pieced together from the end of the subject and the beginning of the text. */
static void subject_and_text_are_two(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(
        &f,
        HEAD "  issue_rules: [{issue: refund, phrases: [my money], patterns: ['now.please']}]\n");
    decide(&f, &(struct classify_input){.subject = TEXT("My money"), .text = TEXT("Hello")});
    assert_string_equal(issue_name(&f), "refund");
    decide(&f, &(struct classify_input){.subject = TEXT("It is my"), .text = TEXT("money now")});
    assert_string_equal(issue_name(&f), "none");
    decide(&f, &(struct classify_input){.subject = TEXT("now"), .text = TEXT("please")});
    assert_string_equal(issue_name(&f), "none");
    fixture_close(&f);
}

/* The first 8,192 bytes of the text are read, and no half character. */
static void only_the_beginning_of_a_text_is_read(void **state)
{
    struct fixture f;
    char *text = memory_take(20000);
    struct classify_input in = {.text = {text, 20000}};

    (void)state;
    fixture_open(&f, HEAD "  issue_rules: [{issue: refund, phrases: [退款]}]\n");
    memset(text, ' ', 20000);
    memcpy(text + CLASSIFY_TEXT_BYTES_MAX - 6, "退款", 6);
    decide(&f, &in);
    assert_string_equal(issue_name(&f), "refund");
    memset(text, ' ', 20000);
    memcpy(text + CLASSIFY_TEXT_BYTES_MAX - 5, "退款", 6);
    decide(&f, &in);
    assert_string_equal(issue_name(&f), "none");
    memory_give(text);
    fixture_close(&f);
}

/* The connector knows best; what it says is not second-guessed. */
static void the_connectors_words_come_first(void **state)
{
    struct fixture f;
    struct classify_input in = {
        .tier = TEXT("gold"),
        .issue = TEXT("other"),
        .language = TEXT("zh"),
        .queue = TEXT("late"),
        .text = TEXT("refund"),
    };

    (void)state;
    fixture_open(&f, HEAD "  tier_rules: [{tier: vip}]\n"
                          "  issue_rules: [{issue: refund, phrases: [refund]}]\n"
                          "  routes: [{queue: refunds}]\n");
    decide(&f, &in);
    assert_string_equal(tier_name(&f), "gold");
    assert_string_equal(issue_name(&f), "other");
    assert_string_equal(language_name(&f), "zh");
    assert_string_equal(queue_name(&f), "late");
    assert_why(f.out.why_tier, "named by the connector");
    assert_why(f.out.why_issue, "named by the connector");
    assert_why(f.out.why_language, "named by the connector");
    assert_why(f.out.why_queue, "named by the connector");
    fixture_close(&f);
}

/* A word that the workspace does not know refuses nothing: rules decide, and the word is named. */
static void unknown_words_are_as_if_absent(void **state)
{
    struct fixture f;
    struct classify_input in = {
        .tier = TEXT("platinum"),
        .issue = TEXT("Refund"), /* names are compared as they are */
        .language = TEXT("xx-YY"),
        .queue = TEXT("nowhere\n\x01"),
        .text = TEXT("a refund please"),
    };

    (void)state;
    fixture_open(&f, HEAD
                 "  tier_rules: [{name: all, tier: vip}]\n"
                 "  issue_rules: [{name: money, issue: refund, phrases: [refund]}]\n"
                 "  routes: [{name: money, queue: refunds, issue: refund, tier: [vip, gold]}]\n");
    decide(&f, &in);
    assert_string_equal(tier_name(&f), "vip");
    assert_string_equal(issue_name(&f), "refund");
    assert_string_equal(language_name(&f), "en");
    assert_string_equal(queue_name(&f), "refunds");
    assert_why(f.out.why_tier,
               "the connector's \"platinum\" is no tier here; rule \"all\": always");
    assert_why(f.out.why_issue, "the connector's \"Refund\" is no issue type here; rule \"money\": "
                                "phrase \"refund\"; 1 point");
    assert_why(f.out.why_language,
               "the connector's \"xx-YY\" is no language here; detected: letters "
               "of an alphabet");
    assert_why(f.out.why_queue, "the connector's \"nowhere??\" is no queue here; route \"money\": "
                                "tier vip/gold, issue refund");
    fixture_close(&f);
}

static void without_rules_there_are_defaults(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, HEAD "  routes: []\n");
    decide_text(&f, "anything");
    assert_string_equal(tier_name(&f), "standard");
    assert_string_equal(issue_name(&f), "none");
    assert_string_equal(queue_name(&f), "general");
    assert_why(f.out.why_tier, "default");
    assert_why(f.out.why_issue, "no rule holds");
    assert_why(f.out.why_queue, "default");
    fixture_close(&f);
    fixture_open(&f, HEAD "  {default_tier: gold, default_issue: other, default_language: zh}\n"
                          "default_queue: late\n");
    decide(&f, &(struct classify_input){.channel = INDEX_NONE8});
    assert_string_equal(tier_name(&f), "gold");
    assert_string_equal(issue_name(&f), "other");
    assert_string_equal(language_name(&f), "zh");
    assert_string_equal(queue_name(&f), "late");
    assert_why(f.out.why_issue, "no rule holds; default");
    fixture_close(&f);
}

/* Names short and long, alike at both ends, in a workspace without rules and languages. */
static void what_is_named_is_found(void **state)
{
    static const char *const shapes[] = {"q%03u", "queue-number-%03u",
                                         "the-team-of-%03u-for-customers", "%03u"};
    struct fixture f;
    char *yaml, name[64];
    size_t size;
    FILE *out = open_memstream(&yaml, &size);

    (void)state;
    fputs("tiers: [{name: vip, answer: 10s}, {name: standard, answer: 2m}]\n"
          "channels: [chat, email]\nissues: [refund, other]\nqueues:\n",
          out);
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), shapes[i % 4], i);
        fprintf(out, "- \"%s\"\n", name);
    }
    fclose(out);
    fixture_open(&f, yaml);
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), shapes[i % 4], i);
        decide(&f, &(struct classify_input){
                       .queue = text_from(name), .tier = TEXT("vip"), .issue = TEXT("refund")});
        assert_string_equal(queue_name(&f), name);
        assert_true(f.out.queue_named);
        assert_string_equal(tier_name(&f), "vip");
        assert_string_equal(issue_name(&f), "refund");
        assert_why(f.out.why_queue, "named by the connector");
        assert_why(f.out.why_issue, "named by the connector");
        assert_why(f.out.why_language, "none");

        snprintf(name, sizeof(name), shapes[i % 4], i + 400);
        decide(&f, &(struct classify_input){.queue = text_from(name)});
        assert_string_equal(queue_name(&f), "q000");
        assert_false(f.out.queue_named);
    }
    assert_int_equal(ruleset_channel(f.workspace->ruleset, TEXT("email")), 1);
    assert_int_equal(ruleset_channel(f.workspace->ruleset, TEXT("mail")), INDEX_NONE8);
    fixture_close(&f);
    free(yaml);
}

struct language_row {
    const char *configured;
    const char *word; /* NULL: the connector says nothing */
    const char *text;
    const char *expected;
};

static const struct language_row language_rows[] = {
    {"[en, zh]", "zh", "hello", "zh"},
    {"[en, zh]", "ZH", "hello", "zh"},
    {"[en, zh]", "zh-CN", "hello", "zh"},
    {"[en, zh_x]", NULL, NULL, NULL}, /* refused: no tag */
    {"[en, zh, zh-Hant]", "zh-Hant-TW", "hello", "zh-Hant"},
    {"[en, zh-Hant, zh]", "zh-TW", "hello", "zh"},
    {"[en, zh-CN]", "zh", "hello", "zh-CN"},
    {"[en, zh-CN]", "zh-TW", "hello", "zh-CN"},
    {"[en, zh-CN]", "zh_cn", "hello", "zh-CN"},
    {"[en, zh]", "zhx", "hello", "en"},
    {"[en, zh]", "fr", "你好", "zh"},
    {"[en, zh]", NULL, "我的快递呢", "zh"},
    {"[en, zh]", NULL, "我的 order 12345 还没到", "zh"},
    {"[zh, en]", NULL, "where is my 快递 order please, it is late", "en"},
    {"[zh, en]", NULL, "12345", "zh"}, /* nothing to go by */
    {"[zh, en]", NULL, "", "zh"},
    {"[fr, zh, en]", NULL, "hello", "fr"}, /* letters do not tell which */
    {"[zh, en, fr]", NULL, "hello", "en"},
    {"[en, ja, zh]", NULL, "荷物はどこですか", "ja"},
    {"[en, ja, zh]", NULL, "包裹在哪里", "zh"},
    {"[en, ja]", NULL, "包裹", "ja"}, /* characters that only Japanese has here */
    {"[en, ko]", NULL, "주문을 취소해 주세요", "ko"},
    {"[en, de]", NULL, "你好", "en"}, /* nothing is detected where no such language is */
    {"[zh, ja]", NULL, "hello", "zh"},
};

static void languages_are_matched_and_detected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(language_rows) / sizeof(language_rows[0]); i++) {
        const struct language_row *row = &language_rows[i];
        struct config_problems problems = {0};
        struct fixture f;
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "tiers: [{name: t, answer: 1s}]\nchannels: [c]\nqueues: [q]\nlanguages: %s\n",
                 row->configured);
        if (row->expected == NULL) {
            assert_null(config_read_workspace(text_from(yaml), &problems));
            config_problems_close(&problems);
            continue;
        }
        fixture_open(&f, yaml);
        decide(&f, &(struct classify_input){.language = text_from(row->word),
                                            .text = text_from(row->text)});
        if (strcmp(language_name(&f), row->expected) != 0) {
            print_message("%s %s \"%s\"\n", row->configured, row->word, row->text);
        }
        assert_string_equal(language_name(&f), row->expected);
        fixture_close(&f);
    }
}

/* Attributes, as MessagePack. */
#define MAP(bytes) ((struct text){bytes, sizeof(bytes) - 1})
#define LEVEL_GOLD MAP("\x81\xa5level\xa4gold")
#define N_5        MAP("\x81\xa1n\x05")
#define N_MINUS_5  MAP("\x81\xa1n\xfb")
#define N_5_5      MAP("\x81\xa1n\xcb\x40\x16\x00\x00\x00\x00\x00\x00")
#define N_TEXT_5                                                                                   \
    MAP("\x81\xa1n\xa1"                                                                            \
        "5")
#define N_TRUE  MAP("\x81\xa1n\xc3")
#define N_NIL   MAP("\x81\xa1n\xc0")
#define N_BIG   MAP("\x81\xa1n\xcf\xff\xff\xff\xff\xff\xff\xff\xff")
#define N_LIST  MAP("\x81\xa1n\x91\x05")
#define TWO     MAP("\x82\xa1m\x82\x01\x02\x03\x04\xa1n\x05") /* what comes first is no scalar */
#define NOTHING MAP("\x80")

struct test_row {
    const char *test;
    struct text attributes;
    bool holds;
};

static const struct test_row test_rows[] = {
    {"{level: gold}", LEVEL_GOLD, true},
    {"{level: Gold}", LEVEL_GOLD, false},
    {"{level: [silver, gold]}", LEVEL_GOLD, true},
    {"{level: {in: [silver, gold]}}", LEVEL_GOLD, true},
    {"{level: {in: [silver]}}", LEVEL_GOLD, false},
    {"{level: {prefix: go}}", LEVEL_GOLD, true},
    {"{level: {prefix: golden}}", LEVEL_GOLD, false},
    {"{level: {above: 1}}", LEVEL_GOLD, false},
    {"{n: 5}", N_5, true},
    {"{n: 5.0}", N_5, true},
    {"{n: \"5\"}", N_5, false}, /* numbers compare with numbers only */
    {"{n: 5}", N_TEXT_5, false},
    {"{n: \"5\"}", N_TEXT_5, true},
    {"{n: {above: 4}}", N_TEXT_5, false},
    {"{n: {prefix: \"5\"}}", N_TEXT_5, true},
    {"{n: {prefix: \"5\"}}", N_5, false},
    {"{n: {above: 4}}", N_5, true},
    {"{n: {above: 5}}", N_5, false},
    {"{n: {above: 5}}", N_5_5, true},
    {"{n: {at_least: 5}}", N_5, true},
    {"{n: {at_most: 5}}", N_5, true},
    {"{n: {at_most: 4.9}}", N_5, false},
    {"{n: {below: 6}}", N_5, true},
    {"{n: {below: 0}}", N_MINUS_5, true},
    {"{n: {above: 1e18}}", N_BIG, true},
    {"{n: {above: 4, below: 6}}", N_5, true},
    {"{n: {above: 4, below: 5}}", N_5, false},
    {"{n: {equals: 5, exists: true}}", N_5, true},
    {"{n: true}", N_TRUE, true},
    {"{n: 1}", N_TRUE, false},
    {"{n: \"true\"}", N_TRUE, false},
    {"{n: null}", N_NIL, true},
    {"{n: null}", NOTHING, false},
    {"{n: {exists: true}}", N_NIL, true}, /* nil is a value */
    {"{n: {exists: false}}", N_NIL, false},
    {"{n: {exists: false}}", NOTHING, true},
    {"{n: {exists: true}}", NOTHING, false},
    {"{n: {exists: true}}", N_LIST, false}, /* no scalar, so not there */
    {"{n: 5}", TWO, true},
    {"{n: 5, level: gold}", N_5, false}, /* all of them */
    {"{n: 5}", TEXT_NONE, false},
    {"{n: 5}", MAP("\x81\xa1n"), false}, /* cut short */
    {"{n: 5}", MAP("\xde\xff"), false},
    {"{n: 5}", MAP("rubbish"), false},
};

static void attributes_are_tested(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(test_rows) / sizeof(test_rows[0]); i++) {
        struct fixture f;
        char yaml[1024];
        bool customer;
        snprintf(yaml, sizeof(yaml),
                 HEAD "  tier_rules: [{tier: vip, customer: %s}]\n  routes: [{queue: late, "
                      "attributes: %s}]\n",
                 test_rows[i].test, test_rows[i].test);
        fixture_open(&f, yaml);
        decide(&f, &(struct classify_input){.customer_attributes = test_rows[i].attributes});
        customer = f.out.tier == 0;
        decide(&f, &(struct classify_input){.attributes = test_rows[i].attributes});
        if (customer != test_rows[i].holds || (f.out.queue == 2) != test_rows[i].holds) {
            print_message("row %zu: %s\n", i, test_rows[i].test);
            wrong++;
        }
        fixture_close(&f);
    }
    assert_int_equal(wrong, 0);
}

/* The attributes of one contact are no other's. */
static void nothing_is_left_over_from_the_contact_before(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f,
                 HEAD "  tier_rules: [{name: g, tier: vip, customer: {level: gold}}]\n"
                      "  issue_rules: [{issue: refund, phrases: [a]}, {issue: other, points: 2, "
                      "attributes: {n: 5}}]\n");
    decide(&f, &(struct classify_input){
                   .customer_attributes = LEVEL_GOLD, .attributes = N_5, .text = TEXT("a")});
    assert_string_equal(tier_name(&f), "vip");
    assert_string_equal(issue_name(&f), "other");
    assert_why(f.out.why_tier, "rule \"g\": customer.level is \"gold\"");
    assert_why(f.out.why_issue, "rule \"other rule 2\": n is 5; 2 points, next refund with 1");
    decide(&f, &(struct classify_input){.attributes = LEVEL_GOLD, .text = TEXT("b")});
    assert_string_equal(tier_name(&f), "standard");
    assert_string_equal(issue_name(&f), "none");
    fixture_close(&f);
}

/* The first route that holds; a contact without an issue meets none that asks for one. */
static void routes_are_tried_in_order(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, HEAD "  routes:\n"
                          "    - {queue: refunds, issue: [refund, other], language: en}\n"
                          "    - {queue: late, channel: [voice, email], customer_id: \"wx:\"}\n"
                          "    - {queue: refunds, tier: vip}\n");
    decide(&f, &(struct classify_input){.issue = TEXT("other")});
    assert_string_equal(queue_name(&f), "refunds");
    assert_why(f.out.why_queue, "route \"route 1\": issue refund/other, language en");
    decide(&f, &(struct classify_input){.text = TEXT("x")});
    assert_string_equal(queue_name(&f), "general");
    decide(&f, &(struct classify_input){.channel = 1, .customer_id = TEXT("wx:77")});
    assert_string_equal(queue_name(&f), "late");
    decide(&f, &(struct classify_input){.channel = 1, .customer_id = TEXT("wx")});
    assert_string_equal(queue_name(&f), "general");
    decide(&f, &(struct classify_input){.channel = INDEX_NONE8, .customer_id = TEXT("wx:77")});
    assert_string_equal(queue_name(&f), "general");
    decide(&f, &(struct classify_input){.tier = TEXT("vip")});
    assert_string_equal(queue_name(&f), "refunds");
    fixture_close(&f);
}

/* One thread serves many workspaces, small and large, and reloads of them. */
static void a_scratch_serves_many_rulesets(void **state)
{
    struct fixture small;
    struct fixture large;
    char *yaml = memory_take(400000);
    size_t used =
        (size_t)snprintf(yaml, 400000, HEAD "  issue_rules:\n    - {issue: refund, phrases: [");

    (void)state;
    for (int i = 0; i < 5000; i++) {
        used += (size_t)snprintf(yaml + used, 400000 - used, "%s%s number %d", i == 0 ? "" : ", ",
                                 i % 2 == 0 ? "退款" : "phrase", i);
    }
    snprintf(yaml + used, 400000 - used, "]}\n");
    fixture_open(&small, RULE("phrases: [x]"));
    fixture_open(&large, yaml);
    assert_int_equal(ruleset_phrase_count(large.workspace->ruleset), 5000);
    classify_scratch_destroy(large.scratch);
    large.scratch = small.scratch;
    for (int i = 0; i < 3; i++) {
        decide_text(&small, "x");
        assert_string_equal(issue_name(&small), "refund");
        decide_text(&large, "this is Phrase number 4999");
        assert_string_equal(issue_name(&large), "refund");
        assert_why(large.out.why_issue,
                   "rule \"refund rule 1\": phrase \"phrase number 4999\"; 1 point");
        decide_text(&large, "退款 number 4998。");
        assert_string_equal(issue_name(&large), "refund");
        decide_text(&large, "phrase number 49990");
        assert_string_equal(issue_name(&large), "none");
    }
    /* The ruleset is its own: it needs neither the document nor the settings it came from. */
    ruleset_retain(large.workspace->ruleset);
    workspace_config_release(small.workspace);
    ruleset_release(large.workspace->ruleset);
    workspace_config_release(large.workspace);
    classify_scratch_destroy(small.scratch);
    memory_give(yaml);
}

static void broken_text_is_no_text(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, RULE("phrases: [x]"));
    decide(&f, &(struct classify_input){.text = {"x \xFF", 3}});
    assert_string_equal(issue_name(&f), "none");
    decide(&f, &(struct classify_input){.subject = TEXT("x"), .text = {"\xFF", 1}});
    assert_string_equal(issue_name(&f), "refund");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_find_what_they_mean),
        cmocka_unit_test(the_most_points_win),
        cmocka_unit_test(subject_and_text_are_two),
        cmocka_unit_test(only_the_beginning_of_a_text_is_read),
        cmocka_unit_test(the_connectors_words_come_first),
        cmocka_unit_test(unknown_words_are_as_if_absent),
        cmocka_unit_test(without_rules_there_are_defaults),
        cmocka_unit_test(what_is_named_is_found),
        cmocka_unit_test(languages_are_matched_and_detected),
        cmocka_unit_test(attributes_are_tested),
        cmocka_unit_test(nothing_is_left_over_from_the_contact_before),
        cmocka_unit_test(routes_are_tried_in_order),
        cmocka_unit_test(a_scratch_serves_many_rulesets),
        cmocka_unit_test(broken_text_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
