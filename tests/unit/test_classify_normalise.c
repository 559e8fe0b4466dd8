/* The plain form of texts: what people type differently and mean alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "queue/base/random.h"
#include "router/classify/normalise.h"

struct row {
    const char *raw;
    const char *plain;
};

static const struct row rows[] = {
    {"Hello World", "hello world"},
    {"  a \t\r\n b\x7f  ", "a b"},
    {"", ""},
    {"   ", ""},
    {"ＲＥＦＵＮＤ１２３！", "refund123!"}, /* full-width */
    {"退款　在　哪里", "退款 在 哪里"},     /* the ideographic space */
    {"我要退款。", "我要退款。"},
    {"don’t “say” ‘so’", "don't \"say\" 'so'"}, /* typographic quotation marks */
    {"Straße", "strasse"},                      /* folded, not only lowered */
    {"ÉCLAIR", "éclair"},
    {"e\xCC\x81"
     "clair",
     "éclair"}, /* decomposed as composed */
    {"re\xC2\xAD"
     "fund",
     "refund"}, /* a soft hyphen */
    {"re\xE2\x80\x8B"
     "fund",
     "refund"},          /* a space of no width */
    {"ﬁne ①", "fine 1"}, /* a ligature, a circled digit */
    {"ｶﾞｽ", "ガス"},     /* half-width kana with its mark */
    {"wait…", "wait..."},
    {"a\xC2\xA0"
     "b",
     "a b"},                    /* a space that does not break */
    {"繁體 简体", "繁體 简体"}, /* these stay different */
};

static void assert_plain(struct normaliser *n, struct text raw, struct text plain)
{
    n->length = 0;
    assert_true(normalise_append(n, raw));
    if (n->length != plain.length || memcmp(n->bytes, plain.bytes, plain.length) != 0) {
        print_message("\"" TEXT_FORMAT "\" became \"%.*s\"\n", TEXT_ARGS(raw), (int)n->length,
                      n->bytes);
    }
    assert_int_equal(n->length, plain.length);
    assert_memory_equal(n->bytes, plain.bytes, plain.length);
}

static void texts_have_one_plain_form(void **state)
{
    struct normaliser n = {0};

    (void)state;
    assert_plain(&n, TEXT("x"), TEXT("x"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_plain(&n, text_from(rows[i].raw), text_from(rows[i].plain));
        /* What is plain stays so. */
        assert_plain(&n, text_from(rows[i].plain), text_from(rows[i].plain));
    }
    normaliser_close(&n);
}

static void appended_texts_stand_one_behind_the_other(void **state)
{
    struct normaliser n = {0};

    (void)state;
    assert_true(normalise_append(&n, TEXT(" Subject ")));
    normalise_append_byte(&n, '\n');
    assert_true(normalise_append(&n, TEXT("  Text")));
    assert_int_equal(n.length, 12);
    assert_memory_equal(n.bytes, "subject\ntext", 12);
    normaliser_close(&n);
}

static void broken_utf8_is_refused_and_leaves_nothing(void **state)
{
    static const struct text broken[] = {
        {"ok \xFF", 4}, {"\xE9\x80", 2},          {"\xC0\xAF", 2},     {"\xED\xA0\x80", 3},
        {"\x80", 1},    {"a\xF5\x80\x80\x80", 5}, {"\xE0\x80\xAF", 3},
    };
    struct normaliser n = {0};

    (void)state;
    normalise_append(&n, TEXT("kept"));
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_false(normalise_append(&n, broken[i]));
        assert_int_equal(n.length, 4);
    }
    normaliser_close(&n);
}

