/* An ordered tree of records that knows ranks and can look for a kind.
 *
 * Order: `major`, then `minor`; the pair must be unique within a tree. The keys
 * stand in the node, so that nothing here calls back. Each node also carries a
 * `mask`, and each subtree the union of its masks: the first node in order that
 * has any of some bits is found in O(log n) however many others stand before.
 *
 * Nodes live inside the records (intrusive): nothing allocates, nothing can run
 * out of memory. The tree owns nothing. insert, remove, rank, at and the
 * searches are O(log n); first is O(log n); count is O(1).
 * The shape depends only on the keys inserted and removed, never on addresses.
 *
 * A weight-balanced tree: the counts that ranks need are its balance, too
 * (Adams 1993; parameters 3 and 2 of Hirai and Yamamoto 2011). */
#ifndef QUEUE_BASE_RANKED_TREE_H
#define QUEUE_BASE_RANKED_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ranked_key {
    uint64_t major;
    uint64_t minor;
};

struct ranked_node {
    struct ranked_node *left;
    struct ranked_node *right;
    struct ranked_key key; /* the caller's; must not change while in a tree */
    uint32_t size;         /* nodes of this subtree, itself included; 0 when in no tree */
    uint16_t mask;         /* the caller's, see ranked_tree_set_mask */
    uint16_t mask_below;   /* union of the subtree's masks */
};

struct ranked_tree {
    struct ranked_node *root;
};

static inline bool ranked_key_less(struct ranked_key a, struct ranked_key b)
{
    return a.major < b.major || (a.major == b.major && a.minor < b.minor);
}

/* True while the node stands in a tree. A node must be zeroed before its first use. */
static inline bool ranked_node_linked(const struct ranked_node *n)
{
    return n->size != 0;
}

static inline size_t ranked_tree_count(const struct ranked_tree *t)
{
    return t->root == NULL ? 0 : t->root->size;
}

void ranked_tree_init(struct ranked_tree *t);

/* Put in a node that is in no tree; its key and mask are set. */
void ranked_tree_insert(struct ranked_tree *t, struct ranked_node *n);

/* Take out a node of this tree; afterwards it is linked nowhere. */
void ranked_tree_remove(struct ranked_tree *t, struct ranked_node *n);

/* Give a node of this tree another key, and its place by it. O(1) where it stands alone. */
void ranked_tree_move(struct ranked_tree *t, struct ranked_node *n, struct ranked_key key);

/* Change the mask of a node of this tree; its place stays. */
void ranked_tree_set_mask(struct ranked_tree *t, struct ranked_node *n, uint16_t mask);

/* In order; NULL at the end. `next` needs no node of the tree, only a key. */
struct ranked_node *ranked_tree_first(const struct ranked_tree *t);
struct ranked_node *ranked_tree_last(const struct ranked_tree *t);
struct ranked_node *ranked_tree_next(const struct ranked_tree *t, struct ranked_key after);

/* The first node, and the first behind a key, whose mask meets `any`. */
struct ranked_node *ranked_tree_first_with(const struct ranked_tree *t, uint32_t any);
struct ranked_node *ranked_tree_next_with(const struct ranked_tree *t, struct ranked_key after,
                                          uint32_t any);

/* How many nodes have a smaller key. The key need not be in the tree. */
size_t ranked_tree_count_before(const struct ranked_tree *t, struct ranked_key key);

/* The node with `index` nodes before it, or NULL. */
struct ranked_node *ranked_tree_at(const struct ranked_tree *t, size_t index);

#endif
