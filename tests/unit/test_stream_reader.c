/* Reading streams of a real Redis: from the beginning, as they grow, over broken connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/stream/stream_reader.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

struct place;

struct listener {
    struct place *place;
    struct stream_view view;
    uint32_t entries, ends, broken;
    uint32_t close_after; /* entries; 0: never */
    bool open;
};

struct place {
    struct test_loop t;
    struct redis_process redis;
    struct redis_locator *locator;
    struct stream_reader *reader;
    struct listener one, two;
};

/* Entry n of a stream is at 1-n, and says n. */
static void on_entry(void *context, const struct stream_read_entry *e)
{
    struct listener *l = context;
    char value[16];

    l->entries++;
    snprintf(value, sizeof(value), "%u", l->entries);
    assert_true(stream_id_equal(e->id, (struct stream_id){1, l->entries}));
    assert_int_equal(e->field, 'b');
    assert_true(text_equal(e->value, text_from(value)));
    if (l->entries == l->close_after) {
        l->open = false;
        stream_view_close(&l->view);
    }
}

static void on_end(void *context)
{
    ((struct listener *)context)->ends++;
}

static void on_broken(void *context, const char *why)
{
    assert_non_null(strstr(why, "field"));
    ((struct listener *)context)->broken++;
    ((struct listener *)context)->open = false;
    stream_view_close(&((struct listener *)context)->view);
}

static void listen_to(struct place *p, struct listener *l, const char *key, struct stream_id behind)
{
    const struct stream_view_events events = {l, on_entry, on_end, on_broken};

    l->place = p;
    l->open = true;
    stream_view_open(p->reader, &l->view, text_from(key), behind, &events);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    struct stream_reader_options options = {.path = {.link = {.reply_ms = 500}}};

    test_loop_init(&p->t);
    redis_process_start(
        &p->redis, (const char *const[]){"--appendonly", "yes", "--appendfsync", "always", NULL});
    p->locator = redis_process_locate(&p->redis, &p->t.loop, NULL, NULL);
    p->reader = stream_reader_create(p->locator, &options);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    if (p->one.open) {
        stream_view_close(&p->one.view);
    }
    if (p->two.open) {
        stream_view_close(&p->two.view);
    }
    stream_reader_destroy(p->reader);
    redis_locator_destroy(p->locator);
    test_loop_close(&p->t);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

static void write_entries(struct place *p, const char *key, uint32_t from, uint32_t to)
{
    redis_process_do(&p->redis, "EVAL %s 1 %s %u %u",
                     "for i = ARGV[1], ARGV[2] do "
                     "redis.call('XADD', KEYS[1], '1-' .. math.floor(i), 'b', math.floor(i)) end",
                     key, from, to);
}

static void test_from_the_beginning_and_on(void **state)
{
    struct place *p = *state;

    write_entries(p, "a", 1, 20000);
    listen_to(p, &p->one, "a", STREAM_START);
    WAIT_FOR(&p->t, p->one.ends > 0);
    assert_int_equal(p->one.entries, 20000);
    write_entries(p, "a", 20001, 20003);
    WAIT_FOR(&p->t, p->one.entries == 20003);
}

static void test_from_the_middle(void **state)
{
    struct place *p = *state;

    write_entries(p, "a", 1, 10);
    p->one.entries = 7;
    listen_to(p, &p->one, "a", (struct stream_id){1, 7});
    WAIT_FOR(&p->t, p->one.ends > 0);
    assert_int_equal(p->one.entries, 10);
}

static void test_nothing_there_is_an_end(void **state)
{
    struct place *p = *state;

    listen_to(p, &p->one, "a", STREAM_START);
    WAIT_FOR(&p->t, p->one.ends > 0);
    assert_int_equal(p->one.entries, 0);
    write_entries(p, "a", 1, 1);
    WAIT_FOR(&p->t, p->one.entries == 1);
}

static void test_two_and_one_leaves(void **state)
{
    struct place *p = *state;

    write_entries(p, "a", 1, 500);
    write_entries(p, "b", 1, 500);
    p->one.close_after = 100;
    listen_to(p, &p->one, "a", STREAM_START);
    listen_to(p, &p->two, "b", STREAM_START);
    WAIT_FOR(&p->t, p->two.ends > 0);
    assert_int_equal(p->one.entries, 100);
    assert_int_equal(p->two.entries, 500);
    p->one.close_after = 0;
    listen_to(p, &p->one, "a", (struct stream_id){1, 100});
    WAIT_FOR(&p->t, p->one.ends > 0);
    assert_int_equal(p->one.entries, 500);
}

static void test_each_once_over_restarts(void **state)
{
    struct place *p = *state;

    listen_to(p, &p->one, "a", STREAM_START);
    for (uint32_t i = 0; i < 4; i++) {
        write_entries(p, "a", 1 + i * 1000, (i + 1) * 1000);
        WAIT_FOR(&p->t, p->one.entries > i * 1000);
        redis_process_kill(&p->redis);
        redis_process_restart(&p->redis);
        WAIT_FOR(&p->t, p->one.entries == (i + 1) * 1000);
    }
}

static void on_any_entry(void *context, const struct stream_read_entry *e)
{
    (void)e;
    ((struct listener *)context)->entries++;
}

/* Small entries, of which many are asked for at once, and behind them large ones, of which as many
 * are more than the connection takes. */
static void test_a_reply_that_is_too_large(void **state)
{
    struct place *p = *state;
    struct stream_reader_options options = {
        .path = {.link = {.reply_ms = 500, .reply_bytes_max = 256u << 10}}};
    const struct stream_view_events events = {&p->one, on_any_entry, on_end, on_broken};
    struct stream_reader *reader = stream_reader_create(p->locator, &options);

    write_entries(p, "a", 1, 2000);
    redis_process_do(&p->redis, "EVAL %s 1 a",
                     "for i = 2001, 2200 do "
                     "redis.call('XADD', KEYS[1], '1-' .. i, 'c', string.rep('x', 8192)) end");
    stream_view_open(reader, &p->one.view, TEXT("a"), STREAM_START, &events);
    WAIT_FOR(&p->t, p->one.ends > 0);
    assert_int_equal(p->one.entries, 2200);
    stream_view_close(&p->one.view);
    stream_reader_destroy(reader);
}

static void test_what_is_not_ours(void **state)
{
    struct place *p = *state;

    write_entries(p, "a", 1, 2);
    redis_process_do(&p->redis, "XADD a 1-3 b 3 more fields");
    listen_to(p, &p->one, "a", STREAM_START);
    WAIT_FOR(&p->t, p->one.broken == 1);
    assert_int_equal(p->one.entries, 2);
}

static void test_no_stream_at_all(void **state)
{
    struct place *p = *state;

    redis_process_do(&p->redis, "SET a words");
    listen_to(p, &p->one, "a", STREAM_START);
    WAIT_FOR(&p->t, strstr(stream_reader_problem(p->reader), "WRONGTYPE") != NULL);
    assert_int_equal(p->one.ends, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_the_beginning_and_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from_the_middle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_there_is_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_and_one_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_once_over_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reply_that_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_stream_at_all, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
