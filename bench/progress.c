#include "bench/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void progress_init(struct progress *p, bool quiet)
{
    *p = (struct progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
}

void progress_say(struct progress *p, const char *format, ...)
{
    va_list arguments;

    if (p->quiet) {
        return;
    }
    if (p->terminal) {
        fputs("\r", stderr);
    }
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(p->terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
    p->shown = true;
}

void progress_note(struct progress *p, const char *format, ...)
{
    va_list arguments;

    if (p->quiet) {
        return;
    }
    if (p->terminal && p->shown) {
        fputs("\r\033[K", stderr);
    }
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\n", stderr);
    p->shown = false;
}

void progress_end(struct progress *p)
{
    if (p->terminal && p->shown) {
        fputs("\n", stderr);
    }
    p->shown = false;
}

const char *progress_span(char out[PROGRESS_SPAN_BYTES], uint64_t ns)
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    unsigned unit = ns >= 1000000000 ? 0 : ns >= 1000000 ? 1 : ns >= 1000 ? 2 : 3;
    double value = (double)ns / units[unit].ns;

    snprintf(out, PROGRESS_SPAN_BYTES, "%.*f %s",
             unit == 3 || value >= 100 ? 0
             : value >= 10             ? 1
                                       : 2,
             value, units[unit].unit);
    return out;
}
