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
/* What is left of a run behind its last whole second, and long enough to say something. */
#define LOAD_LAST_SECOND_NS (200 * UINT64_C(1000000))
#define LOAD_ACCOUNT_NS     (30 * UINT64_C(1000000000))

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

static uint64_t load_order_of(const struct timer_node *n)
{
    return record_of(n, const struct load_contact, clock)->slot;
}

/* Phases. */

static void load_on_second(uv_timer_t *timer);

void load_prepared(struct load *l)
{
    l->phase = LOAD_CONNECTING;
    l->give_up_ns = uv_hrtime() + LOAD_CONNECT_NS;
    load_sessions_start(l);
}

void load_everyone_ready(struct load *l)
{
    const struct load_options *o = l->options;
    struct server_use use = {0};

    if (o->server_pid != 0 && server_use_read(o->server_pid, &use)) {
        l->result->connected_resident = use.resident;
    }

    l->phase = LOAD_RUNNING;
    l->start_ns = l->lanes.now_ns = uv_hrtime();
    l->measure_ns = l->start_ns + load_ns(o->warm_up_s);
    timer_wheel_init(&l->clocks, &l->store, load_order_of, (int64_t)(l->start_ns / 1000000));
    load_pace_start(l);
    load_second_start(l);
    (void)uv_timer_start(&l->second, load_on_second, 1000, 1000); /* whole seconds from here on */
}

static void load_drain(struct load *l)
{
    if (l->stop_ns != UINT64_MAX) {
        load_end_measuring(l);
    }
    load_pace_stop(l);
    l->phase = LOAD_DRAINING;
    l->give_up_ns = l->lanes.now_ns + load_ns(l->options->drain_s);
}

static void load_account(struct load *l)
{
    load_end_measuring(l);
    if (uv_hrtime() - l->second_ns > LOAD_LAST_SECOND_NS) {
        load_second_end(l);
    }
    l->phase = LOAD_ACCOUNTING;
    l->give_up_ns = l->lanes.now_ns + LOAD_ACCOUNT_NS;
    load_admin_account(l);
}

void load_accounted(struct load *l)
{
    load_finish(l);
}

/* A turn. */

