/* switchboard-cli: everything that can be asked of a server, from a terminal or a script.
 *
 *     main      the commands, and the options that all of them take
 *     options   a command's options: reading them, and its --help, from one list
 *     link      one session with a server, used one call at a time or with everything on its loop
 *     reply     what was answered, kept; and the exit status it means
 *     fields    values out of a MessagePack map
 *     convert   JSON to MessagePack and back
 *     screen    words on a terminal: widths, wrapping, colours, nothing that steers it
 *     table     columns that line up, in any script
 *     input     lines from standard input, on the loop; prompt edits them on a terminal
 *
 * and one file for each command or family of commands. A command reads its options, does its work
 * and returns the exit status. Results go to standard output, everything else to standard error. */
#ifndef PROTO_CLI_CLI_H
#define PROTO_CLI_CLI_H

#include "queue/types.h"

#define CLI_SERVER     "tcp://127.0.0.1:7700"
#define CLI_SERVER_ENV "SWITCHBOARD_SERVER"

/* What every command is told. */
struct cli {
    const char *server;    /* one address, or several with commas between */
    const char *workspace; /* NULL: not given */
    duration_ms patience;  /* how long one answer may take */
};

/* Exit statuses. A refusal is CLI_REFUSED plus the error's place in PROTOCOL.md's table, counted
 * from 1: 11 invalid, 12 unknown_method, and so on. */
enum cli_status {
    CLI_DONE = 0,
    CLI_FAILED = 1, /* what was looked at has mistakes */
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 3, /* no server, or no answer in time: the outcome is unknown */
    CLI_REFUSED = 10,
};

struct command {
    const char *name;
    const char *arguments; /* for people: "CONTACT", "METHOD [JSON]" */
    const char *summary;   /* one line, for the list of commands */
    const char *help;      /* what --help says besides the options; lines, each ended */
    int least, most;       /* how many arguments */
    int (*run)(struct cli *cli, const struct command *command, int argc, char **argv);
};

int submit_run(struct cli *cli, const struct command *command, int argc, char **argv);
int desk_run(struct cli *cli, const struct command *command, int argc, char **argv);
int watch_run(struct cli *cli, const struct command *command, int argc, char **argv);
int call_run(struct cli *cli, const struct command *command, int argc, char **argv);
int contact_show_run(struct cli *cli, const struct command *command, int argc, char **argv);
int lists_queues(struct cli *cli, const struct command *command, int argc, char **argv);
int lists_agents(struct cli *cli, const struct command *command, int argc, char **argv);
int lists_contacts(struct cli *cli, const struct command *command, int argc, char **argv);
int lists_stats(struct cli *cli, const struct command *command, int argc, char **argv);
int check_run(struct cli *cli, const struct command *command, int argc, char **argv);
int tune_run(struct cli *cli, const struct command *command, int argc, char **argv);
int node_run(struct cli *cli, const struct command *command, int argc, char **argv);
int methods_run(struct cli *cli, const struct command *command, int argc, char **argv);

#endif
