#include "router/engine_host.h"

#include <assert.h>

#include "queue/base/defect.h"
#include "queue/base/memory.h"
#include "queue/base/rare.h"
#include "router/engine_host_inside.h"
#include "router/log.h"

#define HOST_TICKS_A_TURN 64

/* ---- the notice on the gate ---- */

/* The state in three bits, whether it stands still in one, and since when. */
#define HOST_NOTICE_STILL 8u
#define HOST_NOTICE_BITS  4

/* Others look without being told; who waits behind a shut gate is woken when it opens. */
void host_put_up_notice(struct engine_host *h)
{
    bool still = h->state == HOST_SERVING && (h->stalled || h->failed);
    boot_ms since = still && h->stalled ? h->stalled_from : h->state_since;

    atomic_store(&h->notice, (uint64_t)since << HOST_NOTICE_BITS | (still ? HOST_NOTICE_STILL : 0) |
                                 (uint64_t)h->state);
    if (!still) {
        mailbox_ring_all(h->post->box);
    }
}

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
    host_put_up_notice(h);
}

/* ---- the engine's sink ---- */

void host_fact(void *context, const struct fact *fact)
{
    struct workspace *w = context;

    if (w->host->keeps) {
        workspace_add_fact(w, w->host->journal, fact);
    }
}

bool host_open(struct engine_host *h, struct outlet *o, uint64_t session, unsigned flags,
               enum session_end_reason reason)
{
    o->flags = flags;
    o->reason = reason;
    o->session = NULL;
    if (session_id_reactor(session) != h->place.reactor) {
        o->packer = post_begin(h->post, session, flags, reason, &o->mark);
        return true;
    }
    o->session = session_find(h->sessions, session);
    if (o->session == NULL) {
        return false;
    }
    o->packer =
        (flags & MAIL_URGENT) != 0 ? session_urgent_packer(o->session) : session_packer(o->session);
    return true;
}

void host_close(struct outlet *o)
{
    if (o->session != NULL) {
        session_delivered(o->session, o->flags, o->reason);
    } else {
        post_end(o->packer, o->mark);
    }
}

/* The guest whose command this answers bears the agent's name from now on. */
static RARE void host_remember_agent(struct engine_host *h, const struct delivery *d)
{
    struct guest *g = (struct guest *)(uintptr_t)h->caller;

    if (g == NULL || g->session != d->session) {
        return;
    }
    if (d->kind == ANSWER_SIGNED_IN) {
        guest_set_actor(g, d->agent->id);
        g->signed_in = true;
    } else if (d->kind == ANSWER_DONE &&
               delivery_request_unpack(d->request).method == METHOD_AGENT_SIGN_OUT) {
        g->signed_in = false;
    }
}

/* What is not heard is not looked at. */
static void host_encode(struct packer *p, const struct workspace *w, const struct delivery *d,
                        const struct delivery_given *given)
{
    struct view v;

    view_init(&v, w->engine, engine_now(w->engine));
    delivery_encode(p, &v, d, given);
}

static void host_deliver_answer(struct workspace *w, const struct delivery *d)
{
    struct engine_host *h = w->host;
    struct outlet o;

    if (d->kind == ANSWER_SIGNED_IN || d->kind == ANSWER_DONE) {
        host_remember_agent(h, d);
    }
    if (host_open(h, &o, d->session, host_answer_flags(delivery_request_unpack(d->request)), 0)) {
        host_encode(o.packer, w, d, NULL);
        host_close(&o);
    }
}

static bool host_guest_hears(const struct guest *g, const struct delivery *d)
{
    return g->notify == NOTIFY_ALL ||
           (g->notify == NOTIFY_OUTCOME && d->state >= CONTACT_COMPLETED);
}

/* To every connection that bears the owner's name; written once, and copied. */
static CALLED void host_deliver_to_owner(struct workspace *w, const struct delivery *d)
{
    struct engine_host *h = w->host;
    struct connector *c = d->owner->attached > 0 ? d->owner->attachment : NULL;
    bool written = false;
    struct outlet o;

    if (c == NULL) {
        return;
    }
    for (struct list_node *n = list_first(&c->guests); n != NULL; n = list_next(&c->guests, n)) {
        struct guest *g = record_of(n, struct guest, of_connector);

        if (!host_guest_hears(g, d) || !host_open(h, &o, g->session, MAIL_NOTICE, 0)) {
            continue;
        }
        if (!written) {
            packer_reset(&h->copied);
            host_encode(&h->copied, w, d, NULL);
            written = true;
        }
        packer_raw(o.packer, h->copied.bytes, h->copied.size);
        host_close(&o);
    }
}

