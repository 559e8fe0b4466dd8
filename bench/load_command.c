/* The arguments of `load`, and what is done with its result. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/demo.h"
#include "bench/load.h"
#include "queue/base/memory.h"

enum load_key {
    KEY_CONNECTORS = 256,
    KEY_AGENTS,
    KEY_WORKSPACES,
    KEY_RATE,
    KEY_BURST,
    KEY_EVERY,
    KEY_SCENARIO,
    KEY_SCENARIO_HELP,
    KEY_EVEN,
    KEY_WINDOW,
    KEY_BACKLOG,
    KEY_DURATION,
    KEY_COUNT,
    KEY_WARM_UP,
    KEY_DRAIN,
    KEY_CHANNEL,
    KEY_TIERS,
    KEY_QUEUES,
    KEY_TEXT,
    KEY_VARIANTS,
    KEY_NOTIFY,
    KEY_MAKE_AGENTS,
    KEY_SKILLS,
    KEY_DISTINCT,
    KEY_AGENT_NAMES,
    KEY_CONTACT_SKILLS,
    KEY_MISSES,
    KEY_DECLINES,
    KEY_AGENTS_FROM_SERVER,
    KEY_PULL,
    KEY_AT_ONCE,
    KEY_AUTO_ACCEPT,
    KEY_RECEIPTS,
    KEY_HANDLE,
    KEY_WRAP_UP,
    KEY_SEED,
    KEY_SERVER_PID,
    KEY_MAX_P99,
    KEY_MAX_ERRORS,
    KEY_JSON,
    KEY_HTML,
    KEY_QUIET,
    KEY_MESSAGES,
    KEY_SPEED,
};

static const struct argp_option load_argp_options[] = {
    {NULL, 0, NULL, 0, "Where:", 1},
    {"connect", 'c', "ADDRESS", 0,
     "the server: tcp://HOST:PORT or unix://PATH (tcp://127.0.0.1:7700); several times: several "
     "servers, and everybody is spread over them",
     0},
    {"workspace", 'w', "NAME", 0,
     "the workspace (bench, which the examples have, so that real statistics stay clean)", 0},
    {"workspaces", KEY_WORKSPACES, "A,B,...", 0, "several, and everybody is spread over them", 0},

    {NULL, 0, NULL, 0, "Who:", 2},
    {"connectors", KEY_CONNECTORS, "N", 0, "connections that submit (8)", 0},
    {"agents", KEY_AGENTS, "N", 0, "connections that work (32)", 0},
    {"make-agents", KEY_MAKE_AGENTS, NULL, 0,
     "make the agents load-01, load-02, ... first (as admin), and remove them afterwards", 0},
    {"skills", KEY_SKILLS, "A:N,B:N,...", 0,
     "skills of the agents that are made, with their levels", 0},
    {"distinct-agents", KEY_DISTINCT, NULL, 0,
     "levels of skills d0, d1, ... in addition, for each agent different ones", 0},
    {"agent-names", KEY_AGENT_NAMES, "A,B,...", 0,
     "sign in as these instead of load-01, load-02, ...", 0},

    {NULL, 0, NULL, 0, "How much:", 3},
    {"rate", KEY_RATE, "N[..M]", 0,
     "open loop: N contacts a second, due by chance; latency counts from the moment a contact was "
     "due; with ..M, going from N to M over the duration",
     0},
    {"burst", KEY_BURST, "N", 0, "on top of it: N contacts due in one instant", 0},
    {"every", KEY_EVERY, "SECONDS", 0, "so often (10)", 0},
    {"scenario", KEY_SCENARIO, "FILE", 0,
     "instead of all that: phases and kinds of contacts, as in bench/scenarios", 0},
    {"scenario-help", KEY_SCENARIO_HELP, NULL, 0, "what can stand in such a file", 0},
    {"even", KEY_EVEN, NULL, 0, "open loop: due at even distances", 0},
    {"window", KEY_WINDOW, "N", 0,
     "closed loop (without --rate): N submissions without an answer at each connector (32)", 0},
    {"backlog", KEY_BACKLOG, "N", 0,
     "closed loop: at most N contacts of the whole run between submission and completion (what "
     "all agents take at once, and a window of each connector)",
     0},
    {"duration", KEY_DURATION, "SECONDS", 0, "submit for so long (10; with --messages 60)", 0},
    {"count", KEY_COUNT, "N", 0, "submit so many contacts instead", 0},
    {"warm-up", KEY_WARM_UP, "SECONDS", 0, "leave so much out at the beginning (0)", 0},
    {"drain", KEY_DRAIN, "SECONDS", 0,
     "what is under way at the end may take so long (10; with --messages 180)", 0},

    {NULL, 0, NULL, 0, "What:", 4},
    {"text-bytes", KEY_TEXT, "N", 0, "bytes of text in a message (200)", 0},
    {"variants", KEY_VARIANTS, "N", 0, "so many different messages, in turn (1024)", 0},
    {"channel", KEY_CHANNEL, "NAME", 0, "the channel (email)", 0},
    {"tiers", KEY_TIERS, "A,B,...", 0, "a tier of these for each message, by chance", 0},
    {"queues", KEY_QUEUES, "A,B,...", 0, "name a queue of these for each message, by chance", 0},
    {"contact-skills", KEY_CONTACT_SKILLS, "A:N[+B:N],...", 0,
     "skills that each message needs, one of these by chance", 0},
    {"notify", KEY_NOTIFY, "WHAT", 0, "what connectors hear: all, outcome or none (all)", 0},

    {NULL, 0, NULL, 0, "How agents work:", 5},
    {"at-once", KEY_AT_ONCE, "N", 0, "contacts at a time (32)", 0},
    {"pull", KEY_PULL, "N", 0, "ask for contacts, N at a time, instead of getting offers", 0},
    {"auto-accept", KEY_AUTO_ACCEPT, NULL, 0, "as bots: an offer is an assignment", 0},
    {"receipts", KEY_RECEIPTS, NULL, 0, "confirm that an offer is shown", 0},
    {"misses", KEY_MISSES, "PERCENT", 0, "offers that nobody answers (0)", 0},
    {"declines", KEY_DECLINES, "PERCENT", 0, "offers that are declined (0)", 0},
    {"handle-ms", KEY_HANDLE, "N", 0, "mean time of working a contact (0)", 0},
    {"wrap-up-ms", KEY_WRAP_UP, "N", 0, "after-contact work (0)", 0},

    {NULL, 0, NULL, 0, "A demonstration instead:", 6},
    {"messages", KEY_MESSAGES, "FILE", 0,
     "play these messages (JSON lines, as in deploy/messages) with people who take their time, "
     "decline, miss and leave; then account for each",
     0},
    {"agents-from-server", KEY_AGENTS_FROM_SERVER, NULL, 0,
     "sign in the agents that the workspace has (without --agent-names this is so)", 0},
    {"speed", KEY_SPEED, "N", 0, "people work N times as fast as people (20)", 0},

    {NULL, 0, NULL, 0, "Result:", 7},
    {"json", KEY_JSON, "FILE", 0,
     "write the result as JSON, too; - for standard output, and then nothing else", 0},
    {"html", KEY_HTML, "FILE", 0, "write a report with plots: one file, nothing to fetch", 0},
    {"server-pid", KEY_SERVER_PID, "PID", 0, "read what the server costs from /proc", 0},
    {"max-p99-ms", KEY_MAX_P99, "N", 0, "fail when 99 % of offers take longer from the moment due",
     0},
    {"max-errors", KEY_MAX_ERRORS, "N", 0, "fail when more requests are refused", 0},
    {"seed", KEY_SEED, "N", 0, "of everything left to chance (1)", 0},
    {"quiet", KEY_QUIET, NULL, 0, "no progress", 0},
    {0},
};

struct load_arguments {
    struct load_options load;
    struct demo_options demo;
    bool duration_given, drain_given;
    const char *scenario;
    char addresses[4096]; /* comma-separated */
};

