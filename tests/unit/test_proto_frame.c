#include "proto/cursor.h"
#include "proto/frame.h"
#include "test_proto_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <msgpack.h>

#define ROUNDS 60000

static enum frame_status scan(const uint8_t *bytes, size_t size, const struct frame_limits *limits,
                              size_t *length)
{
    struct frame_scan s;
    enum frame_status status;

    frame_scan_init(&s);
    status = frame_scan(&s, bytes, size, limits);
    *length = s.position;
    return status;
}

struct row {
    const char *hex;
    enum frame_status expected;
    size_t length; /* of FRAME_DONE */
};

/* Each format once at its edges, and what cannot come to an end within 64 bytes, 4 levels, 20
 * items. */
static void test_rows(void **state)
{
    static const struct row rows[] = {
        {"", FRAME_MORE, 0},
        {"00", FRAME_DONE, 1},
        {"7f 01", FRAME_DONE, 1},
        {"e0", FRAME_DONE, 1},
        {"c0", FRAME_DONE, 1},
        {"c1", FRAME_BAD, 0},
        {"c2", FRAME_DONE, 1},
        {"a0", FRAME_DONE, 1},
        {"a1", FRAME_MORE, 0},
        {"a1 61", FRAME_DONE, 2},
        {"cc", FRAME_MORE, 0},
        {"cc ff", FRAME_DONE, 2},
        {"cf 00 00 00 00 00 00 00 00", FRAME_DONE, 9},
        {"ca 00 00 00", FRAME_MORE, 0},
        {"ca 00 00 00 00", FRAME_DONE, 5},
        {"d4 01 02", FRAME_DONE, 3},
        {"d8 01", FRAME_MORE, 0},
        {"c7 01 05 ff", FRAME_DONE, 4},
        {"d9 02 61 62", FRAME_DONE, 4},
        {"da 00", FRAME_MORE, 0},
        {"db 00 00 00 01 61", FRAME_DONE, 6},
        {"c4 00", FRAME_DONE, 2},
        {"80", FRAME_DONE, 1},
        {"90", FRAME_DONE, 1},
        {"81 a1 61", FRAME_MORE, 0},
        {"81 a1 61 01", FRAME_DONE, 4},
        {"92 91 00", FRAME_MORE, 0},
        {"92 91 00 00", FRAME_DONE, 4},
        {"92 c1", FRAME_BAD, 0},
        /* lengths that cannot come: refused at once, not waited for */
        {"db ff ff ff ff", FRAME_TOO_BIG, 0},
        {"c6 10 00 00 00", FRAME_TOO_BIG, 0},
        {"c9 ff ff ff ff", FRAME_TOO_BIG, 0},
        {"dd 10 00 00 00", FRAME_TOO_BIG, 0},
        {"df ff ff ff ff", FRAME_TOO_BIG, 0},
        {"d9 3e", FRAME_MORE, 0},    /* 2 + 62 = 64: just fits */
        {"d9 3f", FRAME_TOO_BIG, 0}, /* 65 */
        {"92 d9 3c", FRAME_MORE, 0}, /* 1 + 2 + 60 + 1 for the second = 64 */
        {"92 d9 3d", FRAME_TOO_BIG, 0},
        {"dc 00 14", FRAME_MORE, 0},    /* 20 items */
        {"dc 00 15", FRAME_TOO_BIG, 0}, /* 21 */
        {"91 91 91 91 00", FRAME_DONE, 5},
        {"91 91 91 91 90", FRAME_DONE, 5}, /* nothing is nested in an empty one */
        {"91 91 91 91 91 00", FRAME_TOO_DEEP, 0},
        {"91 91 91 91 81", FRAME_TOO_DEEP, 0},
    };
    const struct frame_limits limits = {.bytes = 64, .nesting = 4, .items = 20};
    struct packer p = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = 0;
        enum frame_status status;

        packer_reset(&p);
        maker_hex(&p, rows[i].hex);
        status = scan(p.bytes, p.size, &limits, &length);
        if (status != rows[i].expected || (status == FRAME_DONE && length != rows[i].length)) {
            fail_msg("%s: %d, %zu bytes", rows[i].hex, (int)status, length);
        }
    }
    packer_close(&p);
}

