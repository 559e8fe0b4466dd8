/* Addresses of Redis, what its errors ask for, and where keys stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/redis/redis_error.h"
#include "router/redis/redis_slot.h"

struct good_row {
    const char *url, *shown; /* shown NULL: as it was given */
};

static const struct good_row good_rows[] = {
    {"redis://127.0.0.1:6379", NULL},
    {"redis://[::1]:6379", NULL},
    {"redis://localhost:6379/", "redis://localhost:6379"},
    {"redis://:hidden@h:1", "redis://:***@h:1"},
    {"redis://ana:hidden@h:1", "redis://ana:***@h:1"},
    {"redis://ana:hid%40%2fden@h:1", "redis://ana:***@h:1"},
    {"rediss://h:65535?ca=/etc/ca.pem&server-name=store", NULL},
    {"rediss://h:1?cert=/c&key=/k", NULL},
    {"redis://ana@h:1?password-file=/run/secret", NULL},
    {"redis-sentinel://a:1,b:2,[::1]:3/main", NULL},
    {"redis-sentinel://u:hidden@a:1/main?sentinel-user=s&sentinel-password-env=S",
     "redis-sentinel://u:***@a:1/main?sentinel-user=s&sentinel-password-env=S"},
    {"redis-cluster://a:1,b:2", NULL},
    {"rediss-cluster://a:1,b:2", NULL},
};

static void test_addresses_are_read_and_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
        const struct good_row *row = &good_rows[i];
        struct redis_address a;
        char problem[REDIS_PROBLEM_BYTES] = "", shown[1024];

        if (!redis_address_parse(text_from(row->url), &a, problem, sizeof(problem))) {
            fail_msg("%s: %s", row->url, problem);
        }
        redis_address_shown(&a, shown, sizeof(shown));
        assert_string_equal(shown, row->shown == NULL ? row->url : row->shown);
        assert_null(strstr(shown, "hid"));
    }
}

/* The byte, counted from 1, and a piece of the words. */
struct bad_row {
    const char *url;
    size_t byte;
    const char *words;
};

static const struct bad_row bad_rows[] = {
    {"", 1, "begins"},
    {"http://h:1", 1, "begins"},
    {"redis:/h:1", 1, "begins"},
    {"redis://", 9, "host"},
    {"redis://h", 10, "port"},
    {"redis://h:", 11, "port is missing"},
    {"redis://h:0", 11, "65535"},
    {"redis://h:65536", 11, "65535"},
    {"redis://h:99999999999999999999", 11, "65535"},
    {"redis://h:1x", 11, "65535"},
    {"redis://:1", 9, "host"},
    {"redis://a:1,b:2", 12, "redis-sentinel"},
    {"redis://h:1/main", 12, "NAME"},
    {"redis://[::1:1", 9, "bracket"},
    {"redis://[::1]1", 14, "port"},
    {"redis://a b:1", 10, "no such byte"},
    {"redis://ana:@h:1", 13, "password"},
    {"redis://ana@h:1", 16, "without a password"},
    {"redis://:secret%zz@h:1", 16, "hexadecimal"},
    {"redis://:secret%00@h:1", 16, "control"},
    {"redis://:secret@h:1?password-env=E", 35, "one place"},
    {"redis://h:1?", 13, "no such option"},
    {"redis://h:1?secret", 13, "no such option"},
    {"redis://h:1?password-file", 26, "NAME=VALUE"},
    {"redis://h:1?password-file=", 26, "NAME=VALUE"},
    {"redis://h:1?ca=/ca", 13, "TLS"},
    {"rediss://h:1?ca=/a&ca=/b", 20, "before"},
    {"rediss://h:1?cert=/a", 21, "together"},
    {"redis://h:1?sentinel-user=u", 13, "sentinel"},
    {"redis-sentinel://a:1", 21, "NAME"},
    {"redis-sentinel://a:1/", 21, "NAME"},
    {"redis-sentinel://a:1,/m", 22, "host"},
    {"redis-cluster://a:1/m", 20, "NAME"},
    {"redis-cluster://1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1", 81,
     "16"},
};

