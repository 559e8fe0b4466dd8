/* The demonstration: a day at a contact centre, in a minute.
 *
 * Messages of customers come in over one connector a channel; the workspace's own agents sign in,
 * take their time, accept, decline or miss, work, wrap up; some customers leave. Everything runs
 * through the client library, so the server may be killed and started again in the middle:
 * connectors submit again what was not answered, agents find what they held. At the end the server
 * is asked about every single contact. */
#ifndef BENCH_DEMO_H
#define BENCH_DEMO_H

#include <stdbool.h>
#include <stdint.h>

struct demo_options {
    const char *address;
    const char *workspace;
    const char *messages;    /* a file of JSON lines */
    const char *agent_names; /* comma-separated; NULL: all that the workspace has */
    double duration_s;       /* the messages are spread over so long */
    double drain_s;          /* and then what is left may take so long */
    uint64_t count;          /* play so many messages, over and over; 0: each once */
    double speed;            /* people work so many times as fast */
    uint64_t seed;
    const char *json; /* a file, "-", or NULL */
    bool quiet;
};

/* Plays it, prints what became of every contact, and returns the exit status (command.h). */
int demo_command(const struct demo_options *options);

#endif