/* However a frame is cut into pieces, the answer is that of the whole. */
static void test_pieces_make_no_difference(void **state)
{
    const struct frame_limits limits = {.bytes = 1000, .nesting = 6};
    struct packer p = {0};
    struct random r;

    (void)state;
    random_init(&r, 11);
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct frame_scan s;
        enum frame_status whole, pieces = FRAME_MORE;
        size_t length, given = 0;

        packer_reset(&p);
        maker_object(&p, &r, 7);
        if (random_percent(&r, 50)) {
            maker_damage(&p, &r);
        }
        whole = scan(p.bytes, p.size, &limits, &length);
        frame_scan_init(&s);
        while (pieces == FRAME_MORE && given < p.size) {
            given += 1 + (size_t)random_below(&r, p.size - given);
            /* An own copy of just these bytes, so that a look beyond them is found out. */
            uint8_t *piece = malloc(given);
            memcpy(piece, p.bytes, given);
            pieces = frame_scan(&s, piece, given, &limits);
            free(piece);
        }
        assert_int_equal(pieces, whole);
        if (whole == FRAME_DONE) {
            assert_int_equal(s.position, length);
        }
    }
    packer_close(&p);
}

static void same_number(struct cursor *c, const msgpack_object *o)
{
    int64_t i = 0;
    uint64_t u = 0;
    double d = 0;

    if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        struct cursor again = *c;
        assert_int_equal(cursor_int(&again, &i), o->via.u64 <= INT64_MAX);
        assert_true(cursor_uint(c, &u));
        assert_true(u == o->via.u64);
    } else if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        assert_false(cursor_uint(c, &u));
        assert_true(cursor_int(c, &i));
        assert_true(i == o->via.i64);
    } else {
        assert_true(cursor_double(c, &d));
        assert_memory_equal(&d, &o->via.f64, sizeof(d));
    }
}

/* Our reader and msgpack-c's see the same object. */
static void same_object(struct cursor *c, const msgpack_object *o)
{
    struct cursor raw_at = *c, skipped = *c;
    struct text t;
    uint32_t count;
    bool flag;

    assert_true(cursor_raw(&raw_at, &t));
    assert_true(cursor_skip(&skipped));
    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
        assert_int_equal(cursor_type(c), CURSOR_NIL);
        assert_true(cursor_nil(c));
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        assert_int_equal(cursor_type(c), CURSOR_BOOL);
        assert_true(cursor_bool(c, &flag));
        assert_int_equal(flag, o->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        assert_int_equal(cursor_type(c), CURSOR_INT);
        same_number(c, o);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        assert_int_equal(cursor_type(c), CURSOR_FLOAT);
        same_number(c, o);
        break;
    case MSGPACK_OBJECT_STR:
        assert_int_equal(cursor_type(c), CURSOR_TEXT);
        assert_true(cursor_text(c, &t));
        assert_int_equal(t.length, o->via.str.size);
        assert_true(t.length == 0 || t.bytes == o->via.str.ptr);
        break;
    case MSGPACK_OBJECT_BIN:
        assert_int_equal(cursor_type(c), CURSOR_BIN);
        assert_false(cursor_text(c, &t));
        assert_true(cursor_bytes(c, &t));
        assert_int_equal(t.length, o->via.bin.size);
        assert_true(t.length == 0 || t.bytes == o->via.bin.ptr);
        break;
    case MSGPACK_OBJECT_EXT:
        assert_int_equal(cursor_type(c), CURSOR_EXT);
        assert_true(cursor_skip(c));
        break;
    case MSGPACK_OBJECT_ARRAY:
        assert_int_equal(cursor_type(c), CURSOR_ARRAY);
        assert_true(cursor_array(c, &count));
        assert_int_equal(count, o->via.array.size);
        for (uint32_t i = 0; i < count; i++) {
            same_object(c, &o->via.array.ptr[i]);
        }
        break;
    case MSGPACK_OBJECT_MAP:
        assert_int_equal(cursor_type(c), CURSOR_MAP);
        assert_true(cursor_map(c, &count));
        assert_int_equal(count, o->via.map.size);
        for (uint32_t i = 0; i < count; i++) {
            same_object(c, &o->via.map.ptr[i].key);
            same_object(c, &o->via.map.ptr[i].val);
        }
        break;
    }
    assert_ptr_equal(c->at, raw_at.at);
    assert_ptr_equal(c->at, skipped.at);
}

