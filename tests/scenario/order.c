/* Who comes first, and who gets whom. */
#include <stdio.h>

#include "tests/lib/story.h"

/* Deadlines order: a VIP who came at the same time is ahead, one who has waited long enough is
 * ahead of a new VIP. */
TEST(order, by_deadline_ages)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "order=deadline");
    contact(f, "s1", "es tier=standard");
    contact(f, "v1", "es tier=vip");
    EXPECT_ANSWER(f, "v1 waiting in es, position 1");
    pass(f, 50000);
    contact(f, "v2", "es tier=vip");
    EXPECT_ANSWER(f, "v2 waiting in es, position 3");
    SCENE_SET(f);
    agent(f, "ana", "units=300");
    EXPECT_FACTS(f, "[50000] v1 offered to ana until 65000\n"
                    "[50000] s1 offered to ana until 65000\n"
                    "[50000] v2 offered to ana until 65000\n");
}

/* Strict: the tier first, however long others wait. */
TEST(order, strict_compares_tiers_first)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "order=strict");
    contact(f, "s1", "es tier=standard");
    pass(f, 3600000);
    contact(f, "v1", "es tier=vip");
    contact(f, "v2", "es tier=vip boost=5s");
    SCENE_SET(f);
    agent(f, "ana", "units=300");
    EXPECT_FACTS(f, "[3600000] v2 offered to ana until 3615000\n"
                    "[3600000] v1 offered to ana until 3615000\n"
                    "[3600000] s1 offered to ana until 3615000\n");
}

/* First in, first out: targets do not count. */
TEST(order, fifo_ignores_targets)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "order=fifo");
    contact(f, "s1", "es tier=standard");
    pass(f, 1);
    contact(f, "v1", "es tier=vip");
    SCENE_SET(f);
    agent(f, "ana", "units=300");
    EXPECT_FACTS(f, "[    1] s1 offered to ana until 15001\n"
                    "[    1] v1 offered to ana until 15001\n");
}

/* Between queues the deadline decides. */
TEST(order, between_queues_by_deadline)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    queue(f, "fr", "targets=standard:10s");
    contact(f, "k1", "es");
    pass(f, 5000);
    contact(f, "k2", "fr");
    pass(f, 50000);
    contact(f, "k3", "fr");
    SCENE_SET(f);
    agent(f, "ana", "units=300");
    EXPECT_FACTS(f, "[55000] k2 offered to ana until 70000\n"
                    "[55000] k1 offered to ana until 70000\n"
                    "[55000] k3 offered to ana until 70000\n");
}

/* An agent's own ranks of its queues come before deadlines. */
TEST(order, own_ranks_first)
{
    tier(f, "standard", "60s");
    queue(f, "es", "");
    queue(f, "fr", "");
    queue(f, "de", "");
    contact(f, "k1", "es");
    pass(f, 1000);
    contact(f, "k2", "fr");
    pass(f, 1000);
    contact(f, "k3", "de");
    SCENE_SET(f);
    agent(f, "ana", "units=300 queues=es:2,fr:2,de:1");
    EXPECT_FACTS(f, "[ 2000] k3 offered to ana until 17000\n"
                    "[ 2000] k1 offered to ana until 17000\n"
                    "[ 2000] k2 offered to ana until 17000\n");
}

/* Catalogue 6, the backlog skipped: a slot that comes free takes the head of the order, never the
 * next arrival. */
TEST(catalogue_6, freed_slot_takes_the_head)
{
    queue(f, "es", "");
    agent(f, "ana", "");
    contact(f, "k0", "es");
    accept(f, "ana", "k0");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    pass(f, 1000);
    SCENE_SET(f);
    complete(f, "ana", "k0", "");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "[ 1000] k0 completed by ana: completed\n"
                    "[ 1000] k1 offered to ana until 16000\n"
                    "[ 1000] k3 queued in es\n");
}

/* A contact that fits nobody who is there holds up nobody behind it. */
TEST(order, who_fits_nobody_blocks_nobody)
{
    queue(f, "es", "");
    contact(f, "k1", "es skills=zh:5");
    contact(f, "k2", "es skills=zh:5");
    contact(f, "k3", "es");
    SCENE_SET(f);
    agent(f, "ana", "zh:4");
    EXPECT_FACTS(f, "[    0] k3 offered to ana until 15000\n");
    agent(f, "bo", "zh:5");
    EXPECT_FACTS(f, "[    0] k1 offered to bo until 15000\n");
}

/* A queue's skills and a contact's own are both required, at their levels. */
TEST(order, skills_of_queue_and_contact)
{
    queue(f, "es", "needs=es:3");
    agent(f, "ana", "es:3");
    agent(f, "bo", "zh:5");
    agent(f, "cy", "es:4 zh:2");
    contact(f, "k1", "es skills=zh:2");
    EXPECT_FACTS(f, "[    0] k1 queued in es, needs zh:2\n"
                    "[    0] k1 offered to cy until 15000\n");
}

