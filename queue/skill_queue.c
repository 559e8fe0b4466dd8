#include "queue/skill_queue.h"

#include <stdlib.h>

#include "queue/state.h"

/* A contact without any target still has its turn: it is ordered as if it had this one. */
#define ORDER_WITHOUT_TARGET ((duration_ms)24 * 3600 * 1000)

/* Signed times in the order of unsigned keys. */
static uint64_t key_of_time(int64_t t)
{
    return (uint64_t)t ^ (UINT64_C(1) << 63);
}

/* The instant by which it should be answered, less its head start: what orders it. */
static int64_t order_time(const struct contact *c)
{
    int64_t due = contact_due(c, PROMISE_ANSWER);

    if (due == TIME_NEVER) {
        due = contact_start_at(c) + ORDER_WITHOUT_TARGET;
    }
    if (contact_terms(c)->keeps_place) {
        due -= contact_start_at(c) - c->created_at; /* a callback: ordered as from its submission */
    }
    return due - contact_terms(c)->boost;
}

struct ranked_key contact_deadline_key(const struct contact *c)
{
    return (struct ranked_key){key_of_time(order_time(c)), contact_arrival(c)};
}

struct ranked_key contact_deadline_in_line(const struct engine *e, const struct contact *c)
{
    return e->settings->queues[contact_line(c)->queue].order == ORDER_DEADLINE
               ? c->place
               : contact_deadline_key(c);
}

struct ranked_key contact_place_key(const struct engine *e, const struct contact *c)
{
    struct ranked_key key = {0, contact_arrival(c)};

    switch (e->settings->queues[contact_queue(c)].order) {
    case ORDER_STRICT: {
        /* The tier's rank in the highest bits, the deadline below; 2^58 ms reach far enough. */
        int64_t t = order_time(c) + (INT64_C(1) << 50);
        uint64_t bounded = t < 0 ? 0 : (uint64_t)t & ((UINT64_C(1) << 58) - 1);
        key.major = (uint64_t)contact_terms(c)->tier << 58 | bounded;
        break;
    }
    case ORDER_FIFO:
        key.major =
            key_of_time((contact_terms(c)->keeps_place ? c->created_at : contact_start_at(c)) -
                        contact_terms(c)->boost);
        break;
    case ORDER_DEADLINE:
    default:
        key.major = key_of_time(order_time(c));
        break;
    }
    return key;
}

struct contact *line_first(const struct line *l)
{
    struct ranked_key *n = ranking_first(&l->waiting);
    return n == NULL ? NULL : record_of(n, struct contact, place);
}

struct contact *line_next(const struct line *l, const struct contact *c)
{
    struct ranked_key *n = ranking_next(&l->waiting, c->place);
    return n == NULL ? NULL : record_of(n, struct contact, place);
}

/* ---- lines ---- */

static void spell_line(char out[12], queue_index queue, channel_index channel,
                       const struct requirement *own, const struct agent *reserved)
{
    uint32_t own_number = own == NULL ? UINT32_MAX : own->number;
    uint32_t agent_number = reserved == NULL ? UINT32_MAX : reserved->number;

    memset(out, 0, 12);
    memcpy(out, &queue, 2);
    memcpy(out + 2, &channel, 1);
    memcpy(out + 4, &own_number, 4);
    memcpy(out + 8, &agent_number, 4);
}

static struct line *line_create(struct engine *e, queue_index queue, channel_index channel,
                                const struct requirement *own, struct agent *reserved)
{
    struct line *l = pool_take(&e->line_pool);

    spell_line(l->spelled, queue, channel, own, reserved);
    l->key = (struct text){l->spelled, sizeof(l->spelled)};
    l->number = e->next_line++;
    l->queue = queue;
    l->channel = channel;
    l->plain = own == NULL && reserved == NULL;
    l->own = own;
    requirement_retain(own);
    l->required = requirement_union(&e->skills, e->queues[queue].required, own);
    l->reserved = reserved;
    bitset_init(&l->profiles);
    list_append(&e->all_lines, &l->in_lines);
    id_map_insert(&e->lines, l);
    if (reserved == NULL) {
        for (struct list_node *n = list_first(&e->all_profiles); n != NULL;
             n = list_next(&e->all_profiles, n)) {
            struct profile *p = record_of(n, struct profile, in_profiles);
            if (profile_meets(p, l)) {
                bitset_set(&l->profiles, p->number);
            }
        }
    }
    return l;
}

