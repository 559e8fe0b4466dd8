/* The arguments of `takeover`. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/takeover.h"

enum takeover_key {
    KEY_ROUNDS = 256,
    KEY_ONLY,
    KEY_SENTINEL,
    KEY_DOWN_AFTER,
    KEY_CONTACTS,
    KEY_AGENTS,
    KEY_RATE,
    KEY_COLD,
    KEY_SERVER,
    KEY_FOLDER,
    KEY_KEEP,
    KEY_JSON,
    KEY_QUIET,
    KEY_MAX, /* and one for each kind behind it */
};

static const struct argp_option takeover_argp_options[] = {
    {NULL, 0, NULL, 0, "What is done, and how often:", 1},
    {"rounds", KEY_ROUNDS, "N", 0, "each kind, in turn, so often (30; --cold: 3)", 0},
    {"only", KEY_ONLY, "A,B,...", 0,
     "kill, pause, cut, primary, hand-over (all; primary with --sentinel only)", 0},
    {"cold", KEY_COLD, NULL, 0,
     "instead: fill a workspace, end everything, and see how long a router needs to read it "
     "(--contacts 1000000)",
     0},

    {NULL, 0, NULL, 0, "The deployment:", 2},
    {"sentinel", KEY_SENTINEL, NULL, 0,
     "a primary, two replicas and three Sentinels instead of one Redis", 0},
    {"down-after", KEY_DOWN_AFTER, "MS", 0, "after which Sentinels miss a primary (500)", 0},
    {"contacts", KEY_CONTACTS, "N", 0, "that wait (100000)", 0},
    {"agents", KEY_AGENTS, "N", 0, "with one contact each (1000)", 0},
    {"rate", KEY_RATE, "N", 0, "completions a second, and with them offers (500)", 0},
    {"server", KEY_SERVER, "PROGRAM", 0,
     "the router to start (switchboard-server beside this program)", 0},
    {"folder", KEY_FOLDER, "FOLDER", 0, "where processes keep what they keep (/tmp)", 0},
    {"keep", KEY_KEEP, NULL, 0, "leave their folders, with their logs, and say where", 0},

    {NULL, 0, NULL, 0, "Result:", 3},
    {"max-kill-ms", KEY_MAX + TAKEOVER_KILL, "MS", 0,
     "exit status 1 when a new owner's first offer came later", 0},
    {"max-pause-ms", KEY_MAX + TAKEOVER_PAUSE, "MS", 0, "likewise", 0},
    {"max-cut-ms", KEY_MAX + TAKEOVER_CUT, "MS", 0, "likewise", 0},
    {"max-primary-ms", KEY_MAX + TAKEOVER_PRIMARY, "MS", 0, "likewise", 0},
    {"max-hand-over-ms", KEY_MAX + TAKEOVER_HAND_OVER, "MS", 0,
     "exit status 1 when there was no offer for so long in a hand-over", 0},
    {"json", KEY_JSON, "FILE", 0,
     "write the result as JSON, too; - for standard output, and then nothing else", 0},
    {"quiet", KEY_QUIET, NULL, 0, "no progress", 0},
    {0},
};

struct takeover_arguments {
    struct takeover_options takeover;
    bool cold, kinds_given;
};

static void takeover_choose(struct argp_state *state, struct takeover_arguments *a, char *text)
{
    char *rest = text, *word;

    a->kinds_given = true;
    while ((word = strsep(&rest, ",")) != NULL) {
        int kind = 0;

        while (kind < TAKEOVER_KINDS && strcmp(takeover_kinds[kind].word, word) != 0) {
            kind++;
        }
        if (kind == TAKEOVER_KINDS) {
            argp_error(state, "--only knows no '%s'", word);
            return;
        }
        a->takeover.kinds[kind] = true;
    }
}

static void takeover_settle(struct argp_state *state, struct takeover_arguments *a)
{
    struct takeover_options *o = &a->takeover;

    for (int kind = 0; kind < TAKEOVER_KINDS; kind++) {
        bool possible = o->sentinel || !takeover_kinds[kind].needs_sentinel;

        if (!a->kinds_given) {
            o->kinds[kind] = possible;
        } else if (o->kinds[kind] && !possible) {
            argp_error(state, "--only %s needs --sentinel", takeover_kinds[kind].word);
        }
    }
    if (o->rounds == 0) {
        o->rounds = a->cold ? 3 : 30;
    }
    if (o->contacts == 0) {
        o->contacts = a->cold ? 1000000 : 100000;
    }
    if (!a->cold && o->contacts <= o->agents) {
        argp_error(state, "there must be more contacts than agents, or nobody waits");
    }
}

static error_t takeover_parse(int key, char *text, struct argp_state *state)
{
    struct takeover_arguments *a = state->input;
    struct takeover_options *o = &a->takeover;

    switch (key) {
    case KEY_ROUNDS:
        o->rounds = (uint32_t)command_whole(state, text, "--rounds", 1, TAKEOVER_ROUNDS_MAX);
        break;
    case KEY_ONLY:
        takeover_choose(state, a, text);
        break;
    case KEY_SENTINEL:
        o->sentinel = true;
        break;
    case KEY_DOWN_AFTER:
        o->down_after_ms = (uint32_t)command_whole(state, text, "--down-after", 1, 600000);
        break;
    case KEY_CONTACTS:
        o->contacts = (uint32_t)command_whole(state, text, "--contacts", 1, 10000000);
        break;
    case KEY_AGENTS:
        o->agents = (uint32_t)command_whole(state, text, "--agents", 1, 9000);
        break;
    case KEY_RATE:
        o->rate = command_real(state, text, "--rate", 1);
        break;
    case KEY_COLD:
        a->cold = true;
        break;
    case KEY_SERVER:
        o->server = text;
        break;
    case KEY_FOLDER:
        o->folder = text;
        break;
    case KEY_KEEP:
        o->keep = true;
        break;
    case KEY_JSON:
        o->json = text;
        break;
    case KEY_QUIET:
        o->quiet = true;
        break;
    case ARGP_KEY_END:
        takeover_settle(state, a);
        break;
    default:
        if (key >= KEY_MAX && key < KEY_MAX + TAKEOVER_KINDS) {
            o->max_ms[key - KEY_MAX] = command_real(state, text, "--max-...-ms", 0);
            break;
        }
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_takeover(int argc, char **argv)
{
    static const struct argp argp = {
        .options = takeover_argp_options,
        .parser = takeover_parse,
        .doc = "How long contacts wait for a new owner when a router, its cable or a Redis fails, "
               "or when it is told to go. Starts two routers and their Redis by itself.",
    };
    struct takeover_arguments a = {.takeover = {.server = "switchboard-server",
                                                .folder = "/tmp",
                                                .agents = 1000,
                                                .rate = 500,
                                                .down_after_ms = 500}};

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return a.cold ? takeover_cold(&a.takeover) : takeover_run(&a.takeover);
}
