/* What the frames of before looked like, so that one that looks the same is decoded by comparing.
 *
 * What a program sends has the same methods with the same keys in the same order, frame after
 * frame; only the values differ. A shape has the bytes that stand around the values, and says what
 * each value is. All that follows from these bytes was found when the shape was learned, by
 * request_decode_whole: that there is such a method, that the role may call it and give each of its
 * parameters, that none stands there twice and none is missing. So a frame that has them needs its
 * values checked, and nothing else. One that differs, or has a value that is not as it should be,
 * is decoded by request_decode_whole, and in the end learned in place of the shape it was held
 * against.
 *
 * Shapes are found by how the method's name begins. They are of one set of limits, and of one
 * thread. About 30 KiB, of which each shape in use costs a few hundred bytes of cache. */
#ifndef PROTO_REQUEST_SHAPE_H
#define PROTO_REQUEST_SHAPE_H

#include "proto/bytes.h"
#include "proto/request.h"

#define REQUEST_SHAPES      64
#define REQUEST_SHAPE_STEPS 12
/* From the method's name to the head of the map of parameters, in words. */
#define REQUEST_SHAPE_WORDS 3

/* A run of bytes, and the value behind it: a text, unless it is STEP_OTHER. */
struct request_step {
    struct bytes_words run;
    const struct parameter *row; /* of STEP_OTHER */
    uint32_t most;               /* bytes of a text */
    uint16_t to;                 /* where in the request its text goes */
    uint8_t size;                /* of the run */
    uint8_t marks;               /* what the value is: STEP_... */
};

struct request_shape {
    uint64_t head[REQUEST_SHAPE_WORDS]; /* from the name on; the bits of `mask` only */
    uint64_t mask[REQUEST_SHAPE_WORDS];
    uint64_t present; /* as in the request */
    enum method method;
    enum role role;
    uint32_t missed; /* frames that were held against it and were not like it */
    uint8_t head_size, name_size;
    uint8_t count;
    struct request_step steps[REQUEST_SHAPE_STEPS];
};

struct request_shapes {
    const struct limits *limits;
    struct request_shape of[REQUEST_SHAPES];
};

/* None is known. `limits` stay as they are, and live as long as the shapes. */
void request_shapes_init(struct request_shapes *s, const struct limits *limits);

/* As request_decode_whole. */
size_t request_shape_decode(struct request_shapes *s, struct request *r, enum role role,
                            const uint8_t *bytes, size_t size);

#endif
