/* What others may see of the workspaces that we serve: how their queues stand, and what their
 * agents do.
 *
 * Two hashes for each workspace, `switchboard:{WORKSPACE}:queues` and `...:agents`: a field for
 * each queue and agent, its value JSON. About once a second all rows are asked for, and those that
 * have changed are written; the keys end by themselves ten seconds after the last time, so that the
 * figures of an owner that died vanish.
 *
 * It informs and decides nothing: no epoch guards it, and nothing of the routing reads it. Whoever
 * loses a workspace withdraws it; whoever gets it begins with empty hashes.
 *
 * Work is bounded: a page of rows at a time, the next one when Redis has answered and the loop has
 * turned. A workspace so large that this takes longer than a second is written less often.
 *
 * Boards are the caller's. No callback comes from inside a call. Belongs to the loop of its
 * locator, and its thread. */
#ifndef ROUTER_OWNERSHIP_PRESENCE_H
#define ROUTER_OWNERSHIP_PRESENCE_H

#include "queue/base/id_map.h"
#include "queue/base/list.h"
#include "queue/types.h"
#include "router/redis/redis_path.h"

#define PRESENCE_PAGE_ROWS 128u
#define PRESENCE_END       UINT64_MAX

struct presence;
struct presence_page; /* rows that are being filled in */

struct presence_queue {
    uint64_t waiting, offered, active; /* contacts */
    duration_ms oldest_wait_ms;        /* 0 when nobody waits */
    uint64_t agents_available;
};

struct presence_agent {
    struct text state, reason; /* live during the call; a reason may be absent */
    uint32_t used, units;      /* of capacity */
};

/* One more row. False: the page is full, and this one belongs into the next. */
bool presence_put_queue(struct presence_page *page, struct text name,
                        const struct presence_queue *q);
bool presence_put_agent(struct presence_page *page, struct text name,
                        const struct presence_agent *a);

/* Put rows until the page is full. `from` is 0 at first, and then what the last call returned:
 * where to go on, or PRESENCE_END. Rows that come or go meanwhile may be left out once. Names live
 * until it returns. The board must not be withdrawn meanwhile. */
typedef uint64_t (*presence_fill)(void *context, struct presence_page *page, uint64_t from);

/* The rows of one kind, as they stand in Redis. */
struct presence_sheet {
    struct text key;     /* owned */
    struct id_map rows;  /* by name */
    struct list in_turn; /* who was put longest ago first */
};

struct presence_board {
    struct list_node in_presence;
    struct presence_sheet queues, agents;
    presence_fill fill;
    void *context;
    uint64_t due;     /* ms of the loop */
    uint64_t from;    /* of the walk that is under way */
    uint64_t walk;    /* its number */
    uint64_t edition; /* rows of another one are to be written again */
    bool begin;       /* with empty hashes */
    bool walking;
};

/* 0 stands for the value in brackets. */
struct presence_options {
    uint32_t every_ms; /* [1000] */
    uint32_t page_ms;  /* [5] between two pages */
    uint32_t expire_s; /* [10] */
    struct redis_path_options path;
};

struct presence *presence_create(struct redis_locator *l, const struct presence_options *o);
/* No board is published. It frees itself some time later, for which the loop must run. */
void presence_destroy(struct presence *p);

/* From now on; `workspace` is copied. */
void presence_publish(struct presence *p, struct presence_board *b, struct text workspace,
                      presence_fill fill, void *context);
/* Nothing more is written; what stands there ends by itself. */
void presence_withdraw(struct presence *p, struct presence_board *b);

/* Why nothing is written, in words for a person; "" when it is. */
const char *presence_problem(const struct presence *p);

#endif
