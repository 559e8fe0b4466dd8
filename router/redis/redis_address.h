/* How a router is told where its Redis is:
 *
 *     redis://[USER[:PASSWORD]@]HOST:PORT                         one Redis
 *     redis-sentinel://[USER[:PASSWORD]@]HOST:PORT,HOST:PORT/NAME  the primary that Sentinels watch
 *     redis-cluster://[USER[:PASSWORD]@]HOST:PORT,HOST:PORT        a Redis Cluster, and where to
 * ask
 *
 * `rediss`, `rediss-sentinel` and `rediss-cluster` are the same over TLS. Behind a '?' stand
 * options, with '&' between them (redis_address_options of the .c file lists them):
 *
 *     password-file=PATH, password-env=NAME   the password, without its last line end
 *     ca=PATH, cert=PATH, key=PATH            TLS: whom to believe, and who we are
 *     server-name=NAME                        TLS: the name in the certificate, when not HOST
 *     sentinel-user=, sentinel-password-file=, sentinel-password-env=   for the Sentinels
 * themselves
 *
 * User, password and values may hold %XX for any byte but a zero. An IPv6 host stands in brackets.
 *
 * Secrets are read by redis_address_load and shown by nobody: redis_address_shown and every problem
 * leave them out.
 *
 * Errors name the byte, counted from 1. A plain record of the caller's; any thread. */
#ifndef ROUTER_REDIS_REDIS_ADDRESS_H
#define ROUTER_REDIS_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/base/text.h"

#define REDIS_HOST_BYTES    254 /* with the end; a name of DNS has 253 at most */
#define REDIS_WORD_BYTES    128
#define REDIS_PATH_BYTES    512
#define REDIS_SEEDS_MAX     16
#define REDIS_PROBLEM_BYTES 256

struct redis_endpoint {
    char host[REDIS_HOST_BYTES]; /* a name or a number, without brackets */
    uint16_t port;
};

enum redis_deployment { REDIS_SINGLE, REDIS_SENTINEL, REDIS_CLUSTER };

/* Who somebody says he is. An empty user is Redis' default user; an empty password: no AUTH. */
struct redis_account {
    char user[REDIS_WORD_BYTES];
    char password[REDIS_WORD_BYTES];
    char password_file[REDIS_PATH_BYTES];
    char password_env[REDIS_WORD_BYTES];
};

struct redis_address {
    enum redis_deployment deployment;
    bool tls;
    uint32_t seed_count; /* one at least */
    struct redis_endpoint seeds[REDIS_SEEDS_MAX];
    char name[REDIS_WORD_BYTES]; /* under which Sentinels know the primary */
    struct redis_account account;
    struct redis_account sentinel_account;
    char ca[REDIS_PATH_BYTES], cert[REDIS_PATH_BYTES], key[REDIS_PATH_BYTES];
    char server_name[REDIS_HOST_BYTES];
};

/* False when it is no address; `problem` then says what is wrong at which byte, without secrets. */
bool redis_address_parse(struct text url, struct redis_address *out, char *problem, size_t size);

/* Read passwords from where the address says that they are. May block for a file; before the loop
 * runs. */
bool redis_address_load(struct redis_address *a, char *problem, size_t size);

/* The address for logs and people: what is secret is "***". Always terminated, cut when `size` is
 * short. */
void redis_address_shown(const struct redis_address *a, char *out, size_t size);

/* Overwrite the secrets. */
void redis_address_forget(struct redis_address *a);

/* HOST:PORT or [HOST]:PORT; false when it is not. An empty host is allowed when `hostless` says so:
 * a redirection without one means the host that sent it. */
bool redis_endpoint_parse(struct text words, bool hostless, struct redis_endpoint *out);

/* As people write it. `out` has REDIS_HOST_BYTES + 8 bytes. */
#define REDIS_ENDPOINT_BYTES (REDIS_HOST_BYTES + 8)
void redis_endpoint_shown(const struct redis_endpoint *e, char out[REDIS_ENDPOINT_BYTES]);

bool redis_endpoint_equal(const struct redis_endpoint *a, const struct redis_endpoint *b);

#endif
