/* For how long something in Redis has stayed the same, counted only while somebody could see it:
 * between two readings that were answered over one connection, and never more than `step_max` for
 * one such pair, so that neither an outage of Redis nor a pause of our own counts against those who
 * beat.
 *
 * A value of its owner's; times are the boot clock's, milliseconds. */
#ifndef ROUTER_OWNERSHIP_SILENCE_H
#define ROUTER_OWNERSHIP_SILENCE_H

#include "router/clock.h"

struct silence {
    boot_ms read_at;   /* the last reading that was answered */
    duration_ms lasts; /* so far; never more than what has truly passed */
    bool begun;        /* there was a reading */
};

/* A reading was answered, and showed what it showed before, or something else. */
static inline void silence_read(struct silence *s, boot_ms now, bool changed, duration_ms step_max)
{
    duration_ms step = now - s->read_at;

    if (changed || !s->begun) {
        s->lasts = 0;
    } else {
        s->lasts += step < step_max ? step : step_max;
    }
    s->read_at = now;
    s->begun = true;
}

/* The connection was lost. Those who beat have lost theirs as well, perhaps, and get all their time
 * again. */
static inline void silence_break(struct silence *s)
{
    s->lasts = 0;
    s->begun = false;
}

#endif
