/* What switchboard-cli makes of words: JSON to MessagePack and back, and text on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/cli/convert.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"
#include "proto/cli/table.h"

/* Print into memory; the caller frees *words after fclose. */
struct paper {
    char *words;
    size_t size;
    FILE *file;
};

static void paper_init(struct paper *p)
{
    p->file = open_memstream(&p->words, &p->size);
    assert_non_null(p->file);
}

static void paper_expect(struct paper *p, const char *expected)
{
    fclose(p->file);
    assert_string_equal(p->words, expected);
    free(p->words);
}

static void expect_json(const void *bytes, size_t size, const char *expected)
{
    struct paper p;

    paper_init(&p);
    convert_print(p.file, (struct text){bytes, (uint32_t)size}, false);
    paper_expect(&p, expected);
}
#define EXPECT_JSON(literal, expected) expect_json(literal, sizeof(literal) - 1, expected)

/* What JSON can say comes back as it was. */
static void json_goes_there_and_back(void **state)
{
    static const char *const rows[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "0.1",
        "1.0",
        "-2.5e-07",
        "1e+300",
        "\"\"",
        "\"包裹 \\\"quoted\\\" \\\\ \\n \\t \\u0001 \\u0085 \\u2028 \\u202e\"",
        "[]",
        "{}",
        "[1, [2, [3]], {\"a\": {\"b\": null}}]",
        "{\"$base64\": \"\"}",
        "{\"$base64\": \"AA==\"}",
        "{\"$base64\": \"AAE=\"}",
        "{\"$base64\": \"+/+/AAEC\"}",
    };
    char why[CONVERT_WORDS];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct packer packed = {0};
        json_t *value = convert_parse(text_from(rows[i]), why);

        assert_non_null(value);
        assert_true(convert_pack(&packed, value, why));
        expect_json(packed.bytes, packed.size, rows[i]);
        json_decref(value);
        packer_close(&packed);
    }
}

/* What MessagePack can say and JSON cannot is shown by its convention. */
static void what_json_lacks_is_still_shown(void **state)
{
    (void)state;
    EXPECT_JSON("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615");
    EXPECT_JSON("\xc4\x02\x00\xff", "{\"$base64\": \"AP8=\"}");
    EXPECT_JSON("\xa2\xff\xfe", "{\"$base64\": \"//4=\"}"); /* a str that is no UTF-8 */
    EXPECT_JSON("\xd4\x05\x61", "{\"$ext\": 5, \"$base64\": \"YQ==\"}"); /* fixext 1 */
    EXPECT_JSON("\xc7\x02\xff\x61\x62", "{\"$ext\": -1, \"$base64\": \"YWI=\"}");
    EXPECT_JSON("\xc8\x00\x01\x07\x61", "{\"$ext\": 7, \"$base64\": \"YQ==\"}");
    EXPECT_JSON("\xca\x3f\x80\x00\x00", "1.0");                  /* float 32 */
    EXPECT_JSON("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "null"); /* infinity */
    EXPECT_JSON("\x81\x01\x02", "{\"1\": 2}");                   /* a key that is no text */
    EXPECT_JSON("\x93\x01", "[1, null, null]");                  /* cut short */
}

static void what_is_no_json_is_refused_with_a_reason(void **state)
{
    static const char *const parsed[] = {"", "{", "{\"a\": 1, \"a\": 2}", "[1,]",
                                         "9223372036854775808"};
    static const char *const packed[] = {"{\"$base64\": \"AAE\"}", "{\"$base64\": \"A=E=\"}",
                                         "{\"$base64\": \"====\"}", "{\"$base64\": \"A*==\"}"};
    char why[CONVERT_WORDS], deep[2 * (CONVERT_DEPTH + 2) + 1];
    struct packer p = {0};
    json_t *value;

    (void)state;
    for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
        why[0] = '\0';
        assert_null(convert_parse(text_from(parsed[i]), why));
        assert_true(strlen(why) > 0);
    }
    for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
        value = convert_parse(text_from(packed[i]), why);
        assert_non_null(value);
        assert_false(convert_pack(&p, value, why));
        json_decref(value);
    }
    memset(deep, '[', CONVERT_DEPTH + 2);
    memset(deep + CONVERT_DEPTH + 2, ']', CONVERT_DEPTH + 2);
    deep[2 * (CONVERT_DEPTH + 2)] = '\0';
    value = convert_parse(text_from(deep), why);
    assert_non_null(value);
    assert_false(convert_pack(&p, value, why));
    json_decref(value);
    packer_close(&p);
}

