#include "proto/request_shape.h"

#include "proto/request_inside.h"
#include "queue/base/rare.h"

/* Frames that are not like a shape, until one of them is learned in its place: learning costs more
 * than decoding, and who sends by turns what looks different is not to pay for it each time. */
#define REQUEST_SHAPE_PATIENCE 16

/* Bytes of a run, at most: a key with its head; for a customer's first text also what stands before
 * that, the key of the customer and the head of its map. */
#define REQUEST_SHAPE_RUN      16
#define REQUEST_SHAPE_CUSTOMER 9 /* of them, the customer's key */

/* 4 items, of which the first says that it is a call. */
static const uint8_t request_shape_call[] = {0x94, 0};

/* Marks of a step. */
#define STEP_ID     1u /* a text that must be an id */
#define STEP_OTHER  2u /* any other parameter: by its row */
#define STEP_OPENS  4u /* the first text of a customer */
#define STEP_CLOSES 8u /* the last one */

void request_shapes_init(struct request_shapes *s, const struct limits *limits)
{
    memset(s, 0, sizeof(*s));
    s->limits = limits;
    for (unsigned i = 0; i < REQUEST_SHAPES; i++) {
        s->of[i].head[0] = 1; /* which its mask takes from every frame: nothing is like it */
        s->of[i].missed = REQUEST_SHAPE_PATIENCE;
    }
}

/* ---- learning ---- */

/* Add a step whose run reaches from `run` to `end`. False: there is no room for it. */
static bool request_shape_add(struct request_shape *shape, struct request_step step,
                              const uint8_t *run, const uint8_t *end)
{
    size_t size = (size_t)(end - run);

    if (shape->count == REQUEST_SHAPE_STEPS || size > REQUEST_SHAPE_RUN) {
        return false;
    }
    step.run = bytes_words_of(run, size);
    step.size = (uint8_t)size;
    shape->steps[shape->count++] = step;
    return true;
}

static struct request_step request_shape_text_step(bool id, size_t to, uint32_t most)
{
    return (struct request_step){.marks = id ? STEP_ID : 0, .to = (uint16_t)to, .most = most};
}

/* The steps of a customer, before whose map the cursor stands; its key begins at `run`. False: it
 * has not just texts. */
static bool request_shape_learn_customer(struct request_shape *shape, const struct limits *limits,
                                         const uint8_t *run, struct cursor *c)
{
    uint32_t pairs;

    if (c->at != run + REQUEST_SHAPE_CUSTOMER || !cursor_map(c, &pairs)) {
        return false;
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct request_step step;
        struct text key, value;

        if (!cursor_text(c, &key)) {
            return false;
        }
        if (text_equal(key, TEXT("id"))) {
            step = request_shape_text_step(true, offsetof(struct request, customer.id),
                                           limits->of[LIMIT_ID]);
        } else if (text_equal(key, TEXT("tier"))) {
            step = request_shape_text_step(false, offsetof(struct request, customer.tier),
                                           limits->of[LIMIT_NAME]);
        } else {
            return false;
        }
        step.marks |= (uint8_t)((i == 0 ? STEP_OPENS : 0) | (i == pairs - 1 ? STEP_CLOSES : 0));
        if (!request_shape_add(shape, step, run, c->at) || !cursor_text(c, &value)) {
            return false;
        }
        run = c->at;
    }
    return pairs > 0;
}

/* The steps of the pair before which the cursor stands. False: it has none that would serve. */
static bool request_shape_learn_pair(struct request_shape *shape, const struct limits *limits,
                                     struct cursor *c)
{
    const uint8_t *run = c->at;
    uint8_t count = shape->count;
    struct request_step step = {.marks = STEP_OTHER};
    struct cursor ahead;
    struct text key;

    if (!cursor_text(c, &key)) {
        return false;
    }
    step.row = method_parameter(shape->method, field_find(key));
    if (step.row == NULL || cursor_type(c) == CURSOR_NIL) {
        return false;
    }
    if (step.row->type == PARAMETER_CUSTOMER) {
        ahead = *c;
        if (request_shape_learn_customer(shape, limits, run, &ahead)) {
            *c = ahead;
            return true;
        }
        shape->count = count;
    } else if (step.row->type == PARAMETER_ID || step.row->type == PARAMETER_TEXT) {
        step = request_shape_text_step(
            step.row->type == PARAMETER_ID,
            offsetof(struct request, value) + step.row->field * sizeof(union request_value),
            step.row->limit == LIMIT_NONE ? UINT32_MAX : limits->of[step.row->limit]);
    }
    return request_shape_add(shape, step, run, c->at) && cursor_skip(c);
}

/* The shape of a frame that request_decode_whole took. False: it has none that would serve. */
static bool request_shape_learn(struct request_shape *shape, const struct limits *limits,
                                const struct request *r, enum role role)
{
    const uint8_t *name = (const uint8_t *)r->name.bytes - 1; /* with its head, if that is short */
    struct cursor c = r->params;
    uint32_t items, pairs;

    *shape = (struct request_shape){
        .method = r->method,
        .role = role,
        .present = r->present,
        .name_size = (uint8_t)r->name.length,
    };
    if (*name != (0xa0 | r->name.length) || !cursor_array(&c, &items) || items != 1 ||
        !cursor_map(&c, &pairs) || (size_t)(c.at - name) > sizeof(shape->head)) {
        return false;
    }
    shape->head_size = (uint8_t)(c.at - name);
    memcpy(shape->head, name, shape->head_size);
    memset(shape->mask, 0xff, shape->head_size);
    while (pairs > 0 && request_shape_learn_pair(shape, limits, &c)) {
        pairs--;
    }
    return pairs == 0;
}

