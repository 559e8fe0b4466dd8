#include "proto/cli/lists.h"

#include <stdio.h>

#include "proto/cli/convert.h"
#include "proto/cli/fields.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"

#define LISTS_PAGE 500

enum lists_cell { CELL_TEXT, CELL_INT, CELL_DURATION, CELL_SHARE, CELL_TIME, CELL_COUNTS };

struct lists_kind {
    const char *method;
    const char *key;
    uint32_t count;
    struct table_column columns[TABLE_COLUMNS_MAX];
    struct {
        const char *field;
        enum lists_cell cell;
    } cells[TABLE_COLUMNS_MAX];
};

const struct lists_kind lists_kind_queues = {
    .method = "queue.list",
    .key = "queues",
    .count = 11,
    .columns = {{"queue", false, true},
                {"waiting", true, false},
                {"oldest", true, false},
                {"offered", true, false},
                {"active", true, false},
                {"available", true, false},
                {"signed in", true, false},
                {"in time", true, false},
                {"to answer", true, false},
                {"abandoned", true, false},
                {"overdue", true, false}},
    .cells = {{"queue", CELL_TEXT},
              {"waiting", CELL_INT},
              {"oldest_wait_ms", CELL_DURATION},
              {"offered", CELL_INT},
              {"active", CELL_INT},
              {"agents_available", CELL_INT},
              {"agents_signed_in", CELL_INT},
              {"service_level", CELL_SHARE},
              {"average_speed_of_answer_ms", CELL_DURATION},
              {"abandoned", CELL_INT},
              {"overdue", CELL_INT}},
};

static const struct lists_kind lists_kind_agents = {
    .method = "agent.list",
    .key = "agents",
    .count = 8,
    .columns = {{"agent", false, false},
                {"name", false, false},
                {"state", false, false},
                {"reason", false, true},
                {"since", false, false},
                {"used", true, false},
                {"units", true, false},
                {"holds", false, false}},
    .cells = {{"agent", CELL_TEXT},
              {"name", CELL_TEXT},
              {"state", CELL_TEXT},
              {"reason", CELL_TEXT},
              {"state_since_at", CELL_TIME},
              {"used", CELL_INT},
              {"units", CELL_INT},
              {"held", CELL_COUNTS}},
};

static const struct lists_kind lists_kind_contacts = {
    .method = "contact.list",
    .key = "contacts",
    .count = 9,
    .columns = {{"contact", false, true},
                {"state", false, false},
                {"channel", false, false},
                {"queue", false, false},
                {"tier", false, false},
                {"issue", false, false},
                {"place", true, false},
                {"answer by", false, false},
                {"agent", false, false}},
    .cells = {{"contact", CELL_TEXT},
              {"state", CELL_TEXT},
              {"channel", CELL_TEXT},
              {"queue", CELL_TEXT},
              {"tier", CELL_TEXT},
              {"issue", CELL_TEXT},
              {"position", CELL_INT},
              {"deadline_at", CELL_TIME},
              {"agent", CELL_TEXT}},
};

static const struct lists_kind lists_kind_stats = {
    .method = "stats",
    .key = "rows",
    .count = 10,
    .columns = {{"", false, true},
                {"submitted", true, false},
                {"answered", true, false},
                {"abandoned", true, false},
                {"completed", true, false},
                {"overdue", true, false},
                {"in time", true, false},
                {"to answer", true, false},
                {"handled in", true, false},
                {"ratings", true, false}},
    .cells = {{"key", CELL_TEXT},
              {"submitted", CELL_INT},
              {"answered", CELL_INT},
              {"abandoned", CELL_INT},
              {"completed", CELL_INT},
              {"overdue", CELL_INT},
              {"service_level", CELL_SHARE},
              {"average_speed_of_answer_ms", CELL_DURATION},
              {"average_handle_ms", CELL_DURATION},
              {"ratings", CELL_INT}},
};

