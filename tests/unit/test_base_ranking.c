#include "queue/base/random.h"
#include "queue/base/ranking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS 6000
#define STEPS   60000

/* The naive ranking: an array of what is in, in order. */
struct model {
    struct ranked_key *in[RECORDS];
    size_t count;
};

struct world {
    struct store store;
    struct ranking_pools pools;
    struct ranking *ranking; /* behind the records, as it is in the store, too */
    struct ranked_key *records;
    struct model model;
};

static void world_begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    store_init(&w->store);
    ranking_pools_init(&w->pools, &w->store);
    w->ranking = store_take_for_good(&w->store, sizeof(*w->ranking));
    w->records = store_take_for_good(&w->store, RECORDS * sizeof(w->records[0]));
    for (uint64_t i = 0; i < RECORDS; i++) {
        w->records[i].minor = i + 1;
    }
}

static void world_end(struct world *w)
{
    ranking_close(w->ranking, &w->pools);
    assert_int_equal(w->pools.leaves.taken, 0);
    assert_int_equal(w->pools.forks.taken, 0);
    ranking_pools_close(&w->pools);
    store_close(&w->store);
}

static size_t model_before(const struct model *m, struct ranked_key key)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranked_key_less(*m->in[middle], key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void put(struct world *w, struct ranked_key *key)
{
    struct model *m = &w->model;
    size_t at = model_before(m, *key);

    memmove(&m->in[at + 1], &m->in[at], (m->count - at) * sizeof(m->in[0]));
    m->in[at] = key;
    m->count++;
    ranking_insert(w->ranking, &w->pools, key);
}

static void take_at(struct world *w, size_t at)
{
    struct model *m = &w->model;

    ranking_remove(w->ranking, &w->pools, m->in[at]);
    m->count--;
    memmove(&m->in[at], &m->in[at + 1], (m->count - at) * sizeof(m->in[0]));
}

static void check_around(const struct world *w, struct ranked_key key)
{
    const struct model *m = &w->model;
    size_t before = model_before(m, key);
    size_t next = before;

    if (next < m->count && !ranked_key_less(key, *m->in[next])) {
        next++;
    }
    assert_int_equal(ranking_count(w->ranking), m->count);
    assert_int_equal(ranking_count_before(w->ranking, key), before);
    assert_ptr_equal(ranking_next(w->ranking, key), next < m->count ? m->in[next] : NULL);
    assert_ptr_equal(ranking_first(w->ranking), m->count > 0 ? m->in[0] : NULL);
}

static void check_all(const struct world *w)
{
    struct ranked_key *key = ranking_first(w->ranking);

    for (size_t i = 0; i < w->model.count; i++) {
        assert_ptr_equal(key, w->model.in[i]);
        key = ranking_next(w->ranking, *key);
    }
    assert_null(key);
}

/* It grows to thousands, shrinks to few, and is emptied, in the ways in which lines do: from the
 * front, by whoever gives up anywhere, and with keys that come in order, in several, or in none. */
static void test_random_changes_agree_with_an_array(void **state)
{
    static struct world w;
    struct random r;

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint64_t now = 1000;
        uint64_t used = 0;

        print_message("seed %llu\n", (unsigned long long)seed);
        random_init(&r, seed);
        world_begin(&w);
        for (uint64_t step = 0; step < STEPS; step++) {
            bool grows = step / 8000 % 2 == 0;
            if (random_percent(&r, grows ? 75 : 25) && used < RECORDS) {
                struct ranked_key *key = &w.records[used++];
                now += random_below(&r, 3);
                key->major = seed % 3 == 0   ? random_below(&r, 50)
                             : seed % 3 == 1 ? now
                                             : now + 500 * random_below(&r, 4);
                put(&w, key);
                check_around(&w, *key);
            } else if (w.model.count > 0) {
                size_t at = random_percent(&r, 50) ? 0 : random_below(&r, w.model.count);
                struct ranked_key key = *w.model.in[at];
                take_at(&w, at);
                check_around(&w, key);
            } else {
                check_around(&w, (struct ranked_key){now, 0});
            }
            if (used == RECORDS && w.model.count == 0) {
                used = 0;
            }
            if (step % 5000 == 0) {
                check_all(&w);
            }
        }
        while (w.model.count > 0) {
            take_at(&w, random_below(&r, w.model.count));
        }
        check_all(&w);
        world_end(&w);
    }
}

/* What comes in order fills its leaves; what then goes anywhere leaves none behind almost empty. */
static void test_it_takes_few_bytes(void **state)
{
    static struct world w;
    struct random r;
    size_t least;

    (void)state;
    world_begin(&w);
    random_init(&r, 5);
    for (size_t i = 0; i < RECORDS; i++) {
        w.records[i].major = i;
        put(&w, &w.records[i]);
    }
    assert_true(w.pools.leaves.taken * w.pools.leaves.record_size +
                    w.pools.forks.taken * w.pools.forks.record_size <
                RECORDS * 5);
    while (w.model.count > 500) {
        take_at(&w, random_below(&r, w.model.count));
    }
    check_all(&w);
    least = 500 / 61 + 1;
    assert_true(w.pools.leaves.taken <= 4 * least);
    while (w.model.count > 0) {
        take_at(&w, w.model.count - 1);
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes_agree_with_an_array),
        cmocka_unit_test(test_it_takes_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
