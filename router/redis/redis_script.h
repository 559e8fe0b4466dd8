/* Scripts on one link, each sent by its digest alone (EVALSHA), and known there whatever happens.
 *
 * When Redis does not know a script (NOSCRIPT: after a restart, a failover, SCRIPT FLUSH) it is
 * loaded and sent again, on the same connection. Order: all that this queue had sent behind it and
 * was refused as well follows in the old order, and what is given meanwhile waits behind that. A
 * command sent `behind` the scripts (WAIT) is sent again, too, when any before it was, for its
 * first answer would speak of nothing; only its last answer is told. What can break the order is
 * somebody else who loads the same script just between two of ours: so a script that needs order
 * checks it itself.
 *
 * Each is answered once, in the order of the last sending, as redis_link has it; a script that
 * Redis does not know after three tries gets that error. Until then its bytes are kept, and count
 * for the link's bound.
 *
 * A queue belongs to one link, and dies behind its last LOST: destroy it in the link's `ended`.
 * Thread: the loop's. */
#ifndef ROUTER_REDIS_REDIS_SCRIPT_H
#define ROUTER_REDIS_REDIS_SCRIPT_H

#include "router/redis/redis_link.h"

#define REDIS_SHA_BYTES 41

struct redis_script {
    struct text text; /* the caller's, and outlives every queue that runs it */
    char sha[REDIS_SHA_BYTES];
};

/* Computes the digest; libcrypto's SHA-1, with which Redis names scripts. */
void redis_script_init(struct redis_script *s, struct text text);

struct redis_script_queue;

struct redis_script_queue *redis_script_queue_create(struct redis_link *l);
/* Everything must have been answered. */
void redis_script_queue_destroy(struct redis_script_queue *q);

/* `c->words` begin behind the digest: the number of keys, the keys, the arguments. */
enum redis_sent redis_script_run(struct redis_script_queue *q, const struct redis_script *s,
                                 const struct redis_command *c);

/* A whole command that must stand behind the scripts before it. */
enum redis_sent redis_script_send_behind(struct redis_script_queue *q,
                                         const struct redis_command *c);

/* How many times something was sent again. */
uint64_t redis_script_repeats(const struct redis_script_queue *q);

#endif
