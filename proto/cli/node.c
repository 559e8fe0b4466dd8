/* node list, node drain, node takeover: the nodes that share a journal. It is the node at the
 * address that answers, whoever owns the workspace. */
#include <stdio.h>

#include "proto/cli/convert.h"
#include "proto/cli/fields.h"
#include "proto/cli/link.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"
#include "proto/cli/table.h"

#define NODE_LOOK_AGAIN_MS 50

struct node {
    struct cli cli;
    struct link link;
    struct reply reply;
    const char *only; /* a workspace; NULL: all of them */
    bool undo, json;
};

static int node_call(struct node *n, const char *method, struct switchboard_map *params)
{
    int status = link_call(&n->link, method, switchboard_map_bytes(params),
                           switchboard_map_size(params), &n->reply);

    return status == CLI_DONE ? status : reply_complain(&n->reply, method);
}

static int node_ask(struct node *n)
{
    struct switchboard_map *none = switchboard_map_create();
    int status = node_call(n, "node.list", none);

    switchboard_map_destroy(none);
    return status;
}

static struct fields_items node_rows(const struct node *n)
{
    return fields_items(fields_inside(reply_map(&n->reply), "nodes"));
}

/* The row of that name; of the node that answers where it is NULL. */
static struct text node_row(const struct node *n, const char *name)
{
    struct fields_items rows = node_rows(n);
    struct text row;

    while (fields_next(&rows, &row)) {
        if (name == NULL ? fields_bool(row, "answers")
                         : text_equal(fields_text(row, "node"), text_from(name))) {
            return row;
        }
    }
    return TEXT_NONE;
}

/* ---- list ---- */

/* What goes into a file or a pipe is not cut. */
static int node_width(void)
{
    return screen_is_terminal() ? screen_width() : 1000;
}

static void node_owned(struct table *table, struct text row)
{
    struct fields_items items = fields_items(fields_inside(row, "workspaces"));
    struct text name = fields_text(row, "node"), w;
    char words[256] = "";
    size_t used = 0;

    while (fields_next(&items, &w) && used < sizeof(words)) {
        struct text owner = fields_text(w, "owner");

        if (text_is_none(owner) ? !fields_bool(row, "answers") : text_equal(owner, name)) {
            used += (size_t)snprintf(words + used, sizeof(words) - used, "%s" TEXT_FORMAT,
                                     used == 0 ? "" : ", ", TEXT_ARGS(fields_text(w, "workspace")));
        }
    }
    table_text(table, text_from(words));
}

static void node_print_nodes(const struct node *n)
{
    static const struct table_column columns[] = {
        {"node", false, false},   {"", false, false},      {"address", false, false},
        {"number", true, false},  {"lives", false, false}, {"seen before", true, false},
        {"version", true, false}, {"owns", false, true},
    };
    struct fields_items rows = node_rows(n);
    struct table table;
    struct text row;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    while (fields_next(&rows, &row)) {
        table_text_of(&table, row, "node");
        table_text(&table, fields_bool(row, "answers") ? TEXT("answers") : TEXT_NONE);
        table_text_of(&table, row, "address");
        table_int_of(&table, row, "number");
        table_text(&table, !fields_bool(row, "live")      ? TEXT("no")
                           : fields_bool(row, "draining") ? TEXT("drains")
                           : fields_bool(row, "reading")  ? TEXT("reads")
                                                          : TEXT("yes"));
        table_duration_of(&table, row, "seen_ms_ago");
        table_int_of(&table, row, "version");
        node_owned(&table, row);
    }
    table_print(&table, stdout, node_width(), 0);
    table_close(&table);
}

static void node_print_workspaces(const struct node *n)
{
    static const struct table_column columns[] = {
        {"workspace", false, false}, {"here", false, false}, {"for", true, false},
        {"epoch", true, false},      {"seq", true, false},   {"owner", false, false},
        {"lease", true, false},      {"", false, false},     {"problem", false, true},
    };
    struct fields_items rows = fields_items(fields_inside(node_row(n, NULL), "workspaces"));
    struct table table;
    struct text row;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    while (fields_next(&rows, &row)) {
        table_text_of(&table, row, "workspace");
        table_text_of(&table, row, "state");
        table_duration_of(&table, row, "since_ms");
        table_int_of(&table, row, "epoch");
        table_int_of(&table, row, "seq");
        table_text_of(&table, row, "owner");
        table_duration_of(&table, row, "lease_in_force_ms");
        table_text(&table, fields_bool(row, "pinned") ? TEXT("pinned") : TEXT_NONE);
        table_text_of(&table, row, "problem");
    }
    table_print(&table, stdout, node_width(), 0);
    table_close(&table);
}

