#include "proto/bytes.h"
#include "proto/cursor.h"
#include "proto/packer.h"
#include "proto/response.h"
#include "test_proto_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <msgpack.h>

/* What msgpack-c writes for the same call, byte for byte: the shortest form. */
static void same_bytes(const struct packer *p, const msgpack_sbuffer *expected)
{
    assert_int_equal(p->size, expected->size);
    assert_memory_equal(p->bytes, expected->data, p->size);
}

static void test_numbers_in_their_shortest_form(void **state)
{
    static const int64_t edges[] = {0,          1,
                                    127,        128,
                                    255,        256,
                                    65535,      65536,
                                    UINT32_MAX, (int64_t)UINT32_MAX + 1,
                                    INT64_MAX,  -1,
                                    -32,        -33,
                                    INT8_MIN,   INT8_MIN - 1,
                                    INT16_MIN,  INT16_MIN - 1,
                                    INT32_MIN,  (int64_t)INT32_MIN - 1,
                                    INT64_MIN};
    msgpack_sbuffer expected;
    msgpack_packer theirs;
    struct packer p = {0};

    (void)state;
    msgpack_sbuffer_init(&expected);
    msgpack_packer_init(&theirs, &expected, msgpack_sbuffer_write);
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        packer_int(&p, edges[i]);
        msgpack_pack_int64(&theirs, edges[i]);
    }
    packer_uint(&p, UINT64_MAX);
    msgpack_pack_uint64(&theirs, UINT64_MAX);
    packer_double(&p, -12.75);
    msgpack_pack_double(&theirs, -12.75);
    packer_bool(&p, true);
    msgpack_pack_true(&theirs);
    packer_bool(&p, false);
    msgpack_pack_false(&theirs);
    packer_nil(&p);
    msgpack_pack_nil(&theirs);
    same_bytes(&p, &expected);
    packer_close(&p);
    msgpack_sbuffer_destroy(&expected);
}

static void test_lengths_in_their_shortest_form(void **state)
{
    static const uint32_t edges[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};
    static char letters[65536];
    msgpack_sbuffer expected;
    msgpack_packer theirs;
    struct packer p = {0};

    (void)state;
    memset(letters, 'x', sizeof(letters));
    msgpack_sbuffer_init(&expected);
    msgpack_packer_init(&theirs, &expected, msgpack_sbuffer_write);
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        packer_text(&p, (struct text){letters, edges[i]});
        msgpack_pack_str_with_body(&theirs, letters, edges[i]);
        packer_bin(&p, letters, edges[i]);
        msgpack_pack_bin_with_body(&theirs, letters, edges[i]);
        packer_map(&p, edges[i]);
        msgpack_pack_map(&theirs, edges[i]);
        packer_array(&p, edges[i]);
        msgpack_pack_array(&theirs, edges[i]);
    }
    packer_text(&p, TEXT_NONE);
    msgpack_pack_nil(&theirs);
    packer_literal(&p, "deadline_at");
    msgpack_pack_str_with_body(&theirs, "deadline_at", 11);
    packer_raw(&p, "\x01", 1);
    msgpack_pack_int(&theirs, 1);
    same_bytes(&p, &expected);
    packer_close(&p);
    msgpack_sbuffer_destroy(&expected);
}

/* A count that is known only at the end reads like one that was known before. */
static void test_open_maps_and_arrays(void **state)
{
    struct packer p = {0};
    struct cursor c;
    size_t map, array;
    uint32_t count;
    struct text key;
    int64_t number;

    (void)state;
    map = packer_map_open(&p);
    packer_literal(&p, "list");
    array = packer_array_open(&p);
    for (int i = 0; i < 1000; i++) {
        packer_int(&p, i);
    }
    packer_array_close(&p, array, 1000);
    packer_map_close(&p, map, 1);

    c = cursor_over(p.bytes, p.size);
    assert_true(cursor_map(&c, &count));
    assert_int_equal(count, 1);
    assert_true(cursor_text(&c, &key));
    assert_true(cursor_array(&c, &count));
    assert_int_equal(count, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_true(cursor_int(&c, &number));
        assert_int_equal(number, i);
    }
    assert_int_equal(cursor_left(&c), 0);
    packer_close(&p);
}

/* Runs of every size around the borders where the way of copying changes: all of it, and no byte
 * beside it; and one byte that differs is seen, wherever it is. */
static void test_small_runs(void **state)
{
    char from[80];
    uint8_t to[96];

    (void)state;
    for (size_t i = 0; i < sizeof(from); i++) {
        from[i] = (char)('0' + i);
    }
    for (size_t size = 0; size <= sizeof(from); size++) {
        memset(to, 0xee, sizeof(to));
        bytes_copy(to + 8, from, size);
        assert_memory_equal(to + 8, from, size);
        assert_int_equal(to[7], 0xee);
        assert_int_equal(to[8 + size], 0xee);
        assert_true(bytes_equal(to + 8, from, size));
        for (size_t i = 0; i < size; i++) {
            to[8 + i] ^= 1;
            assert_false(bytes_equal(to + 8, from, size));
            to[8 + i] ^= 1;
        }
    }
    bytes_copy(to, NULL, 0); /* what an absent text has */
}

