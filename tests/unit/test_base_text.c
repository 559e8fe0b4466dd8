#include "queue/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LONGEST 60

/* Of each length, from places that words do not begin at, with every letter changed once. */
static void test_texts_are_equal_letter_by_letter(void **state)
{
    char a[LONGEST + 1], b[LONGEST + 3];

    (void)state;
    for (uint32_t length = 0; length <= LONGEST; length++) {
        struct text x = {a + 1, length}, y = {b + 3, length};
        for (uint32_t i = 0; i < length; i++) {
            a[1 + i] = b[3 + i] = (char)('a' + i % 23);
        }
        assert_true(text_equal(x, y));
        for (uint32_t i = 0; i < length; i++) {
            b[3 + i] ^= 1;
            assert_false(text_equal(x, y));
            b[3 + i] ^= 1;
        }
        if (length > 0) {
            y.length--;
            assert_false(text_equal(x, y));
        }
    }
}

static void test_absent_and_empty_are_equal_in_letters(void **state)
{
    (void)state;
    assert_true(text_equal(TEXT_NONE, TEXT("")));
    assert_false(text_equal(TEXT_NONE, TEXT("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_equal_letter_by_letter),
        cmocka_unit_test(test_absent_and_empty_are_equal_in_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
