/* A run of bytes that somebody else owns: not terminated, may hold any byte.
 *
 * Who hands one out says how long it lives. Copies share the bytes. An absent
 * text has `bytes == NULL`; an empty one has a length of 0 and bytes that are
 * not NULL. */
#ifndef QUEUE_BASE_TEXT_H
#define QUEUE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *bytes;
    uint32_t length;
};

/* All of it zero, also what lies behind the length: so that it is written by one store, and who
 * copies it at once need not wait for two. */
#define TEXT_NONE ((struct text){0})

#define TEXT(literal) ((struct text){"" literal, (uint32_t)(sizeof(literal) - 1)})
#define TEXT_FORMAT   "%.*s"
#define TEXT_ARGS(t)  (int)(t).length, (t).bytes == NULL ? "" : (t).bytes

static inline struct text text_from(const char *terminated)
{
    return terminated == NULL ? TEXT_NONE : (struct text){terminated, (uint32_t)strlen(terminated)};
}

static inline bool text_is_none(struct text t)
{
    return t.bytes == NULL;
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Copy the bytes to `at`, where there is room; returns the place behind them. The copying is a
 * call: where a compiler sees that a text is short, it makes a loop of it that takes longer to
 * begin than all of the copying. */
char *text_write_some(char *at, struct text t);
static inline char *text_write(char *at, struct text t)
{
    return t.length == 0 ? at : text_write_some(at, t);
}

/* Bytewise order, the shorter first when one begins the other; as memcmp. */
static inline int text_compare(struct text a, struct text b)
{
    uint32_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

#endif
