/* Any method, JSON in and JSON out. */
#include <stdio.h>
#include <unistd.h>

#include "proto/cli/convert.h"
#include "proto/cli/link.h"
#include "proto/cli/options.h"
#include "proto/method.h"
#include "queue/base/memory.h"

#define CALL_INPUT_MAX (32u << 20)

struct call {
    const char *role;
    const char *name;
    const char *agent; /* sign in as, first */
    bool compact;
};

/* Who may call it and sees the most. */
static const char *call_role(const struct call *call, enum method m)
{
    static const enum role order[] = {ROLE_SUPERVISOR, ROLE_ADMIN, ROLE_CONNECTOR, ROLE_AGENT};

    if (call->role != NULL) {
        return call->role;
    }
    if (call->agent != NULL) {
        return words_at(WORD_LIST_ROLE, ROLE_AGENT);
    }
    for (size_t i = 0; m != METHOD_NONE && i < sizeof(order) / sizeof(order[0]); i++) {
        if ((method_roles(m) & 1u << order[i]) != 0) {
            return words_at(WORD_LIST_ROLE, (int)order[i]);
        }
    }
    return words_at(WORD_LIST_ROLE, ROLE_ADMIN); /* the server knows what to say to it */
}

static bool call_read_input(struct packer *in)
{
    ssize_t got;

    do {
        uint8_t *to = packer_room(in, 1u << 16);

        got = read(STDIN_FILENO, to, 1u << 16);
        in->size -= (1u << 16) - (size_t)(got < 0 ? 0 : got);
    } while (got > 0 && in->size <= CALL_INPUT_MAX);
    return got == 0;
}

/* The library says these by itself, and nobody else may. */
static bool call_is_own(const char *method)
{
    return strcmp(method, "hello") == 0 || strcmp(method, "ping") == 0 ||
           strcmp(method, "goodbye") == 0;
}

/* The parameters as MessagePack, from the command line or standard input; false when they are no
 * JSON object, which is said. */
static bool call_params(struct packer *p, const struct arguments *arguments)
{
    char why[CONVERT_WORDS] = "the parameters are one JSON object";
    struct text json = text_from(arguments->count == 2 ? arguments->list[1] : "{}");
    struct packer input = {0};
    json_t *value = NULL;
    bool good = true;

    if (text_equal(json, TEXT("-"))) {
        good = call_read_input(&input);
        json = (struct text){(const char *)input.bytes, (uint32_t)input.size};
        if (!good) {
            snprintf(why, sizeof(why), "standard input cannot be read, or is over 32 MiB");
        }
    }
    value = good ? convert_parse(json, why) : NULL;
    good = value != NULL && json_is_object(value) && convert_pack(p, value, why);
    if (!good) {
        fprintf(stderr, "switchboard-cli call: %s\n", why);
    }
    json_decref(value);
    packer_close(&input);
    return good;
}

/* The error as JSON for a program, on standard error: standard output has results only. */
static int call_complain(const struct reply *reply)
{
    convert_print(stderr, reply_map(reply), false);
    fputc('\n', stderr);
    return reply->status;
}

static int call_sign_in(struct link *l, const char *agent, struct reply *reply)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, "agent", agent);
    (void)link_call(l, "agent.sign_in", switchboard_map_bytes(map), switchboard_map_size(map),
                    reply);
    switchboard_map_destroy(map);
    return reply->status;
}

static int call_make(struct cli *cli, const struct call *call, const char *method,
                     const struct packer *params)
{
    const struct link_session session = {.role = call_role(call, method_find(text_from(method))),
                                         .name = call->name,
                                         .only_there = strncmp(method, "node.", 5) == 0};
    struct reply reply = {0};
    struct link l;
    int status = link_open(&l, cli, &session, NULL);

    if (status != CLI_DONE) {
        return status;
    }
    if (call->agent == NULL || call_sign_in(&l, call->agent, &reply) == CLI_DONE) {
        (void)link_call(&l, method, params->bytes, params->size, &reply);
    }
    status = reply.status;
    if (status == CLI_DONE) {
        convert_print(stdout, reply_map(&reply), !call->compact);
        putchar('\n');
    } else {
        (void)call_complain(&reply);
    }
    reply_close(&reply);
    link_close(&l);
    return status;
}

int call_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct call call = {0};
    const struct option rows[] = {
        {"role", OPTION_TEXT, &call.role, "ROLE",
         "connector, agent, supervisor or admin; else one that may call it"},
        {"name", OPTION_TEXT, &call.name, "NAME", "of a connector: whose contacts these are"},
        {"agent", OPTION_TEXT, &call.agent, "NAME", "sign in as that agent first"},
        {"compact", OPTION_FLAG, &call.compact, NULL, "the answer in one line"},
    };
    struct arguments arguments;
    struct packer params = {0};
    int status = options_read(cli, command, rows, 4, argc, argv, &arguments);

    if (status == OPTIONS_READY && call_is_own(arguments.list[0])) {
        fprintf(stderr, "switchboard-cli call: hello, ping and goodbye are said with every session "
                        "by itself\n");
        status = CLI_USAGE;
    } else if (status == OPTIONS_READY) {
        status = call_params(&params, &arguments)
                     ? call_make(cli, &call, arguments.list[0], &params)
                     : CLI_USAGE;
    }
    packer_close(&params);
    options_close(&arguments);
    return status;
}
