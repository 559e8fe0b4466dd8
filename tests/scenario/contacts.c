/* The life of a contact from its submission to what is remembered of it. */
#include "tests/lib/story.h"

/* Nobody is there: it waits, and the answer says where it stands. */
TEST(submit, waits_in_its_place)
{
    queue(f, "es", "");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 waiting in es, position 1");
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "k2 waiting in es, position 2");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k2 queued in es\n");
}

/* The same id again is the same contact, whatever became of it. */
TEST(submit, again_is_a_duplicate)
{
    queue(f, "es", "");
    queue(f, "other", "");
    contact(f, "k1", "es");
    contact(f, "k1", "other");
    EXPECT_ANSWER(f, "k1 waiting in es, position 1, duplicate");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 offered in es, duplicate");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 completed: completed, duplicate");
    EXPECT_FACTS(f, "");
}

/* Ids belong to the workspace: another connector's id is a conflict, alive or ended. */
TEST(submit, of_another_connectors_id_conflicts)
{
    queue(f, "es", "");
    contact(f, "k1", "es");
    as(f, CALLER_CONNECTOR, "bank");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "conflict: waiting");
    cancel(f, "k1", "");
    as(f, CALLER_CONNECTOR, "bank");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "conflict: cancelled");
}

/* Another connector's contact is not there for whoever asks. */
TEST(submit, is_nobody_elses)
{
    queue(f, "es", "");
    contact(f, "k1", "es");
    as(f, CALLER_CONNECTOR, "bank");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "not found contact");
    as(f, CALLER_CONNECTOR, "bank");
    update(f, "k1", "boost=5s");
    EXPECT_ANSWER(f, "not found contact");
    as(f, CALLER_CONNECTOR, "bank");
    rate(f, "k1", 5);
    EXPECT_ANSWER(f, "not found contact");
}

/* Classified under a configuration that is no longer in force: back, and nobody is told. */
TEST(submit, of_another_configuration_goes_back)
{
    queue(f, "es", "");
    EXPECT(contact(f, "k1", "es version=7") == REFUSED_OTHER_CONFIG);
    EXPECT_ANSWER(f, "");
    EXPECT_FACTS(f, "");
    EXPECT(contact(f, "k1", "es") == REFUSED_NOT);
}

/* The queue is full, and nothing else takes the contact. */
TEST(submit, is_refused_when_queue_is_full)
{
    queue(f, "es", "waiting_max=2");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    SCENE_SET(f);
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "queue full: es");
    EXPECT_FACTS(f, "");
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "k2 waiting in es, position 2, duplicate");
    cancel(f, "k1", "");
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "k3 waiting in es, position 2");
}

/* The queue is full, and another takes its overflow. */
TEST(submit, overflows)
{
    queue(f, "es", "waiting_max=1");
    queue(f, "rest", "waiting_max=1");
    queue(f, "es", "overflow=rest");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k2 queued in rest\n");
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "queue full: es");
}

/* received_at counts: written first, served first; but no further back than the bound. */
TEST(submit, received_earlier_is_served_earlier)
{
    workspace(f, "received_bound=1h");
    queue(f, "es", "order=fifo");
    contact(f, "k1", "es");
    contact(f, "k2", "es received=10m");
    EXPECT_ANSWER(f, "k2 waiting in es, position 1");
    contact(f, "k3", "es received=3d");
    EXPECT_ANSWER(f, "k3 waiting in es, position 1");
    contact(f, "k4", "es received=59m");
    EXPECT_ANSWER(f, "k4 waiting in es, position 2");
}

/* A boost is a head start in the order, and changes no promise. */
TEST(boost, gives_a_head_start)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    contact(f, "k1", "es");
    pass(f, 5000);
    contact(f, "k2", "es boost=4s");
    EXPECT_ANSWER(f, "k2 waiting in es, position 2");
    contact(f, "k3", "es boost=6s");
    EXPECT_ANSWER(f, "k3 waiting in es, position 1");
    update(f, "k2", "boost=10s");
    EXPECT_ANSWER(f, "k2 waiting in es, position 1");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[ 5000] k2 queued in es\n"
                    "[ 5000] k3 queued in es\n"
                    "[ 5000] k2 updated, boost 10000\n");
}

