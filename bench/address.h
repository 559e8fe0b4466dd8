/* Addresses as clients write them: tcp://HOST:PORT, tcp://[V6]:PORT, unix://PATH. */
#ifndef BENCH_ADDRESS_H
#define BENCH_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct address {
    bool local;     /* a Unix socket; then `path` */
    char path[108]; /* as long as the kernel takes it */
    struct sockaddr_storage tcp;
};

/* NULL, or what is wrong in words. Looks host names up and may wait for that: once, at the start.
 */
const char *address_parse(struct address *out, const char *url);

#endif
