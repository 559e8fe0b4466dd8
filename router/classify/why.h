/* A sentence put together piece by piece in a buffer of its own: why something was decided.
 *
 * What does not fit is left out, at a character. Nothing allocates, nothing formats: this stands on
 * every contact's path. */
#ifndef ROUTER_CLASSIFY_WHY_H
#define ROUTER_CLASSIFY_WHY_H

#include "queue/base/text.h"

#define WHY_BYTES_MAX 480

struct why {
    struct text said; /* all of it so far, or TEXT_NONE: then it stands in `bytes` */
    uint32_t length;
    char bytes[WHY_BYTES_MAX];
};

static inline void why_start(struct why *w)
{
    w->said = TEXT_NONE;
    w->length = 0;
}

void why_add(struct why *w, struct text words);

/* The same with words that stay where they are: copied only when they are not the whole of it. */
static inline void why_say(struct why *w, struct text words)
{
    if (w->length == 0 && text_is_none(w->said)) {
        w->said = words;
    } else {
        why_add(w, words);
    }
}

void why_add_number(struct why *w, int64_t number);
void why_add_points(struct why *w, int64_t points); /* "; 3 points" */

/* In double quotation marks; control characters become "?", and a long word is cut short. */
void why_add_quoted(struct why *w, struct text words);

static inline struct text why_text(const struct why *w)
{
    return text_is_none(w->said) ? (struct text){w->bytes, w->length} : w->said;
}

#endif
