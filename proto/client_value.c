/* Maps to be sent, and values that came: the part of the library that knows neither server nor
 * loop. */
#include "proto/cursor.h"
#include "proto/include/switchboard/client.h"
#include "proto/packer.h"
#include "queue/base/memory.h"

#include <assert.h>

#define CLIENT_LEVELS 16

/* Of each map or array that is open: where its head is and how much it has. */
struct switchboard_map {
    struct packer packer;
    struct {
        size_t place;
        uint32_t count;
        bool list;
    } level[CLIENT_LEVELS];
    unsigned depth;
};

static void client_map_open(struct switchboard_map *map, bool list)
{
    size_t place;

    assert(map->depth < CLIENT_LEVELS && "15 maps and arrays one in the other, no more");
    place = list ? packer_array_open(&map->packer) : packer_map_open(&map->packer);
    map->level[map->depth].place = place;
    map->level[map->depth].count = 0;
    map->level[map->depth].list = list;
    map->depth++;
}

/* Every entry begins here: counted, and with its key where it stands in a map. */
static struct packer *client_map_entry(struct switchboard_map *map, const char *key)
{
    if (map->depth == 0) {
        switchboard_map_reset(map); /* it was finished; begin the next one */
    }
    assert(map->level[map->depth - 1].count < UINT16_MAX);
    map->level[map->depth - 1].count++;
    if (!map->level[map->depth - 1].list) {
        packer_text(&map->packer, text_from(key));
    }
    return &map->packer;
}

struct switchboard_map *switchboard_map_create(void)
{
    struct switchboard_map *map = memory_take(sizeof(*map));

    switchboard_map_reset(map);
    return map;
}

void switchboard_map_destroy(struct switchboard_map *map)
{
    packer_close(&map->packer);
    memory_give(map);
}

void switchboard_map_reset(struct switchboard_map *map)
{
    packer_reset(&map->packer);
    map->depth = 0;
    client_map_open(map, false);
}

void switchboard_map_text(struct switchboard_map *map, const char *key, const char *value)
{
    packer_text(client_map_entry(map, key), text_from(value));
}

void switchboard_map_text_of(struct switchboard_map *map, const char *key, const char *bytes,
                             size_t length)
{
    packer_text_of(client_map_entry(map, key), bytes, length);
}

void switchboard_map_bin(struct switchboard_map *map, const char *key, const void *bytes,
                         size_t size)
{
    packer_bin(client_map_entry(map, key), bytes, size);
}

void switchboard_map_int(struct switchboard_map *map, const char *key, int64_t value)
{
    packer_int(client_map_entry(map, key), value);
}

void switchboard_map_double(struct switchboard_map *map, const char *key, double value)
{
    packer_double(client_map_entry(map, key), value);
}

void switchboard_map_bool(struct switchboard_map *map, const char *key, bool value)
{
    packer_bool(client_map_entry(map, key), value);
}

void switchboard_map_nil(struct switchboard_map *map, const char *key)
{
    packer_nil(client_map_entry(map, key));
}

void switchboard_map_open(struct switchboard_map *map, const char *key)
{
    client_map_entry(map, key);
    client_map_open(map, false);
}

void switchboard_map_list(struct switchboard_map *map, const char *key)
{
    client_map_entry(map, key);
    client_map_open(map, true);
}

void switchboard_map_close(struct switchboard_map *map)
{
    assert(map->depth > 0);
    map->depth--;
    if (map->level[map->depth].list) {
        packer_array_close(&map->packer, map->level[map->depth].place,
                           map->level[map->depth].count);
    } else {
        packer_map_close(&map->packer, map->level[map->depth].place, map->level[map->depth].count);
    }
}

const void *switchboard_map_bytes(struct switchboard_map *map)
{
    while (map->depth > 0) {
        switchboard_map_close(map);
    }
    return map->packer.bytes;
}

size_t switchboard_map_size(struct switchboard_map *map)
{
    (void)switchboard_map_bytes(map);
    return map->packer.size;
}

