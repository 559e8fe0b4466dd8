/* Is this configuration sound? Every mistake with its line and column, without a server. */
#include <stdio.h>

#include "proto/cli/options.h"
#include "queue/base/memory.h"
#include "router/config.h"

static void check_print(const struct config *c)
{
    for (uint32_t i = 0; i < c->workspace_count; i++) {
        const struct workspace_config *w = c->workspaces[i];
        const struct settings *s = w->settings;

        printf("workspace " TEXT_FORMAT ": %u tiers, %u channels, %u issue types, %u languages, "
               "%u queues, %u agents, %u phrases, %u patterns\n",
               TEXT_ARGS(w->name), s->tier_count, s->channel_count, s->issue_count,
               s->language_count, s->queue_count, s->agent_count, ruleset_phrase_count(w->ruleset),
               ruleset_pattern_count(w->ruleset));
    }
}

int check_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct config_problems problems = {0};
    struct arguments arguments;
    struct config *config;
    char *words;
    int status = options_read(cli, command, NULL, 0, argc, argv, &arguments);

    if (status == OPTIONS_READY) {
        config = config_read_file(arguments.list[0], &problems);
        if (config == NULL) {
            words = config_problems_text(&problems, arguments.list[0]);
            fputs(words, stderr);
            memory_give(words);
            status = CLI_FAILED;
        } else {
            check_print(config);
            status = CLI_DONE;
        }
        config_destroy(config);
        config_problems_close(&problems);
    }
    options_close(&arguments);
    return status;
}
