/* The connections of `load`: hello, signing in, and who hears what comes. */
#include "bench/load_state.h"

#include "queue/base/memory.h"

#define LOAD_PULL_WAIT_MS   5000
#define LOAD_CONNECTING_MAX 128

/* Numbers in a map of the answer to hello. */
static int64_t load_number_of(struct text map, struct text wanted, int64_t otherwise)
{
    struct cursor at = cursor_over_text(map);
    struct text key;
    uint32_t pairs;
    int64_t found;

    if (!cursor_map(&at, &pairs)) {
        return otherwise;
    }
    for (; pairs > 0; pairs--) {
        if (!cursor_text(&at, &key)) {
            return otherwise;
        }
        if (text_equal(key, wanted) && cursor_int(&at, &found)) {
            return found;
        }
        if (text_equal(key, TEXT("limits"))) {
            struct text limits;

            if (cursor_raw(&at, &limits) && (found = load_number_of(limits, wanted, -1)) >= 0) {
                return found;
            }
        } else if (!cursor_skip(&at)) {
            return otherwise;
        }
    }
    return otherwise;
}

static void load_pack_pair(struct packer *p, const char *key, const char *value)
{
    packer_text(p, text_from(key));
    packer_text(p, text_from(value));
}

static void load_hello(const struct load_place *place, struct lane *lane, const char *role,
                       const char *name)
{
    struct packer *p = lane_output(lane);
    bool connector = name != NULL;

    frames_head(p, frames_msgid(PURPOSE_HELLO, 0), "hello");
    packer_map(p, connector ? 6 : 4);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    load_pack_pair(p, "role", role);
    load_pack_pair(p, "workspace", place->workspace);
    load_pack_pair(p, "client", "switchboard-bench/" SWITCHBOARD_VERSION);
    if (connector) {
        load_pack_pair(p, "name", name);
        load_pack_pair(p, "notify", place->load->options->notify);
    }
}

static void load_on_end(struct lane *lane, const char *why)
{
    load_fail(lane->context, "a connection ended: %s", why);
}

static void load_someone_ready(struct load *l)
{
    if (++l->ready == l->options->connectors + l->options->agents) {
        load_everyone_ready(l);
    } else {
        load_sessions_start(l);
    }
}

static void load_refused(struct load *l, const char *what, const struct lane_frame *frame)
{
    load_fail(l, "%s was refused: " TEXT_FORMAT " (" TEXT_FORMAT ")", what, TEXT_ARGS(frame->error),
              TEXT_ARGS(frame->words));
}

/* Connectors. */

static void load_connector_connected(struct lane *lane)
{
    struct load_connector *c = record_of(lane, struct load_connector, lane);
    char name[40];

    snprintf(name, sizeof(name), "load-%08x-%u", c->load->run, c->number + 1);
    load_hello(c->place, lane, "connector", name);
}

static void load_connector_frame(struct lane *lane, const struct lane_frame *frame)
{
    struct load_connector *c = record_of(lane, struct load_connector, lane);
    struct load *l = c->load;

    if (frame->notice) {
        l->result->counts.notices++;
        return;
    }
    switch (frames_purpose(frame->msgid)) {
    case PURPOSE_SUBMIT:
        load_contact_answered(l, c, frame);
        break;
    case PURPOSE_HELLO:
        if (!text_is_none(frame->error)) {
            load_refused(l, "a connector's hello", frame);
            break;
        }
        c->in_flight_max = (uint32_t)load_number_of(frame->map, TEXT("in_flight"), 1024);
        l->heartbeat_ms = (uint64_t)load_number_of(frame->map, TEXT("heartbeat_ms"), 30000);
        if (c->dropped_ns != 0) {
            load_connector_back(l, c);
        } else {
            c->ready = true;
            load_someone_ready(l);
        }
        break;
    case PURPOSE_CANCEL:
        load_contact_cancelled(l, frame);
        break;
    case PURPOSE_SIGN_IN:
    case PURPOSE_PING:
    case PURPOSE_RECEIVED:
    case PURPOSE_ACCEPT:
    case PURPOSE_COMPLETE:
    case PURPOSE_PULL:
    case PURPOSE_DECLINE:
    case PURPOSE_SET_STATE:
        break;
    }
}

