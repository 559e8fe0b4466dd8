#include "router/classify/normalise.h"

#include <assert.h>
#include <endian.h>
#include <utf8proc.h>

#include "queue/base/memory.h"

/* The longest expansion of one character under NFKC is 18 characters (U+FDFA): buffers for the
 * usual case start much smaller and grow when a text needs it. */
#define FIRST_CAPACITY 16384

static void reserve_bytes(struct normaliser *n, size_t more)
{
    size_t needed = (size_t)n->length + more;
    size_t capacity = n->capacity == 0 ? FIRST_CAPACITY : n->capacity;

    if (needed <= n->capacity) {
        return;
    }
    while (capacity < needed) {
        capacity *= 2;
    }
    assert(capacity <= UINT32_MAX);
    n->bytes = memory_resize(n->bytes, capacity);
    n->capacity = (uint32_t)capacity;
}

static void reserve_points(struct normaliser *n, size_t needed)
{
    size_t capacity = n->point_capacity == 0 ? FIRST_CAPACITY : n->point_capacity;

    if (needed <= n->point_capacity) {
        return;
    }
    while (capacity < needed) {
        capacity *= 2;
    }
    n->points = memory_resize(n->points, capacity * sizeof(*n->points));
    n->point_capacity = capacity;
}

void normaliser_close(struct normaliser *n)
{
    memory_give(n->bytes);
    memory_give(n->points);
    *n = (struct normaliser){0};
}

static bool is_blank(unsigned char c)
{
    return c <= 0x20 || c == 0x7F;
}

/* The plain form of an ASCII character; all white space and controls are one space. */
static char plain_ascii(unsigned char c)
{
    if (is_blank(c)) {
        return ' ';
    }
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Whether a space at `end` would be one too many: behind a space, or at the start. */
static bool is_space_before(const char *start, const char *end)
{
    return end == start || end[-1] == ' ';
}

/* Put one plain ASCII character behind `end`, unless it is a space too many. */
static char *put_ascii(char *start, char *end, char c)
{
    if (c == ' ' && is_space_before(start, end)) {
        return end;
    }
    *end = c;
    return end + 1;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* What a typographic quotation mark is in plain form, or 0. */
static char plain_quote(uint32_t point)
{
    if (point == 0x2018 || point == 0x2019 || point == 0x201B) {
        return '\'';
    }
    return point == 0x201C || point == 0x201D ? '"' : 0;
}

/* Characters that normalisation leaves alone whatever stands beside them, as long as that is of
 * this kind or ASCII: unified ideographs, kana without loose voicing marks, Chinese punctuation. */
static bool is_inert(uint32_t point)
{
    return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3041 && point <= 0x3096) ||
           (point >= 0x30A1 && point <= 0x30FA) || (point >= 0x3001 && point <= 0x3003) ||
           (point >= 0x3008 && point <= 0x3011) || point == 0x2014;
}

/* A word of eight bytes at a time, a bit for each byte that is so: the highest of it. */
#define WORD_EACH(byte)          (UINT64_C(0x0101010101010101) * (byte))
#define WORD_HIGH                WORD_EACH(0x80)
#define WORD_ASCII_FROM(w, byte) (((w) + WORD_EACH(0x80 - (byte))) & WORD_HIGH)

/* Sixteen bytes at a time, each a lane: where the processor has vectors, in a few instructions. */
typedef uint8_t lanes __attribute__((vector_size(16)));
typedef int8_t signed_lanes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

/* Write the plain form of sixteen bytes; one more behind them is read. Returns how many come before
 * the first that is odd: not a printable ASCII character, or a space before another one. What is
 * written for that one and those behind it means nothing. */
static inline uint32_t plain_lanes(const unsigned char *in, char *out)
{
    lanes byte, next, capital;
    halves odd;
    uint64_t first, second;

    memcpy(&byte, in, sizeof(byte));
    memcpy(&next, in + 1, sizeof(next));
    /* With a sign what is not ASCII is below 0, and so is one more than the last of ASCII. */
    odd = (halves)((signed_lanes)(byte + 1) <= ' ') | (halves)((byte | next) == ' ');
    capital = (lanes)((signed_lanes)(byte + (INT8_MAX - 'Z')) >= INT8_MAX - ('Z' - 'A'));
    byte |= capital & ('a' - 'A');
    memcpy(out, &byte, sizeof(byte));
    first = le64toh(odd[0]); /* the earlier ones lower */
    second = le64toh(odd[1]);
    if (__builtin_expect((first | second) == 0, 1)) {
        return sizeof(byte);
    }
    return first != 0 ? (uint32_t)__builtin_ctzll(first) / 8
                      : 8 + (uint32_t)__builtin_ctzll(second) / 8;
}

/* The same for fewer bytes, behind which nothing can be read: as if letters followed. */
static inline uint32_t plain_lanes_of(const unsigned char *in, uint32_t count, char *out)
{
    unsigned char bytes[sizeof(lanes) + 1];
    uint32_t plain;

    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, in, count);
    plain = plain_lanes(bytes, out);
    return plain < count ? plain : count;
}

