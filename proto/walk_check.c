#include "proto/walk_check.h"

#include <assert.h>
#include <math.h>

#include "proto/bytes.h"
#include "proto/frame.h"
#include "proto/method.h"

/* More than any map below may hold: the names seen so far stand on the stack, and each new one is
 * compared with them. That is quadratic, and with these bounds still cheaper than a table. */
#define WALK_CHECK_NAMES WALK_CHECK_QUEUES

static enum error_code walk_check_fail(struct walk_check *w, enum error_code code,
                                       const char *words)
{
    w->message = words;
    return code;
}

/* Bytes that follow the first one of a sequence, and the least code point that needs so many. */
static unsigned walk_check_sequence(const uint8_t *at, const uint8_t *end)
{
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    uint8_t first = *at;
    unsigned more;
    uint32_t point;

    /* Three bytes whose first one says that the others may be any: nearly all of Chinese, Japanese
     * and Korean. */
    if (first > 0xe0 && first < 0xed && end - at >= 3 && (at[1] & 0xc0) == 0x80 &&
        (at[2] & 0xc0) == 0x80) {
        return 3;
    }
    more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more == 0 || (size_t)(end - at) <= more) {
        return 0;
    }
    point = first & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (at[i] & 0x3fu);
    }
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    return 1 + more;
}

#define WALK_CHECK_HIGH UINT64_C(0x8080808080808080) /* set in bytes that are no ASCII */
#define WALK_CHECK_EACH UINT64_C(0x0101010101010101)

/* Behind the ASCII at the front, as far as whole words go; to the end when all of it is ASCII. */
static const uint8_t *walk_check_ascii(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 8) {
        struct bytes_words words = bytes_words_of(at, (size_t)(end - at));

        return ((words.first | words.last) & WALK_CHECK_HIGH) == 0 ? end : at;
    }
    while (end - at >= 32) {
        uint64_t any =
            bytes_load8(at) | bytes_load8(at + 8) | bytes_load8(at + 16) | bytes_load8(at + 24);
        if ((any & WALK_CHECK_HIGH) != 0) {
            return at;
        }
        at += 32;
    }
    while (end - at >= 8) {
        if ((bytes_load8(at) & WALK_CHECK_HIGH) != 0) {
            return at;
        }
        at += 8;
    }
    return (bytes_load8(end - 8) & WALK_CHECK_HIGH) == 0 ? end : at;
}

bool walk_check_text(struct text t)
{
    const uint8_t *at = (const uint8_t *)t.bytes;
    const uint8_t *end = at + t.length;

    while ((at = walk_check_ascii(at, end)) != end) {
        while (at != end && *at < 0x80) {
            at++;
        }
        while (at != end && *at >= 0x80) {
            unsigned size = walk_check_sequence(at, end);
            if (size == 0) {
                return false;
            }
            at += size;
        }
    }
    return true;
}

/* The high bits tell of bytes outside 0x20 to 0x7e. */
static inline uint64_t walk_check_others(uint64_t word)
{
    return word | (word + WALK_CHECK_EACH) | (word - 0x20 * WALK_CHECK_EACH);
}

bool walk_check_plain(struct text t)
{
    const uint8_t *at = (const uint8_t *)t.bytes;
    uint64_t others = 0;

    if (t.length >= 8) {
        for (uint32_t i = 0; i + 8 < t.length; i += 8) {
            others |= walk_check_others(bytes_load8(at + i));
        }
        others |= walk_check_others(bytes_load8(at + t.length - 8));
    } else if (t.length >= 4) {
        others =
            walk_check_others((uint64_t)bytes_load4(at) << 32 | bytes_load4(at + t.length - 4));
    } else {
        for (uint32_t i = 0; i < t.length; i++) {
            if (at[i] < 0x20 || at[i] > 0x7e) {
                return false;
            }
        }
    }
    return t.length > 0 && (others & WALK_CHECK_HIGH) == 0;
}

