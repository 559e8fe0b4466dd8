#include "router/conversation.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "router/log.h"

#define CONVERSATION_RETRY_AFTER_MS 1000
/* Names that begin so are ours: a connector without a name is called by its connection. */
#define CONVERSATION_UNNAMED "connection:"

void conversation_init(struct conversation *c, uv_loop_t *loop, struct clock *clock,
                       struct engine_host *host, const struct conversation_options *options)
{
    memset(c, 0, sizeof(*c));
    c->loop = loop;
    c->clock = clock;
    c->host = host;
    c->options = *options;
    list_init(&c->finished);
}

/* ---- refusing ---- */

static void conversation_refuse(struct session *s, const struct request *r, enum error_code code,
                                struct text field, struct text message)
{
    struct response_error e = response_error_of(code);

    e.field = field;
    e.message = message;
    session_refuse(s, r->msgid, &e);
}

/* The gate is not open: nothing was done, and nothing of it waits for the journal. */
static enum session_verdict conversation_turn_away(struct session *s, const struct request *r,
                                                   enum host_gate gate)
{
    struct response_error e =
        response_error_of(gate == GATE_DRAINING ? ERROR_DRAINING : ERROR_UNAVAILABLE);

    if (gate == GATE_WAIT) {
        return FRAME_LATER;
    }
    e.retry_after_ms = CONVERSATION_RETRY_AFTER_MS;
    session_refuse_urgently(s, r->msgid, &e);
    return FRAME_TAKEN;
}

static void conversation_refuse_decoded(struct session *s, const struct request *r,
                                        const struct request_error *wrong)
{
    conversation_refuse(s, r, wrong->code, text_from(wrong->field), text_from(wrong->message));
}

/* ---- hello ---- */

static void conversation_pack_hello(struct conversation *c, struct session *s,
                                    const struct request *r)
{
    const struct engine *e = s->workspace->engine;
    const struct settings *settings = engine_settings(e);
    struct packer *p = session_packer(s);
    engine_time now = workspace_now(s->workspace, c->clock);
    struct view v;

    view_init(&v, e, now);
    response_begin(p, r->msgid);
    packer_map(p, 12);
    VIEW_INT(p, "protocol", 1);
    VIEW_TEXT(p, "server", TEXT("switchboard/" SWITCHBOARD_VERSION));
    VIEW_TEXT(p, "node", text_from(c->options.node));
    packer_literal(p, "nodes");
    packer_array(p, c->address_count);
    for (uint32_t i = 0; i < c->address_count; i++) {
        packer_text(p, c->addresses[i]);
    }
    VIEW_TEXT(p, "workspace", s->workspace->name);
    VIEW_INT(p, "heartbeat_ms", c->options.heartbeat);
    VIEW_INT(p, "max_frame", c->options.limits.of[LIMIT_FRAME]);
    packer_literal(p, "limits");
    packer_map(p, LIMIT_COUNT);
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        packer_text(p, text_from(limit_wire((enum limit_kind)i)));
        packer_uint(p, c->options.limits.of[i]);
    }
    VIEW_INT(p, "id_kept_ms", settings == NULL ? c->options.id_kept : settings->id_kept);
    VIEW_INT(p, "now_at", now);
    view_epoch(p, &v, engine_seq(e));
    session_wrote(s);
}

/* A client that has seen more than we have has seen another journal, or we have lost something. */
static void conversation_compare(const struct session *s, const struct request *r)
{
    static struct log_limit limit = {.most = 5};
    const struct engine *e = s->workspace->engine;
    uint64_t epoch = (uint64_t)request_number(r, FIELD_EPOCH, 0);
    uint64_t seq = (uint64_t)request_number(r, FIELD_SEQ, 0);

    if (epoch > engine_epoch(e) || (epoch == engine_epoch(e) && seq > engine_seq(e))) {
        log_event_limited(&limit, LOG_LEVEL_ERROR, "client_has_seen_more",
                          LOG_NUMBER("session", s->id), LOG_TEXT("workspace", s->workspace->name),
                          LOG_NUMBER("epoch", epoch), LOG_NUMBER("seq", seq),
                          LOG_NUMBER("our_epoch", engine_epoch(e)),
                          LOG_NUMBER("our_seq", engine_seq(e)));
    }
}

static void conversation_set_actor(struct session *s, struct text name)
{
    memcpy(s->actor_bytes, name.bytes, name.length);
    s->actor = (struct text){s->actor_bytes, name.length};
}

/* A connector without a name is a connector of its own, with a name that nobody else has or ever
 * had. */
