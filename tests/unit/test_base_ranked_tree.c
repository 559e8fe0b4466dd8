#include "queue/base/memory.h"
#include "queue/base/random.h"
#include "queue/base/ranked_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The law of the header, checked node by node: order, sizes, unions, balance. Returns the depth. */
static unsigned check_subtree(const struct ranked_node *n, const struct ranked_key *low,
                              const struct ranked_key *high)
{
    uint32_t left, right, mask;
    unsigned depth_left, depth_right;

    if (n == NULL) {
        return 0;
    }
    assert_true(low == NULL || ranked_key_less(*low, n->key));
    assert_true(high == NULL || ranked_key_less(n->key, *high));
    depth_left = check_subtree(n->left, low, &n->key);
    depth_right = check_subtree(n->right, &n->key, high);
    left = n->left == NULL ? 0 : n->left->size;
    right = n->right == NULL ? 0 : n->right->size;
    mask = n->mask;
    mask |= n->left == NULL ? 0 : n->left->mask_below;
    mask |= n->right == NULL ? 0 : n->right->mask_below;
    assert_int_equal(n->size, left + right + 1);
    assert_int_equal(n->mask_below, mask);
    assert_true(left + 1 <= 3 * (right + 1) && right + 1 <= 3 * (left + 1));
    return 1 + (depth_left > depth_right ? depth_left : depth_right);
}

/* No way is longer than the logarithm of the weight to the base of 4/3. */
static void check_tree(const struct ranked_tree *t)
{
    unsigned depth = check_subtree(t->root, NULL, NULL);
    double weight = 1;

    for (unsigned i = 0; i < depth; i++) {
        weight *= 4.0 / 3.0;
    }
    assert_true(weight <= (double)ranked_tree_count(t) + 1);
}

#define NODES 500
#define STEPS 40000
#define MASKS 6

/* The naive tree: pointers in order. */
struct model {
    struct ranked_node *in_order[NODES];
    size_t count;
};

static size_t model_before(const struct model *m, struct ranked_key key)
{
    size_t i = 0;

    while (i < m->count && ranked_key_less(m->in_order[i]->key, key)) {
        i++;
    }
    return i;
}

static void model_insert(struct model *m, struct ranked_node *n)
{
    size_t at = model_before(m, n->key);

    memmove(&m->in_order[at + 1], &m->in_order[at], (m->count - at) * sizeof(n));
    m->in_order[at] = n;
    m->count++;
}

static void model_remove(struct model *m, const struct ranked_node *n)
{
    size_t at = model_before(m, n->key);

    m->count--;
    memmove(&m->in_order[at], &m->in_order[at + 1], (m->count - at) * sizeof(n));
}

/* The first node at or behind a position that has any of some bits. */
static struct ranked_node *model_with(const struct model *m, size_t from, uint32_t any)
{
    for (size_t i = from; i < m->count; i++) {
        if ((m->in_order[i]->mask & any) != 0) {
            return m->in_order[i];
        }
    }
    return NULL;
}

static struct ranked_node *model_at(const struct model *m, size_t index)
{
    return index < m->count ? m->in_order[index] : NULL;
}

static bool model_has(const struct model *m, struct ranked_key key)
{
    const struct ranked_node *n = model_at(m, model_before(m, key));

    return n != NULL && !ranked_key_less(key, n->key);
}

/* Few majors, so that many nodes differ in the minor alone; and keys at both ends of the range. */
static struct ranked_key random_key(struct random *r)
{
    struct ranked_key key = {random_below(r, 20), random_below(r, 300)};

    if (random_percent(r, 2)) {
        key.major = UINT64_MAX;
    }
    if (random_percent(r, 2)) {
        key.minor = UINT64_MAX - random_below(r, 3);
    }
    return key;
}

/* Most nodes have one bit, and bits are not equally common; some have none, and some several. */
static uint16_t random_mask(struct random *r)
{
    unsigned mask = 1u << (random_below(r, MASKS) * random_below(r, MASKS) / MASKS);

    if (random_percent(r, 30)) {
        return 0;
    }
    return (uint16_t)(random_percent(r, 10) ? random_below(r, 1u << MASKS) : mask);
}

static void compare(const struct ranked_tree *t, const struct model *m, struct random *r)
{
    struct ranked_key key = random_key(r);
    size_t before = model_before(m, key);
    size_t behind = before + model_has(m, key);
    size_t index = random_below(r, NODES);
    uint32_t any = (uint32_t)random_below(r, 1u << MASKS);

    if (random_percent(r, 50)) {
        any = 1u << random_below(r, MASKS);
    }
    assert_int_equal(ranked_tree_count(t), m->count);
    assert_int_equal(ranked_tree_count_before(t, key), before);
    assert_ptr_equal(ranked_tree_at(t, index), model_at(m, index));
    assert_ptr_equal(ranked_tree_first(t), model_at(m, 0));
    assert_ptr_equal(ranked_tree_last(t), m->count == 0 ? NULL : m->in_order[m->count - 1]);
    assert_ptr_equal(ranked_tree_next(t, key), model_at(m, behind));
    assert_ptr_equal(ranked_tree_first_with(t, any), model_with(m, 0, any));
    assert_ptr_equal(ranked_tree_next_with(t, key, any), model_with(m, behind, any));
}

