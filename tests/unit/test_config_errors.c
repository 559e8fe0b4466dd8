/* Every mistake in a configuration is found in one go, and pointed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "queue/base/memory.h"
#include "router/config.h"

/* A workspace that is right, as lines to put wrong ones behind. */
#define TIERS    "tiers: [{name: gold, answer: 30s}, {name: standard, answer: 2m}]\n" /* line 1 */
#define CHANNELS "channels: [{name: chat, units: 30}, voice]\n"                       /* line 2 */
#define ISSUES   "issues: [refund, logistics]\n"                                      /* line 3 */
#define QUEUES   "queues: [general, {name: refunds, requires: {refund: 3}}]\n"        /* line 4 */
#define GOOD     TIERS CHANNELS ISSUES QUEUES
#define RULES    GOOD "classification:\n  issue_rules:\n    - " /* line 7, column 7 */
#define ROUTES   GOOD "classification:\n  routes:\n    - "

struct row {
    const char *yaml;
    const char *expected; /* all problems, one a line */
};

static const struct row workspace_rows[] = {
    /* The language itself. */
    {"", "1:1: the configuration is empty\n"},
    {"tiers: [\n", "2:1: did not find expected node content, while parsing a flow node\n"},
    {"a: b\n\tc: d\n",
     "2:1: found a tab character that violates indentation, while scanning a plain scalar\n"},
    {"- x\n", "1:1: this is a list; a map is wanted\n"},
    {"? [a]\n: b\n", "1:3: a key is a single word\n"},
    {GOOD "---\nx: y\n", "6:1: a second document begins here; one is wanted\n"},
    {GOOD "agent_units: !!int 5\n",
     "5:14: agent_units: tags (tag:yaml.org,2002:int) are not used here\n"},
    {GOOD "agents: &a [*a]\n",
     "5:9: "
     "agents[1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1]"
     "[1][1][1]: nested too deeply, or an alias that holds itself\n"},

    /* Keys. */
    {GOOD "agent_unit: 5\n", "5:1: unknown key \"agent_unit\"; did you mean \"agent_units\"?\n"},
    {GOOD "gracce: 5s\n", "5:1: unknown key \"gracce\"; did you mean \"grace\"?\n"},
    {GOOD "zebra: 5s\n", "5:1: unknown key \"zebra\"\n"},
    {GOOD "grace: 5s\ngrace: 6s\n", "6:1: grace: this key is given twice, first in line 5\n"},
    {CHANNELS ISSUES QUEUES, "1:1: the key \"tiers\" is missing\n"},
    {TIERS CHANNELS "queues: [{order: fifo}]\n", "3:10: queues[1]: the key \"name\" is missing\n"},
    {GOOD "agents: [{skills: {a: 1}}]\n", "5:10: agents[1]: the key \"id\" is missing\n"},
    {GOOD "agents:\n", "5:8: agents: nothing stands here; a list of agents is wanted\n"},

    /* Values. */
    {GOOD "grace: 5\n",
     "5:8: grace: \"5\" is not understood; write a duration such as 300ms, 20s, 1h30m or 3d\n"},
    {GOOD "grace: 5 s\n",
     "5:8: grace: \"5 s\" is not understood; write a duration such as 300ms, 20s, 1h30m or 3d\n"},
    {GOOD "grace: 30m1h\n",
     "5:8: grace: \"30m1h\" is not understood; write a duration such as 300ms, 20s, 1h30m or 3d\n"},
    {GOOD "grace: never\n",
     "5:8: grace: \"never\" is not understood; write a duration such as 300ms, 20s, 1h30m or 3d\n"},
    {GOOD "grace: 99999999999999999999s\n",
     "5:8: grace: \"99999999999999999999s\" is not understood; write a duration such as 300ms, "
     "20s, 1h30m or "
     "3d\n"},
    {GOOD "grace: 25h\n", "5:8: grace: 25h is out of range: 0 to 1d\n"},
    {GOOD "agent_units: many\n", "5:14: agent_units: \"many\" is no whole number\n"},
    {GOOD "agent_units: 1.5\n", "5:14: agent_units: \"1.5\" is no whole number\n"},
    {GOOD "agent_units: \"100\"\n",
     "5:14: agent_units: \"100\" is no whole number; in quotes it is a text\n"},
    {GOOD "agent_units: 0\n", "5:14: agent_units: 0 is out of range: 1 to 1000000\n"},
    {GOOD "agent_units: -3\n", "5:14: agent_units: -3 is out of range: 1 to 1000000\n"},
    {GOOD "agent_units: [3]\n", "5:14: agent_units: this is a list; a whole number is wanted\n"},
    {"tiers: gold\n" CHANNELS QUEUES,
     "1:8: tiers: this is a single value; a list of tiers, the highest first is wanted\n"},
    {"tiers: []\n" CHANNELS QUEUES, "1:8: tiers: 0 items; 1 to 32 are allowed\n"},
    {"tiers: [gold]\n" CHANNELS QUEUES, "1:9: tiers[1]: this is a single value; a map is wanted\n"},
    {"tiers: [{name: gold}]\n" CHANNELS QUEUES,
     "1:9: tiers[1]: a tier needs \"answer\": the promise that holds where nothing else does\n"},
    {GOOD "languages: [en, e_n]\n",
     "5:17: languages[2]: \"e_n\" is no language tag (en, zh-Hans, pt-BR)\n"},
    {TIERS CHANNELS "queues: [{name: a, order: fifi}]\n",
     "3:27: queues[1].order: \"fifi\" is none of: deadline, strict, fifo; did you mean "
     "\"fifo\"?\n"},
    {TIERS CHANNELS "queues: [\"\"]\n",
     "3:10: queues[1]: a text of 0 bytes; 1 to 64 are allowed\n"},
    {TIERS CHANNELS "queues: [\"a\\tb\"]\n",
     "3:10: queues[1]: control characters are not allowed here\n"},

    /* Skills, and what refers to something. */
    {TIERS CHANNELS "queues: [{name: a, requires: {x: 7}}]\n",
     "3:34: queues[1].requires.x: 7 is out of range: 1 to 5\n"},
    {TIERS CHANNELS "queues: [{name: a, requires: {x: 0}}]\n",
     "3:34: queues[1].requires.x: 0 is out of range: 1 to 5\n"},
    {GOOD "default_queue: generel\n",
     "5:16: default_queue: no queue is called \"generel\"; did you mean \"general\"?\n"},
    {TIERS CHANNELS "queues: [{name: a, escalation: b}]\n",
     "3:32: queues[1].escalation: no queue is called \"b\"\n"},
    {TIERS CHANNELS "queues: [{name: a, escalation: a}]\n",
     "3:10: queues[1]: it escalates to itself\n"},
    {TIERS CHANNELS "queues: [{name: a, overflow: b}, {name: b, overflow: a}]\n",
     "3:10: queues[1]: its overflow comes back to the queue itself\n"
     "3:34: queues[2]: its overflow comes back to the queue itself\n"},
    {TIERS CHANNELS "queues: [a, b, a]\n",
     "3:16: queues[3]: \"a\" is defined already, in line 3\n"},
    {TIERS CHANNELS "queues: [{name: a, targets: {silver: {answer: 3s}}}]\n",
     "3:30: queues[1].targets.silver: no tier is called \"silver\"\n"},
    {TIERS "channels: [{name: chat, interruptible_by: [voise, chat]}, voice]\n" QUEUES,
     "2:44: channels[1].interruptible_by[1]: no channel is called \"voise\"; did you mean "
     "\"voice\"?\n"},
    {GOOD "agents: [{id: a, queues: [refund]}]\n",
     "5:27: agents[1].queues[1]: no queue is called \"refund\"; did you mean \"refunds\"?\n"},
    {GOOD "agents: [{id: a, queues: [general], ranks: {refunds: 1}}]\n",
     "5:45: agents[1].ranks.refunds: the agent does not serve this queue\n"},
    {GOOD "agents: [{id: a, max: {telex: 1}}]\n",
     "5:24: agents[1].max.telex: no channel is called \"telex\"\n"},
    {GOOD "agents:\n  - id: a\n  - id: b\n  - id: a\n",
     "8:5: agents[3]: the agent \"a\" is defined already, in line 6\n"},

    /* Rules. */
    {RULES "{issue: refunds, phrases: [x]}\n",
     "7:15: classification.issue_rules[1].issue: no issue is called \"refunds\"; did you mean "
     "\"refund\"?\n"},
    {RULES "{phrases: [x]}\n",
     "7:7: classification.issue_rules[1]: the key \"issue\" is missing\n"},
    {RULES "{issue: refund}\n", "7:7: classification.issue_rules[1]: the rule has no phrases, "
                                "patterns or conditions: when should it "
                                "hold?\n"},
    {RULES "{issue: refund, phrases: [x], points: 0}\n",
     "7:7: classification.issue_rules[1]: a rule of 0 points decides nothing\n"},
    {RULES "{issue: refund, phrases: [\"*\"]}\n",
     "7:33: classification.issue_rules: the phrase \"*\" has nothing to look for\n"},
    {RULES "{issue: refund, phrases: [ok, OK]}\n",
     "7:37: classification.issue_rules: \"OK\" stands in this rule already, in line 7\n"},
    {RULES "{issue: refund, phrases: [ok], none: [ok]}\n",
     "7:45: classification.issue_rules: \"ok\" stands in this rule already, in line 7\n"},
    {RULES "{issue: refund, patterns: ['(a', b*, 'ｆｏｏ']}\n",
     "7:34: classification.issue_rules: the pattern \"(a\" is not understood: Missing close "
     "parenthesis for "
     "group started at index 0.\n"
     "7:40: classification.issue_rules: the pattern \"b*\" would be found in any text\n"
     "7:44: classification.issue_rules: text is searched in its plain form, where this pattern can "
     "never be "
     "found; write \"foo\"\n"},
    {ROUTES "{queue: general, issue: []}\n",
     "7:31: classification.routes[1].issue: an empty list never holds\n"},
    {ROUTES "{queue: general, attributes: {n: {above: \"5\"}}}\n",
     "7:48: classification.routes[1].attributes.n.above: a number is wanted: numbers compare with "
     "numbers "
     "only\n"},
    {ROUTES "{queue: general, attributes: {n: {abov: 5}}}\n",
     "7:41: classification.routes[1].attributes.n.abov: unknown test \"abov\"; did you mean "
     "\"above\"?\n"},
    {ROUTES "{queue: general, attributes: {n: {prefix: 5}}}\n",
     "7:49: classification.routes[1].attributes.n.prefix: a text is wanted; put it in quotes\n"},
    {ROUTES "{queue: general, attributes: {n: {exists: 5}}}\n",
     "7:49: classification.routes[1].attributes.n.exists: true or false is wanted\n"},
    {ROUTES "{channel: chat}\n", "7:7: classification.routes[1]: the key \"queue\" is missing\n"},

    /* Several at a time, in the order of the file, whatever order they are read in. */
    {GOOD "grace: x\nagent_units: y\nagents: [{id: a, queues: [z]}]\nzebra: 1\n",
     "5:8: grace: \"x\" is not understood; write a duration such as 300ms, 20s, 1h30m or 3d\n"
     "6:14: agent_units: \"y\" is no whole number\n"
     "7:27: agents[1].queues[1]: no queue is called \"z\"\n"
     "8:1: unknown key \"zebra\"\n"},
};

