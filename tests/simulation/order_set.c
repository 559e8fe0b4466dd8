#include "tests/simulation/order_set.h"

#include "queue/base/memory.h"
#include "tests/simulation/name_map.h"

#include <assert.h>

void order_table_close(struct order_table *t)
{
    memory_give(t->nodes);
}

static struct order_node *node(const struct order_table *t, uint32_t link)
{
    return &t->nodes[link - 1];
}

static uint32_t size_of(const struct order_table *t, uint32_t link)
{
    return link == 0 ? 0 : node(t, link)->size;
}

static void recount(const struct order_table *t, uint32_t link)
{
    struct order_node *n = node(t, link);

    n->size = 1 + size_of(t, n->left) + size_of(t, n->right);
}

/* Split a tree into those before a key and the others. */
static void split(const struct order_table *t, uint32_t link, struct order_key key,
                  uint32_t *before, uint32_t *others)
{
    struct order_node *n;

    if (link == 0) {
        *before = *others = 0;
        return;
    }
    n = node(t, link);
    if (order_before(n->key, key)) {
        split(t, n->right, key, &n->right, others);
        *before = link;
    } else {
        split(t, n->left, key, before, &n->left);
        *others = link;
    }
    recount(t, link);
}

static uint32_t join(const struct order_table *t, uint32_t left, uint32_t right)
{
    if (left == 0 || right == 0) {
        return left == 0 ? right : left;
    }
    if (node(t, left)->weight > node(t, right)->weight) {
        node(t, left)->right = join(t, node(t, left)->right, right);
        recount(t, left);
        return left;
    }
    node(t, right)->left = join(t, left, node(t, right)->left);
    recount(t, right);
    return right;
}

/* Weights look random and depend on the number alone. */
static uint32_t weight_of(uint32_t number)
{
    uint64_t z = (number + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(z >> 32);
}

void order_set_insert(struct order_table *t, struct order_set *s, uint32_t number,
                      struct order_key key)
{
    uint32_t before, others;

    t->nodes = room_for(t->nodes, &t->capacity, (size_t)number + 1, sizeof(*t->nodes));
    assert(t->nodes[number].size == 0);
    t->nodes[number] = (struct order_node){key, 0, 0, 1, weight_of(number)};
    split(t, s->root, key, &before, &others);
    s->root = join(t, join(t, before, number + 1), others);
}

void order_set_remove(struct order_table *t, struct order_set *s, uint32_t number)
{
    struct order_key key = t->nodes[number].key;
    struct order_key behind = {key.major, key.minor + 1};
    uint32_t before, rest, one, others;

    assert(t->nodes[number].size != 0);
    split(t, s->root, key, &before, &rest);
    split(t, rest, behind, &one, &others);
    assert(one == number + 1);
    t->nodes[number].size = 0;
    s->root = join(t, before, others);
}

size_t order_set_count(const struct order_table *t, const struct order_set *s)
{
    return size_of(t, s->root);
}

size_t order_set_before(const struct order_table *t, const struct order_set *s,
                        struct order_key key)
{
    size_t count = 0;
    uint32_t link = s->root;

    while (link != 0) {
        const struct order_node *n = node(t, link);

        if (order_before(n->key, key)) {
            count += 1 + size_of(t, n->left);
            link = n->right;
        } else {
            link = n->left;
        }
    }
    return count;
}

uint32_t order_set_first(const struct order_table *t, const struct order_set *s)
{
    uint32_t link = s->root;

    while (link != 0 && node(t, link)->left != 0) {
        link = node(t, link)->left;
    }
    return link == 0 ? NOBODY : link - 1;
}

uint32_t order_set_next(const struct order_table *t, const struct order_set *s,
                        struct order_key after)
{
    uint32_t link = s->root;
    uint32_t found = 0;

    while (link != 0) {
        if (order_before(after, node(t, link)->key)) {
            found = link;
            link = node(t, link)->left;
        } else {
            link = node(t, link)->right;
        }
    }
    return found == 0 ? NOBODY : found - 1;
}
