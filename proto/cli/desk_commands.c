/* What an agent can say at its desk. Words are split at spaces; the first may be cut short. A
 * command that needs a contact takes its number first, or does without where only one is meant. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/cli/desk.h"
#include "proto/cli/fields.h"
#include "proto/cli/screen.h"

struct desk_verb {
    const char *word;
    const char *shortcut;
    const char *takes;
    const char *help;
    bool needs;            /* a contact */
    enum desk_state state; /* in which it must be, to be meant without its number */
    void (*run)(struct desk *d, struct desk_item *item, struct text rest);
};

static struct text desk_commands_word(struct text *rest)
{
    struct text word = *rest;

    word.length = 0;
    while (rest->length > 0 && *rest->bytes != ' ' && *rest->bytes != '\t') {
        word.length++;
        rest->bytes++;
        rest->length--;
    }
    while (rest->length > 0 && (*rest->bytes == ' ' || *rest->bytes == '\t')) {
        rest->bytes++;
        rest->length--;
    }
    return word;
}

/* ---- calls about a contact ---- */

static struct text desk_commands_contact(const struct desk_item *item)
{
    return fields_text(desk_held_map(item), "contact");
}

static void desk_commands_put(struct switchboard_map *map, const char *key, struct text value)
{
    if (value.length > 0) {
        switchboard_map_text_of(map, key, value.bytes, value.length);
    }
}

/* A map about the item: `key` is "contact" or "offer", which is also where its id is. */
static struct switchboard_map *desk_commands_map(const struct desk_item *item, const char *key)
{
    struct switchboard_map *map = switchboard_map_create();

    desk_commands_put(map, key, fields_text(desk_held_map(item), key));
    return map;
}

static struct desk_item *desk_commands_about(struct desk *d)
{
    return desk_held_find(&d->held,
                          (struct text){(const char *)d->about.bytes, (uint32_t)d->about.size});
}

/* The answer has the contact's state: keep the item in it, or let it go. */
static void desk_commands_moved(struct desk *d, struct text result)
{
    struct text state = fields_text(result, "state");
    struct desk_item *item = desk_commands_about(d);

    if (item == NULL) {
        return;
    }
    printf("%s%3u%s  ", screen_bold(), item->number, screen_plain());
    screen_text(stdout, state, -1);
    putchar('\n');
    if (text_equal(state, TEXT("active")) || text_equal(state, TEXT("wrapping"))) {
        item->state = desk_held_state(state);
    } else {
        desk_held_drop(&d->held, item);
    }
}

/* It is not this agent's any more, whatever its state. */
static void desk_commands_given(struct desk *d, struct text result)
{
    struct text state = fields_text(result, "state");
    struct desk_item *item = desk_commands_about(d);

    if (item != NULL) {
        printf("%s%3u%s  given away", screen_bold(), item->number, screen_plain());
        if (!text_is_none(state)) {
            fputs(", ", stdout);
            screen_text(stdout, state, -1);
        }
        putchar('\n');
        desk_held_drop(&d->held, item);
    }
}

static void desk_commands_accept(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)rest;
    desk_call(d, "offer.accept", desk_commands_map(item, "offer"), desk_commands_contact(item),
              desk_commands_moved);
}

static void desk_commands_decline(struct desk *d, struct desk_item *item, struct text rest)
{
    struct switchboard_map *map = desk_commands_map(item, "offer");

    desk_commands_put(map, "reason", rest);
    desk_call(d, "offer.decline", map, desk_commands_contact(item), desk_commands_given);
}

static void desk_commands_finish(struct desk *d, struct desk_item *item, struct text rest,
                                 bool resolved)
{
    struct switchboard_map *map = desk_commands_map(item, "contact");

    desk_commands_put(map, "disposition", rest);
    switchboard_map_bool(map, "resolved", resolved);
    desk_call(d, "contact.complete", map, desk_commands_contact(item), desk_commands_moved);
}

static void desk_commands_complete(struct desk *d, struct desk_item *item, struct text rest)
{
    desk_commands_finish(d, item, rest, true);
}

static void desk_commands_unresolved(struct desk *d, struct desk_item *item, struct text rest)
{
    desk_commands_finish(d, item, rest, false);
}

