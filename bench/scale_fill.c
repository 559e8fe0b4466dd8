/* Filling a server with contacts that wait: as fast as one connection can. */
#include <stdlib.h>

#include "bench/frames.h"
#include "bench/lane.h"
#include "bench/scale.h"

/* Submissions without an answer: below what a server allows a connection. */
#define SCALE_FILL_WINDOW 512

/* As many different texts and customers; the ids are all different. */
#define SCALE_FILL_VARIANTS 4096

struct scale_filler {
    uv_loop_t loop;
    uv_prepare_t turn;
    struct lanes lanes;
    struct lane lane;
    struct submit_frames frames;
    struct address address;
    const char *workspace;
    const char *failed;
    uint32_t run, count, sent, answered;
    bool ready;
};

static void scale_fill_end(struct scale_filler *f, const char *why)
{
    f->failed = why;
    lane_stop(&f->lane);
    uv_close((uv_handle_t *)&f->turn, NULL);
}

static void scale_fill_on_end(struct lane *lane, const char *why)
{
    scale_fill_end(lane->context, why);
}

static void scale_fill_on_connected(struct lane *lane)
{
    struct scale_filler *f = lane->context;
    struct packer *p = lane_output(lane);

    frames_head(p, frames_msgid(PURPOSE_HELLO, 0), "hello");
    packer_map(p, 4);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    packer_literal(p, "role");
    packer_literal(p, "connector");
    packer_literal(p, "workspace");
    packer_text(p, text_from(f->workspace));
    packer_literal(p, "notify");
    packer_literal(p, "none");
}

static void scale_fill_on_frame(struct lane *lane, const struct lane_frame *frame)
{
    struct scale_filler *f = lane->context;

    if (frame->notice) {
        return;
    }
    if (!text_is_none(frame->error)) {
        scale_fill_end(f,
                       f->ready ? "a submission was refused" : "a connector's hello was refused");
        return;
    }
    if (frames_purpose(frame->msgid) == PURPOSE_HELLO) {
        f->ready = true;
    } else if (++f->answered == f->count) {
        scale_fill_end(f, NULL);
    }
}

static void scale_fill_on_turn(uv_prepare_t *turn)
{
    struct scale_filler *f = turn->data;

    while (f->ready && f->sent < f->count && f->sent - f->answered < SCALE_FILL_WINDOW) {
        submit_frames_write(&f->frames, lane_output(&f->lane), f->sent, f->run,
                            f->sent & (FRAMES_SLOTS_MAX - 1), f->sent);
        f->sent++;
    }
    lanes_flush(&f->lanes);
}

const char *scale_fill(const char *address, const char *workspace, const char *queue,
                       uint32_t count, uint64_t seed)
{
    static struct scale_filler f;
    struct submit_form form = {
        .channel = "email", .text_bytes = 200, .variants = SCALE_FILL_VARIANTS, .seed = seed};
    int status;

    f = (struct scale_filler){.workspace = workspace, .count = count};
    f.failed = address_parse(&f.address, address);
    if (count == 0 || f.failed != NULL) {
        return f.failed;
    }
    (void)uv_random(NULL, NULL, &f.run, sizeof(f.run), 0, NULL);
    word_list_init(&form.queues, queue);
    word_list_init(&form.skills, SCALE_SKILL);
    submit_frames_init(&f.frames, &form);
    word_list_close(&form.queues);
    word_list_close(&form.skills);
    (void)uv_loop_init(&f.loop);
    lanes_init(&f.lanes, &f.loop);
    (void)uv_prepare_init(&f.loop, &f.turn);
    f.turn.data = &f;
    (void)uv_prepare_start(&f.turn, scale_fill_on_turn);
    f.lane.context = &f;
    f.lane.on_connected = scale_fill_on_connected;
    f.lane.on_frame = scale_fill_on_frame;
    f.lane.on_end = scale_fill_on_end;
    status = lane_start(&f.lane, &f.lanes, &f.address);
    if (status < 0) {
        scale_fill_end(&f, uv_strerror(status));
    }
    (void)uv_run(&f.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&f.loop);
    lanes_close(&f.lanes);
    submit_frames_close(&f.frames);
    return f.failed;
}
