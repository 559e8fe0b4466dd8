/* Each checker is told stories by hand: true ones, of which it must say nothing, and false ones,
 * which it must find. A story is a few facts of a workspace with one queue, one channel, and agents
 * of 100 units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/agent.h"
#include "tests/lib/plan.h"
#include "tests/simulation/watch.h"

struct teller {
    struct watch *watch;
    struct settings *settings;
    const struct checker *checker;
    uint64_t seq;
    engine_time now;
    uint64_t contacts;
};

static struct agent ana = {.id = {"ana", 3}}, bo = {.id = {"bo", 2}};

static void tell(struct teller *t, struct fact *f)
{
    f->seq = ++t->seq;
    f->at = t->now;
    watch_fact(t->watch, f);
}

static void begin(struct teller *t, const struct checker *checker)
{
    struct plan *p = plan_create();
    struct fact f;

    *t = (struct teller){.checker = checker, .now = 1000000};
    plan_channel(p, "chat", "units=50 max=1");
    plan_channel(p, "voice", "units=100 interruptible_by=chat");
    plan_queue(p, "es", "needs=es:2");
    plan_workspace(p, "id_kept=1h tombstones_max=100");
    t->settings = plan_settings(p);
    plan_destroy(p);
    t->watch = watch_create(checker);
    fact_init(&f, FACT_CONFIG_APPLIED);
    f.settings = t->settings;
    tell(t, &f);
}

/* Nothing was wrong so far. */
static void so_far_good(struct teller *t)
{
    if (watch_finding(t->watch) != NULL) {
        fail_msg("found in a true story: %s", watch_finding(t->watch));
    }
}

static void story_over(struct teller *t)
{
    watch_destroy(t->watch);
    settings_release(t->settings);
}

/* The last thing told was false, and was found. */
static void found(struct teller *t, const char *words)
{
    const char *finding = watch_finding(t->watch);

    if (finding == NULL || strstr(finding, words) == NULL) {
        fail_msg("expected \"%s\" to be found; found was: %s", words,
                 finding == NULL ? "nothing" : finding);
    }
    assert_string_equal(watch_finder(t->watch), t->checker->name);
    story_over(t);
}

static void found_nothing(struct teller *t)
{
    so_far_good(t);
    story_over(t);
}

static void step_over(struct teller *t, duration_ms span)
{
    t->now += span;
    watch_step_over(t->watch, t->now);
}

/* ---- facts ---- */

static struct fact about(enum fact_kind kind, const char *subject)
{
    struct fact f;

    fact_init(&f, kind);
    f.subject = text_from(subject);
    return f;
}

static void put(struct teller *t, const char *agent, uint8_t level)
{
    struct skill_level skill = {TEXT("es"), level};
    struct fact f = about(FACT_AGENT_PUT, agent);

    f.agent_put.skills = (struct skill_list){&skill, 1};
    f.agent_put.all_queues = true;
    tell(t, &f);
}

static void signs_in(struct teller *t, const char *agent)
{
    struct fact f = about(FACT_AGENT_SIGNED_IN, agent);

    f.signed_in.session = t->seq + 100;
    f.signed_in.available = true;
    tell(t, &f);
}

static void queued_on(struct teller *t, const char *id, channel_index channel,
                      engine_time answer_at)
{
    struct fact f = about(FACT_CONTACT_QUEUED, id);

    f.new_contact.number = ++t->contacts;
    f.new_contact.owner = TEXT("shop");
    f.new_contact.channel = channel;
    f.new_contact.queue = 0;
    f.new_contact.tier = 0;
    f.new_contact.start_at = t->now;
    f.new_contact.answer_at = answer_at;
    tell(t, &f);
}

static void queued(struct teller *t, const char *id)
{
    queued_on(t, id, 0, TIME_NEVER);
}

static void offered(struct teller *t, const char *id, struct agent *agent, uint64_t number)
{
    struct fact f = about(FACT_CONTACT_OFFERED, id);

    f.offered.offer = number;
    f.offered.agent = agent;
    f.offered.until = t->now + 15000;
    f.offered.shown = true;
    tell(t, &f);
}

