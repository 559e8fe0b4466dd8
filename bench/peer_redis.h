/* What the rows of Redis share: the server, and requests and replies in RESP. */
#ifndef BENCH_PEER_REDIS_H
#define BENCH_PEER_REDIS_H

#include "bench/peers.h"

#define REDIS_MEMORY  "--save '' --appendonly no"
#define REDIS_DURABLE "--appendonly yes --appendfsync always"

bool redis_start(struct peer_server *s, const volatile int *interrupted);

/* On a port of its own; `appendfsync` is how its file is kept, NULL: it has none. */
bool redis_start_at(struct peer_server *s, uint16_t port, const char *appendfsync,
                    const volatile int *interrupted);

/* Requests: an array's head, then so many strings. */
void redis_put_array(struct peer_client *c, uint64_t count);
void redis_put_text(struct peer_client *c, struct text t);
void redis_put_number(struct peer_client *c, uint64_t number);
/* A text of letters and one number behind it: names of keys. */
void redis_put_name(struct peer_client *c, const char *letters, uint32_t number);
/* A whole request whose words stand between single spaces. */
void redis_put_words(struct peer_client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct redis_reply {
    char kind;        /* + - : $ or *; 0 for nil */
    struct text text; /* of + - and $ */
    int64_t number;   /* of :, and how many replies follow a * */
};

/* Read one reply, of an array its head alone. Bytes taken; 0 when they are not all there, -1 when
 * they are none. */
ssize_t redis_reply_read(struct redis_reply *out, const uint8_t *bytes, size_t size);

/* How long the whole next reply is, with all that is in it; 0 and -1 as above. */
ssize_t redis_reply_length(const uint8_t *bytes, size_t size);

/* The client fails when a reply is an error. */
bool redis_is_error(struct peer_client *c, const struct redis_reply *reply);

#endif
