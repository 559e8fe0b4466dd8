#include "router/engine_host.h"

#include <assert.h>

#include "queue/base/memory.h"
#include "router/engine_host_inside.h"
#include "router/log.h"

#define HOST_TICKS_A_TURN 64

void host_enter(struct engine_host *h, enum host_state state)
{
    static const char *const words[] = {
        [HOST_STARTING] = "starting", [HOST_SERVING] = "serving",   [HOST_REOPENING] = "reopening",
        [HOST_REFUSING] = "refusing", [HOST_DRAINING] = "draining",
    };

    if (h->state != state || h->generation == 0) {
        log_event(LOG_LEVEL_INFO, "state", LOG_WORDS("state", words[state]));
    }
    h->state = state;
    h->state_since = host_now(h);
}

/* ---- the engine's sink ---- */

void host_fact(void *context, const struct fact *fact)
{
    struct workspace *w = context;

    workspace_add_fact(w, w->host->journal, fact);
}

static void host_remember_agent(struct session *s, const struct delivery *d)
{
    struct delivery_request r = delivery_request_unpack(d->request);

    if (d->kind == ANSWER_SIGNED_IN) {
        struct text id = d->agent->id;

        s->signed_in = true;
        memcpy(s->actor_bytes, id.bytes, id.length);
        s->actor = (struct text){s->actor_bytes, id.length};
    } else if (d->kind == ANSWER_DONE && r.method == METHOD_AGENT_SIGN_OUT) {
        s->signed_in = false;
    }
}

static void host_deliver_answer(struct engine_host *h, const struct view *v,
                                const struct delivery *d)
{
    struct session *s = session_find(h->sessions, d->session);

    if (s == NULL) {
        return;
    }
    if (delivery_request_unpack(d->request).late) {
        assert(s->in_flight > 0);
        s->in_flight--;
    }
    host_remember_agent(s, d);
    delivery_encode(session_packer(s), v, d, NULL);
    session_wrote(s);
}

static bool host_session_hears(const struct session *s, const struct delivery *d)
{
    return s->state == SESSION_OPEN && (s->notify == NOTIFY_ALL || (s->notify == NOTIFY_OUTCOME &&
                                                                    d->state >= CONTACT_COMPLETED));
}

/* To every connection that bears the owner's name; written once, and copied. */
static void host_deliver_to_owner(struct engine_host *h, const struct view *v,
                                  const struct delivery *d)
{
    struct connector *c = d->owner->attached > 0 ? d->owner->attachment : NULL;
    bool written = false;

    if (c == NULL) {
        return;
    }
    for (struct list_node *n = list_first(&c->sessions); n != NULL;
         n = list_next(&c->sessions, n)) {
        struct session *s = record_of(n, struct session, of_connector);

        if (!host_session_hears(s, d)) {
            continue;
        }
        if (!written) {
            packer_reset(&h->copied);
            delivery_encode(&h->copied, v, d, NULL);
            written = true;
        }
        packer_raw(session_packer(s), h->copied.bytes, h->copied.size);
        session_wrote_notice(s);
    }
}

static void host_deliver_to_agent(struct engine_host *h, const struct view *v,
                                  const struct delivery *d)
{
    struct session *s = session_find(h->sessions, d->session);

    if (s == NULL) {
        return;
    }
    delivery_encode(session_packer(s), v, d, h->given);
    session_wrote_notice(s);
    if (d->kind == NOTICE_SIGNED_OUT) {
        s->signed_in = false;
        if (d->closes) {
            session_finish(s, text_equal(d->reason, TEXT("agent_removed"))
                                  ? SESSION_END_AGENT_REMOVED
                                  : SESSION_END_TAKEN_OVER);
        }
    }
}

void host_deliver(void *context, const struct delivery *d)
{
    struct workspace *w = context;
    struct engine_host *h = w->host;
    struct view v;

    view_init(&v, w->engine, engine_now(w->engine));
    if (delivery_is_answer(d)) {
        host_deliver_answer(h, &v, d);
    } else if (d->kind == NOTICE_CONTACT_CHANGED) {
        host_deliver_to_owner(h, &v, d);
    } else {
        host_deliver_to_agent(h, &v, d);
    }
}

/* ---- stepping ---- */