static void accepted(struct teller *t, const char *id, struct agent *agent, uint64_t number)
{
    struct fact f = about(FACT_OFFER_ACCEPTED, id);

    f.offer.offer = number;
    f.offer.agent = agent;
    tell(t, &f);
}

static void offer_ended(struct teller *t, enum fact_kind kind, const char *id, struct agent *agent,
                        uint64_t number, duration_ms cool_down)
{
    struct fact f = about(kind, id);

    f.offer_ended.offer = number;
    f.offer_ended.agent = agent;
    f.offer_ended.misses = 1;
    f.offer_ended.reason = TEXT("away");
    f.offer_ended.cool_until = cool_down == 0 ? TIME_NEVER : t->now + cool_down;
    tell(t, &f);
}

static void ended(struct teller *t, enum fact_kind kind, const char *id, struct agent *agent)
{
    struct fact f = about(kind, id);

    f.ended.agent = agent;
    f.ended.reason = TEXT("completed");
    tell(t, &f);
}

static void presence(struct teller *t, enum fact_kind kind, const char *agent)
{
    struct fact f = about(kind, agent);

    tell(t, &f);
}

/* A workspace with two agents that are there. */
static void begin_with_agents(struct teller *t, const struct checker *checker)
{
    begin(t, checker);
    put(t, "ana", 3);
    put(t, "bo", 3);
    signs_in(t, "ana");
    signs_in(t, "bo");
    so_far_good(t);
}

/* ---- answers ---- */

static void answered(struct teller *t, struct command *c, uint64_t session, struct answer_seen a)
{
    c->caller.session = session;
    c->caller.name = TEXT("shop");
    watch_request(t->watch, c, t->now);
    watch_answer(t->watch, &a);
}

static void submitted(struct teller *t, const char *id, struct answer_seen a)
{
    struct command c = {.kind = COMMAND_SUBMIT};

    c.submit.id = text_from(id);
    a.kind = a.refused == REFUSED_NOT ? ANSWER_SUBMITTED : ANSWER_REFUSED;
    a.contact = text_from(id);
    a.estimate = DURATION_NONE;
    answered(t, &c, 1, a);
}

/* ana's connection says that it accepts. */
static void accepts(struct teller *t, uint64_t session, uint64_t number, struct answer_seen a)
{
    struct command c = {.kind = COMMAND_ACCEPT};

    c.offer.offer = number;
    answered(t, &c, session, a);
}

/* ---- life ---- */

static void life_of_a_contact_is_true(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    submitted(&t, "k1", (struct answer_seen){.state = CONTACT_WAITING});
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_DECLINED, "k1", &ana, 1, 0);
    offered(&t, "k1", &bo, 2);
    accepted(&t, "k1", &bo, 2);
    ended(&t, FACT_CONTACT_COMPLETED, "k1", &bo);
    found_nothing(&t);
}

static void life_finds_a_contact_that_nobody_made(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_life);
    offered(&t, "k1", &ana, 1);
    found(&t, "nobody knows it");
    begin(&t, &checker_life);
    submitted(&t, "k1", (struct answer_seen){.state = CONTACT_WAITING});
    found(&t, "no fact made it");
}

static void life_finds_moves_that_cannot_be(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    ended(&t, FACT_CONTACT_COMPLETED, "k1", &ana);
    found(&t, "contact_completed while waiting");
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    ended(&t, FACT_CONTACT_CANCELLED, "k1", NULL);
    offered(&t, "k1", &ana, 1);
    found(&t, "contact_offered while cancelled");
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_TIMED_OUT, "k1", &ana, 1, 0);
    accepted(&t, "k1", &ana, 1);
    found(&t, "offer_accepted while waiting");
    begin(&t, &checker_life);
    presence(&t, FACT_AGENT_AVAILABLE, "ana");
    found(&t, "agent_available while none");
}

