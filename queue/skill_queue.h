/* Queues while they run: lines of waiting contacts, and the agents that are alike.
 *
 *   skill_queue ── lines (queue, channel, skills of the contact's own, agent waited for)
 *                    └─ contacts in order of a key that time never changes
 *   profile ────── agents with equal skills and queues, in the orders of the strategies
 *
 * All contacts of a line may be offered to the same agents; so a line keeps the set of profiles
 * that meet it, and looking for a partner costs by the lines and profiles that come into question,
 * never by the contacts that wait. Lines and profiles are made from contacts, agents and settings
 * and are no facts: a new configuration builds them anew. */
#ifndef QUEUE_SKILL_QUEUE_H
#define QUEUE_SKILL_QUEUE_H

#include "queue/agent.h"
#include "queue/base/bitset.h"
#include "queue/base/ranked_tree.h"
#include "queue/base/ranking.h"
#include "queue/contact.h"
#include "queue/service_level.h"
#include "queue/settings.h"
#include "queue/skill.h"

struct engine;

struct line {
    struct text key; /* what it is found by: spells queue, channel, own skills, agent */
    char spelled[12];
    uint32_t number;
    queue_index queue;
    channel_index channel;
    bool plain; /* nothing but queue and channel: kept while the settings are */
    const struct requirement *own;
    const struct requirement *required; /* the queue's and its own */
    struct agent *reserved;             /* waits for this agent alone, else NULL */
    struct bitset profiles;             /* numbers of those that meet it */
    struct ranking waiting;             /* contact.place */
    struct ranked_node in_queue;        /* by the head's place; while somebody waits */
    struct ranked_node in_all;          /* by the head's deadline; while somebody waits */
    struct list_node in_lines;
};

struct skill_queue {
    queue_index index;
    struct ranked_tree lines;         /* lines where somebody waits, but reserved ones */
    struct ranked_tree reserved;      /* reserved lines where somebody waits */
    struct line *plain[CHANNELS_MAX]; /* made when first needed */
    const struct requirement *required;
    uint64_t count[CONTACT_LIVE_STATES];
    struct pace pace;
    struct series *series;
};

struct profile {
    struct text key;
    uint32_t number;
    uint32_t agents;
    const struct requirement *skills;
    struct bitset serves; /* queue indexes; all_queues: unused */
    bool all_queues;
    struct ranked_tree idle[IDLE_ORDER_COUNT];
    struct list_node in_profiles;
};

static inline bool profile_serves(const struct profile *p, queue_index queue)
{
    return p->all_queues || bitset_test(&p->serves, queue);
}

/* The place of a contact in its queue's order, and between queues. */
struct ranked_key contact_place_key(const struct engine *e, const struct contact *c);
struct ranked_key contact_deadline_key(const struct contact *c);

/* The same of one that stands in line, where its place may tell it. */
struct ranked_key contact_deadline_in_line(const struct engine *e, const struct contact *c);

/* Put in line a contact in state waiting that stands nowhere; its line is found or made. Its place
 * follows from its data alone, so one that comes back gets its old place. Most are offered in the
 * step in which they came: so the last that came has its line, but its place in it, and its line's
 * among others, only once somebody may look (skill_queues_place). */
void skill_queue_push(struct engine *e, struct contact *c);

/* Take out a contact from wherever it stands. */
void skill_queue_remove(struct engine *e, struct contact *c);

/* How many stand before it in its queue; at most about `enough` are counted exactly. */
size_t skill_queue_ahead_of(const struct engine *e, const struct contact *c, size_t enough);

struct contact *line_first(const struct line *l);
struct contact *line_next(const struct line *l, const struct contact *c);

/* Whether agents of this profile may be offered contacts of this line. */
bool profile_meets(const struct profile *p, const struct line *l);

/* Give an agent the profile that its skills and queues make; the old one goes when empty. */
void profile_join(struct engine *e, struct agent *a);
void profile_leave(struct engine *e, struct agent *a);

/* What an agent is or holds has changed: it gets its place in the idle orders anew when somebody
 * looks into them. Many change several times in between, or find their contacts themselves. */
void agent_refresh(struct engine *e, struct agent *a);

/* Give the agents that have changed their places, before the idle orders and the profiles that are
 * ready are read. O(log n) for each. */
void agents_place(struct engine *e);

/* For new settings: every runtime queue, line and profile away, and anew. */
void skill_queues_open(struct engine *e);
void skill_queues_close(struct engine *e);

#endif
