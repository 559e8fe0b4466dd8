/* Loaded before a process of the fault rig: lets its wall clock step while it runs.
 *
 * The file that WALL_STEP names holds one signed 64-bit number in the machine's byte order:
 * nanoseconds to add to the wall clock. It is mapped, so that a step is seen by every thread at the
 * next look at the clock. Only CLOCK_REALTIME, gettimeofday() and time() move; CLOCK_MONOTONIC and
 * CLOCK_BOOTTIME are the kernel's, as they are when somebody sets the date. The kernel is asked
 * directly, as the C library's own clock would be this one.
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

static const int64_t *wall_step;

__attribute__((constructor)) static void wall_step_map(void)
{
    const char *path = getenv("WALL_STEP");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map;

    if (fd < 0) {
        return;
    }
    map = mmap(NULL, sizeof(*wall_step), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED) {
        wall_step = map;
    }
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int rv = (int)syscall(SYS_clock_gettime, clock, now);

    if (rv == 0 && wall_step != NULL &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t step = __atomic_load_n(wall_step, __ATOMIC_RELAXED);
        int64_t ns = now->tv_nsec + step % 1000000000;

        now->tv_sec += step / 1000000000;
        if (ns < 0) {
            ns += 1000000000;
            now->tv_sec--;
        } else if (ns >= 1000000000) {
            ns -= 1000000000;
            now->tv_sec++;
        }
        now->tv_nsec = ns;
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
