/* The life of a contact from its submission to what is remembered of it. */
#include "tests/lib/story.h"

/* Nobody is there: it waits, and the answer says where it stands. */
TEST(submit, waits_in_its_place)
{
    queue(f, "es", "");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
}

/* The same id again is the same contact, whatever became of it. */
TEST(submit, again_is_a_duplicate)
{
    queue(f, "es", "");
    queue(f, "other", "");
    contact(f, "k1", "es");
    contact(f, "k1", "other");
    EXPECT_ANSWER(f, "?");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "");
}

/* Ids belong to the workspace: another connector's id is a conflict, alive or ended. */
TEST(submit, of_another_connectors_id_conflicts)
{
    queue(f, "es", "");
    contact(f, "k1", "es");
    as(f, CALLER_CONNECTOR, "bank");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
    cancel(f, "k1", "");
    as(f, CALLER_CONNECTOR, "bank");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
}

/* Another connector's contact is not there for whoever asks. */
TEST(submit, is_nobody_elses)
{
    queue(f, "es", "");
    contact(f, "k1", "es");
    as(f, CALLER_CONNECTOR, "bank");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "?");
    as(f, CALLER_CONNECTOR, "bank");
    update(f, "k1", "boost=5s");
    EXPECT_ANSWER(f, "?");
    as(f, CALLER_CONNECTOR, "bank");
    rate(f, "k1", 5);
    EXPECT_ANSWER(f, "?");
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
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "");
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "?");
    cancel(f, "k1", "");
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "?");
}

/* The queue is full, and another takes its overflow. */
TEST(submit, overflows)
{
    queue(f, "es", "waiting_max=1");
    queue(f, "rest", "waiting_max=1");
    queue(f, "es", "overflow=rest");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "?");
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "?");
}

/* received_at counts: written first, served first; but no further back than the bound. */
TEST(submit, received_earlier_is_served_earlier)
{
    workspace(f, "received_bound=1h");
    queue(f, "es", "order=fifo");
    contact(f, "k1", "es");
    contact(f, "k2", "es received=10m");
    EXPECT_ANSWER(f, "?");
    contact(f, "k3", "es received=3d");
    EXPECT_ANSWER(f, "?");
    contact(f, "k4", "es received=59m");
    EXPECT_ANSWER(f, "?");
}

/* A boost is a head start in the order, and changes no promise. */
TEST(boost, gives_a_head_start)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    contact(f, "k1", "es");
    pass(f, 5000);
    contact(f, "k2", "es boost=4s");
    EXPECT_ANSWER(f, "?");
    contact(f, "k3", "es boost=6s");
    EXPECT_ANSWER(f, "?");
    update(f, "k2", "boost=10s");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
}

/* Scheduled: it occupies nobody until its time; then it waits, and its promises count from then. */
TEST(schedule, wakes_at_its_time)
{
    tier(f, "standard", "20s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es not_before=60s");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    advance(f, 60000);
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* A time that has passed is no schedule. */
TEST(schedule, of_the_past_waits_at_once)
{
    queue(f, "es", "");
    contact(f, "k1", "es not_before=0");
    EXPECT_FACTS(f, "?");
}

/* A callback instead of waiting keeps the place of its submission; another stands behind who came meanwhile. */
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
    EXPECT_FACTS(f, "?");
}

/* An earlier time wakes a scheduled contact earlier. */
TEST(schedule, update_wakes_earlier)
{
    queue(f, "es", "");
    contact(f, "k1", "es not_before=60s");
    update(f, "k1", "not_before=5s");
    EXPECT_ANSWER(f, "?");
    SCENE_SET(f);
    advance(f, 5000);
    EXPECT_FACTS(f, "?");
}

/* Supervisors may move a scheduled contact, too. */
TEST(schedule, can_be_moved)
{
    queue(f, "es", "");
    queue(f, "fr", "");
    contact(f, "k1", "es not_before=60s");
    SCENE_SET(f);
    move(f, "k1", "fr");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    advance(f, 60000);
    EXPECT_FACTS(f, "?");
}

/* Cancelled in each state: before an agent has it, yes; afterwards it is a conflict; once ended, gone. */
TEST(cancel, in_every_state)
{
    queue(f, "es", "wrap_up=10s");
    contact(f, "scheduled", "es not_before=60s");
    contact(f, "waiting", "es");
    SCENE_SET(f);
    cancel(f, "scheduled", "changed_mind");
    EXPECT_ANSWER(f, "?");
    cancel(f, "waiting", "");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    agent(f, "ana", "");
    contact(f, "offered", "es");
    SCENE_SET(f);
    cancel(f, "offered", "");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "?");
    complete(f, "ana", "k1", "");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "?");
    wrapped_up(f, "ana", "k1");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "?");
    cancel(f, "nobody", "");
    EXPECT_ANSWER(f, "?");
}

/* The customer left, in each state: as cancelled before an agent has it; an active one goes to wrap-up. */
TEST(end, in_every_state)
{
    queue(f, "es", "wrap_up=10s");
    contact(f, "scheduled", "es not_before=60s");
    contact(f, "waiting", "es");
    SCENE_SET(f);
    end(f, "scheduled", "");
    end(f, "waiting", "hung_up");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    end(f, "k1", "hung_up");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    end(f, "k1", "");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "");
    advance(f, 10000);
    EXPECT_FACTS(f, "?");
    end(f, "k1", "");
    EXPECT_ANSWER(f, "?");
}

