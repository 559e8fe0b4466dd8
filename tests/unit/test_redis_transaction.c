/* Transactions on a real Redis: all of them or none, and one answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/redis/redis_transaction.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

struct place {
    struct test_loop t;
    struct redis_process redis;
    struct redis_link_options options;
    struct redis_account account;
    struct redis_link *link;
    bool up, ended;
    uint32_t answers;
    char told[256]; /* of the last answer */
};

static void on_up(void *context, struct redis_link *l)
{
    (void)l;
    ((struct place *)context)->up = true;
}

static void on_ended(void *context, enum redis_end why, const char *words)
{
    (void)why;
    (void)words;
    ((struct place *)context)->ended = true;
}

static const struct redis_link_events events = {.up = on_up, .ended = on_ended};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    test_loop_init(&p->t);
    redis_process_start(&p->redis, NULL);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    if (!p->ended) {
        redis_link_close(p->link);
        WAIT_FOR(&p->t, p->ended);
    }
    test_loop_close(&p->t);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

static void bring_up(struct place *p)
{
    struct redis_endpoint to = {"127.0.0.1", p->redis.port};

    p->link = redis_link_open(&p->t.loop, &to, &p->options, &events, p);
    WAIT_FOR(&p->t, p->up);
}

static void on_answer(void *context, const struct redis_answer *a)
{
    struct place *p = context;

    p->answers++;
    if (a->outcome == REDIS_ANSWER) {
        snprintf(p->told, sizeof(p->told), "%zu replies", redis_reply_count(a->reply));
    } else {
        snprintf(p->told, sizeof(p->told), TEXT_FORMAT,
                 TEXT_ARGS(a->outcome == REDIS_LOST ? TEXT("lost") : a->error->words));
    }
}

static void assert_told(struct place *p, const char *words)
{
    uint32_t due = p->answers + 1;

    WAIT_FOR(&p->t, p->answers == due);
    if (strstr(p->told, words) == NULL) {
        fail_msg("\"%s\", and not: %s", p->told, words);
    }
}

/* SET a VALUE, then `verb` b 2. */
static enum redis_sent send_two(struct place *p, struct text value, const char *verb)
{
    const struct text first[] = {TEXT("SET"), TEXT("a"), value};
    const struct text second[] = {text_from(verb), TEXT("b"), TEXT("2")};
    const struct redis_command both[] = {{.count = 3, .words = first},
                                         {.count = 3, .words = second}};

    return redis_transaction_send(p->link, both, 2, on_answer, p);
}

static void test_done_together(void **state)
{
    struct place *p = *state;

    bring_up(p);
    assert_int_equal(send_two(p, TEXT("1"), "SET"), REDIS_SENT);
    assert_told(p, "2 replies");
    assert_true(redis_process_says(&p->redis, "GET a", "1"));
    assert_true(redis_process_says(&p->redis, "GET b", "2"));
    /* One that fails when its turn comes takes nothing back. */
    assert_int_equal(send_two(p, TEXT("3"), "LPUSH"), REDIS_SENT);
    assert_told(p, "2 replies");
    assert_true(redis_process_says(&p->redis, "GET a", "3"));
}

static void test_refused_together(void **state)
{
    struct place *p = *state;

    bring_up(p);
    assert_int_equal(send_two(p, TEXT("1"), "SOT"), REDIS_SENT);
    assert_told(p, "unknown command 'SOT'");
    redis_process_do(&p->redis, "CONFIG SET maxmemory 1");
    assert_int_equal(send_two(p, TEXT("1"), "SET"), REDIS_SENT);
    assert_told(p, "OOM");
    redis_process_do(&p->redis, "CONFIG SET maxmemory 0");
    assert_false(redis_process_says(&p->redis, "GET a", "")); /* nil */
    assert_int_equal(send_two(p, TEXT("1"), "SET"), REDIS_SENT);
    assert_told(p, "2 replies"); /* nothing of the others is left on the connection */
}

static void test_a_user_who_may_not(void **state)
{
    struct place *p = *state;

    redis_process_do(&p->redis, "ACL SETUSER weak on >secret ~* +@all -multi");
    snprintf(p->account.user, sizeof(p->account.user), "weak");
    snprintf(p->account.password, sizeof(p->account.password), "secret");
    p->options.account = &p->account;
    bring_up(p);
    assert_int_equal(send_two(p, TEXT("1"), "SET"), REDIS_SENT);
    assert_told(p, "NOPERM");
}

static void test_lost(void **state)
{
    struct place *p = *state;

    bring_up(p);
    redis_process_kill(&p->redis);
    assert_int_equal(send_two(p, TEXT("1"), "SOT"), REDIS_SENT);
    assert_told(p, "lost");
}

/* Not a part of it leaves when there is no room for all. */
static void test_no_room(void **state)
{
    static char value[3000];
    struct place *p = *state;
    uint32_t sent = 0;

    p->options.bytes_max = 8000;
    bring_up(p);
    memset(value, 'x', sizeof(value));
    while (send_two(p, (struct text){value, sizeof(value)}, "SET") == REDIS_SENT) {
        sent++;
    }
    assert_int_equal(sent, 2);
    WAIT_FOR(&p->t, p->answers == sent);
    assert_string_equal(p->told, "2 replies");
    assert_int_equal(redis_link_unanswered(p->link), 0);
}

#define TRANSACTION_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSACTION_TEST(test_done_together),
        TRANSACTION_TEST(test_refused_together),
        TRANSACTION_TEST(test_a_user_who_may_not),
        TRANSACTION_TEST(test_lost),
        TRANSACTION_TEST(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
