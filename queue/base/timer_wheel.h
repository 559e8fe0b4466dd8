/* A hierarchical timing wheel: arming and disarming are O(1) however many run.
 *
 * Resolution is one millisecond, the range any int64 that is not negative. What is due comes
 * out ordered by (`at`, `order`), whatever the sequence of arming was: a run that was
 * rebuilt from a journal fires in the same order. `order` is the caller's and
 * should be unique among timers of one instant.
 *
 * Nodes live inside the records and are owned by the caller; nothing allocates. */
#ifndef QUEUE_BASE_TIMER_WHEEL_H
#define QUEUE_BASE_TIMER_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_WHEEL_BITS   6
#define TIMER_WHEEL_SLOTS  (1u << TIMER_WHEEL_BITS)
#define TIMER_WHEEL_LEVELS 11 /* 66 bits: every int64 */
#define TIMER_NEVER        INT64_MAX

struct timer_node {
    struct timer_node *next;
    struct timer_node *previous; /* NULL when not armed */
    int64_t at;                  /* milliseconds, the caller's time line */
    uint64_t order;
};

struct timer_wheel {
    int64_t now;
    size_t armed;
    uint64_t occupied[TIMER_WHEEL_LEVELS];
    struct timer_node slot[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS]; /* list heads */
    struct timer_node due;                                         /* list head, in firing order */
};

/* Start empty at `now`. The wheel must not move in memory afterwards. */
void timer_wheel_init(struct timer_wheel *w, int64_t now);

static inline bool timer_armed(const struct timer_node *n)
{
    return n->previous != NULL;
}

/* Arm (or re-arm) for `at`; a time that has passed fires at the next advance.
 * TIMER_NEVER disarms. The node must be zeroed before its first use. */
void timer_wheel_arm(struct timer_wheel *w, struct timer_node *n, int64_t at, uint64_t order);

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
    return w->now == now && w->due.next == &w->due &&
           (w->occupied[0] >> (now & (TIMER_WHEEL_SLOTS - 1)) & 1) == 0;
}

/* Take the next due timer, disarmed, or NULL. */
struct timer_node *timer_wheel_take_due(struct timer_wheel *w);

#endif