static void life_finds_answers_that_are_not_so(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    submitted(&t, "k1", (struct answer_seen){.state = CONTACT_WAITING, .duplicate = true});
    found(&t, "answered waiting, but it is offered");
}

static void life_finds_ends_without_reason_and_time_running_back(void **state)
{
    struct fact f = about(FACT_CONTACT_CANCELLED, "k1");
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    tell(&t, &f);
    found(&t, "without a reason");
    begin_with_agents(&t, &checker_life);
    t.now -= 1;
    queued(&t, "k1");
    found(&t, "comes behind");
    begin_with_agents(&t, &checker_life);
    queued(&t, "k1");
    t.contacts = 0;
    queued(&t, "k2");
    found(&t, "arrival number");
}

/* ---- one agent ---- */

static void one_agent_finds_two(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_one_agent);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    so_far_good(&t);
    offered(&t, "k1", &bo, 2);
    found(&t, "contact_offered for bo, held by ana");
    begin_with_agents(&t, &checker_one_agent);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    accepted(&t, "k1", &bo, 1);
    found(&t, "offer_accepted for bo, held by ana");
    begin_with_agents(&t, &checker_one_agent);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    accepted(&t, "k1", &ana, 1);
    so_far_good(&t);
    offered(&t, "k1", &bo, 2);
    found(&t, "held by ana");
    begin_with_agents(&t, &checker_one_agent);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_DECLINED, "k1", &ana, 1, 0);
    accepted(&t, "k1", &ana, 1);
    found(&t, "held by nobody");
    begin_with_agents(&t, &checker_one_agent);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    ended(&t, FACT_CONTACT_CANCELLED, "k1", NULL);
    found(&t, "contact_cancelled");
}

/* ---- capacity ---- */

static void capacity_finds_too_much(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_capacity);
    queued_on(&t, "v1", 1, TIME_NEVER);
    queued_on(&t, "v2", 1, TIME_NEVER);
    offered(&t, "v1", &ana, 1);
    so_far_good(&t);
    offered(&t, "v2", &ana, 2);
    found(&t, "200 units of 100");
    begin_with_agents(&t, &checker_capacity);
    queued(&t, "c1");
    queued(&t, "c2");
    offered(&t, "c1", &ana, 1);
    offered(&t, "c2", &ana, 2);
    found(&t, "holds 1 of that channel already");
    begin_with_agents(&t, &checker_capacity);
    queued(&t, "c1");
    queued_on(&t, "v1", 1, TIME_NEVER);
    offered(&t, "c1", &ana, 1);
    accepted(&t, "c1", &ana, 1);
    offered(&t, "v1", &ana, 2);
    found(&t, "150 units of 100");
}

static void capacity_lets_interrupt_and_take_again(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_capacity);
    queued_on(&t, "v1", 1, TIME_NEVER);
    queued(&t, "c1");
    queued(&t, "c2");
    offered(&t, "v1", &ana, 1);
    offered(&t, "c1", &ana, 2); /* a chat may interrupt a call here */
    offer_ended(&t, FACT_OFFER_WITHDRAWN, "c1", &ana, 2, 0);
    offered(&t, "c2", &ana, 3);
    found_nothing(&t);
}

/* ---- identity ---- */

static void identity_finds_second_contacts(void **state)
{
    struct teller t;

    (void)state;
    begin(&t, &checker_identity);
    queued(&t, "k1");
    so_far_good(&t);
    queued(&t, "k1");
    found(&t, "a second time while the first lives");
    begin(&t, &checker_identity);
    queued(&t, "k1");
    ended(&t, FACT_CONTACT_CANCELLED, "k1", NULL);
    t.now += 3599999;
    queued(&t, "k1");
    found(&t, "a second time while the first is remembered");
    begin(&t, &checker_identity);
    queued(&t, "k1");
    submitted(&t, "k1", (struct answer_seen){.refused = REFUSED_CONFLICT});
    found(&t, "its own id is a conflict");
    begin(&t, &checker_identity);
    queued(&t, "k1");
    submitted(&t, "k1", (struct answer_seen){.duplicate = true, .ended = true});
    found(&t, "a duplicate of what is not so");
    begin(&t, &checker_identity);
    queued(&t, "k1");
    ended(&t, FACT_CONTACT_CANCELLED, "k1", NULL);
    submitted(&t, "k1", (struct answer_seen){.refused = REFUSED_QUEUE_FULL});
    found(&t, "its own duplicate was refused");
}

