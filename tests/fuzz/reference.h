/* What a request means, by the rules of PROTOCOL.md applied to the objects that msgpack-c decoded:
 * slowly, and by none of the code that the server uses for it but the tables. */
#ifndef FUZZ_REFERENCE_H
#define FUZZ_REFERENCE_H

#include "proto/request.h"

#include <msgpack.h>

bool reference_is_utf8(struct text t);
bool reference_is_id(struct text t);

enum request_kind reference_head(const msgpack_object *o, uint32_t *msgid, struct text *name);

/* What is wrong first, or ERROR_NONE. */
struct reference_fault {
    enum error_code code;
    const char *field;
};

/* `params` is the array at the end of a call. */
struct reference_fault reference_params(const msgpack_object *params, enum method m, enum role role,
                                        const struct limits *limits);

/* The value of a field that is given and not nil, or NULL; of params without a fault. */
const msgpack_object *reference_value(const msgpack_object *params, enum field f);

#endif
