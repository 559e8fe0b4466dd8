#include "test_proto_maker.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void maker_head(struct packer *p, unsigned type, uint64_t value, unsigned bytes)
{
    packer_byte(p, (uint8_t)type);
    while (bytes-- > 0) {
        packer_byte(p, (uint8_t)(value >> (8 * bytes)));
    }
}

static void maker_noise(struct packer *p, struct random *r, size_t size)
{
    while (size-- > 0) {
        packer_byte(p, (uint8_t)random_next(r));
    }
}

/* str, bin and ext: a head of any width that holds the length. */
static void maker_bytes(struct packer *p, struct random *r)
{
    static const unsigned types[3][3] = {
        {0xd9, 0xda, 0xdb}, {0xc4, 0xc5, 0xc6}, {0xc7, 0xc8, 0xc9}};
    unsigned kind = (unsigned)random_below(r, 3);
    unsigned width = (unsigned)random_below(r, 3);
    size_t size = (size_t)random_below(r, random_percent(r, 5) ? 300 : 20);

    if (width == 0 && size > 255) {
        width = 1;
    }
    maker_head(p, types[kind][width], size, 1u << width);
    maker_noise(p, r, size + (kind == 2 ? 1 : 0));
}

static void maker_container(struct packer *p, struct random *r, unsigned nesting)
{
    uint64_t count = random_below(r, 5);
    bool map = random_percent(r, 50);

    switch (random_below(r, 3)) {
    case 0:
        packer_byte(p, (uint8_t)((map ? 0x80 : 0x90) | count));
        break;
    case 1:
        maker_head(p, map ? 0xde : 0xdc, count, 2);
        break;
    default:
        maker_head(p, map ? 0xdf : 0xdd, count, 4);
        break;
    }
    for (uint64_t i = 0; i < (map ? 2 : 1) * count; i++) {
        maker_object(p, r, nesting - 1);
    }
}

void maker_object(struct packer *p, struct random *r, unsigned nesting)
{
    unsigned type;

    if (nesting > 0 && random_percent(r, 40)) {
        maker_container(p, r, nesting);
        return;
    }
    switch (random_below(r, 4)) {
    case 0:
        maker_bytes(p, r);
        break;
    case 1: /* fixstr */
        type = (unsigned)random_below(r, 32);
        packer_byte(p, (uint8_t)(0xa0 | type));
        maker_noise(p, r, type);
        break;
    case 2: /* float 32 to int 64, and fixext */
        type = 0xca + (unsigned)random_below(r, 15);
        packer_byte(p, (uint8_t)type);
        maker_noise(p, r,
                    type >= 0xd4   ? 1 + (1u << (type - 0xd4))
                    : type >= 0xd0 ? 1u << (type - 0xd0)
                    : type >= 0xcc ? 1u << (type - 0xcc)
                                   : 4u << (type - 0xca));
        break;
    default: { /* a single byte: fixint, nil, bool */
        static const uint8_t ones[] = {0xc0, 0xc2, 0xc3, 0x00, 0x7f, 0xe0, 0xff, 0x2a};
        packer_byte(p, ones[random_below(r, sizeof(ones))]);
    }
    }
}

void maker_damage(struct packer *p, struct random *r)
{
    for (uint64_t times = 1 + random_below(r, 4); times > 0 && p->size > 0; times--) {
        size_t at = (size_t)random_below(r, p->size);

        switch (random_below(r, 4)) {
        case 0:
            p->bytes[at] = (uint8_t)random_next(r);
            break;
        case 1:
            p->bytes[at] = (uint8_t)(0xc0 + random_below(r, 32)); /* a head where it hurts */
            break;
        case 2:
            p->size = at;
            break;
        default:
            packer_byte(p, 0);
            memmove(p->bytes + at + 1, p->bytes + at, p->size - at - 1);
            p->bytes[at] = (uint8_t)random_next(r);
            break;
        }
    }
}

void maker_hex(struct packer *p, const char *hex)
{
    char *end;

    for (;;) {
        unsigned long byte = strtoul(hex, &end, 16);
        if (end == hex) {
            return;
        }
        packer_byte(p, (uint8_t)byte);
        hex = end;
    }
}

