/* Going through the maps and arrays that a checked request carries as raw bytes.
 *
 *     struct walk w;
 *     struct walk_skill s;
 *     walk_start(&w, request_text(r, FIELD_SKILLS));
 *     while (walk_skill(&w, &s)) { ... }
 *
 * The bytes have been checked (walk_check.h) while the request was decoded; over anything else a
 * walk stops early and never reads past the end. A walk over TEXT_NONE is empty. Texts point into
 * the bytes. */
#ifndef PROTO_WALK_H
#define PROTO_WALK_H

#include "proto/cursor.h"

#define WALK_NUMBER_MAX 1000000 /* of units, maxima and ranks */

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
