/* Nodes that come, go, die, and take each other's names, in a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "router/ownership/member.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define KEY     "switchboard:nodes"
#define BEAT_MS 40
#define LIVE_MS 300
#define JOIN_MS 200

struct node {
    struct member_book *book;
    uint32_t changed, joined, refused, ousted, left;
    char why[256];
};

struct place {
    struct test_loop t;
    struct redis_process redis;
    struct redis_locator *locator;
    struct node a, b, reader;
    uint32_t join_ms;
};

static boot_ms test_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (boot_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct clock test_time = {.source = test_clock};

static void on_changed(void *context)
{
    ((struct node *)context)->changed++;
}

static void on_joined(void *context)
{
    ((struct node *)context)->joined++;
}

static void on_refused(void *context, const char *why)
{
    struct node *n = context;

    n->refused++;
    snprintf(n->why, sizeof(n->why), "%s", why);
}

static void on_ousted(void *context, const char *why)
{
    struct node *n = context;

    n->ousted++;
    snprintf(n->why, sizeof(n->why), "%s", why);
}

static void on_left(void *context)
{
    ((struct node *)context)->left++;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    member_scripts_init();
    p->join_ms = JOIN_MS;
    test_loop_init(&p->t);
    redis_process_start(&p->redis, NULL);
    p->locator = redis_process_locate(&p->redis, &p->t.loop, NULL, NULL);
    *state = p;
    return 0;
}

static void close_node(struct node *n)
{
    if (n->book != NULL) {
        member_book_destroy(n->book);
        n->book = NULL;
    }
}

static int teardown(void **state)
{
    struct place *p = *state;

    close_node(&p->a);
    close_node(&p->b);
    close_node(&p->reader);
    redis_locator_destroy(p->locator);
    test_loop_close(&p->t);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

/* A name of NULL: it only reads. */
static void open_node(struct place *p, struct node *n, const char *name, const char *address)
{
    const struct member_events events = {n, on_changed, on_joined, on_refused, on_ousted, on_left};
    const struct member_me me = {.name = text_from(name),
                                 .address = text_from(address),
                                 .version = 3,
                                 .started_at = 1700000000000};
    const struct member_options options = {.beat_ms = BEAT_MS,
                                           .live_ms = LIVE_MS,
                                           .join_ms = p->join_ms,
                                           .me = name == NULL ? NULL : &me,
                                           .clock = &test_time};

    n->book = member_book_create(p->locator, &options, &events);
}

static bool lives(const struct node *n, const char *name)
{
    const struct member *m = member_find(n->book, text_from(name));

    return m != NULL && m->live;
}

static void turn_for(struct place *p, int64_t ms)
{
    int64_t until = test_clock() + ms;

    while (test_clock() < until) {
        test_loop_turn(&p->t);
    }
}

/* What a node of another process would have written. */
static void put_beat(struct place *p, const char *name, uint16_t number, const char *address,
                     uint64_t beat)
{
    char row[MEMBER_ROW_BYTES];
    const struct member_row r = {
        .beat = beat, .number = number, .instance = "00000000000000aa", .version = 1};
    struct member_row with = r;

    snprintf(with.address, sizeof(with.address), "%s", address);
    (void)member_row_write(&with, row);
    redis_process_do(&p->redis, "HSET " KEY " %s %s", name, row);
}

static void put_row(struct place *p, const char *name, uint16_t number, const char *address)
{
    put_beat(p, name, number, address, 7);
}

static bool has_row(struct place *p, const char *name)
{
    redisReply *r = redis_process_ask(&p->redis, "HEXISTS " KEY " %s", name);
    int64_t there = -1;

    assert_true(redis_reply_integer(r, &there));
    freeReplyObject(r);
    return there == 1;
}

