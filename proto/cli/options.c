#include "proto/cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"

#define OPTIONS_COMMON 3

static void options_common(struct cli *cli, struct option rows[OPTIONS_COMMON])
{
    rows[0] = (struct option){"server", OPTION_TEXT, &cli->server, "URL[,URL...]",
                              "tcp://HOST:PORT or unix://PATH; else " CLI_SERVER_ENV
                              ", else " CLI_SERVER};
    rows[1] = (struct option){"workspace", OPTION_TEXT, &cli->workspace, "NAME",
                              "the routing domain to work in; default"};
    rows[2] = (struct option){"timeout", OPTION_DURATION, &cli->patience, "TIME",
                              "give up on an answer after so long; 10s"};
}

bool options_duration(const char *words, duration_ms *out)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end;
    long long number;

    errno = 0;
    number = strtoll(words, &end, 10);
    if (end == words || errno != 0 || number < 0) {
        return false;
    }
    if (number == 0 && *end == '\0') {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0) {
            return !__builtin_mul_overflow((int64_t)number, units[i].ms, out);
        }
    }
    return false;
}

static bool options_integer(const char *words, int64_t *out)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(words, &end, 10);
    *out = number;
    return end != words && *end == '\0' && errno == 0;
}

static const struct option *options_find(const struct option *rows, size_t count, const char *name,
                                         size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* False when the value is none of that kind. */
static bool options_set(const struct option *o, const char *value)
{
    struct option_values *many;

    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->into = true;
        return true;
    case OPTION_TEXT:
        *(const char **)o->into = value;
        return true;
    case OPTION_DURATION:
        return options_duration(value, o->into);
    case OPTION_INTEGER:
        return options_integer(value, o->into);
    case OPTION_MANY:
        many = o->into;
        many->list = memory_resize(many->list, (many->count + 1) * sizeof(*many->list));
        many->list[many->count++] = value;
        return true;
    }
    return false;
}

static void options_print(const struct option *rows, size_t count)
{
    char left[64];

    for (size_t i = 0; i < count; i++) {
        snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].takes == NULL ? "" : " ",
                 rows[i].takes == NULL ? "" : rows[i].takes);
        printf("  %-32s %s\n", left, rows[i].help);
    }
}

void options_print_common(void)
{
    struct cli nowhere;
    struct option rows[OPTIONS_COMMON];

    options_common(&nowhere, rows);
    options_print(rows, OPTIONS_COMMON);
}

static void options_help(const struct command *command, const struct option *rows, size_t count)
{
    printf("switchboard-cli %s%s%s%s\n\n%s: %s.\n", command->name,
           command->arguments[0] == '\0' ? "" : " ", command->arguments,
           count == 0 ? "" : " [OPTION...]", command->name, command->summary);
    if (command->help[0] != '\0') {
        printf("\n%s", command->help);
    }
    if (count != 0) {
        printf("\nOptions:\n");
        options_print(rows, count);
    }
    printf("\nOptions of every command:\n");
    options_print_common();
}

/* What `argv[*at]` says, and its value behind it. OPTIONS_READY or an exit status. */
static int options_take(const char *who, const struct option *rows, size_t count,
                        const struct option *common, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const struct option *o = options_find(rows, count, name, length);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;

    if (o == NULL) {
        o = options_find(common, OPTIONS_COMMON, name, length);
    }
    if (o == NULL) {
        fprintf(stderr, "switchboard-cli%s: there is no option --%.*s; see --help\n", who,
                (int)length, name);
        return CLI_USAGE;
    }
    if ((o->kind == OPTION_FLAG) != (value == NULL)) {
        if (o->kind == OPTION_FLAG) {
            fprintf(stderr, "switchboard-cli%s: --%s takes no value\n", who, o->name);
            return CLI_USAGE;
        }
        if (*at + 1 >= argc) {
            fprintf(stderr, "switchboard-cli%s: --%s needs %s\n", who, o->name, o->takes);
            return CLI_USAGE;
        }
        value = argv[++*at];
    }
    if (!options_set(o, value)) {
        fprintf(stderr, "switchboard-cli%s: --%s: \"%s\" is no %s\n", who, o->name, value,
                o->kind == OPTION_DURATION ? "duration (300ms, 20s, 5m, 2h, 1d)" : "whole number");
        return CLI_USAGE;
    }
    return OPTIONS_READY;
}

int options_read(struct cli *cli, const struct command *command, const struct option *rows,
                 size_t count, int argc, char **argv, struct arguments *arguments)
{
    struct option common[OPTIONS_COMMON];
    bool only_arguments = false;
    char who[64];
    int status;

    options_common(cli, common);
    snprintf(who, sizeof(who), " %s", command->name);
    *arguments = (struct arguments){memory_take((size_t)argc * sizeof(char *)), 0};
    for (int i = 1; i < argc; i++) {
        if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0') {
            arguments->list[arguments->count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options_help(command, rows, count);
            return CLI_DONE;
        } else if (argv[i][1] != '-') {
            fprintf(stderr, "switchboard-cli%s: there is no option %s; see --help\n", who, argv[i]);
            return CLI_USAGE;
        } else {
            status = options_take(who, rows, count, common, argc, argv, &i);
            if (status != OPTIONS_READY) {
                return status;
            }
        }
    }
    if (arguments->count < command->least || arguments->count > command->most) {
        fprintf(stderr, "usage: switchboard-cli %s%s%s; see --help\n", command->name,
                command->arguments[0] == '\0' ? "" : " ", command->arguments);
        return CLI_USAGE;
    }
    return OPTIONS_READY;
}

void options_close(struct arguments *arguments)
{
    memory_give(arguments->list);
    *arguments = (struct arguments){0};
}

void options_values_close(struct option_values *values)
{
    memory_give(values->list);
    *values = (struct option_values){0};
}

int options_read_common(struct cli *cli, int argc, char **argv, int *next)
{
    struct option common[OPTIONS_COMMON];
    int status;

    options_common(cli, common);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            *next = i;
            return OPTIONS_READY;
        }
        status = options_take("", NULL, 0, common, argc, argv, &i);
        if (status != OPTIONS_READY) {
            return status;
        }
    }
    *next = argc;
    return OPTIONS_READY;
}
