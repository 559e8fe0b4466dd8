/* A doubly linked list whose links take four bytes: its nodes are in records of a store. The head
 * stands anywhere; a node that is in no list is zeroed. */
#ifndef QUEUE_BASE_NEAR_LIST_H
#define QUEUE_BASE_NEAR_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "queue/base/store.h"

struct near_node {
    near next;
    near previous;
};

struct near_list {
    struct near_node *first;
    struct near_node *last;
};

/* An empty list is zeroed, too. */
static inline bool near_list_empty(const struct near_list *l)
{
    return l->first == NULL;
}

static inline struct near_node *near_list_first(const struct near_list *l)
{
    return l->first;
}

static inline struct near_node *near_list_last(const struct near_list *l)
{
    return l->last;
}

/* The node behind `n`, NULL at the end. */
static inline struct near_node *near_list_next(const struct near_node *n)
{
    return near_at(n, n->next);
}

/* Whether a node that is in this list or in none is in this one. */
static inline bool near_list_has(const struct near_list *l, const struct near_node *n)
{
    return l->first == n || n->previous != 0;
}

static inline void near_list_append(struct near_list *l, struct near_node *n)
{
    n->next = 0;
    n->previous = near_of(l->last);
    if (l->last != NULL) {
        l->last->next = near_of(n);
    } else {
        l->first = n;
    }
    l->last = n;
}

static inline void near_list_remove(struct near_list *l, struct near_node *n)
{
    struct near_node *next = near_at(n, n->next);
    struct near_node *previous = near_at(n, n->previous);

    if (next != NULL) {
        next->previous = n->previous;
    } else {
        l->last = previous;
    }
    if (previous != NULL) {
        previous->next = n->next;
    } else {
        l->first = next;
    }
    n->next = n->previous = 0;
}

#endif
