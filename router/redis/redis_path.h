/* The way to a primary, kept open: found, connected, asked who it is, and all of that again
 * whenever it breaks or the primary is another one.
 *
 *     searching -> connecting -> greeting -> up
 *         ^            |            |         |
 *         +- waiting <-+------------+---------+
 *
 * `up` comes with what Redis said of itself, on every new connection: whoever keeps something there
 * compares the run id. `down` comes once for each `up`, behind the LOST of everything open. Waiting
 * doubles from `backoff_ms_min` to `backoff_ms_max`, less up to half of it by chance, and begins
 * anew after a connection that was up for `backoff_ms_max`; news from the locator ends it at once.
 *
 * A Redis that says it is a replica is no primary, whoever named it; neither is one that still
 * reads its data. An error reply that says so too (redis_error.h: relocate, or redirected for our
 * own slot) ends the connection, behind that reply. A slot of others that moved is told to the
 * locator, and changes nothing here: so a path can carry the commands of all slots that the same
 * primary serves.
 *
 * A path is made by redis_path_create and frees itself some time after redis_path_destroy, for
 * which the loop must run; only LOST answers come meanwhile. The locator outlives it until that
 * call. No callback comes from inside a call. Thread: the locator's. Milliseconds of the loop. */
#ifndef ROUTER_REDIS_REDIS_PATH_H
#define ROUTER_REDIS_REDIS_PATH_H

#include "router/redis/redis_greeting.h"
#include "router/redis/redis_locator.h"

enum redis_path_state {
    REDIS_PATH_SEARCHING,
    REDIS_PATH_CONNECTING,
    REDIS_PATH_GREETING,
    REDIS_PATH_UP,
    REDIS_PATH_WAITING,
};

/* 0 stands for the value in brackets. */
struct redis_path_options {
    struct text tag; /* the key or {tag} whose primary it is; not kept. Absent: slot 0, for Redis
                        that is no cluster */
    bool any_role;   /* for reads: a replica will do, where the primary is not to be had */
    uint32_t backoff_ms_min;        /* [25] */
    uint32_t backoff_ms_max;        /* [1000] */
    uint64_t seed;                  /* of the chance. [the time] */
    struct redis_link_options link; /* what it points to outlives the path. The account comes from
                                       the locator, and so does the dialer when there is none */
};

struct redis_path;

struct redis_path_events {
    void (*up)(void *context, struct redis_path *p, const struct redis_greeting *g);
    void (*down)(void *context, struct redis_path *p, const char *why);
    void (*room)(void *context, struct redis_path *p); /* may be NULL */
};

struct redis_path *redis_path_create(struct redis_locator *l, const struct redis_path_options *o,
                                     const struct redis_path_events *events, void *context);
void redis_path_destroy(struct redis_path *p);

/* REDIS_NOT_OPEN unless it is up. */
enum redis_sent redis_path_send(struct redis_path *p, const struct redis_command *c);

/* One command behind ASKING, where an ASK reply (`to`) says that the key has gone. It does not wait
 * for `up`, and has an answer even when nobody is there: LOST. */
enum redis_sent redis_path_ask(struct redis_path *p, const struct redis_endpoint *to,
                               const struct redis_command *c);

/* End this connection and look anew: its owner knows that it is of no use. */
void redis_path_renew(struct redis_path *p, const char *why);

/* The link while the path is up, else NULL: for scripts and for redis_link_flush. */
struct redis_link *redis_path_link(struct redis_path *p);

/* What was last said; of the connection that is up, or the one before. */
const struct redis_greeting *redis_path_greeting(const struct redis_path *p);
enum redis_path_state redis_path_state(const struct redis_path *p);
const char *redis_path_state_word(enum redis_path_state s);
/* How long it has been up, or how long it has not been. */
uint64_t redis_path_age_ms(const struct redis_path *p);
/* Why it is not up, or last was not; "" when there was nothing. */
const char *redis_path_problem(const struct redis_path *p);
/* The slot whose primary it leads to. */
uint16_t redis_path_slot(const struct redis_path *p);
/* Connections that came up since it was made. */
uint64_t redis_path_ups(const struct redis_path *p);
/* Would commands of this slot be right here, as far as is known? */
bool redis_path_serves(const struct redis_path *p, uint16_t slot);

#endif
