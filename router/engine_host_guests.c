#include <assert.h>
#include <stdio.h>

#include "queue/base/defect.h"
#include "queue/base/memory.h"
#include "queue/base/rare.h"
#include "router/engine_host_inside.h"
#include "router/log.h"
#include "router/ownership/spread.h"

/* ---- hello ---- */

/* The one that would take over: there a client's second session is of most use. */
static uint32_t guest_first_peer(const struct engine_host *h, struct text workspace)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < h->peer_count; i++) {
        if (spread_score(workspace, h->peers[i].name) >
            spread_score(workspace, h->peers[first].name)) {
            first = i;
        }
    }
    return first;
}

void engine_host_pack_nodes(const struct engine_host *h, struct text workspace, struct packer *p)
{
    uint32_t first = guest_first_peer(h, workspace);

    packer_literal(p, "nodes");
    packer_array(p, *h->place.address_count + h->peer_count);
    for (uint32_t i = 0; i < *h->place.address_count; i++) {
        packer_text(p, h->place.addresses[i]);
    }
    for (uint32_t i = 0; i < h->peer_count; i++) {
        packer_text(p, h->peers[(first + i) % h->peer_count].address);
    }
}

/* What every hello is answered, up to `now_at`; `more` pairs follow. */
static void guest_pack_greeting(struct engine_host *h, struct text workspace,
                                const struct settings *settings, engine_time now, struct packer *p,
                                uint32_t msgid, uint32_t more)
{
    response_begin(p, msgid);
    packer_map(p, 10 + more);
    VIEW_INT(p, "protocol", 1);
    VIEW_TEXT(p, "server", TEXT("switchboard/" SWITCHBOARD_VERSION));
    VIEW_TEXT(p, "node", text_from(h->place.node));
    engine_host_pack_nodes(h, workspace, p);
    VIEW_TEXT(p, "workspace", workspace);
    VIEW_INT(p, "heartbeat_ms", h->options.heartbeat);
    VIEW_INT(p, "max_frame", h->options.limits.of[LIMIT_FRAME]);
    packer_literal(p, "limits");
    packer_map(p, LIMIT_COUNT);
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        packer_text(p, text_from(limit_wire((enum limit_kind)i)));
        packer_uint(p, h->options.limits.of[i]);
    }
    VIEW_INT(p, "id_kept_ms", settings == NULL ? h->options.id_kept : settings->id_kept);
    VIEW_INT(p, "now_at", now);
}

static void guest_pack_hello(struct engine_host *h, const struct workspace *w, struct packer *p,
                             uint32_t msgid)
{
    const struct engine *e = w->engine;
    engine_time now = workspace_now(w, h->clock);
    struct view v;

    view_init(&v, e, now);
    guest_pack_greeting(h, w->name, engine_settings(e), now, p, msgid, 2);
    view_epoch(p, &v, engine_seq(e));
}

void engine_host_hello_standby(struct engine_host *h, struct door *door, struct packer *p,
                               uint32_t msgid)
{
    guest_pack_greeting(h, door->name, NULL, clock_wall(), p, msgid, 0);
}

struct text engine_host_where(struct engine_host *h, struct door *door,
                              char buffer[DOOR_ADDRESS_BYTES])
{
    switch (door_service(door)) {
    case DOOR_SERVED:
        return *h->place.address_count > 0 ? h->place.addresses[0] : TEXT_NONE;
    case DOOR_ELSEWHERE:
        return door_address(door, buffer);
    case DOOR_WAITS:
        break;
    }
    return TEXT_NONE;
}

void engine_host_say_moved(struct door *door, struct text address, struct packer *p)
{
    notice_begin(p, NOTIFICATION_MOVED);
    packer_map(p, 2);
    VIEW_TEXT(p, "address", address);
    VIEW_INT(p, "epoch", (int64_t)atomic_load(&door->epoch));
}

/* A client that has seen more than we have has seen another journal, or we have lost something. */
static void guest_compare(const struct guest *g, uint64_t epoch, uint64_t seq)
{
    static struct log_limit limit = {.most = 5};
    const struct engine *e = g->workspace->engine;

    if (epoch > engine_epoch(e) || (epoch == engine_epoch(e) && seq > engine_seq(e))) {
        log_event_limited(&limit, LOG_LEVEL_ERROR, "client_has_seen_more",
                          LOG_NUMBER("session", g->session),
                          LOG_TEXT("workspace", g->workspace->name), LOG_NUMBER("epoch", epoch),
                          LOG_NUMBER("seq", seq), LOG_NUMBER("our_epoch", engine_epoch(e)),
                          LOG_NUMBER("our_seq", engine_seq(e)));
    }
}

