#include "proto/cli/input.h"

#include <errno.h>
#include <unistd.h>

#include "proto/cli/prompt.h"

static void input_add(struct input *in, const char *bytes, size_t size)
{
    if (in->prompt != NULL) {
        in->source_ended = !prompt_feed(in->prompt, bytes, size, &in->buffer);
    } else {
        packer_raw(&in->buffer, bytes, size);
    }
}

static void input_end(struct input *in)
{
    in->source_ended = true;
    if (in->has_source) {
        uv_read_stop(&in->source.stream);
    }
}

static void input_on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct input *in = handle->data;

    (void)wanted;
    *out = uv_buf_init(in->chunk, sizeof(in->chunk));
}

static void input_on_pump(uv_idle_t *pump);

static void input_on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct input *in = stream->data;

    if (size < 0) {
        input_end(in);
    } else {
        input_add(in, buffer->base, (size_t)size);
        if (in->source_ended) {
            input_end(in);
        }
    }
    uv_idle_start(&in->pump, input_on_pump);
}

/* Files are always ready, and polling refuses them: read when the lines are used up. */
static void input_read_file(struct input *in)
{
    ssize_t got;

    do {
        got = read(STDIN_FILENO, in->chunk, sizeof(in->chunk));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        in->source_ended = true;
    } else {
        input_add(in, in->chunk, (size_t)got);
    }
}

/* The next line in the buffer, if it is whole. */
static bool input_take(struct input *in, struct text *out)
{
    const char *begin = (const char *)in->buffer.bytes + in->start;
    size_t left = in->buffer.size - in->start;
    const char *end = left == 0 ? NULL : memchr(begin, '\n', left);
    size_t length = end != NULL ? (size_t)(end - begin) : left;

    if (end == NULL && left < INPUT_LINE_MAX && (!in->source_ended || left == 0)) {
        return false;
    }
    length = length < INPUT_LINE_MAX ? length : INPUT_LINE_MAX;
    in->start += length + (end == begin + length ? 1 : 0);
    length -= length > 0 && begin[length - 1] == '\r' ? 1 : 0;
    *out = (struct text){begin, (uint32_t)length};
    return true;
}

static void input_forget(struct input *in)
{
    if (in->start > 0) {
        memmove(in->buffer.bytes, in->buffer.bytes + in->start, in->buffer.size - in->start);
        in->buffer.size -= in->start;
        in->start = 0;
    }
}

/* One line a turn of the loop, so that answers are heard between the lines. */
static void input_on_pump(uv_idle_t *pump)
{
    struct input *in = pump->data;
    struct text line;

    if (in->paused) {
        uv_idle_stop(&in->pump);
    } else if (input_take(in, &line)) {
        in->line(in->context, line);
    } else if (in->source_ended) {
        uv_idle_stop(&in->pump);
        if (!in->told_end) {
            in->told_end = true;
            in->ended(in->context);
        }
    } else {
        input_forget(in);
        if (in->has_source) {
            uv_idle_stop(&in->pump);
            uv_read_start(&in->source.stream, input_on_room, input_on_read);
        } else {
            input_read_file(in);
        }
    }
}

static int input_open_source(struct input *in, uv_loop_t *loop)
{
    switch (
        (int)in->type) { /* the handles that standard input can be; the rest is read as a file */
    case UV_TTY:
        return uv_tty_init(loop, &in->source.tty, STDIN_FILENO, 0);
    case UV_NAMED_PIPE:
        return uv_pipe_init(loop, &in->source.pipe, 0) != 0
                   ? UV_EINVAL
                   : uv_pipe_open(&in->source.pipe, STDIN_FILENO);
    case UV_TCP:
        return uv_tcp_init(loop, &in->source.tcp) != 0 ? UV_EINVAL
                                                       : uv_tcp_open(&in->source.tcp, STDIN_FILENO);
    default:
        return UV_ENOTSUP;
    }
}

void input_open(struct input *in, uv_loop_t *loop, struct prompt *prompt, void *context,
                void (*line)(void *context, struct text line), void (*ended)(void *context))
{
    memset(in, 0, sizeof(*in));
    in->context = context;
    in->line = line;
    in->ended = ended;
    in->prompt = prompt;
    in->type = uv_guess_handle(STDIN_FILENO);
    in->has_source = input_open_source(in, loop) == 0;
    in->source.handle.data = in;
    if (prompt != NULL && in->has_source) {
        uv_tty_set_mode(&in->source.tty, UV_TTY_MODE_RAW);
    }
    uv_idle_init(loop, &in->pump);
    in->pump.data = in;
    uv_idle_start(&in->pump, input_on_pump);
}

void input_pause(struct input *in)
{
    in->paused = true;
    if (in->has_source && in->prompt == NULL) { /* at a prompt one may go on typing */
        uv_read_stop(&in->source.stream);
    }
}

void input_resume(struct input *in)
{
    in->paused = false;
    if (!uv_is_closing((uv_handle_t *)&in->pump)) {
        uv_idle_start(&in->pump, input_on_pump);
    }
}

void input_close(struct input *in)
{
    if (in->prompt != NULL) {
        uv_tty_reset_mode();
    }
    if (in->has_source) {
        uv_close(&in->source.handle, NULL);
    }
    uv_close((uv_handle_t *)&in->pump, NULL);
}

void input_free(struct input *in)
{
    packer_close(&in->buffer);
}