static void desk_commands_wrap(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)rest;
    desk_call(d, "contact.wrapped_up", desk_commands_map(item, "contact"),
              desk_commands_contact(item), desk_commands_moved);
}

static void desk_commands_transfer(struct desk *d, struct desk_item *item, struct text rest)
{
    struct switchboard_map *map;
    struct text to = desk_commands_word(&rest);

    if (to.length == 0 || text_equal(to, TEXT("@"))) {
        printf("where to? transfer QUEUE or transfer @AGENT, and perhaps a note\n");
        desk_fail(d, CLI_USAGE);
        return;
    }
    map = desk_commands_map(item, "contact");
    if (to.bytes[0] == '@') {
        switchboard_map_text_of(map, "agent", to.bytes + 1, to.length - 1);
    } else {
        switchboard_map_text_of(map, "queue", to.bytes, to.length);
    }
    desk_commands_put(map, "note", rest);
    desk_call(d, "contact.transfer", map, desk_commands_contact(item), desk_commands_given);
}

static void desk_commands_requeue(struct desk *d, struct desk_item *item, struct text rest)
{
    struct switchboard_map *map = desk_commands_map(item, "contact");

    desk_commands_put(map, "reason", rest);
    desk_call(d, "contact.requeue", map, desk_commands_contact(item), desk_commands_given);
}

static void desk_commands_show(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)d;
    (void)rest;
    desk_held_print_card(item);
}

/* ---- calls about the agent ---- */

static void desk_commands_state_set(struct desk *d, struct text result)
{
    printf("%s, ", d->agent);
    screen_text(stdout, fields_text(result, "state"), -1);
    putchar('\n');
}

static void desk_commands_set_state(struct desk *d, const char *state, struct text reason)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, "state", state);
    desk_commands_put(map, "reason", reason);
    desk_call(d, "agent.set_state", map, TEXT_NONE, desk_commands_state_set);
}

static void desk_commands_away(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)item;
    desk_commands_set_state(d, "away", rest);
}

static void desk_commands_available(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)item;
    (void)rest;
    desk_commands_set_state(d, "available", TEXT_NONE);
}

static void desk_commands_held(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)item;
    (void)rest;
    if (list_empty(&d->held.items)) {
        printf("nothing\n");
    }
    for (struct list_node *n = list_first(&d->held.items); n != NULL;
         n = list_next(&d->held.items, n)) {
        desk_held_print_line(record_of(n, struct desk_item, node));
    }
}

static void desk_commands_wait(struct desk *d, struct desk_item *item, struct text rest)
{
    unsigned offers, active;

    (void)item;
    (void)rest;
    (void)desk_held_oldest(&d->held, DESK_OFFERED, &offers);
    (void)desk_held_oldest(&d->held, DESK_ACTIVE, &active);
    if (offers == 0 && (!d->auto_accept || active == 0)) {
        d->waits_for_work = true;
        input_pause(&d->input);
    }
}

/* What an agent holds goes back to the queue at once: a person is asked first. */
static void desk_commands_quit(struct desk *d, struct desk_item *item, struct text rest)
{
    unsigned active;

    (void)item;
    (void)desk_held_oldest(&d->held, DESK_ACTIVE, &active);
    if (d->interactive && active > 0 && !text_equal(rest, TEXT("now"))) {
        printf("you hold %u; quit now gives them back to the queue\n", active);
        return;
    }
    desk_leave(d);
}

static void desk_commands_say_help(struct desk *d, struct desk_item *item, struct text rest)
{
    (void)d;
    (void)item;
    (void)rest;
    desk_commands_help();
}

