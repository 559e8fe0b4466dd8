/* Facts as the journal and other systems read them: [seq, at, kind, subject, map].
 *
 * In memory a fact is resolved: it points at records and uses the indexes of the settings in force.
 * In the journal it is names. Both directions are made from the table of facts: a field that
 * is absent is not written, one that is not there is absent, one that this version does not know is
 * passed over.
 *
 * Encoding stands on the contact's path: no allocation beyond the packer's growth. One thread each.
 */
#ifndef ROUTER_FACT_CODEC_H
#define ROUTER_FACT_CODEC_H

#include "proto/cursor.h"
#include "proto/packer.h"
#include "queue/engine.h"

/* `settings` are those in force when the fact was made; NULL before the first, when no fact has
 * names. */
void fact_encode(struct packer *p, const struct fact *f, const struct settings *settings);

/* What a decoded fact points at, beside the bytes it was read from. */
struct fact_decoder {
    struct skill_level skills[SKILLS_PER_SET];
    struct agent_channel_max maxima[CHANNELS_MAX];
    struct agent_queue *queues; /* grows to the longest list seen */
    uint32_t queue_capacity;
    const char *problem; /* words (constant) after fact_decode said no */
    bool unknown_kind;   /* and then: it is whole, but a newer version wrote it */
};

/* Zeroed storage is a decoder, too. */
void fact_decoder_close(struct fact_decoder *d);

/* Read one fact and resolve it by what the engine holds: the fact must be the next that the engine
 * is to apply. Texts point into the bytes. `f->settings` has one reference, the caller's, or is
 * NULL. False: `problem` says why, and nothing is to be released. */
bool fact_decode(struct fact_decoder *d, struct cursor *c, const struct engine *e, struct fact *f);

#endif
