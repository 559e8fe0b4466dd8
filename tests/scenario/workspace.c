/* The workspace: supervisors, configurations, owners, outages, restarts. */
#include "tests/lib/story.h"

/* A supervisor moves a waiting contact: it waits in the other queue, with its key. */
TEST(move, of_a_waiting_contact)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    queue(f, "fr", "");
    contact(f, "k1", "es");
    pass(f, 1000);
    contact(f, "k2", "fr");
    SCENE_SET(f);
    move(f, "k1", "fr");
    EXPECT_ANSWER(f, "k1 waiting");
    EXPECT_FACTS(f, "[ 1000] k1 moved to fr: moved\n");
    EXPECT_NOTICES(f, "to shop: k1 waiting: moved, step moved\n");
    agent(f, "ana", "queues=fr");
    EXPECT_FACTS(f, "[ 1000] k1 offered to ana until 16000\n");
    move(f, "k2", "nowhere");
    EXPECT_ANSWER(f, "not found queue");
}

/* Moved while it is offered: the offer is taken back. Moved while it is worked: it goes back to
 * waiting, there. */
TEST(move, of_what_an_agent_has)
{
    queue(f, "es", "wrap_up=10s");
    queue(f, "fr", "");
    agent(f, "ana", "queues=es");
    contact(f, "k1", "es");
    SCENE_SET(f);
    move(f, "k1", "fr");
    EXPECT_FACTS(f, "[    0] k1 offer to ana withdrawn: moved\n"
                    "[    0] k1 moved to fr: moved\n");
    EXPECT_NOTICES(f, "to ana: offer of k1 withdrawn: moved\n"
                      "to shop: k1 waiting: moved\n"
                      "to shop: k1 waiting: moved, step moved\n");
    contact(f, "k2", "es");
    accept(f, "ana", "k2");
    SCENE_SET(f);
    move(f, "k2", "fr");
    EXPECT_ANSWER(f, "k2 waiting");
    EXPECT_FACTS(f, "[    0] k2 requeued by ana to fr: moved\n");
    EXPECT_NOTICES(f, "to ana: k2 ended: moved\n"
                      "to shop: k2 waiting: moved, step moved\n");
    contact(f, "k3", "es");
    accept(f, "ana", "k3");
    complete(f, "ana", "k3", "");
    move(f, "k3", "fr");
    EXPECT_ANSWER(f, "conflict: wrapping");
}

/* A supervisor assigns: an offer by name, whatever the queue's strategy and the agent's skills; if
 * it can. */
TEST(assign, makes_an_offer_by_name)
{
    queue(f, "es", "needs=es:3");
    agent(f, "ana", "");
    agent(f, "bo", "es:3 away=lunch");
    contact(f, "k1", "es");
    SCENE_SET(f);
    assign(f, "k1", "bo");
    EXPECT_ANSWER(f, "conflict: away");
    assign(f, "k1", "ana");
    EXPECT_ANSWER(f, "k1 offered");
    EXPECT_FACTS(f, "[    0] k1 offered to ana until 15000, by name\n");
    contact(f, "k2", "es");
    assign(f, "k2", "ana");
    EXPECT_ANSWER(f, "conflict: full");
    assign(f, "k2", "nobody");
    EXPECT_ANSWER(f, "not found agent");
    assign(f, "k1", "ana");
    EXPECT_ANSWER(f, "k1 offered");
}

/* Assigned while it is offered to another: that offer is taken back. */
TEST(assign, takes_an_offer_back)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    assign(f, "k1", "bo");
    EXPECT_ANSWER(f, "k1 offered");
    EXPECT_FACTS(f, "[    0] k1 offer to ana withdrawn: moved\n"
                    "[    0] k1 offered to bo until 15000, by name\n");
    EXPECT_NOTICES(f, "to ana: offer of k1 withdrawn: moved\n"
                      "to shop: k1 waiting: moved\n"
                      "to bo: offer of k1\n"
                      "to shop: k1 offered\n");
}

/* Nobody took it as often as may be: it escalates, and never goes to nowhere. */
TEST(escalation, after_so_many_attempts)
{
    queue(f, "es", "attempts_max=2 escalation=rescue cool_down=10m");
    queue(f, "rescue", "");
    agent(f, "ana", "queues=es");
    agent(f, "bo", "queues=es");
    agent(f, "cy", "queues=rescue");
    contact(f, "k1", "es");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    advance(f, 15000);
    EXPECT_FACTS(f, "[    0] k1 offer to ana declined, cools until 600000\n"
                    "[    0] k1 offered to bo until 15000\n"
                    "[15000] k1 offer to bo timed out, miss 1, cools until 615000\n"
                    "[15000] k1 escalated to rescue: attempts\n"
                    "[15000] k1 offered to cy until 30000\n");
    EXPECT_NOTICES(f, "to shop: k1 waiting: declined\n"
                      "to bo: offer of k1\n"
                      "to shop: k1 offered\n"
                      "to bo: offer of k1 withdrawn: timed_out\n"
                      "to shop: k1 waiting: timed_out\n"
                      "to shop: k1 waiting: attempts, step escalated\n"
                      "to cy: offer of k1\n"
                      "to shop: k1 offered\n");
}

