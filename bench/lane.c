#include "bench/lane.h"

#include <string.h>

#include "queue/base/memory.h"

#define LANE_INPUT_ROOM (32u << 10) /* behind the beginning of a frame */
#define LANE_INPUT_KEPT (64u << 10) /* a lane that is idle does not sit on more */
#define LANE_FRAME_MAX  (64u << 20)

void lanes_init(struct lanes *l, uv_loop_t *loop)
{
    *l = (struct lanes){.loop = loop};
    list_init(&l->dirty);
    l->shared = memory_take(LANE_SHARED_BYTES);
}

void lanes_close(struct lanes *l)
{
    memory_give(l->shared);
    l->shared = NULL;
}

static void lane_on_closed(uv_handle_t *handle)
{
    struct lane *lane = handle->data;

    packer_close(&lane->output);
    packer_close(&lane->writing);
    memory_give(lane->input);
    lane->input = NULL;
    lane->input_size = lane->input_capacity = 0;
    if (lane->again) {
        int status;

        lane->again = lane->ended = false;
        status = lane_start(lane, lane->lanes, lane->to);
        if (status < 0) {
            lane->on_end(lane, uv_strerror(status));
        }
    }
}

void lane_restart(struct lane *lane)
{
    if (!lane->ended && lane->lanes != NULL) {
        lane_stop(lane);
        lane->again = true;
    }
}

void lane_stop(struct lane *lane)
{
    lane->again = false;
    if (lane->ended || lane->lanes == NULL) {
        return;
    }
    lane->ended = true;
    lane->connected = false;
    if (list_linked(&lane->dirty)) {
        list_remove(&lane->dirty);
    }
    uv_close(&lane->socket.handle, lane_on_closed);
}

static void lane_fail(struct lane *lane, const char *why)
{
    if (lane->ended) {
        return;
    }
    lane_stop(lane);
    lane->on_end(lane, why);
}

/* Writing. */

static void lane_flush(struct lane *lane);

static void lane_on_written(uv_write_t *write, int status)
{
    struct lane *lane = write->data;

    lane->write_pending = false;
    packer_reset(&lane->writing);
    if (status < 0) {
        lane_fail(lane, uv_strerror(status));
    } else if (lane->output.size > 0) {
        lane_flush(lane);
    }
}

static void lane_flush(struct lane *lane)
{
    struct packer empty = lane->writing;
    uv_buf_t buffer;
    int written;

    if (!lane->connected || lane->output.size == 0) {
        return;
    }
    lane->writing = lane->output;
    lane->output = empty;
    lane->lanes->bytes_out += lane->writing.size;
    lane->lanes->writes++;
    lane->sent_at_ms = uv_now(lane->lanes->loop);
    buffer = uv_buf_init((char *)lane->writing.bytes, (unsigned)lane->writing.size);
    written = uv_try_write(&lane->socket.stream, &buffer, 1);
    if (written == (int)lane->writing.size) {
        packer_reset(&lane->writing);
        return;
    }
    if (written > 0) {
        buffer.base += written;
        buffer.len -= (size_t)written;
    } else if (written < 0 && written != UV_EAGAIN) {
        lane_fail(lane, uv_strerror(written));
        return;
    }
    lane->write.data = lane;
    lane->write_pending = true;
    written = uv_write(&lane->write, &lane->socket.stream, &buffer, 1, lane_on_written);
    if (written < 0) {
        lane->write_pending = false;
        lane_fail(lane, uv_strerror(written));
    }
}

void lanes_flush(struct lanes *l)
{
    while (!list_empty(&l->dirty)) {
        struct lane *lane = record_of(list_first(&l->dirty), struct lane, dirty);

        list_remove(&lane->dirty);
        lane_flush(lane);
    }
}

/* Reading. */

static bool lane_error_read(struct lane_frame *out, struct cursor *at)
{
    uint32_t pairs;
    struct text key, value;

    if (!cursor_map(at, &pairs)) {
        return false;
    }
    out->error = TEXT("internal");
    for (; pairs > 0; pairs--) {
        struct cursor before;

        if (!cursor_text(at, &key)) {
            return false;
        }
        before = *at;
        if (!cursor_skip(at)) {
            return false;
        }
        if (cursor_text(&before, &value)) {
            if (text_equal(key, TEXT("code"))) {
                out->error = value;
            } else if (text_equal(key, TEXT("message"))) {
                out->words = value;
            }
        }
    }
    return true;
}

static bool lane_response_read(struct lane_frame *out, struct cursor *at)
{
    uint64_t msgid;

    out->notice = false;
    if (!cursor_uint(at, &msgid)) {
        return false;
    }
    out->msgid = (uint32_t)msgid;
    if (!cursor_nil(at) && !lane_error_read(out, at)) {
        return false;
    }
    return cursor_raw(at, &out->map);
}

