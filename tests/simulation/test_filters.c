/* Each checker sees what it is there for: the stream of facts of a random run is altered on its way
 * to one checker, as a broken engine would alter it, and that checker must find it. Unaltered, the
 * same run passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/agent.h"
#include "tests/simulation/random_run.h"

#define STEPS 20000

typedef void (*hand_on_fact)(void *context, const struct fact *fact);

/* Every so often: most of the stream stays as it was. */
static bool now_and_then(void *state, unsigned each)
{
    unsigned *count = state;

    return ++*count % each == 0;
}

static void unaltered(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    (void)state;
    hand_on(context, f);
}

/* An engine that forgets who said no: to the checker the cool-down is an hour longer than what is
 * obeyed. */
static void forgets_cool_downs(void *state, const struct fact *f, hand_on_fact hand_on,
                               void *context)
{
    struct fact altered = *f;

    (void)state;
    if ((f->kind == FACT_OFFER_DECLINED || f->kind == FACT_OFFER_TIMED_OUT) &&
        f->offer_ended.cool_until != TIME_NEVER) {
        altered.offer_ended.cool_until += 3600000;
    }
    hand_on(context, &altered);
}

/* An engine that serves the second before the first: some contact should have come a day earlier.
 */
static void serves_second_first(void *state, const struct fact *f, hand_on_fact hand_on,
                                void *context)
{
    struct fact altered = *f;

    if (f->kind == FACT_CONTACT_QUEUED && now_and_then(state, 7)) {
        altered.new_contact.start_at -= 86400000;
        altered.new_contact.answer_at -= f->new_contact.answer_at == TIME_NEVER ? 0 : 86400000;
    }
    hand_on(context, &altered);
}

/* An engine that offers to whoever lacks a skill: agents can less than the engine believes. */
static void overlooks_skills(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    struct fact altered = *f;

    (void)state;
    if (f->kind == FACT_AGENT_PUT) {
        altered.agent_put.skills.count = 0;
    }
    hand_on(context, &altered);
}

/* An engine that leaves agents idle: a connection that seemed lost was not. */
static void leaves_agents_idle(void *state, const struct fact *f, hand_on_fact hand_on,
                               void *context)
{
    (void)state;
    if (f->kind != FACT_AGENT_AWAY && f->kind != FACT_AGENT_LOST) {
        hand_on(context, f);
    }
}

/* An engine that gives agents more than they can take. */
static void exceeds_units(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    struct fact altered = *f;

    (void)state;
    if (f->kind == FACT_AGENT_PUT) {
        altered.agent_put.units = 40;
    }
    hand_on(context, &altered);
}

static void exceeds_maxima(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    static const struct agent_channel_max one[] = {{TEXT("chat"), 1}, {TEXT("email"), 1}};
    struct fact altered = *f;

    (void)state;
    if (f->kind == FACT_AGENT_PUT) {
        altered.agent_put.max = (struct maxima_list){one, 2};
    }
    hand_on(context, &altered);
}

/* An engine that does not count wrap-ups as occupied: to the checker they go on. */
static void forgets_wrap_ups(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    (void)state;
    if (f->kind != FACT_WRAP_UP_ENDED && f->kind != FACT_CONTACT_COMPLETED) {
        hand_on(context, f);
    }
}

/* An engine that offers what somebody works already. */
static void offers_what_is_active(void *state, const struct fact *f, hand_on_fact hand_on,
                                  void *context)
{
    static struct agent other = {.id = {"f0", 2}};
    struct fact again;

    hand_on(context, f);
    if (f->kind == FACT_OFFER_ACCEPTED && now_and_then(state, 50)) {
        fact_init(&again, FACT_CONTACT_OFFERED);
        again.seq = f->seq + 1;
        again.at = f->at;
        again.subject = f->subject;
        again.offered.offer = f->offer.offer + 1;
        again.offered.agent = &other;
        again.offered.until = f->at + 1000;
        hand_on(context, &again);
    }
}

/* An engine in which a contact vanishes. */
static void loses_contacts(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    if (f->kind != FACT_CONTACT_QUEUED || !now_and_then(state, 100)) {
        hand_on(context, f);
    }
}

/* An engine that opens again what has ended. */
static void reopens_ended(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    struct fact again;

    hand_on(context, f);
    if (f->kind == FACT_CONTACT_COMPLETED && now_and_then(state, 50)) {
        fact_init(&again, FACT_CONTACT_WOKEN);
        again.seq = f->seq + 1;
        again.at = f->at;
        again.subject = f->subject;
        again.woken.start_at = f->at;
        hand_on(context, &again);
    }
}

/* An engine in which an offer never ends. */
static void never_ends_offers(void *state, const struct fact *f, hand_on_fact hand_on,
                              void *context)
{
    if (f->kind != FACT_OFFER_TIMED_OUT || !now_and_then(state, 3)) {
        hand_on(context, f);
    }
}

/* An engine that gives up before the clock is over. */
static void times_out_early(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    struct fact altered = *f;

    (void)state;
    if (f->kind == FACT_CONTACT_OFFERED) {
        altered.offered.until += 1000;
    }
    hand_on(context, &altered);
}

/* An engine that lets offers stand with those who have gone away. */
static void leaves_offers_with_absent(void *state, const struct fact *f, hand_on_fact hand_on,
                                      void *context)
{
    (void)state;
    if (f->kind != FACT_OFFER_WITHDRAWN) {
        hand_on(context, f);
    }
}

/* An engine that makes a duplicate a second contact. */
static void makes_duplicates(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    hand_on(context, f);
    if (f->kind == FACT_CONTACT_QUEUED && now_and_then(state, 100)) {
        hand_on(context, f);
    }
}

