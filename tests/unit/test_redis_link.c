/* One connection, with the test at its other end: order, bounds, deadlines, and replies that are
 * cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/redis/redis_link.h"
#include "tests/lib/redis_simulated.h"
#include "tests/lib/test_loop.h"

struct place {
    struct test_loop t;
    struct redis_simulated s;
    struct redis_link_options options;
    struct redis_link *link;
    uint32_t up, ended, rooms, errors;
    enum redis_end end;
    char words[REDIS_PROBLEM_BYTES];
    char told[4096]; /* every answer, in order */
    bool inside;     /* a call of ours runs: nothing may be told */
};

static void on_up(void *context, struct redis_link *l)
{
    struct place *p = context;

    assert_false(p->inside);
    assert_ptr_equal(l, p->link);
    p->up++;
}

static void on_room(void *context, struct redis_link *l)
{
    (void)l;
    ((struct place *)context)->rooms++;
}

static void on_error(void *context, struct redis_link *l, const struct redis_error *e)
{
    struct place *p = context;

    (void)l;
    p->errors++;
    assert_true(e->words.length > 0);
}

static void on_message(void *context, struct redis_link *l, struct text channel,
                       struct text payload)
{
    struct place *p = context;
    size_t told = strlen(p->told);

    (void)l;
    snprintf(p->told + told, sizeof(p->told) - told, "<" TEXT_FORMAT "=" TEXT_FORMAT ">",
             TEXT_ARGS(channel), TEXT_ARGS(payload));
}

static void on_ended(void *context, enum redis_end why, const char *words)
{
    struct place *p = context;

    assert_false(p->inside);
    p->ended++;
    p->end = why;
    p->link = NULL;
    snprintf(p->words, sizeof(p->words), "%s", words);
}

static const struct redis_link_events events = {on_up, on_room, on_error, NULL, on_ended};
static const struct redis_link_events message_events = {on_up, on_room, on_error, on_message,
                                                        on_ended};

static void tell(char *out, size_t size, const struct redisReply *r)
{
    size_t used = strlen(out);

    switch (r->type) {
    case REDIS_REPLY_INTEGER:
        snprintf(out + used, size - used, "%lld", r->integer);
        return;
    case REDIS_REPLY_NIL:
        snprintf(out + used, size - used, "nil");
        return;
    case REDIS_REPLY_ARRAY:
        snprintf(out + used, size - used, "[");
        for (size_t i = 0; i < r->elements; i++) {
            tell(out, size, r->element[i]);
            used = strlen(out);
            snprintf(out + used, size - used, " ");
        }
        used = strlen(out);
        snprintf(out + used, size - used, "]");
        return;
    default:
        snprintf(out + used, size - used, "%.*s", (int)r->len, r->str);
    }
}

static void on_answer(void *context, const struct redis_answer *a)
{
    struct place *p = context;
    size_t used = strlen(p->told);

    assert_false(p->inside);
    if (a->outcome == REDIS_ANSWER) {
        tell(p->told, sizeof(p->told), a->reply);
    } else {
        snprintf(p->told + used, sizeof(p->told) - used, "%s",
                 a->outcome == REDIS_LOST ? "LOST" : redis_error_word(a->error->kind));
    }
    used = strlen(p->told);
    snprintf(p->told + used, sizeof(p->told) - used, ";");
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    test_loop_init(&p->t);
    redis_simulated_init(&p->s);
    p->options.dialer = &p->s.dialer;
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    if (p->link != NULL) {
        redis_link_close(p->link);
        WAIT_FOR(&p->t, p->ended == 1);
    }
    test_loop_close(&p->t);
    redis_simulated_close(&p->s);
    free(p);
    return 0;
}

static void open_link(struct place *p, const struct redis_link_events *e)
{
    static const struct redis_endpoint to = {"simulated", 1};

    p->inside = true;
    p->link = redis_link_open(&p->t.loop, &to, &p->options, e, p);
    p->inside = false;
}

static void feed(struct place *p, const char *words)
{
    redis_simulated_feed(&p->s, words, strlen(words));
}