/* "2 chat, 1 email" */
static void lists_counts(struct table *table, struct text map)
{
    struct fields_items pairs = fields_pairs(map);
    struct text key, value;
    char words[256] = "", name[NAME_BYTES_MAX + 1];
    int64_t count;

    while (fields_next_pair(&pairs, &key, &value)) {
        size_t length = strlen(words);

        snprintf(name, sizeof(name), TEXT_FORMAT, TEXT_ARGS(key));
        if (fields_int(map, name, &count)) {
            snprintf(words + length, sizeof(words) - length, "%s%lld %s", length == 0 ? "" : ", ",
                     (long long)count, name);
        }
    }
    table_text(table, text_from(words));
}

static void lists_cell(struct table *table, struct text row, const char *field,
                       enum lists_cell cell)
{
    char words[SCREEN_WORDS];
    int64_t at;

    switch (cell) {
    case CELL_TEXT:
        table_text_of(table, row, field);
        return;
    case CELL_INT:
        table_int_of(table, row, field);
        return;
    case CELL_DURATION:
        table_duration_of(table, row, field);
        return;
    case CELL_SHARE:
        table_share_of(table, row, field);
        return;
    case CELL_TIME:
        table_text(table,
                   fields_int(row, field, &at) ? text_from(screen_time(words, at)) : TEXT_NONE);
        return;
    case CELL_COUNTS:
        lists_counts(table, fields_inside(row, field));
        return;
    }
}

static int lists_page(struct link *l, const struct lists_kind *kind,
                      const struct lists_wanted *wanted, struct text after, struct reply *reply)
{
    struct switchboard_map *map = switchboard_map_create();
    int status;

    for (const char *const *f = wanted->filters; *f != NULL; f += 2) {
        switchboard_map_text(map, f[0], f[1]);
    }
    if (wanted->since_at != 0) {
        switchboard_map_int(map, "since_at", wanted->since_at);
    }
    switchboard_map_int(map, "limit", LISTS_PAGE);
    if (!text_is_none(after)) {
        switchboard_map_text_of(map, "after", after.bytes, after.length);
    }
    status =
        link_call(l, kind->method, switchboard_map_bytes(map), switchboard_map_size(map), reply);
    switchboard_map_destroy(map);
    return status;
}

/* Every row of every page. */
static int lists_each(struct link *l, const struct lists_kind *kind,
                      const struct lists_wanted *wanted, struct reply *reply,
                      void (*visit)(const struct lists_kind *kind, struct text row,
                                    struct table *table),
                      struct table *table)
{
    struct packer after = {0};
    struct text next = TEXT_NONE, row;
    int status;

    do {
        status = lists_page(l, kind, wanted, next, reply);
        if (status == CLI_DONE) {
            struct fields_items items = fields_items(fields_inside(reply_map(reply), kind->key));

            while (fields_next(&items, &row)) {
                visit(kind, row, table);
            }
            next = fields_text(reply_map(reply), "next");
            packer_reset(&after); /* the reply's own bytes are about to be overwritten */
            packer_raw(&after, next.bytes, next.length);
            next.bytes = text_is_none(next) ? NULL : (const char *)after.bytes;
        }
    } while (status == CLI_DONE && !text_is_none(next));
    packer_close(&after);
    return status;
}

static void lists_add_row(const struct lists_kind *kind, struct text row, struct table *table)
{
    for (uint32_t i = 0; i < kind->count; i++) {
        lists_cell(table, row, kind->cells[i].field, kind->cells[i].cell);
    }
}

static void lists_print_row(const struct lists_kind *kind, struct text row, struct table *table)
{
    (void)kind;
    (void)table;
    convert_print(stdout, row, false);
    putchar('\n');
}

int lists_fetch(struct link *l, const struct lists_kind *kind, const struct lists_wanted *wanted,
                struct table *table, struct reply *reply)
{
    table_init(table, kind->columns, kind->count);
    return lists_each(l, kind, wanted, reply, lists_add_row, table);
}

