/* What a configuration gives: settings, defaults, canonical text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "queue/base/memory.h"
#include "router/config.h"

#define SECOND 1000

static struct config *read_file(const char *path)
{
    struct config_problems problems = {0};
    struct config *c = config_read_file(path, &problems);

    if (c == NULL) {
        char *words = config_problems_text(&problems, path);
        print_message("%s", words);
        memory_give(words);
    }
    config_problems_close(&problems);
    assert_non_null(c);
    return c;
}

static struct workspace_config *read_workspace(const char *yaml)
{
    struct config_problems problems = {0};
    struct workspace_config *w = config_read_workspace(text_from(yaml), &problems);

    if (w == NULL) {
        char *words = config_problems_text(&problems, NULL);
        print_message("%s", words);
        memory_give(words);
    }
    config_problems_close(&problems);
    assert_non_null(w);
    return w;
}

static void assert_text(struct text t, const char *expected)
{
    assert_int_equal(t.length, strlen(expected));
    assert_memory_equal(t.bytes, expected, t.length);
}

static struct queue_settings *queue_of(const struct workspace_config *w, const char *name)
{
    queue_index at = settings_find_queue(w->settings, text_from(name));

    assert_int_not_equal(at, INDEX_NONE16);
    return &w->settings->queues[at];
}

/* The conformance tests of the wire count on every figure of it. */
static void the_minimal_configuration_is_what_it_is_said_to_be(void **state)
{
    struct config *c = read_file(SOURCE_DIR "/deploy/minimal.yaml");
    static const char *const names[] = {"default", "other", "bench"};

    (void)state;
    assert_int_equal(c->node.heartbeat, SECOND);
    assert_int_equal(c->node.listen_count, 1);
    assert_int_equal(c->node.limits.of[LIMIT_FRAME], 1048576);
    assert_int_equal(c->workspace_count, 3);
    for (int i = 0; i < 3; i++) {
        struct workspace_config *w = config_find(c, text_from(names[i]));
        const struct settings *s = w->settings;
        static const char *const tiers[] = {"vip", "gold", "standard"};
        static const int targets[] = {20, 60, 120};
        static const char *const channels[] = {"voice", "chat", "email"};
        static const uint32_t units[] = {100, 34, 20};
        static const uint32_t most[] = {0, 2, 0};
        assert_int_equal(s->tier_count, 3);
        assert_int_equal(s->channel_count, 3);
        for (int k = 0; k < 3; k++) {
            assert_text(s->tiers[k].name, tiers[k]);
            assert_int_equal(s->tiers[k].targets.answer, targets[k] * SECOND);
            assert_int_equal(s->tiers[k].targets.resolve, DURATION_NONE);
            assert_text(s->channels[k].name, channels[k]);
            assert_int_equal(s->channels[k].units, units[k]);
            assert_int_equal(s->channels[k].max_per_agent, most[k]);
            assert_int_equal(s->channels[k].interruptible_by, 0);
        }
        assert_int_equal(s->queue_count, 6);
        for (uint32_t k = 0; k < s->queue_count; k++) {
            const struct queue_settings *q = &s->queues[k];
            bool fifo = text_equal(q->name, TEXT("fifo"));
            bool strict = text_equal(q->name, TEXT("strict"));
            assert_int_equal(q->delivery_clock, 300);
            assert_int_equal(q->answer_clock, 500);
            assert_int_equal(q->cool_down, SECOND);
            assert_int_equal(q->wrap_up, fifo ? 300 : 0);
            assert_int_equal(q->order, fifo ? ORDER_FIFO : strict ? ORDER_STRICT : ORDER_DEADLINE);
            assert_int_equal(q->waiting_max, text_equal(q->name, TEXT("tiny")) ? 3 : 0);
            assert_int_equal(q->required_count, text_equal(q->name, TEXT("refunds")) ? 1 : 0);
            assert_int_equal(q->expires, DURATION_NONE);
        }
        assert_text(queue_of(w, "refunds")->required[0].skill, "refund");
        assert_int_equal(queue_of(w, "refunds")->required[0].level, 3);
        assert_ptr_equal(&s->queues[s->default_queue], queue_of(w, "general"));
        assert_ptr_not_equal(queue_of(w, "second"), queue_of(w, "tiny"));
        assert_int_equal(s->agent_units, 100);
        assert_int_equal(s->max_misses, 1);
        assert_int_equal(s->missed_return, DURATION_NONE);
        assert_int_equal(s->grace, 700);
        assert_int_equal(s->id_kept, 24 * 3600 * SECOND);
        assert_int_equal(s->agent_count, 0);
    }
    assert_true(text_equal(c->workspaces[0]->document, c->workspaces[1]->document));
    assert_null(config_find(c, TEXT("third")));
    config_destroy(c);
}

