#include "router/server.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "queue/base/memory.h"
#include "router/log.h"

/* How often flushing may give sessions room for more before the loop gets its turn. */
#define SERVER_ROUNDS 8

/* ---- stopping ---- */

static void server_stopped(void *context)
{
    struct server *s = context;

    log_event(LOG_LEVEL_INFO, "stopped", LOG_NUMBER("status", s->status));
    uv_close((uv_handle_t *)&s->before_sleep, NULL);
    uv_close((uv_handle_t *)&s->after_sleep, NULL);
    uv_close((uv_handle_t *)&s->again, NULL);
    uv_close((uv_handle_t *)&s->drain_bound, NULL);
    for (int i = 0; i < SERVER_SIGNALS; i++) {
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    }
}

static void server_close_listeners(struct server *s)
{
    for (uint32_t i = 0; i < s->listener_count; i++) {
        listener_close(s->listeners[i]);
    }
    s->listener_count = 0;
    s->conversation.address_count = 0;
}

static void server_end_session(void *context, struct session *session)
{
    (void)context;
    session_end(session, SESSION_END_DRAINED);
}

/* Everything is said, or there is no more time to say it. */
static void server_stop(struct server *s)
{
    if (s->state == SERVER_STOPPING) {
        return;
    }
    s->state = SERVER_STOPPING;
    server_close_listeners(s);
    session_table_each(&s->sessions, server_end_session, s);
    session_table_stop(&s->sessions);
    engine_host_stop(&s->host, server_stopped, s);
}

static void server_drain(struct server *s)
{
    if (s->state == SERVER_STARTING) {
        server_stop(s);
        return;
    }
    if (s->state != SERVER_SERVING) {
        return;
    }
    s->state = SERVER_DRAINING;
    log_event(LOG_LEVEL_INFO, "draining", LOG_NUMBER("connections", s->sessions.live));
    server_close_listeners(s);
    conversation_turn(&s->conversation);
    engine_host_drain(&s->host);
    conversation_drain(&s->conversation, &s->sessions);
}

static void server_drain_bound(uv_timer_t *timer)
{
    struct server *s = timer->data;

    log_event(LOG_LEVEL_WARNING, "drain_cut_short", LOG_NUMBER("connections", s->sessions.live));
    server_stop(s);
}

static void server_broken(void *context)
{
    struct server *s = context;

    s->status = 1;
    server_stop(s);
}

/* ---- reload ---- */

static void server_log_problems(const struct config_problems *problems, const char *path)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        log_event(LOG_LEVEL_ERROR, "config_problem", LOG_WORDS("file", path),
                  LOG_NUMBER("line", problems->list[i].line),
                  LOG_NUMBER("column", problems->list[i].column),
                  LOG_WORDS("words", problems->list[i].message));
    }
}

static void server_reload_done(struct config_job *job)
{
    struct server *s = job->context;

    s->reloading = false;
    if (job->config == NULL) {
        server_log_problems(&job->problems, s->options.config_path);
        log_event(LOG_LEVEL_ERROR, "reload_refused",
                  LOG_WORDS("words", "the file has problems; nothing was changed"));
        config_job_close(job);
        return;
    }
    s->reload = job;
}

static void server_start_reload(struct server *s)
{
    struct config_job *job;

    if (s->reloading || s->reload != NULL || s->state != SERVER_SERVING) {
        return;
    }
    job = config_job_create(CONFIG_JOB_FILE);
    job->context = s;
    job->done = server_reload_done;
    s->reloading = true;
    config_job_start(&s->loop, job, text_from(s->options.config_path));
}

/* What was read is put in place when the engines can be told. */
static void server_finish_reload(struct server *s)
{
    struct config *config;

    if (s->reload == NULL || engine_host_gate(&s->host, METHOD_CHANGE) != GATE_OPEN) {
        return;
    }
    config = s->reload->config;
    s->reload->config = NULL;
    config_job_close(s->reload);
    s->reload = NULL;
    engine_host_reload(&s->host, config);
    if (!s->options.log_level_fixed) {
        log_set_level(config->node.log_level);
    }
    config_destroy(s->config);
    s->config = config;
    log_event(LOG_LEVEL_INFO, "reloaded", LOG_NUMBER("workspaces", config->workspace_count));
}

/* ---- turns ---- */

static void server_idle(uv_idle_t *handle)
{
    (void)handle; /* an active one keeps the loop from sleeping */
}

static void server_turn(struct server *s)
{
    bool more = false;
    int rounds = 0;

    if (s->state == SERVER_STOPPING) {
        session_table_flush(&s->sessions);
        clock_turn(&s->clock);
        return;
    }
    conversation_turn(&s->conversation);
    server_finish_reload(s);
    do {
        more = engine_host_turn(&s->host);
        session_table_flush(&s->sessions);
        rounds++;
    } while (engine_host_has_news(&s->host) && rounds < SERVER_ROUNDS &&
             s->state != SERVER_STOPPING);
    more = more || engine_host_has_news(&s->host);
    if (more && s->state != SERVER_STOPPING) {
        uv_idle_start(&s->again, server_idle);
    } else {
        uv_idle_stop(&s->again);
    }
    if (s->state == SERVER_DRAINING && s->sessions.live == 0 && engine_host_is_quiet(&s->host) &&
        conversation_is_quiet(&s->conversation) && !s->reloading) {
        server_stop(s);
    }
    log_flush();
    clock_turn(&s->clock);
}

