/* Streams become engines, at random: owners that write checkpoints, raise epochs and are taken over
 * at any moment, and a follower that is in their state after each of their turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_stream_play.h"

/* What an owner may do between two turns, and how often, in a thousand turns. */
#define BEGINS    4
#define CONTINUES 600
#define RAISES    3
#define TAKEOVERS 2

/* The follower replaces the owner; a new one begins at the last complete checkpoint, as a trimmed
 * stream does. */
static void take_over(struct stream_play *p, size_t *begins_at, size_t *read)
{
    struct stream_id first = p->replay.checkpoint_first;

    stream_play_same(p);
    for (size_t i = *begins_at; i < p->owner.count; i++) {
        *begins_at = stream_id_equal(p->owner.entries[i].id, first) ? i : *begins_at;
    }
    stream_owner_taken_over(&p->owner, stream_replay_take_engine(&p->replay));
    stream_play_again(p);
    *read = *begins_at;
}

struct seen {
    uint64_t proofs, takeovers;
};

static void run_at_random(uint64_t seed, const char *profile, unsigned turns_left,
                          struct seen *seen)
{
    struct stream_play p = {0};
    size_t begins_at = 0, read = 0;

    stream_play_init(&p, seed, profile);
    for (; turns_left > 0; turns_left--) {
        uint64_t fate = random_below(&p.owner.random, 1000);

        stream_owner_turn(&p.owner, (uint32_t)random_below(&p.owner.random, 6));
        if (fate < BEGINS) {
            stream_owner_begin_checkpoint(&p.owner);
        } else if (fate < BEGINS + RAISES) {
            stream_owner_raise(&p.owner, p.owner.tail->epoch + 65536);
        } else if (fate < BEGINS + RAISES + CONTINUES && p.owner.checkpointing) {
            stream_owner_continue_checkpoint(&p.owner, STREAM_PLAY_SLICE);
        }
        stream_play_all(&p, read);
        read = p.owner.count;
        stream_replay_continue(&p.replay, random_below(&p.owner.random, 2 * STREAM_PLAY_SLICE));
        if (fate >= 1000 - TAKEOVERS && stream_replay_is_whole(&p.replay)) {
            seen->proofs += p.replay.proofs;
            seen->takeovers++;
            take_over(&p, &begins_at, &read);
        }
    }
    seen->proofs += p.replay.proofs;
    stream_play_all(&p, read);
    if (stream_replay_is_whole(&p.replay)) {
        stream_play_same(&p);
    }
    stream_play_again(&p);
    stream_play_all(&p, 0);
    stream_play_same(&p);
    stream_play_close(&p);
}

static void test_at_random(void **state)
{
    struct seen seen = {0};

    (void)state;
    for (const struct profile_of_run *profile = profiles_of_run; profile->name != NULL; profile++) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            run_at_random(seed, profile->name, 4000, &seen);
        }
    }
    assert_true(seen.proofs > 50 && seen.takeovers > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_at_random)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
