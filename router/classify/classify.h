/* Classify one contact: tier, language, issue type, queue, and why each.
 *
 * Nothing is ever refused: a word that the configuration does not know is as if absent, and the
 * `why` names it. The same input under the same ruleset gives the same answer, on every thread and
 * in every process.
 *
 * A scratch belongs to one thread and serves any number of rulesets. It grows at the first use of a
 * ruleset and with the longest text; then nothing is allocated any more. */
#ifndef ROUTER_CLASSIFY_CLASSIFY_H
#define ROUTER_CLASSIFY_CLASSIFY_H

#include "router/classify/ruleset.h"

/* What there is to go by. Absent texts are TEXT_NONE. Attributes are the bytes of one MessagePack
 * map from str to scalar, as the request decoder let it through; anything else in there is passed
 * over. */
struct classify_input {
    channel_index channel; /* INDEX_NONE8: none that the workspace knows */
    struct text customer_id;
    struct text tier; /* the connector's words */
    struct text issue;
    struct text language;
    struct text queue;
    struct text subject;
    struct text text;
    struct text customer_attributes;
    struct text attributes;
};

/* Indexes are those of the settings that the ruleset was compiled with. The texts live in the
 * scratch until its next use. */
struct classification {
    tier_index tier;
    issue_index issue;       /* INDEX_NONE16: none */
    language_index language; /* INDEX_NONE16: none */
    queue_index queue;
    bool queue_named; /* by the connector, and there is one of that name */
    struct text why_tier;
    struct text why_issue;
    struct text why_queue;
    struct text why_language;
};

struct classify_scratch;

struct classify_scratch *classify_scratch_create(void);
void classify_scratch_destroy(struct classify_scratch *s); /* NULL is fine */

/* A microsecond or two for a short message and a thousand phrases. */
void classify(const struct ruleset *r, struct classify_scratch *s, const struct classify_input *in,
              struct classification *out);

#endif
