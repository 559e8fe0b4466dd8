/* The life of an offer: two clocks, receipts, yes, no and silence, and what becomes of contact and agent. */
#include "tests/lib/story.h"

/* Somebody is free: the contact is offered at once, and the agent says yes. */
TEST(offer, is_made_and_accepted)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    pass(f, 3000);
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* Nobody answers: the next agent is offered, and the contact keeps its place. */
TEST(offer, times_out_and_goes_to_next_agent)
{
    queue(f, "es", "needs=es:2 cool_down=60s");
    agent(f, "ana", "es:3");
    agent(f, "bo", "es:2");
    contact(f, "k1", "es");
    EXPECT_FACTS(f, "?");
    advance(f, 15000);
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* A desktop that signs in with receipts has the delivery clock first; its receipt starts the answer clock. */
TEST(offer, is_shown_by_receipt_and_answer_clock_runs)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    pass(f, 500);
    received(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    advance(f, 15000);
    EXPECT_FACTS(f, "?");
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
    EXPECT_ANSWER(f, "?");
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
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    advance(f, 60000);
    EXPECT_FACTS(f, "?");
}

/* Accepted before its receipt: a yes says that it was shown. */
TEST(offer, accepted_without_receipt)
{
    queue(f, "es", "");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    accept(f, "ana", "k1");
    EXPECT_FACTS(f, "?");
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
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    pass(f, 1000);
    decline(f, "bo", "k1");
    EXPECT_FACTS(f, "?");
}

/* Declined before it was shown: a desktop may refuse by itself. */
TEST(offer, declined_before_receipt)
{
    queue(f, "es", "cool_down=30s");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    EXPECT_FACTS(f, "?");
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
    EXPECT_FACTS(f, "?");
}

/* Catalogue 4, no-answer loop: an agent who never answers is put away after so many misses, and the contact escalates
 * after so many attempts; neither goes round for ever. */
TEST(offer, never_answered_is_bounded)
{
    workspace(f, "max_misses=3");
    queue(f, "es", "cool_down=10s attempts_max=2 escalation=rescue");
    queue(f, "rescue", "cool_down=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 300000);
    EXPECT_FACTS(f, "?");
}

/* Misses put the agent away with a reason; a timed return makes it available again, with a clean record. */
TEST(offer, missed_offers_put_away_and_return)
{
    workspace(f, "max_misses=1 missed_return=60s");
    queue(f, "es", "cool_down=5m");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 15000);
    EXPECT_FACTS(f, "?");
    contact(f, "k2", "es");
    advance(f, 60000);
    EXPECT_FACTS(f, "?");
}

/* An acceptance wipes out earlier misses: only misses in a row count. */
TEST(offer, accepted_wipes_misses)
{
    workspace(f, "max_misses=2");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    advance(f, 15000);
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    contact(f, "k2", "es");
    SCENE_SET(f);
    advance(f, 15000);
    EXPECT_FACTS(f, "?");
}

/* Away while something is offered: the offer goes to somebody else at once, and is nobody's miss. */
TEST(offer, withdrawn_when_agent_goes_away)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* The same before it was shown. */
TEST(offer, withdrawn_before_receipt_when_agent_goes_away)
{
    queue(f, "es", "");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    EXPECT_FACTS(f, "?");
}

/* Too late: whoever says yes to what is over hears precisely how it ended. */
TEST(offer, over_tells_how)
{
    queue(f, "es", "cool_down=10m");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    decline(f, "ana", "k1");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    contact(f, "k2", "es");
    advance(f, 2000);
    accept(f, "ana", "k2");
    EXPECT_ANSWER(f, "?");
    contact(f, "k3", "es");
    received(f, "ana", "k3");
    advance(f, 15000);
    accept(f, "ana", "k3");
    EXPECT_ANSWER(f, "?");
    contact(f, "k4", "es");
    cancel(f, "k4", "");
    accept(f, "ana", "k4");
    EXPECT_ANSWER(f, "?");
    contact(f, "k5", "es");
    away(f, "ana", "lunch");
    accept(f, "ana", "k5");
    EXPECT_ANSWER(f, "?");
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
    EXPECT_ANSWER(f, "?");
    command.offer.offer = 0;
    center_step(f, &command, CALLER_AGENT, "ana");
    EXPECT_ANSWER(f, "?");
}

/* Said twice: a repeated yes answers as the first, while the agent holds the contact; then with its outcome. */
TEST(offer, accept_repeated)
{
    queue(f, "es", "wrap_up=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    complete(f, "ana", "k1", "");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    wrapped_up(f, "ana", "k1");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
}

/* A repeated no answers as the first, while the contact waits for somebody else. */
TEST(offer, decline_repeated)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "");
    cancel(f, "k1", "");
    decline(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
}

/* A bot accepts whatever it is offered: the offer already is an assignment. */
TEST(offer, auto_accepted)
{
    queue(f, "es", "");
    agent(f, "bot", "auto_accept units=200");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
}

/* Who pulls is offered nothing until it asks; then as many as it asked for, in order, in one answer. */
TEST(pull, gives_as_many_as_asked_for)
{
    queue(f, "es", "");
    agent(f, "ana", "pull units=1000");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "?");
    pull(f, "ana", 2, 0);
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "?");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "?");
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
    EXPECT_NOTICES(f, "?");
    pull(f, "ana", 1, 5000);
    advance(f, 5000);
    EXPECT_NOTICES(f, "?");
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "?");
}

/* Several pulls at a time are served in their order. */
TEST(pull, several_are_served_in_order)
{
    queue(f, "es", "");
    agent(f, "ana", "pull units=1000");
    pull(f, "ana", 1, 5000);
    pull(f, "ana", 2, 5000);
    contact(f, "k1", "es");
    EXPECT_NOTICES(f, "?");
    contact(f, "k2", "es");
    EXPECT_NOTICES(f, "?");
    contact(f, "k3", "es");
    EXPECT_NOTICES(f, "?");
    advance(f, 5000);
    EXPECT_NOTICES(f, "?");
}

/* Who signed in to be pushed to cannot pull. */
TEST(pull, conflicts_in_push_mode)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "?");
}

/* Catalogue 14, the zombie offer: the customer leaves, the offer is withdrawn at once, and a yes fails cleanly. */
TEST(catalogue_14, abandon_cancels_offer)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    pass(f, 2000);
    end(f, "k1", "");
    EXPECT_FACTS(f, "?");
    EXPECT_NOTICES(f, "?");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "?");
}

/* Catalogue 1, two agents on one contact: each agent who was ever offered it says yes; one wins, all others hear why
 * not. */
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
    EXPECT_ANSWER(f, "?");
    accept(f, "bo", "k1");
    EXPECT_ANSWER(f, "?");
    accept(f, "cy", "k1");
    EXPECT_ANSWER(f, "?");
    restart(f);
    sign_in(f, "ana", "available");
    sign_in(f, "bo", "available");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "?");
    EXPECT_FACTS(f, "?");
}
