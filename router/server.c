#include "router/server.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "queue/base/memory.h"
#include "router/log.h"

void server_say(struct server *s, struct reactor *r, _Atomic bool *word)
{
    (void)s;
    atomic_store(word, true);
    mailbox_ring_all(r->post.box);
}

/* ---- stopping ---- */

static void server_close_handles(struct server *s)
{
    if (!uv_is_closing((uv_handle_t *)&s->drain_bound)) {
        uv_close((uv_handle_t *)&s->drain_bound, NULL);
    }
    for (int i = 0; i < SERVER_SIGNALS; i++) {
        if (!uv_is_closing((uv_handle_t *)&s->signals[i])) {
            uv_close((uv_handle_t *)&s->signals[i], NULL);
        }
    }
}

void server_reactor_stopped(struct server *s, struct reactor *r)
{
    if (r->index == 0) {
        server_close_handles(s);
    }
}

/* Nobody is quiet who may get anything to do by another: all sessions of all are gone then. */
void server_reactor_quiet(struct server *s, struct reactor *r)
{
    if (atomic_fetch_add(&s->quiet, 1) + 1 == s->count) {
        server_say(s, r, &s->stopping);
        reactor_stop(r);
    }
}

static void server_drain_bound(uv_timer_t *timer)
{
    struct server *s = timer->data;

    log_event(LOG_LEVEL_WARNING, "drain_cut_short",
              LOG_NUMBER("connections", atomic_load(&s->connections)));
    server_say(s, &s->reactors[0], &s->stopping);
}

static void server_drain(struct server *s)
{
    if (!s->said_ready) {
        server_say(s, &s->reactors[0], &s->stopping);
    } else if (!server_is(&s->draining)) {
        atomic_fetch_or(&s->keeper_node.draining, KEEPER_DRAIN_STOP);
        uv_timer_start(&s->drain_bound, server_drain_bound, (uint64_t)s->node.drain_timeout, 0);
        log_event(LOG_LEVEL_INFO, "draining",
                  LOG_NUMBER("connections", atomic_load(&s->connections)));
        server_say(s, &s->reactors[0], &s->draining);
    }
}

bool server_may_drain(const struct server *s, const struct reactor *r)
{
    return server_is(&s->draining) && (!s->shared || keeper_is_empty(&r->keeper)) &&
           !engine_host_is_telling(&r->host);
}

void server_ousted(void *context, const char *why)
{
    (void)why; /* logged */
    server_host_broken(context);
}

void server_host_broken(void *context)
{
    struct reactor *r = context;

    atomic_store(&r->server->status, 1);
    server_say(r->server, r, &r->server->stopping);
}

/* ---- the journal fails ---- */

void server_host_failed(void *context)
{
    struct reactor *r = context;

    server_say(r->server, r, &r->server->failed);
}

