/* TLS to a real Redis: whom we believe, what he is called, and who we are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/redis/redis_tls.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/redis_visitor.h"

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    char cert_path[96], key_path[96];
};

struct place {
    struct redis_visitor v;
    struct redis_process redis;
    struct redis_dialer *dialer;
    struct identity ca, server, client, stranger;
    char folder[48];
    uint16_t port;
};

/* A certificate for `names` (as X.509 has them: "DNS:a,IP:1.2.3.4"), signed by `by`, or by itself
 * and then an authority. */
static void make_identity(struct place *p, struct identity *out, const char *file,
                          const char *names, const struct identity *by)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509V3_CTX context;
    X509_EXTENSION *extension;
    FILE *f;

    out->key = EVP_EC_gen("P-256");
    assert_non_null(out->key);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(out - &p->ca) + 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)file, -1, -1, 0);
    X509_set_issuer_name(x, by == NULL ? name : X509_get_subject_name(by->certificate));
    X509_set_pubkey(x, out->key);
    X509V3_set_ctx(&context, by == NULL ? x : by->certificate, x, NULL, NULL, 0);
    extension = by == NULL
                    ? X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints, "critical,CA:TRUE")
                    : X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
    assert_non_null(extension);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(x, by == NULL ? out->key : by->key, EVP_sha256()) > 0);
    out->certificate = x;
    snprintf(out->cert_path, sizeof(out->cert_path), "%s/%s.crt", p->folder, file);
    snprintf(out->key_path, sizeof(out->key_path), "%s/%s.key", p->folder, file);
    f = fopen(out->cert_path, "w");
    assert_true(f != NULL && PEM_write_X509(f, x) == 1 && fclose(f) == 0);
    f = fopen(out->key_path, "w");
    assert_true(f != NULL && PEM_write_PrivateKey(f, out->key, NULL, NULL, 0, NULL, NULL) == 1 &&
                fclose(f) == 0);
}

static void forget_identity(struct identity *i)
{
    unlink(i->cert_path);
    unlink(i->key_path);
    X509_free(i->certificate);
    EVP_PKEY_free(i->key);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    *state = p;
    redis_visitor_init(&p->v);
    strcpy(p->folder, "/tmp/switchboard-tls-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    make_identity(p, &p->ca, "authority", NULL, NULL);
    make_identity(p, &p->server, "server", "DNS:store.example,IP:127.0.0.1", &p->ca);
    make_identity(p, &p->client, "client", "DNS:router.example", &p->ca);
    make_identity(p, &p->stranger, "stranger", NULL, NULL);
    return 0;
}

static void leave(struct place *p)
{
    redis_visitor_close(&p->v);
    if (p->dialer != NULL) {
        redis_tls_destroy(p->dialer);
        p->dialer = NULL;
    }
}

static int teardown(void **state)
{
    struct place *p = *state;

    leave(p);
    redis_process_end(&p->redis);
    forget_identity(&p->ca);
    forget_identity(&p->server);
    forget_identity(&p->client);
    forget_identity(&p->stranger);
    rmdir(p->folder);
    free(p);
    return 0;
}

static void start(struct place *p, const char *ask_clients)
{
    char port[8];
    const char *arguments[] = {"--tls-port",
                               port,
                               "--tls-cert-file",
                               p->server.cert_path,
                               "--tls-key-file",
                               p->server.key_path,
                               "--tls-ca-cert-file",
                               p->ca.cert_path,
                               "--tls-auth-clients",
                               ask_clients,
                               NULL};

    p->port = redis_process_free_port();
    snprintf(port, sizeof(port), "%u", (unsigned)p->port);
    redis_process_start(&p->redis, arguments);
}

static void go(struct place *p, const char *host, const char *options)
{
    char url[512], problem[REDIS_PROBLEM_BYTES] = "";
    struct redis_address a;

    snprintf(url, sizeof(url), "rediss://%s:%u?ca=%s%s", host, (unsigned)p->port, p->ca.cert_path,
             options);
    assert_true(redis_address_parse(text_from(url), &a, problem, sizeof(problem)));
    p->dialer = redis_tls_create(&a, problem, sizeof(problem));
    if (p->dialer == NULL) {
        fail_msg("%s", problem);
    }
    p->v.locator_options.link.dialer = p->dialer;
    redis_visitor_go(&p->v, url, NULL);
}

static void again(struct place *p)
{
    leave(p);
    redis_visitor_init(&p->v);
}

/* The number in the certificate, the name that we are told to expect, and neither. */
static void test_names(void **state)
{
    struct place *p = *state;

    start(p, "no");
    go(p, "127.0.0.1", "");
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    assert_true(VISITOR_ASK(&p->v, "PING"));
    assert_string_equal(p->v.reply, "PONG");
    again(p);
    go(p, "127.0.0.1", "&server-name=store.example");
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    again(p);
    go(p, "127.0.0.1", "&server-name=other.example");
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "ostname mismatch") != NULL);
    assert_int_equal(p->v.ups, 0);
    again(p);
    go(p, "localhost", "");
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "ostname mismatch") != NULL);
    assert_int_equal(p->v.ups, 0);
}

