/* What must hold of a map or an array of a request before anybody walks through it.
 *
 * Each check takes the raw bytes of one whole object and answers ERROR_NONE, ERROR_INVALID or
 * ERROR_TOO_LARGE, the latter two with words in `message`. Names within are valid UTF-8, not empty,
 * of at most LIMIT_NAME bytes (attributes: their own limit), and no name comes twice. */
#ifndef PROTO_WALK_CHECK_H
#define PROTO_WALK_CHECK_H

#include "proto/error_table.h"
#include "proto/limits.h"
#include "proto/walk.h"

#define WALK_CHECK_QUEUES   512 /* queues of one agent, at most */
#define WALK_CHECK_CHANNELS 64  /* maxima of one agent, at most */

enum error_code walk_check_attributes(struct text raw, const struct limits *limits,
                                      const char **message);
enum error_code walk_check_skills(struct text raw, const struct limits *limits,
                                  const char **message);
enum error_code walk_check_customer(struct text raw, const struct limits *limits,
                                    const char **message);
enum error_code walk_check_capacity(struct text raw, const struct limits *limits,
                                    const char **message);
enum error_code walk_check_queues(struct text raw, const struct limits *limits,
                                  const char **message);

/* Valid UTF-8 in the sense of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
bool walk_check_text(struct text t);

/* Not empty, and printable ASCII only: a text and an id without more questions, as most ids are. */
bool walk_check_plain(struct text t);

/* Not empty, and none of U+0000 to U+001F and U+007F to U+009F. The text must be valid. */
bool walk_check_id(struct text t);

#endif
