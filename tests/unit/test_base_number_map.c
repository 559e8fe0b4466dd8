#include "queue/base/number_map.h"
#include "queue/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NUMBERS 3000

/* The map fills and empties again and again while the model, an array, says what must be found. */
static void test_random_changes_agree_with_an_array(void **state)
{
    static char records[NUMBERS];
    static bool held[NUMBERS];
    struct number_map map;
    struct random r;
    uint32_t count = 0;

    (void)state;
    random_init(&r, 6);
    number_map_init(&map);
    for (int step = 0; step < 40000; step++) {
        unsigned inserts = step / 5000 % 2 == 0 ? 75 : 30;
        uint64_t n = random_below(&r, NUMBERS);
        /* Neighbours and numbers far apart; 0 is a number like any other. */
        uint64_t number = n % 2 == 0 ? n : n << 40;

        if (!held[n] && random_percent(&r, inserts)) {
            number_map_insert(&map, number, &records[n]);
            held[n] = true;
            count++;
        } else if (held[n] && !random_percent(&r, inserts)) {
            number_map_remove(&map, number);
            held[n] = false;
            count--;
        }
        assert_int_equal(map.count, count);
        n = random_below(&r, NUMBERS);
        assert_ptr_equal(number_map_find(&map, n % 2 == 0 ? n : n << 40),
                         held[n] ? &records[n] : NULL);
    }
    for (uint64_t n = 0; n < NUMBERS; n++) {
        if (held[n]) {
            number_map_remove(&map, n % 2 == 0 ? n : n << 40);
        }
    }
    assert_int_equal(map.count, 0);
    assert_null(number_map_find(&map, 0));
    number_map_close(&map);
}

/* Numbers that want the same slot, at the table's end, so that the run wraps around. */
static void test_numbers_with_one_home_are_told_apart(void **state)
{
    uint64_t numbers[10];
    struct number_map map;
    unsigned count = 0;

    (void)state;
    number_map_init(&map);
    number_map_insert(&map, 0, &map);
    number_map_remove(&map, 0);
    for (uint64_t n = 1; count < 10; n++) {
        if (number_map_home(&map, n) == map.mask) {
            numbers[count++] = n;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        number_map_insert(&map, numbers[i], &numbers[i]);
    }
    for (unsigned gone = 0; gone < count; gone++) {
        number_map_remove(&map, numbers[gone]);
        for (unsigned i = 0; i < count; i++) {
            assert_ptr_equal(number_map_find(&map, numbers[i]), i > gone ? &numbers[i] : NULL);
        }
    }
    number_map_close(&map);
}

static void test_an_empty_map_finds_nothing(void **state)
{
    struct number_map map;

    (void)state;
    number_map_init(&map);
    assert_null(number_map_find(&map, 0));
    assert_null(number_map_find(&map, 7));
    number_map_close(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes_agree_with_an_array),
        cmocka_unit_test(test_numbers_with_one_home_are_told_apart),
        cmocka_unit_test(test_an_empty_map_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
