/* A Redis Cluster of three: the right node for a tag, a slot that moves under way, one that moves
 * unseen, and nodes that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/redis_process.h"
#include "tests/lib/redis_visitor.h"

#define NODES 3

/* The slot of "{shop}" and the node that serves it at first. */
#define TAG "{shop}"

struct place {
    struct redis_visitor v;
    struct redis_process nodes[NODES];
    char url[256];
    unsigned slot, from, to;
    char from_id[48], to_id[48];
};

static void node_id(const struct redis_process *r, char id[48])
{
    redisReply *reply = redis_process_ask(r, "CLUSTER MYID");

    assert_non_null(reply);
    snprintf(id, 48, "%s", reply->str);
    freeReplyObject(reply);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    *state = p;
    redis_visitor_init(&p->v);
    redis_process_start_cluster(p->nodes, NODES);
    snprintf(p->url, sizeof(p->url), "redis-cluster://127.0.0.1:%u,127.0.0.1:%u",
             (unsigned)p->nodes[0].port, (unsigned)p->nodes[1].port);
    p->slot = redis_slot(TEXT(TAG));
    p->from = p->slot * NODES / REDIS_SLOTS;
    p->to = (p->from + 1) % NODES;
    node_id(&p->nodes[p->from], p->from_id);
    node_id(&p->nodes[p->to], p->to_id);
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    redis_visitor_close(&p->v);
    for (int i = 0; i < NODES; i++) {
        redis_process_end(&p->nodes[i]);
    }
    free(p);
    return 0;
}

static void begin_migration(struct place *p)
{
    redis_process_do(&p->nodes[p->to], "CLUSTER SETSLOT %u IMPORTING %s", p->slot, p->from_id);
    redis_process_do(&p->nodes[p->from], "CLUSTER SETSLOT %u MIGRATING %s", p->slot, p->to_id);
}

static void migrate_key(struct place *p, const char *key)
{
    redis_process_do(&p->nodes[p->from], "MIGRATE 127.0.0.1 %u %s 0 1000",
                     (unsigned)p->nodes[p->to].port, key);
}

static void end_migration(struct place *p)
{
    redis_process_do(&p->nodes[p->to], "CLUSTER SETSLOT %u NODE %s", p->slot, p->to_id);
    redis_process_do(&p->nodes[p->from], "CLUSTER SETSLOT %u NODE %s", p->slot, p->to_id);
}

static void test_the_node_of_a_tag(void **state)
{
    struct place *p = *state;

    redis_visitor_go(&p->v, p->url, TAG);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_int_equal(p->v.greeting.endpoint.port, p->nodes[p->from].port);
    assert_true(p->v.greeting.cluster);
    assert_true(VISITOR_ASK(&p->v, "SET", TAG "a", "1"));
    assert_int_equal(p->v.outcome, REDIS_ANSWER);
    assert_true(redis_path_serves(p->v.path, (uint16_t)p->slot));
    assert_true(VISITOR_ASK(&p->v, "MSET", "one", "1", "two", "2"));
    assert_int_equal(p->v.outcome, REDIS_DENIED);
    assert_int_equal(p->v.error, REDIS_ERROR_CROSSSLOT);
    assert_int_equal(p->v.downs, 0);
}

/* A key that has gone ahead is answered with ASK, and found behind ASKING; when the slot has gone,
 * the path goes with it. */
static void test_a_slot_moves_under_way(void **state)
{
    static const struct text get[] = {{"GET", 3}, {TAG "a", sizeof(TAG)}};
    struct place *p = *state;
    struct redis_command c = {2, get, redis_visitor_hear, &p->v, 0};
    struct redis_endpoint to;

    redis_visitor_go(&p->v, p->url, TAG);
    VISITOR_INSIST(&p->v, "SET", TAG "a", "1");
    VISITOR_INSIST(&p->v, "SET", TAG "b", "2");
    begin_migration(p);
    assert_true(VISITOR_ASK(&p->v, "GET", TAG "a"));
    assert_string_equal(p->v.reply, "1"); /* still here */
    migrate_key(p, TAG "a");
    assert_true(VISITOR_ASK(&p->v, "MGET", TAG "a", TAG "b"));
    assert_int_equal(p->v.error, REDIS_ERROR_TRYAGAIN);
    assert_true(VISITOR_ASK(&p->v, "GET", TAG "a"));
    assert_int_equal(p->v.error, REDIS_ERROR_ASK);
    assert_int_equal(p->v.to.port, p->nodes[p->to].port);
    assert_int_equal(p->v.downs, 0); /* the rest of the slot is here */
    to = p->v.to;
    for (int i = 0; i < 3; i++) {
        p->v.answered = false;
        assert_int_equal(redis_path_ask(p->v.path, &to, &c), REDIS_SENT);
        WAIT_FOR(&p->v.t, p->v.answered);
        assert_int_equal(p->v.outcome, REDIS_ANSWER);
        assert_string_equal(p->v.reply, "1");
    }
    migrate_key(p, TAG "b");
    end_migration(p);
    assert_true(VISITOR_ASK(&p->v, "GET", TAG "a"));
    assert_int_equal(p->v.error, REDIS_ERROR_MOVED);
    WAIT_FOR(&p->v.t, p->v.ups == 2);
    assert_int_equal(p->v.greeting.endpoint.port, p->nodes[p->to].port);
    assert_true(VISITOR_ASK(&p->v, "GET", TAG "b"));
    assert_string_equal(p->v.reply, "2");
    assert_non_null(strstr(p->v.why, "MOVED"));
}

