/* Scanner, cursor and request decoder against msgpack-c: whatever the scan accepts, msgpack-c reads
 * as the same objects; and of a request's parameters, the rules applied to msgpack-c's objects, one
 * by one and without haste, come to the same answer: the same values, or the same first fault.
 *
 * The first byte chooses the method, the second role, limits and how the rest is read: as a whole
 * frame, or as pairs of a parameter's number and an object, so that parameters need not be guessed
 * letter by letter. msgpack-c gets only what the bounded scan let through. */
#include "proto/frame.h"
#include "proto/packer.h"
#include "proto/request_shape.h"
#include "proto/walk_check.h"
#include "reference.h"

#include <math.h>
#include <msgpack.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void agree(bool so)
{
    if (!so) {
        abort();
    }
}

/* ---- the same objects ---- */

static void same_bytes(struct text t, const char *bytes, uint32_t size)
{
    agree(t.length == size && (size == 0 || memcmp(t.bytes, bytes, size) == 0));
}

static void same_object(struct cursor *c, const msgpack_object *o);

static void same_integer(struct cursor *c, const msgpack_object *o)
{
    struct cursor again = *c;
    int64_t number = 0;
    uint64_t natural = 0;
    bool fits = o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER || o->via.u64 <= INT64_MAX;
    bool positive = o->type == MSGPACK_OBJECT_POSITIVE_INTEGER;

    agree(cursor_type(c) == CURSOR_INT);
    agree(cursor_int(&again, &number) == fits && (!fits || number == o->via.i64));
    again = *c;
    agree(cursor_uint(&again, &natural) == positive && (!positive || natural == o->via.u64));
    agree(cursor_skip(c));
}

static void same_float(struct cursor *c, const msgpack_object *o)
{
    double real = 0;

    agree(cursor_type(c) == CURSOR_FLOAT && cursor_double(c, &real));
    agree(real == o->via.f64 || (isnan(real) && isnan(o->via.f64)));
}

static void same_items(struct cursor *c, const msgpack_object *o)
{
    uint32_t count = 0;

    if (o->type == MSGPACK_OBJECT_ARRAY) {
        agree(cursor_type(c) == CURSOR_ARRAY && cursor_array(c, &count));
        agree(count == o->via.array.size);
        for (uint32_t i = 0; i < count; i++) {
            same_object(c, &o->via.array.ptr[i]);
        }
        return;
    }
    agree(cursor_type(c) == CURSOR_MAP && cursor_map(c, &count) && count == o->via.map.size);
    for (uint32_t i = 0; i < count; i++) {
        same_object(c, &o->via.map.ptr[i].key);
        same_object(c, &o->via.map.ptr[i].val);
    }
}

