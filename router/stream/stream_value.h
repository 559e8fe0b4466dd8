/* The value of an entry, as it stands in the stream.
 *
 * Redis copies every byte of an entry some ten times, keeps it and sends it to each replica, and
 * facts say the same words again and again. So a value of some size is packed: as an LZ4 block
 * behind its length (four bytes, the least significant first; libraries of many languages read that
 * as it is). Its field then is the capital of what it would be. What would not become shorter
 * stands there plainly, which is why a reader takes both.
 *
 * Values; any thread. */
#ifndef ROUTER_STREAM_STREAM_VALUE_H
#define ROUTER_STREAM_STREAM_VALUE_H

#include "proto/packer.h"
#include "router/stream/stream_reader.h"

#define STREAM_VALUE_PACKED_LEAST 1024u      /* bytes: below, it is not worth the time */
#define STREAM_VALUE_BYTES_MAX    (2u << 20) /* of a value, unpacked: an entry and what is around */

/* Write the value of `field` ('b' or 'c') behind what is in `out`. The field under which it stands
 * there. */
char stream_value_write(struct packer *out, char field, struct text value);

/* What was written: the entry with its plain field and value, which live as long as `e` and, when
 * it was packed, what is in `room`. NULL; or, in words, what is wrong with it. Fields that are not
 * ours remain what they are. */
const char *stream_value_read(const struct stream_read_entry *e, struct packer *room,
                              struct stream_read_entry *plain);

#endif