/* As put_ascii of each up to the first that is not ASCII. Returns where that is in `in`. */
static const unsigned char *put_ascii_run(char *start, char **end, const unsigned char *in,
                                          const unsigned char *stop)
{
    char *at = *end;

    for (;;) {
        uint32_t plain = sizeof(lanes);

        while (in < stop && is_blank(*in) && is_space_before(start, at)) {
            in++;
        }
        while (plain == sizeof(lanes) && stop - in > (ptrdiff_t)sizeof(lanes)) {
            plain = plain_lanes(in, at);
            in += plain;
            at += plain;
        }
        if (plain == sizeof(lanes)) {
            plain = plain_lanes_of(in, (uint32_t)(stop - in), at);
            in += plain;
            at += plain;
        }
        if (in == stop || *in >= 0x80) {
            *end = at;
            return in;
        }
        at = put_ascii(start, at, ' ');
        in++;
    }
}

/* Put the character that stands at `in`, which is not ASCII: it has three bytes. False when it
 * needs the long way. */
static bool put_wide(char *start, char **end, const unsigned char *in, const unsigned char *stop)
{
    uint32_t point;

    if ((*in & 0xF0) != 0xE0 || stop - in < 3 || !is_continuation(in[1]) ||
        !is_continuation(in[2])) {
        return false;
    }
    point = (uint32_t)(in[0] & 0x0F) << 12 | (uint32_t)(in[1] & 0x3F) << 6 | (in[2] & 0x3F);
    if (is_inert(point)) {
        memcpy(*end, in, 3);
        *end += 3;
    } else if (point >= 0xFF01 && point <= 0xFF5E) {
        *end = put_ascii(start, *end, plain_ascii((unsigned char)(point - 0xFEE0)));
    } else if (point == 0x3000) {
        *end = put_ascii(start, *end, ' ');
    } else if (plain_quote(point) != 0) {
        *end = put_ascii(start, *end, plain_quote(point));
    } else {
        return false;
    }
    return true;
}

/* The short way. Writes behind `start`, where there is room for as many bytes as `raw` has and the
 * lanes of one vector more; NULL when something in it needs the long way. */
static char *normalise_short(struct text raw, char *start)
{
    const unsigned char *in = (const unsigned char *)raw.bytes;
    const unsigned char *stop = in + raw.length;
    char *end = start;

    while ((in = put_ascii_run(start, &end, in, stop)) < stop) {
        do {
            if (!put_wide(start, &end, in, stop)) {
                return NULL;
            }
            in += 3;
        } while (in < stop && *in >= 0x80);
    }
    return end;
}

/* Any text, by utf8proc. False when it is no valid UTF-8. */
static bool normalise_long(struct normaliser *n, struct text raw)
{
    const utf8proc_option_t options =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)raw.bytes;
    utf8proc_ssize_t count;
    const unsigned char *from;
    const unsigned char *stop;
    char *start;
    char *end;

    reserve_points(n, (size_t)raw.length + 1);
    count = utf8proc_decompose(in, (utf8proc_ssize_t)raw.length, n->points,
                               (utf8proc_ssize_t)n->point_capacity - 1, options);
    if (count >= (utf8proc_ssize_t)n->point_capacity) {
        reserve_points(n, (size_t)count + 1);
        count = utf8proc_decompose(in, (utf8proc_ssize_t)raw.length, n->points,
                                   (utf8proc_ssize_t)n->point_capacity - 1, options);
    }
    if (count < 0) {
        return false;
    }
    count = utf8proc_reencode(n->points, count, options);
    if (count < 0) {
        return false;
    }
    reserve_bytes(n, (size_t)count + 1);
    start = end = n->bytes + n->length;
    from = (const unsigned char *)n->points;
    stop = from + count;
    while (from < stop) {
        if (*from < 0x80) {
            end = put_ascii(start, end, plain_ascii(*from++));
        } else if (stop - from >= 3 && from[0] == 0xE2 && from[1] == 0x80 &&
                   plain_quote(0x2000u | (from[2] & 0x3F)) != 0) {
            end = put_ascii(start, end, plain_quote(0x2000u | (from[2] & 0x3F)));
            from += 3;
        } else {
            *end++ = (char)*from++;
        }
    }
    n->length = (uint32_t)(end - n->bytes);
    return true;
}

