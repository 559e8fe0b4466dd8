/* The life of an offer: two clocks, receipts, yes, no and silence, and what becomes of contact and
 * agent. */
#include "tests/lib/story.h"

/* Somebody is free: the contact is offered at once, and the agent says yes. */
TEST(offer, is_made_and_accepted)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 waiting in es, position 1");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 15000\n");
    EXPECT_NOTICES(f, "to ana: offer of k1\n"
                      "to shop: k1 offered\n");
    pass(f, 3000);
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 active");
    EXPECT_FACTS(f, "[ 3000] k1 accepted by ana\n");
    EXPECT_NOTICES(f, "to shop: k1 active\n");
}

/* Nobody answers: the next agent is offered, and the contact keeps its place. */
TEST(offer, times_out_and_goes_to_next_agent)
{
    queue(f, "es", "needs=es:2 cool_down=60s");
    agent(f, "ana", "es:3");
    agent(f, "bo", "es:2");
    contact(f, "k1", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 15000\n");
    advance(f, 15000);
    EXPECT_FACTS(f, "[15000] k1 offer to ana timed out, miss 1, cools until 75000\n"
                    "[15000] k1 offered to bo until 30000\n");
    EXPECT_NOTICES(f, "to ana: offer of k1\n"
                      "to shop: k1 offered\n"
                      "to ana: offer of k1 withdrawn: timed_out\n"
                      "to shop: k1 waiting: timed_out\n"
                      "to bo: offer of k1\n"
                      "to shop: k1 offered\n");
}

/* A desktop that signs in with receipts has the delivery clock first; its receipt starts the answer
 * clock. */
TEST(offer, is_shown_by_receipt_and_answer_clock_runs)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    pass(f, 500);
    received(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 offered");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 2000\n"
                    "[  500] k1 shown to ana until 15500\n");
    advance(f, 15000);
    EXPECT_FACTS(f, "[15500] k1 offer to ana timed out, miss 1, cools until 75500\n");
}

/* A second receipt changes nothing: the answer clock is not won back by it. */
TEST(offer, receipt_repeated_moves_no_clock)
{
    queue(f, "es", "");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    received(f, "ana", "k1");
    SCENE_SET(f);
    pass(f, 5000);
    received(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 offered");
    EXPECT_FACTS(f, "");
}

/* The desktop is dead: the offer is withdrawn as undelivered, and that is no miss of the agent. */
TEST(offer, undelivered_is_no_strike)
{
    workspace(f, "max_misses=1");
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    advance(f, 2000);
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 2000\n"
                    "[ 2000] k1 offer to ana withdrawn: undelivered, cools until 62000\n");
    EXPECT_NOTICES(f, "to ana: offer of k1\n"
                      "to shop: k1 offered\n"
                      "to ana: offer of k1 withdrawn: undelivered\n"
                      "to shop: k1 waiting: undelivered\n");
    advance(f, 60000);
    EXPECT_FACTS(f, "[62000] k1 offered to ana until 64000\n");
}

/* Accepted before its receipt: a yes says that it was shown. */
TEST(offer, accepted_without_receipt)
{
    queue(f, "es", "");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    accept(f, "ana", "k1");
    EXPECT_FACTS(f, "[    0] k1 accepted by ana\n");
    advance(f, 60000);
    EXPECT_FACTS(f, "");
}

