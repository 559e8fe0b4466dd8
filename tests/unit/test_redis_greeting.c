/* What a Redis says of itself, and whether that is good enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "router/redis/redis_greeting.h"

static const char info[] =
    "# Server\r\nredis_version:7.2.4\r\nredis_mode:standalone\r\n"
    "run_id:0123456789012345678901234567890123456789\r\n\r\n"
    "# Memory\r\nmaxmemory:18446744073709551615\r\nmaxmemory_human:0B\r\n"
    "maxmemory_policy:allkeys-lru\r\n\r\n# Persistence\r\nloading:1\r\nasync_loading:0\r\n"
    "aof_enabled:1\r\n\r\n# Replication\r\nrole:slave\r\nmaster_link_status:up\r\n"
    "connected_slaves:3\r\nmaster_replid:abcdefabcdefabcdefabcdefabcdefabcdefabcd\r\n"
    "master_repl_offset:123456789012\r\n\r\n# Cluster\r\ncluster_enabled:1\r\n";

static void test_info(void **state)
{
    struct redis_greeting g;

    (void)state;
    memset(&g, 0, sizeof(g));
    redis_greeting_read_info(&g, text_from(info));
    assert_true(g.info_known && g.loading && g.append_only && g.cluster && g.replica_in_sync);
    assert_int_equal(g.version, REDIS_VERSION(7, 2, 4));
    assert_string_equal(g.run_id, "0123456789012345678901234567890123456789");
    assert_string_equal(g.replication_id, "abcdefabcdefabcdefabcdefabcdefabcdefabcd");
    assert_true(g.replication_offset == 123456789012);
    assert_true(g.memory_max == UINT64_MAX);
    assert_string_equal(g.memory_policy, "allkeys-lru");
    assert_int_equal(g.replicas, 3);
    assert_int_equal(g.role, REDIS_ROLE_REPLICA);
}

/* Cut anywhere it is read as far as it goes, and nothing beyond. */
static void test_info_that_is_cut(void **state)
{
    (void)state;
    for (size_t size = 0; size <= sizeof(info) - 1; size++) {
        struct redis_greeting g;
        char copy[sizeof(info)];

        memset(&g, 0, sizeof(g));
        memcpy(copy, info, size);
        redis_greeting_read_info(&g, (struct text){copy, (uint32_t)size});
        assert_int_equal(g.cluster, size >= sizeof(info) - 3);
        assert_int_equal(g.info_known, size > strlen("# Server\r\nredis_version:"));
    }
}

/* Values that are far too long are cut, and lines without sense are none. */
static void test_info_of_nonsense(void **state)
{
    struct redis_greeting g;
    char line[600];

    (void)state;
    memset(&g, 0, sizeof(g));
    memset(line, 'x', sizeof(line));
    memcpy(line, "run_id:", 7);
    redis_greeting_read_info(&g, (struct text){line, sizeof(line)});
    assert_int_equal(strlen(g.run_id), 40);
    assert_false(g.info_known);
    memcpy(line, "maxmemory_policy:", 17);
    redis_greeting_read_info(&g, (struct text){line, sizeof(line)});
    assert_int_equal(strlen(g.memory_policy), sizeof(g.memory_policy) - 1);
    redis_greeting_read_info(&g, TEXT(":\n::\n\n\r\nrole\nrole:\nrole:king\nredis_version:x.y\n"));
    assert_int_equal(g.role, REDIS_ROLE_UNKNOWN);
    assert_false(g.info_known);
    redis_greeting_read_info(&g, TEXT("redis_version:999.999.999.999"));
    assert_int_equal(g.version, REDIS_VERSION(255, 255, 255));
}

struct safe_row {
    struct redis_greeting g;
    uint32_t replicas;
    const char *problem; /* NULL: it is safe */
};

#define GREETING(version_, append_only_, replicas_, policy_)                                       \
    {                                                                                              \
        .info_known = true, .version = (version_), .append_only = (append_only_),                  \
        .replicas = (replicas_), .memory_policy = policy_                                          \
    }

static const struct safe_row safe_rows[] = {
    {GREETING(REDIS_VERSION(7, 0, 0), true, 0, "noeviction"), 0, NULL},
    {GREETING(REDIS_VERSION(8, 0, 0), false, 1, "noeviction"), 1, NULL},
    {GREETING(REDIS_VERSION(7, 2, 0), false, 2, "noeviction"), 1, NULL},
    {GREETING(REDIS_VERSION(7, 2, 0), true, 0, "noeviction"), 1, NULL},
    {GREETING(REDIS_VERSION(6, 2, 14), true, 0, "noeviction"), 0, "7.0"},
    {GREETING(REDIS_VERSION(7, 2, 0), false, 0, "noeviction"), 0, "append-only"},
    {GREETING(REDIS_VERSION(7, 2, 0), false, 1, "noeviction"), 2, "replicas of 2"},
    {GREETING(REDIS_VERSION(7, 2, 0), false, 5, "noeviction"), 0, "append-only"},
    {GREETING(REDIS_VERSION(7, 2, 0), true, 0, "allkeys-lru"), 0, "allkeys-lru"},
    {GREETING(REDIS_VERSION(7, 2, 0), true, 0, ""), 0, "noeviction"},
    {{.info_known = false}, 0, "INFO"},
};

static void test_what_is_safe(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(safe_rows) / sizeof(safe_rows[0]); i++) {
        char problem[REDIS_PROBLEM_BYTES] = "";
        bool safe = redis_greeting_is_safe(&safe_rows[i].g, safe_rows[i].replicas, problem,
                                           sizeof(problem));

        if (safe != (safe_rows[i].problem == NULL) ||
            (!safe && strstr(problem, safe_rows[i].problem) == NULL)) {
            fail_msg("row %zu: %s", i, problem);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_info_that_is_cut),
        cmocka_unit_test(test_info_of_nonsense),
        cmocka_unit_test(test_what_is_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