bool normalise_append(struct normaliser *n, struct text raw)
{
    uint32_t before = n->length;
    char *end;

    if (raw.length == 0) {
        return true;
    }
    reserve_bytes(n, (size_t)raw.length + sizeof(lanes));
    end = normalise_short(raw, n->bytes + n->length);
    if (end != NULL) {
        n->length = (uint32_t)(end - n->bytes);
    } else if (!normalise_long(n, raw)) {
        return false;
    }
    if (n->length > before && n->bytes[n->length - 1] == ' ') {
        n->length--;
    }
    return true;
}

void normalise_append_byte(struct normaliser *n, char byte)
{
    reserve_bytes(n, 1);
    n->bytes[n->length++] = byte;
}

struct text normalise_cut(struct text raw, uint32_t most)
{
    uint32_t length = most;

    if (raw.length <= most) {
        return raw;
    }
    while (length > 0 && is_continuation((unsigned char)raw.bytes[length])) {
        length--;
    }
    return (struct text){raw.bytes, length};
}

static bool between(int32_t point, int32_t low, int32_t high)
{
    return point >= low && point <= high;
}

/* Scripts that put no spaces between words, and Korean, which glues particles to them. */
static bool is_unspaced(int32_t point)
{
    return between(point, 0x0E00, 0x0EFF) || between(point, 0x1000, 0x109F) ||
           between(point, 0x1100, 0x11FF) || between(point, 0x1780, 0x17FF) ||
           between(point, 0x2E80, 0xD7FF) || between(point, 0xF900, 0xFAFF) ||
           between(point, 0x20000, 0x3FFFF);
}

static bool is_word(int32_t point)
{
    if (point < 0x80) {
        return between(point, 'a', 'z') || between(point, '0', '9') || point == '_' ||
               between(point, 'A', 'Z');
    }
    if (is_unspaced(point)) {
        return false;
    }
    switch ((int)utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
        return true;
    default:
        return false;
    }
}

bool normalise_word_at(const char *bytes, uint32_t length, uint32_t at)
{
    utf8proc_int32_t point;

    if (at >= length) {
        return false;
    }
    if ((unsigned char)bytes[at] < 0x80) {
        return is_word(bytes[at]);
    }
    return utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, (utf8proc_ssize_t)(length - at),
                            &point) > 0 &&
           is_word(point);
}

bool normalise_word_before(const char *bytes, uint32_t length, uint32_t at)
{
    uint32_t start = at;

    if (at == 0) {
        return false;
    }
    do {
        start--;
    } while (start > 0 && is_continuation((unsigned char)bytes[start]));
    return normalise_word_at(bytes, length, start);
}

void normalise_count_scripts(const char *bytes, uint32_t length, struct script_counts *out)
{
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)bytes;
    const utf8proc_uint8_t *stop = in + length;

    *out = (struct script_counts){0};
    while (in < stop) {
        utf8proc_int32_t point;
        utf8proc_ssize_t size;
        uint64_t word;

        if (stop - in >= 8 && (memcpy(&word, in, 8), (word & WORD_HIGH) == 0)) {
            word |= WORD_EACH(0x20);
            word = WORD_ASCII_FROM(word, 'a') & ~WORD_ASCII_FROM(word, 'z' + 1);
            out->alphabet += (uint32_t)__builtin_popcountll(word);
            in += 8;
            continue;
        }
        if (*in < 0x80) {
            out->alphabet += (unsigned char)((*in | 0x20) - 'a') < 26;
            in++;
            continue;
        }
        size = utf8proc_iterate(in, stop - in, &point);
        if (size <= 0) {
            return;
        }
        if (between(point, 0x3040, 0x30FF)) {
            out->kana++;
        } else if (between(point, 0xAC00, 0xD7A3) || between(point, 0x1100, 0x11FF)) {
            out->hangul++;
        } else if (between(point, 0x3400, 0x9FFF) || between(point, 0xF900, 0xFAFF) ||
                   between(point, 0x20000, 0x3FFFF)) {
            out->han++;
        } else if (is_word(point)) {
            out->alphabet++;
        }
        in += size;
    }
}
