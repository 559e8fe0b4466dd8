#include "proto/request_shape.h"
#include "proto/walk_check.h"
#include "test_proto_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct limits limits;
static struct packer frame;
static struct request request;
static uint8_t *exact;

static const enum role all_roles[] = {ROLE_CONNECTOR, ROLE_AGENT, ROLE_SUPERVISOR, ROLE_ADMIN};

/* After a frame was copied: as if the copy had been decoded. */
static void check_moved(const struct request *moved, const struct request *decoded)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (request_has(decoded, (enum field)i)) {
            assert_memory_equal(&moved->value[i], &decoded->value[i],
                                sizeof(decoded->value[i].number));
        }
    }
    if (request_has(decoded, FIELD_CUSTOMER)) {
        assert_ptr_equal(moved->customer.id.bytes, decoded->customer.id.bytes);
        assert_ptr_equal(moved->customer.tier.bytes, decoded->customer.tier.bytes);
        assert_ptr_equal(moved->customer.attributes.bytes, decoded->customer.attributes.bytes);
    }
    assert_ptr_equal(moved->name.bytes, decoded->name.bytes);
    assert_ptr_equal(moved->params.at, decoded->params.at);
}

/* Two requests of the same bytes: the same values at the same places. */
static void check_same(const struct request *a, const struct request *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->present, b->present);
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->msgid, b->msgid);
    assert_int_equal(a->name.length, b->name.length);
    assert_ptr_equal(a->params.end, b->params.end);
    check_moved(a, b);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        const struct parameter *p = method_parameter(a->method, (enum field)i);

        if (request_has(a, (enum field)i) && p->type != PARAMETER_BOOL &&
            p->type != PARAMETER_INTEGER && p->type != PARAMETER_WORD) {
            assert_int_equal(a->value[i].text.length, b->value[i].text.length);
        }
    }
    if (request_has(a, FIELD_CUSTOMER)) {
        assert_int_equal(a->customer.id.length, b->customer.id.length);
        assert_int_equal(a->customer.tier.length, b->customer.tier.length);
        assert_int_equal(a->customer.attributes.length, b->customer.attributes.length);
    }
}

/* What has a shape is decoded as without it: also where one bit is another, or the end is missing
 * (of short frames: they have all that long ones have). */
static void check_shape(enum role role, bool taken)
{
    static struct request_shapes known, shapes;
    static struct request whole, alike;
    size_t size = frame.size, expected = taken ? size : 0;
    uint8_t *other = malloc(size);

    assert_non_null(other);
    memcpy(other, exact, size);
    request_shapes_init(&known, &limits);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(request_shape_decode(&known, &alike, role, exact, size), expected);
        assert_int_equal(request_decode_whole(&whole, role, &limits, exact, size), expected);
        if (taken) {
            check_same(&alike, &whole);
        }
    }
    for (size_t at = 0; taken && size <= 128 && at < size; at++) {
        shapes = known;
        for (unsigned bit = 0; bit < 8; bit++) {
            other[at] ^= (uint8_t)(1u << bit);
            expected = request_decode_whole(&whole, role, &limits, other, size);
            assert_int_equal(request_shape_decode(&shapes, &alike, role, other, size), expected);
            if (expected > 0) {
                check_same(&alike, &whole);
            }
            other[at] = exact[at];
        }
        assert_int_equal(request_shape_decode(&shapes, &alike, role, exact, at), 0);
    }
    free(other);
}

/* One pass over bytes that nobody has scanned takes what the two steps take, with the same values,
 * whatever stands behind it, and nothing else. */
static void check_whole(enum role role, bool taken)
{
    static struct request whole, moved;
    size_t size = frame.size;
    uint8_t *more = malloc(size + 1);

    assert_non_null(more);
    memcpy(more, exact, size);
    more[size] = 0xc1;
    assert_int_equal(request_decode_whole(&whole, role, &limits, exact, size), taken ? size : 0);
    for (unsigned i = 0; taken && i < FIELD_COUNT; i++) {
        if (request_has(&request, (enum field)i)) {
            assert_memory_equal(&whole.value[i], &request.value[i], sizeof(whole.value[i].number));
        }
    }
    if (taken) {
        assert_int_equal(whole.present, request.present);
        assert_int_equal(whole.method, request.method);
        assert_int_equal(whole.msgid, request.msgid);
    }
    if (taken) {
        moved = whole;
        request_moved(&moved, exact, more, size);
    }
    assert_int_equal(request_decode_whole(&whole, role, &limits, more, size + 1), taken ? size : 0);
    if (taken) {
        check_moved(&moved, &whole);
        assert_ptr_equal(moved.params.end, more + size);
    }
    for (size_t cut = 0; taken && cut < size; cut++) {
        assert_int_equal(request_decode_whole(&whole, role, &limits, more, cut), 0);
    }
    free(more);
}