/* Open, and past the greeting. */
static void bring_up(struct place *p, const struct redis_link_events *e)
{
    redis_simulated_forget(&p->s);
    open_link(p, e);
    WAIT_FOR(&p->t, p->s.written_size > 0);
    feed(p, "+PONG\r\n");
    assert_int_equal(p->up, 1);
    redis_simulated_forget(&p->s);
}

static enum redis_sent send_words(struct place *p, uint32_t patience_ms, const char *const *words)
{
    struct text texts[8];
    uint32_t count = 0;
    enum redis_sent sent;

    for (; words[count] != NULL; count++) {
        texts[count] = text_from(words[count]);
    }
    p->inside = true;
    sent =
        redis_link_send(p->link, &(struct redis_command){count, texts, on_answer, p, patience_ms});
    p->inside = false;
    return sent;
}
#define SEND(p, ...) send_words((p), 0, (const char *const[]){__VA_ARGS__, NULL})

static void assert_written(struct place *p, const char *expected)
{
    assert_int_equal(p->s.written_size, strlen(expected));
    assert_memory_equal(p->s.written, expected, strlen(expected));
}

/* Who we are goes before what was sent meanwhile, and all of it in one write. */
static void test_greeting_goes_first(void **state)
{
    struct place *p = *state;
    struct redis_account account = {.user = "ana", .password = "p w"};

    p->options.account = &account;
    p->options.name = "router-1";
    open_link(p, &events);
    assert_int_equal(SEND(p, "INCR", "n"), REDIS_SENT);
    WAIT_FOR(&p->t, p->s.written_size > 0);
    assert_written(p, "*3\r\n$4\r\nAUTH\r\n$3\r\nana\r\n$3\r\np w\r\n"
                      "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$8\r\nrouter-1\r\n"
                      "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    assert_int_equal(p->s.writes, 1);
    assert_int_equal(p->up, 0);
    feed(p, "+OK\r\n+OK\r\n+PONG\r\n:7\r\n");
    assert_int_equal(p->up, 1);
    assert_string_equal(p->told, "7;");
}

/* A wrong password ends the link, a Redis that needs one as well; a name that may not be set does
 * not. */
static void test_greetings_that_are_refused(void **state)
{
    static const struct {
        bool password;
        const char *replies;
        uint32_t up, ended;
        enum redis_end end;
    } rows[] = {
        {true, "-WRONGPASS invalid\r\n+OK\r\n+PONG\r\n", 0, 1, REDIS_END_REFUSED},
        {true, "-LOADING data\r\n+OK\r\n+PONG\r\n", 0, 1, REDIS_END_CONNECT},
        {false, "-NOAUTH needed\r\n-NOAUTH needed\r\n", 0, 1, REDIS_END_REFUSED},
        {false, "-NOPERM name\r\n-NOPERM ping\r\n", 1, 0, REDIS_END_CLOSED},
        {false, "+OK\r\n-LOADING data\r\n", 1, 0, REDIS_END_CLOSED},
    };
    struct place *p = *state;
    struct redis_account account = {.user = "", .password = "wrong"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        p->up = p->ended = 0;
        p->options.account = rows[i].password ? &account : NULL;
        p->options.name = "n";
        redis_simulated_forget(&p->s);
        open_link(p, &events);
        WAIT_FOR(&p->t, p->s.written_size > 0);
        feed(p, rows[i].replies);
        assert_int_equal(p->up, rows[i].up);
        if (rows[i].ended == 0) {
            redis_link_close(p->link);
        }
        WAIT_FOR(&p->t, p->ended == 1);
        assert_int_equal(p->end, rows[i].end);
        assert_null(strstr(p->words, "wrong"));
    }
}

/* All that one turn sends leaves together, and is answered in order. */
static void test_a_turn_is_one_write(void **state)
{
    struct place *p = *state;

    bring_up(p, &events);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(SEND(p, "PING"), REDIS_SENT);
    }
    assert_int_equal(p->s.writes, 0);
    WAIT_FOR(&p->t, p->s.writes > 0);
    assert_int_equal(p->s.writes, 1);
    assert_int_equal(p->s.written_size, 100 * strlen("*1\r\n$4\r\nPING\r\n"));
    for (int i = 0; i < 100; i++) {
        feed(p, i % 2 == 0 ? ":1\r\n" : "-BUSY x\r\n");
    }
    assert_int_equal(p->errors, 50);
    assert_int_equal(strlen(p->told), 50 * strlen("1;BUSY;"));
    assert_int_equal(redis_link_unanswered(p->link), 0);
    redis_link_flush(p->link);
    assert_int_equal(p->s.writes, 1); /* nothing is nothing to write */
}

