#include "test_stream_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/stream/stream_value.h"

void stream_play_init(struct stream_play *p, uint64_t seed, const char *profile)
{
    struct stream_replay_events events = {&p->owner, stream_owner_create_engine};

    stream_owner_init(&p->owner, seed, profile);
    stream_replay_init(&p->replay, TEXT("shop"), &events);
}

void stream_play_close(struct stream_play *p)
{
    stream_replay_close(&p->replay);
    stream_owner_close(&p->owner);
}

void stream_play_again(struct stream_play *p)
{
    struct stream_replay_events events = p->replay.events;

    stream_replay_close(&p->replay);
    stream_replay_init(&p->replay, TEXT("shop"), &events);
}

enum stream_verdict stream_play_give(struct stream_play *p, struct stream_read_entry e)
{
    enum stream_verdict verdict;
    struct packer packed;

    packer_init(&packed);
    if (e.field == 'b' || e.field == 'c') {
        e.field = stream_value_write(&packed, e.field, e.value);
        e.value = (struct text){(const char *)packed.bytes, (uint32_t)packed.size};
    }
    verdict = stream_replay_entry(&p->replay, &e);
    packer_close(&packed);
    return verdict;
}

void stream_play_between(struct stream_play *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (stream_play_give(p, stream_owner_entry(&p->owner, i)) != STREAM_TAKEN) {
            fail_msg("entry %zu of %zu: %s", i, to, p->replay.problem);
        }
        assert_true(stream_id_equal(p->replay.end, p->owner.entries[i].id));
    }
}

void stream_play_all(struct stream_play *p, size_t from)
{
    stream_play_between(p, from, p->owner.count);
}

void stream_play_same(const struct stream_play *p)
{
    assert_true(stream_replay_is_whole(&p->replay));
    assert_int_equal(engine_seq(p->replay.engine), engine_seq(p->owner.engine));
    assert_int_equal(engine_digest(p->replay.engine), engine_digest(p->owner.engine));
    assert_null(engine_audit(p->replay.engine));
    assert_int_equal(p->replay.epoch, p->owner.tail->epoch);
}