static struct text conversation_unnamed(const struct session *s, char *buffer, size_t size)
{
    int length =
        snprintf(buffer, size, CONVERSATION_UNNAMED "%llu.%llu",
                 (unsigned long long)engine_epoch(s->workspace->engine), (unsigned long long)s->id);

    return (struct text){buffer, (uint32_t)length};
}

static bool conversation_name_is_ours(struct text name)
{
    static const size_t length = sizeof(CONVERSATION_UNNAMED) - 1;

    return name.length >= length && memcmp(name.bytes, CONVERSATION_UNNAMED, length) == 0;
}

static void conversation_open(struct conversation *c, struct session *s, const struct request *r,
                              struct workspace *w)
{
    struct text name = request_text(r, FIELD_NAME);
    char unnamed[96];

    s->state = SESSION_OPEN;
    s->workspace = w;
    s->role = (enum role)request_number(r, FIELD_ROLE, ROLE_CONNECTOR);
    s->notify = (enum notify)request_number(r, FIELD_NOTIFY, NOTIFY_ALL);
    conversation_compare(s, r);
    conversation_pack_hello(c, s, r);
    if (s->role == ROLE_CONNECTOR) {
        if (text_is_none(name)) {
            name = conversation_unnamed(s, unnamed, sizeof(unnamed));
        }
        conversation_set_actor(s, name);
        engine_host_attach(c->host, s, name);
    } else {
        conversation_set_actor(
            s, text_is_none(name) ? text_from(words_at(WORD_LIST_ROLE, (int)s->role)) : name);
    }
    log_event(LOG_LEVEL_DEBUG, "session_opened", LOG_NUMBER("session", s->id),
              LOG_WORDS("role", words_at(WORD_LIST_ROLE, (int)s->role)),
              LOG_TEXT("workspace", w->name), LOG_TEXT("client", request_text(r, FIELD_CLIENT)));
}

static enum session_verdict conversation_hello(struct conversation *c, struct session *s,
                                               struct request *r)
{
    struct request_error wrong;
    struct workspace *w;
    enum host_gate gate = engine_host_gate(c->host, METHOD_READ);

    if (s->state == SESSION_OPEN) {
        conversation_refuse(s, r, ERROR_CONFLICT, TEXT_NONE, TEXT("hello was said already"));
        return FRAME_TAKEN;
    }
    if (gate != GATE_OPEN) {
        return conversation_turn_away(s, r, gate);
    }
    if (!request_decode_params(r, ROLE_CONNECTOR, &c->options.limits, &wrong)) {
        conversation_refuse_decoded(s, r, &wrong);
        return FRAME_TAKEN;
    }
    w = engine_host_find(c->host, request_text(r, FIELD_WORKSPACE));
    if (w == NULL) {
        conversation_refuse(s, r, ERROR_UNAUTHORIZED, TEXT("workspace"), TEXT("no such workspace"));
    } else if (conversation_name_is_ours(request_text(r, FIELD_NAME))) {
        conversation_refuse(
            s, r, ERROR_INVALID, TEXT("name"),
            TEXT("names that begin with \"" CONVERSATION_UNNAMED "\" are the server's"));
    } else {
        conversation_open(c, s, r, w);
    }
    return FRAME_TAKEN;
}

/* ---- what the session itself answers ---- */

static void conversation_ping(struct conversation *c, struct session *s, const struct request *r)
{
    struct packer *p = session_urgent_packer(s);

    response_begin(p, r->msgid);
    packer_map(p, 1);
    VIEW_INT(p, "now_at", workspace_now(s->workspace, c->clock));
}

static void conversation_goodbye(struct session *s, const struct request *r)
{
    response_empty(session_packer(s), r->msgid);
    session_wrote(s);
    session_finish(s, SESSION_END_GOODBYE);
}

/* ---- configurations ---- */

static void conversation_pack_problems(struct packer *p, uint32_t msgid,
                                       const struct config_problems *problems)
{
    response_begin(p, msgid);
    packer_map(p, 1);
    packer_literal(p, "errors");
    packer_array(p, problems->count);
    for (uint32_t i = 0; i < problems->count; i++) {
        packer_map(p, 3);
        VIEW_INT(p, "line", problems->list[i].line);
        VIEW_INT(p, "column", problems->list[i].column);
        VIEW_TEXT(p, "message", text_from(problems->list[i].message));
    }
}

static void conversation_answer_check(struct session *s, uint32_t msgid, struct config_job *job)
{
    conversation_pack_problems(session_packer(s), msgid, &job->problems);
    session_wrote(s);
}