/* Signed by somebody whom we do not know. */
static void test_an_unknown_authority(void **state)
{
    struct place *p = *state;
    struct identity ca = p->ca;

    start(p, "no");
    p->ca = p->stranger;
    go(p, "127.0.0.1", "");
    p->ca = ca;
    WAIT_FOR(&p->v.t, strstr(redis_path_problem(p->v.path), "TLS failed") != NULL);
    assert_non_null(strstr(redis_path_problem(p->v.path), "certificate"));
    assert_int_equal(p->v.ups, 0);
}

static void test_a_redis_that_asks_who_we_are(void **state)
{
    struct place *p = *state;
    char options[256];

    start(p, "yes");
    snprintf(options, sizeof(options), "&cert=%s&key=%s", p->client.cert_path, p->client.key_path);
    go(p, "127.0.0.1", options);
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    again(p);
    go(p, "127.0.0.1", "");
    WAIT_FOR(&p->v.t, redis_path_problem(p->v.path)[0] != '\0');
    assert_int_equal(p->v.ups, 0);
}

/* TLS spoken to a plain port, and plain to a TLS port. */
static void test_the_wrong_port(void **state)
{
    struct place *p = *state;
    char url[128];

    start(p, "no");
    snprintf(url, sizeof(url), "redis://127.0.0.1:%u", (unsigned)p->port);
    redis_visitor_go(&p->v, url, NULL);
    WAIT_FOR(&p->v.t, redis_path_problem(p->v.path)[0] != '\0');
    assert_int_equal(p->v.ups, 0);
    again(p);
    p->port = p->redis.port;
    go(p, "127.0.0.1", "");
    WAIT_FOR(&p->v.t, redis_path_problem(p->v.path)[0] != '\0');
    assert_int_equal(p->v.ups, 0);
}

/* Replies and commands of many records. */
static void test_large_values(void **state)
{
    struct place *p = *state;
    static char value[3000000];
    const struct text set[] = {TEXT("SET"), TEXT("k"), {value, sizeof(value)}};
    struct redis_command c = {3, set, redis_visitor_hear, &p->v, 0};

    memset(value, 'v', sizeof(value));
    start(p, "no");
    p->v.path_options.link.reply_ms = 10000;
    go(p, "127.0.0.1", "");
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    p->v.answered = false;
    assert_int_equal(redis_path_send(p->v.path, &c), REDIS_SENT);
    WAIT_FOR(&p->v.t, p->v.answered);
    assert_string_equal(p->v.reply, "OK");
    assert_true(VISITOR_ASK(&p->v, "STRLEN", "k"));
    assert_string_equal(p->v.reply, "3000000");
    assert_true(VISITOR_ASK(&p->v, "GET", "k"));
    assert_int_equal(strlen(p->v.reply), sizeof(p->v.reply) - 1);
    assert_int_equal(p->v.downs, 0);
}

static void test_killed_under_way(void **state)
{
    struct place *p = *state;

    start(p, "no");
    go(p, "127.0.0.1", "");
    WAIT_FOR(&p->v.t, p->v.ups == 1);
    redis_process_kill(&p->redis);
    WAIT_FOR(&p->v.t, p->v.downs == 1);
    redis_process_revive(&p->redis);
    WAIT_FOR(&p->v.t, p->v.ups == 2);
}

static void test_files_that_cannot_be_used(void **state)
{
    struct place *p = *state;
    struct redis_address a;
    char problem[REDIS_PROBLEM_BYTES];

    memset(&a, 0, sizeof(a));
    strcpy(a.ca, "/nonexistent");
    assert_null(redis_tls_create(&a, problem, sizeof(problem)));
    assert_non_null(strstr(problem, "/nonexistent"));
    strcpy(a.ca, p->ca.key_path); /* a key is no certificate */
    assert_null(redis_tls_create(&a, problem, sizeof(problem)));
    strcpy(a.ca, p->ca.cert_path);
    strcpy(a.cert, p->client.cert_path);
    strcpy(a.key, p->server.key_path); /* of somebody else */
    assert_null(redis_tls_create(&a, problem, sizeof(problem)));
    assert_non_null(strstr(problem, "key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unknown_authority, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_redis_that_asks_who_we_are, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_wrong_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_cannot_be_used, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