static void server_before_sleep(uv_prepare_t *handle)
{
    server_turn(handle->data);
}

static void server_after_sleep(uv_check_t *handle)
{
    server_turn(handle->data);
}

static void server_signal(uv_signal_t *handle, int number)
{
    struct server *s = handle->data;

    if (number == SIGHUP) {
        server_start_reload(s);
        return;
    }
    if (s->state == SERVER_SERVING) {
        uv_timer_start(&s->drain_bound, server_drain_bound, (uint64_t)s->node.drain_timeout, 0);
    }
    server_drain(s);
}

/* ---- starting ---- */

static bool server_listen(struct server *s)
{
    char problem[512];

    for (uint32_t i = 0; i < s->options.listen_count; i++) {
        struct listener *l = listener_open(&s->loop, s->options.listen[i], s->options.insecure,
                                           &s->sessions, problem, sizeof(problem));

        if (l == NULL) {
            log_event(LOG_LEVEL_ERROR, "cannot_listen", LOG_WORDS("words", problem));
            return false;
        }
        s->listeners[s->listener_count] = l;
        s->addresses[s->listener_count++] = text_from(listener_url(l));
        log_event(LOG_LEVEL_INFO, "listening", LOG_WORDS("address", listener_url(l)));
    }
    s->conversation.addresses = s->addresses;
    s->conversation.address_count = s->listener_count;
    return true;
}

/* Also after the journal was lost and is back: then the listeners are there already. */
static void server_serving(void *context)
{
    struct server *s = context;

    if (s->state != SERVER_STARTING) {
        return;
    }
    if (!server_listen(s)) {
        server_broken(s);
        return;
    }
    s->state = SERVER_SERVING;
    log_event(LOG_LEVEL_INFO, "ready", LOG_TEXT("address", s->addresses[0]),
              LOG_NUMBER("workspaces", s->host.workspace_count), LOG_NUMBER("pid", getpid()));
}

static void server_init_sessions(struct server *s)
{
    const struct session_options options = {
        .limits = s->node.limits,
        .heartbeat = s->node.heartbeat,
        .hello_timeout = s->node.hello_timeout,
        .connections_max = s->node.connections_max,
        .output_max = s->node.output_max,
    };
    const struct session_handler handler = {
        .context = &s->conversation,
        .frame = conversation_frame,
        .ended = conversation_ended,
    };

    session_table_init(&s->sessions, &s->loop, &s->clock, &options, &handler);
}

static void server_init_host(struct server *s)
{
    struct engine_host_options options = {
        .segment_bytes = s->node.segment_bytes,
        .stall_after = s->node.stall_after,
        .request_timeout = s->node.request_timeout,
        .limits = s->node.limits,
    };
    const struct engine_host_events events = {
        .context = s,
        .serving = server_serving,
        .broken = server_broken,
    };

    snprintf(options.journal, sizeof(options.journal), TEXT_FORMAT, TEXT_ARGS(s->options.journal));
    engine_host_init(&s->host, &s->loop, &s->clock, &s->sessions, &options, &events);
}

static void server_init_conversation(struct server *s)
{
    struct conversation_options options = {
        .limits = s->node.limits,
        .heartbeat = s->node.heartbeat,
    };

    if (s->options.node.length > 0) {
        snprintf(options.node, sizeof(options.node), TEXT_FORMAT, TEXT_ARGS(s->options.node));
    } else if (gethostname(options.node, sizeof(options.node) - 1) != 0) {
        snprintf(options.node, sizeof(options.node), "node");
    }
    conversation_init(&s->conversation, &s->loop, &s->clock, &s->host, &options);
}

static void server_init_loop(struct server *s)
{
    static const int numbers[SERVER_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

    uv_loop_init(&s->loop);
    uv_prepare_init(&s->loop, &s->before_sleep);
    uv_check_init(&s->loop, &s->after_sleep);
    uv_idle_init(&s->loop, &s->again);
    uv_timer_init(&s->loop, &s->drain_bound);
    s->before_sleep.data = s->after_sleep.data = s->again.data = s->drain_bound.data = s;
    uv_prepare_start(&s->before_sleep, server_before_sleep);
    uv_check_start(&s->after_sleep, server_after_sleep);
    for (int i = 0; i < SERVER_SIGNALS; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], server_signal, numbers[i]);
    }
}

static void server_close(struct server *s)
{
    int status;

    engine_host_close(&s->host);
    session_table_close(&s->sessions);
    if (s->reload != NULL) {
        config_job_close(s->reload);
    }
    config_destroy(s->config);
    status = uv_loop_close(&s->loop);
    assert(status == 0);
    (void)status;
    log_flush();
}

int server_run(const struct server_options *options, struct config *config)
{
    struct server *s = memory_take(sizeof(*s));
    char problem[1024] = "";
    int status;

    s->options = *options;
    s->node = config->node;
    s->config = config;
    clock_init(&s->clock, NULL);
    server_init_loop(s);
    server_init_sessions(s);
    server_init_host(s);
    server_init_conversation(s);
    if (!engine_host_start(&s->host, config, problem, sizeof(problem))) {
        log_event(LOG_LEVEL_ERROR, "cannot_start", LOG_WORDS("words", problem));
        server_broken(s);
    }
    uv_run(&s->loop, UV_RUN_DEFAULT);
    status = s->status;
    server_close(s);
    memory_give(s);
    return status;
}