static void identity_lets_an_id_come_again(void **state)
{
    struct teller t;

    (void)state;
    begin(&t, &checker_identity);
    queued(&t, "k1");
    submitted(&t, "k1", (struct answer_seen){.state = CONTACT_WAITING});
    submitted(&t, "k1", (struct answer_seen){.state = CONTACT_WAITING, .duplicate = true});
    ended(&t, FACT_CONTACT_CANCELLED, "k1", NULL);
    submitted(&t, "k1", (struct answer_seen){.duplicate = true, .ended = true});
    t.now += 3600000;
    queued(&t, "k1");
    found_nothing(&t);
}

/* ---- order ---- */

static void order_finds_second_before_first(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_order);
    queued_on(&t, "k1", 0, t.now + 60000);
    queued_on(&t, "k2", 0, t.now + 20000);
    offered(&t, "k1", &ana, 1);
    found(&t, "k1 offered to ana before k2");
    begin_with_agents(&t, &checker_order);
    queued(&t, "k1");
    queued(&t, "k2");
    offered(&t, "k2", &ana, 1);
    found(&t, "k2 offered to ana before k1");
    begin_with_agents(&t, &checker_order);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_DECLINED, "k1", &ana, 1, 30000);
    queued(&t, "k2");
    offered(&t, "k2", &ana, 2); /* it said no to k1 */
    so_far_good(&t);
    queued(&t, "k3");
    offered(&t, "k3", &bo, 3); /* bo did not */
    found(&t, "k3 offered to bo before k1");
}

static void order_finds_offers_to_who_may_not(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_order);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_DECLINED, "k1", &ana, 1, 30000);
    t.now += 29999;
    offered(&t, "k1", &ana, 2);
    found(&t, "it cools down");
    begin_with_agents(&t, &checker_order);
    put(&t, "ana", 1);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    found(&t, "it lacks a skill");
    begin_with_agents(&t, &checker_order);
    presence(&t, FACT_AGENT_AWAY, "ana");
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    found(&t, "it is not there");
}

static void order_finds_the_idle(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_order);
    queued(&t, "k1");
    step_over(&t, 0);
    found(&t, "k1 waits");
    begin(&t, &checker_order);
    put(&t, "ana", 3);
    queued(&t, "k1");
    step_over(&t, 0);
    so_far_good(&t);
    signs_in(&t, "ana");
    step_over(&t, 0);
    found(&t, "ana is idle");
    begin(&t, &checker_order);
    put(&t, "ana", 3);
    signs_in(&t, "ana");
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_DECLINED, "k1", &ana, 1, 30000);
    step_over(&t, 29999);
    so_far_good(&t);
    step_over(&t, 1); /* the cool-down is over */
    found(&t, "k1 waits, and ana is idle");
}

static void order_finds_false_positions(void **state)
{
    struct teller t;

    (void)state;
    begin(&t, &checker_order);
    queued(&t, "k1");
    queued(&t, "k2");
    submitted(&t, "k2", (struct answer_seen){.state = CONTACT_WAITING, .position = 2});
    so_far_good(&t);
    submitted(&t, "k1", (struct answer_seen){.state = CONTACT_WAITING, .position = 2});
    found(&t, "position 2, counted 1");
}

/* ---- ends ---- */