/* What utf8proc says of a text, with our white space and quotation marks. */
static uint32_t reference(struct text raw, char *out)
{
    utf8proc_uint8_t *mapped;
    utf8proc_ssize_t size = utf8proc_map(
        (const utf8proc_uint8_t *)raw.bytes, (utf8proc_ssize_t)raw.length, &mapped,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    uint32_t length = 0;

    assert_true(size >= 0);
    for (utf8proc_ssize_t at = 0; at < size;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t step = utf8proc_iterate(mapped + at, size - at, &point);
        if (point == 0x2018 || point == 0x2019 || point == 0x201B) {
            out[length++] = '\'';
        } else if (point == 0x201C || point == 0x201D) {
            out[length++] = '"';
        } else if (point <= 0x20 || point == 0x7F) {
            if (length > 0 && out[length - 1] != ' ') {
                out[length++] = ' ';
            }
        } else {
            memcpy(out + length, mapped + at, (size_t)step);
            length += (uint32_t)step;
        }
        at += step;
    }
    free(mapped);
    return length > 0 && out[length - 1] == ' ' ? length - 1 : length;
}

/* The short way and the long way give the same, whatever stands beside what. */
static void the_short_way_is_the_long_way(void **state)
{
    static const utf8proc_int32_t starts[] = {
        0x20,   0x41,   0x61,   0x4E00, 0x9FF0, 0x3041, 0x3090, 0x30A1, 0x30F8, 0x3000, 0x3008,
        0xFF01, 0xFF50, 0x2010, 0x2018, 0xE9,   0x300,  0x3099, 0xAC00, 0x1100, 0x391};
    struct normaliser n = {0};
    struct random random;

    (void)state;
    random_init(&random, 5);
    for (int round = 0; round < 20000; round++) {
        unsigned char raw[256];
        char expected[4096];
        struct text text = {(const char *)raw, 0};
        int characters = (int)random_between(&random, 0, 24);
        uint64_t kinds = random_percent(&random, 60) ? 13 : 21;
        for (int i = 0; i < characters; i++) {
            utf8proc_int32_t point =
                starts[random_below(&random, kinds)] + (utf8proc_int32_t)random_below(&random, 16);
            text.length += (uint32_t)utf8proc_encode_char(point, raw + text.length);
        }
        assert_plain(&n, text, (struct text){expected, reference(text, expected)});
    }
    normaliser_close(&n);
}

/* The same for plain ASCII, which is taken many characters at a time: every character at every
 * place, and blanks across the seams. */
static void ascii_is_taken_as_one_by_one(void **state)
{
    struct normaliser n = {0};
    struct random random;

    (void)state;
    random_init(&random, 6);
    for (int round = 0; round < 20000; round++) {
        unsigned char raw[100];
        char expected[sizeof(raw)];
        struct text text = {(const char *)raw, (uint32_t)random_below(&random, sizeof(raw) + 1)};
        unsigned blanks = (unsigned)random_below(&random, 30);
        for (uint32_t i = 0; i < text.length; i++) {
            raw[i] = random_percent(&random, blanks)
                         ? ' '
                         : (unsigned char)random_between(&random, 1, 0x7F);
        }
        assert_plain(&n, text, (struct text){expected, reference(text, expected)});
    }
    normaliser_close(&n);
}

static void a_cut_leaves_characters_whole(void **state)
{
    (void)state;
    assert_int_equal(normalise_cut(TEXT("退款"), 6).length, 6);
    assert_int_equal(normalise_cut(TEXT("退款"), 5).length, 3);
    assert_int_equal(normalise_cut(TEXT("退款"), 3).length, 3);
    assert_int_equal(normalise_cut(TEXT("退款"), 2).length, 0);
    assert_int_equal(normalise_cut(TEXT("abc"), 2).length, 2);
}

/* Letters of alphabets make words; where words stand without spaces there are no ends to find. */
static void words_have_ends_only_in_alphabets(void **state)
{
    (void)state;
    assert_true(normalise_word_at("a", 1, 0));
    assert_true(normalise_word_at("7", 1, 0));
    assert_true(normalise_word_at("_", 1, 0));
    assert_true(normalise_word_at("é", 2, 0));
    assert_true(normalise_word_at("ж", 2, 0));
    assert_false(normalise_word_at("-", 1, 0));
    assert_false(normalise_word_at("'", 1, 0));
    assert_false(normalise_word_at("退", 3, 0));
    assert_false(normalise_word_at("か", 3, 0));
    assert_false(normalise_word_at("한", 3, 0));
    assert_false(normalise_word_at("ก", 3, 0));
    assert_false(normalise_word_at("a", 1, 1)); /* behind the end */
    assert_false(normalise_word_before("a", 1, 0));
    assert_true(normalise_word_before("é退", 5, 2));
    assert_false(normalise_word_before("é退", 5, 5));
}

static void scripts_are_counted(void **state)
{
    struct script_counts counts;
    static const char text[] = "我的 order 5 は 한 ж!";

    (void)state;
    normalise_count_scripts(text, sizeof(text) - 1, &counts);
    assert_int_equal(counts.han, 2);
    assert_int_equal(counts.kana, 1);
    assert_int_equal(counts.hangul, 1);
    assert_int_equal(counts.alphabet, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_one_plain_form),
        cmocka_unit_test(appended_texts_stand_one_behind_the_other),
        cmocka_unit_test(broken_utf8_is_refused_and_leaves_nothing),
        cmocka_unit_test(the_short_way_is_the_long_way),
        cmocka_unit_test(ascii_is_taken_as_one_by_one),
        cmocka_unit_test(a_cut_leaves_characters_whole),
        cmocka_unit_test(words_have_ends_only_in_alphabets),
        cmocka_unit_test(scripts_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
