#include "tests/lib/test_loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TICK_MS 5

static void tick(uv_timer_t *timer)
{
    (void)timer;
}

void test_loop_init(struct test_loop *t)
{
    signal(SIGPIPE, SIG_IGN); /* as the server does: the connection ends, not the process */
    assert_int_equal(uv_loop_init(&t->loop), 0);
    assert_int_equal(uv_timer_init(&t->loop, &t->tick), 0);
    assert_int_equal(uv_timer_start(&t->tick, tick, TICK_MS, TICK_MS), 0);
}

void test_loop_turn(struct test_loop *t)
{
    uv_run(&t->loop, UV_RUN_ONCE);
}

void test_loop_close(struct test_loop *t)
{
    uint64_t until = uv_hrtime() + 5000000000u;

    uv_close((uv_handle_t *)&t->tick, NULL);
    while (uv_loop_alive(&t->loop) && uv_hrtime() < until) {
        uv_run(&t->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(uv_loop_close(&t->loop), 0);
}
