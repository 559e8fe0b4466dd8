/* A YAML document under inspection: its nodes, the place one is in, and the mistakes found so far.
 *
 * Loading checks what holds for every document: one document, no tags, keys that are texts and not
 * given twice, and a bound on what aliases make of it. Behind that nothing needs to be on its guard
 * any more.
 *
 * The path ("queues[2].requires") is kept here while sections are read, so that every problem
 * can name its field. One thread. */
#ifndef ROUTER_CONFIG_READER_H
#define ROUTER_CONFIG_READER_H

#include <yaml.h>

#include "router/config.h"

#define CONFIG_DEPTH_MAX      32
#define CONFIG_PATH_BYTES_MAX 512

struct config_reader {
    yaml_document_t document;
    bool loaded;
    struct config_problems *problems;
    struct arena *arena;       /* for texts that outlive the document, unless `settings` is set */
    struct settings *settings; /* the workspace being read */
    uint32_t visited;
    bool wrong; /* something was complained of */
    size_t path_length;
    char path[CONFIG_PATH_BYTES_MAX];
};

/* False, with problems, when there is nothing that can be read further. Close in either case. */
bool config_reader_load(struct config_reader *r, struct text yaml,
                        struct config_problems *problems);
void config_reader_close(struct config_reader *r);

yaml_node_t *config_reader_root(struct config_reader *r);
yaml_node_t *config_reader_node(struct config_reader *r, int id);

/* The value of a key of a mapping, or NULL. */
yaml_node_t *config_reader_value(struct config_reader *r, const yaml_node_t *mapping,
                                 const char *key);

struct text config_scalar_text(const yaml_node_t *scalar);
bool config_scalar_is(const yaml_node_t *node,
                      const char *word); /* a plain scalar with these bytes */

/* A copy that lives as long as what is being read. */
struct text config_reader_keep(struct config_reader *r, struct text words);

/* Go one level down; the answer is for config_reader_leave. */
size_t config_reader_enter(struct config_reader *r, struct text key);
size_t config_reader_enter_item(struct config_reader *r,
                                size_t index); /* counts from 0, shown from 1 */
void config_reader_leave(struct config_reader *r, size_t before);

/* Note a mistake at a node of the present path. The same words at the same place (an alias used
 * twice) are noted once. */
__attribute__((format(printf, 3, 4))) void
config_complain(struct config_reader *r, const yaml_node_t *at, const char *format, ...);
/* The same at a place of which only line and column, from 1, are known. */
__attribute__((format(printf, 4, 5))) void config_complain_at(struct config_reader *r,
                                                              uint32_t line, uint32_t column,
                                                              const char *format, ...);

/* True for the kind wanted; otherwise a complaint that says `wanted` ("a list of queues"). */
bool config_expect(struct config_reader *r, const yaml_node_t *node, yaml_node_type_t type,
                   const char *wanted);

/* The words nearest to a mistyped one, for "did you mean". Feed candidates, then ask; the answer
 * lives as long as the candidate, and is absent when none is near. */
struct config_nearest {
    struct text wanted;
    struct text best;
    uint32_t distance;
};
void config_nearest_start(struct config_nearest *n, struct text wanted);
void config_nearest_offer(struct config_nearest *n, struct text candidate);
/* "; did you mean \"x\"?", or nothing. */
const char *config_nearest_hint(const struct config_nearest *n, char *buffer, size_t size);

/* The text of a node in canonical form: aliases are written out, comments and layout are gone.
 * Terminated; the caller gives it back with memory_give. */
struct text config_canonical(struct config_reader *r, const yaml_node_t *node);

#endif
