/* The rounds of `floor`: both servers run all the time, and take the traffic in turn. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/peer_server.h"

#define FLOOR_START_S 20.0

static volatile int floor_interrupted; /* `load` hears SIGINT itself */

static bool floor_fail(struct floor_result *r, const char *what, const char *why)
{
    if (r->failed[0] == '\0') {
        snprintf(r->failed, sizeof(r->failed), "%s: %s", what, why);
    }
    return false;
}

/* The two servers. */

static void floor_server_address(const struct peer_server *s, char address[64])
{
    snprintf(address, 64, "tcp://127.0.0.1:%u", s->port);
}

static bool floor_start(struct peer_server *s, char *const arguments[])
{
    return peer_server_run(s, arguments, NULL) &&
           peer_server_await(s, s->port, FLOOR_START_S, &floor_interrupted);
}

static bool floor_start_floor(struct peer_server *s)
{
    char path[256], address[64];

    floor_server_address(s, address);
    return peer_server_find("switchboard-bench", path) &&
           floor_start(s, (char *[]){path, "floor", "--serve", "--listen", address, NULL});
}

/* One channel that takes a unit, and an answer clock that the floor knows, too (floor_bytes.h). */
static bool floor_configure(struct peer_server *s, const struct floor_options *o)
{
    char text[4096];
    int size = snprintf(text, sizeof(text),
                        "workspaces:\n"
                        "  %s:\n"
                        "    default_queue: q0\n"
                        "    tiers:\n"
                        "      - {name: vip, answer: 20s}\n"
                        "      - {name: gold, answer: 60s}\n"
                        "      - {name: standard, answer: 120s}\n"
                        "    channels:\n"
                        "      - {name: %s, units: 1}\n"
                        "    queue_defaults:\n"
                        "      answer_clock: 20s\n"
                        "    queues:\n",
                        o->load.workspace, o->load.channel);

    for (unsigned i = 0; i < FLOOR_QUEUES; i++) {
        size += snprintf(text + size, sizeof(text) - (size_t)size, "      - {name: q%u}\n", i);
    }
    return peer_server_write(s, "config.yaml", text);
}

static bool floor_start_router(struct peer_server *s, const struct floor_options *o)
{
    char path[256], address[64], reactors[16];

    floor_server_address(s, address);
    snprintf(reactors, sizeof(reactors), "%u", o->reactors);
    return floor_configure(s, o) && peer_server_find(o->server, path) &&
           floor_start(s, (char *[]){path, "--config", "config.yaml", "--listen", address,
                                     "--journal", "memory", "--reactors", reactors, NULL});
}

/* Rounds. */

static bool floor_measure(const struct peer_server *s, const struct floor_options *o,
                          struct floor_sample *out, struct floor_result *r, const char *who)
{
    struct load_options load = o->load;
    struct load_result found;
    const char *wrong;
    char address[64];

    floor_server_address(s, address);
    load.address = address;
    load.server_pid = s->groups[0];
    load.json = NULL;
    load.quiet = true;
    (void)load_run(&load, &found);
    load_result_close(&found);
    wrong = load_result_verdict(&found, &load);
    if (wrong != NULL) {
        return floor_fail(r, who, wrong);
    }
    if (!found.cpu_known || found.measured == 0) {
        return floor_fail(r, who, "its CPU time cannot be read");
    }
    out->cpu_us = found.server_cpu_us / (double)found.measured;
    out->bench_us = found.bench_cpu_us / (double)found.measured;
    out->rate = (double)found.measured / found.seconds;
    return true;
}

static bool floor_rounds(const struct peer_server *floor, const struct peer_server *router,
                         const struct floor_options *o, struct floor_result *r)
{
    for (uint32_t i = 0; i < o->rounds; i++) {
        if (!floor_measure(floor, o, &r->floor[i], r, "the floor") ||
            !floor_measure(router, o, &r->router[i], r, "the router")) {
            return false;
        }
        r->rounds = i + 1;
        if (!o->quiet) {
            fprintf(stderr, "round %2u: floor %6.3f us, router %6.3f us a life cycle: %5.2f\n",
                    i + 1, r->floor[i].cpu_us, r->router[i].cpu_us,
                    r->router[i].cpu_us / r->floor[i].cpu_us);
        }
    }
    return true;
}

bool floor_run(const struct floor_options *o, struct floor_result *r)
{
    const char *parent = getenv("TMPDIR");
    struct peer_server floor = {0}, router = {0};
    bool run = false;

    *r = (struct floor_result){0};
    parent = parent == NULL ? "/tmp" : parent;
    if (!peer_server_init(&floor, parent) || !floor_start_floor(&floor)) {
        (void)floor_fail(r, "the floor", floor.failed);
    } else if (!peer_server_init(&router, parent) || !floor_start_router(&router, o)) {
        (void)floor_fail(r, o->server, router.failed);
    } else {
        run = floor_rounds(&floor, &router, o, r);
    }
    peer_server_stop(&router);
    peer_server_stop(&floor);
    return run;
}