static void test_a_problem_names_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
        const struct bad_row *row = &bad_rows[i];
        struct redis_address a;
        char problem[REDIS_PROBLEM_BYTES] = "", byte[32];

        assert_false(redis_address_parse(text_from(row->url), &a, problem, sizeof(problem)));
        snprintf(byte, sizeof(byte), "byte %zu ", row->byte);
        if (strstr(problem, byte) == NULL || strstr(problem, row->words) == NULL ||
            strstr(problem, "secret") != NULL) {
            fail_msg("%s: %s", row->url, problem);
        }
    }
}

static void test_parts_of_an_address(void **state)
{
    struct redis_address a;
    char problem[REDIS_PROBLEM_BYTES];

    (void)state;
    assert_true(redis_address_parse(TEXT("redis-sentinel://ana:p%40ss@a:1,[fe80::2]:26379/m%2f1"),
                                    &a, problem, sizeof(problem)));
    assert_int_equal(a.deployment, REDIS_SENTINEL);
    assert_false(a.tls);
    assert_int_equal(a.seed_count, 2);
    assert_string_equal(a.seeds[1].host, "fe80::2");
    assert_int_equal(a.seeds[1].port, 26379);
    assert_string_equal(a.account.user, "ana");
    assert_string_equal(a.account.password, "p@ss");
    assert_string_equal(a.name, "m/1");
    redis_address_forget(&a);
    assert_string_equal(a.account.password, "");
}

/* What is cut stays terminated. */
static void test_shown_in_little_room(void **state)
{
    struct redis_address a;
    char problem[REDIS_PROBLEM_BYTES], shown[64];

    (void)state;
    assert_true(
        redis_address_parse(TEXT("redis://ana:hidden@host:1"), &a, problem, sizeof(problem)));
    for (size_t size = 1; size < sizeof(shown); size++) {
        memset(shown, 'x', sizeof(shown));
        redis_address_shown(&a, shown, size);
        assert_true(strnlen(shown, sizeof(shown)) < size);
        assert_int_equal(strncmp(shown, "redis://ana:***@host:1", strlen(shown)), 0);
    }
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void test_passwords_from_elsewhere(void **state)
{
    char path[] = "/tmp/redis-password-XXXXXX", url[128], problem[REDIS_PROBLEM_BYTES];
    char huge[REDIS_WORD_BYTES + 1];
    struct redis_address a;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    snprintf(url, sizeof(url), "redis-sentinel://h:1/m?password-file=%s&sentinel-password-env=SB_T",
             path);
    assert_true(redis_address_parse(text_from(url), &a, problem, sizeof(problem)));
    write_file(path, "of a file\r\n", 11);
    unsetenv("SB_T");
    assert_false(redis_address_load(&a, problem, sizeof(problem)));
    assert_non_null(strstr(problem, "SB_T"));
    setenv("SB_T", "of a variable", 1);
    assert_true(redis_address_load(&a, problem, sizeof(problem)));
    assert_string_equal(a.account.password, "of a file");
    assert_string_equal(a.sentinel_account.password, "of a variable");
    unsetenv("SB_T");

    write_file(path, "\n", 1);
    assert_false(redis_address_load(&a, problem, sizeof(problem)));
    write_file(path, "a\0b", 3);
    assert_false(redis_address_load(&a, problem, sizeof(problem)));
    memset(huge, 'p', sizeof(huge));
    write_file(path, huge, sizeof(huge));
    assert_false(redis_address_load(&a, problem, sizeof(problem)));
    assert_null(strstr(problem, "ppp"));
    unlink(path);
    assert_false(redis_address_load(&a, problem, sizeof(problem)));
    assert_non_null(strstr(problem, path));
}

/* ---- errors ---- */

struct error_row {
    const char *words;
    enum redis_error_kind kind;
    enum redis_remedy remedy;
};

static const struct error_row error_rows[] = {
    {"NOSCRIPT No matching script. Please use EVAL.", REDIS_ERROR_NOSCRIPT, REMEDY_LOAD_SCRIPT},
    {"READONLY You can't write against a read only replica.", REDIS_ERROR_READONLY,
     REMEDY_RELOCATE},
    {"LOADING Redis is loading the dataset in memory", REDIS_ERROR_LOADING, REMEDY_RETRY},
    {"BUSY Redis is busy running a script.", REDIS_ERROR_BUSY, REMEDY_RETRY},
    {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_ERROR_OOM, REMEDY_RETRY},
    {"MISCONF Errors writing to the AOF file: No space left", REDIS_ERROR_MISCONF, REMEDY_RETRY},
    {"NOREPLICAS Not enough good replicas to write.", REDIS_ERROR_NOREPLICAS, REMEDY_RETRY},
    {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_ERROR_TRYAGAIN, REMEDY_RETRY},
    {"MASTERDOWN Link with MASTER is down", REDIS_ERROR_MASTERDOWN, REMEDY_RELOCATE},
    {"CLUSTERDOWN The cluster is down", REDIS_ERROR_CLUSTERDOWN, REMEDY_RELOCATE},
    {"MOVED 3999 127.0.0.1:6381", REDIS_ERROR_MOVED, REMEDY_REDIRECT},
    {"MOVED 16383 ::1:6381", REDIS_ERROR_MOVED, REMEDY_REDIRECT},
    {"ASK 0 :6381", REDIS_ERROR_ASK, REMEDY_REDIRECT},
    {"CROSSSLOT Keys in request don't hash to the same slot", REDIS_ERROR_CROSSSLOT, REMEDY_REFUSE},
    {"NOAUTH Authentication required.", REDIS_ERROR_NOAUTH, REMEDY_REFUSE},
    {"WRONGPASS invalid username-password pair", REDIS_ERROR_WRONGPASS, REMEDY_REFUSE},
    {"NOPERM this user has no permissions", REDIS_ERROR_NOPERM, REMEDY_REFUSE},
    {"UNBLOCKED force unblock from blocking operation", REDIS_ERROR_UNBLOCKED, REMEDY_RELOCATE},
    {"ERR unknown command", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"OOMPH", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"moved 1 h:1", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"MOVED", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"MOVED 16384 h:1", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"MOVED 123456 h:1", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"MOVED -1 h:1", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"MOVED 1 h", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"ASK 1 h:0", REDIS_ERROR_OTHER, REMEDY_REFUSE},
    {"", REDIS_ERROR_OTHER, REMEDY_REFUSE},
};

static void test_errors_are_known_by_their_word(void **state)
{
    bool seen[REDIS_ERROR_KINDS] = {false};

    (void)state;
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        struct redis_error e;

        redis_error_read(text_from(error_rows[i].words), &e);
        if (e.kind != error_rows[i].kind || e.remedy != error_rows[i].remedy) {
            fail_msg("%s: %s", error_rows[i].words, redis_error_word(e.kind));
        }
        seen[e.kind] = true;
    }
    for (enum redis_error_kind k = 0; k < REDIS_ERROR_KINDS; k++) {
        assert_true(seen[k]);
        assert_true(strlen(redis_error_meaning(k)) > 0);
    }
}

