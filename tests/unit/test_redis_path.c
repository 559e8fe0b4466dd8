/* The way to one real Redis: refused, silent, killed, restarted, with users and passwords, loading,
 * demoted, and with very much in flight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/redis_process.h"
#include "tests/lib/redis_visitor.h"

struct place {
    struct redis_visitor v;
    struct redis_process redis, other;
    char url[256];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    redis_visitor_init(&p->v);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    redis_visitor_close(&p->v);
    redis_process_end(&p->redis);
    redis_process_end(&p->other);
    free(p);
    return 0;
}

static const char *url_of(struct place *p, const struct redis_process *r, const char *account)
{
    snprintf(p->url, sizeof(p->url), "redis://%s127.0.0.1:%u", account, (unsigned)r->port);
    return p->url;
}

static void test_up_and_who_it_is(void **state)
{
    struct place *p = *state;
    struct redis_greeting *g = &p->v.greeting;
    char problem[REDIS_PROBLEM_BYTES];

    redis_process_start(&p->redis,
                        (const char *const[]){"--appendonly", "yes", "--maxmemory", "100mb", NULL});
    p->v.path_options.link.name = "visitor";
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_int_equal(g->role, REDIS_ROLE_PRIMARY);
    assert_true(g->info_known && g->append_only && !g->cluster && !g->loading);
    assert_true(g->version >= REDIS_VERSION(7, 0, 0));
    assert_int_equal(strlen(g->run_id), 40);
    assert_int_equal(strlen(g->replication_id), 40);
    assert_int_equal(g->memory_max, 100 << 20);
    assert_string_equal(g->memory_policy, "noeviction");
    assert_true(redis_greeting_is_safe(g, 0, problem, sizeof(problem)));
    assert_true(VISITOR_ASK(&p->v, "CLIENT", "GETNAME"));
    assert_string_equal(p->v.reply, "visitor");
    assert_true(redis_path_serves(p->v.path, 7));
    assert_string_equal(redis_path_problem(p->v.path), "");
}

/* Nobody there at first; then somebody is. */
static void test_refused_until_it_runs(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    redis_process_kill(&p->redis);
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "connected") != NULL);
    assert_int_equal(p->v.ups, 0);
    redis_process_revive(&p->redis);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_int_equal(p->v.downs, 0);
}

/* A listener that takes connections and never says a word. */
static void test_black_hole(void **state)
{
    struct place *p = *state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 16) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    snprintf(p->url, sizeof(p->url), "redis://localhost:%u", (unsigned)ntohs(at.sin_port));
    p->v.path_options.link.connect_ms = 100;
    redis_visitor_go(&p->v, p->url, NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "in time") != NULL);
    assert_int_equal(p->v.ups, 0);
    close(fd);
}

static void test_a_host_that_is_not_known(void **state)
{
    struct place *p = *state;

    redis_visitor_go(&p->v, "redis://no-such-host.invalid:6379", NULL);
    WAIT_FOR(&p->v.t, redis_path_problem(p->v.path)[0] != '\0');
    assert_int_equal(p->v.ups, 0);
}

/* Killed with commands open: they are LOST, and the new process is known to be another one. */
static void test_kill_and_restart(void **state)
{
    struct place *p = *state;
    char run_id[REDIS_ID_BYTES];

    redis_process_start(&p->redis, (const char *const[]){"--appendonly", "yes", NULL});
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_true(VISITOR_ASK(&p->v, "SET", "k", "kept"));
    memcpy(run_id, p->v.greeting.run_id, sizeof(run_id));

    redis_process_signal(&p->redis, SIGSTOP);
    p->v.answered = false;
    {
        struct text words[] = {TEXT("INCR"), TEXT("n")};
        struct redis_command c = {2, words, redis_visitor_hear, &p->v, 0};

        assert_int_equal(redis_path_send(p->v.path, &c), REDIS_SENT);
    }
    redis_link_flush(redis_path_link(p->v.path));
    redis_process_kill(&p->redis);
    WAIT_FOR(&p->v.t, p->v.downs == 1);
    assert_true(p->v.answered);
    assert_int_equal(p->v.outcome, REDIS_LOST);
    assert_int_equal(redis_path_send(p->v.path, &(struct redis_command){0}), REDIS_NOT_OPEN);
    redis_process_revive(&p->redis);
    WAIT_FOR(&p->v.t, p->v.ups == 2);
    assert_string_not_equal(run_id, p->v.greeting.run_id);
    assert_true(VISITOR_ASK(&p->v, "GET", "k"));
    assert_string_equal(p->v.reply, "kept");
}

/* A process that stands still is noticed without anybody asking it anything. */
static void test_a_stopped_redis_is_noticed(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    p->v.path_options.link.ping_ms = 50;
    p->v.path_options.link.reply_ms = 100;
    p->v.path_options.link.connect_ms = 100;
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_process_signal(&p->redis, SIGSTOP);
    WAIT_FOR_WITHIN(&p->v.t, 2000, p->v.downs == 1);
    assert_non_null(strstr(p->v.why, "unanswered"));
    redis_process_signal(&p->redis, SIGCONT);
    WAIT_FOR(&p->v.t, p->v.ups == 2);
    assert_string_equal(p->v.greeting.run_id, redis_path_greeting(p->v.path)->run_id);
}

