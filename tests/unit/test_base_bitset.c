#include "queue/base/bitset.h"
#include "queue/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BITS  1000
#define STEPS 20000

/* The same sets as plain arrays. */
static bool model[2][BITS];

#define NO_BIT SIZE_MAX

/* The first bit at or behind `from` that both sets have, found as the engine walks them. */
static size_t next_common(const struct bitset *a, const struct bitset *b, size_t from)
{
    size_t words = bitset_words_common(a, b);

    for (size_t w = 0; w < words; w++) {
        for (uint64_t bits = bitset_word_common(a, b, w); bits != 0; bits &= bits - 1) {
            size_t bit = w * 64 + (size_t)__builtin_ctzll(bits);

            if (bit >= from) {
                return bit;
            }
        }
    }
    return NO_BIT;
}

static size_t next(const struct bitset *s, size_t from)
{
    return next_common(s, s, from);
}

static size_t model_next(const bool *a, const bool *b, size_t from)
{
    for (size_t i = from; i < BITS; i++) {
        if (a[i] && b[i]) {
            return i;
        }
    }
    return NO_BIT;
}

static void test_random_changes_agree_with_arrays(void **state)
{
    struct bitset sets[2];
    struct random r;

    (void)state;
    random_init(&r, 1);
    bitset_init(&sets[0]);
    bitset_init(&sets[1]);
    for (int step = 0; step < STEPS; step++) {
        size_t which = random_below(&r, 2);
        size_t from = random_below(&r, BITS + 100);
        /* The two sets grow at different times: one is often shorter than the other. */
        size_t bit = random_below(&r, 1 + (which == 0 ? BITS : BITS / 2) * (size_t)step / STEPS);

        if (random_percent(&r, 40)) {
            bitset_set(&sets[which], bit);
            model[which][bit] = true;
        } else {
            bitset_clear(&sets[which], bit);
            model[which][bit] = false;
        }
        if (step % 2500 == 2499) {
            bitset_clear_all(&sets[which]);
            memset(model[which], 0, sizeof(model[which]));
        }
        bit = random_below(&r, BITS);
        assert_int_equal(bitset_test(&sets[which], bit), model[which][bit]);
        assert_int_equal(next(&sets[which], from), model_next(model[which], model[which], from));
        assert_int_equal(next_common(&sets[0], &sets[1], from),
                         model_next(model[0], model[1], from));
    }
    bitset_close(&sets[0]);
    bitset_close(&sets[1]);
}

static void test_an_empty_set_has_no_bits(void **state)
{
    struct bitset s;

    (void)state;
    bitset_init(&s);
    bitset_clear_all(&s);
    bitset_clear(&s, 5);
    assert_false(bitset_test(&s, 0));
    assert_int_equal(next(&s, 0), NO_BIT);
    assert_int_equal(next(&s, NO_BIT), NO_BIT);
    bitset_close(&s);
}

static void test_words_meet_without_a_gap(void **state)
{
    struct bitset s;

    (void)state;
    bitset_init(&s);
    bitset_set(&s, 63);
    bitset_set(&s, 64);
    bitset_set(&s, 100000);
    assert_int_equal(next(&s, 0), 63);
    assert_int_equal(next(&s, 63), 63);
    assert_int_equal(next(&s, 64), 64);
    assert_int_equal(next(&s, 65), 100000);
    assert_int_equal(next(&s, 100001), NO_BIT);
    bitset_close(&s);
    assert_false(bitset_test(&s, 63));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes_agree_with_arrays),
        cmocka_unit_test(test_an_empty_set_has_no_bits),
        cmocka_unit_test(test_words_meet_without_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
