#include <stdio.h>
#include <stdlib.h>

#include "proto/cli/convert.h"
#include "proto/cli/screen.h"
#include "proto/cli/submit.h"

static const struct {
    const char *option;
    const char *field;
    const char *takes;
    const char *help;
} submit_texts[] = {
    {"channel", "channel", "NAME", "how the customer came; the one that is needed"},
    {"text", "text", "WORDS", "what the customer wrote"},
    {"subject", "subject", "WORDS", "its subject"},
    {"id", "id", "ID", "the identity of this one contact; the same again is the same contact"},
    {"issue", "issue", "NAME", "what it is about; else the rules say so"},
    {"language", "language", "TAG", "as en or zh; else the script says so"},
    {"queue", "queue", "NAME", "the queue outright; else the routes say so"},
    {"preferred-agent", "preferred_agent", "NAME", "waited for as long as the queue holds for it"},
    {"reopens", "reopens", "ID", "the ended contact that this one continues"},
    {"parent", "parent", "ID", "the contact this one belongs to"},
};
enum { SUBMIT_TEXTS = sizeof(submit_texts) / sizeof(submit_texts[0]) };

void submit_fields_options(struct submit_fields *f, struct option rows[SUBMIT_FIELD_OPTIONS])
{
    const struct option others[] = {
        {"customer", OPTION_TEXT, &f->customer, "ID", "who it is"},
        {"tier", OPTION_TEXT, &f->customer_tier, "NAME",
         "the customer's tier; else the rules say so"},
        {"customer-attribute", OPTION_MANY, &f->customer_attributes, "KEY=VALUE",
         "again and again; VALUE is a number, true, false, null, or a text"},
        {"attribute", OPTION_MANY, &f->attributes, "KEY=VALUE", "the same, of the contact"},
        {"skill", OPTION_MANY, &f->skills, "NAME[:LEVEL]",
         "required besides the queue's; again and again"},
        {"boost", OPTION_DURATION, &f->boost, "TIME", "its head start in the order, as 5m"},
        {"expires", OPTION_DURATION, &f->expires, "TIME", "give up after so long waiting"},
        {"in", OPTION_DURATION, &f->later, "TIME",
         "a callback: wait until then, by this machine's clock"},
        {"keeps-place", OPTION_FLAG, &f->keeps_place, NULL,
         "with --in: ordered as from its submission"},
    };

    for (size_t i = 0; i < SUBMIT_TEXTS; i++) {
        rows[i] = (struct option){submit_texts[i].option, OPTION_TEXT, &f->texts[i],
                                  submit_texts[i].takes, submit_texts[i].help};
    }
    memcpy(rows + SUBMIT_TEXTS, others, sizeof(others));
    _Static_assert(SUBMIT_TEXTS + sizeof(others) / sizeof(others[0]) == SUBMIT_FIELD_OPTIONS,
                   "a row for each option");
}

bool submit_fields_given(const struct submit_fields *f)
{
    bool given = f->customer != NULL || f->customer_tier != NULL || f->boost != 0 ||
                 f->expires != 0 || f->later != 0 || f->keeps_place ||
                 f->customer_attributes.count + f->attributes.count + f->skills.count > 0;

    for (size_t i = 0; i < SUBMIT_TEXTS; i++) {
        given = given || f->texts[i] != NULL;
    }
    return given;
}

/* What reads as a JSON scalar is one ("52" in quotation marks stays a text); the rest is a text. */
static void submit_fields_scalar(struct switchboard_map *map, const char *key, const char *words)
{
    char why[CONVERT_WORDS];
    json_t *value = convert_parse(text_from(words), why);

    if (json_is_integer(value)) {
        switchboard_map_int(map, key, json_integer_value(value));
    } else if (json_is_real(value)) {
        switchboard_map_double(map, key, json_real_value(value));
    } else if (json_is_boolean(value)) {
        switchboard_map_bool(map, key, json_is_true(value));
    } else if (json_is_null(value)) {
        switchboard_map_nil(map, key);
    } else if (json_is_string(value)) {
        switchboard_map_text_of(map, key, json_string_value(value), json_string_length(value));
    } else {
        switchboard_map_text(map, key, words);
    }
    json_decref(value);
}

