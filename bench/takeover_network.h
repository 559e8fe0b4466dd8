/* Hosts with a cable that can be pulled: network namespaces on one switch.
 *
 * The bench itself moves into a namespace of its own first, in which the switch is, so everything
 * vanishes with it, however it ends. A host's namespace is held open by a descriptor, and a program
 * runs inside by peer_server.network. It needs root (CAP_SYS_ADMIN), and `ip`.
 *
 * 10.78.0.1 is the bench and whatever runs beside it, 10.78.0.2 the first host. */
#ifndef BENCH_TAKEOVER_NETWORK_H
#define BENCH_TAKEOVER_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#define TAKEOVER_HOSTS 2u

struct takeover_network {
    int hosts[TAKEOVER_HOSTS]; /* descriptors of their namespaces */
    char failed[256];
};

/* False, and words in `failed`: not on this machine, or not as this user. */
bool takeover_network_open(struct takeover_network *n);
void takeover_network_close(struct takeover_network *n);

/* The address of a host, or of the bench: "10.78.0.N". */
void takeover_network_address(char out[16], uint32_t host);
#define TAKEOVER_BENCH_ADDRESS "10.78.0.1"

/* Pull or plug in a host's cable, at the switch: nobody is told, packets just do not arrive. */
bool takeover_network_plug(struct takeover_network *n, uint32_t host, bool plugged);

#endif
