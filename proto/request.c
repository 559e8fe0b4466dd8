#include "proto/request.h"

#include "proto/frame.h"
#include "proto/walk_check.h"

enum request_kind request_decode_head(struct request *r, const uint8_t *bytes, size_t size)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t items;
    uint64_t type, msgid = 0;

    r->kind = REQUEST_BROKEN;
    r->method = METHOD_NONE;
    r->msgid = 0;
    r->name = TEXT_NONE;
    r->present = 0;
    if (!cursor_array(&c, &items) || !cursor_uint(&c, &type) || type > 2 ||
        items != (type == 2 ? 3 : 4)) {
        return REQUEST_BROKEN;
    }
    if (type != 2) {
        if (!cursor_uint(&c, &msgid) || msgid > UINT32_MAX) {
            return REQUEST_BROKEN;
        }
        r->msgid = (uint32_t)msgid;
    }
    if (type == 1) {
        return r->kind = REQUEST_ANSWER;
    }
    if (!cursor_text(&c, &r->name) || cursor_type(&c) != CURSOR_ARRAY) {
        return REQUEST_BROKEN;
    }
    r->params = c;
    r->method = method_find(r->name);
    return r->kind = type == 0 ? REQUEST_CALL : REQUEST_NOTICE;
}

static __attribute__((cold)) bool request_refuse(struct request_error *error, enum error_code code,
                                                 const char *field, const char *message)
{
    *error = (struct request_error){code, field, message};
    return false;
}

/* The bytes of a str or bin parameter, within its limit. */
static bool request_decode_bytes(struct cursor *c, const struct parameter *p,
                                 const struct limits *limits, struct text *out,
                                 struct request_error *error)
{
    if (p->type == PARAMETER_PAYLOAD) {
        if (!cursor_bytes(c, out)) {
            return request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be bin or str");
        }
    } else if (!cursor_text(c, out)) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be a str");
    }
    if (p->limit != LIMIT_NONE && out->length > limits->of[p->limit]) {
        return request_refuse(error, ERROR_TOO_LARGE, field_wire(p->field),
                              "is longer than its limit");
    }
    if (p->type == PARAMETER_PAYLOAD || (p->type == PARAMETER_ID && walk_check_plain(*out))) {
        return true;
    }
    if (!walk_check_text(*out)) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be valid UTF-8");
    }
    if (p->type == PARAMETER_ID && !walk_check_id(*out)) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field),
                              "must not be empty nor have control characters");
    }
    return true;
}

static bool request_decode_word(struct cursor *c, const struct parameter *p, int64_t *out,
                                struct request_error *error)
{
    struct text word;

    if (!cursor_text(c, &word)) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be a str");
    }
    *out = words_find(p->words, word);
    return *out != WORD_UNKNOWN || request_refuse(error, ERROR_INVALID, field_wire(p->field),
                                                  "is none of the words allowed");
}

static bool request_decode_integer(struct cursor *c, const struct parameter *p, int64_t *out,
                                   struct request_error *error)
{
    if (cursor_type(c) != CURSOR_INT) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be an integer");
    }
    if (!cursor_int(c, out) || *out < p->least || *out > p->most) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field), "is out of range");
    }
    return true;
}

typedef enum error_code (*request_check)(struct text raw, const struct limits *limits,
                                         const char **message);

/* A map or array is checked whole and kept as it came. */
static bool request_decode_raw(struct cursor *c, const struct parameter *p, request_check check,
                               const struct limits *limits, struct text *out,
                               struct request_error *error)
{
    const char *message = "is cut short";
    enum error_code code = ERROR_INVALID;

    if (cursor_raw(c, out)) {
        code = check(*out, limits, &message);
    }
    return code == ERROR_NONE || request_refuse(error, code, field_wire(p->field), message);
}

static bool request_decode_value(struct cursor *c, const struct parameter *p,
                                 const struct limits *limits, union request_value *out,
                                 struct request_error *error)
{
    switch (p->type) {
    case PARAMETER_ID:
    case PARAMETER_TEXT:
    case PARAMETER_PAYLOAD:
        return request_decode_bytes(c, p, limits, &out->text, error);
    case PARAMETER_BOOL:
        return cursor_bool(c, &out->flag) ||
               request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be a bool");
    case PARAMETER_INTEGER:
        return request_decode_integer(c, p, &out->number, error);
    case PARAMETER_WORD:
        return request_decode_word(c, p, &out->number, error);
    case PARAMETER_ATTRIBUTES:
        return request_decode_raw(c, p, walk_check_attributes, limits, &out->text, error);
    case PARAMETER_SKILLS:
        return request_decode_raw(c, p, walk_check_skills, limits, &out->text, error);
    case PARAMETER_CUSTOMER:
        return request_decode_raw(c, p, walk_check_customer, limits, &out->text, error);
    case PARAMETER_CAPACITY:
        return request_decode_raw(c, p, walk_check_capacity, limits, &out->text, error);
    case PARAMETER_QUEUES:
        return request_decode_raw(c, p, walk_check_queues, limits, &out->text, error);
    case PARAMETER_REFUSED:
        break;
    }
    return request_refuse(error, ERROR_INVALID, field_wire(p->field),
                          "is not supported by this version");
}

