/* Scripts by digest: loaded when they are not known, and in order whatever happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/redis/redis_script.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/redis_simulated.h"
#include "tests/lib/test_loop.h"

struct place {
    struct test_loop t;
    struct redis_simulated s;
    struct redis_process redis;
    struct redis_link_options options;
    struct redis_link *link;
    struct redis_script_queue *queue;
    struct redis_script script, other;
    bool up, ended;
    uint32_t answered, next;
    bool in_order;
    char told[512];
};

static void on_up(void *context, struct redis_link *l)
{
    (void)l;
    ((struct place *)context)->up = true;
}

static void on_ended(void *context, enum redis_end why, const char *words)
{
    struct place *p = context;

    (void)why;
    (void)words;
    redis_script_queue_destroy(p->queue);
    p->queue = NULL;
    p->ended = true;
}

static const struct redis_link_events events = {.up = on_up, .ended = on_ended};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    test_loop_init(&p->t);
    redis_simulated_init(&p->s);
    redis_script_init(&p->script, TEXT("redis.call('RPUSH', KEYS[1], ARGV[1]) "
                                       "return redis.call('INCR', KEYS[1] .. 'n')"));
    redis_script_init(&p->other, TEXT("return 'other'"));
    p->in_order = true;
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
    redis_simulated_close(&p->s);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

/* ---- with the test at the other end ---- */

struct ticket {
    struct place *p;
    char name;
};

static void on_ticket(void *context, const struct redis_answer *a)
{
    struct ticket *t = context;
    size_t used = strlen(t->p->told);

    snprintf(t->p->told + used, sizeof(t->p->told) - used, "%c%s ", t->name,
             a->outcome == REDIS_LOST     ? "?"
             : a->outcome == REDIS_DENIED ? "!"
                                          : "");
}

static void bring_up(struct place *p)
{
    static const struct redis_endpoint to = {"simulated", 1};

    p->options.dialer = &p->s.dialer;
    p->link = redis_link_open(&p->t.loop, &to, &p->options, &events, p);
    p->queue = redis_script_queue_create(p->link);
    WAIT_FOR(&p->t, p->s.written_size > 0);
    redis_simulated_feed(&p->s, "+PONG\r\n", 7);
    assert_true(p->up);
    redis_simulated_forget(&p->s);
}

static void run(struct place *p, struct ticket *t, const struct redis_script *s)
{
    const struct text words[] = {TEXT("0"), {&t->name, 1}};

    t->p = p;
    assert_int_equal(
        redis_script_run(p->queue, s, &(struct redis_command){2, words, on_ticket, t, 0}),
        REDIS_SENT);
}

static void send_behind(struct place *p, struct ticket *t)
{
    static const struct text wait[] = {{"WAIT", 4}, {"1", 1}, {"0", 1}};

    t->p = p;
    assert_int_equal(
        redis_script_send_behind(p->queue, &(struct redis_command){3, wait, on_ticket, t, 0}),
        REDIS_SENT);
}

/* What was written since, in letters: a script's last argument, W for WAIT, L for SCRIPT LOAD. */
static const char *written(struct place *p)
{
    static char letters[128];
    size_t count = 0;
    redisReader *r = redisReaderCreate();
    void *reply = NULL;

    redis_link_flush(p->link);
    redisReaderFeed(r, p->s.written, p->s.written_size);
    while (redisReaderGetReply(r, &reply) == REDIS_OK && reply != NULL) {
        const struct redisReply *command = reply;

        letters[count++] = strcmp(command->element[0]->str, "SCRIPT") == 0 ? 'L'
                           : strcmp(command->element[0]->str, "WAIT") == 0
                               ? 'W'
                               : command->element[command->elements - 1]->str[0];
        freeReplyObject(reply);
    }
    redisReaderFree(r);
    redis_simulated_forget(&p->s);
    letters[count] = '\0';
    return letters;
}

static void feed(struct place *p, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const char *bytes = *letters == 'n'   ? "-NOSCRIPT No matching script\r\n"
                            : *letters == '!' ? "-OOM no\r\n"
                                              : ":1\r\n";
        redis_simulated_feed(&p->s, bytes, strlen(bytes));
    }
}

static const struct ticket tickets[] = {{NULL, 'a'}, {NULL, 'b'}, {NULL, 'c'},
                                        {NULL, 'd'}, {NULL, 'e'}, {NULL, 'f'}};

