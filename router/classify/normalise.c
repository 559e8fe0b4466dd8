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

/* The plain form of an ASCII character; all white space and controls are one space. */
static char plain_ascii(unsigned char c)
{
    if (c <= 0x20 || c == 0x7F) {
        return ' ';
    }
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Put one plain ASCII character behind `end`, unless it is a space behind a space or at the start.
 */
static char *put_ascii(char *start, char *end, char c)
{
    if (c == ' ' && (end == start || end[-1] == ' ')) {
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
typedef uint64_t halves __attribute__((vector_size(16)));

/* The plain form of each. Returns how many come before the first that is odd: it is not ASCII, or a
 * blank behind a blank, which is left out. `blank_before` is whether the byte before them is blank,
 * with all its bits, and then whether their last one is. */
static inline unsigned plain_lanes(lanes *byte, uint64_t *blank_before)
{
    lanes blank = (lanes)(*byte <= 0x20) | (lanes)(*byte == 0x7F);
    lanes capital = (lanes)(*byte - 'A' <= 'Z' - 'A');
    uint64_t first = le64toh(((halves)blank)[0]); /* the earlier ones lower */
    uint64_t second = le64toh(((halves)blank)[1]);
    uint64_t first_odd =
        (first & (first << 8 | *blank_before)) | (le64toh(((halves)*byte)[0]) & WORD_HIGH);
    uint64_t second_odd =
        (second & (second << 8 | first >> 56)) | (le64toh(((halves)*byte)[1]) & WORD_HIGH);

    *blank_before = second >> 56;
    *byte = ((*byte | (capital & 0x20)) & ~blank) | (blank & ' ');
    if ((first_odd | second_odd) == 0) {
        return sizeof(*byte);
    }
    return first_odd != 0 ? (unsigned)__builtin_ctzll(first_odd) / 8
                          : 8 + (unsigned)__builtin_ctzll(second_odd) / 8;
}

/* As put_ascii of each up to the first that is not ASCII. Returns where that is in `in`. What is
 * odd is written, too, and then written over. */
static const unsigned char *put_ascii_lanes(char *start, char **end, const unsigned char *in,
                                            const unsigned char *stop)
{
    uint64_t blank_before = *end == start || (*end)[-1] == ' ' ? 0xFF : 0;
    char *at = *end;

    while (in < stop) {
        unsigned count = sizeof(lanes), plain;
        lanes byte;

        if (stop - in >= (ptrdiff_t)sizeof(byte)) {
            memcpy(&byte, in, sizeof(byte));
            plain = plain_lanes(&byte, &blank_before);
            memcpy(at, &byte, sizeof(byte));
        } else {
            count = (unsigned)(stop - in);
            byte = (lanes){0} + 'x'; /* behind the last ones, what is as it is */
            memcpy(&byte, in, count);
            plain = plain_lanes(&byte, &blank_before);
            memcpy(at, &byte, count);
        }
        if (plain >= count) {
            in += count;
            at += count;
            continue;
        }
        in += plain;
        at += plain;
        if (*in >= 0x80) {
            break;
        }
        while (in < stop && plain_ascii(*in) == ' ') {
            in++;
        }
        blank_before = 0xFF;
    }
    *end = at;
    return in;
}

/* The short way. Writes behind `start`, where there is room for as many bytes as `raw` has; NULL
 * when something in it needs the long way. */
static char *normalise_short(struct text raw, char *start)
{
    const unsigned char *in = (const unsigned char *)raw.bytes;
    const unsigned char *stop = in + raw.length;
    char *end = start;

    while ((in = put_ascii_lanes(start, &end, in, stop)) < stop) {
        uint32_t point;

        if ((*in & 0xF0) != 0xE0 || stop - in < 3 || !is_continuation(in[1]) ||
            !is_continuation(in[2])) {
            return NULL;
        }
        point = (uint32_t)(in[0] & 0x0F) << 12 | (uint32_t)(in[1] & 0x3F) << 6 | (in[2] & 0x3F);
        if (is_inert(point)) {
            memcpy(end, in, 3);
            end += 3;
        } else if (point >= 0xFF01 && point <= 0xFF5E) {
            end = put_ascii(start, end, plain_ascii((unsigned char)(point - 0xFEE0)));
        } else if (point == 0x3000) {
            end = put_ascii(start, end, ' ');
        } else if (plain_quote(point) != 0) {
            end = put_ascii(start, end, plain_quote(point));
        } else {
            return NULL;
        }
        in += 3;
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
    reserve_bytes(n, raw.length);
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
