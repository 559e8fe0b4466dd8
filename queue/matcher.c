/* Who gets whom. A contact that waits looks for an agent by its queue's strategy; an agent that has
 * room looks for the contact that comes first for it. Neither costs more with the number waiting.
 */
#include "queue/base/rare.h"
#include "queue/state.h"

void contact_is_dirty(struct engine *e, struct contact *c)
{
    struct looking *l = &e->looking;

    if (c->looks) {
        return;
    }
    if (l->end == l->room) {
        l->room = l->room == 0 ? 64 : l->room * 2;
        l->contacts = memory_resize(l->contacts, l->room * sizeof(struct contact *));
    }
    l->contacts[l->end++] = c;
    l->count++;
    c->looks = true;
}

/* They are few; so the one that is gone is searched. With the last of them there is room for all
 * again. */
void contact_looks_no_more(struct engine *e, struct contact *c)
{
    struct looking *l = &e->looking;
    uint32_t at = l->first;

    if (!c->looks) {
        return;
    }
    c->looks = false;
    if (--l->count == 0) {
        l->first = l->end = 0;
        return;
    }
    while (l->contacts[at] != c) {
        at++;
    }
    l->contacts[at] = NULL;
}

/* The first of those that look; there is one. */
static inline struct contact *first_looking(struct looking *l)
{
    while (l->contacts[l->first] == NULL) {
        l->first++;
    }
    return l->contacts[l->first];
}

void agent_is_dirty(struct engine *e, struct agent *a)
{
    if (!list_linked(&a->in_dirty)) {
        list_append(&e->dirty_agents, &a->in_dirty);
    }
}

bool contact_cooling(const struct contact *c, const struct agent *a, engine_time now)
{
    for (struct list_node *n = list_first(&contact_extras(c)->cool_downs); n != NULL;
         n = list_next(&contact_extras(c)->cool_downs, n)) {
        const struct cool_down *d = record_of(n, struct cool_down, of_contact);
        if (d->agent == a) {
            return d->until > now;
        }
    }
    return false;
}

/* ---- an agent for a contact ---- */

static struct agent *first_idle(const struct engine *e, const struct profile *p,
                                enum idle_order order, const struct contact *c)
{
    uint32_t channel = 1u << contact_terms(c)->channel;
    struct ranked_node *n = ranked_tree_first_with(&p->idle[order], channel);

    while (n != NULL) {
        struct agent *a = record_of(n, struct agent, idle[order]);
        if (list_empty(&contact_extras(c)->cool_downs) || !contact_cooling(c, a, e->now)) {
            return a;
        }
        n = ranked_tree_next_with(&p->idle[order], n->key, channel);
    }
    return NULL;
}

static enum idle_order order_of(enum strategy strategy)
{
    switch (strategy) {
    case STRATEGY_LEAST_OCCUPIED:
        return IDLE_LEAST_OCCUPIED;
    case STRATEGY_FEWEST_CONTACTS:
        return IDLE_FEWEST;
    case STRATEGY_ROUND_ROBIN:
        return IDLE_ROUND;
    case STRATEGY_LONGEST_IDLE:
    case STRATEGY_BEST_SKILLED:
    default:
        return IDLE_LONGEST;
    }
}

/* Through the agents of all profiles, in order: the first that meets the line is the best. When so
 * many do not, those who do are few, or hard to find so. */
#define MISFITS_MAX 64

static struct agent *first_of_all(const struct engine *e, const struct line *l,
                                  enum idle_order order, const struct contact *c, bool *sure)
{
    const struct ranked_tree *t = &e->idle_of_all[order];
    uint32_t channel = 1u << contact_terms(c)->channel;
    struct ranked_node *n = ranked_tree_first_with(t, channel);

    for (int misfits = 0; n != NULL && misfits < MISFITS_MAX; misfits++) {
        struct agent *a = record_of(n, struct agent, idle_among_all[order]);
        if (bitset_test(&l->profiles, a->profile->number) && !contact_cooling(c, a, e->now)) {
            *sure = true;
            return a;
        }
        n = ranked_tree_next_with(t, n->key, channel);
    }
    *sure = n == NULL;
    return NULL;
}

