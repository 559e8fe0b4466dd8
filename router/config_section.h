/* Sections of a configuration: a map whose keys are the rows and parts of config_table.h, read into
 * a struct. */
#ifndef ROUTER_CONFIG_SECTION_H
#define ROUTER_CONFIG_SECTION_H

#include "router/config_reader.h"

/* How a value is written, and what it is stored as. */
enum config_type {
    CONFIG_TEXT,              /* struct text */
    CONFIG_DURATION,          /* duration_ms; "20s" */
    CONFIG_OPTIONAL_DURATION, /* the same, or "never": DURATION_NONE */
    CONFIG_COUNT,             /* uint32_t */
    CONFIG_NUMBER,            /* int32_t */
    CONFIG_BYTES,             /* uint32_t; "64KiB", "1MiB", or a bare number */
    CONFIG_FLAG,              /* bool; true or false */
    CONFIG_WORD,              /* an enum, by its place in a list of words */
    CONFIG_QUEUE,             /* names of things defined elsewhere, as their indexes */
    CONFIG_TIER,
    CONFIG_ISSUE,
    CONFIG_LANGUAGE,
};

struct config_row {
    const char *key;
    enum config_type type;
    size_t offset; /* of the member */
    int64_t standard;
    int64_t low;
    int64_t high;
    const void
        *words; /* WORD: const char *const *, ended by NULL; TEXT: the default, const char * */
    const char *help;
};

enum config_need { CONFIG_OPTIONAL, CONFIG_REQUIRED };

typedef void (*config_part_reader)(struct config_reader *r, yaml_node_t *node, void *context);

struct config_part {
    const char *key;
    config_part_reader read; /* NULL: whoever reads the section sees to it */
    enum config_need need;
    const char *shape;
    const char *help;
};

struct config_section {
    const char *title; /* for the manual */
    const char *intro;
    const struct config_row *rows;
    size_t row_count;
    const struct config_part *parts;
    size_t part_count;
};

/* What the macros of config_table.h are expanded with; SECTION_STRUCT names the struct of the rows.
 */
#define CONFIG_ROW(key, member, type, standard, low, high, words, help)                            \
    {key, CONFIG_##type, offsetof(SECTION_STRUCT, member), standard, low, high, words, help},
#define CONFIG_PART(key, reader, need, shape, help) {key, reader, CONFIG_##need, shape, help},

#define CONFIG_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Set every row's member to its default. */
void config_section_defaults(const struct config_section *s, void *into);

/* Check the keys and read what is given; what is not given is left alone. Parts get `context`.
 * False when `node` is no map. */
bool config_section_read(struct config_reader *r, yaml_node_t *node, const struct config_section *s,
                         void *into, void *context);

/* Values outside of rows. False after a complaint. */
bool config_read_integer(struct config_reader *r, const yaml_node_t *node, int64_t low,
                         int64_t high, int64_t *out);
bool config_read_text(struct config_reader *r, const yaml_node_t *node, uint32_t low, uint32_t high,
                      struct text *out); /* points into the document */
bool config_read_name(struct config_reader *r, const yaml_node_t *node,
                      struct text *out); /* likewise */

/* The index of a thing that the workspace defines, UINT32_MAX after a complaint. CONFIG_QUEUE,
 * _TIER, _ISSUE or _LANGUAGE. */
uint32_t config_read_reference(struct config_reader *r, const yaml_node_t *node,
                               enum config_type type);
uint32_t config_read_channel(struct config_reader *r, const yaml_node_t *node);

/* "1m30s", "64KiB", "never": how a row's value is written. */
void config_format_value(const struct config_row *row, int64_t value, char *buffer, size_t size);

/* The sections, for the manual, in its order; ended by NULL. */
extern const struct config_section *const config_sections[];

extern const struct config_section config_file_section, config_node_section, config_limits_section;
extern const struct config_section config_workspace_section, config_targets_section,
    config_tier_section, config_channel_section, config_issue_section, config_queue_section,
    config_queue_defaults_section, config_agent_section;
extern const struct config_section config_classification_section, config_tier_rule_section,
    config_issue_rule_section, config_route_section;

#endif
