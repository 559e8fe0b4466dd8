#include "router/classify/attributes.h"

#include "proto/cursor.h"

/* False when the value is no scalar and was passed over, or could not be read at all. */
static bool read_scalar(struct cursor *c, struct scalar *out)
{
    int64_t whole;
    uint64_t large;

    *out = (struct scalar){.kind = SCALAR_NIL};
    switch (cursor_type(c)) {
    case CURSOR_NIL:
        return cursor_nil(c);
    case CURSOR_BOOL:
        out->kind = SCALAR_BOOL;
        return cursor_bool(c, &out->boolean);
    case CURSOR_INT:
        out->kind = SCALAR_NUMBER;
        if (cursor_int(c, &whole)) {
            out->number = (double)whole;
            return true;
        }
        if (cursor_uint(c, &large)) {
            out->number = (double)large;
            return true;
        }
        return false;
    case CURSOR_FLOAT:
        out->kind = SCALAR_NUMBER;
        return cursor_double(c, &out->number);
    case CURSOR_TEXT:
        out->kind = SCALAR_STRING;
        return cursor_text(c, &out->string);
    case CURSOR_END:
    case CURSOR_BIN:
    case CURSOR_ARRAY:
    case CURSOR_MAP:
    case CURSOR_EXT:
    case CURSOR_BAD:
    default:
        return false;
    }
}

void attributes_read(struct text map, attribute_visit visit, void *context)
{
    struct cursor c = cursor_over_text(map);
    uint32_t pairs;

    if (!cursor_map(&c, &pairs)) {
        return;
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct text key;
        struct scalar value;
        bool named = cursor_text(&c, &key);
        if (!named && !cursor_skip(&c)) {
            return;
        }
        if (!read_scalar(&c, &value)) {
            if (!cursor_skip(&c)) {
                return;
            }
        } else if (named) {
            visit(context, key, &value);
        }
    }
}
