/* Facts and settings survive the journal: every kind, every field, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/base/memory.h"
#include "queue/base/random.h"
#include "router/fact_codec.h"
#include "router/settings_codec.h"

static const struct targets no_targets = {DURATION_NONE, DURATION_NONE, DURATION_NONE};

/* Two of everything, and in each record every field set to something of its own. */
static struct settings *make_settings(void)
{
    struct settings *s = settings_create();
    static struct skill_level refund = {{"refund", 6}, 3};

    s->tier_count = s->channel_count = s->issue_count = s->language_count = s->queue_count = 2;
    s->tiers = settings_alloc(s, 2 * sizeof(*s->tiers));
    s->channels = settings_alloc(s, 2 * sizeof(*s->channels));
    s->issues = settings_alloc(s, 2 * sizeof(*s->issues));
    s->languages = settings_alloc(s, 2 * sizeof(*s->languages));
    s->queues = settings_alloc(s, 2 * sizeof(*s->queues));
    s->tiers[0] = (struct tier_settings){TEXT("vip"), {20000, 40000, 60000}};
    s->tiers[1] = (struct tier_settings){TEXT("standard"), no_targets};
    s->channels[0] = (struct channel_settings){TEXT("voice"), 100, 1, 0};
    s->channels[1] = (struct channel_settings){TEXT("email"), 20, 0, 1};
    s->issues[0] = (struct issue_settings){TEXT("refund"), {1, DURATION_NONE, 3}};
    s->issues[1] = (struct issue_settings){TEXT("complaint"), no_targets};
    s->languages[0] = TEXT("zh");
    s->languages[1] = TEXT("en");
    for (queue_index i = 0; i < 2; i++) {
        struct queue_settings *q = &s->queues[i];

        q->name = i == 0 ? TEXT("general") : TEXT("refunds");
        q->order = i == 0 ? ORDER_FIFO : ORDER_STRICT;
        q->strategy = i == 0 ? STRATEGY_ROUND_ROBIN : STRATEGY_FEWEST_CONTACTS;
        q->required = &refund;
        q->required_count = i;
        q->by_tier = settings_alloc(s, 2 * sizeof(*q->by_tier));
        q->by_tier[0] = (struct targets){1 + i, 2 + i, 3 + i};
        q->by_tier[1] = no_targets;
        q->wrap_up = 10 + i;
        q->answer_clock = 20 + i;
        q->delivery_clock = 30 + i;
        q->preferred_hold = 40 + i;
        q->cool_down = 50 + i;
        q->expires = i == 0 ? DURATION_NONE : 60;
        q->short_abandon = 70 + i;
        q->waiting_max = 80 + i;
        q->attempts_max = 90 + i;
        q->escalation = i == 0 ? 1 : INDEX_NONE16;
        q->overflow = i == 0 ? INDEX_NONE16 : 0;
    }
    s->default_queue = 1;
    s->agent_units = 100;
    s->max_misses = 2;
    s->missed_return = 3;
    s->grace = 4;
    s->at_risk = 5;
    s->id_kept = 6;
    s->rating_kept = 7;
    s->tombstones_max = 8;
    s->received_bound = 9;
    s->fairness_window = 10;
    s->statistics_window = 11;
    s->statistics_interval = 12;
    s->statistics_kept = 13;
    return s;
}

static void assert_same_bytes(const struct packer *a, const struct packer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->bytes, b->bytes, a->size);
}

static void assert_same_targets(const struct targets *a, const struct targets *b)
{
    assert_int_equal(a->answer, b->answer);
    assert_int_equal(a->progress, b->progress);
    assert_int_equal(a->resolve, b->resolve);
}

