/* `takeover --cold`: nobody is there any more but Redis, and a router is started.
 *
 * A first router takes as many contacts as were asked for and is killed; then, round by round, one
 * is started, an agent signs in as soon as it listens, and the router is killed again. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/command.h"
#include "bench/progress.h"
#include "bench/takeover_center.h"
#include "bench/takeover_stage.h"

#define COLD_TICK_MS    5
#define COLD_GIVE_UP_MS 600000
#define COLD_ROUNDS_MAX 99u
#define COLD_NS         1000000u

/* Milliseconds from the start of the process. */
struct cold_round {
    double primary, read, owned, offer;
    double cpu; /* of the router until then */
    int64_t facts, records;
};

struct takeover_cold {
    const struct takeover_options *options;
    struct takeover_stage stage;
    struct takeover_center center;
    bool open; /* the center is */
    struct progress progress;
    uv_loop_t loop;
    uv_timer_t tick;
    bool (*over)(struct takeover_cold *c); /* what is waited for */
    bool failed;
    uint64_t since_ns;
    int64_t started_at; /* of the router, by the wall clock, ms */
    struct cold_round rounds[COLD_ROUNDS_MAX];
    uint32_t count;
};

static volatile int cold_interrupted;

static void cold_on_signal(int number)
{
    cold_interrupted = number;
}

static int64_t cold_wall(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct takeover_router *cold_router(struct takeover_cold *c)
{
    return &c->stage.routers[0];
}

/* ---- waiting ---- */

static void cold_on_tick(uv_timer_t *timer)
{
    struct takeover_cold *c = timer->data;

    c->failed =
        cold_interrupted != 0 || (double)(uv_hrtime() - c->since_ns) / COLD_NS > COLD_GIVE_UP_MS;
    if (c->failed || c->over(c)) {
        uv_stop(&c->loop);
    }
}

static bool cold_wait(struct takeover_cold *c, bool (*over)(struct takeover_cold *c))
{
    c->over = over;
    c->since_ns = uv_hrtime();
    uv_timer_start(&c->tick, cold_on_tick, 0, COLD_TICK_MS);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&c->tick);
    return !c->failed;
}

static bool cold_is_full(struct takeover_cold *c)
{
    return c->center.kept >= c->options->contacts && c->center.submissions == 0;
}

static bool cold_listens(struct takeover_cold *c)
{
    json_t *event = takeover_router_event(cold_router(c), "listening");

    json_decref(event);
    return event != NULL;
}

static bool cold_offers(struct takeover_cold *c)
{
    return c->center.new_ns != 0;
}

/* ---- what the router says of it ---- */

static double cold_event_ms(struct takeover_cold *c, const char *name, struct cold_round *counts)
{
    json_t *event = takeover_router_event(cold_router(c), name);
    double ms = (double)(json_integer_value(json_object_get(event, "at")) - c->started_at);

    if (counts != NULL) {
        counts->facts = json_integer_value(json_object_get(event, "facts"));
        counts->records = json_integer_value(json_object_get(event, "records"));
    }
    json_decref(event);
    return ms;
}

static void cold_measure(struct takeover_cold *c, uint64_t started_ns)
{
    struct cold_round *round = &c->rounds[c->count++];

    round->offer = (double)(c->center.new_ns - started_ns) / COLD_NS;
    round->cpu = peer_server_use(&cold_router(c)->server).cpu_us / 1000;
    round->primary = cold_event_ms(c, "primary", NULL);
    round->read = cold_event_ms(c, "following", round);
    round->owned = cold_event_ms(c, "owned", NULL);
    progress_note(&c->progress,
                  "round %u: %lld records and %lld facts read in %.0f ms; serving after %.0f ms, "
                  "first offer after %.0f ms, router CPU %.0f ms",
                  c->count, (long long)round->records, (long long)round->facts,
                  round->read - round->primary, round->owned, round->offer, round->cpu);
}

/* ---- rounds ---- */

static void cold_open(struct takeover_cold *c, uint32_t agents)
{
    takeover_center_open(&c->center, &c->loop, cold_router(c)->address, agents);
    c->open = true;
}

static void cold_end_router(struct takeover_cold *c)
{
    peer_server_end(&cold_router(c)->server);
    if (c->open) {
        c->open = false;
        takeover_center_close(&c->center);
    }
}

static bool cold_start(struct takeover_cold *c)
{
    c->started_at = cold_wall();
    return takeover_router_start(&c->stage, 0) && cold_wait(c, cold_listens);
}

