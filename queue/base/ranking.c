#include "queue/base/ranking.h"

#include <assert.h>

#define LEAF_ROOM  61
#define FORK_ROOM  32
#define LEVELS_MAX 16

/* Behind a removal two neighbours become one when they fill no more than this: low enough for
 * what comes to find room, high enough for nodes to be a third full at least, on an average. */
#define LEAF_MERGED (LEAF_ROOM * 2 / 3)
#define FORK_MERGED (FORK_ROOM * 2 / 3)

struct leaf {
    uint32_t count;
    near keys[LEAF_ROOM]; /* in order */
};

/* All keys below child i are at least from[i] and less than from[i + 1]; from[0] says nothing. */
struct fork {
    uint32_t count;
    near children[FORK_ROOM];
    uint32_t below[FORK_ROOM]; /* records */
    struct ranked_key from[FORK_ROOM];
};

/* From the root to a leaf: the forks, and which child was taken. */
struct way {
    struct fork *fork[LEVELS_MAX];
    uint32_t child[LEVELS_MAX];
};

void ranking_pools_init(struct ranking_pools *p, struct store *store)
{
    pool_init(&p->leaves, store, sizeof(struct leaf));
    pool_init(&p->forks, store, sizeof(struct fork));
}

void ranking_pools_close(struct ranking_pools *p)
{
    pool_close(&p->leaves);
    pool_close(&p->forks);
}

static void *root_of(const struct ranking *r)
{
    return near_at_known(r, r->root);
}

void ranking_close(struct ranking *r, struct ranking_pools *p)
{
    assert(r->count == 0 && r->levels == 0);
    if (r->root != 0) {
        pool_give(&p->leaves, root_of(r));
    }
    *r = (struct ranking){0, 0, 0};
}

/* ---- finding ---- */

static inline struct ranked_key *key_at(const struct leaf *leaf, uint32_t i)
{
    return near_at_known(leaf, leaf->keys[i]);
}