enum refusal_kind host_step(struct engine_host *h, struct workspace *w, struct command *command)
{
    command->time = workspace_now(w, h->clock);
    if (!list_linked(&w->in_dirty)) {
        list_append(&h->dirty, &w->in_dirty);
    }
    return engine_step(w->engine, command);
}

static void host_set_deadline(struct engine_host *h, struct workspace *w)
{
    engine_time at = engine_next_deadline(w->engine);
    uint64_t key = at == TIME_NEVER     ? UINT64_MAX
                   : at < w->clock.base ? 0
                                        : (uint64_t)(at - w->clock.base);

    if (ranked_node_linked(&w->deadline)) {
        if (w->deadline.key.major == key) {
            return;
        }
        ranked_tree_remove(&h->deadlines, &w->deadline);
    }
    w->deadline.key = (struct ranked_key){key, w->number};
    if (key != UINT64_MAX) {
        ranked_tree_insert(&h->deadlines, &w->deadline);
    }
}

/* Clocks of engines that have run out. */
static void host_tick(struct engine_host *h)
{
    struct ranked_node *first;

    for (int ticks = 0;
         ticks < HOST_TICKS_A_TURN && (first = ranked_tree_first(&h->deadlines)) != NULL &&
         first->key.major <= (uint64_t)host_now(h);
         ticks++) {
        struct workspace *w = record_of(first, struct workspace, deadline);
        struct command tick = {.kind = COMMAND_TICK};

        host_step(h, w, &tick);
        host_set_deadline(h, w);
    }
}

/* The turn's end does what there is to do; this only wakes the loop. */
static void host_alarm(uv_timer_t *timer)
{
    (void)timer;
}

static void host_arm_alarm(struct engine_host *h)
{
    struct ranked_node *first = ranked_tree_first(&h->deadlines);
    uint64_t now = (uint64_t)host_now(h);
    uint64_t at =
        first == NULL || h->state != HOST_SERVING || h->stalled ? UINT64_MAX : first->key.major;

    if (at == h->alarm_at && (at == UINT64_MAX || uv_is_active((uv_handle_t *)&h->alarm))) {
        return;
    }
    h->alarm_at = at;
    if (at == UINT64_MAX) {
        uv_timer_stop(&h->alarm);
    } else {
        uv_timer_start(&h->alarm, host_alarm, at > now ? at - now : 1, 0);
    }
}

/* ---- sessions come and go ---- */

static void host_attach_step(struct engine_host *h, struct session *s)
{
    struct command c = {.kind = COMMAND_CONNECTOR_ATTACHED};

    c.connector.name = s->connector->name;
    c.connector.attachment = s->connector;
    host_step(h, s->workspace, &c);
    s->attached_to = h->generation;
}

void engine_host_attach(struct engine_host *h, struct session *s, struct text name)
{
    s->connector = workspace_connector(s->workspace, name);
    list_append(&s->connector->sessions, &s->of_connector);
    if (h->state == HOST_SERVING) {
        host_attach_step(h, s);
    }
}

/* After a start with new engines: who is connected is attached again. */
void host_attach_again(void *context, struct session *s)
{
    if (s->connector != NULL && s->state == SESSION_OPEN) {
        host_attach_step(context, s);
    }
}

void engine_host_departed(struct engine_host *h, struct session *s)
{
    session_hold(s);
    list_append(&h->departed, &s->in_departed);
}

static void host_depart(struct engine_host *h, struct session *s, bool tell)
{
    struct workspace *w = s->workspace;

    if (s->connector != NULL) {
        list_remove(&s->of_connector);
        if (tell && s->attached_to == h->generation) {
            struct command c = {.kind = COMMAND_CONNECTOR_DETACHED};

            c.connector.name = s->connector->name;
            c.connector.attachment = s->connector;
            host_step(h, w, &c);
        }
        if (list_empty(&s->connector->sessions)) {
            workspace_forget_connector(w, s->connector);
        }
        s->connector = NULL;
    } else if (tell && s->role == ROLE_AGENT && w != NULL) {
        struct command c = {.kind = COMMAND_SESSION_CLOSED};

        c.caller = (struct caller){.session = s->id, .role = CALLER_AGENT, .name = s->actor};
        host_step(h, w, &c);
    }
    session_drop(s);
}

