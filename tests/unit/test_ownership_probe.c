/* A probe finds out that a process is dead: at once, and never of one that lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "router/ownership/probe.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

struct place {
    struct test_loop t;
    struct probe *probe;
    uint32_t refused, stood;
    int listener; /* -1: none */
    uint16_t port;
    char folder[64], path[96], address[128];
    pid_t child;
};

static void on_refused(void *context)
{
    ((struct place *)context)->refused++;
}

static void on_stands(void *context)
{
    ((struct place *)context)->stood++;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    test_loop_init(&p->t);
    p->listener = -1;
    strcpy(p->folder, "/tmp/switchboard-probe-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof(p->path), "%s/socket", p->folder);
    p->port = redis_process_free_port();
    snprintf(p->address, sizeof(p->address), "tcp://127.0.0.1:%u", (unsigned)p->port);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    if (p->probe != NULL) {
        probe_close(p->probe);
    }
    test_loop_close(&p->t);
    if (p->listener >= 0) {
        close(p->listener);
    }
    if (p->child > 0) {
        kill(p->child, SIGKILL);
        waitpid(p->child, NULL, 0);
    }
    unlink(p->path);
    rmdir(p->folder);
    free(p);
    return 0;
}

static void open_probe(struct place *p, const char *address)
{
    const struct probe_events events = {p, on_refused, on_stands};

    p->probe = probe_open(&p->t.loop, text_from(address), &events);
    assert_non_null(p->probe);
}

static int listen_at_port(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int listen_at_path(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%.90s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void turn_for(struct place *p, uint64_t ms)
{
    uint64_t until = uv_hrtime() / 1000000 + ms;

    while (uv_hrtime() / 1000000 < until) {
        test_loop_turn(&p->t);
    }
}

static void test_nobody_listens(void **state)
{
    struct place *p = *state;

    open_probe(p, p->address);
    WAIT_FOR(&p->t, p->refused == 1);
    turn_for(p, 200); /* it goes on trying, and is quiet */
    assert_int_equal(p->refused, 1);
    assert_int_equal(p->stood, 0);
    p->listener = listen_at_port(p->port);
    WAIT_FOR(&p->t, p->stood == 1);
    close(p->listener);
    p->listener = -1;
    WAIT_FOR(&p->t, p->refused == 2);
}

/* A process that listens, and whose death is the end of its listening. */
static void start_listener(struct place *p)
{
    p->listener = listen_at_port(p->port);
    p->child = fork();
    assert_true(p->child >= 0);
    if (p->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            pause();
        }
    }
    close(p->listener); /* the child has it now */
    p->listener = -1;
}

/* The machine of a process that was killed refuses connections: known within 100 ms, unless this
 * machine has no time for us; so the best of several counts. */
static void test_killed_process(void **state)
{
    struct place *p = *state;
    uint64_t best = UINT64_MAX;

    for (uint32_t i = 0; i < 5; i++) {
        uint64_t killed, took;

        start_listener(p);
        if (p->probe == NULL) {
            open_probe(p, p->address);
        }
        WAIT_FOR(&p->t, p->stood == i + 1);
        turn_for(p, 100);
        assert_int_equal(p->refused, i);
        killed = uv_hrtime();
        kill(p->child, SIGKILL);
        WAIT_FOR(&p->t, p->refused == i + 1);
        took = (uv_hrtime() - killed) / 1000000;
        best = took < best ? took : best;
        assert_int_equal(waitpid(p->child, NULL, 0), p->child);
        p->child = 0;
    }
    print_message("killed to refused: %u ms\n", (unsigned)best);
    assert_in_range(best, 0, 100);
}

/* A server that cuts whoever says nothing is alive. */
static void test_cut_again_and_again(void **state)
{
    struct place *p = *state;
    uint32_t cuts = 0;

    p->listener = listen_at_port(p->port);
    open_probe(p, p->address);
    while (cuts < 5) {
        struct pollfd waits = {.fd = p->listener, .events = POLLIN};

        test_loop_turn(&p->t);
        if (poll(&waits, 1, 0) == 1) {
            int fd = accept(p->listener, NULL, NULL);

            assert_true(fd >= 0);
            close(fd);
            cuts++;
        }
    }
    WAIT_FOR(&p->t, p->stood == 6);
    assert_int_equal(p->refused, 0);
}

static void test_unix_socket(void **state)
{
    struct place *p = *state;

    snprintf(p->address, sizeof(p->address), "unix://%s", p->path);
    open_probe(p, p->address);
    WAIT_FOR(&p->t, p->refused == 1); /* no file */
    p->listener = listen_at_path(p->path);
    WAIT_FOR(&p->t, p->stood == 1);
    close(p->listener);
    p->listener = -1;
    WAIT_FOR(&p->t, p->refused == 2); /* a file at which nobody listens */
}

/* By name: refused only when every address of the name refuses. */
static void test_by_name(void **state)
{
    struct place *p = *state;

    snprintf(p->address, sizeof(p->address), "tcp://localhost:%u", (unsigned)p->port);
    p->listener = listen_at_port(p->port); /* on 127.0.0.1 alone */
    open_probe(p, p->address);
    WAIT_FOR(&p->t, p->stood == 1);
    assert_int_equal(p->refused, 0);
    close(p->listener);
    p->listener = -1;
    WAIT_FOR(&p->t, p->refused == 1);
}

/* A name that nobody knows proves nothing. */
static void test_unknown_name(void **state)
{
    struct place *p = *state;

    open_probe(p, "tcp://no-such-host.invalid:1");
    turn_for(p, 300);
    assert_int_equal(p->refused, 0);
}

/* Full of connections that nobody takes: silent, and so perhaps alive. */
static void test_silence_proves_nothing(void **state)
{
    struct place *p = *state;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(p->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int waiting[4];

    p->listener = listen_at_port(p->port);
    assert_int_equal(listen(p->listener, 0), 0);
    for (uint32_t i = 0; i < 4; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(waiting[i] >= 0);
        (void)connect(waiting[i], (struct sockaddr *)&at, sizeof(at));
    }
    open_probe(p, p->address);
    turn_for(p, 1300); /* more than one try takes */
    assert_int_equal(p->stood, 0);
    assert_int_equal(p->refused, 0);
    for (uint32_t i = 0; i < 4; i++) {
        close(waiting[i]);
    }
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"",          "tcp://",  "tcp://host", "tcp://:1",
                                      "unix://",   "host:1",  "http://a:1", "tcp://host:0x1",
                                      "tcp://a:b", "tcp://[a"};
    struct place *p = *state;
    const struct probe_events events = {p, on_refused, on_stands};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_null(probe_open(&p->t.loop, text_from(bad[i]), &events));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_process, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unix_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_proves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
