/* A hierarchical timing wheel: arming and disarming are O(1) however many run.
 *
 * Resolution is one millisecond, the range any int64 that is not negative. What is due comes
 * out ordered by (`at`, `order`), whatever the sequence of arming was: a run that was
 * rebuilt from a journal fires in the same order. `order` is the caller's, asked for when it
 * matters; it should be unique among timers of one instant and must not change while armed.
 *
 * Nodes live inside records of a store (store.h) and are owned by the caller. So do the heads of
 * the wheel's lists, which are there as long as the store; nothing else allocates. */
#ifndef QUEUE_BASE_TIMER_WHEEL_H
#define QUEUE_BASE_TIMER_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/base/store.h"

#define TIMER_WHEEL_BITS   6
#define TIMER_WHEEL_SLOTS  (1u << TIMER_WHEEL_BITS)
#define TIMER_WHEEL_LEVELS 11 /* 66 bits: every int64 */
#define TIMER_NEVER        INT64_MAX

struct timer_node {
    near next;
    near previous; /* 0 when not armed */
    int64_t at;    /* milliseconds, the caller's time line */
};

typedef uint64_t (*timer_order_of)(const struct timer_node *n);

struct timer_wheel {
    int64_t now;
    size_t armed;
    uint64_t occupied[TIMER_WHEEL_LEVELS];
    struct timer_node *slots; /* list heads, a level's behind each other */
    struct timer_node *due;   /* list head, in firing order */
    timer_order_of order_of;
};

/* Start empty at `now`, for nodes in this store. */
void timer_wheel_init(struct timer_wheel *w, struct store *store, timer_order_of order_of,
                      int64_t now);

static inline bool timer_armed(const struct timer_node *n)
{
    return n->previous != 0;
}

/* Arm (or re-arm) for `at`; a time that has passed fires at the next advance.
 * TIMER_NEVER disarms. The node must be zeroed before its first use. */
void timer_wheel_arm(struct timer_wheel *w, struct timer_node *n, int64_t at);

/* Disarm; harmless when not armed. Allowed for nodes that are due and not yet taken. */
void timer_wheel_disarm(struct timer_wheel *w, struct timer_node *n);

/* No timer fires before this instant; it may be earlier than the first one (a cascade is due
 * then), never later. TIMER_NEVER when nothing is armed. */
int64_t timer_wheel_next(const struct timer_wheel *w);

/* Move the wheel's time to `now` (not backwards) and collect what is due, in order, behind what was
 * collected before and not taken. Timers armed for the past while it is being emptied come with
 * the next advance. */
void timer_wheel_advance(struct timer_wheel *w, int64_t now);

/* Whether the wheel stands at `now` already and nothing is due there: advancing to it finds
 * nothing.
 */
static inline bool timer_wheel_is_quiet(const struct timer_wheel *w, int64_t now)
{
    return w->now == now && w->due->next == near_of(w->due) &&
           (w->occupied[0] >> (now & (TIMER_WHEEL_SLOTS - 1)) & 1) == 0;
}

/* Take the next due timer, disarmed, or NULL. */
struct timer_node *timer_wheel_take_due(struct timer_wheel *w);

#endif
