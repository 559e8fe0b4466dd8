/* The arguments of `scale`. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/frames.h"
#include "bench/scale.h"

enum scale_key {
    KEY_ONLY = 256,
    KEY_QUICK,
    KEY_RATE,
    KEY_DURATION,
    KEY_SERVER,
    KEY_REACTORS,
    KEY_CONNECT,
    KEY_WORKSPACE,
    KEY_SERVER_PID,
    KEY_SEED,
    KEY_JSON,
    KEY_HTML,
    KEY_QUIET,
};

static const struct argp_option scale_argp_options[] = {
    {"only", KEY_ONLY, "A,B,...", 0,
     "what grows: agents, queues, waiting, connections, profiles, skills, cooling, misfits (all, "
     "one after the other)",
     0},
    {"quick", KEY_QUICK, NULL, 0, "leave out the large sizes, and take half a second for each loop",
     0},
    {"rate", KEY_RATE, "N", 0, "contacts a second of the open loop (5000)", 0},
    {"duration", KEY_DURATION, "SECONDS", 0, "of each loop (3; --quick: 0.5)", 0},
    {"server", KEY_SERVER, "PROGRAM", 0,
     "the server to start (switchboard-server beside this program)", 0},
    {"reactors", KEY_REACTORS, "N", 0, "threads of each server (1)", 0},
    {"connect", KEY_CONNECT, "ADDRESS", 0,
     "a server that runs already; only what needs no configuration of its own: agents, "
     "connections, profiles",
     0},
    {"workspace", KEY_WORKSPACE, "NAME", 0, "there (bench)", 0},
    {"server-pid", KEY_SERVER_PID, "PID", 0, "its process: needed with --connect", 0},
    {"seed", KEY_SEED, "N", 0, "of everything left to chance (1)", 0},
    {"json", KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {"html", KEY_HTML, "FILE", 0, "write a report with plots: one file, nothing to fetch", 0},
    {"quiet", KEY_QUIET, NULL, 0, "no progress", 0},
    {0},
};

struct scale_arguments {
    struct scale_options scale;
    const char *json, *html;
};

static void scale_check_names(struct argp_state *state, const char *names)
{
    struct word_list list;

    word_list_init(&list, names);
    for (uint32_t i = 0; i < list.count; i++) {
        size_t axis = 0;

        while (axis < SCALE_AXES && strcmp(scale_axes[axis].name, list.words[i]) != 0) {
            axis++;
        }
        if (axis == SCALE_AXES) {
            argp_error(state, "--only knows no '%s'", list.words[i]);
        }
    }
    word_list_close(&list);
}

static error_t scale_parse(int key, char *text, struct argp_state *state)
{
    struct scale_arguments *a = state->input;
    struct scale_options *o = &a->scale;

    switch (key) {
    case KEY_ONLY:
        scale_check_names(state, text);
        o->only = text;
        break;
    case KEY_QUICK:
        o->quick = true;
        break;
    case KEY_RATE:
        o->rate = command_real(state, text, "--rate", 1);
        break;
    case KEY_DURATION:
        o->duration_s = command_real(state, text, "--duration", 0.1);
        break;
    case KEY_SERVER:
        o->server = text;
        break;
    case KEY_REACTORS:
        o->reactors = (uint32_t)command_whole(state, text, "--reactors", 1, 64);
        break;
    case KEY_CONNECT:
        o->address = text;
        break;
    case KEY_WORKSPACE:
        o->workspace = text;
        break;
    case KEY_SERVER_PID:
        o->server_pid = (long)command_whole(state, text, "--server-pid", 1, INT32_MAX);
        break;
    case KEY_SEED:
        o->seed = command_whole(state, text, "--seed", 0, UINT64_MAX);
        break;
    case KEY_JSON:
        a->json = text;
        break;
    case KEY_HTML:
        a->html = text;
        break;
    case KEY_QUIET:
        o->quiet = true;
        break;
    case ARGP_KEY_END:
        if (o->address != NULL && o->server_pid == 0) {
            argp_error(state, "--connect needs --server-pid");
        }
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_scale(int argc, char **argv)
{
    static const struct argp argp = {
        .options = scale_argp_options,
        .parser = scale_parse,
        .doc =
            "What a life cycle costs, how long an offer takes and what memory is used as agents, "
            "queues, waiting contacts and connections grow. Starts a server for each size.",
    };
    static struct scale_result result;
    struct scale_arguments a = {.scale = {.server = "switchboard-server",
                                          .workspace = "bench",
                                          .reactors = 1,
                                          .rate = 5000,
                                          .seed = 1}};
    bool fine;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!(a.scale.duration_s > 0)) {
        a.scale.duration_s = a.scale.quick ? 0.5 : 3;
    }
    fine = scale_run(&a.scale, &result);
    if (a.json == NULL || strcmp(a.json, "-") != 0) {
        scale_result_print(&result);
    }
    if (!fine) {
        fprintf(stderr, "switchboard-bench scale: %s\n", result.failed);
    }
    if (a.json != NULL && !command_write_json(scale_result_json(&result), a.json)) {
        return BENCH_UNABLE;
    }
    if (a.html != NULL && !scale_result_html(&result, a.html)) {
        return BENCH_UNABLE;
    }
    return fine ? BENCH_OK : BENCH_UNABLE;
}