static void conversation_answer_broken(struct session *s, uint32_t msgid, struct config_job *job)
{
    struct response_error e = response_error_of(ERROR_INVALID);
    char *words = config_problems_text(&job->problems, NULL);

    e.field = TEXT("text");
    e.message = text_from(words);
    if (e.message.length > 65536) {
        e.message.length = 65536;
    }
    session_refuse(s, msgid, &e);
    memory_give(words);
}

/* Back on the loop. The digest that goes with it is that of the file last seen, so that the same
 * file does not undo it at the next start. */
static void conversation_apply(struct conversation *c, struct session *s, struct config_job *job)
{
    struct response_error e;
    uint32_t msgid = delivery_request_unpack(job->caller.request).msgid;

    if (!engine_host_apply_config(c->host, job->workspace, job->document,
                                  engine_config_digest(job->workspace->engine), &job->caller, &e)) {
        s->in_flight--;
        session_refuse(s, msgid, &e);
    }
}

/* False: not now. */
static bool conversation_finish_job(struct conversation *c, struct config_job *job)
{
    struct session *s = session_find(c->host->sessions, job->caller.session);
    struct request r = {.msgid = delivery_request_unpack(job->caller.request).msgid};
    enum host_gate gate = engine_host_gate(c->host, METHOD_CHANGE);

    if (s == NULL) {
        return true; /* who asked is gone: it was not done */
    }
    if (job->kind == CONFIG_JOB_APPLY && !config_job_failed(job)) {
        if (gate == GATE_WAIT) {
            return false;
        }
        if (gate == GATE_OPEN) {
            conversation_apply(c, s, job); /* its answer counts the request off */
            return true;
        }
        s->in_flight--;
        conversation_turn_away(s, &r, gate);
        return true;
    }
    s->in_flight--;
    if (job->kind == CONFIG_JOB_CHECK) {
        conversation_answer_check(s, r.msgid, job);
    } else {
        conversation_answer_broken(s, r.msgid, job);
    }
    return true;
}

static void conversation_job_done(struct config_job *job)
{
    struct conversation *c = job->context;

    list_append(&c->finished, &job->in_list);
}

void conversation_turn(struct conversation *c)
{
    struct list_node *n = list_first(&c->finished);

    while (n != NULL) {
        struct list_node *next = list_next(&c->finished, n);
        struct config_job *job = record_of(n, struct config_job, in_list);

        if (conversation_finish_job(c, job)) {
            list_remove(n);
            config_job_close(job);
            c->jobs--;
        }
        n = next;
    }
}

static void conversation_read_config(struct conversation *c, struct session *s,
                                     const struct request *r, const struct caller *caller)
{
    struct config_job *job =
        config_job_create(r->method == METHOD_CONFIG_CHECK ? CONFIG_JOB_CHECK : CONFIG_JOB_APPLY);

    job->workspace = s->workspace;
    job->caller = *caller;
    memcpy(job->name, caller->name.bytes, caller->name.length);
    job->caller.name.bytes = job->name;
    job->context = c;
    job->done = conversation_job_done;
    c->jobs++;
    config_job_start(c->loop, job, request_text(r, FIELD_TEXT));
}

/* ---- requests ---- */

static enum caller_role conversation_caller_role(enum role role)
{
    static const enum caller_role roles[ROLE_COUNT] = {
        [ROLE_CONNECTOR] = CALLER_CONNECTOR,
        [ROLE_AGENT] = CALLER_AGENT,
        [ROLE_SUPERVISOR] = CALLER_SUPERVISOR,
        [ROLE_ADMIN] = CALLER_ADMIN,
    };

    return roles[role];
}

/* Answered when something happens, not in their turn. */
static bool conversation_is_late(enum method m)
{
    return m == METHOD_AGENT_PULL || m == METHOD_CONFIG_CHECK || m == METHOD_CONFIG_APPLY;
}

static void conversation_change(struct conversation *c, struct session *s, const struct request *r,
                                const struct dispatch_client *client)
{
    struct response_error e;

    /* A second time when the configuration changed between the two halves. */
    for (int attempt = 0; attempt < 2; attempt++) {
        struct dispatch_snapshot snapshot = engine_host_snapshot(s->workspace);

        if (!dispatch_command(&c->host->dispatch, r, client, &snapshot,
                              workspace_now(s->workspace, c->clock), &c->work, &e)) {
            break;
        }
        if (engine_host_work(c->host, s->workspace, &c->work)) {
            return;
        }
        e = response_error_of(ERROR_UNAVAILABLE);
        e.retry_after_ms = CONVERSATION_RETRY_AFTER_MS;
    }
    if (delivery_request_unpack(client->caller.request).late) {
        s->in_flight--;
    }
    session_refuse(s, r->msgid, &e);
}

