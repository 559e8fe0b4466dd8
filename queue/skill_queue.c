#include "queue/skill_queue.h"

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