/* Grows and shrinks in waves, from empty to full and back. */
static void test_random_changes_agree_with_an_array(void **state)
{
    static struct ranked_node nodes[NODES];
    static struct model m;
    bool was_full = false;

    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct ranked_tree t;
        struct random r;

        print_message("seed %llu\n", (unsigned long long)seed);
        random_init(&r, seed);
        ranked_tree_init(&t);
        m.count = 0;
        memset(nodes, 0, sizeof(nodes));
        for (int step = 0; step < STEPS; step++) {
            struct ranked_node *n = &nodes[random_below(&r, NODES)];
            bool growing = step / 4000 % 2 == 0;

            if (ranked_node_linked(n) && random_percent(&r, 20)) {
                ranked_tree_set_mask(&t, n, random_mask(&r));
            } else if (ranked_node_linked(n) && random_percent(&r, 10)) {
                struct ranked_key key = random_key(&r);
                if (!model_has(&m, key)) {
                    model_remove(&m, n);
                    ranked_tree_move(&t, n, key);
                    model_insert(&m, n);
                }
            } else if (ranked_node_linked(n) && random_percent(&r, growing ? 15 : 90)) {
                ranked_tree_remove(&t, n);
                model_remove(&m, n);
                assert_false(ranked_node_linked(n));
            } else if (!ranked_node_linked(n) && random_percent(&r, growing ? 90 : 10)) {
                n->key = random_key(&r);
                n->mask = random_mask(&r);
                if (!model_has(&m, n->key)) {
                    ranked_tree_insert(&t, n);
                    model_insert(&m, n);
                    assert_true(ranked_node_linked(n));
                }
            }
            was_full = was_full || m.count > NODES * 4 / 5;
            compare(&t, &m, &r);
            if (step % 16 == 0) {
                check_tree(&t);
            }
        }
        while (m.count > 0) { /* down to nothing from the middle */
            struct ranked_node *n = m.in_order[m.count / 2];

            ranked_tree_remove(&t, n);
            model_remove(&m, n);
            check_tree(&t);
            compare(&t, &m, &r);
        }
        assert_null(t.root);
    }
    assert_true(was_full);
}

/* What real queues do: in at the end, out at the front. And the worst sequences for a plain tree.
 */
static void test_no_sequence_makes_it_deep(void **state)
{
    enum { COUNT = 20000 };
    struct ranked_node *nodes = memory_take(COUNT * sizeof(*nodes));

    (void)state;
    for (int sequence = 0; sequence < 3; sequence++) {
        struct ranked_tree t;

        ranked_tree_init(&t);
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t zigzag = i % 2 == 0 ? i : 2 * COUNT - i;
            uint64_t major[] = {i, COUNT - i, zigzag};

            nodes[i].key = (struct ranked_key){major[sequence], 0};
            nodes[i].mask = 1;
            ranked_tree_insert(&t, &nodes[i]);
            if (i % 1000 == 0) {
                check_tree(&t);
            }
        }
        check_tree(&t);
        for (size_t left = COUNT; left > 0; left--) {
            assert_int_equal(ranked_tree_count(&t), left);
            ranked_tree_remove(&t, ranked_tree_first(&t));
            if (left % 1000 == 0) {
                check_tree(&t);
            }
        }
    }
    memory_give(nodes);
}

static bool same_shape(const struct ranked_node *a, const struct ranked_node *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->key.major == b->key.major && same_shape(a->left, b->left) &&
           same_shape(a->right, b->right);
}

/* Two runs whose records lie elsewhere in memory have the same tree. */
static void test_the_shape_does_not_depend_on_addresses(void **state)
{
    enum { COUNT = 300 };
    static struct ranked_node here[COUNT], there[COUNT];
    struct ranked_tree a, b;
    struct random r;

    (void)state;
    random_init(&r, 3);
    ranked_tree_init(&a);
    ranked_tree_init(&b);
    for (int step = 0; step < 5000; step++) {
        size_t i = random_below(&r, COUNT);
        struct ranked_node *x = &here[i];
        struct ranked_node *y = &there[COUNT - 1 - i];

        if (ranked_node_linked(x)) {
            ranked_tree_remove(&a, x);
            ranked_tree_remove(&b, y);
        } else {
            x->key.major = y->key.major = i;
            ranked_tree_insert(&a, x);
            ranked_tree_insert(&b, y);
        }
        assert_true(same_shape(a.root, b.root));
    }
}

static void test_an_empty_tree_has_nothing(void **state)
{
    struct ranked_key key = {0, 0};
    struct ranked_tree t;

    (void)state;
    ranked_tree_init(&t);
    assert_int_equal(ranked_tree_count(&t), 0);
    assert_null(ranked_tree_first(&t));
    assert_null(ranked_tree_last(&t));
    assert_null(ranked_tree_next(&t, key));
    assert_null(ranked_tree_first_with(&t, UINT32_MAX));
    assert_null(ranked_tree_next_with(&t, key, UINT32_MAX));
    assert_null(ranked_tree_at(&t, 0));
    assert_int_equal(ranked_tree_count_before(&t, key), 0);
}

static void test_who_stands_alone_moves_in_place(void **state)
{
    struct ranked_node n = {.key = {5, 1}, .mask = 2};
    struct ranked_tree t;

    (void)state;
    ranked_tree_init(&t);
    ranked_tree_insert(&t, &n);
    ranked_tree_move(&t, &n, (struct ranked_key){9, 2});
    check_tree(&t);
    assert_int_equal(ranked_tree_count_before(&t, (struct ranked_key){9, 2}), 0);
    assert_int_equal(ranked_tree_count_before(&t, (struct ranked_key){9, 3}), 1);
    assert_ptr_equal(ranked_tree_first_with(&t, 2), &n);
    ranked_tree_remove(&t, &n);
    assert_int_equal(ranked_tree_count(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes_agree_with_an_array),
        cmocka_unit_test(test_no_sequence_makes_it_deep),
        cmocka_unit_test(test_the_shape_does_not_depend_on_addresses),
        cmocka_unit_test(test_an_empty_tree_has_nothing),
        cmocka_unit_test(test_who_stands_alone_moves_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