/* Declined: to another at once; and the one who said no is not asked again while it cools down. */
TEST(offer, declined_goes_to_another)
{
    queue(f, "es", "cool_down=30s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    pass(f, 1000);
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 waiting");
    EXPECT_FACTS(f, "[ 1000] k1 offer to ana declined, cools until 31000\n"
                    "[ 1000] k1 offered to bo until 16000\n");
    pass(f, 1000);
    decline(f, "bo", "k1");
    EXPECT_FACTS(f, "[ 2000] k1 offer to bo declined, cools until 32000\n");
}

/* Declined before it was shown: a desktop may refuse by itself. */
TEST(offer, declined_before_receipt)
{
    queue(f, "es", "cool_down=30s");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    EXPECT_FACTS(f, "[    0] k1 offer to ana declined, cools until 30000\n");
}

/* Catalogue 5, declined for ever: the only agent is asked again when the memory has decayed. */
TEST(offer, lone_decliner_is_asked_again)
{
    queue(f, "es", "cool_down=30s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    decline(f, "ana", "k1");
    SCENE_SET(f);
    advance(f, 29999);
    EXPECT_FACTS(f, "");
    advance(f, 1);
    EXPECT_FACTS(f, "[30000] k1 offered to ana until 45000\n");
}

/* Catalogue 4, no-answer loop: an agent who never answers is put away after so many misses, and the
 * contact escalates after so many attempts; neither goes round for ever. */
TEST(offer, never_answered_is_bounded)
{
    workspace(f, "max_misses=3");
    queue(f, "es", "cool_down=10s attempts_max=2 escalation=rescue");
    queue(f, "rescue", "cool_down=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 300000);
    EXPECT_FACTS(f, "[15000] k1 offer to ana timed out, miss 1, cools until 25000\n"
                    "[25000] k1 offered to ana until 40000\n"
                    "[40000] k1 offer to ana timed out, miss 2, cools until 50000\n"
                    "[40000] k1 escalated to rescue: attempts\n"
                    "[40000] k1 offered to ana until 55000\n"
                    "[55000] k1 offer to ana timed out, miss 3, cools until 65000\n"
                    "[55000] ana away: missed_offer\n");
}

/* Misses put the agent away with a reason; a timed return makes it available again, with a clean
 * record. */
TEST(offer, missed_offers_put_away_and_return)
{
    workspace(f, "max_misses=1 missed_return=60s");
    queue(f, "es", "cool_down=5m");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 15000);
    EXPECT_FACTS(f, "[15000] k1 offer to ana timed out, miss 1, cools until 315000\n"
                    "[15000] ana away until 75000: missed_offer\n");
    contact(f, "k2", "es");
    advance(f, 60000);
    EXPECT_FACTS(f, "[15000] k2 queued in es\n"
                    "[75000] ana available\n"
                    "[75000] k2 offered to ana until 90000\n");
}

/* An acceptance wipes out earlier misses: only misses in a row count. */
TEST(offer, accepted_wipes_misses)
{
    workspace(f, "max_misses=2");
    queue(f, "es", "cool_down=5s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    advance(f, 20000);
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    contact(f, "k2", "es");
    SCENE_SET(f);
    advance(f, 15000);
    EXPECT_FACTS(f, "[35000] k2 offer to ana timed out, miss 1, cools until 40000\n");
}

/* Even without a cool-down, others come first. */
TEST(offer, missed_goes_to_others_first)
{
    queue(f, "es", "cool_down=0");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    agent(f, "bo", "");
    SCENE_SET(f);
    advance(f, 15000);
    EXPECT_FACTS(f, "[15000] k1 offer to ana timed out, miss 1, cools until 15001\n"
                    "[15000] k1 offered to bo until 30000\n");
}

/* Away while something is offered: the offer goes to somebody else at once, and is nobody's miss.
 */
TEST(offer, withdrawn_when_agent_goes_away)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    EXPECT_FACTS(f, "[    0] ana away: lunch\n"
                    "[    0] k1 offer to ana withdrawn: away\n"
                    "[    0] k1 offered to bo until 15000\n");
    EXPECT_NOTICES(f, "to ana: offer of k1 withdrawn: away\n"
                      "to shop: k1 waiting: away\n"
                      "to bo: offer of k1\n"
                      "to shop: k1 offered\n");
}

/* The same before it was shown. */
TEST(offer, withdrawn_before_receipt_when_agent_goes_away)
{
    queue(f, "es", "");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    EXPECT_FACTS(f, "[    0] ana away: lunch\n"
                    "[    0] k1 offer to ana withdrawn: away\n");
}

/* Too late: whoever says yes to what is over hears precisely how it ended. */
TEST(offer, over_tells_how)
{
    queue(f, "es", "cool_down=10m");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    decline(f, "ana", "k1");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: declined");
    contact(f, "k2", "es");
    advance(f, 2000);
    accept(f, "ana", "k2");
    EXPECT_ANSWER(f, "gone: undelivered");
    contact(f, "k3", "es");
    received(f, "ana", "k3");
    advance(f, 15000);
    accept(f, "ana", "k3");
    EXPECT_ANSWER(f, "gone: timed_out");
    contact(f, "k4", "es");
    cancel(f, "k4", "");
    accept(f, "ana", "k4");
    EXPECT_ANSWER(f, "gone: cancelled");
    contact(f, "k5", "es");
    away(f, "ana", "lunch");
    accept(f, "ana", "k5");
    EXPECT_ANSWER(f, "gone: away");
}

/* An offer of somebody else is not there. */
TEST(offer, of_another_agent_is_not_found)
{
    struct command command = {.kind = COMMAND_ACCEPT};

    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    agent(f, "bo", "");
    command.offer.offer = center_offer(f, "ana", "k1");
    center_step(f, &command, CALLER_AGENT, "bo");
    EXPECT_ANSWER(f, "not found offer");
    command.offer.offer = 0;
    center_step(f, &command, CALLER_AGENT, "ana");
    EXPECT_ANSWER(f, "not found offer");
}

/* Said twice: a repeated yes answers as the first, while the agent holds the contact; then with its
 * outcome. */
TEST(offer, accept_repeated)
{
    queue(f, "es", "wrap_up=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 active");
    complete(f, "ana", "k1", "");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 wrapping");
    wrapped_up(f, "ana", "k1");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: completed");
}

/* A repeated no answers as the first, while the contact waits for somebody else. */
TEST(offer, decline_repeated)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 waiting");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 waiting");
    EXPECT_FACTS(f, "");
    cancel(f, "k1", "");
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: cancelled");
}

