/* Lines from standard input, one at a time, on a loop: from a file, a pipe or a terminal.
 *
 * While it is paused no line comes, and no more is read than one buffer. On a terminal with a
 * prompt, the prompt edits the line (prompt.h). Lines come without their ends; a last one without
 * an end counts. A line over INPUT_LINE_MAX bytes is cut there. */
#ifndef PROTO_CLI_INPUT_H
#define PROTO_CLI_INPUT_H

#include <uv.h>

#include "proto/packer.h"
#include "queue/types.h"

#define INPUT_LINE_MAX (4u << 20)
#define INPUT_CHUNK    65536

struct prompt;

struct input {
    void *context;
    void (*line)(void *context, struct text line);
    void (*ended)(void *context); /* behind the last line; once */
    struct prompt *prompt;        /* NULL: the lines are read as they come */

    uv_handle_type type;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tty_t tty;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } source;
    uv_idle_t pump; /* hands out lines, and reads files */
    char chunk[INPUT_CHUNK];
    struct packer buffer;
    size_t start; /* of the next line in the buffer */
    bool has_source;
    bool source_ended;
    bool told_end;
    bool paused;
};

/* Nothing is called before the loop runs. With a prompt, standard input must be a terminal. */
void input_open(struct input *in, uv_loop_t *loop, struct prompt *prompt, void *context,
                void (*line)(void *context, struct text line), void (*ended)(void *context));

void input_pause(struct input *in);
void input_resume(struct input *in);

/* Its handles close with the next turn of the loop; no call comes any more. */
void input_close(struct input *in);

/* After the loop has run so. */
void input_free(struct input *in);

#endif