static void test_passwords_and_users(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    redis_process_do(&p->redis, "ACL SETUSER limited on >open ~k* +get +set +auth");
    redis_process_do(&p->redis, "ACL SETUSER router on >open ~* +@all -config");
    redis_process_do(&p->redis, "ACL SETUSER default >main");

    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "password") != NULL);
    redis_visitor_close(&p->v);

    redis_visitor_init(&p->v);
    redis_visitor_go(&p->v, url_of(p, &p->redis, "router:wrong@"), NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "WRONGPASS") != NULL);
    redis_visitor_close(&p->v);

    redis_visitor_init(&p->v);
    redis_visitor_go(&p->v, url_of(p, &p->redis, "limited:open@"), NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "unknown") != NULL);
    assert_int_equal(p->v.ups, 0); /* who may not ask for the role cannot know the primary */
    redis_visitor_close(&p->v);

    redis_visitor_init(&p->v);
    redis_visitor_go(&p->v, url_of(p, &p->redis, ":main@"), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_visitor_close(&p->v);

    redis_visitor_init(&p->v);
    redis_visitor_go(&p->v, url_of(p, &p->redis, "router:open@"), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_true(VISITOR_ASK(&p->v, "ACL", "WHOAMI"));
    assert_string_equal(p->v.reply, "router");
    assert_true(VISITOR_ASK(&p->v, "CONFIG", "GET", "save"));
    assert_int_equal(p->v.error, REDIS_ERROR_NOPERM);
}

/* A role is enough for the path, and INFO alone is, too. */
static void test_users_with_few_rights(void **state)
{
    struct place *p = *state;
    char problem[REDIS_PROBLEM_BYTES];

    redis_process_start(&p->redis, NULL);
    redis_process_do(&p->redis, "ACL SETUSER role on >open ~* +role");
    redis_process_do(&p->redis, "ACL SETUSER info on >open ~* +info");
    redis_visitor_go(&p->v, url_of(p, &p->redis, "role:open@"), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_false(p->v.greeting.info_known);
    assert_false(redis_greeting_is_safe(&p->v.greeting, 0, problem, sizeof(problem)));
    redis_visitor_close(&p->v);

    redis_visitor_init(&p->v);
    redis_visitor_go(&p->v, url_of(p, &p->redis, "info:open@"), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_int_equal(p->v.greeting.role, REDIS_ROLE_PRIMARY);
}

/* ---- very much in flight ---- */

#define MANY 100000u

struct many {
    struct place *p;
    uint32_t sent, answered;
    size_t unanswered_max;
    bool in_order;
};

static void many_answered(void *context, const struct redis_answer *a)
{
    struct many *m = context;
    int64_t n = 0;

    m->answered++;
    m->in_order = m->in_order && a->outcome == REDIS_ANSWER && redis_reply_integer(a->reply, &n) &&
                  n == m->answered;
}

static void many_send(struct many *m)
{
    static const struct text words[] = {{"INCR", 4}, {"n", 1}};
    struct redis_command c = {2, words, many_answered, m, 0};

    while (m->sent < MANY && redis_path_send(m->p->v.path, &c) == REDIS_SENT) {
        m->sent++;
        if (redis_link_unanswered(redis_path_link(m->p->v.path)) > m->unanswered_max) {
            m->unanswered_max = redis_link_unanswered(redis_path_link(m->p->v.path));
        }
    }
}

/* A hundred thousand commands, of which never more than the bound are open; all in order. */
static void test_many_commands_in_bounded_memory(void **state)
{
    struct place *p = *state;
    struct many m = {.p = p, .in_order = true};

    redis_process_start(&p->redis, NULL);
    p->v.path_options.link.bytes_max = 64 << 10;
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    while (m.answered < MANY) {
        many_send(&m);
        test_loop_turn(&p->v.t);
        assert_int_equal(p->v.downs, 0);
    }
    assert_true(m.in_order);
    assert_in_range(m.unanswered_max, 32 << 10, 64 << 10);
}

/* All at once, into a socket that is not read meanwhile. */
static void test_many_commands_at_once(void **state)
{
    struct place *p = *state;
    struct many m = {.p = p, .in_order = true};

    redis_process_start(&p->redis, NULL);
    p->v.path_options.link.reply_ms = 20000;
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    many_send(&m);
    assert_int_equal(m.sent, MANY);
    WAIT_FOR(&p->v.t, m.answered == MANY);
    assert_true(m.in_order);
}

/* ---- what it is not, or not yet ---- */

static void test_a_replica_is_no_primary(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    redis_process_start_replica(&p->other, &p->redis);
    redis_visitor_go(&p->v, url_of(p, &p->other, ""), NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "no primary") != NULL);
    redis_visitor_close(&p->v);

    redis_visitor_init(&p->v);
    p->v.path_options.any_role = true;
    redis_visitor_go(&p->v, url_of(p, &p->other, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_int_equal(p->v.greeting.role, REDIS_ROLE_REPLICA);
    assert_true(p->v.greeting.replica_in_sync);
}

/* A primary that becomes a replica under us says READONLY once, and the path leaves it; when it is
 * a primary again, the path is back. */
static void test_demotion(void **state)
{
    struct place *p = *state;
    char port[8];

    redis_process_start(&p->redis, NULL);
    redis_process_start(&p->other, NULL);
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    snprintf(port, sizeof(port), "%u", (unsigned)p->other.port);
    redis_process_do(&p->redis, "REPLICAOF 127.0.0.1 %s", port);
    WAIT_FOR(&p->v.t, !VISITOR_ASK(&p->v, "SET", "k", "v") || p->v.outcome != REDIS_ANSWER);
    if (p->v.downs == 0) {
        assert_int_equal(p->v.error, REDIS_ERROR_READONLY);
        WAIT_FOR(&p->v.t, p->v.downs == 1);
    }
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "no primary") != NULL);
    redis_process_do(&p->redis, "REPLICAOF NO ONE");
    WAIT_FOR(&p->v.t, p->v.ups == 2);
}

/* Who waits for news at a primary that becomes a replica is told, and led away; and while he waited
 * for longer than replies may take, nothing was held against the connection. */
static void test_waiting_for_news_during_a_demotion(void **state)
{
    static const struct text block[] = {{"XREAD", 5},   {"BLOCK", 5}, {"0", 1},
                                        {"STREAMS", 7}, {"s", 1},     {"$", 1}};
    struct place *p = *state;
    struct redis_command c = {6, block, redis_visitor_hear, &p->v, 20000};
    uint64_t began;

    redis_process_start(&p->redis, NULL);
    redis_process_start(&p->other, NULL);
    p->v.path_options.link.reply_ms = 100;
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    p->v.answered = false;
    assert_int_equal(redis_path_send(p->v.path, &c), REDIS_SENT);
    began = uv_now(&p->v.t.loop);
    WAIT_FOR(&p->v.t, uv_now(&p->v.t.loop) - began > 300);
    assert_int_equal(p->v.downs, 0);
    redis_process_do(&p->redis, "REPLICAOF 127.0.0.1 %u", (unsigned)p->other.port);
    WAIT_FOR(&p->v.t, p->v.answered);
    assert_int_equal(p->v.outcome, REDIS_DENIED);
    assert_int_equal(p->v.error, REDIS_ERROR_UNBLOCKED);
    WAIT_FOR(&p->v.t, p->v.downs == 1);
    assert_non_null(strstr(p->v.why, "UNBLOCKED"));
}

/* A Redis that reads a large file answers, but is not up before it has read it. */
static void test_loading(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis,
                        (const char *const[]){"--appendonly", "yes", "--key-load-delay", "0",
                                              "--aof-use-rdb-preamble", "no", NULL});
    redis_process_do(&p->redis, "EVAL %s 0",
                     "for i = 1, 10000 do redis.call('SET', 'k' .. i, i) end");
    redis_process_kill(&p->redis);
    /* Each command of the file takes its time now: a twentieth of a millisecond. */
    for (uint32_t i = 0; i < p->redis.argument_count; i++) {
        if (strcmp(p->redis.arguments[i], "--key-load-delay") == 0) {
            snprintf(p->redis.arguments[i + 1], sizeof(p->redis.arguments[0]), "50");
        }
    }
    redis_process_revive(&p->redis);
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "reading its data") != NULL);
    assert_int_equal(p->v.ups, 0);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_true(VISITOR_ASK(&p->v, "GET", "k10000"));
    assert_string_equal(p->v.reply, "10000");
}

/* Two tries in a row wait longer each, and never longer than told. */
static void test_waiting_grows(void **state)
{
    struct place *p = *state;
    uint64_t began;

    redis_process_start(&p->redis, NULL);
    redis_process_kill(&p->redis);
    p->v.path_options.backoff_ms_min = 20;
    p->v.path_options.backoff_ms_max = 80;
    redis_visitor_go(&p->v, url_of(p, &p->redis, ""), NULL);
    began = uv_now(&p->v.t.loop);
    for (uint32_t i = 0; i < 6; i++) {
        WAIT_FOR(&p->v.t, redis_path_state(p->v.path) == REDIS_PATH_WAITING);
        WAIT_FOR(&p->v.t, redis_path_state(p->v.path) != REDIS_PATH_WAITING);
    }
    /* At least half of 20 + 40 + 80 + 80 + 80 + 80. */
    assert_true(uv_now(&p->v.t.loop) - began >= 190 - 6);
    assert_true(redis_path_age_ms(p->v.path) >= 180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_up_and_who_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_until_it_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_black_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_host_that_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_and_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stopped_redis_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passwords_and_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_with_few_rights, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_commands_in_bounded_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_commands_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_replica_is_no_primary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_demotion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_for_news_during_a_demotion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_grows, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