/* The error's words as one line: "ok", "invalid contact", ... The bytes decoded are an exact copy,
 * so that a sanitizer sees a look beyond them. */
static const char *decode_steps(enum role role)
{
    static char words[128];
    struct request_error error = {0};

    switch (request_decode_head(&request, exact, frame.size)) {
    case REQUEST_BROKEN:
        return "broken";
    case REQUEST_NOTICE:
        return "notice";
    case REQUEST_ANSWER:
        return "answer";
    case REQUEST_CALL:
        break;
    }
    if (request.method == METHOD_NONE) {
        return "unknown_method";
    }
    if (request_decode_params(&request, role, &limits, &error)) {
        return "ok";
    }
    assert_non_null(error.message);
    snprintf(words, sizeof(words), "%s %s", error_wire(error.code),
             error.field == NULL ? "-" : error.field);
    return words;
}

static const char *decode_as(enum role role)
{
    const char *words;
    bool taken;

    free(exact);
    exact = malloc(frame.size);
    assert_non_null(exact);
    memcpy(exact, frame.bytes, frame.size);
    words = decode_steps(role);
    taken = strcmp(words, "ok") == 0 && (method_roles(request.method) & 1u << role) != 0 &&
            frame.size <= limits.of[LIMIT_FRAME];
    check_whole(role, taken);
    check_shape(role, taken);
    return words;
}

static const char *decode_note(const char *note, enum role role)
{
    packer_reset(&frame);
    maker_note(&frame, note);
    return decode_as(role);
}

static void test_heads(void **state)
{
    static const struct {
        const char *note, *expected;
    } rows[] = {
        {"[0, 1, ping, [{}]]", "ok"},
        {"[0, 1, ping, []]", "ok"},
        {"[0, 4294967295, ping, []]", "ok"},
        {"[0, 4294967296, ping, []]", "broken"},
        {"[0, -1, ping, []]", "broken"},
        {"[0, 1.5, ping, []]", "broken"},
        {"[0, nil, ping, []]", "broken"},
        {"[0, 1, ping, {}]", "broken"},
        {"[0, 1, ping, nil]", "broken"},
        {"[0, 1, 7, []]", "broken"},
        {"[0, 1, ping]", "broken"},
        {"[0, 1, ping, [], 1]", "broken"},
        {"[3, 1, ping, []]", "broken"},
        {"[-1, 1, ping, []]", "broken"},
        {"[true, 1, ping, []]", "broken"},
        {"[]", "broken"},
        {"{0: 1}", "broken"},
        {"nil", "broken"},
        {"'GET / HTTP/1.1'", "broken"},
        {"[2, ping, []]", "notice"},
        {"[2, nvim_error_event, [1, 'what is this']]", "notice"},
        {"[2, ping]", "broken"},
        {"[1, 5, nil, {}]", "answer"},
        {"[1, 5, nil]", "broken"},
        {"[0, 1, Ping, []]", "unknown_method"},
        {"[0, 1, '', []]", "unknown_method"},
        {"[0, 1, 'ping ', []]", "unknown_method"},
        {"[0, 1, watch, [{}]]", "unknown_method"},
        {"[0, 1, watch.more, [{}]]", "unknown_method"},
        {"[0, 1, contact.explain, [{}]]", "unknown_method"},
        {"[0, 1, node.lists, [{}]]", "unknown_method"},
        {"[0, 1, ping, [{}, {}]]", "invalid params"},
        {"[0, 1, ping, [1]]", "invalid params"},
        {"[0, 1, ping, [nil]]", "invalid params"},
        {"[0, 1, ping, [{1: 2}]]", "invalid params"},
        {"[0, 1, ping, [{nobody: [1, {a: nil}], knows: 'this'}]]", "ok"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = decode_note(rows[i].note, ROLE_CONNECTOR);
        if (strcmp(got, rows[i].expected) != 0) {
            fail_msg("%s: %s, not %s", rows[i].note, got, rows[i].expected);
        }
    }
}

/* Every name finds itself, and nothing near it. */
static void test_look_ups(void **state)
{
    (void)state;
    for (int i = 0; i < METHOD_COUNT; i++) {
        struct text name = text_from(method_wire((enum method)i));
        size_t count;
        const struct parameter *rows = method_parameters((enum method)i, &count);

        assert_int_equal(method_find(name), i);
        name.length--;
        assert_int_equal(method_find(name), METHOD_NONE);
        assert_true(method_roles((enum method)i) != ROLES_NOBODY);
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(rows[j].method, i);
            assert_ptr_equal(method_parameter((enum method)i, rows[j].field), &rows[j]);
            assert_true((rows[j].required & ~rows[j].roles) == 0);
        }
    }
    for (int i = 0; i < FIELD_COUNT; i++) {
        assert_int_equal(field_find(text_from(field_wire((enum field)i))), i);
    }
    assert_int_equal(field_find(TEXT("contacts")), FIELD_NONE);
    assert_int_equal(field_find(TEXT("")), FIELD_NONE);
    assert_null(method_parameter(METHOD_PING, FIELD_CONTACT));
    assert_null(method_parameter(METHOD_PING, FIELD_NONE));
}