static void test_row_and_back(void **state)
{
    const struct member_row r = {.beat = 77,
                                 .number = 4660,
                                 .instance = "0123456789abcdef",
                                 .version = 2,
                                 .started_at = 1700000000000,
                                 .draining = true,
                                 .reading = true,
                                 .address = "unix:///run/switch board/socket"};
    const char *words = "beat=77 number=4660 instance=0123456789abcdef version=2 "
                        "started_at=1700000000000 draining=1 reading=1 "
                        "address=unix:///run/switch board/socket";
    static const char *const bad[] = {"",
                                      "x",
                                      "beat=1",
                                      "address=",
                                      "instance=0123456789abcdef address=",
                                      "instance=0123 address=tcp://a:1",
                                      "address=tcp://a:1 instance=0123456789abcdef"};
    struct member_row back;
    char buffer[MEMBER_ROW_BYTES];

    (void)state;
    assert_true(text_equal(member_row_write(&r, buffer), text_from(words)));
    assert_true(member_row_read(text_from(words), &back));
    assert_int_equal(back.beat, 77);
    assert_int_equal(back.number, 4660);
    assert_string_equal(back.instance, r.instance);
    assert_int_equal(back.version, 2);
    assert_true(back.started_at == r.started_at);
    assert_true(back.draining && back.reading);
    assert_string_equal(back.address, r.address);
    /* What a later version adds is left out. */
    assert_true(member_row_read(
        TEXT("colour=blue number=9 instance=0123456789abcdef address=tcp://a:1"), &back));
    assert_int_equal(back.number, 9);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_false(member_row_read(text_from(bad[i]), &back));
    }
    assert_int_equal(member_number(TEXT("123456789")), 0x31c3); /* CRC16 of the specification */
}

/* They see each other, and a third one sees both, in the order of their names. */
static void test_join_and_leave(void **state)
{
    struct place *p = *state;
    const struct member *m;

    open_node(p, &p->reader, NULL, NULL);
    open_node(p, &p->b, "bert", "tcp://127.0.0.1:2");
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    assert_false(member_book_is_settled(p->reader.book));
    WAIT_FOR(&p->t, p->a.joined == 1 && p->b.joined == 1);
    WAIT_FOR(&p->t, lives(&p->reader, "anna") && lives(&p->reader, "bert"));
    WAIT_FOR(&p->t, lives(&p->a, "anna") && lives(&p->a, "bert") && lives(&p->b, "anna"));
    WAIT_FOR(&p->t, member_book_is_settled(p->reader.book));
    assert_int_equal(member_count(p->reader.book), 2);
    m = member_at(p->reader.book, 0);
    assert_true(text_equal(m->name, TEXT("anna")));
    assert_int_equal(m->row.number, member_number(TEXT("anna")));
    assert_string_equal(m->row.address, "tcp://127.0.0.1:1");
    assert_string_equal(m->row.instance, member_book_instance(p->a.book));
    assert_int_equal(m->row.version, 3);
    assert_true(m->row.started_at == 1700000000000);
    assert_false(m->row.draining);
    assert_in_range(test_clock() - m->seen_at, 0, LIVE_MS);
    assert_true(text_equal(member_at(p->reader.book, 1)->name, TEXT("bert")));
    assert_int_equal(member_book_state(p->a.book), MEMBER_IN);
    assert_int_equal(member_book_state(p->reader.book), MEMBER_READS);

    member_book_drain(p->b.book, true, false);
    WAIT_FOR(&p->t, member_find(p->reader.book, TEXT("bert"))->row.draining);
    member_book_leave(p->b.book);
    WAIT_FOR(&p->t, p->b.left == 1);
    WAIT_FOR(&p->t, member_count(p->reader.book) == 1);
    assert_int_equal(member_book_state(p->b.book), MEMBER_LEFT);
    assert_true(lives(&p->reader, "anna"));
}

/* Who dies stops living when his beat has stood still for long enough; his row stays. */
static void test_dies(void **state)
{
    struct place *p = *state;
    boot_ms at;

    open_node(p, &p->reader, NULL, NULL);
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, lives(&p->reader, "anna"));
    close_node(&p->a);
    at = test_clock();
    WAIT_FOR(&p->t, !lives(&p->reader, "anna"));
    assert_true(test_clock() - at >= LIVE_MS - 2 * BEAT_MS);
    assert_int_equal(member_count(p->reader.book), 1);
}

