/* Agents that are alike, and the orders in which those of them stand who can take something. */
#include <stdlib.h>

#include "queue/skill_queue.h"
#include "queue/state.h"

/* ---- idle agents ---- */

/* With so many profiles a contact looks through the agents of all before it looks into each that
 * meets its line; with so few, it no longer does. */
#define PROFILES_MANY 64
#define PROFILES_FEW  32

static void idle_enter(struct ranked_tree *t, struct ranked_node *n, struct ranked_key key,
                       uint16_t free_for)
{
    if (ranked_node_linked(n)) {
        if (n->key.major == key.major && n->key.minor == key.minor) {
            if (n->mask != free_for) {
                ranked_tree_set_mask(t, n, free_for);
            }
            return;
        }
        ranked_tree_remove(t, n);
    }
    n->key = key;
    n->mask = free_for;
    ranked_tree_insert(t, n);
}

static void idle_leave_all(struct engine *e, struct agent *a)
{
    for (int i = 0; i < IDLE_ORDER_COUNT; i++) {
        if (ranked_node_linked(&a->idle_among_all[i])) {
            ranked_tree_remove(&e->idle_of_all[i], &a->idle_among_all[i]);
        }
    }
}

static void idle_leave(struct engine *e, struct agent *a)
{
    struct profile *p = a->profile;

    for (int i = 0; i < IDLE_ORDER_COUNT; i++) {
        if (ranked_node_linked(&a->idle[i])) {
            ranked_tree_remove(&p->idle[i], &a->idle[i]);
        }
    }
    if (p->idle[IDLE_LONGEST].root == NULL) {
        bitset_clear(&e->profiles_ready, p->number);
    }
    if (e->profiles_are_many) {
        idle_leave_all(e, a);
    }
}

/* Everybody who stands idle, in one order of their profile. */
static void idle_gather(struct engine *e, const struct profile *p, int order)
{
    struct ranked_node *n = ranked_tree_first(&p->idle[order]);

    for (; n != NULL; n = ranked_tree_next(&p->idle[order], n->key)) {
        struct agent *a = record_of(n, struct agent, idle[order]);

        idle_enter(&e->idle_of_all[order], &a->idle_among_all[order], n->key, n->mask);
    }
}

static void profiles_become_many(struct engine *e)
{
    e->profiles_are_many = true;
    for (struct list_node *n = list_first(&e->all_profiles); n != NULL;
         n = list_next(&e->all_profiles, n)) {
        for (int i = 0; i < IDLE_ORDER_COUNT; i++) {
            idle_gather(e, record_of(n, struct profile, in_profiles), i);
        }
    }
}

static void profiles_become_few(struct engine *e)
{
    struct ranked_node *n;

    e->profiles_are_many = false;
    for (int i = 0; i < IDLE_ORDER_COUNT; i++) {
        while ((n = ranked_tree_first(&e->idle_of_all[i])) != NULL) {
            ranked_tree_remove(&e->idle_of_all[i], n);
        }
    }
}

/* ---- profiles ---- */

bool profile_meets(const struct profile *p, const struct line *l)
{
    return profile_serves(p, l->queue) && requirement_met(l->required, p->skills);
}

static int queue_index_order(const void *a, const void *b)
{
    return (int)*(const queue_index *)a - (int)*(const queue_index *)b;
}

static struct profile *profile_create(struct engine *e, struct text key, const struct agent *a,
                                      const queue_index *queues, uint32_t count)
{
    struct profile *p = memory_take(sizeof(*p));
    size_t number = 0;

    while (bitset_test(&e->profile_numbers, number)) {
        number++;
    }
    bitset_set(&e->profile_numbers, number);
    if (number >= e->profile_capacity) {
        uint32_t larger = e->profile_capacity == 0 ? 64 : e->profile_capacity * 2;
        e->profile_by_number = memory_resize_zeroed(
            e->profile_by_number, e->profile_capacity * sizeof(void *), larger * sizeof(void *));
        e->profile_capacity = larger;
    }
    e->profile_by_number[number] = p;
    p->number = (uint32_t)number;
    p->key = text_duplicate(key);
    p->skills = a->skills;
    requirement_retain(p->skills);
    p->all_queues = a->all_queues;
    bitset_init(&p->serves);
    for (uint32_t i = 0; i < count; i++) {
        bitset_set(&p->serves, queues[i]);
    }
    for (int i = 0; i < IDLE_ORDER_COUNT; i++) {
        ranked_tree_init(&p->idle[i]);
    }
    list_append(&e->all_profiles, &p->in_profiles);
    id_map_insert(&e->profiles, p);
    if (++e->profile_count == PROFILES_MANY && !e->profiles_are_many) {
        profiles_become_many(e);
    }
    for (struct list_node *n = list_first(&e->all_lines); n != NULL;
         n = list_next(&e->all_lines, n)) {
        struct line *l = record_of(n, struct line, in_lines);
        if (l->reserved == NULL && profile_meets(p, l)) {
            bitset_set(&l->profiles, number);
        }
    }
    return p;
}

static void profile_destroy(struct engine *e, struct profile *p)
{
    for (struct list_node *n = list_first(&e->all_lines); n != NULL;
         n = list_next(&e->all_lines, n)) {
        bitset_clear(&record_of(n, struct line, in_lines)->profiles, p->number);
    }
    bitset_clear(&e->profiles_ready, p->number);
    bitset_clear(&e->profile_numbers, p->number);
    e->profile_by_number[p->number] = NULL;
    id_map_remove(&e->profiles, p);
    list_remove(&p->in_profiles);
    requirement_release(&e->skills, p->skills);
    bitset_close(&p->serves);
    text_discard(p->key);
    memory_give(p);
    if (--e->profile_count == PROFILES_FEW && e->profiles_are_many) {
        profiles_become_few(e);
    }
}

