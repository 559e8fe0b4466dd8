/* Addresses: what is one, and where a server without authentication may listen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "router/listener.h"

struct address_row {
    const char *url;
    bool good;
    bool pipe;
    const char *host;
    uint16_t port;
};

static const struct address_row address_rows[] = {
    {"tcp://127.0.0.1:7700", true, false, "127.0.0.1", 7700},
    {"tcp://localhost:0", true, false, "localhost", 0},
    {"tcp://[::1]:65535", true, false, "::1", 65535},
    {"unix:///run/switchboard.sock", true, true, "/run/switchboard.sock", 0},
    {"unix://relative", true, true, "relative", 0},
    {"tcp://127.0.0.1", false, false, NULL, 0},
    {"tcp://127.0.0.1:", false, false, NULL, 0},
    {"tcp://127.0.0.1:65536", false, false, NULL, 0},
    {"tcp://127.0.0.1:77x", false, false, NULL, 0},
    {"tcp://127.0.0.1:99999999999999999999", false, false, NULL, 0},
    {"tcp://:7700", false, false, NULL, 0},
    {"tcp://[::1]7700", false, false, NULL, 0},
    {"tcp://[::1", false, false, NULL, 0},
    {"tcp://", false, false, NULL, 0},
    {"unix://", false, false, NULL, 0},
    {"ws://127.0.0.1:7700", false, false, NULL, 0},
    {"127.0.0.1:7700", false, false, NULL, 0},
    {"", false, false, NULL, 0},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(address_rows) / sizeof(address_rows[0]); i++) {
        const struct address_row *row = &address_rows[i];
        struct listener_address a;
        char problem[256] = "";
        bool good = listener_parse(text_from(row->url), &a, problem, sizeof(problem));

        if (good != row->good) {
            fail_msg("%s: %s", row->url, problem);
        }
        if (!good) {
            assert_string_not_equal(problem, "");
            continue;
        }
        assert_int_equal(a.pipe, row->pipe);
        assert_string_equal(a.host, row->host);
        assert_int_equal(a.port, row->port);
    }
}

static void test_a_path_too_long_for_a_socket(void **state)
{
    char url[256] = "unix://";
    struct listener_address a;
    char problem[256] = "";

    (void)state;
    memset(url + 7, 'x', 107);
    assert_true(listener_parse(text_from(url), &a, problem, sizeof(problem)));
    memset(url + 7, 'x', 108);
    assert_false(listener_parse(text_from(url), &a, problem, sizeof(problem)));
    assert_non_null(strstr(problem, "107"));
}

/* ---- opening ---- */

struct place {
    _Atomic uint32_t connections;
    uv_loop_t loop;
    struct clock clock;
    struct session_table sessions;
    char folder[64];
    char url[128];
};

static enum session_verdict no_frame(void *context, struct session *s, const uint8_t *bytes,
                                     size_t size)
{
    (void)context;
    (void)s;
    (void)bytes;
    (void)size;
    return FRAME_TAKEN;
}

static enum session_verdict no_half_close(void *context, struct session *s)
{
    (void)context;
    (void)s;
    return FRAME_TAKEN;
}

static void no_end(void *context, struct session *s)
{
    (void)context;
    (void)s;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    const struct session_options options = {.connections_max = 10, .connections = &p->connections};
    const struct session_handler handler = {
        .frame = no_frame, .half_closed = no_half_close, .ended = no_end};

    if (p == NULL) {
        return -1;
    }
    uv_loop_init(&p->loop);
    clock_init(&p->clock, NULL);
    session_table_init(&p->sessions, &p->loop, &p->clock, &options, &handler);
    snprintf(p->folder, sizeof(p->folder), "/tmp/switchboard-listener-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->url, sizeof(p->url), "unix://%s/socket", p->folder);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    session_table_stop(&p->sessions);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    session_table_close(&p->sessions);
    assert_int_equal(uv_loop_close(&p->loop), 0);
    unlink(p->url + 7);
    rmdir(p->folder);
    free(p);
    return 0;
}

static struct listener *open_at(struct place *p, const char *url, bool insecure, char *problem)
{
    return listener_open(&p->loop, text_from(url), insecure, false, &p->sessions, problem, 256);
}

static void test_the_system_chooses_a_port(void **state)
{
    struct place *p = *state;
    char problem[256] = "";
    struct listener *l = open_at(p, "tcp://127.0.0.1:0", false, problem);
    struct listener *second;

    assert_non_null(l);
    assert_string_not_equal(listener_url(l), "tcp://127.0.0.1:0");
    second = open_at(p, listener_url(l), false, problem);
    assert_null(second);
    assert_non_null(strstr(problem, "in use"));
    listener_close(l);
}

static void test_beyond_loopback_only_when_told(void **state)
{
    struct place *p = *state;
    char problem[256] = "";
    struct listener *l;

    assert_null(open_at(p, "tcp://0.0.0.0:0", false, problem));
    assert_non_null(strstr(problem, "insecure"));
    l = open_at(p, "tcp://127.0.0.9:0", false, problem);
    assert_non_null(l);
    listener_close(l);
}

static void test_a_unix_socket_is_its_groups(void **state)
{
    struct place *p = *state;
    char problem[256] = "";
    struct listener *l = open_at(p, p->url, false, problem);
    struct stat status;

    assert_non_null(l);
    assert_int_equal(stat(p->url + 7, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    assert_null(open_at(p, p->url, false, problem));
    assert_non_null(strstr(problem, "in use"));
    listener_close(l);
}

/* What a crash leaves behind is taken over; what is no socket is not. */
static void test_a_stale_socket_is_taken_over(void **state)
{
    struct place *p = *state;
    char problem[256] = "";
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct listener *l;
    FILE *file;
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", p->url + 7);
    assert_int_equal(bind(dead, (const struct sockaddr *)&un, sizeof(un)), 0);
    close(dead);
    l = open_at(p, p->url, false, problem);
    assert_non_null(l);
    listener_close(l);
    uv_run(&p->loop, UV_RUN_NOWAIT);

    file = fopen(p->url + 7, "w");
    assert_non_null(file);
    fclose(file);
    assert_null(open_at(p, p->url, false, problem));
    assert_int_equal(access(p->url + 7, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_a_path_too_long_for_a_socket),
        cmocka_unit_test_setup_teardown(test_the_system_chooses_a_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_beyond_loopback_only_when_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_unix_socket_is_its_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stale_socket_is_taken_over, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