static void ends_finds_offers_that_do_not_end(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_ends);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    step_over(&t, 14999);
    so_far_good(&t);
    step_over(&t, 1);
    found(&t, "its clock is over");
    begin_with_agents(&t, &checker_ends);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    presence(&t, FACT_AGENT_AWAY, "ana");
    step_over(&t, 0);
    found(&t, "its agent is not there");
    begin_with_agents(&t, &checker_ends);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    accepted(&t, "k1", &ana, 1);
    presence(&t, FACT_AGENT_SIGNED_OUT, "ana");
    step_over(&t, 0);
    found(&t, "its agent is gone");
    begin_with_agents(&t, &checker_ends);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    t.now += 14999;
    offer_ended(&t, FACT_OFFER_TIMED_OUT, "k1", &ana, 1, 0);
    found(&t, "before its time");
}

static void ends_finds_what_is_accepted_too_late(void **state)
{
    uint64_t session;
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_ends);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_WITHDRAWN, "k1", &ana, 1, 0);
    accepted(&t, "k1", &ana, 1);
    found(&t, "the offer was over");
    begin_with_agents(&t, &checker_ends);
    session = t.seq + 99; /* bo's: it signed in last */
    queued(&t, "k1");
    offered(&t, "k1", &bo, 1);
    offer_ended(&t, FACT_OFFER_WITHDRAWN, "k1", &bo, 1, 0);
    accepts(&t, session, 1,
            (struct answer_seen){
                .kind = ANSWER_REFUSED, .refused = REFUSED_GONE, .reason = TEXT("away")});
    so_far_good(&t);
    accepts(&t, session, 1, (struct answer_seen){.kind = ANSWER_CONTACT_STATE});
    found(&t, "accepted what is over");
    begin_with_agents(&t, &checker_ends);
    session = t.seq + 99;
    queued(&t, "k1");
    offered(&t, "k1", &bo, 1);
    offer_ended(&t, FACT_OFFER_WITHDRAWN, "k1", &bo, 1, 0);
    accepts(&t, session, 1,
            (struct answer_seen){
                .kind = ANSWER_REFUSED, .refused = REFUSED_GONE, .reason = TEXT("declined")});
    found(&t, "in another way");
}

static void ends_finds_misses_that_do_not_count(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_ends);
    for (uint64_t i = 1; i <= 3; i++) {
        struct fact f = about(FACT_OFFER_TIMED_OUT, "k1");

        if (i == 1) {
            queued(&t, "k1");
        }
        offered(&t, "k1", &ana, i);
        t.now += 15000;
        f.offer_ended.offer = i;
        f.offer_ended.agent = &ana;
        f.offer_ended.misses = i;
        tell(&t, &f);
        so_far_good(&t);
    }
    step_over(&t, 0); /* three are as many as may be */
    found(&t, "missed as many as may be, and is not away");
    begin_with_agents(&t, &checker_ends);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    t.now += 15000;
    offer_ended(&t, FACT_OFFER_TIMED_OUT, "k1", &ana, 1, 0);
    offered(&t, "k1", &ana, 2);
    t.now += 15000;
    offer_ended(&t, FACT_OFFER_TIMED_OUT, "k1", &ana, 2, 0);
    found(&t, "miss 2 told as 1");
}

/* ---- clocks ---- */

static void scheduled(struct teller *t, const char *id, engine_time not_before_at)
{
    struct fact f = about(FACT_CONTACT_SCHEDULED, id);

    f.new_contact.number = ++t->contacts;
    f.new_contact.owner = TEXT("shop");
    f.new_contact.channel = 0;
    f.new_contact.queue = 0;
    f.new_contact.tier = 0;
    f.new_contact.start_at = not_before_at;
    f.new_contact.not_before_at = not_before_at;
    f.new_contact.expires_at = not_before_at + 60000;
    tell(t, &f);
}

