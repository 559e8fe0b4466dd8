/* Invariant 6: among the contacts that an agent may be offered, the one with the earliest key of
 * its queue is offered first; an offer goes only to who may have it; nobody who could take a
 * contact is idle while one waits for it; and positions are what a recount says.
 *
 * All is recounted from facts: keys, who may have what, cool-downs, who is waited for. Contacts
 * that the same agents may be offered stand in one group, so that a check looks at the heads of
 * groups and not at all who wait. */
#include "queue/agent.h"
#include "queue/base/memory.h"
#include "tests/simulation/load.h"
#include "tests/simulation/order_set.h"

#include <assert.h>
#include <inttypes.h>

/* A contact without a target is ordered as if it had this one. */
#define NO_TARGET      ((duration_ms)24 * 3600 * 1000)
#define POSITION_EXACT 1000
#define SKILLS_MAX     64 /* different names of skills in a run */
#define AGENT_QUEUES   32

struct need {
    uint8_t skill;
    uint8_t level;
};

struct need_set {
    uint32_t count;
    struct need needs[8];
};

struct cooling {
    uint32_t agent;
    engine_time until;
};

struct standing { /* a contact, as far as its place goes */
    queue_index queue;
    channel_index channel;
    tier_index tier;
    bool waits, keeps_place, touched;
    uint64_t number;
    engine_time created_at, start_at, answer_at;
    duration_ms boost;
    struct need_set needs;
    uint32_t preferred, held_for;
    struct cooling *cooling;
    uint32_t cooling_count;
    uint32_t group;
};

struct worker { /* an agent */
    bool available, connected, pull, all_queues, touched, left;
    uint8_t level[SKILLS_MAX];
    struct text queues[AGENT_QUEUES]; /* owned */
    uint32_t ranks[AGENT_QUEUES];
    uint32_t queue_count;
    bool ranked; /* its ranks differ */
};

/* Waiting contacts of one queue that the same agents may be offered. */
struct group {
    queue_index queue;
    channel_index channel;
    uint32_t held_for;
    struct need_set needs; /* the queue's and their own */
    struct need_set own;
    struct order_set order;
};

struct wake {
    engine_time at;
    uint32_t contact;
};

struct order_checker {
    struct watch *watch;
    struct load_book book;
    struct name_map skills;
    struct settings *settings;
    struct standing *contacts;
    size_t contact_capacity;
    uint32_t contact_count;
    struct worker *workers;
    size_t worker_capacity;
    struct group *groups;
    size_t group_count, group_capacity;
    struct order_table in_group, in_queue;
    struct order_set *queues;
    uint32_t queue_count;
    struct wake *wakes; /* a heap by time */
    size_t wake_count, wake_capacity;
    uint32_t *touched; /* contacts */
    size_t touched_count, touched_capacity;
    uint64_t offers_checked, idle_checked, positions_checked, longest_queue;
};

static void *create(struct watch *w)
{
    struct order_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    name_map_init(&c->skills);
    return c;
}

static void forget_queues(struct worker *a)
{
    for (uint32_t i = 0; i < a->queue_count; i++) {
        memory_give((void *)(uintptr_t)a->queues[i].bytes);
    }
    a->queue_count = 0;
}

static void destroy(void *self)
{
    struct order_checker *c = self;

    for (size_t i = 0; i < c->contact_count; i++) {
        memory_give(c->contacts[i].cooling);
    }
    for (size_t i = 0; i < c->worker_capacity; i++) {
        forget_queues(&c->workers[i]);
    }
    if (c->settings != NULL) {
        settings_release(c->settings);
    }
    load_book_close(&c->book);
    name_map_close(&c->skills);
    order_table_close(&c->in_group);
    order_table_close(&c->in_queue);
    memory_give(c->contacts);
    memory_give(c->workers);
    memory_give(c->groups);
    memory_give(c->queues);
    memory_give(c->wakes);
    memory_give(c->touched);
    memory_give(c);
}

/* ---- who may have what ---- */

