/* What the benchmark packs before a run is what the server would read, and what comes is taken
 * apart wherever the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/frames.h"
#include "bench/lane.h"
#include "proto/cursor.h"

#include <msgpack.h>

/* An id names run, slot and turn, and nothing else is taken for one. */
static void ids_there_and_back(void **state)
{
    static const uint32_t numbers[] = {0, 1, 0xabcdef, FRAMES_SLOTS_MAX - 1};
    char id[FRAMES_ID_BYTES];
    uint32_t slot, turn;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        frames_id_write(id, 0xdeadbeef, numbers[i], ~numbers[i]);
        assert_true(frames_id_read((struct text){id, sizeof(id)}, 0xdeadbeef, &slot, &turn));
        assert_int_equal(slot, numbers[i]);
        assert_int_equal(turn, ~numbers[i]);
        assert_false(frames_id_read((struct text){id, sizeof(id)}, 0xdeadbeee, &slot, &turn));
    }
    id[12] = 'g';
    assert_false(frames_id_read((struct text){id, sizeof(id)}, 0xdeadbeef, &slot, &turn));
    assert_false(frames_id_read(TEXT("order-4711"), 0xdeadbeef, &slot, &turn));
}

static void numbers_name_purpose_and_slot(void **state)
{
    uint32_t msgid = frames_msgid(PURPOSE_COMPLETE, FRAMES_SLOTS_MAX - 1);

    (void)state;
    assert_int_equal(frames_purpose(msgid), PURPOSE_COMPLETE);
    assert_int_equal(frames_slot(msgid), FRAMES_SLOTS_MAX - 1);
}

static void assert_key(const msgpack_object *map, const char *key, const char *value)
{
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];

        if (pair->key.via.str.size == strlen(key) &&
            memcmp(pair->key.via.str.ptr, key, strlen(key)) == 0) {
            assert_int_equal(pair->val.type, MSGPACK_OBJECT_STR);
            if (value != NULL) {
                assert_int_equal(pair->val.via.str.size, strlen(value));
                assert_memory_equal(pair->val.via.str.ptr, value, strlen(value));
            }
            return;
        }
    }
    fail_msg("no key %s", key);
}

