#include "proto/cli/convert.h"

#include <math.h>
#include <stdarg.h>
#include <utf8proc.h>

#include "proto/cursor.h"
#include "queue/base/memory.h"

#define CONVERT_BYTES "$base64"

static const char convert_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool __attribute__((format(printf, 2, 3)))
convert_refuse(char why[CONVERT_WORDS], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, CONVERT_WORDS, format, arguments);
    va_end(arguments);
    return false;
}

json_t *convert_parse(struct text json, char why[CONVERT_WORDS])
{
    json_error_t error;
    json_t *value = json_loadb(json.bytes == NULL ? "" : json.bytes, json.length,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (value == NULL) {
        if (error.line > 1) {
            convert_refuse(why, "line %d, column %d: %s", error.line, error.column, error.text);
        } else {
            convert_refuse(why, "column %d: %s", error.column, error.text);
        }
    }
    return value;
}

/* ---- to MessagePack ---- */

/* Append the bytes that `coded` stands for. False when it is no base64 (RFC 4648, padded). */
static bool convert_decode(struct packer *p, struct text coded)
{
    uint8_t *bytes = memory_take(coded.length + 1);
    size_t size = 0;
    uint32_t group = 0;
    uint32_t padding = 0;
    bool good = coded.length % 4 == 0;

    for (uint32_t i = 0; i < coded.length && good; i++) {
        char c = coded.bytes[i];
        const char *place = c == '\0' ? NULL : strchr(convert_digits, c);

        if (c == '=' && i + 2 >= coded.length) {
            padding++;
        } else if (place == NULL || padding > 0) {
            good = false;
        }
        group = group << 6 | (c == '=' || place == NULL ? 0 : (uint32_t)(place - convert_digits));
        if (i % 4 == 3) {
            bytes[size++] = (uint8_t)(group >> 16);
            bytes[size++] = (uint8_t)(group >> 8);
            bytes[size++] = (uint8_t)group;
            group = 0;
        }
    }
    if (good) {
        packer_bin(p, bytes, size - padding);
    }
    memory_give(bytes);
    return good;
}

static bool convert_value(struct packer *p, const json_t *value, int depth,
                          char why[CONVERT_WORDS]);

static bool convert_object(struct packer *p, const json_t *value, int depth,
                           char why[CONVERT_WORDS])
{
    json_t *object = (json_t *)value; /* jansson's iterators are not const */
    const json_t *bytes = json_object_get(object, CONVERT_BYTES);

    if (json_object_size(object) == 1 && json_is_string(bytes)) {
        struct text coded = {json_string_value(bytes), (uint32_t)json_string_length(bytes)};

        return convert_decode(p, coded) ||
               convert_refuse(why, "\"%s\" is no base64", CONVERT_BYTES);
    }
    packer_map(p, (uint32_t)json_object_size(object));
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        packer_text(p, text_from(json_object_iter_key(at)));
        if (!convert_value(p, json_object_iter_value(at), depth + 1, why)) {
            return false;
        }
    }
    return true;
}

static bool convert_list(struct packer *p, const json_t *value, int depth, char why[CONVERT_WORDS])
{
    packer_array(p, (uint32_t)json_array_size(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!convert_value(p, json_array_get(value, i), depth + 1, why)) {
            return false;
        }
    }
    return true;
}

static bool convert_value(struct packer *p, const json_t *value, int depth, char why[CONVERT_WORDS])
{
    if (depth > CONVERT_DEPTH) {
        return convert_refuse(why, "nested deeper than %d", CONVERT_DEPTH);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return convert_object(p, value, depth, why);
    case JSON_ARRAY:
        return convert_list(p, value, depth, why);
    case JSON_STRING:
        packer_text_of(p, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        packer_int(p, json_integer_value(value));
        return true;
    case JSON_REAL:
        packer_double(p, json_real_value(value));
        return true;
    case JSON_TRUE:
        packer_bool(p, true);
        return true;
    case JSON_FALSE:
        packer_bool(p, false);
        return true;
    case JSON_NULL:
        packer_nil(p);
        return true;
    }
    return false;
}

bool convert_pack(struct packer *p, const json_t *value, char why[CONVERT_WORDS])
{
    return convert_value(p, value, 0, why);
}

/* ---- to JSON ---- */

static bool convert_is_utf8(struct text t)
{
    utf8proc_int32_t point;
    utf8proc_ssize_t length;

    for (uint32_t i = 0; i < t.length; i += (uint32_t)length) {
        length = utf8proc_iterate((const utf8proc_uint8_t *)t.bytes + i,
                                  (utf8proc_ssize_t)(t.length - i), &point);
        if (length < 1) {
            return false;
        }
    }
    return true;
}

/* How many bytes at the beginning are one character that JSON allows and a terminal or a reader of
 * lines would obey: C1 controls, line separators, marks that turn the direction of writing. */
static uint32_t convert_steers(const char *bytes, uint32_t left, utf8proc_int32_t *point)
{
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)left, point);
    bool steers = length > 1 &&
                  ((*point >= 0x80 && *point < 0xa0) || (*point >= 0x2028 && *point <= 0x202e) ||
                   (*point >= 0x2066 && *point <= 0x2069));

    return steers ? (uint32_t)length : 0;
}

