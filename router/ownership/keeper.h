/* What one reactor does so that each of its workspaces is served by one node: the shores, the
 * ownerships, who else there is, and the journal that its host appends to.
 *
 * Every reactor has a keeper of its own, and needs nothing of the others: each reads who lives and
 * holds the leases of its own workspaces. The first reactor's also says that this node lives.
 *
 * Draining: everything is handed over to the live nodes that want it most, one after the other; a
 * node that is alone lets go of its leases and stops. Admins may drain a node that goes on as a
 * standby, take a workspace to this one, or give one away; such a workspace is *pinned*: it stays
 * where it was put until its node ends, drains, or is told to loosen it.
 *
 * Belongs to its reactor's thread. */
#ifndef ROUTER_OWNERSHIP_KEEPER_H
#define ROUTER_OWNERSHIP_KEEPER_H

#include "router/engine_host.h"
#include "router/ownership/member.h"
#include "router/ownership/ownership.h"
#include "router/redis/redis_address.h"
#include "router/stream/journal_stream.h"

#define KEEPER_PEERS_MAX 64

/* Why a node hands over what it owns and takes nothing any more; bits. */
enum keeper_drain {
    KEEPER_DRAIN_STOP = 1, /* its process ends */
    KEEPER_DRAIN_ASKED = 2 /* an admin asked, and may take it back */
};

/* What the keepers of a process have in common. The first reactor's writes, `joined` last. */
struct keeper_node {
    const struct redis_address *address;
    struct redis_dialer *dialer; /* NULL: TCP */
    uint32_t replicas;           /* that must have what is confirmed */
    uint32_t lease_ms;
    bool accept_loss;
    struct text name;
    uint32_t number; /* in epochs */
    uint32_t keepers;
    _Atomic uint32_t ready; /* keepers that read no stream from its beginning */
    boot_ms joined_at;
    _Atomic bool hears;  /* who lives has been able to say so, for some time */
    _Atomic bool joined; /* the others know this process, under: */
    char instance[MEMBER_INSTANCE_BYTES];
    char client_address[MEMBER_ADDRESS_BYTES]; /* where clients find it */
    _Atomic unsigned draining;                 /* enum keeper_drain; 0: it takes what it should */
};

struct keeper_events {
    void *context;
    /* Another process bears our name, or our number: this node must end. */
    void (*ousted)(void *context, const char *why);
};

struct keeper {
    struct engine_host *host;
    struct keeper_node *node;
    struct keeper_events events;
    bool registers; /* this one says that the node lives */
    struct redis_locator *locator;
    struct list shores, ownerships, lookouts;
    uint32_t count; /* of ownerships */
    struct member_book *members;
    unsigned draining_seen; /* keeper_node.draining, at the last tick, */
    boot_ms draining_since; /* and since when; */
    uint64_t fresh_reading; /* and of the members, the first one since it changed */
    struct journal *journal;
    uv_timer_t tick;
    struct outage members_outage;
    boot_ms in_force_until; /* of all leases, as far as was looked */
    bool ready, was_ready;  /* no stream is being read from its beginning */
    boot_ms newer_since;    /* everybody can read more than is written; 0: somebody cannot */
    uint32_t peer_count;
    struct engine_host_peer peers[KEEPER_PEERS_MAX]; /* their texts are owned */
    boot_ms closing_since;                           /* 0: it is not */
    void (*closed)(void *context);
    void *closed_context;
};

void keeper_open(struct keeper *k, struct engine_host *host, struct keeper_node *node,
                 const struct keeper_events *events, bool registers);

/* A workspace of this reactor, by its host's record. */
void keeper_add(struct keeper *k, struct workspace *w);

/* This node listens, and clients find it at `address`: it may own. The registering keeper's. */
void keeper_join(struct keeper *k, struct text address);

/* The node drains (keeper_node.draining): has everything been handed over that anybody takes? */
bool keeper_is_empty(const struct keeper *k);

/* Let go of everything, then `closed`, from the loop. The host's engines are stepped no more. */
void keeper_close(struct keeper *k, void (*closed)(void *context), void *context);

/* ---- for shores and ownerships ---- */

static inline boot_ms keeper_now(const struct keeper *k)
{
    return clock_now(k->host->clock);
}

/* Nobody listens where this one looks: whoever watches it is told. */
void keeper_owner_refused(struct keeper *k, const struct lookout *l);
struct ownership *keeper_find(const struct keeper *k, struct text workspace);
/* How many bytes of its last facts one workspace may keep, for the day when Redis loses them: all
 * of a keeper's together have the room of one stream. */
size_t keeper_kept_bytes(const struct keeper *k);
void keeper_goes_on(struct keeper *k, struct shore *s);
void keeper_settle(struct keeper *k);

/* The place of this node among the live ones that may own it, `without` left out; UINT32_MAX when
 * it may not. */
uint32_t keeper_rank(const struct keeper *k, const struct workspace *w, struct text without);

/* The live node of that name, if it may own the workspace and is not this one; else NULL. */
const struct member *keeper_member(const struct keeper *k, struct text name, struct text workspace);

/* Is there a live node that may own it and was there before this one came? Also when there may be,
 * and cannot say so yet. */
bool keeper_has_elder(const struct keeper *k, struct text workspace);

/* The live node that should have it, other than this one; NULL when there is none. */
const struct member *keeper_heir(const struct keeper *k, struct text workspace);

/* How the journal is, as this reactor sees it: what is away longest, or came back last. */
const struct outage *keeper_outage(const struct keeper *k);

#endif
