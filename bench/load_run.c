/* A run from beginning to end: prepare, connect, submit, drain, account. */
#include "bench/load_state.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "queue/base/memory.h"

#define LOAD_CONNECT_NS (15 * UINT64_C(1000000000))
#define LOAD_ACCOUNT_NS (30 * UINT64_C(1000000000))

static uint64_t load_ns(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

/* The end, whichever it is. */

static void load_finish(struct load *l)
{
    if (l->phase == LOAD_FINISHED) {
        return;
    }
    l->phase = LOAD_FINISHED;
    load_sessions_stop(l);
    load_admin_close(l);
    uv_close((uv_handle_t *)&l->turn, NULL);
    uv_close((uv_handle_t *)&l->second, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
    uv_close((uv_handle_t *)&l->interrupt, NULL);
}

void load_fail(struct load *l, const char *format, ...)
{
    va_list arguments;

    if (l->phase == LOAD_FINISHED || l->result->failed[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(l->result->failed, sizeof(l->result->failed), format, arguments);
    va_end(arguments);
    load_finish(l);
}

/* Measuring. */

static double load_own_cpu_us(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void load_begin_measuring(struct load *l)
{
    struct server_use use = {0};

    l->measuring = true;
    l->completed_before = l->result->counts.completed;
    l->result->cpu_known =
        l->options->server_pid != 0 && server_use_read(l->options->server_pid, &use);
    l->server_cpu_before = use.cpu_us;
    l->bench_cpu_before = load_own_cpu_us();
}

static void load_end_measuring(struct load *l)
{
    struct server_use use = {0};
    struct load_result *r = l->result;

    if (l->measured || !l->measuring) {
        return;
    }
    l->measured = true;
    r->seconds = (double)(uv_hrtime() - l->measure_ns) / 1e9;
    r->measured = r->counts.completed - l->completed_before;
    r->bench_cpu_us = load_own_cpu_us() - l->bench_cpu_before;
    r->cpu_known = r->cpu_known && server_use_read(l->options->server_pid, &use);
    r->server_cpu_us = use.cpu_us - l->server_cpu_before;
    r->server_resident = use.resident;
}

/* Phases. */

void load_prepared(struct load *l)
{
    int status;

    l->phase = LOAD_CONNECTING;
    status = load_sessions_start(l);
    if (status < 0) {
        load_fail(l, "no connection: %s", uv_strerror(status));
    }
}

void load_everyone_ready(struct load *l)
{
    const struct load_options *o = l->options;

    l->phase = LOAD_RUNNING;
    l->start_ns = l->lanes.now_ns = uv_hrtime();
    l->measure_ns = l->start_ns + load_ns(o->warm_up_s);
    l->stop_ns = o->duration_s > 0 ? l->measure_ns + load_ns(o->duration_s) : UINT64_MAX;
    timer_wheel_init(&l->working, (int64_t)(l->start_ns / 1000000));
    if (o->rate > 0) {
        arrivals_init(&l->arrivals, o->arrivals, o->rate, o->seed);
    }
    for (uint32_t i = 0; i < o->connectors; i++) {
        list_append(&l->wanting_connectors, &l->connectors[i].wanting);
    }
}

static void load_drain(struct load *l)
{
    if (l->stop_ns != UINT64_MAX) {
        load_end_measuring(l);
    }
    l->phase = LOAD_DRAINING;
    l->give_up_ns = l->lanes.now_ns + load_ns(l->options->drain_s);
}

static void load_account(struct load *l)
{
    load_end_measuring(l);
    l->phase = LOAD_ACCOUNTING;
    l->give_up_ns = l->lanes.now_ns + LOAD_ACCOUNT_NS;
    load_admin_account(l);
}

void load_accounted(struct load *l)
{
    load_finish(l);
}

/* Submitting. */

static bool load_may_submit(const struct load *l)
{
    return (l->options->count == 0 || l->result->counts.submitted < l->options->count) &&
           l->under_way < LOAD_BACKLOG_MAX;
}

/* The next connector whose connection takes one more request; NULL when none does. */
static struct load_connector *load_next_connector(struct load *l)
{
    for (uint32_t i = 0; i < l->options->connectors; i++) {
        struct load_connector *c = &l->connectors[l->next_connector];

        l->next_connector = (l->next_connector + 1) % l->options->connectors;
        if (c->unanswered < c->unanswered_max) {
            return c;
        }
    }
    return NULL;
}

static void load_submit_due(struct load *l)
{
    while (l->start_ns + arrivals_next(&l->arrivals) <= l->lanes.now_ns && load_may_submit(l)) {
        struct load_connector *c = load_next_connector(l);

        if (c == NULL) {
            return; /* due all the same: the wait counts */
        }
        load_contact_submit(l, c, l->start_ns + arrivals_take(&l->arrivals));
    }
}

/* In turn, so that the room that the backlog has is every connector's. */
static void load_submit_window(struct load *l)
{
    while (!list_empty(&l->wanting_connectors) && l->backlog < l->backlog_max &&
           load_may_submit(l)) {
        struct load_connector *c =
            record_of(list_first(&l->wanting_connectors), struct load_connector, wanting);

        list_remove(&c->wanting);
        if (c->unanswered < c->unanswered_max) {
            load_contact_submit(l, c, l->lanes.now_ns);
            list_append(&l->wanting_connectors, &c->wanting);
        }
    }
}

static void load_work(struct load *l)
{
    struct timer_node *due;

    timer_wheel_advance(&l->working, (int64_t)(l->lanes.now_ns / 1000000));
    while ((due = timer_wheel_take_due(&l->working)) != NULL) {
        load_contact_work_done(l, record_of(due, struct load_contact, working));
    }
}

static void load_run_phase(struct load *l)
{
    uint64_t now = l->lanes.now_ns;

    if (l->phase == LOAD_RUNNING) {
        if (!l->measuring && now >= l->measure_ns) {
            load_begin_measuring(l);
        }
        if (now >= l->stop_ns ||
            (l->options->count != 0 && l->result->counts.submitted >= l->options->count)) {
            load_drain(l);
        } else if (l->options->rate > 0) {
            load_submit_due(l);
        } else {
            load_submit_window(l);
        }
    }
    if (l->phase == LOAD_RUNNING || l->phase == LOAD_DRAINING) {
        load_work(l);
        load_agents_pull(l);
    }
    if (l->phase == LOAD_DRAINING && (l->under_way == 0 || now >= l->give_up_ns)) {
        load_account(l);
    }
}

/* Waking up in time. */

static uint64_t load_next_instant(const struct load *l)
{
    uint64_t at = UINT64_MAX;

    if (l->phase == LOAD_RUNNING) {
        at = l->stop_ns;
        if (!l->measuring && l->measure_ns < at) {
            at = l->measure_ns;
        }
        if (l->options->rate > 0 && l->start_ns + arrivals_next(&l->arrivals) < at) {
            at = l->start_ns + arrivals_next(&l->arrivals);
        }
    } else if (l->phase == LOAD_DRAINING) {
        at = l->give_up_ns;
    }
    if ((l->phase == LOAD_RUNNING || l->phase == LOAD_DRAINING) && l->working.armed > 0) {
        uint64_t work = (uint64_t)timer_wheel_next(&l->working) * 1000000;

        at = work < at ? work : at;
    }
    return at;
}

static void load_arm(struct load *l)
{
    uint64_t at = load_next_instant(l);
    struct itimerspec when = {0};

    if (at <= l->lanes.now_ns) {
        /* Due, and all connections full: the answer that makes room wakes us up. The millisecond is
         * for what else may be due. */
        at = l->lanes.now_ns + 1000000;
    }
    if (at == l->alarm_at_ns || at == UINT64_MAX) {
        return;
    }
    l->alarm_at_ns = at;
    when.it_value.tv_sec = (time_t)(at / 1000000000);
    when.it_value.tv_nsec = (long)(at % 1000000000);
    (void)timerfd_settime(l->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void load_on_alarm(uv_poll_t *alarm, int status, int events)
{
    struct load *l = alarm->data;
    uint64_t expirations;

    (void)status;
    (void)events;
    l->alarm_at_ns = 0;
    (void)!read(l->alarm_fd, &expirations, sizeof(expirations)); /* only that it came counts */
}

static void load_on_turn(uv_prepare_t *turn)
{
    struct load *l = turn->data;

    l->lanes.now_ns = uv_hrtime();
    load_run_phase(l);
    lanes_flush(&l->lanes);
    if (l->phase != LOAD_FINISHED) {
        load_arm(l);
    }
}

/* The person at the terminal has seen enough: what is under way comes to its end, and the result is
 * that of the time that has passed. The second time it is meant. */
static void load_on_interrupt(uv_signal_t *signal, int number)
{
    struct load *l = signal->data;

    (void)number;
    if (l->phase == LOAD_RUNNING) {
        l->stop_ns = l->lanes.now_ns = uv_hrtime();
    } else {
        load_fail(l, "interrupted");
    }
}

/* Every second. */

static void load_show(struct load *l)
{
    const struct load_counts *counts = &l->result->counts;
    char p50[PROGRESS_SPAN_BYTES], p99[PROGRESS_SPAN_BYTES];
    uint64_t completed = counts->completed - l->completed_last_second;
    uint64_t waiting = 0, held = 0;

    for (uint32_t i = 0; i < l->options->agents; i++) {
        held += l->agents[i].held;
    }
    waiting = l->under_way > held ? l->under_way - held : 0;
    progress_say(&l->progress,
                 "%4.0f s %8llu/s completed  %6u under way  %6llu waiting  offer p50 %s p99 %s  "
                 "%llu errors%s",
                 (double)(l->lanes.now_ns - l->start_ns) / 1e9, (unsigned long long)completed,
                 l->under_way, (unsigned long long)waiting,
                 progress_span(p50, histogram_percentile(&l->second_offers, 50)),
                 progress_span(p99, histogram_percentile(&l->second_offers, 99)),
                 (unsigned long long)load_result_errors(l->result),
                 l->phase == LOAD_DRAINING ? "  (draining)" : "");
    histogram_reset(&l->second_offers);
    l->completed_last_second = counts->completed;
}

static void load_on_second(uv_timer_t *timer)
{
    struct load *l = timer->data;
    uint64_t now = uv_hrtime();

    switch (l->phase) {
    case LOAD_PREPARING:
    case LOAD_CONNECTING:
        if (now >= l->give_up_ns) {
            load_fail(l,
                      l->phase == LOAD_PREPARING ? "no answer from %s"
                                                 : "not everyone could sign in at %s",
                      l->options->address);
        }
        break;
    case LOAD_RUNNING:
    case LOAD_DRAINING:
        load_show(l);
        load_sessions_keep_alive(l);
        for (uint32_t i = 0; i < l->options->connectors; i++) {
            if (!list_linked(&l->connectors[i].wanting)) {
                list_append(&l->wanting_connectors, &l->connectors[i].wanting);
            }
        }
        break;
    case LOAD_ACCOUNTING:
        load_sessions_keep_alive(l);
        if (now >= l->give_up_ns) {
            load_fail(l, "the server did not say in time what became of the contacts");
        }
        break;
    case LOAD_FINISHED:
        break;
    }
}

/* Before and after. */

static void load_init_people(struct load *l)
{
    struct word_list names;

    word_list_init(&names, l->options->agent_names);
    l->connectors = memory_take(l->options->connectors * sizeof(l->connectors[0]));
    for (uint32_t i = 0; i < l->options->connectors; i++) {
        l->connectors[i].load = l;
        l->connectors[i].number = i;
    }
    l->agents = memory_take(l->options->agents * sizeof(l->agents[0]));
    for (uint32_t i = 0; i < l->options->agents; i++) {
        struct load_agent *a = &l->agents[i];

        a->load = l;
        a->number = i;
        if (i < names.count) {
            snprintf(a->name, sizeof(a->name), "%s", names.words[i]);
        } else {
            snprintf(a->name, sizeof(a->name), "load-%02u", i + 1);
        }
    }
    word_list_close(&names);
}

static void load_init(struct load *l)
{
    const struct load_options *o = l->options;
    struct submit_form form = {.channel = o->channel,
                               .text_bytes = o->text_bytes,
                               .variants = o->variants,
                               .seed = o->seed};

    random_init(&l->random, o->seed + 1);
    (void)uv_random(NULL, NULL, &l->run, sizeof(l->run), 0, NULL);
    word_list_init(&form.tiers, o->tiers);
    word_list_init(&form.queues, o->queues);
    submit_frames_init(&l->submissions, &form);
    word_list_close(&form.tiers);
    word_list_close(&form.queues);
    text_request_init(&l->accept, "offer.accept", "offer", -1);
    text_request_init(&l->received, "offer.received", "offer", -1);
    text_request_init(&l->decline, "offer.decline", "offer", -1);
    text_request_init(&l->complete, "contact.complete", "contact", o->wrap_up_ms);
    load_contacts_init(l);
    load_init_people(l);
    list_init(&l->wanting_connectors);
    list_init(&l->wanting_agents);
    progress_init(&l->progress, o->quiet);

    (void)uv_loop_init(&l->loop);
    lanes_init(&l->lanes, &l->loop);
    (void)uv_prepare_init(&l->loop, &l->turn);
    l->turn.data = l;
    (void)uv_prepare_start(&l->turn, load_on_turn);
    (void)uv_timer_init(&l->loop, &l->second);
    l->second.data = l;
    (void)uv_timer_start(&l->second, load_on_second, 1000, 1000);
    l->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    (void)uv_poll_init(&l->loop, &l->alarm, l->alarm_fd);
    l->alarm.data = l;
    (void)uv_poll_start(&l->alarm, UV_READABLE, load_on_alarm);
    (void)uv_signal_init(&l->loop, &l->interrupt);
    l->interrupt.data = l;
    (void)uv_signal_start(&l->interrupt, load_on_interrupt, SIGINT);
}

/* Each connection is a file. */
static void load_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void load_close(struct load *l)
{
    (void)uv_loop_close(&l->loop);
    lanes_close(&l->lanes);
    (void)close(l->alarm_fd);
    load_contacts_close(l);
    submit_frames_close(&l->submissions);
    text_request_close(&l->accept);
    text_request_close(&l->received);
    text_request_close(&l->decline);
    text_request_close(&l->complete);
    memory_give(l->connectors);
    memory_give(l->agents);
}

uint32_t load_backlog(const struct load_options *o)
{
    uint64_t room = (uint64_t)o->agents * o->at_once + (uint64_t)o->connectors * o->window;

    if (o->backlog != 0) {
        room = o->backlog;
    }
    return room < LOAD_BACKLOG_MAX ? (uint32_t)room : LOAD_BACKLOG_MAX;
}

bool load_run(const struct load_options *options, struct load_result *result)
{
    struct load *l = memory_take(sizeof(*l));
    const char *wrong;

    memset(result, 0, sizeof(*result));
    l->options = options;
    l->result = result;
    l->backlog_max = load_backlog(options);
    wrong = address_parse(&l->address, options->address);
    if (wrong != NULL) {
        snprintf(result->failed, sizeof(result->failed), "%s: %s", options->address, wrong);
        memory_give(l);
        return false;
    }
    load_raise_file_limit();
    load_init(l);
    l->give_up_ns = uv_hrtime() + LOAD_CONNECT_NS;
    load_admin_prepare(l);
    (void)uv_run(&l->loop, UV_RUN_DEFAULT);
    progress_end(&l->progress);
    load_close(l);
    memory_give(l);
    return result->failed[0] == '\0';
}
