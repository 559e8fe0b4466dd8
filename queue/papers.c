#include "queue/papers.h"

#include <assert.h>
#include <stddef.h>

#define PAPER_NUMBER(name) PAPER_##name,
enum { CONTACT_TEXTS(PAPER_NUMBER) PAPER_COUNT };

/* A body is nothing but its texts, in their order. */
static_assert(sizeof(struct contact_body) == PAPER_COUNT * sizeof(struct text), "no more is in it");

static const struct text *text_of(const struct contact_body *body, uint32_t paper)
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

static const uint8_t *take_length(const uint8_t *at, uint32_t *length)
{
    uint32_t shift = 0;

    *length = 0;
    while ((*at & 0x80) != 0) {
        *length |= (uint32_t)(*at++ & 0x7f) << shift;
        shift += 7;
    }
    *length |= (uint32_t)*at++ << shift;
    return at;
}

/* ---- blocks ---- */

#define MASK_BYTES 2

static const uint8_t *behind_id(const uint8_t *papers)
{
    return papers + 1 + papers[0];
}

static uint32_t take_mask(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

block papers_write(struct shelf *shelf, struct text id, const struct contact_body *body,
                   size_t *size)
{
    uint32_t mask = 0;
    block written;
    uint8_t *papers;
    uint8_t *at;

    static_assert(PAPER_COUNT <= 8 * MASK_BYTES, "each text has a bit");
    static_assert(ID_BYTES_MAX <= UINT8_MAX, "an id's length fits a byte");
    *size = 1 + (size_t)id.length + MASK_BYTES;
    for (uint32_t paper = 0; paper < PAPER_COUNT; paper++) {
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
        const struct text *t = text_of(body, (uint32_t)__builtin_ctz(mask));
        at = put_length(at, t->length);
        memcpy(at, t->bytes, t->length);
        at += t->length;
    }
    return written;
}

size_t papers_size(const uint8_t *papers)
{
    const uint8_t *at = behind_id(papers);
    uint32_t mask = take_mask(at);

    at += MASK_BYTES;
    for (; mask != 0; mask &= mask - 1) {
        uint32_t length;
        at = take_length(at, &length);
        at += length;
    }
    return (size_t)(at - papers);
}

void papers_read(const uint8_t *papers, struct contact_body *body)
{
    const uint8_t *at = behind_id(papers);
    uint32_t mask = take_mask(at);

    at += MASK_BYTES;
    memset(body, 0, sizeof(*body));
    for (; mask != 0; mask &= mask - 1) {
        struct text *t = (struct text *)(uintptr_t)text_of(body, (uint32_t)__builtin_ctz(mask));
        at = take_length(at, &t->length);
        t->bytes = (const char *)at;
        at += t->length;
    }
}

struct text papers_customer(const uint8_t *papers)
{
    const uint8_t *at = behind_id(papers);
    struct text customer = TEXT_NONE;

    static_assert(PAPER_customer == 0, "the customer is the first text");
    if ((take_mask(at) & 1u << PAPER_customer) != 0) {
        at = take_length(at + MASK_BYTES, &customer.length);
        customer.bytes = (const char *)at;
    }
    return customer;
}