static const struct row file_rows[] = {
    {"node: {}\n", "1:1: the key \"workspaces\" is missing\n"},
    {"workspaces: {}\n", "1:13: workspaces: at least one workspace is wanted\n"},
    {"workspaces: {\"\": {}}\n", "1:14: workspaces.: a text of 0 bytes; 1 to 64 are allowed\n"},
    {"node: {listen: [http://x]}\nworkspaces: {a: {tiers: [{name: t, answer: 1s}], channels: [c], "
     "queues: [q]}}\n",
     "1:17: node.listen[1]: \"http://x\" is no address; write tcp://HOST:PORT or unix://PATH\n"},
    {"node: {listen: [\"tcp://x:65536\"]}\nworkspaces: {a: {tiers: [{name: t, answer: 1s}], "
     "channels: [c], queues: [q]}}\n",
     "1:17: node.listen[1]: \"tcp://x:65536\" is no address; write tcp://HOST:PORT or "
     "unix://PATH\n"},
    {"node: {journal: disk}\nworkspaces: {a: {tiers: [{name: t, answer: 1s}], channels: [c], "
     "queues: [q]}}\n",
     "1:17: node.journal: \"disk\" is no journal; write memory, file:DIRECTORY, or "
     "redis://HOST:PORT\n"},
    {"node: {limits: {frame: 1KiB, id: 129}, insecure: yes}\n"
     "workspaces: {a: {tiers: [{name: t, answer: 1s}], channels: [c], queues: [q]}}\n",
     "1:24: node.limits.frame: 1KiB is out of range: 4KiB to 64MiB\n"
     "1:34: node.limits.id: 129 is out of range: 16 to 128\n"
     "1:50: node.insecure: true or false is wanted\n"},
    /* An alias used twice is wrong once. */
    {"workspaces:\n  a: &a {tiers: [{name: t, answer: 1s}], channels: [c], queues: [q], grace: "
     "x}\n  b: *a\n",
     "2:77: workspaces.a.grace: \"x\" is not understood; write a duration such as 300ms, 20s, "
     "1h30m or 3d\n"},
};

