/* A connector's identity: the name under which contacts were submitted.
 *
 * Exists while it is attached (a connection bears the name), or has contacts, or is named by a
 * tombstone. */
#ifndef QUEUE_OWNER_H
#define QUEUE_OWNER_H

#include "queue/base/list.h"
#include "queue/base/near_list.h"
#include "queue/types.h"

struct owner {
    struct text name;
    uint32_t number;          /* in order of creation */
    uint32_t attached;        /* connections that bear the name; not a fact */
    uint32_t silent;          /* of them, those that hear no notices */
    uint32_t watchful;        /* contacts that end when it is away too long (lost_ms) */
    engine_time lost_since;   /* away since; TIME_NEVER: here, or nobody minds */
    engine_time lost_before;  /* what it was as of the checkpoint with this number, since when it */
    uint64_t lost_checkpoint; /* has changed */
    void *attachment;         /* the host's; the engine never looks at it */
    struct near_list contacts; /* live ones, by arrival */
    uint32_t newest_ended;     /* its newest tombstone's reference; it may have gone */
    uint32_t contact_count;
    uint32_t ended_count;
};

static inline bool owner_listens(const struct owner *o)
{
    return o->attached > o->silent;
}

#endif