static void line_destroy(struct engine *e, struct line *l)
{
    ranking_close(&l->waiting, &e->ranking_pools);
    id_map_remove(&e->lines, l);
    list_remove(&l->in_lines);
    bitset_close(&l->profiles);
    requirement_release(&e->skills, l->own);
    requirement_release(&e->skills, l->required);
    pool_give(&e->line_pool, l);
}

static struct line *line_find(struct engine *e, const struct contact *c)
{
    struct skill_queue *q = &e->queues[contact_queue(c)];
    struct agent *reserved =
        contact_extras(c)->hold_until != TIME_NEVER ? contact_extras(c)->preferred : NULL;
    struct line **plain = &q->plain[contact_terms(c)->channel];
    char spelled[12];
    struct line *l;

    if (contact_terms(c)->own_skills == NULL && reserved == NULL) {
        if (*plain == NULL) {
            *plain = line_create(e, contact_queue(c), contact_terms(c)->channel, NULL, NULL);
        }
        return *plain;
    }
    spell_line(spelled, contact_queue(c), contact_terms(c)->channel, contact_terms(c)->own_skills,
               reserved);
    l = id_map_find(&e->lines, (struct text){spelled, sizeof(spelled)});
    if (l == NULL) {
        l = line_create(e, contact_queue(c), contact_terms(c)->channel,
                        contact_terms(c)->own_skills, reserved);
    } else if (ranking_count(&l->waiting) == 0 && reserved == NULL) {
        e->spare_lines--;
    }
    return l;
}

/* Nobody waits in a line of skills that a contact brought, or for an agent: keep some, since such
 * skills come again, but not without bound. */
static void line_is_empty(struct engine *e, struct line *l)
{
    if (l->plain) {
        return;
    }
    if (l->reserved != NULL || e->spare_lines >= SPARE_LINES_MAX) {
        line_destroy(e, l);
    } else {
        e->spare_lines++;
    }
}

/* The head has changed: let the line stand where its head would. */
static void line_place(struct engine *e, struct line *l)
{
    struct skill_queue *q = &e->queues[l->queue];
    struct ranked_tree *in_queue = l->reserved != NULL ? &q->reserved : &q->lines;
    struct ranked_tree *in_all = l->reserved != NULL ? &l->reserved->reserved : &e->lines_waiting;
    const struct contact *head = line_first(l);
    struct ranked_key deadline;

    if (head == NULL) {
        if (ranked_node_linked(&l->in_queue)) {
            ranked_tree_remove(in_queue, &l->in_queue);
            ranked_tree_remove(in_all, &l->in_all);
        }
        return;
    }
    deadline = contact_deadline_in_line(e, head);
    if (ranked_node_linked(&l->in_queue)) {
        ranked_tree_move(in_queue, &l->in_queue, head->place);
        ranked_tree_move(in_all, &l->in_all, deadline);
        return;
    }
    l->in_queue.key = head->place;
    l->in_all.key = deadline;
    ranked_tree_insert(in_queue, &l->in_queue);
    ranked_tree_insert(in_all, &l->in_all);
}

void skill_queue_push(struct engine *e, struct contact *c)
{
    assert(c->state == CONTACT_WAITING && contact_line(c) == NULL);
    skill_queues_place(e);
    c->line = near_of(line_find(e, c));
    e->newcomer = c;
}

void skill_queues_place_newcomer(struct engine *e)
{
    struct contact *c = e->newcomer;
    struct line *l = contact_line(c);

    e->newcomer = NULL;
    c->place = contact_place_key(e, c);
    ranking_insert(&l->waiting, &e->ranking_pools, &c->place);
    if (!ranked_node_linked(&l->in_queue) || ranked_key_less(c->place, l->in_queue.key)) {
        line_place(e, l);
    }
}