/* Reads the object at the cursor, whatever it is, and moves behind it. */
static bool client_value_read(struct cursor *c, struct switchboard_value *out)
{
    struct cursor at = *c;
    struct text raw, text;
    bool flag;

    if (!cursor_raw(c, &raw)) {
        return false;
    }
    *out = (struct switchboard_value){
        .type = SWITCHBOARD_OTHER, .bytes = raw.bytes, .size = raw.length};
    switch (cursor_type(&at)) {
    case CURSOR_NIL:
        out->type = SWITCHBOARD_NIL;
        break;
    case CURSOR_BOOL:
        out->type = SWITCHBOARD_BOOL;
        out->number = cursor_bool(&at, &flag) && flag;
        break;
    case CURSOR_INT:
        out->type = cursor_int(&at, &out->number) ? SWITCHBOARD_INT : SWITCHBOARD_OTHER;
        break;
    case CURSOR_FLOAT:
        out->type = cursor_double(&at, &out->real) ? SWITCHBOARD_DOUBLE : SWITCHBOARD_OTHER;
        break;
    case CURSOR_TEXT:
    case CURSOR_BIN:
        out->type = cursor_type(&at) == CURSOR_TEXT ? SWITCHBOARD_TEXT : SWITCHBOARD_BIN;
        if (cursor_bytes(&at, &text)) {
            out->bytes = text.bytes;
            out->size = text.length;
        }
        break;
    case CURSOR_ARRAY:
        out->type = SWITCHBOARD_LIST;
        break;
    case CURSOR_MAP:
        out->type = SWITCHBOARD_MAP;
        break;
    case CURSOR_EXT:
    case CURSOR_END:
    case CURSOR_BAD:
        break;
    }
    return true;
}

bool switchboard_get(const void *map, size_t map_size, const char *key,
                     struct switchboard_value *out)
{
    struct cursor c = cursor_over(map, map_size);
    struct text wanted = text_from(key);
    uint32_t pairs;

    if (!cursor_map(&c, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        struct text found = TEXT_NONE;

        if (!cursor_text(&c, &found) && !cursor_skip(&c)) {
            return false;
        }
        if (!text_is_none(found) && text_equal(found, wanted)) {
            return client_value_read(&c, out);
        }
        if (!cursor_skip(&c)) {
            return false;
        }
    }
    return false;
}

bool switchboard_items_start(struct switchboard_items *items, const void *list, size_t list_size)
{
    struct cursor c = cursor_over(list, list_size);
    uint32_t count;

    if (cursor_map(&c, &count)) {
        items->left = 2 * (uint64_t)count;
    } else if (cursor_array(&c, &count)) {
        items->left = count;
    } else {
        items->left = 0;
        return false;
    }
    items->at = c.at;
    items->size = cursor_left(&c);
    return true;
}

bool switchboard_items_next(struct switchboard_items *items, struct switchboard_value *out)
{
    struct cursor c;

    if (items->left == 0) {
        return false;
    }
    c = cursor_over(items->at, items->size);
    if (!client_value_read(&c, out)) {
        items->left = 0;
        return false;
    }
    items->left--;
    items->at = c.at;
    items->size = cursor_left(&c);
    return true;
}

const char *switchboard_status_text(enum switchboard_status status)
{
    switch (status) {
    case SWITCHBOARD_OK:
        return "done";
    case SWITCHBOARD_REFUSED:
        return "the server answered with an error";
    case SWITCHBOARD_UNKNOWN:
        return "the connection ended before the answer, and the call must not be repeated";
    case SWITCHBOARD_CLOSED:
        return "the client is closed";
    case SWITCHBOARD_FULL:
        return "too many calls wait for their answers";
    case SWITCHBOARD_INVALID:
        return "the address, the options or the parameters make no sense";
    case SWITCHBOARD_TOO_LARGE:
        return "the request is larger than the server takes";
    }
    return "an unknown status";
}
