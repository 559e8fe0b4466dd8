/* What every reactor may know of the workspaces, while one reactor each owns them.
 *
 * A *door* says by which name, on which reactor, with which time and configuration a workspace is
 * found. Doors are added and never removed. What requests are read and classified by, the
 * *snapshot*, is published by the owner and swapped without a pause: a reactor that reads one has
 * entered the directory, and what it sees stays until it has left, also when a newer one has taken
 * its place meanwhile (epoch reclamation, ck_epoch). It enters with the first request of a turn and
 * leaves at the turn's end, since entering waits until all that was written before can be seen: of
 * letters, which are written where another core has just read, that is long. Nobody sleeps inside:
 * as long as anybody is, nothing is given back.
 *
 * Where several nodes share the journal, a door also says whether the workspace is served here, and
 * if not, where. `changes` counts those words, so that a reactor sees that there is something new.
 * There its owner also says how it stands (`report`), and is told what an admin wants (`wish`).
 *
 * directory_add and what a door's owner publishes: the owner's thread. The rest: any reactor. */
#ifndef ROUTER_DIRECTORY_H
#define ROUTER_DIRECTORY_H

#include <ck_epoch.h>
#include <stdatomic.h>
#include <uv.h>

#include "router/clock.h"
#include "router/config.h"
#include "router/dispatch.h"
#include "router/mailbox.h"
#include "router/report.h"

struct workspace;

enum door_service {
    DOOR_SERVED,    /* by its owner here */
    DOOR_WAITS,     /* nobody knows yet who serves it, or it is about to be served here */
    DOOR_ELSEWHERE, /* by another node */
};

#define DOOR_ADDRESS_BYTES 256

/* What an admin wants of a workspace's ownership. */
enum door_wish {
    DOOR_WISH_NOTHING,
    DOOR_WISH_TAKE,   /* this node takes it, and keeps it */
    DOOR_WISH_GIVE,   /* another node gets it, and keeps it */
    DOOR_WISH_LOOSEN, /* it goes where it belongs, again */
};

struct door {
    struct door *next;           /* of the directory; set before the door can be seen */
    struct text name;            /* owned */
    uint32_t number;             /* in the order of adding */
    uint32_t owner;              /* a reactor's index */
    struct workspace *workspace; /* for the owner's thread only */
    _Atomic(struct published *) published;
    _Atomic engine_time clock_base; /* see struct workspace_clock */
    _Atomic uint64_t epoch;         /* of the ownership */
    _Atomic int service;            /* enum door_service */
    _Atomic boot_ms service_since;
    _Atomic int wish;          /* enum door_wish; its owner takes it away and heeds it */
    struct report_page report; /* where nodes share the journal: how the ownership stands */
    uv_mutex_t address_lock;
    char address[DOOR_ADDRESS_BYTES]; /* of the node that serves it; "": not known */
};

/* A reactor's place in the directory. */
struct visitor {
    struct directory *directory;
    ck_epoch_record_t *record;
    bool inside;
};

struct directory {
    ck_epoch_t epoch;
    uv_mutex_t adding;
    _Atomic(struct door *) first;
    uint32_t count;
    ck_epoch_record_t *records[REACTORS_MAX];
    struct visitor visitors[REACTORS_MAX];
    uint32_t reactors;
    _Atomic uint64_t changes; /* of services; see door_set_service */
};

void directory_init(struct directory *d, uint32_t reactors);
/* All threads have ended; all doors' workspaces are gone. */
void directory_close(struct directory *d);

struct door *directory_find(struct directory *d, struct text name);
/* There is none of that name yet. Its owner goes by turns. */
struct door *directory_add(struct directory *d, struct text name);

/* The owner says who serves it, and where (may be none); all bells should be rung then. */
void door_set_service(struct directory *d, struct door *door, enum door_service service,
                      struct text address, boot_ms now);
/* The address of the node that serves it, into `buffer`; none when it is not known. */
struct text door_address(struct door *door, char buffer[DOOR_ADDRESS_BYTES]);

static inline enum door_service door_service(const struct door *door)
{
    return (enum door_service)atomic_load_explicit(&door->service, memory_order_acquire);
}

/* Read snapshots between these two. Who is inside may enter again, and who is not may leave: then
 * nothing is done. */
void directory_enter(struct visitor *v);
void directory_leave(struct visitor *v);

/* The configuration in force; `config` is NULL when there is none. Inside, or on the owner's
 * thread. */
struct dispatch_snapshot door_snapshot(struct door *d);

/* Put another one in place of it, retained; the one before goes when nobody reads it any more.
 * `config` NULL: none. */
void door_publish(struct door *d, struct visitor *v, struct workspace_config *config,
                  uint64_t version);

/* Give back what nobody reads any more; once a turn. */
void directory_collect(struct visitor *v);

/* The workspace's time, as of this reactor's clock. */
static inline engine_time door_now(struct door *d, struct clock *c)
{
    return atomic_load_explicit(&d->clock_base, memory_order_relaxed) + clock_now(c);
}

#endif
