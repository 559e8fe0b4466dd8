#include "queue/base/ranked_tree.h"

#include <assert.h>

/* The weight of a subtree is its size + 1. Neither child weighs more than HEAVY times the other.
 * Where one does, a single rotation mends it if its inner child weighs less than INNER times the
 * outer one, else a double. 3 and 2 are the one pair of integers that is proved to be enough (Hirai
 * and Yamamoto, Balancing weight-balanced trees, 2011). */
#define HEAVY 3
#define INNER 2

/* A child has at most 3/4 of its parent's weight, and the root's is at most 2^32: no way down is
 * longer than 32 / log2(4/3) = 77. */
#define DEPTH_MAX 80

/* The links that were followed from the root, the root's own first. Nodes have no parent pointer:
 * who changes something comes from the top, and goes back this way. */
struct way {
    struct ranked_node **link[DEPTH_MAX];
    unsigned length;
};

static inline uint32_t size_of(const struct ranked_node *n)
{
    return n == NULL ? 0 : n->size;
}

static inline uint16_t mask_of(const struct ranked_node *n)
{
    return n == NULL ? 0 : n->mask_below;
}

static inline bool key_equal(struct ranked_key a, struct ranked_key b)
{
    return a.major == b.major && a.minor == b.minor;
}

static inline uint16_t mask_union(const struct ranked_node *n)
{
    return (uint16_t)(n->mask | mask_of(n->left) | mask_of(n->right));
}

static inline void node_sum_up(struct ranked_node *n)
{
    n->size = 1 + size_of(n->left) + size_of(n->right);
    n->mask_below = mask_union(n);
}

void ranked_tree_init(struct ranked_tree *t)
{
    t->root = NULL;
}

/* Rotations bring a child up into `*link`. The new top has the nodes of the old one below it. */
static void bring_up_right(struct ranked_node **link)
{
    struct ranked_node *top = *link;
    struct ranked_node *child = top->right;

    top->right = child->left;
    child->left = top;
    child->size = top->size;
    child->mask_below = top->mask_below;
    node_sum_up(top);
    *link = child;
}

static void bring_up_left(struct ranked_node **link)
{
    struct ranked_node *top = *link;
    struct ranked_node *child = top->left;

    top->left = child->right;
    child->right = top;
    child->size = top->size;
    child->mask_below = top->mask_below;
    node_sum_up(top);
    *link = child;
}

static inline bool too_heavy(uint32_t size, uint32_t than)
{
    return (uint64_t)size + 1 > HEAVY * ((uint64_t)than + 1);
}

static inline bool needs_double(const struct ranked_node *inner, const struct ranked_node *outer)
{
    return (uint64_t)size_of(inner) + 1 >= INNER * ((uint64_t)size_of(outer) + 1);
}

static void lighten_right(struct ranked_node **link)
{
    struct ranked_node *top = *link;

    if (needs_double(top->right->left, top->right->right)) {
        bring_up_left(&top->right);
    }
    bring_up_right(link);
}

static void lighten_left(struct ranked_node **link)
{
    struct ranked_node *top = *link;

    if (needs_double(top->left->right, top->left->left)) {
        bring_up_right(&top->left);
    }
    bring_up_left(link);
}

/* Mend a subtree whose children are balanced and of which one changed by a node. `below` is the
 * size of either: the other one's follows from it, so that a child beside the way is fetched from
 * memory only where something is to be mended. */
static inline void balance(struct ranked_node **link, uint32_t below)
{
    const struct ranked_node *top = *link;
    uint32_t beside = top->size - 1 - below;

    if (too_heavy(below, beside) || too_heavy(beside, below)) {
        if (size_of(top->left) > size_of(top->right)) {
            lighten_left(link);
        } else {
            lighten_right(link);
        }
    }
}

static inline void way_add(struct way *way, struct ranked_node **link)
{
    assert(way->length < DEPTH_MAX);
    way->link[way->length++] = link;
}

void ranked_tree_insert(struct ranked_tree *t, struct ranked_node *n)
{
    struct ranked_node **link = &t->root;
    struct way way;
    uint32_t below = 1;

    assert(!ranked_node_linked(n));
    way.length = 0;
    while (*link != NULL) {
        struct ranked_node *at = *link;

        assert(!key_equal(n->key, at->key));
        way_add(&way, link);
        at->size++;
        at->mask_below |= n->mask;
        link = ranked_key_less(n->key, at->key) ? &at->left : &at->right;
    }
    n->left = n->right = NULL;
    n->size = 1;
    n->mask_below = n->mask;
    *link = n;

    while (way.length > 0) {
        link = way.link[--way.length];
        balance(link, below);
        below = (*link)->size;
    }
}

/* Go from the top to `n`, which must be there. The way ends with the link to it. */
static struct ranked_node **way_to(struct ranked_tree *t, const struct ranked_node *n,
                                   struct way *way)
{
    struct ranked_node **link = &t->root;

    way->length = 0;
    while (*link != n) {
        struct ranked_node *at = *link;

        assert(at != NULL);
        way_add(way, link);
        link = ranked_key_less(n->key, at->key) ? &at->left : &at->right;
    }
    way_add(way, link);
    return link;
}

/* Put the next node in order in the place of `*link`, which has both children. The way then goes on
 * to where that node was taken from; what stands there now is returned. */
