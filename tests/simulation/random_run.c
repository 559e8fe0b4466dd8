#include "tests/simulation/random_run.h"

#include "queue/base/memory.h"
#include "queue/engine.h"
#include "tests/lib/fact_store.h"
#include "tests/lib/transcript.h"

#include <inttypes.h>
#include <stdarg.h>

#define START              INT64_C(1700000000000)
#define PROMPT             85 /* percent of deadlines at which the host ticks in time */
#define CHECKPOINT_EACH    20011
#define FIGURES_EACH       37 /* steps between looks at the queues' figures */
#define CHECKPOINT_RECORDS 9  /* of each slice */

/* Records of a checkpoint: the size and the bytes of each. */
struct records {
    uint8_t *bytes;
    size_t size, capacity;
};

struct run {
    const struct run_options *options;
    struct run_result *result;
    struct random random;
    struct watch *watch;
    struct random_commands *commands;
    struct fact_store facts;
    struct engine *live;
    struct engine *follower;
    struct records records; /* of the checkpoint being made */
    bool checkpointing;
    bool speaking; /* facts come from a step and not from a replay */
    engine_time now;
    uint64_t engines;
    uint64_t step;
    uint64_t trimmed;
    struct settings *next_settings;
    const struct command *command;
    uint64_t kinds[COMMAND_KIND_COUNT], refused[COMMAND_KIND_COUNT];
    uint64_t restarts, comparisons, checkpoints;
};

static void fail(struct run *r, const char *finder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct run *r, const char *finder, const char *format, ...)
{
    va_list arguments;

    if (r->result->failed) {
        return;
    }
    r->result->failed = true;
    r->result->finder = finder;
    r->result->step = r->step;
    va_start(arguments, format);
    vsnprintf(r->result->finding, sizeof(r->result->finding), format, arguments);
    va_end(arguments);
}

/* ---- what engines say ---- */

static void show(void *context, const struct fact *fact)
{
    struct run *r = context;

    watch_fact(r->watch, fact);
}

static void trace_fact(struct run *r, const struct fact *fact)
{
    struct transcript line = {0};

    transcript_fact(&line, fact, engine_settings(r->live), START);
    fprintf(r->options->trace, "%6" PRIu64 " %s", fact->seq, transcript_text(&line));
    transcript_close(&line);
}

static void trace_command(struct run *r, const struct command *command)
{
    fprintf(r->options->trace, "step %" PRIu64 " at %" PRId64 ": %s by " TEXT_FORMAT "\n", r->step,
            r->now - START, command_kind_word(command->kind), TEXT_ARGS(command->caller.name));
}

static void take_fact(void *context, const struct fact *fact)
{
    struct run *r = context;

    if (r->options->trace != NULL) {
        trace_fact(r, fact);
    }
    random_commands_fact(r->commands, fact);
    if (r->options->unwatched) {
        return;
    }
    fact_store_append(&r->facts, fact);
    if (r->options->filter != NULL) {
        r->options->filter->fact(r->options->filter->state, fact, show, r);
    } else {
        show(r, fact);
    }
}

static void take_delivery(void *context, const struct delivery *d)
{
    struct run *r = context;
    struct answer_seen a = {.kind = d->kind,
                            .duplicate = d->duplicate,
                            .state = d->state,
                            .contact = d->contact_id,
                            .estimate = DURATION_NONE};

    /* Answers of pulls come later, too; only what answers this command is of interest. */
    if (r->options->unwatched || d->kind > ANSWER_CONFIG ||
        d->request != r->command->caller.request || d->session != r->command->caller.session) {
        return;
    }
    if (d->kind == ANSWER_REFUSED) {
        a.refused = d->refusal->kind;
        a.reason = d->refusal->reason;
        a.refused_state = d->refusal->state;
    } else if (d->contact != NULL) {
        a.contact = contact_id(d->contact);
        a.state = d->contact->state;
        a.position = engine_position(r->live, d->contact);
        a.estimate = engine_estimated_wait(r->live, d->contact, a.position);
    } else if (d->tombstone != NULL) {
        a.contact = tombstone_id(d->tombstone);
        a.state = (enum contact_state)d->tombstone->state;
        a.ended = true;
    }
    watch_answer(r->watch, &a);
}

static struct engine *new_engine(struct run *r)
{
    struct engine_options options = {.workspace = TEXT("default"),
                                     .sink = {r, take_fact, take_delivery}};

