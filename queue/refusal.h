/* Why the engine did not do what a command asked: the world may be wrong, and this says how.
 *
 * A refused command has had no effect. The wire's error codes (proto/error_table.h) are made of
 * these by router/delivery.c. */
#ifndef QUEUE_REFUSAL_H
#define QUEUE_REFUSAL_H

#include "queue/types.h"

enum refusal_kind {
    REFUSED_NOT = 0,
    REFUSED_INVALID,      /* `field` is wrong, `message` how */
    REFUSED_FORBIDDEN,    /* this caller may not */
    REFUSED_NOT_FOUND,    /* nothing of that name that the caller may see; `field` named it */
    REFUSED_GONE,         /* it was there and is over; `reason` how */
    REFUSED_CONFLICT,     /* not in the present state; `state` names it */
    REFUSED_QUEUE_FULL,   /* the queue `reason` has no room and nothing else takes the contact */
    REFUSED_OTHER_CONFIG, /* classified under another configuration; classify again, nobody is told
                           */
};

struct refusal {
    enum refusal_kind kind;
    struct text field;
    struct text message;
    struct text state;
    struct text reason;
    duration_ms retry_after; /* DURATION_NONE: unknown */
};

#endif