/* A connector without a name is a connector of its own, with a name that nobody else has or ever
 * had. */
static struct text guest_unnamed(const struct guest *g, char *buffer, size_t size)
{
    int length = snprintf(buffer, size, HOST_UNNAMED "%llu.%llu",
                          (unsigned long long)engine_epoch(g->workspace->engine),
                          (unsigned long long)g->session);

    return (struct text){buffer, (uint32_t)length};
}

static void guest_attach_step(struct engine_host *h, struct guest *g)
{
    struct command c = {.kind = COMMAND_CONNECTOR_ATTACHED};

    c.connector.name = g->connector->name;
    c.connector.attachment = g->connector;
    c.connector.silent = g->notify == NOTIFY_NONE;
    host_step(h, g->workspace, g, &c);
    g->attached_to = g->workspace->generation;
}

static void guest_attach(struct engine_host *h, struct guest *g)
{
    g->connector = workspace_connector(g->workspace, g->actor);
    list_append(&g->connector->guests, &g->of_connector);
    if (h->state == HOST_SERVING) {
        guest_attach_step(h, g);
    }
}

void host_attach_guests(struct engine_host *h)
{
    for (struct list_node *n = list_first(&h->guests); n != NULL; n = list_next(&h->guests, n)) {
        struct guest *g = record_of(n, struct guest, in_guests);

        if (g->connector != NULL) {
            guest_attach_step(h, g);
        }
    }
}

static void guest_say_draining(struct engine_host *h, const struct guest *g)
{
    const struct engine *e = g->workspace->engine;
    struct outlet o;
    struct view v;

    if (!host_open(h, &o, g->session, MAIL_FINISH, SESSION_END_DRAINED)) {
        return;
    }
    if (e != NULL) {
        view_init(&v, e, workspace_now(g->workspace, h->clock));
        notice_begin(o.packer, NOTIFICATION_DRAINING);
        packer_map(o.packer, 2);
        view_epoch(o.packer, &v, engine_seq(e));
    }
    host_close(&o);
}

void host_say_draining(struct engine_host *h)
{
    for (struct list_node *n = list_first(&h->guests); n != NULL; n = list_next(&h->guests, n)) {
        guest_say_draining(h, record_of(n, struct guest, in_guests));
    }
}

void engine_host_hello(struct engine_host *h, struct guest *g, uint32_t msgid, struct text name,
                       uint64_t epoch, uint64_t seq)
{
    char unnamed[96];
    struct outlet o;

    g->workspace = g->door->workspace;
    list_append(&h->guests, &g->in_guests);
    guest_set_actor(g, !text_is_none(name) ? name
                       : g->role == ROLE_CONNECTOR
                           ? guest_unnamed(g, unnamed, sizeof(unnamed))
                           : text_from(words_at(WORD_LIST_ROLE, (int)g->role)));
    if (h->state == HOST_DRAINING) {
        guest_say_draining(h, g);
        return;
    }
    guest_compare(g, epoch, seq);
    if (host_open(h, &o, g->session, 0, 0)) {
        guest_pack_hello(h, g->workspace, o.packer, msgid);
        host_close(&o);
    }
    if (g->role == ROLE_CONNECTOR) {
        guest_attach(h, g);
    }
}

/* ---- they ask ---- */

void engine_host_read(struct engine_host *h, struct guest *g, const struct request *r)
{
    struct reader reader = {
        .role = g->role,
        .connector = g->connector != NULL ? g->connector->name : TEXT_NONE,
        .session = g->session,
    };
    struct outlet o;
    struct view v;

    if (host_open(h, &o, g->session,
                  MAIL_ANSWER | MAIL_LARGE |
                      (DEFECT(READS_UNCONFIRMED) ? (unsigned)MAIL_URGENT : 0u),
                  0)) {
        view_init(&v, g->workspace->engine, workspace_now(g->workspace, h->clock));
        reads_answer(o.packer, &v, &reader, r);
        host_close(&o);
    }
}

/* The digest that goes with it is that of the file last seen, so that the same file does not undo
 * it at the next start. */
void engine_host_config(struct engine_host *h, struct config_job *job)
{
    struct workspace *w = job->guest->workspace;
    struct response_error e;

    job->caller.name = job->guest->actor;
    if (!engine_host_apply_config(h, w, job->document, engine_config_digest(w->engine),
                                  &job->caller, &e)) {
        host_refuse(h, &job->caller, &e, false);
    }
    config_job_close(job);
}

