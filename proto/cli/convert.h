/* JSON to MessagePack and back, without loss.
 *
 * JSON has no bytes: a MessagePack `bin` is {"$base64": "..."} in JSON, in both directions. The
 * rest is what one expects: numbers with a point or an exponent are floats, others integers; those
 * beyond 64 bits are refused. Coming back, a `str` that is no UTF-8 is shown as bytes, an extension
 * as {"$ext": TYPE, "$base64": "..."}, and a key that is no text as its JSON in a text. */
#ifndef PROTO_CLI_CONVERT_H
#define PROTO_CLI_CONVERT_H

#include <jansson.h>
#include <stdio.h>

#include "proto/packer.h"
#include "queue/types.h"

#define CONVERT_WORDS 256
#define CONVERT_DEPTH 64 /* no server takes nearly as much */

/* Read one JSON value; NULL with a sentence in `why` when it is none. The caller decrefs. */
json_t *convert_parse(struct text json, char why[CONVERT_WORDS]);

/* Append the value. False with a sentence in `why`: then what was appended is of no use. */
bool convert_pack(struct packer *p, const json_t *value, char why[CONVERT_WORDS]);

/* Write the MessagePack object as JSON, in one line without a line end, or, with `pretty`, in as
 * many as it takes. */
void convert_print(FILE *out, struct text packed, bool pretty);

/* Write the text as a JSON string. */
void convert_print_text(FILE *out, struct text t);

#endif
