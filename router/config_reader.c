#include "router/config_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"

struct text config_scalar_text(const yaml_node_t *scalar)
{
    return (struct text){(const char *)scalar->data.scalar.value,
                         (uint32_t)scalar->data.scalar.length};
}

bool config_scalar_is(const yaml_node_t *node, const char *word)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           text_equal(config_scalar_text(node), text_from(word));
}

yaml_node_t *config_reader_root(struct config_reader *r)
{
    return yaml_document_get_root_node(&r->document);
}

yaml_node_t *config_reader_node(struct config_reader *r, int id)
{
    return yaml_document_get_node(&r->document, id);
}

yaml_node_t *config_reader_value(struct config_reader *r, const yaml_node_t *mapping,
                                 const char *key)
{
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        if (text_equal(config_scalar_text(config_reader_node(r, pair->key)), text_from(key))) {
            return config_reader_node(r, pair->value);
        }
    }
    return NULL;
}

struct text config_reader_keep(struct config_reader *r, struct text words)
{
    return r->settings != NULL ? settings_text(r->settings, words) : arena_text(r->arena, words);
}

/* What does not fit is left out: a path is for people. */
static size_t extend_path(struct config_reader *r, const char *part, int length)
{
    size_t before = r->path_length;
    size_t room = sizeof(r->path) - before - 1;
    size_t fitting = (size_t)length < room ? (size_t)length : room;

    memcpy(r->path + before, part, fitting);
    r->path_length = before + fitting;
    return before;
}

size_t config_reader_enter(struct config_reader *r, struct text key)
{
    char part[80];
    int shown = key.length > NAME_BYTES_MAX ? NAME_BYTES_MAX : (int)key.length;

    return extend_path(
        r, part,
        snprintf(part, sizeof(part), "%s%.*s", r->path_length == 0 ? "" : ".", shown, key.bytes));
}

size_t config_reader_enter_item(struct config_reader *r, size_t index)
{
    char part[32];

    return extend_path(r, part, snprintf(part, sizeof(part), "[%zu]", index + 1));
}

void config_reader_leave(struct config_reader *r, size_t before)
{
    r->path_length = before;
}

bool config_expect(struct config_reader *r, const yaml_node_t *node, yaml_node_type_t type,
                   const char *wanted)
{
    static const char *const found[] = {
        [YAML_NO_NODE] = "nothing",
        [YAML_SCALAR_NODE] = "a single value",
        [YAML_SEQUENCE_NODE] = "a list",
        [YAML_MAPPING_NODE] = "a map",
    };

    if (node->type == type) {
        return true;
    }
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0) {
        config_complain(r, node, "nothing stands here; %s is wanted", wanted);
    } else {
        config_complain(r, node, "this is %s; %s is wanted", found[node->type], wanted);
    }
    return false;
}

/* Loading. */

struct sorted_key {
    struct text key;
    const yaml_node_t *node;
};

static int compare_keys(const void *left, const void *right)
{
    const struct sorted_key *a = left;
    const struct sorted_key *b = right;
    int order = text_compare(a->key, b->key);

    return order != 0 ? order
                      : (a->node->start_mark.index > b->node->start_mark.index) -
                            (a->node->start_mark.index < b->node->start_mark.index);
}

/* False when something is no word at all: whoever reads on relies on keys being words. */
static bool check_keys(struct config_reader *r, const yaml_node_t *mapping)
{
    size_t count = (size_t)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
    struct sorted_key *keys = memory_take((count + 1) * sizeof(*keys));
    size_t texts = 0;

    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *key = config_reader_node(r, mapping->data.mapping.pairs.start[i].key);
        if (key->type != YAML_SCALAR_NODE) {
            config_complain(r, key, "a key is a single word");
            continue;
        }
        keys[texts++] = (struct sorted_key){config_scalar_text(key), key};
    }
    qsort(keys, texts, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < texts; i++) {
        if (text_equal(keys[i - 1].key, keys[i].key)) {
            size_t before = config_reader_enter(r, keys[i].key);
            config_complain(r, keys[i].node, "this key is given twice, first in line %zu",
                            keys[i - 1].node->start_mark.line + 1);
            config_reader_leave(r, before);
        }
    }
    memory_give(keys);
    return texts == count;
}

