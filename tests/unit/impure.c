/* What an engine must not do, for the test of the test that finds it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

long impure(void *out, const char *path);

long impure(void *out, const char *path)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    memcpy(out, path, strlen(path)); /* these two are allowed */
    return now.tv_nsec + open(path, O_RDONLY) + rand();
}
