/* Loaded before a process of the fault rig: lets its clocks run otherwise while it runs.
 *
 * The file that WALL_STEP names is mapped, so that what is written there is seen by every thread at
 * the next look at a clock: the two settings, and which of them is in force (processes.py writes
 * the other one, then that). A step moves the wall clock alone: CLOCK_MONOTONIC and CLOCK_BOOTTIME
 * stay the kernel's, as they do when somebody sets the date. A rate lets all clocks run faster or
 * slower, as adjtime does; what they have gained by then they keep when it ends, so that none runs
 * backwards. `looks` counts how often a clock was asked. The kernel is asked directly, as the C
 * library's own clock would be this one.
 *
 * Any thread. Nothing is allocated, since allocators look at the clock too. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

struct wall_setting {
    int64_t step;   /* ns */
    int64_t rate;   /* parts per million that the clocks run faster */
    int64_t since;  /* CLOCK_BOOTTIME, ns: when it began */
    int64_t gained; /* ns, until then */
};

static struct wall_step {
    uint64_t looks;
    uint64_t chosen; /* 0 or 1 */
    struct wall_setting settings[2];
} * wall_step;

__attribute__((constructor)) static void wall_step_map(void)
{
    const char *path = getenv("WALL_STEP");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map;

    if (fd < 0) {
        return;
    }
    map = mmap(NULL, sizeof(*wall_step), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED) {
        wall_step = map;
    }
}

static int64_t wall_step_by(clockid_t clock)
{
    const struct wall_setting *s =
        &wall_step->settings[__atomic_load_n(&wall_step->chosen, __ATOMIC_ACQUIRE) & 1];
    int64_t by = s->gained;
    struct timespec now;

    if (s->rate != 0 && syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0) {
        by += (now.tv_sec * SECOND + now.tv_nsec - s->since) / 1000 * s->rate / 1000;
    }
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? by + s->step : by;
}

static int wall_step_is_slewed(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC ||
           clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int rv = (int)syscall(SYS_clock_gettime, clock, now);

    if (rv == 0 && wall_step != NULL && wall_step_is_slewed(clock)) {
        int64_t by = wall_step_by(clock);
        int64_t ns = now->tv_nsec + by % SECOND;

        now->tv_sec += by / SECOND;
        if (ns < 0) {
            ns += SECOND;
            now->tv_sec--;
        } else if (ns >= SECOND) {
            ns -= SECOND;
            now->tv_sec++;
        }
        now->tv_nsec = ns;
        __atomic_fetch_add(&wall_step->looks, 1, __ATOMIC_RELAXED);
    }
    return rv;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec fine;
    int rv = clock_gettime(CLOCK_REALTIME, &fine);

    (void)zone;
    if (rv == 0) {
        now->tv_sec = fine.tv_sec;
        now->tv_usec = fine.tv_nsec / 1000;
    }
    return rv;
}

time_t time(time_t *to)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    if (to != NULL) {
        *to = now.tv_sec;
    }
    return now.tv_sec;
}