/* What no single parameter can be blamed for. */
static bool request_check_together(const struct request *r, enum role role,
                                   struct request_error *error)
{
    if ((method_required(r->method, role) & ~r->present) != 0) {
        size_t count;
        const struct parameter *rows = method_parameters(r->method, &count);

        while ((rows->required & 1u << role) == 0 || request_has(r, rows->field)) {
            rows++;
        }
        return request_refuse(error, ERROR_INVALID, field_wire(rows->field), "is required");
    }
    if (r->method == METHOD_CONTACT_TRANSFER &&
        request_has(r, FIELD_QUEUE) == request_has(r, FIELD_AGENT)) {
        return request_has(r, FIELD_QUEUE)
                   ? request_refuse(error, ERROR_INVALID, field_wire(FIELD_AGENT),
                                    "a transfer goes to a queue or to an agent, not to both")
                   : request_refuse(error, ERROR_INVALID, field_wire(FIELD_QUEUE),
                                    "a transfer needs a queue or an agent");
    }
    return true;
}

/* The frame's array, that of the params, and their map. */
#define REQUEST_NESTING 3

/* A map of parameters being decoded. */
struct request_decoding {
    struct request *request;
    struct cursor cursor;
    const struct limits *limits;
    struct request_error *error;
    unsigned roles;
    uint32_t nesting; /* within a value, of bytes that nobody has scanned; 0: somebody has */
    uint64_t seen;    /* a bit for each field, nil or not */
    bool failed;      /* `error` has the first fault; from then on only what is forbidden counts */
};

static void request_fail(struct request_decoding *d, const char *field, const char *message)
{
    if (!d->failed) {
        d->failed = true;
        request_refuse(d->error, ERROR_INVALID, field, message);
    }
}

/* What a scan would have said of a map or an array in the place of a value. */
static bool request_scan_value(const struct request_decoding *d)
{
    const struct frame_limits bounds = {.bytes = SIZE_MAX, .nesting = d->nesting};
    struct frame_scan scan;

    frame_scan_init(&scan);
    return frame_scan(&scan, d->cursor.at, cursor_left(&d->cursor), &bounds) == FRAME_DONE;
}

/* One pair of the map; false when nothing behind it needs to be looked at. */
static inline bool request_decode_pair(struct request_decoding *d)
{
    const struct parameter *p;
    struct cursor value;
    struct text key;
    uint64_t bit;
    enum cursor_type type;
    bool given, refused = false;

    if (!cursor_text(&d->cursor, &key)) {
        request_fail(d, "params", "must be a map with str keys");
        return false;
    }
    p = method_parameter_named(d->request->method, key);
    type = cursor_type(&d->cursor);
    if (d->nesting > 0 && (type == CURSOR_MAP || type == CURSOR_ARRAY) && !request_scan_value(d)) {
        request_fail(d, "params", "is cut short");
        return false;
    }
    bit = p == NULL ? 0 : UINT64_C(1) << p->field;
    value = d->cursor;
    given = p != NULL && type != CURSOR_NIL; /* "nil ... is as if absent" */
    if (given && !d->failed && (p->roles & d->roles) != 0 && (d->seen & bit) == 0) {
        d->seen |= bit;
        if (request_decode_value(&d->cursor, p, d->limits, &d->request->value[p->field],
                                 d->error)) {
            d->request->present |= bit;
            return true;
        }
        d->cursor = value;
        refused = true;
    }
    if (!cursor_skip(&d->cursor)) {
        request_fail(d, "params", "is cut short");
        return false;
    }
    if (given && (p->roles & d->roles) == 0) {
        d->failed = true;
        return request_refuse(d->error, ERROR_FORBIDDEN, field_wire(p->field),
                              "this role may not give it");
    }
    if (refused) {
        d->failed = true;
    } else if ((d->seen & bit) != 0) {
        request_fail(d, field_wire(p->field), "is given twice");
    }
    d->seen |= bit; /* none of a key that is not ours: "unknown keys are ignored" */
    return true;
}

/* The map of parameters; false when something is wrong with it. The cursor then stands anywhere. */
static bool request_decode_map(struct request_decoding *d)
{
    struct request *r = d->request;
    uint32_t items, pairs = 0;

    assert(r->kind == REQUEST_CALL && r->method < METHOD_COUNT);
    r->present = 0;
    if (!cursor_array(&d->cursor, &items) || items > 1 ||
        (items == 1 && !cursor_map(&d->cursor, &pairs))) {
        return request_refuse(d->error, ERROR_INVALID, "params", "must be an array with one map");
    }
    while (pairs > 0 && request_decode_pair(d)) {
        pairs--;
    }
    return !d->failed;
}

bool request_decode_params(struct request *r, enum role role, const struct limits *limits,
                           struct request_error *error)
{
    struct request_decoding d = {
        .request = r, .cursor = r->params, .limits = limits, .error = error, .roles = 1u << role};

    return request_decode_map(&d) && request_check_together(r, role, error);
}

size_t request_decode_whole(struct request *r, enum role role, const struct limits *limits,
                            const uint8_t *bytes, size_t size)
{
    size_t most = limits->of[LIMIT_FRAME];
    struct request_error unused;
    struct request_decoding d = {
        .request = r, .limits = limits, .error = &unused, .roles = 1u << role};

    if (limits->of[LIMIT_NESTING] <= REQUEST_NESTING ||
        request_decode_head(r, bytes, size < most ? size : most) != REQUEST_CALL ||
        r->method == METHOD_NONE || (method_roles(r->method) & d.roles) == 0) {
        return 0;
    }
    d.cursor = r->params;
    d.nesting = limits->of[LIMIT_NESTING] - REQUEST_NESTING;
    if (!request_decode_map(&d) || !request_check_together(r, role, &unused)) {
        return 0;
    }
    return (size_t)(d.cursor.at - bytes);
}