static void need(struct order_checker *c, struct need_set *set, struct text skill, uint8_t level)
{
    uint8_t number = (uint8_t)name_map_number(&c->skills, skill);
    uint32_t i = 0;

    while (i < set->count && set->needs[i].skill < number) {
        i++;
    }
    if (i < set->count && set->needs[i].skill == number) {
        set->needs[i].level = level > set->needs[i].level ? level : set->needs[i].level;
        return;
    }
    memmove(&set->needs[i + 1], &set->needs[i], (set->count - i) * sizeof(set->needs[0]));
    set->needs[i] = (struct need){number, level};
    set->count++;
}

static void need_all(struct order_checker *c, struct need_set *set, const struct skill_level *items,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        need(c, set, items[i].skill, items[i].level);
    }
}

static bool same_needs(const struct need_set *a, const struct need_set *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->needs, b->needs, a->count * sizeof(a->needs[0])) == 0);
}

static bool serves(const struct order_checker *c, const struct worker *a, queue_index queue)
{
    if (a->all_queues) {
        return true;
    }
    for (uint32_t i = 0; i < a->queue_count; i++) {
        if (text_equal(a->queues[i], c->settings->queues[queue].name)) {
            return true;
        }
    }
    return false;
}

static bool can(const struct worker *a, const struct need_set *needs)
{
    for (uint32_t i = 0; i < needs->count; i++) {
        if (a->level[needs->needs[i].skill] < needs->needs[i].level) {
            return false;
        }
    }
    return true;
}

static bool may_have(struct order_checker *c, uint32_t agent, const struct group *g)
{
    const struct worker *a = &c->workers[agent];

    return (g->held_for == NOBODY || g->held_for == agent) && serves(c, a, g->queue) &&
           can(a, &g->needs) && load_has_room(&c->book, c->settings, agent, g->channel);
}

static bool is_cooling(const struct standing *k, uint32_t agent, engine_time now)
{
    for (uint32_t i = 0; i < k->cooling_count; i++) {
        if (k->cooling[i].agent == agent && k->cooling[i].until > now) {
            return true;
        }
    }
    return false;
}

/* ---- keys ---- */

static engine_time order_time(const struct standing *k)
{
    engine_time due = k->answer_at == TIME_NEVER ? k->start_at + NO_TARGET : k->answer_at;

    return due - (k->keeps_place ? k->start_at - k->created_at : 0) - k->boost;
}

static struct order_key key_of(const struct order_checker *c, const struct standing *k)
{
    struct order_key key = {order_time(k), k->number};

    if (c->settings->queues[k->queue].order == ORDER_FIFO) {
        key.major = (k->keeps_place ? k->created_at : k->start_at) - k->boost;
    } else if (c->settings->queues[k->queue].order == ORDER_STRICT) {
        /* The tier first; below it the time, as far back as is counted. */
        int64_t time = key.major + (INT64_C(1) << 50);

        key.major = ((int64_t)k->tier << 58) + (time < 0 ? 0 : time);
    }
    return key;
}

/* ---- who waits where ---- */

/* Its group: one of its kind, or an empty one made over, or a new one. */
static uint32_t group_for(struct order_checker *c, const struct standing *k)
{
    const struct queue_settings *q = &c->settings->queues[k->queue];
    size_t at = c->group_count;
    struct group *g;

    for (size_t i = 0; i < c->group_count; i++) {
        g = &c->groups[i];
        if (g->queue == k->queue && g->channel == k->channel && g->held_for == k->held_for &&
            same_needs(&g->own, &k->needs)) {
            return (uint32_t)i;
        }
        at = g->order.root == 0 ? i : at;
    }
    if (at == c->group_count) {
        c->group_count++;
        c->groups = room_for(c->groups, &c->group_capacity, c->group_count, sizeof(*c->groups));
    }
    g = &c->groups[at];
    *g = (struct group){.queue = k->queue,
                        .channel = k->channel,
                        .held_for = k->held_for,
                        .own = k->needs,
                        .needs = k->needs};
    need_all(c, &g->needs, q->required, q->required_count);
    return (uint32_t)at;
}

static void leave(struct order_checker *c, uint32_t contact)
{
    struct standing *k = &c->contacts[contact];

    if (k->waits) {
        k->waits = false;
        order_set_remove(&c->in_group, &c->groups[k->group].order, contact);
        order_set_remove(&c->in_queue, &c->queues[k->queue], contact);
    }
}

