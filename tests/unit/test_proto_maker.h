/* MessagePack made by chance, and bytes that are nearly MessagePack: the same seed, the same bytes.
 */
#ifndef TEST_PROTO_MAKER_H
#define TEST_PROTO_MAKER_H

#include "proto/cursor.h"
#include "proto/packer.h"
#include "queue/base/random.h"

/* One whole object, in any format that the specification allows, also longer ones than needed. */
void maker_object(struct packer *p, struct random *r, unsigned nesting);

/* Change, cut, insert or repeat a few bytes. */
void maker_damage(struct packer *p, struct random *r);

/* One object from a notation for people: {key: value}, [a, b], 'text', text, 12, -1.5, nil, true,
 * false, <00ff> for bin, and !c1! for bytes put in as they are. Bytes of `'text'` come as they
 * stand. */
void maker_note(struct packer *p, const char *note);

/* The opposite: one object as a note, appended to `to`. */
void maker_print(struct cursor *c, char *to, size_t size);

/* "81 a1 61 c0" as bytes. */
void maker_hex(struct packer *p, const char *hex);

#endif
