/* What an agent does with what it holds: complete, wrap up, pass on, give back. */
#include "tests/lib/story.h"

/* Done, without wrap-up: the agent is free at once. */
TEST(complete, without_wrap_up)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    complete(f, "ana", "k1", "disposition=settled");
    EXPECT_ANSWER(f, "k1 completed");
    EXPECT_FACTS(f, "[    0] k1 completed by ana: completed, settled\n"
                    "[    0] k2 offered to ana until 15000\n");
    EXPECT_NOTICES(f, "to shop: k1 completed: completed\n"
                      "to ana: offer of k2\n"
                      "to shop: k2 offered\n");
}

/* Done, with the queue's wrap-up: it occupies the agent until its time. */
TEST(complete, with_wrap_up_of_the_queue)
{
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    complete(f, "ana", "k1", "disposition=settled unresolved");
    EXPECT_ANSWER(f, "k1 wrapping");
    advance(f, 20000);
    EXPECT_FACTS(f, "[    0] k1 wrapped up by ana until 20000: completed\n"
                    "[20000] k1 completed by ana: completed, settled, unresolved\n"
                    "[20000] k2 offered to ana until 35000\n");
}

/* The agent's word on its wrap-up wins over the queue's: none, or longer. */
TEST(complete, with_wrap_up_of_its_own)
{
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    complete(f, "ana", "k1", "wrap_up=0");
    EXPECT_ANSWER(f, "k1 completed");
    contact(f, "k2", "es");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "wrap_up=60s");
    EXPECT_FACTS(f, "[    0] k1 completed by ana: completed\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to ana until 15000\n"
                    "[    0] k2 accepted by ana\n"
                    "[    0] k2 wrapped up by ana until 60000: completed\n");
}

/* Wrapped up before its time. */
TEST(complete, wrapped_up_by_word)
{
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    pass(f, 5000);
    wrapped_up(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 completed");
    EXPECT_FACTS(f, "[ 5000] k1 completed by ana: completed\n");
    wrapped_up(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: completed");
}

/* Said twice: answered as the first time while it wraps up; then with the outcome. */
TEST(complete, repeated)
{
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "k1 wrapping");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "k1 wrapping");
    wrapped_up(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "gone: completed");
}

/* What a supervisor gave to another one, who wraps it up, was not completed by whoever had it
 * before. */
TEST(complete, of_what_another_wraps_up)
{
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    away(f, "ana", "lunch");
    agent(f, "bo", "");
    move(f, "k1", "es");
    accept(f, "bo", "k1");
    complete(f, "bo", "k1", "");
    EXPECT_ANSWER(f, "k1 wrapping");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "conflict: wrapping");
}

/* What is not the agent's, or not accepted yet, cannot be completed. */
TEST(complete, of_what_it_does_not_work)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "conflict: offered");
    agent(f, "bo", "");
    complete(f, "bo", "k1", "");
    EXPECT_ANSWER(f, "not found contact");
    accept(f, "ana", "k1");
    wrapped_up(f, "ana", "k1");
    EXPECT_ANSWER(f, "conflict: active");
}

/* Catalogue 12, wrap-ups are each on their own: several at a time end at their own times, also
 * after a restart. */
TEST(catalogue_12, wrap_ups_have_clocks_of_their_own)
{
    channel(f, "chat", "units=30");
    queue(f, "es", "wrap_up=20s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    accept(f, "ana", "k1");
    accept(f, "ana", "k2");
    complete(f, "ana", "k1", "");
    pass(f, 5000);
    complete(f, "ana", "k2", "wrap_up=60s");
    restart(f);
    sign_in(f, "ana", "available");
    SCENE_SET(f);
    advance(f, 120000);
    EXPECT_FACTS(f, "[20000] k1 completed by ana: completed\n"
                    "[65000] k2 completed by ana: completed\n");
}

/* Passed on to a queue: it waits there with its old key, and the giver is free. */
TEST(transfer, to_a_queue_keeps_its_key)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    queue(f, "fr", "");
    agent(f, "ana", "queues=es");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    pass(f, 10000);
    contact(f, "k2", "fr");
    SCENE_SET(f);
    transfer(f, "ana", "k1", "queue=fr reason=language note=wants_fr");
    EXPECT_ANSWER(f, "k1 waiting");
    EXPECT_FACTS(f, "[10000] k1 transferred by ana to fr: language\n");
    EXPECT_NOTICES(f, "to shop: k1 waiting: language, step transferred\n");
    agent(f, "bo", "queues=fr");
    EXPECT_FACTS(f, "[10000] k1 offered to bo until 25000\n");
}