static void touch_contact(struct order_checker *c, uint32_t contact)
{
    struct standing *k = &c->contacts[contact];

    if (!k->touched) {
        k->touched = true;
        c->touched =
            room_for(c->touched, &c->touched_capacity, c->touched_count + 1, sizeof(*c->touched));
        c->touched[c->touched_count++] = contact;
    }
}

static void stand(struct order_checker *c, uint32_t contact)
{
    struct standing *k = &c->contacts[contact];
    struct order_key key = key_of(c, k);
    size_t count;

    k->waits = true;
    k->group = group_for(c, k);
    order_set_insert(&c->in_group, &c->groups[k->group].order, contact, key);
    order_set_insert(&c->in_queue, &c->queues[k->queue], contact, key);
    count = order_set_count(&c->in_queue, &c->queues[k->queue]);
    c->longest_queue = count > c->longest_queue ? count : c->longest_queue;
    touch_contact(c, contact);
}

/* ---- cool-downs ---- */

static void wake_at(struct order_checker *c, engine_time at, uint32_t contact)
{
    size_t i = c->wake_count++;

    c->wakes = room_for(c->wakes, &c->wake_capacity, c->wake_count, sizeof(*c->wakes));
    while (i > 0 && c->wakes[(i - 1) / 2].at > at) {
        c->wakes[i] = c->wakes[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c->wakes[i] = (struct wake){at, contact};
}

static void wake_first(struct order_checker *c)
{
    struct wake last = c->wakes[--c->wake_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < c->wake_count && c->wakes[child + 1].at < c->wakes[child].at) {
            child++;
        }
        if (child >= c->wake_count || c->wakes[child].at >= last.at) {
            break;
        }
        c->wakes[i] = c->wakes[child];
        i = child;
    }
    c->wakes[i] = last;
}

static void cool(struct order_checker *c, uint32_t contact, uint32_t agent, engine_time until)
{
    struct standing *k = &c->contacts[contact];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < k->cooling_count; i++) {
        if (k->cooling[i].agent != agent) {
            k->cooling[kept++] = k->cooling[i];
        }
    }
    k->cooling_count = kept;
    if (until != TIME_NEVER) {
        k->cooling = memory_resize(k->cooling, (kept + 1u) * sizeof(*k->cooling));
        k->cooling[k->cooling_count++] = (struct cooling){agent, until};
        wake_at(c, until, contact);
    }
}

/* ---- the checks ---- */

/* The first of a group that this agent may be offered now; NOBODY. */
static uint32_t first_warm(const struct order_checker *c, const struct group *g, uint32_t agent,
                           engine_time now)
{
    uint32_t n = order_set_first(&c->in_group, &g->order);

    while (n != NOBODY && is_cooling(&c->contacts[n], agent, now)) {
        n = order_set_next(&c->in_group, &g->order, c->in_group.nodes[n].key);
    }
    return n;
}

static const char *why_not(struct order_checker *c, uint32_t agent, uint32_t contact,
                           engine_time now)
{
    const struct standing *k = &c->contacts[contact];
    const struct worker *a = &c->workers[agent];
    const struct group *g = &c->groups[k->group];

    return !a->available || !a->connected                  ? "it is not there"
           : !serves(c, a, k->queue)                       ? "it does not serve the queue"
           : !can(a, &g->needs)                            ? "it lacks a skill"
           : g->held_for != NOBODY && g->held_for != agent ? "another is waited for"
           : is_cooling(k, agent, now)                     ? "it cools down"
                                                           : NULL;
}

/* What an agent compares between queues: its own rank of them, then the deadline. */
static uint32_t rank_of(const struct order_checker *c, const struct worker *a, queue_index queue)
{
    for (uint32_t i = 0; a->ranked && i < a->queue_count; i++) {
        if (text_equal(a->queues[i], c->settings->queues[queue].name)) {
            return a->ranks[i];
        }
    }
    return UINT32_MAX;
}

static bool comes_before(const struct order_checker *c, const struct worker *a, uint32_t one,
                         uint32_t other)
{
    const struct standing *x = &c->contacts[one], *y = &c->contacts[other];
    uint32_t rank_x = rank_of(c, a, x->queue), rank_y = rank_of(c, a, y->queue);

    return rank_x != rank_y ? rank_x < rank_y
                            : order_before((struct order_key){order_time(x), x->number},
                                           (struct order_key){order_time(y), y->number});
}

