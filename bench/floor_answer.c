/* What the floor answers in a life cycle: three requests, read and answered with as little as can
 * be. */
#include "bench/floor_bytes.h"
#include "queue/base/memory.h"

/* Is a text these letters? Their number is known to the compiler, which makes it a few words. */
#define FLOOR_IS(t, literal)                                                                       \
    ((t).length == sizeof(literal) - 1 && memcmp((t).bytes, (literal), sizeof(literal) - 1) == 0)

/* [0, msgid, method, [ of a request: what follows is its map. */
struct floor_head {
    uint32_t msgid;
    struct text method;
};

/* As `load` writes it: four items, the number 0, a number of 32 bits, a short text, one item. */
static bool floor_read_usual_head(struct cursor *at, struct floor_head *out)
{
    const uint8_t *bytes = at->at;
    uint32_t msgid, length;

    if (cursor_left(at) < 8 || bytes[0] != 0x94 || bytes[1] != 0 || bytes[2] != 0xce ||
        (bytes[7] & 0xe0) != 0xa0) {
        return false;
    }
    length = bytes[7] & 31u;
    if (cursor_left(at) < 9 + length || bytes[8 + length] != 0x91) {
        return false;
    }
    memcpy(&msgid, bytes + 3, sizeof(msgid));
    *out = (struct floor_head){__builtin_bswap32(msgid), {(const char *)bytes + 8, length}};
    at->at += 9 + length;
    return true;
}

static bool floor_read_head(struct cursor *at, struct floor_head *out)
{
    uint32_t items;
    uint64_t kind, msgid;

    if (floor_read_usual_head(at, out)) {
        return true;
    }
    if (!cursor_array(at, &items) || !cursor_uint(at, &kind) || !cursor_uint(at, &msgid) ||
        !cursor_text(at, &out->method) || !cursor_array(at, &items)) {
        return false;
    }
    out->msgid = (uint32_t)msgid;
    return true;
}

/* A map of up to 15 pairs is one byte; others are read as they come. */
static inline bool floor_read_map(struct cursor *at, uint32_t *pairs)
{
    if (at->at < at->end && (*at->at & 0xf0) == 0x80) {
        *pairs = *at->at++ & 15u;
        return true;
    }
    return cursor_map(at, pairs);
}

void floor_init(struct floor *f)
{
    *f = (struct floor){.offer_mask = 1023, .seq = 2};
    list_init(&f->agents);
    list_init(&f->free_agents);
    list_init(&f->dirty);
    f->line_end = &f->line;
    f->offers = memory_take((f->offer_mask + 1) * sizeof(f->offers[0]));
}

void floor_free(struct floor *f)
{
    while (!list_empty(&f->agents)) {
        struct floor_agent *a = record_of(list_first(&f->agents), struct floor_agent, node);

        list_remove(&a->node);
        memory_give(a);
    }
    for (size_t i = 0; i < sizeof(f->chunks) / sizeof(f->chunks[0]); i++) {
        for (uint32_t k = 0; f->chunks[i] != NULL && k < FLOOR_CHUNK; k++) {
            memory_give(f->chunks[i][k].kept);
        }
        memory_give(f->chunks[i]);
    }
    memory_give(f->offers);
}

static struct floor_contact *floor_contact_at(struct floor *f, uint32_t slot)
{
    struct floor_contact **chunk = &f->chunks[slot / FLOOR_CHUNK];

    if (*chunk == NULL) {
        *chunk = memory_take(FLOOR_CHUNK * sizeof(**chunk));
        for (uint32_t i = 0; i < FLOOR_CHUNK; i++) {
            (*chunk)[i].slot = slot / FLOOR_CHUNK * FLOOR_CHUNK + i;
        }
    }
    return &(*chunk)[slot % FLOOR_CHUNK];
}

/* The record of an id as `load` writes them; NULL for any other. */
static struct floor_contact *floor_contact_of(struct floor *f, struct text id)
{
    uint32_t slot;

    return frames_slot_read(id, &slot) ? floor_contact_at(f, slot) : NULL;
}

/* Room for twice the offers that can be open at a time, so that a number's place is free again long
 * before its turn comes round. */
void floor_offers_reserve(struct floor *f, uint32_t more)
{
    uint32_t *offers, mask = f->offer_mask;

    f->capacity += more;
    while (mask < 2 * f->capacity) {
        mask = 2 * mask + 1;
    }
    if (mask == f->offer_mask) {
        return;
    }
    offers = memory_take((mask + (size_t)1) * sizeof(offers[0]));
    for (uint64_t n = f->offer_last > f->offer_mask ? f->offer_last - f->offer_mask : 1;
         n <= f->offer_last; n++) {
        offers[n & mask] = f->offers[n & f->offer_mask];
    }
    memory_give(f->offers);
    f->offers = offers;
    f->offer_mask = mask;
}

