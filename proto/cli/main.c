#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/cli/cli.h"
#include "proto/cli/options.h"
#include "proto/error_table.h"

#define MAIN_PATIENCE 10000

static const struct command main_commands[] = {
    {"submit", "", "puts contacts in line, as a connector does",
     "One contact from options:\n"
     "  switchboard-cli submit --channel chat --text \"where is my parcel?\" --customer c-17\n"
     "Many from standard input, one JSON object a line, as contact.submit takes it:\n"
     "  switchboard-cli submit --json --id-prefix monday- < contacts.jsonl > answers.jsonl\n"
     "Answer number k belongs to line number k; a line that failed is answered {\"error\": ...}.\n"
     "Many are under way at a time, and after a loss of the connection what has no answer is sent\n"
     "again. Run it again after anything else: with the same ids nothing is submitted twice.\n",
     0, 0, submit_run},
    {"agent", "NAME", "signs in as an agent and works contacts in the terminal",
     "Offers appear as they come. Then: accept, decline [REASON], complete [DISPOSITION], wrap,\n"
     "transfer QUEUE or @AGENT, requeue, held, away [REASON], available, quit; help lists them\n"
     "all. Standard input may be a pipe: lines are done one after the other, `wait` waits for an\n"
     "offer, the end signs out, and the exit status is that of the first command that failed.\n"
     "  printf 'wait\\naccept\\ncomplete answered\\nquit\\n' | switchboard-cli agent ana\n"
     "An agent must exist, in the configuration or by agent.put:\n"
     "  switchboard-cli call agent.put '{\"agent\": \"ana\"}'\n",
     1, 1, desk_run},
    {"watch", "", "shows the queues live", "", 0, 0, watch_run},
    {"queues", "", "lists the queues with their figures", "", 0, 0, lists_queues},
    {"agents", "", "lists the agents with what they hold", "", 0, 0, lists_agents},
    {"contacts", "", "lists contacts in the order of their arrival",
     "Ended ones only with --state and an ended state.\n", 0, 0, lists_contacts},
    {"contact", "ID", "shows one contact with its history", "", 1, 1, contact_show_run},
    {"stats", "", "shows what was achieved", "", 0, 0, lists_stats},
    {"call", "METHOD [JSON|-]", "calls any method, JSON in and JSON out",
     "  switchboard-cli call queue.get '{\"queue\": \"refunds\"}'\n"
     "With - the parameters come from standard input. Bytes, which JSON does not have, are\n"
     "{\"$base64\": \"...\"} in both directions:\n"
     "  switchboard-cli call contact.submit '{\"channel\": \"chat\", \"payload\": {\"$base64\": "
     "\"AAE=\"}}'\n"
     "An error is printed as JSON on standard error, and the exit status says which one it was\n"
     "(switchboard-cli --help has them). `switchboard-cli methods` lists what can be called.\n",
     1, 2, call_run},
    {"methods", "[METHOD]", "lists the methods, or one method's parameters", "", 0, 1, methods_run},
    {"node", "list|drain|takeover", "the nodes that share a journal, and who owns what",
     "  switchboard-cli --server tcp://10.0.0.5:7700 node list\n"
     "It is the node at --server that answers (--workspace is any that it knows). list shows what "
     "it\n"
     "owns and follows, what the others own, and whether Redis is reachable.\n"
     "  switchboard-cli node drain [NODE] [--only WORKSPACE] [--undo]\n"
     "The node hands over what it owns, no request is lost, and it takes nothing more until "
     "--undo;\n"
     "waits until it owns nothing. Exit status 1: it still owns something.\n"
     "  switchboard-cli node takeover WORKSPACE\n"
     "The node at --server takes it from whoever owns it, and keeps it. Clients of the owner "
     "before\n"
     "are cut off: where that one still answers, drain it instead.\n",
     1, 2, node_run},
    {"check", "FILE", "checks a configuration, without a server",
     "Every mistake is printed on standard error as FILE:LINE:COLUMN: what is wrong; the exit\n"
     "status is then 1.\n",
     1, 1, check_run},
    {"classify", "", "tries classification rules on messages, without a server",
     "  switchboard-cli classify --config FILE < messages.jsonl\n"
     "One message a line, a JSON object as contact.submit takes it. For each: tier, issue type,\n"
     "queue and language, and why. When a message says what it expects, as\n"
     "  {\"text\": \"where is my parcel?\", \"expect\": {\"issue\": \"delivery\"}}\n"
     "the answer is compared, the sum is printed on standard error, and the exit status is 1\n"
     "unless all are as expected. Without --workspace: the only one, or default.\n",
     0, 0, tune_run},
};
enum { MAIN_COMMANDS = sizeof(main_commands) / sizeof(main_commands[0]) };

static void main_help(void)
{
    char left[48];

    printf("switchboard-cli [OPTION...] COMMAND\n\n"
           "Talks to a Switchboard server, the routing core for contact centres.\n\nCommands:\n");
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        snprintf(left, sizeof(left), "%s %s", main_commands[i].name, main_commands[i].arguments);
        printf("  %-26s %s\n", left, main_commands[i].summary);
    }
    printf("\nswitchboard-cli COMMAND --help says more.\n\nOptions, before or behind COMMAND:\n");
    options_print_common();
    printf("  %-26s %s\n  %-26s %s\n", "--help", "this", "--version", "the version");
    printf("\nExit status: 0 done; 1 what was looked at has mistakes; 2 the command line makes no "
           "sense;\n3 no server or no answer in time, and the outcome is unknown. Refused by the "
           "server:\n");
    for (int i = ERROR_NONE + 1; i < ERROR_COUNT; i++) {
        printf("  %d  %-16s %s\n", CLI_REFUSED + i, error_wire((enum error_code)i),
               error_words((enum error_code)i));
    }
}

static const struct command *main_find(const char *name)
{
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        if (strcmp(main_commands[i].name, name) == 0) {
            return &main_commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct cli cli = {.server = getenv(CLI_SERVER_ENV), .patience = MAIN_PATIENCE};
    const struct command *command;
    int at = 1, status;

    signal(SIGPIPE, SIG_IGN); /* a server that goes away is no reason to die */
    if (cli.server == NULL || cli.server[0] == '\0') {
        cli.server = CLI_SERVER;
    }
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        (argc == 2 && strcmp(argv[1], "help") == 0)) {
        main_help();
        return argc < 2 ? CLI_USAGE : CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("switchboard-cli " SWITCHBOARD_VERSION "\n");
        return CLI_DONE;
    }
    status = options_read_common(&cli, argc, argv, &at);
    if (status != OPTIONS_READY) {
        return status;
    }
    command = at < argc ? main_find(argv[at]) : NULL;
    if (command == NULL) {
        fprintf(stderr, "switchboard-cli: %s%s%s; see --help\n",
                at < argc ? "there is no command \"" : "no command", at < argc ? argv[at] : "",
                at < argc ? "\"" : "");
        return CLI_USAGE;
    }
    status = command->run(&cli, command, argc - at, argv + at);
    if (fflush(stdout) != 0 && status == CLI_DONE) {
        status = CLI_FAILED; /* nobody got the result */
    }
    return status;
}