static bool can_serve(const struct agent_settings *a, const struct queue_settings *q)
{
    bool served = a->all_queues;

    for (uint32_t i = 0; i < a->queue_count; i++) {
        served = served || text_equal(a->queues[i].queue, q->name);
    }
    for (uint32_t i = 0; served && i < q->required_count; i++) {
        bool skilled = false;
        for (uint32_t k = 0; k < a->skill_count; k++) {
            skilled = skilled || (text_equal(a->skills[k].skill, q->required[i].skill) &&
                                  a->skills[k].level >= q->required[i].level);
        }
        served = skilled;
    }
    return served;
}

/* Nobody waits for an agent who does not exist, and nobody is hired for a queue beyond their
 * skills. */
static void the_example_is_staffed(void **state)
{
    struct config *c = read_file(SOURCE_DIR "/deploy/after-sales.yaml");
    const struct workspace_config *w = c->workspaces[0];
    const struct settings *s = w->settings;

    (void)state;
    assert_true(s->tier_count >= 4);
    assert_true(s->issue_count >= 12);
    assert_int_equal(s->channel_count, 5);
    assert_true(s->queue_count >= 20);
    assert_true(s->agent_count >= 60);
    assert_true(ruleset_phrase_count(w->ruleset) > 200);
    for (uint32_t i = 0; i < s->queue_count; i++) {
        unsigned staff = 0;
        for (uint32_t k = 0; k < s->agent_count; k++) {
            staff += can_serve(&s->agents[k], &s->queues[i]);
        }
        if (staff < 2) {
            print_message("queue " TEXT_FORMAT " has %u agents\n", TEXT_ARGS(s->queues[i].name),
                          staff);
        }
        assert_true(staff >= 2);
    }
    for (uint32_t k = 0; k < s->agent_count; k++) {
        for (uint32_t i = 0; i < s->agents[k].queue_count; i++) {
            queue_index q = settings_find_queue(s, s->agents[k].queues[i].queue);
            if (!can_serve(&s->agents[k], &s->queues[q])) {
                print_message("agent " TEXT_FORMAT " lacks the skills of " TEXT_FORMAT "\n",
                              TEXT_ARGS(s->agents[k].id), TEXT_ARGS(s->queues[q].name));
            }
            assert_true(can_serve(&s->agents[k], &s->queues[q]));
        }
    }
    /* From 20 seconds to 24 hours, and a complaint climbs to the management. */
    assert_int_equal(queue_of(w, "vip-chat")->by_tier[0].answer, 20 * SECOND);
    assert_int_equal(queue_of(w, "mail-en")->by_tier[3].answer, 24 * 3600 * SECOND);
    assert_int_equal(s->issues[settings_find_issue(s, TEXT("complaint"))].targets.resolve,
                     72 * 3600 * SECOND);
    assert_text(s->queues[queue_of(w, "complaints")->escalation].name, "complaints-department");
    assert_text(s->queues[queue_of(w, "complaints-department")->escalation].name,
                "complaints-management");
    assert_int_equal(queue_of(w, "complaints-management")->escalation, INDEX_NONE16);
    config_destroy(c);
}

#define SMALL                                                                                      \
    "tiers: [{name: gold, answer: 30s, resolve: 1d}, {name: standard, answer: 2m}]\n"              \
    "channels: [chat, {name: voice, interruptible_by: [chat]}]\n"

/* The nearest promise counts, each of the three by itself. */
static void targets_come_from_the_nearest_that_promises(void **state)
{
    struct workspace_config *w = read_workspace(
        SMALL "issues: [{name: refund, answer: 50s, resolve: 3h}]\n"
              "queues:\n"
              "  - a\n"
              "  - {name: b, answer: 10s, targets: {gold: {answer: 5s, progress: 1h}}}\n");
    const struct settings *s = w->settings;
    struct targets t;

    (void)state;
    t = settings_targets(s, 0, 0, INDEX_NONE16);
    assert_int_equal(t.answer, 30 * SECOND);
    assert_int_equal(t.progress, DURATION_NONE);
    t = settings_targets(s, 0, 0, 0);
    assert_int_equal(t.answer, 50 * SECOND);
    assert_int_equal(t.resolve, 3 * 3600 * SECOND);
    t = settings_targets(s, 1, 0, 0);
    assert_int_equal(t.answer, 5 * SECOND);
    assert_int_equal(t.progress, 3600 * SECOND);
    assert_int_equal(t.resolve, 3 * 3600 * SECOND);
    t = settings_targets(s, 1, 1, INDEX_NONE16);
    assert_int_equal(t.answer, 10 * SECOND);
    assert_int_equal(t.resolve, DURATION_NONE);
    assert_int_equal(s->channels[1].interruptible_by, 1);
    workspace_config_release(w);
}

