/* What every reading of a journal does with what it finds: the records of a checkpoint's slice into
 * an engine, the facts of an entry behind them.
 *
 * Facts must follow one another without a gap: what lacks one is refused, loudly, never served as
 * if nothing had been there. After a failure the engine holds half of an entry and is to be thrown
 * away.
 *
 * One replay serves engines one after the other, or in turns. One thread. */
#ifndef ROUTER_REPLAY_H
#define ROUTER_REPLAY_H

#include "router/fact_codec.h"

struct replay {
    uint64_t facts, records; /* applied, loaded */
    struct fact_decoder decoder;
    /* After a function said no: */
    const char *problem;  /* in words (constant) */
    uint64_t problem_seq; /* the fact that it is about; of a slice, the one it is exact as of */
    bool unknown_kind;    /* the fact is of a kind that only a newer version knows */
};

/* Zeroed storage is a replay, too. */
void replay_init(struct replay *r);
void replay_close(struct replay *r);

/* Load a slice, an array of records (bin), of a checkpoint as of `seq` into an engine that is empty
 * or has those before it. With the last slice engine_checkpoint_loaded says whether it is whole. */
bool replay_slice(struct replay *r, struct engine *e, uint64_t seq, const uint8_t *bytes,
                  size_t size);

/* Apply an entry, an array of facts of which the first is `seq`; those up to `covered` are passed
 * over, because a checkpoint has what they did. */
bool replay_facts(struct replay *r, struct engine *e, uint64_t seq, uint64_t covered,
                  const uint8_t *bytes, size_t size);

#endif
