/* One workspace as its host holds it: the engine, the time, the configuration in force, who is
 * connected, and the facts that wait for the end of the turn.
 *
 * The record outlives its engine: after a failure of the journal the engine is thrown away and
 * another one takes its place, while sessions go on pointing here. Belongs to one host and its
 * thread. */
#ifndef ROUTER_WORKSPACE_H
#define ROUTER_WORKSPACE_H

#include "proto/packer.h"
#include "queue/base/id_map.h"
#include "queue/base/ranked_tree.h"
#include "queue/engine.h"
#include "router/clock.h"
#include "router/config.h"
#include "router/directory.h"
#include "router/guest.h"
#include "router/journal.h"

struct engine_host;

/* The identity of a connector: all connections that bear one name. */
struct connector {
    struct text name;   /* owned */
    struct list guests; /* by of_connector */
    bool attached;      /* the engine knows it */
};

/* A hand-over to another node: what guests are told of it. */
struct workspace_given {
    uint64_t epoch, seq;
    char to[DOOR_ADDRESS_BYTES];
};

struct workspace {
    struct engine_host *host;
    struct door *door;     /* what other reactors see of it */
    struct text name;      /* the door's */
    uint32_t number;       /* in its host */
    struct engine *engine; /* NULL: not served here now */
    uint64_t generation;   /* how many engines it has had */
    uint64_t continues; /* the epoch under which it goes on, and its engine does not know; or 0 */
    bool giving;        /* it is handed over to another node: nothing is stepped any more */
    struct workspace_given given; /* the last time */
    struct workspace_clock clock;
    struct workspace_config *config; /* in force; NULL before the first */
    struct id_map connectors;
    uint64_t next_id;         /* of contacts whose connector gave none */
    uint64_t next_connection; /* of connectors without a name */

    struct packer facts; /* the array of the entry being filled */
    uint32_t fact_count;
    size_t last_at; /* where the last one begins */
    uint64_t first_seq;
    uint64_t facts_written;

    struct list_node in_dirty;   /* stepped in this turn */
    struct ranked_node deadline; /* when its engine wants to be stepped */
    journal_position keep_from;  /* what stands before in the journal is not needed for it */
};

struct workspace *workspace_create(struct engine_host *host, struct door *door, uint32_t number);
void workspace_destroy(struct workspace *w);

/* Take an engine (NULL: none) and forget the facts of the one before. */
void workspace_set_engine(struct workspace *w, struct engine *e);

/* Begin its time at the wall's, or where the engine's ends; also for other reactors. */
void workspace_start_clock(struct workspace *w, struct clock *c);
/* Begin its time at `now`, which another node's clock has come to; not before the engine's. */
void workspace_resume_clock(struct workspace *w, struct clock *c, engine_time now);

/* May its engine be stepped? */
static inline bool workspace_is_served(const struct workspace *w)
{
    return w->engine != NULL && !w->giving;
}

/* Takes a reference of its own, and publishes it. The engine has it already. */
void workspace_set_config(struct workspace *w, struct workspace_config *config);

static inline engine_time workspace_now(const struct workspace *w, struct clock *c)
{
    return workspace_clock_now(&w->clock, c);
}

/* Put a fact into the entry being filled; an entry that gets full goes into the journal's batch. */
void workspace_add_fact(struct workspace *w, struct journal *j, const struct fact *fact);

/* Close the entry being filled, if there is anything in it. */
void workspace_flush_facts(struct workspace *w, struct journal *j);

/* The connector of that name, made when there is none. */
struct connector *workspace_connector(struct workspace *w, struct text name);
void workspace_forget_connector(struct workspace *w, struct connector *c); /* it has no guests */

/* An id for a contact that has none; unique in the workspace. Lives in `buffer`. */
#define WORKSPACE_ID_BYTES 48
struct text workspace_make_id(struct workspace *w, char buffer[WORKSPACE_ID_BYTES]);

#endif