/* What came of it. */

/* Of one figure over the rounds. */
struct floor_spread {
    double least, median, most;
};

static int floor_compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static struct floor_spread floor_spread_of(const double values[], uint32_t count)
{
    double sorted[FLOOR_ROUNDS_MAX];

    memcpy(sorted, values, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), floor_compare);
    return (struct floor_spread){sorted[0], (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
                                 sorted[count - 1]};
}

/* Everything that is said of a run, for text and JSON alike. */
enum floor_figure {
    FLOOR_RATIO,
    FLOOR_FLOOR_CPU,
    FLOOR_ROUTER_CPU,
    FLOOR_FLOOR_RATE,
    FLOOR_ROUTER_RATE,
    FLOOR_FIGURES
};

static void floor_figures(const struct floor_result *r, struct floor_spread out[FLOOR_FIGURES])
{
    double values[FLOOR_FIGURES][FLOOR_ROUNDS_MAX];

    for (uint32_t i = 0; i < r->rounds; i++) {
        values[FLOOR_RATIO][i] = r->router[i].cpu_us / r->floor[i].cpu_us;
        values[FLOOR_FLOOR_CPU][i] = r->floor[i].cpu_us;
        values[FLOOR_ROUTER_CPU][i] = r->router[i].cpu_us;
        values[FLOOR_FLOOR_RATE][i] = r->floor[i].rate;
        values[FLOOR_ROUTER_RATE][i] = r->router[i].rate;
    }
    for (unsigned f = 0; f < FLOOR_FIGURES; f++) {
        out[f] = floor_spread_of(values[f], r->rounds);
    }
}

void floor_result_print(const struct floor_result *r)
{
    struct floor_spread f[FLOOR_FIGURES];

    floor_figures(r, f);
    printf("server CPU, microseconds a life cycle   median   (least - most of %u rounds)\n",
           r->rounds);
    printf("  floor                               %8.3f   (%.3f - %.3f)  %.0f life cycles/s\n",
           f[FLOOR_FLOOR_CPU].median, f[FLOOR_FLOOR_CPU].least, f[FLOOR_FLOOR_CPU].most,
           f[FLOOR_FLOOR_RATE].median);
    printf("  router                              %8.3f   (%.3f - %.3f)  %.0f life cycles/s\n",
           f[FLOOR_ROUTER_CPU].median, f[FLOOR_ROUTER_CPU].least, f[FLOOR_ROUTER_CPU].most,
           f[FLOOR_ROUTER_RATE].median);
    printf("  router / floor, each round          %8.2f   (%.2f - %.2f)\n", f[FLOOR_RATIO].median,
           f[FLOOR_RATIO].least, f[FLOOR_RATIO].most);
}

static json_t *floor_spread_json(struct floor_spread s)
{
    return json_pack("{s:f, s:f, s:f}", "median", s.median, "least", s.least, "most", s.most);
}

static json_t *floor_samples_json(const struct floor_sample samples[], uint32_t count)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(all, json_pack("{s:f, s:f, s:f}", "cpu_us_per_life_cycle",
                                             samples[i].cpu_us, "life_cycles_per_second",
                                             samples[i].rate, "bench_cpu_us_per_life_cycle",
                                             samples[i].bench_us));
    }
    return all;
}

json_t *floor_result_json(const struct floor_result *r, const struct floor_options *o)
{
    struct floor_spread f[FLOOR_FIGURES];
    json_t *options =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:s, s:b}", "connectors",
                  (json_int_t)o->load.connectors, "agents", (json_int_t)o->load.agents, "window",
                  (json_int_t)o->load.window, "backlog", (json_int_t)load_backlog(&o->load),
                  "at_once", (json_int_t)o->load.at_once, "reactors", (json_int_t)o->reactors,
                  "text_bytes", (json_int_t)o->load.text_bytes, "duration_s", o->load.duration_s,
                  "notify", o->load.notify, "auto_accept", (int)o->load.auto_accept);

    floor_figures(r, f);
    return json_pack(
        "{s:o, s:f, s:o, s:{s:o, s:o, s:o}, s:{s:o, s:o, s:o}}", "options", options, "ratio",
        f[FLOOR_RATIO].median, "ratio_spread", floor_spread_json(f[FLOOR_RATIO]), "floor",
        "cpu_us_per_life_cycle", floor_spread_json(f[FLOOR_FLOOR_CPU]), "life_cycles_per_second",
        floor_spread_json(f[FLOOR_FLOOR_RATE]), "rounds", floor_samples_json(r->floor, r->rounds),
        "router", "cpu_us_per_life_cycle", floor_spread_json(f[FLOOR_ROUTER_CPU]),
        "life_cycles_per_second", floor_spread_json(f[FLOOR_ROUTER_RATE]), "rounds",
        floor_samples_json(r->router, r->rounds));
}
