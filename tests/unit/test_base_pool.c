#include "queue/base/pool.h"
#include "queue/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif

struct record {
    uint64_t number;
    unsigned char fill[29];
};

#define RECORDS 300
#define STEPS   20000

/* Whoever holds a record holds it alone: what was written stays, whatever others do. */
static void test_records_are_zeroed_and_apart(void **state)
{
    static const struct record zero;
    struct record *held[RECORDS] = {NULL};
    size_t count = 0;
    struct store store;
    struct pool pool;
    struct random r;

    (void)state;
    random_init(&r, 1);
    store_init(&store);
    pool_init(&pool, &store, sizeof(struct record));
    for (uint64_t step = 0; step < STEPS; step++) {
        struct record **slot = &held[random_below(&r, RECORDS)];

        if (*slot == NULL) {
            *slot = pool_take(&pool);
            assert_memory_equal(*slot, &zero, sizeof(zero));
            assert_int_equal((uintptr_t)*slot % STORE_UNIT, 0);
            (*slot)->number = (uint64_t)(slot - held);
            memset((*slot)->fill, (int)(slot - held), sizeof((*slot)->fill));
            count++;
        } else {
            assert_int_equal((*slot)->number, slot - held);
            assert_int_equal((*slot)->fill[28], (unsigned char)(slot - held));
            pool_give(&pool, *slot);
            *slot = NULL;
            count--;
        }
        assert_int_equal(pool.taken, count);
    }
    pool_close(&pool); /* with records still held: they go with it */
    store_close(&store);
    assert_int_equal(pool.taken, 0);
}

static void test_last_given_is_first_taken(void **state)
{
    struct store store;
    struct pool pool;
    void *a, *b, *c;

    (void)state;
    store_init(&store);
    pool_init(&pool, &store, 1);
    a = pool_take(&pool);
    b = pool_take(&pool);
    c = pool_take(&pool);
    pool_give(&pool, b);
    pool_give(&pool, a);
    pool_give(&pool, c);
    assert_ptr_equal(pool_take(&pool), c);
    assert_ptr_equal(pool_take(&pool), a);
    assert_ptr_equal(pool_take(&pool), b);
    pool_close(&pool);
    store_close(&store);
}

/* Thirty-two bits lead back to a record, and to any place in it that is aligned. */
static void test_places_have_names_of_32_bits(void **state)
{
    static struct record *held[RECORDS * 20];
    struct store store;
    struct pool pool;

    (void)state;
    store_init(&store);
    pool_init(&pool, &store, sizeof(struct record));
    for (size_t i = 0; i < RECORDS * 20; i++) {
        held[i] = pool_take(&pool);
        held[i]->number = i;
    }
    for (size_t i = 0; i < RECORDS * 20; i++) {
        near name = near_of(held[i]);

        assert_int_not_equal(name, 0);
        assert_ptr_equal(store_at(&store, name), held[i]);
        assert_ptr_equal(near_at(held[0], near_of(&held[i]->fill)), &held[i]->fill);
    }
    assert_int_equal(near_of(NULL), 0);
    assert_null(store_at(&store, 0));
    pool_close(&pool);
    store_close(&store);
}

/* Memory that nothing stands in goes back; one chunk is kept for what comes next. */
static void test_empty_chunks_go_back(void **state)
{
    static void *held[RECORDS * 20];
    struct store store;
    struct pool pool;

    (void)state;
    store_init(&store);
    pool_init(&pool, &store, sizeof(struct record));
    for (size_t i = 0; i < RECORDS * 20; i++) {
        held[i] = pool_take(&pool);
    }
    assert_true(store.count > 2 && store.free_count == 0);
    for (size_t i = 0; i < RECORDS * 20; i++) {
        pool_give(&pool, held[i]);
    }
    assert_int_equal(store.count - store.free_count, 1);
    assert_non_null(pool_take(&pool));
    assert_int_equal(store.count - store.free_count, 1);
    pool_close(&pool);
    store_close(&store);
}

#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>

static void test_a_record_given_back_is_poisoned(void **state)
{
    struct store store;
    struct pool pool;
    struct record *kept, *given;

    (void)state;
    store_init(&store);
    pool_init(&pool, &store, sizeof(struct record));
    kept = pool_take(&pool);
    given = pool_take(&pool);
    pool_give(&pool, given);
    assert_null(__asan_region_is_poisoned(kept, sizeof(*kept)));
    for (size_t i = 0; i < sizeof(*given); i++) {
        assert_true(__asan_address_is_poisoned((char *)given + i));
    }
    assert_true(__asan_address_is_poisoned(given + 1)); /* and what was never taken */
    given = pool_take(&pool);
    assert_null(__asan_region_is_poisoned(given, sizeof(*given)));
    pool_close(&pool);
    store_close(&store);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_zeroed_and_apart),
        cmocka_unit_test(test_last_given_is_first_taken),
        cmocka_unit_test(test_places_have_names_of_32_bits),
        cmocka_unit_test(test_empty_chunks_go_back),
#ifdef UNDER_ASAN
        cmocka_unit_test(test_a_record_given_back_is_poisoned),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
