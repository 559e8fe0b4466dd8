/* What the owner of a door says of its workspace, for admins who ask on another thread: a page of
 * words under a sequence lock.
 *
 * The owner writes it some times a second and never waits; who reads it while it is being written
 * reads again. Times are of the boot clock, so that a reader can say how long ago they were.
 *
 * report_publish: one thread. report_read: any. */
#ifndef ROUTER_REPORT_H
#define ROUTER_REPORT_H

#include <stdatomic.h>

#include "queue/types.h"
#include "router/clock.h"

#define REPORT_PROBLEM_BYTES 256

struct report {
    char state[16];         /* of the ownership, a word; "" before anything was said */
    uint64_t epoch, seq;    /* of the engine here, also of one that only follows */
    boot_ms since;          /* in that state */
    boot_ms in_force_until; /* of our lease; 0: we hold none */
    uint64_t owner_epoch;   /* the lease's, whoever holds it; 0: nobody ever did */
    boot_ms away_since;     /* its Redis; 0: that is there */
    bool ours;              /* this node owns it, or is just handing it over */
    bool pinned;            /* it stays here, although another node should have it */
    char owner[NAME_BYTES_MAX + 1];
    char address[256];                  /* of the owner, as clients write it */
    char problem[REPORT_PROBLEM_BYTES]; /* why it is not as it should be; "" when it is */
};

#define REPORT_WORDS ((sizeof(struct report) + sizeof(uint64_t) - 1) / sizeof(uint64_t))

struct report_page {
    _Atomic uint64_t sequence; /* odd while it is being written; 0: never */
    _Atomic uint64_t words[REPORT_WORDS];
};

void report_publish(struct report_page *page, const struct report *r);
/* False: nothing was ever said. */
bool report_read(const struct report_page *page, struct report *out);

#endif
