/* From the phrases and patterns of all issue rules to two Vectorscan databases and what each find
 * means. */
#ifndef ROUTER_CLASSIFY_PHRASES_H
#define ROUTER_CLASSIFY_PHRASES_H

#include "router/classify/compiled.h"

/* Fill in the words and databases of `r`. False when any phrase or pattern was refused; `complain`
 * was then called for each. */
bool phrases_compile(struct ruleset *r, const struct rules *rules, ruleset_complain complain,
                     void *context);

#endif
