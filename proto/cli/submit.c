#include "proto/cli/submit.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/cli/contact_show.h"
#include "proto/cli/convert.h"
#include "proto/cli/fields.h"
#include "proto/cli/input.h"
#include "proto/cli/link.h"
#include "proto/cli/screen.h"
#include "queue/base/memory.h"

/* The name under which contacts are submitted unless another one is given. It is the same for every
 * run, so that a line sent again, by whatever run, is the same contact. */
#define SUBMIT_NAME   "switchboard-cli"
#define SUBMIT_WINDOW 512 /* lines without an answer: a server works on 1,024 */

struct submit_options {
    struct submit_fields fields;
    const char *name;
    const char *id_prefix;
    bool json;
    bool follow;
};

/* ---- one contact ---- */

struct submit_one {
    struct link link;
    struct submit_options *options;
    struct packer contact; /* its id */
    struct reply reply;    /* of contact.get, after a loss */
    bool following;
    bool asked;
};

static bool submit_is_ended(struct text state)
{
    static const char *const live[] = {"scheduled", "waiting", "offered", "active", "wrapping"};

    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        if (text_equal(state, text_from(live[i]))) {
            return false;
        }
    }
    return !text_is_none(state);
}

static struct text submit_id(const struct submit_one *s)
{
    return (struct text){(const char *)s->contact.bytes, (uint32_t)s->contact.size};
}

/* What has become of it, in a line; the end of the story ends the loop. */
static void submit_tell(struct submit_one *s, struct text change)
{
    static const char *const more[] = {"queue", "agent", "agent_name", "step", "reason"};
    struct text state = fields_text(change, "state");
    char words[SCREEN_WORDS];

    if (s->options->json) {
        convert_print(stdout, change, false);
    } else {
        printf("%s  %s", screen_time(words, screen_now()), screen_bold());
        screen_text(stdout, state, -1);
        fputs(screen_plain(), stdout);
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
            struct text value = fields_text(change, more[i]);

            if (!text_is_none(value)) {
                printf(", %s ", more[i]);
                screen_text(stdout, value, -1);
            }
        }
    }
    putchar('\n');
    fflush(stdout);
    if (submit_is_ended(state)) {
        uv_stop(&s->link.loop);
    }
}

static void submit_notified(void *context, const char *name, struct text params)
{
    struct submit_one *s = context;

    if (s->following && strcmp(name, "contact.changed") == 0 &&
        text_equal(fields_text(params, "contact"), submit_id(s))) {
        submit_tell(s, params);
    }
}

static void submit_asked(void *context, const struct switchboard_answer *answer)
{
    struct submit_one *s = context;

    s->asked = false;
    reply_take(&s->reply, answer);
    if (s->reply.status == CLI_DONE) {
        submit_tell(s, reply_map(&s->reply));
    } else if (s->following && answer->status != SWITCHBOARD_CLOSED) {
        (void)reply_complain(&s->reply, "contact.get");
        uv_stop(&s->link.loop);
    }
}

/* Nothing is kept for a connector that was away: ask. */
static void submit_ready(void *context)
{
    struct submit_one *s = context;
    struct switchboard_map *map;
    struct text id = submit_id(s);

    if (!s->following || s->asked) {
        return;
    }
    map = switchboard_map_create();
    switchboard_map_text_of(map, "contact", id.bytes, id.length);
    s->asked = switchboard_call(s->link.client, "contact.get", switchboard_map_bytes(map),
                                switchboard_map_size(map), SWITCHBOARD_RETRY, submit_asked,
                                s) == SWITCHBOARD_OK;
    switchboard_map_destroy(map);
}

static int submit_follow(struct submit_one *s, struct text answer)
{
    struct text id = fields_text(answer, "contact");

    packer_raw(&s->contact, id.bytes, id.length);
    s->following = true;
    fflush(stdout);
    if (!submit_is_ended(fields_text(answer, "state"))) {
        submit_ready(s); /* what changed between the answer and now is not told again */
        link_run(&s->link);
    }
    s->following = false;
    return s->reply.status;
}

