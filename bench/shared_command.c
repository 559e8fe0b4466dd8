/* `shared`: the same load through a router with its journal in memory and one with its journal in a
 * Redis of its own, in turn: what a life cycle costs either router, and what it costs Redis. */
#include <argp.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench/command.h"
#include "bench/peers.h"
#include "bench/peers_report.h"

struct shared_options {
    uint32_t rounds, window;
    double seconds, rate;
    bool always;
    const char *folder, *json;
};

enum shared_load { SHARED_CLOSED, SHARED_OPEN, SHARED_LOADS };

enum shared_figure {
    SHARED_MEMORY_CPU, /* of the router, us a life cycle, its journal in memory */
    SHARED_ROUTER_CPU, /* the same with its journal in Redis */
    SHARED_RATIO,
    SHARED_REDIS_CPU,
    SHARED_REDIS_CPU_FACT,
    SHARED_FACTS, /* and the others: a life cycle */
    SHARED_ENTRIES,
    SHARED_COMMANDS,
    SHARED_BYTES_IN,
    SHARED_BYTES_FILE,
    SHARED_FIGURES
};

static const struct {
    const char *word, *words;
} shared_figures[SHARED_FIGURES] = {
    [SHARED_MEMORY_CPU] = {"memory_cpu_us", "CPU of the router, journal in memory, us"},
    [SHARED_ROUTER_CPU] = {"router_cpu_us", "CPU of the router, journal in Redis, us"},
    [SHARED_RATIO] = {"ratio", "the latter, times the former"},
    [SHARED_REDIS_CPU] = {"redis_cpu_us", "CPU of Redis, us"},
    [SHARED_REDIS_CPU_FACT] = {"redis_cpu_us_per_fact", "CPU of Redis, us a fact"},
    [SHARED_FACTS] = {"facts", "facts"},
    [SHARED_ENTRIES] = {"entries", "entries of the stream"},
    [SHARED_COMMANDS] = {"commands", "commands of Redis, those in scripts too"},
    [SHARED_BYTES_IN] = {"bytes_in", "bytes to Redis"},
    [SHARED_BYTES_FILE] = {"bytes_file", "bytes to its file"},
};

static const char *const shared_loads[SHARED_LOADS] = {"closed", "open"};

struct shared_report {
    struct peers_figure figures[SHARED_LOADS][SHARED_FIGURES];
    char failed[400];
};

static volatile int shared_interrupted;

static void shared_on_signal(int number)
{
    (void)number;
    shared_interrupted = 1;
}

/* ---- measuring ---- */

static bool shared_run(const struct shared_options *o, struct shared_report *report,
                       const struct peer *peer, enum shared_load load, struct peers_result *result)
{
    const struct peers_plan plan = {
        .peer = peer,
        .traffic = load == SHARED_OPEN ? PEERS_OPEN : PEERS_CLOSED,
        .folder = o->folder,
        /* The router that keeps nothing has nothing to make durable. */
        .durable = o->always && peer == &peer_switchboard_redis,
        .producers = 8,
        .consumers = 32,
        .reactors = 1,
        .window = o->window,
        .warm_up_s = 0.5,
        .seconds = o->seconds,
        .rate = o->rate,
        .seed = 1,
    };

    fprintf(stderr, "%s, %s loop\n", peer->name, shared_loads[load]);
    if (peers_run(&plan, result, &shared_interrupted)) {
        return !shared_interrupted;
    }
    memcpy(report->failed, result->failed, sizeof(report->failed));
    return false;
}

static bool shared_round(const struct shared_options *o, struct shared_report *report,
                         enum shared_load load, uint32_t round)
{
    struct peers_result memory, redis;
    double values[SHARED_FIGURES], each;

    if (!shared_run(o, report, &peer_switchboard, load, &memory) ||
        !shared_run(o, report, &peer_switchboard_redis, load, &redis)) {
        return false;
    }
    each = 1 / (double)redis.completed;
    values[SHARED_MEMORY_CPU] = memory.server_cpu_us / (double)memory.completed;
    values[SHARED_ROUTER_CPU] = (redis.server_cpu_us - redis.store_cpu_us) * each;
    values[SHARED_RATIO] = values[SHARED_ROUTER_CPU] / values[SHARED_MEMORY_CPU];
    values[SHARED_REDIS_CPU] = redis.store_cpu_us * each;
    values[SHARED_REDIS_CPU_FACT] = redis.store_cpu_us / (double)redis.store.facts;
    values[SHARED_FACTS] = (double)redis.store.facts * each;
    values[SHARED_ENTRIES] = (double)redis.store.entries * each;
    values[SHARED_COMMANDS] = (double)redis.store.commands * each;
    values[SHARED_BYTES_IN] = (double)redis.store.bytes_in * each;
    values[SHARED_BYTES_FILE] = (double)redis.store.file_bytes * each;
    for (int i = 0; i < SHARED_FIGURES; i++) {
        report->figures[load][i].of_round[round] = values[i];
    }
    return true;
}