/* An offer that was withdrawn is no attempt. */
TEST(escalation, does_not_count_withdrawn_offers)
{
    queue(f, "es", "attempts_max=1 escalation=rescue cool_down=1s");
    queue(f, "rescue", "");
    agent(f, "ana", "receipts");
    contact(f, "k1", "es");
    SCENE_SET(f);
    advance(f, 3000);
    away(f, "ana", "lunch");
    EXPECT_FACTS(f, "[ 2000] k1 offer to ana withdrawn: undelivered, cools until 3000\n"
                    "[ 3000] k1 offered to ana until 5000\n"
                    "[ 3000] ana away: lunch\n"
                    "[ 3000] k1 offer to ana withdrawn: away\n");
}

/* Without a queue to escalate to, it stays and waits on. */
TEST(escalation, to_no_queue_stays)
{
    queue(f, "es", "attempts_max=1 cool_down=10s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    decline(f, "ana", "k1");
    advance(f, 10000);
    EXPECT_FACTS(f, "[    0] k1 offer to ana declined, cools until 10000\n"
                    "[10000] k1 offered to ana until 25000\n");
}

/* New rules hold for those who wait already: skills that a queue no longer requires. */
TEST(config, new_skills_hold_for_who_waits)
{
    queue(f, "es", "needs=es:5");
    agent(f, "ana", "es:3");
    contact(f, "k1", "es");
    SCENE_SET(f);
    queue(f, "es", "needs=es:3");
    config_apply(f);
    EXPECT_ANSWER(f, "configuration 2");
    EXPECT_FACTS(f, "[    0] configuration 2 applied\n"
                    "[    0] k1 offered to ana until 15000\n");
}

/* A new order holds for those who wait already. */
TEST(config, new_order_holds_for_who_waits)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "order=fifo");
    contact(f, "k1", "es tier=standard");
    pass(f, 1000);
    contact(f, "k2", "es tier=vip");
    EXPECT_ANSWER(f, "k2 waiting in es, position 2");
    queue(f, "es", "order=strict");
    config_apply(f);
    contact(f, "k2", "es");
    EXPECT_ANSWER(f, "k2 waiting in es, position 1, duplicate");
}

/* A queue goes: who waited there waits in the default queue, and what agents hold stays theirs. */
TEST(config, removes_a_queue)
{
    queue(f, "general", "");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    contact(f, "k2", "es");
    contact(f, "k3", "es not_before=60s");
    SCENE_SET(f);
    plan_drop_queue(f->plan, "es");
    config_apply(f);
    EXPECT_FACTS(f, "[    0] configuration 2 applied\n"
                    "[    0] k2 moved to general: queue_removed\n"
                    "[    0] k3 moved to general: queue_removed\n");
    EXPECT_NOTICES(f, "to shop: k2 waiting: queue_removed, step moved\n"
                      "to shop: k3 scheduled: queue_removed, step moved\n");
    complete(f, "ana", "k1", "");
    EXPECT_FACTS(f, "[    0] k1 completed by ana: completed\n"
                    "[    0] k2 offered to ana until 15000\n");
}

/* Agents of the file: new ones are put, changed ones put anew, those that went are removed; whom an
 * admin put stays. */
TEST(config, agents_of_the_file)
{
    queue(f, "es", "");
    plan_agent(f->plan, "ana", "es:3");
    plan_agent(f->plan, "bo", "es:3");
    config_apply(f);
    agent_put(f, "cy", "es:1");
    EXPECT_FACTS(f, "[    0] configuration 1 applied\n"
                    "[    0] ana put, es:3\n"
                    "[    0] bo put, es:3\n"
                    "[    0] cy put, es:1\n");
    plan_agent(f->plan, "ana", "es:5");
    plan_drop_agent(f->plan, "bo");
    config_apply(f);
    EXPECT_FACTS(f, "[    0] configuration 2 applied\n"
                    "[    0] ana put, es:5\n"
                    "[    0] bo removed\n");
    config_apply(f);
    EXPECT_FACTS(f, "[    0] configuration 3 applied\n");
}

