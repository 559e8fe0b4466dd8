#include "proto/pairs.h"
#include "router/view_terms.h"

/* ---- its id ---- */

#define VIEW_OFFER_ID_MOST 24 /* letters */

/* Its letters are found from the last to the first: they are written behind where they go. */
uint8_t *view_put_offer_id(uint8_t *to, uint64_t number)
{
    uint8_t *end = to + (size_t)(2 * VIEW_OFFER_ID_MOST), *at = end;

    static_assert(VIEW_OFFER_ID_ROOM == 3 * VIEW_OFFER_ID_MOST, "a copy reads as far as that");
    do {
        *--at = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    *--at = 'o';
    *to = (uint8_t)(0xa0 | (end - at));
    memcpy(to + 1, at, VIEW_OFFER_ID_MOST);
    return to + 1 + (end - at);
}

void view_offer_id(struct packer *p, uint64_t number)
{
    packer_written(p, view_put_offer_id(packer_want(p, VIEW_OFFER_ID_ROOM), number));
}

uint64_t view_offer_number(struct text id)
{
    uint64_t number = 0;

    if (id.length < 2 || id.length > 17 || id.bytes[0] != 'o' || id.bytes[1] == '0') {
        return 0;
    }
    for (uint32_t i = 1; i < id.length; i++) {
        if (id.bytes[i] < '0' || id.bytes[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(id.bytes[i] - '0');
    }
    return number;
}

/* ---- the contact's texts ---- */

enum view_paper_kind {
    VIEW_PAPER_HIDDEN, /* from an offer's pairs */
    VIEW_PAPER_TEXT,
    VIEW_PAPER_BIN,
    VIEW_PAPER_RAW, /* left out when it is empty */
};

/* What an offer shows of a contact's papers: what stands before a text, and its size. */
#define VIEW_PAPER_ROOM 16

struct view_paper {
    uint8_t kind;
    uint8_t size;
    uint8_t head;
    char name[VIEW_PAPER_ROOM - 1];
};

#define VIEW_PAPER(kind, key, more)                                                                \
    {                                                                                              \
        VIEW_PAPER_##kind, sizeof(key more), 0xa0 | (sizeof(key) - 1), key more                    \
    }

static const struct view_paper view_papers[PAPER_COUNT] = {
    [PAPER_customer] = VIEW_PAPER(TEXT, "customer",
                                  "\x81\xa2"
                                  "id"), /* a map of the id alone */
    [PAPER_subject] = VIEW_PAPER(TEXT, "subject", ""),
    [PAPER_text] = VIEW_PAPER(TEXT, "text", ""),
    [PAPER_payload] = VIEW_PAPER(BIN, "payload", ""),
    [PAPER_attributes] = VIEW_PAPER(RAW, "attributes", ""),
    [PAPER_note] = VIEW_PAPER(TEXT, "note", ""),
};

/* A customer of whom more than the id is known. */
static CALLED uint32_t view_customer(struct packer *p, const struct contact *c)
{
    const struct contact_body b = contact_body(c);
    size_t map;
    uint32_t pairs;

    if (text_is_none(b.customer) && b.customer_attributes.length == 0) {
        return 0;
    }
    packer_literal(p, "customer");
    map = packer_short_map_open(p);
    pairs = VIEW_TEXT(p, "id", b.customer);
    pairs += VIEW_RAW(p, "attributes", text_raw(b.customer_attributes));
    packer_short_map_close(p, map, pairs);
    return 1;
}

static uint32_t view_offer_paper(struct packer *p, enum paper paper, struct text text)
{
    const struct view_paper *row = &view_papers[paper];
    uint8_t *to;

    if (row->kind == VIEW_PAPER_HIDDEN || (row->kind == VIEW_PAPER_RAW && text.length == 0)) {
        return 0;
    }
    to = packer_want(p, VIEW_PAPER_ROOM + PUT_HEAD_MAX + text.length);
    memcpy(to, &row->head, VIEW_PAPER_ROOM);
    to += row->size;
    switch (row->kind) {
    case VIEW_PAPER_TEXT:
        to = put_text_of(to, text.bytes, text.length);
        break;
    case VIEW_PAPER_BIN:
        to = put_bin(to, text.bytes, text.length);
        break;
    default:
        bytes_copy(to, text.bytes, text.length);
        to += text.length;
        break;
    }
    packer_written(p, to);
    return 1;
}

static uint32_t view_offer_papers(struct packer *p, const struct contact *c)
{
    struct papers_reader r = papers_begin(contact_papers(c));
    bool known = papers_have(&r, PAPER_customer_attributes);
    uint32_t pairs = known ? view_customer(p, c) : 0;
    enum paper paper;
    struct text text;

    while (papers_next(&r, &paper, &text)) {
        if (!known || paper != PAPER_customer) {
            pairs += view_offer_paper(p, paper, text);
        }
    }
    return pairs;
}

/* ---- all of it ---- */

static RARE uint32_t view_from(struct packer *p, const struct view *v, const struct contact *c)
{
    const struct contact_extras *x = contact_extras(c);
    size_t map;
    uint32_t pairs;

    packer_literal(p, "from");
    map = packer_short_map_open(p);
    pairs = VIEW_TEXT(p, "agent", x->from_agent->id);
    if (x->from_queue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "queue", v->settings->queues[x->from_queue].name);
    }
    pairs += VIEW_TEXT(p, "reason", contact_body(c).from_reason);
    packer_short_map_close(p, map, pairs);
    return 1;
}

uint32_t view_offer(struct packer *p, const struct view *v, const struct offer *o)
{
    const struct contact *c = o->contact;
    const struct contact_extras *x = contact_extras(c);
    struct text id = contact_id(c);
    engine_time start = contact_start_at(c);
    struct pairs w = pairs_begin(p, PAIRS_ROOM(7) + VIEW_OFFER_ID_ROOM + id.length);
    uint32_t pairs;

    PAIRS_KEY(&w, "offer");
    w.at = view_put_offer_id(w.at, o->number);
    PAIRS_TEXT(&w, "contact", id);
    PAIRS_TIME(&w, "submitted_at", c->created_at);
    PAIRS_INT(&w, "waited_ms", o->made_at > start ? o->made_at - start : 0);
    if (o->state <= OFFER_SHOWN && o->until != TIME_NEVER) {
        PAIRS_INT(&w, "expires_ms", o->until > v->now ? o->until - v->now : 0);
    }
    PAIRS_UINT(&w, "attempt", x->attempts);
    PAIRS_UINT(&w, "visits", x->visits);
    pairs = pairs_end(p, &w);
    pairs += view_terms(p, v, c, o->channel);
    pairs += view_offer_papers(p, c);
    return x->from_agent == NULL ? pairs : pairs + view_from(p, v, c);
}
