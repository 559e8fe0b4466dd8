/* switchboard-server: options, then either a check of another server or a server of our own. */
#include <argp.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "proto/error_table.h"
#include "proto/method.h"
#include "queue/base/memory.h"
#include "queue/fact.h"
#include "router/check_client.h"
#include "router/log.h"
#include "router/server.h"

#define EXIT_USAGE 2

/* Blocks from this size on go back to the system when they are freed. By itself the C library keeps
 * ever larger ones, the larger those were that it has seen freed: what a few hostile clients made
 * us take for a moment would stay with us. */
#define MAIN_MEMORY_KEPT (128 * 1024)

enum main_option {
    OPTION_CONFIG = 'c',
    OPTION_LISTEN = 'l',
    OPTION_JOURNAL = 'j',
    OPTION_INSECURE = 0x100,
    OPTION_NODE,
    OPTION_ADVERTISE,
    OPTION_ACCEPT_LOSS,
    OPTION_LOG_LEVEL,
    OPTION_CHECK,
    OPTION_WORKSPACE,
    OPTION_REACTORS,
};

const char *argp_program_version = "switchboard-server " SWITCHBOARD_VERSION;

static const char main_intro[] =
    "Route contacts to agents: the server of Switchboard.\n"
    "\n"
    "Connectors submit contacts (a chat, a call, an e-mail), agents sign in, and each contact is "
    "classified, queued, "
    "offered to the best agent and followed to its end. Clients speak MessagePack-RPC; everything "
    "answered is in the "
    "journal first, so that a crash undoes nothing that anybody saw.\v";

static const char main_examples[] =
    "Try it:\n"
    "  switchboard-server --config deploy/minimal.yaml --journal memory\n"
    "  switchboard-server --check tcp://127.0.0.1:7700 && echo it serves\n"
    "  switchboard-server --config FILE --listen unix:///run/switchboard.sock "
    "--journal file:/var/lib/switchboard\n"
    "\n"
    "Signals:\n"
    "  SIGHUP            read the configuration file again; one with mistakes changes nothing\n"
    "  SIGTERM, SIGINT   finish what is under way, tell everybody, close the journal, exit 0\n"
    "\n"
    "Log: one JSON object a line on standard error; {\"event\":\"ready\"} says that it serves.\n"
    "\n"
    "Methods of the protocol (see proto/PROTOCOL.md):\n";

static const struct argp_option main_options[] = {
    {"config", OPTION_CONFIG, "FILE", 0, "the configuration: node and workspaces, in YAML", 0},
    {"listen", OPTION_LISTEN, "ADDRESS", 0,
     "tcp://HOST:PORT or unix://PATH, several times if wanted; instead of the file's", 0},
    {"journal", OPTION_JOURNAL, "WHERE", 0,
     "memory, file:DIRECTORY, or shared with other nodes: redis://HOST:PORT, "
     "redis-sentinel://HOST:PORT,HOST:PORT/NAME, redis-cluster://HOST:PORT,HOST:PORT; instead of "
     "the file's",
     0},
    {"advertise", OPTION_ADVERTISE, "HOST:PORT", 0,
     "where clients and other nodes find this one, if not at its first address", 0},
    {"accept-loss", OPTION_ACCEPT_LOSS, NULL, 0,
     "go on with a Redis that may lose, or has lost, what it confirmed", 0},
    {"insecure", OPTION_INSECURE, NULL, 0,
     "listen beyond loopback and Unix sockets although nobody is authenticated", 0},
    {"node", OPTION_NODE, "NAME", 0, "what this node is called; instead of the file's", 0},
    {"reactors", OPTION_REACTORS, "N", 0,
     "threads that serve connections, 1 to 64 (0: one for each processor); instead of the file's",
     0},
    {"log-level", OPTION_LOG_LEVEL, "LEVEL", 0,
     "error, warning, info or debug; instead of the file's", 0},
    {"check", OPTION_CHECK, "ADDRESS", 0,
     "ask the server at ADDRESS whether it serves, or stands by while another node does: exit 0 if "
     "so, else say why not and exit 1",
     0},
    {"workspace", OPTION_WORKSPACE, "NAME", 0, "the workspace that --check says hello to (default)",
     0},
    {0},
};

struct main_arguments {
    struct server_options server;
    const char *journal, *node, *check, *workspace, *log_level;
    uint32_t reactors;
    bool reactors_given;
};

