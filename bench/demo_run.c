/* The demonstration from beginning to end. */
#include "bench/demo_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/command.h"
#include "queue/base/memory.h"

#define DEMO_TICK_MS      20
#define DEMO_PREPARE_MS   20000
#define DEMO_ACCOUNT_MS   60000
#define DEMO_LOOK_BACK_MS 60000 /* clocks of two machines may differ by so much */

uint64_t demo_now(const struct demo *d)
{
    return uv_now(&d->loop) - d->start_ms;
}

int64_t demo_span(struct demo *d, double mean_s)
{
    int64_t half = (int64_t)llround(mean_s * 500 / d->options->speed);

    /* Half of it always, half of it by chance: nobody is done at once, and nobody takes for ever.
     */
    return half < 1 ? 1 : half + workload_duration(&d->random, half);
}

/* The end. */

static void demo_close_client(struct switchboard_client **client)
{
    if (*client != NULL) {
        switchboard_client_close(*client, NULL, NULL);
        *client = NULL;
    }
}

static void demo_finish(struct demo *d)
{
    if (d->phase == DEMO_FINISHED) {
        return;
    }
    d->phase = DEMO_FINISHED;
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_close((uv_handle_t *)&d->second, NULL);
    for (uint32_t i = 0; i < d->connector_count; i++) {
        demo_close_client(&d->connectors[i].client);
    }
    for (uint32_t i = 0; i < d->agent_count; i++) {
        demo_close_client(&d->agents[i].client);
    }
    demo_close_client(&d->admin);
}

void demo_fail(struct demo *d, const char *format, ...)
{
    va_list arguments;

    if (d->phase == DEMO_FINISHED) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(d->failed, sizeof(d->failed), format, arguments);
    va_end(arguments);
    demo_finish(d);
}

void demo_accounted(struct demo *d)
{
    demo_finish(d);
}

/* Phases. */

void demo_agents_known(struct demo *d)
{
    if (d->asked_agents) {
        return;
    }
    d->asked_agents = true;
    if (d->agent_count == 0) {
        demo_fail(d, "the workspace %s has no agents", d->options->workspace);
        return;
    }
    demo_agents_start(d);
    demo_connectors_start(d);
}

void demo_agent_ready(struct demo *d)
{
    if (++d->agents_ready < d->agent_count || d->phase != DEMO_PREPARING) {
        return;
    }
    d->phase = DEMO_PLAYING;
    d->start_ms = uv_now(&d->loop);
    arrivals_init(&d->arrivals, ARRIVAL_POISSON, (double)d->contact_count / d->options->duration_s,
                  d->options->seed);
    progress_note(&d->progress, "%u agents are signed in; %u messages come over %u channels",
                  d->agent_count, d->contact_count, d->connector_count);
}

static uint32_t demo_under_way(const struct demo *d)
{
    uint32_t count = 0;

    for (enum demo_state s = DEMO_STATE_UNKNOWN; s < DEMO_STATE_COMPLETED; s++) {
        count += d->states[s];
    }
    return count;
}

static void demo_play(struct demo *d)
{
    uint64_t now = demo_now(d);
    struct timer_node *due;

    while (d->phase == DEMO_PLAYING && d->next_contact < d->contact_count &&
           arrivals_next(&d->arrivals) / 1000000 <= now) {
        (void)arrivals_take(&d->arrivals);
        demo_submit_next(d);
    }
    timer_wheel_advance(&d->leaving, (int64_t)now);
    while ((due = timer_wheel_take_due(&d->leaving)) != NULL) {
        demo_customer_leaves(record_of(due, struct demo_contact, leaving));
    }
    timer_wheel_advance(&d->acting, (int64_t)now);
    while ((due = timer_wheel_take_due(&d->acting)) != NULL) {
        demo_agent_acts(record_of(due, struct demo_contact, acting));
    }
    timer_wheel_advance(&d->breaks, (int64_t)now);
    while ((due = timer_wheel_take_due(&d->breaks)) != NULL) {
        demo_agent_returns(record_of(due, struct demo_agent, back));
    }
}

static void demo_on_tick(uv_timer_t *timer)
{
    struct demo *d = timer->data;

    if (d->phase == DEMO_PLAYING || d->phase == DEMO_DRAINING) {
        demo_play(d);
    }
    if (d->phase == DEMO_PLAYING && d->next_contact == d->contact_count) {
        d->phase = DEMO_DRAINING;
        d->give_up_ms = uv_now(&d->loop) + (uint64_t)(d->options->drain_s * 1000);
    }
    if (d->phase == DEMO_DRAINING &&
        (demo_under_way(d) == 0 || uv_now(&d->loop) >= d->give_up_ms)) {
        d->phase = DEMO_ACCOUNTING;
        d->give_up_ms = uv_now(&d->loop) + DEMO_ACCOUNT_MS;
        demo_account(d);
    }
}

static uint32_t demo_connected(const struct demo *d)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < d->connector_count; i++) {
        count += switchboard_client_state(d->connectors[i].client) == SWITCHBOARD_READY;
    }
    for (uint32_t i = 0; i < d->agent_count; i++) {
        count += switchboard_client_state(d->agents[i].client) == SWITCHBOARD_READY;
    }
    return count;
}

