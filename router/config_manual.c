/* The manual of all settings, from their tables. */
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/config_section.h"
#include "router/config_table.h"

const struct config_section *const config_sections[] = {
    &config_file_section,      &config_node_section,
    &config_limits_section,    &config_workspace_section,
    &config_tier_section,      &config_channel_section,
    &config_issue_section,     &config_queue_section,
    &config_agent_section,     &config_classification_section,
    &config_tier_rule_section, &config_issue_rule_section,
    &config_route_section,     NULL,
};

static const char *type_words(enum config_type type)
{
    static const char *const words[] = {
        [CONFIG_TEXT] = "text",
        [CONFIG_DURATION] = "duration",
        [CONFIG_OPTIONAL_DURATION] = "duration or never",
        [CONFIG_COUNT] = "number",
        [CONFIG_NUMBER] = "number",
        [CONFIG_BYTES] = "size",
        [CONFIG_FLAG] = "true or false",
        [CONFIG_WORD] = "word",
        [CONFIG_QUEUE] = "queue",
        [CONFIG_TIER] = "tier",
        [CONFIG_ISSUE] = "issue",
        [CONFIG_LANGUAGE] = "language",
    };
    return words[type];
}

static bool is_reference(const struct config_row *row)
{
    return row->type == CONFIG_QUEUE || row->type == CONFIG_TIER || row->type == CONFIG_ISSUE ||
           row->type == CONFIG_LANGUAGE;
}

static void write_bounds(FILE *out, const struct config_row *row)
{
    char low[64];
    char high[64];

    if (row->type == CONFIG_WORD) {
        for (const char *const *word = row->words; *word != NULL; word++) {
            fprintf(out, "%s%s", word == row->words ? "" : ", ", *word);
        }
    } else if (row->type == CONFIG_TEXT) {
        fprintf(out, "up to %lld bytes", (long long)row->high);
    } else if (row->type != CONFIG_FLAG && !is_reference(row)) {
        config_format_value(row, row->low, low, sizeof(low));
        config_format_value(row, row->high, high, sizeof(high));
        fprintf(out, "%s to %s", low, high);
    }
}

static void write_section(FILE *out, const struct config_section *s)
{
    char standard[64];

    fprintf(out, "\n## %s\n\n", s->title);
    if (s->intro != NULL) {
        fprintf(out, "%s\n\n", s->intro);
    }
    if (s == &config_tier_rule_section) {
        fputs("| test | holds when the attribute is |\n| --- | --- |\n", out);
#define TEST_LINE(word, op, help) fprintf(out, "| `%s` | %s |\n", word, help);
        CONFIG_TEST_TABLE(TEST_LINE)
#undef TEST_LINE
        fputc('\n', out);
    }
    fputs("| key | type | default | allowed | |\n| --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < s->part_count; i++) {
        const struct config_part *part = &s->parts[i];
        fprintf(out, "| `%s` | %s | %s | | %s |\n", part->key, part->shape,
                part->need == CONFIG_REQUIRED ? "required" : "", part->help);
    }
    for (size_t i = 0; i < s->row_count; i++) {
        const struct config_row *row = &s->rows[i];
        config_format_value(row, row->standard, standard, sizeof(standard));
        fprintf(out, "| `%s` | %s | %s | ", row->key, type_words(row->type), standard);
        write_bounds(out, row);
        fprintf(out, " | %s |\n", row->help);
    }
}

static char *finish(FILE *out, char **bytes, const size_t *size)
{
    char *copy;

    fclose(out);
    copy = memory_copy(*bytes, *size + 1);
    free(*bytes); /* the C library made it */
    return copy;
}

char *config_manual(void)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);

    if (out == NULL) {
        abort();
    }
    fputs("# Configuration\n\n"
          "Made from `router/config_table.h` by `switchboard-manual`; a test compares.\n\n"
          "One YAML file. Durations have units: `300ms`, `20s`, `1h30m`, `3d`; sizes may: `64KiB`, "
          "`1MiB`. Unknown keys\nand keys given twice are refused. Aliases are allowed, tags are "
          "not.\nEvery mistake is shown in one go, with line and column.\n",
          out);
    for (const struct config_section *const *s = config_sections; *s != NULL; s++) {
        write_section(out, *s);
    }
    return finish(out, &bytes, &size);
}

char *config_help(void)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    char standard[64];

    if (out == NULL) {
        abort();
    }
    for (const struct config_section *const *s = config_sections; *s != NULL; s++) {
        fprintf(out, "%s%s\n", s == config_sections ? "" : "\n", (*s)->title);
        for (size_t i = 0; i < (*s)->part_count; i++) {
            const struct config_part *part = &(*s)->parts[i];
            fprintf(out, "  %-20s %s%s: %s\n", part->key, part->shape,
                    part->need == CONFIG_REQUIRED ? ", required" : "", part->help);
        }
        for (size_t i = 0; i < (*s)->row_count; i++) {
            const struct config_row *row = &(*s)->rows[i];
            config_format_value(row, row->standard, standard, sizeof(standard));
            fprintf(out, "  %-20s %s%s%s: %s\n", row->key, type_words(row->type),
                    standard[0] == '\0' ? "" : " ", standard, row->help);
        }
    }
    return finish(out, &bytes, &size);
}