void skill_queue_remove(struct engine *e, struct contact *c)
{
    struct line *l = contact_line(c);

    assert(l != NULL);
    c->line = 0;
    if (e->newcomer == c) {
        e->newcomer = NULL;
        if (ranking_count(&l->waiting) == 0) {
            line_is_empty(e, l);
        }
        return;
    }
    skill_queues_place(e);
    ranking_remove(&l->waiting, &e->ranking_pools, &c->place);
    if (l->in_queue.key.minor == c->place.minor) {
        line_place(e, l);
        if (ranking_count(&l->waiting) == 0) {
            line_is_empty(e, l);
        }
    }
}

static size_t ahead_in(const struct ranked_tree *lines, struct ranked_key key, size_t ahead,
                       size_t enough)
{
    struct ranked_node *n = ranked_tree_first(lines);

    /* Lines whose head stands behind it have nobody ahead of it, and so do all lines after. */
    while (n != NULL && ranked_key_less(n->key, key) && ahead < enough) {
        const struct line *l = record_of(n, struct line, in_queue);
        ahead += ranking_count_before(&l->waiting, key);
        n = ranked_tree_next(lines, n->key);
    }
    return ahead;
}

size_t skill_queue_ahead_of(const struct engine *e, const struct contact *c, size_t enough)
{
    const struct skill_queue *q = &e->queues[contact_queue(c)];
    struct ranked_key key;
    size_t ahead;

    if (e->newcomer == c) {
        key = contact_place_key(e, c); /* who is ahead of it need not know of it */
    } else {
        skill_queues_place((struct engine *)(uintptr_t)e);
        key = c->place;
    }
    ahead = ahead_in(&q->lines, key, 0, enough);
    return ahead_in(&q->reserved, key, ahead, enough);
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

/* ---- all of it ---- */

static void open_orders(struct engine *e)
{
    const struct settings *s = e->settings;

    e->idle_orders_used = 1u << IDLE_LONGEST;
    for (uint32_t i = 0; i < s->queue_count; i++) {
        switch (s->queues[i].strategy) {
        case STRATEGY_LEAST_OCCUPIED:
            e->idle_orders_used |= 1u << IDLE_LEAST_OCCUPIED;
            break;
        case STRATEGY_FEWEST_CONTACTS:
            e->idle_orders_used |= 1u << IDLE_FEWEST;
            break;
        case STRATEGY_ROUND_ROBIN:
            e->idle_orders_used |= 1u << IDLE_ROUND;
            break;
        case STRATEGY_LONGEST_IDLE:
        case STRATEGY_BEST_SKILLED:
        default:
            break;
        }
    }
    e->interrupts = 0;
    for (uint32_t i = 0; i < s->channel_count; i++) {
        e->interrupts |= s->channels[i].interruptible_by;
    }
}

void skill_queues_open(struct engine *e)
{
    const struct settings *s = e->settings;

    e->queue_count = s->queue_count;
    e->queues = memory_take(s->queue_count * sizeof(e->queues[0]));
    for (uint32_t i = 0; i < s->queue_count; i++) {
        struct skill_queue *q = &e->queues[i];
        q->index = (queue_index)i;
        ranked_tree_init(&q->lines);
        ranked_tree_init(&q->reserved);
        q->required = requirement_take(
            &e->skills, (struct skill_list){s->queues[i].required, s->queues[i].required_count});
        q->series = series_of(e, BY_QUEUE, s->queues[i].name);
    }
    open_orders(e);
}

/* Nobody stands in any line and no agent has a profile any more. */
void skill_queues_close(struct engine *e)
{
    struct list_node *n;

    while ((n = list_first(&e->all_lines)) != NULL) {
        line_destroy(e, record_of(n, struct line, in_lines));
    }
    e->spare_lines = 0;
    for (uint32_t i = 0; i < e->queue_count; i++) {
        requirement_release(&e->skills, e->queues[i].required);
    }
    memory_give(e->queues);
    e->queues = NULL;
    e->queue_count = 0;
}