static void same_object(struct cursor *c, const msgpack_object *o)
{
    struct cursor skipped = *c;
    struct text t = TEXT_NONE;
    bool flag = false;

    agree(cursor_skip(&skipped));
    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
        agree(cursor_type(c) == CURSOR_NIL && cursor_nil(c));
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        agree(cursor_type(c) == CURSOR_BOOL && cursor_bool(c, &flag) && flag == o->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        same_integer(c, o);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        same_float(c, o);
        break;
    case MSGPACK_OBJECT_STR:
        agree(cursor_type(c) == CURSOR_TEXT && cursor_text(c, &t));
        same_bytes(t, o->via.str.ptr, o->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        agree(cursor_type(c) == CURSOR_BIN && cursor_bytes(c, &t));
        same_bytes(t, o->via.bin.ptr, o->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT:
        agree(cursor_type(c) == CURSOR_EXT && cursor_raw(c, &t));
        agree(t.length > o->via.ext.size &&
              (int8_t)t.bytes[t.length - o->via.ext.size - 1] == o->via.ext.type);
        break;
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
        same_items(c, o);
        break;
    }
    agree(c->at == skipped.at);
}

/* The bytes as a text, and all that is behind the first, the second and so on: words of eight bytes
 * come to lie in every way. */
static void same_text(const uint8_t *bytes, size_t size)
{
    for (size_t from = 0; from <= 8 && from <= size; from++) {
        struct text t = {(const char *)bytes + from, (uint32_t)(size - from)};
        bool valid = reference_is_utf8(t);
        bool plain = t.length > 0;

        for (uint32_t i = 0; i < t.length; i++) {
            plain = plain && t.bytes[i] >= 0x20 && t.bytes[i] < 0x7f;
        }
        agree(walk_check_text(t) == valid && walk_check_plain(t) == plain);
        agree(!valid || walk_check_id(t) == reference_is_id(t));
    }
}

/* ---- the same requests ---- */

static void same_value(const struct parameter *p, const union request_value *v,
                       const msgpack_object *o)
{
    struct cursor raw;

    switch (p->type) {
    case PARAMETER_ID:
    case PARAMETER_TEXT:
    case PARAMETER_PAYLOAD:
        same_bytes(v->text, o->via.str.ptr, o->via.str.size);
        return;
    case PARAMETER_BOOL:
        agree(v->flag == o->via.boolean);
        return;
    case PARAMETER_INTEGER:
        agree(v->number == o->via.i64);
        return;
    case PARAMETER_WORD:
        same_bytes(text_from(words_at(p->words, (int)v->number)), o->via.str.ptr, o->via.str.size);
        return;
    case PARAMETER_ATTRIBUTES:
    case PARAMETER_SKILLS:
    case PARAMETER_CUSTOMER:
    case PARAMETER_CAPACITY:
    case PARAMETER_QUEUES:
        raw = cursor_over_text(v->text);
        same_object(&raw, o);
        agree(cursor_left(&raw) == 0);
        return;
    case PARAMETER_REFUSED:
        break;
    }
    agree(false);
}

static void same_params(struct request *r, const msgpack_object *params, enum role role,
                        const struct limits *limits)
{
    struct reference_fault fault = reference_params(params, r->method, role, limits);
    struct request_error error = {0};
    size_t count;
    const struct parameter *rows = method_parameters(r->method, &count);

    agree(request_decode_params(r, role, limits, &error) == (fault.code == ERROR_NONE));
    if (fault.code != ERROR_NONE) {
        agree(error.code == fault.code && strcmp(error.field, fault.field) == 0);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const msgpack_object *o = reference_value(params, rows[i].field);

        agree(request_has(r, rows[i].field) == (o != NULL));
        if (o != NULL) {
            same_value(&rows[i], &r->value[rows[i].field], o);
        }
    }
}

static void same_request(const uint8_t *bytes, size_t size, const msgpack_object *o, enum role role,
                         const struct limits *limits)
{
    static struct request r;
    uint32_t msgid;
    struct text name;

    agree(request_decode_head(&r, bytes, size) == reference_head(o, &msgid, &name));
    agree(r.msgid == msgid);
    if (r.kind != REQUEST_CALL && r.kind != REQUEST_NOTICE) {
        return;
    }
    same_bytes(r.name, name.bytes, name.length);
    for (unsigned m = 0; m < METHOD_COUNT; m++) {
        agree(text_equal(name, text_from(method_wire((enum method)m))) == (r.method == m));
    }
    if (r.kind == REQUEST_CALL && r.method != METHOD_NONE) {
        same_params(&r, &o->via.array.ptr[3], role, limits);
    }
}

/* One pass over bytes that nobody scanned takes a frame only when scan and steps would, and to the
 * same end. */
static void same_whole(const uint8_t *bytes, size_t size, enum role role,
                       const struct limits *limits)
{
    static struct request whole, steps, alike;
    static struct request_shapes shapes; /* of a few earlier frames */
    static uint32_t age;
    size_t taken = request_decode_whole(&whole, role, limits, bytes, size);
    struct frame_limits bounds = {.bytes = limits->of[LIMIT_FRAME],
                                  .nesting = limits->of[LIMIT_NESTING]};
    struct request_error error;
    struct frame_scan scan;
    bool usual;

    frame_scan_init(&scan);
    usual = frame_scan(&scan, bytes, size, &bounds) == FRAME_DONE &&
            request_decode_head(&steps, bytes, scan.position) == REQUEST_CALL &&
            steps.method != METHOD_NONE && (method_roles(steps.method) & 1u << role) != 0 &&
            request_decode_params(&steps, role, limits, &error);
    agree(taken == (usual ? scan.position : 0));
    agree(!usual || (whole.method == steps.method && whole.msgid == steps.msgid &&
                     whole.present == steps.present));

    if (age++ % 64 == 0 || shapes.limits != limits) {
        request_shapes_init(&shapes, limits);
    }
    for (unsigned i = 0; i < 2; i++) { /* the second time perhaps by its shape */
        agree(request_shape_decode(&shapes, &alike, role, bytes, size) == taken);
        agree(!usual || (alike.method == whole.method && alike.msgid == whole.msgid &&
                         alike.present == whole.present));
    }
}

static void compare(const uint8_t *bytes, size_t size, enum role role, const struct limits *limits)
{
    struct frame_limits bounds = {.bytes = 65536, .nesting = 16};
    struct cursor c = cursor_over(bytes, size);
    struct frame_scan scan;
    msgpack_unpacked u;
    size_t offset = 0;

    same_whole(bytes, size, role, limits);
    frame_scan_init(&scan);
    if (frame_scan(&scan, bytes, size, &bounds) != FRAME_DONE) {
        return;
    }
    msgpack_unpacked_init(&u);
    agree(msgpack_unpack_next(&u, (const char *)bytes, scan.position, &offset) ==
          MSGPACK_UNPACK_SUCCESS);
    agree(offset == scan.position);
    same_object(&c, &u.data);
    agree(c.at == bytes + scan.position);
    same_request(bytes, scan.position, &u.data, role, limits);
    msgpack_unpacked_destroy(&u);
}

/* A map of parameters: the number of one, and the object behind it, until no whole object follows.
 * The number behind the last is of no parameter: there the key is an object of its own. */
static void put_pairs(struct packer *p, const uint8_t *bytes, size_t size)
{
    struct cursor c = cursor_over(bytes, size);
    size_t map = packer_map_open(p);
    uint32_t pairs = 0;

    while (cursor_left(&c) > 0) {
        unsigned number = *c.at++ % (FIELD_COUNT + 1);
        struct text key = TEXT_NONE, value = TEXT_NONE;

        if ((number == FIELD_COUNT && !cursor_raw(&c, &key)) || !cursor_raw(&c, &value)) {
            break;
        }
        if (number == FIELD_COUNT) {
            packer_raw(p, key.bytes, key.length);
        } else {
            packer_text(p, text_from(field_wire((enum field)number)));
        }
        packer_raw(p, value.bytes, value.length);
        pairs++;
    }
    packer_map_close(p, map, pairs);
}

/* The limits of the wire, or such that an input of some bytes can come to them. */
static void choose_limits(struct limits *l, bool small)
{
    limits_init(l);
    for (unsigned i = LIMIT_ID; small && i < LIMIT_COUNT; i++) {
        l->of[i] = 2 + i;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct packer p = {0};
    struct limits limits;
    enum method method;
    enum role role;

    if (size < 2) {
        return 0;
    }
    method = (enum method)(bytes[0] % METHOD_COUNT);
    role = (enum role)(bytes[1] % ROLE_COUNT);
    choose_limits(&limits, (bytes[1] & 0x40) != 0);
    same_text(bytes + 2, size - 2);
    if ((bytes[1] & 0x80) != 0) {
        compare(bytes + 2, size - 2, role, &limits);
        return 0;
    }
    packer_array(&p, 4);
    packer_uint(&p, 0);
    packer_uint(&p, bytes[1]);
    packer_text(&p, text_from(method_wire(method)));
    packer_array(&p, 1);
    put_pairs(&p, bytes + 2, size - 2);
    compare(p.bytes, p.size, role, &limits);
    packer_close(&p);
    return 0;
}