static void demo_show(struct demo *d)
{
    uint32_t connected = demo_connected(d), all = d->connector_count + d->agent_count;
    char away[64] = "";

    if (connected < all) {
        snprintf(away, sizeof(away), "  [%u of %u connections are down]", all - connected, all);
    }
    progress_say(&d->progress,
                 "%3llu s  %4u of %u messages  %3u waiting  %3u offered  %3u active  %3u wrapping  "
                 "%4u completed  %3u left%s",
                 (unsigned long long)demo_now(d) / 1000, d->next_contact, d->contact_count,
                 d->states[DEMO_STATE_WAITING] + d->states[DEMO_STATE_SCHEDULED] +
                     d->states[DEMO_STATE_UNKNOWN],
                 d->states[DEMO_STATE_OFFERED], d->states[DEMO_STATE_ACTIVE],
                 d->states[DEMO_STATE_WRAPPING], d->states[DEMO_STATE_COMPLETED],
                 d->states[DEMO_STATE_CANCELLED], away);
}

static void demo_on_second(uv_timer_t *timer)
{
    struct demo *d = timer->data;

    if (d->phase == DEMO_PLAYING || d->phase == DEMO_DRAINING) {
        demo_show(d);
    } else if (d->phase == DEMO_PREPARING && uv_now(&d->loop) >= d->give_up_ms) {
        demo_fail(d, "the agents could not all sign in at %s", d->options->address);
    } else if (d->phase == DEMO_ACCOUNTING && uv_now(&d->loop) >= d->give_up_ms) {
        progress_note(&d->progress, "the server does not say what became of the contacts");
        demo_finish(d);
    }
}

/* Before and after. */

static uint64_t leaving_order(const struct timer_node *n)
{
    return record_of(n, const struct demo_contact, leaving)->number;
}

static uint64_t acting_order(const struct timer_node *n)
{
    return record_of(n, const struct demo_contact, acting)->number;
}

static uint64_t break_order(const struct timer_node *n)
{
    return record_of(n, const struct demo_agent, back)->number;
}

static void demo_init(struct demo *d)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    d->started_at = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - DEMO_LOOK_BACK_MS;
    d->contact_count = d->options->count == 0 ? d->messages.count : (uint32_t)d->options->count;
    store_init(&d->store);
    d->contacts = store_take_for_good(&d->store, d->contact_count * sizeof(d->contacts[0]));
    random_init(&d->random, d->options->seed);
    (void)uv_random(NULL, NULL, &d->run, sizeof(d->run), 0, NULL);
    timer_wheel_init(&d->leaving, &d->store, leaving_order, 0);
    timer_wheel_init(&d->acting, &d->store, acting_order, 0);
    timer_wheel_init(&d->breaks, &d->store, break_order, 0);
    progress_init(&d->progress, d->options->quiet);
    (void)uv_loop_init(&d->loop);
    d->start_ms = uv_now(&d->loop);
    d->give_up_ms = d->start_ms + DEMO_PREPARE_MS;
    (void)uv_timer_init(&d->loop, &d->tick);
    d->tick.data = d;
    (void)uv_timer_start(&d->tick, demo_on_tick, DEMO_TICK_MS, DEMO_TICK_MS);
    (void)uv_timer_init(&d->loop, &d->second);
    d->second.data = d;
    (void)uv_timer_start(&d->second, demo_on_second, 1000, 1000);
}

static void demo_close(struct demo *d)
{
    (void)uv_loop_close(&d->loop);
    for (uint32_t i = 0; i < d->connector_count; i++) {
        memory_give(d->connectors[i].channel);
    }
    for (uint32_t i = 0; i < d->agent_count; i++) {
        memory_give(d->agents[i].name);
    }
    memory_give(d->connectors);
    store_close(&d->store);
    demo_stats_close(&d->before);
    demo_stats_close(&d->after);
    demo_messages_close(&d->messages);
    memory_give(d);
}

/* True when the report could be written. */
static bool demo_tell(struct demo *d, struct demo_report *report)
{
    const struct demo_fate **fates = memory_take((d->next_contact + 1) * sizeof(fates[0]));
    const char *json = d->options->json;
    bool written = true;

    for (uint32_t i = 0; i < d->next_contact; i++) {
        fates[i] = &d->contacts[i].fate;
    }
    demo_report_init(report, fates, d->next_contact, &d->before, &d->after);
    memory_give(fates);
    report->declined = d->declined;
    report->missed = d->missed;
    report->left = d->left;
    report->losses = d->losses;
    report->seconds = (double)demo_now(d) / 1000;
    if (json == NULL || strcmp(json, "-") != 0) {
        demo_report_print(report);
    }
    if (json != NULL) {
        written = command_write_json(demo_report_json(report), json);
    }
    return written;
}

static int demo_status(struct demo *d)
{
    struct demo_report report;
    int status;

    if (d->failed[0] != '\0') {
        fprintf(stderr, "switchboard-bench load: %s\n", d->failed);
        if (d->next_contact == 0) {
            return BENCH_UNABLE;
        }
    }
    if (!demo_tell(d, &report)) {
        demo_report_close(&report);
        return BENCH_UNABLE;
    }
    status =
        d->failed[0] != '\0' || report.unaccounted > 0 || !report.agrees ? BENCH_BAD : BENCH_OK;
    demo_report_close(&report);
    return status;
}

int demo_command(const struct demo_options *options)
{
    struct demo *d = memory_take(sizeof(*d));
    char problem[256];
    int status;

    d->options = options;
    if (!demo_messages_read(&d->messages, options->messages, problem, sizeof(problem))) {
        fprintf(stderr, "switchboard-bench load: %s: %s\n", options->messages, problem);
        memory_give(d);
        return BENCH_UNABLE;
    }
    demo_init(d);
    demo_admin_start(d);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    progress_end(&d->progress);
    status = demo_status(d);
    demo_close(d);
    return status;
}