static const struct desk_verb desk_verbs[] = {
    {"accept", "a", "[N]", "take the offer, the oldest unless you say which", true, DESK_OFFERED,
     desk_commands_accept},
    {"decline", "d", "[N] [REASON]", "let others have it first", true, DESK_OFFERED,
     desk_commands_decline},
    {"complete", "c", "[N] [DISPOSITION]", "the conversation is over", true, DESK_ACTIVE,
     desk_commands_complete},
    {"unresolved", "u", "[N] [DISPOSITION]", "it is over, and the matter is not settled", true,
     DESK_ACTIVE, desk_commands_unresolved},
    {"wrap", "w", "[N]", "wrap-up is done", true, DESK_WRAPPING, desk_commands_wrap},
    {"transfer", "t", "[N] QUEUE|@AGENT [NOTE]", "hand it on", true, DESK_ACTIVE,
     desk_commands_transfer},
    {"requeue", "r", "[N] [REASON]", "give it back to its queue, with its place", true, DESK_ACTIVE,
     desk_commands_requeue},
    {"show", "s", "[N]", "everything about it", true, DESK_ACTIVE, desk_commands_show},
    {"held", "h", "", "what you have", false, DESK_ACTIVE, desk_commands_held},
    {"away", "", "[REASON]", "no more offers; what you have stays yours", false, DESK_ACTIVE,
     desk_commands_away},
    {"available", "av", "", "offers may come", false, DESK_ACTIVE, desk_commands_available},
    {"wait", "", "", "until there is an offer; for scripts", false, DESK_ACTIVE,
     desk_commands_wait},
    {"quit", "q", "", "sign out", false, DESK_ACTIVE, desk_commands_quit},
    {"help", "?", "", "this", false, DESK_ACTIVE, desk_commands_say_help},
};
enum { DESK_VERBS = sizeof(desk_verbs) / sizeof(desk_verbs[0]) };

void desk_commands_help(void)
{
    char left[64];

    for (size_t i = 0; i < DESK_VERBS; i++) {
        snprintf(left, sizeof(left), "%s %s", desk_verbs[i].word, desk_verbs[i].takes);
        printf("  %-2s  %-36s %s\n", desk_verbs[i].shortcut, left, desk_verbs[i].help);
    }
    printf("N is the number in front of a contact.\n");
}

static const struct desk_verb *desk_commands_find(struct text word)
{
    for (size_t i = 0; i < DESK_VERBS; i++) {
        if (text_equal(word, text_from(desk_verbs[i].word)) ||
            text_equal(word, text_from(desk_verbs[i].shortcut))) {
            return &desk_verbs[i];
        }
    }
    return NULL;
}

/* A number in front says which; words that merely begin with digits are no number. */
static bool desk_commands_number(struct text *rest, unsigned *out)
{
    struct text after = *rest;
    struct text word = desk_commands_word(&after);

    *out = 0;
    for (uint32_t i = 0; i < word.length; i++) {
        if (word.bytes[i] < '0' || word.bytes[i] > '9' || i >= 9) {
            return false;
        }
        *out = *out * 10 + (unsigned)(word.bytes[i] - '0');
    }
    if (word.length > 0) {
        *rest = after;
    }
    return word.length > 0;
}

/* The contact that is meant, or NULL when that is not clear, which is said. */
static struct desk_item *desk_commands_choose(struct desk *d, const struct desk_verb *verb,
                                              struct text *rest)
{
    struct desk_item *item;
    unsigned number, count;

    if (desk_commands_number(rest, &number)) {
        item = desk_held_numbered(&d->held, number);
        if (item == NULL) {
            printf("there is no %u here\n", number);
        }
        return item;
    }
    item = desk_held_oldest(&d->held, verb->state, &count);
    if (item == NULL && verb->run == desk_commands_show) { /* an offer can be looked at, too */
        item = desk_held_oldest(&d->held, DESK_OFFERED, &count);
    }
    if (count > 1 && verb->state != DESK_OFFERED) {
        printf("which one? %s N\n", verb->word);
        return NULL;
    }
    if (item == NULL) {
        printf("nothing to %s\n", verb->word);
    }
    return item;
}

void desk_commands_line(struct desk *d, struct text line)
{
    struct text rest = line, word;
    const struct desk_verb *verb;
    struct desk_item *item = NULL;

    while (rest.length > 0 && *rest.bytes == ' ') {
        rest.bytes++;
        rest.length--;
    }
    while (rest.length > 0 && rest.bytes[rest.length - 1] == ' ') {
        rest.length--;
    }
    word = desk_commands_word(&rest);
    if (word.length == 0) {
        return;
    }
    verb = desk_commands_find(word);
    if (verb == NULL) {
        screen_text(stdout, word, 40);
        printf("? help says what can be done\n");
        desk_fail(d, CLI_USAGE);
        return;
    }
    if (verb->needs) {
        item = desk_commands_choose(d, verb, &rest);
        if (item == NULL) {
            desk_fail(d, CLI_USAGE);
            return;
        }
    }
    verb->run(d, item, rest);
}