void profile_join(struct engine *e, struct agent *a)
{
    uint32_t size = 8 + a->queue_count * (uint32_t)sizeof(queue_index);
    char *spelled = memory_take(size);
    queue_index *queues = (queue_index *)(void *)(spelled + 8);
    uint32_t number = a->skills == NULL ? UINT32_MAX : a->skills->number;
    uint32_t count = 0;
    struct text key;

    assert(a->profile == NULL);
    for (uint32_t i = 0; !a->all_queues && i < a->queue_count; i++) {
        queue_index q = settings_find_queue(e->settings, a->queues[i].queue);
        if (q != INDEX_NONE16) { /* a queue that no longer exists is simply not served */
            queues[count++] = q;
        }
    }
    if (count > 0) {
        qsort(queues, count, sizeof(queues[0]), queue_index_order);
    }
    memcpy(spelled, &number, 4);
    spelled[4] = a->all_queues ? 1 : 0;
    key = (struct text){spelled, 8 + count * (uint32_t)sizeof(queue_index)};
    a->profile = id_map_find(&e->profiles, key);
    if (a->profile == NULL) {
        a->profile = profile_create(e, key, a, queues, count);
    }
    a->profile->agents++;
    memory_give(spelled);
}

void profile_leave(struct engine *e, struct agent *a)
{
    struct profile *p = a->profile;

    if (p == NULL) {
        return;
    }
    idle_leave(e, a);
    a->profile = NULL;
    if (--p->agents == 0) {
        profile_destroy(e, p);
    }
}

/* ---- agents in their orders ---- */

/* The units an agent's contacts take from a new one of a channel: what that channel may interrupt
 * does not count. */
static uint32_t used_against(const struct engine *e, const struct agent *a, uint32_t channel)
{
    uint32_t used = a->used;

    if ((e->interrupts >> channel & 1) == 0) {
        return used;
    }
    for (uint32_t i = 0; i < e->settings->channel_count; i++) {
        const struct channel_settings *held = &e->settings->channels[i];
        if (a->holds[i] > 0 && (held->interruptible_by >> channel & 1) != 0) {
            used -= held->units * a->holds[i];
        }
    }
    return used;
}

bool agent_can_take(const struct engine *e, const struct agent *a, channel_index channel)
{
    uint32_t used = used_against(e, a, channel);
    uint32_t units = e->settings->channels[channel].units;

    return a->holds[channel] < a->max[channel] && used <= a->units && a->units - used >= units;
}

/* Where no channel interrupts another. */
static uint32_t agent_room_for(const struct engine *e, const struct agent *a)
{
    const struct channel_settings *channel = e->settings->channels;
    uint32_t free_for = 0;

    if (a->used > a->units) {
        return 0;
    }
    for (uint32_t i = 0; i < e->settings->channel_count; i++, channel++) {
        bool room = a->holds[i] < a->max[i] && channel->units <= a->units - a->used;
        free_for |= (uint32_t)room << i;
    }
    return free_for;
}

uint32_t agent_free_for(const struct engine *e, const struct agent *a)
{
    uint32_t free_for = 0;

    if (a->state != AGENT_AVAILABLE || a->session == 0 || a->removed ||
        (a->pull && a->pull_credit == 0)) {
        return 0;
    }
    if (e->interrupts == 0) {
        return agent_room_for(e, a); /* the same, for most */
    }
    for (uint32_t i = 0; i < e->settings->channel_count; i++) {
        if (agent_can_take(e, a, (channel_index)i)) {
            free_for |= 1u << i;
        }
    }
    return free_for;
}

static struct ranked_key idle_key(const struct agent *a, enum idle_order order)
{
    switch (order) {
    case IDLE_LEAST_OCCUPIED: {
        uint64_t units = a->units == 0 ? 1 : a->units;
        return (struct ranked_key){((uint64_t)a->used << 20) / units, a->idle_since};
    }
    case IDLE_FEWEST:
        return (struct ranked_key){a->fair_key, a->idle_since};
    case IDLE_ROUND:
        return (struct ranked_key){a->offered_at_touch, a->idle_since};
    case IDLE_LONGEST:
    case IDLE_ORDER_COUNT:
    default:
        /* Who holds nothing comes before who holds something, however long ago that was. */
        return (struct ranked_key){a->held_count > 0, a->idle_since};
    }
}

void agent_refresh(struct engine *e, struct agent *a)
{
    if (!list_linked(&a->in_moved)) {
        list_append(&e->moved_agents, &a->in_moved);
    }
}

static void agent_place(struct engine *e, struct agent *a)
{
    struct profile *p = a->profile;
    uint16_t free_for;

    if (p == NULL) {
        return;
    }
    free_for = (uint16_t)agent_free_for(e, a);
    if (free_for == 0) {
        idle_leave(e, a);
        return;
    }
    for (int i = 0; i < IDLE_ORDER_COUNT; i++) {
        struct ranked_key key;
        if ((e->idle_orders_used >> i & 1) == 0) {
            continue;
        }
        key = idle_key(a, (enum idle_order)i);
        idle_enter(&p->idle[i], &a->idle[i], key, free_for);
        if (e->profiles_are_many) {
            idle_enter(&e->idle_of_all[i], &a->idle_among_all[i], key, free_for);
        }
    }
    bitset_set(&e->profiles_ready, p->number);
}

void agents_place(struct engine *e)
{
    struct list_node *n;

    while ((n = list_first(&e->moved_agents)) != NULL) {
        list_remove(n);
        agent_place(e, record_of(n, struct agent, in_moved));
    }
}