/* Each key sets one option; the few that have two effects are told apart from the rest here. */
static error_t load_parse_amount(int key, const char *text, struct load_options *o,
                                 struct load_arguments *a, struct argp_state *state)
{
    switch (key) {
    case KEY_CONNECTORS:
        o->connectors = (uint32_t)command_whole(state, text, "--connectors", 1, 10000);
        break;
    case KEY_AGENTS:
        o->agents = (uint32_t)command_whole(state, text, "--agents", 1, 100000);
        break;
    case KEY_RATE:
        if (!scenario_rates(text, &o->rate, &o->rate_to)) {
            argp_error(state, "--rate takes contacts a second, as 1000, or 500..4000, not '%s'",
                       text);
        }
        break;
    case KEY_BURST:
        o->burst = (uint32_t)command_whole(state, text, "--burst", 1, LOAD_BACKLOG_MAX);
        break;
    case KEY_EVERY:
        o->burst_every_s = command_real(state, text, "--every", 0.01);
        break;
    case KEY_WINDOW:
        o->window = (uint32_t)command_whole(state, text, "--window", 1, 100000);
        break;
    case KEY_BACKLOG:
        o->backlog = (uint32_t)command_whole(state, text, "--backlog", 1, LOAD_BACKLOG_MAX);
        break;
    case KEY_DURATION:
        o->duration_s = command_real(state, text, "--duration", 0.1);
        a->duration_given = true;
        break;
    case KEY_COUNT:
        o->count = command_whole(state, text, "--count", 1, UINT64_C(1) << 40);
        break;
    case KEY_WARM_UP:
        o->warm_up_s = command_real(state, text, "--warm-up", 0);
        break;
    case KEY_DRAIN:
        o->drain_s = command_real(state, text, "--drain", 0);
        a->drain_given = true;
        break;
    case KEY_TEXT:
        o->text_bytes = (uint32_t)command_whole(state, text, "--text-bytes", 0, 65536);
        break;
    case KEY_VARIANTS:
        o->variants = (uint32_t)command_whole(state, text, "--variants", 1, 1000000);
        break;
    case KEY_PULL:
        o->pull = true;
        o->at_once = (uint32_t)command_whole(state, text, "--pull", 1, 256);
        break;
    case KEY_AT_ONCE:
        o->at_once = (uint32_t)command_whole(state, text, "--at-once", 1, 256);
        break;
    case KEY_HANDLE:
        o->handle_ms = (uint32_t)command_whole(state, text, "--handle-ms", 0, 86400000);
        break;
    case KEY_MISSES:
        o->miss_percent = (uint32_t)command_whole(state, text, "--misses", 0, 50);
        break;
    case KEY_DECLINES:
        o->decline_percent = (uint32_t)command_whole(state, text, "--declines", 0, 50);
        break;
    case KEY_WRAP_UP:
        o->wrap_up_ms = (uint32_t)command_whole(state, text, "--wrap-up-ms", 0, 86400000);
        break;
    case KEY_SEED:
        o->seed = command_whole(state, text, "--seed", 0, UINT64_MAX);
        break;
    case KEY_SERVER_PID:
        o->server_pid = (long)command_whole(state, text, "--server-pid", 1, INT32_MAX);
        break;
    case KEY_MAX_P99:
        o->max_p99_ms = command_real(state, text, "--max-p99-ms", 0.000001);
        break;
    case KEY_MAX_ERRORS:
        o->max_errors = command_whole(state, text, "--max-errors", 0, UINT64_MAX);
        break;
    case KEY_SPEED:
        a->demo.speed = command_real(state, text, "--speed", 0.01);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool load_is_notify(const char *word)
{
    return strcmp(word, "all") == 0 || strcmp(word, "outcome") == 0 || strcmp(word, "none") == 0;
}

static void load_add_address(struct load_arguments *a, const struct argp_state *state,
                             const char *url)
{
    size_t length = strlen(a->addresses);

    if (length + strlen(url) + 2 > sizeof(a->addresses)) {
        argp_error(state, "--connect was given too often");
    }
    snprintf(a->addresses + length, sizeof(a->addresses) - length, "%s%s", length > 0 ? "," : "",
             url);
    a->load.address = a->addresses;
}

static error_t load_parse(int key, char *text, struct argp_state *state)
{
    struct load_arguments *a = state->input;
    struct load_options *o = &a->load;

    switch (key) {
    case 'c':
        load_add_address(a, state, text);
        break;
    case 'w':
    case KEY_WORKSPACES:
        o->workspace = text;
        break;
    case KEY_EVEN:
        o->arrivals = ARRIVAL_EVEN;
        break;
    case KEY_CHANNEL:
        o->channel = text;
        break;
    case KEY_TIERS:
        o->tiers = text;
        break;
    case KEY_QUEUES:
        o->queues = text;
        break;
    case KEY_NOTIFY:
        if (!load_is_notify(text)) {
            argp_error(state, "--notify takes all, outcome or none, not '%s'", text);
        }
        o->notify = text;
        break;
    case KEY_MAKE_AGENTS:
        o->make_agents = true;
        break;
    case KEY_DISTINCT:
        o->distinct = true;
        break;
    case KEY_CONTACT_SKILLS:
        o->contact_skills = text;
        break;
    case KEY_SKILLS:
        o->skills = text;
        break;
    case KEY_AGENT_NAMES:
        o->agent_names = text;
        break;
    case KEY_AGENTS_FROM_SERVER:
        break; /* what a demonstration does anyway, for those who like to say it */
    case KEY_AUTO_ACCEPT:
        o->auto_accept = true;
        break;
    case KEY_RECEIPTS:
        o->receipts = true;
        break;
    case KEY_MESSAGES:
        a->demo.messages = text;
        break;
    case KEY_JSON:
        o->json = text;
        break;
    case KEY_HTML:
        o->html = text;
        break;
    case KEY_SCENARIO:
        a->scenario = text;
        break;
    case KEY_SCENARIO_HELP:
        scenario_print_manual(stdout);
        exit(BENCH_OK);
    case KEY_QUIET:
        o->quiet = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is no option", text);
        break;
    default:
        return text == NULL ? ARGP_ERR_UNKNOWN : load_parse_amount(key, text, o, a, state);
    }
    return 0;
}

static const struct argp load_argp = {
    .options = load_argp_options,
    .parser = load_parse,
    .doc = "Many connectors and agents against a running server.\v"
           "Open loop:    switchboard-bench load --make-agents --rate 5000 --duration 30\n"
           "Closed loop:  switchboard-bench load --make-agents --window 32 --notify none\n"
           "In a pipeline: ... --json result.json --max-p99-ms 5 --max-errors 0\n"
           "Ramp:         switchboard-bench load --make-agents --rate 1000..8000 --duration 60 "
           "--html report.html\n"
           "Demonstration: switchboard-bench load --workspace after-sales "
           "--messages deploy/messages/after-sales.jsonl",
};

static int load_do(const struct load_options *o)
{
    static struct load_result result;
    const char *wrong;
    bool ran, written, alone = o->json != NULL && strcmp(o->json, "-") == 0;

    ran = load_run(o, &result);
    wrong = load_result_verdict(&result, o);
    if (!alone && (ran || result.counts.submitted > 0)) {
        load_result_print(&result, o);
    }
    if (o->json != NULL && !command_write_json(load_result_json(&result, o), o->json)) {
        return BENCH_UNABLE;
    }
    written = o->html == NULL || load_result_html(&result, o, o->html);
    load_result_close(&result);
    if (wrong != NULL) {
        fprintf(stderr, "switchboard-bench load: %s\n", wrong);
    }
    if (!written || (!ran && result.counts.submitted == 0)) {
        return BENCH_UNABLE;
    }
    return wrong == NULL ? BENCH_OK : BENCH_BAD;
}

static int load_do_scenario(struct load_options *o, const char *path)
{
    struct config_problems problems = {0};
    struct scenario *scenario = scenario_read_file(path, &problems);
    int status = BENCH_UNABLE;

    if (scenario == NULL) {
        char *words = config_problems_text(&problems, path);

        fputs(words, stderr);
        memory_give(words);
    } else {
        o->scenario = scenario;
        o->count = 0;
        status = load_do(o);
    }
    scenario_destroy(scenario);
    config_problems_close(&problems);
    return status;
}

int command_load(int argc, char **argv)
{
    struct load_arguments a = {
        .load = {.address = "tcp://127.0.0.1:7700",
                 .connectors = 8,
                 .agents = 32,
                 .window = 32,
                 .burst_every_s = 10,
                 .drain_s = 10,
                 .channel = "email",
                 .text_bytes = 200,
                 .variants = 1024,
                 .notify = "all",
                 .at_once = 32,
                 .seed = 1,
                 .max_errors = UINT64_MAX},
        .demo = {.speed = 20},
    };

    argp_parse(&load_argp, argc, argv, 0, NULL, &a);
    if (a.load.workspace == NULL) {
        a.load.workspace = a.demo.messages != NULL ? "default" : "bench";
    }
    if (a.demo.messages != NULL) {
        a.demo.address = a.load.address;
        a.demo.workspace = a.load.workspace;
        a.demo.agent_names = a.load.agent_names;
        a.demo.duration_s = a.duration_given ? a.load.duration_s : 60;
        a.demo.drain_s = a.drain_given ? a.load.drain_s : 180;
        a.demo.count = a.load.count;
        a.demo.seed = a.load.seed;
        a.demo.json = a.load.json;
        a.demo.quiet = a.load.quiet;
        return demo_command(&a.demo);
    }
    if (!a.duration_given && a.load.count == 0) {
        a.load.duration_s = 10;
    }
    return a.scenario == NULL ? load_do(&a.load) : load_do_scenario(&a.load, a.scenario);
}
