#include "test_stream_owner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue/base/memory.h"
#include "router/fact_codec.h"
#include "router/stream/stream_value.h"

#define START  INT64_C(1700000000000)
#define PROMPT 85 /* percent of deadlines at which the host ticks in time */

/* ---- the stream ---- */

/* As it is unpacked: tests look into it, and alter it. */
static void owner_write_entry(struct stream_owner *o, const struct stream_entry *e,
                              const struct stream_batch *b)
{
    struct stream_read_entry plain,
        read = {e->id, e->field[0], {(const char *)b->bytes.bytes + e->at, (uint32_t)e->size}};
    const char *wrong = stream_value_read(&read, &o->room, &plain);

    assert(wrong == NULL);
    (void)wrong;
    o->entries[o->count++] =
        (struct stream_owner_entry){e->id, plain.field, o->values.size, plain.value.length};
    packer_raw(&o->values, plain.value.bytes, plain.value.length);
}

/* Each batch is written as soon as it is there. */
static void owner_write(struct stream_owner *o)
{
    struct stream_batch *b = stream_tail_hand_over(o->tail);

    for (uint32_t i = 0; i < b->count; i++) {
        if (o->count == o->capacity) {
            o->capacity = o->capacity == 0 ? 64 : o->capacity * 2;
            o->entries = memory_resize(o->entries, o->capacity * sizeof(*o->entries));
        }
        owner_write_entry(o, &b->entries[i], b);
    }
    stream_tail_confirm(o->tail, b, 0);
    stream_tail_forget(o->tail, STREAM_KEPT_MS + 1);
}

struct stream_read_entry stream_owner_entry(const struct stream_owner *o, size_t index)
{
    const struct stream_owner_entry *e = &o->entries[index];

    assert(index < o->count);
    return (struct stream_read_entry){
        e->id, e->field, {(const char *)o->values.bytes + e->at, (uint32_t)e->size}};
}

/* ---- facts ---- */

static void owner_take_fact(void *context, const struct fact *fact)
{
    struct stream_owner *o = context;

    random_commands_fact(o->commands, fact);
    if (o->fact_count == 0) {
        packer_reset(&o->facts);
        packer_array_open(&o->facts);
        o->first_seq = fact->seq;
    }
    fact_encode(&o->facts, fact, engine_settings(o->engine));
    o->fact_count++;
}

static void owner_take_delivery(void *context, const struct delivery *delivery)
{
    (void)context;
    (void)delivery;
}

static void owner_flush(struct stream_owner *o)
{
    struct journal_entry entry = {.kind = ENTRY_FACTS, .seq = o->first_seq};

    if (o->fact_count == 0) {
        return;
    }
    packer_array_close(&o->facts, 0, o->fact_count);
    entry.bytes = o->facts.bytes;
    entry.size = o->facts.size;
    o->fact_count = 0;
    stream_tail_add(o->tail, &entry);
    owner_write(o);
}

struct engine *stream_owner_create_engine(void *owner)
{
    struct stream_owner *o = owner;
    struct engine_options options = {.workspace = TEXT("shop"),
                                     .sink = {o, owner_take_fact, owner_take_delivery}};

    o->engines++;
    options.hash_seed[0] = o->engines * UINT64_C(0x9e3779b97f4a7c15);
    return engine_create(&options);
}

/* ---- commands ---- */

static void owner_tick_until(struct stream_owner *o, engine_time until)
{
    for (int ticks = 0; ticks < 1000; ticks++) {
        engine_time next = engine_next_deadline(o->engine);
        struct command tick = {.kind = COMMAND_TICK};

        if (next > until || !random_percent(&o->random, PROMPT)) {
            break;
        }
        o->now = next > o->now ? next : o->now;
        tick.time = o->now;
        engine_step(o->engine, &tick);
    }
    o->now = until;
}

static void owner_configure(struct stream_owner *o)
{
    struct command command = {.kind = COMMAND_CONFIG_APPLY, .time = o->now};
    struct settings *s = random_settings(&o->random);

    command.config = (struct config_command){s, ++o->configs, TEXT("a configuration")};
    engine_step(o->engine, &command);
    settings_release(s);
}

static void owner_start(struct stream_owner *o)
{
    struct command command = {.kind = COMMAND_OWNER_STARTED, .time = o->now};

    command.epoch = engine_epoch(o->engine) + 1;
    engine_step(o->engine, &command);
}

