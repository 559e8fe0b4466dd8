/* A workspace document into settings and rules. */
#ifndef ROUTER_CONFIG_WORKSPACE_H
#define ROUTER_CONFIG_WORKSPACE_H

#include "router/config_section.h"

/* What is being built; the context of the readers of a workspace's parts. `rules` point into the
 * document and the arena. */
struct workspace_draft {
    struct settings *settings;
    struct rules rules;
    struct queue_settings queue_defaults;
    yaml_node_t *queue_defaults_node; /* NULL when the document has none */
    size_t path_length;               /* of the workspace itself */
    struct arena arena;
};

/* Read a workspace from its node. One reference; NULL when anything was complained of. */
struct workspace_config *config_workspace_read(struct config_reader *r, yaml_node_t *node,
                                               struct text name);

/* Call `read` for each item of a list; `into` walks along an array of `size`-byte records. */
typedef void (*config_item_reader)(struct config_reader *r, yaml_node_t *item, void *into,
                                   struct workspace_draft *draft);
void config_read_items(struct config_reader *r, yaml_node_t *list, void *into, size_t size,
                       config_item_reader read, struct workspace_draft *draft);

/* How many items a list has. */
uint32_t config_item_count(const yaml_node_t *list);

/* Parts of a workspace that have files of their own. The context is the draft. */
void config_read_agents(struct config_reader *r, yaml_node_t *node, void *context);
void config_read_classification(struct config_reader *r, yaml_node_t *node, void *context);
void config_rules_defaults(struct workspace_draft *draft);

/* A map of skill to level, for queues and agents; NULL and 0 after a complaint. */
struct skill_level *config_read_skill_levels(struct config_reader *r, yaml_node_t *node,
                                             uint32_t *count);

#endif
