#include "router/reactor.h"

#include <assert.h>

#include "queue/base/memory.h"
#include "router/log.h"
#include "router/server.h"

/* How often flushing may give sessions room for more before the loop gets its turn. */
#define REACTOR_ROUNDS 8

/* Where much comes at once, more has come while it was worked: a poll that brought so many commands
 * is followed by another one before the turn ends, until there have been this many, since what a
 * client is told in one write costs both sides half of what it costs in two. */
#define REACTOR_DENSE  32
#define REACTOR_GATHER 512

/* Where a workspace moves, thousands of clients come to its new owner. So many are told a
 * millisecond: then the first have been served before the last arrive, where else all would wait
 * for all; and all are told within some fifty. Who asks for something is told at once. */
#define REACTOR_TOLD_AT_ONCE 16
#define REACTOR_TOLD_WITHIN  50

/* ---- the post ---- */

static void reactor_delivery(void *context, uint32_t from, const struct mail_head *head,
                             const uint8_t *bytes)
{
    struct reactor *r = context;
    enum session_end_reason reason = (enum session_end_reason)head->reason;
    struct session *s;

    (void)from;
    if ((head->flags & MAIL_CUT) != 0) {
        engine_host_cut_here(&r->sessions,
                             (uint32_t)head->session & ((1u << SESSION_SLOT_BITS) - 1), reason);
        return;
    }
    s = session_find(&r->sessions, head->session);
    if (s == NULL) {
        return;
    }
    if ((head->flags & MAIL_ANSWER) != 0) {
        session_answered(s, (head->flags & MAIL_LARGE) != 0);
    }
    packer_raw((head->flags & MAIL_URGENT) != 0 ? session_urgent_packer(s) : session_packer(s),
               bytes, head->size);
    session_delivered(s, head->flags, reason);
}

static void reactor_expect(void *context, struct letter *l)
{
    (void)context;
    engine_host_expect(l);
}

static void reactor_letter(void *context, struct letter *l)
{
    struct reactor *r = context;

    engine_host_letter(&r->host, l);
}

static struct post_handler reactor_post_handler(struct reactor *r)
{
    return (struct post_handler){r, reactor_delivery, reactor_expect, reactor_letter};
}

bool reactor_settle(struct reactor *r)
{
    const struct post_handler handler = reactor_post_handler(r);

    post_flush(&r->post);
    post_take_commands(&r->post, &handler);
    return !post_is_empty(&r->post);
}

/* ---- the server's words ---- */

static void reactor_close_listeners(struct reactor *r)
{
    uv_mutex_lock(&r->server->ports);
    for (uint32_t i = 0; i < r->listener_count; i++) {
        listener_close(r->listeners[i]);
    }
    r->listener_count = 0;
    uv_mutex_unlock(&r->server->ports);
}

static void reactor_end_session(void *context, struct session *session)
{
    (void)context;
    session_end(session, SESSION_END_DRAINED);
}

static void reactor_stopped(void *context)
{
    struct reactor *r = context;

    if (--r->stopping > 0) {
        return;
    }
    uv_close((uv_handle_t *)&r->before_sleep, NULL);
    uv_close((uv_handle_t *)&r->after_sleep, NULL);
    uv_close((uv_handle_t *)&r->again, NULL);
    uv_close((uv_handle_t *)&r->tell, NULL);
    server_reactor_stopped(r->server, r);
}

void reactor_stop(struct reactor *r)
{
    if (r->stopped) {
        return;
    }
    r->stopped = true;
    reactor_close_listeners(r);
    session_table_each(&r->sessions, reactor_end_session, r);
    session_table_stop(&r->sessions);
    r->stopping = 1 + r->keeps;
    if (r->keeps) {
        keeper_close(&r->keeper, reactor_stopped, r);
    }
    engine_host_stop(&r->host, reactor_stopped, r);
}

static void reactor_drain(struct reactor *r)
{
    r->drained = true;
    reactor_close_listeners(r);
    conversation_turn(&r->conversation);
    (void)conversation_tell(&r->conversation, UINT32_MAX);
    engine_host_drain(&r->host);
    conversation_drain(&r->sessions);
}

static bool reactor_is_quiet(const struct reactor *r)
{
    return r->sessions.live == 0 && engine_host_is_quiet(&r->host) &&
           conversation_is_quiet(&r->conversation) && !server_is_reading(r->server, r);
}

static bool reactor_may_reload(struct reactor *r)
{
    return r->reloaded != server_reload_number(r->server) &&
           engine_host_gate(&r->host, METHOD_CHANGE) == GATE_OPEN;
}

/* Is there a word that this reactor has not heeded, and can? Looked at once more after it has
 * announced its sleep. */
