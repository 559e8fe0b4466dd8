/* What a process has used so far, read from /proc: how a run learns what it cost the server. */
#ifndef BENCH_SERVER_CPU_H
#define BENCH_SERVER_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct server_use {
    double cpu_us;   /* user plus system time of all its threads, dead ones included */
    double resident; /* bytes of memory in use */
};

/* False when there is no such process, or it is not ours to look at. */
bool server_use_read(long pid, struct server_use *out);

#endif