/* Whoever was seen just now may live before that is known, and may no longer when nothing moves. */
static void test_may_live(void **state)
{
    struct place *p = *state;

    open_node(p, &p->reader, NULL, NULL);
    put_row(p, "anna", member_number(TEXT("anna")), "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, member_find(p->reader.book, TEXT("anna")) != NULL);
    assert_false(lives(&p->reader, "anna"));
    assert_true(member_may_live(p->reader.book, member_at(p->reader.book, 0)));
    WAIT_FOR(&p->t, !member_may_live(p->reader.book, member_at(p->reader.book, 0)));
    put_beat(p, "anna", member_number(TEXT("anna")), "tcp://127.0.0.1:1", 8);
    WAIT_FOR(&p->t, lives(&p->reader, "anna"));
    assert_true(member_may_live(p->reader.book, member_at(p->reader.book, 0)));
}

/* While Redis stands still nobody dies. */
static void test_redis_stands_still(void **state)
{
    struct place *p = *state;
    int64_t until;

    open_node(p, &p->reader, NULL, NULL);
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, lives(&p->reader, "anna"));
    redis_process_signal(&p->redis, SIGSTOP);
    turn_for(p, 3 * LIVE_MS);
    assert_true(lives(&p->reader, "anna"));
    redis_process_signal(&p->redis, SIGCONT);
    for (until = test_clock() + 2 * LIVE_MS; test_clock() < until;) {
        test_loop_turn(&p->t);
        assert_true(lives(&p->reader, "anna"));
    }
    assert_int_equal(p->a.ousted, 0);
}

/* A second process under the name of one that lives. */
static void test_name_is_taken(void **state)
{
    struct place *p = *state;

    p->join_ms = 60000; /* so that nothing depends on the machine's speed */
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    open_node(p, &p->b, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->b.refused == 1);
    assert_non_null(strstr(p->b.why, "another process runs under the name anna"));
    assert_string_equal(member_book_problem(p->b.book), p->b.why);
    turn_for(p, 2 * LIVE_MS);
    assert_int_equal(p->a.ousted, 0);
    assert_int_equal(p->b.joined, 0);
    assert_int_equal(p->b.refused, 1);
}

/* Started again after it was killed: the row of the dead process is replaced after a while. */
static void test_started_again(void **state)
{
    struct place *p = *state;
    boot_ms at;

    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    close_node(&p->a);
    at = test_clock();
    open_node(p, &p->b, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->b.joined == 1);
    assert_true(test_clock() - at >= JOIN_MS);
    WAIT_FOR(&p->t, lives(&p->b, "anna"));
    assert_int_equal(member_count(p->b.book), 1);
}

/* Nobody listens where the other one was: no need to wait. */
static void test_dead_by_address(void **state)
{
    struct place *p = *state;
    char address[64];

    snprintf(address, sizeof(address), "tcp://127.0.0.1:%u", (unsigned)redis_process_free_port());
    put_row(p, "anna", member_number(TEXT("anna")), address);
    p->join_ms = 60000; /* longer than the test would wait */
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
}

/* Its beat stands still, but somebody listens there. */
static void test_alive_by_address(void **state)
{
    struct place *p = *state;
    char address[64];

    p->join_ms = 60000; /* so that nothing depends on the machine's speed */
    snprintf(address, sizeof(address), "tcp://127.0.0.1:%u", (unsigned)p->redis.port);
    put_row(p, "anna", member_number(TEXT("anna")), address);
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.refused == 1);
    assert_int_equal(p->a.joined, 0);
}

/* A failover has brought back the row of a process that is dead: it is replaced. */
static void test_the_dead_do_not_come_back(void **state)
{
    struct place *p = *state;

    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    put_row(p, "anna", member_number(TEXT("anna")), "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t,
             redis_process_says(&p->redis, "HGET " KEY " anna", member_book_instance(p->a.book)));
    WAIT_FOR(&p->t, member_book_state(p->a.book) == MEMBER_IN);
    assert_int_equal(p->a.ousted + p->a.refused, 0);
}

/* The row has another beat over a new connection, which may be one to another Redis: only the next
 * one says that somebody is alive. */
static void test_another_redis_is_no_beat(void **state)
{
    struct place *p = *state;
    const uint16_t number = member_number(TEXT("anna"));

    p->join_ms = 60000; /* so that nothing depends on the machine's speed */
    put_row(p, "anna", number, "tcp://127.0.0.1:1");
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, member_count(p->a.book) == 1);
    redis_process_do(&p->redis, "CLIENT KILL TYPE normal");
    put_beat(p, "anna", number, "tcp://127.0.0.1:1", 99);
    WAIT_FOR(&p->t, member_at(p->a.book, 0)->row.beat == 99);
    turn_for(p, 3 * BEAT_MS);
    assert_false(lives(&p->a, "anna"));
    assert_int_equal(p->a.refused, 0);
    put_beat(p, "anna", number, "tcp://127.0.0.1:1", 100);
    WAIT_FOR(&p->t, p->a.refused == 1);
}

