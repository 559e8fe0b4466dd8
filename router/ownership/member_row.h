/* What a node says of itself: a line of words that people can read, too.
 *
 *     beat=77 number=4660 instance=0123456789abcdef version=1 started_at=1700000000000 draining=0
 *     reading=0 address=tcp://10.0.0.5:7700
 *
 * Words may come in any order, and unknown ones are left out, but the address is last: it is the
 * rest of the line. Pure; any thread. */
#ifndef ROUTER_OWNERSHIP_MEMBER_ROW_H
#define ROUTER_OWNERSHIP_MEMBER_ROW_H

#include "queue/types.h"

#define MEMBER_INSTANCE_BYTES 17 /* sixteen hexadecimal digits, and the end */
#define MEMBER_ADDRESS_BYTES  256
#define MEMBER_ROW_BYTES      512

struct member_row {
    uint64_t beat;
    uint16_t number;                      /* the node's part of an epoch; see member_number */
    char instance[MEMBER_INSTANCE_BYTES]; /* of the process, by chance */
    uint32_t version;                     /* the highest version of facts that it can read */
    engine_time started_at;               /* by its wall clock; for people */
    bool draining;                        /* takes no workspace, any more or yet: */
    bool reading; /* it would, but still reads what has been written so far */
    char address[MEMBER_ADDRESS_BYTES];
};

/* The number of a node of this name. */
uint16_t member_number(struct text name);

struct text member_row_write(const struct member_row *r, char buffer[MEMBER_ROW_BYTES]);

/* False: this is no such line. */
bool member_row_read(struct text line, struct member_row *out);

#endif
