/* What an update makes of a contact: attributes merged, and classified again while it still waits.
 *
 * This half stands beside the engine, because it needs the contact as it is. What the sender gives
 * replaces; attributes are merged key by key, and nil removes one. A contact that waits or is
 * scheduled is classified from what results, and only where that says something else than the
 * classification of what was before does it change the contact: so an update of an attribute that
 * no rule reads does not undo a transfer, an escalation or an agent's correction. Words that the
 * connector named at submission (tier, issue type, language, queue) stay named.
 *
 * One updater belongs to one thread. */
#ifndef ROUTER_UPDATE_H
#define ROUTER_UPDATE_H

#include "queue/engine.h"
#include "router/dispatch.h"

struct updater {
    struct classify_scratch *before, *after;
    struct packer attributes, customer_attributes;
};

void updater_init(struct updater *u);
void updater_close(struct updater *u);

/* Complete a COMMAND_UPDATE. What it then points at lives until the next call. An unknown contact
 * is left to the engine. False: `error` says what is too large. */
bool updater_complete(struct updater *u, const struct engine *e,
                      const struct dispatch_snapshot *snapshot, const struct limits *limits,
                      struct work *work, struct response_error *error);

/* Merge two raw maps of attributes: `changes` over `old`, nil removes. Returns how many are left;
 * nothing else is written to `out`, which holds one map. */
uint32_t update_merge(struct packer *out, struct text old, struct text changes);

#endif
