/* What becomes of attributes that are merged, and of ids of offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/walk.h"
#include "router/update.h"

/* "a=1 b=2 -c": numbers, and what is removed. */
struct merge_row {
    const char *old;
    const char *changes;
    const char *merged;
};

static const struct merge_row merge_rows[] = {
    {"", "", ""},
    {"a=1", "", "a=1"},
    {"", "a=1", "a=1"},
    {"a=1 b=2", "a=3", "b=2 a=3"},
    {"a=1 b=2", "-a", "b=2"},
    {"a=1", "-a", ""},
    {"a=1", "-b", "a=1"},
    {"", "-a", ""},
    {"a=1 b=2 c=3", "b=4 -c d=5", "a=1 b=4 d=5"},
};

/* Packs the map that the words describe; at most nine pairs with names of a letter. */
static struct text pack(struct packer *p, const char *words)
{
    size_t map;
    uint32_t pairs = 0;

    packer_reset(p);
    map = packer_map_open(p);
    while (*words != '\0') {
        bool removed = *words == '-';

        words += removed ? 1 : 0;
        packer_text_of(p, words, 1);
        if (removed) {
            packer_nil(p);
            words += 1;
        } else {
            packer_uint(p, (uint64_t)(words[2] - '0'));
            words += 3;
        }
        words += *words == ' ' ? 1 : 0;
        pairs++;
    }
    packer_map_close(p, map, pairs);
    return (struct text){(const char *)p->bytes, (uint32_t)p->size};
}

static void unpack(struct text raw, char *words)
{
    struct walk w;
    struct walk_attribute a;

    walk_start(&w, raw);
    while (walk_attribute(&w, &a)) {
        if (words[0] != '\0') {
            strcat(words, " ");
        }
        assert_int_equal(a.type, CURSOR_INT);
        strncat(words, a.name.bytes, 1);
        strcat(words, "=");
        strncat(words, &"0123456789"[a.value.number], 1);
    }
}

static void test_attributes_merge_key_by_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(merge_rows) / sizeof(merge_rows[0]); i++) {
        const struct merge_row *row = &merge_rows[i];
        struct packer old = {0}, changes = {0}, merged = {0}, expected = {0};
        char got[64] = "", wanted[64] = "";
        uint32_t count = update_merge(&merged, pack(&old, row->old), pack(&changes, row->changes));

        unpack((struct text){(const char *)merged.bytes, (uint32_t)merged.size}, got);
        unpack(pack(&expected, row->merged), wanted);
        assert_int_equal(count, strlen(row->merged) == 0 ? 0 : (strlen(row->merged) + 1) / 4);
        /* The order of a map means nothing; these small ones come in ours. */
        if (strlen(got) != strlen(wanted)) {
            fail_msg("%s with %s: %s", row->old, row->changes, got);
        }
        for (const char *pair = wanted; *pair != '\0'; pair += pair[3] == ' ' ? 4 : 3) {
            const char one[] = {pair[0], pair[1], pair[2], '\0'};

            assert_non_null(strstr(got, one));
        }
        packer_close(&old);
        packer_close(&changes);
        packer_close(&merged);
        packer_close(&expected);
    }
}

static void test_ids_of_offers(void **state)
{
    static const char *const none_of_ours[] = {
        "", "o", "o0", "o01", "1", "x12", "o1x", "o-1", "o99999999999999999999"};
    static const uint64_t numbers[] = {1, 9, 10, 123456789, UINT64_C(9007199254740991)};
    struct packer p = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(none_of_ours) / sizeof(none_of_ours[0]); i++) {
        assert_int_equal(view_offer_number(text_from(none_of_ours[i])), 0);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct cursor c;
        struct text id;

        packer_reset(&p);
        view_offer_id(&p, numbers[i]);
        c = cursor_over(p.bytes, p.size);
        assert_true(cursor_text(&c, &id));
        assert_int_equal(view_offer_number(id), numbers[i]);
    }
    packer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_merge_key_by_key),
        cmocka_unit_test(test_ids_of_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
