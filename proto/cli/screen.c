#include "proto/cli/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>

#define SCREEN_WIDTH   80
#define SCREEN_JOINER  0x200d /* emoji are joined with it */
#define SCREEN_UNKNOWN "\xef\xbf\xbd"

bool screen_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

static struct winsize screen_size(void)
{
    struct winsize size = {0};

    if (!screen_is_terminal() || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        size.ws_row = 0;
    }
    return size;
}

int screen_width(void)
{
    struct winsize size = screen_size();

    return size.ws_row == 0 || size.ws_col < 20 ? SCREEN_WIDTH : size.ws_col;
}

int screen_height(void)
{
    return screen_size().ws_row;
}

static const char *screen_style(const char *sequence)
{
    const char *none = getenv("NO_COLOR");

    return screen_is_terminal() && (none == NULL || *none == '\0') ? sequence : "";
}

const char *screen_bold(void)
{
    return screen_style("\033[1m");
}

const char *screen_dim(void)
{
    return screen_style("\033[2m");
}

const char *screen_alarm(void)
{
    return screen_style("\033[31m");
}

const char *screen_good(void)
{
    return screen_style("\033[32m");
}

const char *screen_plain(void)
{
    return screen_style("\033[0m");
}

/* The next character of a text, as it may be shown. */
struct screen_glyph {
    const char *bytes;
    int length;
    int columns;
    bool space;
    bool ends_line;
};

static bool screen_next(struct text *rest, struct screen_glyph *out)
{
    utf8proc_int32_t point;
    utf8proc_ssize_t length;

    if (rest->length == 0) {
        return false;
    }
    length = utf8proc_iterate((const utf8proc_uint8_t *)rest->bytes, (utf8proc_ssize_t)rest->length,
                              &point);
    if (length < 1) {
        point = -1;
        length = 1;
    }
    *out = (struct screen_glyph){rest->bytes, (int)length, 1, false, false};
    out->space = point == ' ' || point == '\t' || point == '\n' || point == '\r';
    out->ends_line = point == '\n';
    if (!out->space) {
        utf8proc_category_t category = point < 0 ? UTF8PROC_CATEGORY_CC : utf8proc_category(point);

        out->columns = point < 0 ? 1 : utf8proc_charwidth(point);
        if ((category == UTF8PROC_CATEGORY_CF && point != SCREEN_JOINER) ||
            category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CN ||
            category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_ZL ||
            category == UTF8PROC_CATEGORY_ZP) {
            out->bytes = SCREEN_UNKNOWN;
            out->length = sizeof(SCREEN_UNKNOWN) - 1;
            out->columns = 1;
        }
    }
    rest->bytes += length;
    rest->length -= (uint32_t)length;
    return true;
}

int screen_columns(struct text t)
{
    struct screen_glyph glyph;
    int columns = 0;
    bool after_space = false;

    while (screen_next(&t, &glyph)) {
        columns += glyph.space && after_space ? 0 : glyph.columns;
        after_space = glyph.space;
    }
    return columns;
}

int screen_text(FILE *out, struct text t, int most)
{
    struct screen_glyph glyph;
    bool cut = most >= 0 && screen_columns(t) > most;
    int columns = 0;
    bool after_space = false;

    while (screen_next(&t, &glyph)) {
        if (cut && columns + glyph.columns > most - 1) {
            if (most > 0) {
                fputs("\xe2\x80\xa6", out);
                columns++;
            }
            break;
        }
        if (glyph.space) {
            columns += after_space ? 0 : 1;
            fputs(after_space ? "" : " ", out);
        } else {
            fwrite(glyph.bytes, 1, (size_t)glyph.length, out);
            columns += glyph.columns;
        }
        after_space = glyph.space;
    }
    return columns;
}

/* A line may end at a space, and before or behind a wide character. The text from `*rest` on that
 * fits; `*rest` moves behind it. */
static struct text screen_line(struct text *rest, int width)
{
    struct text begin = *rest, at = *rest, best = {rest->bytes, 0}, after = *rest;
    struct screen_glyph glyph;
    int columns = 0;
    bool found = false;

    for (;;) {
        struct text before = at;
        uint32_t length = begin.length - before.length;

        if (!screen_next(&at, &glyph) || glyph.ends_line) {
            *rest = at;
            return (struct text){begin.bytes, length};
        }
        if (glyph.space || (glyph.columns == 2 && length > 0)) {
            best.length = length;
            after = glyph.space ? at : before;
            found = true;
        }
        if (columns + glyph.columns > width && length > 0) {
            *rest = found ? after : before;
            return (struct text){begin.bytes, found ? best.length : length};
        }
        columns += glyph.columns;
        if (glyph.columns == 2) {
            best.length = begin.length - at.length;
            after = at;
            found = true;
        }
    }
}

void screen_wrapped(FILE *out, struct text t, int indent, int width)
{
    int room = width - indent < 10 ? 10 : width - indent;

    while (t.length > 0) {
        struct text line = screen_line(&t, room);

        fprintf(out, "%*s", indent, "");
        screen_text(out, line, -1);
        fputc('\n', out);
    }
}

const char *screen_duration(char words[SCREEN_WORDS], duration_ms span)
{
    long long seconds = span / 1000;

    if (span < 0) {
        seconds = -(span / 1000);
    }
    if (seconds < 1) {
        snprintf(words, SCREEN_WORDS, "%lld ms", (long long)span);
    } else if (seconds < 60) {
        snprintf(words, SCREEN_WORDS, "%lld s", seconds);
    } else if (seconds < 3600) {
        snprintf(words, SCREEN_WORDS, "%lld min %lld s", seconds / 60, seconds % 60);
    } else if (seconds < 3 * 86400) {
        snprintf(words, SCREEN_WORDS, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    } else {
        snprintf(words, SCREEN_WORDS, "%lld days", seconds / 86400);
    }
    return words;
}

engine_time screen_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (engine_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *screen_time(char words[SCREEN_WORDS], engine_time at)
{
    time_t then = (time_t)(at / 1000), now = time(NULL);
    struct tm a = {0}, b = {0};

    localtime_r(&then, &a);
    localtime_r(&now, &b);
    strftime(words, SCREEN_WORDS,
             a.tm_yday == b.tm_yday && a.tm_year == b.tm_year ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S",
             &a);
    return words;
}