static const char replies[] = "+OK\r\n:-42\r\n$5\r\nab\r\nc\r\n$-1\r\n$0\r\n\r\n*0\r\n*-1\r\n"
                              "*2\r\n:1\r\n*3\r\n$1\r\na\r\n$-1\r\n*1\r\n+x\r\n"
                              "-MOVED 1 h:1\r\n-ERR no\r\n";
static const char replies_told[] = "OK;-42;ab\r\nc;nil;;[];nil;[1 [a nil [x ] ] ];MOVED;other;";
#define REPLIES 10

static void ask_for_replies(struct place *p)
{
    p->told[0] = '\0';
    for (int i = 0; i < REPLIES; i++) {
        assert_int_equal(SEND(p, "X"), REDIS_SENT);
    }
}

/* Wherever the bytes are cut in two, and in pieces of any size, the answers are the same. */
static void test_replies_cut_at_every_byte(void **state)
{
    struct place *p = *state;
    size_t size = sizeof(replies) - 1;

    bring_up(p, &events);
    for (size_t cut = 0; cut <= size; cut++) {
        ask_for_replies(p);
        redis_simulated_feed(&p->s, replies, cut);
        redis_simulated_feed(&p->s, replies + cut, size - cut);
        assert_string_equal(p->told, replies_told);
    }
    for (size_t piece = 1; piece < 9; piece++) {
        ask_for_replies(p);
        for (size_t at = 0; at < size; at += piece) {
            redis_simulated_feed(&p->s, replies + at, size - at < piece ? size - at : piece);
        }
        assert_string_equal(p->told, replies_told);
    }
}

/* The connection ends behind every byte: what was complete is answered, the rest is LOST, all in
 * order and once. */
static void test_the_end_at_every_byte(void **state)
{
    struct place *p = *state;
    size_t size = sizeof(replies) - 1;

    for (size_t cut = 0; cut < size; cut++) {
        size_t complete, answers = 0, lost = 0;

        p->up = p->ended = 0;
        redis_simulated_forget(&p->s);
        bring_up(p, &events);
        ask_for_replies(p);
        redis_simulated_feed(&p->s, replies, cut);
        complete = strlen(p->told);
        assert_memory_equal(p->told, replies_told, complete);
        redis_simulated_end(&p->s, REDIS_END_PEER);
        assert_int_equal(SEND(p, "X"), REDIS_NOT_OPEN);
        assert_int_equal(strlen(p->told), complete);
        WAIT_FOR(&p->t, p->ended == 1);
        assert_int_equal(p->end, REDIS_END_PEER);
        for (const char *c = p->told; *c != '\0'; c++) {
            answers += *c == ';';
        }
        for (const char *c = p->told + complete; *c != '\0'; c += strlen("LOST;")) {
            assert_memory_equal(c, "LOST;", strlen("LOST;"));
            lost++;
        }
        assert_int_equal(answers, REPLIES);
        assert_true(lost > 0);
    }
}

/* What is no Redis, or says what nobody asked. */
static void test_nonsense_ends_the_link(void **state)
{
    static const struct {
        const char *bytes;
        enum redis_end end;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n", REDIS_END_PROTOCOL},
        {"%1\r\n+a\r\n+b\r\n", REDIS_END_PROTOCOL},
        {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", REDIS_END_PROTOCOL},
        {"$-2\r\n", REDIS_END_PROTOCOL},
        {"+ok\r\n+one too many\r\n", REDIS_END_PROTOCOL},
        {"*2000000000\r\n", REDIS_END_TOO_LARGE},
        {"*2\r\n*1000000\r\n", REDIS_END_TOO_LARGE},
    };
    struct place *p = *state;

    p->options.reply_bytes_max = 100000;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        p->up = p->ended = 0;
        bring_up(p, &events);
        assert_int_equal(SEND(p, "X"), REDIS_SENT);
        feed(p, rows[i].bytes);
        WAIT_FOR(&p->t, p->ended == 1);
        if (p->end != rows[i].end) {
            fail_msg("%s: %s", rows[i].bytes, p->words);
        }
    }
}

