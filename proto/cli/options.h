/* The options of a command: one list from which they are read and its --help is made.
 *
 * `--name VALUE` and `--name=VALUE`, anywhere between the arguments; what follows `--` is
 * arguments. Every command also takes the common ones (--server, --workspace, --timeout, --help).
 * Values point into argv. */
#ifndef PROTO_CLI_OPTIONS_H
#define PROTO_CLI_OPTIONS_H

#include "proto/cli/cli.h"

enum option_kind {
    OPTION_FLAG,     /* into: bool */
    OPTION_TEXT,     /* into: const char * */
    OPTION_DURATION, /* into: duration_ms; 300ms, 20s, 5m, 2h, 1d */
    OPTION_INTEGER,  /* into: int64_t */
    OPTION_MANY,     /* into: struct option_values; may be given again and again */
};

struct option_values {
    const char **list;
    uint32_t count;
};

struct option {
    const char *name; /* without the dashes */
    enum option_kind kind;
    void *into;
    const char *takes; /* what the value is, for --help; NULL for flags */
    const char *help;
};

struct arguments {
    const char **list;
    int count;
};

#define OPTIONS_READY (-1)

/* Read argv[1] and on. OPTIONS_READY, or the exit status of a command that has nothing more to do:
 * --help was asked for and printed, or something made no sense and standard error says what.
 * `arguments` are to be given back with options_close either way. */
int options_read(struct cli *cli, const struct command *command, const struct option *rows,
                 size_t count, int argc, char **argv, struct arguments *arguments);

void options_close(struct arguments *arguments);
void options_values_close(struct option_values *values);

/* The options in front of the command's name; *next is the place of that name in argv. */
int options_read_common(struct cli *cli, int argc, char **argv, int *next);

/* "300ms", "20s", "5m", "2h", "1d"; a bare 0 as well. False when it is none. */
bool options_duration(const char *words, duration_ms *out);

/* Print what the common options are. */
void options_print_common(void);

#endif
