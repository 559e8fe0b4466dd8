/* The papers of a contact: its id, and the words that came with it, in one block.
 *
 *      length of the id, id, which of the texts there are, each of those with its length before it
 *
 * They are written once and read where they are; one word more or less is a new block. An absent
 * text takes nothing. */
#ifndef QUEUE_PAPERS_H
#define QUEUE_PAPERS_H

#include "queue/base/shelf.h"
#include "queue/fact.h"
#include "queue/types.h"

/* The texts, in the order in which they stand. */
#define CONTACT_TEXTS(EACH)                                                                        \
    EACH(customer)                                                                                 \
    EACH(subject)                                                                                  \
    EACH(text)                                                                                     \
    EACH(payload)                                                                                  \
    EACH(customer_attributes)                                                                      \
    EACH(attributes)                                                                               \
    EACH(parent)                                                                                   \
    EACH(reopens)                                                                                  \
    EACH(note)        /* of the last hand-over */                                                  \
    EACH(from_reason) /* likewise */                                                               \
    EACH(disposition)                                                                              \
    EACH(end_reason) /* while wrapping: why the work ended */

#define PAPER_NUMBER(name) PAPER_##name,
enum paper { CONTACT_TEXTS(PAPER_NUMBER) PAPER_COUNT };
#undef PAPER_NUMBER

/* All of them at hand. customer_attributes and attributes are MessagePack; absent and empty is the
 * same for them. */
struct contact_body {
#define CONTACT_BODY_MEMBER(name) struct text name;
    CONTACT_TEXTS(CONTACT_BODY_MEMBER)
#undef CONTACT_BODY_MEMBER
};

/* A new block, and its length. What it is made of may stand in another one. */
block papers_write(struct shelf *shelf, struct text id, const struct contact_body *body,
                   size_t *size);

/* Its length, from its bytes. */
size_t papers_size(const uint8_t *papers);

static inline struct text papers_id(const uint8_t *papers)
{
    return (struct text){(const char *)papers + 1, papers[0]};
}

#define PAPERS_MASK_BYTES 2 /* a bit for each text that there is, the first the lowest */

/* The texts of a block, one after another; they point into it. */
struct papers_reader {
    const uint8_t *at;
    uint32_t left; /* a bit for each text that is still to come */
};

static inline struct papers_reader papers_begin(const uint8_t *papers)
{
    const uint8_t *at = papers + 1 + papers[0];

    return (struct papers_reader){at + PAPERS_MASK_BYTES, (uint32_t)at[0] | (uint32_t)at[1] << 8};
}

static inline bool papers_have(const struct papers_reader *r, enum paper paper)
{
    return (r->left >> paper & 1) != 0;
}

/* False: there is none any more. */
static inline bool papers_next(struct papers_reader *r, enum paper *paper, struct text *text)
{
    uint32_t shift = 0;

    if (r->left == 0) {
        return false;
    }
    *paper = (enum paper)__builtin_ctz(r->left);
    r->left &= r->left - 1;
    text->length = 0;
    for (; (*r->at & 0x80) != 0; shift += 7) { /* seven bits a byte, the lowest first */
        text->length |= (uint32_t)(*r->at++ & 0x7f) << shift;
    }
    text->length |= (uint32_t)*r->at++ << shift;
    text->bytes = (const char *)r->at;
    r->at += text->length;
    return true;
}

/* What a block says; the texts point into it. */
void papers_read(const uint8_t *papers, struct contact_body *body);

/* The customer alone, which is the first. */
struct text papers_customer(const uint8_t *papers);

#endif