static bool cold_fill(struct takeover_cold *c)
{
    bool full;

    if (!cold_start(c)) {
        return false;
    }
    cold_open(c, 1);
    takeover_center_fill(&c->center, c->options->contacts);
    full = cold_wait(c, cold_is_full);
    cold_end_router(c);
    return full;
}

/* Each round has one agent more than the one before, who has nothing yet and is offered something.
 */
static bool cold_round(struct takeover_cold *c)
{
    uint64_t started_ns = uv_hrtime();
    bool offered = cold_start(c);

    if (offered) {
        cold_open(c, c->count + 2);
        offered = cold_wait(c, cold_offers);
    }
    if (offered) {
        cold_measure(c, started_ns);
    }
    cold_end_router(c);
    return offered;
}

/* ---- the result ---- */

static int cold_compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The median and the largest, of a time or of the difference of two. */
static json_t *cold_figure(const struct takeover_cold *c, const char *words,
                           double (*figure)(const struct cold_round *r), bool print)
{
    double values[COLD_ROUNDS_MAX];
    double median = 0, most = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        values[i] = figure(&c->rounds[i]);
    }
    if (c->count > 0) {
        qsort(values, c->count, sizeof(values[0]), cold_compare);
        median = (values[(c->count - 1) / 2] + values[c->count / 2]) / 2;
        most = values[c->count - 1];
    }
    if (print) {
        printf("  %-34s%10.0f ms%10.0f ms\n", words, median, most);
    }
    return json_pack("{s:f, s:f}", "median", median, "max", most);
}

static double cold_reading(const struct cold_round *r)
{
    return r->read - r->primary;
}

static double cold_owned(const struct cold_round *r)
{
    return r->owned;
}

static double cold_offer(const struct cold_round *r)
{
    return r->offer;
}

static double cold_cpu(const struct cold_round *r)
{
    return r->cpu;
}

static const struct {
    const char *word, *words;
    double (*figure)(const struct cold_round *r);
} cold_figures[] = {
    {"reading_ms", "reading", cold_reading},
    {"owned_ms", "process started to serving", cold_owned},
    {"first_offer_ms", "process started to first offer", cold_offer},
    {"cpu_ms", "CPU of the router until then", cold_cpu},
};

#define COLD_FIGURES (sizeof(cold_figures) / sizeof(cold_figures[0]))

static json_t *cold_report(const struct takeover_cold *c, bool print)
{
    const struct cold_round *last = &c->rounds[c->count == 0 ? 0 : c->count - 1];
    json_t *json;

    if (print) {
        printf(
            "%u contacts wait, read as %lld records of a checkpoint and %lld facts; %u rounds\n\n"
            "  %-34s%13s%13s\n",
            c->options->contacts, (long long)last->records, (long long)last->facts, c->count, "",
            "median", "max");
    }
    json = json_pack("{s:i, s:i, s:I, s:I}", "contacts", (int)c->options->contacts, "rounds",
                     (int)c->count, "records", (json_int_t)last->records, "facts",
                     (json_int_t)last->facts);
    for (size_t i = 0; i < COLD_FIGURES; i++) {
        json_object_set_new(json, cold_figures[i].word,
                            cold_figure(c, cold_figures[i].words, cold_figures[i].figure, print));
    }
    return json;
}

int takeover_cold(const struct takeover_options *options)
{
    static struct takeover_cold cold;
    struct takeover_cold *c = &cold;
    struct takeover_options stage = *options;
    struct sigaction action = {.sa_handler = cold_on_signal};
    uint32_t rounds = options->rounds < COLD_ROUNDS_MAX ? options->rounds : COLD_ROUNDS_MAX;
    bool good;
    json_t *json;

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    stage.agents = rounds + 1;
    c->options = options;
    progress_init(&c->progress, options->quiet);
    uv_loop_init(&c->loop);
    uv_timer_init(&c->loop, &c->tick);
    c->tick.data = c;
    good = takeover_stage_start(&c->stage, &stage, &cold_interrupted) && cold_fill(c);
    while (good && c->count < rounds) {
        good = cold_round(c);
    }
    uv_close((uv_handle_t *)&c->tick, NULL);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    takeover_stage_stop(&c->stage);
    progress_end(&c->progress);
    if (!good) {
        fprintf(stderr, "switchboard-bench takeover: %s\n",
                c->stage.failed[0] != '\0' ? c->stage.failed : "interrupted, or it takes too long");
    }
    json = cold_report(c, options->json == NULL || strcmp(options->json, "-") != 0);
    if (options->json == NULL) {
        json_decref(json);
    } else if (!command_write_json(json, options->json)) {
        return BENCH_UNABLE;
    }
    return good ? BENCH_OK : BENCH_UNABLE;
}
