/* What would the rules make of these messages? Classification as the server does it, without one:
 * how rules are tuned.
 *
 * One message a line, a JSON object as contact.submit takes it; what classification does not read
 * is passed over. With `expect` {tier, issue, queue, language} in a message, the answer is compared
 * and the sum of it said at the end. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/cli/convert.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"
#include "queue/base/memory.h"
#include "router/classify/classify.h"
#include "router/config.h"

enum tune_aspect { TUNE_TIER, TUNE_ISSUE, TUNE_QUEUE, TUNE_LANGUAGE, TUNE_ASPECTS };

static const char *const tune_words[TUNE_ASPECTS] = {"tier", "issue", "queue", "language"};

struct tune {
    const struct workspace_config *workspace;
    struct classify_scratch *scratch;
    struct packer attributes;
    struct packer customer_attributes;
    bool json;
    bool only_wrong;
    uint32_t line;
    uint32_t read;
    uint32_t unreadable;
    uint32_t expected; /* messages that say what they expect */
    uint32_t wrong;    /* and did not get it */
};

static bool tune_complain(struct tune *t, const char *words)
{
    fprintf(stderr, "switchboard-cli classify: line %u: %s\n", t->line, words);
    t->unreadable++;
    return false;
}

/* A text of a message; absent and null are TEXT_NONE. */
static bool tune_text(struct tune *t, json_t *object, const char *key, struct text *out)
{
    json_t *value = json_object_get(object, key);
    char words[64];

    *out = TEXT_NONE;
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_string(value)) {
        snprintf(words, sizeof(words), "%s must be a text", key);
        return tune_complain(t, words);
    }
    *out = (struct text){json_string_value(value), (uint32_t)json_string_length(value)};
    return true;
}

static bool tune_attributes(struct tune *t, json_t *object, struct packer *p, struct text *out)
{
    json_t *map = json_object_get(object, "attributes");
    json_t *value;
    const char *key;
    char why[CONVERT_WORDS];

    *out = TEXT_NONE;
    if (map == NULL || json_is_null(map)) {
        return true;
    }
    if (!json_is_object(map)) {
        return tune_complain(t, "attributes must be an object");
    }
    json_object_foreach(map, key, value)
    {
        if (json_is_object(value) || json_is_array(value)) {
            snprintf(why, sizeof(why),
                     "attributes.%.64s must be a text, a number, true, false or null", key);
            return tune_complain(t, why);
        }
    }
    packer_reset(p);
    if (!convert_pack(p, map, why)) {
        return tune_complain(t, why);
    }
    *out = (struct text){(const char *)p->bytes, (uint32_t)p->size};
    return true;
}

static bool tune_message(struct tune *t, json_t *message, struct classify_input *in)
{
    json_t *customer = json_object_get(message, "customer");
    struct text channel;
    char words[160];

    *in = (struct classify_input){.channel = INDEX_NONE8};
    if (!tune_text(t, message, "channel", &channel) ||
        !tune_text(t, message, "issue", &in->issue) ||
        !tune_text(t, message, "language", &in->language) ||
        !tune_text(t, message, "queue", &in->queue) ||
        !tune_text(t, message, "subject", &in->subject) ||
        !tune_text(t, message, "text", &in->text) ||
        !tune_attributes(t, message, &t->attributes, &in->attributes)) {
        return false;
    }
    if (!text_is_none(channel)) {
        in->channel = settings_find_channel(t->workspace->settings, channel);
        if (in->channel == INDEX_NONE8) {
            snprintf(words, sizeof(words), "the configuration has no channel \"%.64s\"",
                     channel.bytes);
            return tune_complain(t, words);
        }
    }
    if (customer == NULL || json_is_null(customer)) {
        return true;
    }
    if (!json_is_object(customer)) {
        return tune_complain(t, "customer must be an object");
    }
    return tune_text(t, customer, "id", &in->customer_id) &&
           tune_text(t, customer, "tier", &in->tier) &&
           tune_attributes(t, customer, &t->customer_attributes, &in->customer_attributes);
}

