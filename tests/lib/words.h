/* Lines of words, as tests write settings, agents and contacts:
 *
 *      "es:3 zh:5 units=100 queues=es:1,refunds:2 receipts"
 *
 * A word is a key, or key=value. A value may be a number, a duration ("500", "15s", "2m", "1h",
 * "3d", "never"), or a list of pairs ("vip:20s,gold:60s"). All texts point into the line. A word
 * that cannot be read ends the test: it is the test that is wrong. */
#ifndef TESTS_LIB_WORDS_H
#define TESTS_LIB_WORDS_H

#include "queue/types.h"

struct word {
    struct text key;
    struct text value; /* none when there is no '=' */
};

struct word_pair {
    struct text name;
    struct text value; /* none when there is no ':' */
};

/* Take the next word off the line; false at its end. */
bool words_next(const char **line, struct word *out);

bool words_is(struct text word, const char *expected);
uint64_t words_number(struct text value);
duration_ms words_duration(struct text value);

/* Split a list of pairs; returns how many, at most `room`. */
size_t words_pairs(struct text list, struct word_pair *out, size_t room);

/* One pair: "es:3". */
struct word_pair words_pair(struct text word);

/* End the test program: this word means nothing here. */
_Noreturn void words_unknown(const char *where, struct text word);

#endif
