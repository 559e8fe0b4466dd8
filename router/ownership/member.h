/* The nodes of the deployment: who is there, where, under which number, and whether it lives.
 *
 * All of it is one hash, `switchboard:nodes`, with a field for each name (member_row.h). One book
 * of a process has a `me` and writes its row again and again with a higher beat; every book reads
 * all rows. A node lives while its beat changes: by our own boot clock, and only while one Redis
 * answers; one that was just seen for the first time does not live yet.
 *
 *     joins ──joined──▶ in ──leave──▶ left
 *       │ ▲              │ │
 *       │ └──row gone────┘ └─▶ ousted
 *       └──▶ refused
 *
 * A name belongs to one process, and so does a number, for it is part of every epoch: who joins is
 * refused while somebody else with either is alive. Somebody is dead when nothing listens at his
 * address, or when his beat stands still for `join_ms` and no connection to another address than
 * ours says otherwise; then his row is replaced. Every write is a script that looks first whether
 * the row is still ours: so a process that was taken for dead, and was not, is ousted when it
 * wakes.
 *
 * Rows that have not changed for a day are removed by whoever sees that.
 *
 * No callback comes from inside a call; in a callback everything is allowed but to destroy the
 * book. Belongs to the loop of its locator, and its thread. */
#ifndef ROUTER_OWNERSHIP_MEMBER_H
#define ROUTER_OWNERSHIP_MEMBER_H

#include "router/ownership/member_row.h"
#include "router/ownership/silence.h"
#include "router/redis/redis_path.h"

struct member {
    struct text name; /* the book's */
    struct member_row row;
    bool live;
    boot_ms seen_at;   /* when its beat changed last; 0: never since we look */
    uint64_t met_at;   /* its beat when we saw this process first */
    struct text words; /* the row as it stands in Redis; the book's */
    struct silence silence;
    bool there; /* in the reading that is being looked at */
};

enum member_state {
    MEMBER_READS, /* there is no `me` */
    MEMBER_JOINS,
    MEMBER_IN,
    MEMBER_REFUSED,
    MEMBER_OUSTED,
    MEMBER_LEAVES,
    MEMBER_LEFT,
};

struct member_me {
    struct text name, address; /* copied */
    uint32_t version;          /* of facts; see member_row */
    engine_time started_at;    /* by the wall clock */
    bool draining;
};

/* 0 stands for the value in brackets. */
struct member_options {
    uint32_t beat_ms;   /* [200] */
    uint32_t live_ms;   /* [1500] for which a living node's beat may stand still */
    uint32_t join_ms;   /* [750] after which a row that stands still is nobody's; the lease time */
    uint32_t forget_ms; /* [a day] */
    const struct member_me *me; /* NULL: only read */
    struct clock *clock;        /* outlives the book */
    struct redis_path_options path;
};

/* Any may be NULL, but `changed`. */
struct member_events {
    void *context;
    void (*changed)(void *context); /* who is there, who lives, or what one says of itself */
    void (*joined)(void *context);  /* also again, when the row was lost and is there anew */
    void (*refused)(void *context, const char *why);
    void (*ousted)(void *context, const char *why);
    void (*left)(void *context);
};

struct member_book;

/* Compute the scripts' digests; once, before any thread uses them. */
void member_scripts_init(void);

struct member_book *member_book_create(struct redis_locator *l, const struct member_options *o,
                                       const struct member_events *e);
/* No callback comes any more; the row stays, see member_book_leave. It frees itself some time
 * later, for which the loop must run. */
void member_book_destroy(struct member_book *b);

/* Take our row away: `left` follows, also when Redis cannot be reached. */
void member_book_leave(struct member_book *b);
/* Say with the next beat, which comes at once, whether we take workspaces: not when we drain, nor
 * while we read. */
void member_book_drain(struct member_book *b, bool draining, bool reading);

/* In the order of their names. Records live until the loop turns. */
uint32_t member_count(const struct member_book *b);
const struct member *member_at(const struct member_book *b, uint32_t i);
const struct member *member_find(const struct member_book *b, struct text name); /* or NULL */

/* It lives, or was seen for the first time just now and may. */
bool member_may_live(const struct member_book *b, const struct member *m);

/* Read the rows once more, soon. The number of a reading that begins after this call. */
uint64_t member_book_read_anew(struct member_book *b);
bool member_book_has_read(const struct member_book *b, uint64_t reading);

/* For as long as a living node may be silent Redis has taken what we write, so who lives can have
 * said so: not right behind an outage. */
bool member_book_hears(const struct member_book *b);

/* It had been there for a while when we came: by its own beats, so no clocks are compared, and of
 * two nodes that come at the same time neither is the other's elder. */
bool member_is_elder(const struct member *m);

/* We have looked for long enough to have seen who lives. */
bool member_book_is_settled(const struct member_book *b);

enum member_state member_book_state(const struct member_book *b);
const char *member_state_word(enum member_state s);
const char *member_book_instance(const struct member_book *b); /* "" without `me` */

/* Why nothing is read or written, in words for a person; "" when it is. */
const char *member_book_problem(const struct member_book *b);

#endif
