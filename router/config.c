#include "router/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/config_table.h"
#include "router/config_workspace.h"
#include "router/redis/redis_address.h"

static const char *const words_log_level[] = {CONFIG_WORDS_LOG_LEVEL, NULL};

/* What the limits of the wire may be set to. The engine's tables hold ids and names of at most the
 * standard size; below 4 KiB a frame could not carry an offer. */
enum limit_low {
    LOW_FRAME = 4096,
    LOW_NESTING = 4,
    LOW_IN_FLIGHT = 1,
    LOW_ID = 16,
    LOW_NAME = 16,
    LOW_SUBJECT = 0,
    LOW_TEXT = 0,
    LOW_PAYLOAD = 0,
    LOW_NOTE = 64,
    LOW_ATTRIBUTES = 0,
    LOW_ATTRIBUTE = 16,
};
enum limit_high {
    HIGH_FRAME = 64 * MIB,
    HIGH_NESTING = 16,
    HIGH_IN_FLIGHT = 1000000,
    HIGH_ID = ID_BYTES_MAX,
    HIGH_NAME = NAME_BYTES_MAX,
    HIGH_SUBJECT = 64 * KIB,
    HIGH_TEXT = 512 * KIB,
    HIGH_PAYLOAD = 512 * KIB,
    HIGH_NOTE = 64 * KIB,
    HIGH_ATTRIBUTES = 64,
    HIGH_ATTRIBUTE = 4096,
};