/* Scheduled: it occupies nobody until its time; then it waits, and its promises count from then. */
TEST(schedule, wakes_at_its_time)
{
    tier(f, "standard", "20s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es not_before=60s");
    EXPECT_ANSWER(f, "k1 scheduled in es");
    EXPECT_FACTS(f, "[    0] k1 scheduled in es until 60000\n");
    advance(f, 60000);
    EXPECT_FACTS(f, "[60000] k1 woken\n"
                    "[60000] k1 offered to ana until 75000\n");
    EXPECT_NOTICES(f, "to shop: k1 waiting\n"
                      "to ana: offer of k1\n"
                      "to shop: k1 offered\n");
}

/* A time that has passed is no schedule. */
TEST(schedule, of_the_past_waits_at_once)
{
    queue(f, "es", "");
    contact(f, "k1", "es not_before=0");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n");
}

/* A callback instead of waiting keeps the place of its submission; another stands behind who came
 * meanwhile. */
TEST(schedule, keeps_place)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    contact(f, "k1", "es not_before=30s keeps_place");
    contact(f, "k2", "es not_before=30s");
    pass(f, 10000);
    contact(f, "k3", "es");
    advance(f, 20000);
    SCENE_SET(f);
    agent(f, "ana", "units=300");
    EXPECT_FACTS(f, "[30000] k1 offered to ana until 45000\n"
                    "[30000] k3 offered to ana until 45000\n"
                    "[30000] k2 offered to ana until 45000\n");
}

/* An earlier time wakes a scheduled contact earlier. */
TEST(schedule, update_wakes_earlier)
{
    queue(f, "es", "");
    contact(f, "k1", "es not_before=60s");
    update(f, "k1", "not_before=5s");
    EXPECT_ANSWER(f, "k1 scheduled in es");
    SCENE_SET(f);
    advance(f, 5000);
    EXPECT_FACTS(f, "[ 5000] k1 woken\n");
}

/* Supervisors may move a scheduled contact, too. */
TEST(schedule, can_be_moved)
{
    queue(f, "es", "");
    queue(f, "fr", "");
    contact(f, "k1", "es not_before=60s");
    SCENE_SET(f);
    move(f, "k1", "fr");
    EXPECT_ANSWER(f, "k1 scheduled");
    EXPECT_FACTS(f, "[    0] k1 moved to fr: moved\n");
    advance(f, 60000);
    EXPECT_FACTS(f, "[60000] k1 woken\n");
}

/* Cancelled in each state: before an agent has it, yes; afterwards it is a conflict; once ended,
 * gone. */
TEST(cancel, in_every_state)
{
    queue(f, "es", "wrap_up=10s");
    contact(f, "scheduled", "es not_before=60s");
    contact(f, "waiting", "es");
    SCENE_SET(f);
    cancel(f, "scheduled", "changed_mind");
    EXPECT_ANSWER(f, "scheduled cancelled");
    cancel(f, "waiting", "");
    EXPECT_ANSWER(f, "waiting cancelled");
    EXPECT_FACTS(f, "[    0] scheduled cancelled: changed_mind\n"
                    "[    0] waiting cancelled: cancelled\n");
    EXPECT_NOTICES(f, "to shop: scheduled cancelled: changed_mind\n"
                      "to shop: waiting cancelled: cancelled\n");
    agent(f, "ana", "");
    contact(f, "offered", "es");
    SCENE_SET(f);
    cancel(f, "offered", "");
    EXPECT_ANSWER(f, "offered cancelled");
    EXPECT_FACTS(f, "[    0] offered offer to ana withdrawn: cancelled\n"
                    "[    0] offered cancelled: cancelled\n");
    EXPECT_NOTICES(f, "to ana: offer of offered withdrawn: cancelled\n"
                      "to shop: offered cancelled: cancelled\n");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "conflict: active");
    complete(f, "ana", "k1", "");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "conflict: wrapping");
    wrapped_up(f, "ana", "k1");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "gone: completed");
    cancel(f, "nobody", "");
    EXPECT_ANSWER(f, "not found contact");
}

