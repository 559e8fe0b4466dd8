#include "bench/server_cpu.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool server_use_read(long pid, struct server_use *out)
{
    char path[64], line[1024];
    struct timespec used;
    long long resident;
    clockid_t clock;
    const char *behind_name;
    FILE *file;
    size_t size;

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    size = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[size] = '\0';
    /* The second field is the program's name in brackets, which may hold anything, brackets too. */
    behind_name = strrchr(line, ')');
    if (behind_name == NULL ||
        sscanf(behind_name + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u "
               "%*u %lld",
               &resident) != 1) {
        return false;
    }
    /* The file's own times are in steps of 10 ms; the clock of the process is exact. */
    if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return false;
    }
    out->cpu_us = (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
    out->resident = (double)resident * (double)sysconf(_SC_PAGESIZE);
    return true;
}