/* Where nobody is, an asked command is LOST, and not forgotten. */
static void test_asking_nobody(void **state)
{
    static const struct text get[] = {{"GET", 3}, {TAG, sizeof(TAG) - 1}};
    struct place *p = *state;
    struct redis_command c = {2, get, redis_visitor_hear, &p->v, 0};
    struct redis_endpoint to = {"127.0.0.1", 0};

    redis_visitor_go(&p->v, p->url, TAG);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    to.port = p->nodes[p->to].port;
    redis_process_kill(&p->nodes[p->to]);
    assert_int_equal(redis_path_ask(p->v.path, &to, &c), REDIS_SENT);
    WAIT_FOR(&p->v.t, p->v.answered);
    assert_int_equal(p->v.outcome, REDIS_LOST);
}

/* A slot of somebody else that moved changes nothing for this path. */
static void test_another_slot_that_moved(void **state)
{
    struct place *p = *state;
    char key[16] = "";

    for (int i = 0; key[0] == '\0'; i++) {
        char candidate[16];

        snprintf(candidate, sizeof(candidate), "k%d", i);
        if (redis_slot(text_from(candidate)) * (unsigned)NODES / REDIS_SLOTS == p->to) {
            memcpy(key, candidate, sizeof(key));
        }
    }
    redis_visitor_go(&p->v, p->url, TAG);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_true(VISITOR_ASK(&p->v, "GET", key));
    assert_int_equal(p->v.error, REDIS_ERROR_MOVED);
    assert_true(VISITOR_ASK(&p->v, "SET", TAG "a", "1"));
    assert_int_equal(p->v.outcome, REDIS_ANSWER);
    assert_int_equal(p->v.downs, 0);
}

struct hope {
    bool answered, found;
    uint16_t port;
};

static void on_found(void *context, const struct redis_location *l)
{
    *(struct hope *)context = (struct hope){true, true, l->primary.port};
}

static void on_failed(void *context, const char *problem)
{
    (void)problem;
    *(struct hope *)context = (struct hope){true, false, 0};
}

/* The nodes of the address are down; what is known is doubted, and whom the map named is asked. */
static void test_nodes_of_the_address_are_gone(void **state)
{
    struct place *p = *state;
    struct hope hope = {false, false, 0};
    struct redis_search search = {
        .slot = REDIS_SLOTS - 1, .found = on_found, .failed = on_failed, .context = &hope};

    redis_visitor_go(&p->v, p->url, TAG);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_process_kill(&p->nodes[0]);
    redis_process_kill(&p->nodes[1]);
    redis_locator_doubt(p->v.locator, &p->v.greeting.endpoint);
    redis_locator_find(p->v.locator, &search);
    WAIT_FOR(&p->v.t, hope.answered);
    assert_true(hope.found);
    assert_int_equal(hope.port, p->nodes[2].port);
}

/* A primary dies, its replica is made primary, and the path follows. */
static void test_cluster_failover(void **state)
{
    struct place *p = *state;
    struct redis_process replica = {0};
    char port[8];
    const char *arguments[] = {"--cluster-enabled",
                               "yes",
                               "--cluster-node-timeout",
                               "1000",
                               "--cluster-port",
                               port,
                               "--repl-diskless-load",
                               "disabled",
                               "--cluster-replica-validity-factor",
                               "0",
                               NULL};
    uint64_t killed;

    snprintf(port, sizeof(port), "%u", (unsigned)redis_process_free_port());
    redis_process_start(&replica, arguments);
    redis_process_do(&p->nodes[0], "CLUSTER MEET 127.0.0.1 %u %s", (unsigned)replica.port, port);
    redis_process_await(&replica, "CLUSTER NODES", p->from_id);
    redis_process_await(&replica, "CLUSTER INFO", "cluster_state:ok");
    redis_process_do(&replica, "CLUSTER REPLICATE %s", p->from_id);
    redis_process_await(&replica, "INFO replication", "master_link_status:up");
    node_id(&replica, p->to_id);
    redis_process_await(&p->nodes[p->to], "CLUSTER NODES", p->to_id);

    redis_visitor_go(&p->v, p->url, TAG);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_process_kill(&p->nodes[p->from]);
    killed = uv_hrtime();
    WAIT_FOR(&p->v.t, p->v.ups == 2);
    print_message("cluster failover: %u ms\n", (unsigned)((uv_hrtime() - killed) / 1000000));
    assert_int_equal(p->v.greeting.endpoint.port, replica.port);
    VISITOR_INSIST(&p->v, "SET", TAG "a", "1");
    redis_process_end(&replica);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_node_of_a_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_slot_moves_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asking_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_slot_that_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nodes_of_the_address_are_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cluster_failover, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