    r->engines++;
    options.hash_seed[0] = r->engines * UINT64_C(0x9e3779b97f4a7c15);
    options.hash_seed[1] = r->options->seed;
    return engine_create(&options);
}

/* ---- the engines beside the live one ---- */

static void follow(struct run *r, struct engine *e)
{
    const char *wrong = fact_store_replay(&r->facts, e, fact_store_last(&r->facts));

    if (wrong != NULL) {
        fail(r, "replay", "fact %" PRIu64 ": %s", engine_seq(e) + 1, wrong);
    }
}

static void keep_record(void *context, const uint8_t *bytes, size_t size)
{
    struct records *kept = context;
    size_t wanted = kept->size + sizeof(size) + size;

    if (wanted > kept->capacity) {
        kept->capacity = wanted * 2;
        kept->bytes = memory_resize(kept->bytes, kept->capacity);
    }
    memcpy(kept->bytes + kept->size, &size, sizeof(size));
    memcpy(kept->bytes + kept->size + sizeof(size), bytes, size);
    kept->size = wanted;
}

static struct records all_records(struct engine *e)
{
    struct records kept = {0};

    engine_checkpoint_begin(e, keep_record, &kept);
    while (engine_checkpoint_continue(e, 1000)) {
    }
    return kept;
}

static void spell(char *out, size_t room, const uint8_t *bytes, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < size && at + 5 < room; i++) {
        at += (size_t)snprintf(out + at, room - at,
                               bytes[i] >= ' ' && bytes[i] < 127 ? "%c" : "<%02x>", bytes[i]);
    }
}

/* The first record of `these` that is not among the others. */
static void spell_missing(char *out, size_t room, const struct records *these,
                          const struct records *others)
{
    size_t size, other_size;

    for (size_t at = 0; at < these->size; at += sizeof(size) + size) {
        bool found = false;

        memcpy(&size, these->bytes + at, sizeof(size));
        for (size_t i = 0; i < others->size && !found; i += sizeof(other_size) + other_size) {
            memcpy(&other_size, others->bytes + i, sizeof(other_size));
            found = size == other_size &&
                    memcmp(these->bytes + at, others->bytes + i, sizeof(size) + size) == 0;
        }
        if (!found) {
            spell(out, room, these->bytes + at + sizeof(size), size);
            return;
        }
    }
}

/* Two engines that should be alike are not: what one's checkpoint has and the other's lacks says
 * where. */
static void tell_difference(struct run *r, struct engine *e, const char *what)
{
    struct records one = all_records(r->live), other = all_records(e);
    char live_text[2000] = "", other_text[2000] = "";

    spell_missing(live_text, sizeof(live_text), &one, &other);
    spell_missing(other_text, sizeof(other_text), &other, &one);
    fail(r, "digest", "%s differs from the live engine at fact %" PRIu64 "\nlive:  %s\nother: %s",
         what, engine_seq(r->live), live_text, other_text);
    memory_give(one.bytes);
    memory_give(other.bytes);
}

static void compare(struct run *r, struct engine *e, const char *what)
{
    const char *wrong = engine_audit(e);

    r->comparisons++;
    if (wrong != NULL) {
        fail(r, "audit", "%s: %s", what, wrong);
    } else if (engine_digest(e) != engine_digest(r->live)) {
        if (r->checkpointing) {
            engine_checkpoint_abandon(r->live);
            r->checkpointing = false;
        }
        tell_difference(r, e, what);
    }
}

static void checkpoint_begin(struct run *r)
{
    r->records.size = 0;
    r->checkpointing = true;
    engine_checkpoint_begin(r->live, keep_record, &r->records);
}

static void checkpoint_load(struct run *r, struct engine *e)
{
    size_t at = 0;

    while (at < r->records.size && !r->result->failed) {
        const char *wrong;
        size_t size;

        memcpy(&size, r->records.bytes + at, sizeof(size));
        wrong = engine_checkpoint_load(e, r->records.bytes + at + sizeof(size), size);
        if (wrong != NULL) {
            fail(r, "checkpoint", "byte %zu: %s", at, wrong);
        }
        at += sizeof(size) + size;
    }
    if (!r->result->failed && !engine_checkpoint_loaded(e)) {
        fail(r, "checkpoint", "it is not whole");
    }
}