/* A value that the parameter takes. */
static const char *good_value(const struct parameter *p)
{
    switch (p->type) {
    case PARAMETER_ID:
    case PARAMETER_TEXT:
        return "k1";
    case PARAMETER_PAYLOAD:
        return "<00ff>";
    case PARAMETER_BOOL:
        return "true";
    case PARAMETER_INTEGER:
        return "1";
    case PARAMETER_WORD:
        return words_at(p->words, 0);
    case PARAMETER_ATTRIBUTES:
        return "{a: 1, b: nil, c: 'x', d: 1.5, e: true}";
    case PARAMETER_SKILLS:
        return "{refund: 3}";
    case PARAMETER_CUSTOMER:
        return "{id: c1, tier: vip, attributes: {a: 1}, more: []}";
    case PARAMETER_CAPACITY:
        return "{units: 100, max: {chat: 2}}";
    case PARAMETER_QUEUES:
        return "{general: 1}";
    case PARAMETER_REFUSED:
        break;
    }
    return "nil";
}

/* A call with everything that is required, and one parameter given by the caller (none: NULL). */
static const char *decode_with(enum method m, enum role role, const struct parameter *one,
                               const char *value, size_t long_text)
{
    size_t count, map;
    const struct parameter *rows = method_parameters(m, &count);
    uint32_t pairs = 0;

    packer_reset(&frame);
    packer_array(&frame, 4);
    packer_uint(&frame, 0);
    packer_uint(&frame, 9);
    packer_text(&frame, text_from(method_wire(m)));
    packer_array(&frame, 1);
    map = packer_map_open(&frame);
    for (size_t i = 0; i < count; i++) {
        if (&rows[i] == one) {
            packer_text(&frame, text_from(field_wire(one->field)));
            if (long_text > 0) {
                char *letters = malloc(long_text);
                memset(letters, 'x', long_text);
                packer_text_of(&frame, letters, long_text);
                free(letters);
            } else {
                maker_note(&frame, value);
            }
            pairs++;
        } else if ((rows[i].required & 1u << role) != 0 ||
                   (m == METHOD_CONTACT_TRANSFER && rows[i].field == FIELD_QUEUE &&
                    (one == NULL || one->field != FIELD_AGENT))) {
            packer_text(&frame, text_from(field_wire(rows[i].field)));
            maker_note(&frame, good_value(&rows[i]));
            pairs++;
        }
    }
    packer_map_close(&frame, map, pairs);
    return decode_as(role);
}

static void expect(enum method m, const struct parameter *p, const char *value, const char *got,
                   const char *expected)
{
    if (strcmp(got, expected) != 0) {
        fail_msg("%s %s = %s: %s, not %s", method_wire(m), field_wire(p->field), value, got,
                 expected);
    }
}

static const char *named(const char *code, const struct parameter *p)
{
    static char words[128];
    snprintf(words, sizeof(words), "%s %s", code, field_wire(p->field));
    return words;
}