static int submit_single(struct cli *cli, struct submit_options *options)
{
    struct submit_one s = {.options = options};
    const struct link_session session = {.role = "connector",
                                         .name = options->name,
                                         .notify = options->follow ? "all" : "none",
                                         .lasting = options->follow};
    const struct link_listener listener = {
        .context = &s, .ready = submit_ready, .notified = submit_notified};
    struct switchboard_map *map = switchboard_map_create();
    struct reply reply = {0};
    int status = CLI_USAGE;

    if (submit_fields_write(&options->fields, map)) {
        status = link_open(&s.link, cli, &session, &listener);
        if (status == CLI_DONE) {
            status = link_call(&s.link, "contact.submit", switchboard_map_bytes(map),
                               switchboard_map_size(map), &reply);
            if (status != CLI_DONE) {
                (void)reply_complain(&reply, "contact.submit");
            } else if (options->json) {
                convert_print(stdout, reply_map(&reply), false);
                putchar('\n');
            } else {
                contact_show_print(reply_map(&reply));
            }
            if (status == CLI_DONE && options->follow) {
                status = submit_follow(&s, reply_map(&reply));
            }
            link_close(&s.link);
        }
    }
    reply_close(&reply);
    reply_close(&s.reply);
    packer_close(&s.contact);
    switchboard_map_destroy(map);
    return status;
}

/* ---- many contacts ---- */

/* One line that was read and not yet told about. */
struct submit_slot {
    struct submit_many *owner;
    struct reply reply;
    uint64_t line;
    bool done;
};

/* Answers come in any order and are told in the order of the lines. */
struct submit_many {
    struct link link;
    struct input input;
    const struct submit_options *options;
    struct submit_slot slots[SUBMIT_WINDOW];
    uint64_t read; /* lines so far */
    uint64_t told;
    uint64_t submitted, duplicates, refused;
    int status; /* of the first that failed */
    bool input_ended;
    bool connected;
    bool over; /* what is answered from now on is not told */
};

static void submit_settle(struct submit_many *m)
{
    while (m->told < m->read && m->slots[m->told % SUBMIT_WINDOW].done) {
        struct submit_slot *slot = &m->slots[m->told % SUBMIT_WINDOW];
        struct text body = reply_map(&slot->reply);

        if (slot->reply.status == CLI_DONE) {
            m->submitted++;
            m->duplicates += fields_bool(body, "duplicate");
            convert_print(stdout, body, false);
        } else {
            m->refused++;
            m->status = m->status == CLI_DONE ? slot->reply.status : m->status;
            fputs("{\"error\": ", stdout);
            convert_print(stdout, body, false);
            putchar('}');
        }
        putchar('\n');
        m->told++;
    }
    if (ferror(stdout) != 0 || (m->input_ended && m->told == m->read)) {
        uv_stop(&m->link.loop);
    } else if (!m->input_ended && m->read - m->told < SUBMIT_WINDOW) {
        input_resume(&m->input);
    }
}

static void submit_answered(void *context, const struct switchboard_answer *answer)
{
    struct submit_slot *slot = context;

    if (!slot->owner->over && slot->owner->link.rejection.status == CLI_DONE) {
        reply_take(&slot->reply, answer);
        slot->done = true;
        submit_settle(slot->owner);
    }
}

/* The line as parameters; false with a sentence. */
static bool submit_read(const struct submit_many *m, struct text line, uint64_t number,
                        struct packer *params, char why[CONVERT_WORDS])
{
    json_t *contact = convert_parse(line, why);
    char id[ID_BYTES_MAX + 32];
    bool good = contact != NULL;

    if (good && !json_is_object(contact)) {
        snprintf(why, CONVERT_WORDS, "a contact is a JSON object");
        good = false;
    }
    if (good && m->options->id_prefix != NULL && json_object_get(contact, "id") == NULL) {
        snprintf(id, sizeof(id), "%.*s%llu", ID_BYTES_MAX, m->options->id_prefix,
                 (unsigned long long)number);
        good = json_object_set_new(contact, "id", json_string(id)) == 0;
        if (!good) {
            snprintf(why, CONVERT_WORDS, "--id-prefix is no UTF-8");
        }
    }
    good = good && convert_pack(params, contact, why);
    json_decref(contact);
    return good;
}

static void submit_fail(struct submit_slot *slot, const char *why)
{
    slot->reply.status = CLI_FAILED;
    packer_reset(&slot->reply.body);
    packer_map(&slot->reply.body, 1);
    packer_literal(&slot->reply.body, "message");
    packer_text(&slot->reply.body, text_from(why));
    slot->done = true;
}

