/* Methods, their parameters and the notifications, as the tables say them: numbers and look-ups.
 *
 * Everything here is constant from before main() on, so any thread may read it. */
#ifndef PROTO_METHOD_H
#define PROTO_METHOD_H

#include <assert.h>

#include "proto/limits.h"
#include "proto/method_table.h"
#include "proto/notice_table.h"
#include "proto/parameter_table.h"
#include "proto/words.h"

/* Sets of roles: a bit each, by place in enum role. */
#define ROLES_NOBODY     0u
#define ROLES_CONNECTOR  (1u << ROLE_CONNECTOR)
#define ROLES_AGENT      (1u << ROLE_AGENT)
#define ROLES_SUPERVISOR (1u << ROLE_SUPERVISOR)
#define ROLES_ADMIN      (1u << ROLE_ADMIN)
#define ROLES_DESK       (ROLES_SUPERVISOR | ROLES_ADMIN) /* who looks at the whole workspace */
#define ROLES_ALL        (ROLES_CONNECTOR | ROLES_AGENT | ROLES_DESK)
#define ROLES_NOT_AGENT  (ROLES_CONNECTOR | ROLES_DESK)

/* Integers of the wire are smaller than 2^53, so that every language can hold them. */
#define INTEGER_MAX ((INT64_C(1) << 53) - 1)
#define INTEGER_MIN (-INTEGER_MAX)

enum method {
#define METHOD_ROW(symbol, wire, roles, kind, answer, help) METHOD_##symbol,
    METHOD_TABLE(METHOD_ROW)
#undef METHOD_ROW
        METHOD_COUNT,
    METHOD_NONE = METHOD_COUNT, /* a name that no method has */
};

enum field {
#define FIELD_ROW(symbol, wire, help) FIELD_##symbol,
    FIELD_TABLE(FIELD_ROW)
#undef FIELD_ROW
        FIELD_COUNT,
    FIELD_NONE = FIELD_COUNT,
};

enum method_kind {
    METHOD_SESSION, /* answered by the session itself */
    METHOD_READ,    /* answered by the state as it is */
    METHOD_CHANGE,  /* through the journal; the result carries epoch and seq */
};

/* The shape of an answer, as PROTOCOL.md describes them. */
enum answer_shape {
    SHAPE_EMPTY,
    SHAPE_SESSION,
    SHAPE_NOW,
    SHAPE_CONTACT,
    SHAPE_CONTACT_FULL,
    SHAPE_CONTACT_STATE,
    SHAPE_CONTACTS,
    SHAPE_AGENT_SESSION,
    SHAPE_AGENT_STATE,
    SHAPE_OFFERS,
    SHAPE_QUEUES,
    SHAPE_QUEUE,
    SHAPE_AGENTS,
    SHAPE_AGENT,
    SHAPE_STATS,
    SHAPE_CHECK,
    SHAPE_VERSION,
    SHAPE_NODES,
    SHAPE_NODE_STATE,
    SHAPE_COUNT,
};

enum parameter_type {
    PARAMETER_ID,      /* str, not empty, no control characters */
    PARAMETER_TEXT,    /* str */
    PARAMETER_PAYLOAD, /* bin or str */
    PARAMETER_BOOL,
    PARAMETER_INTEGER,
    PARAMETER_WORD,       /* str, one of a list; decoded to its place */
    PARAMETER_ATTRIBUTES, /* map of str to scalar */
    PARAMETER_SKILLS,     /* map of str to 1..5 */
    PARAMETER_CUSTOMER,   /* map {id, tier, attributes} */
    PARAMETER_CAPACITY,   /* integer, or map {units, max} */
    PARAMETER_QUEUES,     /* array of str, or map of str to rank */
    PARAMETER_REFUSED,    /* a parameter of a later version: refused unless nil */
};

static_assert(FIELD_COUNT <= 64, "one bit for each field");

struct parameter {
    enum method method;
    enum field field;
    enum parameter_type type;
    unsigned roles;        /* may give it; from others it is `forbidden` */
    unsigned required;     /* of these roles it is required */
    enum limit_kind limit; /* of str and bin; LIMIT_NONE where the type says it all */
    enum word_list words;  /* of PARAMETER_WORD */
    int64_t least, most;   /* of PARAMETER_INTEGER */
    const char *help;
};

/* METHOD_NONE when there is none. O(1). */
enum method method_find(struct text wire);

/* What method_table.h says of a method. */
struct method_row {
    struct text wire;
    unsigned roles;
    enum method_kind kind;
    enum answer_shape shape;
    const char *help;
};

extern const struct method_row method_rows[METHOD_COUNT];

static inline const char *method_wire(enum method m)
{
    assert(m < METHOD_COUNT);
    return method_rows[m].wire.bytes;
}

static inline unsigned method_roles(enum method m)
{
    assert(m < METHOD_COUNT);
    return method_rows[m].roles;
}

static inline enum method_kind method_kind(enum method m)
{
    assert(m < METHOD_COUNT);
    return method_rows[m].kind;
}

static inline enum answer_shape method_answer(enum method m)
{
    assert(m < METHOD_COUNT);
    return method_rows[m].shape;
}

static inline const char *method_help(enum method m)
{
    assert(m < METHOD_COUNT);
    return method_rows[m].help;
}

/* FIELD_NONE when there is none. O(1). */
enum field field_find(struct text wire);
const char *field_wire(enum field f);
const char *field_help(enum field f);

/* The parameters of a method, in the order of the table. */
const struct parameter *method_parameters(enum method m, size_t *count);

/* The method's parameter of that field, or NULL; none of FIELD_NONE. O(1). */
extern const struct parameter *method_row_of[METHOD_COUNT][FIELD_COUNT + 1];

static inline const struct parameter *method_parameter(enum method m, enum field f)
{
    assert(m < METHOD_COUNT && f <= FIELD_COUNT);
    return method_row_of[m][f];
}

/* What a role must give: a bit for each field. */
extern uint64_t method_needs[METHOD_COUNT][ROLE_COUNT];

static inline uint64_t method_required(enum method m, enum role role)
{
    assert(m < METHOD_COUNT && role < ROLE_COUNT);
    return method_needs[m][role];
}

enum notification {
#define NOTICE_ROW(symbol, wire, help) NOTIFICATION_##symbol,
    NOTICE_TABLE(NOTICE_ROW)
#undef NOTICE_ROW
        NOTIFICATION_COUNT,
};

#endif