/* A pair is a key and a value, as if written one after the other, also where the packer grows in
 * between. */
static void test_pairs(void **state)
{
    static char letters[700];
    static const int64_t numbers[] = {0, 127, 128, 65536, -1, -33, INT64_MAX, INT64_MIN};
    struct packer pairs = {0}, apart = {0};
    uint32_t count = 0;

    (void)state;
    memset(letters, 'x', sizeof(letters));
    for (uint32_t length = 0; length < sizeof(letters); length += 7) {
        struct text t = {letters, length};

        count += PACKER_PAIR_TEXT(&pairs, "text", t);
        packer_literal(&apart, "text");
        packer_text(&apart, t);
        count += PACKER_PAIR_RAW(&pairs, "attributes", letters, length);
        packer_literal(&apart, "attributes");
        packer_raw(&apart, letters, length);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        count += PACKER_PAIR_INT(&pairs, "boost_ms", numbers[i]);
        count += PACKER_PAIR_UINT(&pairs, "seq", (uint64_t)numbers[i]);
        count += PACKER_PAIR_BOOL(&pairs, "duplicate", numbers[i] < 0);
        packer_literal(&apart, "boost_ms");
        packer_int(&apart, numbers[i]);
        packer_literal(&apart, "seq");
        packer_uint(&apart, (uint64_t)numbers[i]);
        packer_literal(&apart, "duplicate");
        packer_bool(&apart, numbers[i] < 0);
    }
    assert_int_equal(count, 2 * 100 + 3 * 8);
    assert_int_equal(pairs.size, apart.size);
    assert_memory_equal(pairs.bytes, apart.bytes, pairs.size);
    packer_close(&pairs);
    packer_close(&apart);
}

static void expect_hex(struct packer *p, const char *hex)
{
    struct packer expected = {0};

    maker_hex(&expected, hex);
    assert_int_equal(p->size, expected.size);
    assert_memory_equal(p->bytes, expected.bytes, p->size);
    packer_close(&expected);
    packer_reset(p);
}

/* Heads of what a server says. */
static void test_responses(void **state)
{
    struct packer p = {0};
    struct response_error e = response_error_of(ERROR_GONE);

    (void)state;
    response_begin(&p, 300);
    expect_hex(&p, "94 01 cd 01 2c c0");
    response_empty(&p, 0);
    expect_hex(&p, "94 01 00 c0 80");
    notice_begin(&p, NOTIFICATION_OFFER);
    expect_hex(&p, "93 02 a5 6f 66 66 65 72 91");

    e.message = TEXT("m");
    e.reason = TEXT("r");
    e.retry_after_ms = 5;
    response_error(&p, 7, &e);
    expect_hex(&p, "94 01 07 de 00 04 a4 63 6f 64 65 a4 67 6f 6e 65 a7 6d 65 73 73 61 67 65 a1 6d "
                   "a6 72 65 61 73 6f 6e a1 72 ae 72 65 74 72 79 5f 61 66 74 65 72 5f 6d 73 05 c0");
    packer_close(&p);
}

/* Without words of its own an error has those of the table, and only pairs that say something. */
static void test_error_of_a_code_only(void **state)
{
    struct packer p = {0};

    (void)state;
    for (int code = ERROR_NONE + 1; code < ERROR_COUNT; code++) {
        struct response_error e = response_error_of((enum error_code)code);
        struct cursor c;
        struct text t;
        uint32_t count;
        uint64_t msgid;

        packer_reset(&p);
        response_error(&p, UINT32_MAX, &e);
        c = cursor_over(p.bytes, p.size);
        assert_true(cursor_array(&c, &count) && count == 4);
        assert_true(cursor_uint(&c, &msgid) && msgid == 1);
        assert_true(cursor_uint(&c, &msgid) && msgid == UINT32_MAX);
        assert_true(cursor_map(&c, &count) && count == 2);
        assert_true(cursor_text(&c, &t) && text_equal(t, TEXT("code")));
        assert_true(cursor_text(&c, &t) &&
                    text_equal(t, text_from(error_wire((enum error_code)code))));
        assert_true(cursor_text(&c, &t) && text_equal(t, TEXT("message")));
        assert_true(cursor_text(&c, &t) &&
                    text_equal(t, text_from(error_words((enum error_code)code))));
        assert_true(cursor_nil(&c));
        assert_int_equal(cursor_left(&c), 0);
    }
    packer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_in_their_shortest_form),
        cmocka_unit_test(test_lengths_in_their_shortest_form),
        cmocka_unit_test(test_open_maps_and_arrays),
        cmocka_unit_test(test_small_runs),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_error_of_a_code_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