static void load_work(struct load *l)
{
    struct timer_node *due;

    timer_wheel_advance(&l->clocks, (int64_t)(l->lanes.now_ns / 1000000));
    while ((due = timer_wheel_take_due(&l->clocks)) != NULL) {
        load_contact_clock(l, record_of(due, struct load_contact, clock));
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
        } else {
            load_pace_turn(l);
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
        uint64_t pace = load_pace_next(l);

        at = pace < l->stop_ns ? pace : l->stop_ns;
        if (!l->measuring && l->measure_ns < at) {
            at = l->measure_ns;
        }
    } else if (l->phase == LOAD_DRAINING) {
        at = l->give_up_ns;
    }
    if ((l->phase == LOAD_RUNNING || l->phase == LOAD_DRAINING) && l->clocks.armed > 0) {
        uint64_t clock = (uint64_t)timer_wheel_next(&l->clocks) * 1000000;

        at = clock < at ? clock : at;
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

static void load_on_second(uv_timer_t *timer)
{
    struct load *l = timer->data;
    uint64_t now = uv_hrtime();

    if (l->ready != l->ready_last_second) {
        l->ready_last_second = l->ready; /* slow, but they come */
        l->give_up_ns = l->phase == LOAD_CONNECTING ? now + LOAD_CONNECT_NS : l->give_up_ns;
    }

    switch (l->phase) {
    case LOAD_PREPARING:
    case LOAD_CONNECTING:
        load_sessions_keep_alive(l);
        if (now >= l->give_up_ns) {
            load_fail(l,
                      l->phase == LOAD_PREPARING ? "no answer from %s"
                                                 : "not everyone could sign in at %s",
                      l->options->address);
        }
        break;
    case LOAD_RUNNING:
    case LOAD_DRAINING:
        load_second_end(l);
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
        l->connectors[i].place = &l->places[i % l->place_count];
        l->connectors[i].number = i;
    }
    l->agents = memory_take(l->options->agents * sizeof(l->agents[0]));
    l->sources = memory_take(((l->options->connectors + l->options->agents) / LOAD_PORTS + 1) *
                             sizeof(l->sources[0]));
    for (uint32_t i = 0; i < l->options->agents; i++) {
        struct load_agent *a = &l->agents[i];

        a->load = l;
        a->place = &l->places[i % l->place_count];
        list_init(&a->unsure);
        a->number = i;
        if (i < names.count) {
            snprintf(a->name, sizeof(a->name), "%s", names.words[i]);
        } else {
            snprintf(a->name, sizeof(a->name), "load-%02u", i + 1);
        }
    }
    word_list_close(&names);
}

static void load_init_kinds(struct load *l)
{
    const struct scenario *s = l->scenario;
    uint64_t weight = 0;

    l->kinds = memory_take(s->kind_count * sizeof(l->kinds[0]));
    for (uint32_t i = 0; i < s->kind_count; i++) {
        const struct scenario_kind *k = &s->kinds[i];
        struct submit_form form = {.channel = k->channel,
                                   .text_bytes = k->text_bytes,
                                   .variants = l->options->variants,
                                   .seed = l->options->seed + i};

        word_list_init(&form.tiers, k->tiers);
        word_list_init(&form.queues, k->queues);
        word_list_init(&form.issues, k->issues);
        word_list_init(&form.languages, k->languages);
        word_list_init(&form.skills, k->skills);
        submit_frames_init(&l->kinds[i].submissions, &form);
        word_list_close(&form.tiers);
        word_list_close(&form.queues);
        word_list_close(&form.issues);
        word_list_close(&form.languages);
        word_list_close(&form.skills);
        text_request_init(&l->kinds[i].complete, "contact.complete", "contact", k->wrap_up_ms);
        l->kinds[i].scenario = k;
        weight += k->weight;
        l->kinds[i].weight_until = weight;
    }
}

static void load_init(struct load *l)
{
    const struct load_options *o = l->options;

    random_init(&l->random, o->seed + 1);
    (void)uv_random(NULL, NULL, &l->run, sizeof(l->run), 0, NULL);
    load_pace_init(l);
    load_init_kinds(l);
    text_request_init(&l->accept, "offer.accept", "offer", -1);
    text_request_init(&l->received, "offer.received", "offer", -1);
    text_request_init(&l->decline, "offer.decline", "offer", -1);
    text_request_init(&l->cancel, "contact.cancel", "contact", -1);
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

/* Each connection is a file, and so are a few things more. */
static bool load_raise_file_limit(struct load *l)
{
    uint64_t needed = (uint64_t)l->options->connectors + l->options->agents + 64;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < needed) {
            snprintf(l->result->failed, sizeof(l->result->failed),
                     "%llu files are needed, and the hard limit (ulimit -Hn) is %llu",
                     (unsigned long long)needed, (unsigned long long)limit.rlim_max);
            return false;
        }
    }
    return true;
}

/* Each workspace of each server. */
static bool load_init_places(struct load *l)
{
    word_list_init(&l->urls, l->options->address);
    word_list_init(&l->workspaces, l->options->workspace);
    l->place_count = l->urls.count * l->workspaces.count;
    l->places = memory_take((l->place_count + 1) * sizeof(l->places[0]));
    for (uint32_t i = 0; i < l->place_count; i++) {
        struct load_place *place = &l->places[i];
        const char *wrong;

        place->load = l;
        place->url = l->urls.words[i % l->urls.count];
        place->workspace = l->workspaces.words[i / l->urls.count];
        wrong = address_parse(&place->address, place->url);
        if (wrong != NULL) {
            snprintf(l->result->failed, sizeof(l->result->failed), "%s: %s", place->url, wrong);
            return false;
        }
    }
    if (l->place_count == 0 || l->options->connectors < l->place_count ||
        l->options->agents < l->place_count) {
        snprintf(l->result->failed, sizeof(l->result->failed),
                 "%u places (workspaces of servers) need as many connectors and agents at least",
                 l->place_count);
        return false;
    }
    return true;
}

static void load_close(struct load *l)
{
    (void)uv_loop_close(&l->loop);
    lanes_close(&l->lanes);
    (void)close(l->alarm_fd);
    load_contacts_close(l);
    for (uint32_t i = 0; i < l->scenario->kind_count; i++) {
        submit_frames_close(&l->kinds[i].submissions);
        text_request_close(&l->kinds[i].complete);
    }
    memory_give(l->kinds);
    memory_give(l->sources);
    text_request_close(&l->accept);
    text_request_close(&l->received);
    text_request_close(&l->decline);
    text_request_close(&l->cancel);
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

    memset(result, 0, sizeof(*result));
    l->options = options;
    l->result = result;
    l->backlog_max = load_backlog(options);
    if (load_init_places(l) && load_raise_file_limit(l)) {
        load_init(l);
        l->give_up_ns = uv_hrtime() + LOAD_CONNECT_NS;
        load_admin_prepare(l);
        (void)uv_run(&l->loop, UV_RUN_DEFAULT);
        progress_end(&l->progress);
        load_close(l);
    }
    memory_give(l->places);
    word_list_close(&l->urls);
    word_list_close(&l->workspaces);
    memory_give(l);
    return result->failed[0] == '\0';
}