static void submit_line(void *context, struct text line)
{
    struct submit_many *m = context;
    struct submit_slot *slot = &m->slots[m->read++ % SUBMIT_WINDOW];
    struct packer params = {0};
    struct switchboard_answer refused = {.status = SWITCHBOARD_OK};
    char why[CONVERT_WORDS];

    slot->owner = m;
    slot->line = m->read;
    slot->done = false;
    if (!submit_read(m, line, slot->line, &params, why)) {
        submit_fail(slot, why);
    } else {
        refused.status = switchboard_call(m->link.client, "contact.submit", params.bytes,
                                          params.size, SWITCHBOARD_RETRY, submit_answered, slot);
        if (refused.status != SWITCHBOARD_OK) {
            reply_take(&slot->reply, &refused);
            slot->done = true;
        }
    }
    packer_close(&params);
    if (m->read - m->told == SUBMIT_WINDOW) {
        input_pause(&m->input);
    }
    submit_settle(m);
}

static void submit_input_ended(void *context)
{
    struct submit_many *m = context;

    m->input_ended = true;
    submit_settle(m);
}

static void submit_many_ready(void *context)
{
    struct submit_many *m = context;

    m->connected = true;
    uv_timer_stop(&m->link.patience);
}

static void submit_many_lost(void *context)
{
    struct submit_many *m = context;

    if (m->connected) {
        fprintf(stderr, "switchboard-cli submit: the connection is lost; trying again, and what "
                        "has no answer is sent again\n");
    }
}

static void submit_many_rejected(void *context, const struct switchboard_answer *answer)
{
    struct submit_many *m = context;

    (void)answer;
    uv_stop(&m->link.loop);
}

/* There never was a server: what was read has no outcome, so nothing is told about it. */
static void submit_on_patience(uv_timer_t *timer)
{
    struct link *l = timer->data;

    fprintf(stderr, "switchboard-cli submit: no answer from %s within %lld ms\n", l->cli->server,
            (long long)l->cli->patience);
    uv_stop(timer->loop);
}

static int submit_lines(struct cli *cli, struct submit_options *options)
{
    struct submit_many *m = memory_take(sizeof(*m));
    const struct link_session session = {
        .role = "connector", .name = options->name, .notify = "none", .lasting = true};
    const struct link_listener listener = {.context = m,
                                           .ready = submit_many_ready,
                                           .lost = submit_many_lost,
                                           .rejected = submit_many_rejected};
    int status = link_open(&m->link, cli, &session, &listener);

    if (status == CLI_DONE) {
        m->options = options;
        input_open(&m->input, &m->link.loop, NULL, m, submit_line, submit_input_ended);
        uv_timer_start(&m->link.patience, submit_on_patience, (uint64_t)cli->patience, 0);
        link_run(&m->link);
        if (m->link.rejection.status != CLI_DONE) {
            status = reply_complain(&m->link.rejection, "hello");
        } else {
            status = m->connected ? m->status : CLI_UNREACHABLE;
            fprintf(stderr, "%llu submitted, %llu of them were there already; %llu refused\n",
                    (unsigned long long)m->submitted, (unsigned long long)m->duplicates,
                    (unsigned long long)m->refused);
        }
        m->over = true;
        input_close(&m->input);
        link_close(&m->link);
        input_free(&m->input);
    }
    for (size_t i = 0; i < SUBMIT_WINDOW; i++) {
        reply_close(&m->slots[i].reply);
    }
    memory_give(m);
    return status;
}

int submit_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct submit_options options = {.name = SUBMIT_NAME};
    struct option rows[SUBMIT_FIELD_OPTIONS + 4];
    const struct option others[] = {
        {"name", OPTION_TEXT, &options.name, "NAME",
         "the connector whose contacts these are; " SUBMIT_NAME},
        {"follow", OPTION_FLAG, &options.follow, NULL, "tell each change until the contact ends"},
        {"json", OPTION_FLAG, &options.json, NULL,
         "answers as JSON; with none of the contact's options: contacts from standard input"},
        {"id-prefix", OPTION_TEXT, &options.id_prefix, "PREFIX",
         "lines without an id get PREFIX and the line's number"},
    };
    struct arguments arguments;
    int status;

    submit_fields_options(&options.fields, rows);
    memcpy(rows + SUBMIT_FIELD_OPTIONS, others, sizeof(others));
    status = options_read(cli, command, rows, SUBMIT_FIELD_OPTIONS + 4, argc, argv, &arguments);
    options_close(&arguments);
    if (status == OPTIONS_READY) {
        if (submit_fields_given(&options.fields)) {
            status = submit_single(cli, &options);
        } else if (options.json) {
            status = submit_lines(cli, &options);
        } else {
            fprintf(stderr, "switchboard-cli submit: say at least --channel, or --json and lines "
                            "on standard input; see --help\n");
            status = CLI_USAGE;
        }
    }
    submit_fields_close(&options.fields);
    return status;
}
