/* Scenario files: what they mean, and that every mistake is told with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/scenario.h"

#include <math.h>

#include "queue/base/memory.h"

static void a_scenario_says_what_happens(void **state)
{
    static const char yaml[] =
        "mix:\n"
        "  - {name: vips, weight: 3, channel: chat, tier: [vip, gold], queue: q, text: 1KiB,\n"
        "     wrap_up: 50ms, skills: ['es:3+refund:2', 'en:1'],\n"
        "     handle: {law: lognormal, mean: 2s, spread: 60},\n"
        "     patience: {law: exponential, mean: 1m}}\n"
        "  - {issue: refund, language: de}\n"
        "agents: {misses: 2, declines: 3}\n"
        "phases:\n"
        "  - {name: ramp, duration: 10s, rate: 100..500.5, burst: {contacts: 50, every: 2500ms}}\n"
        "  - {duration: 1m, window: 32, reconnect: {share: 40, who: agents, after: 3s}}\n"
        "  - {duration: 500ms}\n";
    struct config_problems problems = {0};
    struct scenario *s = scenario_read(text_from(yaml), &problems);

    (void)state;
    assert_non_null(s);
    assert_int_equal(problems.count, 0);
    assert_int_equal(s->kind_count, 2);
    assert_string_equal(s->kinds[0].name, "vips");
    assert_int_equal(s->kinds[0].weight, 3);
    assert_string_equal(s->kinds[0].channel, "chat");
    assert_string_equal(s->kinds[0].tiers, "vip,gold");
    assert_string_equal(s->kinds[0].queues, "q");
    assert_string_equal(s->kinds[0].skills, "es:3+refund:2,en:1");
    assert_int_equal(s->kinds[0].text_bytes, 1024);
    assert_int_equal(s->kinds[0].wrap_up_ms, 50);
    assert_int_equal(s->kinds[0].handle.law, WORKLOAD_LOGNORMAL);
    assert_true(fabs(s->kinds[0].handle.mean_ms - 2000) < 1e-9);
    assert_true(fabs(s->kinds[0].handle.spread - 0.6) < 1e-9);
    assert_true(fabs(s->kinds[0].patience.mean_ms - 60000) < 1e-9);
    assert_string_equal(s->kinds[1].channel, "email");
    assert_int_equal(s->kinds[1].weight, 1);
    assert_int_equal(s->kinds[1].text_bytes, 200);
    assert_null(s->kinds[1].tiers);
    assert_true(s->kinds[1].patience.mean_ms <= 0);
    assert_int_equal(s->miss_percent, 2);
    assert_int_equal(s->decline_percent, 3);
    assert_int_equal(s->phase_count, 3);
    assert_true(fabs(scenario_rate(&s->phases[0], 0) - 100) < 1e-9);
    assert_true(fabs(scenario_rate(&s->phases[0], 10) - 500.5) < 1e-9);
    assert_int_equal(s->phases[0].burst, 50);
    assert_true(fabs(s->phases[0].burst_every_s - 2.5) < 1e-9);
    assert_int_equal(s->phases[1].window, 32);
    assert_int_equal(s->phases[1].storm_percent, 40);
    assert_int_equal(s->phases[1].storm_who, SCENARIO_AGENTS);
    assert_true(fabs(s->phases[1].storm_after_s - 3) < 1e-9);
    assert_int_equal(s->phases[2].storm_percent, 0);
    assert_true(fabs(scenario_seconds(s) - 70.5) < 1e-9);
    scenario_destroy(s);
    config_problems_close(&problems);
}

#define MIX    "mix: [{channel: chat}]\n"
#define PHASES "phases: [{duration: 1s}]\n"

/* Each file has one mistake, at this place, and the message has this word. */
static void a_mistake_has_a_place(void **state)
{
    static const struct {
        const char *yaml;
        uint32_t line, column;
        const char *word;
    } rows[] = {
        {PHASES, 1, 1, "mix"},
        {MIX, 1, 1, "phases"},
        {MIX PHASES "agent: {misses: 1}\n", 3, 1, "did you mean \"agents\"?"},
        {"mix: []\n" PHASES, 1, 6, "0 items"},
        {"mix: chat\n" PHASES, 1, 6, "a list of kinds"},
        {"mix: [{weight: 0}]\n" PHASES, 1, 6, "above 0"},
        {"mix: [{weight: -1}]\n" PHASES, 1, 16, "mix[1].weight"},
        {"mix: [{handle: {mean: 20}}]\n" PHASES, 1, 23, "mix[1].handle.mean"},
        {"mix: [{handle: {law: gauss, mean: 1s}}]\n" PHASES, 1, 22, "lognormal"},
        {"mix: [{tier: ['a,b']}]\n" PHASES, 1, 15, "comma"},
        {MIX "phases:\n  - {rate: 5}\n", 3, 5, "duration"},
        {MIX "phases: [{duration: 1s, rate: fast}]\n", 2, 31, "500..4000"},
        {MIX "phases: [{duration: 1s, rate: 0}]\n", 2, 31, "500..4000"},
        {MIX "phases: [{duration: 1s, rate: 1..}]\n", 2, 31, "500..4000"},
        {MIX "phases: [{duration: 1s, rate: -1..5}]\n", 2, 31, "500..4000"},
        {MIX "phases: [{duration: 1s, rate: 5, window: 2}]\n", 2, 10, "open or a closed"},
        {MIX "phases: [{duration: 1s, burst: {every: 1s}}]\n", 2, 32, "contacts and every"},
        {MIX "phases: [{duration: 1s, reconnect: {after: 2s}}]\n", 2, 10, "before its connections"},
        {MIX "phases: [{duration: 1s, reconnect: {who: all}}]\n", 2, 42, "everyone"},
        {MIX PHASES "agents: {misses: 60, declines: 50}\n", 3, 9, "100 percent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_problems problems = {0};
        struct scenario *s = scenario_read(text_from(rows[i].yaml), &problems);

        assert_null(s);
        if (problems.count != 1 || problems.list[0].line != rows[i].line ||
            problems.list[0].column != rows[i].column ||
            strstr(problems.list[0].message, rows[i].word) == NULL) {
            char *words = config_problems_text(&problems, NULL);

            print_error("%swants %u:%u and \"%s\", has %u problems:\n%s", rows[i].yaml,
                        rows[i].line, rows[i].column, rows[i].word, problems.count, words);
            memory_give(words);
            fail();
        }
        config_problems_close(&problems);
    }
}

static void every_mistake_is_told(void **state)
{
    struct config_problems problems = {0};

    (void)state;
    assert_null(
        scenario_read(TEXT("mix: [{weight: x, colour: 1}]\nphases: [{rate: y}]\n"), &problems));
    assert_int_equal(problems.count, 4); /* the weight, the colour, the rate, no duration */
    config_problems_close(&problems);
}

static void a_file_that_is_not_there_is_a_problem(void **state)
{
    struct config_problems problems = {0};

    (void)state;
    assert_null(scenario_read_file("/nonexistent/scenario.yaml", &problems));
    assert_int_equal(problems.count, 1);
    config_problems_close(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scenario_says_what_happens),
        cmocka_unit_test(a_mistake_has_a_place),
        cmocka_unit_test(every_mistake_is_told),
        cmocka_unit_test(a_file_that_is_not_there_is_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
