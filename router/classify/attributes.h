/* Reads the attributes of a contact or customer: one MessagePack map from str to scalar. */
#ifndef ROUTER_CLASSIFY_ATTRIBUTES_H
#define ROUTER_CLASSIFY_ATTRIBUTES_H

#include "router/classify/ruleset.h"

typedef void (*attribute_visit)(void *context, struct text key, const struct scalar *value);

/* Call `visit` for each pair. What is no string key or no scalar is passed over; whatever is not a
 * whole map ends the reading quietly at the first broken byte: the request decoder has refused such
 * requests already. Texts point into `map`. */
void attributes_read(struct text map, attribute_visit visit, void *context);

#endif