/* Values of every other type than the parameter's. */
static void try_wrong_types(enum method m, enum role role, const struct parameter *p)
{
    static const struct {
        const char *value;
        const char *taken_by; /* a letter for each type that may take it, as in `letters` */
    } rows[] = {
        {"'text'", "itp"},   {"<6162>", "p"}, {"12", "nc"}, {"true", "b"},
        {"{a: 1}", "askuy"}, {"['a']", "y"},  {"1.0", ""},  {"!d40100!", ""},
        {"{}", "askuy"},     {"[]", "y"},     {"[1]", ""},  {"{1: 1}", "uk"},
    };
    static const char letters[] = {
        [PARAMETER_ID] = 'i',       [PARAMETER_TEXT] = 't',       [PARAMETER_PAYLOAD] = 'p',
        [PARAMETER_BOOL] = 'b',     [PARAMETER_INTEGER] = 'n',    [PARAMETER_WORD] = 'w',
        [PARAMETER_SKILLS] = 's',   [PARAMETER_ATTRIBUTES] = 'a', [PARAMETER_CUSTOMER] = 'u',
        [PARAMETER_CAPACITY] = 'k', [PARAMETER_QUEUES] = 'y',     [PARAMETER_REFUSED] = '-',
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *value = rows[i].value;
        bool keyed = strcmp(value, "{1: 1}") == 0;
        bool taken = strchr(rows[i].taken_by, letters[p->type]) != NULL;

        taken = taken && !keyed;
        if (strcmp(value, "12") == 0) {
            taken =
                p->type == PARAMETER_CAPACITY || (p->type == PARAMETER_INTEGER && p->most >= 12);
        }
        expect(m, p, value, decode_with(m, role, p, value, 0), taken ? "ok" : named("invalid", p));
    }
}

static void try_sizes(enum method m, enum role role, const struct parameter *p)
{
    size_t most = p->limit == LIMIT_NONE ? 0 : limits.of[p->limit];

    if (most == 0) {
        return;
    }
    expect(m, p, "at its limit", decode_with(m, role, p, NULL, most), "ok");
    expect(m, p, "over its limit", decode_with(m, role, p, NULL, most + 1), named("too_large", p));
}

static void try_edges(enum method m, enum role role, const struct parameter *p)
{
    char value[32];

    if (p->type != PARAMETER_INTEGER) {
        return;
    }
    snprintf(value, sizeof(value), "%lld", (long long)p->least);
    expect(m, p, value, decode_with(m, role, p, value, 0), "ok");
    snprintf(value, sizeof(value), "%lld", (long long)p->least - 1);
    expect(m, p, value, decode_with(m, role, p, value, 0), named("invalid", p));
    snprintf(value, sizeof(value), "%lld", (long long)p->most);
    expect(m, p, value, decode_with(m, role, p, value, 0), "ok");
    snprintf(value, sizeof(value), "%lld", (long long)p->most + 1);
    expect(m, p, value, decode_with(m, role, p, value, 0), named("invalid", p));
    expect(m, p, "2^64 - 1", decode_with(m, role, p, "!cfffffffffffffffff!", 0),
           named("invalid", p));
}

static void try_texts(enum method m, enum role role, const struct parameter *p)
{
    bool id = p->type == PARAMETER_ID;

    if (p->type == PARAMETER_WORD) {
        expect(m, p, "a word of no list", decode_with(m, role, p, "nonsense", 0),
               named("invalid", p));
    }
    if (!id && p->type != PARAMETER_TEXT) {
        return;
    }
    expect(m, p, "UTF-8", decode_with(m, role, p, "'订单 42 – où?'", 0), "ok");
    expect(m, p, "no UTF-8", decode_with(m, role, p, "'a\xff'", 0), named("invalid", p));
    expect(m, p, "empty", decode_with(m, role, p, "''", 0), id ? named("invalid", p) : "ok");
    expect(m, p, "control", decode_with(m, role, p, "'a\n'", 0), id ? named("invalid", p) : "ok");
    expect(m, p, "DEL", decode_with(m, role, p, "'\x7f'", 0), id ? named("invalid", p) : "ok");
    expect(m, p, "C1", decode_with(m, role, p, "'\xc2\x85'", 0), id ? named("invalid", p) : "ok");
}

/* Every parameter of every method, for every role that may call it: right, nil, missing, of every
 * wrong type, at and over its limit, at and over its range, given twice. */
