/* switchboard-bench: one program for everything that is measured. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "bench/command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *words;
} commands[] = {
    {"load", command_load,
     "connectors and agents against a running server; or, with --messages, a day at a contact "
     "centre"},
    {"engine", command_engine, "the routing engine alone, in this process: ns a life cycle"},
    {"floor", command_floor,
     "the router beside one that routes nothing: how far it is from what the kernel costs"},
    {"codec", command_codec, "the frames of a life cycle: decoded, encoded, and with msgpack-c"},
    {"ring", command_ring, "handing messages to another thread, one by one and in batches"},
    {"journal", command_journal, "the file journal alone: entries a second, CPU a batch"},
    {"replay", command_replay, "how fast an engine comes of its journal: facts, a checkpoint"},
    {"memory", command_memory, "what a waiting contact costs in this process: resident bytes"},
    {"scale", command_scale,
     "cost and memory as agents, queues, waiting contacts and connections grow"},
    {"takeover", command_takeover,
     "how long contacts wait for a new owner when a router or its Redis fails"},
    {"shared", command_shared,
     "the journal in Redis: what it costs the router beside one in memory, and Redis"},
    {"peers", command_peers, "the same traffic through the brokers that one would use instead"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void main_help(FILE *to)
{
    fputs("switchboard-bench measures Switchboard, and shows it at work.\n\n"
          "Usage: switchboard-bench COMMAND [OPTION...]\n\nCommands:\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].words);
    }
    fputs("\nEach command explains itself: switchboard-bench COMMAND --help\n\n"
          "To begin with, in two terminals:\n\n"
          "  switchboard-server --config deploy/minimal.yaml --journal memory\n"
          "  switchboard-bench load --connect tcp://127.0.0.1:7700 --make-agents --rate 5000\n\n"
          "Exit status: 0 all as it has to be; 1 contacts unaccounted for, or a limit that was "
          "given\n"
          "is exceeded; 2 it could not be run.\n",
          to);
}

int main(int argc, char **argv)
{
    char name[64];

    argp_err_exit_status = BENCH_UNABLE;
    if (argc < 2) {
        main_help(stderr);
        return BENCH_UNABLE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0) {
        main_help(stdout);
        return BENCH_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("switchboard-bench " SWITCHBOARD_VERSION);
        return BENCH_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            snprintf(name, sizeof(name), "switchboard-bench %s", commands[i].name);
            argv[1] = name;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr,
            "switchboard-bench: there is no command '%s'; switchboard-bench --help lists them\n",
            argv[1]);
    return BENCH_UNABLE;
}