static void tune_names(const struct tune *t, const struct classification *c,
                       struct text names[TUNE_ASPECTS])
{
    const struct settings *s = t->workspace->settings;

    names[TUNE_TIER] = s->tiers[c->tier].name;
    names[TUNE_ISSUE] = c->issue == INDEX_NONE16 ? TEXT_NONE : s->issues[c->issue].name;
    names[TUNE_QUEUE] = s->queues[c->queue].name;
    names[TUNE_LANGUAGE] = c->language == INDEX_NONE16 ? TEXT_NONE : s->languages[c->language];
}

/* Bits of the aspects that differ from what the message expects. */
static unsigned tune_compare(struct tune *t, json_t *message, const struct text names[TUNE_ASPECTS])
{
    json_t *expect = json_object_get(message, "expect");
    unsigned wrong = 0;

    if (!json_is_object(expect)) {
        return 0;
    }
    t->expected++;
    for (int i = 0; i < TUNE_ASPECTS; i++) {
        json_t *value = json_object_get(expect, tune_words[i]);

        if (value != NULL) {
            struct text wanted = text_from(json_string_value(value)); /* null: none */
            wrong |= text_equal(wanted, names[i]) ? 0 : 1u << i;
        }
    }
    t->wrong += wrong != 0;
    return wrong;
}

static void tune_print_json(const struct tune *t, const struct text names[TUNE_ASPECTS],
                            const struct text why[TUNE_ASPECTS], unsigned wrong)
{
    printf("{\"line\": %u", t->line);
    for (int i = 0; i < TUNE_ASPECTS; i++) {
        printf(", \"%s\": ", tune_words[i]);
        if (text_is_none(names[i])) {
            fputs("null", stdout);
        } else {
            convert_print_text(stdout, names[i]);
        }
    }
    fputs(", \"why\": {", stdout);
    for (int i = 0; i < TUNE_ASPECTS; i++) {
        printf("%s\"%s\": ", i == 0 ? "" : ", ", tune_words[i]);
        convert_print_text(stdout, why[i]);
    }
    fputs("}", stdout);
    if (wrong != 0) {
        fputs(", \"wrong\": [", stdout);
        for (int i = 0, told = 0; i < TUNE_ASPECTS; i++) {
            if ((wrong & 1u << i) != 0) {
                printf("%s\"%s\"", told++ == 0 ? "" : ", ", tune_words[i]);
            }
        }
        fputs("]", stdout);
    }
    fputs("}\n", stdout);
}

static void tune_print(const struct tune *t, json_t *message, const struct classify_input *in,
                       const struct text names[TUNE_ASPECTS], const struct text why[TUNE_ASPECTS],
                       unsigned wrong)
{
    json_t *expect = json_object_get(message, "expect");

    printf("%s%u%s  ", screen_dim(), t->line, screen_plain());
    screen_text(stdout, text_is_none(in->subject) ? in->text : in->subject, screen_width() - 8);
    putchar('\n');
    for (int i = 0; i < TUNE_ASPECTS; i++) {
        bool off = (wrong & 1u << i) != 0;

        printf("  %-8s  %s", tune_words[i], off ? screen_alarm() : screen_bold());
        screen_text(stdout, text_is_none(names[i]) ? TEXT("-") : names[i], -1);
        fputs(screen_plain(), stdout);
        if (off) {
            const char *wanted = json_string_value(json_object_get(expect, tune_words[i]));

            fputs(" instead of ", stdout);
            screen_text(stdout, wanted == NULL ? TEXT("none") : text_from(wanted), -1);
        }
        fputs("  ", stdout);
        screen_text(stdout, why[i], -1);
        putchar('\n');
    }
}

