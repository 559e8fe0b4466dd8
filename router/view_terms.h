/* What contacts with the same terms have in common, as the wire shows it: how they were classified
 * and why, by when they are to be answered, and their channel.
 *
 * Terms that many contacts have are packed once and copied from then on; the packed pairs stay with
 * the terms (queue/terms.h). Contacts are said to differ where their times are their own. As in
 * view.h each function writes pairs and returns how many. */
#ifndef ROUTER_VIEW_TERMS_H
#define ROUTER_VIEW_TERMS_H

#include "router/view.h"

/* why, queue, tier, issue, language, deadline_at, due; and the channel, where one is named. */
CALLED uint32_t view_terms(struct packer *p, const struct view *v, const struct contact *c,
                           channel_index channel);

/* Parts of it, for who has no terms any more. An index may be none. */
uint32_t view_classes(struct packer *p, const struct view *v, queue_index queue, tier_index tier,
                      issue_index issue, language_index language);
uint32_t view_channel(struct packer *p, const struct view *v, channel_index channel);
/* The first promise, and all together. */
uint32_t view_due(struct packer *p, const engine_time due[PROMISE_COUNT]);

#endif