static bool shared_measure(const struct shared_options *o, struct shared_report *report)
{
    for (uint32_t round = 0; round < o->rounds; round++) {
        for (int load = 0; load < SHARED_LOADS; load++) {
            if (!shared_round(o, report, (enum shared_load)load, round)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- the result ---- */

static void shared_print(const struct shared_options *o, const struct shared_report *report)
{
    for (int load = 0; load < SHARED_LOADS; load++) {
        if (load == SHARED_OPEN) {
            printf("\nat %.0f contacts a second", o->rate);
        } else {
            printf("closed loop, window %u", o->window);
        }
        printf(", appendfsync %s; a life cycle, median of %u rounds (range)\n",
               o->always ? "always" : "everysec", o->rounds);
        for (int i = 0; i < SHARED_FIGURES; i++) {
            struct peers_spread s = peers_report_spread(&report->figures[load][i], o->rounds);

            printf("  %-42s%10.2f (%.2f to %.2f)\n", shared_figures[i].words, s.median, s.least,
                   s.most);
        }
    }
}

static json_t *shared_json(const struct shared_options *o, const struct shared_report *report)
{
    json_t *json = json_pack("{s:i, s:i, s:f, s:b}", "rounds", (int)o->rounds, "window",
                             (int)o->window, "rate", o->rate, "always", (int)o->always);

    for (int load = 0; load < SHARED_LOADS; load++) {
        json_t *figures = json_object();

        for (int i = 0; i < SHARED_FIGURES; i++) {
            struct peers_spread s = peers_report_spread(&report->figures[load][i], o->rounds);

            json_object_set_new(
                figures, shared_figures[i].word,
                json_pack("{s:f, s:f, s:f}", "median", s.median, "least", s.least, "most", s.most));
        }
        json_object_set_new(json, shared_loads[load], figures);
    }
    return json;
}

/* ---- arguments ---- */

enum {
    SHARED_KEY_ROUNDS = 256,
    SHARED_KEY_SECONDS,
    SHARED_KEY_WINDOW,
    SHARED_KEY_RATE,
    SHARED_KEY_ALWAYS,
    SHARED_KEY_FOLDER,
    SHARED_KEY_JSON
};

static const struct argp_option shared_argp_options[] = {
    {"rounds", SHARED_KEY_ROUNDS, "N", 0, "of both routers in turn, in both loops (3)", 0},
    {"seconds", SHARED_KEY_SECONDS, "S", 0, "measured seconds of each run (2)", 0},
    {"window", SHARED_KEY_WINDOW, "N", 0, "in the closed loop, as in peers (32)", 0},
    {"rate", SHARED_KEY_RATE, "R", 0, "contacts a second in the open loop (5000)", 0},
    {"always", SHARED_KEY_ALWAYS, NULL, 0, "Redis syncs before it answers (once a second)", 0},
    {"folder", SHARED_KEY_FOLDER, "DIR", 0, "where Redis keeps its file (/var/tmp)", 0},
    {"json", SHARED_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t shared_parse(int key, char *text, struct argp_state *state)
{
    struct shared_options *o = state->input;

    switch (key) {
    case SHARED_KEY_ROUNDS:
        o->rounds = (uint32_t)command_whole(state, text, "--rounds", 1, PEERS_ROUNDS_MAX);
        break;
    case SHARED_KEY_SECONDS:
        o->seconds = command_real(state, text, "--seconds", 0.05);
        break;
    case SHARED_KEY_WINDOW:
        o->window = (uint32_t)command_whole(state, text, "--window", 1, 64);
        break;
    case SHARED_KEY_RATE:
        o->rate = command_real(state, text, "--rate", 1);
        break;
    case SHARED_KEY_ALWAYS:
        o->always = true;
        break;
    case SHARED_KEY_FOLDER:
        o->folder = text;
        break;
    case SHARED_KEY_JSON:
        o->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_shared(int argc, char **argv)
{
    static const struct argp argp = {
        .options = shared_argp_options,
        .parser = shared_parse,
        .doc = "The journal in Redis: what it costs the router beside one whose journal is in "
               "memory, at the same load, and what it costs Redis.",
    };
    static struct shared_report report;
    struct shared_options o = {
        .rounds = 3, .window = 32, .seconds = 2, .rate = 5000, .folder = "/var/tmp"};
    struct sigaction act = {.sa_handler = shared_on_signal};

    argp_parse(&argp, argc, argv, 0, NULL, &o);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    if (!shared_measure(&o, &report)) {
        fprintf(stderr, "switchboard-bench shared: %s\n",
                report.failed[0] != '\0' ? report.failed : "interrupted");
        return report.failed[0] != '\0' ? BENCH_UNABLE : BENCH_BAD;
    }
    if (o.json == NULL || strcmp(o.json, "-") != 0) {
        shared_print(&o, &report);
    }
    return o.json == NULL || command_write_json(shared_json(&o, &report), o.json) ? BENCH_OK
                                                                                  : BENCH_UNABLE;
}