/* How many rows are not as expected; each of those is printed. */
static unsigned check_rows(const struct row *rows, size_t count, bool file)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < count; i++) {
        struct config_problems problems = {0};
        struct text yaml = text_from(rows[i].yaml);
        struct config *c = file ? config_read(yaml, &problems) : NULL;
        struct workspace_config *w = file ? NULL : config_read_workspace(yaml, &problems);
        char *words = config_problems_text(&problems, NULL);
        if (c != NULL || w != NULL || strcmp(words, rows[i].expected) != 0) {
            print_message("%s\nexpected:\n%sfound:\n%s\n", rows[i].yaml, rows[i].expected, words);
            wrong++;
        }
        config_destroy(c);
        workspace_config_release(w);
        memory_give(words);
        config_problems_close(&problems);
    }
    return wrong;
}

static void every_mistake_of_a_workspace_is_pointed_at(void **state)
{
    (void)state;
    assert_int_equal(
        check_rows(workspace_rows, sizeof(workspace_rows) / sizeof(workspace_rows[0]), false), 0);
}

static void every_mistake_of_a_file_is_pointed_at(void **state)
{
    (void)state;
    assert_int_equal(check_rows(file_rows, sizeof(file_rows) / sizeof(file_rows[0]), true), 0);
}

/* Nine lists of nine aliases each would be more than 300 million items. */
static void aliases_do_not_multiply_without_bound(void **state)
{
    struct config_problems problems = {0};
    char yaml[2048] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    size_t used = strlen(yaml);

    (void)state;
    for (int i = 1; i < 9; i++) {
        used += (size_t)snprintf(yaml + used, sizeof(yaml) - used, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++) {
            used += (size_t)snprintf(yaml + used, sizeof(yaml) - used, "%s*a%d", k == 0 ? "" : ", ",
                                     i - 1);
        }
        used += (size_t)snprintf(yaml + used, sizeof(yaml) - used, "]\n");
    }
    assert_null(config_read(text_from(yaml), &problems));
    assert_int_equal(problems.count, 1);
    assert_non_null(strstr(problems.list[0].message, "written out the document is too large"));
    config_problems_close(&problems);
}

