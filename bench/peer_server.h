/* A server that the bench starts, measures and ends: processes, a folder and a port of its own.
 *
 * Each program runs in a process group of its own, which whatever it starts belongs to, too, and is
 * killed when the bench dies, however that happens. Output of the programs goes to `log` in the
 * folder; the folder goes when the server is stopped. One thread; it must be the one that started
 * the server. */
#ifndef BENCH_PEER_SERVER_H
#define BENCH_PEER_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PEER_PROGRAMS_MAX 2

struct peer_server {
    char folder[256]; /* absolute */
    char failed[256]; /* what went wrong, "" while nothing has */
    uint16_t port;    /* on 127.0.0.1, free when the server was made */
    char host[16];    /* instead of 127.0.0.1, when it is set */
    int network;      /* a network namespace in which its programs run; 0: ours */
    bool durable;
    /* What there will be, for those who have to know it: */
    uint32_t window; /* contacts that a consumer works at once */
    uint32_t consumers;
    uint32_t reactors;   /* of Switchboard */
    uint16_t store_port; /* of the Redis behind it, which is its first program; 0: there is none */
    pid_t groups[PEER_PROGRAMS_MAX];
    uint32_t programs;
};

struct peer_use {
    double cpu_us; /* user plus system time of all processes, from their CPU clocks */
    double cpu_us_of[PEER_PROGRAMS_MAX]; /* the same of each program that was run, in this order */
    double resident;                     /* bytes of all processes together */
    uint32_t processes;
};

/* The absolute path of a program in PATH or where Debian keeps servers, or beside this very
 * program; false when it is nowhere. */
bool peer_server_find(const char *program, char path[256]);

/* A folder below `parent` and a port; the caller fills in the rest. False, and words in `failed`,
 * when that cannot be had. */
bool peer_server_init(struct peer_server *s, const char *parent);

/* A port of 127.0.0.1 that is free just now; 0 when there is none. */
uint16_t peer_server_free_port(void);

/* Write a file into the folder. */
bool peer_server_write(struct peer_server *s, const char *name, const char *text);

/* Run a program in the folder: `arguments` ends with NULL, [0] is its path. `environment` are
 * NAME=VALUE that come on top of the bench's own, ends with NULL, and may be NULL. */
bool peer_server_run(struct peer_server *s, char *const arguments[], char *const environment[]);

/* Wait until a connection to `port` is taken, or a program ends, or `seconds` are over, or
 * `*interrupted` is set. */
bool peer_server_await(struct peer_server *s, uint16_t port, double seconds,
                       const volatile int *interrupted);

/* A signal for the processes of all groups; they may be gone already. */
void peer_server_signal(const struct peer_server *s, int signal);

/* Kill all processes and wait for their end. Folder and port stay, for those that are run next. */
void peer_server_end(struct peer_server *s);

/* What all processes of all groups have used so far. */
struct peer_use peer_server_use(const struct peer_server *s);

/* Kill all processes and remove the folder. */
void peer_server_stop(struct peer_server *s);

#endif
