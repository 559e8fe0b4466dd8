#include "router/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "router/clock.h"

#define LOG_LIMIT_WINDOW 10000

static const char *const log_level_words[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

/* Held for a line: whatever comes after it, and the counts of limits. */
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct {
    int descriptor;
    _Atomic int least;
    _Atomic size_t kept;
    uint64_t dropped;
    char bytes[LOG_KEPT_MAX];
} log_state = {.descriptor = STDERR_FILENO, .least = LOG_LEVEL_INFO};

/* A line being written. What does not fit is left out, and the line stays JSON. */
struct log_line {
    size_t length;
    char bytes[LOG_LINE_MAX];
};

/* Kept free for the end of a string, of the object and of the line. */
#define LOG_LINE_TAIL 64

void log_open(int descriptor, enum log_level least)
{
    log_state.descriptor = descriptor;
    log_state.least = (int)least;
}

void log_set_level(enum log_level least)
{
    log_state.least = (int)least;
}

bool log_level_from_word(const char *word, enum log_level *out)
{
    for (size_t i = 0; i < sizeof(log_level_words) / sizeof(log_level_words[0]); i++) {
        if (strcmp(log_level_words[i], word) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool log_line_has_room(const struct log_line *l, size_t more)
{
    return l->length + more + LOG_LINE_TAIL <= sizeof(l->bytes);
}

static void log_line_add(struct log_line *l, const char *bytes, size_t length)
{
    if (log_line_has_room(l, length)) {
        memcpy(l->bytes + l->length, bytes, length);
        l->length += length;
    }
}

static void log_line_add_string(struct log_line *l, struct text t)
{
    static const char hexadecimal[] = "0123456789abcdef";

    l->bytes[l->length++] = '"';
    for (uint32_t i = 0; i < t.length && log_line_has_room(l, 6); i++) {
        unsigned char byte = (unsigned char)t.bytes[i];

        if (byte == '"' || byte == '\\') {
            l->bytes[l->length++] = '\\';
            l->bytes[l->length++] = (char)byte;
        } else if (byte < 0x20 || byte == 0x7f) {
            memcpy(l->bytes + l->length, "\\u00", 4);
            l->bytes[l->length + 4] = hexadecimal[byte >> 4];
            l->bytes[l->length + 5] = hexadecimal[byte & 15];
            l->length += 6;
        } else {
            l->bytes[l->length++] = (char)byte;
        }
    }
    l->bytes[l->length++] = '"';
}

static void log_line_add_number(struct log_line *l, int64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%lld", (long long)number);

    log_line_add(l, digits, (size_t)length);
}

static void log_line_add_name(struct log_line *l, const char *name)
{
    l->bytes[l->length++] = ',';
    log_line_add_string(l, text_from(name));
    l->bytes[l->length++] = ':';
}

static void log_line_add_field(struct log_line *l, const struct log_field *f)
{
    if (!log_line_has_room(l, strlen(f->name) + 32) ||
        (f->type == LOG_VALUE_TEXT && text_is_none(f->text))) {
        return;
    }
    log_line_add_name(l, f->name);
    if (f->type == LOG_VALUE_TEXT) {
        log_line_add_string(l, f->text);
    } else {
        log_line_add_number(l, f->number);
    }
}

/* True when the other end takes a line without making us wait. */
static bool log_ready(void)
{
    struct pollfd p = {.fd = log_state.descriptor, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/* Write the beginning of what is kept. False when the other end does not take it now. */
static bool log_flush_some(void)
{
    size_t size = log_state.kept < LOG_LINE_MAX ? log_state.kept : LOG_LINE_MAX;
    ssize_t written;

    if (!log_ready()) {
        return false;
    }
    written = write(log_state.descriptor, log_state.bytes, size);
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
        /* Nobody will ever read this log; keeping it would only delay the ends of lines. */
        log_state.kept = 0;
        return false;
    }
    if (written <= 0) {
        return false;
    }
    log_state.kept -= (size_t)written;
    memmove(log_state.bytes, log_state.bytes + written, log_state.kept);
    return true;
}

static void log_flush_kept(void)
{
    while (log_state.kept > 0 && log_flush_some()) {
    }
}

void log_flush(void)
{
    if (log_state.kept > 0) {
        pthread_mutex_lock(&log_mutex);
        log_flush_kept();
        pthread_mutex_unlock(&log_mutex);
    }
}

static void log_take(const struct log_line *l)
{
    if (log_state.kept + l->length > sizeof(log_state.bytes)) {
        log_state.dropped++;
        return;
    }
    memcpy(log_state.bytes + log_state.kept, l->bytes, l->length);
    log_state.kept += l->length;
}

/* With the mutex held. */
static void log_write_line(enum log_level level, const char *event, const struct log_field *fields)
{
    struct log_line l = {.length = 0};

    log_line_add(&l, "{\"at\":", 6);
    log_line_add_number(&l, clock_wall());
    log_line_add_name(&l, "level");
    log_line_add_string(&l, text_from(log_level_words[level]));
    log_line_add_name(&l, "event");
    log_line_add_string(&l, text_from(event));
    for (; fields->type != LOG_VALUE_END; fields++) {
        log_line_add_field(&l, fields);
    }
    if (log_state.dropped > 0) {
        const struct log_field dropped = LOG_NUMBER("lines_dropped_before", log_state.dropped);

        log_line_add_field(&l, &dropped);
    }
    memcpy(l.bytes + l.length, "}\n", 2);
    l.length += 2;
    log_flush_kept();
    if (log_state.kept + l.length <= sizeof(log_state.bytes)) {
        log_state.dropped = 0;
    }
    log_take(&l);
    log_flush_kept();
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if ((int)level > log_state.least) {
        return;
    }
    pthread_mutex_lock(&log_mutex);
    log_write_line(level, event, fields);
    pthread_mutex_unlock(&log_mutex);
}

/* Does the limit let this one through? Tells what it kept back before. With the mutex held. */
static bool log_limit_passes(struct log_limit *limit, enum log_level level, const char *event)
{
    int64_t now = clock_wall();

    if (now - limit->since >= LOG_LIMIT_WINDOW || now < limit->since) {
        uint64_t left_out = limit->left_out;
        const struct log_field told[] = {LOG_WORDS("of", event),
                                         LOG_NUMBER("count", left_out),
                                         {LOG_VALUE_END, NULL, {NULL, 0}, 0}};

        limit->since = now;
        limit->seen = 0;
        limit->left_out = 0;
        if (left_out > 0) {
            log_write_line(level, "lines_left_out", told);
        }
    }
    if (limit->seen == limit->most) {
        limit->left_out++;
        return false;
    }
    limit->seen++;
    return true;
}

void log_write_limited(struct log_limit *limit, enum log_level level, const char *event,
                       const struct log_field *fields)
{
    if ((int)level > log_state.least) {
        return;
    }
    pthread_mutex_lock(&log_mutex);
    if (log_limit_passes(limit, level, event)) {
        log_write_line(level, event, fields);
    }
    pthread_mutex_unlock(&log_mutex);
}