/* A transfer may change what is required. */
TEST(transfer, changes_skills_and_issue)
{
    issue(f, "refund", "");
    queue(f, "es", "");
    agent(f, "ana", "");
    agent(f, "bo", "refund:3");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    transfer(f, "ana", "k1", "queue=es skills=refund:3 issue=refund");
    EXPECT_FACTS(f, "[    0] k1 transferred by ana to es, needs refund:3\n"
                    "[    0] k1 offered to bo until 15000\n");
}

/* Passed on to an agent by name: an offer for that agent alone. */
TEST(transfer, to_an_agent)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    transfer(f, "ana", "k1", "agent=bo");
    EXPECT_ANSWER(f, "k1 waiting");
    EXPECT_FACTS(f, "[    0] k1 transferred by ana to es for bo\n"
                    "[    0] k1 offered to bo until 15000, by name\n");
    EXPECT_NOTICES(f, "to shop: k1 waiting, step transferred\n"
                      "to bo: offer of k1\n"
                      "to shop: k1 offered\n");
}

/* If that agent says no, it waits in its queue for anyone. */
TEST(transfer, to_an_agent_who_declines)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    transfer(f, "ana", "k1", "agent=bo");
    SCENE_SET(f);
    decline(f, "bo", "k1");
    EXPECT_FACTS(f, "[    0] k1 offer to bo declined, cools until 60000\n"
                    "[    0] k1 offered to ana until 15000\n");
}

/* To an agent who is not available, or full: a conflict, and nothing changed. */
TEST(transfer, to_an_agent_who_cannot)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    agent(f, "bo", "away=lunch");
    agent(f, "cy", "unsigned");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    agent(f, "di", "");
    contact(f, "k2", "es");
    SCENE_SET(f);
    transfer(f, "ana", "k1", "agent=bo");
    EXPECT_ANSWER(f, "conflict: away");
    transfer(f, "ana", "k1", "agent=cy");
    EXPECT_ANSWER(f, "conflict: signed_out");
    transfer(f, "ana", "k1", "agent=di");
    EXPECT_ANSWER(f, "conflict: full");
    transfer(f, "ana", "k1", "agent=nobody");
    EXPECT_ANSWER(f, "not found agent");
    transfer(f, "ana", "k1", "queue=nowhere");
    EXPECT_ANSWER(f, "not found queue");
    EXPECT_FACTS(f, "");
}

/* The giver may wrap up what it passed on: it occupies the giver, and goes on elsewhere meanwhile.
 */
TEST(transfer, with_wrap_up_of_the_giver)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    agent(f, "bo", "");
    SCENE_SET(f);
    transfer(f, "ana", "k1", "queue=es wrap_up=10s");
    EXPECT_FACTS(f, "[    0] k1 transferred by ana to es, wrap-up until 10000\n"
                    "[    0] k1 offered to bo until 15000\n");
    accept(f, "bo", "k1");
    complete(f, "bo", "k1", "");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "[    0] k1 accepted by bo\n"
                    "[    0] k1 completed by bo: completed\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to bo until 15000\n"
                    "[    0] k3 queued in es\n");
    advance(f, 10000);
    EXPECT_FACTS(f, "[10000] k1 wrap-up ended by ana: wrapped_up\n"
                    "[10000] k3 offered to ana until 25000\n");
}

/* Its giver may end that wrap-up by word. */
TEST(transfer, wrap_up_of_the_giver_ends_by_word)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    transfer(f, "ana", "k1", "queue=es wrap_up=10s");
    SCENE_SET(f);
    wrapped_up(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 waiting");
    EXPECT_FACTS(f, "[    0] k1 wrap-up ended by ana: wrapped_up\n"
                    "[    0] k1 offered to ana until 15000\n");
}

/* Said twice: answered as the first time, while the contact still is where the transfer put it. */
TEST(transfer, repeated)
{
    queue(f, "es", "");
    queue(f, "fr", "");
    agent(f, "ana", "queues=es");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    transfer(f, "ana", "k1", "queue=fr");
    EXPECT_ANSWER(f, "k1 waiting");
    transfer(f, "ana", "k1", "queue=fr");
    EXPECT_ANSWER(f, "k1 waiting");
    agent(f, "bo", "queues=fr");
    accept(f, "bo", "k1");
    transfer(f, "ana", "k1", "queue=fr");
    EXPECT_ANSWER(f, "conflict: active");
    complete(f, "bo", "k1", "");
    transfer(f, "ana", "k1", "queue=fr");
    EXPECT_ANSWER(f, "gone: completed");
}

/* What a supervisor moved, or a lost connection gave back, the agent did not pass on: it has not
 * said so before, also when the contact is where it would have put it. */
