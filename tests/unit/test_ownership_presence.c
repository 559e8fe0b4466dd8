/* Queues and agents as others see them in a real Redis: written when they change, gone when they
 * go, and when their owner does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "router/ownership/presence.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define QUEUES   "switchboard:{shop}:queues"
#define EXPIRE_S 4
#define AGENTS   "switchboard:{shop}:agents"

/* What an engine would tell: two queues, and agents of whom those from `agents_from` on are there.
 */
struct shop {
    uint64_t waiting;
    uint32_t agents_from, agents;
    const char *reason;
    uint32_t walks, pages;
    uint32_t most; /* rows on one page */
};

struct place {
    struct test_loop t;
    struct redis_process redis;
    struct redis_locator *locator;
    struct presence *presence;
    struct presence_board board;
    bool published;
    struct shop shop;
};

static uint64_t fill(void *context, struct presence_page *page, uint64_t from)
{
    static const struct text queues[] = {TEXT("sales"), TEXT("service")};
    struct shop *s = context;
    uint32_t put = 0;

    s->pages++;
    s->walks += from == 0;
    for (; from < 2; from++, put++) {
        const struct presence_queue q = {.waiting = from == 0 ? s->waiting : 0,
                                         .active = 2,
                                         .oldest_wait_ms = 1234,
                                         .agents_available = 5};

        if (!presence_put_queue(page, queues[from], &q)) {
            return from;
        }
    }
    from = from < 2 + s->agents_from ? 2 + s->agents_from : from;
    for (; from < 2 + s->agents; from++, put++) {
        const struct presence_agent a = {
            .state = TEXT("away"), .reason = text_from(s->reason), .used = 1, .units = 3};
        char name[32];
        int size = snprintf(name, sizeof(name), "agent-%u", (unsigned)from - 2);

        if (!presence_put_agent(page, (struct text){name, (uint32_t)size}, &a)) {
            break;
        }
    }
    s->most = put > s->most ? put : s->most;
    return from < 2 + s->agents ? from : PRESENCE_END;
}

static int setup(void **state)
{
    const struct presence_options options = {.every_ms = 50, .expire_s = EXPIRE_S};
    struct place *p = calloc(1, sizeof(*p));

    test_loop_init(&p->t);
    redis_process_start(&p->redis, NULL);
    p->locator = redis_process_locate(&p->redis, &p->t.loop, NULL, NULL);
    p->presence = presence_create(p->locator, &options);
    p->shop.agents = 3;
    p->shop.reason = "lunch";
    *state = p;
    return 0;
}

static void withdraw(struct place *p)
{
    presence_withdraw(p->presence, &p->board);
    p->published = false;
}

static int teardown(void **state)
{
    struct place *p = *state;

    if (p->published) {
        withdraw(p);
    }
    presence_destroy(p->presence);
    redis_locator_destroy(p->locator);
    test_loop_close(&p->t);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

static void publish(struct place *p)
{
    presence_publish(p->presence, &p->board, TEXT("shop"), fill, &p->shop);
    p->published = true;
}

static int64_t number(struct place *p, const char *command)
{
    redisReply *r = redis_process_ask(&p->redis, command);
    int64_t n = -1;

    assert_true(redis_reply_integer(r, &n));
    freeReplyObject(r);
    return n;
}

static void await_walks(struct place *p, uint32_t count)
{
    uint32_t until = p->shop.walks + count;

    WAIT_FOR(&p->t, p->shop.walks >= until);
}

static uint64_t fields_written(struct place *p)
{
    redisReply *r = redis_process_ask(&p->redis, "INFO commandstats");
    const char *at = strstr(r->str, "cmdstat_hset:calls=");
    uint64_t calls = at == NULL ? 0 : strtoull(at + strlen("cmdstat_hset:calls="), NULL, 10);

    freeReplyObject(r);
    return calls;
}

static void test_rows(void **state)
{
    struct place *p = *state;
    redisReply *r;

    p->shop.waiting = 7;
    p->shop.reason = "\"odd\"\\\n caf\xc3\xa9";
    publish(p);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3 && number(p, "HLEN " QUEUES) == 2);
    r = redis_process_ask(&p->redis, "HGET " QUEUES " sales");
    assert_true(redis_reply_is(r, "{\"waiting\":7,\"offered\":0,\"active\":2,"
                                  "\"oldest_wait_ms\":1234,\"agents_available\":5}"));
    freeReplyObject(r);
    r = redis_process_ask(&p->redis, "HGET " AGENTS " agent-1");
    {
        json_t *j = json_loads(r->str, 0, NULL);

        assert_non_null(j);
        assert_string_equal(json_string_value(json_object_get(j, "state")), "away");
        assert_string_equal(json_string_value(json_object_get(j, "reason")), p->shop.reason);
        assert_int_equal(json_integer_value(json_object_get(j, "used")), 1);
        assert_int_equal(json_integer_value(json_object_get(j, "units")), 3);
        json_decref(j);
    }
    freeReplyObject(r);
    assert_in_range(number(p, "TTL " QUEUES), 0, EXPIRE_S);
    assert_in_range(number(p, "TTL " AGENTS), 0, EXPIRE_S);
    assert_string_equal(presence_problem(p->presence), "");
}