/* [0, msgid, method, [map]] of exactly these bytes; returns the map. */
static const msgpack_object *assert_request(msgpack_unpacked *u, const struct packer *p,
                                            uint32_t msgid, const char *method)
{
    const msgpack_object *request = &u->data;
    size_t offset = 0;

    assert_int_equal(msgpack_unpack_next(u, (const char *)p->bytes, p->size, &offset),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(offset, p->size);
    assert_int_equal(request->type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(request->via.array.size, 4);
    assert_int_equal(request->via.array.ptr[0].via.u64, 0);
    assert_int_equal(request->via.array.ptr[1].via.u64, msgid);
    assert_memory_equal(request->via.array.ptr[2].via.str.ptr, method, strlen(method));
    assert_int_equal(request->via.array.ptr[3].via.array.size, 1);
    assert_int_equal(request->via.array.ptr[3].via.array.ptr[0].type, MSGPACK_OBJECT_MAP);
    return &request->via.array.ptr[3].via.array.ptr[0];
}

/* A copied submission has its own number and id, and the text of its variant. */
static void submissions_are_whole(void **state)
{
    struct submit_form form = {.channel = "chat", .text_bytes = 200, .variants = 3, .seed = 9};
    struct submit_frames frames;
    msgpack_unpacked unpacked;

    (void)state;
    word_list_init(&form.tiers, "gold");
    word_list_init(&form.queues, ",refunds,");
    assert_int_equal(form.queues.count, 1);
    submit_frames_init(&frames, &form);
    msgpack_unpacked_init(&unpacked);
    for (uint32_t slot = 0; slot < 7; slot++) {
        struct packer p = {0};
        const msgpack_object *map;
        char id[FRAMES_ID_BYTES + 1] = "";

        submit_frames_write(&frames, &p, slot, 77, slot, 5);
        map = assert_request(&unpacked, &p, frames_msgid(PURPOSE_SUBMIT, slot), "contact.submit");
        frames_id_write(id, 77, slot, 5);
        assert_key(map, "id", id);
        assert_key(map, "channel", "chat");
        assert_key(map, "queue", "refunds");
        assert_key(map, "text", NULL);
        packer_close(&p);
    }
    msgpack_unpacked_destroy(&unpacked);
    submit_frames_close(&frames);
    word_list_close(&form.tiers);
    word_list_close(&form.queues);
}

static void requests_of_a_text_are_whole(void **state)
{
    struct text_request complete;
    struct packer p = {0};
    msgpack_unpacked unpacked;

    (void)state;
    msgpack_unpacked_init(&unpacked);
    text_request_init(&complete, "contact.complete", "contact", 1500);
    text_request_write(&complete, &p, 42, TEXT("a contact's id"));
    assert_key(assert_request(&unpacked, &p, 42, "contact.complete"), "contact", "a contact's id");
    msgpack_unpacked_destroy(&unpacked);
    text_request_close(&complete);
    packer_close(&p);
}

static size_t pack_answers(struct packer *p)
{
    size_t first;

    packer_array(p, 4); /* [1, 70000, nil, {"contact": "k"}] */
    packer_uint(p, 1);
    packer_uint(p, 70000);
    packer_nil(p);
    packer_map(p, 1);
    packer_literal(p, "contact");
    packer_literal(p, "k");
    first = p->size;
    packer_array(p, 4); /* [1, 2, {"code": "gone", "state": nil, "message": "it is over"}, nil] */
    packer_uint(p, 1);
    packer_uint(p, 2);
    packer_map(p, 3);
    packer_literal(p, "code");
    packer_literal(p, "gone");
    packer_literal(p, "state");
    packer_nil(p);
    packer_literal(p, "message");
    packer_literal(p, "it is over");
    packer_nil(p);
    return first;
}

/* Answers come whole, however few bytes have come before. */
static void answers_wait_for_their_last_byte(void **state)
{
    struct packer p = {0};
    struct lane_frame frame;
    size_t first = pack_answers(&p);

    (void)state;
    for (size_t size = 0; size < first; size++) {
        assert_int_equal(lane_frame_read(&frame, p.bytes, size), 0);
    }
    assert_int_equal(lane_frame_read(&frame, p.bytes, p.size), first);
    assert_false(frame.notice);
    assert_int_equal(frame.msgid, 70000);
    assert_true(text_is_none(frame.error));
    assert_int_equal(frame.map.length, 11);

    for (size_t size = 0; size < p.size - first; size++) {
        assert_int_equal(lane_frame_read(&frame, p.bytes + first, size), 0);
    }
    assert_int_equal(lane_frame_read(&frame, p.bytes + first, p.size - first), p.size - first);
    assert_true(text_equal(frame.error, TEXT("gone")));
    assert_true(text_equal(frame.words, TEXT("it is over")));
    packer_close(&p);
}

static void notices_and_garbage(void **state)
{
    static const uint8_t notice[] = {0x93, 2, 0xa5, 'o', 'f', 'f', 'e', 'r', 0x91, 0x80};
    static const uint8_t request[] = {0x94, 0, 1, 0xa4, 'p', 'i', 'n', 'g', 0x90};
    struct lane_frame frame;

    (void)state;
    assert_int_equal(lane_frame_read(&frame, notice, sizeof(notice)), sizeof(notice));
    assert_true(frame.notice);
    assert_true(text_equal(frame.method, TEXT("offer")));
    assert_int_equal(lane_frame_read(&frame, request, sizeof(request)), -1);
    assert_int_equal(lane_frame_read(&frame, (const uint8_t *)"HTTP/1.1", 8), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_there_and_back),
        cmocka_unit_test(numbers_name_purpose_and_slot),
        cmocka_unit_test(submissions_are_whole),
        cmocka_unit_test(requests_of_a_text_are_whole),
        cmocka_unit_test(answers_wait_for_their_last_byte),
        cmocka_unit_test(notices_and_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
