/* Values out of a MessagePack map: what an answer, a notification or an error says.
 *
 * A map that is none, and a key that it does not have, read as nothing. Texts point into the map.
 */
#ifndef PROTO_CLI_FIELDS_H
#define PROTO_CLI_FIELDS_H

#include "queue/types.h"

struct text fields_text(struct text map, const char *key); /* TEXT_NONE: no such text */
bool fields_int(struct text map, const char *key, int64_t *out);
bool fields_double(struct text map, const char *key, double *out); /* of integers, too */
bool fields_bool(struct text map, const char *key);                /* false when absent */

/* The MessagePack of a map or list in there; TEXT_NONE when there is none. */
struct text fields_inside(struct text map, const char *key);

/* The items of a list, each as MessagePack: for (i = fields_items(list); fields_next(&i, &item);)
 */
struct fields_items {
    struct text rest;
    uint32_t left;
};

struct fields_items fields_items(struct text list);
bool fields_next(struct fields_items *items, struct text *out);

/* The pairs of a map whose keys are texts, the value as MessagePack. */
struct fields_items fields_pairs(struct text map);
bool fields_next_pair(struct fields_items *pairs, struct text *key, struct text *value);

#endif