static bool lane_notice_read(struct lane_frame *out, struct cursor *at)
{
    uint32_t items;

    out->notice = true;
    return cursor_text(at, &out->method) && cursor_array(at, &items) && items == 1 &&
           cursor_raw(at, &out->map);
}

ssize_t lane_frame_read(struct lane_frame *out, const uint8_t *bytes, size_t size)
{
    struct cursor at = cursor_over(bytes + 2, size < 2 ? 0 : size - 2);
    bool whole;

    if (size < 2) {
        return 0;
    }
    *out = (struct lane_frame){.error = TEXT_NONE, .method = TEXT_NONE};
    /* The first two bytes of every frame: an array of 4 and a 1, or an array of 3 and a 2. */
    if (bytes[0] == 0x94 && bytes[1] == 1) {
        whole = lane_response_read(out, &at);
    } else if (bytes[0] == 0x93 && bytes[1] == 2) {
        whole = lane_notice_read(out, &at);
    } else {
        return -1;
    }
    if (whole) {
        return at.at - bytes;
    }
    return size < LANE_FRAME_MAX ? 0 : -1;
}

static void lane_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct lane *lane = handle->data;

    (void)suggested;
    if (lane->input_size == 0) {
        *out = uv_buf_init((char *)lane->lanes->shared, LANE_SHARED_BYTES);
        return;
    }
    if (lane->input_capacity - lane->input_size < LANE_INPUT_ROOM) {
        lane->input_capacity = lane->input_capacity * 2 + LANE_INPUT_ROOM;
        lane->input = memory_resize(lane->input, lane->input_capacity);
    }
    *out = uv_buf_init((char *)lane->input + lane->input_size,
                       (unsigned)(lane->input_capacity - lane->input_size));
}

/* Keep the beginning of a frame, which may stand in the lane's own input or in what all share. */
static void lane_keep(struct lane *lane, const uint8_t *bytes, size_t size)
{
    if (size > lane->input_capacity) {
        lane->input_capacity = size + LANE_INPUT_ROOM;
        lane->input = memory_resize(lane->input, lane->input_capacity);
    } else if (size == 0 && lane->input_capacity > LANE_INPUT_KEPT) {
        memory_give(lane->input);
        lane->input = NULL;
        lane->input_capacity = 0;
    }
    if (size > 0) {
        memmove(lane->input, bytes, size);
    }
    lane->input_size = size;
}

static void lane_take(struct lane *lane, const uint8_t *bytes, size_t size)
{
    struct lane_frame frame;
    size_t taken = 0;

    while (!lane->ended) {
        ssize_t length = lane_frame_read(&frame, bytes + taken, size - taken);

        if (length == 0) {
            lane_keep(lane, bytes + taken, size - taken);
            return;
        }
        if (length < 0) {
            lane_fail(lane, "what the server sent is no MessagePack-RPC");
            return;
        }
        taken += (size_t)length;
        lane->lanes->frames_in++;
        lane->on_frame(lane, &frame);
    }
}

static void lane_on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct lane *lane = stream->data;

    (void)buffer;
    if (size < 0) {
        lane_fail(lane, size == UV_EOF ? "the server closed it" : uv_strerror((int)size));
        return;
    }
    lane->lanes->now_ns = uv_hrtime();
    lane->lanes->reads++;
    lane->lanes->bytes_in += (size_t)size;
    lane_take(lane, lane->input_size == 0 ? lane->lanes->shared : lane->input,
              lane->input_size + (size_t)size);
}

/* Connecting. */

static void lane_on_connected(uv_connect_t *connect, int status)
{
    struct lane *lane = connect->data;

    if (lane->ended) {
        return;
    }
    if (status == 0) {
        status = uv_read_start(&lane->socket.stream, lane_on_room, lane_on_read);
    }
    if (status < 0) {
        lane_fail(lane, uv_strerror(status));
        return;
    }
    lane->connected = true;
    lane->on_connected(lane);
}

int lane_start(struct lane *lane, struct lanes *lanes, const struct address *to)
{
    int status;

    lane->lanes = lanes;
    lane->to = to;
    lane->connect.data = lane;
    if (to->local) {
        (void)uv_pipe_init(lanes->loop, &lane->socket.pipe, 0);
        lane->socket.handle.data = lane;
        uv_pipe_connect(&lane->connect, &lane->socket.pipe, to->path, lane_on_connected);
        return 0;
    }
    (void)uv_tcp_init(lanes->loop, &lane->socket.tcp);
    lane->socket.handle.data = lane;
    (void)uv_tcp_nodelay(&lane->socket.tcp, 1);
    status = lane->from == NULL ? 0 : uv_tcp_bind(&lane->socket.tcp, lane->from, 0);
    if (status == 0) {
        status = uv_tcp_connect(&lane->connect, &lane->socket.tcp,
                                (const struct sockaddr *)&to->tcp, lane_on_connected);
    }
    if (status < 0) {
        lane_stop(lane);
    }
    return status;
}
