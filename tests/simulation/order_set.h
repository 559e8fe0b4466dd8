/* Small numbers in an order of their own: a treap that counts.
 *
 * The nodes of all sets stand in one table, indexed by the number; a number is in at most one of
 * the sets of a table. Everything is O(log n). It shares no code with the engine's trees, on
 * purpose. */
#ifndef TESTS_SIMULATION_ORDER_SET_H
#define TESTS_SIMULATION_ORDER_SET_H

#include <stddef.h>
#include <stdint.h>

struct order_key {
    int64_t major;
    uint64_t minor; /* makes keys of a set unique */
};

struct order_node {
    struct order_key key;
    uint32_t left, right; /* number + 1; 0: none */
    uint32_t size;        /* 0: in no set */
    uint32_t weight;
};

struct order_table {
    struct order_node *nodes;
    size_t capacity;
};

struct order_set {
    uint32_t root; /* number + 1 */
};

static inline int order_before(struct order_key a, struct order_key b)
{
    return a.major < b.major || (a.major == b.major && a.minor < b.minor);
}

void order_table_close(struct order_table *t);
void order_set_insert(struct order_table *t, struct order_set *s, uint32_t number,
                      struct order_key key);
void order_set_remove(struct order_table *t, struct order_set *s, uint32_t number);
size_t order_set_count(const struct order_table *t, const struct order_set *s);

/* How many have a key before this one. */
size_t order_set_before(const struct order_table *t, const struct order_set *s,
                        struct order_key key);

/* The first, and the first behind a key; UINT32_MAX when there is none. */
uint32_t order_set_first(const struct order_table *t, const struct order_set *s);
uint32_t order_set_next(const struct order_table *t, const struct order_set *s,
                        struct order_key after);

#endif