static void assert_same_queue(const struct queue_settings *a, const struct queue_settings *b)
{
    assert_true(text_equal(a->name, b->name));
    assert_int_equal(a->order, b->order);
    assert_int_equal(a->strategy, b->strategy);
    assert_int_equal(a->required_count, b->required_count);
    for (uint32_t i = 0; i < a->required_count; i++) {
        assert_true(text_equal(a->required[i].skill, b->required[i].skill));
        assert_int_equal(a->required[i].level, b->required[i].level);
    }
    for (uint32_t i = 0; i < 2; i++) {
        assert_same_targets(&a->by_tier[i], &b->by_tier[i]);
    }
    assert_int_equal(a->wrap_up, b->wrap_up);
    assert_int_equal(a->answer_clock, b->answer_clock);
    assert_int_equal(a->delivery_clock, b->delivery_clock);
    assert_int_equal(a->preferred_hold, b->preferred_hold);
    assert_int_equal(a->cool_down, b->cool_down);
    assert_int_equal(a->expires, b->expires);
    assert_int_equal(a->short_abandon, b->short_abandon);
    assert_int_equal(a->waiting_max, b->waiting_max);
    assert_int_equal(a->attempts_max, b->attempts_max);
    assert_int_equal(a->escalation, b->escalation);
    assert_int_equal(a->overflow, b->overflow);
}

static void test_settings_come_back_whole(void **state)
{
    struct settings *a = make_settings();
    struct settings *b;
    struct packer first = {0}, second = {0};
    const char *problem = NULL;

    (void)state;
    settings_encode(&first, a);
    b = settings_decode(first.bytes, first.size, &problem);
    assert_null(problem);
    assert_non_null(b);
    assert_true(settings_same_names(a, b));
    for (uint32_t i = 0; i < 2; i++) {
        assert_same_targets(&a->tiers[i].targets, &b->tiers[i].targets);
        assert_same_targets(&a->issues[i].targets, &b->issues[i].targets);
        assert_int_equal(a->channels[i].units, b->channels[i].units);
        assert_int_equal(a->channels[i].max_per_agent, b->channels[i].max_per_agent);
        assert_int_equal(a->channels[i].interruptible_by, b->channels[i].interruptible_by);
        assert_same_queue(&a->queues[i], &b->queues[i]);
    }
    assert_int_equal(b->default_queue, 1);
    assert_int_equal(b->agent_units, 100);
    assert_int_equal(b->max_misses, 2);
    assert_int_equal(b->missed_return, 3);
    assert_int_equal(b->grace, 4);
    assert_int_equal(b->at_risk, 5);
    assert_int_equal(b->id_kept, 6);
    assert_int_equal(b->rating_kept, 7);
    assert_int_equal(b->tombstones_max, 8);
    assert_int_equal(b->received_bound, 9);
    assert_int_equal(b->fairness_window, 10);
    assert_int_equal(b->statistics_window, 11);
    assert_int_equal(b->statistics_interval, 12);
    assert_int_equal(b->statistics_kept, 13);
    settings_encode(&second, b);
    assert_same_bytes(&first, &second);
    packer_close(&first);
    packer_close(&second);
    settings_release(a);
    settings_release(b);
}

static void test_other_names_are_told_apart(void **state)
{
    struct settings *a = make_settings();
    struct settings *b = make_settings();

    (void)state;
    assert_true(settings_same_names(a, b));
    b->queues[0].name = TEXT("genial");
    assert_false(settings_same_names(a, b));
    settings_release(a);
    settings_release(b);
}

/* Whatever is cut off or changed, there is an answer: settings, or words. */
static void test_broken_settings_are_refused_with_words(void **state)
{
    struct settings *s = make_settings();
    struct packer p = {0};
    struct random r;
    uint32_t refused = 0;

    (void)state;
    settings_encode(&p, s);
    for (size_t size = 0; size < p.size; size++) {
        const char *problem = NULL;
        uint8_t *cut = memory_copy(p.bytes, size); /* so that a sanitizer sees a step too far */

        assert_null(settings_decode(cut, size, &problem));
        assert_non_null(problem);
        memory_give(cut);
    }
    random_init(&r, 7);
    for (int i = 0; i < 20000; i++) {
        const char *problem = NULL;
        uint8_t *broken = memory_copy(p.bytes, p.size);
        struct settings *got;

        broken[random_below(&r, p.size)] = (uint8_t)random_next(&r);
        got = settings_decode(broken, p.size, &problem);
        assert_true((got == NULL) == (problem != NULL));
        if (got == NULL) {
            refused++;
        } else {
            settings_release(got);
        }
        memory_give(broken);
    }
    assert_true(refused > 1000);
    packer_close(&p);
    settings_release(s);
}