static struct ranked_node *replace_by_next(struct ranked_node **link, struct way *way)
{
    struct ranked_node *old = *link;
    unsigned place = way->length;
    struct ranked_node **from = &old->right;
    struct ranked_node *next;
    struct ranked_node *left_behind;

    while ((*from)->left != NULL) {
        way_add(way, from);
        from = &(*from)->left;
    }
    next = *from;
    left_behind = next->right;
    *from = left_behind;
    next->left = old->left;
    next->right = old->right;
    next->size = old->size;
    next->mask_below = old->mask_below;
    *link = next;
    if (way->length > place) {
        way->link[place] = &next->right; /* it was in the node that goes */
    }
    return left_behind;
}

void ranked_tree_remove(struct ranked_tree *t, struct ranked_node *n)
{
    struct way way;
    struct ranked_node **link;
    unsigned changed_place = 0; /* the way's length at a node that is new in its place, or 0 */
    bool mask_changed = true;
    uint32_t below;

    assert(ranked_node_linked(n));
    link = way_to(t, n, &way);
    if (n->left != NULL && n->right != NULL) {
        changed_place = way.length;
        below = size_of(replace_by_next(link, &way));
    } else {
        *link = n->left != NULL ? n->left : n->right;
        below = size_of(*link);
        way.length--;
    }

    while (way.length > 0) {
        unsigned length = way.length--;
        struct ranked_node *at;

        link = way.link[way.length];
        at = *link;
        at->size--;
        /* A union that did not change changes none above it, except where another node stands. */
        if (mask_changed || length == changed_place) {
            uint16_t mask = mask_union(at);

            mask_changed = mask != at->mask_below;
            at->mask_below = mask;
        }
        balance(link, below);
        below = (*link)->size;
    }
    n->left = n->right = NULL;
    n->size = 0;
}

void ranked_tree_move(struct ranked_tree *t, struct ranked_node *n, struct ranked_key key)
{
    if (ranked_tree_count(t) == 1) {
        assert(t->root == n);
        n->key = key;
        return;
    }
    ranked_tree_remove(t, n);
    n->key = key;
    ranked_tree_insert(t, n);
}

void ranked_tree_set_mask(struct ranked_tree *t, struct ranked_node *n, uint16_t mask)
{
    struct way way;

    assert(ranked_node_linked(n));
    if (mask == n->mask) {
        return;
    }
    way_to(t, n, &way);
    n->mask = mask;
    while (way.length > 0) {
        struct ranked_node *at = *way.link[--way.length];
        uint16_t below = mask_union(at);

        if (below == at->mask_below) {
            return;
        }
        at->mask_below = below;
    }
}

struct ranked_node *ranked_tree_first(const struct ranked_tree *t)
{
    struct ranked_node *n = t->root;

    while (n != NULL && n->left != NULL) {
        n = n->left;
    }
    return n;
}

struct ranked_node *ranked_tree_last(const struct ranked_tree *t)
{
    struct ranked_node *n = t->root;

    while (n != NULL && n->right != NULL) {
        n = n->right;
    }
    return n;
}

struct ranked_node *ranked_tree_next(const struct ranked_tree *t, struct ranked_key after)
{
    struct ranked_node *next = NULL;
    struct ranked_node *n = t->root;

    while (n != NULL) {
        if (ranked_key_less(after, n->key)) {
            next = n;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return next;
}

/* The first node of a subtree that has any of some bits, or NULL. */
static struct ranked_node *first_with(struct ranked_node *n, uint32_t any)
{
    while (n != NULL && (n->mask_below & any) != 0) {
        if ((mask_of(n->left) & any) != 0) {
            n = n->left;
        } else if ((n->mask & any) != 0) {
            return n;
        } else {
            n = n->right;
        }
    }
    return NULL;
}

struct ranked_node *ranked_tree_first_with(const struct ranked_tree *t, uint32_t any)
{
    return first_with(t->root, any);
}

struct ranked_node *ranked_tree_next_with(const struct ranked_tree *t, struct ranked_key after,
                                          uint32_t any)
{
    struct ranked_node *behind[DEPTH_MAX]; /* nodes behind the key, each before the one above it */
    unsigned count = 0;
    struct ranked_node *n = t->root;

    while (n != NULL && (n->mask_below & any) != 0) {
        if (ranked_key_less(after, n->key)) {
            assert(count < DEPTH_MAX);
            behind[count++] = n;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    while (count > 0) {
        n = behind[--count];
        if ((n->mask & any) != 0) {
            return n;
        }
        if ((mask_of(n->right) & any) != 0) {
            return first_with(n->right, any);
        }
    }
    return NULL;
}

size_t ranked_tree_count_before(const struct ranked_tree *t, struct ranked_key key)
{
    const struct ranked_node *n = t->root;
    size_t count = 0;

    while (n != NULL) {
        if (ranked_key_less(n->key, key)) {
            /* Not 1 + left: the left child is beside the way, and would have to be fetched. */
            count += n->size - size_of(n->right);
            n = n->right;
        } else {
            n = n->left;
        }
    }
    return count;
}

struct ranked_node *ranked_tree_at(const struct ranked_tree *t, size_t index)
{
    struct ranked_node *n = t->root;

    while (n != NULL) {
        size_t before = size_of(n->left);

        if (index == before) {
            return n;
        }
        if (index < before) {
            n = n->left;
        } else {
            index -= before + 1;
            n = n->right;
        }
    }
    return NULL;
}
