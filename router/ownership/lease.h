/* Who serves a workspace now, and whether he still does: the leases of the workspaces of one shore.
 *
 * A lease is a hash, `switchboard:{WORKSPACE}:lease`. Its owner *holds* it: renews it every third
 * of a lease time, with a WAIT behind all renewals of that moment. Everybody else *watches* it:
 * reads it every eighth. Redis judges nothing: no key expires. The owner counts from the moment at
 * which a renewal was sent that succeeded and reached enough replicas, and stops a tenth of a lease
 * time early; a watcher counts from the moment at which it read something new, a whole lease time,
 * and only while Redis answers; from the beginning when its connection was lost. Both count by
 * CLOCK_BOOTTIME. So while clocks run at nearly the same rate nobody sees a lease end that its
 * owner believes in; and who is mistaken all the same is stopped by the epoch in the stream.
 *
 *     watched ──hold──▶ held ──let go──▶ watched
 *        ▲                └──lost──────────┘
 *
 * Renewals have a connection of their own, because whatever stands behind a WAIT waits, too.
 * Without a clock_turn in between, time is read anew for each answer: a process may have stood
 * still in the middle of a turn.
 *
 * Lease records are the caller's. No callback comes from inside a call; in a callback everything is
 * allowed but to destroy the book. Belongs to the loop of its locator, and its thread. */
#ifndef ROUTER_OWNERSHIP_LEASE_H
#define ROUTER_OWNERSHIP_LEASE_H

#include "queue/base/list.h"
#include "router/ownership/silence.h"
#include "router/redis/redis_path.h"

#define LEASE_ADDRESS_BYTES 256
#define LEASE_NODE_BYTES    (NAME_BYTES_MAX + 1)

struct lease_book;

/* What the hash said when it was read last. */
struct lease_sight {
    uint64_t epoch; /* 0: nobody ever held it */
    char node[LEASE_NODE_BYTES];
    char address[LEASE_ADDRESS_BYTES]; /* where clients find the owner */
    uint64_t count;                    /* renewals of this epoch */
    engine_time now_at;                /* the workspace's time at the renewal */
    boot_ms now_seen;                  /* when we read that */
    bool released;                     /* the owner let go of it */
};

struct lease {
    struct list_node in_book;
    struct lease_book *book;
    void *context;         /* the caller's */
    struct text workspace; /* owned, as are the keys */
    struct text key, journal;
    bool known; /* it was read since it is watched */
    struct lease_sight observed;
    boot_ms changed_at; /* when we read what was not there before */
    struct silence silence;
    uint64_t held; /* the epoch with which we hold it; 0: we do not */
    uint64_t count;
    engine_time (*now)(void *context);
    boot_ms in_force_until;
    uint64_t written_volley; /* the last that wrote our renewal, on this connection; 0: none */
    boot_ms written_sent_at;
};

/* 0 stands for the value in brackets. */
struct lease_options {
    uint32_t lease_ms;   /* [750]; everybody who shares a workspace has the same */
    uint32_t replicas;   /* that must have a renewal; 0: none */
    struct text node;    /* who we are; copied */
    struct text address; /* copied */
    struct clock *clock; /* outlives the book */
    struct redis_path_options
        path; /* reply_ms and connect_ms [a lease time], backoff_ms_max [a quarter] */
};

struct lease_events {
    void *context;
    /* A watched one: epoch, node, address or `released` changed, or it was seen first. */
    void (*changed)(void *context, struct lease *l);
    /* A held one is not ours any more: the hash, or the stream's end, has this higher epoch. It is
     * watched from now on. */
    void (*lost)(void *context, struct lease *l, uint64_t epoch);
    /* The stream of a held one is not there: Redis was emptied. It is not renewed; may be NULL. */
    void (*empty)(void *context, struct lease *l);
    /* That node would like to have a held one, and asks once; may be NULL. */
    void (*wanted)(void *context, struct lease *l, struct text node);
    /* Renewals that count were made; may be NULL. */
    void (*renewed)(void *context);
    /* Another connection is up; there are two. Whoever keeps something there compares run ids. */
    void (*primary)(void *context, const struct redis_greeting *g);
};

struct lease_stats {
    uint64_t reads;       /* that were answered */
    uint64_t renewals;    /* that were written */
    uint64_t short_waits; /* fewer replicas than needed had them in time */
};

/* Compute the script's digest; once, before any thread uses it. */
void lease_scripts_init(void);

struct lease_book *lease_book_create(struct redis_locator *l, const struct lease_options *o,
                                     const struct lease_events *e);
/* Its leases are unwatched; no callback comes any more. It frees itself some time later, for which
 * the loop must run. */
void lease_book_destroy(struct lease_book *b);

/* Where clients find us, as renewals tell from now on; copied. */
void lease_book_set_address(struct lease_book *b, struct text address);

/* Read it from now on. `workspace` is copied. */
void lease_watch(struct lease_book *b, struct lease *l, struct text workspace, void *context);
/* Also of a held one, and then without letting go of it: as a process that ended. */
void lease_unwatch(struct lease_book *b, struct lease *l);

/* Renew a watched one from now on, the first time at once; or go on with a held one under a higher
 * epoch, and then it is not in force before that is renewed. `now` tells the workspace's time, and
 * gets the lease's context. */
void lease_hold(struct lease_book *b, struct lease *l, uint64_t epoch,
                engine_time (*now)(void *context));
/* Tell everybody that nobody serves it: a planned end. What is not on its way when the book is
 * destroyed may not arrive; see lease_book_is_idle. */
void lease_let_go(struct lease_book *b, struct lease *l);

/* Ask whoever holds a watched one to hand it over to us; nothing when Redis is away. */
void lease_ask_for(struct lease_book *b, struct lease *l);

/* May we act as its owner at this moment? */
static inline bool lease_is_in_force(const struct lease *l, boot_ms now)
{
    return l->held != 0 && now < l->in_force_until;
}

/* Has its owner, whoever that is, let go of it or been silent for a lease time? False while Redis
 * does not answer us. One that nobody ever held is over, too, after a lease time. */
bool lease_is_over(const struct lease *l, boot_ms now);

/* Every lease_let_go was answered, or cannot be any more. */
bool lease_book_is_idle(const struct lease_book *b);

uint32_t lease_book_lease_ms(const struct lease_book *b);
void lease_book_get_stats(const struct lease_book *b, struct lease_stats *out);

/* Why nothing is renewed or read, in words for a person; "" when it is. */
const char *lease_book_problem(const struct lease_book *b);

#endif
