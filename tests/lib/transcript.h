/* What happened, as lines that a person reads: one for each fact, one for each delivery.
 *
 *      [15000] k1 offer to ana timed out, miss 1
 *
 * Times are told from the start of the test. A transcript owns its text. */
#ifndef TESTS_LIB_TRANSCRIPT_H
#define TESTS_LIB_TRANSCRIPT_H

#include "queue/engine.h"

struct transcript {
    char *text; /* terminated, once something was said */
    size_t size;
    size_t capacity;
};

void transcript_clear(struct transcript *t);
void transcript_close(struct transcript *t);
const char *transcript_text(const struct transcript *t); /* "" when nothing was said */

void transcript_say(struct transcript *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A fact as a line; `names` are the settings that its indexes belong to. */
void transcript_fact(struct transcript *t, const struct fact *f, const struct settings *names,
                     engine_time start);

/* An answer as words without a line's end: "k1 waiting in es, position 1", "conflict: offered". */
void transcript_answer(struct transcript *t, const struct delivery *d, const struct engine *e);

/* A notice as a line: "to ana: offer of k1". */
void transcript_notice(struct transcript *t, const struct delivery *d, const char *to);

#endif
