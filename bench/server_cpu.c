#include "bench/server_cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool server_use_read(long pid, struct server_use *out)
{
    char path[64], line[1024];
    unsigned long long user, system;
    long long resident;
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
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u "
               "%*u %lld",
               &user, &system, &resident) != 3) {
        return false;
    }
    out->cpu_us = (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
    out->resident = (double)resident * (double)sysconf(_SC_PAGESIZE);
    return true;
}
