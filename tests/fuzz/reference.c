#include "reference.h"

#include "proto/walk_check.h"

#include <math.h>

static bool is_str(const msgpack_object *o)
{
    return o->type == MSGPACK_OBJECT_STR;
}

static struct text text_of(const msgpack_object *o)
{
    return (struct text){o->via.str.ptr, o->via.str.size};
}

/* RFC 3629, section 4, row by row. */
bool reference_is_utf8(struct text t)
{
    static const struct {
        uint8_t first, last, low, high, more;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
        {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
        {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
    };
    const uint8_t *bytes = (const uint8_t *)t.bytes;
    size_t row;

    for (uint32_t i = 0; i < t.length; i += 1u + rows[row].more) {
        for (row = 0; row < 9 && (bytes[i] < rows[row].first || bytes[i] > rows[row].last);) {
            row++;
        }
        if (row == 9 || t.length - i <= rows[row].more) {
            return false;
        }
        for (uint32_t k = 1; k <= rows[row].more; k++) {
            uint8_t low = k == 1 ? rows[row].low : 0x80, high = k == 1 ? rows[row].high : 0xbf;

            if (bytes[i + k] < low || bytes[i + k] > high) {
                return false;
            }
        }
    }
    return true;
}

bool reference_is_id(struct text t)
{
    for (uint32_t i = 0; i < t.length; i++) {
        uint8_t byte = (uint8_t)t.bytes[i];

        if (byte < 0x20 || byte == 0x7f) {
            return false;
        }
        if (byte == 0xc2 && i + 1 < t.length && (uint8_t)t.bytes[i + 1] < 0xa0) {
            return false; /* U+0080 to U+009F */
        }
    }
    return t.length > 0 && reference_is_utf8(t);
}

static bool is_integer(const msgpack_object *o)
{
    return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER || o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
}

static bool in_range(const msgpack_object *o, int64_t least, int64_t most)
{
    bool fits = o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER || o->via.u64 <= INT64_MAX;

    return is_integer(o) && fits && o->via.i64 >= least && o->via.i64 <= most;
}

static enum error_code valid(bool so)
{
    return so ? ERROR_NONE : ERROR_INVALID;
}

static enum error_code check_attribute(const msgpack_object *o, struct text name, uint32_t most)
{
    uint32_t length = name.length;

    switch (o->type) {
    case MSGPACK_OBJECT_STR:
        if (!reference_is_utf8(text_of(o))) {
            return ERROR_INVALID;
        }
        length += o->via.str.size;
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        if (!in_range(o, -INT64_C(9007199254740991), INT64_C(9007199254740991))) {
            return ERROR_INVALID;
        }
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        if (!isfinite(o->via.f64)) {
            return ERROR_INVALID;
        }
        break;
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_BOOLEAN:
        break;
    case MSGPACK_OBJECT_BIN:
    case MSGPACK_OBJECT_EXT:
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
        return ERROR_INVALID;
    }
    return length > most ? ERROR_TOO_LARGE : ERROR_NONE;
}

/* What stands behind a name: a number of a range, or an attribute. */
struct entry_rule {
    uint32_t entries, name; /* at most */
    bool attributes;
    int64_t least, most;
};

static const msgpack_object *key_at(const msgpack_object *o, uint32_t i)
{
    return o->type == MSGPACK_OBJECT_MAP ? &o->via.map.ptr[i].key : &o->via.array.ptr[i];
}

static enum error_code check_entry(const msgpack_object *o, uint32_t i, const struct entry_rule *r)
{
    const msgpack_object *key = key_at(o, i);
    const msgpack_object *value;

    if (!is_str(key)) {
        return ERROR_INVALID;
    }
    if (key->via.str.size > r->name) {
        return ERROR_TOO_LARGE;
    }
    if (key->via.str.size == 0 || !reference_is_utf8(text_of(key))) {
        return ERROR_INVALID;
    }
    for (uint32_t j = 0; j < i; j++) {
        if (text_equal(text_of(key_at(o, j)), text_of(key))) {
            return ERROR_INVALID;
        }
    }
    if (o->type == MSGPACK_OBJECT_ARRAY) {
        return ERROR_NONE;
    }
    value = &o->via.map.ptr[i].val;
    return r->attributes ? check_attribute(value, text_of(key), r->name)
                         : valid(in_range(value, r->least, r->most));
}

static enum error_code check_entries(const msgpack_object *o, const struct entry_rule *r)
{
    uint32_t count = o->type == MSGPACK_OBJECT_MAP ? o->via.map.size : o->via.array.size;
    enum error_code code = count > r->entries ? ERROR_TOO_LARGE : ERROR_NONE;

    for (uint32_t i = 0; code == ERROR_NONE && i < count; i++) {
        code = check_entry(o, i, r);
    }
    return code;
}

static enum error_code check_attributes(const msgpack_object *o, const struct limits *l)
{
    struct entry_rule rule = {l->of[LIMIT_ATTRIBUTES], l->of[LIMIT_ATTRIBUTE], true, 0, 0};

    return o->type == MSGPACK_OBJECT_MAP ? check_entries(o, &rule) : ERROR_INVALID;
}

static enum error_code check_customer_pair(unsigned key, const msgpack_object *o,
                                           const struct limits *l)
{
    uint32_t most = l->of[key == 0 ? LIMIT_ID : LIMIT_NAME];

    if (key == 2) {
        return check_attributes(o, l);
    }
    if (!is_str(o)) {
        return ERROR_INVALID;
    }
    if (o->via.str.size > most) {
        return ERROR_TOO_LARGE;
    }
    return valid(key == 0 ? reference_is_id(text_of(o)) : reference_is_utf8(text_of(o)));
}

static enum error_code check_capacity_pair(unsigned key, const msgpack_object *o,
                                           const struct limits *l)
{
    struct entry_rule rule = {WALK_CHECK_CHANNELS, l->of[LIMIT_NAME], false, 0, WALK_NUMBER_MAX};

    if (key == 0) {
        return valid(in_range(o, 1, WALK_NUMBER_MAX));
    }
    return o->type == MSGPACK_OBJECT_MAP ? check_entries(o, &rule) : ERROR_INVALID;
}

static enum error_code check_keyed(const msgpack_object *o, const char *const keys[3],
                                   enum error_code (*check)(unsigned, const msgpack_object *,
                                                            const struct limits *),
                                   const struct limits *l)
{
    bool seen[3] = {false, false, false};
    enum error_code code = valid(o->type == MSGPACK_OBJECT_MAP);

    for (uint32_t i = 0; code == ERROR_NONE && i < o->via.map.size; i++) {
        const msgpack_object *key = &o->via.map.ptr[i].key, *value = &o->via.map.ptr[i].val;

        if (!is_str(key)) {
            return ERROR_INVALID;
        }
        for (unsigned k = 0; k < 3 && keys[k] != NULL; k++) {
            if (!text_equal(text_of(key), text_from(keys[k]))) {
                continue;
            }
            code = seen[k]                             ? ERROR_INVALID
                   : value->type == MSGPACK_OBJECT_NIL ? ERROR_NONE
                                                       : check(k, value, l);
            seen[k] = true;
        }
    }
    return code;
}

static enum error_code check_str(const struct parameter *p, const msgpack_object *o,
                                 const struct limits *l)
{
    bool bin = p->type == PARAMETER_PAYLOAD && o->type == MSGPACK_OBJECT_BIN;

    if (!is_str(o) && !bin) {
        return ERROR_INVALID;
    }
    if (p->limit != LIMIT_NONE && o->via.str.size > l->of[p->limit]) {
        return ERROR_TOO_LARGE;
    }
    return p->type == PARAMETER_PAYLOAD
               ? ERROR_NONE
               : valid(p->type == PARAMETER_ID ? reference_is_id(text_of(o))
                                               : reference_is_utf8(text_of(o)));
}

static bool is_word(enum word_list list, const msgpack_object *o)
{
    int place = 0;

    while (words_at(list, place) != NULL &&
           !(is_str(o) && text_equal(text_of(o), text_from(words_at(list, place))))) {
        place++;
    }
    return words_at(list, place) != NULL;
}

static enum error_code check_value(const struct parameter *p, const msgpack_object *o,
                                   const struct limits *l)
{
    static const char *const customer_keys[] = {"id", "tier", "attributes"};
    static const char *const capacity_keys[] = {"units", "max", NULL};
    struct entry_rule skills = {l->of[LIMIT_ATTRIBUTES], l->of[LIMIT_NAME], false, 1, 5};
    struct entry_rule queues = {WALK_CHECK_QUEUES, l->of[LIMIT_NAME], false, 0, WALK_NUMBER_MAX};

    switch (p->type) {
    case PARAMETER_ID:
    case PARAMETER_TEXT:
    case PARAMETER_PAYLOAD:
        return check_str(p, o, l);
    case PARAMETER_BOOL:
        return valid(o->type == MSGPACK_OBJECT_BOOLEAN);
    case PARAMETER_INTEGER:
        return valid(in_range(o, p->least, p->most));
    case PARAMETER_WORD:
        return valid(is_word(p->words, o));
    case PARAMETER_ATTRIBUTES:
        return check_attributes(o, l);
    case PARAMETER_SKILLS:
        return o->type == MSGPACK_OBJECT_MAP ? check_entries(o, &skills) : ERROR_INVALID;
    case PARAMETER_CUSTOMER:
        return check_keyed(o, customer_keys, check_customer_pair, l);
    case PARAMETER_CAPACITY:
        return is_integer(o) ? check_capacity_pair(0, o, l)
                             : check_keyed(o, capacity_keys, check_capacity_pair, l);
    case PARAMETER_QUEUES:
        return o->type == MSGPACK_OBJECT_MAP || o->type == MSGPACK_OBJECT_ARRAY
                   ? check_entries(o, &queues)
                   : ERROR_INVALID;
    case PARAMETER_REFUSED:
        break;
    }
    return ERROR_INVALID;
}

enum request_kind reference_head(const msgpack_object *o, uint32_t *msgid, struct text *name)
{
    const msgpack_object *items = o->via.array.ptr;
    uint32_t count = o->type == MSGPACK_OBJECT_ARRAY ? o->via.array.size : 0;
    int64_t type;

    *msgid = 0;
    *name = TEXT_NONE;
    if (count < 3 || count > 4 || !in_range(&items[0], 0, 2)) {
        return REQUEST_BROKEN;
    }
    type = items[0].via.i64;
    if (count != (type == 2 ? 3 : 4) || (type != 2 && !in_range(&items[1], 0, UINT32_MAX))) {
        return REQUEST_BROKEN;
    }
    *msgid = type == 2 ? 0 : (uint32_t)items[1].via.u64;
    if (type == 1) {
        return REQUEST_ANSWER;
    }
    if (!is_str(&items[count - 2])) {
        return REQUEST_BROKEN;
    }
    *name = text_of(&items[count - 2]);
    if (items[count - 1].type != MSGPACK_OBJECT_ARRAY) {
        return REQUEST_BROKEN;
    }
    return type == 0 ? REQUEST_CALL : REQUEST_NOTICE;
}

const msgpack_object *reference_value(const msgpack_object *params, enum field f)
{
    const msgpack_object_map *map = &params->via.array.ptr[0].via.map;
    const msgpack_object *found = NULL;

    for (uint32_t i = 0; params->via.array.size > 0 && i < map->size; i++) {
        if (is_str(&map->ptr[i].key) &&
            text_equal(text_of(&map->ptr[i].key), text_from(field_wire(f))) &&
            map->ptr[i].val.type != MSGPACK_OBJECT_NIL) {
            found = &map->ptr[i].val;
        }
    }
    return found;
}

static const struct parameter *parameter_named(enum method m, struct text name)
{
    size_t count;
    const struct parameter *rows = method_parameters(m, &count);

    for (size_t i = 0; i < count; i++) {
        if (text_equal(name, text_from(field_wire(rows[i].field)))) {
            return &rows[i];
        }
    }
    return NULL;
}

static void blame(struct reference_fault *fault, enum error_code code, const char *field)
{
    if (fault->code == ERROR_NONE && code != ERROR_NONE) {
        *fault = (struct reference_fault){code, field};
    }
}

/* What the values do not tell one by one. */
static struct reference_fault check_together(const msgpack_object *params, enum method m,
                                             enum role role)
{
    struct reference_fault fault = {ERROR_NONE, NULL};
    bool queue = reference_value(params, FIELD_QUEUE) != NULL;
    bool agent = reference_value(params, FIELD_AGENT) != NULL;
    size_t count;
    const struct parameter *rows = method_parameters(m, &count);

    for (size_t i = 0; i < count; i++) {
        if ((rows[i].required >> role & 1) != 0 && reference_value(params, rows[i].field) == NULL) {
            blame(&fault, ERROR_INVALID, field_wire(rows[i].field));
        }
    }
    if (m == METHOD_CONTACT_TRANSFER && queue == agent) {
        blame(&fault, ERROR_INVALID, queue ? "agent" : "queue");
    }
    return fault;
}

struct reference_fault reference_params(const msgpack_object *params, enum method m, enum role role,
                                        const struct limits *limits)
{
    struct reference_fault fault = {ERROR_NONE, NULL};
    const msgpack_object_map *map = &params->via.array.ptr[0].via.map;
    uint64_t seen = 0;

    if (params->via.array.size == 0) {
        return check_together(params, m, role);
    }
    if (params->via.array.size > 1 || params->via.array.ptr[0].type != MSGPACK_OBJECT_MAP) {
        return (struct reference_fault){ERROR_INVALID, "params"};
    }
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key, *value = &map->ptr[i].val;
        const struct parameter *p;

        if (!is_str(key)) {
            blame(&fault, ERROR_INVALID, "params");
            return fault;
        }
        p = parameter_named(m, text_of(key));
        if (p == NULL) {
            continue;
        }
        if (value->type != MSGPACK_OBJECT_NIL && (p->roles >> role & 1) == 0) {
            return (struct reference_fault){ERROR_FORBIDDEN, field_wire(p->field)};
        }
        if ((seen >> p->field & 1) != 0) {
            blame(&fault, ERROR_INVALID, field_wire(p->field));
        }
        seen |= UINT64_C(1) << p->field;
        if (value->type != MSGPACK_OBJECT_NIL) {
            blame(&fault, check_value(p, value, limits), field_wire(p->field));
        }
    }
    return fault.code != ERROR_NONE ? fault : check_together(params, m, role);
}
