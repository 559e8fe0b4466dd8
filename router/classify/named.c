#include "router/classify/named.h"

/* What the connector's word says, or what is said where there is no word and nothing else to go by.
 * False: there is more to look at. */
static inline bool named_word(const struct name_list *names, struct text word, bool other_signs,
                              uint32_t otherwise, struct text why_otherwise, uint32_t *index,
                              struct text *why)
{
    if (word.length == 0) {
        *index = otherwise;
        *why = why_otherwise;
        return !other_signs;
    }
    *index = name_list_find(names, word);
    *why = WHY_NAMED;
    return *index != UINT32_MAX;
}

bool named_classify(const struct ruleset *r, const struct classify_input *in,
                    struct classification *out)
{
    uint32_t tier, issue, queue;

    if (in->language.length > 0 || r->detects_language ||
        !named_word(&r->queues, in->queue, r->route_count > 0, r->default_queue, WHY_DEFAULT,
                    &queue, &out->why_queue) ||
        !named_word(&r->tiers, in->tier, r->tier_rule_count > 0, r->default_tier, WHY_DEFAULT,
                    &tier, &out->why_tier) ||
        !named_word(&r->issues, in->issue, r->issue_rule_count > 0, r->default_issue,
                    named_why_issue(r), &issue, &out->why_issue)) {
        return false;
    }
    out->queue = (queue_index)queue;
    out->queue_named = in->queue.length > 0;
    out->tier = (tier_index)tier;
    out->issue = (issue_index)issue;
    out->language = r->default_language;
    out->why_language = named_why_language(r);
    return true;
}
