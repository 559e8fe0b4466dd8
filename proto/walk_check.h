/* What must hold of a map or an array of a request before anybody walks through it.
 *
 * Each check stands before one whole object and goes over it, once: it answers ERROR_NONE with the
 * cursor behind it, or ERROR_INVALID or ERROR_TOO_LARGE with words in `message` and the cursor
 * anywhere. Names within are valid UTF-8, not empty, of at most LIMIT_NAME bytes (attributes: their
 * own limit), and no name comes twice. */
#ifndef PROTO_WALK_CHECK_H
#define PROTO_WALK_CHECK_H

#include "proto/error_table.h"
#include "proto/limits.h"
#include "proto/walk.h"

#define WALK_CHECK_QUEUES   512 /* queues of one agent, at most */
#define WALK_CHECK_CHANNELS 64  /* maxima of one agent, at most */

#define WALK_CHECK_SCANNED UINT32_MAX

struct walk_check {
    const struct limits *limits;
    uint32_t nesting; /* maps and arrays that may be one in the other, at least 1; or
                         WALK_CHECK_SCANNED: somebody has scanned the bytes */
    const char *message;
    struct walk_customer *customer; /* filled by walk_check_customer */
};

enum error_code walk_check_attributes(struct cursor *c, struct walk_check *w);
enum error_code walk_check_skills(struct cursor *c, struct walk_check *w);
enum error_code walk_check_customer(struct cursor *c, struct walk_check *w);
enum error_code walk_check_capacity(struct cursor *c, struct walk_check *w);
enum error_code walk_check_queues(struct cursor *c, struct walk_check *w);

/* Over one whole object, whatever it is, with so many maps and arrays one in the other at most. */
bool walk_check_pass(struct cursor *c, uint32_t nesting);

/* Valid UTF-8 in the sense of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
bool walk_check_text(struct text t);

/* Not empty, and printable ASCII only: a text and an id without more questions, as most ids are. */
bool walk_check_plain(struct text t);

/* Not empty, and none of U+0000 to U+001F and U+007F to U+009F. The text must be valid. */
bool walk_check_id(struct text t);

#endif
