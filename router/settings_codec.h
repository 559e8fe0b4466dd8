/* A workspace's settings as MessagePack: what the fact config_applied carries in its field
 * `settings`.
 *
 * A map with string keys and a `version`; what is not configured is not written. Agents are not in
 * it: each is a fact of its own. The same settings always give the same bytes.
 *
 * A later version reads what an earlier one wrote; keys it does not know it passes over. Not for
 * the contact's path. Any thread. */
#ifndef ROUTER_SETTINGS_CODEC_H
#define ROUTER_SETTINGS_CODEC_H

#include "proto/packer.h"
#include "queue/settings.h"

#define SETTINGS_CODEC_VERSION 1

void settings_encode(struct packer *p, const struct settings *s);

/* One reference, the caller's; NULL when the bytes are not settings, with `problem` in words
 * (constant). Nothing of the result points into the bytes. */
struct settings *settings_decode(const uint8_t *bytes, size_t size, const char **problem);

/* Whether indexes of the one mean the same in the other: tiers, channels, issue types, languages
 * and queues have the same names in the same places. */
bool settings_same_names(const struct settings *a, const struct settings *b);

#endif