/* Neither a long string nor an array of many short ones gets past the bound, and one that just fits
 * does. */
static void test_replies_are_bounded(void **state)
{
    struct place *p = *state;
    char head[32], body[1001];

    memset(body, 'x', sizeof(body));
    p->options.reply_bytes_max = 1000 + 9; /* "$1000\r\n" and the last line end */
    bring_up(p, &events);
    assert_int_equal(SEND(p, "X"), REDIS_SENT);
    redis_simulated_feed(&p->s, "$1000\r\n", 7);
    for (int i = 0; i < 1000; i++) {
        redis_simulated_feed(&p->s, body, 1);
    }
    feed(p, "\r\n");
    assert_int_equal(strlen(p->told), 1001);

    assert_int_equal(SEND(p, "X"), REDIS_SENT);
    feed(p, "*250\r\n");
    for (int i = 0; i < 250 && p->ended == 0; i++) {
        feed(p, ":11111\r\n");
        test_loop_turn(&p->t);
    }
    assert_int_equal(p->ended, 1);
    assert_int_equal(p->end, REDIS_END_TOO_LARGE);

    p->up = p->ended = 0;
    bring_up(p, &events);
    assert_int_equal(SEND(p, "X"), REDIS_SENT);
    snprintf(head, sizeof(head), "$%d\r\n", 100000000);
    feed(p, head);
    redis_simulated_feed(&p->s, body, 1001);
    WAIT_FOR(&p->t, p->ended == 1);
    assert_int_equal(p->end, REDIS_END_TOO_LARGE);
    assert_non_null(strstr(p->words, "larger than the bound"));
}

/* Who sends too much is told, and told again when there is room. */
static void test_what_is_unanswered_is_bounded(void **state)
{
    struct place *p = *state;
    uint32_t sent = 0;
    char huge[6000];

    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    p->options.bytes_max = 5000;
    bring_up(p, &events);
    while (SEND(p, "PING") == REDIS_SENT) {
        sent++;
    }
    assert_int_equal(sent, 5000 / 14);
    assert_int_equal(SEND(p, "PING"), REDIS_FULL);
    assert_int_equal(SEND(p, "SET", "k", huge), REDIS_TOO_LARGE);
    for (uint32_t i = 0; i < sent; i++) {
        assert_int_equal(p->rooms, redis_link_unanswered(p->link) <= 2500 ? 1 : 0);
        feed(p, ":1\r\n");
    }
    assert_int_equal(p->rooms, 1);
    assert_int_equal(SEND(p, "PING"), REDIS_SENT);
}

/* While the socket takes nothing, nothing is copied into it either. */
static void test_a_slow_socket(void **state)
{
    struct place *p = *state;

    bring_up(p, &events);
    p->s.hold = true;
    assert_int_equal(SEND(p, "ONE"), REDIS_SENT);
    WAIT_FOR(&p->t, p->s.writes == 1);
    assert_int_equal(SEND(p, "TWO"), REDIS_SENT);
    redis_link_flush(p->link);
    assert_int_equal(SEND(p, "SIX"), REDIS_SENT);
    for (int i = 0; i < 10; i++) {
        test_loop_turn(&p->t);
    }
    assert_int_equal(p->s.writes, 1);
    redis_simulated_release(&p->s);
    assert_int_equal(p->s.writes, 2);
    assert_written(p, "*1\r\n$3\r\nONE\r\n*1\r\n$3\r\nTWO\r\n*1\r\n$3\r\nSIX\r\n");
}