static void test_every_parameter(void **state)
{
    (void)state;
    for (int i = 0; i < METHOD_COUNT * ROLE_COUNT; i++) {
        enum method m = (enum method)(i / ROLE_COUNT);
        enum role role = all_roles[i % ROLE_COUNT];
        size_t count;
        const struct parameter *rows = method_parameters(m, &count);

        if ((method_roles(m) & 1u << role) == 0) {
            continue;
        }
        assert_string_equal(decode_with(m, role, NULL, NULL, 0), "ok");
        for (const struct parameter *p = rows; p < rows + count; p++) {
            bool required = (p->required & 1u << role) != 0 ||
                            (m == METHOD_CONTACT_TRANSFER &&
                             (p->field == FIELD_QUEUE || p->field == FIELD_AGENT));

            if ((p->roles & 1u << role) == 0) {
                expect(m, p, "forbidden", decode_with(m, role, p, good_value(p), 0),
                       named("forbidden", p));
                expect(m, p, "nil", decode_with(m, role, p, "nil", 0), "ok");
                continue;
            }
            if (p->type == PARAMETER_REFUSED) {
                try_wrong_types(m, role, p);
                expect(m, p, "nil", decode_with(m, role, p, "nil", 0), "ok");
                continue;
            }
            expect(m, p, good_value(p), decode_with(m, role, p, good_value(p), 0), "ok");
            assert_true(request_has(&request, p->field));
            if (m == METHOD_CONTACT_TRANSFER && p->field == FIELD_AGENT) {
                continue; /* what is missing is then called `queue`: test_transfer */
            }
            expect(m, p, "nil", decode_with(m, role, p, "nil", 0),
                   required ? named("invalid", p) : "ok");
            try_wrong_types(m, role, p);
            try_sizes(m, role, p);
            try_edges(m, role, p);
            try_texts(m, role, p);
        }
    }
}

struct note_row {
    enum role role;
    const char *note, *expected;
};

static void run_rows(const struct note_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = decode_note(rows[i].note, rows[i].role);
        if (strcmp(got, rows[i].expected) != 0) {
            fail_msg("%s: %s, not %s", rows[i].note, got, rows[i].expected);
        }
    }
}

#define RUN_ROWS(rows) run_rows((rows), sizeof(rows) / sizeof((rows)[0]))