void convert_print_text(FILE *out, struct text t)
{
    utf8proc_int32_t point;
    uint32_t steering;

    fputc('"', out);
    for (uint32_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.bytes[i];

        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c == '\n') {
            fputs("\\n", out);
        } else if (c == '\t') {
            fputs("\\t", out);
        } else if (c < ' ' || c == 0x7f) {
            fprintf(out, "\\u%04x", c);
        } else if ((c == 0xc2 || c == 0xe2) &&
                   (steering = convert_steers(t.bytes + i, t.length - i, &point)) > 0) {
            fprintf(out, "\\u%04x", (unsigned)point);
            i += steering - 1;
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void convert_print_bytes(FILE *out, struct text t)
{
    fputc('"', out);
    for (uint32_t i = 0; i < t.length; i += 3) {
        uint32_t left = t.length - i;
        uint32_t group = (uint32_t)(uint8_t)t.bytes[i] << 16;

        group |= left > 1 ? (uint32_t)(uint8_t)t.bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(uint8_t)t.bytes[i + 2] : 0;
        fputc(convert_digits[group >> 18], out);
        fputc(convert_digits[group >> 12 & 63], out);
        fputc(left > 1 ? convert_digits[group >> 6 & 63] : '=', out);
        fputc(left > 2 ? convert_digits[group & 63] : '=', out);
    }
    fputc('"', out);
}

static void convert_print_double(FILE *out, double value)
{
    char words[40];

    if (!isfinite(value)) {
        fputs("null", out); /* JSON has no word for it */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* the fewest that say exactly this number */
        snprintf(words, sizeof(words), "%.*g", digits, value);
        if (strtod(words, NULL) == value) {
            break;
        }
    }
    fprintf(out, "%s%s", words, strpbrk(words, ".e") == NULL ? ".0" : "");
}

static void convert_print_int(FILE *out, struct cursor *c)
{
    int64_t whole;
    uint64_t large;

    if (cursor_int(c, &whole)) {
        fprintf(out, "%lld", (long long)whole);
    } else if (cursor_uint(c, &large)) {
        fprintf(out, "%llu", (unsigned long long)large);
    }
}

/* fixext 1 to 16, ext 8 to 32: the head's length, then the type, then the bytes. */
static void convert_print_ext(FILE *out, struct cursor *c)
{
    struct text raw;
    uint8_t head;
    uint32_t at;

    if (!cursor_raw(c, &raw)) {
        return;
    }
    head = (uint8_t)raw.bytes[0];
    at = head >= 0xd4 ? 1 : head == 0xc7 ? 2 : head == 0xc8 ? 3 : 5;
    fprintf(out, "{\"$ext\": %d, \"%s\": ", (int8_t)raw.bytes[at], CONVERT_BYTES);
    convert_print_bytes(out, (struct text){raw.bytes + at + 1, raw.length - at - 1});
    fputc('}', out);
}

static void convert_print_value(FILE *out, struct cursor *c, int depth, bool pretty);

static void convert_break(FILE *out, int depth, bool pretty)
{
    if (pretty) {
        fprintf(out, "\n%*s", depth * 2, "");
    }
}

static void convert_print_key(FILE *out, struct cursor *c)
{
    struct text raw, key;
    char *words = NULL;
    size_t size = 0;
    FILE *inside;

    if (cursor_text(c, &key) && convert_is_utf8(key)) {
        convert_print_text(out, key);
        return;
    }
    inside = open_memstream(&words, &size);
    if (inside != NULL && cursor_raw(c, &raw)) {
        convert_print(inside, raw, false);
    }
    if (inside != NULL) {
        fclose(inside);
    }
    convert_print_text(out, (struct text){words == NULL ? "" : words, (uint32_t)size});
    free(words);
}

static void convert_print_many(FILE *out, struct cursor *c, int depth, bool pretty)
{
    uint32_t count = 0;
    bool map = cursor_map(c, &count);

    if (!map) {
        (void)cursor_array(c, &count);
    }
    fputc(map ? '{' : '[', out);
    for (uint32_t i = 0; i < count; i++) {
        fputs(i == 0 ? "" : pretty ? "," : ", ", out);
        convert_break(out, depth + 1, pretty);
        if (map) {
            convert_print_key(out, c);
            fputs(": ", out);
        }
        convert_print_value(out, c, depth + 1, pretty);
    }
    convert_break(out, depth, pretty && count > 0);
    fputc(map ? '}' : ']', out);
}

static void convert_print_value(FILE *out, struct cursor *c, int depth, bool pretty)
{
    struct text text;
    double real = 0;
    bool flag = false;
    enum cursor_type type = cursor_type(c);

    switch (type) {
    case CURSOR_BOOL:
        (void)cursor_bool(c, &flag);
        fputs(flag ? "true" : "false", out);
        return;
    case CURSOR_INT:
        convert_print_int(out, c);
        return;
    case CURSOR_FLOAT:
        (void)cursor_double(c, &real);
        convert_print_double(out, real);
        return;
    case CURSOR_TEXT:
    case CURSOR_BIN:
        if (!cursor_bytes(c, &text)) {
            fputs("null", out);
        } else if (type == CURSOR_TEXT && convert_is_utf8(text)) {
            convert_print_text(out, text);
        } else {
            fprintf(out, "{\"%s\": ", CONVERT_BYTES);
            convert_print_bytes(out, text);
            fputc('}', out);
        }
        return;
    case CURSOR_ARRAY:
    case CURSOR_MAP:
        if (depth < CONVERT_DEPTH) {
            convert_print_many(out, c, depth, pretty);
            return;
        }
        (void)cursor_skip(c);
        fputs("null", out);
        return;
    case CURSOR_EXT:
        convert_print_ext(out, c);
        return;
    case CURSOR_NIL:
        (void)cursor_nil(c);
        fputs("null", out);
        return;
    case CURSOR_END:
    case CURSOR_BAD:
        fputs("null", out);
        return;
    }
}

void convert_print(FILE *out, struct text packed, bool pretty)
{
    struct cursor c = cursor_over_text(packed);

    convert_print_value(out, &c, 0, pretty);
}