/* Only what has changed is written, and what has gone goes. */
static void test_changes(void **state)
{
    struct place *p = *state;
    uint64_t written;

    publish(p);
    await_walks(p, 3);
    written = fields_written(p);
    assert_int_equal(written, 2);
    await_walks(p, 5);
    assert_int_equal(fields_written(p), written);
    p->shop.waiting = 9;
    WAIT_FOR(&p->t, redis_process_says(&p->redis, "HGET " QUEUES " sales", "\"waiting\":9"));
    await_walks(p, 3);
    assert_int_equal(fields_written(p), written + 1);
    p->shop.agents_from = 2;
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 1);
    assert_int_equal(number(p, "HEXISTS " AGENTS " agent-2"), 1);
    p->shop.agents = 0;
    WAIT_FOR(&p->t, number(p, "EXISTS " AGENTS) == 0);
    assert_int_equal(number(p, "HLEN " QUEUES), 2);
}

/* The keys outlive their own end while they are kept, and not long after. */
static void test_expires(void **state)
{
    struct place *p = *state;
    uint64_t until = uv_hrtime() + (EXPIRE_S + 1) * UINT64_C(1000000000);

    publish(p);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3);
    while (uv_hrtime() < until) {
        test_loop_turn(&p->t);
    }
    assert_int_equal(number(p, "HLEN " AGENTS), 3);
    withdraw(p);
    WAIT_FOR(&p->t, number(p, "EXISTS " QUEUES " " AGENTS) == 0);
}

/* More rows than a page has: page by page, and all of them. */
static void test_pages(void **state)
{
    struct place *p = *state;

    p->shop.agents = 1000;
    publish(p);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 1000);
    assert_int_equal(p->shop.most, PRESENCE_PAGE_ROWS);
    assert_true(p->shop.pages >= 1002 / PRESENCE_PAGE_ROWS);
    p->shop.agents = 500;
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 500);
    assert_int_equal(number(p, "HEXISTS " AGENTS " agent-499"), 1);
}

/* What an owner before us left there does not stay. */
static void test_begins_empty(void **state)
{
    struct place *p = *state;

    redis_process_do(&p->redis, "HSET " AGENTS " somebody x");
    publish(p);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3);
    assert_int_equal(number(p, "HEXISTS " AGENTS " somebody"), 0);
}

/* Removed by hand, restarted empty, refused for a while: it comes back by itself. */
static void test_lost_and_written_again(void **state)
{
    struct place *p = *state;

    publish(p);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3);
    redis_process_do(&p->redis, "DEL " AGENTS);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3);
    redis_process_kill(&p->redis);
    WAIT_FOR(&p->t, presence_problem(p->presence)[0] != '\0');
    redis_process_restart(&p->redis);
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3);
    redis_process_do(&p->redis, "CONFIG SET min-replicas-to-write 1");
    p->shop.waiting = 11;
    WAIT_FOR(&p->t, strstr(presence_problem(p->presence), "NOREPLICAS") != NULL);
    redis_process_do(&p->redis, "CONFIG SET min-replicas-to-write 0");
    WAIT_FOR(&p->t, redis_process_says(&p->redis, "HGET " QUEUES " sales", "\"waiting\":11"));
    WAIT_FOR(&p->t, number(p, "HLEN " AGENTS) == 3);
}

/* Several workspaces take turns. */
static void test_boards_take_turns(void **state)
{
    static struct presence_board boards[20];
    static struct shop shops[20];
    struct place *p = *state;

    for (uint32_t i = 0; i < 20; i++) {
        char name[16];
        int size = snprintf(name, sizeof(name), "shop-%u", i);

        shops[i] = (struct shop){.agents = 200, .reason = "lunch"};
        presence_publish(p->presence, &boards[i], (struct text){name, (uint32_t)size}, fill,
                         &shops[i]);
    }
    for (uint32_t i = 0; i < 20; i++) {
        WAIT_FOR(&p->t, shops[i].walks >= 3);
    }
    assert_int_equal(number(p, "HLEN switchboard:{shop-0}:agents"), 200);
    assert_int_equal(number(p, "HLEN switchboard:{shop-19}:agents"), 200);
    for (uint32_t i = 0; i < 20; i++) {
        presence_withdraw(p->presence, &boards[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begins_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_and_written_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_boards_take_turns, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
