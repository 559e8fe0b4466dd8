/* One scanned frame into a checked request.
 *
 * In two steps (or, where nothing is out of the ordinary, in one), because `unauthorized`,
 * `unknown_method` and `forbidden` come before anything is said about parameters:
 * request_decode_head tells what is called; the session checks the role; request_decode_params
 * checks every parameter against its row of parameter_table.h.
 *
 * Nothing is allocated and nothing copied: texts and raw values point into the frame, and live as
 * long as its bytes do. Maps and arrays are checked whole here, and stay MessagePack for walk.h to
 * go through.
 *
 * A struct request is about 1 KiB; only the values that `present` names are set, so making one
 * costs nothing. One thread each. */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include "proto/cursor.h"
#include "proto/error_table.h"
#include "proto/method.h"
#include "proto/walk.h"

enum request_kind {
    REQUEST_BROKEN, /* no MessagePack-RPC: one `invalid` with `msgid`, then the connection is closed
                     */
    REQUEST_CALL,   /* [0, msgid, method, params]: gets an answer */
    REQUEST_NOTICE, /* [2, method, params]: the server knows none and ignores them */
    REQUEST_ANSWER, /* [1, msgid, error, result]: the server asked nothing and ignores it */
};

union request_value {
    struct text text; /* str, bin, and the raw bytes of maps and arrays */
    int64_t number;   /* integers; of words their place in the list */
    bool flag;
};

struct request {
    enum request_kind kind;
    enum method method; /* METHOD_NONE when no method has that name */
    uint32_t msgid;     /* 0 where the frame has none */
    struct text name;   /* the method as the client wrote it */
    struct cursor params;
    uint64_t present; /* a bit for each field given and not nil */
    union request_value value[FIELD_COUNT];
    struct walk_customer customer; /* what FIELD_CUSTOMER has, when it was given */
};

/* What is wrong, for response_error. The words are constant. */
struct request_error {
    enum error_code code;
    const char *field; /* the parameter's name, or NULL */
    const char *message;
};

/* Both steps, and finding the end, in one pass over bytes that nobody has scanned: a call that
 * begins at `bytes`, that `role` may make, and in which nothing is wrong. Answers the bytes of its
 * frame, or 0 for everything else (what is not a call, not allowed, faulty, over a limit of
 * `limits`, or not all here): then a scan and the two steps say what it is. */
size_t request_decode_whole(struct request *r, enum role role, const struct limits *limits,
                            const uint8_t *bytes, size_t size);

/* Looks at [type, msgid, method] and finds the params; `bytes` is one whole object. */
enum request_kind request_decode_head(struct request *r, const uint8_t *bytes, size_t size);

/* Checks and decodes the parameters of a REQUEST_CALL whose method is known, for one role. False:
 * `error` says what is wrong (`forbidden` before all else, then the first fault in the order of the
 * bytes, then what is missing), and the values must not be used. */
bool request_decode_params(struct request *r, enum role role, const struct limits *limits,
                           struct request_error *error);

/* The frame, of `size` bytes, was copied: what pointed into it points into the copy from now on. */
void request_moved(struct request *r, const uint8_t *from, const uint8_t *to, size_t size);

static inline bool request_has(const struct request *r, enum field f)
{
    return (r->present >> f & 1) != 0;
}

/* TEXT_NONE when it was not given. Also the raw bytes of maps and arrays. */
static inline struct text request_text(const struct request *r, enum field f)
{
    return request_has(r, f) ? r->value[f].text : TEXT_NONE;
}

/* Integers, durations, times, and the places of words. */
static inline int64_t request_number(const struct request *r, enum field f, int64_t otherwise)
{
    return request_has(r, f) ? r->value[f].number : otherwise;
}

static inline struct walk_customer request_customer(const struct request *r)
{
    return request_has(r, FIELD_CUSTOMER) ? r->customer
                                          : (struct walk_customer){TEXT_NONE, TEXT_NONE, TEXT_NONE};
}

static inline bool request_flag(const struct request *r, enum field f, bool otherwise)
{
    return request_has(r, f) ? r->value[f].flag : otherwise;
}

#endif