/* Rules that no single row of the table says. */
static void test_rules(void **state)
{
    static const struct note_row rows[] = {
        /* the first fault in the order of the bytes, and forbidden before all */
        {ROLE_CONNECTOR, "[0,1,contact.cancel,[{reason: 5, contact: 6}]]", "invalid reason"},
        {ROLE_CONNECTOR, "[0,1,contact.cancel,[{contact: 6, reason: 5}]]", "invalid contact"},
        {ROLE_AGENT, "[0,1,contact.update,[{contact: 6, subject: s}]]", "forbidden subject"},
        {ROLE_AGENT, "[0,1,contact.update,[{contact: 6, contact: 7, payload: 1}]]",
         "forbidden payload"},
        {ROLE_AGENT, "[0,1,contact.update,[{contact: k, kept: progress, issue: i}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,contact.update,[{contact: k, subject: s}]]", "ok"},
        /* given twice, even as nil */
        {ROLE_CONNECTOR, "[0,1,contact.get,[{contact: a, contact: a}]]", "invalid contact"},
        {ROLE_CONNECTOR, "[0,1,contact.get,[{contact: nil, contact: a}]]", "invalid contact"},
        {ROLE_CONNECTOR, "[0,1,contact.get,[{unknown: a, unknown: a, contact: k}]]", "ok"},
        /* a parameter of another method is an unknown key */
        {ROLE_CONNECTOR, "[0,1,contact.get,[{contact: k, skills: 7}]]", "ok"},
        /* whose state */
        {ROLE_AGENT, "[0,1,agent.set_state,[{state: away}]]", "ok"},
        {ROLE_SUPERVISOR, "[0,1,agent.set_state,[{state: away}]]", "invalid agent"},
        {ROLE_ADMIN, "[0,1,agent.set_state,[{state: away, agent: ana}]]", "ok"},
        {ROLE_AGENT, "[0,1,agent.set_state,[{state: signed_out}]]", "invalid state"},
        /* a transfer goes somewhere, and to one place */
        {ROLE_AGENT, "[0,1,contact.transfer,[{contact: k}]]", "invalid queue"},
        {ROLE_AGENT, "[0,1,contact.transfer,[{contact: k, queue: q, agent: a}]]", "invalid agent"},
        {ROLE_AGENT, "[0,1,contact.transfer,[{contact: k, queue: q, agent: nil}]]", "ok"},
        {ROLE_AGENT, "[0,1,contact.transfer,[{contact: k, agent: a}]]", "ok"},
        /* what this version does not have is refused, not ignored */
        {ROLE_CONNECTOR,
         "[0,1,hello,[{protocol: 1, role: agent, workspace: w, token: nil, standby: nil}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,hello,[{protocol: 1, role: agent, workspace: w, token: x}]]",
         "invalid token"},
        {ROLE_CONNECTOR, "[0,1,hello,[{protocol: 1, role: agent, workspace: w, standby: true}]]",
         "ok"},
        {ROLE_CONNECTOR, "[0,1,hello,[{protocol: 1, role: agent, workspace: w, standby: 1}]]",
         "invalid standby"},
        {ROLE_CONNECTOR, "[0,1,hello,[{protocol: 2, role: agent, workspace: w}]]",
         "invalid protocol"},
        {ROLE_CONNECTOR, "[0,1,hello,[{protocol: 1, role: node, workspace: w}]]", "invalid role"},
        {ROLE_CONNECTOR,
         "[0,1,hello,[{protocol: 1, role: agent, workspace: w, epoch: 65537, seq: 4}]]", "ok"},
        /* integers in any format, floats in none */
        {ROLE_CONNECTOR, "[0,1,contact.rate,[{contact: k, score: !cf0000000000000003!}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,contact.rate,[{contact: k, score: !d30000000000000003!}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,contact.rate,[{contact: k, score: !d103!}]]",
         "invalid params"}, /* cut short */
        {ROLE_CONNECTOR, "[0,1,contact.rate,[{contact: k, score: !d0fd!}]]", "invalid score"},
        {ROLE_CONNECTOR, "[0,1,contact.rate,[{contact: k, score: 3.0}]]", "invalid score"},
        {ROLE_CONNECTOR, "[0,1,contact.rate,[{contact: k, score: 6}]]", "invalid score"},
        {ROLE_CONNECTOR, "[0,1,contact.submit,[{channel: chat, boost_ms: -5}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,contact.submit,[{channel: chat, expires_ms: -5}]]",
         "invalid expires_ms"},
        /* payload is opaque: any bytes, as bin or as str */
        {ROLE_CONNECTOR, "[0,1,contact.submit,[{channel: chat, payload: '\xff\xfe'}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,contact.submit,[{channel: chat, payload: <>}]]", "ok"},
        {ROLE_CONNECTOR, "[0,1,contact.submit,[{channel: chat, payload: !c70001!}]]",
         "invalid payload"},
    };

    (void)state;
    RUN_ROWS(rows);
}

/* What stands in maps and arrays. */
static void test_maps(void **state)
{
#define SUBMIT(x) "[0,1,contact.submit,[{channel: chat, " x "}]]"
#define PUT(x)    "[0,1,agent.put,[{agent: ana, " x "}]]"
    static const struct note_row rows[] = {
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: 9007199254740991, b: -9007199254740991}"), "ok"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: 9007199254740992}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: !cb7ff0000000000000!}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: !cb7ff8000000000000!}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: []}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: {}}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: <00>}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: !d40100!}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: '\xc0\x80'}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {'\xff': 1}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {'': 1}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {1: 1}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {a: 1, b: 2, a: 3}"), "invalid attributes"},
        {ROLE_CONNECTOR, SUBMIT("attributes: {}"), "ok"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: 1, 'zh': 5}"), "ok"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: nil}"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: 0}"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: 6}"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: 3.0}"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: '3'}"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("skills: {refund: 3, refund: 3}"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("skills: [refund]"), "invalid skills"},
        {ROLE_CONNECTOR, SUBMIT("customer: {}"), "ok"},
        {ROLE_CONNECTOR, SUBMIT("customer: {id: nil, tier: nil, attributes: nil}"), "ok"},
        {ROLE_CONNECTOR, SUBMIT("customer: {tier: ''}"), "ok"},
        {ROLE_CONNECTOR, SUBMIT("customer: {id: ''}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: {id: 7}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: {id: a, id: a}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: {tier: 7}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: {attributes: [1]}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: {attributes: {a: {}}}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: {attributes: {a: 1, a: 1}}"), "invalid customer"},
        {ROLE_CONNECTOR, SUBMIT("customer: ana"), "invalid customer"},
        {ROLE_ADMIN, PUT("capacity: 100"), "ok"},
        {ROLE_ADMIN, PUT("capacity: {}"), "ok"},
        {ROLE_ADMIN, PUT("capacity: {units: nil, max: nil}"), "ok"},
        {ROLE_ADMIN, PUT("capacity: {units: 100, max: {chat: 0, voice: 1}}"), "ok"},
        {ROLE_ADMIN, PUT("capacity: 0"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: -1"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: 1000001"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: 1.5"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: {units: 0}"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: {units: 1, units: 1}"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: {max: 2}"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: {max: {chat: -1}}"), "invalid capacity"},
        {ROLE_ADMIN, PUT("capacity: {max: {chat: nil}}"), "invalid capacity"},
        {ROLE_ADMIN, PUT("queues: []"), "ok"},
        {ROLE_ADMIN, PUT("queues: [general, refunds]"), "ok"},
        {ROLE_ADMIN, PUT("queues: [general, general]"), "invalid queues"},
        {ROLE_ADMIN, PUT("queues: [general, 1]"), "invalid queues"},
        {ROLE_ADMIN, PUT("queues: {general: 0, refunds: 7}"), "ok"},
        {ROLE_ADMIN, PUT("queues: {general: nil}"), "invalid queues"},
        {ROLE_ADMIN, PUT("queues: {general: -1}"), "invalid queues"},
        {ROLE_ADMIN, PUT("queues: general"), "invalid queues"},
    };

    (void)state;
    RUN_ROWS(rows);
}