TEST(transfer, is_not_what_another_did)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    away(f, "ana", "lunch");
    move(f, "k1", "es");
    transfer(f, "ana", "k1", "queue=es");
    EXPECT_ANSWER(f, "conflict: waiting");
    requeue(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "conflict: waiting");
}

TEST(requeue, is_not_what_a_lost_connection_did)
{
    workspace(f, "grace=5s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    connection_lost(f, "ana");
    advance(f, 5000);
    sign_in(f, "ana", "");
    away(f, "ana", "lunch");
    requeue(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "conflict: waiting");
}

/* Given back now: it keeps its key, and a new attempt begins. */
TEST(requeue, now)
{
    queue(f, "es", "attempts_max=2 escalation=rescue cool_down=1s");
    queue(f, "rescue", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    decline(f, "ana", "k1");
    advance(f, 1000);
    accept(f, "ana", "k1");
    contact(f, "k2", "es");
    SCENE_SET(f);
    pass(f, 5000);
    requeue(f, "ana", "k1", "reason=wrong_person");
    EXPECT_ANSWER(f, "k1 waiting");
    decline(f, "ana", "k1");
    EXPECT_FACTS(f, "[ 6000] k1 requeued by ana to es: wrong_person\n"
                    "[ 6000] k1 offered to ana until 21000\n"
                    "[ 6000] k1 offer to ana declined, cools until 7000\n"
                    "[ 6000] k2 offered to ana until 21000\n");
}

/* Given back for later: it occupies nobody until then; then its giver is waited for. */
TEST(requeue, later_prefers_the_giver)
{
    tier(f, "standard", "60s");
    queue(f, "es", "hold=30s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    requeue(f, "ana", "k1", "not_before=5m reason=callback");
    EXPECT_ANSWER(f, "k1 scheduled");
    contact(f, "k2", "es");
    accept(f, "bo", "k2");
    contact(f, "k3", "es");
    accept(f, "ana", "k3");
    complete(f, "bo", "k2", "");
    SCENE_SET(f);
    advance(f, 300000);
    EXPECT_FACTS(f, "[300000] k1 woken, held until 330000\n");
    complete(f, "ana", "k3", "");
    EXPECT_FACTS(f, "[300000] k3 completed by ana: completed\n"
                    "[300000] k1 offered to ana until 315000\n");
}

/* Given back to wait for another. */
TEST(requeue, prefers_another)
{
    queue(f, "es", "hold=30s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    agent(f, "cy", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    requeue(f, "ana", "k1", "prefers=cy");
    EXPECT_FACTS(f, "[    0] k1 requeued by ana to es, held for cy until 30000\n"
                    "[    0] k1 offered to cy until 15000\n");
}

/* How long it may wait counts anew after it was worked, and promises count from its new time. */
TEST(requeue, waits_and_promises_anew)
{
    tier(f, "standard", "20s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es expires=10s");
    accept(f, "ana", "k1");
    pass(f, 60000);
    away(f, "ana", "lunch");
    SCENE_SET(f);
    requeue(f, "ana", "k1", "");
    advance(f, 9999);
    EXPECT_FACTS(f, "[60000] k1 requeued by ana to es\n");
    advance(f, 1);
    EXPECT_FACTS(f, "[70000] k1 expired by ana: expired\n");
    contact(f, "k2", "es");
    available(f, "ana");
    accept(f, "ana", "k2");
    requeue(f, "ana", "k2", "not_before=100s");
    away(f, "ana", "lunch");
    SCENE_SET(f);
    advance(f, 120000);
    EXPECT_FACTS(f, "[170000] k2 woken\n"
                    "[190000] k2 answer overdue\n");
}

/* Said twice. */
TEST(requeue, repeated)
{
    queue(f, "es", "");
    queue(f, "fr", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    requeue(f, "ana", "k1", "not_before=60s");
    EXPECT_ANSWER(f, "k1 scheduled");
    requeue(f, "ana", "k1", "not_before=60s");
    EXPECT_ANSWER(f, "k1 scheduled");
    cancel(f, "k1", "");
    requeue(f, "ana", "k1", "not_before=60s");
    EXPECT_ANSWER(f, "gone: cancelled");
}

/* What was passed on is offered with its new holder, and no longer known to be its giver's. */
TEST(transfer, leaves_nothing_with_the_giver)
{
    queue(f, "es", "");
    queue(f, "fr", "");
    agent(f, "ana", "queues=es");
    agent(f, "bo", "queues=fr");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    transfer(f, "ana", "k1", "queue=fr");
    accept(f, "bo", "k1");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "conflict: active");
    as(f, CALLER_AGENT, "ana");
    update(f, "k1", "text=mine");
    EXPECT_ANSWER(f, "not found contact");
}