/* Inside a queue its order decides, between queues the agent's ranks and then the deadline: of the
 * first of each queue the agent is offered the one that comes before the others. */
static void check_between_queues(struct order_checker *c, const struct sighting *s)
{
    uint32_t first_of[64];

    assert(c->queue_count <= sizeof(first_of) / sizeof(first_of[0]));
    memset(first_of, 0xff, sizeof(first_of));
    for (size_t i = 0; i < c->group_count; i++) {
        const struct group *g = &c->groups[i];
        uint32_t *first = &first_of[g->queue];
        uint32_t n;

        if (g->order.root == 0 || !may_have(c, s->agent, g)) {
            continue;
        }
        n = first_warm(c, g, s->agent, s->fact->at);
        if (n != NOBODY && (*first == NOBODY || order_before(c->in_group.nodes[n].key,
                                                             c->in_group.nodes[*first].key))) {
            *first = n;
        }
    }
    for (uint32_t q = 0; q < c->queue_count; q++) {
        if (first_of[q] != NOBODY && first_of[q] != s->contact &&
            comes_before(c, &c->workers[s->agent], first_of[q], s->contact)) {
            watch_found(
                c->watch, &checker_order,
                TEXT_FORMAT " offered to " TEXT_FORMAT " before " TEXT_FORMAT " of another queue",
                TEXT_ARGS(s->fact->subject), TEXT_ARGS(watch_agent_name(c->watch, s->agent)),
                TEXT_ARGS(watch_contact_name(c->watch, first_of[q])));
        }
    }
}

static void check_offer(struct order_checker *c, const struct sighting *s)
{
    uint32_t contact = s->contact, agent = s->agent;
    const struct standing *k = &c->contacts[contact];
    struct order_key key = c->in_group.nodes[contact].key;
    const char *wrong = why_not(c, agent, contact, s->fact->at);

    c->offers_checked++;
    if (wrong != NULL) {
        watch_found(c->watch, &checker_order, TEXT_FORMAT " offered to " TEXT_FORMAT ", and %s",
                    TEXT_ARGS(s->fact->subject), TEXT_ARGS(watch_agent_name(c->watch, agent)),
                    wrong);
    }
    for (size_t i = 0; i < c->group_count; i++) {
        const struct group *g = &c->groups[i];
        uint32_t first;

        if (g->order.root == 0 || g->queue != k->queue || !may_have(c, agent, g)) {
            continue;
        }
        first = first_warm(c, g, agent, s->fact->at);
        if (first != NOBODY && order_before(c->in_group.nodes[first].key, key)) {
            watch_found(c->watch, &checker_order,
                        TEXT_FORMAT " offered to " TEXT_FORMAT " before " TEXT_FORMAT,
                        TEXT_ARGS(s->fact->subject), TEXT_ARGS(watch_agent_name(c->watch, agent)),
                        TEXT_ARGS(watch_contact_name(c->watch, first)));
        }
    }
    check_between_queues(c, s);
}

static bool is_idle(const struct worker *a)
{
    return a->available && a->connected && !a->pull;
}

/* Nobody may be idle who could take somebody that waits. Who pulls decides for itself when it is.
 */
static void check_agent_idle(struct order_checker *c, uint32_t agent, engine_time now)
{
    if (!is_idle(&c->workers[agent])) {
        return;
    }
    c->idle_checked++;
    for (size_t i = 0; i < c->group_count; i++) {
        uint32_t first;

        if (c->groups[i].order.root == 0 || !may_have(c, agent, &c->groups[i])) {
            continue;
        }
        first = first_warm(c, &c->groups[i], agent, now);
        if (first != NOBODY) {
            watch_found(c->watch, &checker_order,
                        TEXT_FORMAT " is idle, and " TEXT_FORMAT " waits for it",
                        TEXT_ARGS(watch_agent_name(c->watch, agent)),
                        TEXT_ARGS(watch_contact_name(c->watch, first)));
        }
    }
}