/* ---- facts ---- */

static void no_fact(void *context, const struct fact *fact)
{
    (void)context;
    (void)fact;
}

static void no_delivery(void *context, const struct delivery *delivery)
{
    (void)context;
    (void)delivery;
}

struct fixture {
    struct engine *engine;
    struct settings *settings;
    struct agent *ana;
};

static int setup(void **state)
{
    struct fixture *f = memory_take(sizeof(*f));
    struct engine_options options = {.workspace = TEXT("default"),
                                     .sink = {NULL, no_fact, no_delivery}};
    struct fact fact;

    f->engine = engine_create(&options);
    f->settings = make_settings();
    fact_init(&fact, FACT_CONFIG_APPLIED);
    fact.seq = 1;
    fact.at = 1000;
    fact.settings = f->settings;
    fact.config.version = 1;
    fact.config.text = TEXT("queues: []");
    assert_null(engine_apply(f->engine, &fact));
    fact_init(&fact, FACT_AGENT_PUT);
    fact.seq = 2;
    fact.at = 1000;
    fact.subject = TEXT("ana");
    fact.agent_put.all_queues = true;
    assert_null(engine_apply(f->engine, &fact));
    f->ana = engine_find_agent(f->engine, TEXT("ana"));
    assert_non_null(f->ana);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    engine_destroy(f->engine);
    settings_release(f->settings);
    memory_give(f);
    return 0;
}

static const struct skill_level some_skills[] = {{{"refund", 6}, 4}, {{"zh", 2}, 5}};
static const struct agent_channel_max some_maxima[] = {{{"voice", 5}, 1}, {{"email", 5}, 7}};
static const struct agent_queue some_queues[] = {{.queue = {"general", 7}, .rank = 2},
                                                 {.queue = {"refunds", 7}, .rank = 0}};

/* A value for a field, different for each. */
static void fill(struct fixture *f, const struct fact_field *field, uint8_t *at, unsigned number)
{
    static const uint8_t raw[] = {0x81, 0xa1, 'k', 0x01};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

    switch (field->type) {
    case FACT_FIELD_TEXT:
    case FACT_FIELD_BIN:
        *(struct text *)(void *)at = (struct text){letters, number % 40};
        break;
    case FACT_FIELD_RAW:
        *(struct raw *)(void *)at = (struct raw){raw, sizeof(raw)};
        break;
    case FACT_FIELD_TIME:
        *(engine_time *)(void *)at = 1700000000000 + number;
        break;
    case FACT_FIELD_SPAN:
        *(duration_ms *)(void *)at = -5000 - (duration_ms)number; /* a boost may be negative */
        break;
    case FACT_FIELD_NUMBER:
        *(uint64_t *)(void *)at = UINT64_MAX - number;
        break;
    case FACT_FIELD_FLAG:
        *(bool *)at = true;
        break;
    case FACT_FIELD_TIER:
    case FACT_FIELD_CHANNEL:
        *at = (uint8_t)(number % 2);
        break;
    case FACT_FIELD_QUEUE:
    case FACT_FIELD_ISSUE:
    case FACT_FIELD_LANGUAGE:
        *(uint16_t *)(void *)at = (uint16_t)(number % 2);
        break;
    case FACT_FIELD_AGENT:
        *(struct agent **)(void *)at = f->ana;
        break;
    case FACT_FIELD_SKILLS:
        *(struct skill_list *)(void *)at = (struct skill_list){some_skills, 2};
        break;
    case FACT_FIELD_MAXIMA:
        *(struct maxima_list *)(void *)at = (struct maxima_list){some_maxima, 2};
        break;
    case FACT_FIELD_QUEUES:
        *(struct agent_queue_list *)(void *)at = (struct agent_queue_list){some_queues, 2};
        break;
    case FACT_FIELD_PROMISE:
        *(enum promise *)(void *)at = PROMISE_RESOLVE;
        break;
    }
}

