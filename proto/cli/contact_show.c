#include "proto/cli/contact_show.h"

#include <stdio.h>

#include "proto/cli/convert.h"
#include "proto/cli/fields.h"
#include "proto/cli/link.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"
#include "proto/cli/table.h"

static void contact_show_row(const char *title, struct text value, struct text why)
{
    if (text_is_none(value) && text_is_none(why)) {
        return;
    }
    printf("%-9s ", title);
    screen_text(stdout, text_is_none(value) ? TEXT("-") : value, -1);
    if (!text_is_none(why)) {
        printf("  %s", screen_dim());
        screen_text(stdout, why, -1);
        fputs(screen_plain(), stdout);
    }
    putchar('\n');
}

static void contact_show_head(struct text c)
{
    char words[SCREEN_WORDS];
    struct text agent = fields_text(c, "agent");
    int64_t number;

    printf("%s", screen_bold());
    screen_text(stdout, fields_text(c, "contact"), -1);
    printf("%s  ", screen_plain());
    screen_text(stdout, fields_text(c, "state"), -1);
    if (!text_is_none(agent)) {
        fputs(", agent ", stdout);
        screen_text(stdout, agent, -1);
    }
    if (fields_int(c, "position", &number)) {
        printf(", place %lld", (long long)number);
        if (fields_int(c, "estimated_wait_ms", &number)) {
            printf(", about %s", screen_duration(words, number));
        } else {
            fputs(", how long is not known yet", stdout);
        }
    }
    puts(fields_bool(c, "duplicate") ? " (it was there already)" : "");
}

static void contact_show_due(struct text c)
{
    struct text due = fields_inside(c, "due");
    struct fields_items pairs = fields_pairs(due);
    struct text promise, value;
    char key[NAME_BYTES_MAX + 1], words[SCREEN_WORDS];
    engine_time now = screen_now(), at;

    while (fields_next_pair(&pairs, &promise, &value)) {
        snprintf(key, sizeof(key), TEXT_FORMAT, TEXT_ARGS(promise));
        if (fields_int(due, key, &at)) {
            printf("%-9s by %s", key, screen_time(words, at));
            if (at >= now) {
                printf(", in %s\n", screen_duration(words, at - now));
            } else {
                printf(", %s%s ago%s\n", screen_alarm(), screen_duration(words, now - at),
                       screen_plain());
            }
        }
    }
}

static void contact_show_history(struct text c)
{
    static const struct table_column columns[] = {
        {"seq", true, false},    {"at", false, false},    {"what", false, false},
        {"queue", false, false}, {"agent", false, false}, {"reason", false, true},
        {"by", false, false},
    };
    struct fields_items items = fields_items(fields_inside(c, "history"));
    struct text row;
    struct table table;
    char words[SCREEN_WORDS];
    engine_time at;

    if (items.left == 0) {
        return;
    }
    putchar('\n');
    table_init(&table, columns, 7);
    while (fields_next(&items, &row)) {
        table_int_of(&table, row, "seq");
        table_text(&table,
                   fields_int(row, "at", &at) ? text_from(screen_time(words, at)) : TEXT_NONE);
        table_text_of(&table, row, "kind");
        table_text_of(&table, row, "queue");
        table_text_of(&table, row, "agent");
        table_text_of(&table, row, "reason");
        table_text_of(&table, row, "actor");
    }
    table_print(&table, stdout, screen_width(), 0);
    table_close(&table);
}

void contact_show_print(struct text c)
{
    static const char *const rows[] = {"queue", "tier", "issue", "language"};
    struct text why = fields_inside(c, "why");

    contact_show_head(c);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        contact_show_row(rows[i], fields_text(c, rows[i]), fields_text(why, rows[i]));
    }
    contact_show_row("channel", fields_text(c, "channel"), TEXT_NONE);
    contact_show_row("customer", fields_text(c, "customer"), TEXT_NONE);
    contact_show_row("subject", fields_text(c, "subject"), TEXT_NONE);
    contact_show_row("text", fields_text(c, "text"), TEXT_NONE);
    contact_show_row("reason", fields_text(c, "reason"), TEXT_NONE);
    contact_show_row("note", fields_text(c, "note"), TEXT_NONE);
    contact_show_row("ended as", fields_text(c, "disposition"), TEXT_NONE);
    contact_show_due(c);
    contact_show_history(c);
}

int contact_show_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    bool json = false;
    const struct option rows[] = {
        {"json", OPTION_FLAG, &json, NULL, "the answer as JSON"},
    };
    static const struct link_session session = {.role = "supervisor"};
    struct switchboard_map *map;
    struct arguments arguments;
    struct reply reply = {0};
    struct link l;
    int status = options_read(cli, command, rows, 1, argc, argv, &arguments);

    if (status == OPTIONS_READY) {
        status = link_open(&l, cli, &session, NULL);
        if (status == CLI_DONE) {
            map = switchboard_map_create();
            switchboard_map_text(map, "contact", arguments.list[0]);
            status = link_call(&l, "contact.get", switchboard_map_bytes(map),
                               switchboard_map_size(map), &reply);
            switchboard_map_destroy(map);
            if (status != CLI_DONE) {
                (void)reply_complain(&reply, arguments.list[0]);
            } else if (json) {
                convert_print(stdout, reply_map(&reply), true);
                putchar('\n');
            } else {
                contact_show_print(reply_map(&reply));
            }
            reply_close(&reply);
            link_close(&l);
        }
    }
    options_close(&arguments);
    return status;
}
