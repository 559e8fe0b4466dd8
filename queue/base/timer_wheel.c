#include "queue/base/timer_wheel.h"

#include <assert.h>
#include <string.h>

/* A time is a number of eleven digits with base 64. A timer stands on the level of the highest
 * digit in which its time differs from now, in the slot of that digit. So all that stands on a
 * level is later than all that stands on the levels below, no slot behind now's digit is occupied,
 * and what comes next is the lowest bit of the lowest level that has any.
 *
 * Timers for now or for the past share now's own slot on level 0, which nothing else can use.
 *
 * A list head is a node, too. */

#define SLOTS_ALL (TIMER_WHEEL_LEVELS * TIMER_WHEEL_SLOTS)

static unsigned level_shift(unsigned level)
{
    return level * TIMER_WHEEL_BITS;
}

static inline struct timer_node *node_at(const struct timer_node *from, near n)
{
    return near_at_known(from, n);
}

static void list_init(struct timer_node *head)
{
    head->next = head->previous = near_of(head);
}

static bool list_empty(const struct timer_node *head)
{
    return head->next == near_of(head);
}

static inline void list_append(struct timer_node *head, struct timer_node *n)
{
    near name = near_of(n);

    n->next = near_of(head);
    n->previous = head->previous;
    node_at(head, head->previous)->next = name;
    head->previous = name;
}

void timer_wheel_init(struct timer_wheel *w, struct store *store, timer_order_of order_of,
                      int64_t now)
{
    assert(now >= 0);
    memset(w, 0, sizeof(*w));
    w->now = now;
    w->order_of = order_of;
    w->slots = store_take_for_good(store, (SLOTS_ALL + 1) * sizeof(w->slots[0]));
    w->due = w->slots + SLOTS_ALL;
    for (unsigned i = 0; i <= SLOTS_ALL; i++) {
        list_init(&w->slots[i]);
    }
}