static void conversation_request(struct conversation *c, struct session *s, const struct request *r)
{
    bool late = conversation_is_late(r->method);
    struct delivery_request back = {.msgid = r->msgid, .method = r->method, .late = late};
    struct dispatch_client client = {
        .caller = {.session = s->id,
                   .request = delivery_request_pack(back),
                   .role = conversation_caller_role(s->role),
                   .name = s->actor},
        .own_agent = s->signed_in ? s->actor : TEXT_NONE,
    };

    if (late && s->in_flight >= c->options.limits.of[LIMIT_IN_FLIGHT]) {
        conversation_refuse(s, r, ERROR_RATE_LIMITED, TEXT_NONE,
                            TEXT("more requests in flight than a connection may have"));
        session_finish(s, SESSION_END_TOO_MANY);
        return;
    }
    s->in_flight += late ? 1 : 0;
    if (r->method == METHOD_CONFIG_CHECK || r->method == METHOD_CONFIG_APPLY) {
        conversation_read_config(c, s, r, &client.caller);
    } else if (method_kind(r->method) == METHOD_READ) {
        engine_host_read(c->host, s, r);
    } else if (s->workspace->config == NULL) {
        s->in_flight -= late ? 1 : 0;
        conversation_refuse(s, r, ERROR_UNAVAILABLE, TEXT_NONE,
                            TEXT("this workspace has no configuration yet"));
    } else {
        conversation_change(c, s, r, &client);
    }
}

static enum session_verdict conversation_call(struct conversation *c, struct session *s,
                                              struct request *r)
{
    struct request_error wrong;
    enum host_gate gate;

    if (r->method == METHOD_HELLO) {
        return conversation_hello(c, s, r);
    }
    if (s->state != SESSION_OPEN) {
        conversation_refuse(s, r, ERROR_UNAUTHORIZED, TEXT_NONE, TEXT("say hello first"));
        return FRAME_TAKEN;
    }
    if (r->method == METHOD_NONE) {
        conversation_refuse(s, r, ERROR_UNKNOWN_METHOD, TEXT_NONE, TEXT_NONE);
        return FRAME_TAKEN;
    }
    if ((method_roles(r->method) & 1u << s->role) == 0) {
        conversation_refuse(s, r, ERROR_FORBIDDEN, TEXT_NONE, TEXT_NONE);
        return FRAME_TAKEN;
    }
    if (method_kind(r->method) != METHOD_SESSION) {
        gate = engine_host_gate(c->host, method_kind(r->method));
        if (gate != GATE_OPEN) {
            return conversation_turn_away(s, r, gate);
        }
    }
    if (!request_decode_params(r, s->role, &c->options.limits, &wrong)) {
        conversation_refuse_decoded(s, r, &wrong);
    } else if (r->method == METHOD_PING) {
        conversation_ping(c, s, r);
    } else if (r->method == METHOD_GOODBYE) {
        conversation_goodbye(s, r);
    } else {
        conversation_request(c, s, r);
    }
    return FRAME_TAKEN;
}

enum session_verdict conversation_frame(void *context, struct session *s, const uint8_t *bytes,
                                        size_t size)
{
    struct conversation *c = context;
    struct request *r = &c->request;

    switch (request_decode_head(r, bytes, size)) {
    case REQUEST_CALL:
        return conversation_call(c, s, r);
    case REQUEST_NOTICE: /* we know none; and a client may not know ours, and say so */
    case REQUEST_ANSWER: /* we asked nothing */
        return FRAME_TAKEN;
    case REQUEST_BROKEN:
        break;
    }
    conversation_refuse(s, r, ERROR_INVALID, TEXT_NONE, TEXT("this is no MessagePack-RPC"));
    session_finish(s, SESSION_END_BAD_BYTES);
    return FRAME_TAKEN;
}

void conversation_ended(void *context, struct session *s)
{
    struct conversation *c = context;

    if (s->workspace != NULL) {
        engine_host_departed(c->host, s);
    }
}

/* ---- the end ---- */

static void conversation_say_draining(void *context, struct session *s)
{
    struct conversation *c = context;

    if (s->state == SESSION_OPEN && s->workspace->engine != NULL) {
        struct packer *p = session_packer(s);
        struct view v;

        view_init(&v, s->workspace->engine, workspace_now(s->workspace, c->clock));
        notice_begin(p, NOTIFICATION_DRAINING);
        packer_map(p, 2);
        view_epoch(p, &v, engine_seq(s->workspace->engine));
        session_wrote(s);
    }
    session_finish(s, SESSION_END_DRAINED);
}

void conversation_drain(struct conversation *c, struct session_table *sessions)
{
    session_table_each(sessions, conversation_say_draining, c);
}