/* `count` attributes named a0, a1, ... whose values have `bytes` bytes. */
static const char *decode_attributes(unsigned count, size_t bytes, bool of_customer)
{
    char *letters = malloc(bytes + 1), name[16];

    memset(letters, 'v', bytes + 1);
    packer_reset(&frame);
    packer_array(&frame, 4);
    packer_uint(&frame, 0);
    packer_uint(&frame, 9);
    packer_literal(&frame, "contact.submit");
    packer_array(&frame, 1);
    packer_map(&frame, 2);
    packer_literal(&frame, "channel");
    packer_literal(&frame, "chat");
    if (of_customer) {
        packer_literal(&frame, "customer");
        packer_map(&frame, 1);
    }
    packer_literal(&frame, "attributes");
    packer_map(&frame, count);
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "a%u", i % 100);
        packer_text(&frame, text_from(name));
        packer_text_of(&frame, letters, bytes);
    }
    free(letters);
    return decode_as(ROLE_CONNECTOR);
}

static void test_limits_of_attributes(void **state)
{
    (void)state;
    assert_string_equal(decode_attributes(64, 100, false), "ok");
    assert_string_equal(decode_attributes(65, 1, false), "too_large attributes");
    assert_string_equal(decode_attributes(1, 1022, false), "ok"); /* with its name "a0": 1,024 */
    assert_string_equal(decode_attributes(1, 1023, false), "too_large attributes");
    assert_string_equal(decode_attributes(64, 100, true), "ok");
    assert_string_equal(decode_attributes(65, 1, true), "too_large customer");
    assert_string_equal(decode_attributes(1, 1023, true), "too_large customer");
}