static void timer_wheel_place(struct timer_wheel *w, struct timer_node *n)
{
    uint64_t at = (uint64_t)(n->at > w->now ? n->at : w->now);
    uint64_t differs = at ^ (uint64_t)w->now;
    unsigned level = 0;
    unsigned slot;

    if (differs != 0) {
        level = (63 - (unsigned)__builtin_clzll(differs)) / TIMER_WHEEL_BITS;
    }
    slot = at >> level_shift(level) & (TIMER_WHEEL_SLOTS - 1);
    list_append(&w->slots[level * TIMER_WHEEL_SLOTS + slot], n);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void timer_wheel_disarm(struct timer_wheel *w, struct timer_node *n)
{
    struct timer_node *next;

    if (!timer_armed(n)) {
        return;
    }
    next = node_at(n, n->next);
    next->previous = n->previous;
    node_at(n, n->previous)->next = n->next;
    /* The last one of a list has the head on both sides. */
    if (n->next == n->previous && next != w->due) {
        size_t slot = (size_t)(next - w->slots);
        w->occupied[slot / TIMER_WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % TIMER_WHEEL_SLOTS);
    }
    n->next = n->previous = 0;
    w->armed--;
}

void timer_wheel_arm(struct timer_wheel *w, struct timer_node *n, int64_t at)
{
    if (timer_armed(n) && n->at == at && at > w->now) {
        return; /* what is due already goes to the end of those that are */
    }
    timer_wheel_disarm(w, n);
    if (at == TIMER_NEVER) {
        return;
    }
    n->at = at;
    timer_wheel_place(w, n);
    w->armed++;
}

/* The lowest occupied level, or TIMER_WHEEL_LEVELS. */
static unsigned timer_wheel_level(const struct timer_wheel *w)
{
    unsigned level = 0;

    while (level < TIMER_WHEEL_LEVELS && w->occupied[level] == 0) {
        level++;
    }
    return level;
}

/* When the first occupied slot of a level begins; now, where it began already. */
static int64_t timer_wheel_begin(const struct timer_wheel *w, unsigned level)
{
    uint64_t slot = (uint64_t)__builtin_ctzll(w->occupied[level]);
    uint64_t above = 0;

    if (level + 1 < TIMER_WHEEL_LEVELS) {
        unsigned shift = level_shift(level + 1);

        above = (uint64_t)w->now >> shift << shift;
    }
    return (int64_t)(above | slot << level_shift(level));
}

int64_t timer_wheel_next(const struct timer_wheel *w)
{
    unsigned level;

    if (!list_empty(w->due)) {
        return w->now;
    }
    level = timer_wheel_level(w);
    return level == TIMER_WHEEL_LEVELS ? TIMER_NEVER : timer_wheel_begin(w, level);
}

static bool fires_before(const struct timer_wheel *w, const struct timer_node *a,
                         const struct timer_node *b)
{
    return a->at < b->at || (a->at == b->at && w->order_of(a) < w->order_of(b));
}

/* Runs in firing order, linked by `next` alone and ending with 0, become one. */
static struct timer_node *merge(const struct timer_wheel *w, struct timer_node *a,
                                struct timer_node *b)
{
    near first = 0;
    near *end = &first;

    while (a != NULL && b != NULL) {
        struct timer_node **earlier = fires_before(w, b, a) ? &b : &a;

        *end = near_of(*earlier);
        end = &(*earlier)->next;
        *earlier = near_at(w->slots, *end);
    }
    *end = near_of(a != NULL ? a : b);
    return near_at(w->slots, first);
}

/* Bottom up: run i, where there is one, has 2^i nodes. Needs no memory and no recursion, also when
 * a million clocks end within one millisecond. */
static struct timer_node *sort(const struct timer_wheel *w, struct timer_node *unsorted)
{
    struct timer_node *runs[64] = {NULL};
    struct timer_node *sorted = NULL;
    unsigned used = 0;

    while (unsorted != NULL) {
        struct timer_node *run = unsorted;
        unsigned i = 0;

        unsorted = near_at(run, run->next);
        run->next = 0;
        for (; i < used && runs[i] != NULL; i++) {
            run = merge(w, runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = run;
        used = i < used ? used : i + 1;
    }
    for (unsigned i = 0; i < used; i++) {
        sorted = merge(w, runs[i], sorted);
    }
    return sorted;
}

/* Empty the first occupied slot of a level; the nodes come linked by `next` alone. */
static struct timer_node *timer_wheel_lift(struct timer_wheel *w, unsigned level)
{
    unsigned slot = (unsigned)__builtin_ctzll(w->occupied[level]);
    struct timer_node *head = &w->slots[level * TIMER_WHEEL_SLOTS + slot];
    struct timer_node *first = node_at(head, head->next);

    assert(first != head);
    node_at(head, head->previous)->next = 0;
    list_init(head);
    w->occupied[level] &= ~(UINT64_C(1) << slot);
    return first;
}

void timer_wheel_advance(struct timer_wheel *w, int64_t now)
{
    unsigned level;

    assert(now >= w->now);
    /* From one occupied slot to the next: a jump of years costs what is due in it, no more. */
    while ((level = timer_wheel_level(w)) != TIMER_WHEEL_LEVELS) {
        int64_t begin = timer_wheel_begin(w, level);
        struct timer_node *n;

        if (begin > now) {
            break;
        }
        w->now = begin;
        n = timer_wheel_lift(w, level);
        if (level == 0) {
            n = sort(w, n);
        }
        while (n != NULL) {
            struct timer_node *next = near_at(n, n->next);

            if (level == 0) {
                list_append(w->due, n);
            } else {
                timer_wheel_place(w, n);
            }
            n = next;
        }
    }
    w->now = now;
}

struct timer_node *timer_wheel_take_due(struct timer_wheel *w)
{
    struct timer_node *n = node_at(w->due, w->due->next);

    if (n == w->due) {
        return NULL;
    }
    timer_wheel_disarm(w, n);
    return n;
}