static void config_read_node(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_workspaces(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_listen(struct config_reader *r, yaml_node_t *node, void *context);
static void config_read_limits(struct config_reader *r, yaml_node_t *node, void *context);

static const struct config_part file_parts[] = {CONFIG_FILE_PARTS(CONFIG_PART)};
const struct config_section config_file_section = {
    "The file", NULL, NULL, 0, file_parts, CONFIG_LENGTH(file_parts),
};

#define SECTION_STRUCT struct node_settings
static const struct config_row node_rows[] = {CONFIG_NODE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part node_parts[] = {CONFIG_NODE_PARTS(CONFIG_PART)};
const struct config_section config_node_section = {
    "node",     "One server process. Options of the command line come before what stands here.",
    node_rows,  CONFIG_LENGTH(node_rows),
    node_parts, CONFIG_LENGTH(node_parts),
};

/* Most are bytes; these say which are counts. */
enum limit_type {
    TYPE_FRAME = CONFIG_BYTES,
    TYPE_NESTING = CONFIG_COUNT,
    TYPE_IN_FLIGHT = CONFIG_COUNT,
    TYPE_ID = CONFIG_BYTES,
    TYPE_NAME = CONFIG_BYTES,
    TYPE_SUBJECT = CONFIG_BYTES,
    TYPE_TEXT = CONFIG_BYTES,
    TYPE_PAYLOAD = CONFIG_BYTES,
    TYPE_NOTE = CONFIG_BYTES,
    TYPE_ATTRIBUTES = CONFIG_COUNT,
    TYPE_ATTRIBUTE = CONFIG_BYTES,
};

#define LIMIT_ROW(symbol, wire, standard, words)                                                   \
    {wire,                                                                                         \
     (enum config_type)TYPE_##symbol,                                                              \
     offsetof(struct limits, of) + LIMIT_##symbol * sizeof(uint32_t),                              \
     standard,                                                                                     \
     LOW_##symbol,                                                                                 \
     HIGH_##symbol,                                                                                \
     NULL,                                                                                         \
     words},
static const struct config_row limit_rows[] = {LIMIT_TABLE(LIMIT_ROW)};
#undef LIMIT_ROW
const struct config_section config_limits_section = {
    "node.limits", NULL, limit_rows, CONFIG_LENGTH(limit_rows), NULL, 0,
};

static const struct text standard_listen[] = {{"tcp://127.0.0.1:7700", 20}};

void config_node_defaults(struct node_settings *node)
{
    *node = (struct node_settings){0};
    config_section_defaults(&config_node_section, node);
    config_section_defaults(&config_limits_section, &node->limits);
    node->listen = (struct text *)(uintptr_t)standard_listen; /* nobody writes through it */
    node->listen_count = 1;
}

static bool begins_with(struct text whole, struct text prefix)
{
    return whole.length > prefix.length && memcmp(whole.bytes, prefix.bytes, prefix.length) == 0;
}

/* tcp://HOST:PORT, where a host with colons stands in brackets. */
static bool is_tcp(struct text address)
{
    uint32_t at = address.length;
    unsigned port = 0;

    if (!begins_with(address, TEXT("tcp://"))) {
        return false;
    }
    while (at > 0 && address.bytes[at - 1] >= '0' && address.bytes[at - 1] <= '9') {
        at--;
    }
    if (at == address.length || address.length - at > 5 || at < 8 || address.bytes[at - 1] != ':') {
        return false;
    }
    for (uint32_t i = at; i < address.length; i++) {
        port = port * 10 + (unsigned)(address.bytes[i] - '0');
    }
    return port <= 65535;
}

static void read_address(struct config_reader *r, const yaml_node_t *item, struct text *out)
{
    struct text address;

    if (!config_read_text(r, item, 1, 1024, &address)) {
        return;
    }
    if (!is_tcp(address) && !begins_with(address, TEXT("unix://"))) {
        config_complain(r, item,
                        "\"" TEXT_FORMAT "\" is no address; write tcp://HOST:PORT or unix://PATH",
                        TEXT_ARGS(address));
        return;
    }
    *out = config_reader_keep(r, address);
}

static void config_read_listen(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct node_settings *settings = context;
    uint32_t count;

    if (!config_expect(r, node, YAML_SEQUENCE_NODE, "a list of addresses")) {
        return;
    }
    count = config_item_count(node);
    if (count == 0) {
        config_complain(r, node, "at least one address is wanted");
        return;
    }
    settings->listen = arena_take_array(r->arena, count, sizeof(*settings->listen));
    settings->listen_count = count;
    for (uint32_t i = 0; i < count; i++) {
        size_t before = config_reader_enter_item(r, i);
        read_address(r, config_reader_node(r, node->data.sequence.items.start[i]),
                     &settings->listen[i]);
        config_reader_leave(r, before);
    }
}

static void config_read_limits(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct node_settings *settings = context;

    config_section_read(r, node, &config_limits_section, &settings->limits, NULL);
}

static void check_journal(struct config_reader *r, const yaml_node_t *node,
                          const struct node_settings *settings)
{
    struct redis_address address;
    char problem[REDIS_PROBLEM_BYTES];

    if (begins_with(settings->journal, TEXT("redis"))) {
        if (!redis_address_parse(settings->journal, &address, problem, sizeof(problem))) {
            config_complain(r, node, "%s", problem);
        }
    } else if (!text_equal(settings->journal, TEXT("memory")) &&
               !begins_with(settings->journal, TEXT("file:"))) {
        config_complain(r, node,
                        "\"" TEXT_FORMAT
                        "\" is no journal; write memory, file:DIRECTORY, or redis://HOST:PORT",
                        TEXT_ARGS(settings->journal));
    }
}

static void config_read_node(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct config *c = context;
    const yaml_node_t *journal;

    if (config_section_read(r, node, &config_node_section, &c->node, &c->node)) {
        journal = config_reader_value(r, node, "journal");
        if (journal != NULL) {
            size_t before = config_reader_enter(r, TEXT("journal"));
            check_journal(r, journal, &c->node);
            config_reader_leave(r, before);
        }
    }
}

static void config_read_workspaces(struct config_reader *r, yaml_node_t *node, void *context)
{
    struct config *c = context;
    uint32_t count;

    if (!config_expect(r, node, YAML_MAPPING_NODE, "a map of name to workspace")) {
        return;
    }
    count = (uint32_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    if (count == 0) {
        config_complain(r, node, "at least one workspace is wanted");
        return;
    }
    c->workspaces = arena_take_array(&c->arena, count, sizeof(struct workspace_config *));
    for (uint32_t i = 0; i < count; i++) {
        const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];
        const yaml_node_t *key = config_reader_node(r, pair->key);
        size_t before = config_reader_enter(r, config_scalar_text(key));
        struct text name;
        struct workspace_config *w = NULL;
        if (config_read_name(r, key, &name)) {
            w = config_workspace_read(r, config_reader_node(r, pair->value), name);
        }
        if (w != NULL) {
            c->workspaces[c->workspace_count++] = w;
        }
        config_reader_leave(r, before);
    }
}

struct config *config_read(struct text yaml, struct config_problems *problems)
{
    struct config *c = memory_take(sizeof(*c));
    struct config_reader r;

    config_node_defaults(&c->node);
    if (config_reader_load(&r, yaml, problems)) {
        r.arena = &c->arena;
        config_section_read(&r, config_reader_root(&r), &config_file_section, NULL, c);
    }
    config_reader_close(&r);
    if (r.wrong) {
        config_destroy(c);
        return NULL;
    }
    return c;
}

struct config *config_read_file(const char *path, struct config_problems *problems)
{
    struct config_reader r = {.problems = problems};
    FILE *file = fopen(path, "rb");
    char *bytes;
    size_t size;
    struct config *c;

    if (file == NULL) {
        config_complain_at(&r, 0, 0, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    bytes = memory_take(CONFIG_BYTES_MAX + 1u);
    size = fread(bytes, 1, CONFIG_BYTES_MAX + 1u, file);
    if (ferror(file)) {
        config_complain_at(&r, 0, 0, "cannot be read: %s", strerror(errno));
        c = NULL;
    } else {
        c = config_read((struct text){bytes, (uint32_t)size}, problems);
    }
    fclose(file);
    memory_give(bytes);
    return c;
}

void config_destroy(struct config *c)
{
    if (c == NULL) {
        return;
    }
    for (uint32_t i = 0; i < c->workspace_count; i++) {
        workspace_config_release(c->workspaces[i]);
    }
    arena_close(&c->arena);
    memory_give(c);
}

struct workspace_config *config_find(const struct config *c, struct text workspace)
{
    for (uint32_t i = 0; i < c->workspace_count; i++) {
        if (text_equal(c->workspaces[i]->name, workspace)) {
            return c->workspaces[i];
        }
    }
    return NULL;
}

struct workspace_config *config_read_workspace(struct text yaml, struct config_problems *problems)
{
    struct workspace_config *w = NULL;
    struct config_reader r;

    if (config_reader_load(&r, yaml, problems)) {
        w = config_workspace_read(&r, config_reader_root(&r), TEXT_NONE);
    }
    config_reader_close(&r);
    return w;
}

void workspace_config_retain(struct workspace_config *w)
{
    __atomic_fetch_add(&w->references, 1, __ATOMIC_RELAXED);
}

void workspace_config_release(struct workspace_config *w)
{
    if (w == NULL || __atomic_fetch_sub(&w->references, 1, __ATOMIC_ACQ_REL) > 1) {
        return;
    }
    settings_release(w->settings);
    ruleset_release(w->ruleset);
    memory_give((void *)(uintptr_t)w->document.bytes);
    memory_give((void *)(uintptr_t)w->name.bytes);
    memory_give(w);
}

uint64_t config_digest(struct text document)
{
    uint64_t digest = UINT64_C(0xCBF29CE484222325);

    for (uint32_t i = 0; i < document.length; i++) {
        digest = (digest ^ (unsigned char)document.bytes[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}
