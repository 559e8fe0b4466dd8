/* Contacts of which the connector's words say all, and no rule of the workspace has anything to
 * add: most of what other programs route. No text is read, nothing is searched, and why it was so
 * are words that stand ready. */
#ifndef ROUTER_CLASSIFY_NAMED_H
#define ROUTER_CLASSIFY_NAMED_H

#include "router/classify/classify.h"
#include "router/classify/compiled.h"

#define WHY_NAMED   TEXT("named by the connector")
#define WHY_DEFAULT TEXT("default")

/* What classify answers, if that is so. False: it is not, and `out` has anything. */
bool named_classify(const struct ruleset *r, const struct classify_input *in,
                    struct classification *out);

/* Why it is the default language, of which there may be none. */
static inline struct text named_why_language(const struct ruleset *r)
{
    return r->default_language == INDEX_NONE16 ? TEXT("none") : WHY_DEFAULT;
}

/* Why it is the default issue, of which there may be none. */
static inline struct text named_why_issue(const struct ruleset *r)
{
    return r->default_issue == INDEX_NONE16 ? TEXT("no rule holds")
                                            : TEXT("no rule holds; default");
}

#endif