static bool has_usual_tag(const yaml_node_t *node)
{
    const char *usual = node->type == YAML_SCALAR_NODE     ? YAML_STR_TAG
                        : node->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
                                                           : YAML_MAP_TAG;
    return node->tag == NULL || strcmp((const char *)node->tag, usual) == 0;
}

/* Visit everything once for each time it is used. False when there is too much of it. */
static bool measure(struct config_reader *r, const yaml_node_t *node, unsigned depth)
{
    bool fits = true;

    r->visited++;
    if (r->visited > CONFIG_NODES_MAX) {
        if (r->visited == CONFIG_NODES_MAX + 1) {
            config_complain(r, node, "with its aliases written out the document is too large");
        }
        return false;
    }
    if (depth > CONFIG_DEPTH_MAX) {
        config_complain(r, node, "nested too deeply, or an alias that holds itself");
        return false;
    }
    if (!has_usual_tag(node)) {
        config_complain(r, node, "tags (%s) are not used here", (const char *)node->tag);
    }
    if (node->type == YAML_SEQUENCE_NODE) {
        for (const yaml_node_item_t *item = node->data.sequence.items.start;
             fits && item < node->data.sequence.items.top; item++) {
            size_t before =
                config_reader_enter_item(r, (size_t)(item - node->data.sequence.items.start));
            fits = measure(r, config_reader_node(r, *item), depth + 1);
            config_reader_leave(r, before);
        }
    } else if (node->type == YAML_MAPPING_NODE) {
        fits = check_keys(r, node);
        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             fits && pair < node->data.mapping.pairs.top; pair++) {
            const yaml_node_t *key = config_reader_node(r, pair->key);
            struct text name = key->type == YAML_SCALAR_NODE ? config_scalar_text(key) : TEXT("?");
            size_t before = config_reader_enter(r, name);
            fits = measure(r, config_reader_node(r, pair->value), depth + 1);
            config_reader_leave(r, before);
        }
    }
    return fits;
}

static void complain_of_syntax(struct config_reader *r, const yaml_parser_t *parser)
{
    const char *problem = parser->problem == NULL ? "the file cannot be read" : parser->problem;

    if (parser->error == YAML_READER_ERROR) {
        config_complain_at(r, 0, 0, "%s (byte %zu)", problem, parser->problem_offset);
        return;
    }
    config_complain_at(r, (uint32_t)parser->problem_mark.line + 1,
                       (uint32_t)parser->problem_mark.column + 1, "%s%s%s", problem,
                       parser->context == NULL ? "" : ", ",
                       parser->context == NULL ? "" : parser->context);
}

bool config_reader_load(struct config_reader *r, struct text yaml, struct config_problems *problems)
{
    yaml_parser_t parser;
    yaml_document_t second;
    bool whole;

    *r = (struct config_reader){.problems = problems};
    if (yaml.length > CONFIG_BYTES_MAX) {
        config_complain_at(r, 0, 0, "the configuration has %u bytes; at most %u are read",
                           yaml.length, CONFIG_BYTES_MAX);
        return false;
    }
    if (yaml_parser_initialize(&parser) == 0) {
        abort();
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.bytes, yaml.length);
    if (yaml_parser_load(&parser, &r->document) == 0) {
        complain_of_syntax(r, &parser);
        yaml_parser_delete(&parser);
        return false;
    }
    r->loaded = true;
    whole = config_reader_root(r) != NULL;
    if (!whole) {
        config_complain_at(r, 1, 1, "the configuration is empty");
    } else if (yaml_parser_load(&parser, &second) == 0) {
        complain_of_syntax(r, &parser);
        whole = false;
    } else {
        const yaml_node_t *root = yaml_document_get_root_node(&second);
        if (root != NULL) {
            config_complain(r, root, "a second document begins here; one is wanted");
        }
        yaml_document_delete(&second);
    }
    yaml_parser_delete(&parser);
    return whole && measure(r, config_reader_root(r), 0);
}

void config_reader_close(struct config_reader *r)
{
    if (r->loaded) {
        yaml_document_delete(&r->document);
        r->loaded = false;
    }
}

/* Did you mean. */

#define NEAREST_BYTES_MAX 40