static void node_print_journal(const struct node *n)
{
    struct text journal = fields_inside(reply_map(&n->reply), "journal");
    struct text problem = fields_text(journal, "problem");
    bool up = text_equal(fields_text(journal, "state"), TEXT("up"));
    bool shared = fields_bool(journal, "shared");
    int64_t age = 0, replicas = 0;
    char words[SCREEN_WORDS];

    (void)fields_int(journal, "age_ms", &age);
    (void)fields_int(journal, "replicas", &replicas);
    printf("%s%s: %s for %s%s", up ? "" : screen_alarm(), shared ? "redis" : "journal",
           up ? "up" : "not reachable", screen_duration(words, age), screen_plain());
    if (up && replicas > 0) {
        printf("; what is confirmed is on %lld replica%s, too", (long long)replicas,
               replicas == 1 ? "" : "s");
    }
    if (!text_is_none(problem)) {
        fputs(": ", stdout);
        screen_text(stdout, problem, -1);
    }
    putchar('\n');
}

static int node_list(struct node *n, const struct arguments *arguments)
{
    int status = node_ask(n);

    (void)arguments;
    if (status != CLI_DONE) {
        return status;
    }
    if (n->json) {
        convert_print(stdout, reply_map(&n->reply), false);
        putchar('\n');
        return status;
    }
    node_print_nodes(n);
    putchar('\n');
    node_print_workspaces(n);
    putchar('\n');
    node_print_journal(n);
    return status;
}

/* ---- drain and takeover ---- */

/* What this node owns of what is meant. */
static uint32_t node_owns(const struct node *n)
{
    struct text us = node_row(n, NULL), row;
    struct fields_items rows = fields_items(fields_inside(us, "workspaces"));
    uint32_t count = 0;

    while (fields_next(&rows, &row)) {
        bool meant =
            n->only == NULL || text_equal(fields_text(row, "workspace"), text_from(n->only));

        count += meant && text_equal(fields_text(row, "owner"), fields_text(us, "node"));
    }
    return count;
}

static bool node_has_heir(const struct node *n)
{
    struct fields_items rows = node_rows(n);
    struct text row;

    while (fields_next(&rows, &row)) {
        if (!fields_bool(row, "answers") && fields_bool(row, "live") &&
            !fields_bool(row, "draining")) {
            return true;
        }
    }
    return false;
}

/* Until this node owns nothing of what is meant, or (`want`) all of it. */
static int node_wait(struct node *n, bool want)
{
    duration_ms waited = 0;
    int status = node_ask(n);

    while (status == CLI_DONE && (node_owns(n) > 0) != want && waited < n->cli.patience &&
           (want || node_has_heir(n))) {
        link_wait(&n->link, NODE_LOOK_AGAIN_MS);
        waited += NODE_LOOK_AGAIN_MS;
        status = node_ask(n);
    }
    return status;
}

/* The last node.list says what has become of it. */
static int node_tell(const struct node *n, bool want)
{
    uint32_t owns = node_owns(n);
    struct text name = fields_text(node_row(n, NULL), "node");
    bool good = want ? owns > 0 : owns == 0;

    if (n->json) {
        convert_print(stdout, reply_map(&n->reply), false);
        putchar('\n');
    } else if (want) {
        printf(TEXT_FORMAT " %s %s\n", TEXT_ARGS(name), good ? "owns" : "did not get", n->only);
    } else if (good) {
        printf(TEXT_FORMAT " owns %s any more\n", TEXT_ARGS(name),
               n->only != NULL ? "it not" : "nothing");
    } else {
        printf(TEXT_FORMAT " still owns %u: %s\n", TEXT_ARGS(name), owns,
               node_has_heir(n) ? "it was not done in time"
                                : "there is no other node that takes anything");
    }
    return good ? CLI_DONE : CLI_FAILED;
}

