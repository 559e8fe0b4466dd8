#include "queue/papers.h"

#include <assert.h>
#include <stddef.h>

/* A body is nothing but its texts, in their order. */
static_assert(sizeof(struct contact_body) == PAPER_COUNT * sizeof(struct text), "no more is in it");

static const struct text *text_of(const struct contact_body *body, enum paper paper)
{
    return (const struct text *)(const void *)body + paper;
}

/* ---- lengths: seven bits a byte, the lowest first ---- */

static uint32_t length_spelled(uint32_t length)
{
    uint32_t bytes = 1;

    while (length >= 0x80) {
        length >>= 7;
        bytes++;
    }
    return bytes;
}

static uint8_t *put_length(uint8_t *at, uint32_t length)
{
    while (length >= 0x80) {
        *at++ = (uint8_t)(length | 0x80);
        length >>= 7;
    }
    *at++ = (uint8_t)length;
    return at;
}

/* ---- blocks ---- */

block papers_write(struct shelf *shelf, struct text id, const struct contact_body *body,
                   size_t *size)
{
    uint32_t mask = 0;
    block written;
    uint8_t *papers;
    uint8_t *at;

    static_assert(PAPER_COUNT <= 8 * PAPERS_MASK_BYTES, "each text has a bit");
    static_assert(ID_BYTES_MAX <= UINT8_MAX, "an id's length fits a byte");
    *size = 1 + (size_t)id.length + PAPERS_MASK_BYTES;
    for (enum paper paper = 0; paper < PAPER_COUNT; paper++) {
        const struct text *t = text_of(body, paper);

        if (t->bytes != NULL) {
            mask |= 1u << paper;
            *size += length_spelled(t->length) + t->length;
        }
    }
    written = shelf_take(shelf, *size);
    papers = shelf_at(shelf, written);
    papers[0] = (uint8_t)id.length;
    memcpy(papers + 1, id.bytes, id.length);
    at = papers + 1 + id.length;
    *at++ = (uint8_t)mask;
    *at++ = (uint8_t)(mask >> 8);
    for (; mask != 0; mask &= mask - 1) {
        const struct text *t = text_of(body, (enum paper)__builtin_ctz(mask));
        at = put_length(at, t->length);
        memcpy(at, t->bytes, t->length);
        at += t->length;
    }
    return written;
}

size_t papers_size(const uint8_t *papers)
{
    struct papers_reader r = papers_begin(papers);
    enum paper paper;
    struct text text;

    while (papers_next(&r, &paper, &text)) {
    }
    return (size_t)(r.at - papers);
}

void papers_read(const uint8_t *papers, struct contact_body *body)
{
    struct papers_reader r = papers_begin(papers);
    enum paper paper;
    struct text text;

    memset(body, 0, sizeof(*body));
    while (papers_next(&r, &paper, &text)) {
        *(struct text *)(uintptr_t)text_of(body, paper) = text;
    }
}

struct text papers_customer(const uint8_t *papers)
{
    struct papers_reader r = papers_begin(papers);
    enum paper paper;
    struct text text;

    static_assert(PAPER_customer == 0, "the customer is the first text");
    return papers_have(&r, PAPER_customer) && papers_next(&r, &paper, &text) ? text : TEXT_NONE;
}
