#include "proto/client_frame.h"

#include "proto/cursor.h"
#include "proto/frame.h"

/* What every server takes, unless somebody configured less: the frame and its params are two of
 * them. */
#define CLIENT_FRAME_NESTING (16 - 2)

void client_frame_head(struct packer *p, uint32_t msgid, struct text method)
{
    uint8_t *to;

    packer_array(p, 4);
    packer_uint(p, 0);
    to = packer_room(p, 5);
    to[0] = 0xce;
    for (int i = 4; i > 0; i--) {
        to[i] = (uint8_t)msgid;
        msgid >>= 8;
    }
    packer_text(p, method);
    packer_array(p, 1);
}

enum switchboard_status client_frame_check(const void *params, size_t size, uint32_t frame_max)
{
    const struct frame_limits limits = {.bytes = frame_max, .nesting = CLIENT_FRAME_NESTING};
    struct cursor cursor = cursor_over(params, size);
    struct frame_scan scan;
    enum frame_status status;
    uint32_t pairs;

    frame_scan_init(&scan);
    status = frame_scan(&scan, params, size, &limits);
    if (status == FRAME_TOO_BIG || status == FRAME_TOO_DEEP) {
        return SWITCHBOARD_TOO_LARGE;
    }
    if (status != FRAME_DONE || scan.position != size || !cursor_map(&cursor, &pairs)) {
        return SWITCHBOARD_INVALID;
    }
    return pairs < UINT16_MAX ? SWITCHBOARD_OK : SWITCHBOARD_TOO_LARGE;
}

void client_frame_copy(struct packer *p, struct text map, const struct text *without,
                       size_t without_count, struct text id)
{
    struct cursor c = cursor_over_text(map);
    uint32_t pairs = 0, kept = 0;
    size_t place = packer_map_open(p);

    if (!text_is_none(id)) {
        packer_literal(p, "id");
        packer_text(p, id);
        kept++;
    }
    if (!cursor_map(&c, &pairs)) {
        pairs = 0;
    }
    for (; pairs > 0; pairs--) {
        struct cursor from = c;
        struct text key = TEXT_NONE;
        bool leave = false;

        if (!cursor_text(&c, &key) && !cursor_skip(&c)) {
            break;
        }
        if (!cursor_skip(&c)) {
            break;
        }
        for (size_t i = 0; i < without_count && !text_is_none(key); i++) {
            leave = leave || text_equal(key, without[i]);
        }
        if (!leave) {
            packer_raw(p, from.at, (size_t)(c.at - from.at));
            kept++;
        }
    }
    packer_map_close(p, place, kept);
}

bool client_frame_find(struct text map, struct text wanted, struct cursor *out)
{
    struct cursor c = cursor_over_text(map);
    uint32_t pairs;

    if (!cursor_map(&c, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        struct text key = TEXT_NONE;

        if (!cursor_text(&c, &key) && !cursor_skip(&c)) {
            return false;
        }
        if (!text_is_none(key) && text_equal(key, wanted)) {
            *out = c;
            return cursor_type(&c) != CURSOR_NIL;
        }
        if (!cursor_skip(&c)) {
            return false;
        }
    }
    return false;
}

int64_t client_frame_find_int(struct text map, struct text key, int64_t otherwise, int64_t least,
                              int64_t most)
{
    struct cursor found;
    int64_t value;

    if (!client_frame_find(map, key, &found) || !cursor_int(&found, &value) || value < least ||
        value > most) {
        return otherwise;
    }
    return value;
}

void client_frame_find_ints(struct text map, const struct text keys[2], int64_t values[2])
{
    struct cursor c = cursor_over_text(map);
    uint32_t pairs, left = 2;

    if (!cursor_map(&c, &pairs)) {
        return;
    }
    for (; pairs > 0 && left > 0; pairs--) {
        struct text key = TEXT_NONE;
        int which;

        if (!cursor_text(&c, &key) && !cursor_skip(&c)) {
            return;
        }
        which = text_equal(key, keys[0]) ? 0 : text_equal(key, keys[1]) ? 1 : -1;
        left -= which >= 0;
        if ((which < 0 || !cursor_int(&c, &values[which])) && !cursor_skip(&c)) {
            return;
        }
    }
}