static void clocks_finds_what_was_forgotten(void **state)
{
    struct fact lost = about(FACT_AGENT_LOST, "ana");
    struct teller t;

    (void)state;
    begin(&t, &checker_clocks);
    scheduled(&t, "k1", t.now + 30000);
    step_over(&t, 29999);
    so_far_good(&t);
    step_over(&t, 1);
    found(&t, "k1: scheduled until");
    begin(&t, &checker_clocks);
    queued_on(&t, "k1", 0, t.now + 20000);
    step_over(&t, 20000);
    found(&t, "k1: promised an answer");
    begin_with_agents(&t, &checker_clocks);
    lost.agent_state.until = t.now + 30000;
    tell(&t, &lost);
    step_over(&t, 30000);
    found(&t, "ana: its grace is over");
}

static void clocks_lets_wake_and_answer(void **state)
{
    struct fact woken = about(FACT_CONTACT_WOKEN, "k1");
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_clocks);
    scheduled(&t, "k1", t.now + 30000);
    t.now += 30000;
    woken.woken.start_at = t.now;
    woken.woken.answer_at = t.now + 20000;
    woken.woken.expires_at = t.now + 60000;
    tell(&t, &woken);
    step_over(&t, 0);
    offered(&t, "k1", &ana, 1);
    accepted(&t, "k1", &ana, 1);
    step_over(&t, 600000); /* answered in time, and who is served does not expire */
    found_nothing(&t);
}

/* ---- counts ---- */

static void figures(struct teller *t, uint64_t waiting, uint64_t offered_now, uint64_t active)
{
    struct queue_row row = {.waiting = waiting,
                            .offered = offered_now,
                            .active = active,
                            .oldest_wait = waiting == 0 ? DURATION_NONE : 0};

    watch_figures(t->watch, 0, &row);
}

static void counts_finds_drift(void **state)
{
    struct teller t;

    (void)state;
    begin_with_agents(&t, &checker_counts);
    queued(&t, "k1");
    queued(&t, "k2");
    figures(&t, 2, 0, 0);
    offered(&t, "k1", &ana, 1);
    figures(&t, 1, 1, 0);
    so_far_good(&t);
    accepted(&t, "k1", &ana, 1);
    figures(&t, 1, 1, 0);
    found(&t, "offered 1, active 0, wrapping 0; counted 1, 0, 1, 0");
    begin_with_agents(&t, &checker_counts);
    queued(&t, "k1");
    ended(&t, FACT_CONTACT_CANCELLED, "k1", NULL);
    figures(&t, 1, 0, 0);
    found(&t, "waiting 1");
    begin_with_agents(&t, &checker_counts);
    queued(&t, "k1");
    offered(&t, "k1", &ana, 1);
    offer_ended(&t, FACT_OFFER_WITHDRAWN, "k1", &ana, 1, 0);
    figures(&t, 0, 0, 0);
    found(&t, "waiting 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life_of_a_contact_is_true),
        cmocka_unit_test(life_finds_a_contact_that_nobody_made),
        cmocka_unit_test(life_finds_moves_that_cannot_be),
        cmocka_unit_test(life_finds_answers_that_are_not_so),
        cmocka_unit_test(life_finds_ends_without_reason_and_time_running_back),
        cmocka_unit_test(one_agent_finds_two),
        cmocka_unit_test(capacity_finds_too_much),
        cmocka_unit_test(capacity_lets_interrupt_and_take_again),
        cmocka_unit_test(identity_finds_second_contacts),
        cmocka_unit_test(identity_lets_an_id_come_again),
        cmocka_unit_test(order_finds_second_before_first),
        cmocka_unit_test(order_finds_offers_to_who_may_not),
        cmocka_unit_test(order_finds_the_idle),
        cmocka_unit_test(order_finds_false_positions),
        cmocka_unit_test(ends_finds_offers_that_do_not_end),
        cmocka_unit_test(ends_finds_what_is_accepted_too_late),
        cmocka_unit_test(ends_finds_misses_that_do_not_count),
        cmocka_unit_test(clocks_finds_what_was_forgotten),
        cmocka_unit_test(clocks_lets_wake_and_answer),
        cmocka_unit_test(counts_finds_drift),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
