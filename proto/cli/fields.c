#include "proto/cli/fields.h"

#include "proto/cursor.h"

/* The cursor stands at the value of that key. */
static bool fields_find(struct text map, const char *key, struct cursor *out)
{
    struct text wanted = text_from(key), found;
    uint32_t pairs;

    *out = cursor_over_text(map);
    if (text_is_none(map) || !cursor_map(out, &pairs)) {
        return false;
    }
    while (pairs-- > 0) {
        bool named = cursor_text(out, &found);

        if (named && text_equal(found, wanted)) {
            return true;
        }
        if ((!named && !cursor_skip(out)) || !cursor_skip(out)) {
            return false;
        }
    }
    return false;
}

struct text fields_text(struct text map, const char *key)
{
    struct cursor at;
    struct text found;

    return fields_find(map, key, &at) && cursor_text(&at, &found) ? found : TEXT_NONE;
}

bool fields_int(struct text map, const char *key, int64_t *out)
{
    struct cursor at;

    return fields_find(map, key, &at) && cursor_int(&at, out);
}

bool fields_double(struct text map, const char *key, double *out)
{
    struct cursor at;
    int64_t whole;

    if (!fields_find(map, key, &at)) {
        return false;
    }
    if (cursor_int(&at, &whole)) {
        *out = (double)whole;
        return true;
    }
    return cursor_double(&at, out);
}

bool fields_bool(struct text map, const char *key)
{
    struct cursor at;
    bool value = false;

    return fields_find(map, key, &at) && cursor_bool(&at, &value) && value;
}

struct text fields_inside(struct text map, const char *key)
{
    struct cursor at;
    struct text raw;
    enum cursor_type type;

    if (!fields_find(map, key, &at)) {
        return TEXT_NONE;
    }
    type = cursor_type(&at);
    return (type == CURSOR_MAP || type == CURSOR_ARRAY) && cursor_raw(&at, &raw) ? raw : TEXT_NONE;
}

static struct fields_items fields_rest(const struct cursor *at, uint32_t left)
{
    return (struct fields_items){{(const char *)at->at, (uint32_t)cursor_left(at)}, left};
}

struct fields_items fields_items(struct text list)
{
    struct cursor at = cursor_over_text(list);
    uint32_t count = 0;

    if (text_is_none(list) || !cursor_array(&at, &count)) {
        return (struct fields_items){0};
    }
    return fields_rest(&at, count);
}

bool fields_next(struct fields_items *items, struct text *out)
{
    struct cursor at = cursor_over_text(items->rest);

    if (items->left == 0 || !cursor_raw(&at, out)) {
        return false;
    }
    *items = fields_rest(&at, items->left - 1);
    return true;
}

struct fields_items fields_pairs(struct text map)
{
    struct cursor at = cursor_over_text(map);
    uint32_t count = 0;

    if (text_is_none(map) || !cursor_map(&at, &count)) {
        return (struct fields_items){0};
    }
    return fields_rest(&at, count);
}

bool fields_next_pair(struct fields_items *pairs, struct text *key, struct text *value)
{
    struct cursor at = cursor_over_text(pairs->rest);

    if (pairs->left == 0 || !cursor_text(&at, key) || !cursor_raw(&at, value)) {
        return false;
    }
    *pairs = fields_rest(&at, pairs->left - 1);
    return true;
}
