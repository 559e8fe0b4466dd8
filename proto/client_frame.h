/* What the client reads and writes of MessagePack: heads of requests, keys of maps. Private to the
 * client. */
#ifndef PROTO_CLIENT_FRAME_H
#define PROTO_CLIENT_FRAME_H

#include "proto/cursor.h"
#include "proto/include/switchboard/client.h"
#include "proto/packer.h"

/* [0, msgid, method, [ - and then exactly one map. */
void client_frame_head(struct packer *p, uint32_t msgid, struct text method);

/* Exactly one map, small and flat enough for any server. */
enum switchboard_status client_frame_check(const void *params, size_t size, uint32_t frame_max);

/* A copy of a map without some of its keys, and with an id if there is one to put in. */
void client_frame_copy(struct packer *p, struct text map, const struct text *without,
                       size_t without_count, struct text id);

/* The value of a key of a map; false also when it is nil. */
bool client_frame_find(struct text map, struct text wanted, struct cursor *out);

/* The same for an integer between bounds. */
int64_t client_frame_find_int(struct text map, struct text key, int64_t otherwise, int64_t least,
                              int64_t most);

/* Two integers in one pass; one that is not there, or is none, leaves its place alone. */
void client_frame_find_ints(struct text map, const struct text keys[2], int64_t values[2]);

#endif