static void check_contact_waits(struct order_checker *c, uint32_t contact, engine_time now)
{
    const struct standing *k = &c->contacts[contact];

    for (uint32_t agent = 0; k->waits && agent < c->worker_capacity; agent++) {
        if (is_idle(&c->workers[agent]) && may_have(c, agent, &c->groups[k->group]) &&
            !is_cooling(k, agent, now)) {
            watch_found(c->watch, &checker_order, TEXT_FORMAT " waits, and " TEXT_FORMAT " is idle",
                        TEXT_ARGS(watch_contact_name(c->watch, contact)),
                        TEXT_ARGS(watch_agent_name(c->watch, agent)));
        }
    }
}

/* Who has left is waited for by nobody. */
static void check_left(struct order_checker *c, uint32_t agent)
{
    for (size_t i = 0; i < c->group_count; i++) {
        if (c->groups[i].held_for == agent && c->groups[i].order.root != 0) {
            uint32_t first = order_set_first(&c->in_group, &c->groups[i].order);

            watch_found(c->watch, &checker_order,
                        TEXT_FORMAT " still waits for " TEXT_FORMAT ", which has left",
                        TEXT_ARGS(watch_contact_name(c->watch, first)),
                        TEXT_ARGS(watch_agent_name(c->watch, agent)));
        }
    }
}

/* ---- facts ---- */

static void new_contact(struct order_checker *c, const struct sighting *s)
{
    const struct fact_NEW_CONTACT *n = &s->fact->new_contact;
    struct standing *k;

    c->contacts =
        room_for(c->contacts, &c->contact_capacity, (size_t)s->contact + 1, sizeof(*c->contacts));
    c->contact_count = s->contact + 1;
    k = &c->contacts[s->contact];
    *k = (struct standing){
        .queue = n->queue,
        .channel = n->channel,
        .tier = n->tier,
        .keeps_place = n->keeps_place,
        .number = n->number,
        .created_at = s->fact->at,
        .start_at = n->start_at,
        .answer_at = n->answer_at,
        .boost = n->boost == DURATION_NONE ? 0 : n->boost,
        .preferred = s->preferred,
        .held_for = n->hold_until == TIME_NEVER ? NOBODY : s->preferred,
    };
    need_all(c, &k->needs, n->skills.items, n->skills.count);
    if (s->fact->kind == FACT_CONTACT_QUEUED) {
        stand(c, s->contact);
    }
}

static void updated(struct order_checker *c, uint32_t contact, const struct fact_CONTACT_UPDATED *u)
{
    struct standing *k = &c->contacts[contact];
    bool waits = k->waits;

    leave(c, contact);
    k->queue = u->queue == INDEX_NONE16 ? k->queue : u->queue;
    k->tier = u->tier == INDEX_NONE8 ? k->tier : u->tier;
    k->boost = u->boost == DURATION_NONE ? k->boost : u->boost;
    k->answer_at = u->answer_at == TIME_NEVER ? k->answer_at : u->answer_at;
    if (u->skills_given) {
        k->needs.count = 0;
        need_all(c, &k->needs, u->skills.items, u->skills.count);
    }
    if (waits) {
        stand(c, contact);
    }
}

static void given_back(struct order_checker *c, const struct sighting *s)
{
    const struct fact_CONTACT_GIVEN_BACK *g = &s->fact->given_back;
    struct standing *k = &c->contacts[s->contact];

    k->queue = g->queue == INDEX_NONE16 ? k->queue : g->queue;
    if (g->skills_given) {
        k->needs.count = 0;
        need_all(c, &k->needs, g->skills.items, g->skills.count);
    }
    k->preferred = s->preferred;
    k->held_for = g->hold_until == TIME_NEVER ? NOBODY : s->preferred;
    if (g->not_before_at == TIME_NEVER) {
        stand(c, s->contact);
    }
}