/* The customer left, in each state: as cancelled before an agent has it; an active one goes to
 * wrap-up. */
TEST(end, in_every_state)
{
    queue(f, "es", "wrap_up=10s");
    contact(f, "scheduled", "es not_before=60s");
    contact(f, "waiting", "es");
    SCENE_SET(f);
    end(f, "scheduled", "");
    end(f, "waiting", "hung_up");
    EXPECT_ANSWER(f, "waiting cancelled");
    EXPECT_FACTS(f, "[    0] scheduled cancelled: customer_left\n"
                    "[    0] waiting cancelled: hung_up\n");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    end(f, "k1", "hung_up");
    EXPECT_ANSWER(f, "k1 wrapping");
    EXPECT_FACTS(f, "[    0] k1 wrapped up by ana until 10000: hung_up\n");
    EXPECT_NOTICES(f, "to shop: k1 wrapping: hung_up\n"
                      "to ana: k1 updated, wrapping: hung_up\n");
    end(f, "k1", "");
    EXPECT_ANSWER(f, "k1 wrapping");
    EXPECT_FACTS(f, "");
    advance(f, 10000);
    EXPECT_FACTS(f, "[10000] k1 completed by ana: hung_up\n");
    end(f, "k1", "");
    EXPECT_ANSWER(f, "gone: completed");
}

/* The customer left an active contact of a queue without wrap-up: completed, and its agent hears.
 */
TEST(end, completes_without_wrap_up)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    end(f, "k1", "");
    EXPECT_ANSWER(f, "k1 completed");
    EXPECT_FACTS(f, "[    0] k1 completed by ana: customer_left\n");
    EXPECT_NOTICES(f, "to shop: k1 completed: customer_left\n"
                      "to ana: k1 ended: customer_left\n");
}

/* Waited as long as it was to wait. */
TEST(expiry, ends_who_waits)
{
    queue(f, "es", "expires=60s");
    contact(f, "k1", "es");
    contact(f, "k2", "es expires=10s");
    SCENE_SET(f);
    advance(f, 60000);
    EXPECT_FACTS(f, "[10000] k2 expired: expired\n"
                    "[60000] k1 expired: expired\n");
    EXPECT_NOTICES(f, "to shop: k2 expired: expired\n"
                      "to shop: k1 expired: expired\n");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "gone: expired");
}

/* A pending offer is withdrawn; it is not the agent's miss. */
TEST(expiry, withdraws_offer)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es expires=10s");
    SCENE_SET(f);
    advance(f, 10000);
    EXPECT_FACTS(f, "[10000] k1 offer to ana withdrawn: expired\n"
                    "[10000] k1 expired: expired\n");
    EXPECT_NOTICES(f, "to ana: offer of k1 withdrawn: expired\n"
                      "to shop: k1 expired: expired\n");
}

/* Who is being served does not expire; from a schedule the time counts from there. */
TEST(expiry, spares_active_and_counts_from_schedule)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es expires=10s");
    accept(f, "ana", "k1");
    contact(f, "k2", "es expires=10s not_before=30s");
    SCENE_SET(f);
    advance(f, 30000);
    EXPECT_FACTS(f, "[30000] k2 woken\n");
    advance(f, 10000);
    EXPECT_FACTS(f, "[40000] k2 expired: expired\n");
}

/* A contact bound to its connector ends when no connection of it has existed for so long. */
TEST(connector, lost_ends_its_contacts)
{
    queue(f, "es", "");
    contact(f, "k1", "es lost=10s");
    contact(f, "k2", "es");
    SCENE_SET(f);
    connector_goes(f, "shop");
    EXPECT_FACTS(f, "[    0] shop lost\n");
    advance(f, 5000);
    connector_comes(f, "shop");
    EXPECT_FACTS(f, "[ 5000] shop returned\n");
    advance(f, 60000);
    EXPECT_FACTS(f, "");
    connector_goes(f, "shop");
    advance(f, 10000);
    EXPECT_FACTS(f, "[65000] shop lost\n"
                    "[75000] k1 cancelled: connector_lost\n");
}