/* A checkpoint is complete: an engine made of it and of what followed is as good as any. It becomes
 * the follower, so that restarts are tried with it, too. */
static void checkpoint_over(struct run *r)
{
    struct engine *restored = new_engine(r);

    r->checkpointing = false;
    r->checkpoints++;
    checkpoint_load(r, restored);
    if (!r->result->failed) {
        follow(r, restored);
    }
    if (!r->result->failed) {
        compare(r, restored, "checkpoint and tail");
    }
    engine_destroy(r->follower);
    r->follower = restored;
    fact_store_trim(&r->facts, engine_seq(r->follower) + 1);
}

static void beside(struct run *r)
{
    follow(r, r->follower);
    if (r->checkpointing) {
        if (!engine_checkpoint_continue(r->live, CHECKPOINT_RECORDS)) {
            checkpoint_over(r);
        }
    } else if (r->step % CHECKPOINT_EACH == CHECKPOINT_EACH / 2) {
        /* What came before is in the follower; the tail starts here. */
        fact_store_trim(&r->facts, engine_seq(r->live) + 1);
        checkpoint_begin(r);
    } else if (fact_store_last(&r->facts) - r->trimmed > 50000) {
        r->trimmed = fact_store_last(&r->facts);
        fact_store_trim(&r->facts, r->trimmed);
    }
    if (!r->result->failed && r->options->compare_each != 0 &&
        r->step % r->options->compare_each == 0) {
        const char *wrong = engine_audit(r->live);

        if (wrong != NULL) {
            fail(r, "audit", "live: %s", wrong);
        }
        compare(r, r->follower, "replay");
    }
}

/* ---- steps ---- */

static void show_figures(struct run *r)
{
    for (uint32_t q = 0; q < engine_settings(r->live)->queue_count; q++) {
        struct queue_row row;

        engine_get_queue_row(r->live, (queue_index)q, r->now, &row);
        watch_figures(r->watch, (queue_index)q, &row);
    }
}

static void step(struct run *r, const struct command *command)
{
    enum refusal_kind refused;

    r->step++;
    r->kinds[command->kind]++;
    r->command = command;
    if (r->options->trace != NULL) {
        trace_command(r, command);
    }
    if (!r->options->unwatched) {
        watch_request(r->watch, command, r->now);
    }
    refused = engine_step(r->live, command);
    r->refused[command->kind] += refused != REFUSED_NOT;
    if (r->options->unwatched) {
        return;
    }
    watch_step_over(r->watch, r->now);
    if (r->step % FIGURES_EACH == 0) {
        show_figures(r);
    }
    if (watch_finding(r->watch) != NULL) {
        fail(r, watch_finder(r->watch), "%s", watch_finding(r->watch));
    }
    beside(r);
}

static void tick(struct run *r)
{
    struct command command = {.kind = COMMAND_TICK, .time = r->now};

    step(r, &command);
}

/* Time goes on to `until`; the host ticks at the deadlines on the way, or was held up. */
static void pass(struct run *r, engine_time until)
{
    for (int ticks = 0; ticks < 1000 && !r->result->failed; ticks++) {
        engine_time next = engine_next_deadline(r->live);

        if (next > until || !random_percent(&r->random, PROMPT)) {
            break;
        }
        r->now = next > r->now ? next : r->now;
        tick(r);
    }
    r->now = until;
}

static void configure(struct run *r)
{
    struct command command = {.kind = COMMAND_CONFIG_APPLY, .time = r->now};
    struct settings *s = random_settings(&r->random);

    command.caller = (struct caller){11, 0, CALLER_ADMIN, TEXT("adam")};
    command.config = (struct config_command){s, r->step + 1, TEXT("a configuration")};
    step(r, &command);
    settings_release(s);
}

static void start_owner(struct run *r)
{
    struct command command = {.kind = COMMAND_OWNER_STARTED, .time = r->now};

    command.epoch = engine_epoch(r->live) + 1;
    step(r, &command);
}

/* The process is gone; its follower takes over, and a new follower is made of a checkpoint of it.
 */