static void test_redirections_say_where(void **state)
{
    struct redis_error e;

    (void)state;
    redis_error_read(TEXT("MOVED 3999 ::1:6381"), &e);
    assert_int_equal(e.slot, 3999);
    assert_string_equal(e.to.host, "::1");
    assert_int_equal(e.to.port, 6381);
    redis_error_read(TEXT("ASK 7 :6382"), &e);
    assert_int_equal(e.slot, 7);
    assert_string_equal(e.to.host, "");
    assert_int_equal(e.to.port, 6382);
}

/* ---- slots ---- */

/* The numbers are those that CLUSTER KEYSLOT answers. */
static void test_slots(void **state)
{
    static const struct {
        const char *key;
        uint16_t slot;
    } rows[] = {
        {"", 0},
        {"123456789", 12739},
        {"foo", 12182},
        {"{foo}bar", 12182},
        {"a{foo}b", 12182},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"bar", 5061},
        {"{bar", 4015},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (redis_slot(text_from(rows[i].key)) != rows[i].slot) {
            fail_msg("%s: %u", rows[i].key, redis_slot(text_from(rows[i].key)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_read_and_shown),
        cmocka_unit_test(test_a_problem_names_the_byte),
        cmocka_unit_test(test_parts_of_an_address),
        cmocka_unit_test(test_shown_in_little_room),
        cmocka_unit_test(test_passwords_from_elsewhere),
        cmocka_unit_test(test_errors_are_known_by_their_word),
        cmocka_unit_test(test_redirections_say_where),
        cmocka_unit_test(test_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