/* Who is waited for, when it has room. */
static RARE struct agent *reserved_agent(const struct engine *e, const struct line *l,
                                         const struct contact *c)
{
    struct agent *a = l->reserved;

    return (agent_free_for(e, a) >> contact_terms(c)->channel & 1) != 0 &&
                   !contact_cooling(c, a, e->now)
               ? a
               : NULL;
}

/* What agents of different profiles are compared by, after their skills. */
struct found {
    struct agent *agent;
    uint32_t level;
};

static inline void choose_agent(struct found *best, struct agent *a, uint32_t level,
                                enum idle_order order)
{
    if (best->agent == NULL || level > best->level ||
        (level == best->level &&
         ranked_key_less(a->idle[order].key, best->agent->idle[order].key))) {
        *best = (struct found){a, level};
    }
}

struct agent *matcher_look_for_agent(struct engine *e, const struct contact *c)
{
    const struct line *l = contact_line(c);
    enum strategy strategy = e->settings->queues[l->queue].strategy;
    enum idle_order order = order_of(strategy);
    struct found best = {NULL, 0};
    size_t words;

    if (l->reserved != NULL) {
        return reserved_agent(e, l, c);
    }
    agents_place(e);
    if (e->profiles_are_many && strategy != STRATEGY_BEST_SKILLED) {
        bool sure;
        struct agent *a = first_of_all(e, l, order, c, &sure);
        if (sure) {
            return a;
        }
    }
    words = bitset_words_common(&l->profiles, &e->profiles_ready);
    for (size_t w = 0; w < words; w++) {
        uint64_t ready = bitset_word_common(&l->profiles, &e->profiles_ready, w);
        for (; ready != 0; ready &= ready - 1) {
            const struct profile *p = e->profile_by_number[w * 64 + (size_t)__builtin_ctzll(ready)];
            struct agent *a = first_idle(e, p, order, c);
            if (a != NULL) {
                choose_agent(&best, a,
                             strategy == STRATEGY_BEST_SKILLED
                                 ? requirement_level_sum(l->required, p->skills)
                                 : 0,
                             order);
            }
        }
    }
    return best.agent;
}

/* ---- a contact for an agent ---- */

/* What an agent compares: its own rank of the queue, inside a queue the queue's order, between
 * queues the deadline. */
struct choice {
    struct contact *contact;
    uint32_t rank;
    struct ranked_key deadline;
};

static struct contact *first_warm(const struct engine *e, const struct line *l,
                                  const struct agent *a)
{
    struct contact *c = line_first(l);

    if (list_empty(&a->cool_downs)) {
        return c;
    }
    while (c != NULL && contact_cooling(c, a, e->now)) {
        c = line_next(l, c);
    }
    return c;
}

static bool line_suits(const struct line *l, const struct agent *a, uint32_t free_for)
{
    return (free_for >> l->channel & 1) != 0 &&
           (l->reserved == a ||
            (l->reserved == NULL && bitset_test(&l->profiles, a->profile->number)));
}

/* The contact of one queue that comes first for this agent, by the queue's own order. */
static struct contact *best_in_queue(const struct engine *e, const struct agent *a,
                                     uint32_t free_for, queue_index queue)
{
    const struct skill_queue *q = &e->queues[queue];
    const struct ranked_tree *trees[2] = {&q->lines, &q->reserved};
    struct contact *best = NULL;

    for (int t = 0; t < 2; t++) {
        struct ranked_node *n;
        if (t == 1 && ranked_tree_count(&a->reserved) == 0) {
            break;
        }
        n = ranked_tree_first(trees[t]);
        while (n != NULL && (best == NULL || ranked_key_less(n->key, best->place))) {
            const struct line *l = record_of(n, struct line, in_queue);
            if (line_suits(l, a, free_for)) {
                struct contact *c = first_warm(e, l, a);
                if (c != NULL && (best == NULL || ranked_key_less(c->place, best->place))) {
                    best = c;
                }
            }
            n = ranked_tree_next(trees[t], n->key);
        }
    }
    return best;
}