/* Sometimes nobody comes for minutes or hours. */
static engine_time owner_later(struct stream_owner *o)
{
    if (random_below(&o->random, 10000) < o->profile->long_pause) {
        return o->now + random_between(&o->random, 60000, 7200000);
    }
    return o->now + random_between(&o->random, 0, 2 * o->profile->pause);
}

static void owner_stall(struct stream_owner *o)
{
    struct command command = {.kind = COMMAND_JOURNAL_STALLED};

    command.stalled = random_between(&o->random, 1, 3000);
    o->now += command.stalled;
    command.time = o->now;
    engine_step(o->engine, &command);
}

void stream_owner_turn(struct stream_owner *o, uint32_t commands)
{
    for (; commands > 0; commands--) {
        uint64_t fate = random_below(&o->random, 10000);
        struct command command;

        owner_tick_until(o, owner_later(o));
        if (fate < o->profile->configs) {
            owner_configure(o);
        } else if (fate < o->profile->configs + 5) {
            owner_stall(o);
        } else {
            random_commands_next(o->commands, o->now, engine_config_version(o->engine), &command);
            engine_step(o->engine, &command);
        }
    }
    owner_flush(o);
}

void stream_owner_init(struct stream_owner *o, uint64_t seed, const char *profile)
{
    memset(o, 0, sizeof(*o));
    random_init(&o->random, seed);
    o->profile = profile_of_run_find(profile);
    o->commands = random_commands_create(&o->random, o->profile);
    o->now = START;
    o->tail =
        stream_tail_create(TEXT("shop"), TEXT("{shop}:journal"), STREAM_OWNER_EPOCH, STREAM_START);
    o->engine = stream_owner_create_engine(o);
    owner_configure(o);
    owner_start(o);
    for (uint32_t i = 0; i < o->profile->agents; i++) {
        struct command command = {.time = o->now};

        random_commands_put(o->commands, i, &command);
        engine_step(o->engine, &command);
    }
    owner_flush(o);
}

void stream_owner_close(struct stream_owner *o)
{
    engine_destroy(o->engine);
    random_commands_destroy(o->commands);
    stream_tail_destroy(o->tail);
    packer_close(&o->facts);
    packer_close(&o->slice);
    packer_close(&o->values);
    packer_close(&o->room);
    memory_give(o->entries);
}

/* ---- epochs ---- */

void stream_owner_raise(struct stream_owner *o, uint64_t epoch)
{
    stream_tail_raise(o->tail, epoch, TEXT("another"));
    owner_write(o);
}

void stream_owner_taken_over(struct stream_owner *o, struct engine *engine)
{
    engine_destroy(o->engine);
    o->engine = engine;
    o->checkpointing = false;
    random_commands_restarted(o->commands);
    stream_owner_raise(o, o->tail->epoch + 65536);
    owner_start(o);
    owner_flush(o);
}

/* ---- checkpoints ---- */

static void owner_take_record(void *context, const uint8_t *bytes, size_t size)
{
    struct stream_owner *o = context;

    if (o->records == 0) {
        packer_reset(&o->slice);
        packer_array_open(&o->slice);
    }
    packer_bin(&o->slice, bytes, size);
    o->records++;
}

static void owner_write_slice(struct stream_owner *o, uint32_t flags)
{
    struct journal_entry entry = {
        .kind = ENTRY_CHECKPOINT, .flags = flags | (o->first ? ENTRY_FIRST : 0), .seq = o->seq};

    if (o->records == 0) {
        packer_reset(&o->slice);
        packer_array_open(&o->slice);
    }
    packer_array_close(&o->slice, 0, o->records);
    entry.bytes = o->slice.bytes;
    entry.size = o->slice.size;
    o->records = 0;
    o->first = false;
    stream_tail_add(o->tail, &entry);
    owner_write(o);
}

void stream_owner_begin_checkpoint(struct stream_owner *o)
{
    if (o->checkpointing) {
        engine_checkpoint_abandon(o->engine);
    }
    o->checkpointing = o->first = true;
    o->seq = engine_seq(o->engine);
    o->records = 0;
    engine_checkpoint_begin(o->engine, owner_take_record, o);
    owner_write_slice(o, 0);
}

bool stream_owner_continue_checkpoint(struct stream_owner *o, size_t records)
{
    o->checkpointing = engine_checkpoint_continue(o->engine, records);
    owner_write_slice(o, o->checkpointing ? 0 : ENTRY_LAST);
    return o->checkpointing;
}
