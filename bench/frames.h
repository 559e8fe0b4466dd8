/* The requests of `load`, packed before the run: in the run they are copied and get their number
 * and id.
 *
 * The id of a contact names the slot of its record and how often the slot was used, so that the
 * record is found from an offer without a look-up, and an id is never used twice:
 *
 *     b-RRRRRRRR-SSSSSS-TTTTTTTT     run, slot, turn, in hexadecimal
 *
 * The number of a request names what it asks, the slot, and a tag by which an answer that comes
 * late is told from one that belongs to the slot's present use. */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include "proto/packer.h"
#include "queue/base/random.h"

#define FRAMES_ID_BYTES  26
#define FRAMES_SLOT_BITS 20
#define FRAMES_TAG_BITS  8
#define FRAMES_SLOTS_MAX (1u << FRAMES_SLOT_BITS)

enum request_purpose {
    PURPOSE_HELLO,
    PURPOSE_SIGN_IN,
    PURPOSE_PING,
    PURPOSE_SUBMIT,
    PURPOSE_RECEIVED,
    PURPOSE_ACCEPT,
    PURPOSE_COMPLETE,
    PURPOSE_PULL,
    PURPOSE_DECLINE,
    PURPOSE_SET_STATE,
    PURPOSE_CANCEL,
};

static inline uint32_t frames_msgid(enum request_purpose purpose, uint32_t slot)
{
    return (uint32_t)purpose << (FRAMES_SLOT_BITS + FRAMES_TAG_BITS) | slot;
}

static inline uint32_t frames_tagged_msgid(enum request_purpose purpose, uint32_t slot, uint8_t tag)
{
    return frames_msgid(purpose, slot) | (uint32_t)tag << FRAMES_SLOT_BITS;
}

static inline enum request_purpose frames_purpose(uint32_t msgid)
{
    return (enum request_purpose)(msgid >> (FRAMES_SLOT_BITS + FRAMES_TAG_BITS));
}

static inline uint8_t frames_tag(uint32_t msgid)
{
    return (uint8_t)(msgid >> FRAMES_SLOT_BITS);
}

static inline uint32_t frames_slot(uint32_t msgid)
{
    return msgid & (FRAMES_SLOTS_MAX - 1);
}

/* [0, msgid, method, [ and what follows is the map. */
void frames_head(struct packer *p, uint32_t msgid, const char *method);

void frames_id_write(char out[FRAMES_ID_BYTES], uint32_t run, uint32_t slot, uint32_t turn);

/* False when it is no id of this run. */
bool frames_id_read(struct text id, uint32_t run, uint32_t *slot, uint32_t *turn);

/* Only the slot, of any run. False when it is no such id. */
bool frames_slot_read(struct text id, uint32_t *slot);

/* Words that a comma-separated list names. */
struct word_list {
    char **words;
    uint32_t count;
};

/* NULL or "" gives an empty list; close gives the memory back. */
void word_list_init(struct word_list *l, const char *comma_separated);
void word_list_close(struct word_list *l);

/* What the contacts of a run are made of. */
struct submit_form {
    const char *channel;
    struct word_list tiers, queues, issues, languages; /* one of each by chance; none when empty */
    struct word_list skills; /* likewise; NAME:LEVEL, or several with a + between them */
    uint32_t text_bytes;
    uint32_t variants; /* so many different texts and choices, made by chance from `seed` */
    uint64_t seed;
};

/* A pre-packed contact.submit. */
struct submit_frame {
    uint8_t *bytes;
    uint32_t size;
    uint32_t id_at; /* where the id's characters stand */
};

struct submit_frames {
    struct submit_frame *frames;
    uint32_t count;
};

void submit_frames_init(struct submit_frames *f, const struct submit_form *form);
void submit_frames_close(struct submit_frames *f);

/* Append variant `variant` (taken modulo their count) for a slot's turn. */
void submit_frames_write(const struct submit_frames *f, struct packer *p, uint32_t variant,
                         uint32_t run, uint32_t slot, uint32_t turn);

/* A request that ends with one text and is the same otherwise: accept, received, decline, complete.
 */
struct text_request {
    struct packer head; /* everything before the text */
};

/* `key` is the parameter that the text is for; with `wrap_up_ms` of 0 or more that is given, too.
 */
void text_request_init(struct text_request *r, const char *method, const char *key,
                       int64_t wrap_up_ms);
void text_request_close(struct text_request *r);
void text_request_write(const struct text_request *r, struct packer *p, uint32_t msgid,
                        struct text value);

#endif
