/* What the floor answers. The three requests of a life cycle are read and answered with as little
 * as can be; what happens a few times a run is written as anybody would write it. */
#include <assert.h>

#include "bench/floor.h"
#include "bench/floor_bytes.h"
#include "queue/base/memory.h"

/* [0, msgid, method, [ of a request: what follows is its map. */
struct floor_head {
    uint32_t msgid;
    struct text method;
};

static bool floor_read_head(struct cursor *at, struct floor_head *out)
{
    uint32_t items;
    uint64_t kind, msgid;

    if (!cursor_array(at, &items) || !cursor_uint(at, &kind) || !cursor_uint(at, &msgid) ||
        !cursor_text(at, &out->method) || !cursor_array(at, &items)) {
        return false;
    }
    out->msgid = (uint32_t)msgid;
    return true;
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

/* Answers and errors that are no part of a life cycle. */

static void floor_begin_answer(struct packer *p, uint32_t msgid)
{
    packer_array(p, 4);
    packer_uint(p, 1);
    packer_uint(p, msgid);
}

static void floor_begin_result(struct packer *p, uint32_t msgid)
{
    floor_begin_answer(p, msgid);
    packer_nil(p);
}

static void floor_refuse(struct packer *p, uint32_t msgid, const char *code, const char *message)
{
    floor_begin_answer(p, msgid);
    packer_map(p, 2);
    packer_literal(p, "code");
    packer_text(p, text_from(code));
    packer_literal(p, "message");
    packer_text(p, text_from(message));
    packer_nil(p);
}

static void floor_pack_text(struct packer *p, const char *key, struct text value)
{
    packer_text(p, text_from(key));
    packer_text(p, value);
}

static void floor_pack_int(struct packer *p, const char *key, int64_t value)
{
    packer_text(p, text_from(key));
    packer_int(p, value);
}

static void floor_pack_end(struct floor *f, struct packer *p)
{
    floor_pack_int(p, "epoch", FLOOR_EPOCH);
    floor_pack_int(p, "seq", (int64_t)f->seq);
}

static void floor_pack_queues(struct packer *p)
{
    char name[16];

    packer_literal(p, "queues");
    packer_array(p, FLOOR_QUEUES);
    for (unsigned i = 0; i < FLOOR_QUEUES; i++) {
        snprintf(name, sizeof(name), "q%u", i);
        packer_text(p, text_from(name));
    }
}

/* The limits that the real one has unless it is configured otherwise. */
static const struct {
    const char *name;
    int64_t value;
} floor_limits[] = {
    {"frame", 1048576}, {"nesting", 16},    {"in_flight", 1024}, {"id", 128},
    {"name", 64},       {"subject", 1024},  {"text", 65536},     {"payload", 65536},
    {"note", 4096},     {"attributes", 64}, {"attribute", 1024},
};

static void floor_hello(struct floor *f, struct floor_connection *c, const struct text values[],
                        uint32_t msgid)
{
    const uint32_t limits = sizeof(floor_limits) / sizeof(floor_limits[0]);
    struct text role = values[0], notify = values[1];
    bool connector = text_equal(role, TEXT("connector"));
    struct packer *p = floor_output(f, c);

    c->hears_outcome = connector && !text_equal(notify, TEXT("none"));
    c->hears_changes = c->hears_outcome && !text_equal(notify, TEXT("outcome"));
    floor_begin_result(p, msgid);
    packer_map(p, 12);
    floor_pack_int(p, "protocol", 1);
    floor_pack_text(p, "server", TEXT("switchboard/" SWITCHBOARD_VERSION));
    floor_pack_text(p, "node", TEXT("floor"));
    packer_literal(p, "nodes");
    packer_array(p, 1);
    packer_text(p, text_from(f->address));
    floor_pack_text(p, "workspace", TEXT("default"));
    floor_pack_int(p, "heartbeat_ms", 30000);
    floor_pack_int(p, "max_frame", floor_limits[0].value);
    packer_literal(p, "limits");
    packer_map(p, limits);
    for (uint32_t i = 0; i < limits; i++) {
        floor_pack_int(p, floor_limits[i].name, floor_limits[i].value);
    }
    floor_pack_int(p, "id_kept_ms", 86400000);
    floor_pack_int(p, "now_at", f->now);
    floor_pack_end(f, p);
}

/* Agents. */

/* Agents are put and found only before and after the traffic. */
static struct floor_agent *floor_agent_find(struct floor *f, struct text id)
{
    for (struct list_node *n = list_first(&f->agents); n != NULL; n = list_next(&f->agents, n)) {
        struct floor_agent *a = record_of(n, struct floor_agent, node);

        if (text_equal((struct text){a->id, a->id_length}, id)) {
            return a;
        }
    }
    return NULL;
}

static uint32_t floor_name_set(char to[FLOOR_NAME_BYTES + 1], struct text from)
{
    uint32_t length = from.length < FLOOR_NAME_BYTES ? from.length : FLOOR_NAME_BYTES;

    memcpy(to, from.bytes, length);
    to[length] = '\0';
    return length;
}

/* {"units": N, "max": {CHANNEL: N}}: there is one channel. */
static void floor_agent_capacity(struct floor_agent *a, struct text raw)
{
    struct cursor at = cursor_over_text(raw);
    uint32_t pairs = 0, channels;
    struct text key;
    uint64_t number;

    (void)cursor_map(&at, &pairs);
    for (; pairs > 0 && cursor_text(&at, &key); pairs--) {
        if (text_equal(key, TEXT("max")) && cursor_map(&at, &channels)) {
            for (; channels > 0 && cursor_text(&at, &key) && cursor_uint(&at, &number);
                 channels--) {
                a->at_once = (uint32_t)number;
            }
        } else if (cursor_uint(&at, &number)) {
            a->units = (uint32_t)number;
        }
    }
}

/* The row of an agent, as agent.put and agent.set_state answer it. */
static void floor_pack_agent(struct floor *f, struct packer *p, const struct floor_agent *a,
                             struct text state, const struct floor_connection *c)
{
    packer_map(p, 12);
    floor_pack_text(p, "agent", (struct text){a->id, a->id_length});
    floor_pack_text(p, "name", (struct text){a->name, a->name_length});
    floor_pack_text(p, "state", state);
    floor_pack_int(p, "state_since_at", f->now);
    packer_literal(p, "connected");
    packer_bool(p, c != NULL);
    packer_literal(p, "skills");
    packer_map(p, 0);
    floor_pack_int(p, "units", a->units);
    floor_pack_int(p, "used", c == NULL ? 0 : c->held);
    packer_literal(p, "held");
    packer_map(p, 0);
    floor_pack_queues(p);
    floor_pack_end(f, p);
}

static void floor_agent_put(struct floor *f, struct floor_connection *c, const struct text values[],
                            uint32_t msgid)
{
    struct text id = values[0], name = values[1], capacity = values[2];
    struct floor_agent *a = floor_agent_find(f, id);
    struct packer *p = floor_output(f, c);

    if (id.length == 0 || name.length == 0) {
        floor_refuse(p, msgid, "invalid", "not as `load` makes agents");
        return;
    }
    if (a == NULL) {
        a = memory_take(sizeof(*a));
        list_append(&f->agents, &a->node);
        a->id_length = floor_name_set(a->id, id);
    }
    a->name_length = floor_name_set(a->name, name);
    a->units = a->at_once = 100;
    floor_agent_capacity(a, capacity);
    f->seq++;
    floor_begin_result(p, msgid);
    floor_pack_agent(f, p, a, TEXT("signed_out"), NULL);
}

static void floor_agent_remove(struct floor *f, struct floor_connection *c,
                               const struct text values[], uint32_t msgid)
{
    struct floor_agent *a = floor_agent_find(f, values[0]);
    struct packer *p = floor_output(f, c);

    if (a == NULL || a->id_length == 0) {
        floor_refuse(p, msgid, "not_found", "no such agent");
        return;
    }
    a->id_length = 0; /* the record stays: who signed in as it points at its names */
    f->seq++;
    floor_begin_result(p, msgid);
    packer_map(p, 2);
    floor_pack_end(f, p);
}

/* Give an agent what waits, while it has room; with room left it stands among the free ones. */
static void floor_agent_fill(struct floor *f, struct floor_connection *c);

/* Room for twice the offers that can be open at a time, so that a number's place is free again long
 * before its turn comes round. */
static void floor_offers_reserve(struct floor *f, uint32_t more)
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

static void floor_sign_in(struct floor *f, struct floor_connection *c, const struct text values[],
                          uint32_t msgid)
{
    const struct floor_agent *a = floor_agent_find(f, values[0]);
    struct packer *p = floor_output(f, c);

    if (a == NULL || a->id_length == 0 || c->agent != NULL) {
        floor_refuse(p, msgid, a == NULL ? "not_found" : "conflict", "no such agent, or not now");
        return;
    }
    c->agent = a;
    c->auto_accept = values[1].length == 1 && (uint8_t)values[1].bytes[0] == 0xc3; /* true */
    c->available = true;
    f->seq++;
    floor_begin_result(p, msgid);
    packer_map(p, 10);
    floor_pack_text(p, "agent", (struct text){a->id, a->id_length});
    floor_pack_text(p, "name", (struct text){a->name, a->name_length});
    floor_pack_text(p, "state", TEXT("available"));
    floor_pack_int(p, "state_since_at", f->now);
    packer_literal(p, "skills");
    packer_map(p, 0);
    packer_literal(p, "capacity");
    packer_map(p, 2);
    floor_pack_int(p, "units", a->units);
    packer_literal(p, "max");
    packer_map(p, 1);
    floor_pack_int(p, "email", a->at_once);
    floor_pack_queues(p);
    packer_literal(p, "held");
    packer_array(p, 0);
    floor_pack_end(f, p);
    floor_offers_reserve(f, a->at_once);
    floor_agent_fill(f, c);
}

static void floor_set_state(struct floor *f, struct floor_connection *c, const struct text values[],
                            uint32_t msgid)
{
    struct packer *p = floor_output(f, c);

    if (c->agent == NULL) {
        floor_refuse(p, msgid, "conflict", "sign in first");
        return;
    }
    c->available = text_equal(values[0], TEXT("available"));
    f->seq++;
    floor_begin_result(p, msgid);
    floor_pack_agent(f, p, c->agent, values[0], c);
    floor_agent_fill(f, c);
}

static void floor_ping(struct floor *f, struct floor_connection *c, const struct text values[],
                       uint32_t msgid)
{
    struct packer *p = floor_output(f, c);

    (void)values;
    floor_begin_result(p, msgid);
    packer_map(p, 1);
    floor_pack_int(p, "now_at", f->now);
}

static void floor_goodbye(struct floor *f, struct floor_connection *c, const struct text values[],
                          uint32_t msgid)
{
    struct packer *p = floor_output(f, c);

    (void)values;
    floor_begin_result(p, msgid);
    packer_map(p, 0);
    c->ends = true;
}

#define FLOOR_VALUES 3

/* What is asked a few times a run, with the fields that are looked at. */
static const struct {
    const char *method;
    const char *fields[FLOOR_VALUES];
    void (*answer)(struct floor *f, struct floor_connection *c, const struct text values[],
                   uint32_t msgid);
} floor_methods[] = {
    {"hello", {"role", "notify"}, floor_hello},
    {"agent.put", {"agent", "name", "capacity"}, floor_agent_put},
    {"agent.remove", {"agent"}, floor_agent_remove},
    {"agent.sign_in", {"agent", "auto_accept"}, floor_sign_in},
    {"agent.set_state", {"state"}, floor_set_state},
    {"ping", {NULL}, floor_ping},
    {"goodbye", {NULL}, floor_goodbye},
};

/* Texts without their heads, anything else as it is. False: its end has not come. */
static bool floor_read_fields(struct cursor *at, const char *const fields[FLOOR_VALUES],
                              struct text values[FLOOR_VALUES])
{
    struct text key, value;
    uint32_t pairs;

    if (!cursor_map(at, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        if (!cursor_text(at, &key) || !(cursor_text(at, &value) || cursor_raw(at, &value))) {
            return false;
        }
        for (unsigned i = 0; i < FLOOR_VALUES && fields[i] != NULL; i++) {
            if (text_equal(key, text_from(fields[i]))) {
                values[i] = value;
            }
        }
    }
    return true;
}

static bool floor_answer_rarely(struct floor *f, struct floor_connection *c, struct cursor *at,
                                const struct floor_head *head)
{
    struct text values[FLOOR_VALUES] = {TEXT_NONE, TEXT_NONE, TEXT_NONE};

    for (size_t i = 0; i < sizeof(floor_methods) / sizeof(floor_methods[0]); i++) {
        if (text_equal(head->method, text_from(floor_methods[i].method))) {
            if (!floor_read_fields(at, floor_methods[i].fields, values)) {
                return false;
            }
            floor_methods[i].answer(f, c, values, head->msgid);
            return true;
        }
    }
    if (!cursor_skip(at)) {
        return false;
    }
    floor_refuse(floor_output(f, c), head->msgid, "unknown_method", "the floor does not know it");
    return true;
}

/* The life cycle. */

/* contact.submit: False when its end has not come. */
static bool floor_read_submission(struct cursor *at, struct floor_fields *out)
{
    struct text key, inner;
    uint32_t pairs, inner_pairs;

    *out = (struct floor_fields){.queue = TEXT("q0"), .tier = TEXT("standard")};
    if (!cursor_map(at, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        bool whole;

        if (!cursor_text(at, &key)) {
            return false;
        }
        if (text_equal(key, TEXT("id"))) {
            whole = cursor_text(at, &out->id);
        } else if (text_equal(key, TEXT("channel"))) {
            whole = cursor_text(at, &out->channel);
        } else if (text_equal(key, TEXT("text"))) {
            whole = cursor_text(at, &out->text);
        } else if (text_equal(key, TEXT("queue"))) {
            whole = out->queue_named = cursor_text(at, &out->queue);
        } else if (text_equal(key, TEXT("customer"))) {
            whole = cursor_map(at, &inner_pairs);
            for (; whole && inner_pairs > 0; inner_pairs--) {
                whole = cursor_text(at, &inner);
                if (!whole) {
                    return false;
                }
                if (text_equal(inner, TEXT("id"))) {
                    whole = cursor_text(at, &out->customer);
                } else if (text_equal(inner, TEXT("tier"))) {
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

static void floor_agent_fill(struct floor *f, struct floor_connection *c)
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
    if (!cursor_map(at, &pairs)) {
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
    if (text_equal(head.method, TEXT("contact.submit"))) {
        if (!floor_read_submission(at, &fields)) {
            return false;
        }
        request.end = at->at;
        floor_submit(f, c, head.msgid, &fields, request);
    } else if (text_equal(head.method, TEXT("offer.accept"))) {
        if (!floor_read_text(at, TEXT("offer"), &value)) {
            return false;
        }
        floor_accept(f, c, head.msgid, value);
    } else if (text_equal(head.method, TEXT("contact.complete"))) {
        if (!floor_read_text(at, TEXT("contact"), &value)) {
            return false;
        }
        floor_complete(f, c, head.msgid, value);
    } else {
        return floor_answer_rarely(f, c, at, &head);
    }
    return true;
}

size_t floor_answer(struct floor *f, struct floor_connection *c, const uint8_t *bytes, size_t size)
{
    struct cursor at = cursor_over(bytes, size), next = at;

    while (!c->ends && floor_answer_one(f, c, &next)) {
        at = next;
    }
    return (size_t)(at.at - bytes);
}