static bool reactor_is_called(struct reactor *r)
{
    const struct server *s = r->server;

    return (!r->stopped && server_is(&s->stopping)) || server_is(&s->pausing) ||
           (!r->drained && server_may_drain(s, r)) ||
           (r->host.journal != NULL && !r->stopped && server_is(&s->failed)) ||
           (!r->listening && !r->stopped && server_may_listen(s, r)) || reactor_may_reload(r) ||
           server_has_news(s, r);
}

static void reactor_heed(struct reactor *r)
{
    struct server *s = r->server;

    if (server_is(&s->stopping)) {
        reactor_stop(r);
        return;
    }
    if (server_is(&s->failed) && r->host.journal != NULL) {
        engine_host_fail(&r->host);
    }
    server_heed(s, r);
    if (!r->listening && server_may_listen(s, r)) {
        r->listening = true;
        server_listen(s, r);
    }
    if (!r->drained && server_may_drain(s, r)) {
        reactor_drain(r);
    }
    if (reactor_may_reload(r)) {
        r->reloaded = server_reload_number(s);
        server_reload_here(s, r);
    }
}

/* ---- who hears that a workspace has moved ---- */

static void reactor_tell_moved(struct reactor *r)
{
    uint32_t share = atomic_load(&r->server->connections) / REACTOR_TOLD_WITHIN;
    uint32_t most = share > REACTOR_TOLD_AT_ONCE ? share : REACTOR_TOLD_AT_ONCE;
    bool guests = engine_host_tell(&r->host, most);
    bool standbys = conversation_tell(&r->conversation, most);

    if (!guests && !standbys) {
        uv_timer_stop(&r->tell);
    }
}

static void reactor_on_tell(uv_timer_t *timer)
{
    reactor_tell_moved(timer->data);
}

static void reactor_start_telling(struct reactor *r)
{
    if (!uv_is_active((uv_handle_t *)&r->tell) &&
        (engine_host_is_telling(&r->host) || conversation_is_telling(&r->conversation))) {
        uv_timer_start(&r->tell, reactor_on_tell, 1, 1);
        reactor_tell_moved(r);
    }
}

/* ---- turns ---- */

static void reactor_idle(uv_idle_t *handle)
{
    (void)handle; /* an active one keeps the loop from sleeping */
}

static bool reactor_takes_letters(struct reactor *r)
{
    return !post_is_parked(&r->post) && engine_host_takes_letters(&r->host);
}

static void reactor_turn(struct reactor *r)
{
    const struct post_handler handler = reactor_post_handler(r);
    bool more;
    int rounds = 0;

    r->turns++;
    server_check_in(r->server, r);
    post_take_deliveries(&r->post, &handler);
    reactor_heed(r);
    if (r->stopped) {
        session_table_flush(&r->sessions);
        post_flush(&r->post);
        directory_leave(r->host.visitor);
        clock_turn(&r->clock);
        return;
    }
    conversation_turn(&r->conversation);
    reactor_start_telling(r);
    if (reactor_takes_letters(r)) {
        post_take_commands(&r->post, &handler);
    }
    do {
        more = engine_host_turn(&r->host);
        session_table_flush(&r->sessions);
        rounds++;
    } while (engine_host_has_news(&r->host) && rounds < REACTOR_ROUNDS);
    post_flush(&r->post);
    directory_leave(r->host.visitor);
    directory_collect(r->host.visitor);
    if (more || engine_host_has_news(&r->host)) {
        uv_idle_start(&r->again, reactor_idle);
    } else {
        uv_idle_stop(&r->again);
    }
    if (r->drained && !r->quiet && reactor_is_quiet(r)) {
        r->quiet = true;
        server_reactor_quiet(r->server, r);
    }
    log_flush();
    clock_turn(&r->clock);
    r->polled = r->turned = r->host.commands;
}

/* Has this poll brought so much that the next one will bring more? */
static bool reactor_gathers(struct reactor *r)
{
    uint64_t commands = r->host.commands;
    uint64_t came = commands - r->polled;

    r->polled = commands;
    if (came < REACTOR_DENSE || commands - r->turned >= REACTOR_GATHER || r->stopped) {
        return false;
    }
    clock_turn(&r->clock);
    uv_idle_start(&r->again, reactor_idle);
    return true;
}

static void reactor_before_sleep(uv_prepare_t *handle)
{
    struct reactor *r = handle->data;
    unsigned lanes;

    if (r->gathering) {
        return;
    }
    reactor_turn(r);
    if (r->stopped || uv_is_active((uv_handle_t *)&r->again)) {
        return;
    }
    lanes = 1u << LANE_DELIVERIES | (reactor_takes_letters(r) ? 1u << LANE_COMMANDS : 0);
    if (!mailbox_fall_asleep(r->post.box, lanes) || reactor_is_called(r)) {
        mailbox_wake_up(r->post.box);
        uv_idle_start(&r->again, reactor_idle);
    }
}