static void choose(const struct engine *e, struct choice *best, struct contact *c, uint32_t rank)
{
    struct ranked_key deadline;

    if (c == NULL) {
        return;
    }
    deadline = contact_deadline_in_line(e, c);
    if (best->contact == NULL || rank < best->rank ||
        (rank == best->rank && ranked_key_less(deadline, best->deadline))) {
        *best = (struct choice){c, rank, deadline};
    }
}

static bool queue_is_listed(const struct agent *a, queue_index queue)
{
    for (uint32_t i = 0; i < a->queue_count; i++) {
        if (a->queues[i].index == queue) {
            return true;
        }
    }
    return false;
}

/* Walk the lines of all queues by their heads' deadlines and stop where nothing earlier can come.
 */
static void choose_by_deadline(const struct engine *e, const struct agent *a, uint32_t free_for,
                               bool but_listed, struct choice *best)
{
    struct ranked_node *n = ranked_tree_first(&e->lines_waiting);

    while (n != NULL && (best->contact == NULL || ranked_key_less(n->key, best->deadline))) {
        const struct line *l = record_of(n, struct line, in_all);
        if (line_suits(l, a, free_for) && !(but_listed && queue_is_listed(a, l->queue))) {
            struct contact *c = e->settings->queues[l->queue].order == ORDER_DEADLINE
                                    ? first_warm(e, l, a)
                                    : best_in_queue(e, a, free_for, l->queue);
            choose(e, best, c, UINT32_MAX);
        }
        n = ranked_tree_next(&e->lines_waiting, n->key);
    }
}

/* Where another order than the deadline holds, who stands behind a head that this agent has
 * declined may be due before that head: such queues are looked into one by one, for agents that
 * something cools down for. */
static void choose_behind_cooled(const struct engine *e, const struct agent *a, uint32_t free_for,
                                 bool but_listed, struct choice *best)
{
    for (uint32_t i = 0; i < e->queue_count; i++) {
        if (e->settings->queues[i].order != ORDER_DEADLINE && e->queues[i].lines.root != NULL &&
            !(but_listed && queue_is_listed(a, (queue_index)i))) {
            choose(e, best, best_in_queue(e, a, free_for, (queue_index)i), UINT32_MAX);
        }
    }
}

/* Contacts that wait for this agent alone. */
static void choose_reserved(const struct engine *e, const struct agent *a, uint32_t free_for,
                            struct choice *best)
{
    struct ranked_node *n = ranked_tree_first(&a->reserved);

    for (; n != NULL; n = ranked_tree_next(&a->reserved, n->key)) {
        const struct line *l = record_of(n, struct line, in_all);
        if (line_suits(l, a, free_for)) {
            choose(e, best, best_in_queue(e, a, free_for, l->queue), UINT32_MAX);
        }
    }
}

/* Agents with few queues, or with ranks of their own, look into each; the others walk by deadline.
 */
#define FEW_QUEUES 16

struct contact *matcher_contact_for(struct engine *e, struct agent *a)
{
    struct choice best = {NULL, UINT32_MAX, {0, 0}};
    bool each = a->ranked || (!a->all_queues && a->queue_count <= FEW_QUEUES);
    uint32_t free_for;

    skill_queues_place(e);
    if (ranked_tree_count(&e->lines_waiting) == 0 && ranked_tree_count(&a->reserved) == 0) {
        return NULL; /* nobody waits, for anyone or for it */
    }
    free_for = agent_free_for(e, a);
    if (free_for == 0 || a->profile == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; each && i < a->queue_count; i++) {
        if (a->queues[i].index != INDEX_NONE16) {
            choose(e, &best, best_in_queue(e, a, free_for, a->queues[i].index),
                   a->ranked ? a->queues[i].rank : UINT32_MAX);
        }
    }
    if (best.contact == NULL || best.rank == UINT32_MAX) {
        if (!each || a->all_queues) {
            choose_by_deadline(e, a, free_for, each, &best);
            if (!list_empty(&a->cool_downs)) {
                choose_behind_cooled(e, a, free_for, each, &best);
            }
        }
        choose_reserved(e, a, free_for, &best);
    }
    return best.contact;
}