/* contact.submit: False when its end has not come. */
static bool floor_read_submission(struct cursor *at, struct floor_fields *out)
{
    struct text key, inner;
    uint32_t pairs, inner_pairs;

    *out = (struct floor_fields){.queue = TEXT("q0"), .tier = TEXT("standard")};
    if (!floor_read_map(at, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        bool whole;

        if (!cursor_text(at, &key)) {
            return false;
        }
        if (FLOOR_IS(key, "id")) {
            whole = cursor_text(at, &out->id);
        } else if (FLOOR_IS(key, "channel")) {
            whole = cursor_text(at, &out->channel);
        } else if (FLOOR_IS(key, "text")) {
            whole = cursor_text(at, &out->text);
        } else if (FLOOR_IS(key, "queue")) {
            whole = out->queue_named = cursor_text(at, &out->queue);
        } else if (FLOOR_IS(key, "customer")) {
            whole = floor_read_map(at, &inner_pairs);
            for (; whole && inner_pairs > 0; inner_pairs--) {
                whole = cursor_text(at, &inner);
                if (!whole) {
                    return false;
                }
                if (FLOOR_IS(inner, "id")) {
                    whole = cursor_text(at, &out->customer);
                } else if (FLOOR_IS(inner, "tier")) {
                    whole = out->tier_named = cursor_text(at, &out->tier);
                } else {
                    whole = cursor_skip(at);
                }
            }
        } else {
            whole = cursor_skip(at);
        }
        if (!whole) {
            return false;
        }
    }
    return true;
}

/* The tiers of FLOOR_TIERS promise an answer within 20, 60 and 120 s. */
static int64_t floor_deadline(struct text tier, int64_t submitted_at)
{
    return submitted_at + (tier.bytes[0] == 'v' ? 20000 : tier.bytes[0] == 'g' ? 60000 : 120000);
}

static void floor_offer(struct floor *f, struct floor_connection *agent, struct floor_contact *c,
                        const struct floor_fields *fields)
{
    c->agent = agent;
    c->offer = ++f->offer_last;
    f->offers[c->offer & f->offer_mask] = c->slot;
    f->seq += agent->auto_accept ? 2 : 1;
    floor_bytes_offer(floor_output(f, agent), fields, c->offer, c->submitted_at,
                      f->now - c->submitted_at, floor_deadline(fields->tier, c->submitted_at),
                      agent->auto_accept, f->seq);
    if (c->connector->hears_changes) {
        floor_bytes_changed(floor_output(f, c->connector), c,
                            agent->auto_accept ? TEXT("active") : TEXT("offered"), f->seq);
    }
}

/* In line: the request's bytes are kept, and the texts point there. */
static void floor_keep(struct floor *f, struct floor_contact *c, const struct floor_fields *fields,
                       struct cursor request)
{
    struct text *texts[] = {&c->fields.id,   &c->fields.channel,  &c->fields.queue,
                            &c->fields.tier, &c->fields.customer, &c->fields.text};
    size_t size = cursor_left(&request);

    if (c->kept_room < size) {
        c->kept = memory_resize(c->kept, size);
        c->kept_room = size;
    }
    memcpy(c->kept, request.at, size);
    c->fields = *fields;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const uint8_t *at = (const uint8_t *)texts[i]->bytes;

        if (at >= request.at && at < request.end) {
            texts[i]->bytes = (const char *)c->kept + (at - request.at);
        }
    }
    c->next = NULL;
    *f->line_end = c;
    f->line_end = &c->next;
    f->waiting++;
}

static void floor_submit(struct floor *f, struct floor_connection *connector, uint32_t msgid,
                         const struct floor_fields *fields, struct cursor request)
{
    struct floor_contact *c = floor_contact_of(f, fields->id);
    struct floor_connection *agent;

    if (c == NULL || fields->queue.length >= sizeof(c->queue) || text_is_none(fields->text) ||
        text_is_none(fields->customer) || text_is_none(fields->channel)) {
        floor_refuse(floor_output(f, connector), msgid, "invalid", "not as `load` submits");
        return;
    }
    memcpy(c->id, fields->id.bytes, sizeof(c->id));
    memcpy(c->queue, fields->queue.bytes, fields->queue.length);
    c->queue_length = (uint8_t)fields->queue.length;
    c->connector = connector;
    c->submitted_at = f->now;
    f->seq++;
    floor_bytes_submitted(floor_output(f, connector), msgid, fields,
                          floor_deadline(fields->tier, f->now), f->waiting + 1, f->seq);
    if (list_empty(&f->free_agents)) {
        floor_keep(f, c, fields, request);
        return;
    }
    /* In turn: whoever has room left goes to the end. */
    agent = record_of(list_first(&f->free_agents), struct floor_connection, free_node);
    list_remove(&agent->free_node);
    if (++agent->held < agent->agent->at_once) {
        list_append(&f->free_agents, &agent->free_node);
    }
    floor_offer(f, agent, c, fields);
}