/* The customer left an active contact of a queue without wrap-up: completed, and its agent hears. */
TEST(end, completes_without_wrap_up)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    end(f, "k1", "");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* Waited as long as it was to wait. */
TEST(expiry, ends_who_waits)
{
    queue(f, "es", "expires=60s");
    contact(f, "k1", "es");
    contact(f, "k2", "es expires=10s");
    SCENE_SET(f);
    advance(f, 60000);
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    cancel(f, "k1", "");
    EXPECT_ANSWER(f, "?");
}

/* A pending offer is withdrawn; it is not the agent's miss. */
TEST(expiry, withdraws_offer)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es expires=10s");
    SCENE_SET(f);
    advance(f, 10000);
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
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
    EXPECT_FACTS(f, "?");
    advance(f, 10000);
    EXPECT_FACTS(f, "?");
}

/* A contact bound to its connector ends when no connection of it has existed for so long. */
TEST(connector, lost_ends_its_contacts)
{
    queue(f, "es", "");
    contact(f, "k1", "es lost=10s");
    contact(f, "k2", "es");
    SCENE_SET(f);
    connector_goes(f, "shop");
    EXPECT_FACTS(f, "?");
    advance(f, 5000);
    connector_comes(f, "shop");
    EXPECT_FACTS(f, "?");
    advance(f, 60000);
    EXPECT_FACTS(f, "");
    connector_goes(f, "shop");
    advance(f, 10000);
    EXPECT_FACTS(f, "?");
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
    EXPECT_FACTS(f, "?");
}

/* Promises: at risk some time before, overdue at their time; an answer keeps the first, a word the second. */
TEST(promise, at_risk_and_overdue)
{
    workspace(f, "at_risk=5s");
    tier(f, "standard", "answer=20s progress=30s resolve=40s");
    queue(f, "es", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 20000);
    EXPECT_FACTS(f, "?");
    agent(f, "ana", "");
    accept(f, "ana", "k1");
    update(f, "k1", "kept");
    SCENE_SET(f);
    advance(f, 20000);
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    complete(f, "ana", "k1", "");
    EXPECT_FACTS(f, "?");
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
    EXPECT_FACTS(f, "?");
    update(f, "k1", "kept");
    advance(f, 60000);
    EXPECT_FACTS(f, "?");
}

/* The customer's judgement: from the wrap-up on, for as long as it is asked for; the last counts. */
TEST(rating, from_wrap_up_on)
{
    workspace(f, "rating_kept=1h id_kept=1m");
    queue(f, "es", "wrap_up=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    rate(f, "k1", 5);
    EXPECT_ANSWER(f, "?");
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    rate(f, "k1", 2);
    EXPECT_ANSWER(f, "?");
    wrapped_up(f, "ana", "k1");
    rate(f, "k1", 4);
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    advance(f, 3600000);
    rate(f, "k1", 1);
    EXPECT_ANSWER(f, "?");
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
    EXPECT_ANSWER(f, "?");
    advance(f, 1);
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
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
    EXPECT_ANSWER(f, "?");
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "?");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
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
    EXPECT_FACTS(f, "?");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    EXPECT_FACTS(f, "?");
}

/* A preferred agent is waited for up to the hold, then anyone may take it. */
TEST(preferred, is_waited_for_then_anyone)
{
    queue(f, "es", "hold=30s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es prefers=ana");
    contact(f, "k2", "es prefers=ana");
    EXPECT_FACTS(f, "?");
    advance(f, 15000);
    SCENE_SET(f);
    advance(f, 15000);
    EXPECT_FACTS(f, "?");
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
    EXPECT_FACTS(f, "?");
    accept(f, "bo", "k1");
    available(f, "ana");
    agent(f, "cy", "");
    contact(f, "k2", "es prefers=ana");
    SCENE_SET(f);
    connection_lost(f, "ana");
    EXPECT_FACTS(f, "?");
}

/* Catalogue 17, sticky to an agent who is not there: a preference is no pin. */
TEST(catalogue_17, absent_preferred_agent_is_not_waited_for)
{
    queue(f, "es", "hold=1h");
    agent(f, "ana", "away=lunch");
    agent(f, "bo", "");
    contact(f, "k1", "es prefers=ana");
    contact(f, "k2", "es prefers=nobody");
    EXPECT_FACTS(f, "?");
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
    EXPECT_FACTS(f, "?");
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
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    update(f, "k2", "queue=fr");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* Skills that are required no longer: somebody who is there takes it at once. */
TEST(update, of_skills_finds_an_agent)
{
    queue(f, "es", "");
    agent(f, "ana", "zh:2");
    contact(f, "k1", "es skills=zh:4");
    EXPECT_FACTS(f, "?");
    update(f, "k1", "skills=zh:2");
    EXPECT_FACTS(f, "?");
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
    EXPECT_ANSWER(f, "?");
    accept(f, "ana", "k1");
    update(f, "k1", "text=more issue=refund");
    EXPECT_ANSWER(f, "?");
    complete(f, "ana", "k1", "");
    update(f, "k1", "text=still_more");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    wrapped_up(f, "ana", "k1");
    update(f, "k1", "text=too_late");
    EXPECT_ANSWER(f, "?");
}

/* An agent may change what it holds, and only that. */
TEST(update, by_an_agent)
{
    issue(f, "refund", "");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    agent(f, "bo", "");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    as(f, CALLER_AGENT, "ana");
    update(f, "k1", "issue=refund kept");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "");
    as(f, CALLER_AGENT, "bo");
    update(f, "k1", "issue=refund");
    EXPECT_ANSWER(f, "?");
}