static void test_known_scripts_are_just_sent(void **state)
{
    struct place *p = *state;
    struct ticket t[6];

    memcpy(t, tickets, sizeof(t));
    bring_up(p);
    run(p, &t[0], &p->script);
    run(p, &t[1], &p->script);
    send_behind(p, &t[2]);
    assert_string_equal(written(p), "abW");
    feed(p, "1!1");
    assert_string_equal(p->told, "a b! c ");
    assert_int_equal(redis_script_repeats(p->queue), 0);
}

/* All of a turn was refused, and more is given before and between the refusals: the old order
 * stays, and the WAIT that stood behind nothing is sent again. */
static void test_unknown_scripts_are_loaded_and_follow_in_order(void **state)
{
    struct place *p = *state;
    struct ticket t[6];

    memcpy(t, tickets, sizeof(t));
    bring_up(p);
    run(p, &t[0], &p->script);
    run(p, &t[1], &p->script);
    send_behind(p, &t[2]);
    assert_string_equal(written(p), "abW");
    run(p, &t[3], &p->script); /* on its way already */
    assert_string_equal(written(p), "d");
    feed(p, "n");
    run(p, &t[4], &p->script); /* must not overtake */
    send_behind(p, &t[5]);
    assert_string_equal(written(p), "");
    feed(p, "n1");
    assert_string_equal(written(p), "");
    feed(p, "n");
    assert_string_equal(written(p), "LabWdeW");
    assert_string_equal(p->told, "");
    feed(p, "+111111");
    assert_string_equal(p->told, "a b c d e f ");
    assert_int_equal(redis_script_repeats(p->queue), 4);
}

/* What was done at the first time is not done again; what stood behind the refused one is asked
 * again. */
static void test_only_what_was_refused_goes_again(void **state)
{
    struct place *p = *state;
    struct ticket t[6];

    memcpy(t, tickets, sizeof(t));
    bring_up(p);
    run(p, &t[0], &p->script);
    send_behind(p, &t[1]);
    run(p, &t[2], &p->other);
    send_behind(p, &t[3]);
    assert_string_equal(written(p), "aWcW");
    feed(p, "11n1");
    assert_string_equal(p->told, "a b ");
    assert_string_equal(written(p), "LcW");
    feed(p, "+11");
    assert_string_equal(p->told, "a b c d ");
}

/* Two scripts are loaded each. */
static void test_two_unknown_scripts(void **state)
{
    struct place *p = *state;
    struct ticket t[6];

    memcpy(t, tickets, sizeof(t));
    bring_up(p);
    run(p, &t[0], &p->script);
    run(p, &t[1], &p->script);
    run(p, &t[2], &p->other);
    assert_string_equal(written(p), "abc");
    feed(p, "nnn");
    assert_string_equal(written(p), "LLabc");
    feed(p, "++111");
    assert_string_equal(p->told, "a b c ");
}

/* A Redis that forgets again and again is not asked for ever. */
static void test_a_redis_that_does_not_learn(void **state)
{
    struct place *p = *state;
    struct ticket t[6];

    memcpy(t, tickets, sizeof(t));
    bring_up(p);
    run(p, &t[0], &p->script);
    assert_string_equal(written(p), "a");
    feed(p, "n");
    assert_string_equal(written(p), "La");
    feed(p, "!n");
    assert_string_equal(written(p), "La");
    feed(p, "!n");
    assert_string_equal(written(p), "");
    assert_string_equal(p->told, "a! ");
}

/* The end of the connection answers everything once, in order, wherever it stood. The fourth was
 * done at once, when somebody else had loaded its script meanwhile. */
static void test_the_end_answers_all(void **state)
{
    static const struct {
        const char *fed, *told;
    } rows[] = {
        {"", "a? b? c? d? e? "},     {"1", "a b? c? d? e? "},     {"n", "a? b? c? d? e? "},
        {"nn", "a? b? c? d? e? "},   {"nn1", "a? b? c? d? e? "},  {"nn11", "d a? b? c? e? "},
        {"nn11+", "d a? b? c? e? "}, {"nn11+1", "d a b? c? e? "}, {"nn11+111", "d a b c e? "},
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ticket t[6];

        memcpy(t, tickets, sizeof(t));
        p->told[0] = '\0';
        p->up = p->ended = false;
        redis_simulated_forget(&p->s);
        bring_up(p);
        run(p, &t[0], &p->script);
        run(p, &t[1], &p->script);
        send_behind(p, &t[2]);
        run(p, &t[3], &p->script);
        redis_link_flush(p->link);
        feed(p, rows[i].fed);
        run(p, &t[4], &p->script); /* held, when something was refused */
        redis_link_flush(p->link);
        redis_simulated_end(&p->s, REDIS_END_PEER);
        WAIT_FOR(&p->t, p->ended);
        assert_string_equal(p->told, rows[i].told);
    }
}

