#include "queue/base/id_map.h"
#include "queue/base/memory.h"
#include "queue/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t seed[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

struct record {
    char id[24];
    uint32_t length;
};

static struct text record_id(const void *item)
{
    const struct record *r = item;

    return (struct text){r->id, r->length};
}

static struct text number_id(char *room, size_t size, uint64_t number)
{
    int length = snprintf(room, size, "contact-%llu", (unsigned long long)number);

    return (struct text){room, (uint32_t)length};
}

static struct record *record_new(uint64_t number)
{
    struct record *r = memory_take(sizeof(*r));

    r->length = number_id(r->id, sizeof(r->id), number).length;
    return r;
}

/* Each bit of an id turns each bit of the hash in about half of all cases, wherever it stands in
 * ids of any length. */
static void test_every_bit_of_an_id_reaches_every_bit_of_the_hash(void **state)
{
    char bytes[48];
    struct random r;

    (void)state;
    random_init(&r, 3);
    for (uint32_t length = 1; length <= sizeof(bytes); length++) {
        unsigned turned[64] = {0};
        unsigned tries = 0;

        for (uint32_t bit = 0; bit < length * 8; bit++) {
            for (int round = 0; round < 200; round++, tries++) {
                uint64_t change;

                for (size_t i = 0; i < length; i++) {
                    bytes[i] = (char)random_below(&r, 256);
                }
                change = id_hash(seed, (struct text){bytes, length});
                bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
                change ^= id_hash(seed, (struct text){bytes, length});
                for (int k = 0; k < 64; k++) {
                    turned[k] += (unsigned)(change >> k & 1);
                }
            }
        }
        for (int k = 0; k < 64; k++) {
            assert_in_range(turned[k], tries * 40 / 100, tries * 60 / 100);
        }
    }
}

/* What differs in length alone, or in the seed alone, has another hash. */
static void test_length_and_seed_are_part_of_the_hash(void **state)
{
    static const char zeros[64];
    uint64_t hashes[65];

    (void)state;
    for (uint32_t length = 0; length <= 64; length++) {
        struct text id = {zeros, length};

        hashes[length] = id_hash(seed, id);
        for (uint32_t shorter = 0; shorter < length; shorter++) {
            assert_int_not_equal(hashes[length], hashes[shorter]);
        }
        assert_int_not_equal(hashes[length], id_hash((uint64_t[2]){seed[0] ^ 1, seed[1]}, id));
        assert_int_not_equal(hashes[length], id_hash((uint64_t[2]){seed[0], seed[1] ^ 1}, id));
    }
    assert_int_equal(id_hash(seed, TEXT_NONE), hashes[0]);
}

#define RECORDS 6000
#define STEPS   60000

/* The map fills and empties again and again while the model, an array, says what must be found.
 * Removed records are freed: a sanitizer sees whoever still looks at one. */
static void test_random_changes_agree_with_an_array(void **state)
{
    static struct record *held[RECORDS];
    size_t count = 0;
    size_t removed_while_moving = 0;
    struct id_map map;
    struct random r;

    (void)state;
    random_init(&r, 1);
    id_map_init(&map, record_id, seed);
    for (int step = 0; step < STEPS; step++) {
        /* In waves, and each over more records than the one before. */
        unsigned inserts = step / 7500 % 2 == 0 ? 80 : 35;
        uint64_t number = random_below(&r, 500 + (RECORDS - 500) * (uint64_t)step / STEPS);
        bool insert = random_percent(&r, inserts) != 0;
        char room[24];

        if (insert && held[number] == NULL) {
            held[number] = record_new(number);
            id_map_insert(&map, held[number]);
            count++;
        } else if (!insert && held[number] != NULL) {
            removed_while_moving += map.index.before.slots != NULL;
            id_map_remove(&map, held[number]);
            memory_give(held[number]);
            held[number] = NULL;
            count--;
        }
        assert_int_equal(id_map_count(&map), count);
        for (int look = 0; look < 4; look++) {
            number = random_below(&r, RECORDS);
            assert_ptr_equal(id_map_find(&map, number_id(room, sizeof(room), number)),
                             held[number]);
        }
    }
    assert_true(removed_while_moving > 100);
    id_map_close(&map);
    for (size_t i = 0; i < RECORDS; i++) {
        memory_give(held[i]);
    }
}

/* Between any two insertions of a growth everything is found, and what is removed is gone, whether
 * it was moved already or not. */