/* A command that nobody answers ends the link in time, and one that may block gets longer. */
static void test_silence_ends_the_link(void **state)
{
    struct place *p = *state;
    uint64_t began;

    for (uint32_t patience = 0; patience <= 150; patience += 150) {
        p->up = p->ended = 0;
        p->told[0] = '\0';
        p->options.reply_ms = 50;
        bring_up(p, &events);
        assert_int_equal(send_words(p, patience, (const char *const[]){"X", NULL}), REDIS_SENT);
        assert_int_equal(SEND(p, "Y"), REDIS_SENT);
        began = uv_now(&p->t.loop);
        WAIT_FOR(&p->t, p->ended == 1);
        assert_int_equal(p->end, REDIS_END_SILENT);
        assert_in_range(uv_now(&p->t.loop) - began, 50 + patience, 1000 + patience);
        assert_string_equal(p->told, "LOST;LOST;");
    }
}

/* Replies that came while the process stood still count. */
static void test_a_loop_that_stood_still_reads_first(void **state)
{
    struct place *p = *state;
    uint64_t until;

    p->options.reply_ms = 20;
    p->options.ping_ms = 60000;
    bring_up(p, &events);
    assert_int_equal(SEND(p, "X"), REDIS_SENT);
    WAIT_FOR(&p->t, p->s.written_size > 0);
    until = uv_hrtime() + 60000000;
    while (uv_hrtime() < until) { /* the loop does not turn: this is the fault, and not a wait */
    }
    uv_run(&p->t.loop, UV_RUN_NOWAIT); /* finds the time up */
    assert_int_equal(p->ended, 0);
    feed(p, ":1\r\n");
    assert_string_equal(p->told, "1;");
    for (int i = 0; i < 10; i++) {
        test_loop_turn(&p->t);
    }
    assert_int_equal(p->ended, 0);
}

static void test_an_idle_link_asks_whether_somebody_is_there(void **state)
{
    struct place *p = *state;

    p->options.ping_ms = 20;
    p->options.reply_ms = 50;
    bring_up(p, &events);
    for (int i = 0; i < 3; i++) {
        WAIT_FOR(&p->t, p->s.written_size > 0);
        assert_written(p, "*1\r\n$4\r\nPING\r\n");
        redis_simulated_forget(&p->s);
        feed(p, "+PONG\r\n");
    }
    WAIT_FOR(&p->t, p->ended == 1);
    assert_int_equal(p->end, REDIS_END_SILENT);
}

static void test_what_never_opens(void **state)
{
    struct place *p = *state;

    p->options.connect_ms = 50;
    p->s.never = true;
    open_link(p, &events);
    assert_int_equal(SEND(p, "X"), REDIS_SENT);
    WAIT_FOR(&p->t, p->ended == 1);
    assert_int_equal(p->end, REDIS_END_TIMEOUT);
    assert_string_equal(p->told, "LOST;");

    /* Open, but no word. */
    p->s.never = false;
    p->ended = 0;
    open_link(p, &events);
    WAIT_FOR(&p->t, p->ended == 1);
    assert_int_equal(p->end, REDIS_END_TIMEOUT);
    assert_int_equal(p->up, 0);
}

/* Finish: no more commands, and the end behind the last answer. */
static void test_finish(void **state)
{
    struct place *p = *state;

    bring_up(p, &events);
    assert_int_equal(SEND(p, "X"), REDIS_SENT);
    redis_link_finish(p->link);
    assert_int_equal(SEND(p, "Y"), REDIS_NOT_OPEN);
    for (int i = 0; i < 5; i++) {
        test_loop_turn(&p->t);
    }
    assert_int_equal(p->ended, 0);
    feed(p, ":1\r\n");
    WAIT_FOR(&p->t, p->ended == 1);
    assert_int_equal(p->end, REDIS_END_CLOSED);
    assert_string_equal(p->told, "1;");
}

static void test_messages_of_a_subscription(void **state)
{
    struct place *p = *state;

    bring_up(p, &message_events);
    assert_int_equal(SEND(p, "SUBSCRIBE", "c"), REDIS_SENT);
    feed(
        p,
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
    assert_int_equal(SEND(p, "PING"), REDIS_SENT);
    feed(p, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nho\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    assert_string_equal(p->told, "[subscribe c 1 ];<c=hi><c=ho>[pong  ];");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_greeting_goes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_greetings_that_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_turn_is_one_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replies_cut_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_end_at_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_ends_the_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replies_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_unanswered_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slow_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_ends_the_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_loop_that_stood_still_reads_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_idle_link_asks_whether_somebody_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_never_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_messages_of_a_subscription, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
