#include "router/crash_point.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const crash_point_names[CRASH_POINTS] = {
    [CRASH_BETWEEN_WRITE_AND_SYNC] = "between_write_and_sync",
    [CRASH_INSIDE_WRITE] = "inside_write",
    [CRASH_BETWEEN_SYNC_AND_ANSWER] = "between_sync_and_answer",
    [CRASH_BETWEEN_SEGMENTS] = "between_segments",
    [CRASH_INSIDE_CHECKPOINT] = "inside_checkpoint",
    [CRASH_INSIDE_REPLAY] = "inside_replay",
};

static _Atomic uint64_t crash_point_counts[CRASH_POINTS];
static pthread_once_t crash_point_once = PTHREAD_ONCE_INIT;

/* Written once, under crash_point_once; a fatal count of zero means that nothing is armed. */
static enum crash_point crash_point_armed;
static uint64_t crash_point_fatal_count;

static void crash_point_arm(void)
{
    const char *order = getenv("SWITCHBOARD_CRASH");
    const char *colon;
    char *end;

    if (order == NULL) {
        return;
    }
    colon = strchr(order, ':');
    for (int i = 0; colon != NULL && i < CRASH_POINTS; i++) {
        if (strlen(crash_point_names[i]) == (size_t)(colon - order) &&
            strncmp(order, crash_point_names[i], (size_t)(colon - order)) == 0) {
            crash_point_armed = (enum crash_point)i;
            crash_point_fatal_count = strtoull(colon + 1, &end, 10);
            if (crash_point_fatal_count != 0 && *end == '\0') {
                return;
            }
        }
    }
    fprintf(stderr, "SWITCHBOARD_CRASH=%s is not a crash point, a colon and a count from 1\n",
            order);
    abort();
}

void crash_point_reached(enum crash_point point)
{
    uint64_t count = atomic_fetch_add(&crash_point_counts[point], 1) + 1;

    pthread_once(&crash_point_once, crash_point_arm);
    if (point == crash_point_armed && count == crash_point_fatal_count) {
        raise(SIGKILL);
    }
}

bool crash_point_is_next(enum crash_point point)
{
    pthread_once(&crash_point_once, crash_point_arm);
    return point == crash_point_armed &&
           atomic_load(&crash_point_counts[point]) + 1 == crash_point_fatal_count;
}

uint64_t crash_point_count(enum crash_point point)
{
    return atomic_load(&crash_point_counts[point]);
}

const char *crash_point_name(enum crash_point point)
{
    return crash_point_names[point];
}
