/* The connections of `load`: hello, signing in, and who hears what comes. */
#include "bench/load_state.h"

#include "queue/base/memory.h"

#define LOAD_PULL_WAIT_MS 5000

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

static void load_hello(struct load *l, struct lane *lane, const char *role, const char *name)
{
    struct packer *p = lane_output(lane);
    bool connector = name != NULL;

    frames_head(p, frames_msgid(PURPOSE_HELLO, 0), "hello");
    packer_map(p, connector ? 6 : 4);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    load_pack_pair(p, "role", role);
    load_pack_pair(p, "workspace", l->options->workspace);
    load_pack_pair(p, "client", "switchboard-bench/" SWITCHBOARD_VERSION);
    if (connector) {
        load_pack_pair(p, "name", name);
        load_pack_pair(p, "notify", l->options->notify);
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
    load_hello(c->load, lane, "connector", name);
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
        c->unanswered_max = (uint32_t)load_number_of(frame->map, TEXT("in_flight"), 1024);
        if (l->options->rate == 0 && l->options->window < c->unanswered_max) {
            c->unanswered_max = l->options->window;
        }
        l->heartbeat_ms = (uint64_t)load_number_of(frame->map, TEXT("heartbeat_ms"), 30000);
        if (!c->ready) {
            c->ready = true;
            load_someone_ready(l);
        }
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

    load_hello(a->load, lane, "agent", NULL);
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
        } else if (!a->ready) {
            a->ready = true;
            load_agent_wants(l, a);
            load_someone_ready(l);
        }
        break;
    case PURPOSE_PING:
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
        if (a->pulling || a->held >= l->options->at_once || a->lane.ended) {
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

int load_sessions_start(struct load *l)
{
    int status = 0;

    for (uint32_t i = 0; i < l->options->connectors && status == 0; i++) {
        struct load_connector *c = &l->connectors[i];

        load_lane_prepare(&c->lane, l);
        c->lane.on_connected = load_connector_connected;
        c->lane.on_frame = load_connector_frame;
        status = lane_start(&c->lane, &l->lanes, &l->address);
    }
    for (uint32_t i = 0; i < l->options->agents && status == 0; i++) {
        struct load_agent *a = &l->agents[i];

        load_lane_prepare(&a->lane, l);
        a->lane.on_connected = load_agent_connected;
        a->lane.on_frame = load_agent_frame;
        status = lane_start(&a->lane, &l->lanes, &l->address);
    }
    return status;
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

    if (!lane->connected || uv_now(&l->loop) - lane->sent_at_ms < l->heartbeat_ms / 2) {
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