void server_port_closed(void *context)
{
    struct reactor *r = context;

    if (atomic_fetch_sub(&r->server->ports_open, 1) == 1) {
        mailbox_ring_all(r->post.box);
    }
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

static void server_reload_read(struct config_job *job)
{
    struct server *s = job->context;

    if (job->config == NULL) {
        s->reading = false;
        server_log_problems(&job->problems, s->options.config_path);
        log_event(LOG_LEVEL_ERROR, "reload_refused",
                  LOG_WORDS("words", "the file has problems; nothing was changed"));
        config_job_close(job);
        return;
    }
    s->read = job;
}

static void server_start_reload(struct server *s)
{
    struct config_job *job;

    if (s->reading || !s->said_ready || server_is(&s->draining) || server_is(&s->stopping)) {
        return;
    }
    job = config_job_create(CONFIG_JOB_FILE);
    job->context = s;
    job->done = server_reload_read;
    s->reading = true;
    config_job_start(&s->reactors[0].loop, job, text_from(s->options.config_path));
}

/* What was read becomes everybody's; each applies it when its engines can be told. */
static void server_publish_reload(struct server *s)
{
    struct config *config = s->read->config;

    s->read->config = NULL;
    config_job_close(s->read);
    s->read = NULL;
    for (uint32_t i = 0; i < config->workspace_count; i++) {
        if (directory_find(&s->directory, config->workspaces[i]->name) == NULL) {
            directory_add(&s->directory, config->workspaces[i]->name);
        }
    }
    s->reload = config;
    atomic_store(&s->reload_left, s->count);
    atomic_fetch_add(&s->reload_number, 1);
    mailbox_ring_all(s->reactors[0].post.box);
}

/* Workspaces that the file has anew: whoever owns them, this node follows them. */
static void server_keep_new(struct server *s, struct reactor *r)
{
    for (uint32_t i = 0; i < s->reload->workspace_count; i++) {
        struct door *door = directory_find(&s->directory, s->reload->workspaces[i]->name);

        if (door->owner == r->index && door->workspace == NULL) {
            keeper_add(&r->keeper, engine_host_workspace(&r->host, door));
        }
    }
}

void server_reload_here(struct server *s, struct reactor *r)
{
    if (s->shared) {
        server_keep_new(s, r);
    }
    engine_host_reload(&r->host, s->reload);
    if (atomic_fetch_sub(&s->reload_left, 1) == 1) {
        mailbox_ring_all(r->post.box);
    }
}

static bool server_reload_is_over(const struct server *s)
{
    return s->reload != NULL && atomic_load(&s->reload_left) == 0;
}

/* Nobody looks at the file before any more. */
static void server_finish_reload(struct server *s)
{
    config_destroy(s->config);
    s->config = s->reload;
    s->reload = NULL;
    s->reading = false;
    if (!s->options.log_level_fixed) {
        log_set_level(s->config->node.log_level);
    }
    log_event(LOG_LEVEL_INFO, "reloaded", LOG_NUMBER("workspaces", s->config->workspace_count));
}

bool server_is_reading(const struct server *s, const struct reactor *r)
{
    return r->index == 0 && s->reading && s->read == NULL && s->reload == NULL;
}

/* ---- what the first reactor does for all ---- */

static bool server_must_reopen(const struct server *s)
{
    return server_is(&s->failed) && atomic_load(&s->ports_open) == 0 && !server_is(&s->stopping);
}

static bool server_must_say_ready(const struct server *s)
{
    return !s->said_ready && atomic_load(&s->listening) == s->count;
}

bool server_has_news(const struct server *s, const struct reactor *r)
{
    return r->index == 0 && !r->stopped &&
           (server_must_reopen(s) || server_must_say_ready(s) || s->read != NULL ||
            server_reload_is_over(s));
}

void server_heed(struct server *s, struct reactor *r)
{
    if (r->index != 0) {
        return;
    }
    if (server_must_reopen(s)) {
        if (server_is(&s->draining)) {
            server_say(s, r, &s->stopping);
        } else {
            server_reopen_journal(s, r);
        }
    }
    if (server_must_say_ready(s)) {
        s->said_ready = true;
        log_event(LOG_LEVEL_INFO, "ready", LOG_TEXT("address", s->addresses[0]),
                  LOG_NUMBER("workspaces", s->directory.count), LOG_NUMBER("reactors", s->count),
                  LOG_NUMBER("pid", getpid()));
    }
    if (s->read != NULL) {
        server_publish_reload(s);
    }
    if (server_reload_is_over(s)) {
        server_finish_reload(s);
    }
}

static void server_signal(uv_signal_t *handle, int number)
{
    struct server *s = handle->data;

    if (number == SIGHUP) {
        server_start_reload(s);
    } else {
        server_drain(s);
    }
}

/* ---- listening ---- */

/* The first takes the ports; the others join it there. Also after the journal was lost and is back:
 * then the listeners are there already. */
void server_host_serving(void *context)
{
    struct reactor *r = context;

    if (!r->served) {
        r->served = true;
        atomic_fetch_add(&r->server->serving, 1);
        mailbox_ring_all(r->post.box);
    }
}

bool server_may_listen(const struct server *s, const struct reactor *r)
{
    return atomic_load(&s->serving) == s->count && !server_is(&s->draining) &&
           (r->index == 0 || atomic_load(&s->listening) > 0);
}

static bool server_open_listener(struct server *s, struct reactor *r, uint32_t i)
{
    char problem[512];
    struct listener *l = r->index == 0
                             ? listener_open(&r->loop, s->options.listen[i], s->options.insecure,
                                             s->count > 1, &r->sessions, problem, sizeof(problem))
                             : listener_join(&r->loop, s->reactors[0].listeners[i], &r->sessions,
                                             problem, sizeof(problem));

    if (l == NULL) {
        log_event(LOG_LEVEL_ERROR, "cannot_listen", LOG_WORDS("words", problem));
        return false;
    }
    r->listeners[r->listener_count++] = l;
    if (r->index == 0) {
        snprintf(s->address_bytes[i], sizeof(s->address_bytes[i]), "%s", listener_url(l));
        s->addresses[s->address_count++] = text_from(s->address_bytes[i]);
        log_event(LOG_LEVEL_INFO, "listening", LOG_WORDS("address", listener_url(l)));
    }
    return true;
}

/* Where others find us may not be where we listen. */
static void server_advertise(struct server *s)
{
    if (!text_is_none(s->options.advertise) && s->options.advertise.length > 0) {
        snprintf(s->advertised, sizeof(s->advertised), "tcp://" TEXT_FORMAT,
                 TEXT_ARGS(s->options.advertise));
        s->addresses[0] = text_from(s->advertised);
        s->address_count = 1;
    }
}

static bool server_open_listeners(struct server *s, struct reactor *r)
{
    for (uint32_t i = 0; i < s->options.listen_count; i++) {
        if (!server_open_listener(s, r, i)) {
            server_host_broken(r);
            return false;
        }
    }
    return true;
}

void server_listen(struct server *s, struct reactor *r)
{
    bool open = false;

    uv_mutex_lock(&s->ports);
    /* Those of the first reactor may be closed since it was asked. */
    if (!server_is(&s->draining) && !server_is(&s->stopping)) {
        open = server_open_listeners(s, r);
    }
    uv_mutex_unlock(&s->ports);
    if (!open) {
        return;
    }
    if (s->shared && r->index == 0) {
        server_advertise(s);
        keeper_join(&r->keeper, s->addresses[0]);
    }
    atomic_fetch_add(&s->listening, 1);
    mailbox_ring_all(r->post.box);
}

/* ---- the frame ---- */

static void server_init_signals(struct server *s)
{
    static const int numbers[SERVER_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    uv_loop_t *loop = &s->reactors[0].loop;

    uv_timer_init(loop, &s->drain_bound);
    s->drain_bound.data = s;
    for (int i = 0; i < SERVER_SIGNALS; i++) {
        uv_signal_init(loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], server_signal, numbers[i]);
    }
}

static void server_init(struct server *s, const struct server_options *options,
                        struct config *config)
{
    s->options = *options;
    s->node = config->node;
    s->config = config;
    s->count = options->reactors;
    snprintf(s->journal_address, sizeof(s->journal_address), TEXT_FORMAT,
             TEXT_ARGS(options->journal));
    if (options->node.length > 0) {
        snprintf(s->node_name, sizeof(s->node_name), TEXT_FORMAT, TEXT_ARGS(options->node));
    } else if (gethostname(s->node_name, sizeof(s->node_name) - 1) != 0) {
        snprintf(s->node_name, sizeof(s->node_name), "node");
    }
    s->shared = strncmp(s->journal_address, "redis", 5) == 0;
    uv_mutex_init(&s->ports);
    uv_mutex_init(&s->pause);
    uv_cond_init(&s->paused_more);
    uv_cond_init(&s->resumed);
    directory_init(&s->directory, s->count);
    exchange_init(&s->exchange, s->count);
    s->reactors = memory_take(s->count * sizeof(*s->reactors));
    for (uint32_t i = 0; i < s->count; i++) {
        s->hosts[i] = &s->reactors[i].host;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        reactor_init(&s->reactors[i], s, i);
    }
    server_init_signals(s);
}

static void server_thread(void *argument)
{
    reactor_run(argument);
}

static void server_run_threads(struct server *s)
{
    sigset_t all, before;

    /* Signals are for the first. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 1; i < s->count; i++) {
        int status = uv_thread_create(&s->reactors[i].thread, server_thread, &s->reactors[i]);

        assert(status == 0);
        (void)status;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    reactor_run(&s->reactors[0]);
    for (uint32_t i = 1; i < s->count; i++) {
        uv_thread_join(&s->reactors[i].thread);
    }
}

/* What is still in the post: who came and who left. */
static void server_settle(struct server *s)
{
    bool more = true;

    while (more) {
        more = false;
        for (uint32_t i = 0; i < s->count; i++) {
            more = reactor_settle(&s->reactors[i]) || more;
        }
    }
}

static void server_close(struct server *s)
{
    server_settle(s);
    for (uint32_t i = 0; i < s->count; i++) {
        reactor_close(&s->reactors[i]);
    }
    if (s->keeper_node.dialer != NULL) {
        redis_tls_destroy(s->keeper_node.dialer);
    }
    redis_address_forget(&s->redis);
    exchange_close(&s->exchange, post_drop);
    directory_close(&s->directory);
    if (s->read != NULL) {
        config_job_close(s->read);
    }
    config_destroy(s->reload);
    config_destroy(s->config);
    uv_cond_destroy(&s->resumed);
    uv_cond_destroy(&s->paused_more);
    uv_mutex_destroy(&s->pause);
    uv_mutex_destroy(&s->ports);
    memory_give(s->reactors);
}

int server_run(const struct server_options *options, struct config *config)
{
    struct server *s = memory_take(sizeof(*s));
    char problem[1024] = "";
    int status;

    server_init(s, options, config);
    if (!server_open_journal(s, problem, sizeof(problem))) {
        log_event(LOG_LEVEL_ERROR, "cannot_start", LOG_WORDS("words", problem));
        server_host_broken(&s->reactors[0]);
    }
    server_run_threads(s);
    status = atomic_load(&s->status);
    server_close(s);
    log_event(LOG_LEVEL_INFO, "stopped", LOG_NUMBER("status", status));
    log_flush();
    memory_give(s);
    return status;
}