/* Lost while an agent has it: the customer is gone as if it had left. */
TEST(connector, lost_while_active)
{
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "units=200");
    contact(f, "k1", "es lost=10s");
    contact(f, "k2", "es lost=10s");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    connector_goes(f, "shop");
    advance(f, 10000);
    EXPECT_FACTS(f, "[    0] shop lost\n"
                    "[10000] k1 wrapped up by ana until 30000: connector_lost\n"
                    "[10000] k2 offer to ana withdrawn: cancelled\n"
                    "[10000] k2 cancelled: connector_lost\n");
}

/* Promises: at risk some time before, overdue at their time; an answer keeps the first, a word the
 * second. */
TEST(promise, at_risk_and_overdue)
{
    workspace(f, "at_risk=5s");
    tier(f, "standard", "answer=20s progress=30s resolve=40s");
    queue(f, "es", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 20000);
    EXPECT_FACTS(f, "[15000] k1 answer at risk\n"
                    "[20000] k1 answer overdue\n");
    agent(f, "ana", "");
    accept(f, "ana", "k1");
    update(f, "k1", "kept");
    SCENE_SET(f);
    advance(f, 20000);
    EXPECT_FACTS(f, "[35000] k1 resolve at risk\n"
                    "[40000] k1 resolve overdue\n");
    EXPECT_NOTICES(f, "to ana: k1 updated, active: at_risk\n"
                      "to ana: k1 updated, active: overdue\n");
    complete(f, "ana", "k1", "");
    EXPECT_FACTS(f, "[40000] k1 completed by ana: completed\n");
}