static void tune_line(struct tune *t, struct text line)
{
    char why[CONVERT_WORDS];
    struct classify_input in;
    struct classification out;
    struct text names[TUNE_ASPECTS];
    unsigned wrong;
    json_t *message = convert_parse(line, why);

    if (message == NULL) {
        (void)tune_complain(t, why);
    } else if (!json_is_object(message)) {
        (void)tune_complain(t, "a message is a JSON object");
    } else if (tune_message(t, message, &in)) {
        classify(t->workspace->ruleset, t->scratch, &in, &out);
        const struct text reasons[TUNE_ASPECTS] = {out.why_tier, out.why_issue, out.why_queue,
                                                   out.why_language};

        t->read++;
        tune_names(t, &out, names);
        wrong = tune_compare(t, message, names);
        if (wrong == 0 && t->only_wrong) {
            /* asked to be passed over */
        } else if (t->json) {
            tune_print_json(t, names, reasons, wrong);
        } else {
            tune_print(t, message, &in, names, reasons, wrong);
        }
    }
    json_decref(message);
}

static int tune_all(struct tune *t)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    t->scratch = classify_scratch_create();
    while ((length = getline(&line, &room, stdin)) >= 0 && ferror(stdout) == 0) {
        t->line++;
        while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL) {
            length--;
        }
        if (length > 0) {
            tune_line(t, (struct text){line, (uint32_t)length});
        }
    }
    free(line);
    classify_scratch_destroy(t->scratch);
    packer_close(&t->attributes);
    packer_close(&t->customer_attributes);
    if (t->expected > 0) {
        fprintf(stderr, "%u messages; of %u with an expectation %u as expected (%.1f %%)\n",
                t->read, t->expected, t->expected - t->wrong,
                100.0 * (t->expected - t->wrong) / t->expected);
    }
    return t->unreadable > 0 || t->wrong > 0 ? CLI_FAILED : CLI_DONE;
}

/* The workspace asked for; the only one when none was. */
static const struct workspace_config *tune_workspace(const struct config *c, const char *name)
{
    const struct workspace_config *found;

    if (name == NULL && c->workspace_count == 1) {
        return c->workspaces[0];
    }
    found = config_find(c, text_from(name == NULL ? "default" : name));
    if (found == NULL) {
        fprintf(stderr, "switchboard-cli classify: no workspace \"%s\"; there are:",
                name == NULL ? "default" : name);
        for (uint32_t i = 0; i < c->workspace_count; i++) {
            fprintf(stderr, " " TEXT_FORMAT, TEXT_ARGS(c->workspaces[i]->name));
        }
        fputc('\n', stderr);
    }
    return found;
}

static int tune_with(struct tune *t, const char *path, const char *workspace)
{
    struct config_problems problems = {0};
    struct config *config = config_read_file(path, &problems);
    int status = CLI_FAILED;

    if (config == NULL) {
        char *words = config_problems_text(&problems, path);

        fputs(words, stderr);
        memory_give(words);
    } else {
        t->workspace = tune_workspace(config, workspace);
        status = t->workspace == NULL ? CLI_USAGE : tune_all(t);
    }
    config_destroy(config);
    config_problems_close(&problems);
    return status;
}

int tune_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct tune t = {0};
    const char *path = NULL;
    const struct option rows[] = {
        {"config", OPTION_TEXT, &path, "FILE", "the configuration whose rules are tried"},
        {"json", OPTION_FLAG, &t.json, NULL, "one JSON object a line"},
        {"wrong", OPTION_FLAG, &t.only_wrong, NULL,
         "only messages that did not get what they expect"},
    };
    struct arguments arguments;
    int status = options_read(cli, command, rows, 3, argc, argv, &arguments);

    options_close(&arguments);
    if (status != OPTIONS_READY) {
        return status;
    }
    if (path == NULL) {
        fprintf(stderr, "switchboard-cli classify: which rules? --config FILE\n");
        return CLI_USAGE;
    }
    return tune_with(&t, path, cli->workspace);
}
