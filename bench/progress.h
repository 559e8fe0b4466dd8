/* One line that says how a run is going: rewritten in place on a terminal, one a second elsewhere.
 * On standard error, so that a result on standard output stays a result. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool quiet;
    bool terminal;
    bool shown;
};

void progress_init(struct progress *p, bool quiet);

/* Say it. */
void progress_say(struct progress *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Say something that stays, above the line. */
void progress_note(struct progress *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What follows begins on a new line. */
void progress_end(struct progress *p);

/* A span of nanoseconds in the unit that suits it, into `out`; returns `out`. */
#define PROGRESS_SPAN_BYTES 24
const char *progress_span(char out[PROGRESS_SPAN_BYTES], uint64_t ns);

#endif