/* Which place a contact has after a fact about it. */
static void place(struct order_checker *c, const struct sighting *s)
{
    const struct fact *f = s->fact;
    struct standing *k;
    bool waits;

    if (f->kind == FACT_CONTACT_QUEUED || f->kind == FACT_CONTACT_SCHEDULED) {
        new_contact(c, s);
        return;
    }
    if (s->contact >= c->contact_count) {
        return; /* checker_life says so */
    }
    k = &c->contacts[s->contact];
    waits = k->waits;
    switch ((int)f->kind) {
    case FACT_CONTACT_WOKEN:
        k->start_at = f->woken.start_at;
        k->answer_at = f->woken.answer_at;
        k->held_for = f->woken.hold_until == TIME_NEVER ? NOBODY : k->preferred;
        stand(c, s->contact);
        break;
    case FACT_CONTACT_UPDATED:
        updated(c, s->contact, &f->updated);
        break;
    case FACT_CONTACT_MOVED:
    case FACT_CONTACT_ESCALATED:
        leave(c, s->contact);
        k->queue = f->moved.queue;
        k->cooling_count = 0; /* a visit of its own: other people there */
        k->held_for = NOBODY;
        if (waits) {
            stand(c, s->contact);
        }
        break;
    case FACT_CONTACT_OPENED:
        leave(c, s->contact);
        k->held_for = NOBODY;
        stand(c, s->contact);
        break;
    case FACT_CONTACT_OFFERED:
        if (waits && !f->offered.named && s->agent < c->worker_capacity) {
            check_offer(c, s);
        }
        leave(c, s->contact);
        break;
    case FACT_OFFER_ACCEPTED:
        k->cooling_count = 0;
        break;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        k->held_for = NOBODY; /* who was waited for has had its turn */
        cool(c, s->contact, s->agent, f->offer_ended.cool_until);
        if (!waits) {
            stand(c, s->contact);
        }
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        if (!waits) {
            given_back(c, s);
        }
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        leave(c, s->contact);
        memory_give(k->cooling);
        k->cooling = NULL;
        k->cooling_count = 0;
        break;
    default:
        break;
    }
}

static struct worker *worker(struct order_checker *c, uint32_t agent)
{
    c->workers = room_for(c->workers, &c->worker_capacity, (size_t)agent + 1, sizeof(*c->workers));
    return &c->workers[agent];
}

static void put(struct order_checker *c, const struct sighting *s)
{
    struct worker *a = worker(c, s->agent);
    const struct fact_AGENT_PUT *p = &s->fact->agent_put;

    memset(a->level, 0, sizeof(a->level));
    for (uint32_t i = 0; i < p->skills.count; i++) {
        uint32_t skill = name_map_number(&c->skills, p->skills.items[i].skill);
        uint8_t level = p->skills.items[i].level;

        a->level[skill] = level > a->level[skill] ? level : a->level[skill];
    }
    a->all_queues = p->all_queues;
    a->ranked = a->all_queues && p->queues.count > 0;
    forget_queues(a);
    for (uint32_t i = 0; i < p->queues.count && i < AGENT_QUEUES; i++) {
        struct text name = p->queues.items[i].queue;

        a->ranks[a->queue_count] = p->queues.items[i].rank;
        a->ranked = a->ranked || a->ranks[a->queue_count] != a->ranks[0];
        a->queues[a->queue_count++] =
            (struct text){memory_copy(name.bytes, name.length), name.length};
    }
}

static void presence(struct order_checker *c, const struct sighting *s)
{
    struct worker *a = worker(c, s->agent);
    const struct fact *f = s->fact;

    a->touched = true;
    switch ((int)f->kind) {
    case FACT_AGENT_PUT:
        put(c, s);
        break;
    case FACT_AGENT_SIGNED_IN:
        a->available = f->signed_in.available;
        a->connected = true;
        a->pull = f->signed_in.pull;
        break;
    case FACT_AGENT_AVAILABLE:
        a->available = true;
        break;
    case FACT_AGENT_AWAY:
        a->available = false;
        a->left = true;
        break;
    case FACT_AGENT_LOST:
        a->connected = false;
        a->left = true;
        break;
    default: /* signed out, removed */
        a->available = a->connected = false;
        a->left = true;
        break;
    }
}

/* Queues are known by name: a new configuration may count them anew, require other skills, order
 * otherwise. All who wait are put in line again under the new rules. */
