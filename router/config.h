/* The configuration: one YAML file, checked whole, turned into what the node and its workspaces
 * need.
 *
 * A file has two parts: `node` (addresses, journal, limits) and `workspaces` (a map from name to a
 * workspace document). config.apply takes exactly one workspace document, and what the journal
 * keeps is that document in canonical form: comments gone, aliases written out. Two files that say
 * the same have the same canonical text and so the same digest.
 *
 * Every mistake is found in one go, each with its line and column. A configuration with any problem
 * gives nothing but the list of problems: nothing half-checked ever gets into use.
 *
 * Which settings there are, their bounds and defaults: config_table.h, and deploy/CONFIGURATION.md
 * made from it.
 *
 * Reading takes from milliseconds to seconds (phrases are compiled), touches nothing shared and may
 * run on any thread. The result is immutable; a workspace_config is reference-counted, so a
 * snapshot in use outlives the file that replaced it. */
#ifndef ROUTER_CONFIG_H
#define ROUTER_CONFIG_H

#include "proto/limits.h"
#include "queue/settings.h"
#include "router/classify/arena.h"
#include "router/classify/ruleset.h"

#define CONFIG_BYTES_MAX (8u << 20) /* a longer file is refused unread */
#define CONFIG_NODES_MAX                                                                           \
    1000000u                     /* YAML nodes visited, aliases counted each time they are used    \
                                  */
#define CONFIG_PROBLEMS_MAX 200u /* more are counted, and said to be so in the last one */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct node_settings {
    struct text name;    /* empty: the host's name */
    struct text *listen; /* URLs: tcp://HOST:PORT, unix://PATH */
    uint32_t listen_count;
    struct text journal;   /* memory, file:DIRECTORY, or redis... (router/redis/redis_address.h) */
    struct text advertise; /* empty: the first address */
    duration_ms lease;
    uint32_t replicas;
    bool accept_loss;
    enum log_level log_level;
    bool insecure; /* listen beyond loopback and Unix sockets although nobody is authenticated */
    duration_ms heartbeat;
    duration_ms hello_timeout;
    duration_ms request_timeout; /* a request that only waits gets `unavailable` after it */
    duration_ms drain_timeout;
    duration_ms stall_after; /* a batch unconfirmed for so long stops the engine's clock */
    uint32_t reactors;       /* 0: one for each processor */
    uint32_t connections_max;
    uint32_t output_max;    /* bytes waiting for one slow reader, before it is cut off */
    uint32_t segment_bytes; /* of the file journal */
    struct limits limits;   /* of the wire, as `hello` tells them */
};

/* One mistake. Line and column count from 1 and point at the first character of what is wrong;
 * `message` begins with the path of the field: "workspaces.default.queues[2].requires.refund: ...".
 * Terminated. */
struct config_problem {
    uint32_t line;
    uint32_t column;
    char *message;
};

struct config_problems {
    struct config_problem *list; /* in the order of the file */
    uint32_t count;
    uint32_t left_out; /* more than CONFIG_PROBLEMS_MAX */
};

/* One workspace: what the engine gets, what the reactors classify with, and the text it all came
 * from. Holds one reference each to settings and ruleset. */
struct workspace_config {
    struct text name;     /* empty when it came by config.apply, where the session knows it */
    struct text document; /* canonical YAML, as config_read_workspace takes it; terminated */
    uint64_t digest;      /* of `document`: tells whether a file is new, not who wrote it */
    struct settings *settings;
    struct ruleset *ruleset;
    uint32_t references; /* atomic */
};

struct config {
    struct node_settings node;
    struct workspace_config **workspaces; /* in the order of the file; at least one */
    uint32_t workspace_count;
    struct arena arena; /* the texts of all this */
};

/* Read a whole configuration from memory. NULL when there is any problem. `problems` must be
 * zeroed or hold earlier ones; the caller closes it in either case. */
struct config *config_read(struct text yaml, struct config_problems *problems);

/* The same from a file; a file that cannot be read is one problem, at line 0. */
struct config *config_read_file(const char *path, struct config_problems *problems);

void config_destroy(struct config *c); /* NULL is fine; workspaces retained elsewhere stay */

/* NULL when the file has no such workspace. */
struct workspace_config *config_find(const struct config *c, struct text workspace);

/* Read one workspace document: from config.apply, config.check or the journal. One reference. */
struct workspace_config *config_read_workspace(struct text yaml, struct config_problems *problems);

void workspace_config_retain(struct workspace_config *w);
void workspace_config_release(struct workspace_config *w); /* NULL is fine */

/* What a node is that has no `node` section; texts are static. For programs that have options only.
 */
void config_node_defaults(struct node_settings *node);

/* The problems as lines "file:line:column: message\n", terminated; the caller frees it with
 * memory_give. `file` may be NULL: then "line:column: message". */
char *config_problems_text(const struct config_problems *problems, const char *file);

void config_problems_close(struct config_problems *problems);

/* The digest that workspace_config has, of any text (FNV-1a, 64 bits). */
uint64_t config_digest(struct text document);

/* Every setting with type, default, bounds and help. The manual is Markdown; the help is plain text
 * for
 * `--help settings`. Terminated; the caller frees with memory_give. */
char *config_manual(void);
char *config_help(void);

#endif