/* Taken for dead, and its name given to another process: ousted when it wakes. */
static void test_ousted(void **state)
{
    struct place *p = *state;

    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    for (uint64_t beat = 7; p->a.ousted == 0; beat++) {
        assert_true(beat < 2000);
        put_beat(p, "anna", member_number(TEXT("anna")), "tcp://127.0.0.1:1", beat);
        test_loop_turn(&p->t);
    }
    assert_int_equal(member_book_state(p->a.book), MEMBER_OUSTED);
    turn_for(p, 3 * BEAT_MS);
    assert_true(redis_process_says(&p->redis, "HGET " KEY " anna", "instance=00000000000000aa"));
    /* And leaving does not remove the other one's row. */
    member_book_leave(p->a.book);
    WAIT_FOR(&p->t, p->a.left == 1);
    assert_true(redis_process_says(&p->redis, "HGET " KEY " anna", "instance=00000000000000aa"));
}

/* The row was lost: it is put there again. */
static void test_row_lost(void **state)
{
    struct place *p = *state;

    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    redis_process_do(&p->redis, "DEL " KEY);
    WAIT_FOR(&p->t, p->a.joined == 2);
    redis_process_kill(&p->redis);
    redis_process_restart(&p->redis); /* it forgot everything, also the scripts */
    WAIT_FOR(&p->t, p->a.joined == 3);
    assert_int_equal(p->a.ousted + p->a.refused, 0);
    assert_string_equal(member_book_problem(p->a.book), "");
}

/* Two names with one number: refused while the other one lives, and else its row goes. */
static void test_clash_of_numbers(void **state)
{
    struct place *p = *state;
    uint16_t number = member_number(TEXT("anna"));
    char clash[32];
    uint32_t i = 0;

    do {
        snprintf(clash, sizeof(clash), "bert-%u", i++);
    } while (member_number(text_from(clash)) != number);
    p->join_ms = 1000;
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    open_node(p, &p->b, clash, "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->b.refused == 1);
    assert_non_null(strstr(p->b.why, "has the same number"));
    close_node(&p->b);
    close_node(&p->a);
    open_node(p, &p->b, clash, "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->b.joined == 1);
    assert_false(has_row(p, "anna"));
    assert_true(has_row(p, clash));
    WAIT_FOR(&p->t, member_find(p->b.book, TEXT("anna")) == NULL);
}

/* Two of one name, or of one number, at the same moment: one gets in. */
static void test_both_at_once(void **state)
{
    struct place *p = *state;

    p->join_ms = 60000; /* so that nothing depends on the machine's speed */
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    open_node(p, &p->b, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined + p->b.joined == 1);
    WAIT_FOR(&p->t, p->a.refused + p->b.refused == 1);
    turn_for(p, 3 * BEAT_MS);
    assert_int_equal(p->a.joined + p->b.joined, 1);
    assert_int_equal(p->a.ousted + p->b.ousted, 0);
}

/* A row that has stood still for a day is removed by whoever sees that; one that beats is not. */
static void test_forgotten(void **state)
{
    struct place *p = *state;
    const struct member_events events = {&p->reader, on_changed, NULL, NULL, NULL, NULL};
    const struct member_options options = {
        .beat_ms = BEAT_MS, .forget_ms = 2 * LIVE_MS, .clock = &test_time};

    put_row(p, "old", 1, "tcp://127.0.0.1:1");
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    p->reader.book = member_book_create(p->locator, &options, &events);
    WAIT_FOR(&p->t, member_count(p->reader.book) == 2);
    assert_false(lives(&p->reader, "old"));
    assert_true(has_row(p, "old"));
    WAIT_FOR(&p->t, member_count(p->reader.book) == 1);
    assert_true(lives(&p->reader, "anna"));
    assert_false(has_row(p, "old"));
}

/* What is no node is left alone, and said. */
static void test_no_node(void **state)
{
    struct place *p = *state;

    redis_process_do(&p->redis, "HSET " KEY " odd words");
    open_node(p, &p->a, "anna", "tcp://127.0.0.1:1");
    WAIT_FOR(&p->t, p->a.joined == 1);
    WAIT_FOR(&p->t, strstr(member_book_problem(p->a.book), "odd is no node") != NULL);
    assert_null(member_find(p->a.book, TEXT("odd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_and_back),
        cmocka_unit_test_setup_teardown(test_join_and_leave, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_may_live, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redis_stands_still, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_started_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_by_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alive_by_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_dead_do_not_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_redis_is_no_beat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ousted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_row_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clash_of_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_node, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
