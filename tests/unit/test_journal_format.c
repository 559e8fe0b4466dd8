/* The bytes of a segment, and their checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "queue/base/random.h"
#include "router/journal_file_crc32c.h"
#include "router/journal_file_format.h"

/* The examples of RFC 3720, appendix B.4, and the check value of the catalogues. */
static void test_crc32c_is_the_published_one(void **state)
{
    uint8_t bytes[32];

    (void)state;
    assert_int_equal(journal_file_crc32c(0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(journal_file_crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(journal_file_crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
    for (uint8_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = i;
    }
    assert_int_equal(journal_file_crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
    assert_int_equal(journal_file_crc32c_by_table(0, bytes, sizeof(bytes)), 0x46dd794e);
    assert_int_equal(journal_file_crc32c(0, bytes, 0), 0);
}

/* With the instruction or by tables, in one piece or two, from any address: the same. Long pieces
 * are computed in blocks side by side, short ones are not. */
static void test_crc32c_is_the_same_however_it_is_computed(void **state)
{
    static uint8_t bytes[4000];
    struct random random;

    (void)state;
    random_init(&random, 32);
    for (int round = 0; round < 5000; round++) {
        size_t begin = (size_t)random_below(&random, 16);
        size_t size_max = round % 2 == 0 ? 300 : sizeof(bytes) - 16;
        size_t size = (size_t)random_below(&random, size_max);
        size_t cut = (size_t)random_below(&random, size + 1);
        uint32_t crc;

        for (size_t i = begin; i < begin + size; i++) {
            bytes[i] = (uint8_t)random_next(&random);
        }
        crc = journal_file_crc32c(0, bytes + begin, size);
        assert_int_equal(journal_file_crc32c_by_table(0, bytes + begin, size), crc);
        assert_int_equal(journal_file_crc32c(journal_file_crc32c(0, bytes + begin, cut),
                                             bytes + begin + cut, size - cut),
                         crc);
    }
}

/* What is written as a header is read as one, and its place in the file is fixed. */
static void test_a_segment_header_comes_back(void **state)
{
    uint8_t bytes[JOURNAL_FORMAT_SEGMENT_HEAD];
    struct journal_segment_head back, head = {.version = JOURNAL_FORMAT_VERSION,
                                              .set = 3,
                                              .identity = "fifteen letters",
                                              .base = 0x1122334455667788,
                                              .number = 9,
                                              .opening = 4,
                                              .previous = 0xa1b2c3d4};

    (void)state;
    journal_file_format_put_segment(bytes, &head);
    assert_memory_equal(bytes, "SWBOARDJ\1\0\0\0\3\0\0\0", 16);
    assert_memory_equal(bytes + 32, "\x88\x77\x66\x55\x44\x33\x22\x11\x9\0\0\0\0\0\0\0", 16);
    assert_int_equal(journal_file_format_get_segment(bytes, &back), JOURNAL_OK);
    assert_int_equal(back.version, head.version);
    assert_int_equal(back.set, head.set);
    assert_memory_equal(back.identity, head.identity, sizeof(head.identity));
    assert_int_equal(back.base, head.base);
    assert_int_equal(back.number, head.number);
    assert_int_equal(back.opening, head.opening);
    assert_int_equal(back.previous, head.previous);
    assert_int_equal(back.crc, head.crc);
}

/* A record is read back at its place in its segment, and at no other. */
static void test_a_record_comes_back_at_its_place_only(void **state)
{
    uint8_t bytes[256];
    const struct journal_entry entry = {.workspace = TEXT("shop"),
                                        .kind = ENTRY_CHECKPOINT,
                                        .flags = ENTRY_FIRST,
                                        .seq = 77,
                                        .bytes = (const uint8_t *)"some facts",
                                        .size = 10};
    struct journal_record_head head;
    size_t size;
    uint32_t crc;

    (void)state;
    assert_int_equal(journal_file_format_record_size(4, 10), 72);
    assert_int_equal(journal_file_format_record_size(4, 12), 72);
    assert_int_equal(journal_file_format_record_size(4, 13), 80);
    journal_file_format_put_record(bytes, &entry, (uint16_t)entry.kind, 5);
    crc = journal_file_format_seal(bytes, 0xbeef, 1000, 900, 0xcafe, &size);
    assert_int_equal(size, 72);

    assert_true(journal_file_format_get_record(bytes, 0xbeef, 1000, &head));
    assert_int_equal(head.header_crc, crc);
    assert_int_equal(head.previous, 0xcafe);
    assert_int_equal(head.durable, 900);
    assert_int_equal(head.seq, 77);
    assert_int_equal(head.opening, 5);
    assert_int_equal(head.flags, ENTRY_FIRST);
    assert_int_equal(head.kind, ENTRY_CHECKPOINT);
    assert_true(journal_file_format_payload_fits(&head, bytes + JOURNAL_FORMAT_RECORD_HEAD));
    assert_memory_equal(bytes + JOURNAL_FORMAT_RECORD_HEAD, "shopsome facts\0\0", 16);

    assert_false(journal_file_format_get_record(bytes, 0xbeee, 1000, &head));
    assert_false(journal_file_format_get_record(bytes, 0xbeef, 1008, &head));

    /* Nothing is durable before it is written. */
    journal_file_format_seal(bytes, 0xbeef, 1000, 1001, 0xcafe, &size);
    assert_false(journal_file_format_get_record(bytes, 0xbeef, 1000, &head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_is_the_published_one),
        cmocka_unit_test(test_crc32c_is_the_same_however_it_is_computed),
        cmocka_unit_test(test_a_segment_header_comes_back),
        cmocka_unit_test(test_a_record_comes_back_at_its_place_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
