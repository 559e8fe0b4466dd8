/* Writes what the server says: answers, errors, notifications.
 *
 * Each function writes whole objects or a head behind which the caller writes the rest:
 *
 *     response_begin(p, msgid);          [1, msgid, nil,        then exactly one object, the result
 *     response_error(p, msgid, &e);      [1, msgid, {...}, nil] whole
 *     notice_begin(p, NOTIFICATION_OFFER);    [2, "offer", [         then exactly one map
 */
#ifndef PROTO_RESPONSE_H
#define PROTO_RESPONSE_H

#include "proto/error_table.h"
#include "proto/method.h"
#include "proto/packer.h"

/* Of an error everything but the code may be missing: TEXT_NONE, and RETRY_AFTER_NONE. */
#define RETRY_AFTER_NONE (-1)

struct response_error {
    enum error_code code;
    struct text message; /* missing: the words of the error table */
    struct text field;
    struct text state;
    struct text reason;
    struct text address;
    int64_t retry_after_ms;
};

/* An error with a code only. */
static inline struct response_error response_error_of(enum error_code code)
{
    return (struct response_error){.code = code, .retry_after_ms = RETRY_AFTER_NONE};
}

void response_begin(struct packer *p, uint32_t msgid);

/* The same where there is room for so much. */
#define RESPONSE_ROOM (3 + PUT_HEAD_MAX)

static inline uint8_t *response_put_begin(uint8_t *to, uint32_t msgid)
{
    return put_nil(put_uint(put_uint(put_array(to, 4), 1), msgid));
}

void response_error(struct packer *p, uint32_t msgid, const struct response_error *e);

/* The whole answer with an empty map. */
void response_empty(struct packer *p, uint32_t msgid);

void notice_begin(struct packer *p, enum notification n);

#endif
