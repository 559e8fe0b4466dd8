/* Places where a test may let the process die, as by kill -9 or a power cut at the worst moment.
 *
 * Each place calls crash_point_reached. It counts, always; and when the environment holds
 *
 *     SWITCHBOARD_CRASH=POINT:N        as in  between_write_and_sync:7
 *
 * the N-th time that POINT is reached the process kills itself with SIGKILL. Without the variable
 * nothing ever dies here. A value that makes no sense ends the process at the first point reached,
 * with words: a misspelt test must not look like a survivor.
 *
 * The variable is read once. Any thread. */
#ifndef ROUTER_CRASH_POINT_H
#define ROUTER_CRASH_POINT_H

#include <stdbool.h>
#include <stdint.h>

/* The first four are the file journal's, and journal_stats.crash_points counts them. */
enum crash_point {
    CRASH_BETWEEN_WRITE_AND_SYNC,  /* batches are written and not synced */
    CRASH_INSIDE_WRITE,            /* about to write; an armed process first writes a half */
    CRASH_BETWEEN_SYNC_AND_ANSWER, /* batches are durable and nobody knows */
    CRASH_BETWEEN_SEGMENTS,        /* a new segment stands in the directory, empty */
    CRASH_INSIDE_CHECKPOINT,       /* some slices of a checkpoint are appended, and not the last */
    CRASH_INSIDE_REPLAY,           /* some entries of the journal are applied, and not the last */
    CRASH_POINTS,
};

/* Count one more time at this point; does not return when it is the one that the environment names.
 */
void crash_point_reached(enum crash_point point);

/* Will the next crash_point_reached of this point not return? For points where dying takes
 * preparation. */
bool crash_point_is_next(enum crash_point point);

/* How often the point was reached since the process began. */
uint64_t crash_point_count(enum crash_point point);

/* As written in the environment: between_write_and_sync, ... */
const char *crash_point_name(enum crash_point point);

#endif
