/* One plain form for what people type, so that rules and texts meet.
 *
 * Full-width letters become ASCII, capitals small ones, invisible characters vanish, composed and
 * decomposed accents are the same (Unicode NFKC with case folding, default ignorables removed);
 * typographic quotation marks become the straight ones, and every run of white space or control
 * characters one space, none at the ends. Traditional characters stay traditional.
 *
 * Text of ASCII and common Chinese or Japanese characters takes a short way; it gives what utf8proc
 * gives. */
#ifndef ROUTER_CLASSIFY_NORMALISE_H
#define ROUTER_CLASSIFY_NORMALISE_H

#include "queue/base/text.h"

/* Buffers that grow to the longest text seen and are kept. Zeroed means empty. */
struct normaliser {
    char *bytes; /* what was appended so far */
    uint32_t length;
    uint32_t capacity;
    int32_t *points;
    size_t point_capacity;
};

void normaliser_close(struct normaliser *n);

/* Append the plain form of `raw`. False, and nothing is appended, when it is no valid UTF-8. */
bool normalise_append(struct normaliser *n, struct text raw);

/* Append one byte as it is. */
void normalise_append_byte(struct normaliser *n, char byte);

/* The first `most` bytes, or some fewer so that no character is cut. */
struct text normalise_cut(struct text raw, uint32_t most);

/* Whether the character that begins at, or ends before, `at` belongs to a word of an alphabet: then
 * a word goes on across it. Chinese, Japanese, Korean and Thai characters do not: there words stand
 * without spaces. */
bool normalise_word_at(const char *bytes, uint32_t length, uint32_t at);
bool normalise_word_before(const char *bytes, uint32_t length, uint32_t at);

/* How many characters of which script; digits and punctuation count nowhere. */
struct script_counts {
    uint32_t alphabet;
    uint32_t han;
    uint32_t kana;
    uint32_t hangul;
};

void normalise_count_scripts(const char *bytes, uint32_t length, struct script_counts *out);

#endif
