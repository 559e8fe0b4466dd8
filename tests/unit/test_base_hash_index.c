#include "queue/base/hash_index.h"
#include "queue/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* How often a number is found under a hash. */
static unsigned found(const struct hash_index *x, uint32_t hash, uint32_t number)
{
    struct hash_probe p = hash_index_probe(x, hash);
    unsigned times = 0;
    uint32_t n;

    while ((n = hash_probe_next(&p)) != 0) {
        times += n == number;
    }
    return times;
}

#define NUMBERS 4000

/* Numbers come, go and give way to others, many of them under one hash, in waves that make the
 * table grow: an array says what must be found, once and nowhere else. */
static void test_random_changes_agree_with_an_array(void **state)
{
    static uint32_t hash_of[NUMBERS + 1];
    static bool held[NUMBERS + 1];
    struct hash_index x;
    struct random r;
    uint32_t count = 0;
    unsigned changed_while_moving = 0;

    (void)state;
    random_init(&r, 4);
    hash_index_init(&x);
    for (int step = 0; step < 60000; step++) {
        uint32_t number =
            1 + (uint32_t)random_below(&r, 100 + (NUMBERS - 100) * (uint64_t)step / 60000);
        uint32_t other = 1 + (uint32_t)random_below(&r, NUMBERS);

        if (!held[number] && random_percent(&r, 80)) {
            hash_of[number] = (uint32_t)random_next(&r);
            if (random_percent(&r, 30)) {
                hash_of[number] = hash_of[number] % 8 - 4; /* crowded, around the table's ends */
            }
            hash_index_insert(&x, hash_of[number], number);
            held[number] = true;
            count++;
        } else if (held[number] && random_percent(&r, 40)) {
            changed_while_moving += x.before.slots != NULL;
            hash_index_remove(&x, hash_of[number], number);
            held[number] = false;
            count--;
        } else if (held[number] && !held[other] && random_percent(&r, 50)) {
            changed_while_moving += x.before.slots != NULL;
            hash_index_replace(&x, hash_of[number], number, other);
            hash_of[other] = hash_of[number];
            held[number] = false;
            held[other] = true;
        }
        assert_int_equal(hash_index_count(&x), count);
        assert_int_equal(found(&x, hash_of[number], number), held[number]);
        assert_int_equal(found(&x, hash_of[other], other), held[other]);
    }
    assert_true(changed_while_moving > 100);
    for (uint32_t number = 1; number <= NUMBERS; number++) {
        assert_int_equal(found(&x, hash_of[number], number), held[number]);
        if (held[number]) {
            hash_index_remove(&x, hash_of[number], number);
        }
    }
    assert_int_equal(hash_index_count(&x), 0);
    hash_index_close(&x);
}

/* A large table is left a few slots at a time. */
static void test_growth_moves_a_few_at_a_time(void **state)
{
    struct hash_index x;
    struct random r;
    uint32_t number = 0;
    unsigned steps = 0;

    (void)state;
    random_init(&r, 5);
    hash_index_init(&x);
    while (x.before.slots == NULL || x.before.mask < 4095) {
        hash_index_insert(&x, (uint32_t)random_next(&r), ++number);
    }
    while (x.before.slots != NULL) {
        uint32_t before = x.before.used;

        hash_index_insert(&x, (uint32_t)random_next(&r), ++number);
        assert_true(before - x.before.used <= 8);
        steps++;
    }
    assert_int_equal(steps, 4096 / 8);
    assert_int_equal(hash_index_count(&x), number);
    assert_int_equal(hash_index_bytes(&x), 8192 * sizeof(struct hash_slot));
    hash_index_close(&x);
}

static void test_an_empty_index_finds_nothing(void **state)
{
    struct hash_index x;

    (void)state;
    hash_index_init(&x);
    assert_int_equal(found(&x, 0, 1), 0);
    hash_index_prefetch(&x, 0);
    hash_index_insert(&x, 0, HASH_INDEX_NUMBER_MAX);
    assert_int_equal(found(&x, 0, HASH_INDEX_NUMBER_MAX), 1);
    assert_int_equal(found(&x, 16, HASH_INDEX_NUMBER_MAX), 0);
    hash_index_remove(&x, 0, HASH_INDEX_NUMBER_MAX);
    assert_int_equal(found(&x, 0, HASH_INDEX_NUMBER_MAX), 0);
    hash_index_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes_agree_with_an_array),
        cmocka_unit_test(test_growth_moves_a_few_at_a_time),
        cmocka_unit_test(test_an_empty_index_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
