#include "proto/cli/desk.h"

#include <stdio.h>
#include <unistd.h>

#include "proto/cli/fields.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"

void desk_begin(struct desk *d)
{
    if (d->interactive) {
        prompt_hide(&d->prompt);
    }
}

void desk_end(struct desk *d)
{
    if (d->interactive && d->method == NULL && !d->stopped) {
        prompt_show(&d->prompt);
    }
    fflush(stdout);
}

static void desk_sign_out(struct desk *d);

void desk_fail(struct desk *d, int status)
{
    if (!d->interactive) { /* a person has seen it and went on */
        d->status = d->status == CLI_DONE ? status : d->status;
    }
}

static void desk_stop(struct desk *d, int status)
{
    d->status = d->status == CLI_DONE ? status : d->status;
    d->stopped = true;
    uv_stop(&d->link.loop);
}

/* ---- calls ---- */

static void desk_rest(struct desk *d)
{
    d->method = NULL;
    if (!d->waits_for_work) {
        input_resume(&d->input);
    }
}

static void desk_refused(struct desk *d, const char *method)
{
    char words[1024];

    reply_words(&d->reply, words, sizeof(words));
    printf("%s%s: %s%s\n", screen_alarm(), method, words, screen_plain());
    if (strcmp(method, "agent.sign_in") == 0) {
        if (text_equal(fields_text(reply_map(&d->reply), "code"), TEXT("not_found"))) {
            printf("an agent must exist: switchboard-cli call agent.put '{\"agent\": \"%s\"}'\n",
                   d->agent);
        }
        desk_stop(d, d->reply.status);
    } else if (strcmp(method, "agent.sign_out") == 0) {
        desk_stop(d, d->reply.status);
    } else {
        desk_fail(d, d->reply.status);
    }
}

static void desk_answered(void *context, const struct switchboard_answer *answer)
{
    struct desk *d = context;
    const char *method = d->method;

    if (d->stopped) {
        return;
    }
    reply_take(&d->reply, answer);
    desk_rest(d);
    desk_begin(d);
    if (d->reply.status == CLI_DONE) {
        d->done(d, reply_map(&d->reply));
    } else {
        desk_refused(d, method);
    }
    if (d->leaving && !d->stopped) {
        desk_sign_out(d); /* somebody wanted to leave while this was under way */
    }
    desk_end(d);
}

void desk_call(struct desk *d, const char *method, struct switchboard_map *map, struct text contact,
               desk_done done)
{
    struct switchboard_answer refused = {.status = SWITCHBOARD_OK};

    d->method = method;
    d->done = done;
    packer_reset(&d->about);
    packer_raw(&d->about, contact.bytes, contact.length);
    input_pause(&d->input);
    refused.status =
        switchboard_call(d->link.client, method, switchboard_map_bytes(map),
                         switchboard_map_size(map), SWITCHBOARD_RETRY, desk_answered, d);
    switchboard_map_destroy(map);
    if (refused.status != SWITCHBOARD_OK) {
        desk_answered(d, &refused);
    }
}

/* Tell the server that the offer is on the screen; nobody waits for the answer. */
static void desk_receipt(struct desk *d, struct text offer)
{
    struct text id = fields_text(offer, "offer");
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text_of(map, "offer", id.bytes, id.length);
    (void)switchboard_call(d->link.client, "offer.received", switchboard_map_bytes(map),
                           switchboard_map_size(map), SWITCHBOARD_ONCE, NULL, NULL);
    switchboard_map_destroy(map);
}

/* ---- what the server tells ---- */

static void desk_work_came(struct desk *d)
{
    if (d->waits_for_work) {
        d->waits_for_work = false;
        if (d->method == NULL) {
            input_resume(&d->input);
        }
    }
}

static void desk_offered(struct desk *d, struct text offer)
{
    struct desk_item *item =
        desk_held_put(&d->held, offer, d->auto_accept ? DESK_ACTIVE : DESK_OFFERED);

    if (d->interactive) {
        putchar('\a');
    }
    printf("%s%s%s\n", screen_good(), d->auto_accept ? "-- yours" : "-- offer", screen_plain());
    desk_held_print_card(item);
    if (d->auto_accept) {
        printf("  complete [DISPOSITION], transfer QUEUE or @AGENT, requeue\n");
    } else {
        printf("  accept or decline [REASON]\n");
    }
    fflush(stdout); /* then it is on the screen */
    if (!d->auto_accept) {
        desk_receipt(d, offer);
    }
    desk_work_came(d);
}

