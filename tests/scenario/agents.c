/* Agents come and go: presence, connections, and who may say so. */
#include "tests/lib/story.h"

/* Signing in does not mean ready: without a word of it, an agent is away. */
TEST(agent, signs_in_away_unless_it_says_otherwise)
{
    queue(f, "es", "");
    agent(f, "ana", "unsigned");
    contact(f, "k1", "es");
    SCENE_SET(f);
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana away");
    EXPECT_FACTS(f, "[    0] ana signed in, away\n");
    available(f, "ana");
    EXPECT_ANSWER(f, "ana available");
    EXPECT_FACTS(f, "[    0] ana available\n"
                    "[    0] k1 offered to ana until 15000\n");
}

/* Only agents that exist can sign in. */
TEST(agent, unknown_cannot_sign_in)
{
    queue(f, "es", "");
    sign_in(f, "nobody", "available");
    EXPECT_ANSWER(f, "not found agent");
    EXPECT_FACTS(f, "");
}

/* Away keeps what it works, and is offered nothing new. */
TEST(agent, away_keeps_assignments)
{
    channel(f, "chat", "units=30");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    EXPECT_ANSWER(f, "ana away");
    contact(f, "k2", "es");
    away(f, "ana", "meeting");
    away(f, "ana", "meeting");
    EXPECT_FACTS(f, "[    0] ana away: lunch\n"
                    "[    0] k2 queued in es\n"
                    "[    0] ana away: meeting\n");
    complete(f, "ana", "k1", "");
    available(f, "ana");
    EXPECT_FACTS(f, "[    0] k1 completed by ana: completed\n"
                    "[    0] ana available\n"
                    "[    0] k2 offered to ana until 15000\n");
}

/* Signed out: assignments go back to their queue at once, with their key; wrap-ups end. */
TEST(agent, sign_out_gives_everything_back)
{
    channel(f, "chat", "units=30");
    queue(f, "es", "wrap_up=1m");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    accept(f, "ana", "k1");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    SCENE_SET(f);
    sign_out(f, "ana");
    EXPECT_ANSWER(f, "ana signed_out");
    EXPECT_FACTS(f, "[    0] k3 offer to ana withdrawn: signed_out\n"
                    "[    0] k1 requeued by ana to es: signed_out\n"
                    "[    0] k2 completed by ana: completed\n"
                    "[    0] ana signed out: signed_out\n");
    EXPECT_NOTICES(f, "to shop: k3 waiting: signed_out\n"
                      "to shop: k1 waiting: signed_out\n"
                      "to shop: k2 completed: completed\n");
    away(f, "ana", "lunch");
    EXPECT_ANSWER(f, "conflict: signed_out");
}

/* The connection is lost: offers go back at once; what it works stays for the grace time, and is
 * there when it returns. */
TEST(agent, returns_within_grace)
{
    channel(f, "chat", "units=30");
    workspace(f, "grace=30s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    contact(f, "k2", "es");
    SCENE_SET(f);
    connection_lost(f, "ana");
    EXPECT_FACTS(f, "[    0] ana lost until 30000\n"
                    "[    0] k2 offer to ana withdrawn: agent_lost\n");
    advance(f, 29999);
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana available, k1 active");
    EXPECT_FACTS(f, "[29999] ana signed in, available\n"
                    "[29999] k2 offered to ana until 44999\n");
}

/* The grace time is over: assignments go back to their queue with their key. */
TEST(agent, lost_past_its_grace)
{
    channel(f, "chat", "units=30");
    workspace(f, "grace=30s");
    queue(f, "es", "wrap_up=1h");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    accept(f, "ana", "k1");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    SCENE_SET(f);
    connection_lost(f, "ana");
    agent(f, "bo", "");
    advance(f, 30000);
    EXPECT_FACTS(f, "[    0] ana lost until 30000\n"
                    "[30000] k1 requeued by ana to es: agent_lost\n"
                    "[30000] k2 completed by ana: completed\n"
                    "[30000] ana signed out: grace_over\n"
                    "[30000] k1 offered to bo until 45000\n");
}

/* Catalogue 2, the agent stuck as busy: whoever dies in whatever state, in the end nobody is busy
 * with nothing. */
TEST(catalogue_2, nobody_stays_busy)
{
    workspace(f, "grace=30s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    connection_lost(f, "ana");
    advance(f, 30000);
    sign_in(f, "ana", "available");
    SCENE_SET(f);
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "[30000] k2 queued in es\n");
    cancel(f, "k1", "");
    EXPECT_FACTS(f, "[30000] k1 offer to ana withdrawn: cancelled\n"
                    "[30000] k1 cancelled by ana: cancelled\n"
                    "[30000] k2 offered to ana until 45000\n");
    connector_goes(f, "shop");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    connector_comes(f, "shop");
    SCENE_SET(f);
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "[30000] k3 queued in es\n"
                    "[30000] k3 offered to ana until 45000\n");
}

/* Catalogue 19, two desktops of one agent: the newer connection takes over, keeps what is held, and
 * the older one hears of it and is closed; its end changes nothing. */