/* What is held counts for the bound. */
static void test_what_is_held_is_bounded(void **state)
{
    struct place *p = *state;
    struct ticket t[6], more = {*state, 'x'};
    const struct text words[] = {TEXT("0"), TEXT("x")};
    uint32_t held = 0;

    memcpy(t, tickets, sizeof(t));
    p->options.bytes_max = 4000;
    bring_up(p);
    run(p, &t[0], &p->script);
    run(p, &t[1], &p->script);
    assert_string_equal(written(p), "ab");
    feed(p, "n");
    while (redis_script_run(p->queue, &p->script,
                            &(struct redis_command){2, words, on_ticket, &more, 0}) == REDIS_SENT) {
        held++;
    }
    assert_in_range(held, 10, 4000 / 60);
    feed(p, "n");
    assert_int_equal(strlen(written(p)), 1 + 2 + held);
    for (uint32_t i = 0; i < 1 + 2 + held; i++) {
        feed(p, "1");
    }
    assert_int_equal(redis_link_unanswered(p->link), 0);
}

/* ---- with a real Redis ---- */

#define RUNS 2000u

static void on_number(void *context, const struct redis_answer *a)
{
    struct place *p = context;
    int64_t n = 0;

    p->answered++;
    p->in_order = p->in_order && a->outcome == REDIS_ANSWER && redis_reply_integer(a->reply, &n) &&
                  n == p->answered;
}

/* Flushed under way again and again: every run happens once, and all in order. */
static void test_script_flush_under_way(void **state)
{
    struct place *p = *state;
    struct redis_endpoint to = {"127.0.0.1", 0};
    redisReply *list;
    char number[12];

    redis_process_start(&p->redis, NULL);
    to.port = p->redis.port;
    p->link = redis_link_open(&p->t.loop, &to, &p->options, &events, p);
    p->queue = redis_script_queue_create(p->link);
    while (p->answered < RUNS) {
        for (int i = 0; i < 10 && p->next < RUNS; i++) {
            struct text words[] = {TEXT("1"), TEXT("list"), {number, 0}};

            words[2].length = (uint32_t)snprintf(number, sizeof(number), "%u", p->next++);
            assert_int_equal(redis_script_run(p->queue, &p->script,
                                              &(struct redis_command){3, words, on_number, p, 0}),
                             REDIS_SENT);
        }
        if (p->next % 100 == 0 && p->next < RUNS) {
            redis_process_do(&p->redis, "SCRIPT FLUSH");
        }
        test_loop_turn(&p->t);
    }
    assert_true(p->in_order);
    assert_true(redis_script_repeats(p->queue) >= 10);
    list = redis_process_ask(&p->redis, "LRANGE list 0 -1");
    assert_int_equal(list->elements, RUNS);
    for (uint32_t i = 0; i < RUNS; i++) {
        assert_int_equal(atoi(list->element[i]->str), i);
    }
    freeReplyObject(list);
}

/* The name that we compute is the one that Redis gives. */
static void test_digest(void **state)
{
    struct place *p = *state;
    struct redis_script empty;
    redisReply *r;

    redis_process_start(&p->redis, NULL);
    r = redis_process_ask(&p->redis, "SCRIPT LOAD %b", p->script.text.bytes,
                          (size_t)p->script.text.length);
    assert_string_equal(r->str, p->script.sha);
    freeReplyObject(r);
    redis_script_init(&empty, TEXT(""));
    assert_string_equal(empty.sha, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    p->ended = true; /* no link was opened */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_scripts_are_just_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_scripts_are_loaded_and_follow_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_only_what_was_refused_goes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_unknown_scripts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_redis_that_does_not_learn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_end_answers_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_held_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_script_flush_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_digest, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
