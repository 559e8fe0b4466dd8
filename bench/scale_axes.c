/* What grows, and how. */
#include <stdio.h>

#include "bench/scale.h"
#include "queue/base/memory.h"

/* Combinations of three of six skills, each at one of five levels. */
#define SCALE_TRIPLES 20u

static void scale_set_agents(struct scale_step *step, uint32_t size)
{
    step->load.agents = size;
}

static void scale_set_connections(struct scale_step *step, uint32_t size)
{
    step->load.agents = size;
    step->closed = false; /* what is asked is what the idle ones cost those who wait */
}

static void scale_set_queues(struct scale_step *step, uint32_t size)
{
    step->queues = size;
}

static void scale_set_waiting(struct scale_step *step, uint32_t size)
{
    step->fill = size;
    step->fill_queue = "aside";
}

static void scale_set_misfits(struct scale_step *step, uint32_t size)
{
    step->fill = size;
    step->fill_queue = "q0";
}

static void scale_set_profiles(struct scale_step *step, uint32_t size)
{
    step->load.agents = size;
    step->load.distinct = true;
    step->load.contact_skills = "d0:1";
}

/* The three skills of a combination, as numbers below 6: one triple after the other. */
static void scale_triple(uint32_t number, uint32_t skills[3])
{
    for (skills[0] = 0; skills[0] < 4; skills[0]++) {
        for (skills[1] = skills[0] + 1; skills[1] < 5; skills[1]++) {
            for (skills[2] = skills[1] + 1; skills[2] < 6; skills[2]++) {
                if (number-- == 0) {
                    return;
                }
            }
        }
    }
}

static void scale_set_skills(struct scale_step *step, uint32_t size)
{
    char *at = memory_take(size * 20u + 1);

    step->skills = at;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t skills[3], levels = i / SCALE_TRIPLES;

        scale_triple(i % SCALE_TRIPLES, skills);
        at += sprintf(at, "%ss%u:%u+s%u:%u+s%u:%u", i > 0 ? "," : "", skills[0], 1 + levels % 5,
                      skills[1], 1 + levels / 5 % 5, skills[2], 1 + levels / 25 % 5);
    }
    step->load.contact_skills = step->skills;
    step->load.skills = "s0:5,s1:5,s2:5,s3:5,s4:5,s5:5";
}

static void scale_set_cooling(struct scale_step *step, uint32_t size)
{
    step->load.agents = size;
    step->load.decline_percent = 50;
}

const struct scale_axis scale_axes[SCALE_AXES] = {
    {"agents",
     "Agents",
     "agents",
     "All of them idle but for the few that the traffic keeps busy.",
     "agent",
     true,
     {10, 100, 1000, 10000},
     1000,
     scale_set_agents},
    {"queues",
     "Queues",
     "queues",
     "Contacts name one of them by chance; every agent serves all.",
     NULL,
     false,
     {1, 10, 100, 1000},
     100,
     scale_set_queues},
    {"waiting",
     "Waiting contacts",
     "waiting contacts",
     "In another queue, for somebody who is not there; 200 bytes of text each, and an id and a "
     "customer.",
     "waiting contact",
     false,
     {0, 1000, 10000, 100000, 1000000},
     10000,
     scale_set_waiting},
    {"connections",
     "Idle connections",
     "agents connected",
     "Agents that are signed in and idle, beside traffic that goes to all of them in turn.",
     "agent connected",
     true,
     {32, 1000, 10000, 50000},
     1000,
     scale_set_connections},
    {"profiles",
     "Agents of which no two are alike",
     "agents, each with levels of its own",
     "Skills at levels that no other agent has in that combination; contacts need one of them.",
     NULL,
     true,
     {10, 100, 1000, 10000},
     1000,
     scale_set_profiles},
    {"skills",
     "Contacts with skills of their own",
     "different requirements",
     "Each contact brings one of so many combinations of three skills and levels.",
     NULL,
     false,
     {1, 10, 100, 1000},
     100,
     scale_set_skills},
    {"cooling",
     "Agents that have just declined",
     "agents",
     "Every second offer is declined, so that half of those asked cool down for the contact.",
     NULL,
     false,
     {10, 100, 1000, 10000},
     1000,
     scale_set_cooling},
    {"misfits",
     "A queue whose first contacts fit nobody",
     "contacts at the front that nobody can take",
     "They came first, and need a skill that nobody has; the traffic comes behind them in the same "
     "queue.",
     NULL,
     false,
     {0, 100, 1000, 10000, 100000},
     1000,
     scale_set_misfits},
};