static void reactor_after_sleep(uv_check_t *handle)
{
    struct reactor *r = handle->data;

    mailbox_wake_up(r->post.box);
    r->gathering = reactor_gathers(r);
    if (!r->gathering) {
        reactor_turn(r);
    }
}

/* ---- the frame ---- */

static void reactor_init_loop(struct reactor *r)
{
    int status = uv_loop_init(&r->loop);

    assert(status == 0);
    (void)status;
    uv_prepare_init(&r->loop, &r->before_sleep);
    uv_check_init(&r->loop, &r->after_sleep);
    uv_idle_init(&r->loop, &r->again);
    uv_timer_init(&r->loop, &r->tell);
    r->before_sleep.data = r->after_sleep.data = r->again.data = r->tell.data = r;
    uv_prepare_start(&r->before_sleep, reactor_before_sleep);
    uv_check_start(&r->after_sleep, reactor_after_sleep);
}

static void reactor_init_sessions(struct reactor *r)
{
    const struct node_settings *node = &r->server->node;
    const struct session_options options = {
        .limits = node->limits,
        .heartbeat = node->heartbeat,
        .hello_timeout = node->hello_timeout,
        .connections_max = node->connections_max,
        .output_max = node->output_max,
        .reactor = r->index,
        .connections = &r->server->connections,
    };
    const struct session_handler handler = {
        .context = &r->conversation,
        .whole = conversation_whole,
        .frame = conversation_frame,
        .half_closed = conversation_half_closed,
        .ended = conversation_ended,
    };

    session_table_init(&r->sessions, &r->loop, &r->clock, &options, &handler);
}

static void reactor_init_host(struct reactor *r)
{
    struct server *s = r->server;
    const struct engine_host_options options = {
        .node = s->shared ? member_number(text_from(s->node_name)) : 0,
        .shared = s->shared,
        .stall_after = s->node.stall_after,
        .request_timeout = s->node.request_timeout,
        .heartbeat = s->node.heartbeat,
        .limits = s->node.limits,
    };
    const struct engine_host_events events = {
        .context = r,
        .serving = server_host_serving,
        .failed = server_host_failed,
        .port_closed = server_port_closed,
        .broken = server_host_broken,
    };
    const struct engine_host_place place = {
        .reactor = r->index,
        .loop = &r->loop,
        .clock = &r->clock,
        .sessions = &r->sessions,
        .post = &r->post,
        .directory = &s->directory,
        .visitor = &s->directory.visitors[r->index],
        .node = s->node_name,
        .addresses = s->addresses,
        .address_count = &s->address_count,
    };

    engine_host_init(&r->host, &place, &options, &events);
}

void reactor_init(struct reactor *r, struct server *s, uint32_t index)
{
    r->server = s;
    r->index = index;
    clock_init(&r->clock, NULL);
    reactor_init_loop(r);
    mailbox_open(&s->exchange.boxes[index], &r->loop);
    post_init(&r->post, &s->exchange.boxes[index]);
    reactor_init_sessions(r);
    reactor_init_host(r);
    conversation_init(&r->conversation, &r->host, s->hosts, &s->node.limits);
}

void reactor_run(struct reactor *r)
{
    uv_run(&r->loop, UV_RUN_DEFAULT);
}

/* What it has done, for whoever asks whether the work is spread as it should be. */
static void reactor_tell(const struct reactor *r)
{
    const struct mailbox *box = r->post.box;

    log_event(LOG_LEVEL_INFO, "reactor", LOG_NUMBER("reactor", r->index),
              LOG_NUMBER("commands", r->host.commands),
              LOG_NUMBER("from_other_reactors", r->host.commands_from_far),
              LOG_NUMBER("sessions", r->sessions.serial), LOG_NUMBER("turns", r->turns),
              LOG_NUMBER("parcels", box->sent[LANE_COMMANDS]),
              LOG_NUMBER("mails", box->sent[LANE_DELIVERIES]), LOG_NUMBER("bells", box->bells),
              LOG_NUMBER("full", box->full[LANE_COMMANDS] + box->full[LANE_DELIVERIES]));
}

void reactor_close(struct reactor *r)
{
    int status;

    reactor_tell(r);

    engine_host_close(&r->host);
    session_table_close(&r->sessions);
    post_close(&r->post);
    mailbox_close(r->post.box);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    status = uv_loop_close(&r->loop);
    assert(status == 0);
    (void)status;
}