/* Agents. */

static void load_agent_connected(struct lane *lane)
{
    struct load_agent *a = record_of(lane, struct load_agent, lane);
    const struct load_options *o = a->load->options;
    struct packer *p;

    load_hello(a->place, lane, "agent", NULL);
    p = lane_output(lane);
    frames_head(p, frames_msgid(PURPOSE_SIGN_IN, 0), "agent.sign_in");
    packer_map(p, 5);
    load_pack_pair(p, "agent", a->name);
    load_pack_pair(p, "state", "available");
    load_pack_pair(p, "mode", o->pull ? "pull" : "push");
    packer_literal(p, "receipts");
    packer_bool(p, o->receipts);
    packer_literal(p, "auto_accept");
    packer_bool(p, o->auto_accept);
}

/* {"offers": [...]}: each one is as a notice would have been. */
static void load_agent_pulled(struct load *l, struct load_agent *a, const struct lane_frame *frame)
{
    struct cursor at = cursor_over_text(frame->map);
    struct text key, offer;
    uint32_t pairs = 0, offers = 0;

    a->pulling = false;
    if (!text_is_none(frame->error)) {
        load_count_error(l, frame->error); /* asked again with the next second */
        return;
    }
    (void)cursor_map(&at, &pairs);
    for (; pairs > 0 && cursor_text(&at, &key); pairs--) {
        if (!text_equal(key, TEXT("offers"))) {
            (void)cursor_skip(&at);
            continue;
        }
        for ((void)cursor_array(&at, &offers); offers > 0 && cursor_raw(&at, &offer); offers--) {
            load_contact_offered(l, a, offer);
        }
    }
    load_agent_wants(l, a);
}

static void load_agent_notice(struct load *l, struct load_agent *a, const struct lane_frame *frame)
{
    if (text_equal(frame->method, TEXT("offer"))) {
        load_contact_offered(l, a, frame->map);
    } else if (text_equal(frame->method, TEXT("offer.withdrawn"))) {
        load_contact_withdrawn(l, a, frame->map);
    } else if (text_equal(frame->method, TEXT("signed_out"))) {
        load_fail(l, "agent %s was signed out: is it signed in somewhere else?", a->name);
    }
}

static void load_agent_frame(struct lane *lane, const struct lane_frame *frame)
{
    struct load_agent *a = record_of(lane, struct load_agent, lane);
    struct load *l = a->load;

    if (frame->notice) {
        load_agent_notice(l, a, frame);
        return;
    }
    switch (frames_purpose(frame->msgid)) {
    case PURPOSE_ACCEPT:
    case PURPOSE_COMPLETE:
    case PURPOSE_RECEIVED:
    case PURPOSE_DECLINE:
    case PURPOSE_SET_STATE:
        load_contact_agent_answered(l, a, frame);
        break;
    case PURPOSE_PULL:
        load_agent_pulled(l, a, frame);
        break;
    case PURPOSE_HELLO:
        if (!text_is_none(frame->error)) {
            load_refused(l, "an agent's hello", frame);
        }
        break;
    case PURPOSE_SIGN_IN:
        if (!text_is_none(frame->error)) {
            load_refused(l, "signing in an agent", frame);
        } else if (a->dropped_ns != 0) {
            load_agent_back(l, a, frame->map);
        } else {
            a->ready = true;
            load_agent_wants(l, a);
            load_someone_ready(l);
        }
        break;
    case PURPOSE_PING:
    case PURPOSE_CANCEL:
    case PURPOSE_SUBMIT:
        break;
    }
}