/* An agent serves the queues it has, and no others. */
TEST(order, only_queues_served)
{
    queue(f, "es", "");
    queue(f, "fr", "");
    agent(f, "ana", "queues=fr");
    contact(f, "k1", "es");
    contact(f, "k2", "fr");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k2 queued in fr\n"
                    "[    0] k2 offered to ana until 15000\n");
}

/* Longest idle: who has been free longest; those with nothing in hand before all others. */
TEST(strategy, longest_idle)
{
    channel(f, "chat", "units=50");
    queue(f, "es", "strategy=longest_idle");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    accept(f, "ana", "k1");
    contact(f, "k2", "es");
    accept(f, "bo", "k2");
    pass(f, 1000);
    complete(f, "bo", "k2", "");
    pass(f, 1000);
    complete(f, "ana", "k1", "");
    SCENE_SET(f);
    contact(f, "k3", "es");
    contact(f, "k4", "es");
    contact(f, "k5", "es");
    EXPECT_FACTS(f, "[ 2000] k3 queued in es\n"
                    "[ 2000] k3 offered to bo until 17000\n"
                    "[ 2000] k4 queued in es\n"
                    "[ 2000] k4 offered to ana until 17000\n"
                    "[ 2000] k5 queued in es\n"
                    "[ 2000] k5 offered to bo until 17000\n");
}

/* An offer that comes to nothing does not cost an agent its turn. */
TEST(strategy, longest_idle_survives_an_offer)
{
    queue(f, "es", "strategy=longest_idle");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "k1", "es");
    cancel(f, "k1", "");
    SCENE_SET(f);
    contact(f, "k2", "es");
    EXPECT_FACTS(f, "[    0] k2 queued in es\n"
                    "[    0] k2 offered to ana until 15000\n");
}

/* No two agents alike, and more of them than are looked at one profile at a time: a name that says
 * its number, and skills of its own. Every tenth speaks zh, and the last ten fr. */
#define MANY 100

static void sign_in_many(struct center *f)
{
    char name[16], words[48];

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "a%02d", i);
        snprintf(words, sizeof(words), "own%02d:1%s%s", i, i % 10 == 9 ? " zh:5" : "",
                 i >= 90 ? " fr:5" : "");
        agent(f, name, words);
    }
}

/* The order of idleness holds across profiles: near the front, and far behind those that cannot. */
TEST(strategy, longest_idle_of_many_profiles)
{
    queue(f, "es", "strategy=longest_idle");
    sign_in_many(f);
    SCENE_SET(f);
    contact(f, "k1", "es");
    contact(f, "k2", "es skills=zh:5");
    contact(f, "k3", "es skills=fr:5");
    contact(f, "k4", "es skills=fr:5,zh:5");
    contact(f, "k5", "es skills=own50:1");
    contact(f, "k6", "es skills=own50:1");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to a00 until 15000\n"
                    "[    0] k2 queued in es, needs zh:5\n"
                    "[    0] k2 offered to a09 until 15000\n"
                    "[    0] k3 queued in es, needs fr:5\n"
                    "[    0] k3 offered to a90 until 15000\n"
                    "[    0] k4 queued in es, needs fr:5,zh:5\n"
                    "[    0] k4 offered to a99 until 15000\n"
                    "[    0] k5 queued in es, needs own50:1\n"
                    "[    0] k5 offered to a50 until 15000\n"
                    "[    0] k6 queued in es, needs own50:1\n");
}

/* The same when profiles have become few again, and many once more; and for another order. */
TEST(strategy, profiles_become_few_and_many)
{
    char name[16];

    channel(f, "chat", "units=50");
    queue(f, "es", "strategy=least_occupied");
    sign_in_many(f);
    SCENE_SET(f);
    contact(f, "k1", "es skills=fr:5");
    EXPECT(center_offer(f, "a90", "k1") != 0);
    for (int i = 0; i < 90; i++) {
        snprintf(name, sizeof(name), "a%02d", i);
        agent_remove(f, name);
    }
    contact(f, "k2", "es");
    EXPECT(center_offer(f, "a91", "k2") != 0);
    sign_in_many(f);
    contact(f, "k3", "es skills=fr:5");
    EXPECT(center_offer(f, "a92", "k3") != 0);
    contact(f, "k4", "es");
    EXPECT(center_offer(f, "a93", "k4") != 0);
}

