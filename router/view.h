/* Records of the engine as the wire shows them: the maps of PROTOCOL.md.
 *
 * Each function writes pairs into a map that the caller has opened and returns how many; a field
 * without a value is left out, unless the protocol gives nil a meaning. Nothing is changed, nothing
 * kept. Valid between two steps, on the engine's thread. */
#ifndef ROUTER_VIEW_H
#define ROUTER_VIEW_H

#include "proto/pairs.h"
#include "queue/engine.h"

struct view {
    const struct engine *engine;
    const struct settings *settings;
    engine_time now;
    uint64_t epoch;
};

/* `now` on the workspace's clock. */
static inline void view_init(struct view *v, const struct engine *e, engine_time now)
{
    *v = (struct view){e, engine_settings(e), now, engine_epoch(e)};
}

/* epoch and seq: what every answer of a change and every notification carries. */
uint32_t view_epoch(struct packer *p, const struct view *v, uint64_t seq);

/* The same among other pairs. */
#define VIEW_EPOCH_ROOM PAIRS_ROOM(2)

static inline void view_put_epoch(struct pairs *w, const struct view *v, uint64_t seq)
{
    PAIRS_UINT(w, "epoch", v->epoch);
    PAIRS_UINT(w, "seq", seq);
}

/* "state" and a contact's. */
#define VIEW_STATE_ROOM 16

struct view_state {
    uint8_t size;
    uint8_t key_head;
    char key[5];
    uint8_t word_head;
    char word[VIEW_STATE_ROOM - 7];
};

extern const struct view_state view_states[CONTACT_STATE_COUNT];

static inline void view_put_state(struct pairs *w, enum contact_state state)
{
    memcpy(w->at, &view_states[state].key_head, VIEW_STATE_ROOM);
    w->at += view_states[state].size;
    w->count++;
}

/* What an answer to a submission says: state, queue, tier, issue, language, promises, position,
 * estimate, why. */
uint32_t view_contact(struct packer *p, const struct view *v, const struct contact *c);
/* And what a row has in addition: channel, customer, agent, offer, times. */
uint32_t view_contact_row(struct packer *p, const struct view *v, const struct contact *c);
/* And what only contact.get has: texts and history. */
uint32_t view_contact_details(struct packer *p, const struct view *v, const struct contact *c);

/* The same three of an ended contact, as far as it is remembered. */
uint32_t view_tombstone(struct packer *p, const struct view *v, const struct tombstone *t);
uint32_t view_tombstone_row(struct packer *p, const struct view *v, const struct tombstone *t);
uint32_t view_tombstone_details(struct packer *p, const struct view *v, const struct tombstone *t);

/* The offer map, whole: what an agent is handed. */
uint32_t view_offer(struct packer *p, const struct view *v, const struct offer *o);

/* What sign_in answers: the agent with all that it holds. */
uint32_t view_agent_session(struct packer *p, const struct view *v, const struct agent *a);
/* An agent's row. */
uint32_t view_agent(struct packer *p, const struct view *v, const struct agent *a);

uint32_t view_queue(struct packer *p, const struct view *v, queue_index queue);

/* The id of an offer on the wire: "o" and its number; and back: 0 when it is no offer of ours. */
void view_offer_id(struct packer *p, uint64_t number);
#define VIEW_OFFER_ID_ROOM 72
uint8_t *view_put_offer_id(uint8_t *to, uint64_t number); /* where there is so much room */
uint64_t view_offer_number(struct text id);

/* One pair each, and how many that is. "key", and the text, when there is one. */
#define VIEW_TEXT(p, key, value) view_text((p), "" key, sizeof(key) - 1, (value))
#define VIEW_INT(p, key, value)  PACKER_PAIR_INT(p, key, value)
#define VIEW_FLAG(p, key, value) PACKER_PAIR_BOOL(p, key, value)
#define VIEW_TIME(p, key, value) ((value) == TIME_NEVER ? 0u : VIEW_INT(p, key, value))
/* "key", and the duration or nil. */
#define VIEW_SPAN_OR_NIL(p, key, value) view_span((p), "" key, sizeof(key) - 1, (value))
/* "key", and the value that is MessagePack already, when there is one. */
#define VIEW_RAW(p, key, value) view_raw((p), "" key, sizeof(key) - 1, (value))

#define VIEW_PAIR static inline __attribute__((always_inline)) uint32_t

VIEW_PAIR view_text(struct packer *p, const char *key, size_t key_size, struct text value)
{
    return text_is_none(value) ? 0 : packer_pair_text(p, key, key_size, value);
}

VIEW_PAIR view_span(struct packer *p, const char *key, size_t key_size, duration_ms value)
{
    uint8_t *to = put_literal_of(packer_want(p, 1 + key_size + PUT_HEAD_MAX), key, key_size);

    packer_written(p, value < 0 ? put_nil(to) : put_uint(to, (uint64_t)value));
    return 1;
}

VIEW_PAIR view_raw(struct packer *p, const char *key, size_t key_size, struct raw value)
{
    return value.length == 0 ? 0 : packer_pair_raw(p, key, key_size, value.bytes, value.length);
}

#undef VIEW_PAIR

#endif
