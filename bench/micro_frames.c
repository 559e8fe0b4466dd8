#include "bench/micro_frames.h"

#include "bench/frames.h"

void micro_frames_submit(struct packer *p)
{
    struct submit_form form = {
        .channel = "email", .text_bytes = MICRO_FRAMES_TEXT_BYTES, .variants = 1};
    struct submit_frames frames;

    word_list_init(&form.tiers, "gold");
    word_list_init(&form.queues, "q1");
    submit_frames_init(&frames, &form);
    submit_frames_write(&frames, p, 0, 1, 1, 1);
    submit_frames_close(&frames);
    word_list_close(&form.tiers);
    word_list_close(&form.queues);
}

static void micro_frames_text(struct packer *p, const char *method, const char *key,
                              int64_t wrap_up_ms, struct text value)
{
    struct text_request request;

    text_request_init(&request, method, key, wrap_up_ms);
    text_request_write(&request, p, MICRO_FRAMES_MSGID, value);
    text_request_close(&request);
}

void micro_frames_accept(struct packer *p)
{
    micro_frames_text(p, "offer.accept", "offer", -1, TEXT("o1234567"));
}

void micro_frames_complete(struct packer *p)
{
    micro_frames_text(p, "contact.complete", "contact", 0, TEXT(MICRO_FRAMES_ID));
}