/* The scanner says of every input what msgpack-c says of it, and the reader finds in it what
 * msgpack-c finds. */
static void test_agrees_with_msgpack_c(void **state)
{
    const struct frame_limits limits = {.bytes = 4000, .nesting = 16};
    struct packer p = {0};
    struct random r;
    unsigned seen[FRAME_TOO_BIG + 1] = {0};

    (void)state;
    random_init(&r, 42);
    for (int round = 0; round < ROUNDS; round++) {
        msgpack_unpacked u;
        msgpack_unpack_return answer;
        size_t length = 0, offset = 0;
        enum frame_status status;

        packer_reset(&p);
        maker_object(&p, &r, 6);
        if (random_percent(&r, 60)) {
            maker_damage(&p, &r);
        }
        status = scan(p.bytes, p.size, &limits, &length);
        seen[status]++;
        if (status == FRAME_TOO_BIG || status == FRAME_TOO_DEEP || p.size == 0) {
            continue; /* what the scan is for: msgpack-c would try to make room for it */
        }
        msgpack_unpacked_init(&u);
        answer = msgpack_unpack_next(&u, (const char *)p.bytes, p.size, &offset);
        switch (status) {
        case FRAME_DONE: {
            struct cursor c = cursor_over(p.bytes, length);
            assert_true(answer == MSGPACK_UNPACK_SUCCESS || answer == MSGPACK_UNPACK_EXTRA_BYTES);
            assert_int_equal(offset, length);
            same_object(&c, &u.data);
            assert_int_equal(cursor_left(&c), 0);
            break;
        }
        case FRAME_MORE:
            assert_int_equal(answer, MSGPACK_UNPACK_CONTINUE);
            break;
        case FRAME_BAD:
            assert_int_equal(answer, MSGPACK_UNPACK_PARSE_ERROR);
            break;
        case FRAME_TOO_DEEP:
        case FRAME_TOO_BIG:
            break;
        }
        msgpack_unpacked_destroy(&u);
    }
    /* A test of this kind is worth something only if every answer came up. */
    assert_true(seen[FRAME_DONE] > 1000 && seen[FRAME_MORE] > 1000 && seen[FRAME_BAD] > 100 &&
                seen[FRAME_TOO_BIG] > 1000);
    packer_close(&p);
}

/* The reader over bytes that nobody scanned: it may say no, and it never looks behind the end. */
static void test_reader_stays_within(void **state)
{
    struct packer p = {0};
    struct random r;

    (void)state;
    random_init(&r, 77);
    for (int round = 0; round < ROUNDS; round++) {
        struct cursor c;
        uint8_t *exact;
        size_t size;

        packer_reset(&p);
        maker_object(&p, &r, 4);
        maker_damage(&p, &r);
        size = p.size;
        exact = malloc(size + 1);
        memcpy(exact, p.bytes, size);
        c = cursor_over(exact, size);
        while (cursor_left(&c) > 0) {
            const uint8_t *before = c.at;
            struct text t;
            uint32_t count;
            int64_t i;
            uint64_t u;
            double d;
            bool flag;

            if (!cursor_int(&c, &i) && !cursor_uint(&c, &u) && !cursor_double(&c, &d) &&
                !cursor_bytes(&c, &t) && !cursor_map(&c, &count) && !cursor_array(&c, &count) &&
                !cursor_bool(&c, &flag) && !cursor_nil(&c) && !cursor_skip(&c)) {
                assert_ptr_equal(c.at, before);
                break;
            }
            assert_true(c.at > before && c.at <= c.end);
        }
        free(exact);
    }
    packer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_pieces_make_no_difference),
        cmocka_unit_test(test_agrees_with_msgpack_c),
        cmocka_unit_test(test_reader_stays_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