/* ---- the offer ---- */

static RARE void accept_at_once(struct engine *e, struct contact *c, struct agent *a,
                                uint64_t number)
{
    struct fact f;

    fact_about(&f, FACT_OFFER_ACCEPTED, c);
    f.offer.offer = number;
    f.offer.agent = a;
    engine_emit(e, &f);
}

void make_offer(struct engine *e, struct contact *c, struct agent *a, struct text why, bool named)
{
    const struct queue_settings *q = &e->settings->queues[contact_queue(c)];
    struct fact f;
    struct delivery d;
    struct offer *o;
    uint64_t number = e->next_offer;

    fact_about(&f, FACT_CONTACT_OFFERED, c);
    f.offered.offer = number;
    f.offered.agent = a;
    /* Who pulls has it with the answer to a pull that waits; without one nobody has seen it yet. */
    f.offered.shown = a->auto_accept || (!a->receipts && !(a->pull && list_empty(&a->pulls)));
    f.offered.until = e->now + (f.offered.shown ? q->answer_clock : q->delivery_clock);
    f.offered.named = named;
    f.offered.why = why;
    a->pull_credit -= a->pull_credit > 0;
    engine_emit(e, &f);
    o = contact_offer(c);
    if (a->auto_accept) {
        accept_at_once(e, c, a, number);
    }
    if (a->pull) {
        if (!list_empty(&a->pulls) && !list_linked(&a->in_pulled)) {
            list_append(&e->pulled_agents, &a->in_pulled);
        }
    } else {
        o->delivered = true;
        delivery_init(&d, NOTICE_OFFER);
        d.offer = o;
        tell_agent(e, a, &d);
    }
    tell_owner(e, c, TEXT_NONE, TEXT_NONE);
}

static struct text why_agent(const struct engine *e, const struct contact *c)
{
    static const struct text words[] = {
        [STRATEGY_LONGEST_IDLE] = WORD(longest_idle),
        [STRATEGY_LEAST_OCCUPIED] = WORD(least_occupied),
        [STRATEGY_BEST_SKILLED] = WORD(best_skilled),
        [STRATEGY_FEWEST_CONTACTS] = WORD(fewest_contacts),
        [STRATEGY_ROUND_ROBIN] = WORD(round_robin),
    };

    if (contact_line(c)->reserved != NULL) {
        return WORD(preferred);
    }
    return words[e->settings->queues[contact_queue(c)].strategy];
}

/* A freed agent takes the head of the order, never the next arrival; so agents choose first. Then
 * each contact finds its agent, which again takes what comes first for it: among several that came
 * back in one step the one with the earliest key must win. */
void matcher_run(struct engine *e)
{
    struct list_node *n;
    struct contact *c;

    while ((n = list_first(&e->dirty_agents)) != NULL) {
        struct agent *a = record_of(n, struct agent, in_dirty);
        list_remove(&a->in_dirty);
        while ((c = matcher_contact_for(e, a)) != NULL) {
            make_offer(e, c, a, why_agent(e, c), false);
        }
    }
    while (e->looking.count > 0) {
        bool alone = e->looking.count == 1;
        struct agent *a;

        c = first_looking(&e->looking);
        a = c->state == CONTACT_WAITING ? matcher_agent_for(e, c) : NULL;
        if (a == NULL) {
            contact_looks_no_more(e, c);
            continue;
        }
        if (!alone) {
            struct contact *first = matcher_contact_for(e, a);
            c = first != NULL ? first : c;
        }
        contact_looks_no_more(e, c);
        make_offer(e, c, a, why_agent(e, c), false);
    }
}