bool walk_check_id(struct text t)
{
    for (uint32_t i = 0; i < t.length; i++) {
        uint8_t byte = (uint8_t)t.bytes[i];
        if (byte < 0x20 || byte == 0x7f) {
            return false;
        }
        /* U+0080 to U+009F are c2 80 to c2 9f, and in valid text c2 is never the last byte. */
        if (byte == 0xc2 && (uint8_t)t.bytes[i + 1] < 0xa0) {
            return false;
        }
    }
    return t.length > 0;
}

bool walk_check_pass(struct cursor *c, uint32_t nesting)
{
    const struct frame_limits bounds = {.bytes = SIZE_MAX, .nesting = nesting};
    enum cursor_type type = cursor_type(c);
    struct frame_scan scan;

    if (nesting != WALK_CHECK_SCANNED && (type == CURSOR_MAP || type == CURSOR_ARRAY)) {
        frame_scan_init(&scan);
        if (frame_scan(&scan, c->at, cursor_left(c), &bounds) != FRAME_DONE) {
            return false;
        }
    }
    return cursor_skip(c);
}

static enum error_code walk_check_name(struct text name, uint32_t most, struct walk_check *w)
{
    if (name.length > most) {
        return walk_check_fail(w, ERROR_TOO_LARGE, "has a name longer than its limit");
    }
    if (!walk_check_plain(name) && (name.length == 0 || !walk_check_text(name))) {
        return walk_check_fail(w, ERROR_INVALID, "has a name that is empty or no valid UTF-8");
    }
    return ERROR_NONE;
}

/* What belongs to one name: the cursor stands before it and is moved behind it. */
typedef enum error_code (*walk_check_value)(struct cursor *c, struct text name,
                                            struct walk_check *w);

/* A map, or an array of names alone, for which there is no `check`. */
static enum error_code walk_check_entries(struct cursor *c, uint32_t most, uint32_t name_most,
                                          walk_check_value check, struct walk_check *w)
{
    struct text names[WALK_CHECK_NAMES];
    uint32_t count;

    if (check != NULL ? !cursor_map(c, &count) : !cursor_array(c, &count)) {
        return walk_check_fail(w, ERROR_INVALID, "is cut short");
    }
    if (count > most || count > WALK_CHECK_NAMES) {
        return walk_check_fail(w, ERROR_TOO_LARGE, "has more entries than its limit");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum error_code code;

        if (!cursor_text(c, &names[i])) {
            return walk_check_fail(w, ERROR_INVALID, "must have names that are str");
        }
        code = walk_check_name(names[i], name_most, w);
        if (code != ERROR_NONE) {
            return code;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (text_equal(names[i], names[j])) {
                return walk_check_fail(w, ERROR_INVALID, "has a name twice");
            }
        }
        code = check == NULL ? ERROR_NONE : check(c, names[i], w);
        if (code != ERROR_NONE) {
            return code;
        }
    }
    return ERROR_NONE;
}

static enum error_code walk_check_range(struct cursor *c, int64_t least, int64_t most,
                                        struct walk_check *w, const char *words)
{
    int64_t value;

    if (!cursor_int(c, &value) || value < least || value > most) {
        return walk_check_fail(w, ERROR_INVALID, words);
    }
    return ERROR_NONE;
}

/* "attributes: map of string to scalar"; nil is a value here. */
static enum error_code walk_check_attribute(struct cursor *c, struct text name,
                                            struct walk_check *w)
{
    enum cursor_type type = cursor_type(c);
    struct text text = TEXT_NONE;
    int64_t number;
    double real;

