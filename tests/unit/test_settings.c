#include "queue/settings.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NONE DURATION_NONE

/* Two tiers, two queues, two issues. The first queue speaks for vip, the second for nobody. */
static struct settings *a_shop(void)
{
    struct settings *s = settings_create();

    s->tier_count = 2;
    s->tiers = settings_alloc(s, 2 * sizeof(*s->tiers));
    s->tiers[0] = (struct tier_settings){TEXT("vip"), {10, 20, 30}};
    s->tiers[1] = (struct tier_settings){TEXT("standard"), {100, NONE, 300}};
    s->issue_count = 2;
    s->issues = settings_alloc(s, 2 * sizeof(*s->issues));
    s->issues[0] = (struct issue_settings){TEXT("refund"), {NONE, 7, NONE}};
    s->issues[1] = (struct issue_settings){TEXT("complaint"), {5, NONE, 0}};
    s->queue_count = 2;
    s->queues = settings_alloc(s, 2 * sizeof(*s->queues));
    for (uint32_t q = 0; q < 2; q++) {
        s->queues[q].by_tier = settings_alloc(s, 2 * sizeof(struct targets));
        for (uint32_t t = 0; t < 2; t++) {
            s->queues[q].by_tier[t] = (struct targets){NONE, NONE, NONE};
        }
    }
    s->queues[0].name = TEXT("refunds");
    s->queues[0].by_tier[0] = (struct targets){1, NONE, NONE};
    s->queues[1].name = TEXT("rest");
    s->channel_count = 1;
    s->channels = settings_alloc(s, sizeof(*s->channels));
    s->channels[0].name = TEXT("voice");
    s->language_count = 2;
    s->languages = settings_alloc(s, 2 * sizeof(*s->languages));
    s->languages[0] = TEXT("es");
    s->languages[1] = TEXT("zh");
    return s;
}

/* Each promise by itself: the queue's word for its tier, else the issue's, else the tier's. */
static void test_targets(void **state)
{
    static const struct {
        queue_index queue;
        tier_index tier;
        issue_index issue;
        struct targets expected;
    } rows[] = {
        {0, 0, 0, {1, 7, 30}},
        {0, 0, 1, {1, 20, 0}},
        {0, 0, INDEX_NONE16, {1, 20, 30}},
        {0, 1, 0, {100, 7, 300}},
        {0, 1, 1, {5, NONE, 0}},
        {1, 0, 0, {10, 7, 30}},
        {1, 0, 1, {5, 20, 0}},
        {1, 1, INDEX_NONE16, {100, NONE, 300}},
        {0, INDEX_NONE8, 0, {NONE, 7, NONE}},
        {INDEX_NONE16, 0, INDEX_NONE16, {10, 20, 30}},
        {INDEX_NONE16, INDEX_NONE8, INDEX_NONE16, {NONE, NONE, NONE}},
    };
    struct settings *s = a_shop();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct targets t = settings_targets(s, rows[i].queue, rows[i].tier, rows[i].issue);

        assert_int_equal(t.answer, rows[i].expected.answer);
        assert_int_equal(t.progress, rows[i].expected.progress);
        assert_int_equal(t.resolve, rows[i].expected.resolve);
    }
    settings_release(s);
}

static void test_names_are_found(void **state)
{
    struct settings *s = a_shop();

    (void)state;
    assert_int_equal(settings_find_queue(s, TEXT("refunds")), 0);
    assert_int_equal(settings_find_queue(s, TEXT("rest")), 1);
    assert_int_equal(settings_find_queue(s, TEXT("res")), INDEX_NONE16);
    assert_int_equal(settings_find_tier(s, TEXT("standard")), 1);
    assert_int_equal(settings_find_tier(s, TEXT("")), INDEX_NONE8);
    assert_int_equal(settings_find_channel(s, TEXT("voice")), 0);
    assert_int_equal(settings_find_channel(s, TEXT("Voice")), INDEX_NONE8);
    assert_int_equal(settings_find_issue(s, TEXT("complaint")), 1);
    assert_int_equal(settings_find_issue(s, TEXT("refunds")), INDEX_NONE16);
    assert_int_equal(settings_find_language(s, TEXT("zh")), 1);
    assert_int_equal(settings_find_language(s, TEXT_NONE), INDEX_NONE16);
    settings_release(s);
}

static void test_an_empty_object_promises_nothing(void **state)
{
    struct settings *s = settings_create();

    (void)state;
    assert_int_equal(s->queue_count, 0);
    assert_int_equal(s->default_queue, INDEX_NONE16);
    assert_int_equal(s->missed_return, DURATION_NONE);
    assert_int_equal(s->at_risk, DURATION_NONE);
    assert_int_equal(settings_find_queue(s, TEXT("any")), INDEX_NONE16);
    settings_release(s);
}

/* Allocations of every size are zeroed, aligned and apart, and live until the last release. */
static void test_the_arena_keeps_what_it_gave(void **state)
{
    enum { COUNT = 400 };
    struct settings *s = settings_create();
    unsigned char *given[COUNT];
    size_t size[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        size[i] = i % 50 == 49 ? 20000 + i : i;
        given[i] = settings_alloc(s, size[i]);
        assert_int_equal((uintptr_t)given[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < size[i]; k++) {
            assert_int_equal(given[i][k], 0);
            given[i][k] = (unsigned char)i;
        }
    }
    settings_retain(s);
    settings_release(s);
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < size[i]; k++) {
            assert_int_equal(given[i][k], (unsigned char)i);
        }
    }
    settings_release(s);
}

static void test_texts_are_copied_and_terminated(void **state)
{
    struct settings *s = settings_create();
    char from[] = "with\0zero";
    struct text copy = settings_text(s, (struct text){from, 9});

    (void)state;
    memset(from, 'x', sizeof(from));
    assert_true(text_equal(copy, TEXT("with\0zero")));
    assert_int_equal(copy.bytes[9], '\0');
    assert_true(text_is_none(settings_text(s, TEXT_NONE)));
    copy = settings_text(s, TEXT(""));
    assert_false(text_is_none(copy));
    assert_string_equal(copy.bytes, "");
    settings_release(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_names_are_found),
        cmocka_unit_test(test_an_empty_object_promises_nothing),
        cmocka_unit_test(test_the_arena_keeps_what_it_gave),
        cmocka_unit_test(test_texts_are_copied_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