/* A promise that was kept is neither at risk nor overdue any more. */
TEST(promise, kept_in_time)
{
    workspace(f, "at_risk=5s");
    tier(f, "standard", "answer=20s progress=30s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    update(f, "k1", "kept");
    EXPECT_FACTS(f, "[    0] k1 updated\n"
                    "[    0] k1 progress kept\n");
    update(f, "k1", "kept");
    advance(f, 60000);
    EXPECT_FACTS(f, "[    0] k1 updated\n");
}

/* Promises go on while somebody looks at an offer. */
TEST(promise, at_risk_and_overdue_while_offered)
{
    workspace(f, "at_risk=5s");
    tier(f, "standard", "10s");
    queue(f, "es", "answer_clock=30s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 10000);
    EXPECT_FACTS(f, "[ 5000] k1 answer at risk\n"
                    "[10000] k1 answer overdue\n");
    EXPECT_NOTICES(f, "to ana: k1 updated, offered: at_risk\n"
                      "to ana: k1 updated, offered: overdue\n");
}

/* Progress may be told of in whatever state, before the work and after it. */
TEST(promise, kept_in_every_state)
{
    tier(f, "standard", "progress=1h");
    queue(f, "es", "wrap_up=1m");
    contact(f, "scheduled", "es not_before=60s");
    contact(f, "waiting", "es");
    SCENE_SET(f);
    update(f, "scheduled", "kept");
    update(f, "waiting", "kept");
    EXPECT_FACTS(f, "[    0] scheduled updated\n"
                    "[    0] scheduled progress kept\n"
                    "[    0] waiting updated\n"
                    "[    0] waiting progress kept\n");
    cancel(f, "waiting", "");
    agent(f, "ana", "");
    contact(f, "offered", "es");
    SCENE_SET(f);
    update(f, "offered", "kept");
    EXPECT_FACTS(f, "[    0] offered updated\n"
                    "[    0] offered progress kept\n");
    cancel(f, "offered", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    update(f, "k1", "kept");
    EXPECT_FACTS(f, "[    0] k1 updated\n"
                    "[    0] k1 progress kept\n");
}

/* The customer's judgement: from the wrap-up on, for as long as it is asked for; the last counts.
 */
TEST(rating, from_wrap_up_on)
{
    workspace(f, "rating_kept=1h id_kept=1m");
    queue(f, "es", "wrap_up=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    rate(f, "k1", 5);
    EXPECT_ANSWER(f, "conflict: active");
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    rate(f, "k1", 2);
    EXPECT_ANSWER(f, "k1 wrapping");
    wrapped_up(f, "ana", "k1");
    rate(f, "k1", 4);
    EXPECT_ANSWER(f, "k1 completed");
    EXPECT_FACTS(f, "[    0] k1 rated 2\n"
                    "[    0] k1 completed by ana: completed\n"
                    "[    0] k1 rated 4\n");
    advance(f, 3600000);
    rate(f, "k1", 1);
    EXPECT_ANSWER(f, "gone: completed");
    EXPECT_FACTS(f, "");
}

/* An ended contact's id is remembered for its time; then it is free. */
TEST(tombstone, forgets_after_its_time)
{
    workspace(f, "id_kept=1h rating_kept=1h");
    queue(f, "es", "");
    contact(f, "k1", "es");
    cancel(f, "k1", "");
    advance(f, 3599999);
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 cancelled: cancelled, duplicate");
    advance(f, 1);
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 waiting in es, position 1");
}

/* Only so many are remembered: the oldest go first. */
TEST(tombstone, forgets_the_oldest_of_too_many)
{
    workspace(f, "tombstones_max=2");
    queue(f, "es", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    cancel(f, "k1", "");
    cancel(f, "k2", "");
    cancel(f, "k3", "");
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "k3 cancelled: cancelled, duplicate");
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "k2 cancelled: cancelled, duplicate");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 waiting in es, position 1");
}

/* A contact that continues another goes to the agent who had that one, who is waited for. */
TEST(reopen, prefers_its_last_agent)
{
    queue(f, "es", "hold=30s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    contact(f, "k2", "es");
    agent(f, "bo", "");
    SCENE_SET(f);
    contact(f, "k3", "es reopens=k1");
    EXPECT_FACTS(f, "[    0] k3 queued in es, held for ana until 30000\n");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    EXPECT_FACTS(f, "[    0] k2 accepted by ana\n"
                    "[    0] k2 completed by ana: completed\n"
                    "[    0] k3 offered to ana until 15000\n");
}

/* A preferred agent is waited for up to the hold, then anyone may take it. */
TEST(preferred, is_waited_for_then_anyone)
{
    queue(f, "es", "hold=30s cool_down=60s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es prefers=ana");
    contact(f, "k2", "es prefers=ana");
    EXPECT_FACTS(f, "[    0] k1 queued in es, held for ana until 30000\n"
                    "[    0] k1 offered to ana until 15000\n"
                    "[    0] k2 queued in es, held for ana until 30000\n");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    advance(f, 30000);
    EXPECT_FACTS(f, "[30000] k2 opened\n"
                    "[30000] k2 offered to bo until 45000\n");
}

/* The preferred agent goes away, signs out, is lost: who waited for it is released at once. */
TEST(preferred, released_when_it_leaves)
{
    queue(f, "es", "hold=1h");
    agent(f, "ana", "");
    contact(f, "k0", "es");
    accept(f, "ana", "k0");
    agent(f, "bo", "");
    contact(f, "k1", "es prefers=ana");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    EXPECT_FACTS(f, "[    0] ana away: lunch\n"
                    "[    0] k1 opened\n"
                    "[    0] k1 offered to bo until 15000\n");
    accept(f, "bo", "k1");
    available(f, "ana");
    agent(f, "cy", "");
    contact(f, "k2", "es prefers=ana");
    SCENE_SET(f);
    connection_lost(f, "ana");
    EXPECT_FACTS(f, "[    0] ana lost until 30000\n"
                    "[    0] k2 opened\n"
                    "[    0] k2 offered to cy until 15000\n");
}

/* Catalogue 17, sticky to an agent who is not there: a preference is no pin. */
TEST(catalogue_17, absent_preferred_agent_is_not_waited_for)
{
    queue(f, "es", "hold=1h");
    agent(f, "ana", "away=lunch");
    agent(f, "bo", "");
    contact(f, "k1", "es prefers=ana");
    contact(f, "k2", "es prefers=nobody");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to bo until 15000\n"
                    "[    0] k2 queued in es\n");
}

/* The preferred agent declines: it has had its turn, and anyone may take it. */
TEST(preferred, declined_then_anyone)
{
    queue(f, "es", "hold=1h cool_down=60s");
    agent(f, "bo", "");
    agent(f, "ana", "");
    contact(f, "k1", "es prefers=ana");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    EXPECT_FACTS(f, "[    0] k1 offer to ana declined, cools until 60000\n"
                    "[    0] k1 offered to bo until 15000\n");
}

/* An update may put a waiting contact into another class: the earlier of both promises counts. */
TEST(update, reclassifies_who_waits)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "");
    queue(f, "fr", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    SCENE_SET(f);
    pass(f, 1000);
    update(f, "k2", "tier=vip");
    EXPECT_ANSWER(f, "k2 waiting in es, position 1");
    EXPECT_FACTS(f, "[ 1000] k2 updated, tier vip, due 20000\n");
    update(f, "k2", "queue=fr");
    EXPECT_ANSWER(f, "k2 waiting in fr, position 1");
    EXPECT_FACTS(f, "[ 1000] k2 updated, queue fr, tier vip, due 20000\n");
    EXPECT_NOTICES(f, "to shop: k2 waiting: updated, step moved\n");
}

/* Skills that are required no longer: somebody who is there takes it at once. */
TEST(update, of_skills_finds_an_agent)
{
    queue(f, "es", "");
    agent(f, "ana", "zh:2");
    contact(f, "k1", "es skills=zh:4");
    EXPECT_FACTS(f, "[    0] k1 queued in es, needs zh:4\n");
    update(f, "k1", "skills=zh:2");
    EXPECT_FACTS(f, "[    0] k1 updated, needs zh:2\n"
                    "[    0] k1 offered to ana until 15000\n");
}

/* Offered, active, wrapping: data only; the agent hears of it. */
TEST(update, of_what_an_agent_has_is_data)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    issue(f, "refund", "");
    queue(f, "es", "wrap_up=10s");
    queue(f, "fr", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    update(f, "k1", "subject=hello queue=fr tier=vip");
    EXPECT_ANSWER(f, "k1 offered in es");
    accept(f, "ana", "k1");
    update(f, "k1", "text=more issue=refund");
    EXPECT_ANSWER(f, "k1 active in es");
    complete(f, "ana", "k1", "");
    update(f, "k1", "text=still_more");
    EXPECT_ANSWER(f, "k1 wrapping in es");
    EXPECT_FACTS(f, "[    0] k1 updated, subject hello\n"
                    "[    0] k1 accepted by ana\n"
                    "[    0] k1 updated, issue refund, text more\n"
                    "[    0] k1 wrapped up by ana until 10000: completed\n"
                    "[    0] k1 updated, text still_more\n");
    EXPECT_NOTICES(f, "to ana: k1 updated, offered: updated\n"
                      "to shop: k1 active\n"
                      "to ana: k1 updated, active: updated\n"
                      "to shop: k1 wrapping: completed\n"
                      "to ana: k1 updated, wrapping: updated\n");
    wrapped_up(f, "ana", "k1");
    update(f, "k1", "text=too_late");
    EXPECT_ANSWER(f, "gone: completed");
}

/* An agent may change what it holds, and only that. */
TEST(update, by_an_agent)
{
    tier(f, "standard", "progress=1h");
    issue(f, "refund", "");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    agent(f, "bo", "");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    as(f, CALLER_AGENT, "ana");
    update(f, "k1", "issue=refund kept");
    EXPECT_ANSWER(f, "k1 active in es");
    EXPECT_FACTS(f, "[    0] k1 updated, issue refund\n"
                    "[    0] k1 progress kept\n");
    EXPECT_NOTICES(f, "");
    as(f, CALLER_AGENT, "bo");
    update(f, "k1", "issue=refund");
    EXPECT_ANSWER(f, "not found contact");
}