    if (type == CURSOR_TEXT) {
        if (!cursor_text(c, &text) || !walk_check_text(text)) {
            return walk_check_fail(w, ERROR_INVALID, "has a text that is no valid UTF-8");
        }
    } else if (type == CURSOR_INT) {
        if (!cursor_int(c, &number) || number < INTEGER_MIN || number > INTEGER_MAX) {
            return walk_check_fail(w, ERROR_INVALID, "has an integer beyond 2^53");
        }
    } else if (type == CURSOR_FLOAT) {
        if (!cursor_double(c, &real) || !isfinite(real)) {
            return walk_check_fail(w, ERROR_INVALID, "has a number that is not finite");
        }
    } else if ((type != CURSOR_NIL && type != CURSOR_BOOL) || !cursor_skip(c)) {
        return walk_check_fail(w, ERROR_INVALID,
                               "may have str, integer, float, bool and nil as values");
    }
    if ((uint64_t)name.length + text.length > w->limits->of[LIMIT_ATTRIBUTE]) {
        return walk_check_fail(w, ERROR_TOO_LARGE, "has an entry longer than its limit");
    }
    return ERROR_NONE;
}

enum error_code walk_check_attributes(struct cursor *c, struct walk_check *w)
{
    if (cursor_type(c) != CURSOR_MAP) {
        return walk_check_fail(w, ERROR_INVALID, "must be a map of str to scalar");
    }
    return walk_check_entries(c, w->limits->of[LIMIT_ATTRIBUTES], w->limits->of[LIMIT_ATTRIBUTE],
                              walk_check_attribute, w);
}

/* "nil ... as a level it is invalid" */
static enum error_code walk_check_level(struct cursor *c, struct text name, struct walk_check *w)
{
    (void)name;
    return walk_check_range(c, 1, 5, w, "must have levels from 1 to 5");
}

enum error_code walk_check_skills(struct cursor *c, struct walk_check *w)
{
    if (cursor_type(c) != CURSOR_MAP) {
        return walk_check_fail(w, ERROR_INVALID, "must be a map of str to level");
    }
    return walk_check_entries(c, w->limits->of[LIMIT_ATTRIBUTES], w->limits->of[LIMIT_NAME],
                              walk_check_level, w);
}

static enum error_code walk_check_rank(struct cursor *c, struct text name, struct walk_check *w)
{
    (void)name;
    return walk_check_range(c, 0, WALK_NUMBER_MAX, w, "must have ranks from 0 to 1,000,000");
}

enum error_code walk_check_queues(struct cursor *c, struct walk_check *w)
{
    bool ranked = cursor_type(c) == CURSOR_MAP;

    if (!ranked && cursor_type(c) != CURSOR_ARRAY) {
        return walk_check_fail(w, ERROR_INVALID,
                               "must be an array of str, or a map of str to rank");
    }
    return walk_check_entries(c, WALK_CHECK_QUEUES, w->limits->of[LIMIT_NAME],
                              ranked ? walk_check_rank : NULL, w);
}

static enum error_code walk_check_contacts(struct cursor *c, struct text name, struct walk_check *w)
{
    (void)name;
    return walk_check_range(c, 0, WALK_NUMBER_MAX, w,
                            "must have counts from 0 to 1,000,000 in max");
}

/* Maps with keys of ours: unknown ones are ignored and nil is as if absent, as in params. */
struct walk_check_key {
    struct text name;
    walk_check_value check;
};

static enum error_code walk_check_keyed(struct cursor *c, const struct walk_check_key *keys,
                                        unsigned count, struct walk_check *w)
{
    uint32_t within = w->nesting == WALK_CHECK_SCANNED ? WALK_CHECK_SCANNED : w->nesting - 1;
    uint32_t pairs;
    unsigned seen = 0;

    if (!cursor_map(c, &pairs)) {
        return walk_check_fail(w, ERROR_INVALID, "must be a map");
    }
    for (; pairs > 0; pairs--) {
        struct text name;
        struct cursor value;
        enum error_code code;
        unsigned i = 0;

        if (!cursor_text(c, &name)) {
            return walk_check_fail(w, ERROR_INVALID, "must have keys that are str");
        }
        while (i < count && (name.length != keys[i].name.length ||
                             !bytes_equal(name.bytes, keys[i].name.bytes, name.length))) {
            i++;
        }
        if (i < count && (seen >> i & 1) != 0) {
            return walk_check_fail(w, ERROR_INVALID, "has a key twice");
        }
        seen |= 1u << i;
        value = *c;
        if (i < count && cursor_type(c) != CURSOR_NIL &&
            (within > 0 || walk_check_pass(&value, within))) {
            code = keys[i].check(c, name, w);
            if (code != ERROR_NONE) {
                return code;
            }
        } else if (!walk_check_pass(c, within)) {
            return walk_check_fail(w, ERROR_INVALID, "is cut short");
        }
    }
    return ERROR_NONE;
}

