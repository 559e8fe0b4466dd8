/* Values as they stand in a stream: packed when that is shorter, and never trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "router/stream/stream_value.h"

#define LONG 20000u

struct place {
    struct packer written, room;
    char words[LONG];
};

static int setup(void **state)
{
    static struct place p;

    memset(&p, 0, sizeof(p));
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    packer_close(&p->written);
    packer_close(&p->room);
    return 0;
}

/* Words like those of facts: again and again the same ones, with other numbers. */
static struct text repeated(struct place *p, uint32_t length)
{
    for (size_t at = 0, n = 0; at < length; n++) {
        char row[40];
        size_t size = (size_t)snprintf(row, sizeof(row), "contact_completed %zu a11 ", n * 7919);

        size = size < length - at ? size : length - at;
        memcpy(p->words + at, row, size);
        at += size;
    }
    return (struct text){p->words, length};
}

/* No two bytes of it tell anything about a third. */
static struct text noise(struct place *p, uint32_t length)
{
    uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

    for (uint32_t i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p->words[i] = (char)(x >> 32);
    }
    return (struct text){p->words, length};
}

/* The entry of `value`; what was in front of it in the batch remains. */
static struct stream_read_entry write_value(struct place *p, char field, struct text value)
{
    struct stream_read_entry e = {{65537, 1}, field, TEXT_NONE};

    packer_reset(&p->written);
    packer_raw(&p->written, "before", 6);
    e.field = stream_value_write(&p->written, field, value);
    assert_memory_equal(p->written.bytes, "before", 6);
    e.value = (struct text){(const char *)p->written.bytes + 6, (uint32_t)(p->written.size - 6)};
    return e;
}

static void assert_same(struct place *p, char field, struct text value, bool packed)
{
    struct stream_read_entry e = write_value(p, field, value), plain;

    assert_int_equal(e.field, packed ? field - 'a' + 'A' : field);
    assert_true(packed ? e.value.length < value.length : e.value.length == value.length);
    assert_null(stream_value_read(&e, &p->room, &plain));
    assert_int_equal(plain.field, field);
    assert_true(text_equal(plain.value, value));
    assert_true(stream_id_equal(plain.id, e.id));
}

static void test_what_was_written_is_read(void **state)
{
    struct place *p = *state;

    for (const char *field = "bc"; *field != '\0'; field++) {
        assert_same(p, *field, repeated(p, LONG), true);
        assert_same(p, *field, repeated(p, STREAM_VALUE_PACKED_LEAST), true);
        assert_same(p, *field, repeated(p, STREAM_VALUE_PACKED_LEAST - 1), false);
        assert_same(p, *field, noise(p, LONG), false);
        assert_same(p, *field, TEXT(""), false);
    }
}

static void test_other_fields_are_left_alone(void **state)
{
    struct place *p = *state;
    struct stream_read_entry e = {{1, 2}, 'e', TEXT("an epoch")}, plain;

    assert_null(stream_value_read(&e, &p->room, &plain));
    assert_int_equal(plain.field, 'e');
    assert_ptr_equal(plain.value.bytes, e.value.bytes);
    e.field = 'X';
    assert_null(stream_value_read(&e, &p->room, &plain));
    assert_int_equal(plain.field, 'X');
}

/* Whatever stands there, it is refused or has the length that it says; nothing is read or written
 * beyond it, as the sanitizers see. */
static void test_damaged_ones(void **state)
{
    struct place *p = *state;
    struct stream_read_entry e = write_value(p, 'b', repeated(p, 3000)), plain;
    uint8_t *bytes = (uint8_t *)(uintptr_t)e.value.bytes;
    uint32_t whole = e.value.length, refused = 0;

    for (e.value.length = 0; e.value.length < whole; e.value.length++) {
        assert_non_null(stream_value_read(&e, &p->room, &plain));
    }
    for (uint32_t bit = 0; bit < 8 * whole; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (stream_value_read(&e, &p->room, &plain) != NULL) {
            refused++;
        } else {
            assert_int_equal(plain.value.length, 3000);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(refused >= 32); /* at least each bit of the length */
    assert_null(stream_value_read(&e, &p->room, &plain));
}

static void test_a_length_beyond_all_bounds(void **state)
{
    struct place *p = *state;
    struct stream_read_entry e = {{1, 2}, 'C', TEXT("\xff\xff\xff\xff x")}, plain;

    assert_string_equal(stream_value_read(&e, &p->room, &plain),
                        "a packed value that says it is longer than any is");
    assert_int_equal(p->room.capacity, 0);
}

#define VALUE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VALUE_TEST(test_what_was_written_is_read),
        VALUE_TEST(test_other_fields_are_left_alone),
        VALUE_TEST(test_damaged_ones),
        VALUE_TEST(test_a_length_beyond_all_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