/* ---- letters ---- */

/* The gate for what has been taken out of its ring already: it cannot wait any more. */
static enum host_gate host_letter_gate(struct engine_host *h, enum method_kind kind)
{
    enum host_gate gate = engine_host_gate(h, kind);

    return gate == GATE_WAIT && !h->failed ? GATE_OPEN : gate;
}

/* Nothing was done, and nothing of it waits for the journal. Where the journal failed just now, the
 * session is about to be cut. */
static void host_turn_away(struct engine_host *h, const struct caller *caller, enum host_gate gate)
{
    struct response_error e =
        response_error_of(gate == GATE_DRAINING ? ERROR_DRAINING : ERROR_UNAVAILABLE);

    if (gate != GATE_WAIT) {
        e.retry_after_ms = HOST_RETRY_AFTER_MS;
        host_refuse(h, caller, &e, true);
    }
}

static bool host_read_again(struct engine_host *h, const struct letter *l)
{
    struct request_error wrong;
    bool read = request_decode_head(&h->request, (const uint8_t *)l->frame.bytes,
                                    l->frame.length) == REQUEST_CALL &&
                request_decode_params(&h->request, l->guest->role, &h->options.limits, &wrong);

    assert(read); /* it was, on the other reactor */
    return read;
}

/* It was classified under a configuration that is no longer in force. */
static void host_work_again(struct engine_host *h, struct letter *l)
{
    struct dispatch_snapshot snapshot = door_snapshot(l->guest->door);
    struct caller caller = l->work.command.caller;
    struct response_error e;

    if (!host_read_again(h, l)) {
        return;
    }
    h->work.command.caller = caller;
    h->work.command.contact_hash = l->work.command.contact_hash;
    h->work.command.time = workspace_now(l->guest->workspace, h->clock);
    if (!dispatch_command(&h->dispatch, &h->request, &snapshot, NULL, &h->work, &e)) {
        host_refuse(h, &caller, &e, false);
    } else if (!engine_host_work(h, l->guest, &h->work)) {
        e = response_error_of(ERROR_UNAVAILABLE);
        e.retry_after_ms = HOST_RETRY_AFTER_MS;
        host_refuse(h, &caller, &e, false);
    }
}

static void host_goodbye(struct engine_host *h, const struct letter *l)
{
    struct outlet o;

    if (host_open(h, &o, l->guest->session, MAIL_FINISH,
                  l->asked ? SESSION_END_GOODBYE : SESSION_END_CLIENT_CLOSED)) {
        if (l->asked) {
            response_empty(o.packer, l->msgid);
        }
        host_close(&o);
    }
}

void engine_host_expect(struct letter *l)
{
    const struct workspace *w = l->guest->workspace; /* NULL: its hello is in the same parcel */

    if (l->kind == LETTER_WORK && w != NULL && w->engine != NULL) {
        l->work.command.contact_hash = engine_expect(w->engine, l->contact);
    }
}

/* A letter for a workspace that this node has just lost, or is handing over. Whoever sent it is
 * being cut off, or told where to go, and sends again there what had no answer; one that has not
 * been told is told now. */
static RARE void host_send_back(struct engine_host *h, struct letter *l)
{
    struct response_error e = response_error_of(ERROR_UNAVAILABLE);
    struct outlet o;

    if (l->kind == LETTER_CONFIG) {
        config_job_close(l->job);
    } else if (l->kind == LETTER_HELLO) {
        l->guest->workspace = l->guest->door->workspace;
        list_append(&h->guests, &l->guest->in_guests);
        e.retry_after_ms = HOST_RETRY_AFTER_MS;
        if (host_open(h, &o, l->guest->session, MAIL_URGENT | MAIL_FINISH, SESSION_END_MOVED)) {
            response_error(o.packer, l->msgid, &e);
            host_close(&o);
        }
    } else {
        engine_host_tell_guest(h, l->guest);
    }
}

static void host_letter_work(struct engine_host *h, struct letter *l)
{
    enum host_gate gate = host_letter_gate(h, METHOD_CHANGE);

    h->commands_from_far++;
    if (gate != GATE_OPEN) {
        host_turn_away(h, &l->work.command.caller, gate);
    } else if (!engine_host_work(h, l->guest, &l->work)) {
        host_work_again(h, l);
    }
}

