#include "tests/lib/words.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void words_unknown(const char *where, struct text word)
{
    fprintf(stderr, "%s: a test says \"" TEXT_FORMAT "\", which means nothing there\n", where,
            TEXT_ARGS(word));
    abort();
}

bool words_is(struct text word, const char *expected)
{
    return text_equal(word, text_from(expected));
}

bool words_next(const char **line, struct word *out)
{
    const char *at = *line;
    const char *start;
    struct text word;
    const char *equals;

    if (at == NULL) {
        return false;
    }
    while (*at == ' ') {
        at++;
    }
    if (*at == '\0') {
        return false;
    }
    start = at;
    while (*at != ' ' && *at != '\0') {
        at++;
    }
    *line = at;
    word = (struct text){start, (uint32_t)(at - start)};
    equals = memchr(word.bytes, '=', word.length);
    if (equals == NULL) {
        *out = (struct word){word, TEXT_NONE};
    } else {
        uint32_t key = (uint32_t)(equals - start);

        *out = (struct word){{start, key}, {equals + 1, word.length - key - 1}};
    }
    return true;
}

uint64_t words_number(struct text value)
{
    uint64_t n = 0;

    if (value.length == 0) {
        words_unknown("a number", value);
    }
    for (uint32_t i = 0; i < value.length; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9') {
            words_unknown("a number", value);
        }
        n = n * 10 + (uint64_t)(value.bytes[i] - '0');
    }
    return n;
}

duration_ms words_duration(struct text value)
{
    static const struct {
        char letter;
        duration_ms unit;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};

    if (words_is(value, "never")) {
        return DURATION_NONE;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (value.length > 1 && value.bytes[value.length - 1] == units[i].letter) {
            return (duration_ms)words_number((struct text){value.bytes, value.length - 1}) *
                   units[i].unit;
        }
    }
    return (duration_ms)words_number(value);
}

struct word_pair words_pair(struct text word)
{
    const char *colon = memchr(word.bytes, ':', word.length);
    uint32_t name;

    if (colon == NULL) {
        return (struct word_pair){word, TEXT_NONE};
    }
    name = (uint32_t)(colon - word.bytes);
    return (struct word_pair){{word.bytes, name}, {colon + 1, word.length - name - 1}};
}

size_t words_pairs(struct text list, struct word_pair *out, size_t room)
{
    size_t count = 0;

    while (list.length > 0) {
        const char *comma = memchr(list.bytes, ',', list.length);
        uint32_t length = comma == NULL ? list.length : (uint32_t)(comma - list.bytes);
        uint32_t taken = comma == NULL ? length : length + 1;

        if (count == room) {
            words_unknown("a list that long", list);
        }
        out[count++] = words_pair((struct text){list.bytes, length});
        list = (struct text){list.bytes + taken, list.length - taken};
    }
    return count;
}
