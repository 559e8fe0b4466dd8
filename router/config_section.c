#include "router/config_section.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/config_table.h"

struct unit {
    const char *name;
    int64_t size;
};

/* The larger first, as they are written. */
static const struct unit duration_units[] = {
    {"d", MS_DAY}, {"h", MS_HOUR}, {"m", MS_MINUTE}, {"s", MS_SECOND}, {"ms", 1}, {NULL, 0},
};
static const struct unit byte_units[] = {{"MiB", MIB}, {"KiB", KIB}, {NULL, 0}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at *at, beyond which *at is moved. False when there are none or too many for any
 * setting. */
static bool take_digits(struct text words, uint32_t *at, int64_t *out)
{
    uint32_t start = *at;

    *out = 0;
    while (*at < words.length && is_digit(words.bytes[*at]) && *at - start < 16) {
        *out = *out * 10 + (words.bytes[*at] - '0');
        ++*at;
    }
    return *at > start && (*at == words.length || !is_digit(words.bytes[*at]));
}

/* Numbers each with a unit, the larger unit first: "1h30m". False when it is nothing of the kind.
 */
static bool parse_units(struct text words, const struct unit *units, int64_t *out)
{
    const struct unit *allowed = units;
    uint32_t at = 0;

    *out = 0;
    while (at < words.length) {
        int64_t number;
        uint32_t from;
        struct text name;
        if (!take_digits(words, &at, &number)) {
            return false;
        }
        for (from = at; at < words.length && !is_digit(words.bytes[at]);) {
            at++;
        }
        name = (struct text){words.bytes + from, at - from};
        while (allowed->name != NULL && !text_equal(name, text_from(allowed->name))) {
            allowed++;
        }
        if (allowed->name == NULL || number > INT64_MAX / 2 / allowed->size ||
            *out > INT64_MAX / 2) {
            return false;
        }
        *out += number * allowed->size;
        allowed++;
    }
    return words.length > 0;
}

static void format_units(int64_t value, const struct unit *units, const char *zero, char *buffer,
                         size_t size)
{
    size_t used = 0;

    if (value == 0) {
        snprintf(buffer, size, "%s", zero);
    }
    for (const struct unit *u = units; u->name != NULL && value > 0; u++) {
        if (value >= u->size && used < size) {
            used += (size_t)snprintf(buffer + used, size - used, "%lld%s",
                                     (long long)(value / u->size), u->name);
            value %= u->size;
        }
    }
    if (value > 0 && used < size) {
        snprintf(buffer + used, size - used, "%lld", (long long)value);
    }
}

void config_format_value(const struct config_row *row, int64_t value, char *buffer, size_t size)
{
    switch (row->type) {
    case CONFIG_TEXT:
        snprintf(buffer, size, "%s", (const char *)row->words);
        return;
    case CONFIG_OPTIONAL_DURATION:
    case CONFIG_DURATION:
        if (value == DURATION_NONE) {
            snprintf(buffer, size, "never");
            return;
        }
        format_units(value, duration_units, "0", buffer, size);
        return;
    case CONFIG_BYTES:
        format_units(value, byte_units, "0", buffer, size);
        return;
    case CONFIG_FLAG:
        snprintf(buffer, size, "%s", value != 0 ? "true" : "false");
        return;
    case CONFIG_WORD:
        snprintf(buffer, size, "%s", ((const char *const *)row->words)[value]);
        return;
    case CONFIG_COUNT:
    case CONFIG_NUMBER:
        snprintf(buffer, size, "%lld", (long long)value);
        return;
    case CONFIG_QUEUE:
    case CONFIG_TIER:
    case CONFIG_ISSUE:
    case CONFIG_LANGUAGE:
    default:
        buffer[0] = '\0';
        return;
    }
}

static void store(const struct config_row *row, void *into, int64_t value)
{
    char *member = (char *)into + row->offset;

    switch (row->type) {
    case CONFIG_DURATION:
    case CONFIG_OPTIONAL_DURATION:
        *(duration_ms *)(void *)member = value;
        return;
    case CONFIG_COUNT:
    case CONFIG_BYTES:
        *(uint32_t *)(void *)member = (uint32_t)value;
        return;
    case CONFIG_WORD: /* an enum of small positive values is an unsigned int to gcc and clang */
        *(unsigned *)(void *)member = (unsigned)value;
        return;
    case CONFIG_NUMBER:
        *(int32_t *)(void *)member = (int32_t)value;
        return;
    case CONFIG_FLAG:
        *(bool *)(void *)member = value != 0;
        return;
    case CONFIG_TIER:
        *(tier_index *)(void *)member = (tier_index)value;
        return;
    case CONFIG_QUEUE:
    case CONFIG_ISSUE:
    case CONFIG_LANGUAGE:
        *(uint16_t *)(void *)member = (uint16_t)value;
        return;
    case CONFIG_TEXT:
    default:
        return;
    }
}

void config_section_defaults(const struct config_section *s, void *into)
{
    for (size_t i = 0; i < s->row_count; i++) {
        const struct config_row *row = &s->rows[i];
        if (row->type == CONFIG_TEXT) {
            *(struct text *)(void *)((char *)into + row->offset) = text_from(row->words);
        } else {
            store(row, into, row->standard);
        }
    }
}

/* Values. */

static bool is_plain(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool config_read_integer(struct config_reader *r, const yaml_node_t *node, int64_t low,
                         int64_t high, int64_t *out)
{
    struct text words;
    uint32_t at = 0;
    bool negative;

    if (!config_expect(r, node, YAML_SCALAR_NODE, "a whole number")) {
        return false;
    }
    words = config_scalar_text(node);
    negative = words.length > 0 && words.bytes[0] == '-';
    at += negative;
    if (!is_plain(node) || !take_digits(words, &at, out) || at != words.length) {
        config_complain(r, node, "\"" TEXT_FORMAT "\" is no whole number%s", TEXT_ARGS(words),
                        is_plain(node) ? "" : "; in quotes it is a text");
        return false;
    }
    *out = negative ? -*out : *out;
    if (*out < low || *out > high) {
        config_complain(r, node, "%lld is out of range: %lld to %lld", (long long)*out,
                        (long long)low, (long long)high);
        return false;
    }
    return true;
}

bool config_read_text(struct config_reader *r, const yaml_node_t *node, uint32_t low, uint32_t high,
                      struct text *out)
{
    if (!config_expect(r, node, YAML_SCALAR_NODE, "a text")) {
        return false;
    }
    *out = config_scalar_text(node);
    if (out->length < low || out->length > high) {
        config_complain(r, node, "a text of %u bytes; %u to %u are allowed", out->length, low,
                        high);
        return false;
    }
    for (uint32_t i = 0; i < out->length; i++) {
        if ((unsigned char)out->bytes[i] < 0x20 || out->bytes[i] == 0x7F) {
            config_complain(r, node, "control characters are not allowed here");
            return false;
        }
    }
    return true;
}

bool config_read_name(struct config_reader *r, const yaml_node_t *node, struct text *out)
{
    return config_read_text(r, node, 1, NAME_BYTES_MAX, out);
}

static uint32_t refuse_reference(struct config_reader *r, const yaml_node_t *node, const char *what,
                                 const struct config_nearest *nearest)
{
    char hint[NAME_BYTES_MAX + 32];

    config_complain(r, node, "no %s is called \"" TEXT_FORMAT "\"%s", what,
                    TEXT_ARGS(nearest->wanted), config_nearest_hint(nearest, hint, sizeof(hint)));
    return UINT32_MAX;
}

#define FIND_NAMED(array, count)                                                                   \
    for (uint32_t named = 0; named < (count); named++) {                                           \
        if (text_equal((array)[named].name, name)) {                                               \
            return named;                                                                          \
        }                                                                                          \
        config_nearest_offer(&nearest, (array)[named].name);                                       \
    }

uint32_t config_read_reference(struct config_reader *r, const yaml_node_t *node,
                               enum config_type type)
{
    const struct settings *s = r->settings;
    struct config_nearest nearest;
    const char *what = "queue";
    struct text name;

    if (!config_read_name(r, node, &name)) {
        return UINT32_MAX;
    }
    config_nearest_start(&nearest, name);
    if (type == CONFIG_QUEUE) {
        FIND_NAMED(s->queues, s->queue_count)
    } else if (type == CONFIG_TIER) {
        what = "tier";
        FIND_NAMED(s->tiers, s->tier_count)
    } else if (type == CONFIG_ISSUE) {
        what = "issue";
        FIND_NAMED(s->issues, s->issue_count)
    } else {
        what = "language";
        for (uint32_t i = 0; i < s->language_count; i++) {
            if (text_equal(s->languages[i], name)) {
                return i;
            }
            config_nearest_offer(&nearest, s->languages[i]);
        }
    }
    return refuse_reference(r, node, what, &nearest);
}

uint32_t config_read_channel(struct config_reader *r, const yaml_node_t *node)
{
    struct config_nearest nearest;
    struct text name;

    if (!config_read_name(r, node, &name)) {
        return UINT32_MAX;
    }
    config_nearest_start(&nearest, name);
    FIND_NAMED(r->settings->channels, r->settings->channel_count)
    return refuse_reference(r, node, "channel", &nearest);
}

static bool read_units(struct config_reader *r, const yaml_node_t *node,
                       const struct config_row *row, int64_t *out)
{
    bool bytes = row->type == CONFIG_BYTES;
    const char *wanted = bytes ? "a size such as 64KiB or 1MiB, or a number of bytes"
                               : "a duration such as 300ms, 20s, 1h30m or 3d";
    struct text words;
    uint32_t at = 0;
    bool bare;
    char low[32];
    char high[32];

    if (!config_expect(r, node, YAML_SCALAR_NODE, wanted)) {
        return false;
    }
    words = config_scalar_text(node);
    if (row->type == CONFIG_OPTIONAL_DURATION && text_equal(words, TEXT("never"))) {
        *out = DURATION_NONE;
        return true;
    }
    bare = take_digits(words, &at, out) && at == words.length;
    if (!(bare && (bytes || *out == 0)) &&
        !parse_units(words, bytes ? byte_units : duration_units, out)) {
        config_complain(r, node, "\"" TEXT_FORMAT "\" is not understood; write %s%s",
                        TEXT_ARGS(words), wanted,
                        row->type == CONFIG_OPTIONAL_DURATION ? ", or never" : "");
        return false;
    }
    if (*out < row->low || *out > row->high) {
        config_format_value(row, row->low, low, sizeof(low));
        config_format_value(row, row->high, high, sizeof(high));
        config_complain(r, node, TEXT_FORMAT " is out of range: %s to %s", TEXT_ARGS(words), low,
                        high);
        return false;
    }
    return true;
}

static bool read_word(struct config_reader *r, const yaml_node_t *node,
                      const struct config_row *row, int64_t *out)
{
    struct config_nearest nearest;
    struct text name;
    char list[256] = "";
    char hint[96];
    size_t used = 0;

    if (!config_read_name(r, node, &name)) {
        return false;
    }
    config_nearest_start(&nearest, name);
    *out = 0;
    for (const char *const *word = row->words; *word != NULL; word++, ++*out) {
        if (text_equal(name, text_from(*word))) {
            return true;
        }
        config_nearest_offer(&nearest, text_from(*word));
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used == 0 ? "" : ", ",
                                 *word);
    }
    config_complain(r, node, "\"" TEXT_FORMAT "\" is none of: %s%s", TEXT_ARGS(name), list,
                    config_nearest_hint(&nearest, hint, sizeof(hint)));
    return false;
}

static bool read_flag(struct config_reader *r, const yaml_node_t *node, int64_t *out)
{
    *out = config_scalar_is(node, "true");
    if (*out == 0 && !config_scalar_is(node, "false")) {
        config_complain(r, node, "true or false is wanted");
        return false;
    }
    return true;
}

static void read_row(struct config_reader *r, const yaml_node_t *node, const struct config_row *row,
                     void *into)
{
    struct text words;
    int64_t value = 0;
    uint32_t index;

    switch (row->type) {
    case CONFIG_TEXT:
        if (config_read_text(r, node, (uint32_t)row->low, (uint32_t)row->high, &words)) {
            *(struct text *)(void *)((char *)into + row->offset) = config_reader_keep(r, words);
        }
        return;
    case CONFIG_DURATION:
    case CONFIG_OPTIONAL_DURATION:
    case CONFIG_BYTES:
        if (read_units(r, node, row, &value)) {
            store(row, into, value);
        }
        return;
    case CONFIG_COUNT:
    case CONFIG_NUMBER:
        if (config_read_integer(r, node, row->low, row->high, &value)) {
            store(row, into, value);
        }
        return;
    case CONFIG_FLAG:
        if (read_flag(r, node, &value)) {
            store(row, into, value);
        }
        return;
    case CONFIG_WORD:
        if (read_word(r, node, row, &value)) {
            store(row, into, value);
        }
        return;
    case CONFIG_QUEUE:
    case CONFIG_TIER:
    case CONFIG_ISSUE:
    case CONFIG_LANGUAGE:
        index = config_read_reference(r, node, row->type);
        if (index != UINT32_MAX) {
            store(row, into, index);
        }
        return;
    default:
        return;
    }
}

/* Sections. */

static const struct config_row *find_row(const struct config_section *s, struct text key)
{
    for (size_t i = 0; i < s->row_count; i++) {
        if (text_equal(key, text_from(s->rows[i].key))) {
            return &s->rows[i];
        }
    }
    return NULL;
}

static const struct config_part *find_part(const struct config_section *s, struct text key)
{
    for (size_t i = 0; i < s->part_count; i++) {
        if (text_equal(key, text_from(s->parts[i].key))) {
            return &s->parts[i];
        }
    }
    return NULL;
}

static void refuse_key(struct config_reader *r, const struct config_section *s,
                       const yaml_node_t *key)
{
    struct config_nearest nearest;
    char hint[96];

    config_nearest_start(&nearest, config_scalar_text(key));
    for (size_t i = 0; i < s->row_count; i++) {
        config_nearest_offer(&nearest, text_from(s->rows[i].key));
    }
    for (size_t i = 0; i < s->part_count; i++) {
        config_nearest_offer(&nearest, text_from(s->parts[i].key));
    }
    config_complain(r, key, "unknown key \"" TEXT_FORMAT "\"%s", TEXT_ARGS(config_scalar_text(key)),
                    config_nearest_hint(&nearest, hint, sizeof(hint)));
}

bool config_section_read(struct config_reader *r, yaml_node_t *node, const struct config_section *s,
                         void *into, void *context)
{
    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map")) {
        return false;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_reader_node(r, pair->key);
        if (find_row(s, config_scalar_text(key)) == NULL &&
            find_part(s, config_scalar_text(key)) == NULL) {
            refuse_key(r, s, key);
        }
    }
    for (size_t i = 0; i < s->part_count; i++) {
        const struct config_part *part = &s->parts[i];
        yaml_node_t *value = config_reader_value(r, node, part->key);
        if (value == NULL && part->need == CONFIG_REQUIRED) {
            config_complain(r, node, "the key \"%s\" is missing", part->key);
        } else if (value != NULL && part->read != NULL) {
            size_t before = config_reader_enter(r, text_from(part->key));
            part->read(r, value, context);
            config_reader_leave(r, before);
        }
    }
    /* Rows behind parts: they may name what the parts define. */
    for (size_t i = 0; i < s->row_count; i++) {
        yaml_node_t *value = config_reader_value(r, node, s->rows[i].key);
        if (value != NULL) {
            size_t before = config_reader_enter(r, text_from(s->rows[i].key));
            read_row(r, value, &s->rows[i], into);
            config_reader_leave(r, before);
        }
    }
    return true;
}