static void desk_print_about(const struct desk_item *item, struct text contact)
{
    if (item != NULL) {
        printf("%s%3u%s  ", screen_bold(), item->number, screen_plain());
    } else {
        fputs("     ", stdout);
        screen_text(stdout, contact, -1);
        fputs("  ", stdout);
    }
}

/* offer.withdrawn and contact.ended: it is no longer here. */
static void desk_lost(struct desk *d, struct text params, const char *words)
{
    struct text contact = fields_text(params, "contact"), reason = fields_text(params, "reason");
    struct desk_item *item = desk_held_find(&d->held, contact);

    desk_print_about(item, contact);
    printf("%s: ", words);
    screen_text(stdout, reason, -1);
    puts(text_equal(reason, TEXT("timed_out"))
             ? "; missed offers put you away, available brings you back"
             : "");
    if (item != NULL) {
        desk_held_drop(&d->held, item);
    }
}

static void desk_updated(struct desk *d, struct text params)
{
    static const char *const left[] = {"waiting", "offered", "scheduled"};
    struct text contact = fields_text(params, "contact"), state = fields_text(params, "state");
    struct desk_item *item = desk_held_find(&d->held, contact);

    desk_print_about(item, contact);
    screen_text(stdout, fields_text(params, "reason"), -1);
    fputs(", now ", stdout);
    screen_text(stdout, state, -1);
    putchar('\n');
    if (item == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        if (text_equal(state, text_from(left[i])) && item->state != DESK_OFFERED) {
            desk_held_drop(&d->held, item); /* taken away: it waits for somebody else */
            return;
        }
    }
    if (!text_is_none(state)) {
        item->state = desk_held_state(state);
    }
}

static void desk_notified(void *context, const char *name, struct text params)
{
    struct desk *d = context;

    desk_begin(d);
    if (strcmp(name, "offer") == 0) {
        desk_offered(d, params);
    } else if (strcmp(name, "offer.withdrawn") == 0) {
        desk_lost(d, params, "the offer is over");
    } else if (strcmp(name, "contact.ended") == 0) {
        desk_lost(d, params, "ended");
    } else if (strcmp(name, "contact.updated") == 0) {
        desk_updated(d, params);
    } else if (strcmp(name, "draining") == 0) {
        printf("the server is about to stop\n");
    } else if (strcmp(name, "signed_out") == 0) {
        printf("%ssigned out: ", screen_alarm());
        screen_text(stdout, fields_text(params, "reason"), -1);
        printf("%s\n", screen_plain());
        d->signed_in = false;
        desk_stop(d, CLI_FAILED);
    }
    desk_end(d);
}

void desk_take_held(struct desk *d, struct text session)
{
    struct fields_items items = fields_items(fields_inside(session, "held"));
    struct text offer;

    desk_held_clear(&d->held);
    while (fields_next(&items, &offer)) {
        enum desk_state state = desk_held_state(fields_text(offer, "state"));

        desk_held_print_line(desk_held_put(&d->held, offer, state));
        if (state == DESK_OFFERED) {
            desk_receipt(d, offer);
            desk_work_came(d);
        }
    }
}

static void desk_signed_in(struct desk *d, struct text session)
{
    d->signed_in = true;
    printf("%s%s%s, ", screen_bold(), d->agent, screen_plain());
    screen_text(stdout, fields_text(session, "state"), -1);
    printf("%s\n", d->interactive ? "; help says what can be done" : "");
    desk_take_held(d, session);
}

static void desk_signed_in_again(void *context, const struct switchboard_answer *answer)
{
    struct desk *d = context;
    struct reply reply = {0};

    reply_take(&reply, answer);
    desk_begin(d);
    if (reply.status != CLI_DONE) {
        char words[1024];

        reply_words(&reply, words, sizeof(words));
        printf("%snot signed in again: %s%s\n", screen_alarm(), words, screen_plain());
        d->signed_in = false;
        desk_stop(d, reply.status);
    } else {
        desk_signed_in(d, reply_map(&reply));
    }
    desk_end(d);
    reply_close(&reply);
}

static void desk_connection_lost(void *context)
{
    struct desk *d = context;

    if (d->signed_in && !d->stopped) {
        desk_begin(d);
        printf("%sthe connection is lost; trying again%s\n", screen_alarm(), screen_plain());
        desk_end(d);
    }
}

static void desk_rejected(void *context, const struct switchboard_answer *answer)
{
    struct desk *d = context;

    (void)answer;
    if (!d->stopped) { /* else the call that waited for hello has said it */
        desk_begin(d);
        (void)reply_complain(&d->link.rejection, "hello");
        desk_stop(d, d->link.rejection.status);
    }
}