/* Split NAME and what is behind the mark; *value is NULL without one. False when there is no NAME.
 */
static bool submit_fields_split(const char *words, char mark, char name[ID_BYTES_MAX + 1],
                                const char **value)
{
    const char *at = strchr(words, mark);
    size_t length = at == NULL ? strlen(words) : (size_t)(at - words);

    *value = at == NULL ? NULL : at + 1;
    if (length == 0 || length > ID_BYTES_MAX) {
        return false;
    }
    memcpy(name, words, length);
    name[length] = '\0';
    return true;
}

static bool submit_fields_attributes(struct switchboard_map *map, const struct option_values *list)
{
    char name[ID_BYTES_MAX + 1];
    const char *value;

    if (list->count == 0) {
        return true;
    }
    switchboard_map_open(map, "attributes");
    for (uint32_t i = 0; i < list->count; i++) {
        if (!submit_fields_split(list->list[i], '=', name, &value) || value == NULL) {
            fprintf(stderr, "switchboard-cli submit: \"%s\" is no KEY=VALUE\n", list->list[i]);
            return false;
        }
        submit_fields_scalar(map, name, value);
    }
    switchboard_map_close(map);
    return true;
}

static bool submit_fields_skills(struct switchboard_map *map, const struct option_values *list)
{
    char name[ID_BYTES_MAX + 1];
    const char *value;

    if (list->count == 0) {
        return true;
    }
    switchboard_map_open(map, "skills");
    for (uint32_t i = 0; i < list->count; i++) {
        if (!submit_fields_split(list->list[i], ':', name, &value) ||
            (value != NULL && (value[0] < '1' || value[0] > '5' || value[1] != '\0'))) {
            fprintf(stderr, "switchboard-cli submit: \"%s\" is no NAME or NAME:LEVEL (1 to 5)\n",
                    list->list[i]);
            return false;
        }
        switchboard_map_int(map, name, value == NULL ? 1 : value[0] - '0');
    }
    switchboard_map_close(map);
    return true;
}

static bool submit_fields_customer(const struct submit_fields *f, struct switchboard_map *map)
{
    if (f->customer == NULL && f->customer_tier == NULL && f->customer_attributes.count == 0) {
        return true;
    }
    switchboard_map_open(map, "customer");
    if (f->customer != NULL) {
        switchboard_map_text(map, "id", f->customer);
    }
    if (f->customer_tier != NULL) {
        switchboard_map_text(map, "tier", f->customer_tier);
    }
    if (!submit_fields_attributes(map, &f->customer_attributes)) {
        return false;
    }
    switchboard_map_close(map);
    return true;
}

bool submit_fields_write(const struct submit_fields *f, struct switchboard_map *map)
{
    for (size_t i = 0; i < SUBMIT_TEXTS; i++) {
        if (f->texts[i] != NULL) {
            switchboard_map_text(map, submit_texts[i].field, f->texts[i]);
        }
    }
    if (f->boost != 0) {
        switchboard_map_int(map, "boost_ms", f->boost);
    }
    if (f->expires != 0) {
        switchboard_map_int(map, "expires_ms", f->expires);
    }
    if (f->later != 0) {
        switchboard_map_int(map, "not_before_at", screen_now() + f->later);
    }
    if (f->keeps_place) {
        switchboard_map_bool(map, "keeps_place", true);
    }
    return submit_fields_customer(f, map) && submit_fields_attributes(map, &f->attributes) &&
           submit_fields_skills(map, &f->skills);
}

void submit_fields_close(struct submit_fields *f)
{
    options_values_close(&f->customer_attributes);
    options_values_close(&f->attributes);
    options_values_close(&f->skills);
}