/* While the engines run they hear who left; engines that are gone need not. While they stand still,
 * it waits. */
static void host_process_departed(struct engine_host *h)
{
    struct list_node *n;

    while ((n = list_first(&h->departed)) != NULL) {
        list_remove(n);
        host_depart(h, record_of(n, struct session, in_departed), h->state == HOST_SERVING);
    }
}

/* ---- the gate ---- */

static struct host_batch *host_oldest(const struct engine_host *h)
{
    return h->batch_head == h->batch_tail ? NULL
                                          : &h->batches[h->batch_head & (h->batch_capacity - 1)];
}

static void host_check_stall(struct engine_host *h)
{
    struct host_batch *oldest = host_oldest(h);
    static struct log_limit limit = {.most = 3};

    if (!h->stalled && oldest != NULL &&
        host_now(h) - oldest->committed_at > h->options.stall_after) {
        h->stalled = true;
        h->stalled_from = oldest->committed_at;
        log_event_limited(&limit, LOG_LEVEL_WARNING, "journal_stalled",
                          LOG_NUMBER("batches", h->batch_tail - h->batch_head));
    }
}

static enum host_gate host_gate_since(const struct engine_host *h, boot_ms since)
{
    /* Requests may have waited in the socket before: the rest of the time is theirs. */
    return host_now(h) - since > h->options.request_timeout * 3 / 4 ? GATE_UNAVAILABLE : GATE_WAIT;
}

enum host_gate engine_host_gate(struct engine_host *h, enum method_kind kind)
{
    switch (h->state) {
    case HOST_DRAINING:
        return GATE_DRAINING;
    case HOST_STARTING:
    case HOST_REOPENING:
        return host_gate_since(h, h->state_since);
    case HOST_REFUSING:
        return kind == METHOD_CHANGE ? GATE_UNAVAILABLE : GATE_OPEN;
    case HOST_SERVING:
        host_check_stall(h);
        return h->failed ? GATE_WAIT : h->stalled ? host_gate_since(h, h->stalled_from) : GATE_OPEN;
    }
    return GATE_WAIT;
}

/* It goes on: first the engines hear how long they stood still. Where no offer is out there is no
 * clock to move. */
static void host_end_stall(struct engine_host *h)
{
    duration_ms duration = host_now(h) - h->stalled_from;

    h->stalled = false;
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        struct command c = {.kind = COMMAND_JOURNAL_STALLED, .stalled = duration};
        struct engine_counts counts;

        engine_get_counts(h->workspaces[i]->engine, &counts);
        if (counts.live[CONTACT_OFFERED] > 0) {
            host_step(h, h->workspaces[i], &c);
        }
    }
}

/* ---- work ---- */

struct workspace *engine_host_find(struct engine_host *h, struct text name)
{
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        if (text_equal(h->workspaces[i]->name, name)) {
            return h->workspaces[i];
        }
    }
    return NULL;
}

struct dispatch_snapshot engine_host_snapshot(const struct workspace *w)
{
    return (struct dispatch_snapshot){.config = w->config,
                                      .version = engine_config_version(w->engine)};
}

static void host_refuse(struct engine_host *h, const struct caller *caller,
                        const struct response_error *error)
{
    struct session *s = session_find(h->sessions, caller->session);
    struct delivery_request r = delivery_request_unpack(caller->request);

    if (s != NULL) {
        s->in_flight -= r.late ? 1 : 0;
        session_refuse(s, r.msgid, error);
    }
}

bool engine_host_work(struct engine_host *h, struct workspace *w, struct work *work)
{
    struct dispatch_snapshot snapshot = engine_host_snapshot(w);
    struct command *c = &work->command;
    struct response_error error;
    char id[WORKSPACE_ID_BYTES];
    bool stepped;

    if (c->kind == COMMAND_UPDATE) {
        if (!updater_complete(&h->updater, w->engine, &snapshot, &h->options.limits, work,
                              &error)) {
            host_refuse(h, &c->caller, &error);
            return true;
        }
        h->given = &work->update.given;
    } else if (c->kind == COMMAND_SUBMIT && work->wants_id) {
        c->submit.id = workspace_make_id(w, id);
    }
    stepped = host_step(h, w, c) != REFUSED_OTHER_CONFIG;
    h->given = NULL;
    return stepped;
}