/* ---- coming and going ---- */

static void desk_on_patience(uv_timer_t *timer)
{
    struct link *l = timer->data;
    struct desk *d = l->listener.context;

    if (!d->signed_in || d->leaving) {
        desk_begin(d);
        fprintf(stderr, "switchboard-cli agent: no answer from %s within %lld ms\n", l->cli->server,
                (long long)l->cli->patience);
        desk_stop(d, CLI_UNREACHABLE);
    }
}

static void desk_sign_in(struct desk *d)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, "agent", d->agent);
    switchboard_map_text(map, "mode", "push");
    switchboard_map_text(map, "state", d->away ? "away" : "available");
    switchboard_map_bool(map, "receipts", !d->auto_accept);
    switchboard_map_bool(map, "auto_accept", d->auto_accept);
    desk_call(d, "agent.sign_in", map, TEXT_NONE, desk_signed_in);
    uv_timer_start(&d->link.patience, desk_on_patience, (uint64_t)d->link.cli->patience, 0);
}

static void desk_signed_out(struct desk *d, struct text result)
{
    (void)result;
    d->signed_in = false;
    printf("signed out\n");
    desk_stop(d, CLI_DONE);
}

static void desk_sign_out(struct desk *d)
{
    if (!d->signed_in) {
        desk_stop(d, CLI_DONE);
    } else if (switchboard_client_state(d->link.client) != SWITCHBOARD_READY) {
        desk_begin(d);
        printf("not connected, so not signed out: the server waits for its grace time\n");
        desk_stop(d, CLI_UNREACHABLE);
    } else {
        uv_timer_start(&d->link.patience, desk_on_patience, (uint64_t)d->link.cli->patience, 0);
        desk_call(d, "agent.sign_out", switchboard_map_create(), TEXT_NONE, desk_signed_out);
    }
}

void desk_leave(struct desk *d)
{
    bool first = !d->leaving;

    d->leaving = true;
    if (first &&
        (d->method == NULL || switchboard_client_state(d->link.client) != SWITCHBOARD_READY)) {
        desk_sign_out(d);
    }
}

static void desk_line(void *context, struct text line)
{
    struct desk *d = context;

    desk_begin(d);
    desk_commands_line(d, line);
    desk_end(d);
}

static void desk_input_ended(void *context)
{
    desk_leave(context);
}

static void desk_on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    desk_leave(signal->data);
}

int desk_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    static const struct link_session session = {.role = "agent", .lasting = true};
    struct desk d = {.prompt = {.words = "> "}};
    const struct option rows[] = {
        {"away", OPTION_FLAG, &d.away, NULL, "sign in away: no offers until you say available"},
        {"auto-accept", OPTION_FLAG, &d.auto_accept, NULL, "an offer is already yours"},
    };
    const struct link_listener listener = {.context = &d,
                                           .lost = desk_connection_lost,
                                           .rejected = desk_rejected,
                                           .notified = desk_notified,
                                           .signed_in_again = desk_signed_in_again};
    struct arguments arguments;
    uv_signal_t terminate, interrupt;
    int status = options_read(cli, command, rows, 2, argc, argv, &arguments);

    if (status == OPTIONS_READY) {
        d.agent = arguments.list[0];
        status = link_open(&d.link, cli, &session, &listener);
    }
    if (status == CLI_DONE && d.agent != NULL) {
        d.interactive = screen_is_terminal() && isatty(STDIN_FILENO) == 1;
        desk_held_init(&d.held);
        uv_signal_init(&d.link.loop, &terminate);
        uv_signal_init(&d.link.loop, &interrupt);
        terminate.data = interrupt.data = &d;
        uv_signal_start(&terminate, desk_on_signal, SIGTERM);
        uv_signal_start(&interrupt, desk_on_signal, SIGINT);
        input_open(&d.input, &d.link.loop, d.interactive ? &d.prompt : NULL, &d, desk_line,
                   desk_input_ended);
        desk_sign_in(&d);
        link_run(&d.link);
        prompt_hide(&d.prompt);
        d.stopped = true;
        input_close(&d.input);
        uv_close((uv_handle_t *)&terminate, NULL);
        uv_close((uv_handle_t *)&interrupt, NULL);
        link_close(&d.link);
        input_free(&d.input);
        prompt_close(&d.prompt);
        desk_held_clear(&d.held);
        packer_close(&d.about);
        reply_close(&d.reply);
        status = d.status;
    }
    options_close(&arguments);
    return status;
}