static bool main_parse_reactors(const char *value, uint32_t *out)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end != '\0' || number > REACTORS_MAX) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static error_t main_parse(int key, char *value, struct argp_state *state)
{
    struct main_arguments *a = state->input;
    enum log_level level;

    switch (key) {
    case OPTION_CONFIG:
        a->server.config_path = value;
        return 0;
    case OPTION_LISTEN:
        if (a->server.listen_count == LISTENERS_MAX) {
            argp_error(state, "no more than %d addresses to listen on", LISTENERS_MAX);
        } else {
            a->server.listen[a->server.listen_count++] = text_from(value);
        }
        return 0;
    case OPTION_JOURNAL:
        a->journal = value;
        return 0;
    case OPTION_INSECURE:
        a->server.insecure = true;
        return 0;
    case OPTION_NODE:
        a->node = value;
        return 0;
    case OPTION_ADVERTISE:
        a->server.advertise = text_from(value);
        return 0;
    case OPTION_ACCEPT_LOSS:
        a->server.accept_loss = true;
        return 0;
    case OPTION_REACTORS:
        if (!main_parse_reactors(value, &a->reactors)) {
            argp_error(state, "\"%s\" is no number of reactors: 0 to %d", value, REACTORS_MAX);
        }
        a->reactors_given = true;
        return 0;
    case OPTION_LOG_LEVEL:
        if (!log_level_from_word(value, &level)) {
            argp_error(state, "\"%s\" is no level of the log: error, warning, info or debug",
                       value);
        }
        a->log_level = value;
        return 0;
    case OPTION_CHECK:
        a->check = value;
        return 0;
    case OPTION_WORKSPACE:
        a->workspace = value;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is no option", value);
        return 0;
    case ARGP_KEY_END:
        if (a->check == NULL && a->server.config_path == NULL) {
            argp_error(state, "--config FILE is needed (deploy/minimal.yaml is the smallest)");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A line of a list, or (without a name) the title of the next one. Returns how much is used. */
static size_t main_help_row(char *out, size_t used, size_t most, const char *name,
                            const char *words)
{
    int size;

    if (used >= most) {
        return used;
    }
    size = name == NULL ? snprintf(out + used, most - used, "\n%s\n", words)
                        : snprintf(out + used, most - used, "  %-20s %s\n", name, words);
    return used + (size_t)size;
}

/* Behind the options: examples, signals, and the lists: methods, errors, facts. */
static char *main_help(int key, const char *text, void *input)
{
    static const size_t most = 16384;
    char *out;
    size_t used;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) {
        return (char *)(uintptr_t)text;
    }
    out = malloc(most);
    if (out == NULL) {
        return NULL;
    }
    used = (size_t)snprintf(out, most, "%s", main_examples);
    for (unsigned m = 0; m < METHOD_COUNT && used < most; m++) {
        used = main_help_row(out, used, most, method_wire((enum method)m),
                             method_help((enum method)m));
    }
    used = main_help_row(out, used, most, NULL, "Errors:");
    for (unsigned e = ERROR_NONE + 1; e < ERROR_COUNT; e++) {
        used = main_help_row(out, used, most, error_wire((enum error_code)e),
                             error_words((enum error_code)e));
    }
    used = main_help_row(out, used, most, NULL, "Facts of the journal:");
    for (unsigned k = 0; k < FACT_KIND_COUNT; k++) {
        const struct fact_kind_row *row = fact_kind_row((enum fact_kind)k);
        used = main_help_row(out, used, most, row->word.bytes, row->help);
    }
    return out;
}

static int main_check(const struct main_arguments *a)
{
    char problem[512] = "";

    if (check_client_run(a->check, a->workspace != NULL ? a->workspace : "default", problem,
                         sizeof(problem))) {
        printf("%s %s%s\n", a->check, problem[0] == '\0' ? "serves" : "stands by: ", problem);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "%s does not serve: %s\n", a->check, problem);
    return EXIT_FAILURE;
}

/* As many connections as the system lets us have. */
static void main_raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void main_keep_little_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, MAIN_MEMORY_KEPT);
    mallopt(M_TRIM_THRESHOLD, MAIN_MEMORY_KEPT);
}

/* Those that this process may use. */
static uint32_t main_count_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < 1 ? 1 : count > REACTORS_MAX ? REACTORS_MAX : (uint32_t)count;
}

/* The command line goes before the file. */
static void main_settle(struct main_arguments *a, const struct config *config)
{
    const struct node_settings *node = &config->node;
    enum log_level level = node->log_level;

    for (uint32_t i = 0; a->server.listen_count < LISTENERS_MAX && i < node->listen_count; i++) {
        if (i == 0 && a->server.listen_count > 0) {
            break;
        }
        a->server.listen[a->server.listen_count++] = node->listen[i];
    }
    a->server.reactors = a->reactors_given ? a->reactors : node->reactors;
    if (a->server.reactors == 0) {
        a->server.reactors = main_count_processors();
    }
    a->server.journal = a->journal != NULL ? text_from(a->journal) : node->journal;
    a->server.node = a->node != NULL ? text_from(a->node) : node->name;
    if (text_is_none(a->server.advertise)) {
        a->server.advertise = node->advertise;
    }
    a->server.insecure = a->server.insecure || node->insecure;
    if (a->log_level != NULL) {
        log_level_from_word(a->log_level, &level);
        a->server.log_level_fixed = true;
    }
    log_open(2, level);
}

static void main_tell_end(const char *why)
{
    fprintf(stderr, "switchboard-server: %s\n", why);
}

int main(int argc, char **argv)
{
    const struct argp argp = {main_options, main_parse, NULL, main_intro, NULL, main_help, NULL};
    struct main_arguments a = {0};
    struct config_problems problems = {0};
    struct config *config;

    argp_err_exit_status = EXIT_USAGE;
    setenv("ARGP_HELP_FMT", "rmargin=110", 0); /* the list of methods has long lines */
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signal(SIGPIPE, SIG_IGN);
    memory_tell_end(main_tell_end);
    main_keep_little_memory();
    if (a.check != NULL) {
        return main_check(&a);
    }
    config = config_read_file(a.server.config_path, &problems);
    if (config == NULL) {
        char *words = config_problems_text(&problems, a.server.config_path);

        fputs(words, stderr);
        memory_give(words);
        config_problems_close(&problems);
        return EXIT_FAILURE;
    }
    config_problems_close(&problems);
    main_raise_limits();
    main_settle(&a, config);
    return server_run(&a.server, config);
}