static void expect_wrapped(const char *text, int width, const char *expected)
{
    struct paper p;

    paper_init(&p);
    screen_wrapped(p.file, text_from(text), 0, width);
    paper_expect(&p, expected);
}

/* Lines end at spaces, and between Chinese characters anywhere; a long word is cut. */
static void text_is_wrapped_by_what_it_takes(void **state)
{
    (void)state;
    expect_wrapped("where is my parcel", 12, "where is my\nparcel\n");
    expect_wrapped("where is\nmy parcel", 40, "where is\nmy parcel\n");
    expect_wrapped("我的包裹在哪里我的包裹", 12, "我的包裹在哪\n里我的包裹\n");
    expect_wrapped("order A1 我的包裹在哪里", 12, "order A1 我\n的包裹在哪里\n");
    expect_wrapped("0123456789012345", 10, "0123456789\n012345\n");
    expect_wrapped("", 10, "");
    expect_wrapped("\n\n", 10, "\n\n");
}

static void expect_shown(const char *text, int most, const char *expected, int columns)
{
    struct paper p;

    paper_init(&p);
    assert_int_equal(screen_text(p.file, text_from(text), most), columns);
    paper_expect(&p, expected);
}

static void a_line_is_cut_by_columns_and_steers_nothing(void **state)
{
    (void)state;
    expect_shown("a  b\n\tc", -1, "a b c", 5);
    expect_shown("我的包裹", -1, "我的包裹", 8);
    expect_shown("我的包裹", 8, "我的包裹", 8);
    expect_shown("我的包裹", 7, "我的包…", 7);
    expect_shown("我的包裹", 6, "我的…", 5);
    expect_shown("abc", 0, "", 0);
    expect_shown("a\033[2Jb", -1, "a\xef\xbf\xbd[2Jb", 6);
    expect_shown("a\xc2\x9b"
                 "b",
                 -1,
                 "a\xef\xbf\xbd"
                 "b",
                 3);
    expect_shown("a\xff"
                 "b",
                 -1,
                 "a\xef\xbf\xbd"
                 "b",
                 3);
    expect_shown("a\xe2\x80\xae"
                 "b",
                 -1,
                 "a\xef\xbf\xbd"
                 "b",
                 3);
}

/* Columns line up in any script; what nobody wrote into is left out; what is too wide is cut. */
static void a_table_lines_up(void **state)
{
    static const struct table_column columns[] = {
        {"name", false, true}, {"nothing", false, false}, {"count", true, false}};
    struct table t;
    struct paper p;

    (void)state;
    table_init(&t, columns, 3);
    table_text(&t, TEXT("退款"));
    table_text(&t, TEXT_NONE);
    table_int(&t, 7);
    table_text(&t, TEXT("a name that is long"));
    table_text(&t, TEXT_NONE);
    table_int(&t, 1234567);
    paper_init(&p);
    table_print(&t, p.file, 80, 0);
    paper_expect(&p, "name                   count\n"
                     "退款                       7\n"
                     "a name that is long  1234567\n");
    paper_init(&p);
    table_print(&t, p.file, 20, 0);
    paper_expect(&p, "name           count\n"
                     "退款               7\n"
                     "a name tha…  1234567\n");
    paper_init(&p);
    table_print(&t, p.file, 20, 1);
    paper_expect(&p, "name  count\n"
                     "退款      7\n"
                     "and 1 more\n");
    table_close(&t);
}

static void spans_are_read_and_told(void **state)
{
    static const struct {
        const char *words;
        duration_ms span;
        const char *told;
    } rows[] = {{"0", 0, "0 ms"},
                {"300ms", 300, "300 ms"},
                {"20s", 20000, "20 s"},
                {"250s", 250000, "4 min 10 s"},
                {"2h", 7200000, "2 h 0 min"},
                {"4d", 345600000, "4 days"}};
    static const char *const wrong[] = {"", "5", "s", "-1s", "1.5s", "9999999999999999d", "10 s"};
    char words[SCREEN_WORDS];
    duration_ms span;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(options_duration(rows[i].words, &span));
        assert_int_equal(span, rows[i].span);
        assert_string_equal(screen_duration(words, span), rows[i].told);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(options_duration(wrong[i], &span));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_goes_there_and_back),
        cmocka_unit_test(what_json_lacks_is_still_shown),
        cmocka_unit_test(what_is_no_json_is_refused_with_a_reason),
        cmocka_unit_test(text_is_wrapped_by_what_it_takes),
        cmocka_unit_test(a_line_is_cut_by_columns_and_steers_nothing),
        cmocka_unit_test(a_table_lines_up),
        cmocka_unit_test(spans_are_read_and_told),
    };

    setenv("NO_COLOR", "1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
