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

/* What a block says; the texts point into it. */
void papers_read(const uint8_t *papers, struct contact_body *body);

/* The customer alone, which is the first. */
struct text papers_customer(const uint8_t *papers);

#endif
