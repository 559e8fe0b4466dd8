/* What a Redis says of itself when somebody connects: its role, and what INFO tells of version,
 * run, persistence, replicas and memory. CONFIG is not needed, so that a user with few rights will
 * do.
 *
 * What could not be learned, for want of rights, is left zero; `info_known` and `role` say so.
 *
 * Plain records; reading is pure. redis_greeting_ask belongs to the link's thread. */
#ifndef ROUTER_REDIS_REDIS_GREETING_H
#define ROUTER_REDIS_REDIS_GREETING_H

#include "router/redis/redis_link.h"

#define REDIS_ID_BYTES 41 /* forty hexadecimal digits, and the end */

enum redis_role { REDIS_ROLE_UNKNOWN, REDIS_ROLE_PRIMARY, REDIS_ROLE_REPLICA, REDIS_ROLE_SENTINEL };

#define REDIS_VERSION(major, minor, patch)                                                         \
    ((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))

struct redis_greeting {
    struct redis_endpoint endpoint;
    enum redis_role role;
    bool info_known;
    uint32_t version;                    /* REDIS_VERSION */
    char run_id[REDIS_ID_BYTES];         /* another one: another process */
    char replication_id[REDIS_ID_BYTES]; /* another one: another history of data */
    int64_t replication_offset;          /* bytes of it */
    uint64_t time_us;                    /* its wall clock, microseconds since the Unix epoch */
    uint32_t replicas;                   /* of a primary: connected now */
    bool replica_in_sync;                /* of a replica: its link to the primary stands */
    bool loading;                        /* data is still being read; nothing else can be asked */
    bool append_only;                    /* every write goes to a file */
    bool cluster;
    uint64_t memory_max; /* bytes; 0: no limit */
    char memory_policy[32];
};

/* Ask, behind whatever was sent on this link before; `g` is filled until `done`, which tells
 * whether everything was answered (the link's `ended` tells why not). */
void redis_greeting_ask(struct redis_link *l, struct redis_greeting *g,
                        void (*done)(void *context, bool answered), void *context);

/* The reply of ROLE. */
void redis_greeting_read_role(struct redis_greeting *g, const struct redisReply *r);
/* The text of INFO; unknown lines are left out. */
void redis_greeting_read_info(struct redis_greeting *g, struct text info);

/* May data be entrusted to it? It must be new enough, keep what it is given (an append-only file,
 * or `replicas` replicas when that is not 0), and throw nothing away for want of memory. False, and
 * why in `problem`. */
bool redis_greeting_is_safe(const struct redis_greeting *g, uint32_t replicas, char *problem,
                            size_t size);

const char *redis_role_word(enum redis_role role);

#endif
