/* What can be called: the method table as it is compiled into server and client. */
#include <stdio.h>

#include "proto/cli/options.h"
#include "proto/cli/screen.h"
#include "proto/cli/table.h"
#include "proto/method.h"

static struct text methods_roles(unsigned roles, char words[64])
{
    words[0] = '\0';
    if (roles == ROLES_ALL) {
        return TEXT("everyone");
    }
    for (int i = 0; i < ROLE_COUNT; i++) {
        if ((roles & 1u << i) != 0) {
            size_t length = strlen(words);

            snprintf(words + length, 64 - length, "%s%s", length == 0 ? "" : ", ",
                     words_at(WORD_LIST_ROLE, i));
        }
    }
    return text_from(words);
}

static int methods_all(void)
{
    static const struct table_column columns[] = {
        {"method", false, false},
        {"roles", false, false},
        {"changes", false, false},
        {"what it does", false, true},
    };
    struct table table;
    char roles[64];

    table_init(&table, columns, 4);
    for (int i = 0; i < METHOD_COUNT; i++) {
        enum method m = (enum method)i;

        table_text(&table, text_from(method_wire(m)));
        table_text(&table, methods_roles(method_roles(m), roles));
        table_text(&table, method_kind(m) == METHOD_CHANGE ? TEXT("yes") : TEXT_NONE);
        table_text(&table, text_from(method_help(m)));
    }
    table_print(&table, stdout, screen_is_terminal() ? screen_width() : 1000, 0);
    table_close(&table);
    return CLI_DONE;
}

/* What the parameter may be, in words. */
static struct text methods_type(const struct parameter *p, char words[160])
{
    static const char *const types[] = {
        [PARAMETER_ID] = "id",
        [PARAMETER_TEXT] = "text",
        [PARAMETER_PAYLOAD] = "bytes: {\"$base64\": \"...\"}, or a text",
        [PARAMETER_BOOL] = "true or false",
        [PARAMETER_INTEGER] = "integer",
        [PARAMETER_WORD] = "",
        [PARAMETER_ATTRIBUTES] = "map of text to text, number, true, false or null",
        [PARAMETER_SKILLS] = "map of skill to level, 1 to 5",
        [PARAMETER_CUSTOMER] = "map {id, tier, attributes}",
        [PARAMETER_CAPACITY] = "units, or map {units, max: {channel: count}}",
        [PARAMETER_QUEUES] = "list of names, or map of name to rank",
        [PARAMETER_REFUSED] = "of a later version: refused",
    };
    const char *word;
    size_t length;

    snprintf(words, 160, "%s", types[p->type]);
    for (int i = 0; p->type == PARAMETER_WORD && (word = words_at(p->words, i)) != NULL; i++) {
        length = strlen(words);
        snprintf(words + length, 160 - length, "%s%s", i == 0 ? "" : " | ", word);
    }
    return text_from(words);
}

static int methods_one(enum method m)
{
    static const struct table_column columns[] = {
        {"parameter", false, false},
        {"needed", false, false},
        {"type", false, false},
        {"what it is", false, true},
    };
    const struct parameter *list;
    struct table table;
    char words[160];
    size_t count;

    printf("%s%s%s: %s\n", screen_bold(), method_wire(m), screen_plain(), method_help(m));
    printf("roles: " TEXT_FORMAT "\n", TEXT_ARGS(methods_roles(method_roles(m), words)));
    list = method_parameters(m, &count);
    if (count == 0) {
        printf("no parameters\n");
        return CLI_DONE;
    }
    putchar('\n');
    table_init(&table, columns, 4);
    for (size_t i = 0; i < count; i++) {
        unsigned needed = list[i].required & method_roles(m);

        table_text(&table, text_from(field_wire(list[i].field)));
        table_text(&table, needed == 0                 ? TEXT_NONE
                           : needed == method_roles(m) ? TEXT("yes")
                                                       : methods_roles(needed, words));
        table_text(&table, methods_type(&list[i], words));
        table_text(&table,
                   text_from(list[i].help[0] != '\0' ? list[i].help : field_help(list[i].field)));
    }
    table_print(&table, stdout, screen_is_terminal() ? screen_width() : 1000, 0);
    table_close(&table);
    return CLI_DONE;
}

int methods_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct arguments arguments;
    int status = options_read(cli, command, NULL, 0, argc, argv, &arguments);

    if (status == OPTIONS_READY && arguments.count == 0) {
        status = methods_all();
    } else if (status == OPTIONS_READY) {
        enum method m = method_find(text_from(arguments.list[0]));

        if (m == METHOD_NONE) {
            fprintf(stderr, "switchboard-cli methods: there is no method \"%s\"\n",
                    arguments.list[0]);
            status = CLI_USAGE;
        } else {
            status = methods_one(m);
        }
    }
    options_close(&arguments);
    return status;
}