static void host_deliver_to_agent(struct workspace *w, const struct delivery *d)
{
    struct engine_host *h = w->host;
    bool finish = d->kind == NOTICE_SIGNED_OUT && d->closes;
    struct outlet o;

    if (host_open(h, &o, d->session, MAIL_NOTICE | (finish ? MAIL_FINISH : 0u),
                  finish && text_equal(d->reason, TEXT("agent_removed"))
                      ? SESSION_END_AGENT_REMOVED
                      : SESSION_END_TAKEN_OVER)) {
        host_encode(o.packer, w, d, h->given);
        host_close(&o);
    }
}

void host_deliver(void *context, const struct delivery *d)
{
    struct workspace *w = context;

    if (delivery_is_answer(d)) {
        host_deliver_answer(w, d);
    } else if (d->kind == NOTICE_CONTACT_CHANGED) {
        host_deliver_to_owner(w, d);
    } else {
        host_deliver_to_agent(w, d);
    }
}

/* ---- stepping ---- */

enum refusal_kind host_step(struct engine_host *h, struct workspace *w, const struct guest *caller,
                            struct command *command)
{
    enum refusal_kind refused;

    command->time = workspace_now(w, h->clock);
    if (!list_linked(&w->in_dirty)) {
        list_append(&h->dirty, &w->in_dirty);
    }
    h->caller = caller;
    refused = engine_step(w->engine, command);
    h->caller = NULL;
    return refused;
}

void host_set_deadline(struct engine_host *h, struct workspace *w)
{
    engine_time at = workspace_is_served(w) ? engine_next_deadline(w->engine) : TIME_NEVER;
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

        host_step(h, w, NULL, &tick);
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

/* ---- the gate ---- */

static struct host_batch *host_oldest(const struct engine_host *h)
{
    return h->batch_head == h->batch_tail ? NULL
                                          : &h->batches[h->batch_head & (h->batch_capacity - 1)];
}

static __attribute__((cold)) void host_begin_stall(struct engine_host *h, boot_ms from)
{
    static struct log_limit limit = {.most = 3};

    h->stalled = true;
    h->stalled_from = from;
    host_put_up_notice(h);
    log_event_limited(&limit, LOG_LEVEL_WARNING, "journal_stalled",
                      LOG_NUMBER("batches", h->batch_tail - h->batch_head));
}

static inline void host_check_stall(struct engine_host *h)
{
    struct host_batch *oldest = host_oldest(h);

    if (oldest != NULL && !h->stalled &&
        host_now(h) - oldest->committed_at > h->options.stall_after) {
        host_begin_stall(h, oldest->committed_at);
    }
}

static enum host_gate host_gate_since(const struct engine_host *h, boot_ms now, boot_ms since)
{
    /* Requests may have waited in the socket before: the rest of the time is theirs. */
    return now - since > h->options.request_timeout * 3 / 4 ? GATE_UNAVAILABLE : GATE_WAIT;
}

static enum host_gate host_gate_of(const struct engine_host *h, enum host_state state, bool still,
                                   boot_ms now, boot_ms since, enum method_kind kind)
{
    switch (state) {
    case HOST_DRAINING:
        return GATE_DRAINING;
    case HOST_STARTING:
    case HOST_REOPENING:
        return host_gate_since(h, now, since);
    case HOST_REFUSING:
        return kind == METHOD_CHANGE ? GATE_UNAVAILABLE : GATE_OPEN;
    case HOST_SERVING:
        return still ? host_gate_since(h, now, since) : GATE_OPEN;
    }
    return GATE_WAIT;
}

enum host_gate engine_host_gate(struct engine_host *h, enum method_kind kind)
{
    if (h->state == HOST_SERVING) {
        host_check_stall(h);
        if (h->failed) {
            return GATE_WAIT;
        }
        if (DEFECT(READS_UNCONFIRMED) && kind == METHOD_READ) {
            return GATE_OPEN;
        }
        return h->stalled ? host_gate_since(h, host_now(h), h->stalled_from) : GATE_OPEN;
    }
    return host_gate_of(h, h->state, false, host_now(h), h->state_since, kind);
}

enum host_gate engine_host_gate_far(const struct engine_host *h, struct clock *mine,
                                    enum method_kind kind)
{
    uint64_t notice = atomic_load(&h->notice);

    return host_gate_of(h, (enum host_state)(notice & (HOST_NOTICE_STILL - 1)),
                        (notice & HOST_NOTICE_STILL) != 0, clock_now(mine),
                        (boot_ms)(notice >> HOST_NOTICE_BITS), kind);
}

enum host_gate engine_host_gate_door(const struct engine_host *h, const struct door *door,
                                     struct clock *mine)
{
    switch (door_service(door)) {
    case DOOR_SERVED:
        return GATE_OPEN;
    case DOOR_WAITS:
        return host_gate_since(h, clock_now(mine), atomic_load(&door->service_since));
    case DOOR_ELSEWHERE:
        return GATE_ELSEWHERE;
    }
    return GATE_WAIT;
}

bool engine_host_takes_letters(struct engine_host *h)
{
    if (h->state == HOST_STARTING || h->state == HOST_REOPENING) {
        return false; /* there may be no engines */
    }
    return engine_host_gate(h, METHOD_CHANGE) != GATE_WAIT;
}

/* It goes on: first the engines hear how long they stood still. Where no offer is out there is no
 * clock to move. */
static void host_end_stall(struct engine_host *h)
{
    duration_ms duration = host_now(h) - h->stalled_from;

    h->stalled = false;
    host_put_up_notice(h);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        struct command c = {.kind = COMMAND_JOURNAL_STALLED, .stalled = duration};
        struct engine_counts counts;

        if (!workspace_is_served(h->workspaces[i])) {
            continue;
        }
        engine_get_counts(h->workspaces[i]->engine, &counts);
        if (counts.live[CONTACT_OFFERED] > 0) {
            host_step(h, h->workspaces[i], NULL, &c);
        }
    }
}

