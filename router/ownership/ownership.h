/* One workspace between the nodes: who owns it, and what this node does about that.
 *
 *                    ┌──────────── lost ◀──────────┐
 *                    ▼                             │
 *     READING ──▶ FOLLOWING ──▶ RAISING ──▶ OWNING ──▶ GIVING ──▶ READING
 *        │           │  ▲          │          ▲
 *        ▼           │  └ refused ─┘          │
 *     STUCK          └──────── given ─────────┘
 *
 * While it follows, the stream is read as it grows, into an engine that could serve at any moment,
 * and the last entries are kept. When the owner's process is dead (its address refuses a
 * connection), when its lease is over, or when nobody ever was the owner, the live node that the
 * workspace prefers puts an entry with its own epoch behind the last entry that it has read: the
 * script refuses that when there is more, so whoever takes over has read everything. Others wait a
 * lease time longer for each place in the order, in case the first cannot.
 *
 * What a failover took from the stream is put back by whoever has it: by the owner, and by the node
 * that takes over, from what it kept (stream_desk.h). A stream that ends before an id that this
 * node has seen, and cannot put back, has lost facts for which somebody was told that they are
 * kept: that is said, and nothing is served, unless the operator has accepted the loss.
 *
 * Another primary ends an ownership and begins the next: the owner takes a new epoch there, behind
 * what it had put in flight.
 *
 * Belongs to a keeper and its thread. */
#ifndef ROUTER_OWNERSHIP_OWNERSHIP_H
#define ROUTER_OWNERSHIP_OWNERSHIP_H

#include "router/ownership/figures.h"
#include "router/ownership/lease.h"
#include "router/ownership/lookout.h"
#include "router/ownership/member.h"
#include "router/ownership/shore.h"
#include "router/ownership/standby_config.h"
#include "router/stream/stream_replay.h"
#include "router/workspace.h"

enum ownership_state {
    OWNERSHIP_READING,   /* the stream, from its beginning */
    OWNERSHIP_FOLLOWING, /* up to date */
    OWNERSHIP_RAISING,   /* our epoch is on its way into the stream */
    OWNERSHIP_OWNING,
    OWNERSHIP_GIVING, /* another node's epoch is, and nothing is stepped */
    OWNERSHIP_STUCK,  /* what stands in the stream cannot be served; tried again */
};

struct ownership {
    struct list_node in_keeper;
    struct keeper *keeper;
    struct shore *shore;
    struct workspace *workspace;
    enum ownership_state state;
    boot_ms since;

    struct stream_view view;
    bool viewing;
    struct stream_replay replay; /* its engine is ours until we own it */
    struct stream_tail *tail;
    struct standby_config config; /* by which its engine would decide */
    struct lease lease;
    struct lookout *lookout; /* for the owner's process; NULL: there is nobody to watch */
    uint64_t dead_epoch;     /* the owner of this epoch is dead: its address refused */
    uint64_t epoch;          /* ours, while we raise, own or give */
    uint64_t given_epoch;    /* the last entry read gave it to this very process; 0: it did not */
    boot_ms went_on_at;      /* when it last went on under a higher epoch */
    uint64_t lost_epoch;     /* our last one that was lost: an entry that gives it is an old one */
    boot_ms epoch_seen_at;   /* when the highest one was read */
    uint64_t count_seen;     /* of the lease's renewals */
    bool saw_renewals;       /* so the owner's clock is known */
    boot_ms over_since;      /* nobody serves it, as far as we see; 0: somebody does */
    boot_ms not_before;      /* we do not take it by ourselves before */
    boot_ms wanted_since;    /* another node should have what we own; 0: none */
    boot_ms asked_until;     /* an admin wants it here, and it is tried so long; 0: nobody does */
    boot_ms asked_owner_at;  /* for that, its owner was asked to hand it over; 0: not yet */
    bool pinned;             /* it stays here, although another node should have it */
    struct figures figures;  /* shown to others while we own it */
    boot_ms reported_at;     /* at its door */
    enum ownership_state reported;
    struct stream_id seen;          /* the last entry that this node knows to have been there */
    uint32_t diverged;              /* readings in a row that had to begin anew */
    char heir[LEASE_ADDRESS_BYTES]; /* to whom it is given: the address */
    char problem[STREAM_REPLAY_PROBLEM_BYTES];
};

const char *ownership_state_word(enum ownership_state s);

/* Begin to read. The record is the keeper's. */
void ownership_open(struct ownership *o, struct keeper *k, struct shore *s, struct workspace *w);
/* The node stops: nothing is appended any more, and others are told that they need not wait. Then,
 * before its shore goes, ownership_close. */
void ownership_let_go(struct ownership *o);
void ownership_close(struct ownership *o);

/* Some time has passed, or something about leases and members has changed. */
void ownership_look(struct ownership *o);

/* An admin wants it here: said again and again until it is. Its owner is asked to hand it over; one
 * that does not hear is deposed. Nothing comes of that while he appends. */
void ownership_take(struct ownership *o);

/* Hand it over. `pinned`: and there it stays, also when it should be elsewhere. */
void ownership_give(struct ownership *o, const struct member *to, bool pinned);

/* Say at its door how it stands; now and then, and at once when it has changed. */
void ownership_report(struct ownership *o, boot_ms now);

/* Of desks. */
void ownership_raised(struct ownership *o, uint64_t epoch);
void ownership_lost(struct ownership *o, enum stream_loss why, struct stream_id at);
/* The shore has reached another primary. */
void ownership_goes_on(struct ownership *o);

/* Of lookouts: nobody listens at the owner's address. */
void ownership_owner_refused(struct ownership *o);

/* Of lease books. */
void ownership_lease_changed(struct ownership *o);
void ownership_wanted(struct ownership *o, struct text node);
void ownership_lease_lost(struct ownership *o, uint64_t epoch);

static inline bool ownership_is_ours(const struct ownership *o)
{
    return o->state == OWNERSHIP_OWNING || o->state == OWNERSHIP_GIVING;
}

#endif