static int lists_show(struct cli *cli, const struct lists_kind *kind,
                      const struct lists_wanted *wanted, bool json)
{
    static const struct link_session session = {.role = "supervisor"};
    struct reply reply = {0};
    struct table table;
    struct link l;
    int status = link_open(&l, cli, &session, NULL);

    if (status != CLI_DONE) {
        return status;
    }
    if (json) {
        status = lists_each(&l, kind, wanted, &reply, lists_print_row, NULL);
    } else {
        status = lists_fetch(&l, kind, wanted, &table, &reply);
        if (status == CLI_DONE) {
            table_print(&table, stdout, screen_width(), 0);
        }
        table_close(&table);
    }
    if (status != CLI_DONE) {
        (void)reply_complain(&reply, kind->method);
    }
    reply_close(&reply);
    link_close(&l);
    return status;
}

/* Lists without filters. */
static int lists_plain(struct cli *cli, const struct command *command, int argc, char **argv,
                       const struct lists_kind *kind)
{
    static const char *const none[] = {NULL};
    const struct lists_wanted wanted = {none, 0};
    bool json = false;
    const struct option rows[] = {
        {"json", OPTION_FLAG, &json, NULL, "one JSON object a line"},
    };
    struct arguments arguments;
    int status = options_read(cli, command, rows, 1, argc, argv, &arguments);

    options_close(&arguments);
    return status == OPTIONS_READY ? lists_show(cli, kind, &wanted, json) : status;
}

int lists_queues(struct cli *cli, const struct command *command, int argc, char **argv)
{
    return lists_plain(cli, command, argc, argv, &lists_kind_queues);
}

int lists_agents(struct cli *cli, const struct command *command, int argc, char **argv)
{
    return lists_plain(cli, command, argc, argv, &lists_kind_agents);
}

int lists_contacts(struct cli *cli, const struct command *command, int argc, char **argv)
{
    static const char *const keys[] = {"queue", "state",    "agent",   "tier",
                                       "issue", "language", "customer"};
    enum { KEYS = sizeof(keys) / sizeof(keys[0]) };
    const char *values[KEYS] = {NULL}, *filters[2 * KEYS + 1];
    const struct lists_wanted wanted = {filters, 0};
    size_t count = 0;
    bool json = false;
    const struct option rows[] = {
        {"queue", OPTION_TEXT, &values[0], "NAME", "only of that queue"},
        {"state", OPTION_TEXT, &values[1], "STATE",
         "only in that state: scheduled, waiting, offered, active, wrapping, or an ended one"},
        {"agent", OPTION_TEXT, &values[2], "NAME", "only of that agent"},
        {"tier", OPTION_TEXT, &values[3], "NAME", "only of that tier"},
        {"issue", OPTION_TEXT, &values[4], "NAME", "only of that issue type"},
        {"language", OPTION_TEXT, &values[5], "TAG", "only in that language"},
        {"customer", OPTION_TEXT, &values[6], "ID", "only of that customer"},
        {"json", OPTION_FLAG, &json, NULL, "one JSON object a line"},
    };
    struct arguments arguments;
    int status =
        options_read(cli, command, rows, sizeof(rows) / sizeof(rows[0]), argc, argv, &arguments);

    options_close(&arguments);
    for (size_t i = 0; i < KEYS; i++) {
        if (values[i] != NULL) {
            filters[count++] = keys[i];
            filters[count++] = values[i];
        }
    }
    filters[count] = NULL;
    return status == OPTIONS_READY ? lists_show(cli, &lists_kind_contacts, &wanted, json) : status;
}

int lists_stats(struct cli *cli, const struct command *command, int argc, char **argv)
{
    const char *by = "queue", *filters[] = {"by", NULL, NULL};
    struct lists_wanted wanted = {filters, 0};
    duration_ms since = 0;
    bool json = false;
    const struct option rows[] = {
        {"by", OPTION_TEXT, &by, "WHAT",
         "a row for each queue (unless given), agent, tier, issue or channel"},
        {"since", OPTION_DURATION, &since, "TIME", "only of the last so long, as 15m or 8h"},
        {"json", OPTION_FLAG, &json, NULL, "one JSON object a line"},
    };
    struct arguments arguments;
    int status = options_read(cli, command, rows, 3, argc, argv, &arguments);

    options_close(&arguments);
    filters[1] = by;
    wanted.since_at = since == 0 ? 0 : screen_now() - since;
    return status == OPTIONS_READY ? lists_show(cli, &lists_kind_stats, &wanted, json) : status;
}
