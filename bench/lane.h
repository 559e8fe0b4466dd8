/* A connection that costs next to nothing: what `load` sends its traffic through.
 *
 * The client library keeps every request until it is answered, so that it can be sent again; a
 * generator that is to keep a router busy with one core cannot afford that. A lane packs frames
 * straight into its output, writes all that a turn of the loop has to say at once (lanes_flush),
 * and hands every frame that comes to one function. It does not reconnect by itself: a load test
 * whose connection ends has found something, and says so.
 *
 * Belongs to one loop and its thread. `on_frame` and `on_end` come from the loop and from
 * lanes_flush. */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include "bench/address.h"
#include "proto/cursor.h"
#include "proto/packer.h"
#include "queue/base/list.h"

#include <uv.h>

struct lane;

/* One frame from the server; everything points into what was read and lives during the call. */
struct lane_frame {
    bool notice;
    uint32_t msgid;     /* of a response */
    struct text method; /* of a notice */
    struct text error;  /* the error's code, absent when there was none */
    struct text words;  /* and its message */
    struct text map;    /* result, or params: MessagePack of one map */
};

#define LANE_SHARED_BYTES (128u << 10)

struct lanes {
    uv_loop_t *loop;
    uint8_t *shared;   /* where all lanes read into; a lane keeps only what is not whole yet */
    struct list dirty; /* lanes with something to write */
    uint64_t now_ns;   /* of uv_hrtime: sampled once for each batch of bytes */
    uint64_t bytes_in, bytes_out, frames_in;
    uint64_t writes, reads;
};

struct lane {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct lanes *lanes;
    struct list_node dirty;
    uv_connect_t connect;
    uv_write_t write;
    struct packer output;
    struct packer writing;
    bool write_pending;
    bool connected;
    bool ended;
    bool again;                  /* connects anew when it has closed */
    const struct address *to;    /* the caller's */
    const struct sockaddr *from; /* the caller's; NULL: as the kernel likes */
    uint8_t *input;              /* the beginning of a frame whose end has not come */
    size_t input_size, input_capacity;
    uint64_t sent_at_ms; /* when something was last written, on the loop's clock */
    void *context;
    void (*on_connected)(struct lane *lane);
    void (*on_frame)(struct lane *lane, const struct lane_frame *frame);
    /* Once, at the end that nobody asked for. */
    void (*on_end)(struct lane *lane, const char *why);
};

void lanes_init(struct lanes *l, uv_loop_t *loop);
void lanes_close(struct lanes *l); /* when the loop has closed all of them */

/* Write what has gathered: one write for each lane. Call it before the loop waits. */
void lanes_flush(struct lanes *l);

/* Start connecting; the callbacks and `from` are set before. The lane must not move in memory, and
 * `to` is needed for as long as it is there. Returns 0 or a libuv error; then nothing is left to be
 * closed. */
int lane_start(struct lane *lane, struct lanes *lanes, const struct address *to);

/* Drop the connection as a network does, with whatever was under way, and connect anew at once. */
void lane_restart(struct lane *lane);

/* Where the next frame goes; it is written at the next flush. */
static inline struct packer *lane_output(struct lane *lane)
{
    if (!list_linked(&lane->dirty) && !lane->write_pending) {
        list_append(&lane->lanes->dirty, &lane->dirty);
    }
    return &lane->output;
}

/* Ends the connection without a callback; memory goes when the loop has closed the handle. */
void lane_stop(struct lane *lane);

/* The next frame of the bytes: how long it is, 0 when more are needed, -1 when they are none. */
ssize_t lane_frame_read(struct lane_frame *out, const uint8_t *bytes, size_t size);

#endif