/* A file of rubbish does not drown its reader. */
static void problems_beyond_the_bound_are_counted(void **state)
{
    struct config_problems problems = {0};
    size_t size = 400 * 16;
    char *yaml = memory_take(size);
    size_t used = 0;
    char *words;

    (void)state;
    for (int i = 0; i < 400; i++) {
        used += (size_t)snprintf(yaml + used, size - used, "rubbish%d: 1\n", i);
    }
    assert_null(config_read(text_from(yaml), &problems));
    assert_int_equal(problems.count, CONFIG_PROBLEMS_MAX);
    assert_int_equal(problems.left_out, 201); /* 400 keys, and no workspaces */
    words = config_problems_text(&problems, "file.yaml");
    assert_non_null(strstr(words, "file.yaml:7:1: unknown key \"rubbish6\"\n"));
    assert_non_null(strstr(words, "\nand 201 more\n"));
    memory_give(words);
    memory_give(yaml);
    config_problems_close(&problems);
}

static void a_file_that_is_not_there_is_a_problem(void **state)
{
    struct config_problems problems = {0};
    char *words;

    (void)state;
    assert_null(config_read_file("/nowhere/at/all.yaml", &problems));
    words = config_problems_text(&problems, "all.yaml");
    assert_string_equal(words, "all.yaml: cannot be opened: No such file or directory\n");
    memory_give(words);
    config_problems_close(&problems);
}

/* Whatever bytes come: an answer, and no leak. Each beginning of a good file is such a file. */
static void every_beginning_of_a_file_is_read_or_refused(void **state)
{
    static const char yaml[] = RULES
        "{issue: refund, phrases: [退款, \"re*\"], patterns: ['a+'], customer: {n: {in: [1, x]}}}\n"
        "agents: [{id: a, skills: {x: 5}, max: {chat: 2}, queues: [general], ranks: {general: "
        "2}}]\n";

    (void)state;
    for (uint32_t i = 0; i < sizeof(yaml); i++) {
        struct config_problems problems = {0};
        struct workspace_config *w = config_read_workspace((struct text){yaml, i}, &problems);
        assert_true((w == NULL) == (problems.count > 0));
        workspace_config_release(w);
        config_problems_close(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_of_a_workspace_is_pointed_at),
        cmocka_unit_test(every_mistake_of_a_file_is_pointed_at),
        cmocka_unit_test(aliases_do_not_multiply_without_bound),
        cmocka_unit_test(problems_beyond_the_bound_are_counted),
        cmocka_unit_test(a_file_that_is_not_there_is_a_problem),
        cmocka_unit_test(every_beginning_of_a_file_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