/* ---- decoding ---- */

/* By the words from the name on. The factor was searched for: the usual frames of the methods of
 * connectors and agents do not share a shape. */
static inline struct request_shape *request_shape_at(struct request_shapes *s, uint64_t first,
                                                     uint64_t second)
{
    return &s->of[(first * 31 + second) * UINT64_C(0xe12e7696a6cecc1b) >> 58];
}

/* Like none before. `shape` may be NULL: there was nothing to hold it against. */
static RARE size_t request_shape_decode_other(struct request_shapes *s, struct request_shape *shape,
                                              struct request *r, enum role role,
                                              const uint8_t *bytes, size_t size)
{
    size_t taken = request_decode_whole(r, role, s->limits, bytes, size);
    struct request_shape learned;

    if (taken > 0 && shape != NULL && shape->missed++ >= REQUEST_SHAPE_PATIENCE) {
        shape->missed = 0;
        if (request_shape_learn(&learned, s->limits, r, role)) {
            *shape = learned;
        }
    }
    return taken;
}

/* A value that is no text, behind its run; where the next step begins, or NULL: it is not as it
 * should be. */
static __attribute__((noinline)) const uint8_t *request_shape_other(const struct request_step *step,
                                                                    const struct limits *limits,
                                                                    struct request *r,
                                                                    struct cursor c)
{
    struct request_error unused;
    struct walk_check w = {.limits = limits,
                           .nesting = limits->of[LIMIT_NESTING] - REQUEST_NESTING,
                           .customer = &r->customer};

    return request_decode_value(&c, step->row, &w, &r->value[step->row->field], &unused) ? c.at
                                                                                         : NULL;
}

/* An id with more than plain ASCII in it. */
static __attribute__((noinline)) bool request_shape_wide_id(struct text id)
{
    return walk_check_text(id) && walk_check_id(id);
}

/* Behind the run and the value of a step; NULL: they are not as they should be. */
static inline const uint8_t *request_shape_step(const struct request_step *step,
                                                const struct limits *limits, struct request *r,
                                                const uint8_t *at, const uint8_t *end)
{
    struct text *customer = &r->value[FIELD_CUSTOMER].text;
    struct cursor c = {at + step->size, end};
    struct bytes_words run;
    struct text found;

    if ((size_t)(end - at) < step->size) {
        return NULL;
    }
    run = bytes_words_of(at, step->size);
    if (run.first != step->run.first || run.last != step->run.last) {
        return NULL;
    }
    if (step->marks > STEP_ID) {
        if (step->marks == STEP_OTHER) {
            return request_shape_other(step, limits, r, c);
        }
        if ((step->marks & STEP_OPENS) != 0) {
            r->customer = (struct walk_customer){TEXT_NONE, TEXT_NONE, TEXT_NONE};
            customer->bytes = (const char *)at + REQUEST_SHAPE_CUSTOMER;
        }
    }
    if (!cursor_text(&c, &found) || found.length > step->most) {
        return NULL;
    }
    *(struct text *)(void *)((char *)r + step->to) = found;
    if ((step->marks & STEP_ID) != 0 ? !walk_check_plain(found) && !request_shape_wide_id(found)
                                     : !walk_check_text(found)) {
        return NULL;
    }
    if ((step->marks & STEP_CLOSES) != 0) {
        customer->length = (uint32_t)((const char *)c.at - customer->bytes);
    }
    return c.at;
}

size_t request_shape_decode(struct request_shapes *s, struct request *r, enum role role,
                            const uint8_t *bytes, size_t size)
{
    const struct limits *limits = s->limits;
    size_t most = limits->of[LIMIT_FRAME];
    struct cursor c = cursor_over(bytes, size < most ? size : most);
    uint64_t msgid, words[REQUEST_SHAPE_WORDS];
    const struct request_step *step, *behind;
    struct request_shape *shape;
    const uint8_t *at;

    if (cursor_left(&c) < sizeof(request_shape_call) ||
        memcmp(bytes, request_shape_call, sizeof(request_shape_call)) != 0) {
        return request_shape_decode_other(s, NULL, r, role, bytes, size);
    }
    c.at += sizeof(request_shape_call);
    if (!cursor_uint(&c, &msgid) || msgid > UINT32_MAX || cursor_left(&c) < sizeof(words)) {
        return request_shape_decode_other(s, NULL, r, role, bytes, size);
    }
    for (unsigned i = 0; i < REQUEST_SHAPE_WORDS; i++) {
        words[i] = bytes_load8(c.at + 8 * i);
    }
    shape = request_shape_at(s, words[0], words[1]);
    if ((words[0] & shape->mask[0]) != shape->head[0] ||
        (words[1] & shape->mask[1]) != shape->head[1] ||
        (words[2] & shape->mask[2]) != shape->head[2] || shape->role != role) {
        return request_shape_decode_other(s, shape, r, role, bytes, size);
    }

    r->kind = REQUEST_CALL;
    r->method = shape->method;
    r->msgid = (uint32_t)msgid;
    r->name = (struct text){(const char *)c.at + 1, shape->name_size};
    r->params = (struct cursor){c.at + 1 + shape->name_size, c.end};
    r->present = shape->present;
    at = c.at + shape->head_size;
    behind = shape->steps + shape->count;
    for (step = shape->steps; step != behind; step++) {
        at = request_shape_step(step, limits, r, at, c.end);
        if (at == NULL) {
            return request_shape_decode_other(s, shape, r, role, bytes, size);
        }
    }
    return (size_t)(at - bytes);
}
