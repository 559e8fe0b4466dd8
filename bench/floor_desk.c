/* What the floor answers a few times a run: signing in, agents, signs of life. Written as anybody
 * would write it. */
#include "bench/floor.h"
#include "bench/floor_bytes.h"
#include "queue/base/memory.h"

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

void floor_refuse(struct packer *p, uint32_t msgid, const char *code, const char *message)
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

bool floor_answer_rarely(struct floor *f, struct floor_connection *c, struct cursor *at,
                         uint32_t msgid, struct text method)
{
    struct text values[FLOOR_VALUES] = {TEXT_NONE, TEXT_NONE, TEXT_NONE};

    for (size_t i = 0; i < sizeof(floor_methods) / sizeof(floor_methods[0]); i++) {
        if (text_equal(method, text_from(floor_methods[i].method))) {
            if (!floor_read_fields(at, floor_methods[i].fields, values)) {
                return false;
            }
            floor_methods[i].answer(f, c, values, msgid);
            return true;
        }
    }
    if (!cursor_skip(at)) {
        return false;
    }
    floor_refuse(floor_output(f, c), msgid, "unknown_method", "the floor does not know it");
    return true;
}
