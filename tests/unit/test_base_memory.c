#include "queue/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_taken_memory_is_zero(void **state)
{
    static const char zero[1000];
    char *taken = memory_take(sizeof(zero));

    (void)state;
    assert_memory_equal(taken, zero, sizeof(zero));
    memory_give(taken);
}

/* Nothing is there all the same: an address, and something to give back. */
static void test_no_bytes_are_an_address(void **state)
{
    void *taken = memory_take(0);
    void *resized = memory_resize(NULL, 0);

    (void)state;
    assert_non_null(taken);
    assert_non_null(resized);
    resized = memory_resize(resized, 0);
    assert_non_null(resized);
    memory_give(taken);
    memory_give(resized);
    memory_give(NULL);
}

static void test_resizing_keeps_the_old_and_zeroes_the_new(void **state)
{
    static const char zero[96];
    char *bytes = memory_resize_zeroed(NULL, 0, 4);

    (void)state;
    assert_memory_equal(bytes, zero, 4);
    memcpy(bytes, "four", 4);
    bytes = memory_resize_zeroed(bytes, 4, 100);
    assert_memory_equal(bytes, "four", 4);
    assert_memory_equal(bytes + 4, zero, 96);
    bytes = memory_resize_zeroed(bytes, 100, 2);
    assert_memory_equal(bytes, "fo", 2);
    bytes = memory_resize(bytes, 200);
    assert_memory_equal(bytes, "fo", 2);
    memory_give(bytes);
}

/* Below a large page and from there on. */
static void test_wide_memory_is_zero_up_to_its_ends(void **state)
{
    static const size_t sizes[] = {1, 4096, (size_t)1 << 20, (size_t)1 << 21, (size_t)3 << 21};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *wide = memory_take_wide(sizes[i]);

        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(wide[at], 0);
        }
        memset(wide, 'x', sizes[i]);
        memory_give_wide(wide, sizes[i]);
    }
    memory_give_wide(NULL, 4096);
    memory_give_wide(NULL, (size_t)1 << 21);
}

static void test_a_copy_is_its_own(void **state)
{
    char from[] = "bytes";
    char *copy = memory_copy(from, sizeof(from));

    (void)state;
    from[0] = 'x';
    assert_string_equal(copy, "bytes");
    assert_null(memory_copy(from, 0));
    assert_null(memory_copy(NULL, 0));
    memory_give(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_memory_is_zero),
        cmocka_unit_test(test_no_bytes_are_an_address),
        cmocka_unit_test(test_resizing_keeps_the_old_and_zeroes_the_new),
        cmocka_unit_test(test_wide_memory_is_zero_up_to_its_ends),
        cmocka_unit_test(test_a_copy_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
