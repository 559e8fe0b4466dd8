/* What the files of the request share; for nobody else.
 *
 *   request.c        any frame into a checked request
 *   request_shape.c  the same for one that looks like those before it */
#ifndef PROTO_REQUEST_INSIDE_H
#define PROTO_REQUEST_INSIDE_H

#include "proto/request.h"
#include "proto/walk_check.h"

/* The frame's array, that of the params, and their map. */
#define REQUEST_NESTING 3

/* The value of a parameter, whatever its type; false: `error` says what is wrong with it. `w` is
 * for maps and arrays. */
bool request_decode_value(struct cursor *c, const struct parameter *p, struct walk_check *w,
                          union request_value *out, struct request_error *error);

#endif