/* What was checked is what the walks find. */
static void test_walks(void **state)
{
    struct walk w;
    struct walk_skill s;
    struct walk_attribute a;
    struct walk_queue q;
    struct walk_channel ch;
    struct walk_customer customer;
    struct walk_capacity capacity;

    (void)state;
    assert_string_equal(decode_note(SUBMIT("skills: {refund: 4, zh: 5}, customer: {tier: vip, id: "
                                           "c9, attributes: {n: nil, b: true, i: -7, d: 0.5, "
                                           "t: x}}, text: 'hi', keeps_place: true, boost_ms: 30"),
                                    ROLE_CONNECTOR),
                        "ok");
    assert_true(text_equal(request_text(&request, FIELD_TEXT), TEXT("hi")));
    assert_true(text_is_none(request_text(&request, FIELD_SUBJECT)));
    assert_true(request_flag(&request, FIELD_KEEPS_PLACE, false));
    assert_int_equal(request_number(&request, FIELD_BOOST_MS, 0), 30);
    assert_int_equal(request_number(&request, FIELD_EXPIRES_MS, -1), -1);

    walk_start(&w, request_text(&request, FIELD_SKILLS));
    assert_true(walk_skill(&w, &s) && text_equal(s.skill, TEXT("refund")) && s.level == 4);
    assert_true(walk_skill(&w, &s) && text_equal(s.skill, TEXT("zh")) && s.level == 5);
    assert_false(walk_skill(&w, &s));
    walk_start(&w, request_text(&request, FIELD_ATTRIBUTES));
    assert_false(walk_attribute(&w, &a));

    walk_customer(request_text(&request, FIELD_CUSTOMER), &customer);
    assert_true(text_equal(customer.id, TEXT("c9")) && text_equal(customer.tier, TEXT("vip")));
    walk_start(&w, customer.attributes);
    assert_true(walk_attribute(&w, &a) && a.type == CURSOR_NIL);
    assert_true(walk_attribute(&w, &a) && a.type == CURSOR_BOOL && a.value.flag);
    assert_true(walk_attribute(&w, &a) && a.type == CURSOR_INT && a.value.number == -7);
    assert_true(walk_attribute(&w, &a) && a.type == CURSOR_FLOAT && a.value.real > 0.4);
    assert_true(walk_attribute(&w, &a) && a.type == CURSOR_TEXT && a.value.text.length == 1);
    assert_true(text_equal(a.name, TEXT("t")) && a.raw.length == 2);
    assert_false(walk_attribute(&w, &a));

    assert_string_equal(decode_note(PUT("capacity: {units: 80, max: {chat: 2, email: 0}}, queues: "
                                        "{general: 3, refunds: 0}"),
                                    ROLE_ADMIN),
                        "ok");
    walk_capacity(request_text(&request, FIELD_CAPACITY), &capacity);
    assert_true(capacity.has_units && capacity.units == 80);
    walk_start(&w, capacity.max);
    assert_true(walk_channel(&w, &ch) && text_equal(ch.channel, TEXT("chat")) && ch.contacts == 2);
    assert_true(walk_channel(&w, &ch) && ch.contacts == 0);
    assert_false(walk_channel(&w, &ch));
    walk_start(&w, request_text(&request, FIELD_QUEUES));
    assert_true(walk_queue(&w, &q) && text_equal(q.queue, TEXT("general")) && q.rank == 3);
    assert_true(walk_queue(&w, &q) && q.rank == 0);
    assert_false(walk_queue(&w, &q));

    assert_string_equal(decode_note(PUT("capacity: 100, queues: [b, a]"), ROLE_ADMIN), "ok");
    walk_capacity(request_text(&request, FIELD_CAPACITY), &capacity);
    assert_true(capacity.has_units && capacity.units == 100 && text_is_none(capacity.max));
    walk_start(&w, request_text(&request, FIELD_QUEUES));
    assert_true(walk_queue(&w, &q) && text_equal(q.queue, TEXT("b")) && q.rank == 0);
    assert_true(walk_queue(&w, &q) && text_equal(q.queue, TEXT("a")));
    assert_false(walk_queue(&w, &q));
}

/* RFC 3629 to the letter. */
static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"eight by eight, and a tail", true},
        {"12345678é", true},
        {"\xc2\x80\xdf\xbf", true},
        {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
        {"\x80", false},     /* a continuation of nothing */
        {"\xc0\x80", false}, /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogates */
        {"\xed\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xc3", false}, /* cut short */
        {"\xe4\xb8", false},
        {"\xf0\x9f\x98", false},
        {"12345678\xe4\xb8", false},
        {"\xc3(", false},
        {"\xe4\xb8(", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (walk_check_text(text_from(rows[i].text)) != rows[i].valid) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(
        decode_note("[0,1,contact.list,[{state: rejected, overdue: false}]]", ROLE_SUPERVISOR),
        "ok");
    assert_int_equal(request_number(&request, FIELD_STATE, -1), LIST_REJECTED);
    assert_string_equal(decode_note("[0,1,stats,[{by: channel}]]", ROLE_SUPERVISOR), "ok");
    assert_int_equal(request_number(&request, FIELD_BY, -1), STATS_BY_CHANNEL);
    assert_string_equal(
        decode_note("[0,1,agent.sign_in,[{agent: a, mode: pull, state: away}]]", ROLE_AGENT), "ok");
    assert_int_equal(request_number(&request, FIELD_MODE, -1), MODE_PULL);
    assert_int_equal(request_number(&request, FIELD_STATE, -1), SET_AWAY);
}

static int set_up(void **state)
{
    (void)state;
    limits_init(&limits);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_every_parameter),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_limits_of_attributes),
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
