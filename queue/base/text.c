#include "queue/base/text.h"

/* `size` letters at once: 4 or 8. */
static uint64_t text_word(const char *at, size_t size)
{
    uint64_t word = 0;

    memcpy(&word, at, size);
    return word;
}

/* In words, the last of which may lie upon the one before it. Not inline: a compiler that looks
 * into it sees texts of three letters read by eights, on ways that they never go. */
__attribute__((noinline)) bool text_letters_equal(const char *a, const char *b, size_t length)
{
    if (length < 4 || length > 48) {
        return length == 0 || memcmp(a, b, length) == 0;
    }
    if (length < 8) {
        return text_word(a, 4) == text_word(b, 4) &&
               text_word(a + length - 4, 4) == text_word(b + length - 4, 4);
    }
    for (size_t i = 0; i + 8 < length; i += 8) {
        if (text_word(a + i, 8) != text_word(b + i, 8)) {
            return false;
        }
    }
    return text_word(a + length - 8, 8) == text_word(b + length - 8, 8);
}
