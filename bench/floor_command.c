/* The arguments of `floor`. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "bench/command.h"
#include "bench/floor.h"

enum floor_key {
    KEY_ROUNDS = 256,
    KEY_DURATION,
    KEY_WARM_UP,
    KEY_CONNECTORS,
    KEY_AGENTS,
    KEY_WINDOW,
    KEY_BACKLOG,
    KEY_AT_ONCE,
    KEY_TEXT,
    KEY_VARIANTS,
    KEY_NOTIFY,
    KEY_AUTO_ACCEPT,
    KEY_UNNAMED,
    KEY_SERVER,
    KEY_REACTORS,
    KEY_SEED,
    KEY_JSON,
    KEY_QUIET,
    KEY_SERVE,
    KEY_LISTEN,
};

static const struct argp_option floor_argp_options[] = {
    {NULL, 0, NULL, 0, "How long:", 1},
    {"rounds", KEY_ROUNDS, "N", 0, "both in turn, so often (5)", 0},
    {"duration", KEY_DURATION, "SECONDS", 0, "of each run (2)", 0},
    {"warm-up", KEY_WARM_UP, "SECONDS", 0, "before each run (0.5)", 0},

    {NULL, 0, NULL, 0, "The traffic, as `load` has it:", 2},
    {"connectors", KEY_CONNECTORS, "N", 0, "connections that submit (8)", 0},
    {"agents", KEY_AGENTS, "N", 0, "connections that work (32)", 0},
    {"window", KEY_WINDOW, "N", 0, "submissions that each connector has unanswered (32)", 0},
    {"backlog", KEY_BACKLOG, "N", 0,
     "contacts between submission and completion (what all agents take, and the windows)", 0},
    {"at-once", KEY_AT_ONCE, "N", 0, "contacts that an agent works at a time (32)", 0},
    {"text-bytes", KEY_TEXT, "N", 0, "bytes of text in a message (200)", 0},
    {"variants", KEY_VARIANTS, "N", 0, "so many different messages, in turn (1024)", 0},
    {"notify", KEY_NOTIFY, "WHAT", 0, "what connectors hear: all, outcome or none (all)", 0},
    {"auto-accept", KEY_AUTO_ACCEPT, NULL, 0, "an offer is an assignment", 0},
    {"unnamed", KEY_UNNAMED, NULL, 0, "messages name no queue and no tier", 0},
    {"seed", KEY_SEED, "N", 0, "of everything left to chance (1)", 0},

    {NULL, 0, NULL, 0, "Result:", 3},
    {"server", KEY_SERVER, "PROGRAM", 0,
     "the router to compare (switchboard-server beside this program)", 0},
    {"reactors", KEY_REACTORS, "N", 0, "of the router (1); the floor is one thread", 0},
    {"json", KEY_JSON, "FILE", 0,
     "write the result as JSON, too; - for standard output, and then nothing else", 0},
    {"quiet", KEY_QUIET, NULL, 0, "no progress", 0},

    {NULL, 0, NULL, 0, "To be only the floor, for another program's traffic:", 4},
    {"serve", KEY_SERVE, NULL, 0, "serve until SIGTERM", 0},
    {"listen", KEY_LISTEN, "ADDRESS", 0, "at this address (tcp://127.0.0.1:7700)", 0},
    {0},
};

struct floor_arguments {
    struct floor_options floor;
    bool serve;
    const char *listen;
};

static error_t floor_parse_number(int key, const char *text, struct floor_options *o,
                                  struct argp_state *state)
{
    struct load_options *load = &o->load;

    switch (key) {
    case KEY_ROUNDS:
        o->rounds = (uint32_t)command_whole(state, text, "--rounds", 1, FLOOR_ROUNDS_MAX);
        break;
    case KEY_DURATION:
        load->duration_s = command_real(state, text, "--duration", 0.1);
        break;
    case KEY_WARM_UP:
        load->warm_up_s = command_real(state, text, "--warm-up", 0);
        break;
    case KEY_CONNECTORS:
        load->connectors = (uint32_t)command_whole(state, text, "--connectors", 1, 10000);
        break;
    case KEY_AGENTS:
        load->agents = (uint32_t)command_whole(state, text, "--agents", 1, 10000);
        break;
    case KEY_WINDOW:
        load->window = (uint32_t)command_whole(state, text, "--window", 1, 100000);
        break;
    case KEY_BACKLOG:
        load->backlog = (uint32_t)command_whole(state, text, "--backlog", 1, 1000000);
        break;
    case KEY_REACTORS:
        o->reactors = (uint32_t)command_whole(state, text, "--reactors", 1, 64);
        break;
    case KEY_AT_ONCE:
        load->at_once = (uint32_t)command_whole(state, text, "--at-once", 1, 256);
        break;
    case KEY_TEXT:
        load->text_bytes = (uint32_t)command_whole(state, text, "--text-bytes", 0, 65536);
        break;
    case KEY_VARIANTS:
        load->variants = (uint32_t)command_whole(state, text, "--variants", 1, 1000000);
        break;
    case KEY_SEED:
        load->seed = command_whole(state, text, "--seed", 0, UINT64_MAX);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t floor_parse(int key, char *text, struct argp_state *state)
{
    struct floor_arguments *a = state->input;
    struct floor_options *o = &a->floor;

    switch (key) {
    case KEY_NOTIFY:
        if (strcmp(text, "all") != 0 && strcmp(text, "outcome") != 0 && strcmp(text, "none") != 0) {
            argp_error(state, "--notify takes all, outcome or none, not '%s'", text);
        }
        o->load.notify = text;
        break;
    case KEY_AUTO_ACCEPT:
        o->load.auto_accept = true;
        break;
    case KEY_UNNAMED:
        o->load.tiers = o->load.queues = NULL;
        break;
    case KEY_SERVER:
        o->server = text;
        break;
    case KEY_JSON:
        o->json = text;
        break;
    case KEY_QUIET:
        o->quiet = true;
        break;
    case KEY_SERVE:
        a->serve = true;
        break;
    case KEY_LISTEN:
        a->listen = text;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", text);
        break;
    default:
        return floor_parse_number(key, text, o, state);
    }
    return 0;
}

int command_floor(int argc, char **argv)
{
    static const struct argp argp = {
        floor_argp_options,
        floor_parse,
        NULL,
        "Measures how far the router is from what the kernel and the protocol alone cost: the "
        "traffic of `load`, closed loop, is answered in turn by switchboard-server (memory "
        "journal) and by a router that routes nothing and sends the same messages. The figure is "
        "the ratio of their CPU time a life cycle.",
        NULL,
        NULL,
        NULL};
    char queues[FLOOR_QUEUES * 8] = "";
    struct floor_arguments a = {.listen = "tcp://127.0.0.1:7700",
                                .floor = {.server = "switchboard-server",
                                          .reactors = 1,
                                          .rounds = 5,
                                          .load = {.workspace = "default",
                                                   .connectors = 8,
                                                   .agents = 32,
                                                   .window = 32,
                                                   .at_once = 32,
                                                   .duration_s = 2,
                                                   .warm_up_s = 0.5,
                                                   .drain_s = 10,
                                                   .channel = "email",
                                                   .tiers = FLOOR_TIERS,
                                                   .queues = queues,
                                                   .text_bytes = 200,
                                                   .variants = 1024,
                                                   .notify = "all",
                                                   .make_agents = true,
                                                   .seed = 1}}};
    struct floor_result result;
    size_t length = 0;

    for (unsigned i = 0; i < FLOOR_QUEUES; i++) {
        length += (size_t)snprintf(queues + length, sizeof(queues) - length, "q%u,", i);
    }
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.serve) {
        return floor_serve(a.listen);
    }
    if (!floor_run(&a.floor, &result)) {
        fprintf(stderr, "switchboard-bench floor: %s\n", result.failed);
        return BENCH_UNABLE;
    }
    if (a.floor.json == NULL || strcmp(a.floor.json, "-") != 0) {
        floor_result_print(&result);
    }
    if (a.floor.json != NULL &&
        !command_write_json(floor_result_json(&result, &a.floor), a.floor.json)) {
        return BENCH_UNABLE;
    }
    return BENCH_OK;
}
