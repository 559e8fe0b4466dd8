#include "proto/request.h"

#include "proto/field_key.h"
#include "proto/request_inside.h"

static inline __attribute__((always_inline)) enum request_kind
request_read_head(struct request *r, const uint8_t *bytes, size_t size)
{
    static const uint8_t call[] = {0x94, 0}; /* as nearly all begin */
    struct cursor c = cursor_over(bytes, size);
    uint32_t items = 4;
    uint64_t type = 0, msgid = 0;

    r->kind = REQUEST_BROKEN;
    r->method = METHOD_NONE;
    r->msgid = 0;
    r->name = TEXT_NONE;
    r->present = 0;
    if (size >= sizeof(call) && memcmp(bytes, call, sizeof(call)) == 0) {
        c.at += sizeof(call);
    } else if (!cursor_array(&c, &items) || !cursor_uint(&c, &type) || type > 2 ||
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

enum request_kind request_decode_head(struct request *r, const uint8_t *bytes, size_t size)
{
    return request_read_head(r, bytes, size);
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
    if (p->type == PARAMETER_PAYLOAD ||
        (p->type == PARAMETER_ID ? walk_check_plain(*out) : walk_check_text(*out))) {
        return true;
    }
    if (p->type == PARAMETER_TEXT || !walk_check_text(*out)) {
        return request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be valid UTF-8");
    }
    if (!walk_check_id(*out)) {
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

/* A map or array is checked whole and kept as it came. */
static bool request_decode_raw(struct cursor *c, const struct parameter *p,
                               enum error_code (*check)(struct cursor *c, struct walk_check *w),
                               struct walk_check *w, struct text *out, struct request_error *error)
{
    const uint8_t *from = c->at;
    enum error_code code = check(c, w);

    *out = (struct text){(const char *)from, (uint32_t)(c->at - from)};
    return code == ERROR_NONE || request_refuse(error, code, field_wire(p->field), w->message);
}

bool request_decode_value(struct cursor *c, const struct parameter *p, struct walk_check *w,
                          union request_value *out, struct request_error *error)
{
    if (p->type <= PARAMETER_PAYLOAD) { /* most of them: first, and not by the switch's table */
        return request_decode_bytes(c, p, w->limits, &out->text, error);
    }
    switch (p->type) {
    case PARAMETER_ID:
    case PARAMETER_TEXT:
    case PARAMETER_PAYLOAD:
        break;
    case PARAMETER_BOOL:
        return cursor_bool(c, &out->flag) ||
               request_refuse(error, ERROR_INVALID, field_wire(p->field), "must be a bool");
    case PARAMETER_INTEGER:
        return request_decode_integer(c, p, &out->number, error);
    case PARAMETER_WORD:
        return request_decode_word(c, p, &out->number, error);
    case PARAMETER_ATTRIBUTES:
        return request_decode_raw(c, p, walk_check_attributes, w, &out->text, error);
    case PARAMETER_SKILLS:
        return request_decode_raw(c, p, walk_check_skills, w, &out->text, error);
    case PARAMETER_CUSTOMER:
        return request_decode_raw(c, p, walk_check_customer, w, &out->text, error);
    case PARAMETER_CAPACITY:
        return request_decode_raw(c, p, walk_check_capacity, w, &out->text, error);
    case PARAMETER_QUEUES:
        return request_decode_raw(c, p, walk_check_queues, w, &out->text, error);
    case PARAMETER_REFUSED:
        break;
    }
    return request_refuse(error, ERROR_INVALID, field_wire(p->field),
                          "is not supported by this version");
}

/* What the method and the role need is not all there, or it is a transfer. */
static __attribute__((noinline)) bool request_check_closely(const struct request *r, enum role role,
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
    if (request_has(r, FIELD_QUEUE) == request_has(r, FIELD_AGENT)) {
        return request_has(r, FIELD_QUEUE)
                   ? request_refuse(error, ERROR_INVALID, field_wire(FIELD_AGENT),
                                    "a transfer goes to a queue or to an agent, not to both")
                   : request_refuse(error, ERROR_INVALID, field_wire(FIELD_QUEUE),
                                    "a transfer needs a queue or an agent");
    }
    return true;
}

/* What no single parameter can be blamed for. */
static inline bool request_check_together(const struct request *r, enum role role,
                                          struct request_error *error)
{
    return ((method_required(r->method, role) & ~r->present) == 0 &&
            r->method != METHOD_CONTACT_TRANSFER) ||
           request_check_closely(r, role, error);
}

/* A map of parameters being decoded. */
struct request_decoding {
    struct request *request;
    struct cursor cursor;
    struct request_error *error;
    const struct parameter *const *rows; /* of the method, by field */
    unsigned roles;
    struct walk_check check; /* of values that are maps or arrays */
    uint64_t seen;           /* a bit for each field, nil or not */
    bool failed; /* `error` has the first fault; from then on only what is forbidden counts */
};

static void request_fail(struct request_decoding *d, const char *field, const char *message)
{
    if (!d->failed) {
        d->failed = true;
        request_refuse(d->error, ERROR_INVALID, field, message);
    }
}

/* A pair that was not stored: its key is not ours, not this role's or not the first of its name,
 * its value is nil or wrong, or there was a fault before. False when nothing behind it needs to be
 * looked at. */
static __attribute__((noinline)) bool
request_pass_pair(struct request_decoding *d, const struct parameter *p, const uint8_t *value)
{
    uint64_t bit = p == NULL ? 0 : UINT64_C(1) << p->field;
    bool given, allowed, again = (d->seen & bit) != 0;

    d->cursor.at = value;
    given = p != NULL && cursor_type(&d->cursor) != CURSOR_NIL; /* "nil ... is as if absent" */
    allowed = p != NULL && (p->roles & d->roles) != 0;
    if (!walk_check_pass(&d->cursor, d->check.nesting)) {
        request_fail(d, "params", "is cut short");
        return false;
    }
    if (given && !allowed) {
        d->failed = true;
        return request_refuse(d->error, ERROR_FORBIDDEN, field_wire(p->field),
                              "this role may not give it");
    }
    if (again) {
        request_fail(d, field_wire(p->field), "is given twice");
    } else if (given) {
        d->failed = true; /* `error` has what is wrong with it, or what was before */
    }
    d->seen |= bit; /* none of a key that is not ours: "unknown keys are ignored" */
    return true;
}

/* The parameter that the next pair's key names. False: there is no key. */
static inline bool request_decode_key(struct request_decoding *d, const struct parameter **out)
{
    const struct field_slot *slot =
        cursor_left(&d->cursor) < FIELD_KEY_BYTES ? NULL : field_key_find(d->cursor.at);
    struct text key;

    if (slot != NULL) {
        d->cursor.at += slot->size;
        *out = d->rows[slot->field];
        return true;
    }
    if (!cursor_text(&d->cursor, &key)) {
        request_fail(d, "params", "must be a map with str keys");
        return false;
    }
    *out = d->rows[field_find(key)];
    return true;
}

/* One pair of the map; false when nothing behind it needs to be looked at. */
static inline bool request_decode_pair(struct request_decoding *d)
{
    struct request *r = d->request;
    const struct parameter *p;
    const uint8_t *value;
    uint64_t bit;

    if (!request_decode_key(d, &p)) {
        return false;
    }
    value = d->cursor.at;
    if (p == NULL) {
        return request_pass_pair(d, p, value);
    }
    bit = UINT64_C(1) << p->field;
    if ((p->roles & d->roles) == 0 || (d->seen & bit) != 0 || d->failed ||
        !request_decode_value(&d->cursor, p, &d->check, &r->value[p->field], d->error)) {
        return request_pass_pair(d, p, value);
    }
    d->seen |= bit;
    r->present |= bit;
    return true;
}

/* The map of parameters; false when something is wrong with it. The cursor then stands anywhere. */
static inline __attribute__((always_inline)) bool request_decode_map(struct request_decoding *d)
{
    uint32_t items, pairs = 0;

    assert(d->request->kind == REQUEST_CALL && d->request->method < METHOD_COUNT);
    d->request->present = 0;
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
        .request = r,
        .cursor = r->params,
        .error = error,
        .rows = method_row_of[r->method],
        .roles = 1u << role,
        .check = {.limits = limits, .nesting = WALK_CHECK_SCANNED, .customer = &r->customer}};

    return request_decode_map(&d) && request_check_together(r, role, error);
}

static void request_move_text(struct text *t, const uint8_t *from, const uint8_t *to)
{
    if (!text_is_none(*t)) {
        t->bytes = (const char *)to + (t->bytes - (const char *)from);
    }
}

void request_moved(struct request *r, const uint8_t *from, const uint8_t *to, size_t size)
{
    for (uint64_t rest = r->present; rest != 0; rest &= rest - 1) {
        enum field f = (enum field)__builtin_ctzll(rest);
        enum parameter_type type = method_parameter(r->method, f)->type;

        if (type != PARAMETER_BOOL && type != PARAMETER_INTEGER && type != PARAMETER_WORD) {
            request_move_text(&r->value[f].text, from, to);
        }
    }
    if (request_has(r, FIELD_CUSTOMER)) {
        request_move_text(&r->customer.id, from, to);
        request_move_text(&r->customer.tier, from, to);
        request_move_text(&r->customer.attributes, from, to);
    }
    request_move_text(&r->name, from, to);
    r->params = (struct cursor){to + (r->params.at - from), to + size};
}

size_t request_decode_whole(struct request *r, enum role role, const struct limits *limits,
                            const uint8_t *bytes, size_t size)
{
    size_t most = limits->of[LIMIT_FRAME];
    uint32_t nesting = limits->of[LIMIT_NESTING];
    struct request_error unused;
    struct request_decoding d;

    if (nesting <= REQUEST_NESTING ||
        request_read_head(r, bytes, size < most ? size : most) != REQUEST_CALL ||
        r->method == METHOD_NONE || (method_roles(r->method) & 1u << role) == 0) {
        return 0;
    }
    d = (struct request_decoding){.request = r,
                                  .cursor = r->params,
                                  .error = &unused,
                                  .rows = method_row_of[r->method],
                                  .roles = 1u << role,
                                  .check = {.limits = limits,
                                            .nesting = nesting - REQUEST_NESTING,
                                            .customer = &r->customer}};
    if (!request_decode_map(&d) || !request_check_together(r, role, &unused)) {
        return 0;
    }
    return (size_t)(d.cursor.at - bytes);
}
