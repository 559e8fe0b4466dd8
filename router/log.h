/* Structured log: one JSON object a line.
 *
 *     {"at":1700000000000,"level":"info","event":"session_ended","session":17,"reason":"silent"}
 *
 * Events are words, values are ids of our own, numbers, addresses and words of ours: never what
 * a customer wrote or is (no subject, text, customer, payload, attributes).
 *
 * Nothing here waits: what the other end does not take at once is kept, up to LOG_KEPT_MAX bytes;
 * beyond that lines are dropped and counted, and the next line that gets through says how many. An
 * event that may come often stands behind a log_limit.
 *
 * One log for the process; any thread. */
#ifndef ROUTER_LOG_H
#define ROUTER_LOG_H

#include "queue/base/text.h"
#include "router/config.h"

#define LOG_LINE_MAX                                                                               \
    4096 /* at most PIPE_BUF: such a write to a pipe that polls as ready does not block */
#define LOG_KEPT_MAX 65536

enum log_value { LOG_VALUE_END, LOG_VALUE_TEXT, LOG_VALUE_NUMBER };

struct log_field {
    enum log_value type;
    const char *name;
    struct text text; /* absent: the field is left out */
    int64_t number;
};

#define LOG_TEXT(name_, text_)                                                                     \
    {                                                                                              \
        LOG_VALUE_TEXT, (name_), (text_), 0                                                        \
    }
#define LOG_WORDS(name_, string_)                                                                  \
    {                                                                                              \
        LOG_VALUE_TEXT, (name_), text_from(string_), 0                                             \
    }
#define LOG_NUMBER(name_, number_)                                                                 \
    {                                                                                              \
        LOG_VALUE_NUMBER, (name_), {NULL, 0}, (int64_t)(number_)                                   \
    }

/* To the file descriptor, which stays the caller's. */
void log_open(int descriptor, enum log_level least);
void log_set_level(enum log_level least);

/* The word's level, or false: "error", "warning", "info", "debug". */
bool log_level_from_word(const char *word, enum log_level *out);

void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define log_event(level, event, ...)                                                               \
    log_write((level), (event),                                                                    \
              (const struct log_field[]){__VA_ARGS__, {LOG_VALUE_END, NULL, {NULL, 0}, 0}})

/* At most `most` lines in ten seconds; what is left out is counted, and told by the next that is
 * not. */
struct log_limit {
    uint32_t most;
    uint32_t seen;
    uint64_t left_out;
    int64_t since; /* milliseconds, the wall's */
};

void log_write_limited(struct log_limit *limit, enum log_level level, const char *event,
                       const struct log_field *fields);

#define log_event_limited(limit, level, event, ...)                                                \
    log_write_limited(                                                                             \
        (limit), (level), (event),                                                                 \
        (const struct log_field[]){__VA_ARGS__, {LOG_VALUE_END, NULL, {NULL, 0}, 0}})

/* Try again with what is kept; once a turn. Costs nothing when nothing is. */
void log_flush(void);

#endif