static enum error_code walk_check_units(struct cursor *c, struct text name, struct walk_check *w)
{
    (void)name;
    return walk_check_range(c, 1, WALK_NUMBER_MAX, w, "must have units from 1 to 1,000,000");
}

static enum error_code walk_check_max(struct cursor *c, struct text name, struct walk_check *w)
{
    (void)name;
    if (cursor_type(c) != CURSOR_MAP) {
        return walk_check_fail(w, ERROR_INVALID, "must have a map of channel to count in max");
    }
    return walk_check_entries(c, WALK_CHECK_CHANNELS, w->limits->of[LIMIT_NAME],
                              walk_check_contacts, w);
}

enum error_code walk_check_capacity(struct cursor *c, struct walk_check *w)
{
    static const struct walk_check_key keys[] = {
        {TEXT("units"), walk_check_units},
        {TEXT("max"), walk_check_max},
    };

    if (cursor_type(c) == CURSOR_INT) {
        return walk_check_units(c, TEXT_NONE, w);
    }
    if (cursor_type(c) != CURSOR_MAP) {
        return walk_check_fail(w, ERROR_INVALID, "must be an integer or a map {units, max}");
    }
    return walk_check_keyed(c, keys, sizeof(keys) / sizeof(keys[0]), w);
}

static enum error_code walk_check_customer_id(struct cursor *c, struct text name,
                                              struct walk_check *w)
{
    struct text id;

    (void)name;
    if (!cursor_text(c, &id)) {
        return walk_check_fail(w, ERROR_INVALID, "must have an id that is a str");
    }
    if (id.length > w->limits->of[LIMIT_ID]) {
        return walk_check_fail(w, ERROR_TOO_LARGE, "has an id longer than its limit");
    }
    if (!walk_check_plain(id) && (!walk_check_text(id) || !walk_check_id(id))) {
        return walk_check_fail(
            w, ERROR_INVALID,
            "has an id that is empty, no valid UTF-8, or with control characters");
    }
    w->customer->id = id;
    return ERROR_NONE;
}

static enum error_code walk_check_tier(struct cursor *c, struct text name, struct walk_check *w)
{
    struct text tier;

    (void)name;
    if (!cursor_text(c, &tier)) {
        return walk_check_fail(w, ERROR_INVALID, "must have a tier that is a str");
    }
    if (tier.length > w->limits->of[LIMIT_NAME]) {
        return walk_check_fail(w, ERROR_TOO_LARGE, "has a tier longer than its limit");
    }
    if (!walk_check_text(tier)) {
        return walk_check_fail(w, ERROR_INVALID, "has a tier that is no valid UTF-8");
    }
    w->customer->tier = tier;
    return ERROR_NONE;
}

static enum error_code walk_check_customer_attributes(struct cursor *c, struct text name,
                                                      struct walk_check *w)
{
    const uint8_t *from = c->at;
    enum error_code code = walk_check_attributes(c, w);

    (void)name;
    w->customer->attributes = (struct text){(const char *)from, (uint32_t)(c->at - from)};
    return code;
}

enum error_code walk_check_customer(struct cursor *c, struct walk_check *w)
{
    static const struct walk_check_key keys[] = {
        {TEXT("id"), walk_check_customer_id},
        {TEXT("tier"), walk_check_tier},
        {TEXT("attributes"), walk_check_customer_attributes},
    };

    *w->customer = (struct walk_customer){TEXT_NONE, TEXT_NONE, TEXT_NONE};
    return walk_check_keyed(c, keys, sizeof(keys) / sizeof(keys[0]), w);
}
