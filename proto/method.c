#include "proto/method.h"

#include "proto/bytes.h"
#include "proto/field_key.h"

const struct method_row method_rows[METHOD_COUNT] = {
#define METHOD_ROW(symbol, wire, roles, kind, answer, help)                                        \
    [METHOD_##symbol] = {TEXT(wire), roles, METHOD_##kind, SHAPE_##answer, help},
    METHOD_TABLE(METHOD_ROW)
#undef METHOD_ROW
};

static const struct {
    struct text wire;
    const char *help;
} method_fields[FIELD_COUNT] = {
#define FIELD_ROW(symbol, wire, help) [FIELD_##symbol] = {TEXT(wire), help},
    FIELD_TABLE(FIELD_ROW)
#undef FIELD_ROW
};

/* What the column "what is allowed" means. */
#define ANY              .limit = LIMIT_NONE
#define BYTES(kind)      .limit = LIMIT_##kind
#define RANGE(low, high) .limit = LIMIT_NONE, .least = (low), .most = (high)
#define TIME             RANGE(0, INTEGER_MAX)
#define DURATION         RANGE(0, INTEGER_MAX)
#define WORDS(list)      .limit = LIMIT_NONE, .words = WORD_LIST_##list

static const struct parameter method_all_parameters[] = {
#define PARAMETER_ROW(m, f, kind, may, must, allowed, words_of_help)                               \
    {.method = METHOD_##m,                                                                         \
     .field = FIELD_##f,                                                                           \
     .type = PARAMETER_##kind,                                                                     \
     .roles = (may),                                                                               \
     .required = (must),                                                                           \
     .help = (words_of_help),                                                                      \
     allowed},
    PARAMETER_TABLE(PARAMETER_ROW)
#undef PARAMETER_ROW
};

#undef ANY
#undef BYTES
#undef RANGE
#undef TIME
#undef DURATION
#undef WORDS

#define PARAMETER_COUNT (sizeof(method_all_parameters) / sizeof(method_all_parameters[0]))

/* Open addressing over names that are ours, so that nobody can choose ones that collide. A slot has
 * the whole name where that has 16 bytes at most; a quarter of the slots is taken at most. */
#define METHOD_SLOTS 256

struct method_slot {
    struct bytes_words words;
    const struct text *wire; /* NULL: free */
    uint32_t length;         /* of the name */
    enum method method;
};

static struct method_slot method_slots[METHOD_SLOTS];
struct field_slot field_slots[FIELD_KEY_SLOTS];

/* Where each method's rows begin. */
static uint8_t method_first_row[METHOD_COUNT + 1];
const struct parameter *method_row_of[METHOD_COUNT][FIELD_COUNT + 1];
uint64_t method_needs[METHOD_COUNT][ROLE_COUNT];

static_assert(METHOD_COUNT <= METHOD_SLOTS / 4, "look-ups stay short");
static_assert(PARAMETER_COUNT < UINT8_MAX, "a row's number fits a byte");

/* The factor was searched for: none of today's names share a slot. */
static unsigned method_hash(struct bytes_words words)
{
    return (unsigned)((words.first * 31 + words.last) * UINT64_C(0xc131044ea9f17c8b) >> 56);
}

static void method_enter(enum method m)
{
    const struct text *name = &method_rows[m].wire;
    struct bytes_words words = bytes_words_of(name->bytes, name->length);
    unsigned slot = method_hash(words);

    while (method_slots[slot].wire != NULL) {
        slot = (slot + 1) % METHOD_SLOTS;
    }
    method_slots[slot] = (struct method_slot){words, name, name->length, m};
}

/* Names that are long, or not where their hash says, or not ours. */
static __attribute__((noinline)) enum method method_look_on(struct text name, unsigned slot)
{
    for (; method_slots[slot].wire != NULL; slot = (slot + 1) % METHOD_SLOTS) {
        if (text_equal(*method_slots[slot].wire, name)) {
            return method_slots[slot].method;
        }
    }
    return METHOD_NONE;
}

/* Nearly always the first slot has it, and no bytes are left to compare; the empty name, whose
 * words a free slot has, is none of the short ones. */
enum method method_find(struct text wire)
{
    struct bytes_words words = bytes_words_of(wire.bytes, wire.length);
    unsigned slot = method_hash(words);
    const struct method_slot *s = &method_slots[slot];

    if (s->words.first == words.first && s->words.last == words.last && s->length == wire.length &&
        wire.length - 1 < 16) {
        return s->method;
    }
    return method_look_on(wire, slot);
}

static struct field_key field_key_named(struct text name)
{
    uint8_t bytes[FIELD_KEY_BYTES] = {(uint8_t)(0xa0 | name.length)};

    assert(name.length < sizeof(bytes));
    bytes_copy(bytes + 1, name.bytes, name.length);
    return field_key_of(bytes);
}

static void field_enter(enum field f)
{
    struct field_key key = field_key_named(method_fields[f].wire);
    unsigned slot = field_key_hash(key);

    while (field_slots[slot].size != 0) {
        slot = (slot + 1) % FIELD_KEY_SLOTS;
    }
    field_slots[slot] = (struct field_slot){key, 1 + method_fields[f].wire.length, f};
}

/* Before main, so that no caller has to think of it and no thread can be early. */
__attribute__((constructor)) static void method_prepare(void)
{
    unsigned method = 0;

    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        method_enter((enum method)i);
    }
    for (unsigned i = 0; i < FIELD_KEY_SLOTS; i++) {
        field_slots[i].key = FIELD_KEY_NONE;
    }
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        field_enter((enum field)i);
    }
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter *p = &method_all_parameters[i];

        assert(p->method >= method && "rows stand in the order of the methods");
        assert(method_row_of[p->method][p->field] == NULL && "one row for each parameter");
        while (method < p->method) {
            method_first_row[++method] = (uint8_t)i;
        }
        method_row_of[p->method][p->field] = p;
        for (unsigned role = 0; role < ROLE_COUNT; role++) {
            method_needs[p->method][role] |= (uint64_t)(p->required >> role & 1) << p->field;
        }
    }
    while (method < METHOD_COUNT) {
        method_first_row[++method] = PARAMETER_COUNT;
    }
}

enum field field_find(struct text wire)
{
    struct field_key key;
    unsigned slot;

    if (wire.length >= FIELD_KEY_BYTES) {
        return FIELD_NONE;
    }
    key = field_key_named(wire);
    for (slot = field_key_hash(key); field_slots[slot].size != 0;
         slot = (slot + 1) % FIELD_KEY_SLOTS) {
        if (field_slots[slot].key.first == key.first && field_slots[slot].key.last == key.last) {
            return field_slots[slot].field;
        }
    }
    return FIELD_NONE;
}

const char *field_wire(enum field f)
{
    assert(f < FIELD_COUNT);
    return method_fields[f].wire.bytes;
}

const char *field_help(enum field f)
{
    assert(f < FIELD_COUNT);
    return method_fields[f].help;
}

const struct parameter *method_parameters(enum method m, size_t *count)
{
    assert(m < METHOD_COUNT);
    *count = (size_t)(method_first_row[m + 1] - method_first_row[m]);
    return &method_all_parameters[method_first_row[m]];
}