static const char *maker_blank(const char *at)
{
    while (isspace((unsigned char)*at) || *at == ',' || *at == ':') {
        at++;
    }
    return at;
}

static const char *maker_value(struct packer *p, const char *at);

static const char *maker_entries(struct packer *p, const char *at, char end)
{
    size_t place = end == '}' ? packer_map_open(p) : packer_array_open(p);
    uint32_t count = 0;

    for (at = maker_blank(at + 1); *at != end; at = maker_blank(at)) {
        at = maker_value(p, at);
        count++;
    }
    if (end == '}') {
        assert(count % 2 == 0);
        packer_map_close(p, place, count / 2);
    } else {
        packer_array_close(p, place, count);
    }
    return at + 1;
}

/* Hexadecimal digits up to `end`, as a bin or as they are. */
static const char *maker_digits(struct packer *p, const char *at, char end)
{
    const char *stop = strchr(at + 1, end);
    struct packer bytes = {0};

    for (at++; at < stop; at += 2) {
        char two[3] = {at[0], at[1], '\0'};
        packer_byte(&bytes, (uint8_t)strtoul(two, NULL, 16));
    }
    if (end == '>') {
        packer_bin(p, bytes.bytes, bytes.size);
    } else {
        packer_raw(p, bytes.bytes, bytes.size);
    }
    packer_close(&bytes);
    return stop + 1;
}

static void maker_word(struct packer *p, struct text word)
{
    if (text_equal(word, TEXT("nil"))) {
        packer_nil(p);
    } else if (text_equal(word, TEXT("true")) || text_equal(word, TEXT("false"))) {
        packer_bool(p, word.bytes[0] == 't');
    } else {
        packer_text(p, word);
    }
}

static const char *maker_value(struct packer *p, const char *at)
{
    const char *end;
    char *stop;

    switch (*at) {
    case '{':
        return maker_entries(p, at, '}');
    case '[':
        return maker_entries(p, at, ']');
    case '<':
        return maker_digits(p, at, '>');
    case '!':
        return maker_digits(p, at, '!');
    case '\'':
        end = strchr(at + 1, '\'');
        packer_text_of(p, at + 1, (size_t)(end - at - 1));
        return end + 1;
    default:
        break;
    }
    if (*at == '-' || isdigit((unsigned char)*at)) {
        long long whole = strtoll(at, &stop, 10);
        if (*stop == '.') {
            packer_double(p, strtod(at, &stop));
        } else {
            packer_int(p, whole);
        }
        return stop;
    }
    end = at + strcspn(at, " ,:}]");
    assert(end > at);
    maker_word(p, (struct text){at, (uint32_t)(end - at)});
    return end;
}

void maker_note(struct packer *p, const char *note)
{
    const char *end = maker_blank(maker_value(p, maker_blank(note)));
    assert(*end == '\0');
}

static void maker_say(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void maker_say(char *to, size_t size, const char *format, ...)
{
    size_t length = strlen(to);
    va_list args;

    va_start(args, format);
    vsnprintf(to + length, size - length, format, args);
    va_end(args);
}

void maker_print(struct cursor *c, char *to, size_t size)
{
    enum cursor_type type = cursor_type(c);
    uint32_t count;
    struct text t;
    int64_t number;
    bool flag;

    if (cursor_int(c, &number)) {
        maker_say(to, size, "%lld", (long long)number);
    } else if (cursor_bytes(c, &t)) {
        maker_say(to, size, TEXT_FORMAT, TEXT_ARGS(t));
    } else if (cursor_bool(c, &flag)) {
        maker_say(to, size, "%s", flag ? "true" : "false");
    } else if (cursor_map(c, &count) || cursor_array(c, &count)) {
        maker_say(to, size, type == CURSOR_MAP ? "{" : "[");
        for (uint32_t i = 0; i < count; i++) {
            maker_say(to, size, "%s", i == 0 ? "" : ", ");
            if (type == CURSOR_MAP) {
                maker_print(c, to, size);
                maker_say(to, size, ": ");
            }
            maker_print(c, to, size);
        }
        maker_say(to, size, type == CURSOR_MAP ? "}" : "]");
    } else {
        maker_say(to, size, cursor_nil(c) ? "nil" : "?");
        assert(type == CURSOR_NIL || cursor_skip(c));
    }
}
