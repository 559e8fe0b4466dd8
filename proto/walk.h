/* Going through the maps and arrays that a checked request carries as raw bytes.
 *
 * First the checks (walk_check_*), which request.c runs while it decodes: they answer ERROR_NONE,
 * ERROR_INVALID or ERROR_TOO_LARGE, and say in `message` what is wrong. Then the walks, which
 * expect checked bytes; over anything else they stop early and never read past the end.
 *
 *     struct walk w;
 *     struct walk_skill s;
 *     walk_start(&w, request_text(r, FIELD_SKILLS));
 *     while (walk_skill(&w, &s)) { ... }
 *
 * A walk over TEXT_NONE is empty. Texts point into the bytes. */
#ifndef PROTO_WALK_H
#define PROTO_WALK_H

#include "proto/cursor.h"
#include "proto/error_table.h"
#include "proto/limits.h"

#define WALK_QUEUES_MAX   1024    /* queues of one agent */
#define WALK_CHANNELS_MAX 64      /* maxima of one agent */
#define WALK_NUMBER_MAX   1000000 /* of units, maxima and ranks */

enum error_code walk_check_attributes(struct text raw, const struct limits *limits,
                                      const char **message);
enum error_code walk_check_skills(struct text raw, const struct limits *limits,
                                  const char **message);
enum error_code walk_check_customer(struct text raw, const struct limits *limits,
                                    const char **message);
enum error_code walk_check_capacity(struct text raw, const struct limits *limits,
                                    const char **message);
enum error_code walk_check_queues(struct text raw, const struct limits *limits,
                                  const char **message);

/* Valid UTF-8, in the sense of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
bool walk_text_valid(struct text t);

/* Not empty and without control characters: U+0000 to U+001F, U+007F to U+009F. Of valid text only.
 */
bool walk_id_valid(struct text t);

struct walk {
    struct cursor cursor;
    uint32_t left;
    bool pairs; /* a map; otherwise an array */
};

void walk_start(struct walk *w, struct text raw);

struct walk_skill {
    struct text skill;
    uint8_t level; /* 1 to 5 */
};

struct walk_attribute {
    struct text name;
    enum cursor_type type; /* CURSOR_NIL, _BOOL, _INT, _FLOAT or _TEXT */
    struct text raw;       /* the value's MessagePack bytes */
    union {
        bool flag;
        int64_t number;
        double real;
        struct text text;
    } value;
};

struct walk_queue {
    struct text queue;
    uint32_t rank; /* 0 for all where only names were given */
};

struct walk_channel {
    struct text channel;
    uint32_t contacts;
};

/* False behind the last. */
bool walk_skill(struct walk *w, struct walk_skill *out);
bool walk_attribute(struct walk *w, struct walk_attribute *out);
bool walk_queue(struct walk *w, struct walk_queue *out);
bool walk_channel(struct walk *w, struct walk_channel *out);

/* What is not given is TEXT_NONE; `attributes` is raw. */
struct walk_customer {
    struct text id;
    struct text tier;
    struct text attributes;
};

struct walk_capacity {
    bool has_units;
    uint32_t units;  /* 1 to WALK_NUMBER_MAX */
    struct text max; /* raw, for walk_channel; or TEXT_NONE */
};

void walk_customer(struct text raw, struct walk_customer *out);
void walk_capacity(struct text raw, struct walk_capacity *out);

#endif