static int node_drain(struct node *n, const struct arguments *arguments)
{
    struct switchboard_map *map = switchboard_map_create();
    int status;

    (void)arguments;
    if (n->only != NULL) {
        switchboard_map_text(map, "workspace", n->only);
    }
    if (n->undo) {
        switchboard_map_bool(map, "undo", true);
    }
    status = node_call(n, "node.drain", map);
    switchboard_map_destroy(map);
    if (status != CLI_DONE || n->undo) {
        if (status == CLI_DONE && n->json) {
            convert_print(stdout, reply_map(&n->reply), false);
            putchar('\n');
        }
        return status;
    }
    status = node_wait(n, false);
    return status == CLI_DONE ? node_tell(n, false) : status;
}

static int node_takeover(struct node *n, const struct arguments *arguments)
{
    struct switchboard_map *map = switchboard_map_create();
    int status;

    n->only = arguments->list[1];
    switchboard_map_text(map, "workspace", n->only);
    status = node_call(n, "node.takeover", map);
    switchboard_map_destroy(map);
    if (status == CLI_DONE) {
        status = node_wait(n, true);
    }
    return status == CLI_DONE ? node_tell(n, true) : status;
}

/* ---- the frame ---- */

static int node_open(struct node *n)
{
    static const struct link_session session = {.role = "admin", .only_there = true};

    return link_open(&n->link, &n->cli, &session, NULL);
}

/* Go on with the node of that name. */
static int node_go_to(struct node *n, const char *name)
{
    static char address[256];
    int status = node_ask(n);
    struct text row;

    if (status != CLI_DONE) {
        return status;
    }
    row = node_row(n, name);
    if (text_is_none(row)) {
        fprintf(stderr, "switchboard-cli node: there is no node \"%s\"\n", name);
        return CLI_USAGE;
    }
    if (!fields_bool(row, "answers")) {
        snprintf(address, sizeof(address), TEXT_FORMAT, TEXT_ARGS(fields_text(row, "address")));
        link_close(&n->link);
        n->cli.server = address;
        return node_open(n);
    }
    return CLI_DONE;
}

static const struct node_action {
    const char *name;
    int least, most; /* arguments, its own name included */
    bool goes;       /* the second is the node that is meant */
    int (*run)(struct node *n, const struct arguments *arguments);
} node_actions[] = {
    {"list", 1, 1, false, node_list},
    {"drain", 1, 2, true, node_drain},
    {"takeover", 2, 2, false, node_takeover},
};

static const struct node_action *node_action(const struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof(node_actions) / sizeof(node_actions[0]); i++) {
        const struct node_action *a = &node_actions[i];

        if (strcmp(a->name, arguments->list[0]) == 0 && arguments->count >= a->least &&
            arguments->count <= a->most) {
            return a;
        }
    }
    fprintf(stderr, "switchboard-cli node: list, drain [NODE] or takeover WORKSPACE\n");
    return NULL;
}

static int node_act(struct node *n, const struct node_action *action,
                    const struct arguments *arguments)
{
    int status = node_open(n);

    if (status == CLI_DONE && action->goes && arguments->count > 1) {
        status = node_go_to(n, arguments->list[1]);
    }
    if (status == CLI_DONE) {
        status = action->run(n, arguments);
    }
    if (n->link.client != NULL) {
        link_close(&n->link);
    }
    reply_close(&n->reply);
    return status;
}

int node_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct node n = {0};
    const struct option rows[] = {
        {"only", OPTION_TEXT, &n.only, "WORKSPACE",
         "of drain: only this one; it stays where it goes"},
        {"undo", OPTION_FLAG, &n.undo, NULL, "of drain: own again what belongs there"},
        {"json", OPTION_FLAG, &n.json, NULL, "the answer as one JSON object"},
    };
    struct arguments arguments;
    const struct node_action *action;
    int status = options_read(cli, command, rows, 3, argc, argv, &arguments);

    if (status == OPTIONS_READY) {
        n.cli = *cli;
        action = node_action(&arguments);
        status = action == NULL ? CLI_USAGE : node_act(&n, action, &arguments);
    }
    options_close(&arguments);
    return status;
}
