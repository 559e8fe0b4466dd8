/* `switchboard-bench peers`: options, and the rounds. */
#include <argp.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/peers.h"
#include "bench/peers_page.h"
#include "bench/peers_report.h"
#include "queue/base/memory.h"

#define PEERS_WINDOWS_MAX 8u

struct peers_options {
    const struct peer *peers[64];
    uint32_t peer_count;
    uint32_t windows[PEERS_WINDOWS_MAX];
    uint32_t window_count;
    bool memory, durable;
    bool costs;
    uint32_t rounds, producers, consumers, reactors, waiting, count;
    double seconds, warm_up, rate;
    uint64_t seed;
    const char *folder, *json, *html;
};

enum {
    PEERS_KEY_PEERS = 256,
    PEERS_KEY_WINDOWS,
    PEERS_KEY_MEMORY,
    PEERS_KEY_DURABLE,
    PEERS_KEY_ROUNDS,
    PEERS_KEY_SECONDS,
    PEERS_KEY_WARM_UP,
    PEERS_KEY_RATE,
    PEERS_KEY_WAITING,
    PEERS_KEY_COUNT,
    PEERS_KEY_NO_COSTS,
    PEERS_KEY_PRODUCERS,
    PEERS_KEY_CONSUMERS,
    PEERS_KEY_REACTORS,
    PEERS_KEY_FOLDER,
    PEERS_KEY_SEED,
    PEERS_KEY_JSON,
    PEERS_KEY_HTML,
    PEERS_KEY_LIST,
};