/* agent.put wins over the file until the file's own entry changes. */
TEST(config, put_wins_until_the_entry_changes)
{
    queue(f, "es", "");
    plan_agent(f->plan, "ana", "es:3");
    config_apply(f);
    agent_put(f, "ana", "es:1");
    SCENE_SET(f);
    config_apply(f);
    EXPECT_FACTS(f, "[    0] configuration 2 applied\n");
    plan_agent(f->plan, "ana", "zh:2");
    config_apply(f);
    EXPECT_FACTS(f, "[    0] configuration 3 applied\n"
                    "[    0] ana put, zh:2\n");
}

/* An outage of the journal costs no agent anything: running offer clocks move by its length, other
 * clocks do not. */
TEST(outage, moves_offer_clocks)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es expires=1m");
    SCENE_SET(f);
    pass(f, 10000);
    journal_stalled(f, 8000);
    EXPECT_FACTS(f, "[18000] journal stalled for 8000\n");
    advance(f, 4999);
    EXPECT_FACTS(f, "");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 active");
}

/* The outage is told first, and clocks run out after it only by what is left of them. */
TEST(outage, comes_before_clocks_that_ran_out)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    SCENE_SET(f);
    pass(f, 10000);
    journal_stalled(f, 60000);
    advance(f, 5000);
    EXPECT_FACTS(f, "[70000] journal stalled for 60000\n"
                    "[75000] k1 offer to ana timed out, miss 1, cools until 135000\n");
}

/* A late host fires what ran out, with the time at which it came to it. */
TEST(late, clocks_are_stamped_with_the_step)
{
    queue(f, "es", "cool_down=60s expires=30s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    SCENE_SET(f);
    stall(f, 40000);
    EXPECT_FACTS(f, "[40000] k1 offer to ana timed out, miss 1, cools until 100000\n"
                    "[40000] k2 expired: expired\n"
                    "[40000] k1 expired: expired\n");
}

/* Catalogue 3, contacts lost by a restart: everybody is still in place, and what agents hold stays
 * theirs. */
TEST(catalogue_3, restart_loses_nothing)
{
    workspace(f, "grace=30s");
    queue(f, "es", "wrap_up=1m");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    contact(f, "k4", "es boost=5s");
    contact(f, "k5", "es not_before=60s");
    accept(f, "ana", "k1");
    accept(f, "bo", "k2");
    complete(f, "bo", "k2", "");
    SCENE_SET(f);
    restart(f);
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "k3 waiting in es, position 2, duplicate");
    contact(f, "k4", "es");
    EXPECT_ANSWER(f, "k4 waiting in es, position 1, duplicate");
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana available, k1 active");
    sign_in(f, "bo", "");
    EXPECT_ANSWER(f, "bo available, k2 wrapping");
    restart_from_checkpoint(f);
    contact(f, "k3", "es");
    EXPECT_ANSWER(f, "k3 waiting in es, position 2, duplicate");
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana available, k1 active");
    EXPECT_FACTS(f, "[    0] owner 1 started\n"
                    "[    0] ana signed in, available\n"
                    "[    0] bo signed in, available\n"
                    "[    0] owner 2 started\n"
                    "[    0] ana signed in, available\n");
}

/* A new owner: offers stay for one delivery clock, in which their agents come back and find them;
 * then they are undelivered, without a strike. */
TEST(owner, keeps_offers_for_one_delivery_clock)
{
    workspace(f, "max_misses=1 grace=30s");
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    SCENE_SET(f);
    pass(f, 1000);
    restart(f);
    pass(f, 500);
    sign_in(f, "ana", "");
    EXPECT_ANSWER(f, "ana available, k1 offered");
    accept(f, "ana", "k1");
    EXPECT_ANSWER(f, "k1 active");
    advance(f, 1500);
    EXPECT_FACTS(f, "[ 1000] owner 1 started\n"
                    "[ 1500] ana signed in, available\n"
                    "[ 1500] k1 shown to ana until 16500\n"
                    "[ 1500] k1 accepted by ana\n"
                    "[ 3000] k2 offer to bo withdrawn: undelivered\n");
    advance(f, 28500);
    EXPECT_FACTS(f, "[31000] bo signed out: grace_over\n");
}