static void agents_are_read_with_all_they_have(void **state)
{
    struct workspace_config *w =
        read_workspace(SMALL "queues: [a, b]\n"
                             "agents:\n"
                             "  - {id: ana, name: Ana Lu, address: sip:7, skills: {zh: 5, en: 2}, "
                             "units: 80, max: {chat: 3},\n"
                             "     queues: [a, b], ranks: {b: 2}}\n"
                             "  - {id: bo, queues: all, ranks: {a: 1}}\n"
                             "  - {id: cy}\n");
    const struct agent_settings *a = w->settings->agents;

    (void)state;
    assert_int_equal(w->settings->agent_count, 3);
    assert_text(a[0].id, "ana");
    assert_text(a[0].name, "Ana Lu");
    assert_text(a[0].address, "sip:7");
    assert_int_equal(a[0].skill_count, 2);
    assert_text(a[0].skills[0].skill, "zh");
    assert_int_equal(a[0].skills[0].level, 5);
    assert_int_equal(a[0].units, 80);
    assert_int_equal(a[0].max_count, 1);
    assert_text(a[0].max[0].channel, "chat");
    assert_int_equal(a[0].max[0].contacts, 3);
    assert_false(a[0].all_queues);
    assert_int_equal(a[0].queue_count, 2);
    assert_int_equal(a[0].queues[0].rank, 0);
    assert_int_equal(a[0].queues[1].rank, 2);
    assert_true(a[1].all_queues);
    assert_int_equal(a[1].queue_count, 1);
    assert_text(a[1].queues[0].queue, "a");
    assert_int_equal(a[1].queues[0].rank, 1);
    assert_true(a[2].all_queues);
    assert_int_equal(a[2].queue_count, 0);
    assert_int_equal(a[2].units, 0);
    assert_int_not_equal(a[1].digest, a[2].digest);
    assert_int_not_equal(a[2].digest, 0);
    workspace_config_release(w);
}

/* What says the same is the same: comments, layout and aliases do not count, values do. */
static void the_digest_is_of_the_meaning(void **state)
{
    struct workspace_config *a = read_workspace(SMALL "queues: [a, {name: b, requires: {x: 3}}]\n");
    struct workspace_config *b =
        read_workspace("# the same, written in another hand\n"
                       "tiers:\n  - name: gold\n    answer: 30s\n    resolve: 1d\n  - {name: "
                       "standard, answer: 2m}\n"
                       "channels:\n  - chat\n  - name: voice\n    interruptible_by:\n    - chat\n"
                       "queues: [a, {name: b,\n   requires: {x: 3}}] # two\n");
    struct workspace_config *c = read_workspace(SMALL "queues: [a, {name: b, requires: {x: 4}}]\n");
    struct config_problems problems = {0};
    struct workspace_config *again = config_read_workspace(a->document, &problems);

    (void)state;
    assert_true(text_equal(a->document, b->document));
    assert_int_equal(a->digest, b->digest);
    assert_int_not_equal(a->digest, c->digest);
    /* The journal keeps the canonical text: reading it gives it again. */
    assert_non_null(again);
    assert_true(text_equal(a->document, again->document));
    assert_int_equal(a->digest, again->digest);
    workspace_config_release(a);
    workspace_config_release(b);
    workspace_config_release(c);
    workspace_config_release(again);
}

/* In quotes a number is a text; the canonical text must not lose that, nor any character. */
static void the_canonical_text_keeps_what_matters(void **state)
{
    struct workspace_config *w =
        read_workspace(SMALL "queues: ['退款: 中文', \"5\", \"a \\\"quoted\\\" one\", 'true']\n"
                             "classification: {routes: [{queue: \"5\", attributes: {n: ['7', 7, "
                             "\"true\", true, null]}}]}\n");
    struct config_problems problems = {0};
    struct workspace_config *again = config_read_workspace(w->document, &problems);

    (void)state;
    assert_non_null(again);
    assert_true(text_equal(w->document, again->document));
    assert_text(again->settings->queues[0].name, "退款: 中文");
    assert_text(again->settings->queues[2].name, "a \"quoted\" one");
    assert_non_null(strstr(w->document.bytes, "- \"7\"\n"));
    assert_non_null(strstr(w->document.bytes, "- 7\n"));
    workspace_config_release(w);
    workspace_config_release(again);
}

static void defaults_of_queues_are_for_all_queues(void **state)
{
    struct workspace_config *w = read_workspace(
        SMALL "queues: [a, {name: b, wrap_up: 1s}, top]\n"
              "queue_defaults: {wrap_up: 9s, escalation: top, attempts_max: 3, order: fifo}\n");

    (void)state;
    assert_int_equal(queue_of(w, "a")->wrap_up, 9 * SECOND);
    assert_int_equal(queue_of(w, "b")->wrap_up, 1 * SECOND);
    assert_int_equal(queue_of(w, "b")->order, ORDER_FIFO);
    assert_int_equal(queue_of(w, "a")->escalation, 2);
    assert_int_equal(queue_of(w, "top")->escalation, INDEX_NONE16); /* not to itself */
    workspace_config_release(w);
}