/* How many keys of a leaf are less than `key`. What comes stands last in most, what goes first. */
static uint32_t leaf_before(const struct leaf *leaf, struct ranked_key key)
{
    uint32_t low = 0, high = leaf->count;

    if (high == 0 || ranked_key_less(*key_at(leaf, high - 1), key)) {
        return high;
    }
    if (!ranked_key_less(*key_at(leaf, 0), key)) {
        return 0;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (ranked_key_less(*key_at(leaf, middle), key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The child below which a key belongs. */
static uint32_t fork_child(const struct fork *fork, struct ranked_key key)
{
    uint32_t low = 1, high = fork->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (ranked_key_less(key, fork->from[middle])) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low - 1;
}

static void *child_at(const struct fork *fork, uint32_t i)
{
    return near_at_known(fork, fork->children[i]);
}

/* The leaf where a key belongs; the way there, where it is asked for. */
static struct leaf *leaf_of(const struct ranking *r, struct ranked_key key, struct way *way)
{
    void *at = root_of(r);

    for (uint32_t level = 0; level < r->levels; level++) {
        way->fork[level] = at;
        way->child[level] = fork_child(at, key);
        at = child_at(at, way->child[level]);
    }
    return at;
}

static struct ranked_key *first_below(void *at, uint32_t levels)
{
    const struct leaf *leaf;

    while (levels-- > 0) {
        at = child_at(at, 0);
    }
    leaf = at;
    return leaf->count == 0 ? NULL : key_at(leaf, 0);
}

struct ranked_key *ranking_first(const struct ranking *r)
{
    return r->count == 0 ? NULL : first_below(root_of(r), r->levels);
}

struct ranked_key *ranking_next(const struct ranking *r, struct ranked_key after)
{
    const struct leaf *leaf;
    struct way way;
    uint32_t i;

    if (r->count == 0) {
        return NULL;
    }
    leaf = leaf_of(r, after, &way);
    i = leaf_before(leaf, after);
    if (i < leaf->count && !ranked_key_less(after, *key_at(leaf, i))) {
        i++; /* it is `after` itself */
    }
    if (i < leaf->count) {
        return key_at(leaf, i);
    }
    for (uint32_t level = r->levels; level-- > 0;) {
        const struct fork *fork = way.fork[level];
        if (way.child[level] + 1 < fork->count) {
            return first_below(child_at(fork, way.child[level] + 1), r->levels - level - 1);
        }
    }
    return NULL;
}

size_t ranking_count_before(const struct ranking *r, struct ranked_key key)
{
    struct way way;
    size_t count;

    if (r->count == 0) {
        return 0;
    }
    count = leaf_before(leaf_of(r, key, &way), key);
    for (uint32_t level = 0; level < r->levels; level++) {
        for (uint32_t i = 0; i < way.child[level]; i++) {
            count += way.fork[level]->below[i];
        }
    }
    return count;
}

/* ---- changing nodes ---- */

static void leaf_put(struct leaf *leaf, uint32_t i, near key)
{
    memmove(&leaf->keys[i + 1], &leaf->keys[i], (leaf->count - i) * sizeof(leaf->keys[0]));
    leaf->keys[i] = key;
    leaf->count++;
}

static void leaf_drop(struct leaf *leaf, uint32_t i)
{
    leaf->count--;
    memmove(&leaf->keys[i], &leaf->keys[i + 1], (leaf->count - i) * sizeof(leaf->keys[0]));
}

/* Move children from `i` on to place `i + by`; their number is the caller's to set. */
static void fork_shift(struct fork *fork, uint32_t i, int by)
{
    uint32_t to = (uint32_t)((int)i + by), count = fork->count - i;

    memmove(&fork->children[to], &fork->children[i], count * sizeof(fork->children[0]));
    memmove(&fork->below[to], &fork->below[i], count * sizeof(fork->below[0]));
    memmove(&fork->from[to], &fork->from[i], count * sizeof(fork->from[0]));
}

static void fork_copy(struct fork *to, uint32_t at, const struct fork *from, uint32_t i,
                      uint32_t count)
{
    memcpy(&to->children[at], &from->children[i], count * sizeof(to->children[0]));
    memcpy(&to->below[at], &from->below[i], count * sizeof(to->below[0]));
    memcpy(&to->from[at], &from->from[i], count * sizeof(to->from[0]));
}

static void fork_put(struct fork *fork, uint32_t i, void *child, uint32_t below,
                     struct ranked_key from)
{
    fork_shift(fork, i, 1);
    fork->children[i] = near_of(child);
    fork->below[i] = below;
    fork->from[i] = from;
    fork->count++;
}

static void fork_drop(struct fork *fork, uint32_t i)
{
    fork_shift(fork, i + 1, -1);
    fork->count--;
}

static uint32_t fork_sum(const struct fork *fork)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < fork->count; i++) {
        sum += fork->below[i];
    }
    return sum;
}

/* ---- insertion ---- */

/* A part of a full node, made a node of its own behind it. */
struct part {
    void *node;
    uint32_t records;
    struct ranked_key from;
};

/* Where to part a full node so that place `i` has room: at the end what was full stays full. */
static uint32_t part_at(uint32_t i, uint32_t count)
{
    return i == count ? count : count / 2;
}

static struct part leaf_part(struct ranking_pools *p, struct leaf *leaf, uint32_t i,
                             struct ranked_key *key)
{
    uint32_t at = part_at(i, leaf->count);
    struct leaf *behind = pool_take_raw(&p->leaves);

    behind->count = leaf->count - at;
    memcpy(behind->keys, &leaf->keys[at], behind->count * sizeof(leaf->keys[0]));
    leaf->count = at;
    if (i > at || behind->count == 0) {
        leaf_put(behind, i - at, near_of(key));
    } else {
        leaf_put(leaf, i, near_of(key));
    }
    return (struct part){behind, behind->count, *key_at(behind, 0)};
}

static struct part fork_part(struct ranking_pools *p, struct fork *fork, uint32_t i,
                             const struct part *child)
{
    uint32_t at = part_at(i, fork->count);
    struct fork *behind = pool_take_raw(&p->forks);

    behind->count = fork->count - at;
    fork_copy(behind, 0, fork, at, behind->count);
    fork->count = at;
    if (i > at || behind->count == 0) {
        fork_put(behind, i - at, child->node, child->records, child->from);
    } else {
        fork_put(fork, i, child->node, child->records, child->from);
    }
    return (struct part){behind, fork_sum(behind), behind->from[0]};
}

/* One level more: the root and what was parted from it. */
static void grow(struct ranking *r, struct ranking_pools *p, const struct part *part)
{
    struct fork *root = pool_take_raw(&p->forks);

    root->count = 0;
    fork_put(root, 0, root_of(r), r->count - part->records, part->from);
    fork_put(root, 1, part->node, part->records, part->from);
    r->root = near_of(root);
    r->levels++;
    assert(r->levels < LEVELS_MAX);
}

void ranking_insert(struct ranking *r, struct ranking_pools *p, struct ranked_key *key)
{
    struct leaf *leaf;
    struct part part;
    struct way way;
    uint32_t i;

    if (r->root == 0) {
        leaf = pool_take_raw(&p->leaves);
        leaf->count = 0;
        r->root = near_of(leaf);
    }
    leaf = leaf_of(r, *key, &way);
    for (uint32_t level = 0; level < r->levels; level++) {
        way.fork[level]->below[way.child[level]]++;
    }
    r->count++;
    i = leaf_before(leaf, *key);
    if (leaf->count < LEAF_ROOM) {
        leaf_put(leaf, i, near_of(key));
        return;
    }
    part = leaf_part(p, leaf, i, key);
    for (uint32_t level = r->levels; level-- > 0;) {
        struct fork *fork = way.fork[level];
        uint32_t child = way.child[level];
        fork->below[child] -= part.records;
        if (fork->count < FORK_ROOM) {
            fork_put(fork, child + 1, part.node, part.records, part.from);
            return;
        }
        part = fork_part(p, fork, child + 1, &part);
    }
    grow(r, p, &part);
}

/* ---- removal ---- */

/* Make children `i` and `i + 1` of a fork one, when they are small enough together. */
static void merge_leaves(struct ranking_pools *p, struct fork *fork, uint32_t i)
{
    struct leaf *leaf = child_at(fork, i);
    struct leaf *behind = child_at(fork, i + 1);

    if (leaf->count + behind->count > LEAF_MERGED) {
        return;
    }
    memcpy(&leaf->keys[leaf->count], behind->keys, behind->count * sizeof(leaf->keys[0]));
    leaf->count += behind->count;
    fork->below[i] += fork->below[i + 1];
    pool_give(&p->leaves, behind);
    fork_drop(fork, i + 1);
}

static void merge_forks(struct ranking_pools *p, struct fork *fork, uint32_t i)
{
    struct fork *one = child_at(fork, i);
    struct fork *behind = child_at(fork, i + 1);

    if (one->count + behind->count > FORK_MERGED) {
        return;
    }
    behind->from[0] = fork->from[i + 1]; /* it said nothing, and does now */
    fork_copy(one, one->count, behind, 0, behind->count);
    one->count += behind->count;
    fork->below[i] += fork->below[i + 1];
    pool_give(&p->forks, behind);
    fork_drop(fork, i + 1);
}

/* A child of a fork has become smaller. */
static void mend(const struct ranking *r, struct ranking_pools *p, struct fork *fork,
                 uint32_t level, uint32_t child)
{
    void (*merge)(struct ranking_pools *, struct fork *, uint32_t) =
        level + 1 == r->levels ? merge_leaves : merge_forks;

    if (child + 1 < fork->count) {
        merge(p, fork, child);
    }
    if (child > 0) {
        merge(p, fork, child - 1);
    }
}

/* Levels whose one fork has one child are none. */
static void shrink(struct ranking *r, struct ranking_pools *p)
{
    while (r->levels > 0) {
        struct fork *root = root_of(r);
        if (root->count > 1) {
            return;
        }
        r->root = root->children[0];
        r->levels--;
        pool_give(&p->forks, root);
    }
}

void ranking_remove(struct ranking *r, struct ranking_pools *p, struct ranked_key *key)
{
    struct way way;
    struct leaf *leaf = leaf_of(r, *key, &way);
    uint32_t i = leaf_before(leaf, *key);
    void *node = leaf;
    bool empty;

    assert(i < leaf->count && leaf->keys[i] == near_of(key));
    leaf_drop(leaf, i);
    r->count--;
    for (uint32_t level = 0; level < r->levels; level++) {
        way.fork[level]->below[way.child[level]]--;
    }
    if (leaf->count > LEAF_MERGED / 2 || r->levels == 0) {
        return;
    }
    empty = leaf->count == 0;
    for (uint32_t level = r->levels; level-- > 0;) {
        struct fork *fork = way.fork[level];
        if (empty) {
            pool_give(level + 1 == r->levels ? &p->leaves : &p->forks, node);
            fork_drop(fork, way.child[level]);
        } else {
            mend(r, p, fork, level, way.child[level]);
        }
        empty = fork->count == 0;
        node = fork;
    }
    if (empty) {
        pool_give(&p->forks, node);
        r->root = 0;
        r->levels = 0;
    }
    shrink(r, p);
}