static void host_letter_read(struct engine_host *h, const struct letter *l)
{
    /* Any read: all weigh the same. */
    const struct delivery_request read = {.msgid = l->msgid, .method = METHOD_CONTACT_GET};
    const struct caller reader = {.session = l->guest->session,
                                  .request = delivery_request_pack(read)};
    enum host_gate gate = host_letter_gate(h, METHOD_READ);

    if (gate != GATE_OPEN) {
        host_turn_away(h, &reader, gate);
    } else if (host_read_again(h, l)) {
        engine_host_read(h, l->guest, &h->request);
    }
}

static void host_letter_config(struct engine_host *h, struct config_job *job)
{
    enum host_gate gate = host_letter_gate(h, METHOD_CHANGE);

    if (gate != GATE_OPEN) {
        host_turn_away(h, &job->caller, gate);
        config_job_close(job);
    } else {
        engine_host_config(h, job);
    }
}

void engine_host_letter(struct engine_host *h, struct letter *l)
{
    if (!workspace_is_served(l->guest->door->workspace) && l->kind != LETTER_LEFT) {
        host_send_back(h, l);
        return;
    }
    switch (l->kind) {
    case LETTER_HELLO:
        engine_host_hello(h, l->guest, l->msgid, l->hello.name, l->hello.epoch, l->hello.seq);
        return;
    case LETTER_WORK:
        host_letter_work(h, l);
        return;
    case LETTER_READ:
        host_letter_read(h, l);
        return;
    case LETTER_CONFIG:
        host_letter_config(h, l->job);
        return;
    case LETTER_WHERE: /* it was told when the workspace came back */
        return;
    case LETTER_GOODBYE:
        host_goodbye(h, l);
        return;
    case LETTER_LEFT:
        engine_host_left(h, l->guest);
        return;
    }
}

/* ---- they leave ---- */

void engine_host_left(struct engine_host *h, struct guest *g)
{
    list_remove(&g->in_guests);
    list_append(&h->departed, &g->in_guests);
}

static void guest_depart(struct engine_host *h, struct guest *g, bool tell)
{
    struct workspace *w = g->workspace;

    if (g->connector != NULL) {
        list_remove(&g->of_connector);
        if (tell && g->attached_to == w->generation) {
            struct command c = {.kind = COMMAND_CONNECTOR_DETACHED};

            c.connector.name = g->connector->name;
            c.connector.attachment = g->connector;
            c.connector.silent = g->notify == NOTIFY_NONE;
            host_step(h, w, g, &c);
        }
        if (list_empty(&g->connector->guests)) {
            workspace_forget_connector(w, g->connector);
        }
    } else if (tell && g->role == ROLE_AGENT) {
        struct command c = {.kind = COMMAND_SESSION_CLOSED};

        c.caller = (struct caller){.session = g->session, .role = CALLER_AGENT, .name = g->actor};
        host_step(h, w, g, &c);
    }
    guest_destroy(g);
}

void host_process_departed(struct engine_host *h)
{
    struct list_node *n;

    while ((n = list_first(&h->departed)) != NULL) {
        struct guest *g = record_of(n, struct guest, in_guests);

        list_remove(n);
        guest_depart(h, g, h->state == HOST_SERVING && workspace_is_served(g->workspace));
    }
}

struct guest_cut {
    uint32_t door;
    enum session_end_reason reason;
};

static void guest_cut_session(void *context, struct session *s)
{
    const struct guest_cut *cut = context;

    if (s->guest != NULL && s->door->number == cut->door) {
        session_end(s, cut->reason);
    }
}

void engine_host_cut_here(struct session_table *t, uint32_t door, enum session_end_reason reason)
{
    struct guest_cut cut = {door, reason};

    session_table_each(t, guest_cut_session, &cut);
}

void host_cut_guests_of(struct engine_host *h, const struct workspace *w,
                        enum session_end_reason reason)
{
    struct mailbox *box = h->post->box;

    engine_host_cut_here(h->sessions, w->door->number, reason);
    for (uint32_t i = 0; i < box->exchange->count; i++) {
        if (i != h->place.reactor) {
            size_t mark;
            struct packer *mail =
                post_begin(h->post, (uint64_t)i << SESSION_SLOT_BITS | w->door->number,
                           MAIL_CUT | MAIL_URGENT, reason, &mark);

            post_end(mail, mark);
        }
    }
    /* A batch that waited may be given up in this same turn, and its mail must find nobody. */
    post_hurry(h->post);
}

void host_cut_guests(struct engine_host *h, enum session_end_reason reason)
{
    struct mail_list unsaid = {NULL, NULL};

    post_collect(h->post, &unsaid);
    mail_list_drop(&unsaid);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        host_cut_guests_of(h, h->workspaces[i], reason);
    }
}