/* Least occupied: who has the smallest share of its capacity in use. */
TEST(strategy, least_occupied)
{
    channel(f, "chat", "units=25");
    queue(f, "es", "strategy=least_occupied");
    agent(f, "ana", "units=100");
    agent(f, "bo", "units=200");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    contact(f, "k4", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 15000\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to bo until 15000\n"
                    "[    0] k3 queued in es\n"
                    "[    0] k3 offered to bo until 15000\n"
                    "[    0] k4 queued in es\n"
                    "[    0] k4 offered to ana until 15000\n");
}

/* Best skilled: the highest levels in what is required, then longest idle. */
TEST(strategy, best_skilled)
{
    queue(f, "es", "strategy=best_skilled needs=es:1");
    agent(f, "ana", "es:2 zh:5");
    agent(f, "bo", "es:4");
    agent(f, "cy", "es:4");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to bo until 15000\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to cy until 15000\n"
                    "[    0] k3 queued in es\n"
                    "[    0] k3 offered to ana until 15000\n");
}

/* Round robin: whose last offer is longest ago. */
TEST(strategy, round_robin)
{
    channel(f, "chat", "units=10");
    queue(f, "es", "strategy=round_robin");
    agent(f, "ana", "");
    agent(f, "bo", "");
    agent(f, "cy", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    contact(f, "k4", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 15000\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to bo until 15000\n"
                    "[    0] k3 queued in es\n"
                    "[    0] k3 offered to cy until 15000\n"
                    "[    0] k4 queued in es\n"
                    "[    0] k4 offered to ana until 15000\n");
}

/* Fewest contacts, of late. */
TEST(strategy, fewest_contacts)
{
    channel(f, "chat", "units=10");
    queue(f, "es", "strategy=fewest_contacts");
    agent(f, "ana", "auto_accept");
    agent(f, "bo", "auto_accept");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    contact(f, "k4", "es");
    EXPECT_FACTS(f, "[    0] k1 queued in es\n"
                    "[    0] k1 offered to ana until 15000\n"
                    "[    0] k1 accepted by ana\n"
                    "[    0] k2 queued in es\n"
                    "[    0] k2 offered to bo until 15000\n"
                    "[    0] k2 accepted by bo\n"
                    "[    0] k3 queued in es\n"
                    "[    0] k3 offered to ana until 15000\n"
                    "[    0] k3 accepted by ana\n"
                    "[    0] k4 queued in es\n"
                    "[    0] k4 offered to bo until 15000\n"
                    "[    0] k4 accepted by bo\n");
}

/* Catalogue 10, the returning agent is flooded: after a break it takes its turn with the others,
 * and does not make up for what it missed. */
TEST(catalogue_10, no_flood_after_a_break)
{
    channel(f, "chat", "units=1");
    queue(f, "es", "strategy=fewest_contacts");
    agent(f, "ana", "auto_accept");
    agent(f, "bo", "auto_accept");
    away(f, "bo", "lunch");
    for (int i = 0; i < 20; i++) {
        char id[8] = {'a', (char)('a' + i), '\0'};

        contact(f, id, "es");
        pass(f, 60000);
    }
    available(f, "bo");
    SCENE_SET(f);
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    contact(f, "k3", "es");
    contact(f, "k4", "es");
    EXPECT_FACTS(f, "[1200000] k1 queued in es\n"
                    "[1200000] k1 offered to bo until 1215000\n"
                    "[1200000] k1 accepted by bo\n"
                    "[1200000] k2 queued in es\n"
                    "[1200000] k2 offered to ana until 1215000\n"
                    "[1200000] k2 accepted by ana\n"
                    "[1200000] k3 queued in es\n"
                    "[1200000] k3 offered to bo until 1215000\n"
                    "[1200000] k3 accepted by bo\n"
                    "[1200000] k4 queued in es\n"
                    "[1200000] k4 offered to ana until 1215000\n"
                    "[1200000] k4 accepted by ana\n");
}

/* Catalogue 7, capacity: units of all that is held, whatever its state, and maxima of channels on
 * top. */
TEST(catalogue_7, capacity_in_units)
{
    channel(f, "chat", "units=34 max=2");
    channel(f, "email", "units=20");
    queue(f, "es", "wrap_up=10s");
    agent(f, "ana", "units=100");
    contact(f, "c1", "es channel=chat");
    contact(f, "c2", "es channel=chat");
    contact(f, "c3", "es channel=chat");
    contact(f, "e1", "es channel=email");
    contact(f, "e2", "es channel=email");
    EXPECT_FACTS(f, "[    0] c1 queued in es\n"
                    "[    0] c1 offered to ana until 15000\n"
                    "[    0] c2 queued in es\n"
                    "[    0] c2 offered to ana until 15000\n"
                    "[    0] c3 queued in es\n"
                    "[    0] e1 queued in es\n"
                    "[    0] e1 offered to ana until 15000\n"
                    "[    0] e2 queued in es\n");
    accept(f, "ana", "c1");
    complete(f, "ana", "c1", "");
    EXPECT_FACTS(f, "[    0] c1 accepted by ana\n"
                    "[    0] c1 wrapped up by ana until 10000: completed\n");
    advance(f, 10000);
    EXPECT_FACTS(f, "[10000] c1 completed by ana: completed\n"
                    "[10000] c3 offered to ana until 25000\n");
}

/* An agent's own maximum of a channel comes on top of the channel's. */
TEST(capacity, own_maximum_of_a_channel)
{
    channel(f, "chat", "units=10");
    queue(f, "es", "");
    agent(f, "ana", "units=100 max=chat:1");
    contact(f, "c1", "es");
    contact(f, "c2", "es");
    EXPECT_FACTS(f, "[    0] c1 queued in es\n"
                    "[    0] c1 offered to ana until 15000\n"
                    "[    0] c2 queued in es\n");
}

/* A chat may interrupt an e-mail: what it may interrupt does not stand in its way; the other way
 * round it does. */
TEST(capacity, interruptible)
{
    channel(f, "chat", "units=60");
    channel(f, "email", "units=50 interruptible_by=chat");
    queue(f, "es", "");
    agent(f, "ana", "units=100");
    contact(f, "e1", "es channel=email");
    contact(f, "e2", "es channel=email");
    contact(f, "c1", "es channel=chat");
    contact(f, "c2", "es channel=chat");
    contact(f, "e3", "es channel=email");
    EXPECT_FACTS(f, "[    0] e1 queued in es\n"
                    "[    0] e1 offered to ana until 15000\n"
                    "[    0] e2 queued in es\n"
                    "[    0] e2 offered to ana until 15000\n"
                    "[    0] c1 queued in es\n"
                    "[    0] c1 offered to ana until 15000\n"
                    "[    0] c2 queued in es\n"
                    "[    0] e3 queued in es\n");
    cancel(f, "e1", "");
    EXPECT_FACTS(f, "[    0] e1 offer to ana withdrawn: cancelled\n"
                    "[    0] e1 cancelled: cancelled\n");
}

/* An agent that cannot take a voice call takes the e-mail behind it. */
TEST(capacity, takes_what_fits)
{
    channel(f, "voice", "units=100");
    channel(f, "email", "units=20");
    queue(f, "es", "");
    agent(f, "ana", "units=100");
    contact(f, "e1", "es channel=email");
    contact(f, "v1", "es channel=voice");
    contact(f, "e2", "es channel=email");
    EXPECT_FACTS(f, "[    0] e1 queued in es\n"
                    "[    0] e1 offered to ana until 15000\n"
                    "[    0] v1 queued in es\n"
                    "[    0] e2 queued in es\n"
                    "[    0] e2 offered to ana until 15000\n");
    cancel(f, "e1", "");
    EXPECT_FACTS(f, "[    0] e1 offer to ana withdrawn: cancelled\n"
                    "[    0] e1 cancelled: cancelled\n");
    cancel(f, "e2", "");
    EXPECT_FACTS(f, "[    0] e2 offer to ana withdrawn: cancelled\n"
                    "[    0] e2 cancelled: cancelled\n"
                    "[    0] v1 offered to ana until 15000\n");
}

/* Declined, missed, withdrawn: the contact is back in the place it had. */
TEST(order, place_is_kept_through_offers)
{
    queue(f, "es", "cool_down=60s");
    agent(f, "ana", "");
    contact(f, "k1", "es");
    contact(f, "k2", "es");
    pass(f, 1000);
    decline(f, "ana", "k1");
    SCENE_SET(f);
    agent(f, "bo", "");
    EXPECT_FACTS(f, "[ 1000] k1 offered to bo until 16000\n");
    contact(f, "k1", "es");
    EXPECT_ANSWER(f, "k1 offered in es, duplicate");
}

/* Several come back in one instant: the one with the earliest key goes first. */
TEST(order, earliest_key_wins_among_those_that_return)
{
    tier(f, "vip", "20s");
    tier(f, "standard", "60s");
    queue(f, "es", "");
    agent(f, "ana", "");
    agent(f, "bo", "");
    contact(f, "s1", "es tier=standard");
    contact(f, "v1", "es tier=vip");
    SCENE_SET(f);
    away(f, "ana", "lunch");
    away(f, "bo", "lunch");
    agent(f, "cy", "");
    EXPECT_FACTS(f, "[    0] ana away: lunch\n"
                    "[    0] s1 offer to ana withdrawn: away\n"
                    "[    0] bo away: lunch\n"
                    "[    0] v1 offer to bo withdrawn: away\n"
                    "[    0] v1 offered to cy until 15000\n");
}