static void configured(struct order_checker *c, struct settings *settings)
{
    struct settings *old = c->settings;
    queue_index *map = old == NULL ? NULL : watch_queue_map(old, settings);
    uint32_t *waiting = NULL;
    size_t count = 0, capacity = 0;

    for (uint32_t n = 0; n < c->contact_count; n++) {
        if (c->contacts[n].waits) {
            waiting = room_for(waiting, &capacity, count + 1, sizeof(*waiting));
            waiting[count++] = n;
            leave(c, n);
        }
        if (map != NULL) {
            c->contacts[n].queue = map[c->contacts[n].queue];
        }
    }
    memory_give(map);
    c->group_count = 0; /* all are empty, and of the old rules */
    settings_retain(settings);
    c->settings = settings;
    if (old != NULL) {
        settings_release(old);
    }
    memory_give(c->queues);
    c->queues = memory_take(settings->queue_count * sizeof(*c->queues));
    c->queue_count = settings->queue_count;
    for (size_t i = 0; i < count; i++) {
        stand(c, waiting[i]);
    }
    memory_give(waiting);
    for (size_t i = 0; i < c->worker_capacity; i++) {
        c->workers[i].touched = true;
    }
}

static void fact(void *self, const struct sighting *s)
{
    struct order_checker *c = self;
    uint32_t freed = load_freed(&c->book, s);

    if (freed != NOBODY) {
        worker(c, freed)->touched = true;
    }
    switch (fact_kind_row(s->fact->kind)->subject) {
    case SUBJECT_CONTACT:
        if (s->contact != NOBODY) {
            place(c, s);
        }
        break;
    case SUBJECT_AGENT:
        presence(c, s);
        break;
    case SUBJECT_WORKSPACE:
        if (s->fact->kind == FACT_CONFIG_APPLIED) {
            configured(c, s->settings);
        } else if (s->fact->kind == FACT_OWNER_STARTED) {
            for (size_t i = 0; i < c->worker_capacity; i++) {
                c->workers[i].connected = false;
            }
        }
        break;
    case SUBJECT_CONNECTOR:
        break;
    }
    load_book_fact(&c->book, s);
}

static void answer(void *self, const struct request_seen *r, const struct answer_seen *a)
{
    struct order_checker *c = self;
    const struct standing *k;
    size_t counted;

    if ((a->kind != ANSWER_SUBMITTED && a->kind != ANSWER_UPDATED) || a->ended ||
        r->contact >= c->contact_count) {
        return;
    }
    k = &c->contacts[r->contact];
    counted = k->waits ? 1 + order_set_before(&c->in_queue, &c->queues[k->queue],
                                              c->in_queue.nodes[r->contact].key)
                       : 0;
    c->positions_checked++;
    if (counted <= POSITION_EXACT ? a->position != counted
                                  : a->position > counted || a->position < POSITION_EXACT) {
        watch_found(c->watch, &checker_order, TEXT_FORMAT ": position %zu, counted %zu",
                    TEXT_ARGS(a->contact), a->position, counted);
    }
}

static void step_over(void *self, engine_time now)
{
    struct order_checker *c = self;

    while (c->wake_count > 0 && c->wakes[0].at <= now) {
        touch_contact(c, c->wakes[0].contact);
        wake_first(c);
    }
    for (uint32_t i = 0; i < c->worker_capacity; i++) {
        if (c->workers[i].touched) {
            c->workers[i].touched = false;
            check_agent_idle(c, i, now);
        }
        if (c->workers[i].left) {
            c->workers[i].left = false;
            if (!c->workers[i].available || !c->workers[i].connected) {
                check_left(c, i);
            }
        }
    }
    for (size_t i = 0; i < c->touched_count; i++) {
        c->contacts[c->touched[i]].touched = false;
        check_contact_waits(c, c->touched[i], now);
    }
    c->touched_count = 0;
}

static void report(void *self, FILE *out)
{
    const struct order_checker *c = self;

    fprintf(out,
            "offers compared with all who waited: %" PRIu64 ", agents asked whether they must be "
            "idle: %" PRIu64 ", positions recounted: %" PRIu64 ", longest queue: %" PRIu64 "\n",
            c->offers_checked, c->idle_checked, c->positions_checked, c->longest_queue);
}

const struct checker checker_order = {
    .name = "order",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .answer = answer,
    .step_over = step_over,
    .report = report,
};