/* What an agent who pulls finds in `held` is there: it is not given once more with a pull. */
TEST(owner, gives_who_pulls_nothing_twice)
{
    workspace(f, "grace=30s");
    queue(f, "es", "wrap_up=60s");
    agent(f, "ana", "pull units=300");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    pull(f, "ana", 3, 0);
    accept(f, "ana", "k1");
    accept(f, "ana", "k2");
    complete(f, "ana", "k2", "");
    restart(f);
    sign_in(f, "ana", "pull");
    EXPECT_ANSWER(f, "ana available, k1 active, k2 wrapping, k3 offered");
    pull(f, "ana", 3, 0);
    EXPECT_ANSWER(f, "no offers");
    restart(f);
    sign_in(f, "ana", "pull away");
    EXPECT_ANSWER(f, "ana away, k1 active, k2 wrapping, k3 offered");
    available(f, "ana");
    pull(f, "ana", 1, 0);
    EXPECT_ANSWER(f, "offers k3");
}

/* A new owner counts grace from its own start. */
TEST(owner, grace_counts_from_the_start)
{
    workspace(f, "grace=30s");
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    connection_lost(f, "ana");
    pass(f, 20000);
    SCENE_SET(f);
    restart(f);
    advance(f, 29999);
    EXPECT_FACTS(f, "[20000] owner 1 started\n");
    advance(f, 1);
    EXPECT_FACTS(f, "[50000] k1 requeued by ana to es: agent_lost\n"
                    "[50000] ana signed out: grace_over\n");
}

/* A new owner counts a connector's absence from its own start, too. */
TEST(owner, lost_connectors_count_from_the_start)
{
    queue(f, "es", "");
    contact(f, "k1", "es lost=10s");
    SCENE_SET(f);
    restart(f);
    advance(f, 9999);
    EXPECT_FACTS(f, "[    0] owner 1 started\n");
    advance(f, 1);
    EXPECT_FACTS(f, "[10000] k1 cancelled: connector_lost\n");
}

/* Catalogue 8 and 9, starvation and idleness: with one agent and a stream of VIPs, whoever waits
 * long enough is served, and the agent is never idle while somebody waits. */
TEST(catalogue_8, ageing_serves_everybody)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "");
    agent(f, "ana", "auto_accept");
    contact(f, "v0", "es tier=vip");
    contact(f, "s1", "es tier=standard");
    SCENE_SET(f);
    for (int i = 1; i <= 6; i++) {
        char id[4] = {'v', (char)('0' + i), '\0'}, before[4] = {'v', (char)('0' + i - 1), '\0'};

        contact(f, id, "es tier=vip");
        pass(f, 9000);
        complete(f, "ana", before, "");
    }
    EXPECT_FACTS(f, "[    0] v1 queued in es\n"
                    "[ 9000] v0 completed by ana: completed\n"
                    "[ 9000] v1 offered to ana until 24000\n"
                    "[ 9000] v1 accepted by ana\n"
                    "[ 9000] v2 queued in es\n"
                    "[18000] v1 completed by ana: completed\n"
                    "[18000] v2 offered to ana until 33000\n"
                    "[18000] v2 accepted by ana\n"
                    "[18000] v3 queued in es\n"
                    "[27000] v2 completed by ana: completed\n"
                    "[27000] v3 offered to ana until 42000\n"
                    "[27000] v3 accepted by ana\n"
                    "[27000] v4 queued in es\n"
                    "[36000] v3 completed by ana: completed\n"
                    "[36000] v4 offered to ana until 51000\n"
                    "[36000] v4 accepted by ana\n"
                    "[36000] v5 queued in es\n"
                    "[45000] v4 completed by ana: completed\n"
                    "[45000] v5 offered to ana until 60000\n"
                    "[45000] v5 accepted by ana\n"
                    "[45000] v6 queued in es\n"
                    "[54000] v5 completed by ana: completed\n"
                    "[54000] s1 offered to ana until 69000\n"
                    "[54000] s1 accepted by ana\n");
}

/* Catalogue 11, counters that drift: what a queue's row counts is what the facts add up to, also
 * after a restart. */
TEST(catalogue_11, counters_are_what_the_facts_say)
{
    struct queue_row row, again;

    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    pass(f, 7000);
    cancel(f, "k3", "");
    complete(f, "ana", "k1", "");
    engine_get_queue_row(f->engine, 0, engine_now(f->engine), &row);
    EXPECT(row.waiting == 0);
    EXPECT(row.offered == 1);
    EXPECT(row.active == 0);
    EXPECT(row.answered == 1);
    EXPECT(row.abandoned == 1);
    EXPECT(row.average_speed_of_answer == 0);
    EXPECT(row.agents_signed_in == 1);
    restart(f);
    engine_get_queue_row(f->engine, 0, engine_now(f->engine), &again);
    EXPECT(again.answered == row.answered);
    EXPECT(again.abandoned == row.abandoned);
    EXPECT(again.offered == row.offered);
}