void load_agents_pull(struct load *l)
{
    while (!list_empty(&l->wanting_agents)) {
        struct load_agent *a =
            record_of(list_first(&l->wanting_agents), struct load_agent, wanting);
        struct packer *p;

        list_remove(&a->wanting);
        if (a->pulling || a->held >= l->options->at_once || !a->ready) {
            continue;
        }
        a->pulling = true;
        p = lane_output(&a->lane);
        frames_head(p, frames_msgid(PURPOSE_PULL, 0), "agent.pull");
        packer_map(p, 2);
        packer_literal(p, "max");
        packer_uint(p, l->options->at_once - a->held);
        packer_literal(p, "wait_ms");
        packer_uint(p, LOAD_PULL_WAIT_MS);
    }
}

/* All of them. */

static void load_lane_prepare(struct lane *lane, struct load *l)
{
    lane->context = l;
    lane->on_end = load_on_end;
}

/* An address of our own for a connection, when there are more of them than ports: the loopback
 * network is all ours. NULL: as the kernel likes. */
static const struct sockaddr *load_source(struct load *l, const struct address *to, uint32_t number)
{
    const struct sockaddr_in *server = (const struct sockaddr_in *)&to->tcp;
    uint32_t source = number / LOAD_PORTS;

    if (source == 0 || to->local || server->sin_family != AF_INET ||
        ntohl(server->sin_addr.s_addr) >> 24 != 127) {
        return NULL;
    }
    l->sources[source] = (struct sockaddr_in){.sin_family = AF_INET};
    l->sources[source].sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    return (const struct sockaddr *)&l->sources[source];
}

static int load_connector_start(struct load *l, struct load_connector *c)
{
    load_lane_prepare(&c->lane, l);
    c->lane.on_connected = load_connector_connected;
    c->lane.on_frame = load_connector_frame;
    return lane_start(&c->lane, &l->lanes, &c->place->address);
}

static int load_agent_start(struct load *l, struct load_agent *a)
{
    load_lane_prepare(&a->lane, l);
    a->lane.on_connected = load_agent_connected;
    a->lane.on_frame = load_agent_frame;
    a->lane.from = load_source(l, &a->place->address, l->options->connectors + a->number);
    return lane_start(&a->lane, &l->lanes, &a->place->address);
}

/* Connections are begun as others are ready, so that no server's backlog of connections is asked
 * for more than it has. */
void load_sessions_start(struct load *l)
{
    const struct load_options *o = l->options;

    while (l->started < o->connectors + o->agents && l->started - l->ready < LOAD_CONNECTING_MAX) {
        uint32_t number = l->started++;
        int status = number < o->connectors
                         ? load_connector_start(l, &l->connectors[number])
                         : load_agent_start(l, &l->agents[number - o->connectors]);

        if (status < 0) {
            load_fail(l, "no connection: %s", uv_strerror(status));
            return;
        }
    }
}

void load_sessions_stop(struct load *l)
{
    for (uint32_t i = 0; i < l->options->connectors; i++) {
        lane_stop(&l->connectors[i].lane);
    }
    for (uint32_t i = 0; i < l->options->agents; i++) {
        lane_stop(&l->agents[i].lane);
    }
}

static void load_keep_alive(struct load *l, struct lane *lane)
{
    struct packer *p;

    if (!lane->connected || l->heartbeat_ms == 0 ||
        uv_now(&l->loop) - lane->sent_at_ms < l->heartbeat_ms / 2) {
        return;
    }
    p = lane_output(lane);
    frames_head(p, frames_msgid(PURPOSE_PING, 0), "ping");
    packer_map(p, 0);
}

void load_sessions_keep_alive(struct load *l)
{
    for (uint32_t i = 0; i < l->options->connectors; i++) {
        load_keep_alive(l, &l->connectors[i].lane);
    }
    for (uint32_t i = 0; i < l->options->agents; i++) {
        load_keep_alive(l, &l->agents[i].lane);
        load_agent_wants(l, &l->agents[i]);
    }
}
