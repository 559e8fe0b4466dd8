/* Time is read once for each half of a turn, and never goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/clock.h"

static boot_ms shown;
static int readings;

static boot_ms watch(void)
{
    readings++;
    return shown;
}

static void test_one_reading_for_many_questions(void **state)
{
    struct clock c;

    (void)state;
    shown = 100;
    clock_init(&c, watch);
    clock_turn(&c);
    readings = 0;
    for (int i = 0; i < 10; i++) {
        shown++;
        assert_int_equal(clock_now(&c), 101);
    }
    assert_int_equal(readings, 1);
    clock_turn(&c);
    assert_int_equal(clock_now(&c), 110);
    assert_int_equal(readings, 2);
}

static void test_never_backwards(void **state)
{
    struct clock c;

    (void)state;
    shown = 100;
    clock_init(&c, watch);
    shown = 40;
    clock_turn(&c);
    assert_int_equal(clock_now(&c), 100);
    shown = 101;
    clock_turn(&c);
    assert_int_equal(clock_now(&c), 101);
}

/* A workspace starts at the wall's time, but never below what its journal has seen, and then only
 * the boot clock moves it. */
static void test_a_workspace_starts_where_its_journal_ended(void **state)
{
    struct workspace_clock w;
    struct clock c;

    (void)state;
    shown = 5000;
    clock_init(&c, watch);
    workspace_clock_start(&w, &c, 1700000000000, 1600000000000);
    assert_int_equal(workspace_clock_now(&w, &c), 1700000000000);
    shown = 5250;
    clock_turn(&c);
    assert_int_equal(workspace_clock_now(&w, &c), 1700000000250);

    workspace_clock_start(&w, &c, 1700000000000, 1800000000000);
    assert_int_equal(workspace_clock_now(&w, &c), 1800000000000);
}

static void test_the_real_clocks_run(void **state)
{
    struct clock c;

    (void)state;
    clock_init(&c, NULL);
    assert_true(clock_now(&c) > 0);
    assert_true(clock_wall() > 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_reading_for_many_questions),
        cmocka_unit_test(test_never_backwards),
        cmocka_unit_test(test_a_workspace_starts_where_its_journal_ended),
        cmocka_unit_test(test_the_real_clocks_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
