/* Messages of customers from a file of JSON lines, as deploy/messages/README.md describes them,
 * made ready to be submitted. */
#ifndef BENCH_DEMO_MESSAGES_H
#define BENCH_DEMO_MESSAGES_H

#include "proto/packer.h"

struct demo_message {
    char *channel;
    char *expected_issue; /* NULL where nobody could know */
    struct packer
        params; /* the pairs of contact.submit's map, without its head and without the id */
    uint32_t pairs;
};

struct demo_messages {
    struct demo_message *items;
    uint32_t count;
};

/* Reads a file. False: it cannot be read or a line is wrong, and `problem` says which and why;
 * nothing has to be closed then. */
bool demo_messages_read(struct demo_messages *out, const char *path, char *problem,
                        size_t problem_size);

/* One line; `number` counts from 1 and is for the problem's words. */
bool demo_messages_add(struct demo_messages *m, const char *line, size_t length, unsigned number,
                       char *problem, size_t problem_size);

void demo_messages_close(struct demo_messages *m);

#endif
