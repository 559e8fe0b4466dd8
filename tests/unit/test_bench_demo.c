/* The demonstration's reading and counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/demo_messages.h"
#include "bench/demo_report.h"
#include "proto/cursor.h"

#include <stdio.h>
#include <string.h>

static bool add(struct demo_messages *m, const char *line, char problem[200])
{
    return demo_messages_add(m, line, strlen(line), 3, problem, 200);
}

/* A line becomes the parameters of contact.submit, without what we expect. */
static void a_line_is_a_submission(void **state)
{
    struct demo_messages m = {0};
    struct cursor at;
    struct text key, value;
    char problem[200];
    uint32_t pairs;

    (void)state;
    assert_true(
        add(&m,
            "{\"channel\": \"sms\", \"text\": \"\u9000\u6b3e\", \"customer\": {\"id\": \"c-1\", "
            "\"attributes\": {\"orders\": 9, \"new\": true, \"x\": null, \"w\": 1.5}}, "
            "\"expect\": {\"issue\": \"refund\"}}",
            problem));
    assert_int_equal(m.count, 1);
    assert_string_equal(m.items[0].channel, "sms");
    assert_string_equal(m.items[0].expected_issue, "refund");
    assert_int_equal(m.items[0].pairs, 3);
    at = cursor_over(m.items[0].params.bytes, m.items[0].params.size);
    assert_true(cursor_text(&at, &key) && text_equal(key, TEXT("channel")));
    assert_true(cursor_text(&at, &value) && text_equal(value, TEXT("sms")));
    assert_true(cursor_text(&at, &key) && text_equal(key, TEXT("text")));
    assert_true(cursor_text(&at, &value) && text_equal(value, TEXT("\u9000\u6b3e")));
    assert_true(cursor_text(&at, &key) && text_equal(key, TEXT("customer")));
    assert_true(cursor_map(&at, &pairs) && pairs == 2);
    assert_true(cursor_skip(&at) && cursor_skip(&at) && cursor_skip(&at));
    assert_true(cursor_map(&at, &pairs) && pairs == 4);
    demo_messages_close(&m);
}

/* What is wrong with a line is said with its number. */
static void a_wrong_line_is_named(void **state)
{
    struct demo_messages m = {0};
    char problem[200];

    (void)state;
    assert_false(add(&m, "{\"channel\": ", problem));
    assert_non_null(strstr(problem, "line 3, column"));
    assert_false(add(&m, "{\"text\": \"hello\"}", problem));
    assert_non_null(strstr(problem, "line 3: there is no channel"));
    assert_int_equal(m.count, 0);
    demo_messages_close(&m);
}

static void states_have_words(void **state)
{
    (void)state;
    for (enum demo_state s = DEMO_STATE_SCHEDULED; s < DEMO_STATE_COUNT; s++) {
        const char *word = demo_state_word(s);

        assert_int_equal(demo_state_of(word, strlen(word)), s);
    }
    assert_int_equal(demo_state_of("complete", 8), DEMO_STATE_UNKNOWN);
}

static struct demo_fate fate(enum demo_state state, const char *queue, uint64_t wait_ms)
{
    struct demo_fate f = {.state = state,
                          .acknowledged = true,
                          .accounted = true,
                          .answered = wait_ms > 0,
                          .within = wait_ms > 0 && wait_ms <= 20000,
                          .wait_ms = wait_ms};

    snprintf(f.queue, sizeof(f.queue), "%s", queue);
    snprintf(f.queue_answered, sizeof(f.queue_answered), "%s", queue);
    snprintf(f.queue_ended, sizeof(f.queue_ended), "%s", queue);
    snprintf(f.tier, sizeof(f.tier), "gold");
    return f;
}

static void server_says(struct demo_stats *s, const char *queue, int64_t submitted,
                        int64_t answered, int64_t abandoned, int64_t completed)
{
    struct demo_stats_row *row = demo_stats_add(&s->queues, &s->queue_count, queue);

    row->submitted = submitted;
    row->answered = answered;
    row->abandoned = abandoned;
    row->completed = completed;
    row->service_level = 0.5;
}