static void restart(struct run *r)
{
    r->restarts++;
    random_commands_restarted(r->commands);
    if (r->options->unwatched) {
        start_owner(r);
        return;
    }
    compare(r, r->follower, "the engine that takes over");
    engine_destroy(r->live);
    r->live = r->follower;
    r->checkpointing = false;
    r->follower = new_engine(r);
    r->records.size = 0;
    engine_checkpoint_begin(r->live, keep_record, &r->records);
    while (engine_checkpoint_continue(r->live, 1000)) {
    }
    checkpoint_load(r, r->follower);
    if (!r->result->failed) {
        start_owner(r);
    }
}

static void stall(struct run *r)
{
    struct command command = {.kind = COMMAND_JOURNAL_STALLED};

    command.stalled = random_between(&r->random, 1, 3000);
    r->now += command.stalled;
    command.time = r->now;
    step(r, &command);
}

/* A failover of the store: an outage, and behind it the owner's next epoch. */
static void go_on(struct run *r)
{
    struct command command = {.kind = COMMAND_OWNER_CONTINUED};

    stall(r);
    command.time = r->now;
    command.epoch = engine_epoch(r->live) + 1;
    step(r, &command);
}

static engine_time later(struct run *r)
{
    const struct profile_of_run *p = r->options->profile;

    if (random_below(&r->random, 10000) < p->long_pause) {
        return r->now +
               random_between(&r->random, 60000, random_percent(&r->random, 30) ? 7200000 : 300000);
    }
    return r->now + random_between(&r->random, 0, 2 * p->pause);
}

static void one_turn(struct run *r)
{
    const struct profile_of_run *p = r->options->profile;
    uint64_t fate = random_below(&r->random, 100000);
    struct command command;

    pass(r, later(r));
    if (r->result->failed) {
        return;
    }
    if (fate < p->restarts) {
        restart(r);
    } else if (fate < p->restarts + 10u * p->configs) {
        configure(r);
    } else if (fate < p->restarts + 10u * p->configs + 30) {
        stall(r);
    } else if (fate < p->restarts + 10u * p->configs + 40) {
        go_on(r);
    } else {
        random_commands_next(r->commands, r->now, engine_config_version(r->live), &command);
        step(r, &command);
    }
}

static void begin(struct run *r)
{
    configure(r);
    start_owner(r);
    for (uint32_t i = 0; i < r->options->profile->agents && !r->result->failed; i++) {
        struct command command = {.time = r->now};

        random_commands_put(r->commands, i, &command);
        step(r, &command);
    }
}

/* ---- the run ---- */

static void report(struct run *r)
{
    FILE *out = r->options->report;
    size_t untaken;

    if (r->options->unwatched) {
        return;
    }
    untaken = r->options->rows_must_be_taken
                  ? checker_life_untaken(watch_self(r->watch, &checker_life))
                  : 0;
    if (untaken > 0) {
        fail(r, "coverage", "%zu rows of the life cycles were never taken", untaken);
    }
    if (out == NULL) {
        return;
    }
    fprintf(out, "%-20s %10s %10s\n", "commands", "sent", "refused");
    for (int k = 0; k < COMMAND_KIND_COUNT; k++) {
        fprintf(out, "%-20s %10" PRIu64 " %10" PRIu64 "\n", command_kind_word((enum command_kind)k),
                r->kinds[k], r->refused[k]);
    }
    watch_report(r->watch, out);
    fprintf(out,
            "%" PRIu64 " steps, %" PRIu64 " facts, %" PRIu64 " restarts, %" PRIu64
            " checkpoints loaded, %" PRIu64 " comparisons of digests\n",
            r->step, engine_seq(r->live), r->restarts, r->checkpoints, r->comparisons);
}

void random_run(const struct run_options *options, struct run_result *result)
{
    struct run r = {.options = options, .result = result, .now = START};

    memset(result, 0, sizeof(*result));
    random_init(&r.random, options->seed);
    r.commands = random_commands_create(&r.random, options->profile);
    fact_store_init(&r.facts);
    r.live = new_engine(&r);
    if (!options->unwatched) {
        r.watch = watch_create(options->only);
        r.follower = new_engine(&r);
    }
    begin(&r);
    while (r.step < options->steps && !result->failed) {
        one_turn(&r);
    }
    report(&r);
    result->digest = engine_digest(r.live);
    result->facts = engine_seq(r.live);
    engine_destroy(r.live);
    if (!options->unwatched) {
        engine_destroy(r.follower);
        watch_destroy(r.watch);
    }
    fact_store_close(&r.facts);
    random_commands_destroy(r.commands);
    memory_give(r.records.bytes);
}