void config_nearest_start(struct config_nearest *n, struct text wanted)
{
    /* A third of the letters may be wrong; more is another word, and one or two letters are near to
     * anything. */
    uint32_t limit = wanted.length <= 2 ? 1 : wanted.length / 3 + 2;

    *n = (struct config_nearest){.wanted = wanted, .distance = limit};
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Letters to put in, leave out, change or swap with their neighbour to make one of the other. */
static uint32_t edit_distance(struct text a, struct text b)
{
    uint32_t rows[3][NEAREST_BYTES_MAX + 1];
    uint32_t *before_last = rows[0];
    uint32_t *last = rows[1];
    uint32_t *now = rows[2];

    for (uint32_t k = 0; k <= b.length; k++) {
        last[k] = k;
    }
    for (uint32_t i = 1; i <= a.length; i++) {
        uint32_t *free_row = before_last;
        now[0] = i;
        for (uint32_t k = 1; k <= b.length; k++) {
            uint32_t change = last[k - 1] + (a.bytes[i - 1] != b.bytes[k - 1]);
            now[k] = least(change, least(last[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && a.bytes[i - 1] == b.bytes[k - 2] &&
                a.bytes[i - 2] == b.bytes[k - 1]) {
                now[k] = least(now[k], before_last[k - 2] + 1);
            }
        }
        before_last = last;
        last = now;
        now = free_row;
    }
    return last[b.length];
}

void config_nearest_offer(struct config_nearest *n, struct text candidate)
{
    uint32_t distance;

    if (n->wanted.length > NEAREST_BYTES_MAX || candidate.length > NEAREST_BYTES_MAX) {
        return;
    }
    distance = edit_distance(n->wanted, candidate);
    if (distance < n->distance) {
        n->distance = distance;
        n->best = candidate;
    }
}

const char *config_nearest_hint(const struct config_nearest *n, char *buffer, size_t size)
{
    if (n->best.bytes == NULL) {
        return "";
    }
    snprintf(buffer, size, "; did you mean \"" TEXT_FORMAT "\"?", TEXT_ARGS(n->best));
    return buffer;
}

/* Canonical text. */

struct growing {
    char *bytes;
    size_t length;
    size_t capacity;
};

static int write_growing(void *context, unsigned char *bytes, size_t size)
{
    struct growing *g = context;

    while (g->length + size > g->capacity) {
        g->capacity = g->capacity == 0 ? 4096 : g->capacity * 2;
        g->bytes = memory_resize(g->bytes, g->capacity);
    }
    memcpy(g->bytes + g->length, bytes, size);
    g->length += size;
    return 1;
}

static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
    if (made == 0 || yaml_emitter_emit(emitter, event) == 0) {
        abort(); /* no memory: the nodes have been checked, nothing else can fail */
    }
}

static void emit_node(struct config_reader *r, yaml_emitter_t *emitter, const yaml_node_t *node)
{
    yaml_event_t event;

    if (node->type == YAML_SCALAR_NODE) {
        /* Whether a scalar was plain decides whether 5 is a number: that much of the style is
         * meaning. */
        bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        emit(emitter, &event,
             yaml_scalar_event_initialize(
                 &event, NULL, NULL, node->data.scalar.value, (int)node->data.scalar.length, plain,
                 !plain, plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE));
    } else if (node->type == YAML_SEQUENCE_NODE) {
        emit(
            emitter, &event,
            yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
        for (const yaml_node_item_t *item = node->data.sequence.items.start;
             item < node->data.sequence.items.top; item++) {
            emit_node(r, emitter, config_reader_node(r, *item));
        }
        emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
    } else {
        emit(emitter, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             pair < node->data.mapping.pairs.top; pair++) {
            emit_node(r, emitter, config_reader_node(r, pair->key));
            emit_node(r, emitter, config_reader_node(r, pair->value));
        }
        emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
    }
}

struct text config_canonical(struct config_reader *r, const yaml_node_t *node)
{
    struct growing out = {0};
    yaml_emitter_t emitter;
    yaml_event_t event;

    if (yaml_emitter_initialize(&emitter) == 0) {
        abort();
    }
    yaml_emitter_set_output(&emitter, write_growing, &out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_node(r, &emitter, node);
    emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_flush(&emitter);
    yaml_emitter_delete(&emitter);
    write_growing(&out, (unsigned char *)(uintptr_t) "", 1);
    return (struct text){out.bytes, (uint32_t)out.length - 1};
}
