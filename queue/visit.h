/* The durable state, field by field: one walk that the digest, the checkpoint and its loading
 * share, so that none of them can know of a field that the others forget.
 *
 * Integers are written little-endian in eight bytes or fewer, texts with a length before them.
 * Loading takes bytes that may be damaged: every read is bounded, and what is wrong sets `bad`. */
#ifndef QUEUE_VISIT_H
#define QUEUE_VISIT_H

#include "queue/state.h"

enum visit_mode { VISIT_DIGEST, VISIT_SAVE, VISIT_LOAD };

struct visitor {
    enum visit_mode mode;
    struct engine *engine;
    uint64_t hash;     /* digest */
    uint8_t *bytes;    /* save: what was written; owned */
    size_t size, room; /* save */
    const uint8_t *at; /* load */
    const uint8_t *end;
    bool bad;
};

/* Bytes to a number, on top of another. */
uint64_t visit_hash(uint64_t hash, const uint8_t *bytes, size_t size);
/* A record of a checkpoint to a number; another one than that, and sooner found. */
uint64_t visit_hash_record(const uint8_t *bytes, size_t size);

void visit_u64(struct visitor *v, uint64_t *x);
void visit_i64(struct visitor *v, int64_t *x);
void visit_u32(struct visitor *v, uint32_t *x);
void visit_u16(struct visitor *v, uint16_t *x);
void visit_u8(struct visitor *v, uint8_t *x);
void visit_bool(struct visitor *v, bool *x);
void visit_text(struct visitor *v, struct text *t);        /* loading: points into the input */
void visit_own_text(struct visitor *v, struct text *t);    /* loading: an owned copy */
void visit_raw(struct visitor *v, struct raw *r);          /* loading: points into the input */
void visit_agent_ref(struct visitor *v, struct agent **a); /* loading: by number; must exist */

void visit_skills(struct visitor *v, const struct requirement **r); /* loading: interned */

/* How many follow; loading bounds it by what can still stand in the input. */
uint32_t visit_count(struct visitor *v, uint32_t count, size_t least_bytes_each);

/* Records. Loading makes them: contacts, tombstones and offers are linked by the closing of the
 * load. */
void visit_head(struct visitor *v);
void visit_settings(struct visitor *v, struct settings **s);
void visit_agent(struct visitor *v, struct agent *a);
void visit_contact(struct visitor *v, struct contact *c);
void visit_tombstone(struct visitor *v, const struct tombstone *t); /* digest, save */
/* Loading: a new last one of a log, and its story; its owner counts it. */
void visit_new_tombstone(struct visitor *v, struct record_log *tombstones, struct stories *stories);
void visit_series(struct visitor *v, uint8_t *by, struct series *s);

/* An offer on its way from the agent's record to its contact's. */
struct loaded_offer {
    struct offer *offer;
    uint64_t contact;
};
void checkpoint_note_offer(struct engine *e, struct offer *o, uint64_t contact);

#endif
