#include "proto/walk.h"

void walk_start(struct walk *w, struct text raw)
{
    uint32_t count = 0;

    w->cursor = cursor_over_text(raw);
    w->pairs = cursor_map(&w->cursor, &count);
    if (!w->pairs && !cursor_array(&w->cursor, &count)) {
        count = 0;
    }
    w->left = count;
}

/* The key of the next pair, or the next item of an array; false behind the last. */
static bool walk_next(struct walk *w, struct text *key)
{
    if (w->left == 0 || !cursor_text(&w->cursor, key)) {
        w->left = 0;
        return false;
    }
    w->left--;
    return true;
}

/* An integer from `least` to `most` that fits 32 bits. */
static bool walk_number(struct cursor *c, int64_t least, int64_t most, uint32_t *out)
{
    int64_t value;

    if (!cursor_int(c, &value) || value < least || value > most) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

bool walk_skill(struct walk *w, struct walk_skill *out)
{
    uint32_t level;

    if (!walk_next(w, &out->skill) || !walk_number(&w->cursor, 1, 5, &level)) {
        return false;
    }
    out->level = (uint8_t)level;
    return true;
}

bool walk_attribute(struct walk *w, struct walk_attribute *out)
{
    struct cursor value;

    if (!walk_next(w, &out->name)) {
        return false;
    }
    value = w->cursor;
    if (!cursor_raw(&w->cursor, &out->raw)) {
        return false;
    }
    out->type = cursor_type(&value);
    switch (out->type) {
    case CURSOR_NIL:
        return true;
    case CURSOR_BOOL:
        return cursor_bool(&value, &out->value.flag);
    case CURSOR_INT:
        return cursor_int(&value, &out->value.number);
    case CURSOR_FLOAT:
        return cursor_double(&value, &out->value.real);
    case CURSOR_TEXT:
        return cursor_text(&value, &out->value.text);
    case CURSOR_BIN:
    case CURSOR_ARRAY:
    case CURSOR_MAP:
    case CURSOR_EXT:
    case CURSOR_END:
    case CURSOR_BAD:
        break;
    }
    return false;
}

bool walk_queue(struct walk *w, struct walk_queue *out)
{
    out->rank = 0;
    return walk_next(w, &out->queue) &&
           (!w->pairs || walk_number(&w->cursor, 0, WALK_NUMBER_MAX, &out->rank));
}

bool walk_channel(struct walk *w, struct walk_channel *out)
{
    return walk_next(w, &out->channel) &&
           walk_number(&w->cursor, 0, WALK_NUMBER_MAX, &out->contacts);
}

void walk_customer(struct text raw, struct walk_customer *out)
{
    struct walk w;
    struct text key;
    struct cursor value;

    *out = (struct walk_customer){TEXT_NONE, TEXT_NONE, TEXT_NONE};
    walk_start(&w, raw);
    while (walk_next(&w, &key)) {
        value = w.cursor;
        if (!cursor_skip(&w.cursor)) {
            return;
        }
        if (cursor_type(&value) == CURSOR_NIL) {
            continue;
        }
        if (text_equal(key, TEXT("id"))) {
            (void)cursor_text(&value, &out->id);
        } else if (text_equal(key, TEXT("tier"))) {
            (void)cursor_text(&value, &out->tier);
        } else if (text_equal(key, TEXT("attributes"))) {
            (void)cursor_raw(&value, &out->attributes);
        }
    }
}

void walk_capacity(struct text raw, struct walk_capacity *out)
{
    struct cursor whole = cursor_over_text(raw);
    struct walk w;
    struct text key;
    struct cursor value;

    *out = (struct walk_capacity){false, 0, TEXT_NONE};
    if (cursor_type(&whole) == CURSOR_INT) {
        out->has_units = walk_number(&whole, 1, WALK_NUMBER_MAX, &out->units);
        return;
    }
    walk_start(&w, raw);
    while (walk_next(&w, &key)) {
        value = w.cursor;
        if (!cursor_skip(&w.cursor)) {
            return;
        }
        if (cursor_type(&value) == CURSOR_NIL) {
            continue;
        }
        if (text_equal(key, TEXT("units"))) {
            out->has_units = walk_number(&value, 1, WALK_NUMBER_MAX, &out->units);
        } else if (text_equal(key, TEXT("max"))) {
            (void)cursor_raw(&value, &out->max);
        }
    }
}
