#include "router/clock.h"

#include <time.h>

static boot_ms clock_read(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (boot_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static boot_ms clock_boottime(void)
{
    return clock_read(CLOCK_BOOTTIME);
}

void clock_init(struct clock *c, boot_ms (*source)(void))
{
    c->source = source != NULL ? source : clock_boottime;
    c->now = c->source();
    c->sampled = true;
}

boot_ms clock_sample(struct clock *c)
{
    boot_ms now = c->source();

    if (now > c->now) {
        c->now = now;
    }
    c->sampled = true;
    return c->now;
}

engine_time clock_wall(void)
{
    return clock_read(CLOCK_REALTIME);
}

void workspace_clock_start(struct workspace_clock *w, struct clock *c, engine_time wall,
                           engine_time least)
{
    w->base = (wall > least ? wall : least) - clock_now(c);
}
