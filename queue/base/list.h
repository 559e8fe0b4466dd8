/* A doubly linked ring with its links inside the records. A node that is in no list has NULL links
 * (zeroed); a list head is initialised to itself. */
#ifndef QUEUE_BASE_LIST_H
#define QUEUE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next;
    struct list_node *previous;
};

struct list {
    struct list_node head;
};

#define record_of(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->head.next = l->head.previous = &l->head;
}

static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline bool list_linked(const struct list_node *n)
{
    return n->next != NULL;
}

static inline void list_append(struct list *l, struct list_node *n)
{
    n->next = &l->head;
    n->previous = l->head.previous;
    n->previous->next = n;
    l->head.previous = n;
}

static inline void list_remove(struct list_node *n)
{
    n->next->previous = n->previous;
    n->previous->next = n->next;
    n->next = n->previous = NULL;
}

static inline struct list_node *list_first(const struct list *l)
{
    return list_empty(l) ? NULL : l->head.next;
}

static inline struct list_node *list_last(const struct list *l)
{
    return list_empty(l) ? NULL : l->head.previous;
}

/* The node before `n`, NULL at the beginning. */
static inline struct list_node *list_previous(const struct list *l, const struct list_node *n)
{
    return n->previous == &l->head ? NULL : n->previous;
}

/* The node behind `n`, NULL at the end. */
static inline struct list_node *list_next(const struct list *l, const struct list_node *n)
{
    return n->next == &l->head ? NULL : n->next;
}

#endif