static void assert_same_field(const struct fact_field *field, const uint8_t *a, const uint8_t *b)
{
    switch (field->type) {
    case FACT_FIELD_TEXT:
    case FACT_FIELD_BIN: {
        const struct text *x = (const struct text *)(const void *)a;
        const struct text *y = (const struct text *)(const void *)b;

        assert_int_equal(text_is_none(*x), text_is_none(*y));
        assert_true(text_equal(*x, *y));
        break;
    }
    case FACT_FIELD_RAW: {
        const struct raw *x = (const struct raw *)(const void *)a;
        const struct raw *y = (const struct raw *)(const void *)b;

        assert_int_equal(x->length, y->length);
        if (x->length > 0) {
            assert_memory_equal(x->bytes, y->bytes, x->length);
        }
        break;
    }
    case FACT_FIELD_TIME:
    case FACT_FIELD_SPAN:
    case FACT_FIELD_NUMBER:
        assert_memory_equal(a, b, 8);
        break;
    case FACT_FIELD_FLAG:
    case FACT_FIELD_TIER:
    case FACT_FIELD_CHANNEL:
        assert_int_equal(*a, *b);
        break;
    case FACT_FIELD_QUEUE:
    case FACT_FIELD_ISSUE:
    case FACT_FIELD_LANGUAGE:
        assert_memory_equal(a, b, 2);
        break;
    case FACT_FIELD_AGENT:
        assert_ptr_equal(*(struct agent *const *)(const void *)a,
                         *(struct agent *const *)(const void *)b);
        break;
    case FACT_FIELD_SKILLS: {
        const struct skill_list *x = (const struct skill_list *)(const void *)a;
        const struct skill_list *y = (const struct skill_list *)(const void *)b;

        assert_int_equal(x->count, y->count);
        for (uint32_t i = 0; i < x->count; i++) {
            assert_true(text_equal(x->items[i].skill, y->items[i].skill));
            assert_int_equal(x->items[i].level, y->items[i].level);
        }
        break;
    }
    case FACT_FIELD_MAXIMA: {
        const struct maxima_list *x = (const struct maxima_list *)(const void *)a;
        const struct maxima_list *y = (const struct maxima_list *)(const void *)b;

        assert_int_equal(x->count, y->count);
        for (uint32_t i = 0; i < x->count; i++) {
            assert_true(text_equal(x->items[i].channel, y->items[i].channel));
            assert_int_equal(x->items[i].contacts, y->items[i].contacts);
        }
        break;
    }
    case FACT_FIELD_QUEUES: {
        const struct agent_queue_list *x = (const struct agent_queue_list *)(const void *)a;
        const struct agent_queue_list *y = (const struct agent_queue_list *)(const void *)b;

        assert_int_equal(x->count, y->count);
        for (uint32_t i = 0; i < x->count; i++) {
            assert_true(text_equal(x->items[i].queue, y->items[i].queue));
            assert_int_equal(x->items[i].rank, y->items[i].rank);
        }
        break;
    }
    case FACT_FIELD_PROMISE:
        assert_int_equal(*(const enum promise *)(const void *)a,
                         *(const enum promise *)(const void *)b);
        break;
    }
}

static void there_and_back(struct fixture *f, const struct fact *fact)
{
    const struct fact_kind_row *row = fact_kind_row(fact->kind);
    struct fact_decoder decoder = {0};
    struct packer first = {0}, second = {0};
    struct fact got;
    struct cursor c;

    fact_encode(&first, fact, f->settings);
    c = cursor_over(first.bytes, first.size);
    if (!fact_decode(&decoder, &c, f->engine, &got)) {
        fail_msg("%.*s: %s", TEXT_ARGS(row->word), decoder.problem);
    }
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(got.kind, fact->kind);
    assert_int_equal(got.seq, fact->seq);
    assert_int_equal(got.at, fact->at);
    assert_true(text_equal(got.subject, fact->subject));
    for (uint32_t i = 0; i < row->field_count; i++) {
        const struct fact_field *field = &row->fields[i];

        if (fact->kind == FACT_CONFIG_APPLIED && field->type == FACT_FIELD_RAW) {
            continue; /* the compiled settings: bytes in the journal, an object in memory */
        }
        assert_same_field(field, (const uint8_t *)fact + field->offset,
                          (const uint8_t *)&got + field->offset);
    }
    assert_int_equal(got.settings != NULL, fact->kind == FACT_CONFIG_APPLIED);
    fact_encode(&second, &got, f->settings);
    if (fact->kind != FACT_CONFIG_APPLIED) {
        assert_same_bytes(&first, &second);
    } else {
        assert_true(settings_same_names(got.settings, f->settings));
        settings_release(got.settings);
    }
    packer_close(&first);
    packer_close(&second);
    fact_decoder_close(&decoder);
}

