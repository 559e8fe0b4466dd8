/* The one reader of time.
 *
 * What runs is measured with CLOCK_BOOTTIME: it goes on while the machine sleeps, and nobody can
 * set it. It is read at most once for each half of a loop's turn: whoever asks first reads it,
 * whoever asks later gets the same value, until clock_turn says that the next half begins. Whole
 * milliseconds, never backwards.
 *
 * The wall clock is looked at only when a workspace starts, and for the time stamps of the log.
 *
 * A clock belongs to one thread. */
#ifndef ROUTER_CLOCK_H
#define ROUTER_CLOCK_H

#include "queue/types.h"

/* Milliseconds of CLOCK_BOOTTIME. */
typedef int64_t boot_ms;

struct clock {
    boot_ms now;
    bool sampled;
    boot_ms (*source)(void);
};

/* `source` NULL: CLOCK_BOOTTIME; tests bring their own. */
void clock_init(struct clock *c, boot_ms (*source)(void));

/* Forget the sample: the next question reads the clock. */
static inline void clock_turn(struct clock *c)
{
    c->sampled = false;
}

boot_ms clock_sample(struct clock *c);

static inline boot_ms clock_now(struct clock *c)
{
    return c->sampled ? c->now : clock_sample(c);
}

/* Milliseconds since the Unix epoch, as the machine's wall says. */
engine_time clock_wall(void);

/* The time of one workspace: it begins at the wall's and then advances with the boot clock alone.
 */
struct workspace_clock {
    engine_time base; /* what it shows is base + boot time */
};

/* Begin at the wall's time, but not below `least`, the last time that the workspace's journal
 * knows. */
void workspace_clock_start(struct workspace_clock *w, struct clock *c, engine_time wall,
                           engine_time least);

static inline engine_time workspace_clock_now(const struct workspace_clock *w, struct clock *c)
{
    return w->base + clock_now(c);
}

#endif