static void test_growth_hides_nothing(void **state)
{
    enum { COUNT = 1537 }; /* one more than 3/4 of 2048 has just begun to move */
    struct record *held[COUNT + 512];
    struct id_map map;
    struct random r;
    uint64_t next = 0;
    size_t moving_steps = 0;
    char room[24];

    (void)state;
    random_init(&r, 2);
    id_map_init(&map, record_id, seed);
    for (; next < COUNT; next++) {
        held[next] = record_new(next);
        id_map_insert(&map, held[next]);
    }
    assert_int_equal(map.index.before.mask + 1, 2048);
    assert_int_equal(map.index.before.used, COUNT - 1);
    while (map.index.before.slots != NULL) {
        size_t unmoved = map.index.before.used;
        uint64_t gone = random_below(&r, next);

        if (held[gone] != NULL) {
            id_map_remove(&map, held[gone]);
            memory_give(held[gone]);
            held[gone] = NULL;
            unmoved -= map.index.before.used < unmoved;
        }
        held[next] = record_new(next);
        id_map_insert(&map, held[next]);
        next++;
        moving_steps++;
        /* No insertion moves more than a few. */
        assert_true(unmoved - map.index.before.used <= 8);
        for (uint64_t i = 0; i < next; i += 1 + i % 3) {
            assert_ptr_equal(id_map_find(&map, number_id(room, sizeof(room), i)), held[i]);
        }
    }
    assert_int_equal(moving_steps, 256);
    for (uint64_t i = 0; i < next; i++) {
        assert_ptr_equal(id_map_find(&map, number_id(room, sizeof(room), i)), held[i]);
        if (held[i] != NULL) {
            id_map_remove(&map, held[i]);
            memory_give(held[i]);
        }
    }
    assert_int_equal(id_map_count(&map), 0);
    id_map_close(&map);
}

/* Put in, find, and take out in another order. */
static void check_neighbours(const uint64_t *numbers, size_t count)
{
    struct record **held = memory_take(count * sizeof(struct record *));
    struct id_map map;
    char room[24];

    id_map_init(&map, record_id, seed);
    for (size_t i = 0; i < count; i++) {
        held[i] = record_new(numbers[i]);
        id_map_insert(&map, held[i]);
    }
    for (size_t step = 0; step < count; step++) {
        size_t gone = (step * 2 + (step * 2 >= count && count % 2 == 0)) % count;

        for (size_t i = 0; i < count; i++) {
            assert_ptr_equal(id_map_find(&map, number_id(room, sizeof(room), numbers[i])), held[i]);
        }
        assert_non_null(held[gone]);
        id_map_remove(&map, held[gone]);
        memory_give(held[gone]);
        held[gone] = NULL;
    }
    assert_int_equal(id_map_count(&map), 0);
    assert_null(id_map_find(&map, number_id(room, sizeof(room), numbers[0])));
    id_map_close(&map);
    memory_give(held);
}

/* All in one place of the table, whatever its size: slow, and right. */
static void test_ids_with_one_home_are_told_apart(void **state)
{
    uint64_t numbers[48];
    size_t count = 0;
    char room[24];

    (void)state;
    for (uint64_t number = 0; count < 48; number++) {
        /* At the table's end, so that the run wraps around to its begin. */
        if ((id_hash(seed, number_id(room, sizeof(room), number)) & 0xfff) == 0xffe) {
            numbers[count++] = number;
        }
    }
    check_neighbours(numbers, count);
}

struct hashed {
    uint32_t hash;
    uint32_t number;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *left = a;
    const struct hashed *right = b;

    return (left->hash > right->hash) - (left->hash < right->hash);
}

/* The table keeps 32 bits of the hash. Where they are equal, the id decides. */
static void test_ids_with_equal_hashes_are_told_apart(void **state)
{
    enum { COUNT = 200000 };
    struct hashed *all = memory_take(COUNT * sizeof(*all));
    size_t pairs = 0;
    char room[24];

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        all[i].hash = (uint32_t)id_hash(seed, number_id(room, sizeof(room), i));
        all[i].number = i;
    }
    qsort(all, COUNT, sizeof(*all), by_hash);
    for (size_t i = 0; i + 1 < COUNT; i++) {
        if (all[i].hash == all[i + 1].hash) {
            check_neighbours((uint64_t[]){all[i].number, all[i + 1].number}, 2);
            pairs++;
        }
    }
    assert_true(pairs > 0);
    memory_give(all);
}

static void test_an_empty_map_finds_nothing(void **state)
{
    struct record *r = record_new(1);
    struct id_map map;

    (void)state;
    id_map_init(&map, record_id, seed);
    assert_null(id_map_find(&map, record_id(r)));
    id_map_insert(&map, r);
    assert_ptr_equal(id_map_find(&map, record_id(r)), r);
    assert_null(id_map_find(&map, TEXT("")));
    id_map_remove(&map, r);
    assert_null(id_map_find(&map, record_id(r)));
    id_map_close(&map);
    memory_give(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_an_id_reaches_every_bit_of_the_hash),
        cmocka_unit_test(test_length_and_seed_are_part_of_the_hash),
        cmocka_unit_test(test_random_changes_agree_with_an_array),
        cmocka_unit_test(test_growth_hides_nothing),
        cmocka_unit_test(test_ids_with_one_home_are_told_apart),
        cmocka_unit_test(test_ids_with_equal_hashes_are_told_apart),
        cmocka_unit_test(test_an_empty_map_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