struct world {
    struct demo_fate fates[5];
    const struct demo_fate *pointers[5];
    struct demo_stats before, after;
    struct demo_report report;
};

static int world_open(void **state)
{
    static struct world w;

    memset(&w, 0, sizeof(w));
    w.fates[0] = fate(DEMO_STATE_COMPLETED, "mail", 1000);
    w.fates[1] = fate(DEMO_STATE_COMPLETED, "mail", 30000);
    w.fates[2] = fate(DEMO_STATE_CANCELLED, "mail", 0);
    w.fates[3] = fate(DEMO_STATE_ACTIVE, "chat", 5000);
    w.fates[4] = fate(DEMO_STATE_REFUSED, "", 0);
    w.fates[0].expected_issue = "refund";
    snprintf(w.fates[0].issue, sizeof(w.fates[0].issue), "refund");
    w.fates[1].expected_issue = "account";
    for (int i = 0; i < 5; i++) {
        w.pointers[i] = &w.fates[i];
    }
    *state = &w;
    return 0;
}

static int world_close(void **state)
{
    struct world *w = *state;

    demo_report_close(&w->report);
    demo_stats_close(&w->before);
    demo_stats_close(&w->after);
    return 0;
}

static void world_tier(struct demo_stats *s, int64_t submitted, int64_t answered, int64_t abandoned,
                       int64_t completed)
{
    struct demo_stats_row *row = demo_stats_add(&s->tiers, &s->tier_count, "gold");

    row->submitted = submitted;
    row->answered = answered;
    row->abandoned = abandoned;
    row->completed = completed;
}

/* Everything is counted once, and where it happened. */
static void contacts_are_counted(void **state)
{
    struct world *w = *state;
    const struct demo_report *r = &w->report;

    server_says(&w->before, "mail", 10, 10, 0, 10);
    server_says(&w->after, "mail", 13, 12, 1, 12);
    server_says(&w->after, "chat", 1, 1, 0, 0);
    world_tier(&w->after, 4, 3, 1, 2);
    demo_report_init(&w->report, w->pointers, 5, &w->before, &w->after);
    assert_int_equal(r->submitted, 5);
    assert_int_equal(r->accounted, 5);
    assert_int_equal(r->unaccounted, 0);
    assert_int_equal(r->open, 1);
    assert_int_equal(r->expected, 2);
    assert_int_equal(r->hits, 1);
    assert_int_equal(r->queue_count, 2);
    assert_string_equal(r->queues[0].key, "chat");
    assert_string_equal(r->queues[1].key, "mail");
    assert_int_equal(r->queues[1].submitted, 3);
    assert_int_equal(r->queues[1].answered, 2);
    assert_int_equal(r->queues[1].within, 1);
    assert_int_equal(r->queues[1].completed, 2);
    assert_int_equal(r->queues[1].abandoned, 1);
    assert_int_equal(r->queues[1].waits->largest, 30000);
    assert_true(r->agrees);
}

/* A server that has counted less than happened is found out; one that counted more has other
 * clients. */
static void the_servers_figures_are_checked(void **state)
{
    struct world *w = *state;

    server_says(&w->after, "mail", 3, 1, 1, 2); /* one answer is missing */
    server_says(&w->after, "chat", 9, 9, 9, 9);
    world_tier(&w->after, 4, 3, 1, 2);
    demo_report_init(&w->report, w->pointers, 5, &w->before, &w->after);
    assert_false(w->report.agrees);
    assert_true(w->report.queues[0].agrees);
    assert_false(w->report.queues[1].agrees);
}

/* A contact of which the server says nothing is missing, whatever we thought of it. */
static void a_contact_nobody_knows_is_missing(void **state)
{
    struct world *w = *state;

    w->fates[3].accounted = false;
    demo_report_init(&w->report, w->pointers, 5, &w->before, &w->after);
    assert_int_equal(w->report.unaccounted, 1);
    assert_int_equal(w->report.accounted, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_submission),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(states_have_words),
        cmocka_unit_test_setup_teardown(contacts_are_counted, world_open, world_close),
        cmocka_unit_test_setup_teardown(the_servers_figures_are_checked, world_open, world_close),
        cmocka_unit_test_setup_teardown(a_contact_nobody_knows_is_missing, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