void engine_host_read(struct engine_host *h, struct session *s, const struct request *r)
{
    struct workspace *w = s->workspace;
    struct reader reader = {
        .role = s->role,
        .connector = s->connector != NULL ? s->connector->name : TEXT_NONE,
        .session = s->id,
    };
    struct view v;

    view_init(&v, w->engine, workspace_now(w, h->clock));
    reads_answer(session_packer(s), &v, &reader, r);
    session_wrote(s);
}

/* ---- batches ---- */

static struct host_batch *host_push_batch(struct engine_host *h)
{
    struct host_batch *b;

    if (h->batch_tail - h->batch_head == h->batch_capacity) {
        uint32_t capacity = h->batch_capacity == 0 ? 16 : h->batch_capacity * 2;
        struct host_batch *wider = memory_take(capacity * sizeof(*wider));

        for (uint64_t i = h->batch_head; i != h->batch_tail; i++) {
            wider[i & (capacity - 1)] = h->batches[i & (h->batch_capacity - 1)];
        }
        memory_give(h->batches);
        h->batches = wider;
        h->batch_capacity = capacity;
    }
    b = &h->batches[h->batch_tail++ & (h->batch_capacity - 1)];
    memset(b, 0, sizeof(*b));
    b->committed_at = host_now(h);
    return b;
}

/* The memory of marks goes round: from a confirmed batch to the next one. */
static void host_recycle_marks(struct engine_host *h, struct session_marks *marks)
{
    if (h->spare_marks.capacity < marks->capacity) {
        struct session_marks smaller = h->spare_marks;

        h->spare_marks = *marks;
        *marks = smaller;
    }
    h->spare_marks.count = 0;
    session_marks_close(marks);
}

static void host_batch_done(void *context, enum journal_status status)
{
    struct engine_host *h = context;
    struct host_batch *b = host_oldest(h);
    struct host_batch *next;

    assert(b != NULL);
    h->batch_head++;
    if (status != JOURNAL_OK) {
        if (!h->failed && h->state != HOST_REOPENING) {
            h->failed = true;
            h->failure = status;
        }
        host_recycle_marks(h, &b->marks);
        return;
    }
    session_table_release(h->sessions, &b->marks);
    host_recycle_marks(h, &b->marks);
    if (b->has_checkpoint && checkpointer_is_waiting(&h->checkpointer)) {
        checkpointer_durable(&h->checkpointer, h->workspaces, h->workspace_count);
    }
    if (h->state == HOST_STARTING && h->serving_after != 0 && h->batch_head >= h->serving_after) {
        h->failures = 0;
        host_enter(h, HOST_SERVING);
        h->events.serving(h->events.context);
    }
    next = host_oldest(h);
    if (h->stalled && h->state == HOST_SERVING && !h->failed &&
        (next == NULL || host_now(h) - next->committed_at <= h->options.stall_after)) {
        host_end_stall(h);
    }
}

/* Answers that made no facts speak of what the newest batch has, at most. */
static void host_join_newest(struct engine_host *h, const struct session_marks *marks)
{
    struct host_batch *newest = &h->batches[(h->batch_tail - 1) & (h->batch_capacity - 1)];
    uint32_t count = newest->marks.count + marks->count;

    if (count > newest->marks.capacity) {
        newest->marks.capacity = count * 2;
        newest->marks.items =
            memory_resize(newest->marks.items, newest->marks.capacity * sizeof(*marks->items));
    }
    memcpy(newest->marks.items + newest->marks.count, marks->items,
           marks->count * sizeof(*marks->items));
    newest->marks.count = count;
}

static void host_commit(struct engine_host *h, bool has_checkpoint)
{
    struct session_marks marks = h->spare_marks;

    memset(&h->spare_marks, 0, sizeof(h->spare_marks));
    session_table_seal(h->sessions, &marks);
    if (h->journal != NULL && h->state != HOST_REOPENING && journal_filled(h->journal) > 0) {
        struct host_batch *b = host_push_batch(h);

        b->marks = marks;
        b->has_checkpoint = has_checkpoint;
        if (h->state == HOST_STARTING && h->serving_after == 0) {
            h->serving_after = h->batch_tail;
        }
        journal_commit(h->journal, host_batch_done, h);
        return;
    }
    if (marks.count > 0 && host_oldest(h) != NULL) {
        host_join_newest(h, &marks);
    } else {
        session_table_release(h->sessions, &marks);
    }
    marks.count = 0;
    host_recycle_marks(h, &marks);
}

