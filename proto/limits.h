/* The limits that the wire announces in hello's answer, by name, with their defaults. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

#include <stdint.h>

/* X(symbol, wire name, default, words) */
#define LIMIT_TABLE(X)                                                                             \
    X(FRAME, "frame", 1048576, "bytes of one frame")                                               \
    X(NESTING, "nesting", 16, "maps and arrays one in the other, the frame's own array included")  \
    X(IN_FLIGHT, "in_flight", 1024, "requests of one connection that are being worked on")         \
    X(ID, "id", 128, "bytes of an id")                                                             \
    X(NAME, "name", 64, "bytes of a name: queue, channel, tier, issue, language, skill, ...")      \
    X(SUBJECT, "subject", 1024, "bytes of a subject, and of an address")                           \
    X(TEXT, "text", 65536, "bytes of a contact's text; classification reads the first 8,192")      \
    X(PAYLOAD, "payload", 65536, "bytes of a payload")                                             \
    X(NOTE, "note", 4096, "bytes of a note, a reason or a comment")                                \
    X(ATTRIBUTES, "attributes", 64, "attributes of one contact or customer; skills of one map")    \
    X(ATTRIBUTE, "attribute", 1024, "bytes of one attribute, its name included")

enum limit_kind {
#define LIMIT_ROW(symbol, wire, standard, words) LIMIT_##symbol,
    LIMIT_TABLE(LIMIT_ROW)
#undef LIMIT_ROW
        LIMIT_COUNT,
    LIMIT_NONE = LIMIT_COUNT,
};

struct limits {
    uint32_t of[LIMIT_COUNT];
};

/* All at their defaults. */
void limits_init(struct limits *l);
const char *limit_wire(enum limit_kind kind);
const char *limit_words(enum limit_kind kind);

#endif