/* ---- work ---- */

void host_refuse(struct engine_host *h, const struct caller *caller,
                 const struct response_error *error, bool urgently)
{
    struct delivery_request r = delivery_request_unpack(caller->request);
    struct outlet o;

    if (host_open(h, &o, caller->session,
                  host_answer_flags(r) | (urgently ? (unsigned)MAIL_URGENT : 0u), 0)) {
        response_error(o.packer, r.msgid, error);
        host_close(&o);
    }
}

/* An agent may name itself, and nobody else. */
static RARE bool host_owns_state(struct engine_host *h, const struct guest *g, struct command *c)
{
    struct response_error e = response_error_of(ERROR_FORBIDDEN);

    if (g->role != ROLE_AGENT || text_is_none(c->set_state.agent)) {
        return true;
    }
    if (g->signed_in && text_equal(c->set_state.agent, g->actor)) {
        c->set_state.agent = TEXT_NONE;
        return true;
    }
    e.field = TEXT("agent");
    e.message = TEXT("an agent sets its own state only");
    host_refuse(h, &c->caller, &e, false);
    return false;
}

/* What the command of an update lacks. False: it is refused. */
static RARE bool host_complete_update(struct engine_host *h, struct workspace *w, struct work *work)
{
    struct dispatch_snapshot snapshot = door_snapshot(w->door);
    struct response_error error;

    if (!updater_complete(&h->updater, w->engine, &snapshot, &h->options.limits, work, &error)) {
        host_refuse(h, &work->command.caller, &error, false);
        return false;
    }
    h->given = &work->update.given;
    return true;
}

bool engine_host_work(struct engine_host *h, struct guest *g, struct work *work)
{
    struct workspace *w = g->workspace;
    struct command *c = &work->command;
    bool stepped;

    h->commands++;
    c->caller.name = g->actor;
    if (c->kind == COMMAND_UPDATE && !host_complete_update(h, w, work)) {
        return true;
    }
    if (c->kind == COMMAND_SUBMIT && work->wants_id) {
        c->submit.id = workspace_make_id(w, h->made_id);
    } else if (c->kind == COMMAND_SET_STATE && !host_owns_state(h, g, c)) {
        return true;
    }
    stepped = host_step(h, w, g, c) != REFUSED_OTHER_CONFIG;
    h->given = NULL;
    return stepped;
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

static void host_serve(struct engine_host *h);

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
            host_put_up_notice(h);
        }
        host_recycle_marks(h, &b->marks);
        mail_list_drop(&b->mails);
        return;
    }
    session_table_release(h->sessions, &b->marks);
    host_recycle_marks(h, &b->marks);
    post_send(h->post, &b->mails);
    if (b->has_checkpoint && checkpointer_is_waiting(&h->checkpointer)) {
        checkpointer_durable(&h->checkpointer, h->workspaces, h->workspace_count);
    }
    if (h->state == HOST_STARTING && h->serving_after != 0 && h->batch_head >= h->serving_after) {
        host_serve(h);
    }
    next = host_oldest(h);
    if (h->stalled && h->state == HOST_SERVING && !h->failed &&
        (next == NULL || host_now(h) - next->committed_at <= h->options.stall_after)) {
        host_end_stall(h);
    }
}

/* Answers that made no facts speak of what the newest batch has, at most. */
static void host_join_newest(struct engine_host *h, const struct session_marks *marks,
                             struct mail_list *mails)
{
    struct host_batch *newest = &h->batches[(h->batch_tail - 1) & (h->batch_capacity - 1)];
    uint32_t count = newest->marks.count + marks->count;

    mail_list_append(&newest->mails, mails);
    if (marks->count == 0) {
        return;
    }
    if (count > newest->marks.capacity) {
        newest->marks.capacity = count * 2;
        newest->marks.items =
            memory_resize(newest->marks.items, newest->marks.capacity * sizeof(*marks->items));
    }
    memcpy(newest->marks.items + newest->marks.count, marks->items,
           marks->count * sizeof(*marks->items));
    newest->marks.count = count;
}