static const struct argp_option peers_argp_options[] = {
    {"peers", PEERS_KEY_PEERS, "NAMES", 0, "only these, with commas between (all)", 0},
    {"list", PEERS_KEY_LIST, NULL, 0, "say which there are, and what each one does not do", 0},
    {"windows", PEERS_KEY_WINDOWS, "LIST", 0,
     "contacts that a consumer works at once, and submissions that a producer has unanswered "
     "(1,32)",
     0},
    {"memory", PEERS_KEY_MEMORY, NULL, 0, "in memory only (both)", 0},
    {"durable", PEERS_KEY_DURABLE, NULL, 0, "durable only (both)", 0},
    {"rounds", PEERS_KEY_ROUNDS, "N", 0, "rounds, each with all of them in turn (3)", 0},
    {"seconds", PEERS_KEY_SECONDS, "S", 0, "measured seconds of each run (2)", 0},
    {"warm-up", PEERS_KEY_WARM_UP, "S", 0, "seconds before that (0.5)", 0},
    {"count", PEERS_KEY_COUNT, "N", 0, "so many life cycles instead of seconds", 0},
    {"no-costs", PEERS_KEY_NO_COSTS, NULL, 0, "leave the closed loop out", 0},
    {"rate", PEERS_KEY_RATE, "R", 0,
     "contacts a second for latency, at the last of the windows; 0: leave it out (5000)", 0},
    {"waiting", PEERS_KEY_WAITING, "N", 0,
     "how much memory a waiting contact takes, over N of them; 0: leave it out (0)", 0},
    {"producers", PEERS_KEY_PRODUCERS, "N", 0, "connections that submit (8)", 0},
    {"consumers", PEERS_KEY_CONSUMERS, "N", 0, "connections that work (32)", 0},
    {"reactors", PEERS_KEY_REACTORS, "N", 0,
     "threads of Switchboard; the others run as shipped (1)", 0},
    {"folder", PEERS_KEY_FOLDER, "DIR", 0,
     "where servers keep their files while they run; a real disk (/var/tmp)", 0},
    {"seed", PEERS_KEY_SEED, "N", 0, "of texts and arrivals (1)", 0},
    {"json", PEERS_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {"html", PEERS_KEY_HTML, "FILE", 0, "and as one HTML page with plots", 0},
    {0},
};

/* The signal that ends it all: servers that were started are ended first. */
static volatile int peers_interrupted;

static void peers_on_signal(int number)
{
    (void)number;
    peers_interrupted = 1;
}

static void peers_list(void)
{
    for (const struct peer *const *peer = peers_all; *peer != NULL; peer++) {
        const struct peer *p = *peer;

        printf("%s\n  memory: %s\n  durable: %s\n  completed: %s\n", p->name,
               p->memory == NULL ? "no" : p->memory, p->durable == NULL ? "no" : p->durable,
               p->completed);
        if (p->lacks[0] != '\0') {
            printf("  no %s\n", p->lacks);
        }
    }
}

static void peers_parse_names(struct peers_options *o, struct argp_state *state, const char *names)
{
    o->peer_count = 0;
    while (*names != '\0') {
        struct text name = {names, (uint32_t)strcspn(names, ",")};
        const struct peer *peer = peers_find(name);

        if (peer == NULL) {
            argp_error(state, "--peers: there is no '" TEXT_FORMAT "'; --list says which there are",
                       TEXT_ARGS(name));
        } else if (o->peer_count < sizeof(o->peers) / sizeof(o->peers[0])) {
            o->peers[o->peer_count++] = peer;
        }
        names += name.length + (names[name.length] == ',');
    }
}

static void peers_parse_windows(struct peers_options *o, struct argp_state *state, char *list)
{
    char *rest = list, *one;

    o->window_count = 0;
    while ((one = strsep(&rest, ",")) != NULL && o->window_count < PEERS_WINDOWS_MAX) {
        o->windows[o->window_count++] = (uint32_t)command_whole(state, one, "--windows", 1, 64);
    }
}

static error_t peers_parse(int key, char *text, struct argp_state *state)
{
    struct peers_options *o = state->input;

    switch (key) {
    case PEERS_KEY_PEERS:
        peers_parse_names(o, state, text);
        break;
    case PEERS_KEY_LIST:
        peers_list();
        exit(BENCH_OK);
    case PEERS_KEY_WINDOWS:
        peers_parse_windows(o, state, text);
        break;
    case PEERS_KEY_MEMORY:
        o->memory = true;
        break;
    case PEERS_KEY_DURABLE:
        o->durable = true;
        break;
    case PEERS_KEY_ROUNDS:
        o->rounds = (uint32_t)command_whole(state, text, "--rounds", 1, PEERS_ROUNDS_MAX);
        break;
    case PEERS_KEY_SECONDS:
        o->seconds = command_real(state, text, "--seconds", 0.05);
        break;
    case PEERS_KEY_WARM_UP:
        o->warm_up = command_real(state, text, "--warm-up", 0);
        break;
    case PEERS_KEY_COUNT:
        o->count = (uint32_t)command_whole(state, text, "--count", 1, 1000000000);
        break;
    case PEERS_KEY_NO_COSTS:
        o->costs = false;
        break;
    case PEERS_KEY_RATE:
        o->rate = command_real(state, text, "--rate", 0);
        break;
    case PEERS_KEY_WAITING:
        o->waiting = (uint32_t)command_whole(state, text, "--waiting", 0, 10000000);
        break;
    case PEERS_KEY_PRODUCERS:
        o->producers = (uint32_t)command_whole(state, text, "--producers", 1, 1000);
        break;
    case PEERS_KEY_CONSUMERS:
        o->consumers = (uint32_t)command_whole(state, text, "--consumers", 1, 1000);
        break;
    case PEERS_KEY_REACTORS:
        o->reactors = (uint32_t)command_whole(state, text, "--reactors", 1, 64);
        break;
    case PEERS_KEY_FOLDER:
        o->folder = text;
        break;
    case PEERS_KEY_SEED:
        o->seed = command_whole(state, text, "--seed", 0, UINT64_MAX);
        break;
    case PEERS_KEY_JSON:
        o->json = text;
        break;
    case PEERS_KEY_HTML:
        o->html = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

/* Programs that are not there: what has to be installed. */
static bool peers_programs_found(const struct peers_options *o)
{
    char path[256], missing[400] = "";

    for (uint32_t i = 0; i < o->peer_count; i++) {
        const struct peer *peer = o->peers[i];

        if (!peer_server_find(peer->program, path) && peer->package[0] == '\0') {
            fprintf(stderr, "switchboard-bench: there is no %s beside this program\n",
                    peer->program);
            return false;
        }
        if (!peer_server_find(peer->program, path) && strstr(missing, peer->package) == NULL) {
            size_t size = strlen(missing);

            snprintf(missing + size, sizeof(missing) - size, " %s", peer->package);
        }
    }
    if (missing[0] != '\0') {
        fprintf(stderr,
                "switchboard-bench: some peers are not installed. Either\n"
                "    apt-get install --no-install-recommends%s\n"
                "or name others with --peers.\n",
                missing);
    }
    return missing[0] == '\0';
}

/* Rows. */

static void peers_add_rows(struct peers_report *report, const struct peers_options *o, bool durable)
{
    for (uint32_t w = 0; w < o->window_count; w++) {
        for (uint32_t i = 0; i < o->peer_count; i++) {
            const struct peer *peer = o->peers[i];
            struct peers_row *row;

            if ((durable ? peer->durable : peer->memory) == NULL) {
                continue;
            }
            row = &report->rows[report->row_count++];
            row->peer = peer;
            row->durable = durable;
            row->window = o->windows[w];
            for (int kind = 0; kind < PEERS_FIGURES; kind++) {
                for (uint32_t round = 0; round < PEERS_ROUNDS_MAX; round++) {
                    row->figures[kind].of_round[round] = NAN;
                }
            }
        }
    }
}

static bool peers_measure(const struct peers_options *o, struct peers_row *row,
                          enum peers_traffic traffic, struct peers_result *result)
{
    struct peers_plan plan = {
        .peer = row->peer,
        .traffic = traffic,
        .folder = o->folder,
        .durable = row->durable,
        .producers = o->producers,
        .consumers = o->consumers,
        .reactors = o->reactors,
        .window = row->window,
        .warm_up_s = o->count != 0 && traffic == PEERS_CLOSED ? 0 : o->warm_up,
        .seconds = o->seconds,
        .rate = o->rate,
        .waiting = o->waiting,
        .count = traffic == PEERS_CLOSED ? o->count : 0,
        .seed = o->seed,
    };
    bool good = peers_run(&plan, result, &peers_interrupted);

    row->contacts += result->accounted;
    if (!good && row->failed[0] == '\0') {
        memcpy(row->failed, result->failed, sizeof(row->failed));
    }
    return good && !peers_interrupted;
}

static void peers_measure_row(const struct peers_options *o, struct peers_row *row, uint32_t round)
{
    bool last_window = row->window == o->windows[o->window_count - 1];
    struct peers_result r;

    if (o->costs && peers_measure(o, row, PEERS_CLOSED, &r)) {
        row->figures[PEERS_PER_SECOND].of_round[round] = (double)r.completed / r.seconds;
        row->figures[PEERS_CPU].of_round[round] = r.server_cpu_us / (double)r.completed;
        row->figures[PEERS_BENCH_CPU].of_round[round] = r.bench_cpu_us / r.seconds / 1e6;
    }
    if (o->rate > 0 && last_window && !peers_interrupted && peers_measure(o, row, PEERS_OPEN, &r)) {
        row->figures[PEERS_P50].of_round[round] = (double)r.p50_ns / 1e3;
        row->figures[PEERS_P99].of_round[round] = (double)r.p99_ns / 1e3;
        row->figures[PEERS_OPEN_CPU].of_round[round] = r.server_cpu_us / (double)r.completed;
    }
    if (o->waiting > 0 && last_window && !peers_interrupted && round == 0 &&
        peers_measure(o, row, PEERS_WAITING, &r)) {
        row->figures[PEERS_BYTES].of_round[round] = r.bytes_each;
        row->figures[PEERS_BESIDE].of_round[round] = r.bytes_each - row->peer->carried_bytes;
    }
}

static void peers_measure_all(const struct peers_options *o, struct peers_report *report)
{
    for (uint32_t round = 0; round < o->rounds && !peers_interrupted; round++) {
        for (uint32_t i = 0; i < report->row_count && !peers_interrupted; i++) {
            /* Each round begins somewhere else, so that nobody always follows the same one. */
            struct peers_row *row =
                &report->rows[(i + round * report->row_count / o->rounds) % report->row_count];

            fprintf(stderr, "round %u of %u: %s, %s, window %u\n", round + 1, o->rounds,
                    row->peer->name, row->durable ? "durable" : "in memory", row->window);
            peers_measure_row(o, row, round);
        }
    }
}

static int peers_finish(const struct peers_options *o, const struct peers_report *report)
{
    int status = peers_interrupted ? BENCH_BAD : BENCH_OK;

    if (o->json == NULL || strcmp(o->json, "-") != 0) {
        peers_report_print(report, stdout);
    }
    for (uint32_t i = 0; i < report->row_count; i++) {
        if (report->rows[i].failed[0] != '\0') {
            status = BENCH_BAD;
        }
    }
    if (o->html != NULL && !peers_page_write(report, o->html)) {
        status = BENCH_UNABLE;
    }
    if (o->json != NULL && !command_write_json(peers_report_json(report), o->json)) {
        return BENCH_UNABLE;
    }
    return status;
}

int command_peers(int argc, char **argv)
{
    static const struct argp argp = {
        .options = peers_argp_options,
        .parser = peers_parse,
        .doc = "The same life cycles through Switchboard and through the brokers that one would "
               "use instead.\v"
               "It starts and ends every server itself, on ports and in folders of its own. "
               "bench/README.md says what each row does and does not do.",
    };
    struct peers_options o = {.windows = {1, 32},
                              .window_count = 2,
                              .costs = true,
                              .rounds = 3,
                              .producers = 8,
                              .consumers = 32,
                              .reactors = 1,
                              .seconds = 2,
                              .warm_up = 0.5,
                              .rate = 5000,
                              .seed = 1,
                              .folder = "/var/tmp"};
    struct sigaction act = {.sa_handler = peers_on_signal};
    struct peers_report report = {0};
    int status;

    while (peers_all[o.peer_count] != NULL) {
        o.peers[o.peer_count] = peers_all[o.peer_count];
        o.peer_count++;
    }
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (!peers_programs_found(&o)) {
        return BENCH_UNABLE;
    }
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGHUP, &act, NULL);
    report.rounds = o.rounds;
    report.producers = o.producers;
    report.consumers = o.consumers;
    report.seconds = o.seconds;
    report.rate = o.rate;
    report.waiting = o.waiting;
    report.rows = memory_take(2ul * o.window_count * o.peer_count * sizeof(report.rows[0]));
    if (o.memory || !o.durable) {
        peers_add_rows(&report, &o, false);
    }
    if (o.durable || !o.memory) {
        peers_add_rows(&report, &o, true);
    }
    peers_measure_all(&o, &report);
    status = peers_finish(&o, &report);
    memory_give(report.rows);
    return status;
}