/* An engine that gives a contact to another connector. */
static void mixes_up_owners(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    struct fact altered = *f;

    if (f->kind == FACT_CONTACT_QUEUED && now_and_then(state, 20)) {
        altered.new_contact.owner = TEXT("another");
    }
    hand_on(context, &altered);
}

/* An engine that says an ended contact lives. */
static void forgets_ends(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    if ((f->kind != FACT_CONTACT_COMPLETED && f->kind != FACT_CONTACT_CANCELLED) ||
        !now_and_then(state, 10)) {
        hand_on(context, f);
    }
}

/* An engine whose receipts and acceptances come from anybody. */
static void mixes_up_holders(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    static struct agent other = {.id = {"f1", 2}};
    struct fact altered = *f;

    if (f->kind == FACT_OFFER_ACCEPTED && now_and_then(state, 50)) {
        altered.offer.agent = &other;
    }
    hand_on(context, &altered);
}

/* An engine that never says that a promise was missed. */
static void keeps_quiet_about_promises(void *state, const struct fact *f, hand_on_fact hand_on,
                                       void *context)
{
    if (f->kind != FACT_CONTACT_OVERDUE || !now_and_then(state, 30)) {
        hand_on(context, f);
    }
}

/* An engine in which some sleep on. */
static void wakes_not_all(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    if (f->kind != FACT_CONTACT_WOKEN || !now_and_then(state, 10)) {
        hand_on(context, f);
    }
}

/* An engine that leaves the lost signed in. */
static void forgets_grace(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    (void)state;
    if (f->kind != FACT_AGENT_SIGNED_OUT) {
        hand_on(context, f);
    }
}

/* An engine that does not count misses. */
static void forgives_misses(void *state, const struct fact *f, hand_on_fact hand_on, void *context)
{
    struct fact altered = *f;

    (void)state;
    if (f->kind == FACT_OFFER_TIMED_OUT) {
        altered.offer_ended.misses = 0;
    }
    hand_on(context, &altered);
}

static const struct filtered_run {
    const struct checker *checker;
    const char *profile;
    const char *name;
    void (*filter)(void *, const struct fact *, hand_on_fact, void *);
} runs[] = {
    {&checker_order, "calm", "forgets cool-downs", forgets_cool_downs},
    {&checker_order, "busy", "serves the second first", serves_second_first},
    {&checker_order, "calm", "overlooks skills", overlooks_skills},
    {&checker_order, "busy", "leaves agents idle", leaves_agents_idle},
    {&checker_capacity, "busy", "exceeds units", exceeds_units},
    {&checker_capacity, "busy", "exceeds maxima", exceeds_maxima},
    {&checker_capacity, "busy", "forgets wrap-ups", forgets_wrap_ups},
    {&checker_one_agent, "calm", "offers what is active", offers_what_is_active},
    {&checker_one_agent, "calm", "mixes up holders", mixes_up_holders},
    {&checker_one_agent, "calm", "never ends offers", never_ends_offers},
    {&checker_life, "calm", "loses contacts", loses_contacts},
    {&checker_life, "calm", "reopens what has ended", reopens_ended},
    {&checker_life, "calm", "offers what is active", offers_what_is_active},
    {&checker_life, "calm", "never ends offers", never_ends_offers},
    {&checker_ends, "calm", "never ends offers", never_ends_offers},
    {&checker_ends, "calm", "times out early", times_out_early},
    {&checker_ends, "calm", "leaves offers with absent agents", leaves_offers_with_absent},
    {&checker_ends, "calm", "forgives misses", forgives_misses},
    {&checker_clocks, "calm", "keeps quiet about promises", keeps_quiet_about_promises},
    {&checker_clocks, "calm", "wakes not all", wakes_not_all},
    {&checker_clocks, "storm", "forgets grace", forgets_grace},
    {&checker_counts, "calm", "forgets ends", forgets_ends},
    {&checker_counts, "calm", "leaves offers with absent agents", leaves_offers_with_absent},
    {&checker_counts, "calm", "wakes not all", wakes_not_all},
    {&checker_identity, "calm", "makes duplicates", makes_duplicates},
    {&checker_identity, "calm", "mixes up owners", mixes_up_owners},
    {&checker_identity, "hostile", "forgets ends", forgets_ends},
};

#define RUNS (sizeof(runs) / sizeof(runs[0]))

static void run_filtered(const struct filtered_run *run, struct run_result *result)
{
    unsigned count = 0;
    struct stream_filter filter = {run->name, run->filter, &count};
    struct run_options options = {.seed = 7,
                                  .steps = STEPS,
                                  .profile = profile_of_run_find(run->profile),
                                  .filter = &filter,
                                  .only = run->checker};

    random_run(&options, result);
}

static void alteration_is_found(void **state)
{
    const struct filtered_run *run = *state;
    struct run_result result;

    run_filtered(run, &result);
    if (!result.failed) {
        fail_msg("%s: a stream that %s was not found", run->checker->name, run->name);
    }
    assert_string_equal(result.finder, run->checker->name);
    print_message("%s, step %u: %s\n", run->name, (unsigned)result.step, result.finding);
}

static void unaltered_passes(void **state)
{
    struct run_result result;

    (void)state;
    for (const struct profile_of_run *p = profiles_of_run; p->name != NULL; p++) {
        const struct filtered_run run = {NULL, p->name, "is as it was", unaltered};

        run_filtered(&run, &result);
        if (result.failed) {
            fail_msg("%s: %s", result.finder, result.finding);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[RUNS + 1] = {
        {"unaltered streams pass", unaltered_passes, NULL, NULL, NULL}};

    for (size_t i = 0; i < RUNS; i++) {
        tests[i + 1] = (struct CMUnitTest){runs[i].name, alteration_is_found, NULL, NULL,
                                           (void *)(uintptr_t)&runs[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