void floor_agent_fill(struct floor *f, struct floor_connection *c)
{
    if (list_linked(&c->free_node)) {
        list_remove(&c->free_node);
    }
    while (c->available && c->held < c->agent->at_once && f->line != NULL) {
        struct floor_contact *next = f->line;

        f->line = next->next;
        if (f->line == NULL) {
            f->line_end = &f->line;
        }
        f->waiting--;
        c->held++;
        floor_offer(f, c, next, &next->fields);
    }
    if (c->available && c->held < c->agent->at_once) {
        list_append(&f->free_agents, &c->free_node);
    }
}

static void floor_accept(struct floor *f, struct floor_connection *agent, uint32_t msgid,
                         struct text offer)
{
    uint64_t number = 0;
    struct floor_contact *c;

    for (uint32_t i = 1; i < offer.length; i++) {
        number = number * 10 + (uint64_t)(offer.bytes[i] - '0');
    }
    c = floor_contact_at(f, f->offers[number & f->offer_mask]);
    if (number == 0 || c->offer != number || c->agent != agent) {
        floor_refuse(floor_output(f, agent), msgid, "not_found", "no such offer");
        return;
    }
    f->seq++;
    floor_bytes_accepted(floor_output(f, agent), msgid, c, f->seq);
    if (c->connector->hears_changes) {
        floor_bytes_changed(floor_output(f, c->connector), c, TEXT("active"), f->seq);
    }
}

static void floor_complete(struct floor *f, struct floor_connection *agent, uint32_t msgid,
                           struct text contact)
{
    struct floor_contact *c = floor_contact_of(f, contact);

    if (c == NULL || c->agent != agent) {
        floor_refuse(floor_output(f, agent), msgid, "not_found", "no such contact");
        return;
    }
    f->seq++;
    floor_bytes_completed(floor_output(f, agent), msgid, c, f->seq);
    if (c->connector->hears_outcome) {
        floor_bytes_ended(floor_output(f, c->connector), c, f->seq);
    }
    c->agent = NULL;
    agent->held--;
    if (f->line != NULL || !list_linked(&agent->free_node)) {
        floor_agent_fill(f, agent);
    }
}

void floor_forget(struct floor *f, struct floor_connection *c)
{
    (void)f;
    c->available = false;
    if (list_linked(&c->free_node)) {
        list_remove(&c->free_node);
    }
    if (list_linked(&c->dirty_node)) {
        list_remove(&c->dirty_node);
    }
}

/* The value of one key; others are passed over. False: its end has not come. */
static bool floor_read_text(struct cursor *at, struct text wanted, struct text *out)
{
    struct text key;
    uint32_t pairs;

    *out = TEXT_NONE;
    if (!floor_read_map(at, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        if (!cursor_text(at, &key) ||
            !(text_equal(key, wanted) ? cursor_text(at, out) : cursor_skip(at))) {
            return false;
        }
    }
    return true;
}

/* One request. False: its end has not come, and nothing was done. */
static bool floor_answer_one(struct floor *f, struct floor_connection *c, struct cursor *at)
{
    struct cursor request = *at;
    struct floor_head head;
    struct floor_fields fields;
    struct text value;

    if (!floor_read_head(at, &head)) {
        return false;
    }
    if (FLOOR_IS(head.method, "contact.submit")) {
        if (!floor_read_submission(at, &fields)) {
            return false;
        }
        request.end = at->at;
        floor_submit(f, c, head.msgid, &fields, request);
    } else if (FLOOR_IS(head.method, "offer.accept")) {
        if (!floor_read_text(at, TEXT("offer"), &value)) {
            return false;
        }
        floor_accept(f, c, head.msgid, value);
    } else if (FLOOR_IS(head.method, "contact.complete")) {
        if (!floor_read_text(at, TEXT("contact"), &value)) {
            return false;
        }
        floor_complete(f, c, head.msgid, value);
    } else {
        return floor_answer_rarely(f, c, at, head.msgid, head.method);
    }
    return true;
}

size_t floor_answer(struct floor *f, struct floor_connection *c, const uint8_t *bytes, size_t size)
{
    struct cursor at = cursor_over(bytes, size), next = at;

    while (!c->ends && floor_answer_one(f, c, &next)) {
        at = next;
        f->requests++;
    }
    return (size_t)(at.at - bytes);
}
