/* A loop that a test turns until something is so.
 *
 * test_loop_turn waits for events and at most for a few milliseconds; WAIT_FOR turns until the
 * condition holds, and fails the test after its deadline. test_loop_close runs until every handle
 * is closed, and fails when one is left. */
#ifndef TESTS_LIB_TEST_LOOP_H
#define TESTS_LIB_TEST_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct test_loop {
    uv_loop_t loop;
    uv_timer_t tick;
};

void test_loop_init(struct test_loop *t);
void test_loop_turn(struct test_loop *t);
void test_loop_close(struct test_loop *t);

#define WAIT_FOR_WITHIN(t, ms, condition)                                                          \
    do {                                                                                           \
        uint64_t until_ = uv_hrtime() / 1000000 + (ms);                                            \
        while (!(condition)) {                                                                     \
            if (uv_hrtime() / 1000000 > until_) {                                                  \
                fail_msg("%s:%d: never: %s", __FILE__, __LINE__, #condition);                      \
            }                                                                                      \
            test_loop_turn(t);                                                                     \
        }                                                                                          \
    } while (0)
#define WAIT_FOR(t, condition) WAIT_FOR_WITHIN(t, 20000, condition)

#endif