/* Nothing that a start says is left to wait for. */
static void host_serve(struct engine_host *h)
{
    h->failures = 0;
    host_enter(h, HOST_SERVING);
    h->events.serving(h->events.context);
}

static void host_commit(struct engine_host *h, bool has_checkpoint)
{
    struct session_marks marks = h->spare_marks;
    struct mail_list mails = {NULL, NULL};

    memset(&h->spare_marks, 0, sizeof(h->spare_marks));
    session_table_seal(h->sessions, &marks);
    post_collect(h->post, &mails);
    if (h->journal != NULL && h->state != HOST_REOPENING &&
        (journal_filled(h->journal) > 0 ||
         (h->options.shared && (marks.count > 0 || mails.first != NULL)))) {
        struct host_batch *b = host_push_batch(h);

        b->marks = marks;
        b->mails = mails;
        b->has_checkpoint = has_checkpoint;
        if (h->state == HOST_STARTING && h->serving_after == 0) {
            h->serving_after = h->batch_tail;
        }
        journal_commit(h->journal, host_batch_done, h);
        return;
    }
    if (host_oldest(h) != NULL) {
        host_join_newest(h, &marks, &mails);
    } else {
        session_table_release(h->sessions, &marks);
        post_send(h->post, &mails);
        if (h->state == HOST_STARTING && h->journal != NULL) {
            host_serve(h); /* a journal that keeps nothing, or no workspace here */
        }
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
    if (h->retired_count > 0 && host_now(h) - h->retired_at > HOST_RETIRED_MS) {
        host_destroy_retired(h);
    }
    if (h->state == HOST_SERVING) {
        host_check_stall(h);
    }
    if (h->state == HOST_SERVING && !h->stalled) {
        host_process_departed(h);
        if (h->continuing) {
            host_go_on(h);
        }
        host_tick(h);
    } else if (h->state != HOST_SERVING) {
        host_process_departed(h);
    }
    if (!list_empty(&h->sessions->waiting) &&
        (h->post->box->exchange->count > 1 || engine_host_gate(h, METHOD_CHANGE) != GATE_WAIT)) {
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
    host_say_draining(h);
}

bool engine_host_is_quiet(const struct engine_host *h)
{
    return host_oldest(h) == NULL && list_empty(&h->dirty);
}

void engine_host_fail(struct engine_host *h)
{
    if (h->state != HOST_REOPENING && h->journal != NULL) {
        h->failure = JOURNAL_FAILED;
        host_fail(h);
    }
}

/* ---- the frame ---- */

void engine_host_init(struct engine_host *h, const struct engine_host_place *place,
                      const struct engine_host_options *options,
                      const struct engine_host_events *events)
{
    memset(h, 0, sizeof(*h));
    h->place = *place;
    h->clock = place->clock;
    h->sessions = place->sessions;
    h->post = place->post;
    h->visitor = place->visitor;
    h->options = *options;
    h->events = *events;
    list_init(&h->dirty);
    h->write_version = FACT_VERSION;
    list_init(&h->departed);
    list_init(&h->guests);
    list_init(&h->untold);
    ranked_tree_init(&h->deadlines);
    h->alarm_at = UINT64_MAX;
    uv_timer_init(place->loop, &h->alarm);
    uv_timer_init(place->loop, &h->retry);
    h->retry.data = h;
    dispatch_init(&h->dispatch);
    updater_init(&h->updater);
    checkpointer_init(&h->checkpointer, 0);
}

void engine_host_stop(struct engine_host *h, void (*closed)(void *context), void *context)
{
    uv_close((uv_handle_t *)&h->alarm, NULL);
    uv_close((uv_handle_t *)&h->retry, NULL);
    host_enter(h, HOST_DRAINING);
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
    struct list_node *n;

    while ((n = list_first(&h->guests)) != NULL || (n = list_first(&h->untold)) != NULL) {
        engine_host_left(h, record_of(n, struct guest, in_guests));
    }
    host_process_departed(h);
    host_drop_engines(h);
    host_destroy_retired(h);
    memory_give(h->retired);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        workspace_destroy(h->workspaces[i]);
    }
    memory_give(h->workspaces);
    while (h->batch_head != h->batch_tail) {
        struct host_batch *b = &h->batches[h->batch_head++ & (h->batch_capacity - 1)];

        session_marks_close(&b->marks);
        mail_list_drop(&b->mails);
    }
    memory_give(h->batches);
    session_marks_close(&h->spare_marks);
    packer_close(&h->copied);
    checkpointer_close(&h->checkpointer);
    dispatch_close(&h->dispatch);
    updater_close(&h->updater);
}
