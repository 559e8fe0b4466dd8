#include "proto/client_line.h"

#include <assert.h>
#include <stdio.h>

#include "proto/client_frame.h"
#include "queue/base/memory.h"

#define CLIENT_LINE_HEARTBEAT_MS 30000 /* before hello has told better */
#define CLIENT_LINE_ROOM         65536

void client_line_init(struct client_line *l, int64_t connect_at)
{
    *l = (struct client_line){
        .state = CLIENT_APART, .connect_at = connect_at, .heartbeat_ms = CLIENT_LINE_HEARTBEAT_MS};
}

void client_line_close(struct client_line *l)
{
    memory_give(l->input.bytes);
    packer_close(&l->output);
    *l = (struct client_line){0};
}

void client_line_reach(struct client_line *l, int64_t until)
{
    assert(l->state == CLIENT_APART);
    l->state = CLIENT_REACHING;
    l->wants_close = l->deaf = l->left = l->curious = false;
    l->reach_until = until;
}

void client_line_connected(struct client_line *l, int64_t now)
{
    assert(l->state == CLIENT_REACHING);
    l->state = CLIENT_GREETING;
    l->received_at = l->pinged_at = l->sent_at = now;
    l->node[0] = '\0';
    l->input.start = l->input.size = 0;
    frame_scan_init(&l->input.scan);
    packer_reset(&l->output);
}

void client_line_disconnected(struct client_line *l, int64_t connect_at)
{
    l->state = CLIENT_APART;
    l->wants_close = l->deaf = l->left = l->curious = false;
    l->connect_at = connect_at;
    packer_reset(&l->output);
}

void client_line_drop(struct client_line *l)
{
    l->wants_close = l->deaf = true;
}

void client_line_leave(struct client_line *l)
{
    l->deaf = l->left = true;
}

/* ---- bytes ---- */

uint8_t *client_line_room(struct client_line *l, size_t *room)
{
    struct client_input *in = &l->input;

    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->size - in->start);
        in->size -= in->start;
        in->start = 0;
    }
    if (in->capacity - in->size < CLIENT_LINE_ROOM) {
        in->capacity = in->capacity * 2 + CLIENT_LINE_ROOM;
        in->bytes = memory_resize(in->bytes, in->capacity);
    }
    *room = in->capacity - in->size;
    return in->bytes + in->size;
}

void client_line_received(struct client_line *l, size_t size, int64_t now)
{
    assert(size <= l->input.capacity - l->input.size);
    l->input.size += size;
    l->received_at = now;
}

void client_line_say(struct client_line *l, enum client_own msgid, struct text method, int64_t now)
{
    client_frame_head(&l->output, msgid, method);
    packer_map(&l->output, 0);
    l->sent_at = now;
}

void client_line_greeted(struct client_line *l, struct text answer)
{
    struct cursor found;
    struct text node = TEXT_NONE;

    l->heartbeat_ms =
        client_frame_find_int(answer, TEXT("heartbeat_ms"), CLIENT_LINE_HEARTBEAT_MS, 1, INT32_MAX);
    if (client_frame_find(answer, TEXT("node"), &found)) {
        (void)cursor_text(&found, &node);
    }
    snprintf(l->node, sizeof(l->node), TEXT_FORMAT, TEXT_ARGS(node));
}

/* ---- time ---- */

/* One of the two sides has said nothing for a heartbeat: a ping is a sign of life and asks for one.
 * Who is curious pings in any case. */
static int64_t client_line_ping_at(const struct client_line *l)
{
    int64_t quiet = l->sent_at < l->received_at ? l->sent_at : l->received_at;

    return (quiet > l->pinged_at && !l->curious ? quiet : l->pinged_at) + l->heartbeat_ms;
}

/* Whoever is there does not even answer pings. */
static int64_t client_line_silent_at(const struct client_line *l)
{
    return l->received_at + 3 * l->heartbeat_ms;
}

int64_t client_line_next_tick(const struct client_line *l)
{
    int64_t ping, silent;

    if (l->deaf) {
        return CLIENT_NEVER; /* the hands end it, now or soon */
    }
    switch (l->state) {
    case CLIENT_APART:
        return l->connect_at;
    case CLIENT_REACHING:
    case CLIENT_GREETING:
        return l->reach_until;
    case CLIENT_READY:
        ping = client_line_ping_at(l);
        silent = client_line_silent_at(l);
        return ping < silent ? ping : silent;
    case CLIENT_REJECTED:
        break;
    }
    return CLIENT_NEVER;
}

void client_line_tick(struct client_line *l, int64_t now)
{
    if (now < client_line_next_tick(l) || l->state == CLIENT_APART) {
        return;
    }
    if (l->state != CLIENT_READY || now >= client_line_silent_at(l)) {
        client_line_drop(l);
    } else {
        l->pinged_at = now;
        client_line_say(l, CLIENT_MSGID_PING, TEXT("ping"), now);
    }
}