static void test_every_field_of_every_kind_comes_back(void **state)
{
    struct fixture *f = *state;

    for (unsigned kind = 0; kind < FACT_KIND_COUNT; kind++) {
        const struct fact_kind_row *row = fact_kind_row((enum fact_kind)kind);
        struct fact fact;

        fact_init(&fact, (enum fact_kind)kind);
        fact.seq = 3 + kind;
        fact.at = 1700000000000;
        fact.subject = row->subject == SUBJECT_WORKSPACE ? TEXT_NONE : TEXT("somebody");
        for (uint32_t i = 0; i < row->field_count; i++) {
            if (kind != FACT_CONFIG_APPLIED || row->fields[i].type != FACT_FIELD_RAW) {
                fill(f, &row->fields[i], (uint8_t *)&fact + row->fields[i].offset, i + kind);
            }
        }
        if (kind == FACT_CONFIG_APPLIED) {
            fact.settings = f->settings;
        }
        there_and_back(f, &fact);
    }
}

/* What is absent is not written, and comes back absent. */
static void test_absent_fields_stay_absent(void **state)
{
    struct fixture *f = *state;

    for (unsigned kind = 0; kind < FACT_KIND_COUNT; kind++) {
        struct fact fact;

        fact_init(&fact, (enum fact_kind)kind);
        fact.seq = 1;
        fact.at = 1;
        fact.subject = fact_kind_row((enum fact_kind)kind)->subject == SUBJECT_WORKSPACE
                           ? TEXT_NONE
                           : TEXT("x");
        if (kind == FACT_CONFIG_APPLIED) {
            fact.settings = f->settings;
        }
        there_and_back(f, &fact);
    }
}

/* A later version's field is passed over; its kind is not. */
static void test_unknown_fields_are_passed_over_and_unknown_kinds_are_not(void **state)
{
    struct fixture *f = *state;
    struct fact_decoder decoder = {0};
    struct packer p = {0};
    struct fact got;
    struct cursor c;

    packer_array(&p, 5);
    packer_uint(&p, 3);
    packer_uint(&p, 2000);
    packer_literal(&p, "agent_removed");
    packer_literal(&p, "ana");
    packer_map(&p, 2);
    packer_literal(&p, "invented_later");
    packer_array(&p, 2);
    packer_nil(&p);
    packer_literal(&p, "x");
    packer_literal(&p, "actor");
    packer_literal(&p, "bo");
    c = cursor_over(p.bytes, p.size);
    assert_true(fact_decode(&decoder, &c, f->engine, &got));
    assert_int_equal(got.kind, FACT_AGENT_REMOVED);
    assert_ptr_equal(got.agent, f->ana);
    assert_true(text_equal(got.actor.actor, TEXT("bo")));

    packer_reset(&p);
    packer_array(&p, 5);
    packer_uint(&p, 3);
    packer_uint(&p, 2000);
    packer_literal(&p, "agent_promoted");
    packer_literal(&p, "ana");
    packer_map(&p, 0);
    c = cursor_over(p.bytes, p.size);
    assert_false(fact_decode(&decoder, &c, f->engine, &got));
    assert_non_null(decoder.problem);
    packer_close(&p);
    fact_decoder_close(&decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_come_back_whole),
        cmocka_unit_test(test_other_names_are_told_apart),
        cmocka_unit_test(test_broken_settings_are_refused_with_words),
        cmocka_unit_test_setup_teardown(test_every_field_of_every_kind_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_fields_stay_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_unknown_fields_are_passed_over_and_unknown_kinds_are_not, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
