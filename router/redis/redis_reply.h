/* Looking at replies: small questions that a wrong reply answers with no, so that whoever asks
 * needs no checks of types.
 *
 * A reply is the link's and lives during the callback; what these functions hand out lives as long.
 * Any thread that may see the reply. */
#ifndef ROUTER_REDIS_REDIS_REPLY_H
#define ROUTER_REDIS_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#include "queue/base/text.h"

/* A string or status; absent when it is none, or NULL was given. */
static inline struct text redis_reply_text(const struct redisReply *r)
{
    if (r == NULL || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)) {
        return TEXT_NONE;
    }
    return (struct text){r->str, (uint32_t)r->len};
}

/* Member `i` of an array; NULL when there is none. */
static inline const struct redisReply *redis_reply_at(const struct redisReply *r, size_t i)
{
    return r != NULL && r->type == REDIS_REPLY_ARRAY && i < r->elements ? r->element[i] : NULL;
}

/* How many members; 0 when it is no array. */
static inline size_t redis_reply_count(const struct redisReply *r)
{
    return r != NULL && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
}

static inline bool redis_reply_integer(const struct redisReply *r, int64_t *out)
{
    if (r == NULL || r->type != REDIS_REPLY_INTEGER) {
        return false;
    }
    *out = r->integer;
    return true;
}

static inline bool redis_reply_is(const struct redisReply *r, const char *words)
{
    return text_equal(redis_reply_text(r), text_from(words)) && r != NULL;
}

#endif