static void durations_and_sizes_are_read_with_their_units(void **state)
{
    struct config_problems problems = {0};
    struct config *c = config_read(
        TEXT("node: {heartbeat: 1m30s, hello_timeout: 300ms, drain_timeout: 0, output: 1MiB512KiB,"
             " limits: {frame: 65536, text: 8KiB}}\n"
             "workspaces: {a: {tiers: [{name: t, answer: 3d12h}], channels: [c], queues: [q],"
             " missed_return: never, at_risk: 1h30m}}\n"),
        &problems);

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->node.heartbeat, 90 * SECOND);
    assert_int_equal(c->node.hello_timeout, 300);
    assert_int_equal(c->node.drain_timeout, 0);
    assert_int_equal(c->node.output_max, 1536 * 1024);
    assert_int_equal(c->node.limits.of[LIMIT_FRAME], 65536);
    assert_int_equal(c->node.limits.of[LIMIT_TEXT], 8192);
    assert_int_equal(c->node.limits.of[LIMIT_NESTING], 16);
    assert_int_equal(c->workspaces[0]->settings->tiers[0].targets.answer, 84 * 3600 * SECOND);
    assert_int_equal(c->workspaces[0]->settings->missed_return, DURATION_NONE);
    assert_int_equal(c->workspaces[0]->settings->at_risk, 90 * 60 * SECOND);
    config_destroy(c);
}

/* The limits of the wire have their defaults in one place, and it is not here. */
static void a_node_without_settings_has_defaults(void **state)
{
    struct node_settings node;
    struct limits limits;

    (void)state;
    config_node_defaults(&node);
    limits_init(&limits);
    assert_memory_equal(&node.limits, &limits, sizeof(limits));
    assert_text(node.listen[0], "tcp://127.0.0.1:7700");
    assert_text(node.journal, "file:journal");
    assert_int_equal(node.log_level, LOG_LEVEL_INFO);
    assert_int_equal(node.heartbeat, 30 * SECOND);
    assert_int_equal(node.hello_timeout, 5 * SECOND);
    assert_int_equal(node.request_timeout, 10 * SECOND);
    assert_false(node.insecure);
}

/* A snapshot in use outlives the file that it came from. */
static void a_workspace_outlives_its_file(void **state)
{
    struct config *c = read_file(SOURCE_DIR "/deploy/minimal.yaml");
    struct workspace_config *w = config_find(c, TEXT("other"));

    (void)state;
    workspace_config_retain(w);
    config_destroy(c);
    assert_text(w->name, "other");
    assert_text(w->settings->tiers[0].name, "vip");
    workspace_config_release(w);
}

static void *read_on_a_thread(void *digest)
{
    struct config_problems problems = {0};
    struct config *c = config_read_file(SOURCE_DIR "/deploy/after-sales.yaml", &problems);

    *(uint64_t *)digest = c == NULL ? 0 : c->workspaces[0]->digest;
    config_destroy(c);
    config_problems_close(&problems);
    return NULL;
}

/* Reading and compiling share nothing: a reload runs beside the loop. */
static void configurations_are_read_on_any_thread(void **state)
{
    pthread_t threads[3];
    uint64_t digests[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on_a_thread, &digests[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_not_equal(digests[0], 0);
    assert_int_equal(digests[0], digests[1]);
    assert_int_equal(digests[0], digests[2]);
}

static void help_names_every_setting(void **state)
{
    char *help = config_help();

    (void)state;
    assert_non_null(strstr(help, "\n  heartbeat            duration 30s: "));
    assert_non_null(strstr(help, "\n  queues               list of queues, required: "));
    assert_non_null(strstr(help, "\n  in_flight            number 1024: "));
    memory_give(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_minimal_configuration_is_what_it_is_said_to_be),
        cmocka_unit_test(the_example_is_staffed),
        cmocka_unit_test(targets_come_from_the_nearest_that_promises),
        cmocka_unit_test(agents_are_read_with_all_they_have),
        cmocka_unit_test(the_digest_is_of_the_meaning),
        cmocka_unit_test(the_canonical_text_keeps_what_matters),
        cmocka_unit_test(defaults_of_queues_are_for_all_queues),
        cmocka_unit_test(durations_and_sizes_are_read_with_their_units),
        cmocka_unit_test(a_node_without_settings_has_defaults),
        cmocka_unit_test(a_workspace_outlives_its_file),
        cmocka_unit_test(configurations_are_read_on_any_thread),
        cmocka_unit_test(help_names_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
