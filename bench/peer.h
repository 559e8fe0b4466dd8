/* A system that Switchboard is measured beside: how it is run, spoken to, and what it does not do.
 *
 * Each is one file that implements this interface and one row of the table in peers.c. The run
 * (peers_run.h) knows no protocol; a peer knows nothing of the run.
 *
 * The rules are the same for all. A producer has at most its window of submissions unanswered. A
 * consumer works at most its window at once and completes what it is handed in the same turn. What
 * is handed out stays with the server until it is completed. Requests of one turn are written at
 * once, and a peer is spoken to as its own manual advises: pipelined, with prefetch and batches.
 *
 * What `take` and `turn` write is sent at the end of the turn. Belongs to one thread. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/peer_client.h"
#include "bench/peer_server.h"

/* What a broker does not do. */
#define PEER_NO_ROUTING "skills, capacity, places in line, estimates, explanations"

struct peer {
    const char *name;      /* of the row, and for --peers */
    const char *program;   /* what has to be installed */
    const char *package;   /* the Debian package that has it */
    const char *memory;    /* how it is run in memory, in words; NULL: it cannot be */
    const char *durable;   /* how it is run so that what it accepts survives a crash; NULL: never */
    const char *completed; /* what the completion of a contact is here */
    const char *lacks;     /* what it does not have, "" when nothing is missing */
    uint32_t carried_bytes; /* of a contact's own: its body, and ids beside it */
    size_t state_bytes;     /* of peer_client.state */

    /* Start the processes, and wait until they take connections on s->port. False, and words in
     * s->failed. */
    bool (*start)(struct peer_server *s, const volatile int *interrupted);

    /* A connection has been made: say what has to be said first, and call peer_client_ready, here
     * or when that is answered. Producer 0 opens and gets ready before anybody else connects: it
     * makes what all need. */
    void (*open)(struct peer_client *c);

    /* Take what came: how many bytes were whole, -1 when they make no sense. Answers and contacts
     * go to peer_client_*. */
    ssize_t (*take)(struct peer_client *c, const uint8_t *bytes, size_t size);

    /* Ready consumers only, after each take and once at the start: complete what came, ask for
     * more. NULL when there is nothing of the kind. */
    void (*turn)(struct peer_client *c);

    /* Ready producers only. */
    void (*submit)(struct peer_client *c, const struct peer_contact *contact);
};

#endif