TEST(catalogue_19, takeover)
{
    struct command command = {.kind = COMMAND_SESSION_CLOSED};
    uint64_t older;

    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    older = f->next_session;
    SCENE_SET(f);
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana available, k1 active");
    EXPECT_FACTS(f, "[    0] ana signed in, available\n");
    EXPECT_NOTICES(f, "to a connection that is over: signed out, closing: taken_over\n");
    command.time = f->now;
    command.caller = (struct caller){older, 0, CALLER_AGENT, TEXT("ana")};
    engine_step(f->engine, &command);
    EXPECT_FACTS(f, "");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "k1 completed");
}

/* An offer that waits for an answer goes over with a takeover, and is not lost. */
TEST(agent, takeover_carries_offers)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    pass(f, 1000);
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana available, k1 offered");
    EXPECT_FACTS(f, "[ 1000] ana signed in, available\n");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 active");
}

/* Supervisors set states of agents; what was set stays. */
TEST(agent, state_set_by_a_supervisor)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    set_state(f, "ana", "away=meeting");
    EXPECT_ANSWER(f, "ana away");
    EXPECT_FACTS(f, "[    0] ana away: meeting\n"
                    "[    0] k1 offer to ana withdrawn: away\n");
    set_state(f, "ana", "available");
    EXPECT_FACTS(f, "[    0] ana available\n"
                    "[    0] k1 offered to ana until 15000\n");
    sign_out(f, "ana");
    set_state(f, "ana", "available");
    EXPECT_ANSWER(f, "conflict: signed_out");
    set_state(f, "nobody", "available");
    EXPECT_ANSWER(f, "not found agent");
}

/* agent.put acts at once, also on one who is signed in, and takes nothing away that it holds. */
TEST(agent, put_while_signed_in)
{
    channel(f, "chat", "units=40");
    queue(f, "es", "needs=es:3");
    queue(f, "fr", "");
    agent(f, "ana", "es:3");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    contact(f, "k2", "es");
    SCENE_SET(f);
    agent_put(f, "ana", "es:1 units=40");
    EXPECT_ANSWER(f, "ana available");
    contact(f, "k3", "fr");
    accept(f, "ana", "k2");
    EXPECT_FACTS(f, "[    0] ana put, es:1\n"
                    "[    0] k3 queued in fr\n"
                    "[    0] k2 accepted by ana\n");
    complete(f, "ana", "k1", "");
    complete(f, "ana", "k2", "");
    EXPECT_FACTS(f, "[    0] k1 completed by ana: completed\n"
                    "[    0] k2 completed by ana: completed\n"
                    "[    0] k3 offered to ana until 15000\n");
    agent_put(f, "ana", "es:5 units=400");
    contact(f, "k4", "es");
    EXPECT_FACTS(f, "[    0] ana put, es:5\n"
                    "[    0] k4 queued in es\n"
                    "[    0] k4 offered to ana until 15000\n");
}

/* Removed: all that it held is let go, and it can sign in no more. */
TEST(agent, removed)
{
    channel(f, "chat", "units=30");
    queue(f, "es", "wrap_up=1m");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    accept(f, "ana", "k1");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    SCENE_SET(f);
    agent_remove(f, "ana");
    EXPECT_ANSWER(f, "done");
    EXPECT_FACTS(f, "[    0] k3 offer to ana withdrawn: agent_removed\n"
                    "[    0] k1 requeued by ana to es: agent_removed\n"
                    "[    0] k2 completed by ana: completed\n"
                    "[    0] ana signed out: agent_removed\n"
                    "[    0] ana removed\n");
    EXPECT_NOTICES(f, "to ana: signed out, closing: agent_removed\n"
                      "to ana: offer of k3 withdrawn: agent_removed\n"
                      "to shop: k3 waiting: agent_removed\n"
                      "to shop: k1 waiting: agent_removed\n"
                      "to shop: k2 completed: completed\n");
    sign_in(f, "ana", "available");
    EXPECT_ANSWER(f, "not found agent");
    agent_remove(f, "ana");
    EXPECT_ANSWER(f, "not found agent");
}

/* Removed and put again, it is an agent as any. */
TEST(agent, removed_and_put_again)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    complete(f, "ana", "k1", "");
    agent_remove(f, "ana");
    agent(f, "ana", "");
    SCENE_SET(f);
    contact(f, "k2", "es reopens=k1");
    EXPECT_FACTS(f, "[    0] k2 queued in es\n"
                    "[    0] k2 offered to ana until 15000\n");
}

/* A connection is one agent's only. */
TEST(agent, one_a_connection)
{
    struct command command = {.kind = COMMAND_SIGN_IN};

    queue(f, "es", "");
    agent(f, "ana", "");
    agent(f, "bo", "unsigned");
    command.sign_in.agent = TEXT("bo");
    center_step(f, &command, CALLER_AGENT, "ana");
    EXPECT_ANSWER(f, "conflict: available");
}

/* Who is not signed in can do nothing with offers and work. */
TEST(agent, must_sign_in_first)
{
    queue(f, "es", "");
    agent(f, "ana", "unsigned");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "conflict: signed_out");
    complete(f, "ana", "k1", "");
    EXPECT_ANSWER(f, "conflict: signed_out");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "conflict: signed_out");
    sign_out(f, "ana");
    EXPECT_ANSWER(f, "conflict: signed_out");
}
