#include <assert.h>

#include "queue/base/memory.h"
#include "queue/base/rare.h"
#include "router/conversation_inside.h"
#include "router/log.h"
#include "router/nodes.h"

void conversation_init(struct conversation *c, struct engine_host *host,
                       struct engine_host *const *hosts, const struct limits *limits)
{
    memset(c, 0, sizeof(*c));
    c->loop = host->place.loop;
    c->clock = host->clock;
    c->host = host;
    c->hosts = hosts;
    c->post = host->post;
    c->directory = host->place.directory;
    c->visitor = host->visitor;
    c->limits = *limits;
    request_shapes_init(&c->shapes, &c->limits);
    list_init(&c->finished);
}

enum host_gate conversation_gate(struct conversation *c, const struct door *door,
                                 enum method_kind kind)
{
    if (door_service(door) != DOOR_SERVED) {
        return engine_host_gate_door(c->host, door, c->clock);
    }
    return door->owner == c->host->place.reactor
               ? engine_host_gate(c->host, kind)
               : engine_host_gate_far(c->hosts[door->owner], c->clock, kind);
}

/* The frame's parcel while there is one: another look might send it. */
static struct parcel *conversation_parcel(struct conversation *c, const struct door *door)
{
    return c->parcel != NULL ? c->parcel : post_parcel(c->post, door->owner);
}

/* ---- refusing ---- */

RARE void conversation_refuse(struct session *s, const struct request *r, enum error_code code,
                              struct text field, struct text message)
{
    struct response_error e = response_error_of(code);

    e.field = field;
    e.message = message;
    session_refuse(s, r->msgid, &e);
}

RARE enum session_verdict conversation_turn_away(struct session *s, const struct request *r,
                                                 struct door *door, enum host_gate gate)
{
    char address[DOOR_ADDRESS_BYTES];
    struct response_error e = response_error_of(gate == GATE_DRAINING    ? ERROR_DRAINING
                                                : gate == GATE_ELSEWHERE ? ERROR_NOT_OWNER
                                                                         : ERROR_UNAVAILABLE);

    if (gate == GATE_WAIT) {
        return FRAME_LATER;
    }
    if (gate == GATE_ELSEWHERE) {
        e.address = door_address(door, address);
    } else {
        e.retry_after_ms = HOST_RETRY_AFTER_MS;
    }
    session_refuse_urgently(s, r->msgid, &e);
    return FRAME_TAKEN;
}

RARE void conversation_refuse_decoded(struct session *s, const struct request *r,
                                      const struct request_error *wrong)
{
    conversation_refuse(s, r, wrong->code, text_from(wrong->field), text_from(wrong->message));
}

/* ---- who asks ---- */

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
    static const uint64_t late = UINT64_C(1) << METHOD_AGENT_PULL |
                                 UINT64_C(1) << METHOD_CONFIG_CHECK |
                                 UINT64_C(1) << METHOD_CONFIG_APPLY;

    static_assert(METHOD_COUNT < 64, "a bit for each");
    return (late >> m & 1) != 0;
}

/* All but its name. Field by field, where it is to stand: built elsewhere and copied, it is read
 * before the stores in front of it are through, which for those into a letter takes long. */
static inline void conversation_sign(struct caller *caller, const struct session *s,
                                     const struct request *r)
{
    const struct delivery_request back = {
        .msgid = r->msgid, .method = r->method, .late = conversation_is_late(r->method)};

    caller->session = s->id;
    caller->request = delivery_request_pack(back);
    caller->role = conversation_caller_role(s->role);
}

/* ---- what the session itself answers ---- */

static void conversation_ping(struct conversation *c, struct session *s, const struct request *r)
{
    struct packer *p = session_urgent_packer(s);
    bool shared = c->host->options.shared; /* else there is this one node, now as ever */

    response_begin(p, r->msgid);
    packer_map(p, shared ? 2 : 1);
    VIEW_INT(p, "now_at", s->state == SESSION_STANDBY ? clock_wall() : door_now(s->door, c->clock));
    if (shared) {
        engine_host_pack_nodes(c->host, s->door->name, p);
    }
}

