/* The primary that Sentinels watch: found though several of them are down, left when it fails, and
 * followed to where it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/redis_process.h"
#include "tests/lib/redis_visitor.h"

#define SENTINELS 3

struct place {
    struct redis_visitor v;
    struct redis_process primary, replica, sentinels[SENTINELS];
    char url[256];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    *state = p;
    redis_visitor_init(&p->v);
    redis_process_start(&p->primary, NULL);
    redis_process_start_replica(&p->replica, &p->primary);
    for (int i = 0; i < SENTINELS; i++) {
        redis_process_start_sentinel(&p->sentinels[i], &p->primary, 2);
    }
    for (int i = 0; i < SENTINELS; i++) { /* all know of all, or no failover would be agreed on */
        redis_process_await(&p->sentinels[i], "INFO sentinel", "slaves=1,sentinels=3");
    }
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    redis_visitor_close(&p->v);
    for (int i = 0; i < SENTINELS; i++) {
        redis_process_end(&p->sentinels[i]);
    }
    redis_process_end(&p->replica);
    redis_process_end(&p->primary);
    free(p);
    return 0;
}

static const char *url_of(struct place *p)
{
    snprintf(p->url, sizeof(p->url), "redis-sentinel://127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u/main",
             (unsigned)p->sentinels[0].port, (unsigned)p->sentinels[1].port,
             (unsigned)p->sentinels[2].port);
    return p->url;
}

static void test_primary_is_found_and_its_replicas(void **state)
{
    struct place *p = *state;
    const struct redis_location *l;

    redis_visitor_go(&p->v, url_of(p), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_int_equal(p->v.greeting.endpoint.port, p->primary.port);
    l = redis_locator_known(p->v.locator, 0);
    assert_non_null(l);
    assert_int_equal(l->promotable, 1);
    assert_int_equal(l->replica_count, 1);
    assert_int_equal(l->replicas[0].port, p->replica.port);
}

/* Two of three are down, one of them without even a refusal. */
static void test_several_sentinels_down(void **state)
{
    struct place *p = *state;
    uint64_t began;

    redis_process_kill(&p->sentinels[0]);
    redis_process_signal(&p->sentinels[1], SIGSTOP);
    redis_visitor_go(&p->v, url_of(p), NULL);
    began = uv_hrtime();
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_true(uv_hrtime() - began < 450000000); /* less than a connection's limit */
}

static void test_all_sentinels_down_and_back(void **state)
{
    struct place *p = *state;

    for (int i = 0; i < SENTINELS; i++) {
        redis_process_kill(&p->sentinels[i]);
    }
    redis_visitor_go(&p->v, url_of(p), NULL);
    WAIT_FOR(&p->v.t, redis_path_state(p->v.path) == REDIS_PATH_WAITING);
    assert_int_equal(p->v.ups, 0);
    redis_process_revive(&p->sentinels[2]);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
}

static void test_a_name_that_sentinels_do_not_know(void **state)
{
    struct place *p = *state;

    url_of(p);
    strcpy(strrchr(p->url, '/'), "/other");
    redis_visitor_go(&p->v, p->url, NULL);
    WAIT_FOR(&p->v.t, redis_path_problem(p->v.path)[0] != '\0');
    assert_non_null(strstr(redis_path_problem(p->v.path), "No such master"));
}

/* From the kill to the new primary: down-after is 500 ms, and the rest is Sentinel's election and
 * ours. */
static void test_failover_after_a_kill(void **state)
{
    struct place *p = *state;
    char run_id[REDIS_ID_BYTES];
    uint64_t killed;

    redis_visitor_go(&p->v, url_of(p), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    memcpy(run_id, p->v.greeting.run_id, sizeof(run_id));
    redis_process_kill(&p->primary);
    killed = uv_hrtime();
    WAIT_FOR(&p->v.t, p->v.ups == 2);
    print_message("failover after a kill: %u ms\n", (unsigned)((uv_hrtime() - killed) / 1000000));
    assert_int_equal(p->v.greeting.endpoint.port, p->replica.port);
    assert_string_not_equal(p->v.greeting.run_id, run_id);
    assert_true(VISITOR_ASK(&p->v, "SET", "k", "v"));
    assert_int_equal(p->v.outcome, REDIS_ANSWER);
    assert_true(uv_hrtime() - killed < 10000000000);
}

/* A primary that stands still keeps its connections: it is Sentinels' news that lead away from it,
 * or its silence. And when it comes back it is a replica, which nobody takes for a primary. */
static void test_failover_from_a_stopped_primary(void **state)
{
    struct place *p = *state;
    uint64_t stopped;

    p->v.path_options.link.reply_ms = 15000; /* silence is not what leads away here */
    redis_visitor_go(&p->v, url_of(p), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_process_signal(&p->primary, SIGSTOP);
    stopped = uv_hrtime();
    WAIT_FOR(&p->v.t, p->v.ups == 2);
    print_message("failover from a stopped primary: %u ms\n",
                  (unsigned)((uv_hrtime() - stopped) / 1000000));
    assert_int_equal(p->v.greeting.endpoint.port, p->replica.port);
    redis_process_signal(&p->primary, SIGCONT);
    redis_process_await(&p->primary, "INFO replication", "role:slave");
    assert_true(VISITOR_ASK(&p->v, "SET", "k", "v"));
    assert_int_equal(p->v.outcome, REDIS_ANSWER);
    assert_int_equal(p->v.ups, 2);
}

/* Switched on purpose while both live. */
static void test_switch_on_purpose(void **state)
{
    struct place *p = *state;

    redis_visitor_go(&p->v, url_of(p), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_process_do(&p->sentinels[0], "SENTINEL FAILOVER main");
    WAIT_FOR(&p->v.t, p->v.ups == p->v.downs + 1 && p->v.greeting.endpoint.port == p->replica.port);
    VISITOR_INSIST(&p->v, "SET", "k", "v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_primary_is_found_and_its_replicas, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_sentinels_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_sentinels_down_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_that_sentinels_do_not_know, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failover_after_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failover_from_a_stopped_primary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switch_on_purpose, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