/* A bot accepts whatever it is offered: the offer already is an assignment. */
TEST(offer, auto_accepted)
{
    queue(f, "es", "");
    agent(f, "bot", "auto_accept units=200");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to bot until 15000\n"
                    "[    0] k1 accepted by bot\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to bot until 15000\n"
                    "[    0] k2 accepted by bot\n"
                    "[    0] k3 queued in es\n");
    EXPECT_NOTICES(f, "to bot: offer of k1\n"
                      "to shop: k1 active\n"
                      "to bot: offer of k2\n"
                      "to shop: k2 active\n");
}

/* Who pulls is offered nothing until it asks; then as many as it asked for, in order, in one
 * answer. */
TEST(pull, gives_as_many_as_asked_for)
{
    queue(f, "es", "");
    agent(f, "ana", "pull units=1000");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k3 queued in es\n");
    pull(f, "ana", 2, 0);
    EXPECT_ANSWER(f, "offers k1 k2");
    EXPECT_FACTS(f, "[    0] k1 offered to ana until 15000\n"
                    "[    0] k2 offered to ana until 15000\n");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "offers k3");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "no offers");
}

/* A pull that waits is answered when something comes, or at its time with nothing. */
TEST(pull, waits)
{
    queue(f, "es", "");
    agent(f, "ana", "pull units=1000");
    pull(f, "ana", 1, 5000);
    EXPECT_ANSWER(f, "");
    pass(f, 1000);
    contact(f, "k1", "es");
    EXPECT_NOTICES(f, "to shop: k1 offered\n"
                      "answer to ana: offers k1\n");
    pull(f, "ana", 1, 5000);
    advance(f, 5000);
    EXPECT_NOTICES(f, "answer to ana: no offers\n");
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "[ 1000] k1 queued in es\n"
                    "[ 1000] k1 offered to ana until 16000\n"
                    "[ 6000] k2 queued in es\n");
}

/* Several pulls at a time are served in their order. */
TEST(pull, several_are_served_in_order)
{
    queue(f, "es", "");
    agent(f, "ana", "pull units=1000");
    pull(f, "ana", 1, 5000);
    pull(f, "ana", 2, 5000);
    contact(f, "k1", "es");
    EXPECT_NOTICES(f, "to shop: k1 offered\n"
                      "answer to ana: offers k1\n");
    contact(f, "k2", "es");
    EXPECT_NOTICES(f, "to shop: k2 offered\n"
                      "answer to ana: offers k2\n");
    contact(f, "k3", "es");
    EXPECT_NOTICES(f, "");
    advance(f, 5000);
    EXPECT_NOTICES(f, "");
}

/* Who signed in to be pushed to cannot pull. */
TEST(pull, conflicts_in_push_mode)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "conflict: push");
}

/* Catalogue 14, the zombie offer: the customer leaves, the offer is withdrawn at once, and a yes
 * fails cleanly. */
TEST(catalogue_14, abandon_cancels_offer)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    pass(f, 2000);
    end(f, "k1", "");
    EXPECT_FACTS(f, "[ 2000] k1 offer to ana withdrawn: cancelled\n"
                    "[ 2000] k1 cancelled: customer_left\n");
    EXPECT_NOTICES(f, "to ana: offer of k1 withdrawn: cancelled\n"
                      "to shop: k1 cancelled: customer_left\n");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: cancelled");
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "[ 2000] k2 queued in es\n"
                    "[ 2000] k2 offered to ana until 17000\n");
}

/* Catalogue 1, two agents on one contact: each agent who was ever offered it says yes; one wins,
 * all others hear why not. */
TEST(catalogue_1, one_yes_wins)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    agent(f, "cy", "");
    contact(f, "k1", "es");
    advance(f, 15000);
    advance(f, 15000);
    SCENE_SET(f);
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: timed_out");
    accept(f, "bo", "k1");
    EXPECT_ANSWER(f, "gone: timed_out");
    accept(f, "cy", "k1");
    EXPECT_ANSWER(f, "k1 active");
    restart(f);
    sign_in(f, "ana", "available");
    sign_in(f, "bo", "available");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "gone: timed_out");
    EXPECT_FACTS(f, "[30000] k1 accepted by cy\n"
                    "[30000] owner 1 started\n"
                    "[30000] ana signed in, available\n"
                    "[30000] bo signed in, available\n");
}