/* Whoever owns the workspace has the last word: it stands behind all answers. */
static enum session_verdict conversation_leave(struct conversation *c, struct session *s,
                                               bool asked, uint32_t msgid)
{
    struct parcel *parcel = conversation_parcel(c, s->door);
    struct letter *l;

    if (parcel == NULL) {
        return FRAME_LATER;
    }
    l = post_letter(parcel, LETTER_GOODBYE, s->guest, 0);
    l->asked = asked;
    l->msgid = msgid;
    post_seal_letter(parcel, l);
    session_leave(s);
    return FRAME_TAKEN;
}

static enum session_verdict conversation_goodbye(struct conversation *c, struct session *s,
                                                 const struct request *r)
{
    if (s->far) {
        return conversation_leave(c, s, true, r->msgid);
    }
    response_empty(session_packer(s), r->msgid);
    session_wrote(s);
    session_finish(s, SESSION_END_GOODBYE);
    return FRAME_TAKEN;
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

/* Back on the loop: to the owner. Its answer counts the request off. */
static bool conversation_apply(struct conversation *c, struct session *s, struct config_job *job)
{
    struct parcel *parcel;
    struct letter *l;

    if (!s->far) {
        engine_host_config(c->host, job);
        return true;
    }
    parcel = post_parcel(c->post, s->door->owner);
    if (parcel == NULL) {
        return false;
    }
    l = post_letter(parcel, LETTER_CONFIG, s->guest, 0);
    l->job = job;
    post_seal_letter(parcel, l);
    return true;
}

enum conversation_job { JOB_LATER, JOB_FINISHED, JOB_GIVEN_AWAY };

static enum conversation_job conversation_finish_job(struct conversation *c, struct config_job *job)
{
    struct session *s = session_find(c->host->sessions, job->caller.session);
    struct request r = {.msgid = delivery_request_unpack(job->caller.request).msgid};
    enum host_gate gate;

    if (s == NULL) {
        return JOB_FINISHED; /* who asked is gone: it was not done */
    }
    if (job->kind == CONFIG_JOB_APPLY && !config_job_failed(job)) {
        gate = conversation_gate(c, s->door, METHOD_CHANGE);
        if (gate == GATE_WAIT) {
            return JOB_LATER;
        }
        if (gate == GATE_OPEN) {
            return conversation_apply(c, s, job) ? JOB_GIVEN_AWAY : JOB_LATER;
        }
        s->in_flight--;
        conversation_turn_away(s, &r, s->door, gate);
        return JOB_FINISHED;
    }
    s->in_flight--;
    if (job->kind == CONFIG_JOB_CHECK) {
        conversation_answer_check(s, r.msgid, job);
    } else {
        conversation_answer_broken(s, r.msgid, job);
    }
    return JOB_FINISHED;
}

static void conversation_job_done(struct config_job *job)
{
    struct conversation *c = job->context;

    list_append(&c->finished, &job->in_list);
}

void conversation_turn(struct conversation *c)
{
    uint64_t changes = atomic_load(&c->directory->changes);
    struct list later;
    struct list_node *n;

    if (changes != c->changes) {
        c->changes = changes;
        c->telling = true;
        c->told_to = 0;
    }

    list_init(&later);
    while ((n = list_first(&c->finished)) != NULL) {
        struct config_job *job = record_of(n, struct config_job, in_list);

        list_remove(n);
        switch (conversation_finish_job(c, job)) {
        case JOB_LATER:
            list_append(&later, n);
            break;
        case JOB_FINISHED:
            config_job_close(job);
            c->jobs--;
            break;
        case JOB_GIVEN_AWAY:
            c->jobs--;
            break;
        }
    }
    while ((n = list_first(&later)) != NULL) {
        list_remove(n);
        list_append(&c->finished, n);
    }
}

static RARE void conversation_read_config(struct conversation *c, struct session *s,
                                          const struct request *r)
{
    struct config_job *job =
        config_job_create(r->method == METHOD_CONFIG_CHECK ? CONFIG_JOB_CHECK : CONFIG_JOB_APPLY);

    job->guest = s->guest;
    conversation_sign(&job->caller, s, r);
    job->context = c;
    job->done = conversation_job_done;
    c->jobs++;
    config_job_start(c->loop, job, request_text(r, FIELD_TEXT));
}

/* ---- nodes ---- */

static bool conversation_is_about_nodes(enum method m)
{
    return m == METHOD_NODE_LIST || m == METHOD_NODE_DRAIN || m == METHOD_NODE_TAKEOVER;
}

/* It is the node that answers, also while the journal is away. */
static void conversation_ask_node(struct conversation *c, struct session *s, struct request *r)
{
    struct request_error wrong;

    if ((method_roles(r->method) & 1u << s->role) == 0) {
        conversation_refuse(s, r, ERROR_FORBIDDEN, TEXT_NONE, TEXT_NONE);
    } else if (!request_decode_params(r, s->role, &c->limits, &wrong)) {
        conversation_refuse_decoded(s, r, &wrong);
    } else {
        nodes_answer(session_urgent_packer(s), c->host, c->keeper, r);
    }
}

/* ---- requests ---- */

/* A late answer is counted as in flight. */
static void conversation_count_away(struct session *s, enum method m)
{
    if (!conversation_is_late(m)) {
        s->away += delivery_method_is_large(m) ? SESSION_LARGE_WEIGHT : 1;
    }
}

/* The contact that a change is about: a submission brings its id. */
static struct text conversation_contact(const struct request *r)
{
    return request_text(r, r->method == METHOD_CONTACT_SUBMIT ? FIELD_ID : FIELD_CONTACT);
}

/* A command, classified here; elsewhere it is stepped when the letter comes. `l` NULL: here. */
static inline __attribute__((always_inline)) void conversation_change(struct conversation *c,
                                                                      struct session *s,
                                                                      const struct request *r,
                                                                      struct letter *l)
{
    struct response_error e;
    struct work *work = l != NULL ? &l->work : &c->work;

    if (l != NULL) { /* its engine is not ours to look at */
        l->contact = conversation_contact(r);
        work->command.contact_hash = 0;
    } else {
        work->command.contact_hash =
            engine_expect(s->guest->workspace->engine, conversation_contact(r));
    }
    conversation_sign(&work->command.caller, s, r);
    work->command.time = door_now(s->door, c->clock);
    /* A second time when the configuration changed between the two halves. */
    for (int attempt = 0; attempt < 2; attempt++) {
        struct dispatch_snapshot snapshot = door_snapshot(s->door);

        if (snapshot.config == NULL) {
            e = response_error_of(ERROR_UNAVAILABLE);
            e.message = TEXT("this workspace has no configuration yet");
            break;
        }
        if (!dispatch_command(&c->host->dispatch, r, &snapshot, c->parcel, work, &e)) {
            break;
        }
        if (l != NULL) {
            l->kind = LETTER_WORK;
            post_seal_letter(c->parcel, l);
            conversation_count_away(s, r->method);
            return;
        }
        if (engine_host_work(c->host, s->guest, work)) {
            return;
        }
        e = response_error_of(ERROR_UNAVAILABLE);
        e.retry_after_ms = HOST_RETRY_AFTER_MS;
    }
    if (conversation_is_late(r->method)) {
        s->in_flight--;
    }
    session_refuse(s, r->msgid, &e);
}

static void conversation_read(struct conversation *c, struct session *s, const struct request *r,
                              struct letter *l)
{
    if (l == NULL) {
        engine_host_read(c->host, s->guest, r);
        return;
    }
    l->kind = LETTER_READ;
    post_seal_letter(c->parcel, l);
    s->away += SESSION_LARGE_WEIGHT;
}

/* Made twice: for what is answered here, as most is, and for either. */
static inline __attribute__((always_inline)) void conversation_serve(struct conversation *c,
                                                                     struct session *s,
                                                                     const struct request *r,
                                                                     struct letter *l)
{
    if (conversation_is_late(r->method)) {
        if (s->in_flight >= c->limits.of[LIMIT_IN_FLIGHT]) {
            conversation_refuse(s, r, ERROR_RATE_LIMITED, TEXT_NONE,
                                TEXT("more requests in flight than a connection may have"));
            session_finish(s, SESSION_END_TOO_MANY);
            return;
        }
        s->in_flight++;
    }
    if (r->method == METHOD_CONFIG_CHECK || r->method == METHOD_CONFIG_APPLY) {
        conversation_read_config(c, s, r);
    } else if (method_kind(r->method) == METHOD_READ) {
        conversation_read(c, s, r, l);
    } else {
        if (l != NULL) { /* the owner need not enter: it alone publishes */
            directory_enter(c->visitor);
        }
        conversation_change(c, s, r, l);
    }
}

static void conversation_request(struct conversation *c, struct session *s, const struct request *r,
                                 struct letter *l)
{
    conversation_serve(c, s, r, l);
}

/* A standby is silent: it may show that it lives, say hello again, and go; an admin's may ask about
 * nodes. */
static enum session_verdict conversation_call_standby(struct conversation *c, struct session *s,
                                                      struct request *r)
{
    enum host_gate gate;

    if (r->method == METHOD_PING) {
        conversation_ping(c, s, r);
        return FRAME_TAKEN;
    }
    if (r->method == METHOD_GOODBYE) {
        return conversation_goodbye(c, s, r);
    }
    if (conversation_is_about_nodes(r->method)) {
        conversation_ask_node(c, s, r);
        return FRAME_TAKEN;
    }
    gate = engine_host_gate_door(c->host, s->door, c->clock);
    if (gate == GATE_OPEN) {
        conversation_refuse(s, r, ERROR_UNAUTHORIZED, TEXT_NONE, TEXT("say hello first"));
        return FRAME_TAKEN;
    }
    return conversation_turn_away(s, r, s->door, gate == GATE_WAIT ? GATE_UNAVAILABLE : gate);
}

/* Its workspace was handed over, and it has not been told yet: that is done out of turn, since it
 * asks for something, which it will ask for there. Not `not_owner`: `moved` has the epoch, by which
 * the new owner knows to wait for the hand-over where the client is faster. */
static void conversation_ask_where(struct conversation *c, struct session *s, struct letter *l)
{
    if (l == NULL) {
        engine_host_tell_guest(c->host, s->guest);
    } else {
        l->kind = LETTER_WHERE;
        post_seal_letter(c->parcel, l);
    }
}

static enum session_verdict conversation_call(struct conversation *c, struct session *s,
                                              struct request *r, struct letter *l)
{
    struct request_error wrong;
    enum host_gate gate;

    if (r->method == METHOD_HELLO) {
        return conversation_hello(c, s, r);
    }
    if (s->state == SESSION_STANDBY) {
        return conversation_call_standby(c, s, r);
    }
    if (s->state != SESSION_OPEN) {
        conversation_refuse(s, r, ERROR_UNAUTHORIZED, TEXT_NONE, TEXT("say hello first"));
        return FRAME_TAKEN;
    }
    if (r->method == METHOD_NONE) {
        conversation_refuse(s, r, ERROR_UNKNOWN_METHOD, TEXT_NONE, TEXT_NONE);
        return FRAME_TAKEN;
    }
    if (conversation_is_about_nodes(r->method)) {
        conversation_ask_node(c, s, r);
        return FRAME_TAKEN;
    }
    if ((method_roles(r->method) & 1u << s->role) == 0) {
        conversation_refuse(s, r, ERROR_FORBIDDEN, TEXT_NONE, TEXT_NONE);
        return FRAME_TAKEN;
    }
    if (method_kind(r->method) != METHOD_SESSION) {
        gate = conversation_gate(c, s->door, method_kind(r->method));
        if (gate == GATE_ELSEWHERE) {
            conversation_ask_where(c, s, l);
            return FRAME_TAKEN;
        }
        if (gate != GATE_OPEN) {
            return conversation_turn_away(s, r, s->door, gate);
        }
    }
    if (!request_decode_params(r, s->role, &c->limits, &wrong)) {
        conversation_refuse_decoded(s, r, &wrong);
    } else if (r->method == METHOD_PING) {
        conversation_ping(c, s, r);
    } else if (r->method == METHOD_GOODBYE) {
        return conversation_goodbye(c, s, r);
    } else {
        conversation_request(c, s, r, l);
    }
    return FRAME_TAKEN;
}

static enum session_verdict conversation_take(struct conversation *c, struct session *s,
                                              const uint8_t *bytes, size_t size, struct letter *l)
{
    struct request *r = &c->request;

    switch (request_decode_head(r, bytes, size)) {
    case REQUEST_CALL:
        if (l != NULL) {
            l->msgid = r->msgid;
        }
        return conversation_call(c, s, r, l);
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

/* What comes of the frame is a letter to the workspace's owner, with room for so much work, and the
 * frame goes along. */
static struct letter *conversation_begin_letter(struct conversation *c, struct session *s,
                                                const uint8_t *bytes, size_t size, size_t work)
{
    struct letter *l = post_letter(c->parcel, LETTER_READ, s->guest, work);

    l->frame = parcel_text(c->parcel, (struct text){(const char *)bytes, (uint32_t)size});
    return l;
}

/* The frame travels with what comes of it, or the parcel is as it was. */
static enum session_verdict conversation_take_far(struct conversation *c, struct session *s,
                                                  const uint8_t *bytes, size_t size)
{
    struct parcel *parcel = post_parcel(c->post, s->door->owner);
    enum session_verdict verdict;
    struct parcel_mark mark;
    struct letter *l;

    if (parcel == NULL || !session_may_ask(s)) {
        return FRAME_LATER;
    }
    mark = parcel_mark(parcel);
    c->parcel = parcel;
    l = conversation_begin_letter(c, s, bytes, size, sizeof(l->work));
    verdict = conversation_take(c, s, (const uint8_t *)l->frame.bytes, size, l);
    c->parcel = NULL;
    parcel_back(parcel, &mark);
    return verdict;
}

/* The same for one that is decoded already. False: there is no room now. */
static bool conversation_request_far(struct conversation *c, struct session *s, struct request *r,
                                     const uint8_t *bytes, size_t size)
{
    struct parcel *parcel = post_parcel(c->post, s->door->owner);
    struct parcel_mark mark;
    struct letter *l;

    if (parcel == NULL || !session_may_ask(s)) {
        return false;
    }
    mark = parcel_mark(parcel);
    c->parcel = parcel;
    l = conversation_begin_letter(c, s, bytes, size, dispatch_work_size(r->method));
    l->msgid = r->msgid;
    request_moved(r, bytes, (const uint8_t *)l->frame.bytes, size);
    conversation_request(c, s, r, l);
    c->parcel = NULL;
    parcel_back(parcel, &mark);
    return true;
}

/* Whatever is not as usual is left to conversation_frame, which says so. */
size_t conversation_whole(void *context, struct session *s, const uint8_t *bytes, size_t size)
{
    struct conversation *c = context;
    struct request *r = &c->request;
    size_t taken = request_shape_decode(&c->shapes, r, s->role, bytes, size);
    enum method_kind kind;

    if (taken == 0 || (kind = method_kind(r->method)) == METHOD_SESSION) {
        return 0;
    }
    if (s->far) {
        return conversation_gate(c, s->door, kind) == GATE_OPEN &&
                       conversation_request_far(c, s, r, bytes, taken)
                   ? taken
                   : 0;
    }
    if (door_service(s->door) != DOOR_SERVED || engine_host_gate(c->host, kind) != GATE_OPEN) {
        return 0;
    }
    conversation_serve(c, s, r, NULL);
    return taken;
}

enum session_verdict conversation_frame(void *context, struct session *s, const uint8_t *bytes,
                                        size_t size)
{
    return s->far ? conversation_take_far(context, s, bytes, size)
                  : conversation_take(context, s, bytes, size, NULL);
}

enum session_verdict conversation_half_closed(void *context, struct session *s)
{
    return conversation_leave(context, s, false, 0);
}

void conversation_ended(void *context, struct session *s)
{
    struct conversation *c = context;

    if (s->guest == NULL) {
        return;
    }
    if (s->far) {
        post_left(c->post, s->door->owner, s->guest);
    } else {
        engine_host_left(c->host, s->guest);
    }
    s->guest = NULL;
}

/* ---- the end ---- */

static void conversation_end_stranger(void *context, struct session *s)
{
    (void)context;
    if (s->state == SESSION_GREETING || s->state == SESSION_STANDBY) {
        session_finish(s, SESSION_END_DRAINED);
    }
}

void conversation_drain(struct session_table *sessions)
{
    session_table_each(sessions, conversation_end_stranger, NULL);
}