/* ---- turns ---- */

static void host_flush_dirty(struct engine_host *h)
{
    struct list_node *n;

    while ((n = list_first(&h->dirty)) != NULL) {
        struct workspace *w = record_of(n, struct workspace, in_dirty);

        list_remove(n);
        workspace_flush_facts(w, h->journal);
        host_set_deadline(h, w);
    }
}

bool engine_host_turn(struct engine_host *h)
{
    bool had_last_slice = checkpointer_is_waiting(&h->checkpointer);
    bool more = false;

    if (h->failed) {
        host_fail(h);
    }
    if (h->state == HOST_SERVING) {
        host_check_stall(h);
    }
    if (h->state == HOST_SERVING && !h->stalled) {
        host_process_departed(h);
        host_tick(h);
    } else if (h->state != HOST_SERVING) {
        host_process_departed(h);
    }
    if (!list_empty(&h->sessions->waiting) && engine_host_gate(h, METHOD_CHANGE) != GATE_WAIT) {
        session_table_resume(h->sessions);
    }
    host_flush_dirty(h);
    if (h->state == HOST_SERVING && !h->stalled && h->batch_tail - h->batch_head <= 1) {
        more = checkpointer_turn(&h->checkpointer, h->workspaces, h->workspace_count);
    }
    host_commit(h, checkpointer_is_waiting(&h->checkpointer) && !had_last_slice);
    host_arm_alarm(h);
    return more;
}

bool engine_host_has_news(const struct engine_host *h)
{
    bool standing = h->state == HOST_SERVING && h->stalled;

    return h->sessions->touched.count > 0 || (!standing && !list_empty(&h->departed));
}

void engine_host_drain(struct engine_host *h)
{
    uv_timer_stop(&h->retry);
    host_enter(h, HOST_DRAINING);
}

bool engine_host_is_quiet(const struct engine_host *h)
{
    return host_oldest(h) == NULL && list_empty(&h->dirty);
}

/* ---- the frame ---- */

void engine_host_init(struct engine_host *h, uv_loop_t *loop, struct clock *clock,
                      struct session_table *sessions, const struct engine_host_options *options,
                      const struct engine_host_events *events)
{
    memset(h, 0, sizeof(*h));
    h->loop = loop;
    h->clock = clock;
    h->sessions = sessions;
    h->options = *options;
    h->events = *events;
    list_init(&h->dirty);
    list_init(&h->departed);
    ranked_tree_init(&h->deadlines);
    h->alarm_at = UINT64_MAX;
    uv_timer_init(loop, &h->alarm);
    uv_timer_init(loop, &h->retry);
    h->retry.data = h;
    dispatch_init(&h->dispatch);
    updater_init(&h->updater);
    /* What does not outlive the process need not be shortened. */
    checkpointer_init(&h->checkpointer,
                      strcmp(options->journal, "memory") == 0 ? 0 : CHECKPOINTER_BYTES_MIN);
}

void engine_host_stop(struct engine_host *h, void (*closed)(void *context), void *context)
{
    uv_close((uv_handle_t *)&h->alarm, NULL);
    uv_close((uv_handle_t *)&h->retry, NULL);
    host_process_departed(h);
    checkpointer_reset(&h->checkpointer, NULL, 0);
    if (h->journal != NULL) {
        journal_destroy(h->journal, closed, context);
        h->journal = NULL;
    } else {
        closed(context);
    }
}

void engine_host_close(struct engine_host *h)
{
    host_drop_engines(h);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        workspace_destroy(h->workspaces[i]);
    }
    memory_give(h->workspaces);
    while (h->batch_head != h->batch_tail) {
        session_marks_close(&h->batches[h->batch_head++ & (h->batch_capacity - 1)].marks);
    }
    memory_give(h->batches);
    session_marks_close(&h->spare_marks);
    packer_close(&h->copied);
    checkpointer_close(&h->checkpointer);
    dispatch_close(&h->dispatch);
    updater_close(&h->updater);
}
