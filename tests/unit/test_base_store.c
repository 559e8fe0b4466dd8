#include "queue/base/memory.h"
#include "queue/base/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1 /* which takes more addresses than any limit here would leave */
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif

#define MIB ((rlim_t)1 << 20)

static void test_a_span_is_whole_where_nothing_limits_it(void **state)
{
    struct store s;

    (void)state;
    store_init(&s);
    assert_int_equal((uintptr_t)s.span % STORE_SPAN_BYTES, 0);
    assert_int_equal(s.length, STORE_SPAN_BYTES);
    store_close(&s);
}

#ifndef UNDER_SANITIZER
static void tell(const char *why)
{
    if (write(STDERR_FILENO, why, strlen(why)) < 0) {
        _exit(99);
    }
}

/* Runs `what` with so many addresses in a process of its own. Its exit status, or minus the signal
 * that ended it; what it told stands in `said`. */
static int limited(rlim_t bytes, int (*what)(void), char said[200])
{
    const struct rlimit limit = {bytes, bytes};
    const struct rlimit no_core = {0, 0};
    size_t length = 0;
    ssize_t got;
    int ends[2];
    int status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        memory_tell_end(tell);
        signal(SIGABRT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &no_core);
        _exit(setrlimit(RLIMIT_AS, &limit) == 0 ? what() : 98);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + length, 199 - length)) > 0) {
        length += (size_t)got;
    }
    said[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Two engines of one process, each with memory that its nears name. */
static int use_two(void)
{
    struct store a, b;
    struct store *both[2] = {&a, &b};

    store_init(&a);
    store_init(&b);
    for (int i = 0; i < 2; i++) {
        struct store *s = both[i];
        uint64_t *place = store_take_for_good(s, 20 * STORE_CHUNK_BYTES);
        *place = 7;
        if (s->length >= STORE_SPAN_BYTES || s->length < STORE_LEAST_BYTES ||
            store_at(s, near_of(place)) != place || near_at(place, near_of(place)) != place) {
            return 1;
        }
    }
    store_close(&a);
    store_close(&b);
    return 0;
}

static int fill_up(void)
{
    struct store s;

    store_init(&s);
    while (store_take(&s) != NULL) { /* it ends otherwise */
    }
    return 0;
}

static void test_a_span_is_shorter_where_addresses_are_few(void **state)
{
    char said[200];

    (void)state;
    assert_int_equal(limited(4096 * MIB, use_two, said), 0);
    assert_string_equal(said, "");
    assert_int_equal(limited(1024 * MIB, use_two, said), 0);
    assert_string_equal(said, "");
}

static void test_an_end_for_want_of_addresses_is_told(void **state)
{
    char said[200];

    (void)state;
    assert_int_equal(limited(64 * MIB, use_two, said), -SIGABRT);
    assert_non_null(strstr(said, "ulimit -v"));
    assert_int_equal(limited(400 * MIB, fill_up, said), -SIGABRT);
    assert_non_null(strstr(said, "as its addresses reach"));
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_is_whole_where_nothing_limits_it),
#ifndef UNDER_SANITIZER
        cmocka_unit_test(test_a_span_is_shorter_where_addresses_are_few),
        cmocka_unit_test(test_an_end_for_want_of_addresses_is_told),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
