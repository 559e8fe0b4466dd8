/* Where a client goes next, and when. Private to the client.
 *
 * It knows the addresses that it was given and those that the last server named, and goes round
 * them. Who lost a connection waits a while that is all chance (a second of it, unless configured
 * otherwise), because everybody else lost theirs at the same moment; then it tries one address
 * after the other without pausing, and when all of them have failed it pauses again, half as long
 * again each time.
 *
 * Where a server says who the owner is, the client goes there at once. Two servers may point at
 * each other while neither knows better: after three such hops within a span (the longest pause)
 * further ones wait like failures do. `moved` is counted apart from `not_owner`: while nobody is
 * the owner the nodes name the one that was, and whoever has been sent there three times must still
 * be there at once when one of them takes over.
 *
 * Times are milliseconds of any clock that does not go back. */
#ifndef PROTO_CLIENT_ROUTE_H
#define PROTO_CLIENT_ROUTE_H

#include "proto/cursor.h"
#include "queue/base/random.h"
#include "queue/base/text.h"

#define CLIENT_ROUTE_MAX 16 /* addresses known at a time */

enum client_hop {
    CLIENT_HOP_ASKED, /* somebody answered that the owner is elsewhere */
    CLIENT_HOP_MOVED, /* somebody said by itself who the owner is now */
    CLIENT_HOPS,
};

struct client_hops {
    uint32_t count; /* since `from` */
    int64_t from;
};

struct client_route {
    const char *given;             /* the caller's: one address, or several with commas between */
    char *known[CLIENT_ROUTE_MAX]; /* those that the last server named, in its order; then the rest
                                      of those given */
    uint32_t count;
    uint32_t choices;  /* nodes that there are at least, as far as anybody has said */
    uint32_t at;       /* of the known ones: the one tried last */
    uint32_t left;     /* of the known ones: how many more to try before the next pause */
    char *told;        /* where to go or where we are, instead of known[at]; or NULL */
    uint32_t failures; /* pauses in a row, without anything that came of them */
    struct client_hops hops[CLIENT_HOPS];
    uint32_t pause_min_ms, pause_max_ms;
};

/* `given` must live as long. False when one of its addresses makes no sense or they are too many;
 * nothing has to be closed then. */
bool client_route_init(struct client_route *r, const char *given, uint32_t pause_min_ms,
                       uint32_t pause_max_ms);
void client_route_close(struct client_route *r);

/* Where to go, or where we are. Valid until the next call. */
const char *client_route_address(const struct client_route *r);

/* The list of addresses that a server names, in place of those named before. What makes no sense is
 * left out, as is what is beyond CLIENT_ROUTE_MAX. True when one of them was not known. */
bool client_route_learn(struct client_route *r, struct cursor nodes);

/* Here we are, at that address: it is where the round stands. */
void client_route_arrive(struct client_route *r, const char *address);

/* A server sent us to `address`, or just elsewhere (""): the moment at which to go. Should that one
 * fail, the known ones are tried without a pause. */
int64_t client_route_follow(struct client_route *r, enum client_hop why, const char *address,
                            struct random *random, int64_t now);

/* The connection ended, or could not be had. `good`: something had come of it. `after_ms`: the
 * server asked for so long a pause. Returns the moment at which to go to the next address. */
int64_t client_route_fail(struct client_route *r, bool good, int64_t after_ms,
                          struct random *random, int64_t now);

/* One more hop; false when there were three in this span already. */
bool client_route_hop(struct client_route *r, enum client_hop why, int64_t now);

/* A pause of pure chance: at most `least` the first time, half as much again each further time, and
 * never above `most`. */
int64_t client_route_pause(struct random *random, uint32_t times, int64_t least, int64_t most);

#endif
